//! Folders that are file systems of their own, small enough to be full. Only root may have them.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A mounted tmpfs, gone when it is dropped.
#[derive(Debug)]
pub struct Mount {
    path: PathBuf,
}

impl Mount {
    /// Mounts an empty one with these options in a folder; none where that is not allowed.
    pub fn tmpfs(path: &Path, options: &str) -> Option<Self> {
        fs::create_dir_all(path).expect("a folder");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", options, "rack-tests"]);
        let output = mount.arg(path).output().ok()?;
        let path = path.to_owned();
        output.status.success().then_some(Self { path })
    }

    /// Allows writing, or does not.
    pub fn read_only(&self, read_only: bool) {
        let options = if read_only {
            "remount,ro"
        } else {
            "remount,rw"
        };
        let mut mount = Command::new("mount");
        let status = mount.args(["-o", options]).arg(&self.path).status();
        assert!(status.expect("mount runs").success(), "{options}");
    }

    /// Takes all space but so many bytes, more or less.
    pub fn fill(&self, left: usize) {
        let folder = self.filling();
        let mut file = File::create(folder.join("space")).expect("a file");
        while file.write_all(&[0xa5; 4096]).is_ok() {}
        let len = file.metadata().expect("a file of ours").len();
        file.set_len(len.saturating_sub(left as u64))
            .expect("a file of ours");
    }

    /// Takes all inodes but so many.
    pub fn fill_inodes(&self, left: usize) {
        let folder = self.filling();
        let files = (0..).map(|number| folder.join(number.to_string()));
        let files: Vec<PathBuf> = files
            .take_while(|path| File::create(path).is_ok())
            .collect();
        for path in files.iter().rev().take(left) {
            fs::remove_file(path).expect("a file of ours");
        }
    }

    /// Gives it all back.
    pub fn free(&self) {
        fs::remove_dir_all(self.path.join(FILLING)).expect("a folder of ours");
    }

    fn filling(&self) -> PathBuf {
        let folder = self.path.join(FILLING);
        fs::create_dir(&folder).expect("a folder");
        folder
    }
}

const FILLING: &str = ".filling";

impl Drop for Mount {
    fn drop(&mut self) {
        Command::new("umount")
            .arg("--lazy")
            .arg(&self.path)
            .status()
            .ok();
    }
}
