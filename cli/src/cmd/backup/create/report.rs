//! What a backup of many users came to, in all.

use graph_client::Metrics;

use super::team::Outcome;
use crate::exit::Code;
use crate::report::create::{BackupCreateSummary, Result};
use crate::report::snapshot::Statistics;

/// Adds results up.
pub fn summarize(results: &[Outcome], metrics: &Metrics) -> BackupCreateSummary {
    let count = |wanted: Result| results.iter().filter(|it| it.line.result == wanted).count() as u64;
    let mut summary = BackupCreateSummary {
        users: results.len() as u64,
        complete: count(Result::Complete),
        partial: count(Result::Partial),
        nothing: count(Result::Nothing),
        failed: count(Result::Failed),
        requests: metrics.requests,
        retries: metrics.retries,
        refused: metrics.refused,
        units: metrics.units.values().sum(),
        throttled_seconds: metrics.throttled_seconds,
        bytes_down: metrics.bytes_down,
        ..BackupCreateSummary::default()
    };
    for result in results {
        if let Some(report) = &result.report {
            add(&mut summary.statistics, report.backup.statistics.into());
            summary.fetched += report.fetched;
            summary.fetched_bytes += report.fetched_bytes;
        }
    }
    summary
}

fn add(sum: &mut Statistics, one: Statistics) {
    sum.files += one.files;
    sum.folders += one.folders;
    sum.others += one.others;
    sum.bytes += one.bytes;
    sum.files_new += one.files_new;
    sum.files_changed += one.files_changed;
    sum.files_unchanged += one.files_unchanged;
    sum.failed += one.failed;
    sum.skipped += one.skipped;
    sum.bytes_read += one.bytes_read;
    sum.bytes_added += one.bytes_added;
    sum.bytes_stored += one.bytes_stored;
    sum.contents_added += one.contents_added;
}

/// Total failure is told from partial success.
pub fn code_of(summary: &BackupCreateSummary) -> Code {
    let saved = summary.complete + summary.partial;
    match () {
        () if summary.interrupted => Code::Interrupted,
        () if summary.failed > 0 && saved + summary.nothing == 0 => Code::Failed,
        () if summary.failed + summary.partial + summary.statistics.failed > 0 => Code::Partial,
        () => Code::Done,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_users_failure_is_partial_and_everybodys_is_total() {
        let code = |complete, partial, nothing, failed| {
            code_of(&BackupCreateSummary { complete, partial, nothing, failed, ..Default::default() })
        };
        assert_eq!(code(2, 0, 0, 0), Code::Done);
        assert_eq!(code(0, 0, 2, 0), Code::Done);
        assert_eq!(code(1, 1, 0, 0), Code::Partial);
        assert_eq!(code(1, 0, 0, 1), Code::Partial);
        assert_eq!(code(0, 0, 0, 2), Code::Failed);
    }
}
