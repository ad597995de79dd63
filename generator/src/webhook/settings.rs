//! `[webhook]` of `rack.toml`: how deliveries are made.

use std::time::Duration;

use jiff::SignedDuration;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use super::address::Reach;

/// How deliveries are made: `[webhook]` of `rack.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DeliverySettings {
    /// Which addresses may be connected to: `allow_private`.
    #[serde(rename = "allow_private")]
    pub reach: Reach,
    /// How long an endpoint may take for its answer, connecting included.
    #[serde(deserialize_with = "some_time")]
    pub timeout: Wait,
    /// How long to wait after the first failed attempt, the second and so on; after as many it is given up.
    pub retry_after: Vec<Wait>,
}

impl Default for DeliverySettings {
    fn default() -> Self {
        const MINUTE: u64 = 60;
        const HOUR: u64 = 60 * MINUTE;
        let retry_after = [
            5,
            5 * MINUTE,
            30 * MINUTE,
            2 * HOUR,
            5 * HOUR,
            10 * HOUR,
            14 * HOUR,
            20 * HOUR,
            24 * HOUR,
        ];
        Self {
            reach: Reach::Public,
            timeout: Wait(Duration::from_secs(15)),
            retry_after: retry_after.map(Duration::from_secs).map(Wait).into(),
        }
    }
}

/// In no time at all nobody answers.
fn some_time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Wait, D::Error> {
    let wait = Wait::deserialize(deserializer)?;
    match wait.0.is_zero() {
        true => Err(D::Error::custom(
            "a span of time above 0 is needed, as in 15s",
        )),
        false => Ok(wait),
    }
}

/// A span of time by the clock, written `5s`, `30m`, `2h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Wait(Duration);

impl Wait {
    /// How long that is.
    pub fn duration(self) -> Duration {
        self.0
    }
}

impl TryFrom<String> for Wait {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let duration = text.parse::<SignedDuration>().ok();
        duration
            .and_then(|duration| Duration::try_from(duration).ok())
            .map(Self)
            .ok_or_else(|| format!("`{text}` is no span of time, as in 5s, 30m or 2h"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_spans_of_the_clock() {
        for (text, seconds) in [("5s", 5), ("30m", 1800), ("2h", 7200), ("0s", 0)] {
            let wait = Wait::try_from(text.to_owned()).unwrap();
            assert_eq!(wait.duration().as_secs(), seconds, "{text}");
        }
        for bad in ["", "5", "-5s", "soon", "1mo"] {
            assert!(Wait::try_from(bad.to_owned()).is_err(), "{bad}");
        }
    }
}
