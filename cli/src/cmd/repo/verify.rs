//! `corso repo verify`

use anyhow::Context;
use repo_format::engine::progress::Progress;
use repo_format::repair;
use repo_format::repository::Repository;
use repo_format::storage::{Retention, RetentionMode};
use repo_format::verify::{
    self, CoverageReport, FindingKind, Level, Sample, VerifyOptions, VerifyReport, verify, verify_keyless,
};

use crate::args::values::SampleArg;
use crate::args::{LevelArg, RetentionLeast, VerifyArgs};
use crate::cmd::session::{Session, check_known};
use crate::exit::{CliError, Code, message};
use crate::progress::watch;
use crate::report::repository::Finding;
use crate::report::summary::Summary;
use crate::report::verify::{CoverageText, VerifySummary};
use crate::report::{Message, PathText, Time};
use crate::secret::SecretError;

/// Verifies the repository and names what is wrong.
pub fn run(session: &Session, args: &VerifyArgs) -> anyhow::Result<Code> {
    let (report, settled) = match args.keyless {
        true => (keyless(session, args)?, None),
        false => with_keys(session, args)?,
    };
    for finding in &report.findings {
        let finding = described(finding);
        let text = finding.to_string();
        session.output.result(&Message::Finding(finding), text)?;
    }
    let code = match () {
        () if !report.is_clean() => Code::Damage,
        () if report.interrupted => Code::Interrupted,
        () => Code::Done,
    };
    let summary = summary(&report, settled, args);
    if summary.unlocked > 0 {
        session.output.note(
            "hint: `corso maintenance run` locks what is needed for longer, with keys that may (s3:PutObjectRetention)",
        );
    }
    let text = summary.to_string();
    session.output.result(&Message::Summary(Summary::RepoVerify(summary)), text)?;
    Ok(code)
}

/// The report, and the revision that ends the hold on dooms, if there was one and nothing is wrong.
fn with_keys(session: &Session, args: &VerifyArgs) -> anyhow::Result<(VerifyReport, Option<u64>)> {
    let repository = session.open().map_err(name_keyless)?;
    let mut options = VerifyOptions {
        level: match (args.level, args.read_data) {
            // The sample says what is read besides the blobs.
            (LevelArg::Data, None) => Level::Data,
            (LevelArg::Log, _) => Level::Log,
            (LevelArg::Blobs | LevelArg::Data, _) => Level::Blobs,
        },
        sample: args.read_data.map(sample),
        // The past cannot be added to.
        keep_coverage: !args.no_record && session.global.at.is_none(),
        coverage_interval: args.checkpoint_interval,
        retention: args.retention.map(|least| asked(&repository, least)).transpose()?,
        ..VerifyOptions::for_storage(repository.blobs().storage())
    };
    options.threads = args.threads.unwrap_or(options.threads);
    let progress = Progress::default();
    let report = watch(&session.global, &session.output, &progress, || {
        verify(&repository, &options, &progress, &session.stop)
    })?;
    session.pass_warnings(&repository);
    let settled = match repair::settle(&repository, &options, &report) {
        Ok(settled) => settled,
        Err(error) => {
            let error = message(&error.into());
            session.output.warn(format!("it could not be recorded that everything was verified: {error}"));
            None
        }
    };
    Ok((report, settled))
}

/// The retention that blobs are to have left.
fn asked(repository: &Repository, least: RetentionLeast) -> Result<Retention, CliError> {
    match (least, repository.retention()) {
        (RetentionLeast::Half, Some(set)) => Ok(Retention { seconds: set.seconds.div_ceil(2), ..set }),
        (RetentionLeast::Seconds(seconds), Some(set)) => Ok(Retention { seconds, ..set }),
        (RetentionLeast::Seconds(seconds), None) => {
            Ok(Retention { mode: RetentionMode::Governance, seconds })
        }
        (RetentionLeast::Half, None) => Err(CliError::Usage {
            what: "the repository has no retention to compare with".to_owned(),
            hint: "set one with `corso repo retention 30d`, or say how long blobs are to be locked: --retention=30d",
        }),
    }
}

/// Where there is no passphrase, hashes can be compared all the same.
fn name_keyless(error: anyhow::Error) -> anyhow::Error {
    match error.downcast() {
        Ok(source @ SecretError::NoSource) => CliError::NoSecret(source).into(),
        Ok(error) => error.into(),
        Err(error) => error,
    }
}

fn keyless(session: &Session, args: &VerifyArgs) -> anyhow::Result<VerifyReport> {
    if args.level != LevelArg::Blobs {
        let what = "without keys only the hashes of blobs can be compared".to_owned();
        let hint = "leave --level out, or leave --keyless out and give the passphrase";
        return Err(CliError::Usage { what, hint }.into());
    }
    if session.global.at.is_some() {
        let what = "without keys there is no telling what belongs to a revision".to_owned();
        return Err(CliError::Usage { what, hint: "leave --at out" }.into());
    }
    let target = session.target()?;
    let blobs = session.storage(&target.location, false)?;
    if target.known.is_some()
        && let Some(found) = repo_format::repository::identify_if_told(&blobs)?
    {
        check_known(&target, found)?;
    }
    let mut options = VerifyOptions { level: Level::Blobs, ..VerifyOptions::for_storage(blobs.storage()) };
    options.threads = args.threads.unwrap_or(options.threads);
    let progress = Progress::default();
    let report = watch(&session.global, &session.output, &progress, || {
        verify_keyless(&blobs, &options, &progress, &session.stop)
    });
    report.context("cannot verify without keys")
}

fn sample(chosen: SampleArg) -> Sample {
    match chosen {
        SampleArg::Percent(percent) => Sample::Percent(percent),
        SampleArg::Bytes(bytes) => Sample::Bytes(bytes),
    }
}

fn described(finding: &verify::Finding) -> Finding {
    Finding {
        blob: finding.blob.as_ref().map(ToString::to_string),
        kind: finding.kind.name().to_owned(),
        is_damage: finding.kind.is_damage(),
        what: finding.what.clone(),
        contents: finding.contents,
        content_ids: finding.content_ids.iter().map(ToString::to_string).collect(),
        snapshots: finding.snapshots.iter().map(ToString::to_string).collect(),
        paths: finding.paths.iter().map(|path| PathText::new(path)).collect(),
        path_count: finding.path_count,
    }
}

fn summary(report: &VerifyReport, settled_in: Option<u64>, args: &VerifyArgs) -> VerifySummary {
    let covered = &report.covered;
    let damage = report.findings.iter().filter(|finding| finding.kind.is_damage()).count() as u64;
    let is_unlocked = |finding: &&verify::Finding| finding.kind == FindingKind::Unlocked;
    let unlocked = report.findings.iter().filter(is_unlocked).count() as u64;
    VerifySummary {
        level: match report.level {
            Level::Log => "log",
            Level::Blobs => "blobs",
            Level::Data => "data",
        }
        .to_owned(),
        sampled: args.read_data.is_some(),
        keyless: args.keyless,
        revision: report.revision,
        snapshots: covered.snapshots,
        entries: covered.entries,
        packs: covered.packs,
        blobs_read: covered.blobs_read,
        packs_decoded: covered.packs_decoded,
        contents_decoded: covered.contents_decoded,
        bytes_read: covered.bytes_read,
        coverage: report.coverage.as_ref().map(coverage),
        damage,
        unknown: report.findings.len() as u64 - damage - unlocked,
        locks_asked: args.retention.map(|_| covered.locks),
        unlocked,
        settled_in,
        interrupted: report.interrupted,
        seconds: report.duration.as_secs_f64(),
    }
}

fn coverage(report: &CoverageReport) -> CoverageText {
    let CoverageReport { summary, longest } = report;
    CoverageText {
        packs: summary.packs,
        bytes: summary.bytes,
        decoded_packs: summary.decoded_packs,
        decoded_bytes: summary.decoded_bytes,
        longest_unverified_pack: longest.map(|(place, _)| place.pack.to_string()),
        longest_unverified: longest.map(|(_, row)| Time(row.time_ns)),
    }
}
