//! Watching the machine's clock: it is held against one that only ever goes forward, so that a jump is seen, said and
//! counted instead of quietly shifting what is due, valid or signed.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant as Monotonic};

use kernel::Instant;

use crate::{App, AppError};

/// A difference between the clocks that counts as a jump, milliseconds. Time services slew; they do not leap so far.
const JUMP_MS: i64 = 2_000;
/// Jumps that are remembered.
const JUMPS_KEPT: usize = 16;

/// A leap of the machine's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Jump {
    /// What the clock showed after it.
    pub at: Instant,
    /// Forwards when positive, milliseconds. A machine that slept leaps forwards.
    pub by_ms: i64,
}

/// What was seen of the clock since the start.
#[derive(Debug, Default)]
pub struct ClockWatch(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    /// Time since any fixed moment, and what the clock showed then.
    last: Option<(Duration, Instant)>,
    jumps: VecDeque<Jump>,
}

impl ClockWatch {
    /// Holds the clock against the time that has passed. Gives the jump since the last look, if there was one.
    pub fn look(&self, passed: Duration, shown: Instant) -> Option<Jump> {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let jump = seen.last.and_then(|(before, was)| {
            let really = i64::try_from(passed.saturating_sub(before).as_millis()).ok()?;
            let by_ms = shown
                .as_millisecond()
                .saturating_sub(was.as_millisecond())
                .saturating_sub(really);
            (by_ms.abs() >= JUMP_MS).then_some(Jump { at: shown, by_ms })
        });
        seen.last = Some((passed, shown));
        if let Some(jump) = jump {
            seen.jumps.push_back(jump);
            if seen.jumps.len() > JUMPS_KEPT {
                seen.jumps.pop_front();
            }
        }
        jump
    }

    /// The newest jump.
    pub fn newest(&self) -> Option<Jump> {
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.jumps.back().copied()
    }
}

impl App {
    /// Looks at the clock. Gives 1 when it jumped.
    pub(super) async fn watch_clock(&self) -> Result<usize, AppError> {
        let passed = Monotonic::now().saturating_duration_since(self.started);
        let Some(jump) = self.clock_watch.look(passed, self.now()) else {
            return Ok(0);
        };
        tracing::warn!(by_ms = jump.by_ms, "the machine's clock jumped");
        Ok(1)
    }

    /// The newest jump of the clock since the start.
    pub fn clock_jump(&self) -> Option<Jump> {
        self.clock_watch.newest()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Instant {
        Instant::from_millisecond(1_795_334_400_000 + ms).unwrap()
    }

    #[test]
    fn a_jump_either_way_is_seen_and_a_slewing_clock_is_not() {
        let watch = ClockWatch::default();
        let second = Duration::from_secs;
        assert_eq!(watch.look(second(0), at(0)), None);
        assert_eq!(watch.look(second(5), at(5_400)), None);
        let back = watch.look(second(10), at(-3_590_000)).unwrap();
        assert_eq!(back.by_ms, -3_600_400);
        assert_eq!(watch.look(second(15), at(-3_585_000)), None);
        let forth = watch.look(second(20), at(20_000)).unwrap();
        assert_eq!(forth.by_ms, 3_600_000);
        assert_eq!(watch.newest(), Some(forth));
    }
}
