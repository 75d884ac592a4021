//! The reading of a study: unread, claimed by one reader, reported (preliminary, final, added to), read a second time,
//! and the critical finding that is raised until somebody who treats the patient has acknowledged it.
//!
//! `decide(&reading, command, by, now)` gives the events of a command or why it is refused; [`Reading::apply`] makes the
//! next state. Neither knows a clock nor a database.

mod clocks;
mod decide;
mod state;
#[cfg(test)]
mod tests;

pub use clocks::{Clocks, ClocksProblem};
pub use decide::{By, Command, Event, Rejected, decide};
pub use state::{
    Agreement, Clock, Critical, Judgement, Kind, Reading, Report, Second, Status, facts,
};

/// Seconds a claim lasts without a kept draft or signature; after that anybody may take the study over.
pub const CLAIM_S: i64 = 2 * 3600;
/// Critical findings and reports of one reading.
pub const PARTS_MAX: usize = 50;
