//! The taking of one preset. A preset is a hand's to edit, so one that is there and differs is left alone.

use super::report::Outcome;
use super::take::Taker;
use crate::commit::durable;
use crate::error::{Error, Result};
use crate::model::PresetName;
use crate::report::Problem;

impl Taker<'_> {
    /// Takes a preset; none if it could not be had, and the problems say why.
    pub(super) fn preset(
        &self,
        name: &PresetName,
        problems: &mut Vec<Problem>,
    ) -> Result<Option<Outcome>> {
        self.origin.fetch_preset(name, &self.staging)?;
        let mut found = Vec::new();
        let staged = self.staging.load_preset(name, &mut found);
        let address = self.origin.preset_address(name);
        problems.extend(found.into_iter().map(|problem| Problem {
            path: address.clone(),
            ..problem
        }));
        let Some(staged) = staged else {
            return Ok(None);
        };
        let (fetched, file) = (self.staging.preset(name), self.source.preset(name));
        let contents = fetched.parent().unwrap_or(&fetched);
        let place = file.parent().unwrap_or(&file);
        durable::sync_file_systems([contents])?;
        self.locked(|| {
            let presets = self.source.presets();
            if presets.is_symlink() {
                return Err(Error::refused(
                    presets,
                    "it is a symbolic link, which is not followed",
                ));
            }
            if place.symlink_metadata().is_err() {
                self.source.admit(contents, place)?;
                return Ok(Some(Outcome::Taken));
            }
            match self.source.load_preset(name, &mut Vec::new()) {
                Some(held) if held == staged => Ok(Some(Outcome::There)),
                _ => {
                    let why = format!("{} is another one, which is left alone", file.display());
                    Err(Error::refused(&address, why))
                }
            }
        })
    }
}
