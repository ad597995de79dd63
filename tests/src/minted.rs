//! Tokens that `rackgen token create` minted.

use serde_json::Value;

use crate::registry::Registry;
use crate::secrets;

/// A token.
#[derive(Debug, Clone)]
pub struct Minted {
    /// What its holder sends.
    pub text: String,
    /// What it is revoked by.
    pub id: String,
}

impl Minted {
    /// Mints a token with these scopes, called `ci`, that lives for a day.
    pub fn mint(registry: &Registry, scopes: &[&str]) -> Self {
        let mut args = vec!["token", "create", "--format", "json"];
        args.extend(["--name", "ci", "--expires", "1d"]);
        args.extend(scopes.iter().flat_map(|scope| ["--scope", scope]));
        let run = registry.rackgen(&args).exits(0);
        let document: Value = serde_json::from_str(&run.stdout).expect("JSON");
        let text = |key: &str| document[key].as_str().expect("a text").to_owned();
        secrets::hand_out(&text("token"));
        Self {
            text: text("token"),
            id: text("id"),
        }
    }

    /// Takes it back.
    pub fn revoke(&self, registry: &Registry) {
        registry.rackgen(&["token", "revoke", &self.id]).exits(0);
    }
}
