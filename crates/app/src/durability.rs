//! What the promise that nothing is lost stands on now: the store, the room it has, the files, the backup, the clock.

use kernel::{ErrorCode, Instant};
use serde_json::{Value, json};
use store::backup::ship::ShipStatus;

use crate::jobs::{Jump, ScrubState};
use crate::{App, AppError};

/// Less free room than this is named, bytes.
const FREE_BYTES_MIN: u64 = 1 << 30;
/// A backup that is further behind than this is named, seconds.
const BEHIND_S_MAX: i64 = 60;
/// A jump of the clock is named for this long, seconds.
const JUMP_S: i64 = 3_600;

/// The facts at one moment.
#[derive(Debug, Clone)]
pub struct Durability {
    pub at: Instant,
    pub closing: bool,
    /// Why the database cannot serve, and as which code.
    pub store: Option<(ErrorCode, String)>,
    pub free_bytes: Option<u64>,
    /// Whether the disk takes no changes.
    pub read_only: bool,
    /// Why the files cannot be had.
    pub files: Option<String>,
    /// None when no backup follows.
    pub shipping: Option<ShipStatus>,
    pub scrub: ScrubState,
    pub jump: Option<Jump>,
    /// Whether the token of the signing keys can be used; none when the keys lie in no token.
    pub keys: Option<bool>,
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
            free_bytes: self.store.free_bytes(),
            read_only: self.store.is_read_only(),
            files: self.store.files_health().await.err().map(|e| e.to_string()),
            shipping: self.store.ship_status(),
            scrub: self.scrub_state().await.unwrap_or_default(),
            jump: self.clock_jump(),
            keys: self.key_token().await.map(|asked| asked.is_ok()),
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

    /// Seconds since everything that was committed was known to be at the backup place; none when none follows.
    pub fn behind_s(&self) -> Option<i64> {
        let shipping = self.shipping.as_ref()?;
        Some(
            shipping
                .safe_at
                .map_or(i64::MAX, |at| self.at.duration_since(at).as_secs()),
        )
    }

    /// A word for the store's state: `ok`, `full`, `unavailable`.
    pub fn store_state(&self) -> &'static str {
        match &self.store {
            None => "ok",
            Some((ErrorCode::Full, _)) => "full",
            Some(_) => "unavailable",
        }
    }

    /// A word for the disk's: `ok`, `low`, `read-only`, `unknown`.
    pub fn disk_state(&self) -> &'static str {
        match self.free_bytes {
            _ if self.read_only => "read-only",
            Some(free) if free < FREE_BYTES_MIN => "low",
            Some(_) => "ok",
            None => "unknown",
        }
    }

    /// A word for the backup's: `none`, `ok`, `behind`.
    pub fn backup_state(&self) -> &'static str {
        match self.behind_s() {
            None => "none",
            Some(s) if s > BEHIND_S_MAX => "behind",
            Some(_) => "ok",
        }
    }

    /// A word for the clock's: `ok`, `jumped`.
    pub fn clock_state(&self) -> &'static str {
        let lately = |j: &Jump| (0..JUMP_S).contains(&self.at.duration_since(j.at).as_secs());
        if self.jump.as_ref().is_some_and(lately) {
            "jumped"
        } else {
            "ok"
        }
    }

    /// A word for the token of the signing keys: `none`, `ok`, `unavailable`. Everything but signing goes on.
    pub fn keys_state(&self) -> &'static str {
        match self.keys {
            None => "none",
            Some(true) => "ok",
            Some(false) => "unavailable",
        }
    }

    /// A word for what scrubbing found: `none` before the first pass, `ok`, `faulty`.
    pub fn scrub_state(&self) -> &'static str {
        let faulty = |p: &crate::jobs::Pass| p.faulty > 0;
        match (&self.scrub.now, &self.scrub.last) {
            (Some(now), _) if faulty(now) => "faulty",
            (_, Some(last)) if faulty(last) => "faulty",
            (_, Some(_)) => "ok",
            (_, None) => "none",
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
        json!({
            "state": state,
            "store": {"state": self.store_state()},
            "disk": {"state": self.disk_state(), "free_bytes": self.free_bytes},
            "files": {"state": if self.files.is_none() { "ok" } else { "unavailable" }},
            "backup": {
                "state": self.backup_state(),
                "behind_s": self.behind_s().filter(|s| *s < i64::MAX),
                "waiting_bytes": self.shipping.as_ref().map(|s| s.waiting_bytes),
            },
            "scrub": {"state": self.scrub_state()},
            "keys": {"state": self.keys_state()},
            "clock": {"state": self.clock_state(), "jumped_by_ms": self.jump.map(|j| j.by_ms)},
        })
    }

    fn is_well(&self) -> bool {
        self.files.is_none()
            && !matches!(self.disk_state(), "low" | "read-only")
            && self.backup_state() != "behind"
            && self.clock_state() == "ok"
            && self.scrub_state() != "faulty"
            && self.keys != Some(false)
    }
}
