//! The broken variants: each leaves out one thing, and the model must notice.

/// What a broken variant does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Flaw {
    /// A writer does not check what it relies on against the prefix that it extends.
    CommitUnchecked,
    /// A commit is appended at the end, whatever prefix it was checked against.
    CommitAnywhere,
    /// A doom is appended at the end, whatever prefix it was checked against.
    DoomAnywhere,
    /// A pack's name follows from its content, so that a deleted one can come back.
    NamesUsedTwice,
    /// Who has won a revision does not look whether it was below the floor.
    NoFloorCheck,
    /// A commit names only a part of the packs that it relies on.
    PartlyNamed,
    /// A collector dooms although another doom lies behind its mark.
    IgnoresDoom,
    /// A collector dooms although a recall lies behind its mark.
    IgnoresRecall,
    /// A collector dooms although it did not read all records behind its mark.
    IgnoresJump,
    /// A collector dooms what records behind its mark rely on by name.
    IgnoresNamed,
    /// A catalog leaves out dooms that are not reaped yet.
    CatalogDropsDooms,
    /// A snapshot is recalled after a doom, and nobody walks it.
    RecallWithoutWalk,
    /// A compaction does not check that what it replaces is still in the state.
    CompactionUnchecked,
    /// A writer does not check that its bases are live.
    BasesUnchecked,
    /// A trimmer deletes records before there is a catalog behind the raised floor.
    TrimsBeforeCatalog,
    /// A repack dooms the old pack before the segment of its copies is committed.
    DoomsBeforeCopies,
    /// A pack is reaped while a segment of the state names it.
    ReapsWhatIsNamed,
    /// A segment is added although a pack that it names is doomed or reaped.
    AddsSegmentOfLostPack,
    /// A writer that jumped over records still counts on packs that it uploaded before.
    JumpKeepsOwn,
    /// A writer that jumped over records still counts on packs of others that it found before.
    JumpKeepsFound,
    /// A reader that misses a pack refreshes once, and calls the second miss damage.
    ReadsTwice,
    /// A collector dooms although a record was lost, and what it told of was not found again.
    IgnoresHold,
    /// A catalog leaves out the rows of snapshots that were forgotten before the last doom.
    CatalogDropsRows,
}
