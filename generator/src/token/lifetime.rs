//! How long something is to last, a token above all, as people write it: `90d`, `12h`, `1y`.

use std::fmt;
use std::str::FromStr;

use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use serde::Deserialize;

use crate::model::Shown;

/// A span of time of some length, by the calendar: a day of it has 24 hours (UTC).
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
pub struct Lifetime {
    text: String,
    span: Span,
}

impl Lifetime {
    /// So many days.
    pub fn days(days: u16) -> Self {
        Self {
            text: format!("{days}d"),
            span: Span::new().days(days),
        }
    }

    /// When it has to begin, to be over then.
    ///
    /// # Errors
    /// It begins before all time.
    pub fn start(&self, end: Timestamp) -> Result<Timestamp, String> {
        let start = end.to_zoned(TimeZone::UTC).checked_sub(self.span);
        start
            .map(|start| start.timestamp())
            .map_err(|_| format!("`{self}` ago was no time"))
    }

    /// When it is over.
    ///
    /// # Errors
    /// It ends after all time, or at once.
    pub fn end(&self, start: Timestamp) -> Result<Timestamp, String> {
        let end = start.to_zoned(TimeZone::UTC).checked_add(self.span);
        end.map(|end| end.timestamp())
            .ok()
            .filter(|end| *end > start)
            .ok_or_else(|| format!("`{self}` is no time that anything could last"))
    }

    /// When it is over, if it is no longer than another one, the `max_token_age`.
    ///
    /// # Errors
    /// It is longer; and as [`Self::end`].
    pub fn end_within(&self, most: &Self, start: Timestamp) -> Result<Timestamp, String> {
        let end = self.end(start)?;
        match end <= most.end(start)? {
            true => Ok(end),
            false => Err(format!("{self} is longer than {most}, the `max_token_age`")),
        }
    }
}

/// The most where nothing is configured.
impl Default for Lifetime {
    fn default() -> Self {
        Self::days(366)
    }
}

impl FromStr for Lifetime {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = |_| format!("{} is no span of time, as in 90d, 12h or 1y", Shown(text));
        let span = text.parse::<Span>().map_err(refused)?;
        let lifetime = Self {
            text: text.to_owned(),
            span,
        };
        lifetime.end(Timestamp::UNIX_EPOCH)?;
        Ok(lifetime)
    }
}

impl TryFrom<String> for Lifetime {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl fmt::Display for Lifetime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lifetime_ends_after_it_began() {
        let end = |text: &str| {
            let lifetime = text.parse::<Lifetime>().unwrap();
            lifetime
                .end("2026-11-28T07:00:00Z".parse().unwrap())
                .unwrap()
        };
        assert_eq!(end("90d").to_string(), "2027-02-26T07:00:00Z");
        assert_eq!(end("12h").to_string(), "2026-11-28T19:00:00Z");
        assert_eq!(end("1y").to_string(), "2027-11-28T07:00:00Z");
        for bad in ["", "90", "0d", "-1d", "never", "9999999y", "1d ago"] {
            assert!(bad.parse::<Lifetime>().is_err(), "{bad}");
        }
    }
}
