//! `corso demo`: the whole way, without an account, a disk or a server of one's own.

mod data;
mod drive;
mod folder;

use repo_format::engine::progress::Progress;
use repo_format::repository::Repository;
use repo_format::verify::{Level, VerifyOptions, verify};

use super::session::Session;
use crate::args::{DemoArgs, DemoCommand};
use crate::exit::{CliError, Code};
use crate::progress::watch;
use crate::report::Count;

/// Shows a backup, of OneDrive unless told otherwise.
pub fn run(session: &Session, args: &DemoArgs) -> anyhow::Result<Code> {
    match &args.what {
        Some(DemoCommand::Folder(args)) => folder::run(session, args),
        None => drive::run(session, &args.drive),
    }
}

/// Decrypts and hashes everything; gives the number of places that are damaged.
fn verify_all(session: &Session, repository: &Repository) -> anyhow::Result<u64> {
    let options = VerifyOptions { level: Level::Data, ..VerifyOptions::default() };
    let progress = Progress::default();
    let Session { global, output, stop, .. } = session;
    let report = watch(global, output, &progress, || verify(repository, &options, &progress, stop))?;
    // What a killed run left behind is no damage.
    for finding in report.findings.iter().filter(|finding| finding.kind.is_damage()) {
        output.warn(finding.what.clone());
    }
    let contents = Count(report.covered.contents_decoded, "content");
    output.note(format_args!("Verified: {contents} decrypted and hashed"));
    if report.interrupted {
        return Err(CliError::Interrupted.into());
    }
    Ok(report.findings.iter().filter(|finding| finding.kind.is_damage()).count() as u64)
}
