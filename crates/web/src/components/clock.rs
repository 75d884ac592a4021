//! The clock of a case: eight shafts are the time agreed, those still standing are the time left. The exact words
//! stand above, so nothing depends on counting.

use jiff::{SignedDuration, Timestamp};
use maud::{Markup, html};

use crate::args;
use crate::show::Show;

const SHAFTS: i64 = 8;

/// What a clock counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline {
    pub started: Timestamp,
    pub due: Timestamp,
    /// The clock stood still from here (waiting for more information, suspended).
    pub paused: Option<Timestamp>,
    /// The clock has stopped: answered.
    pub stopped: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Running,
    /// A quarter of the time or less is left.
    Soon,
    Over,
    Paused,
    Stopped,
}

impl Deadline {
    /// Shifts a running clock so that at `now` it shows what has been counted up to `counted`: pauses do not count.
    #[must_use]
    pub fn running_at(mut self, now: Timestamp, counted: Timestamp, running: bool) -> Self {
        if running {
            let shift = now.duration_since(counted);
            self.started += shift;
            self.due += shift;
        }
        self
    }

    fn read(&self, now: Timestamp) -> (State, SignedDuration, i64) {
        let at = self.stopped.or(self.paused).unwrap_or(now);
        let whole = self.due.duration_since(self.started).as_secs().max(1);
        let left = self.due.duration_since(at);
        // A shaft falls when its eighth has passed whole, so the last stands until the time is over.
        let standing = (left.as_secs().max(0) * SHAFTS + whole - 1) / whole;
        let standing = standing.clamp(0, SHAFTS);
        let state = if self.stopped.is_some() {
            State::Stopped
        } else if self.paused.is_some() {
            State::Paused
        } else if left.is_negative() {
            State::Over
        } else if standing * 4 <= SHAFTS {
            State::Soon
        } else {
            State::Running
        };
        (state, left, standing)
    }
}

/// The clock as it stands now. `whole` adds "of 4 h".
pub fn clock(show: &Show, deadline: &Deadline, whole: bool) -> Markup {
    let (state, left, standing) = deadline.read(show.now);
    let w = &show.words;
    let span = show.span(left);
    let text = match state {
        State::Stopped if left.is_negative() => w.f("clock-answered-late", args!["span" => span]),
        State::Stopped => w.t("clock-answered"),
        State::Paused => w.t("clock-paused"),
        State::Over => w.f("clock-over", args!["span" => span]),
        State::Running | State::Soon if whole => {
            let all = show.span(deadline.due.duration_since(deadline.started));
            w.f("clock-left-of", args!["span" => span, "all" => all])
        }
        State::Running | State::Soon => w.f("clock-left", args!["span" => span]),
    };
    let code = match state {
        State::Running => None,
        State::Soon => Some("soon"),
        State::Over => Some("over"),
        State::Paused => Some("paused"),
        State::Stopped => Some("stopped"),
    };
    html! {
        span class="clock" data-s=[code] { span { (text) } (shafts(standing)) }
    }
}

fn shafts(standing: i64) -> Markup {
    let fallen = SHAFTS - standing;
    let draw = |from: i64, to: i64, top: &str, height: &str| -> String {
        (from..to)
            .map(|i| format!("M{} {top}v{height}", 1 + i * 9))
            .collect()
    };
    let (gone, left) = (draw(0, fallen, "1", "7"), draw(fallen, SHAFTS, "0", "8"));
    html! {
        svg class="shafts flip" viewBox="0 0 66 8" aria-hidden="true" {
            @if !gone.is_empty() { path class="gone" d=(gone) {} }
            @if !left.is_empty() { path d=(left) {} }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> (State, i64) {
        let started = Timestamp::from_second(0).unwrap();
        let due = started + SignedDuration::from_hours(4);
        let d = Deadline {
            started,
            due,
            paused: None,
            stopped: None,
        };
        let (state, _, standing) = d.read(started + SignedDuration::from_mins(minutes));
        (state, standing)
    }

    #[test]
    fn the_last_shaft_stands_until_the_time_is_over() {
        assert_eq!(at(0), (State::Running, 8));
        assert_eq!(at(31), (State::Running, 7));
        assert_eq!(at(239), (State::Soon, 1));
        assert_eq!(at(241), (State::Over, 0));
    }

    #[test]
    fn a_quarter_left_is_soon() {
        assert_eq!(at(179).0, State::Running);
        assert_eq!(at(180).0, State::Soon);
    }

    #[test]
    fn a_paused_clock_shows_the_time_it_stopped_with() {
        let started = Timestamp::from_second(0).unwrap();
        let d = Deadline {
            started,
            due: started + SignedDuration::from_hours(4),
            paused: Some(started + SignedDuration::from_hours(2)),
            stopped: None,
        };
        let (state, _, standing) = d.read(started + SignedDuration::from_hours(99));
        assert_eq!((state, standing), (State::Paused, 4));
    }
}
