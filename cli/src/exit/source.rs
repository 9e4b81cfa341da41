//! What the errors of sources, and of what is restored to, mean for the user.

use std::error::Error;

use folder::export::ArchiveError;
use folder::{FolderError, SelectError};
use graph_client::GraphError;
use graph_client::ingest::drive::DriveError;
use graph_client::ingest::restore::DriveRestoreError;

use super::Code;
use super::classify::Verdict;
use super::repository::{DAMAGED, of_backup, of_content, of_repository, of_restore};

/// Judges one error of a chain, if it is one of a folder or of Microsoft 365.
pub fn judge(cause: &(dyn Error + 'static)) -> Option<Verdict> {
    None.or_else(|| cause.downcast_ref().map(of_folder))
        .or_else(|| cause.downcast_ref().and_then(of_archive))
        .or_else(|| cause.downcast_ref().map(of_selection))
        .or_else(|| cause.downcast_ref().map(of_graph))
        .or_else(|| cause.downcast_ref().and_then(of_drive))
        .or_else(|| cause.downcast_ref().and_then(of_drive_restore))
}

fn of_folder(error: &FolderError) -> Verdict {
    match error {
        FolderError::NoPath | FolderError::NotAbsolute { .. } => (Code::Usage, "give paths to back up"),
        FolderError::BadPattern { .. } => (Code::Usage, "patterns are those of gitignore"),
        _ => (Code::Failed, "check that the path is there and may be used"),
    }
}

fn of_archive(error: &ArchiveError) -> Option<Verdict> {
    match error {
        ArchiveError::Taken { .. } => {
            Some((Code::Failed, "choose another folder, or replace it with --overwrite always"))
        }
        ArchiveError::Read(error) => of_restore(error),
        _ => Some((Code::Failed, "check the path, its permissions, and that there is space")),
    }
}

fn of_selection(error: &SelectError) -> Verdict {
    match error {
        SelectError::Time { .. } => (Code::Usage, "use 2026-01-31, or 2026-01-31T12:00:00Z"),
        _ => (Code::Usage, "docs/selection.md has the rules of patterns"),
    }
}

fn of_drive(error: &DriveError) -> Option<Verdict> {
    match error {
        DriveError::Graph(error) => Some(of_graph(error)),
        DriveError::Repository(error) => of_repository(error),
        DriveError::Backup(error) => of_backup(error),
        _ => None,
    }
}

fn of_drive_restore(error: &DriveRestoreError) -> Option<Verdict> {
    Some(match error {
        DriveRestoreError::Graph(error) => of_graph(error),
        DriveRestoreError::Repository(error) => return of_repository(error),
        DriveRestoreError::Content(error) => return of_content(error),
        DriveRestoreError::Broken { .. } => DAMAGED,
        DriveRestoreError::Destination { .. } => (Code::Failed, "choose another --destination"),
        DriveRestoreError::Journal(_) => {
            (Code::Failed, "check the state folder (--state-dir) and its disk; the same command goes on")
        }
        _ => return None,
    })
}

fn of_graph(error: &GraphError) -> Verdict {
    match error {
        GraphError::Setup { .. } => {
            (Code::Usage, "docs/configuration.md has the settings of Microsoft Graph")
        }
        GraphError::SignIn { .. } => {
            (Code::Refused, "check --tenant-id, --client-id and the credential with `corso doctor graph`")
        }
        GraphError::Forbidden { .. } => {
            (Code::Refused, "`corso doctor graph` shows which permission or consent is missing")
        }
        GraphError::ThrottledOut { .. } => {
            (Code::ThrottledOut, "run the command again later; what was committed is kept and used")
        }
        GraphError::ResourceAbsent { .. } | GraphError::NotFound { .. } => {
            (Code::NothingMatched, "check the user's name, and that they have a licence and a drive")
        }
        GraphError::Exhausted { .. } => {
            (Code::Failed, "check the network and the service's health, and run the command again")
        }
        _ => (Code::Failed, "run again with -vv for what the service said"),
    }
}
