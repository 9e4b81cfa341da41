//! The index as it was at one moment, with a number for each row.
//!
//! Numbers are what lets others keep something about every content in a table of their own: a bit
//! or a byte each, instead of the 32 bytes of its ID.

use std::sync::Arc;

use super::slot::{Need, Opener, SlotSet};
use super::{IndexError, Location, Row};
use crate::codec::ContentId;
use crate::format::segment::SegmentRef;

/// A fixed set of segments. Later changes of the index do not show.
pub struct View<'i> {
    opener: &'i Opener,
    slots: Arc<SlotSet>,
    /// For each slot the number of its first row, and at the end the number of rows.
    starts: Vec<u64>,
}

impl<'i> View<'i> {
    pub(super) fn new(opener: &'i Opener, slots: Arc<SlotSet>) -> View<'i> {
        let mut starts = vec![0];
        starts.extend(slots.iter().scan(0, |rows, slot| {
            *rows += u64::from(slot.segment.count);
            Some(*rows)
        }));
        View { opener, slots, starts }
    }

    /// Number of rows. A content has one for each place that it is in.
    pub fn rows_count(&self) -> u64 {
        self.starts.last().copied().unwrap_or(0)
    }

    /// All places of a content, each with the number of its row. Where segments overlap one place
    /// may come twice.
    ///
    /// # Errors
    /// [`IndexError`] if a segment that covers `id` cannot be read: the content may be in it.
    pub fn locate(&self, id: &ContentId) -> Result<Vec<(u64, Location)>, IndexError> {
        let mut found = Vec::new();
        for (place, slot) in self.slots.covering(id) {
            let range = (slot.segment.first, slot.segment.last);
            let rows = slot.read(self.opener, Need::All, |table| table.locate(id, range))?;
            found.extend(rows.into_iter().map(|(row, at)| (self.starts[place] + u64::from(row), at)));
        }
        Ok(found)
    }

    /// The segments, each with the number of its first row.
    pub fn segments(&self) -> impl Iterator<Item = (u64, SegmentRef)> + '_ {
        self.starts.iter().copied().zip(self.slots.iter().map(|slot| slot.segment))
    }

    /// All rows in the order of their numbers. Streams: nothing is gathered.
    pub fn rows(&self) -> impl Iterator<Item = Result<(u64, Row), IndexError>> + '_ {
        let slots = self.slots.iter().zip(&self.starts);
        slots.flat_map(move |(slot, start)| {
            (0..slot.segment.count).map(move |row| {
                let found = slot.read(self.opener, Need::All, |table| table.row(row))?;
                Ok((start + u64::from(row), found))
            })
        })
    }
}
