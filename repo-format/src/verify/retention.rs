//! Whether what is needed is locked as long and as strongly as asked for.

use super::check::Check;
use super::finding::FindingKind;
use crate::format::names::BlobId;
use crate::repository::with_causes;
use crate::retention::needed;
use crate::storage::{LockedUntil, Protection};

/// Asks for the lock of every blob that the state needs: one request each.
pub(super) fn retention(check: &Check<'_>) {
    let Some(asked) = check.options.retention else { return };
    let least = asked.from(check.repository.log().now_ns());
    let blobs = needed(&check.state, check.listing.blobs.keys());
    check.each(&blobs, |blob| match check.repository.blobs().protection(&blob.name()) {
        Ok(Some(there)) => {
            if let Some(what) = wanting(&there, &least) {
                check.find_blob(blob, FindingKind::Unlocked, what);
            }
            check.count(|covered| covered.locks += 1);
        }
        Ok(None) => gone(check, blob),
        Err(error) => check.find_blob(blob, FindingKind::Unreadable, with_causes(&error)),
    });
}

/// It was listed: whoever hid or deleted it since may have had the right to.
fn gone(check: &Check<'_>, blob: &BlobId) {
    if !check.is_removed(blob) {
        check.find_blob(blob, FindingKind::Missing, "it was listed, and is gone now");
    }
}

/// What a blob's protection lacks.
fn wanting(there: &Protection, least: &LockedUntil) -> Option<String> {
    if there.legal_hold {
        return None;
    }
    match there.retention {
        None => Some("it has no retention: whoever may delete can delete it".into()),
        Some(lock) if lock.mode < least.mode => {
            Some(format!("its retention is of mode {}, not {}", lock.mode.name(), least.mode.name()))
        }
        // Storages know whole seconds.
        Some(lock) if lock.until_ns.saturating_add(1_000_000_000) <= least.until_ns => {
            Some(format!("its retention ends at {}, before {}", time(lock.until_ns), time(least.until_ns)))
        }
        Some(_) => None,
    }
}

fn time(time_ns: i64) -> String {
    let seconds = time_ns.div_euclid(1_000_000_000);
    jiff::Timestamp::from_second(seconds)
        .map_or_else(|_| format!("{seconds} s since 1970"), |time| time.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::RetentionMode::{Compliance, Governance};

    #[test]
    fn what_is_weaker_or_shorter_than_asked_is_wanting() {
        let lock = |mode, seconds: i64| LockedUntil { mode, until_ns: seconds * 1_000_000_000 };
        let there = |retention| Protection { retention, legal_hold: false };
        let least = lock(Governance, 100);
        for enough in [lock(Governance, 100), lock(Governance, 200), lock(Compliance, 100)] {
            assert_eq!(wanting(&there(Some(enough)), &least), None);
        }
        let told = wanting(&there(Some(lock(Compliance, 99))), &least).unwrap();
        assert_eq!(told, "its retention ends at 1970-01-01T00:01:39Z, before 1970-01-01T00:01:40Z");
        let told = wanting(&there(Some(lock(Governance, 900))), &lock(Compliance, 100)).unwrap();
        assert_eq!(told, "its retention is of mode governance, not compliance");
        assert!(wanting(&there(None), &least).unwrap().contains("no retention"));
        assert_eq!(wanting(&Protection { legal_hold: true, ..there(None) }, &least), None);
    }
}
