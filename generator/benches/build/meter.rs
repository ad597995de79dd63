//! Clocks: what this thread spends on something, and what a child process takes.

use std::env;
use std::ffi::{OsStr, OsString};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::resource::{Usage, UsageWho, getrusage};
use nix::sys::time::TimeVal;

use crate::Result;

/// Time that passed, and time that a core worked.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Spent {
    pub(crate) wall: Duration,
    pub(crate) user: Duration,
    pub(crate) system: Duration,
}

impl Spent {
    pub(crate) fn cpu(&self) -> Duration {
        self.user + self.system
    }
}

impl std::ops::AddAssign for Spent {
    fn add_assign(&mut self, other: Self) {
        self.wall += other.wall;
        self.user += other.user;
        self.system += other.system;
    }
}

/// Does something in this thread and adds what it took.
pub(crate) fn metered<T>(total: &mut Spent, act: impl FnOnce() -> Result<T>) -> Result<T> {
    let start = Instant::now();
    let before = getrusage(UsageWho::RUSAGE_THREAD)?;
    let done = act()?;
    let after = getrusage(UsageWho::RUSAGE_THREAD)?;
    *total += Spent {
        wall: start.elapsed(),
        user: duration(after.user_time()).saturating_sub(duration(before.user_time())),
        system: duration(after.system_time()).saturating_sub(duration(before.system_time())),
    };
    Ok(done)
}

/// What a process took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ran {
    pub(crate) spent: Spent,
    /// The most memory that it had, in MiB.
    pub(crate) peak: f64,
}

/// Runs a command that must succeed. A process of our own stands between, whose children are this one alone: usage of
/// children is only told summed up.
pub(crate) fn run(command: &[&OsStr]) -> Result<Ran> {
    let output = own(["measure", "--"].map(OsStr::new).iter().chain(command))?;
    let figures = output.split_whitespace().map(str::parse);
    let figures = figures.collect::<std::result::Result<Vec<u64>, _>>()?;
    let [wall, user, system, peak] = figures[..] else {
        return Err(format!("these are no four figures: {output}").into());
    };
    Ok(Ran {
        spent: Spent {
            wall: Duration::from_micros(wall),
            user: Duration::from_micros(user),
            system: Duration::from_micros(system),
        },
        peak: peak as f64 / 1024.0,
    })
}

/// Runs this program again as one of its parts; gives what it prints.
pub(crate) fn own<'a>(args: impl IntoIterator<Item = &'a &'a OsStr>) -> Result<String> {
    let output = Command::new(env::current_exe()?)
        .args(args)
        .stderr(Stdio::inherit())
        .output()?;
    match output.status.success() {
        true => Ok(String::from_utf8(output.stdout)?),
        false => Err(format!("a part of the benchmark failed: {}", output.status).into()),
    }
}

/// The process between.
pub(crate) fn measure(command: &[OsString]) -> Result<()> {
    let (program, args) = command.split_first().ok_or("no command")?;
    let start = Instant::now();
    let status = Command::new(program)
        .args(args)
        // No setting of whoever runs this has a say.
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()?;
    let wall = start.elapsed();
    if !status.success() {
        return Err(format!("{}: {status}", program.display()).into());
    }
    let usage: Usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let [user, system] = [usage.user_time(), usage.system_time()].map(duration);
    println!(
        "{} {} {} {}",
        wall.as_micros(),
        user.as_micros(),
        system.as_micros(),
        usage.max_rss()
    );
    Ok(())
}

fn duration(time: TimeVal) -> Duration {
    Duration::from_secs(time.tv_sec().unsigned_abs())
        + Duration::from_micros(time.tv_usec().unsigned_abs())
}

/// The middle one.
pub(crate) fn median<T: Copy + PartialOrd>(values: &[T]) -> Option<T> {
    let mut sorted = values.to_vec();
    sorted.sort_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
    sorted.get(sorted.len() / 2).copied()
}
