//! What a source leaves out and how it tells a changed file.

use std::path::PathBuf;

/// Options of a [`FolderSource`](super::FolderSource). The default reads everything but what
/// `.corsoignore` files name.
#[derive(Debug, Clone)]
pub struct SourceOptions {
    /// Patterns in gitignore syntax, later ones winning. One with a leading `/` counts from the
    /// snapshot's root or, if nothing there matches, from the file system's root.
    pub exclude: Vec<String>,
    /// Names of files inside the tree that hold further patterns for their folder; empty: none.
    pub ignore_files: Vec<String>,
    /// Leaves out what is in folders with a valid `CACHEDIR.TAG`, save the tag.
    pub exclude_caches: bool,
    /// Leaves out files of more bytes than this.
    pub exclude_larger_than: Option<u64>,
    /// Keeps other file systems' mount points, but not what is in them.
    pub one_file_system: bool,
    /// Leaves out these very files or folders, by whatever name they are met: the repository's own.
    pub exclude_paths: Vec<PathBuf>,
    /// Does not compare the time of the last change of metadata.
    pub ignore_ctime: bool,
    /// Does not compare inode numbers, which some network file systems hand out anew.
    pub ignore_inode: bool,
    /// Looks at the extended attributes of files when their folder is listed, and not when they are opened.
    pub lists_attributes: bool,
}

impl Default for SourceOptions {
    fn default() -> Self {
        SourceOptions {
            exclude: Vec::new(),
            ignore_files: vec![".corsoignore".to_owned()],
            exclude_caches: false,
            exclude_larger_than: None,
            one_file_system: false,
            exclude_paths: Vec::new(),
            ignore_ctime: false,
            ignore_inode: false,
            lists_attributes: false,
        }
    }
}
