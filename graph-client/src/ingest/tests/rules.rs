//! The rules one by one.

use repo_format::cbor;
use repo_format::codec::ContentId;
use repo_format::object::ObjectRef;

use crate::ingest::{ChangeKind, Cursor, Facts, Item, ItemChange, Known, Mark, Phase, Verdict, judge};

fn file(id: &str) -> ItemChange {
    ItemChange {
        parent: Some("01P".into()),
        name: Some("report.docx".into()),
        size: Some(9),
        hash: Some([7; 20]),
        e_tag: Some("e1".into()),
        ..ItemChange::new(id, ChangeKind::File)
    }
}

fn put(known: Option<&Item>, change: &ItemChange) -> (Item, bool) {
    match judge(known, change) {
        Verdict::Put { item, fetch } => (*item, fetch),
        other => panic!("{other:?}"),
    }
}

fn stored(change: &ItemChange) -> Item {
    let (mut item, fetch) = put(None, change);
    assert!(fetch, "a new file is fetched");
    item.known.mark = Mark::Stored;
    item.object = Some(ObjectRef { depth: 0, content: ContentId([3; 32]), size: 11 });
    item
}

#[test]
fn a_mark_survives_a_rename_and_a_move() {
    let known = stored(&file("01A"));
    let moved = ItemChange {
        parent: Some("01Q".into()),
        name: Some("other.docx".into()),
        e_tag: Some("e2".into()),
        ..file("01A")
    };
    let (item, fetch) = put(Some(&known), &moved);
    assert!(!fetch);
    assert_eq!((item.known.mark, item.object), (Mark::Stored, known.object));
    assert_eq!(item.known.facts.parent, "01Q");
    assert_eq!(judge(Some(&known), &file("01A")), Verdict::Same);
}

#[test]
fn a_changed_file_loses_its_mark() {
    let known = stored(&file("01A"));
    for changed in
        [ItemChange { hash: Some([8; 20]), ..file("01A") }, ItemChange { size: Some(8), ..file("01A") }]
    {
        let (item, fetch) = put(Some(&known), &changed);
        assert!(fetch);
        assert_eq!((item.known.mark, item.object), (Mark::Pending, None));
    }
}

#[test]
fn without_a_hash_the_content_tag_decides_and_without_that_the_tag() {
    let bare = || ItemChange { hash: None, ..file("01A") };
    let tagged = |c_tag: &str, e_tag: &str| ItemChange {
        c_tag: (!c_tag.is_empty()).then(|| c_tag.into()),
        e_tag: Some(e_tag.into()),
        ..bare()
    };
    let same = |old: &ItemChange, new: &ItemChange| match judge(Some(&stored(old)), new) {
        Verdict::Put { fetch, .. } => !fetch,
        Verdict::Same => true,
        Verdict::Remove => panic!("it is there"),
    };
    assert!(same(&tagged("c1", "e1"), &tagged("c1", "e2")));
    assert!(!same(&tagged("c1", "e1"), &tagged("c2", "e1")));
    assert!(same(&tagged("", "e1"), &tagged("c1", "e1")));
    assert!(!same(&tagged("", "e1"), &tagged("", "e2")));
    let empty = |e_tag: &str| ItemChange { size: Some(0), ..tagged("", e_tag) };
    assert!(same(&empty("e1"), &empty("e2")), "an empty file has no content that could differ");
}

#[test]
fn deleted_items_without_name_or_tags_are_removed_and_unknown_ones_ignored() {
    let gone = ItemChange { deleted: true, ..ItemChange::new("01A", ChangeKind::Unknown) };
    assert_eq!(judge(Some(&stored(&file("01A"))), &gone), Verdict::Remove);
    assert_eq!(judge(None, &gone), Verdict::Same);
    let (root, _) = put(None, &ItemChange::new("01A", ChangeKind::Root));
    assert_eq!(judge(Some(&root), &gone), Verdict::Same, "a drive keeps its root");
}

#[test]
fn what_an_occurrence_leaves_out_is_as_it_was() {
    let known = stored(&file("01A"));
    let bare = ItemChange { parent: None, name: None, ..file("01A") };
    assert_eq!(judge(Some(&known), &bare), Verdict::Same);
    let (item, _) = put(None, &ItemChange { parent: None, name: None, ..file("01A") });
    assert_eq!((item.known.facts.name.as_str(), item.known.facts.parent.as_str()), ("01A", ""));
}

#[test]
fn malware_is_skipped_and_fetched_once_it_is_none() {
    let flagged = ItemChange { malware: true, ..file("01A") };
    let (item, fetch) = put(Some(&stored(&file("01A"))), &flagged);
    assert!(!fetch);
    assert!(matches!(item.known.mark, Mark::Skipped { ref cause, .. } if cause == "refused"));
    assert_eq!(judge(Some(&item), &flagged), Verdict::Same);
    assert!(put(Some(&item), &file("01A")).1);
}

#[test]
fn packages_hold_items_and_pointers_have_no_content() {
    let (notebook, fetch) = put(None, &ItemChange::new("01A", ChangeKind::Package("oneNote".into())));
    assert!(!fetch && notebook.known.facts.kind.is_container());
    let (pointer, fetch) =
        put(None, &ItemChange::new("01B", ChangeKind::Pointer("b!1".into(), "01C".into())));
    assert!(!fetch && !pointer.known.facts.kind.is_container());
    assert_eq!(pointer.known.mark, Mark::Nothing);
}

#[test]
fn a_failed_item_stays_failed_until_its_content_changes() {
    let (mut item, _) = put(None, &file("01A"));
    item.known.mark = Mark::Failed { cause: "io".into(), message: "503".into(), attempts: 4 };
    let renamed = ItemChange { name: Some("new".into()), ..file("01A") };
    let (again, fetch) = put(Some(&item), &renamed);
    assert_eq!((again.known.mark, fetch), (item.known.mark.clone(), false));
    assert!(put(Some(&item), &ItemChange { hash: Some([9; 20]), ..file("01A") }).1);
}

#[test]
fn what_is_known_has_one_encoding_and_no_cut_of_it_is_read() {
    let mut item = stored(&file("01A"));
    item.known.facts.created_by.email = "ada@example.org".into();
    item.known.facts.permissions = b"[]".to_vec();
    for mark in [
        Mark::Nothing,
        Mark::Pending,
        Mark::Stored,
        Mark::Failed { cause: "io".into(), message: "m".into(), attempts: 2 },
        Mark::Skipped { cause: "refused".into(), message: String::new() },
    ] {
        let known = Known { mark, ..item.known.clone() };
        let bytes = cbor::encode(&known);
        assert_eq!(cbor::decode::<Known>(&bytes), Ok(known));
        (0..bytes.len()).for_each(|end| assert!(cbor::decode::<Known>(&bytes[..end]).is_err()));
    }
    let facts = cbor::encode(&item.known.facts);
    assert!(facts.len() < 120, "{} bytes for an item", facts.len());
    assert_eq!(cbor::decode::<Facts>(&facts), Ok(item.known.facts));
}

#[test]
fn a_cursor_round_trips_and_shows_no_link() {
    let mut cursor = Cursor { link: Some("https://graph/token=secret".into()), ..Cursor::default() };
    cursor.start_over();
    cursor.link = Some("https://graph/token=secret".into());
    assert_eq!(Cursor::decode(&cursor.encode()).unwrap(), cursor);
    assert_eq!((cursor.phase, cursor.epoch), (Phase::Enumerating { marking: true }, 1));
    assert!(!format!("{cursor:?}").contains("secret"));
    assert!(Cursor::decode(&[0xa0]).is_err());
}
