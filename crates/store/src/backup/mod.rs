//! Backups: consistent copies taken while serving, and a log that follows them so that a lost disk takes seconds.
//!
//! A backup place holds
//!
//! ```text
//! streams/{stream}/base/{seq}-{position}-{at}.base   a whole copy; the log goes on at segment `seq`
//! streams/{stream}/log/{seq}-{position}-{at}.log     what was committed since, in segments without gaps
//! blobs/{hospital}/{two digits}/{address}            files, sealed as they are at rest
//! erasures/{id}.erasure                              whose records were erased: replayed onto whatever is restored
//! ```
//!
//! Everything but the blobs, which are sealed already, is compressed and sealed under a key derived from the node
//! key. The node key itself is never in a backup.

pub mod erasures;
pub mod layout;
pub mod restore;
pub mod sealed;
pub mod ship;
mod transfer;

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use kernel::Instant;

use crate::StoreError;

/// How far a copy or a segment reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Reach {
    /// Position of the newest commit in it.
    pub position: u64,
    /// The time of that commit.
    pub at: Instant,
}

impl Reach {
    /// The later of two.
    #[must_use]
    pub fn max_of(self, other: Self) -> Self {
        if other.position >= self.position {
            other
        } else {
            self
        }
    }
}

/// What keeps the committed log for shipping: local files, numbered without gaps, that outlive a crash.
pub trait Log: Send + Sync + 'static {
    /// Writes what was committed since the last cut into a file of its own, if there is anything.
    fn cut(&self) -> Result<(), StoreError>;
    /// The files that wait, oldest first.
    fn waiting(&self) -> Result<Vec<layout::Segment>, StoreError>;
    /// Where a waiting file lies.
    fn file(&self, segment: &layout::Segment) -> std::path::PathBuf;
    /// The segment was copied to where it is safe.
    fn shipped(&self, segment: &layout::Segment) -> Result<(), StoreError>;
    /// The stream, and the number of the segment that will be cut next.
    fn next(&self) -> (String, u64);
    /// Bytes that wait, and how long the oldest of them has waited.
    fn behind(&self) -> Behind;
    /// Whether the database's own log has grown so far that it should be moved into the database.
    fn is_long(&self) -> bool;
    /// Gives up the stream: what waits is thrown away, and a new one begins, which needs a base.
    fn begin_anew(&self) -> Result<(), StoreError>;
}

/// How much a disk that is lost now would take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Behind {
    pub bytes: u64,
    /// When the oldest commit that waits was made.
    pub since: Option<Instant>,
}

/// What a database can do for backups. The third part of the seam between back ends.
#[async_trait]
pub trait Durable: Send + Sync + 'static {
    /// Writes one consistent copy of the whole database to a new file, while others read and write.
    async fn copy_to(&self, file: &Path) -> Result<Reach, StoreError>;

    /// The log that is kept for shipping, when it is.
    fn log(&self) -> Option<Arc<dyn Log>>;

    /// Moves the log into the database after everything in it was cut.
    async fn checkpoint(&self) -> Result<(), StoreError>;

    /// What a file that [`Durable::copy_to`] wrote is: `sqlite` or `postgres`.
    fn engine(&self) -> &'static str;
}
