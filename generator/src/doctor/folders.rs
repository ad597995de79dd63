//! The four folders: whether they are there, whose they are, and that they belong together. What a start of a build
//! checks, without making or marking anything.

use std::fs;
use std::path::Path;

use rustix::fs::{Access, AtFlags, CWD, accessat};

use super::Finding;
use crate::error::At;
use crate::folders::{Folders, Marker, is_empty, read_marker};
use crate::users::{mode, owner_and_mode};

const CHECK: &str = "folders";

pub(super) fn check(folders: &Folders) -> Vec<Finding> {
    let mut findings = Vec::new();
    let real = folders.map(|path| {
        let real = path.canonicalize();
        real.or_else(|_| std::path::absolute(path))
            .at("resolve", path)
    });
    if let Err(fault) = real.and_then(|real| real.refuse_nesting()) {
        findings.push(Finding::fault(CHECK, fault.to_string()));
    }
    let ids: Vec<String> = folders
        .named()
        .iter()
        .filter_map(|(_, folder)| Some(read_marker(folder).ok()??.id))
        .collect();
    // Where one does not belong to the others, it is that one that is told of.
    let votes = |id: &&String| ids.iter().filter(|other| other == id).count();
    let id = ids.iter().rev().max_by_key(votes);
    for (name, folder) in folders.named() {
        findings.push(one(name, folder, id));
        findings.extend(way_for_others(name, folder));
    }
    findings
}

fn one(name: &str, folder: &Path, id: Option<&String>) -> Finding {
    let at = format!("{name} folder {}", folder.display());
    let fault = |why: &str| Finding::fault(CHECK, format!("{at}: {why}"));
    let metadata = match fs::metadata(folder) {
        Ok(metadata) if metadata.is_dir() => metadata,
        Ok(_) => return fault("it is no folder; give another one"),
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => {
            return match name {
                "source" => {
                    fault("it is not there; mount or make it, or say with --source where it is")
                }
                _ => Finding::warning(CHECK, format!("{at} is not there; the next build makes it")),
            };
        }
        Err(cause) => return fault(&format!("{cause}; run this as the user that rackd runs as")),
    };
    let whose = owner_and_mode(&metadata);
    let all = Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK;
    if accessat(CWD, folder, all, AtFlags::EACCESS).is_err() {
        return fault(&format!(
            "this user may not read and write it ({whose}); run rackgen as its owner, or give it to the user that \
             rackd runs as"
        ));
    }
    match read_marker(folder) {
        Err(error) => fault(&error.to_string()),
        Ok(Some(marker)) => belongs(&at, name, &whose, &marker, id),
        Ok(None) if name == "source" && id.is_some() => fault(
            "it lost its `.rack-id`: is it mounted? `rackgen build --adopt` takes it as it is",
        ),
        Ok(None) if name != "source" && !is_empty(folder).unwrap_or(true) => {
            fault("it is not empty and not ours; give an empty or a new one")
        }
        Ok(None) => Finding::ok(
            CHECK,
            format!("{at} ({whose}) is new; the next build marks it"),
        ),
    }
}

fn belongs(at: &str, name: &str, whose: &str, marker: &Marker, id: Option<&String>) -> Finding {
    let Marker {
        id: own, folder, ..
    } = marker;
    match id {
        Some(id) if own != id => Finding::fault(
            CHECK,
            format!(
                "{at} belongs to another registry: its `.rack-id` says {own}, that of the others {id}; give the one \
                 of this registry"
            ),
        ),
        _ if folder != name => Finding::fault(CHECK, format!("{at} {}", marker.says_otherwise())),
        _ => Finding::ok(CHECK, format!("{at} ({whose}) is of registry {own}")),
    }
}

/// Who has to come to it, and who must not.
fn way_for_others(name: &str, folder: &Path) -> Option<Finding> {
    let mode_of = |path: &Path| fs::metadata(path).map(|metadata| mode(&metadata)).ok();
    match name {
        "public" => {
            let folder = folder.canonicalize().ok()?;
            let closed = folder
                .ancestors()
                .find(|path| mode_of(path).is_some_and(|mode| mode & 0o001 == 0))?;
            Some(Finding::warning(
                CHECK,
                format!(
                    "{}: only its owner and group pass through, and so do not most web servers on their way to the public \
                     tree; chmod o+x {0}",
                    closed.display()
                ),
            ))
        }
        // The source tree is its owner's affair.
        "private" | "state" if mode_of(folder)? & 0o007 != 0 => Some(Finding::warning(
            CHECK,
            format!(
                "{}: everybody on this host may look into it; chmod o= {0}",
                folder.display()
            ),
        )),
        _ => None,
    }
}
