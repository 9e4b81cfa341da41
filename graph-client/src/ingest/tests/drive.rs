//! A drive that changes, and its feed.

use std::collections::{BTreeMap, BTreeSet};

use repo_format::codec::ContentId;
use repo_format::object::ObjectRef;
use repo_format::tree::{Entry, TreeBuilder};

use super::run::Kit;
use crate::ingest::table::entry_of;
use crate::ingest::{ChangeKind, Item, ItemChange, Known, Mark, Verdict, judge, tree_key};

/// Numbers from a seed (splitmix64).
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }

    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for at in (1..items.len()).rev() {
            items.swap(at, self.below(at + 1));
        }
    }
}

#[derive(Debug, Clone)]
struct Node {
    parent: u32,
    name: String,
    /// `None`: a folder. Contents are numbers that never come twice.
    content: Option<u32>,
    version: u32,
    shared: bool,
}

/// A drive. Item 0 is its root.
pub struct Drive {
    nodes: BTreeMap<u32, Node>,
    /// Who changed, in order.
    log: Vec<u32>,
    next_id: u32,
    next_content: u32,
    /// Lists no hashes but content tags.
    tags_only: bool,
}

impl Drive {
    pub fn new(tags_only: bool) -> Drive {
        let root = Node { parent: 0, name: "root".into(), content: None, version: 0, shared: false };
        Drive { nodes: BTreeMap::from([(0, root)]), log: vec![0], next_id: 1, next_content: 1, tags_only }
    }

    pub fn id(number: u32) -> String {
        format!("01{number:04}")
    }

    fn pick(&self, random: &mut Random, folders: bool) -> Option<u32> {
        let fits = |node: &Node| !folders || node.content.is_none();
        let ids: Vec<u32> = self.nodes.iter().filter(|(_, node)| fits(node)).map(|(id, _)| *id).collect();
        let picked = ids.get(random.below(ids.len()))?;
        (folders || *picked != 0).then_some(*picked)
    }

    fn is_below(&self, mut id: u32, folder: u32) -> bool {
        loop {
            if id == folder {
                return true;
            }
            if id == 0 {
                return false;
            }
            id = self.nodes[&id].parent;
        }
    }

    fn touch(&mut self, id: u32) {
        if let Some(node) = self.nodes.get_mut(&id) {
            node.version += 1;
        }
        self.log.push(id);
    }

    /// One change, whichever.
    pub fn change(&mut self, random: &mut Random) {
        match random.below(10) {
            0..4 => {
                let Some(parent) = self.pick(random, true) else { return };
                let (id, content) = (self.next_id, self.next_content);
                self.next_id += 1;
                self.next_content += 1;
                let content = random.chance(60).then_some(content);
                let name = ["a", "b", "c", "..", "d/e"][random.below(5)].to_owned();
                self.nodes.insert(id, Node { parent, name, content, version: 0, shared: false });
                self.touch(id);
            }
            4 => {
                if let Some(id) = self.pick(random, false)
                    && let Some(content) = self.nodes.get_mut(&id).and_then(|node| node.content.as_mut())
                {
                    *content = self.next_content;
                    self.next_content += 1;
                    self.touch(id);
                }
            }
            5 => {
                if let Some(id) = self.pick(random, false) {
                    let name = ["a", "b", "x", "y"][random.below(4)];
                    self.nodes.get_mut(&id).unwrap().name = name.to_owned();
                    self.touch(id);
                }
            }
            6 | 7 => {
                if let (Some(id), Some(to)) = (self.pick(random, false), self.pick(random, true))
                    && !self.is_below(to, id)
                {
                    self.nodes.get_mut(&id).unwrap().parent = to;
                    self.touch(id);
                }
            }
            8 => {
                if let Some(id) = self.pick(random, false) {
                    self.nodes.get_mut(&id).unwrap().shared ^= true;
                    self.touch(id);
                }
            }
            _ => {
                let Some(id) = self.pick(random, false) else { return };
                let below: Vec<u32> =
                    self.nodes.keys().copied().filter(|at| self.is_below(*at, id)).collect();
                let told = random.chance(50);
                for gone in below {
                    self.nodes.remove(&gone);
                    if gone == id || told {
                        self.log.push(gone);
                    }
                }
            }
        }
    }

    /// An item as a page tells it now.
    fn told(&self, id: u32) -> ItemChange {
        let Some(node) = self.nodes.get(&id) else {
            let deleted = ItemChange::new(Drive::id(id), ChangeKind::Unknown);
            return ItemChange { deleted: true, ..deleted };
        };
        let kind = match node.content {
            Some(_) => ChangeKind::File,
            None if id == 0 => ChangeKind::Root,
            None => ChangeKind::Folder,
        };
        let mut hash = [0; 20];
        hash[..4].copy_from_slice(&node.content.unwrap_or(0).to_be_bytes());
        ItemChange {
            parent: (id != 0).then(|| Drive::id(node.parent)),
            name: Some(node.name.clone()),
            size: node.content.map(|content| 1 + u64::from(content % 3)),
            hash: node.content.map(|_| hash).filter(|_| !self.tags_only),
            c_tag: node.content.map(|content| format!("c{content}")).filter(|_| self.tags_only),
            e_tag: Some(format!("e{}", node.version)),
            shared: node.shared,
            ..ItemChange::new(Drive::id(id), kind)
        }
    }

    /// The content that an item has now.
    pub fn content(&self, id: &str) -> Option<ObjectRef> {
        let number: u32 = id.strip_prefix("01")?.parse().ok()?;
        self.nodes.get(&number)?.content.map(object)
    }

    /// The drive's true tree.
    pub fn tree(&self, kit: &Kit) -> Entry {
        self.folder(kit, 0, None)
    }

    /// The true tree of what is in the folder at these names, and of those that lead to it.
    pub fn part(&self, kit: &Kit, names: &[&str]) -> Entry {
        self.folder(kit, 0, Some(names))
    }

    fn folder(&self, kit: &Kit, folder: u32, part: Option<&[&str]>) -> Entry {
        let mut children = BTreeMap::new();
        for (id, node) in self.nodes.iter().filter(|(id, node)| **id != 0 && node.parent == folder) {
            let below = match part {
                Some([first, rest @ ..]) if *first == node.name && node.content.is_none() => Some(rest),
                Some([_, ..]) => continue,
                _ => None,
            };
            let entry = match node.content {
                Some(_) => entry_of(&self.item(*id)),
                None => self.folder(kit, *id, below),
            };
            children.insert(tree_key(&node.name, &Drive::id(*id)), entry);
        }
        let mut tree = TreeBuilder::new(kit.store());
        children.iter().for_each(|(key, entry)| tree.push(key, entry).unwrap());
        let (root, totals) = tree.finish().unwrap();
        totals.folder_entry(root, entry_of(&self.item(folder)))
    }

    /// The item as a backup at rest knows it.
    fn item(&self, id: u32) -> Item {
        let Verdict::Put { item, .. } = judge(None, &self.told(id)) else { panic!("it is there") };
        let Item { known: Known { facts, mark }, .. } = *item;
        let object = self.nodes[&id].content.map(object);
        let mark = if object.is_some() { Mark::Stored } else { mark };
        Item { known: Known { facts, mark }, object }
    }
}

/// What is stored of a content.
fn object(content: u32) -> ObjectRef {
    let mut id = [1; 32];
    id[..4].copy_from_slice(&content.to_be_bytes());
    ObjectRef { depth: 0, content: ContentId(id), size: 100 + u64::from(content) }
}

/// One round of the feed.
pub struct Feed {
    /// Log entries that the next round need not tell.
    upto: usize,
    pages: Vec<Vec<u32>>,
}

impl Feed {
    /// The round that a link begins; without one everything.
    pub fn from_link(link: Option<&str>, drive: &Drive) -> Feed {
        let from: Option<usize> = link.map(|link| link.parse().unwrap());
        let ids: BTreeSet<u32> = match from {
            Some(from) => drive.log[from..].iter().copied().collect(),
            None => drive.nodes.keys().copied().collect(),
        };
        Feed { upto: drive.log.len(), pages: vec![ids.into_iter().collect()] }
    }

    /// Puts the round into disorder: pages, duplicates, parents again, IDs that nobody knows.
    pub fn disorder(&mut self, drive: &Drive, random: &mut Random) {
        let mut ids = self.pages.concat();
        random.shuffle(&mut ids);
        for at in 0..ids.len() {
            let parent = drive.nodes.get(&ids[at]).map(|node| node.parent);
            if random.chance(20) {
                ids.push(ids[at]);
            }
            ids.extend(parent.filter(|_| random.chance(30)));
        }
        if random.chance(20) {
            ids.push(9000 + random.below(9) as u32);
        }
        if random.chance(50) {
            random.shuffle(&mut ids);
        }
        self.pages = ids.chunks(1 + random.below(8)).map(<[u32]>::to_vec).collect();
        if random.chance(20) || self.pages.is_empty() {
            self.pages.push(Vec::new());
        }
        self.pages.reverse();
    }

    /// The next page, as the drive is now; afterwards it may change.
    pub fn page(&mut self, drive: &mut Drive, random: &mut Random, at_rest: bool) -> Option<Vec<ItemChange>> {
        let ids = self.pages.pop()?;
        let page = ids.into_iter().map(|id| drive.told(id)).collect();
        while !at_rest && random.chance(30) {
            drive.change(random);
        }
        Some(page)
    }

    /// Whether the round told everything.
    pub fn is_over(&self) -> bool {
        self.pages.is_empty()
    }

    /// Begins the next round.
    pub fn link(&self) -> String {
        self.upto.to_string()
    }
}
