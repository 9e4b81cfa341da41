//! A source that is a table of files in memory, and the way back from a snapshot to such a table.
//!
//! What a snapshot holds can then be compared with what it should by one `==`, thousands of times a
//! second, and no clock of a file system decides what counts as changed.

use std::collections::BTreeMap;
use std::sync::Arc;

use repo_format::codec::{ContentId, ManifestId};
use repo_format::content::ContentError;
use repo_format::engine::source::{Child, ItemError, ItemReader, Listing, Source};
use repo_format::object::ObjectReader;
use repo_format::repository::Repository;
use repo_format::tree::{Entry, EntryKind, Meta, TimeNs, Tree, TreeKey};

/// A file: its bytes, and a number that every change raises.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlainFile {
    pub version: u64,
    pub bytes: Arc<Vec<u8>>,
}

/// Folder name, then file name, to file.
pub type Files = BTreeMap<String, BTreeMap<String, PlainFile>>;

/// Called with the path of each file that is opened.
pub type OnOpen = Arc<dyn Fn(&str) + Send + Sync>;

/// Files as a source.
pub struct PlainSource {
    files: Arc<Files>,
    on_open: Option<OnOpen>,
}

/// The root, a folder, or a file in it.
#[derive(Debug, Clone)]
pub enum Place {
    Root,
    Folder(String),
    File(String, String),
}

impl PlainSource {
    pub fn new(files: &Files) -> PlainSource {
        PlainSource { files: Arc::new(files.clone()), on_open: None }
    }

    /// Calls `on_open` whenever a file is opened: where tests let something happen in mid-run.
    pub fn with_hook(files: &Files, on_open: impl Fn(&str) + Send + Sync + 'static) -> PlainSource {
        PlainSource { on_open: Some(Arc::new(on_open)), ..PlainSource::new(files) }
    }
}

/// A folder of which nothing is known.
pub fn folder_entry() -> Entry {
    Entry { kind: EntryKind::Folder(ContentId::ZERO), size: 0, meta: Meta::default(), items: 0 }
}

fn file_entry(file: &PlainFile) -> Entry {
    let meta = Meta { mtime_ns: Some(file.version as i64), ..Meta::default() };
    Entry { kind: EntryKind::File(None), size: file.bytes.len() as u64, meta, items: 0 }
}

impl Source for PlainSource {
    type Handle = Place;

    fn root(&self) -> Result<(Entry, Place), ItemError> {
        Ok((folder_entry(), Place::Root))
    }

    fn list(&self, folder: &Place) -> Listing<Place> {
        let child = |name: &str, entry, handle| Child { key: TreeKey::of_name(name), entry, handle };
        let children = match folder {
            Place::Root => {
                let folders = self.files.keys();
                folders.map(|name| child(name, folder_entry(), Place::Folder(name.clone()))).collect()
            }
            Place::Folder(folder) => {
                let files = self.files.get(folder).into_iter().flatten();
                let place = |name: &String| Place::File(folder.clone(), name.clone());
                files.map(|(name, file)| child(name, file_entry(file), place(name))).collect()
            }
            Place::File(..) => Vec::new(),
        };
        Listing { children, failed: Vec::new() }
    }

    fn open(&self, file: &Place) -> Result<Box<dyn ItemReader>, ItemError> {
        let Place::File(folder, name) = file else { unreachable!("only files are opened") };
        if let Some(on_open) = &self.on_open {
            on_open(&format!("{folder}/{name}"));
        }
        Ok(Box::new(PlainReader::new(self.files[folder][name].bytes.clone())))
    }

    fn reuse(&self, base: &Entry, _base_begun_ns: TimeNs, now: &mut Entry) -> bool {
        (base.meta.mtime_ns, base.size) == (now.meta.mtime_ns, now.size)
    }
}

/// Reads bytes in memory.
pub struct PlainReader {
    bytes: Arc<Vec<u8>>,
    place: usize,
}

impl PlainReader {
    pub fn new(bytes: Arc<Vec<u8>>) -> PlainReader {
        PlainReader { bytes, place: 0 }
    }
}

impl ItemReader for PlainReader {
    fn read(&mut self, buf: &mut Vec<u8>, limit: usize) -> Result<usize, ItemError> {
        let rest = &self.bytes[self.place..];
        let some = &rest[..rest.len().min(limit)];
        buf.extend_from_slice(some);
        self.place += some.len();
        Ok(some.len())
    }
}

/// The files of a snapshot, without versions.
///
/// # Errors
/// The first thing that cannot be read.
pub fn files_of(
    repository: &Repository,
    snapshot: &ManifestId,
) -> Result<BTreeMap<String, Vec<u8>>, ContentError> {
    let contents = repository.contents();
    let manifest = repository.manifest(snapshot).map_err(|error| ContentError::Storage(error.into()))?;
    let mut files = BTreeMap::new();
    let mut folders = vec![(String::new(), manifest.tree())];
    while let Some((path, tree)) = folders.pop() {
        for child in Tree::open(contents, &tree)?.children() {
            let (key, entry) = child.map_err(|error| ContentError::Storage(error.into()))?;
            let name = format!("{path}{}", String::from_utf8_lossy(&key.name));
            match entry.kind {
                EntryKind::Folder(tree) => folders.push((format!("{name}/"), tree)),
                EntryKind::File(Some(object)) => {
                    let reader = ObjectReader::open(contents, object)?;
                    files.insert(name, reader.read_at(0, usize::MAX >> 1)?);
                }
                // Its bytes were never stored, or a repair says that they are lost.
                EntryKind::File(None) => {}
                other => panic!("{name} is {other:?}"),
            }
        }
    }
    Ok(files)
}

/// The same of a table.
pub fn flat(files: &Files) -> BTreeMap<String, Vec<u8>> {
    let all = files.iter().flat_map(|(folder, files)| files.iter().map(move |file| (folder, file)));
    all.map(|(folder, (name, file))| (format!("{folder}/{name}"), file.bytes.to_vec())).collect()
}
