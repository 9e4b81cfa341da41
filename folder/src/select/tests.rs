use repo_format::codec::ContentId;
use repo_format::tree::Meta;

use super::*;

fn entry(kind: EntryKind, mtime_ns: i64) -> Entry {
    Entry { kind, size: 0, items: 0, meta: Meta { mtime_ns: Some(mtime_ns), ..Meta::default() } }
}

fn judge(terms: &Terms, path: &str, is_folder: bool) -> Meant {
    let selector = Selector::parse(terms).unwrap();
    let mut keys: Vec<TreeKey> = path.split('/').map(TreeKey::of_name).collect();
    let last = keys.pop().unwrap();
    let kind = if is_folder { EntryKind::Folder(ContentId::ZERO) } else { EntryKind::File(None) };
    selector.scope(&keys).judge(&last, &entry(kind, 1_000))
}

fn list(terms: &[&str]) -> Vec<String> {
    terms.iter().map(|term| (*term).to_owned()).collect()
}

fn files(terms: &[&str]) -> Terms {
    Terms { files: list(terms), ..Terms::default() }
}

fn folders(terms: &[&str]) -> Terms {
    Terms { folders: list(terms), ..Terms::default() }
}

#[test]
fn without_terms_everything_is_meant() {
    assert_eq!(judge(&Terms::default(), "a/b", true), Meant::Yes);
    assert_eq!(judge(&Terms::default(), "a/b", false), Meant::Yes);
}

#[test]
fn files_are_named_or_matched() {
    let terms = files(&["Plan,*.TXT", "a\\,b", "x/?.md"]);
    for path in ["plan", "deep/PLAN", "note.txt", "a,b", "y/x/1.md"] {
        assert_eq!(judge(&terms, path, false), Meant::Yes, "{path}");
    }
    for path in ["planet", "x/12.md", "a"] {
        assert_eq!(judge(&terms, path, false), Meant::No, "{path}");
    }
    assert_eq!(judge(&terms, "anything", true), Meant::Below);
}

#[test]
fn a_folder_is_meant_with_all_below_it() {
    let terms = folders(&["Reports", "/top/*"]);
    for (path, is_folder) in
        [("reports", true), ("2025/Reports/q1", true), ("x/reports/y/z.txt", false), ("top/a", true)]
    {
        assert_eq!(judge(&terms, path, is_folder), Meant::Yes, "{path}");
    }
    assert_eq!(judge(&terms, "x/top/a", true), Meant::Below);
    assert_eq!(judge(&terms, "x/file", false), Meant::No);
    assert_eq!(judge(&folders(&["/"]), "any/file", false), Meant::Yes);
}

#[test]
fn kinds_of_terms_narrow_each_other() {
    let terms = Terms { files: list(&["*.txt"]), folders: list(&["a"]), ..Terms::default() };
    assert_eq!(judge(&terms, "a/b/c.txt", false), Meant::Yes);
    assert_eq!(judge(&terms, "b/c.txt", false), Meant::No);
    assert_eq!(judge(&terms, "a/c.md", false), Meant::No);
    assert_eq!(judge(&terms, "a", true), Meant::Below);
}

#[test]
fn times_bound_files() {
    let bound = |after: &str, before: &str| Terms {
        file_modified_after: Some(after.into()),
        file_modified_before: Some(before.into()),
        ..Terms::default()
    };
    assert_eq!(judge(&bound("1970-01-01", "1970-01-02"), "f", false), Meant::Yes);
    assert_eq!(judge(&bound("1970-01-02", "1970-01-03"), "f", false), Meant::No);
    let created = Terms { file_created_after: Some("1970-01-01".into()), ..Terms::default() };
    assert_eq!(judge(&created, "f", false), Meant::No, "its creation is not known");
}

#[test]
fn mistakes_name_the_option() {
    let error = |terms: Terms| Selector::parse(&terms).unwrap_err().to_string();
    assert!(error(files(&["a,,b"])).contains("--file"));
    assert!(error(folders(&["[x"])).contains("--folder"));
    assert!(
        error(Terms { file_created_before: Some("soon".into()), ..Terms::default() })
            .contains("--file-created-before")
    );
}
