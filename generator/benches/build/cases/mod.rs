//! The cases, a file each: what is measured, the limit beside it, the goal.

pub(crate) mod full;
pub(crate) mod idle;
pub(crate) mod listing;
pub(crate) mod memory;
pub(crate) mod publish;
pub(crate) mod variants;

use std::ffi::OsStr;

use crate::Result;
use crate::meter::{self, Ran};
use crate::synthetic::Folders;

/// Builds a registry with the real binary and the default settings.
pub(crate) fn build(folders: &Folders) -> Result<Ran> {
    let (public, private, state) = (folders.public(), folders.private(), folders.state());
    let command: [&OsStr; 11] = [
        env!("CARGO_BIN_EXE_rackgen").as_ref(),
        "build".as_ref(),
        "--open".as_ref(),
        "--source".as_ref(),
        folders.source.as_ref(),
        "--public".as_ref(),
        public.as_ref(),
        "--private".as_ref(),
        private.as_ref(),
        "--state".as_ref(),
        state.as_ref(),
    ];
    meter::run(&command)
}
