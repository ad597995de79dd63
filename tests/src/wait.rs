//! Waiting for a condition, with a deadline.

use std::thread;
use std::time::{Duration, Instant};

/// How long one waits for what should take no time at all: long, for machines that are busy with other things.
pub const LONG: Duration = Duration::from_secs(60);

/// Asks until there is an answer. After the deadline the test stops and says what it waited for.
pub fn until<T>(what: &str, deadline: Duration, ask: impl FnMut() -> Option<T>) -> T {
    within(deadline, ask).unwrap_or_else(|| panic!("waited {deadline:?} in vain for {what}"))
}

/// Asks until there is an answer, or until the deadline.
pub fn within<T>(deadline: Duration, mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let start = Instant::now();
    loop {
        let answer = ask();
        if answer.is_some() || start.elapsed() > deadline {
            return answer;
        }
        thread::sleep(Duration::from_millis(2));
    }
}
