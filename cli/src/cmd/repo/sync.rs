//! `corso repo sync`

use repo_format::engine::progress::Progress;
use repo_format::format::slot::Secret;
use repo_format::repository::{Repository, identify};
use repo_format::storage::{Blobs, Storage, StorageError};
use repo_format::sync::{self, Damage, Removed, SyncOptions, SyncReport};

use crate::args::SyncArgs;
use crate::cmd::session::{Session, check_known};
use crate::config::Target;
use crate::exit::Code;
use crate::progress::watch;
use crate::report::Message;
use crate::report::repository::Finding;
use crate::report::summary::Summary;
use crate::report::sync::SyncSummary;
use crate::secret::Prompt;

/// Brings a copy of the repository up to date.
///
/// The code is 30 if the repository does not have everything whole; the rest is copied all the same.
pub fn run(session: &Session, args: &SyncArgs) -> anyhow::Result<Code> {
    session.refuse_at("a copy is made of all of the repository")?;
    let config = session.config()?;
    let from = config.target(session.global.repo.as_deref())?;
    let to = config.target(Some(&args.to))?;
    let source = session.storage(&from.location, false)?;
    let repo = identify(&source)?;
    check_known(&from, repo)?;
    check_known(&to, repo)?;
    // Asked for before the work begins, which may take hours.
    let secret = if args.delete { Some(session.secret(Prompt::Known)?) } else { None };
    let target = target(session, &to, args.dry_run)?;
    let options = SyncOptions {
        threads: args.threads.unwrap_or(SyncOptions::default().threads),
        check: args.check,
        dry_run: args.dry_run,
    };
    let progress = Progress::default();
    let report = watch(&session.global, &session.output, &progress, || {
        sync::sync(&source, &target, &options, &progress, &session.stop)
    })?;
    for damage in &report.damaged {
        let finding = described(damage);
        let text = finding.to_string();
        session.output.result(&Message::Finding(finding), text)?;
    }
    let removed = match secret {
        Some(secret) if !args.dry_run && !report.interrupted => remove(session, &target, &secret, &report)?,
        _ => Removed::default(),
    };
    let interrupted = session.stop.is_requested();
    let code = match () {
        () if !report.is_clean() || removed.kept > 0 => Code::Damage,
        () if interrupted => Code::Interrupted,
        () => Code::Done,
    };
    let summary = SyncSummary {
        from: from.location.to_string(),
        to: to.location.to_string(),
        interrupted,
        ..SyncSummary::new(&report, removed)
    };
    let text = summary.to_string();
    session.output.result(&Message::Summary(Summary::RepoSync(summary)), text)?;
    Ok(code)
}

/// The copy's storage. In a dry run a folder that is not there stays so.
fn target(session: &Session, to: &Target, dry_run: bool) -> anyhow::Result<Blobs> {
    match session.storage_of_copy(&to.location, !dry_run) {
        Err(error) if dry_run && is_absent(&error) => {
            Ok(Blobs::new(Storage::memory(), session.handle().clone()))
        }
        target => target,
    }
}

fn is_absent(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref::<StorageError>(), Some(StorageError::LocationMissing { .. }))
}

/// What goes is told by the copy's own state, which takes the secret.
fn remove(
    session: &Session,
    target: &Blobs,
    secret: &Secret,
    report: &SyncReport,
) -> anyhow::Result<Removed> {
    let copy = Repository::open(target.clone(), secret, session.open_options()?)?;
    let removed = sync::remove_stale(&copy, target, report, &session.stop)?;
    session.pass_warnings(&copy);
    Ok(removed)
}

fn described(damage: &Damage) -> Finding {
    let kind = if damage.is_missing { "missing" } else { "damaged" };
    Finding::damage(Some(damage.blob.name().to_string()), kind, &damage.what)
}
