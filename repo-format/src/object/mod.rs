//! Objects: streams of any length as one content, or a list of them (OBJ-1 to OBJ-3).
//!
//! Owns lists: who names the pieces of a stream, in order. Knows nothing of what streams hold.
//! Whoever cuts a stream tells an [`ObjectWriter`] each piece it stored; an [`ObjectReader`]
//! names them again, with their places.

mod read;
mod reference;
mod row;
mod write;

pub use read::{ObjectReader, Rows};
pub use reference::{DEPTH_MAX, ObjectRef};
pub use row::Row;
pub use write::{ObjectWriter, write_bytes};

#[cfg(test)]
mod tests;
