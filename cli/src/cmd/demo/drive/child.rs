//! The command itself, as a process that can be killed; it sees the demonstration and nothing else.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use anyhow::{Context, bail};
use graph_sim::{CLIENT_ID, CLIENT_SECRET, Sim, TENANT_ID};
use repo_format::codec::random_bytes;
use repo_format::format::slot::Secret;
use repo_format::repository::{OpenOptions, Repository};
use repo_format::storage::Location;
use serde_json::Value;

use crate::cmd::session::Session;

/// How often a demonstration commits what is done: it has no minute to lose.
const CHECKPOINT_INTERVAL: &str = "300ms";

/// What a process is started with.
pub struct Child {
    program: PathBuf,
    folder: PathBuf,
    variables: Vec<(&'static str, String)>,
}

impl Child {
    /// Writes a key file into `folder`.
    pub fn new(folder: &Path, sim: &Sim) -> anyhow::Result<Child> {
        let key = folder.join("key");
        write_private(&key, &random_bytes::<64>()?)?;
        let variables = vec![
            ("CORSO_KEY_FILE", key.display().to_string()),
            ("CORSO_CONFIG_DIR", folder.join("config").display().to_string()),
            ("CORSO_CACHE_DIR", folder.join("cache").display().to_string()),
            ("CORSO_STATE_DIR", folder.join("state").display().to_string()),
            ("CORSO_GRAPH_URL", sim.api_url().to_string()),
            ("CORSO_LOGIN_URL", sim.login_url().to_string()),
            ("CORSO_CHECKPOINT_INTERVAL", CHECKPOINT_INTERVAL.to_owned()),
            ("CORSO_UNITS_PER_SECOND", "1000".to_owned()),
            ("CORSO_TESTING", "1".to_owned()),
            ("AZURE_TENANT_ID", TENANT_ID.to_owned()),
            ("AZURE_CLIENT_ID", CLIENT_ID.to_owned()),
            ("AZURE_CLIENT_SECRET", CLIENT_SECRET.to_owned()),
        ];
        let program = std::env::current_exe().context("this program's file is not known")?;
        Ok(Child { program, folder: folder.to_owned(), variables })
    }

    /// Starts a command that says nothing.
    pub fn start(&self, arguments: &[&str]) -> anyhow::Result<std::process::Child> {
        let mut command = self.command(arguments);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().context("cannot start another process")
    }

    /// Runs a command that ends with one of `codes`; gives its summary.
    pub fn json(&self, arguments: &[&str], codes: &[i32]) -> anyhow::Result<Value> {
        let output = self.run(self.command(arguments).arg("--json"), codes)?;
        let lines = String::from_utf8_lossy(&output.stdout);
        let last = lines.lines().rfind(|line| line.contains("\"summary\"")).context("no summary")?;
        serde_json::from_str(last).context("a summary that is no JSON")
    }

    /// Runs a command; gives what it printed.
    pub fn text(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let output = self.run(&mut self.command(arguments), &[0])?;
        Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
    }

    /// Opens the repository in this process.
    pub fn open(&self, session: &Session) -> anyhow::Result<Repository> {
        let blobs = session.storage(&Location::Folder { path: self.folder.join("repository") }, false)?;
        let key = zeroize::Zeroizing::new(std::fs::read(self.folder.join("key"))?);
        let secret = Secret::key_file(&key).context("the key is too short")?;
        Ok(Repository::open(blobs, &secret, OpenOptions::default())?)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.env_clear().envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).current_dir(&self.folder).args(arguments);
        command
    }

    fn run(&self, command: &mut Command, codes: &[i32]) -> anyhow::Result<Output> {
        let output = command.output().context("cannot start another process")?;
        match output.status.code() {
            Some(code) if codes.contains(&code) => Ok(output),
            _ => bail!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim()),
        }
    }
}

fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let mut file = std::fs::File::options().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)
}
