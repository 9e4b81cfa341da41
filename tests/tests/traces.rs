//! What the code does to a storage is accepted by the checked model of the protocol.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use corso_model::rules::{Action as Abstract, Blob, Id, Ids, Location, Segment};
use corso_model::trace::{Event, accept};
use corso_tests::journal::{Change, JournalStore};
use corso_tests::plain::{Files, PlainFile, PlainSource};
use corso_tests::{at_once, backup_options, init, noise, open, runtime, storage, tell};
use object_store::memory::InMemory;
use parking_lot::Mutex;
use repo_format::codec::{ContentId, ManifestId, PackId};
use repo_format::content::{ContentError, ContentKind, ReadContent};
use repo_format::engine::backup;
use repo_format::engine::progress::{Progress, Stop};
use repo_format::format::names::BlobId;
use repo_format::format::segment::SegmentRef;
use repo_format::log::{Action, BlobRef, record};
use repo_format::maintenance::{self, MaintenanceError, MaintenanceOptions};
use repo_format::map::Map;
use repo_format::reach::{Reached, Walked, reach};
use repo_format::repository::{OpenOptions, Repository, RepositoryError};
use repo_format::storage::BlobName;
use repo_format::verify::{Level, Sample, VerifyOptions, verify};
use tokio::runtime::Runtime;

/// Writers that forget and recall, maintainers almost without grace, and verifications that keep what they
/// found, all at once.
fn busy(runtime: &Runtime, journal: &JournalStore) {
    init(runtime, storage(journal.clone()), OpenOptions::default());
    let left = AtomicU64::new(3);
    let grace = Duration::from_millis(300);
    let options = MaintenanceOptions { grace, grace_unknown: grace, ..at_once() };
    thread::scope(|scope| {
        for writer in 0..3u64 {
            let left = &left;
            scope.spawn(move || {
                write(runtime, journal, writer);
                left.fetch_sub(1, Ordering::SeqCst);
            });
        }
        scope.spawn(|| {
            while left.load(Ordering::SeqCst) > 0 {
                verify_share(runtime, journal);
                thread::sleep(Duration::from_millis(60));
            }
        });
        for _ in 0..2 {
            let (left, options) = (&left, &options);
            scope.spawn(move || {
                while left.load(Ordering::SeqCst) > 0 {
                    let repository = open(runtime, storage(journal.clone()), OpenOptions::default());
                    match maintenance::run(&repository, options, &Progress::default(), &Stop::default()) {
                        Ok(_) | Err(MaintenanceError::Overtaken { .. }) => {}
                        Err(error) => panic!("{error:?}"),
                    }
                    thread::sleep(Duration::from_millis(20));
                }
            });
        }
    });
}

fn verify_share(runtime: &Runtime, journal: &JournalStore) {
    let repository = open(runtime, storage(journal.clone()), OpenOptions::default());
    let options = VerifyOptions {
        level: Level::Log,
        sample: Some(Sample::Percent(20.0)),
        keep_coverage: true,
        coverage_interval: Duration::from_millis(20),
        threads: 2,
        ..VerifyOptions::default()
    };
    verify(&repository, &options, &Progress::default(), &Stop::default()).expect("lists");
}

fn write(runtime: &Runtime, journal: &JournalStore, writer: u64) {
    let mut files = Files::new();
    let mut options = backup_options(format!("writer {writer}").as_ref());
    options.writer.data_pack_size = 60 << 10;
    options.writer.data_frame_size = 30 << 10;
    let mut made: Vec<ManifestId> = Vec::new();
    for round in 0..14 {
        for number in (0..20).filter(|number| round == 0 || (number + round) % 4 == 0) {
            let bytes = Arc::new(noise(writer * 1_000_000 + round * 1000 + number, 9000));
            let folder = files.entry("folder".to_owned()).or_default();
            folder.insert(format!("file {number}"), PlainFile { version: round + 1, bytes });
        }
        let repository = open(runtime, storage(journal.clone()), OpenOptions::default());
        let source = PlainSource::new(&files);
        let report = backup(&repository, &source, &options, &Progress::default(), &Stop::default()).unwrap();
        made.push(report.id.unwrap());
        if made.len() > 2 {
            let gone = made.remove(0);
            repository.forget(&[gone]).unwrap();
            match repository.recall(&[gone]) {
                _ if round % 3 != 0 => {}
                Ok(_) => made.push(gone),
                Err(RepositoryError::Reclaimed { .. }) => {}
                Err(error) => panic!("{error:?}"),
            }
        }
        thread::sleep(Duration::from_millis(50));
    }
}

/// Numbers for IDs.
#[derive(Default)]
struct Names {
    numbers: HashMap<[u8; 32], Id>,
    /// What stands for the verification map of the state, and how many there were.
    map: Option<Id>,
    maps: u64,
}

impl Names {
    fn of(&mut self, id: &[u8; 32]) -> Id {
        let next = self.numbers.len() as Id;
        *self.numbers.entry(*id).or_insert(next)
    }

    /// A verification map is to the model a snapshot that is based on the one before, and ends it.
    fn map(&mut self, repository: &Repository, root: &ContentId, relied: &[PackId]) -> Vec<Abstract> {
        self.maps += 1;
        let mut name = [0xff; 32];
        name[..8].copy_from_slice(&self.maps.to_be_bytes());
        let (before, now) = (self.map, self.of(&name));
        self.map = Some(now);
        let put = Abstract::PutManifest {
            snapshot: now,
            needs: nodes(repository, root).iter().map(|id| self.of(&id.0)).collect(),
            relied: relied.iter().map(|pack| self.of(&pack.0)).collect(),
            bases: before.into_iter().collect(),
        };
        [Some(put), before.map(|before| Abstract::Forget([before].into()))].into_iter().flatten().collect()
    }

    fn actions(&mut self, repository: &Repository, action: &Action) -> Vec<Abstract> {
        match action {
            Action::VerificationMap { root: Some(root), relied } => self.map(repository, root, relied),
            action => self.action(repository, action).into_iter().collect(),
        }
    }

    fn blob(&mut self, blob: &BlobRef) -> Blob {
        match blob {
            BlobRef::Pack(_, id) => Blob::Pack(self.of(&id.0)),
            BlobRef::IndexSegment(id) | BlobRef::ManifestSegment(id) => Blob::Segment(self.of(&id.0)),
        }
    }

    fn segments(&mut self, repository: &Repository, segments: &[SegmentRef]) -> Vec<Segment> {
        let segment = |segment: &SegmentRef| {
            let rows = repository.index().rows_of(segment).map(|row| row.expect("the index reads"));
            let locations = rows
                .map(|row| Location { content: self.of(&row.id.0), pack: self.of(&row.at.pack.0) })
                .collect();
            Segment { id: self.of(&segment.id.0), locations }
        };
        segments.iter().map(segment).collect()
    }

    fn action(&mut self, repository: &Repository, action: &Action) -> Option<Abstract> {
        Some(match action {
            Action::AddSegments(added) => Abstract::AddSegments(self.segments(repository, added)),
            Action::ReplaceSegments { removed, added } => Abstract::ReplaceSegments {
                removed: removed.iter().map(|id| self.of(&id.0)).collect(),
                added: self.segments(repository, added),
            },
            Action::PutManifest { row, relied, bases } => {
                let mut relied: Ids = relied.iter().map(|pack| self.of(&pack.0)).collect();
                relied.insert(self.of(&row.pack.0));
                Abstract::PutManifest {
                    snapshot: self.of(&row.id.0),
                    needs: needs(repository, &row.id).iter().map(|id| self.of(&id.0)).collect(),
                    relied,
                    bases: bases.iter().map(|id| self.of(&id.0)).collect(),
                }
            }
            Action::Forget(ids) => Abstract::Forget(ids.iter().map(|id| self.of(&id.0)).collect()),
            Action::Recall { manifest, relied } => Abstract::Recall {
                snapshot: self.of(&manifest.0),
                relied: relied.iter().map(|pack| self.of(&pack.0)).collect(),
            },
            Action::Condemn(blobs) => Abstract::Condemn(blobs.iter().map(|blob| self.blob(blob)).collect()),
            Action::Doom { marked, blobs } => {
                Abstract::Doom { marked: *marked, blobs: blobs.iter().map(|blob| self.blob(blob)).collect() }
            }
            Action::Reap(blobs) => Abstract::Reap(blobs.iter().map(|blob| self.blob(blob)).collect()),
            Action::RaiseFloor(floor) => Abstract::RaiseFloor(*floor),
            _ => return None,
        })
    }
}

/// Every node of a map.
fn nodes(repository: &Repository, root: &ContentId) -> BTreeSet<ContentId> {
    struct Noting<'r>(&'r Repository, Mutex<BTreeSet<ContentId>>);
    impl ReadContent for Noting<'_> {
        fn get(&self, kind: ContentKind, id: &ContentId) -> Result<Bytes, ContentError> {
            self.1.lock().insert(*id);
            self.0.contents().get(kind, id)
        }
    }
    let noting = Noting(repository, Mutex::default());
    let map = Map::open(&noting, root).expect("all was there once");
    map.iter().for_each(|entry| drop(entry.expect("all was there once")));
    noting.1.into_inner()
}

/// Every content that a snapshot reaches.
fn needs(repository: &Repository, snapshot: &ManifestId) -> BTreeSet<ContentId> {
    #[derive(Default)]
    struct Noted(Mutex<BTreeSet<ContentId>>);
    impl Reached for Noted {
        fn reach(&self, id: &ContentId, _walked: Walked) -> Result<bool, ContentError> {
            self.0.lock().insert(*id);
            Ok(true)
        }
    }
    let noted = Noted::default();
    reach(repository.contents(), &[*snapshot], &noted, 1, &|| false).expect("all was there once");
    noted.0.into_inner()
}

/// Whether a record puts a verification map in the place of another.
fn is_map(actions: &[Abstract]) -> bool {
    actions.windows(2).any(|pair| match pair {
        [Abstract::PutManifest { bases, .. }, Abstract::Forget(gone)] => bases == gone && bases.len() == 1,
        _ => false,
    })
}

/// The changes that count: a trimmed record that somebody created once more lost by LOG-4, and what is gone
/// cannot be deleted again.
fn counted(mut changes: Vec<Change>) -> Vec<Change> {
    let (mut put, mut deleted) = (BTreeSet::new(), BTreeSet::new());
    changes.retain(|change| match change {
        Change::Put(path, _) => put.insert(path.clone()),
        Change::Delete(path) => deleted.insert(path.clone()),
    });
    changes
}

/// The events of a journal, in the words of the model.
fn events(runtime: &Runtime, journal: &JournalStore) -> Vec<Event> {
    let changes = counted(journal.answered());
    // Nothing is deleted from it: what a record named when it was made can still be read.
    let everything = InMemory::new();
    for change in &changes {
        if let Change::Put(path, bytes) = change {
            let put = object_store::ObjectStoreExt::put(&everything, path, bytes.clone().into());
            futures::executor::block_on(put).expect("memory takes it");
        }
    }
    let everything = storage(everything);
    let head = open(runtime, everything.clone(), OpenOptions::default());
    let mut names = Names::default();
    let mut events = Vec::new();
    for change in changes {
        let (path, bytes) = match &change {
            Change::Put(path, bytes) => (path, Some(bytes)),
            Change::Delete(path) => (path, None),
        };
        let blob = BlobName::new(path.to_string()).ok().and_then(|name| BlobId::parse(&name));
        match (blob, bytes) {
            (Some(BlobId::Record(revision)), Some(bytes)) => {
                let opened = record::decode(head.keys(), &head.id(), revision, bytes).expect("opens");
                let options = OpenOptions { at: Some(revision), ..OpenOptions::default() };
                let then = open(runtime, everything.clone(), options);
                let actions = opened.record.actions.iter();
                events.push(Event::Record(actions.flat_map(|action| names.actions(&then, action)).collect()));
            }
            (Some(BlobId::Record(revision)), None) => events.push(Event::Trimmed(revision)),
            (Some(BlobId::Catalog(revision)), Some(_)) => events.push(Event::Catalog(revision)),
            (Some(BlobId::Pack(kind, id)), None) => {
                events.push(Event::Deleted(names.blob(&BlobRef::Pack(kind, id))));
            }
            (Some(BlobId::Segment(id)), None) => {
                events.push(Event::Deleted(names.blob(&BlobRef::IndexSegment(id))));
            }
            _ => {}
        }
    }
    events
}

#[test]
fn what_the_code_does_is_accepted_by_the_model() {
    let (runtime, journal) = (runtime(), JournalStore::default());
    busy(&runtime, &journal);
    let events = events(&runtime, &journal);
    let count = |wanted: fn(&Event) -> bool| events.iter().filter(|event| wanted(event)).count();
    let (records, deleted) =
        (count(|event| matches!(event, Event::Record(_))), count(|event| matches!(event, Event::Deleted(_))));
    tell(&format!(
        "{records} records, {deleted} deletions, {} catalogs, {} trimmed",
        count(|event| matches!(event, Event::Catalog(_))),
        count(|event| matches!(event, Event::Trimmed(_)))
    ));
    let map_records = count(|event| match event {
        // A snapshot is based on what it does not end in the same record, save for a checkpoint.
        Event::Record(actions) => is_map(actions),
        _ => false,
    });
    tell(&format!("{map_records} records put a verification map"));
    assert!(records > 80 && deleted > 20 && map_records > 10);
    let accepted = accept(&events).unwrap_or_else(|refused| {
        panic!("{refused}: {:?}", events[refused.event.saturating_sub(2)..=refused.event].to_vec())
    });
    assert_eq!(accepted.revision, records as u64);

    // And the model can say no: a pack that goes before its doom.
    let place = events.iter().position(|event| matches!(event, Event::Deleted(Blob::Pack(_)))).unwrap();
    let doom = events[..place].iter().rposition(|event| {
        matches!(event, Event::Record(actions) if actions.iter().any(|action| matches!(action, Abstract::Doom { .. })))
    });
    let mut forged = events.clone();
    let deleted = forged.remove(place);
    forged.insert(doom.unwrap(), deleted);
    assert!(accept(&forged).is_err());
}
