//! Some users at a time, under budgets that all share. What stops one stops no other, unless nothing
//! can go on.

use std::collections::BTreeSet;
use std::time::Instant;

use graph_client::ingest::Scope;
use graph_client::ingest::drive::{DriveError, DriveOptions, DriveReport, backup_drive};
use graph_client::model::User;
use graph_client::{Absence, Graph, GraphError};
use parking_lot::Mutex;
use repo_format::codec::ManifestId;
use repo_format::engine::BackupOptions;
use repo_format::log::{SnapshotState, SourceInfo};
use repo_format::policy;
use repo_format::repository::Repository;

use super::people::Person;
use super::watch::Board;
use crate::args::BackupCreateArgs;
use crate::cmd::backup::{ONEDRIVE, USER_ID_TAG, USER_NAME_TAG};
use crate::cmd::session::Session;
use crate::cmd::snapshot::level_of;
use crate::exit::message;
use crate::report::Message;
use crate::report::create::UserLine;

/// What the backup of one user came to.
pub struct Outcome {
    pub line: UserLine,
    /// Why their drive may not be read, if that is so.
    pub denied: Option<GraphError>,
    pub snapshot: Option<ManifestId>,
    pub report: Option<DriveReport>,
}

impl Outcome {
    /// Whether the snapshot is without some items.
    pub fn needs_telling(&self) -> bool {
        self.report.as_ref().is_some_and(|report| {
            let counted = &report.backup.statistics;
            counted.failed + counted.skipped > 0
        })
    }
}

/// Those who back up, and what they share.
pub struct Team<'a> {
    session: &'a Session,
    graph: &'a Graph,
    repository: &'a Repository,
    options: BackupOptions,
    args: &'a BackupCreateArgs,
    /// The folders asked for, each once, in one order: they are part of what a backup is of.
    folders: BTreeSet<String>,
    pub(super) board: Board,
    /// Why nobody can go on.
    fatal: Mutex<Option<anyhow::Error>>,
    failed_fast: Mutex<bool>,
}

impl<'a> Team<'a> {
    pub fn new(
        session: &'a Session,
        graph: &'a Graph,
        repository: &'a Repository,
        options: BackupOptions,
        args: &'a BackupCreateArgs,
    ) -> Team<'a> {
        let board = Board::new(graph.clone());
        let (fatal, failed_fast) = (Mutex::default(), Mutex::default());
        let folders = args.folders.iter().cloned().collect();
        Team { session, graph, repository, options, args, folders, board, fatal, failed_fast }
    }

    /// Backs everybody up. Results are told as they come, and given in the order of their ends.
    pub fn back_up(&self, people: Vec<Person>) -> Vec<Outcome> {
        self.board.expect(people.len() as u64);
        let queue = Mutex::new(people.into_iter());
        let results = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for _ in 0..self.args.parallelism {
                scope.spawn(|| {
                    while let Some(person) = self.next(&queue) {
                        let outcome = self.one(&person);
                        let shown =
                            self.session.output.result(&Message::User(outcome.line.clone()), &outcome.line);
                        if shown.is_err() {
                            // Nobody reads results any more; what is stored is stored.
                            self.session.stop.request();
                        }
                        results.lock().push(outcome);
                    }
                });
            }
        });
        results.into_inner()
    }

    /// Whether the run ended early because something failed, as it was told to.
    pub fn failed_fast(&self) -> bool {
        *self.failed_fast.lock()
    }

    /// Why nobody could go on, if that is so.
    pub fn into_fatal(self) -> Option<anyhow::Error> {
        self.fatal.into_inner()
    }

    fn next(&self, queue: &Mutex<std::vec::IntoIter<Person>>) -> Option<Person> {
        if self.session.stop.is_requested() { None } else { queue.lock().next() }
    }

    fn one(&self, person: &Person) -> Outcome {
        let begun = Instant::now();
        let name = person.name();
        let mut outcome = match person {
            Person::Unknown(_) => told(UserLine::failed(name, "the directory has no such user")),
            Person::Known(user) => self.user(name, user),
        };
        if let Person::Known(user) = person {
            outcome.line.user_id = Some(user.id.as_str().to_owned());
        }
        outcome.line.seconds = begun.elapsed().as_secs_f64();
        self.board.end(name);
        if self.args.fail_fast && outcome.line.is_failure() {
            *self.failed_fast.lock() = true;
            self.session.stop.request();
        }
        outcome
    }

    fn user(&self, name: &str, user: &User) -> Outcome {
        let drive = match self.session.wait(self.graph.drive_of(user)) {
            Ok(drive) => drive,
            Err(GraphError::ResourceAbsent { absence, .. }) => {
                return told(match absence {
                    Absence::User => UserLine::failed(name, "the directory has no such user"),
                    absence => UserLine::nothing(name, &absence.to_string()),
                });
            }
            Err(error @ GraphError::Forbidden { .. }) => {
                return Outcome { denied: Some(error.clone()), ..self.fail(name, error.into()) };
            }
            Err(error) => return self.fail(name, error.into()),
        };
        let mut backup = self.options.clone();
        backup.source = SourceInfo {
            service: ONEDRIVE.to_owned(),
            resource: Some(drive.id.as_str().as_bytes().to_vec()),
            paths: self.folders.iter().map(|folder| folder.clone().into_bytes()).collect(),
            ..SourceInfo::default()
        };
        match self.repository.effective_policy(&policy::Scope::Source(backup.source.clone())) {
            Ok(effective) => {
                backup.writer.level = level_of(self.args.writing.compression, &effective.policy);
            }
            Err(error) => return self.fail(name, error.into()),
        }
        backup.tags.insert(USER_NAME_TAG.to_owned(), name.to_owned());
        backup.tags.insert(USER_ID_TAG.to_owned(), user.id.as_str().to_owned());
        let options = DriveOptions {
            permissions: !self.args.no_permissions,
            scope: Scope::of(&self.folders),
            ..DriveOptions::new(backup)
        };
        let progress = self.board.begin(name);
        let (stop, runtime) = (&self.session.stop, self.session.handle());
        match backup_drive(self.graph, &drive.id, self.repository, &options, runtime, &progress, stop) {
            Ok(report) => ended(name, report),
            Err(error) => self.fail(name, error),
        }
    }

    /// Keeps an error that no other user can go on after.
    fn fail(&self, name: &str, error: DriveError) -> Outcome {
        let stops_all = match &error {
            DriveError::Graph(error) => error.stops_everything(),
            DriveError::Repository(_) | DriveError::Backup(_) => true,
            _ => false,
        };
        let error = anyhow::Error::new(error);
        let line = UserLine::failed(name, &message(&error));
        let mut fatal = self.fatal.lock();
        if stops_all && fatal.is_none() {
            *fatal = Some(error);
            self.session.stop.request();
        }
        told(line)
    }
}

fn told(line: UserLine) -> Outcome {
    Outcome { line, denied: None, snapshot: None, report: None }
}

/// What is to be said of folders that a drive has not got.
fn missing(folders: &[String]) -> Option<String> {
    (!folders.is_empty()).then(|| format!("the drive has no folder {}", folders.join(", ")))
}

fn ended(name: &str, report: DriveReport) -> Outcome {
    let state = report.backup.state;
    let mut line = match (report.backup.interrupted, state) {
        (true, _) => UserLine::interrupted(name),
        (false, SnapshotState::Partial) => UserLine::partial(name),
        (false, _) => UserLine::complete(name),
    };
    let snapshot = report.backup.id;
    line.snapshot_id = snapshot.map(|id| id.to_string());
    line.state = snapshot.map(|_| state.into());
    line.statistics = Some(report.backup.statistics.into());
    line.enumerated = Some(report.enumerated);
    line.message = missing(&report.missing);
    line.recovered = Some(report.recovered);
    line.alerts = Some(report.orphans.len() as u64 + report.odd_hashes + report.unread);
    line.fetched = Some(report.fetched);
    line.fetched_bytes = Some(report.fetched_bytes);
    Outcome { line, denied: None, snapshot, report: Some(report) }
}
