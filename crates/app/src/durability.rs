//! What the promise that nothing is lost stands on now: the store, the room it has, the files, the backup, the clock, the
//! keys, the bus. Measured here once, with one set of thresholds, for `/readyz` and for the operator's page alike.

use kernel::limits::{BACKUP_BEHIND_S, DISK_FULL_BYTES, DISK_LOW_BYTES};
use kernel::{ErrorCode, Instant};
use serde_json::{Value, json};
use store::backup::ship::ShipStatus;
use store::{Bus, Room, Schema};

use crate::jobs::{Jump, Pass, ScrubState};
use crate::{App, AppError};

/// A jump of the clock is named for this long, seconds.
const JUMP_S: i64 = 3_600;

/// The facts at one moment.
#[derive(Debug, Clone)]
pub struct Durability {
    pub at: Instant,
    pub closing: bool,
    /// Why the database cannot serve, and as which code.
    pub store: Option<(ErrorCode, String)>,
    /// None where the database could not be asked.
    pub schema: Option<Schema>,
    /// None where the system does not tell.
    pub room: Option<Room>,
    /// A disk of database or files takes no changes.
    pub read_only: bool,
    /// Why the files cannot be had.
    pub files: Option<String>,
    /// None when no backup follows.
    pub shipping: Option<ShipStatus>,
    /// None when it could not be asked.
    pub scrub: Option<ScrubState>,
    /// The newest jump of the clock since the start.
    pub jump: Option<Jump>,
    /// Whether the token of the signing keys can be used, or why not; none when the keys lie in no token.
    pub token: Option<Result<(), String>>,
    pub bus: Bus,
}

/// How much room there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiskState {
    Ok,
    Low,
    Full,
    ReadOnly,
    Unknown,
}

/// How far the backup follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BackupState {
    /// No backup follows this node.
    None,
    /// All but the last seconds are at the backup place.
    Ok,
    Behind,
}

/// What reading every file from end to end has found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScrubFound<'a> {
    /// It could not be asked.
    Unknown,
    /// No pass has ended; the one under way, if there is one, has found nothing.
    NotYet(Option<&'a Pass>),
    Whole(&'a Pass),
    Faulty(&'a Pass),
}

impl App {
    /// Asks everything anew.
    pub async fn durability(&self) -> Durability {
        let closing = *self.closing().borrow();
        let store = self.health().await.err();
        Durability {
            at: self.now(),
            closing,
            store: store.map(|e| (e.code(), why(e))),
            schema: self.store.schema().await.ok(),
            room: self.store.room(),
            read_only: self.store.is_read_only(),
            files: self.store.files_health().await.err().map(|e| e.to_string()),
            shipping: self.store.ship_status(),
            scrub: self.scrub_state().await.ok(),
            jump: self.clock_jump(),
            token: self.key_token().await.map(|asked| asked.map_err(why)),
            bus: self.store.bus(),
        }
    }
}

fn why(e: AppError) -> String {
    match e {
        AppError::Full(text) | AppError::Unavailable(text) | AppError::Internal(text) => text,
        other => other.to_string(),
    }
}

impl Durability {
    /// Whether requests can be answered at all.
    pub const fn serves(&self) -> bool {
        !self.closing && self.store.is_none()
    }

    /// Seconds since everything that was committed was known to be at the backup place; none when no backup follows,
    /// the longest when nothing has got there yet.
    pub fn behind_s(&self) -> Option<i64> {
        let shipping = self.shipping.as_ref()?;
        Some(
            shipping
                .safe_at
                .map_or(i64::MAX, |at| self.at.duration_since(at).as_secs().max(0)),
        )
    }

    pub const fn disk(&self) -> DiskState {
        match self.room {
            _ if self.read_only => DiskState::ReadOnly,
            None => DiskState::Unknown,
            Some(room) if room.free_bytes < DISK_FULL_BYTES => DiskState::Full,
            Some(room) if room.free_bytes < DISK_LOW_BYTES => DiskState::Low,
            Some(_) => DiskState::Ok,
        }
    }

    pub fn backup(&self) -> BackupState {
        match self.behind_s() {
            None => BackupState::None,
            Some(s) if s > BACKUP_BEHIND_S => BackupState::Behind,
            Some(_) => BackupState::Ok,
        }
    }

    /// The jump of the clock, while it is worth a word.
    pub fn jumped(&self) -> Option<Jump> {
        let lately = |j: &Jump| (0..JUMP_S).contains(&self.at.duration_since(j.at).as_secs());
        self.jump.filter(lately)
    }

    /// What the pass under way found, if it found something; else what the last one did.
    pub fn scrubbed(&self) -> ScrubFound<'_> {
        let Some(scrub) = &self.scrub else {
            return ScrubFound::Unknown;
        };
        let faulty = scrub.now.as_ref().filter(|p| p.faulty > 0);
        match faulty.or(scrub.last.as_ref()) {
            Some(pass) if pass.faulty > 0 => ScrubFound::Faulty(pass),
            Some(pass) => ScrubFound::Whole(pass),
            None => ScrubFound::NotYet(scrub.now.as_ref()),
        }
    }

    /// What anybody may see: states and numbers, no paths, no names.
    pub fn public(&self) -> Value {
        let state = match (self.serves(), self.closing) {
            (_, true) => "closing",
            (false, _) => "stopped",
            (true, _) if self.is_well() => "ready",
            (true, _) => "degraded",
        };
        let store = match &self.store {
            None => "ok",
            Some((ErrorCode::Full, _)) => "full",
            Some(_) => "unavailable",
        };
        let disk = match self.disk() {
            DiskState::Ok => "ok",
            DiskState::Low => "low",
            DiskState::Full => "full",
            DiskState::ReadOnly => "read-only",
            DiskState::Unknown => "unknown",
        };
        let backup = match self.backup() {
            BackupState::None => "none",
            BackupState::Ok => "ok",
            BackupState::Behind => "behind",
        };
        let scrub = match self.scrubbed() {
            ScrubFound::Unknown => "unknown",
            ScrubFound::NotYet(_) => "none",
            ScrubFound::Whole(_) => "ok",
            ScrubFound::Faulty(_) => "faulty",
        };
        let keys = match &self.token {
            None => "none",
            Some(Ok(())) => "ok",
            Some(Err(_)) => "unavailable",
        };
        let bus = match self.bus {
            Bus::Alone => "none",
            Bus::Polling => "polling",
            Bus::Connected => "ok",
            Bus::Away => "away",
        };
        json!({
            "state": state,
            "store": {"state": store},
            "disk": {"state": disk, "free_bytes": self.room.map(|r| r.free_bytes)},
            "files": {"state": if self.files.is_none() { "ok" } else { "unavailable" }},
            "backup": {
                "state": backup,
                "behind_s": self.behind_s().filter(|s| *s < i64::MAX),
                "waiting_bytes": self.shipping.as_ref().map(|s| s.waiting_bytes),
            },
            "scrub": {"state": scrub},
            "keys": {"state": keys},
            "bus": {"state": bus},
            "clock": {
                "state": if self.jumped().is_some() { "jumped" } else { "ok" },
                "jumped_by_ms": self.jump.map(|j| j.by_ms),
            },
        })
    }

    fn is_well(&self) -> bool {
        self.files.is_none()
            && matches!(self.disk(), DiskState::Ok | DiskState::Unknown)
            && self.backup() != BackupState::Behind
            && self.jumped().is_none()
            && !matches!(self.scrubbed(), ScrubFound::Faulty(_))
            && !matches!(self.token, Some(Err(_)))
            && self.bus != Bus::Away
    }
}
