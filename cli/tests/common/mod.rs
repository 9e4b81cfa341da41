//! A place of its own for each test: configuration, cache, state, a repository and a source.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command as Process;

use assert_cmd::Command;
use assert_cmd::cargo::cargo_bin;
use serde_json::Value;
use tempfile::TempDir;

/// A folder with all that the program touches.
pub struct Place {
    folder: TempDir,
}

impl Place {
    /// An empty place with a key file.
    pub fn new() -> Place {
        let folder = tempfile::tempdir().unwrap();
        let key = folder.path().join("key");
        std::fs::write(&key, [7; 64]).unwrap();
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
        Place { folder }
    }

    /// One with a repository, opened by the key file: no test waits for a key derivation it does
    /// not test.
    pub fn with_repository() -> Place {
        let place = Place::new();
        let repository = place.path("repository");
        place.corso(&["repo", "init", "filesystem", "--path"]).arg(repository).assert().success();
        place
    }

    /// A path in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file, and the folders above it.
    pub fn write(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    /// A command that sees this place and nothing else.
    pub fn corso(&self, arguments: &[&str]) -> Command {
        Command::from_std(self.process(&cargo_bin("corso"), arguments))
    }

    /// The same of a program, for whoever needs the process itself.
    pub fn process(&self, program: &Path, arguments: &[&str]) -> Process {
        let mut command = Process::new(program);
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap());
        command.env("HOME", self.folder.path()).env("CORSO_KEY_FILE", self.path("key"));
        command.current_dir(self.folder.path()).args(arguments);
        command
    }

    /// Runs a command that ends with `code`; gives its JSON lines on stdout and stderr.
    pub fn json(&self, arguments: &[&str], code: i32) -> (Vec<Value>, Vec<Value>) {
        self.json_any(arguments, &[code])
    }

    /// The same, where it may end with one of several codes.
    pub fn json_any(&self, arguments: &[&str], codes: &[i32]) -> (Vec<Value>, Vec<Value>) {
        let output = self.corso(arguments).arg("--json").output().unwrap();
        let lines = |bytes: &[u8]| -> Vec<Value> {
            String::from_utf8_lossy(bytes).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
        };
        let shown = String::from_utf8_lossy(&output.stderr).into_owned();
        let code = output.status.code().unwrap_or(-1);
        assert!(codes.contains(&code), "{arguments:?} ended with {code} and not {codes:?}: {shown}");
        (lines(&output.stdout), lines(&output.stderr))
    }

    /// Backs `paths` up and gives the snapshot's ID.
    pub fn back_up(&self, arguments: &[&str]) -> String {
        let arguments = [&["snapshot", "create"], arguments].concat();
        let (lines, _) = self.json(&arguments, 0);
        lines.last().unwrap()["snapshot_id"].as_str().unwrap().to_owned()
    }
}
