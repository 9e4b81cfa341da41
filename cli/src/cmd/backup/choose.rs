//! Which backups are meant: by ID, by the beginning of one, by user, or the latest.

use std::collections::BTreeSet;

use repo_format::log::{ManifestRow, SnapshotState};
use repo_format::repository::{Repository, ResolveError};

use super::{USER_ID_TAG, USER_NAME_TAG};
use crate::args::BackupArg;
use crate::exit::CliError;

/// Whose backup it is, as the service called them then.
pub fn user_name(row: &ManifestRow) -> Option<&str> {
    row.tags.get(USER_NAME_TAG).map(String::as_str)
}

/// The user's ID.
pub fn user_id(row: &ManifestRow) -> Option<&str> {
    row.tags.get(USER_ID_TAG).map(String::as_str)
}

/// What a backup is called after: the user's name, their ID, or that of the resource.
pub fn owner(row: &ManifestRow) -> String {
    let resource = || row.source.resource.as_deref().map(String::from_utf8_lossy);
    let user = user_name(row).or(user_id(row)).map(Into::into);
    user.or_else(resource).unwrap_or_default().into_owned()
}

/// All backups of a service, checkpoints included, in the order of their commits.
///
/// # Errors
/// If they cannot be listed.
pub fn all(repository: &Repository, service: &str) -> anyhow::Result<Vec<ManifestRow>> {
    let mut rows = repository.snapshots()?;
    rows.retain(|row| row.source.service == service);
    Ok(rows)
}

/// Whether a backup is of one of `users`, IDs or names in any case; without any, whether it is at all.
pub fn is_of(row: &ManifestRow, users: &[String]) -> bool {
    let is = |known: Option<&str>, user: &str| {
        known.is_some_and(|known| known.to_lowercase() == user.trim().to_lowercase())
    };
    users.is_empty()
        || users.iter().any(|user| user == "*" || is(user_name(row), user) || is(user_id(row), user))
}

/// The one backup that is meant.
///
/// # Errors
/// `NothingMatched` or [`ResolveError`] if there is none, `Usage` if `latest` could mean several users'.
pub fn one(repository: &Repository, service: &str, wanted: &BackupArg) -> anyhow::Result<ManifestRow> {
    let mut rows = all(repository, service)?;
    rows.retain(|row| is_of(row, &wanted.users));
    if wanted.backup != "latest" {
        return by_id(repository, rows, service, &wanted.backup);
    }
    let resources: BTreeSet<_> = rows.iter().map(|row| &row.source.resource).collect();
    if resources.len() > 1 && wanted.users.is_empty() {
        let what = format!("{} users have backups, so `latest` is not clear", resources.len());
        return Err(CliError::Usage { what, hint: "say whose with --user, or give the backup's ID" }.into());
    }
    let finished = rows.iter().rfind(|row| row.state != SnapshotState::Checkpoint);
    let latest = finished.or(rows.last()).cloned();
    latest
        .ok_or_else(|| CliError::NothingMatched { what: format!("latest among backups of {service}") }.into())
}

/// The backups with these IDs, each once.
///
/// # Errors
/// As [`one`].
pub fn several(repository: &Repository, service: &str, ids: &[String]) -> anyhow::Result<Vec<ManifestRow>> {
    let rows = all(repository, service)?;
    let mut found: Vec<ManifestRow> = Vec::new();
    for id in ids {
        let row = by_id(repository, rows.clone(), service, id.trim())?;
        if !found.iter().any(|known| known.id == row.id) {
            found.push(row);
        }
    }
    Ok(found)
}

/// Only a backup of the service may be meant, so only those make a beginning ambiguous.
fn by_id(
    repository: &Repository,
    mut rows: Vec<ManifestRow>,
    service: &str,
    id: &str,
) -> anyhow::Result<ManifestRow> {
    let prefix = id.to_ascii_lowercase();
    rows.retain(|row| row.id.to_string().starts_with(&prefix));
    match rows.len() {
        1 if !prefix.is_empty() => Ok(rows.remove(0)),
        // What is malformed, ambiguous or not there at all is told as for every snapshot.
        _ => match repository.resolve(id) {
            Ok(_) => {
                Err(CliError::NothingMatched { what: format!("{id} among backups of {service}") }.into())
            }
            Err(ResolveError::Ambiguous { candidates, text }) if rows.is_empty() => {
                tracing::debug!(?candidates, "only other snapshots have such an ID");
                Err(CliError::NothingMatched { what: format!("{text} among backups of {service}") }.into())
            }
            Err(error) => Err(error.into()),
        },
    }
}
