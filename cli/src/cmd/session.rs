//! What a command works with: options, output, the runtime that drives requests, and the way from
//! `--repo` to an open repository.

use std::ffi::OsString;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;
use repo_format::codec::RepoId;
use repo_format::engine::progress::Stop;
use repo_format::format::slot::Secret;
use repo_format::log::WriterInfo;
use repo_format::repository::{BrokenLog, OpenOptions, Repository};
use repo_format::storage::{Blobs, Credentials, Location, Storage, StorageOptions};
use tokio::runtime::{Handle, Runtime};

use super::signal;
use crate::args::{GlobalArgs, NewSecretArgs};
use crate::config::{Config, ConfigError, Places, Target};
use crate::exit::{CliError, Code};
use crate::report::Output;
use crate::secret::{self, Prompt, SecretError, Source};

/// What every command gets.
pub struct Session {
    pub global: GlobalArgs,
    pub output: Output,
    /// Set when a signal asks to stop.
    pub stop: Stop,
    /// Set when the command went on although it met damage.
    damage: AtomicBool,
    runtime: Runtime,
}

impl Session {
    /// Starts the runtime, and listens for signals from now on.
    ///
    /// # Errors
    /// If the system refuses threads or signal handlers.
    pub fn start(global: GlobalArgs, output: Output) -> anyhow::Result<Session> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .context("cannot start threads")?;
        let stop = Stop::default();
        signal::listen(&runtime, stop.clone(), output.clone())?;
        Ok(Session { global, output, stop, damage: AtomicBool::new(false), runtime })
    }

    /// The configuration.
    ///
    /// # Errors
    /// [`ConfigError`] if the file cannot be used.
    pub fn config(&self) -> Result<Config, ConfigError> {
        Config::load(&Places::config_file(self.global.config.clone())?)
    }

    /// Replaces the configuration.
    ///
    /// # Errors
    /// [`ConfigError`] if the file cannot be written.
    pub fn save(&self, config: &Config) -> Result<(), ConfigError> {
        config.save(&Places::config_file(self.global.config.clone())?)
    }

    /// The repository that `--repo` or the configuration means.
    ///
    /// # Errors
    /// [`ConfigError`] if there is none.
    pub fn target(&self) -> Result<Target, ConfigError> {
        self.config()?.target(self.global.repo.as_deref())
    }

    /// A storage as the libraries want it.
    ///
    /// # Errors
    /// The storage's, before anything is sent.
    pub fn storage(&self, location: &Location, make: bool) -> anyhow::Result<Blobs> {
        self.storage_for(location, make, &|name| std::env::var(name).ok())
    }

    /// The storage of a copy, which may be another account's: its keys are those whose names begin with
    /// `CORSO_TO_`, if any of that cloud's do.
    ///
    /// # Errors
    /// As for [`Session::storage`].
    pub fn storage_of_copy(&self, location: &Location, make: bool) -> anyhow::Result<Blobs> {
        self.storage_for(location, make, &variable_of_copy)
    }

    fn storage_for(
        &self,
        location: &Location,
        make: bool,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> anyhow::Result<Blobs> {
        let args = &self.global.storage;
        let options = StorageOptions {
            request_timeout: args.request_timeout,
            retries_max: args.retries,
            concurrency_max: args.connections,
            credentials: Credentials::from_environment(location, variable)?,
            ..StorageOptions::default()
        };
        let open = if make { Storage::create } else { Storage::open };
        Ok(Blobs::new(open(location, &options)?, self.runtime.handle().clone()))
    }

    /// Opens the repository that is meant.
    ///
    /// # Errors
    /// Why there is none, why it does not open, or that it is not the one that was connected.
    pub fn open(&self) -> anyhow::Result<Repository> {
        let target = self.target()?;
        let repository = self.open_at(&target.location)?;
        check_known(&target, repository.id())?;
        Ok(repository)
    }

    /// Unlocks the repository that is meant, without reading its log.
    ///
    /// # Errors
    /// Why there is none, why it does not open, or that it is not the one that was connected.
    pub fn open_broken(&self) -> anyhow::Result<BrokenLog> {
        let target = self.target()?;
        let blobs = self.storage(&target.location, false)?;
        let broken = BrokenLog::unlock(blobs, &self.secret(Prompt::Known)?, self.open_options()?)?;
        check_known(&target, broken.id())?;
        Ok(broken)
    }

    /// Opens the repository at a location.
    ///
    /// # Errors
    /// Why it does not open.
    pub fn open_at(&self, location: &Location) -> anyhow::Result<Repository> {
        let blobs = self.storage(location, false)?;
        let repository = Repository::open(blobs, &self.secret(Prompt::Known)?, self.open_options()?)?;
        self.pass_warnings(&repository);
        if repository.log().broken().is_some() {
            self.met_damage();
        }
        Ok(repository)
    }

    /// Refuses `--at` where it means nothing, and says why.
    ///
    /// # Errors
    /// `Usage`.
    pub fn refuse_at(&self, why: &str) -> Result<(), CliError> {
        match self.global.at {
            None => Ok(()),
            Some(_) => Err(CliError::Usage { what: why.to_owned(), hint: "leave --at away" }),
        }
    }

    /// Keeps in mind that the repository is damaged, although the command goes on.
    pub fn met_damage(&self) {
        self.damage.store(true, Ordering::Relaxed);
    }

    /// The code of a command that went to its end: damage counts before all else, so that nobody
    /// takes the half that could be read for the whole.
    pub fn end(&self, code: Code) -> Code {
        let damage = code == Code::Damage || self.damage.load(Ordering::Relaxed);
        if !damage {
            return code;
        }
        self.output.note("hint: `corso repo verify` names what is damaged; docs/errors.md says what to do");
        Code::Damage
    }

    /// How repositories are opened.
    ///
    /// # Errors
    /// [`ConfigError`] if there is no place for cache or state.
    pub fn open_options(&self) -> Result<OpenOptions, ConfigError> {
        Ok(OpenOptions {
            cache: Places::cache(&self.global)?,
            state: Some(Places::state(&self.global)?),
            at: self.global.at,
            accept_rollback: self.global.accept_rollback,
            writer: WriterInfo {
                host: host_name(),
                user: user_name(),
                program: concat!("corso ", env!("CARGO_PKG_VERSION")).to_owned(),
                process: std::process::id().to_string(),
            },
            clock: None,
            acts_at_once: true,
        })
    }

    /// The secret that opens the repository.
    ///
    /// # Errors
    /// [`SecretError`].
    pub fn secret(&self, prompt: Prompt) -> Result<Secret, SecretError> {
        self.read(secret::choose(&self.global.secret, &variable)?, prompt)
    }

    /// A secret to be added.
    ///
    /// # Errors
    /// [`SecretError`].
    pub fn new_secret(&self, args: &NewSecretArgs) -> Result<Secret, SecretError> {
        self.read(secret::choose_new(args, &variable)?, Prompt::New)
    }

    fn read(&self, source: Source, prompt: Prompt) -> Result<Secret, SecretError> {
        secret::read(source, prompt, &mut |warning| self.output.warn(warning))
    }

    /// Passes on what the repository says went wrong without stopping anything.
    pub fn pass_warnings(&self, repository: &Repository) {
        repository.take_warnings().into_iter().for_each(|warning| self.output.warn(warning));
    }

    /// Says how to undo what was forgotten in a revision, if anything was.
    pub fn note_recall(&self, revision: Option<u64>) {
        if revision.is_some() {
            self.output.note("`corso snapshot recall ID` brings it back until its space is reclaimed");
        }
    }

    /// Waits for what the libraries do asynchronously.
    pub fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// Where asynchronous work is done.
    pub fn handle(&self) -> &Handle {
        self.runtime.handle()
    }

    /// How many threads to use where nobody says.
    pub fn threads(&self, chosen: Option<usize>) -> usize {
        chosen.or_else(|| std::thread::available_parallelism().ok().map(usize::from)).unwrap_or(2)
    }
}

/// What the variables of clouds begin with.
const CLOUDS: [&str; 3] = ["AWS_", "AZURE_", "GOOGLE_"];
/// What stands before them for the storage of a copy.
const OF_COPY: &str = "CORSO_TO_";

/// A variable as the storage of a copy sees it. One account's keys are never mixed with another's.
fn variable_of_copy(name: &str) -> Option<String> {
    let own = format!("{OF_COPY}{name}");
    let cloud = CLOUDS.into_iter().find(|cloud| name.starts_with(cloud));
    let is_own = |variable: &str| {
        let rest = variable.strip_prefix(OF_COPY);
        rest.zip(cloud).is_some_and(|(rest, cloud)| rest.starts_with(cloud))
    };
    let mut names = std::env::vars_os().map(|(name, _)| name);
    match names.any(|name| name.to_str().is_some_and(is_own)) {
        true => std::env::var(own).ok(),
        false => std::env::var(name).ok(),
    }
}

/// Refuses another repository than the one that was connected.
pub fn check_known(target: &Target, found: RepoId) -> Result<(), CliError> {
    match &target.known {
        Some((name, expected)) if *expected != found.to_string() => Err(CliError::OtherRepository {
            location: target.location.to_string(),
            found: found.to_string(),
            expected: expected.clone(),
            name: name.clone(),
        }),
        _ => Ok(()),
    }
}

/// Looks a variable of the environment up.
pub fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

/// This machine's name.
pub fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// Who runs this.
pub fn user_name() -> String {
    let named = std::env::var("USER").ok().filter(|name| !name.is_empty());
    named.unwrap_or_else(|| rustix::process::getuid().as_raw().to_string())
}
