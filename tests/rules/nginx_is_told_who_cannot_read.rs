//! A configuration whose workers cannot enter the private tree answers 500 for all that is gated. Whoever asks for it is
//! told so, and of nothing where nothing gated is served.

use std::fs::{Permissions, set_permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rack_tests::registry::Registry;

#[test]
fn nginx_is_told_who_cannot_read() {
    let registry = Registry::open_and_gated();
    let nginx = |args: &[&str]| {
        let own = [
            "nginx", "--listen", "8000", "--run", "run", "--user", "nobody",
        ];
        registry.rackgen(&[&own, args].concat()).exits(0)
    };
    let daemon = ["--daemon", "127.0.0.1:8080"];
    let barred = |at: &Path| {
        let run = nginx(&daemon);
        let at = format!("enter {} (", at.display());
        assert!(run.names(&["note:", "`nobody`", &at, "--user"]), "{run}");
    };
    let told_nothing = |args: &[&str]| {
        let run = nginx(args);
        assert!(!run.names(&["nobody"]), "{run}");
    };
    let open = |folder: &Path, mode| {
        set_permissions(folder, Permissions::from_mode(mode)).expect("a mode");
    };
    open(registry.root(), 0o700);
    barred(registry.root());
    open(registry.root(), 0o755);
    barred(&registry.private());
    told_nothing(&[]);
    open(&registry.private(), 0o755);
    told_nothing(&daemon);
}
