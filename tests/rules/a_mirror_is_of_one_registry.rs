//! `scripts/mirror` writes only where nothing else is: into an empty folder, or into a mirror of this very tree. What
//! is private it copies only when it is told so.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::{Command, Stdio};

use rack_tests::mirror::{self, text};
use rack_tests::registry::{Registry, Run};
use rack_tests::tree::{assert_same, tree};
use rack_tests::wait;
use serde_json::json;

#[test]
fn a_mirror_is_of_one_registry() {
    let registry = Registry::open_and_gated();
    let (public, private) = (registry.public(), registry.private());
    let another = Registry::open_and_gated();
    let other = another.public();
    let folder = |name: &str| registry.root().join(name);
    let (mine, taken, empty) = (folder("mirror"), folder("taken"), folder("empty"));
    mirror::push(&public, &mine);
    mirror::push(&public, &mine);
    fs::create_dir_all(&taken).expect("a folder");
    fs::write(taken.join("file"), "somebody's").expect("a file");
    // Neither of them is anybody's business.
    fs::create_dir_all(empty.join("lost+found")).expect("a folder");
    fs::write(empty.join(".gitkeep"), "").expect("a file");
    let before = tree(registry.root());

    let push = |to, from| ["push", text(to), "--tree", text(from)];
    for (args, why) in [
        (
            &push(&mine, &other)[..],
            "if that is meant, put `.rack-id` there as `.rack-mirror`",
        ),
        (&push(&taken, &public), "neither empty nor a mirror"),
        (&push(&other, &public), "a registry's own tree"),
        (
            &push(&public.join("mirror"), &public),
            "are one in the other",
        ),
        (&push(registry.root(), &public), "are one in the other"),
        (&push(&public, &public), "are one in the other"),
        (&["push", text(&folder("new")), "--tree"], "needs a folder"),
        (&push(&folder("new"), &private), "is the private tree"),
        (
            &push(&folder("new"), &registry.source()),
            "is the source tree",
        ),
        (&push(&folder("new"), &taken), "it has no .rack-id"),
        (&push(&folder("new"), &folder("none")), "there is no folder"),
        (
            &[
                "push",
                text(&folder("new")),
                "--private",
                "--tree",
                text(&public),
            ],
            "is the public tree",
        ),
        (
            &["pull", text(&taken), "--tree", text(&folder("new"))],
            "it has no .rack-id",
        ),
        (
            &["pull", text(&public), "--tree", text(&taken)],
            "neither empty nor a mirror",
        ),
        (
            &["pull", "/nowhere/at-all", "--tree", text(&folder("new"))],
            "cannot read /nowhere/at-all",
        ),
        (&["push"], "push to where"),
        (&["sync", text(&mine)], "push or pull, not sync"),
        (&["push", text(&mine), text(&mine)], "one place at a time"),
        (&["push", text(&mine), "--purge"], "unknown option --purge"),
    ] {
        let run = mirror::run(args).exits(2);
        assert!(run.names(&["mirror: ", why]), "{why}: {run}");
    }
    assert_same("after all that", &before, &tree(registry.root()));

    mirror::push(&public, &empty);
    assert!(empty.join("lost+found").exists() && empty.join(".gitkeep").exists());
    // A mirror of a mirror, and the private tree where it is asked for.
    mirror::push(&mine, &folder("second"));
    assert_same(
        "a mirror of a mirror",
        &tree(&public),
        &tree(&folder("second")),
    );
    let secret = folder("mirrored-private");
    let script = mirror::command(&["push", text(&secret), "--private", "--tree", text(&private)]);
    let mut careful = Command::new("sh");
    careful.args(["-c", "umask 077; exec \"$@\"", "sh"]);
    careful.arg(script.get_program()).args(script.get_args());
    Run::of(careful).exits(0);
    assert_same("the private tree", &tree(&private), &tree(&secret));
    assert_eq!(mode(&secret), 0o750);
    assert_eq!(mode(&secret.join(".rack-mirror")), 0o644);
}

/// What a folder is where a file belongs, a hand has made: it is not ours to take away.
#[test]
fn what_cannot_be_replaced_is_named() {
    let registry = Registry::open_and_gated();
    let (public, mirror) = (registry.public(), registry.root().join("mirror"));
    mirror::push(&public, &mirror);
    let list = mirror.join("namespaces/index.json");
    fs::remove_file(&list).expect("a list");
    fs::create_dir_all(list.join("somebody's")).expect("a folder");
    let push = ["push", text(&mirror), "--tree", text(&public)];
    let run = mirror::run(&push).exits(1);
    assert!(
        run.names(&["by hand what rsync cannot replace there"]),
        "{run}"
    );
}

/// rsync's children let go of the lock when they are gone, which the next run does not have to wait for outside.
#[test]
fn a_run_waits_for_what_is_left_of_the_last_one() {
    let registry = Registry::open_and_gated();
    let (public, mirror) = (registry.public(), registry.root().join("mirror"));
    let left = File::open(&public).expect("a folder");
    left.lock().expect("a lock");
    let mut push = mirror::command(&["push", text(&mirror), "--tree", text(&public)]);
    let mut push = push.stdout(Stdio::null()).spawn().expect("the script runs");
    let waits = || {
        let children = fs::read_to_string(format!("/proc/{0}/task/{0}/children", push.id()));
        let children = children.expect("a process that runs");
        let is_flock = |pid: &str| {
            fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name == "flock\n")
        };
        children.split_whitespace().any(is_flock).then_some(())
    };
    wait::until("the run to wait", wait::LONG, waits);
    drop(left);
    assert!(push.wait().expect("a child can be waited for").success());
}

/// rsync's options reach the mirror, so none may make it anything else than the source, or touch what is no mirror.
#[test]
fn options_of_rsync_are_about_the_way_there() {
    let registry = Registry::open_and_gated();
    let (public, home) = (registry.public(), registry.root().join("home"));
    fs::create_dir(&home).expect("a folder");
    fs::write(home.join("file"), "somebody's").expect("a file");
    fs::set_permissions(&home, Permissions::from_mode(0o700)).expect("a folder of ours");
    let mirror = registry.root().join("mirror");
    let run = |to: &Path, options: &[&str]| {
        let push = ["push", text(to), "--tree", text(&public), "--"];
        mirror::run(&[&push, options].concat())
    };
    for options in [
        &["-a", "--delete"][..],
        &["--delete"],
        &["--del"],
        &["--delete-after"],
        &["--delete-excluded"],
        &["--remove-source-files"],
        &["--exclude=@*"],
        &["--max-size", "1k"],
        &["--inplace"],
        &["-q"],
        &["-v"],
        &["-P"],
        &["-n"],
        &["-zn"],
        &["--timeout=60", "--existing"],
        &["--bwlimit", "1m", "/etc"],
        &["-e"],
    ] {
        for to in [&home, &mirror] {
            let run = run(to, options).exits(2);
            assert!(
                run.names(&["mirror: -"]) || run.names(&["mirror: /etc"]),
                "{run}"
            );
        }
        assert!(home.join("file").exists(), "{options:?}");
    }
    assert!(!mirror.exists());
    // Nor may those that are taken.
    let modes = ["--chmod=D755,F644", "--chown", ":nogroup"];
    run(&home, &modes).exits(2);
    assert_eq!(mode(&home), 0o700);
    assert_eq!(
        fs::metadata(&home).expect("a folder").gid(),
        rustix::process::getgid().as_raw()
    );

    let way = [
        "-e",
        "ssh -p 22",
        "--timeout",
        "60",
        "--bwlimit=10m",
        "-z",
        "--chmod=F640",
    ];
    run(&mirror, &way).exits(0);
    assert_same("a mirror", &tree(&public), &tree(&mirror));
    assert_eq!(mode(&mirror.join("namespaces/index.json")), 0o640);
}

/// A build into an empty folder says first whose it is, and names what is there last.
#[test]
fn a_tree_that_is_being_built_empties_no_mirror() {
    let registry = Registry::open_and_gated();
    let (public, mirror) = (registry.public(), registry.root().join("mirror"));
    mirror::push(&public, &mirror);
    let before = tree(&mirror);
    for folder in ["registries", "namespaces", "schemas", ".variants"] {
        fs::remove_dir_all(public.join(folder)).expect("a folder of ours");
    }
    let push = ["push", text(&mirror), "--tree", text(&public)];
    let run = mirror::run(&push).exits(2);
    assert!(run.names(&["is it being built?"]), "{run}");
    assert_same("as it was", &before, &tree(&mirror));

    // Without any namespace there is a list of them, too.
    let none = Registry::new(&json!({}));
    none.build();
    mirror::push(&none.public(), &registry.root().join("another"));
}

#[test]
fn a_mirror_without_rsync_says_so() {
    let registry = Registry::open_and_gated();
    let mut command = mirror::command(&["push", "/nowhere", "--tree", text(&registry.public())]);
    let tools = registry.root().join("tools");
    fs::create_dir(&tools).expect("a folder");
    for tool in ["bash", "env", "flock"] {
        let found = ["/usr/bin", "/bin"].map(|folder| Path::new(folder).join(tool));
        let found = found
            .iter()
            .find(|path| path.exists())
            .expect("a tool of the system");
        std::os::unix::fs::symlink(found, tools.join(tool)).expect("a link");
    }
    let output = command
        .env("PATH", &tools)
        .output()
        .expect("the script runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("mirror: rsync is not installed"), "{said}");
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path)
        .expect("it is there")
        .permissions()
        .mode()
        & 0o777
}
