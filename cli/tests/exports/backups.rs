//! `corso backup list|details|delete onedrive`

use repo_format::engine::source::ItemCause;
use serde_json::Value;

use super::common::Place;
use super::drive::{NOON_NS, back_up, failing, file, folder};
use super::{summary, text};

fn of_type<'a>(lines: &'a [Value], kind: &str) -> Vec<&'a Value> {
    lines.iter().filter(|line| line["message_type"] == kind).collect()
}

fn paths(lines: &[Value]) -> Vec<&str> {
    of_type(lines, "entry").into_iter().map(|line| text(&line["path"])).collect()
}

#[test]
fn backups_are_listed_by_user() {
    let place = Place::with_repository();
    place.write("source/file", b"no backup of a drive");
    place.back_up(&["source"]);
    let adele = back_up(&place, "adele@example.com", vec![file("a", "1", "x")]);
    back_up(&place, "bo@example.com", vec![file("b", "2", "y")]);
    let (lines, _) = place.json(&["backup", "list", "onedrive"], 0);
    assert_eq!(of_type(&lines, "backup").len(), 2);
    let (lines, _) = place.json(&["backup", "list", "onedrive", "--user", "ADELE@example.com"], 0);
    assert_eq!(text(&lines[0]["id"]), adele);
    assert_eq!(
        (text(&lines[0]["user"]), text(&lines[0]["resource"])),
        ("adele@example.com", "b!adele@example.com")
    );
    let by_id = place.json(&["backup", "list", "onedrive", "--user", "id-of-bo@example.com,nobody"], 0).0;
    assert_eq!(by_id.last().unwrap()["count"], 1);
    let shown = place.corso(&["backup", "list", "onedrive"]).output().unwrap();
    assert!(String::from_utf8(shown.stdout).unwrap().contains("bo@example.com"));
}

#[test]
fn items_that_failed_recovered_or_need_attention_are_told() {
    let place = Place::with_repository();
    let drive = |second| {
        let lost = folder(".orphans", "", vec![file("stray", "9", "x")]);
        vec![file("good", "1", "x"), second, failing("virus", "3", ItemCause::Refused), lost]
    };
    back_up(&place, "a@b", drive(failing("bad", "2", ItemCause::Io)));
    let list = |more: &[&str]| place.json(&[&["backup", "list", "onedrive"], more].concat(), 0).0;
    let lines = list(&["--failed-items", "--skipped-items"]);
    let failures = of_type(&lines, "failure");
    assert_eq!(text(&lines[0]["state"]), "partial");
    assert_eq!((text(&failures[0]["path"]), &failures[0]["attempts"]), ("bad", &8.into()));
    assert_eq!((text(&failures[1]["path"]), text(&failures[1]["cause"])), ("virus", "refused"));
    assert_eq!(failures[0]["snapshot_id"], lines[0]["id"]);
    assert!(of_type(&list(&["--recovered-errors"]), "recovered").is_empty());

    let second = back_up(&place, "a@b", drive(file("bad", "2", "good now")));
    let lines = list(&["--recovered-errors", "--alerts"]);
    let recovered = of_type(&lines, "recovered");
    assert_eq!((recovered.len(), text(&recovered[0]["snapshot_id"])), (1, second.as_str()));
    let alerts = of_type(&lines, "alert");
    assert_eq!((alerts.len(), text(&alerts[0]["path"])), (2, ".orphans/stray"));
}

#[test]
fn details_are_those_selected() {
    let place = Place::with_repository();
    let old = file("Old.docx", "4", "x").modified(NOON_NS - 86_400_000_000_000 * 30);
    let reports = folder("Reports", "1", vec![file("Plan.docx", "2", "x"), file("data.csv", "3", "y"), old]);
    back_up(&place, "a@b", vec![reports, file("Plan.docx", "5", "z"), folder("empty", "6", vec![])]);
    let details = |more: &[&str]| {
        let arguments = [&["backup", "details", "onedrive", "--backup", "latest"], more].concat();
        place.json(&arguments, 0).0
    };
    let all = details(&[]);
    let mut found = paths(&all);
    found.sort_unstable();
    let wanted =
        ["Plan.docx", "Reports", "Reports/Old.docx", "Reports/Plan.docx", "Reports/data.csv", "empty"];
    assert_eq!(found, wanted);
    let plan = all.iter().find(|line| line["path"] == "Reports/Plan.docx").unwrap();
    assert_eq!((text(&plan["id"]), text(&plan["mtime"])), ("2", "2025-06-01T12:00:00.123456700Z"));
    assert_eq!(text(&plan["btime"]), "2025-06-01T11:59:59.123456700Z");
    assert_eq!(paths(&details(&["--file", "plan.*"])), ["Plan.docx", "Reports/Plan.docx"]);
    assert_eq!(paths(&details(&["--folder", "reports", "--file", "plan.docx,*.csv"])).len(), 2);
    assert_eq!(paths(&details(&["--file-modified-before", "2025-06-01"])), ["Reports/Old.docx"]);
    assert_eq!(paths(&details(&["--file-created-after", "2025-06-01T11:59:59Z"])).len(), 3);
    let nothing = ["backup", "details", "onedrive", "--backup", "latest", "--file", "nothing"];
    place.json(&nothing, 22);
    for wrong in [["--file", "[a"], ["--file-created-after", "soon"]] {
        place.json(&[&nothing[..5], &wrong].concat(), 2);
    }
}

#[test]
fn latest_is_of_one_user() {
    let place = Place::with_repository();
    let details = |more: &[&str], code| {
        place.json(&[&["backup", "details", "onedrive", "--backup"], more].concat(), code)
    };
    details(&["latest"], 22);
    back_up(&place, "a@b", vec![file("of a", "1", "x")]);
    details(&["latest"], 0);
    let id = back_up(&place, "c@d", vec![file("of c", "2", "x")]);
    let (_, errors) = details(&["latest"], 2);
    assert!(text(&errors[0]["hint"]).contains("--user"));
    assert_eq!(paths(&details(&["latest", "--user", "a@b"], 0).0), ["of a"]);
    assert_eq!(paths(&details(&[&id[..10]], 0).0), ["of c"]);
    details(&["latest", "--user", "nobody"], 22);
    details(&["not hexadecimal"], 2);
}

#[test]
fn only_backups_are_deleted_as_backups() {
    let place = Place::with_repository();
    place.write("source/file", b"x");
    let other = place.back_up(&["source"]);
    let ids = [
        back_up(&place, "a@b", vec![file("a", "1", "x")]),
        back_up(&place, "c@d", vec![file("b", "2", "x")]),
    ];
    place.json(&["backup", "delete", "onedrive", "--backups", &other], 22);
    let both = ids.join(",");
    let delete = ["backup", "delete", "onedrive", "--backups", &both];
    assert_eq!(
        summary(&place, &[&delete[..], &["--dry-run"]].concat(), 0)["forgotten"].as_array().unwrap().len(),
        2
    );
    assert_eq!(summary(&place, &delete, 0)["dry_run"], false);
    assert_eq!(summary(&place, &["backup", "list", "onedrive"], 0)["count"], 0);
    assert_eq!(summary(&place, &["snapshot", "list"], 0)["count"], 1);
}
