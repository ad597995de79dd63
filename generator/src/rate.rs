//! How much one client address may ask for in a minute (interface.md, "rackd"): for the daemon, and for nginx.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use serde::Deserialize;

use crate::config::ConfigFile;

/// Requests a minute, written `1200/min`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Rate(NonZeroU32);

impl Rate {
    /// The default for writes, gated reads and failed credentials.
    pub const WRITES: Self = Self(NonZeroU32::new(1_200).unwrap());
    /// The default for open reads: a CI farm behind one address is one client.
    pub const READS: Self = Self(NonZeroU32::new(12_000).unwrap());

    /// So many a minute.
    pub fn a_minute(self) -> NonZeroU32 {
        self.0
    }
}

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let count = text
            .strip_suffix("/min")
            .and_then(|count| count.parse().ok());
        count.map(Self).ok_or_else(|| {
            format!("`{text}` is no rate; it is a number above 0 and `/min`, like 1200/min")
        })
    }
}

impl TryFrom<String> for Rate {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/min", self.0)
    }
}

/// The flags of both rates.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct RateArgs {
    /// Writes, gated reads and failed credentials of one client address [default: 1200/min]
    #[arg(long, env = "RACK_RATE_LIMIT", value_name = "N/min")]
    rate_limit: Option<Rate>,
    /// Open reads of one client address [default: 12000/min]
    #[arg(long, env = "RACK_RATE_LIMIT_READS", value_name = "N/min")]
    rate_limit_reads: Option<Rate>,
}

/// Both rates, settled.
#[derive(Debug, Clone, Copy)]
pub struct Rates {
    /// Of writes, gated reads and failed credentials.
    pub writes: Rate,
    /// Of open reads.
    pub reads: Rate,
}

impl RateArgs {
    /// Flags win over the file, the file over the defaults.
    pub fn resolve(&self, file: &ConfigFile) -> Rates {
        let of = |flag: Option<Rate>, file, default| flag.or(file).unwrap_or(default);
        Rates {
            writes: of(self.rate_limit, file.rate_limit, Rate::WRITES),
            reads: of(self.rate_limit_reads, file.rate_limit_reads, Rate::READS),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_number_a_minute() {
        assert_eq!("1200/min".parse(), Ok(Rate::WRITES));
        for bad in ["0/min", "1200", "x/min", "-1/min", "10/s"] {
            assert!(bad.parse::<Rate>().is_err(), "{bad}");
        }
    }
}
