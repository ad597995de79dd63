//! Settings: flags win over the environment, the environment over `rack.toml`, the file over the defaults
//! (interface.md). Read once at the edge; nothing below asks the environment.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use clap::builder::BoolishValueParser;
use serde::Deserialize;

use crate::access::Access;
use crate::audit::Rotation;
use crate::coding::Encodings;
use crate::commit::OutputSettings;
use crate::compress::Compression;
use crate::error::{At, Error, Result};
use crate::folders::Folders;
use crate::package::Limits;
use crate::public_url::PublicUrl;
use crate::rate::Rate;
use crate::schema::{DidYouMean, nearest};
use crate::token::lifetime::Lifetime;
use crate::watchers::Watchers;
use crate::webhook::{DeliverySettings, WebhookSource};

/// The flags that `rackgen` and `rackd` share, with their environment variables.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Shared settings")]
pub struct SharedArgs {
    /// The configuration file [default: rack.toml if it is there]
    #[arg(long, env = "RACK_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The source tree [default: source]
    #[arg(long, env = "RACK_SOURCE", value_name = "DIR")]
    pub source: Option<PathBuf>,
    /// The public tree [default: public]
    #[arg(long, env = "RACK_PUBLIC", value_name = "DIR")]
    pub public: Option<PathBuf>,
    /// The private tree [default: private]
    #[arg(long, env = "RACK_PRIVATE", value_name = "DIR")]
    pub private: Option<PathBuf>,
    /// Record of the last build, intents, keys [default: state]
    #[arg(long, env = "RACK_STATE", value_name = "DIR")]
    pub state: Option<PathBuf>,
    /// The access file: which namespaces there are, who may read them [default: access.json]
    #[arg(long, env = "RACK_ACCESS", value_name = "FILE")]
    pub access: Option<PathBuf>,
    /// There is no access file on purpose: every namespace is open to read
    #[arg(long, env = "RACK_OPEN", value_name = "BOOL", num_args = 0..=1, require_equals = true,
        default_missing_value = "true", value_parser = BoolishValueParser::new())]
    pub open: Option<bool>,
    /// Which variants are made, of br, gzip, zstd; empty for none [default: br,gzip]
    #[arg(long, env = "RACK_ENCODINGS", value_name = "LIST")]
    pub encodings: Option<Encodings>,
    /// How small variants are made: fast, balanced or best [default: balanced]
    #[arg(
        long,
        env = "RACK_COMPRESSION",
        value_name = "LEVEL",
        hide_possible_values = true
    )]
    pub compression: Option<Compression>,
    /// The webhooks file: who is told of changes; without one nobody is [default: webhooks.json]
    #[arg(long, env = "RACK_WEBHOOKS", value_name = "FILE")]
    pub webhooks: Option<PathBuf>,
    /// Where clients reach the registry: for a path prefix, and for what leaves the house
    #[arg(long, env = "RACK_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<PublicUrl>,
}

/// What may stand in `rack.toml`. Paths in it are relative to it.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs, reason = "interface.md says what each key is")]
pub struct ConfigFile {
    pub source: Option<PathBuf>,
    pub public: Option<PathBuf>,
    pub private: Option<PathBuf>,
    pub state: Option<PathBuf>,
    pub access: Option<PathBuf>,
    pub open: Option<bool>,
    pub encodings: Option<Encodings>,
    pub compression: Option<Compression>,
    pub public_url: Option<PublicUrl>,
    pub webhooks: Option<PathBuf>,
    pub webhook: DeliverySettings,
    pub listen: Option<String>,
    pub serve_reads: Option<bool>,
    pub max_upload: Option<bytesize::ByteSize>,
    pub trust_proxy: Option<usize>,
    pub rate_limit: Option<Rate>,
    pub rate_limit_reads: Option<Rate>,
    pub read_only: Option<bool>,
    pub log: Option<String>,
    pub log_level: Option<String>,
    pub max_token_age: Option<Lifetime>,
    pub limits: Limits,
    pub audit: Rotation,
    pub metrics: Watchers,
}

/// Where the decision what is public comes from.
#[derive(Debug, Clone)]
pub enum AccessSource {
    /// From this file.
    File(PathBuf),
    /// Everything is.
    Open,
}

impl AccessSource {
    /// The decision, as it stands now.
    pub fn load(&self) -> Result<Access> {
        match self {
            Self::File(path) => Access::load(path),
            Self::Open => Ok(Access::Open),
        }
    }
}

/// The shared settings, resolved.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The four folders.
    pub folders: Folders,
    /// What is public.
    pub access: AccessSource,
    /// How outputs are made.
    pub outputs: OutputSettings,
    /// How large a package may be.
    pub limits: Limits,
    /// How much of the audit log is kept.
    pub audit: Rotation,
    /// Where clients reach the registry.
    pub public_url: Option<PublicUrl>,
    /// Who is told of changes.
    pub webhooks: WebhookSource,
}

/// The configuration file, where none is named.
const DEFAULT_FILE: &str = "rack.toml";

/// The access file, where none is named.
const DEFAULT_ACCESS: &str = "access.json";

/// The webhooks file, where none is named.
const DEFAULT_WEBHOOKS: &str = "webhooks.json";

impl SharedArgs {
    /// Reads the configuration file, if there is one, and settles every shared setting.
    pub fn resolve(self) -> Result<(Settings, ConfigFile)> {
        let file = self.read_file()?;
        let beside = self.folder().join(DEFAULT_WEBHOOKS);
        let legacy = |name| legacy_variable(name).map(PathBuf::from);
        let folder = |flag: Option<PathBuf>, file: &Option<PathBuf>, default: &str| {
            flag.or_else(|| file.clone())
                .unwrap_or_else(|| default.into())
        };
        let webhooks_flag = self.webhooks.or_else(|| legacy("WEBHOOK_CONFIG_PATH"));
        let access_flag = self.access.or_else(|| legacy("AUTH_CONFIG_PATH"));
        let open = self.open.or(file.open).unwrap_or(false);
        if open && (access_flag.is_some() || file.access.is_some()) {
            let why = "`open` makes every namespace public, and `access` names a file that says which are; \
                       keep one of the two";
            return Err(Error::refused("open", why));
        }
        if open && is_there(DEFAULT_ACCESS) {
            let why = format!(
                "`open` makes every namespace public, and there is {DEFAULT_ACCESS} in this folder, which says which \
                 are; drop `open`, or move that file away"
            );
            return Err(Error::refused("open", why));
        }
        let settings = Settings {
            folders: Folders {
                source: folder(
                    self.source.or_else(|| legacy("STORAGE_ROOT")),
                    &file.source,
                    "source",
                ),
                public: folder(self.public, &file.public, "public"),
                private: folder(self.private, &file.private, "private"),
                state: folder(self.state, &file.state, "state"),
            },
            access: match open {
                true => AccessSource::Open,
                false => AccessSource::File(folder(access_flag, &file.access, DEFAULT_ACCESS)),
            },
            outputs: OutputSettings {
                encodings: self
                    .encodings
                    .or_else(|| file.encodings.clone())
                    .unwrap_or_default(),
                compression: self.compression.or(file.compression).unwrap_or_default(),
            },
            limits: file.limits.clone(),
            audit: file.audit.clone(),
            public_url: self.public_url.or_else(|| file.public_url.clone()),
            webhooks: WebhookSource {
                // Beside rack.toml it may come later: `rackgen init` names it there.
                is_named: webhooks_flag.is_some()
                    || file.webhooks.as_ref().is_some_and(|path| *path != beside),
                path: folder(webhooks_flag, &file.webhooks, DEFAULT_WEBHOOKS),
                reach: file.webhook.reach,
            },
        };
        Ok((settings, file))
    }

    /// The folder of the configuration file.
    fn folder(&self) -> &Path {
        let file = self.config.as_deref();
        file.and_then(Path::parent).unwrap_or(Path::new(""))
    }

    fn read_file(&self) -> Result<ConfigFile> {
        let Some(path) = file_to_read(self.config.as_deref()) else {
            return Ok(ConfigFile::default());
        };
        let text = fs::read_to_string(path).at("read", path)?;
        let mut file = parse(&text).map_err(|why| Error::refused(path, why))?;
        let folder = self.folder();
        for path in [
            &mut file.source,
            &mut file.public,
            &mut file.private,
            &mut file.state,
            &mut file.access,
            &mut file.webhooks,
        ] {
            *path = path.take().map(|path| folder.join(path));
        }
        Ok(file)
    }
}

/// The configuration file: the one that is named, else the default one if there is one.
pub fn file_to_read(named: Option<&Path>) -> Option<&Path> {
    named.or_else(|| is_there(DEFAULT_FILE).then_some(Path::new(DEFAULT_FILE)))
}

/// Whether something has that name, also what cannot be looked at: only a file that is surely not there gates nothing.
fn is_there(path: &str) -> bool {
    fs::symlink_metadata(path).map_or_else(|cause| cause.kind() != ErrorKind::NotFound, |_| true)
}

/// A variable of the server that we replace: it works where ours is not set (interface.md, "Configuration"). An empty
/// one counts as none.
pub fn legacy_variable(name: &str) -> Option<OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}

/// The address that such variables say to listen on, if one of them is there: `HOST` and `PORT`.
pub fn legacy_listen() -> Option<String> {
    let [host, port] = ["HOST", "PORT"].map(|name| legacy_variable(name)?.into_string().ok());
    (host.is_some() || port.is_some()).then(|| {
        let host = host.unwrap_or_else(|| "127.0.0.1".into());
        format!("{host}:{}", port.unwrap_or_else(|| "8080".into()))
    })
}

fn parse(text: &str) -> Result<ConfigFile, String> {
    toml::from_str(text).map_err(|fault| {
        let start = fault.span().map_or(0, |span| span.start);
        let before = text.get(..start).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        // A fault of a value is in the line of its key, but in long lists, where the line has to do.
        let line_before = before.rsplit('\n').next().unwrap_or_default();
        let key = line_before.split_once('=').map(|(key, _)| key.trim());
        format!("line {line}: {}", in_words(fault.message(), key))
    })
}

/// What the parser says, in words of the file and not of this program.
fn in_words(message: &str, key: Option<&str>) -> String {
    let message = message.lines().next().unwrap_or(message);
    let (said, expected) = message.rsplit_once(", expected ").unwrap_or((message, ""));
    if said.starts_with("unknown field") {
        // The list of all known keys is left out: one that is near is named.
        return format!("{said}{}", DidYouMean(nearest_key(message)));
    }
    let given = ["invalid type: ", "invalid value: ", "unknown variant "]
        .iter()
        .find_map(|kind| said.strip_prefix(kind));
    match (key, given) {
        (Some(key), Some(given)) => format!("`{key}` takes {}, not {given}", taken(expected)),
        (Some(key), None) => format!("`{key}`: {message}"),
        (None, _) => message.to_owned(),
    }
}

/// What a setting takes; `expected` is a word of serde's or of a type.
fn taken(expected: &str) -> &str {
    match expected {
        "usize" | "u64" => "a whole number from 0 on",
        "u32" => "a whole number from 0 to 4294967295",
        "a boolean" => "true or false",
        "a string" => "words in quotes",
        "path string" => "a path in quotes",
        "a sequence" => "a list, as [\"…\"]",
        // Those of bytesize.
        "an integer or string" | "parsable string" | "integer overflow" => "a size, as \"100MiB\"",
        struct_of_ours if struct_of_ours.starts_with("struct ") => "a table of keys",
        words => words.trim_start_matches("one of "),
    }
}

/// serde names the unknown key first and then all that it knows, each in backquotes.
fn nearest_key(message: &str) -> Option<&str> {
    let mut words = message
        .strip_prefix("unknown field")?
        .split('`')
        .skip(1)
        .step_by(2);
    nearest(words.next()?, words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_key_names_the_nearest_known_one() {
        let fault = parse("source = \"s\"\nencoding = \"br\"\n").unwrap_err();
        assert_eq!(
            fault,
            "line 2: unknown field `encoding`; did you mean `encodings`?"
        );
        let fault = parse("[limits]\nmax_entrys = 3\n").unwrap_err();
        assert!(fault.ends_with("did you mean `max_entries`?"), "{fault}");
        let fault = parse("colour = \"red\"\n").unwrap_err();
        assert_eq!(fault, "line 1: unknown field `colour`");
    }

    #[test]
    fn a_value_that_does_not_fit_is_told_by_its_key_and_what_that_takes() {
        for (text, told) in [
            (
                "trust_proxy = \"x\"",
                "line 1: `trust_proxy` takes a whole number from 0 on, not string \"x\"",
            ),
            (
                "trust_proxy = -1",
                "line 1: `trust_proxy` takes a whole number from 0 on, not integer `-1`",
            ),
            (
                "\nopen = \"yes\"",
                "line 2: `open` takes true or false, not string \"yes\"",
            ),
            (
                "max_upload = \"100XB\"",
                "line 1: `max_upload` takes a size, as \"100MiB\", not string \"100XB\"",
            ),
            (
                "max_upload = true",
                "line 1: `max_upload` takes a size, as \"100MiB\", not boolean `true`",
            ),
            (
                "source = 3",
                "line 1: `source` takes a path in quotes, not integer `3`",
            ),
            (
                "listen = 8080",
                "line 1: `listen` takes words in quotes, not integer `8080`",
            ),
            (
                "limits = 3",
                "line 1: `limits` takes a table of keys, not integer `3`",
            ),
            (
                "compression = \"slow\"",
                "line 1: `compression` takes `fast`, `balanced`, `best`, not `slow`",
            ),
            (
                "[metrics]\ntokens = \"ci\"",
                "line 2: `tokens` takes a list, as [\"…\"], not string \"ci\"",
            ),
            (
                "[limits]\nmax_uploads = 4294967296",
                "line 2: `max_uploads` takes a whole number from 0 to 4294967295, not integer `4294967296`",
            ),
            (
                "rate_limit = \"10/s\"",
                "line 1: `rate_limit`: `10/s` is no rate; it is a number above 0 and `/min`, like 1200/min",
            ),
        ] {
            assert_eq!(parse(text).unwrap_err(), told, "{text}");
        }
    }
}
