//! What a maintenance run may do.

use std::time::Duration;

/// How maintenance runs. Times are advice that saves work: nothing is safe because of them.
#[derive(Debug, Clone)]
pub struct MaintenanceOptions {
    /// Only fold the log and merge segments; look for nothing to reclaim.
    pub quick: bool,
    /// Say what would be done; write and delete nothing.
    pub dry_run: bool,
    /// Between condemning a blob and dooming it.
    pub grace: Duration,
    /// The same for blobs that no record knows: a slow run may still commit them.
    pub grace_unknown: Duration,
    /// Share of the packs' live bytes that may stay unused in packs which are not rewritten, in
    /// percent.
    pub unused_percent: f64,
    /// Packs below this size are put together when there are several, in bytes.
    pub small_pack: u64,
    /// Records that stay behind the floor, at least.
    pub records_kept: u64,
    /// Threads that walk snapshots, read packs and delete blobs.
    pub threads: usize,
    /// zstd level for what is rewritten; `None` stores raw.
    pub level: Option<i32>,
}

impl Default for MaintenanceOptions {
    fn default() -> MaintenanceOptions {
        MaintenanceOptions {
            quick: false,
            dry_run: false,
            grace: Duration::from_secs(24 * 3600),
            grace_unknown: Duration::from_secs(7 * 24 * 3600),
            unused_percent: 2.0,
            small_pack: 4 << 20,
            records_kept: 1024,
            threads: std::thread::available_parallelism().map_or(2, usize::from).clamp(2, 8),
            level: Some(3),
        }
    }
}
