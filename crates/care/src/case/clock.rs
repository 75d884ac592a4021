//! The clock of a case: how long the answering side has, counted from sending, standing still while it waits for
//! the referring side. All durations are elapsed seconds.

use jiff::SignedDuration;
use kernel::Instant;
use serde::{Deserialize, Serialize};

use super::{Case, Urgency};

/// A clock as it is kept. What it shows at a moment is a [`ClockReading`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseClock {
    pub urgency: Urgency,
    pub started: Instant,
    /// Seconds to an answer, from the agreement.
    pub response_s: i64,
    /// Seconds it has stood still so far, the present pause left out.
    pub paused_s: i64,
    pub paused_since: Option<Instant>,
    pub stopped: Option<Instant>,
}

/// Whether time runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClockState {
    Running,
    Paused,
    Stopped,
}

/// What a clock shows at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockReading {
    pub state: ClockState,
    /// Seconds in all.
    pub total_s: i64,
    /// Seconds that count as used.
    pub used_s: i64,
    /// Seconds left; below zero when over.
    pub left_s: i64,
    /// When it runs over, if it does not stand still from now on.
    pub due: Instant,
}

impl ClockReading {
    pub const fn is_over(&self) -> bool {
        self.left_s < 0
    }
}

/// Adds seconds to an instant, stopping at the end of time.
pub(crate) fn later(at: Instant, seconds: i64) -> Instant {
    at.saturating_add(SignedDuration::from_secs(seconds))
        .unwrap_or(at)
}

/// Whole seconds from one instant to another, not below zero.
pub(crate) fn seconds_between(from: Instant, to: Instant) -> i64 {
    to.duration_since(from).as_secs().max(0)
}

impl CaseClock {
    pub fn start(at: Instant, response_s: i64, urgency: Urgency) -> Self {
        Self {
            urgency,
            started: at,
            response_s,
            paused_s: 0,
            paused_since: None,
            stopped: None,
        }
    }

    pub(crate) fn pause(&mut self, at: Instant) {
        if self.stopped.is_none() && self.paused_since.is_none() {
            self.paused_since = Some(at);
        }
    }

    pub(crate) fn resume(&mut self, at: Instant) {
        if let Some(since) = self.paused_since.take() {
            self.paused_s += seconds_between(since, at);
        }
    }

    pub(crate) fn stop(&mut self, at: Instant) {
        self.resume(at);
        self.stopped.get_or_insert(at);
    }

    /// What it shows now.
    pub fn read(&self, now: Instant) -> ClockReading {
        let at = self
            .stopped
            .or(self.paused_since)
            .unwrap_or(now)
            .max(self.started);
        let used_s = (seconds_between(self.started, at) - self.paused_s).max(0);
        let standing_s = self
            .paused_since
            .map_or(0, |since| seconds_between(since, now));
        ClockReading {
            state: match (self.stopped, self.paused_since) {
                (Some(_), _) => ClockState::Stopped,
                (None, Some(_)) => ClockState::Paused,
                (None, None) => ClockState::Running,
            },
            total_s: self.response_s,
            used_s,
            left_s: self.response_s - used_s,
            due: later(self.started, self.response_s + self.paused_s + standing_s),
        }
    }

    /// When the share `percent` of the time is used up, if the clock does not stand still from now on.
    pub fn at_percent(&self, percent: i64) -> Instant {
        later(
            self.started,
            self.response_s.saturating_mul(percent) / 100 + self.paused_s,
        )
    }

    pub fn is_running(&self) -> bool {
        self.stopped.is_none() && self.paused_since.is_none()
    }
}

impl Case {
    /// The clock as it shows now; none for a draft.
    pub fn clock_at(&self, now: Instant) -> Option<ClockReading> {
        self.clock.as_ref().map(|c| c.read(now))
    }
}
