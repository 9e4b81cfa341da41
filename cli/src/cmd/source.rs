//! Which sources are meant: by path, by host and path, by user, or by a snapshot of theirs.

use std::collections::BTreeSet;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use repo_format::log::{ManifestRow, SourceInfo};
use repo_format::repository::Repository;

use super::backup;
use super::session::{host_name, user_name};
use super::snapshot::folder_source;
use crate::exit::CliError;

/// The service of folders, in the sources of their snapshots.
pub const FOLDER: &str = "folder";

/// What a text may mean.
pub enum Wanted {
    /// The source of a snapshot that was named.
    Exactly(SourceInfo),
    Named(String),
}

impl Wanted {
    /// Takes a text; `id:` and the beginning of an ID stands for the source of that snapshot.
    ///
    /// # Errors
    /// If there is no such snapshot.
    pub fn of(repository: &Repository, text: &str) -> anyhow::Result<Wanted> {
        Ok(match text.strip_prefix("id:") {
            Some(id) => Wanted::Exactly(repository.resolve(id)?.source),
            None => Wanted::Named(text.to_owned()),
        })
    }

    /// Whether a snapshot is of a source that is meant.
    pub fn is_of(&self, row: &ManifestRow) -> bool {
        match self {
            Wanted::Exactly(source) => row.source == *source,
            Wanted::Named(name) if row.source.service == FOLDER => is_folder(&row.source, name),
            Wanted::Named(name) => {
                let resource = row.source.resource.as_deref().map(String::from_utf8_lossy);
                let names = [backup::user_name(row), backup::user_id(row), resource.as_deref()];
                names.iter().flatten().any(|known| known.to_lowercase() == name.to_lowercase())
            }
        }
    }
}

/// The one source that is meant. A folder that is there need not have a snapshot yet.
///
/// # Errors
/// `NothingMatched`, or `Usage` if several could be meant.
pub fn one(repository: &Repository, text: &str) -> anyhow::Result<SourceInfo> {
    let wanted = Wanted::of(repository, text)?;
    let rows = repository.snapshots()?.into_iter().chain(repository.forgotten_snapshots()?);
    let found: BTreeSet<SourceInfo> = rows.filter(|row| wanted.is_of(row)).map(|row| row.source).collect();
    // Of a folder alone rather than with others, made here rather than elsewhere; of a drive the whole.
    let alone = |source: &SourceInfo| match source.service.as_str() {
        FOLDER => source.paths.len() == 1,
        _ => source.paths.is_empty(),
    };
    let here = |source: &SourceInfo| source.host.as_ref() == Some(&host_name());
    let mine = |source: &SourceInfo| source.user.as_ref() == Some(&user_name());
    let path = PathBuf::from(text);
    // A folder of this machine is not taken for another's because it has no snapshot yet.
    if path.exists() && !found.iter().any(|source| alone(source) && here(source)) {
        return Ok(folder_source(&[path], None)?);
    }
    if found.is_empty() {
        return Err(CliError::NothingMatched { what: format!("the source {text}") }.into());
    }
    let found = narrowed(narrowed(narrowed(found, alone), here), mine);
    let mut found = found.into_iter();
    match (found.next(), found.next()) {
        (Some(source), None) => Ok(source),
        _ => {
            let what = format!("{text} could mean several sources");
            Err(CliError::Usage { what, hint: "give id: and the ID of a snapshot of the source" }.into())
        }
    }
}

/// Those that `fits` picks, or all if it picks none.
fn narrowed(found: BTreeSet<SourceInfo>, fits: impl Fn(&SourceInfo) -> bool) -> BTreeSet<SourceInfo> {
    let picked: BTreeSet<SourceInfo> = found.iter().filter(|source| fits(source)).cloned().collect();
    if picked.is_empty() { found } else { picked }
}

/// Whether a source is the one meant: a path from here, or `HOST:PATH`.
fn is_folder(source: &SourceInfo, wanted: &str) -> bool {
    let has = |path: &[u8]| source.paths.iter().any(|it| it == path);
    let on_host = wanted
        .split_once(':')
        .is_some_and(|(host, path)| source.host.as_deref() == Some(host) && has(path.as_bytes()));
    on_host || has(absolute(wanted).as_os_str().as_bytes())
}

/// A path as sources have it.
fn absolute(path: &str) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| Path::new(path).to_owned()).components().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_named_by_path_or_by_host_and_path() {
        let source = SourceInfo {
            service: FOLDER.into(),
            host: Some("desk".into()),
            paths: vec![b"/home/me".to_vec(), b"/srv".to_vec()],
            ..SourceInfo::default()
        };
        for wanted in ["/home/me", "/home/me/", "desk:/srv"] {
            assert!(is_folder(&source, wanted), "{wanted}");
        }
        for other in ["/home", "lamp:/srv", "desk:/home"] {
            assert!(!is_folder(&source, other), "{other}");
        }
    }
}
