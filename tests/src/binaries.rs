//! Where the binaries under test are: in `RACK_BIN_DIR`, else beside the test executable, built once per process.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::project_root;

/// The path of `rackgen`.
pub fn rackgen() -> PathBuf {
    folder().join("rackgen")
}

/// The path of `rackd`.
pub fn rackd() -> PathBuf {
    folder().join("rackd")
}

fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| match env::var_os("RACK_BIN_DIR") {
        Some(folder) => std::path::absolute(folder).expect("RACK_BIN_DIR is a path"),
        None => build(),
    })
}

/// Builds into the folder that this executable came from, whatever `CARGO_TARGET_DIR` was when it was built.
fn build() -> PathBuf {
    let executable = env::current_exe().expect("a running test has an executable");
    // <target>/<profile>/deps/<test>
    let folder = executable
        .ancestors()
        .nth(2)
        .expect("tests run from `deps`");
    let target = folder.parent().expect("a profile is in a target folder");
    let profile = match folder.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(name) => name,
    };
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["build", "--quiet", "--bins", "--profile", profile])
        .arg("--target-dir")
        .arg(target)
        .current_dir(project_root())
        .status()
        .expect("cargo runs");
    assert!(status.success(), "the binaries do not build");
    folder.to_owned()
}
