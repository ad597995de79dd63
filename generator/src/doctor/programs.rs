//! Which programs these are, and what they run on.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use super::Finding;

const CHECK: &str = "programs";

pub(super) fn check() -> Vec<Finding> {
    let ours = env!("CARGO_PKG_VERSION");
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let mut findings = vec![Finding::ok(
        CHECK,
        format!("rackgen {ours}, kernel {}", kernel.trim()),
    )];
    findings.push(match version(&beside("rackd"), "--version") {
        Some(version) if version == format!("rackd {ours}") => Finding::ok(CHECK, version),
        Some(version) => Finding::warning(
            CHECK,
            format!(
                "{version} is installed beside rackgen {ours}; both should come from one release"
            ),
        ),
        None => Finding::ok(CHECK, "rackd is neither beside rackgen nor on the path"),
    });
    for (program, flag) in [("nginx", "-v"), ("rsync", "--version")] {
        let version = version(&beside(program), flag);
        findings.push(Finding::ok(
            CHECK,
            version.unwrap_or_else(|| format!("{program} is not on the path")),
        ));
    }
    findings
}

/// The program in the folder of this one if it is there, else in Debian's folder for daemons, else on the path.
fn beside(program: &str) -> PathBuf {
    let ours = env::current_exe().ok();
    let folders = ours.iter().filter_map(|path| path.parent()).map(Into::into);
    let mut paths = folders
        .chain([PathBuf::from("/usr/sbin")])
        .map(|folder| folder.join(program));
    paths
        .find(|path| path.is_file())
        .unwrap_or_else(|| program.into())
}

/// The first line that it prints when it is asked.
fn version(program: &PathBuf, flag: &str) -> Option<String> {
    let output = Command::new(program).arg(flag).output().ok()?;
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    Some(text.lines().next()?.trim().to_owned())
}
