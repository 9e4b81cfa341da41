//! Backups of the random drive, in memory: killed, resumed, started over.

use std::collections::HashSet;

use repo_format::codec::{ContentId, Cut, MasterKey, Splitter, SplitterSizes};
use repo_format::content::memory::MemoryContents;
use repo_format::map::{MapKey, MapStore};
use repo_format::tree::Entry;

use super::drive::{Drive, Feed, Random};
use crate::ingest::{
    Counts, Cursor, DriveLedger, Mark, Past, Phase, Scope, apply, finish_enumeration, settle, update_tree,
};

/// Where everything is stored.
pub struct Kit {
    contents: MemoryContents,
    splitter: Splitter,
    key: MapKey,
}

impl Kit {
    pub fn new() -> Kit {
        let keys = MasterKey::from_bytes([5; 32]).subkeys();
        let splitter = Splitter::new(&keys, SplitterSizes::DEFAULT);
        Kit { contents: MemoryContents::new(), splitter, key: MapKey::new(*keys.map()) }
    }

    pub fn store(&self) -> MapStore<'_> {
        MapStore { contents: &self.contents, splitter: &self.splitter as &dyn Cut, key: &self.key }
    }
}

/// What was committed last.
#[derive(Default, Clone)]
pub struct Backup {
    layers: Vec<ContentId>,
    cursor: Vec<u8>,
    root: Option<Entry>,
    /// Contents whose marks are committed: they must not be fetched again.
    marked: HashSet<(String, u64)>,
    /// The part of the drive whose tree is made.
    scope: Scope,
}

impl Backup {
    /// A backup of a part of the drive.
    pub fn of(scope: Scope) -> Backup {
        Backup { scope, ..Backup::default() }
    }

    pub fn root(&self) -> Option<&Entry> {
        self.root.as_ref()
    }

    pub fn ledger(&self) -> &[ContentId] {
        &self.layers
    }

    pub fn counts(&self) -> Counts {
        Cursor::decode(&self.cursor).unwrap().counts
    }

    /// One run. It is killed now and then, and the next one goes on; one at rest goes to the end.
    pub fn run(&mut self, kit: &Kit, drive: &mut Drive, random: &mut Random, at_rest: bool) {
        let mut cursor = match self.cursor.as_slice() {
            [] => Cursor::default(),
            bytes => Cursor::decode(bytes).unwrap(),
        };
        let floor = cursor.floor as usize;
        let mut ledger = DriveLedger::open(&kit.contents, kit.store(), &self.layers, floor).unwrap();
        if cursor.phase != Phase::Following {
            ledger.remember_ids().unwrap();
        }
        let mut fetched = HashSet::new();
        for round in 0..4 {
            // A link to a page in the middle is kept as the round that it belongs to.
            if cursor.link.is_none() && ledger.has_items().unwrap() {
                cursor.start_over();
            }
            let mut feed = Feed::from_link(cursor.link.as_deref(), drive);
            feed.disorder(drive, random);
            let mut told = false;
            while let Some(page) = feed.page(drive, random, at_rest) {
                told |= !page.is_empty();
                if !at_rest && random.chance(3) {
                    cursor.start_over();
                    ledger.remember_ids().unwrap();
                    feed = Feed::from_link(None, drive);
                    feed.disorder(drive, random);
                    continue;
                }
                let applied = apply(&mut ledger, &mut cursor, &page).unwrap();
                if feed.is_over() {
                    cursor.link = Some(feed.link());
                    finish_enumeration(&mut ledger, &mut cursor).unwrap();
                }
                self.fetch(&mut ledger, drive, random, at_rest, applied.fetch, &mut fetched);
                if random.chance(15) {
                    let roots = ledger.save().unwrap();
                    ledger.settle(&roots).unwrap();
                    self.commit(roots, &cursor, &mut fetched);
                }
                if random.chance(8) && !cursor.root.is_empty() && self.scope.is_all() {
                    self.checkpoint_with_tree(kit, &mut ledger, &mut cursor);
                    let roots = ledger.save().unwrap();
                    self.commit(roots, &cursor, &mut fetched);
                }
                if !at_rest && random.chance(4) {
                    return;
                }
            }
            if round == 0 {
                let again = ledger.wanted("", usize::MAX).unwrap();
                self.fetch(&mut ledger, drive, random, at_rest, again, &mut fetched);
            }
            if !told {
                break;
            }
        }
        let mut past = self.past(kit, &ledger, &cursor);
        settle(&mut ledger, &cursor, &mut past).unwrap();
        let updated =
            update_tree(&mut ledger, &cursor, &mut past, &self.scope, &kit.contents, kit.store()).unwrap();
        let root = ledger.fold().unwrap();
        cursor.floor = u64::from(self.scope.is_all());
        cursor.counts = updated.counts;
        self.root = Some(updated.root);
        self.commit(vec![root], &cursor, &mut fetched);
        if at_rest {
            assert!(updated.orphans.is_empty(), "at rest every item has its folder");
        }
    }

    fn past<'k>(&self, kit: &'k Kit, ledger: &DriveLedger<'k>, cursor: &Cursor) -> Past<'k> {
        let root = self.root.clone().filter(|_| cursor.floor > 0).map(|root| (cursor.root.clone(), root));
        Past::new(&kit.contents, ledger.base(), root)
    }

    /// A tree in the middle of the feed: what comes after it changes it.
    fn checkpoint_with_tree<'k>(&mut self, kit: &'k Kit, ledger: &mut DriveLedger<'k>, cursor: &mut Cursor) {
        let mut past = self.past(kit, ledger, cursor);
        let updated =
            update_tree(ledger, cursor, &mut past, &self.scope, &kit.contents, kit.store()).unwrap();
        let roots = ledger.split().unwrap();
        ledger.settle_split(&roots).unwrap();
        (cursor.floor, cursor.counts) = (1, updated.counts);
        self.root = Some(updated.root);
    }

    fn commit(&mut self, layers: Vec<ContentId>, cursor: &Cursor, fetched: &mut HashSet<(String, u64)>) {
        self.layers = layers;
        self.cursor = cursor.encode();
        self.marked.extend(fetched.drain());
    }

    /// Fetches contents as a download would: what is not the listed content is not stored.
    fn fetch(
        &mut self,
        ledger: &mut DriveLedger<'_>,
        drive: &Drive,
        random: &mut Random,
        at_rest: bool,
        ids: Vec<String>,
        fetched: &mut HashSet<(String, u64)>,
    ) {
        for id in ids {
            let Some(mut item) = ledger.item(&id).unwrap() else { continue };
            let now = drive.content(&id);
            let listed = match item.known.facts.hash {
                Some(hash) => Some(u32::from_be_bytes(hash[..4].try_into().unwrap())),
                None => item.known.facts.c_tag.strip_prefix('c').and_then(|tag| tag.parse().ok()),
            };
            let Some(object) = now.filter(|now| Some(now.size) == listed.map(|at| 100 + u64::from(at)))
            else {
                // What went with its folder, unmentioned, is only taken out at the end.
                assert!(!at_rest || now.is_none(), "at rest what is listed can be had");
                continue;
            };
            if !at_rest && random.chance(20) {
                let cause = "io".to_owned();
                item.known.mark = Mark::Failed { cause, message: String::new(), attempts: 1 };
                ledger.put(&item);
                continue;
            }
            let mark = (id.clone(), object.size);
            assert!(!self.marked.contains(&mark), "{id} was marked, and is fetched again");
            fetched.insert(mark);
            item.known.mark = Mark::Stored;
            item.object = Some(object);
            ledger.put(&item);
            ledger.satisfy(&id);
        }
    }
}
