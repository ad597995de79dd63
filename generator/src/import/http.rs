//! GET, with patience: what passes by itself is tried again, and what is too long is cut off. What is asked for is the
//! caller's business.

use std::fmt::Display;
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::staged;
use crate::client::answer::{Answer, body_length, is_page};
use crate::client::{Client, Passing};
use crate::error::{At, Error, Result};
use crate::plan::key::PublicKey;
use crate::public_url::PublicUrl;

/// A registry of which things are taken.
#[derive(Debug)]
pub struct Http {
    client: Client,
    tell: Tell,
    /// How many resources in a row could not be had, whatever was tried.
    failed: AtomicU32,
}

/// After so many of them the origin is gone: a proxy before it answers still.
const GONE: u32 = 10;

/// Who hears of each try of a URL that is to follow: why, and after how long.
pub(crate) type Tell = fn(&str, &Passing, Duration);

impl Http {
    /// That registry.
    pub fn new(client: Client, tell: Tell) -> Self {
        Self {
            client,
            tell,
            failed: AtomicU32::new(0),
        }
    }

    /// The address of a resource.
    pub fn url(&self, key: &PublicKey) -> String {
        format!("{}{key}", self.base())
    }

    /// Where the registry is.
    pub fn base(&self) -> &PublicUrl {
        self.client.base()
    }

    /// A document of at most so many bytes.
    pub fn document(&self, key: &PublicKey, most: u64) -> Result<Vec<u8>> {
        let in_memory = Path::new("memory");
        let (bytes, _) = self.get(key, most, in_memory, || Ok(Vec::new()))?;
        Ok(bytes)
    }

    /// A file of at most so many bytes, written to this path; tells how many they were.
    pub fn file(&self, key: &PublicKey, most: u64, path: &Path) -> Result<u64> {
        let (_, len) = self.get(key, most, path, || staged::create(path))?;
        Ok(len)
    }

    /// The bytes of a resource and how many they are, in what `open` gives, which is opened anew for each try.
    fn get<W: Write>(
        &self,
        key: &PublicKey,
        most: u64,
        path: &Path,
        open: impl Fn() -> Result<W>,
    ) -> Result<(W, u64)> {
        let url = self.url(key);
        let tried = self.client.patiently(
            |passing, pause| (self.tell)(&url, passing, pause),
            || {
                let mut into = open()?;
                let len = self.attempt(key, most, &mut into, path)?;
                Ok(len.map(|len| (into, len)))
            },
        );
        if !matches!(tried, Ok(Err(_))) {
            self.failed.store(0, Ordering::Relaxed);
        }
        tried?.map_err(|passing| self.give_up(&url, passing))
    }

    /// What could not be had, and whether anything else can.
    fn give_up(&self, url: &str, passing: Passing) -> Error {
        if self.failed.fetch_add(1, Ordering::Relaxed) + 1 < GONE {
            return self.client.give_up(url, passing);
        }
        let why = format!("{GONE} resources in a row could not be had; of {url}: {passing}");
        Error::Io {
            action: "reach",
            path: self.base().to_string().into(),
            cause: io::Error::other(why),
        }
    }

    /// Asks once, and tells how many bytes came.
    fn attempt(
        &self,
        key: &PublicKey,
        most: u64,
        into: &mut impl Write,
        path: &Path,
    ) -> Result<Result<u64, Passing>> {
        let url = &self.url(key);
        // Of variants nobody knows what they were made of.
        let request = self
            .client
            .request("GET", url)
            .header("accept-encoding", "identity");
        let mut answer = match self.client.ask(request, ())? {
            Ok(answer) => answer,
            Err(passing) => return Ok(Err(passing)),
        };
        if answer.status() != 200 {
            return Err(Error::refused(url, Answer::read(&mut answer)));
        }
        if is_page(&answer) && !key.media_type().is_page() {
            let why = "this is a page for people (`text/html`) and no file of a registry: who answers there, a proxy \
                       that wants a login?";
            return Err(Error::refused(url, why));
        }
        let len = body_length(&answer).map_err(|why| Error::refused(url, why))?;
        let too_long = || {
            Error::refused(
                url,
                format!("it is longer than {most} bytes, and [limits] allows no more"),
            )
        };
        if len.is_some_and(|len| len > most) {
            return Err(too_long());
        }
        let cut = |why: &dyn Display| Passing::Cut(format!("the answer was cut short: {why}"));
        let mut body = answer.body_mut().as_reader();
        let mut buffer = vec![0; 64 * 1024];
        let mut seen = 0;
        loop {
            let count = match body.read(&mut buffer) {
                Ok(0) if len.is_none_or(|len| len == seen) => return Ok(Ok(seen)),
                Ok(0) => return Ok(Err(cut(&format_args!("it ended after {seen} bytes")))),
                Ok(count) => count,
                Err(cause) => return Ok(Err(cut(&cause))),
            };
            seen += count as u64;
            if seen > most {
                return Err(too_long());
            }
            into.write_all(&buffer[..count]).at("write", path)?;
        }
    }
}
