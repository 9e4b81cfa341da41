//! `corso snapshot forget`

use repo_format::codec::ManifestId;
use repo_format::log::{ManifestRow, State};
use repo_format::policy::Policies;
use repo_format::repository::{Repository, RepositoryError};

use super::plan::{Plan, Rules};
use crate::args::ForgetArgs;
use crate::cmd::session::Session;
use crate::cmd::source::Wanted;
use crate::exit::{CliError, Code};
use crate::report::Message;
use crate::report::policy::retention_table;
use crate::report::summary::{ForgetSummary, Summary};

/// Forgets snapshots: those that are named, or those that policies or rules do not keep.
pub fn run(session: &Session, args: &ForgetArgs) -> anyhow::Result<Code> {
    match args.ids.is_empty() {
        true => by_rules(session, args),
        false => by_id(session, args),
    }
}

/// All of those named, or none.
fn by_id(session: &Session, args: &ForgetArgs) -> anyhow::Result<Code> {
    let repository = session.open()?;
    let mut ids: Vec<ManifestId> = Vec::new();
    for text in &args.ids {
        let id = repository.resolve(text)?.id;
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    let revision = if args.dry_run { None } else { Some(repository.forget(&ids)?) };
    let forgotten = ids.iter().map(ToString::to_string).collect();
    let summary = ForgetSummary { forgotten, dry_run: args.dry_run, revision, kept: None };
    session.output.result(&Message::Summary(Summary::Forget(summary.clone())), summary)?;
    session.note_recall(revision);
    Ok(Code::Done)
}

fn by_rules(session: &Session, args: &ForgetArgs) -> anyhow::Result<Code> {
    let repository = session.open()?;
    let rules = if args.policy { Rules::Stored } else { Rules::of(&args.rules) };
    let wanted = sources(&repository, &args.sources)?;
    let decide = |state: &State, rows: &[ManifestRow]| {
        // Who does not go by policies need not know them.
        let policies = match rules {
            Rules::Stored => Policies::decode(&state.policies)?,
            _ => Policies::default(),
        };
        Ok::<_, RepositoryError>(Plan::make(&rules, &policies, rows, &wanted))
    };
    let (plan, revision) = if args.dry_run {
        (decide(&repository.state(), &repository.snapshots()?)?, None)
    } else {
        commit(&repository, args.yes_really, decide)?
    };
    tell(session, &plan)?;
    if !plan.emptied.is_empty() && !args.yes_really && !args.dry_run {
        let what = format!("this would forget {}; nothing was forgotten", plan.emptied_text());
        return Err(CliError::Usage { what, hint: "if that is meant, add --yes-really" }.into());
    }
    let forgotten: Vec<String> = plan.forgotten().iter().map(ToString::to_string).collect();
    let kept = Some((plan.rows.len() - forgotten.len()) as u64);
    let summary = ForgetSummary { forgotten, dry_run: args.dry_run, revision, kept };
    session.output.result(&Message::Summary(Summary::Forget(summary.clone())), summary)?;
    session.note_recall(revision);
    Ok(Code::Done)
}

/// The sources that are meant, each of which has snapshots.
fn sources(repository: &Repository, texts: &[String]) -> anyhow::Result<Vec<Wanted>> {
    let rows = repository.snapshots()?;
    let one = |text: &String| {
        let wanted = Wanted::of(repository, text)?;
        match rows.iter().any(|row| wanted.is_of(row)) {
            true => Ok(wanted),
            false => Err(CliError::NothingMatched { what: format!("the source {text}") }.into()),
        }
    };
    texts.iter().map(one).collect()
}

/// Decides on the state that the record extends, and forgets what goes; nothing if a source would be
/// emptied and that is not meant.
fn commit(
    repository: &Repository,
    may_empty: bool,
    decide: impl Fn(&State, &[ManifestRow]) -> Result<Plan, RepositoryError>,
) -> anyhow::Result<(Plan, Option<u64>)> {
    let (mut plan, mut going) = (Plan::default(), false);
    let revision = repository.forget_chosen(|state, rows| {
        plan = decide(state, rows)?;
        let ids = if may_empty || plan.emptied.is_empty() { plan.forgotten() } else { Vec::new() };
        going = !ids.is_empty();
        Ok(ids)
    })?;
    Ok((plan, going.then_some(revision)))
}

fn tell(session: &Session, plan: &Plan) -> anyhow::Result<()> {
    let lines = plan.lines();
    for line in &lines {
        session.output.json_only(&Message::Retention(line.clone()))?;
    }
    let text = if lines.is_empty() { "No snapshots.".to_owned() } else { retention_table(&lines) };
    session.output.text_only(text)?;
    Ok(())
}
