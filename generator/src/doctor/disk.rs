//! The file systems of the four folders: which they are, how much is free, whether they can do what a publish needs.

use std::path::Path;

use bytesize::ByteSize;
use rustix::fs::{StatVfsMountFlags, statfs, statvfs};

use super::Finding;

const CHECK: &str = "disk";

/// Below this a publish may fail.
const SCARCE: u64 = 16 << 20;
/// Below this somebody should look.
const LITTLE: u64 = 1 << 30;
/// The same for files.
const FEW: u64 = 10_000;

/// File systems by their magic numbers (statfs(2)), and whether `renameat2` with `RENAME_NOREPLACE` works there, as far
/// as the kernel says. It cannot be tried without a change.
const TYPES: [(u64, &str, Option<bool>); 12] = [
    (0xef53, "ext4", Some(true)),
    (0x5846_5342, "xfs", Some(true)),
    (0x9123_683e, "btrfs", Some(true)),
    (0x0102_1994, "tmpfs", Some(true)),
    (0x794c_7630, "overlayfs", Some(true)),
    (0xf2f5_2010, "f2fs", Some(true)),
    (0x4d44, "vfat", Some(true)),
    (0x2fc1_2fc1, "zfs", None),
    (0x6573_5546, "fuse", None),
    (0x6969, "nfs", Some(false)),
    (0x00c3_6400, "ceph", Some(false)),
    (0x0102_1997, "9p", Some(false)),
];

pub(super) fn check(name: &str, folder: &Path) -> Vec<Finding> {
    let at = format!("{name} folder {}", folder.display());
    let (Ok(kind), Ok(space)) = (statfs(folder), statvfs(folder)) else {
        return vec![Finding::fault(
            CHECK,
            format!("{at}: its file system cannot be asked"),
        )];
    };
    let magic = u64::try_from(kind.f_type).unwrap_or_default();
    let known = TYPES.iter().find(|(number, ..)| *number == magic);
    let kind = known.map_or_else(
        || format!("type {magic:#x}"),
        |(_, name, _)| (*name).to_owned(),
    );
    let mut findings = vec![room(&at, &kind, &space)];
    if name == "source" {
        findings.extend(rename(&at, &kind, known.and_then(|(.., works)| *works)));
    }
    findings
}

fn room(at: &str, kind: &str, space: &rustix::fs::StatVfs) -> Finding {
    if space.f_flag.contains(StatVfsMountFlags::RDONLY) {
        return Finding::fault(
            CHECK,
            format!(
                "{at}: its {kind} is read-only; mount it writable, or see `ReadWritePaths=` of the unit"
            ),
        );
    }
    let bytes = space.f_bavail.saturating_mul(space.f_frsize);
    // Some make inodes as they need them, and say that there are none at all.
    let inodes = (space.f_files > 0).then_some(space.f_favail);
    let says = format!(
        "{at}: {} free{} on {kind}",
        ByteSize(bytes),
        inodes.map_or(String::new(), |inodes| format!(" and {inodes} inodes")),
    );
    let few = |least| inodes.is_some_and(|inodes| inodes < least);
    match () {
        () if bytes < SCARCE || few(FEW / 100) => Finding::fault(
            CHECK,
            format!("{says}: it is full; make room, uploads fail with 507"),
        ),
        () if bytes < LITTLE || few(FEW) => {
            Finding::warning(CHECK, format!("{says}: make room soon"))
        }
        () => Finding::ok(CHECK, says),
    }
}

fn rename(at: &str, kind: &str, works: Option<bool>) -> Option<Finding> {
    match works {
        Some(true) => None,
        Some(false) => Some(Finding::fault(
            CHECK,
            format!(
                "{at}: {kind} has no `renameat2` with RENAME_NOREPLACE, and `rackd` can publish nothing; put it on a \
                 local file system"
            ),
        )),
        None => Some(Finding::warning(
            CHECK,
            format!(
                "{at}: not every {kind} has `renameat2` with RENAME_NOREPLACE, which a publish needs; try one there"
            ),
        )),
    }
}
