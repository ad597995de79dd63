//! What the commands that ask a registry have in common: the token, and what is told while one waits.

use std::env;
use std::fs;
use std::path::Path;
use std::time::Duration;

use ureq::Body;
use ureq::http::Response;

use crate::client::answer::Answer;
use crate::client::{BearerToken, Client, NoToken, Passing};
use crate::error::{At, Error, Result};
use crate::public_url::PublicUrl;

/// A registry that takes nothing from who has no token.
///
/// # Errors
/// No token, or one that may not be sent there.
pub(super) fn client(url: &PublicUrl, token_file: Option<&Path>) -> Result<Client> {
    let token = token(token_file)?.ok_or_else(|| {
        Error::refused(
            "RACK_TOKEN",
            "no token: set this variable, or name a file with `--token-file`",
        )
    })?;
    Client::new(url.clone(), Some(token))
}

/// Never from a flag: command lines are for everyone to see.
pub(super) fn token(file: Option<&Path>) -> Result<Option<BearerToken>> {
    let token = match file {
        Some(path) => fs::read_to_string(path).at("read", path)?,
        None => env::var("RACK_TOKEN").unwrap_or_default(),
    };
    match (file, token.trim()) {
        (None, "") => Ok(None),
        (from, token) => token
            .parse()
            .map(Some)
            .map_err(|why: NoToken| Error::refused(from.unwrap_or("RACK_TOKEN".as_ref()), why)),
    }
}

/// Asks until the answer stands, and tells of each try that is to follow.
///
/// # Errors
/// No answer at all. One that says no is an answer.
pub(super) fn ask(
    client: &Client,
    url: &str,
    mut attempt: impl FnMut() -> Result<Result<Response<Body>, Passing>>,
) -> Result<Answer> {
    let tell = |passing: &Passing, pause| tell_of_retry(url, passing, pause);
    let whole = || Ok(attempt()?.and_then(Answer::read_whole));
    match client.patiently(tell, whole)? {
        Ok(answer) => Ok(answer),
        Err(Passing::Answer(answer)) => Ok(answer),
        Err(passing) => Err(client.give_up(url, passing)),
    }
}

/// Tells that a URL is to be asked for again, why, and after how long.
pub(super) fn tell_of_retry(url: &str, passing: &Passing, pause: Duration) {
    let seconds = pause.as_secs_f32();
    anstream::eprintln!("{url}: {passing}; trying again in {seconds:.1} s");
}

/// What answers, and says nothing that a registry would.
pub(super) fn no_registry(url: &str) -> Error {
    Error::refused(url, "whoever answers there is no registry")
}
