//! `corso repo init`

use repo_format::codec::SplitterSizes;
use repo_format::format::slot::{KdfCost, Secret};
use repo_format::repository::{InitOptions, Repository};
use repo_format::storage::Retention;

use super::location::location;
use crate::args::{InitArgs, KdfArgs, LocationCommand, RetentionModeArg};
use crate::cmd::session::Session;
use crate::config::Connection;
use crate::exit::{CliError, Code};
use crate::report::Message;
use crate::report::summary::{InitSummary, Summary};
use crate::secret::Prompt;

/// Makes a repository and connects it.
pub fn run(session: &Session, args: &InitArgs, place: &LocationCommand) -> anyhow::Result<Code> {
    let location = location(place)?;
    let cost = cost(&args.kdf)?;
    let mut config = session.config()?;
    // A name that is taken is found before anything is made.
    let placeholder = Connection { id: String::new(), location: location.clone() };
    config.clone().connect(args.name.as_deref(), placeholder)?;

    let secret = session.secret(Prompt::New)?;
    if matches!(secret, Secret::RecoveryKey(_)) {
        let what = "a new repository is opened by a passphrase or a key file".to_owned();
        return Err(CliError::Usage { what, hint: "use --passphrase-file or --key-file" }.into());
    }
    let options = InitOptions {
        secret,
        label: args.label.clone(),
        cost,
        recovery_key: !args.no_recovery_key,
        retention: retention(args)?,
        splitter: SplitterSizes::DEFAULT,
        open: session.open_options()?,
    };
    let made = Repository::init(session.storage(&location, true)?, options)?;
    session.pass_warnings(&made.repository);
    if let Err(error) = made.repository.blobs().fill_reserve() {
        session.output.warn(format!("no room is kept for maintenance on a full disk: {error}"));
    }

    let id = made.repository.id().to_string();
    // The key is shown whatever happens next: it exists only here.
    let connection = Connection { id: id.clone(), location: location.clone() };
    let connected = config.connect(args.name.as_deref(), connection).and_then(|name| {
        session.save(&config)?;
        Ok(name)
    });
    let summary = InitSummary {
        repository_id: id,
        location: location.to_string(),
        name: connected.as_ref().ok().cloned(),
        recovery_key: made.recovery_key.as_ref().map(|key| key.to_string()),
    };
    session.output.result(&Message::Summary(Summary::RepoInit(summary.clone())), summary)?;
    connected?;
    Ok(Code::Done)
}

/// What trying a passphrase is to cost.
///
/// # Errors
/// `Usage` if the format forbids it.
pub fn cost(args: &KdfArgs) -> Result<KdfCost, CliError> {
    let memory_kib = u32::try_from(args.kdf_memory >> 10).unwrap_or(u32::MAX);
    let cost = KdfCost { memory_kib, passes: args.kdf_passes, ..KdfCost::DEFAULT };
    match cost.is_allowed() {
        true => Ok(cost),
        false => Err(CliError::Usage {
            what: "this cost of trying a passphrase is not allowed".to_owned(),
            hint: "use --kdf-memory from 64MiB to 4GiB and --kdf-passes from 3 to 64",
        }),
    }
}

/// The retention that is asked for; a mode alone asks for none.
fn retention(args: &InitArgs) -> Result<Option<Retention>, CliError> {
    match (args.retention, args.retention_mode) {
        (None, Some(_)) => {
            let what = "--retention-mode is given, and no --retention".to_owned();
            Err(CliError::Usage { what, hint: "say for how long blobs are to be locked: --retention 30d" })
        }
        (seconds, mode) => {
            let mode = mode.unwrap_or(RetentionModeArg::Governance).into();
            Ok(seconds.map(|seconds| Retention { mode, seconds }))
        }
    }
}
