//! One vector: a file of `key: value` lines.

use std::fs;
use std::ops::Index;
use std::path::Path;
use std::str::FromStr;

use repo_format::codec::{BlobKind, MasterKey, RepoId, Splitter, SplitterSizes, Subkeys};

/// What a run told: keys of the file and their values, in order.
pub type Told = Vec<(&'static str, Vec<String>)>;
/// Runs a case; the error is the refusal.
pub type Run = fn(&Case) -> Result<Told, String>;

pub struct Case {
    pub name: String,
    fields: Vec<(String, String)>,
}

/// All cases, in order of their names.
pub fn load_all() -> Vec<Case> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../spec/vectors");
    let mut cases = Vec::new();
    for folder in fs::read_dir(&root).expect("spec/vectors is there") {
        let folder = folder.expect("lists").path();
        let is_vector = |path: &Path| path.extension().is_some_and(|extension| extension == "txt");
        if folder.is_dir() {
            let files = fs::read_dir(&folder).expect("lists").map(|file| file.expect("lists").path());
            cases.extend(files.filter(|path| is_vector(path)).map(|path| Case::load(&root, &path)));
        }
    }
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    cases
}

impl Case {
    fn load(root: &Path, path: &Path) -> Case {
        let text = fs::read_to_string(path).expect("reads");
        let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        let fields = lines.map(|line| {
            let (key, value) = line.split_once(':').expect("key: value");
            (key.to_owned(), value.trim().to_owned())
        });
        let name = path.strip_prefix(root).expect("below the root").display().to_string();
        Case { name, fields: fields.collect() }
    }

    pub fn get(&self, key: &str) -> Option<&str> {
        self.fields.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// All values of a key that repeats.
    pub fn all(&self, key: &str) -> Vec<&str> {
        self.fields.iter().filter(|(name, _)| name == key).map(|(_, value)| value.as_str()).collect()
    }

    pub fn bytes(&self, key: &str) -> Vec<u8> {
        hex::decode(&self[key]).expect("hexadecimal")
    }

    pub fn fixed<const N: usize>(&self, key: &str) -> [u8; N] {
        self.bytes(key).try_into().expect("of that length")
    }

    pub fn number<T: FromStr>(&self, key: &str) -> T {
        self[key].parse().unwrap_or_else(|_| panic!("{}: {key} is no such number", self.name))
    }

    pub fn keys(&self) -> Subkeys {
        MasterKey::from_bytes(self.fixed("master-key")).subkeys()
    }

    pub fn repo(&self) -> RepoId {
        RepoId(self.fixed("repository-id"))
    }

    pub fn blob_kind(&self) -> BlobKind {
        BlobKind::from_number(self.number("blob-kind")).expect("a kind of blob")
    }

    pub fn splitter(&self) -> Splitter {
        let sizes = SplitterSizes::around(self.number("average")).expect("an average of SPL-1");
        Splitter::new(&self.keys(), sizes)
    }

    /// The input that a label stands for.
    pub fn stream(&self) -> Vec<u8> {
        let mut bytes = vec![0; self.number("size")];
        if &self["stream"] != "zeros" {
            blake3::Hasher::new().update(self["stream"].as_bytes()).finalize_xof().fill(&mut bytes);
        }
        bytes
    }
}

impl Index<&str> for Case {
    type Output = str;

    fn index(&self, key: &str) -> &str {
        self.get(key).unwrap_or_else(|| panic!("{} has no {key}", self.name))
    }
}

/// One value of a key.
pub fn one(key: &'static str, value: impl ToString) -> (&'static str, Vec<String>) {
    (key, vec![value.to_string()])
}

/// A refusal as text.
pub fn refused(error: impl std::fmt::Display) -> String {
    error.to_string()
}
