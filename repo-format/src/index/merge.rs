//! Merging tables: many small or overlapping ones become few.
//!
//! A streaming merge: it holds one row of each input and one table of output, however large both
//! are. Merging gives the very tables that building from all packs at once gives.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::build::TableBuilder;
use super::{IndexError, IndexTable, Row};
use crate::codec::{ContentId, PackId};

/// Merges `inputs`, each in the order of a segment's rows, and gives every table to `emit` as soon
/// as it is full. Rows of packs that are not to `keep` are dropped; a place that several inputs
/// know becomes one row.
///
/// Each table has at most `table_size` bytes and follows the one before it in key order.
///
/// # Errors
/// What an input or `emit` reports, and [`IndexError::Contradiction`]. What was emitted stands.
pub fn merge<I, E>(
    inputs: impl IntoIterator<Item = I>,
    keep: impl Fn(&PackId) -> bool,
    table_size: usize,
    mut emit: impl FnMut(IndexTable) -> Result<(), E>,
) -> Result<(), E>
where
    I: Iterator<Item = Result<Row, IndexError>>,
    E: From<IndexError>,
{
    let mut inputs: Vec<I> = inputs.into_iter().collect();
    let mut heads = BinaryHeap::with_capacity(inputs.len());
    for (number, input) in inputs.iter_mut().enumerate() {
        heads.extend(next_head(input, number)?);
    }
    let mut builder = TableBuilder::new(table_size);
    while let Some(Reverse(Head { row, input, .. })) = heads.pop() {
        if keep(&row.at.pack) {
            let full = builder.push(&row).map_err(IndexError::from)?;
            full.map_or(Ok(()), &mut emit)?;
        }
        heads.extend(next_head(&mut inputs[input], input)?);
    }
    builder.finish().map_or(Ok(()), emit)
}

/// The row that an input is at.
struct Head {
    order: (ContentId, PackId, u32, u32),
    input: usize,
    row: Row,
}

fn next_head(
    input: &mut impl Iterator<Item = Result<Row, IndexError>>,
    number: usize,
) -> Result<Option<Reverse<Head>>, IndexError> {
    let row = input.next().transpose()?;
    Ok(row.map(|row| Reverse(Head { order: row.order(), input: number, row })))
}

impl Ord for Head {
    fn cmp(&self, other: &Head) -> std::cmp::Ordering {
        (self.order, self.input).cmp(&(other.order, other.input))
    }
}

impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Head) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Head {
    fn eq(&self, other: &Head) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Head {}
