//! What comes in: bounded by itself, and all objects together by the memory that is given to them.

use std::sync::Arc;
use std::time::Duration;

use app::imaging::{Content, Incoming, NotTaken};
use kernel::limits;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::status::{self, Status};

/// Memory for objects on their way, shared by all associations, in MiB.
#[derive(Debug, Clone)]
pub struct Room {
    free: Arc<Semaphore>,
    mib: usize,
}

const MIB: usize = 1 << 20;
/// How long an object waits for others to make room.
const WAIT: Duration = Duration::from_secs(20);

impl Room {
    pub fn of_mib(mib: usize) -> Self {
        Self {
            free: Arc::new(Semaphore::new(mib)),
            mib,
        }
    }

    /// Room for so many bytes, given back when it is dropped; none when there is none for long. What is larger than all
    /// takes all.
    pub async fn take(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        let mib = bytes.div_ceil(MIB).max(1).min(self.mib);
        let mib = u32::try_from(mib).ok()?;
        timeout(WAIT, Arc::clone(&self.free).acquire_many_owned(mib))
            .await
            .ok()?
            .ok()
    }
}

/// Why a data set was not taken whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// Larger than an object or identifier may be.
    Size,
    /// Other objects had all the memory.
    Room,
    /// It is no object, or the disk does not take it.
    Refused(Status),
}

impl Over {
    pub const fn status(self) -> Status {
        match self {
            Self::Size => (status::OUT_OF_RESOURCES, "larger than is taken"),
            Self::Room => (status::OUT_OF_RESOURCES, "no memory, try again later"),
            Self::Refused(status) => status,
        }
    }
}

impl From<NotTaken> for Over {
    fn from(e: NotTaken) -> Self {
        let e = e.into();
        status::note(&e);
        Self::Refused(status::of_store(&e))
    }
}

/// A data set as it comes in, behind what is put before it.
pub struct Body {
    incoming: Incoming,
    most: usize,
    room: Option<(Room, Option<OwnedSemaphorePermit>)>,
    over: Option<Over>,
}

impl Body {
    /// At most `most` bytes.
    pub const fn bounded(most: usize) -> Self {
        Self {
            incoming: Incoming::new(Vec::new(), None),
            most,
            room: None,
            over: None,
        }
    }

    /// At most `most` bytes, of which those in memory are in `room` that all share.
    pub fn in_room(incoming: Incoming, most: usize, room: &Room) -> Self {
        Self {
            incoming,
            most,
            room: Some((room.clone(), None)),
            over: None,
        }
    }

    /// Adds bytes; those of what is not taken are forgotten.
    pub async fn push(&mut self, bytes: &[u8]) {
        if self.over.is_some() {
            return;
        }
        if self.incoming.len() + bytes.len() as u64 > self.most as u64 {
            self.give_up(Over::Size);
        } else if !self.find_room(self.incoming.held_with(bytes.len())).await {
            self.give_up(Over::Room);
        } else if let Err(e) = self.incoming.push(bytes).await {
            self.give_up(e.into());
        }
    }

    /// Takes as much room as the buffer will have when it has grown to hold `length`.
    async fn find_room(&mut self, length: usize) -> bool {
        let Some((room, taken)) = &mut self.room else {
            return true;
        };
        let have = taken.as_ref().map_or(0, OwnedSemaphorePermit::num_permits) * MIB;
        if length <= have {
            return true;
        }
        let doubled = (2 * have).min(self.most).min(limits::IMAGE_HELD_BYTES_MAX);
        let target = length.max(doubled);
        let Some(more) = room.take(target - have).await else {
            return false;
        };
        match taken {
            Some(taken) => taken.merge(more),
            None => *taken = Some(more),
        }
        self.incoming.reserve(target);
        true
    }

    fn give_up(&mut self, over: Over) {
        self.incoming = Incoming::new(Vec::new(), None);
        self.room = None;
        self.over = Some(over);
    }

    /// The content, and the room that is to be held until it is kept.
    pub async fn end(self) -> Result<(Content, Option<OwnedSemaphorePermit>), Over> {
        if let Some(over) = self.over {
            return Err(over);
        }
        let content = self.incoming.end().await?;
        Ok((content, self.room.and_then(|(_, taken)| taken)))
    }
}
