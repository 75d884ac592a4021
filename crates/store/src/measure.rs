//! What the writer of either database tells of itself.

use std::time::Instant;

/// Time from asking for a write until its group began, and until the group was on disk.
const WAITED: &str = "karez_store_write_wait_seconds";
const COMMITTED: &str = "karez_store_commit_seconds";
/// Writes that one commit held.
const TOGETHER: &str = "karez_store_commit_writes";

/// A write that was asked for then is taken up now.
pub(crate) fn waited(since: Instant) {
    metrics::histogram!(WAITED).record(since.elapsed());
}

/// A group that was begun then is on disk now.
pub(crate) fn committed(began: Instant, writes: usize) {
    metrics::histogram!(COMMITTED).record(began.elapsed());
    #[allow(clippy::cast_precision_loss)] // a few hundred at most
    metrics::histogram!(TOGETHER).record(writes as f64);
}
