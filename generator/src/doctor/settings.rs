//! Which settings are in force, and where each comes from. Whoever read the command line says that; here it is told.

use super::Finding;

/// Where a value was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// On the command line.
    Flag,
    /// In this variable.
    Environment(String),
    /// In the configuration file.
    File,
    /// Nowhere: it is the default.
    Default,
}

/// A setting in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Its key in `rack.toml`.
    pub key: &'static str,
    /// Its value, for people.
    pub value: String,
    /// Where that was found.
    pub origin: Origin,
}

pub(super) fn check(settings: &[Setting]) -> impl Iterator<Item = Finding> {
    settings.iter().map(|Setting { key, value, origin }| {
        let origin = match origin {
            Origin::Flag => format!("--{}", key.replace('_', "-")),
            Origin::Environment(name) => format!("environment, {name}"),
            Origin::File => "rack.toml".to_owned(),
            Origin::Default => "default".to_owned(),
        };
        Finding::ok("settings", format!("{key} = {value} ({origin})"))
    })
}
