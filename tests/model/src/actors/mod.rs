//! Who takes part. Each actor says which steps it may take, and takes one; between two steps anything
//! may happen, and an actor that takes none any more has crashed.

mod collector;
mod compactor;
mod reader;
mod recaller;
mod writer;

pub use collector::{Collector, CollectorStep};
pub use compactor::{Compactor, CompactorStep};
pub use reader::{Reader, ReaderStep};
pub use recaller::{Recaller, RecallerStep};
pub use writer::{Phase as WriterPhase, Writer, WriterStep};

use crate::rules::Id;

/// The commit IDs of different actors, and of different incarnations of one, differ.
fn commit_id(kind: Id, actor: usize, incarnation: u8) -> Id {
    kind * 1000 + actor as Id * 10 + Id::from(incarnation)
}
