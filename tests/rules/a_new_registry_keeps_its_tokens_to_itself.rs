//! Tokens stand in `access.json`, so `rackgen init` makes it for its owner alone, whatever the umask is.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use rack_tests::binaries;
use rack_tests::registry::Run;

#[test]
fn a_new_registry_keeps_its_tokens_to_itself() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut init = Command::new("sh");
    init.args(["-c", "umask 000; exec \"$@\"", "sh"]);
    init.arg(binaries::rackgen()).args(["init", "new"]);
    init.current_dir(folder.path());
    Run::of(init).exits(0);
    for (file, mode) in [("access.json", 0o600), ("rack.toml", 0o644)] {
        let file = folder.path().join("new").join(file);
        let metadata = fs::metadata(&file).expect("a file");
        assert_eq!(metadata.permissions().mode() & 0o777, mode, "{file:?}");
    }
}
