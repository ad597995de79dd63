//! Randomness that can be had again: a generator (SplitMix64) whose seed is known.

use std::env;
use std::time::{Duration, SystemTime};

/// A generator of random things.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// A generator that does the same in every run.
    pub fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    /// A generator that does something else in every run. It says how to have this run again.
    pub fn announced(rule: &str) -> Self {
        let seed = match env::var("RACK_TEST_SEED") {
            Ok(seed) => seed.parse().expect("RACK_TEST_SEED is a number"),
            Err(_) => SystemTime::now()
                .duration_since(SystemTime::UNIX_EPOCH)
                .map_or(0, |since| since.as_nanos() as u64),
        };
        println!("{rule}: again with RACK_TEST_SEED={seed}");
        Self(seed)
    }

    /// A generator for another thread.
    pub fn fork(&mut self) -> Self {
        Self(self.next())
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number from 0 to `end`, which is not one of them.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// A time from none to `end`.
    pub fn moment(&mut self, end: Duration) -> Duration {
        Duration::from_micros(self.below(end.as_micros() as u64 + 1))
    }

    /// Bytes that no compressor makes smaller.
    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(count + 8);
        while bytes.len() < count {
            bytes.extend_from_slice(&self.next().to_le_bytes());
        }
        bytes.truncate(count);
        bytes
    }

    /// Another order.
    pub fn shuffle<T>(&mut self, things: &mut [T]) {
        for last in (1..things.len()).rev() {
            things.swap(last, self.below(last as u64 + 1) as usize);
        }
    }
}
