//! Into a drive that has something already: folders are merged, files by policy.

use graph_client::ingest::restore::{Collisions, DriveRestoreError, RestoreTarget};
use graph_sim::model::drive::Content;
use graph_sim::model::edit::Conflict;
use graph_sim::model::truth::TrueKind;
use repo_format::engine::progress::Stop;

use crate::bench::{Bench, SOURCE, State, TARGET, assert_same, profile};

/// The destination has, in the places of some of the source's files, others; and one file besides.
fn prepare() -> (Bench, Vec<String>, State) {
    let bench = Bench::new(profile(100));
    let source = bench.state(SOURCE, "");
    let files = source.iter().filter(|(path, item)| item.kind == TrueKind::File && !path.ends_with("x"));
    let mut taken: Vec<String> = files.step_by(4).map(|(path, _)| path.clone()).collect();
    taken.truncate(12);
    assert!(taken.iter().any(|path| path.contains('/')), "some in folders");
    let content = bench.sim.state().read_drive(SOURCE, |drive| {
        let index = (1..drive.rows()).find(|index| drive.item(*index).is_some_and(|item| item.size > 100));
        drive.content(drive.item(index.unwrap()).unwrap())
    });
    let other = content.unwrap();
    for path in taken.iter().map(String::as_str).chain(["of its own.txt"]) {
        put(&bench, path, other);
    }
    let before = bench.state(TARGET, "");
    (bench, taken, before)
}

fn put(bench: &Bench, path: &str, content: Content) {
    bench.sim.state().change_drive(TARGET, |drive| {
        let (mut at, names) = (0, path.split('/').collect::<Vec<_>>());
        let (file, folders) = names.split_last().unwrap();
        for folder in folders {
            at = drive.create_folder(at, folder, Conflict::Replace, 1_785_000_000_000).unwrap();
        }
        drive.put_file(at, file, content, Conflict::Fail, 1_785_000_000_000).unwrap();
    });
}

fn in_place(bench: &Bench, collisions: Collisions) -> RestoreTarget {
    RestoreTarget { path: Some("/".into()), collisions, ..bench.target() }
}

/// What the source has, where the destination had nothing; folders that were there keep their times.
fn merged(source: &State, before: &State) -> State {
    let mut wanted = source.clone();
    wanted.extend(before.clone());
    wanted
}

#[test]
fn skip_leaves_what_is_there() {
    let (bench, taken, before) = prepare();
    let source = bench.state(SOURCE, "");
    let report = bench.run(&in_place(&bench, Collisions::Skip));
    assert_same(&bench.state(TARGET, ""), &merged(&source, &before));
    let mut skipped: Vec<_> = report.skipped_items.iter().map(|item| item.path.clone()).collect();
    skipped.sort();
    assert_eq!(skipped, taken);
    assert!(report.skipped_items.iter().all(|item| item.cause == "exists"));
    assert_eq!(report.failed, 0);
    bench.assert_good_behaviour();
}

#[test]
fn copy_gives_a_number() {
    let (bench, taken, before) = prepare();
    let source = bench.state(SOURCE, "");
    let report = bench.run(&in_place(&bench, Collisions::Copy));
    let mut wanted = merged(&source, &before);
    for path in &taken {
        let (stem, ending) = path.rsplit_once('.').unwrap();
        wanted.insert(format!("{stem} (2).{ending}"), source[path].clone());
    }
    assert_same(&bench.state(TARGET, ""), &wanted);
    assert_eq!((report.skipped, report.failed), (0, 0));
    bench.assert_good_behaviour();
}

#[test]
fn replace_puts_the_new_file_in_the_place_of_the_old() {
    let (bench, taken, before) = prepare();
    let source = bench.state(SOURCE, "");
    let old = bench.ids(TARGET);
    let report = bench.run(&in_place(&bench, Collisions::Replace));
    let mut wanted = merged(&source, &before);
    for path in &taken {
        wanted.insert(path.clone(), source[path].clone());
    }
    assert_same(&bench.state(TARGET, ""), &wanted);
    let now = bench.ids(TARGET);
    let swapped = taken.iter().filter(|path| now[*path] != old[*path]).count() as u64;
    assert_eq!(swapped + report.skipped, taken.len() as u64);
    assert!(report.skipped_items.iter().all(|item| item.cause == "identical"), "{report:?}");
    assert_eq!(report.failed, 0);
    bench.assert_good_behaviour();

    // Once more: all is as it should be, and nothing is sent.
    bench.sim.state().clear_books();
    let again = bench.run(&in_place(&bench, Collisions::Replace));
    assert_eq!((again.files, again.failed), (0, 0), "{again:?}");
    assert_eq!(bench.sim.state().totals().uploaded_bytes, 0);
}

#[test]
fn a_folder_in_the_place_of_a_file_is_never_lost() {
    for collisions in [Collisions::Skip, Collisions::Copy, Collisions::Replace] {
        let bench = Bench::new(profile(40));
        let source = bench.state(SOURCE, "");
        let is_top = |path: &str| !path.contains('/');
        let file = source.iter().find(|(path, item)| is_top(path) && item.kind == TrueKind::File).unwrap().0;
        let folder =
            source.iter().find(|(path, item)| is_top(path) && item.kind == TrueKind::Folder).unwrap().0;
        put(&bench, &format!("{file}/inside.txt"), bench_content(&bench));
        put(&bench, folder, bench_content(&bench));
        let report = bench.run(&in_place(&bench, collisions));
        let after = bench.state(TARGET, "");
        assert!(after.contains_key(&format!("{file}/inside.txt")), "{collisions:?}");
        assert_eq!(after[folder].kind, TrueKind::File, "{collisions:?}");
        let told = (report.skipped, report.failed);
        let wanted = match collisions {
            Collisions::Skip => (2, 0),
            Collisions::Copy => (0, 0),
            Collisions::Replace => (0, 2),
        };
        assert_eq!(told, wanted, "{collisions:?} {report:?}");
        if collisions == Collisions::Copy {
            assert_eq!(after[&format!("{folder} (2)")].kind, TrueKind::Folder);
        }
    }
}

#[test]
fn a_file_is_no_destination() {
    let bench = Bench::new(profile(20));
    put(&bench, "taken", bench_content(&bench));
    let target = RestoreTarget { path: Some("taken/below".into()), ..bench.target() };
    let ended = bench.run_until(&target, &Stop::default());
    assert!(matches!(ended, Err(DriveRestoreError::Destination { .. })), "{ended:?}");
}

fn bench_content(bench: &Bench) -> Content {
    let content = bench.sim.state().read_drive(SOURCE, |drive| {
        let index = (1..drive.rows()).find(|index| drive.item(*index).is_some_and(|item| item.size > 100));
        drive.content(drive.item(index.unwrap()).unwrap())
    });
    content.unwrap()
}
