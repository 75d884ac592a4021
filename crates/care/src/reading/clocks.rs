//! How soon a study is to be read, and when a critical finding is told to more people: what the hospital that reads has
//! set, else what is built in.

use serde::{Deserialize, Serialize};

use crate::case::Urgency;

/// Circles of people that a critical finding is told to in turn.
pub const STEPS: usize = 3;
/// Longest response, seconds: thirty days.
const RESPONSE_S_MAX: i64 = 30 * 24 * 3600;
/// Longest wait before all have been told, seconds: a day.
const ESCALATE_S_MAX: i64 = 24 * 3600;
const MINUTE_S: i64 = 60;

/// The clocks of one reading, as they stood when it began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clocks {
    /// Seconds from arrival to a first report: emergency, urgent, soon, routine.
    pub response_s: [i64; 4],
    /// Seconds from a critical finding to each wider circle, while nobody has acknowledged it.
    pub escalate_s: [i64; STEPS],
}

impl Default for Clocks {
    fn default() -> Self {
        Self {
            response_s: [3600, 4 * 3600, 24 * 3600, 3 * 24 * 3600],
            escalate_s: [15 * 60, 30 * 60, 60 * 60],
        }
    }
}

/// What is wrong with clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClocksProblem {
    /// A response of less than a minute, of more than thirty days, or longer than that of the less urgent.
    Response,
    /// A step of less than a minute, of more than a day, or not after the one before.
    Escalation,
}

impl Clocks {
    /// Seconds from arrival to a first report.
    pub const fn response(&self, urgency: Urgency) -> i64 {
        match urgency {
            Urgency::Emergency => self.response_s[0],
            Urgency::Urgent => self.response_s[1],
            Urgency::Soon => self.response_s[2],
            Urgency::Routine => self.response_s[3],
        }
    }

    /// What is wrong; none where all is well.
    pub fn problem(&self) -> Option<ClocksProblem> {
        let within = |s: &i64, most| (MINUTE_S..=most).contains(s);
        let rising = self.response_s.windows(2).all(|w| w[0] <= w[1]);
        if !rising || !self.response_s.iter().all(|s| within(s, RESPONSE_S_MAX)) {
            return Some(ClocksProblem::Response);
        }
        let after = self.escalate_s.windows(2).all(|w| w[0] < w[1]);
        if !after || !self.escalate_s.iter().all(|s| within(s, ESCALATE_S_MAX)) {
            return Some(ClocksProblem::Escalation);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_built_in_is_in_order() {
        assert_eq!(Clocks::default().problem(), None);
        assert_eq!(Clocks::default().response(Urgency::Urgent), 4 * 3600);
    }

    #[test]
    fn clocks_that_turn_urgency_around_are_refused() {
        let mut clocks = Clocks::default();
        clocks.response_s[0] = 5 * 3600;
        assert_eq!(clocks.problem(), Some(ClocksProblem::Response));
        let mut clocks = Clocks::default();
        clocks.escalate_s[1] = clocks.escalate_s[0];
        assert_eq!(clocks.problem(), Some(ClocksProblem::Escalation));
        clocks.escalate_s = [0, 60, 120];
        assert_eq!(clocks.problem(), Some(ClocksProblem::Escalation));
    }
}
