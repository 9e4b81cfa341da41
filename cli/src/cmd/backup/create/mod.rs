//! `corso backup create onedrive`: many users at a time, each a snapshot of its own.

mod people;
mod report;
mod team;
mod watch;

use std::time::Instant;

use graph_client::GraphError;

use super::items::Items;
use crate::args::BackupCreateArgs;
use crate::cmd::graph::connect;
use crate::cmd::session::Session;
use crate::cmd::snapshot::{backup_options, sweep};
use crate::exit::{CliError, Code};
use crate::progress::watch as show_progress;
use crate::report::Message;
use crate::report::summary::Summary;

use self::people::find;
use self::report::{code_of, summarize};
use self::team::{Outcome, Team};

/// Contents of a user that are fetched at a time, where nobody says.
const FETCHES: usize = 8;

/// Backs drives up.
pub fn run(session: &Session, args: &BackupCreateArgs) -> anyhow::Result<Code> {
    let begun = Instant::now();
    if session.global.at.is_some() {
        let what = "--at is for reading; a backup is always added to the newest state".to_owned();
        return Err(CliError::Usage { what, hint: "leave --at away" }.into());
    }
    let mut options = backup_options(&args.writing, false)?;
    options.threads = args.writing.threads.unwrap_or(FETCHES);
    options.fail_fast = args.fail_fast;
    options.tags = args.tags.iter().cloned().collect();
    let repository = session.open()?;
    // Before anybody is asked for anything else.
    repository.log().check_writable()?;
    let graph = connect(session, &args.graph, args.parallelism * options.threads)?;
    session.wait(graph.check_sign_in())?;
    let people = session.wait(find(&graph, args))?;
    sweep(session, &repository);

    let team = Team::new(session, &graph, &repository, options, args);
    let results = show_progress(&session.global, &session.output, &team, || team.back_up(people));
    session.pass_warnings(&repository);
    // Every item that is not there is named once more, where results go.
    for id in results.iter().filter(|result| result.needs_telling()).filter_map(|result| result.snapshot) {
        Items { session, repository: &repository, id }.show_failures()?;
    }
    let mut summary = summarize(&results, &graph.metrics());
    summary.interrupted = session.stop.is_requested() && !team.failed_fast();
    summary.seconds = begun.elapsed().as_secs_f64();
    let code = code_of(&summary);
    let text = summary.to_string();
    session.output.result(&Message::Summary(Summary::BackupCreate(summary)), text)?;
    match (team.into_fatal(), code) {
        (Some(error), _) => Err(error),
        (None, Code::Failed) => match all_denied(results) {
            Some(error) => Err(error.into()),
            None => Ok(code),
        },
        (None, _) => Ok(code),
    }
}

/// Why nobody's drive may be read, if that is what failed for all: then it is the application's rights.
fn all_denied(results: Vec<Outcome>) -> Option<GraphError> {
    let failed = results.into_iter().filter(|result| result.line.is_failure());
    let denied: Option<Vec<GraphError>> = failed.map(|result| result.denied).collect();
    denied?.into_iter().next()
}
