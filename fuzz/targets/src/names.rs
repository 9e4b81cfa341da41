//! Names from a listing, from a tree and from the command line.

use repo_format::codec::{PackId, SlotId};
use repo_format::format::names::{BlobId, PackKind};
use repo_format::storage::{BlobName, Location};
use repo_format::tree::TreeKey;

/// Names of blobs (STO-1).
pub fn blob(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else { return false };
    let Ok(name) = BlobName::new(text) else { return false };
    let Some(id) = BlobId::parse(&name) else { return false };
    assert_eq!(id.name(), name, "a blob has one name");
    true
}

pub fn blob_seeds() -> Vec<Vec<u8>> {
    let pack = BlobId::Pack(PackKind::Data, PackId([0xab; 32]));
    let ids = [
        BlobId::Format,
        BlobId::CopyMarker,
        BlobId::Promoted,
        BlobId::Slot(SlotId([1; 16])),
        pack,
        BlobId::Record(1),
        BlobId::Catalog(64),
    ];
    ids.map(|id| id.name().as_str().into()).into()
}

/// Keys of a tree's entries (TREE-1).
pub fn tree_key(data: &[u8]) -> bool {
    let Ok(key) = TreeKey::from_bytes(data) else { return false };
    assert_eq!(key.to_bytes().as_deref(), Ok(data), "a key has one form");
    assert!(!key.name.contains(&b'/') && key.name != b"..", "no name leads elsewhere");
    true
}

pub fn tree_key_seeds() -> Vec<Vec<u8>> {
    vec![b"name\0".to_vec(), b"\xff\0".to_vec()]
}

/// Locations of storages, as a line of text.
pub fn location(data: &[u8]) -> bool {
    let line = std::str::from_utf8(data).ok().and_then(|text| text.strip_suffix('\n'));
    let Some(Ok(location)) = line.map(str::parse::<Location>) else { return false };
    // A path need not be text; what is shown of it is then for people only.
    let is_text = !matches!(&location, Location::Folder { path } if path.to_str().is_none());
    if is_text {
        assert_eq!(location.to_string().parse(), Ok(location), "what is shown is read back");
    }
    true
}

pub fn location_seeds() -> Vec<Vec<u8>> {
    let lines = [
        "/srv/backup\n",
        "file:///srv/a%20b\n",
        "s3://bucket/a/b?endpoint=https%3A%2F%2Fs3.example.org%3A9000&region=eu&path_style=true\n",
        "azure://account/container/prefix?ca_file=%2Fetc%2Fca.pem\n",
        "gs://bucket/prefix\n",
        "memory:\n",
    ];
    lines.map(|line| line.as_bytes().to_vec()).into()
}
