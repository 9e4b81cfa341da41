//! `corso repo verify`

use repo_format::engine::progress::Progress;
use repo_format::repair;
use repo_format::verify::{self, Level, Sample, VerifyOptions, VerifyReport, verify};

use crate::args::values::SampleArg;
use crate::args::{LevelArg, VerifyArgs};
use crate::cmd::session::Session;
use crate::exit::{Code, message};
use crate::progress::watch;
use crate::report::repository::Finding;
use crate::report::summary::Summary;
use crate::report::verify::VerifySummary;
use crate::report::{Message, PathText};

/// Verifies the repository and names what is wrong.
pub fn run(session: &Session, args: &VerifyArgs) -> anyhow::Result<Code> {
    let repository = session.open()?;
    let mut options = VerifyOptions {
        level: match (args.level, args.read_data) {
            // The sample says what is read besides the blobs.
            (LevelArg::Data, None) => Level::Data,
            (LevelArg::Log, _) => Level::Log,
            (LevelArg::Blobs | LevelArg::Data, _) => Level::Blobs,
        },
        sample: args.read_data.map(sample),
        ..VerifyOptions::default()
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
    let summary = VerifySummary { settled_in: settled, ..summary(&report, args) };
    let text = summary.to_string();
    session.output.result(&Message::Summary(Summary::RepoVerify(summary)), text)?;
    Ok(code)
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
        snapshots: finding.snapshots.iter().map(ToString::to_string).collect(),
        paths: finding.paths.iter().map(|path| PathText::new(path)).collect(),
        path_count: finding.path_count,
    }
}

fn summary(report: &VerifyReport, args: &VerifyArgs) -> VerifySummary {
    let covered = &report.covered;
    let damage = report.findings.iter().filter(|finding| finding.kind.is_damage()).count() as u64;
    VerifySummary {
        level: match report.level {
            Level::Log => "log",
            Level::Blobs => "blobs",
            Level::Data => "data",
        }
        .to_owned(),
        sampled: args.read_data.is_some(),
        revision: report.revision,
        snapshots: covered.snapshots,
        entries: covered.entries,
        packs: covered.packs,
        blobs_read: covered.blobs_read,
        packs_decoded: covered.packs_decoded,
        contents_decoded: covered.contents_decoded,
        bytes_read: covered.bytes_read,
        damage,
        unknown: report.findings.len() as u64 - damage,
        settled_in: None,
        interrupted: report.interrupted,
        seconds: report.duration.as_secs_f64(),
    }
}
