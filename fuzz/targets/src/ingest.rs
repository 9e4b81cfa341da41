//! What a drive's ledger and cursor hold (their bytes come back out of a repository).

use graph_client::ingest::{Cursor, Facts, Kind, Known, Mark, Person};
use repo_format::cbor;

use crate::body::comes_back;

pub fn known(data: &[u8]) -> bool {
    comes_back::<Known>(data)
}

pub fn cursor(data: &[u8]) -> bool {
    comes_back::<Cursor>(data)
}

pub fn known_seeds() -> Vec<Vec<u8>> {
    let kinds =
        [Kind::File, Kind::Root, Kind::Package("oneNote".into()), Kind::Pointer("b!1".into(), "01B".into())];
    let failed = Mark::Failed { cause: "io".into(), message: "503".into(), attempts: 4 };
    let skipped = Mark::Skipped { cause: "refused".into(), message: String::new() };
    let marks = [Mark::Stored, Mark::Nothing, failed, skipped];
    kinds
        .into_iter()
        .zip(marks)
        .map(|(kind, mark)| cbor::encode(&Known { facts: facts(kind), mark }))
        .collect()
}

pub fn cursor_seeds() -> Vec<Vec<u8>> {
    let mut cursor = Cursor { root: "01R".into(), link: Some("https://next".into()), ..Cursor::default() };
    let first = cursor.encode();
    cursor.start_over();
    vec![first, cursor.encode()]
}

fn facts(kind: Kind) -> Facts {
    Facts {
        id: "01A".into(),
        parent: "01P".into(),
        name: "report.docx".into(),
        kind,
        size: 9,
        hash: Some([7; 20]),
        e_tag: "e1".into(),
        c_tag: "c1".into(),
        created_ns: Some(-1),
        modified_ns: Some(1 << 60),
        created_by: Person { name: "Ada".into(), ..Person::default() },
        modified_by: Person::default(),
        mime: "text/plain".into(),
        shared: true,
        malware: false,
        permissions: b"[]".to_vec(),
        list_item: String::new(),
    }
}
