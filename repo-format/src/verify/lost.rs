//! Which contents are lost with the packs that are missing or damaged, and have no other place.

use std::collections::{BTreeMap, BTreeSet};

use super::check::Check;
use super::finding::{Finding, FindingKind};
use super::snapshots::{Live, keep_live};
use crate::codec::ContentId;
use crate::index::Row;
use crate::reach::{Met, Search, Sought};
use crate::system::Mutex;

/// Contents of bad packs that are looked for elsewhere; it bounds memory where most packs are gone.
const CANDIDATES_MAX: usize = 1 << 22;

/// Contents that cannot be had, and the places of the findings that they are lost by.
pub(super) type Lost = Sought;

/// Tries every content of every bad pack, and those again that were nowhere. Leaves those snapshots in `live` that
/// still are.
pub(super) fn lost(check: &Check<'_>, live: &mut Vec<Live>) -> Lost {
    let (bad, absent) = (check.bad_packs(), check.absent());
    if bad.is_empty() && absent.is_empty() {
        return Lost::new();
    }
    keep_live(check, live);
    let index = check.repository.index();
    let mut rows: Vec<Row> = (index.segments().iter())
        .flat_map(|segment| index.rows_of(segment).map_while(Result::ok))
        .filter(|row| bad.contains_key(&row.at.pack))
        .take(CANDIDATES_MAX)
        .collect();
    // Neighbours come from one frame.
    rows.sort_unstable_by_key(|row| (row.at.pack, row.at.frame.index, row.at.content_offset));
    let lost = Mutex::new(Lost::new());
    let frames: Vec<&[Row]> =
        rows.chunk_by(|a, b| (a.at.pack, a.at.frame.index) == (b.at.pack, b.at.frame.index)).collect();
    check.each(&frames, |frame| {
        for row in frame.iter().filter(|row| !can_be_had(check, &row.id)) {
            lost.lock().entry(row.id).or_default().push(bad[&row.at.pack]);
        }
    });
    let mut lost = lost.into_inner();
    let mut by_place: BTreeMap<usize, Vec<ContentId>> = BTreeMap::new();
    for (id, places) in &lost {
        places.iter().for_each(|place| by_place.entry(*place).or_default().push(*id));
    }
    for place in bad.values() {
        let mut ids = by_place.remove(place).unwrap_or_default();
        // A pack may have a content in two segments.
        ids.sort_unstable();
        ids.dedup();
        check.amend(*place, |finding| {
            finding.contents = ids.len() as u64;
            finding.content_ids = first(&ids, check.options.contents_max);
            if ids.is_empty() && finding.kind != FindingKind::Unreadable {
                finding.what.push_str("; no content that the index has in it is lost");
            }
        });
    }
    let is_absent = |id: &ContentId| !lost.contains_key(id) && !can_be_had(check, id);
    let nowhere = needed(check, live, absent.into_iter().filter(is_absent).collect());
    if !nowhere.is_empty() {
        let is_going = |id: &&ContentId| check.contents.is_going(id).unwrap_or(false);
        let needed = format!("{} contents that live snapshots need are in no pack that", nowhere.len());
        let what = match nowhere.iter().filter(is_going).count() {
            0 => format!("{needed} the index knows"),
            going => format!("{needed} stays; {going} of them are in packs that a later record dooms"),
        };
        let contents = nowhere.len() as u64;
        let content_ids = first(&nowhere, check.options.contents_max);
        let found = Finding { contents, content_ids, ..Finding::of(None, FindingKind::Missing, what) };
        let place = check.find(found);
        lost.extend(nowhere.into_iter().map(|id| (id, Vec::from_iter(place))));
    }
    lost
}

/// Those of some contents that a live snapshot needs, in order.
fn needed(check: &Check<'_>, live: &[Live], mut contents: Vec<ContentId>) -> Vec<ContentId> {
    contents.sort_unstable();
    if contents.is_empty() {
        return contents;
    }
    let sought: Sought = contents.iter().enumerate().map(|(place, id)| (*id, vec![place])).collect();
    let (mut found, stopped) = (BTreeSet::new(), || check.is_stopped());
    let mut note = |met: Met<'_>| {
        found.insert(met.group);
    };
    let mut search = Search::new(check.repository.contents(), &sought, &stopped, &mut note);
    live.iter().for_each(|snapshot| search.snapshot(snapshot.id, snapshot.maps()));
    match check.is_stopped() {
        // Who was not asked may need it.
        true => contents,
        false => found.into_iter().map(|place| contents[place]).collect(),
    }
}

fn first(ids: &[ContentId], most: usize) -> Vec<ContentId> {
    ids.iter().take(most).copied().collect()
}

/// Whether any pack that stays gives the content.
fn can_be_had(check: &Check<'_>, id: &ContentId) -> bool {
    let reader = check.repository.reader();
    let locations = reader.locate(id).unwrap_or_default();
    locations.iter().filter(|at| check.may_rely_on(at.pack_kind, at.pack)).any(|at| {
        let found = reader.frame(id, at).and_then(|raw| reader.take(at.kind, id, at, &raw));
        found.is_ok()
    })
}
