//! `corso policy …`: what is kept, how it is stored, what is left out.

mod list;
mod remove;
mod set;
mod show;
mod text;

use repo_format::policy::Scope;
use repo_format::repository::Repository;

use super::session::Session;
use super::source;
use crate::args::PolicyCommand;
use crate::exit::Code;

/// Carries out a command on policies.
pub fn run(session: &Session, command: PolicyCommand) -> anyhow::Result<Code> {
    match command {
        PolicyCommand::Set(args) => set::run(session, &args),
        PolicyCommand::Show(args) => show::run(session, &args),
        PolicyCommand::List => list::run(session),
        PolicyCommand::Remove(args) => remove::run(session, &args),
    }
}

/// The scope that is meant: a source, else a service, else all sources.
fn scope(repository: &Repository, source: Option<&str>, service: Option<&str>) -> anyhow::Result<Scope> {
    Ok(match (source, service) {
        (Some(wanted), _) => Scope::Source(source::one(repository, wanted)?),
        (None, Some(service)) => Scope::Service(service.to_owned()),
        (None, None) => Scope::Global,
    })
}
