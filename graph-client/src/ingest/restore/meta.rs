//! What a snapshot's entry says that a drive can be told.

use jiff::Timestamp;
use repo_format::cbor;
use repo_format::tree::{Entry, TimeNs, TreeKey};

use super::key::Key;
use crate::files::NewFile;
use crate::ingest::Facts;
use crate::model::{DriveItem, Moment};

/// Fractions that the service keeps: seven digits of a second.
const TICK_NS: i64 = 100;

/// What the service said of an entry; `None` for one that is not of a drive.
pub(super) fn facts_of(entry: &Entry) -> Option<Facts> {
    cbor::decode(entry.meta.service.as_deref()?).ok()
}

/// The name that it had.
pub(super) fn name_of(key: &TreeKey, facts: Option<&Facts>) -> String {
    match facts {
        Some(facts) if !facts.name.is_empty() => facts.name.clone(),
        _ => String::from_utf8_lossy(&key.name).into_owned(),
    }
}

/// The key of an entry in its snapshot: by its ID, or by its path if it has none.
pub(super) fn key_of(above: Key, key: &TreeKey) -> Key {
    match key.discriminator.as_slice() {
        [] => Key::of(&[b"path", above.to_string().as_bytes(), &key.name]),
        id => Key::of(&[b"id", id]),
    }
}

/// The times that the drive is to show.
pub(super) fn times_of(entry: &Entry) -> NewFile {
    NewFile {
        created: entry.meta.btime_ns.and_then(moment),
        last_modified: entry.meta.mtime_ns.and_then(moment),
    }
}

fn moment(time: TimeNs) -> Option<Moment> {
    let ticks = time - time.rem_euclid(TICK_NS);
    Some(Timestamp::from_nanosecond(i128::from(ticks)).ok()?.into())
}

/// Whether the item shows these times, as far as they are known.
pub(super) fn has_times(item: &DriveItem, times: &NewFile) -> bool {
    are_shown(times, shown_times(item))
}

/// When an item was created and last modified, as a client set it. Services round to seconds.
pub(super) fn shown_times(item: &DriveItem) -> (Option<i64>, Option<i64>) {
    let info = item.file_system_info.as_ref();
    let created = info.and_then(|info| info.created.as_ref());
    (second(created), second(info.and_then(|info| info.last_modified.as_ref())))
}

/// Whether these times are those that are wanted, as far as any are.
pub(super) fn are_shown(times: &NewFile, shown: (Option<i64>, Option<i64>)) -> bool {
    let fits = |wanted: Option<&Moment>, shown| wanted.is_none() || second(wanted) == shown;
    fits(times.created.as_ref(), shown.0) && fits(times.last_modified.as_ref(), shown.1)
}

fn second(moment: Option<&Moment>) -> Option<i64> {
    moment.and_then(Moment::timestamp).map(|at| at.as_second())
}
