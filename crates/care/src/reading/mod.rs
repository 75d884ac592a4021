//! The reading of a study: unread, claimed by one reader, reported (preliminary, final, added to), read a second time,
//! and the critical finding that is raised until somebody who treats the patient has acknowledged it.
//!
//! `decide(&reading, command, by, now)` gives the events of a command or why it is refused; [`Reading::apply`] makes the
//! next state. Neither knows a clock nor a database.

mod decide;
mod state;
#[cfg(test)]
mod tests;

pub use decide::{By, Command, Event, Rejected, decide};
pub use state::{
    Agreement, Clock, Critical, Judgement, Kind, Reading, Report, Second, Status, facts,
};

/// Seconds from arrival to a first report, by urgency.
pub const fn response_s(urgency: crate::case::Urgency) -> i64 {
    use crate::case::Urgency;
    match urgency {
        Urgency::Emergency => 3600,
        Urgency::Urgent => 4 * 3600,
        Urgency::Soon => 24 * 3600,
        Urgency::Routine => 3 * 24 * 3600,
    }
}

/// Seconds a claim lasts without a kept draft or signature; after that anybody may take the study over.
pub const CLAIM_S: i64 = 2 * 3600;
/// Seconds after which a critical finding that nobody acknowledged is told to more people, step by step.
pub const ESCALATE_S: [i64; 3] = [15 * 60, 30 * 60, 60 * 60];
/// Critical findings and reports of one reading.
pub const PARTS_MAX: usize = 50;
