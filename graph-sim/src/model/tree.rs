//! The base state of a drive: a pure function of the tenant's seed, its profile and the drive's number.

use super::item::{Item, flag};
use super::names::{self, KINDS};
use crate::config::TenantProfile;
use crate::seed::Seed;

/// 2023-01-01T00:00:00Z, the earliest time in a tenant, in seconds.
const FIRST_DAY: u32 = 1_672_531_200;
const TWO_YEARS: u64 = 2 * 365 * 86_400;
/// Folders lie no deeper than this, the chain apart.
const DEPTH_MAX: u8 = 20;

/// Builds the items of a drive; the first is its root.
pub fn build(profile: &TenantProfile, drive: u32) -> Vec<Item> {
    let seed = drive_seed(profile, drive);
    let count = profile.items_per_drive;
    let mut folders: Vec<(u32, u8)> = vec![(0, 0)];
    let mut items = Vec::with_capacity(count as usize + 1);
    items.push(Item {
        flags: flag::FOLDER,
        created: FIRST_DAY,
        modified: FIRST_DAY,
        etag: 1,
        ..Item::default()
    });
    let chain = profile.chain.min(count / 4);
    let wide = profile.wide.min(count / 2);
    // The chain comes first, then the wide folder and its files.
    for index in 1..=count {
        let own = seed.with(u64::from(index));
        let item = if index <= chain {
            folder(own, index - 1)
        } else if wide > 0 && index == chain + 1 {
            folder(own, 0)
        } else if wide > 0 && index <= chain + 1 + wide {
            file(profile, seed, own, chain + 1)
        } else {
            let (parent, depth) = draw_parent(own.with(10), &folders);
            let item = draw(profile, seed, own, parent, &items);
            if item.has(flag::FOLDER) && depth + 1 < DEPTH_MAX {
                folders.push((index, depth + 1));
            }
            item
        };
        items.push(item);
    }
    items
}

/// The seed of a drive's names and draws.
pub fn drive_seed(profile: &TenantProfile, drive: u32) -> Seed {
    Seed(profile.seed).named("tree").with(u64::from(drive))
}

fn draw_parent(own: Seed, folders: &[(u32, u8)]) -> (u32, u8) {
    folders[own.below(folders.len() as u64) as usize]
}

fn draw(profile: &TenantProfile, seed: Seed, own: Seed, parent: u32, items: &[Item]) -> Item {
    // Some files go into a notebook that was just made.
    let last = items.len() as u32 - 1;
    if items[last as usize].has(flag::PACKAGE) {
        return file(profile, seed, own, last);
    }
    let mut share = own.with(11).unit();
    for (part, flags) in [
        (profile.folders, flag::FOLDER),
        (profile.packages, flag::PACKAGE),
        (profile.shortcuts, flag::REMOTE),
    ] {
        if share < part {
            let mut item = folder(own, parent);
            item.flags = flags;
            if own.with(12).chance(profile.shared) {
                item.set(flag::SHARED);
            }
            return item;
        }
        share -= part;
    }
    let mut item = file(profile, seed, own, parent);
    if own.with(12).chance(profile.shared) {
        item.set(flag::SHARED);
    }
    if own.with(13).chance(profile.malware) {
        item.set(flag::MALWARE);
    }
    item
}

fn folder(own: Seed, parent: u32) -> Item {
    let (created, modified) = times(own);
    Item { parent, flags: flag::FOLDER, created, modified, etag: 1, ..Item::default() }
}

fn file(profile: &TenantProfile, seed: Seed, own: Seed, parent: u32) -> Item {
    let (created, modified) = times(own);
    // Duplicates draw kind, size and seed from one of a few hundred classes.
    let content = if own.with(14).chance(profile.duplicates) {
        let classes = u64::from(profile.items_per_drive / 20).clamp(1, 50_000);
        seed.named("duplicate").with(own.with(15).below(classes))
    } else {
        own.with(16)
    };
    let (kind, size) = shape(profile, content);
    Item {
        parent,
        flags: 0,
        kind,
        size,
        content: content.0,
        created,
        modified,
        etag: 1,
        ctag: 1,
        ..Item::default()
    }
}

/// Kind and size of a content that is drawn from `seed`.
pub fn shape(profile: &TenantProfile, seed: Seed) -> (u16, u64) {
    let kind = names::draw_kind(seed.with(1));
    if seed.with(2).chance(profile.empty) {
        return (kind, 0);
    }
    let size = profile.size_median as f64 * (profile.size_sigma * seed.with(3).normal()).exp();
    (kind, (size as u64).clamp(1, profile.size_max.max(1)))
}

/// Whether files of a kind hold words.
pub fn is_text(kind: u16) -> bool {
    KINDS.get(usize::from(kind)).is_some_and(|kind| kind.text)
}

fn times(own: Seed) -> (u32, u32) {
    let created = FIRST_DAY + own.with(17).below(TWO_YEARS) as u32;
    let age = own.with(18).below(90 * 86_400) as u32;
    (created, created + age)
}
