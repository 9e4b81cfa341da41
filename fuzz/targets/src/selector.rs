//! Terms of a selection: any text is refused or gives a selector that judges any path.

use folder::{Meant, Selector, Terms};
use repo_format::tree::{Entry, EntryKind, Meta, TreeKey};

/// Terms, one a line, each after a letter for its kind; lines after an empty one are paths.
pub fn run(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let (terms, paths) = text.split_once("\n\n").unwrap_or((&text, ""));
    let Ok(selector) = Selector::parse(&read(terms)) else { return false };
    for path in paths.lines().take(16) {
        let names = path.split('/').map(TreeKey::of_name).collect::<Vec<_>>();
        let Some((last, folders)) = names.split_last() else { continue };
        let entry = Entry { kind: EntryKind::File(None), size: 0, items: 0, meta: Meta::default() };
        let judged = selector.scope(folders).judge(last, &entry);
        assert_ne!(judged, Meant::Below, "nothing is below a file");
        assert!(!selector.is_everything() || judged == Meant::Yes);
        // A name is its own pattern once what means something is escaped.
        let own: String = path.chars().flat_map(escaped).collect();
        if !path.is_empty() && path.split('/').all(|name| !name.is_empty()) && own.len() < 4096 {
            let terms = Terms { files: vec![format!("/{own}")], ..Terms::default() };
            let found = Selector::parse(&terms).map(|it| it.scope(folders).judge(last, &entry));
            assert_eq!(found, Ok(Meant::Yes), "{own}");
        }
    }
    // A line that is cut is none.
    text.ends_with('\n')
}

fn escaped(c: char) -> Vec<char> {
    match c {
        '*' | '?' | '[' | ']' | '\\' | ',' => vec!['\\', c],
        c => vec![c],
    }
}

fn read(text: &str) -> Terms {
    let mut terms = Terms::default();
    for line in text.lines() {
        let mut chars = line.chars();
        let kind = chars.next();
        let term = chars.as_str().to_owned();
        match kind {
            Some('d') => terms.folders.push(term),
            Some('c') => terms.file_created_after = Some(term),
            Some('C') => terms.file_created_before = Some(term),
            Some('m') => terms.file_modified_after = Some(term),
            Some('M') => terms.file_modified_before = Some(term),
            _ => terms.files.push(term),
        }
    }
    terms
}

/// A term of each kind.
pub fn seeds() -> Vec<Vec<u8>> {
    [
        "f*.docx,plan\nd/Reports/**/[a-c]?\n\nReports/x/plan\n",
        "c2026-01-31\nM2026-01-31T12:00:00Z\n\na,b/*\n",
        "f\\,[!x-z]\n",
    ]
    .map(|seed| seed.as_bytes().to_vec())
    .to_vec()
}
