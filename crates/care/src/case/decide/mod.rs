//! The rules: what may be done in which status, by whom.

mod answering;
mod checks;
mod receiving;
mod referring;
mod system;

use kernel::Instant;

use super::{By, Case, Command, Event, NewCase, Rejection, RejectionCode, Request, Status};
use answering::answering;
use receiving::receiving;
use referring::referring;
use system::system;

/// Entries of the record that one case can name.
pub const ITEMS_MAX: usize = 2_000;

/// Orders that one plan can hold.
pub const ORDERS_MAX: usize = 50;

/// Begins a draft in the hospital the person acts for.
pub fn create(new: NewCase, by: &By, now: Instant) -> Result<Case, Rejection> {
    let (Some(account), Some(hospital)) = (by.account(), by.hospital()) else {
        return Err(Rejection::not_yours("clinician"));
    };
    if !by.is_clinician_of(hospital) {
        return Err(Rejection::not_yours("clinician"));
    }
    Ok(Case {
        id: new.id,
        number: new.number,
        hospital: hospital.clone(),
        patient: new.patient,
        referrer: account.clone(),
        status: Status::Draft,
        request: Request::default(),
        terms: None,
        coordinator: None,
        consultant: None,
        questions: Vec::new(),
        answers: Vec::new(),
        plan: None,
        outcome: None,
        outcome_seen: None,
        declined: None,
        suspended: None,
        closed: None,
        shut: false,
        shut_at: None,
        clock: None,
        since: now,
        created: now,
        sent: None,
        copies: Default::default(),
        round: 0,
        alarms: Default::default(),
        steps: Vec::new(),
    })
}

/// Decides one command. The events, applied in order at `now`, give the new state.
pub fn decide(
    case: &Case,
    command: &Command,
    by: &By,
    now: Instant,
) -> Result<Vec<Event>, Rejection> {
    if now < case.since {
        return Err(Rejection::new(RejectionCode::ClockWentBack));
    }
    match command {
        Command::Edit(_)
        | Command::Send { .. }
        | Command::TakeBack
        | Command::SupplyMore { .. }
        | Command::Read
        | Command::Act { .. }
        | Command::AskAgain { .. }
        | Command::TellOutcome { .. }
        | Command::Close { .. }
        | Command::Cancel
        | Command::TakeOver => referring(case, command, by, now),
        Command::AskForMore { .. }
        | Command::Accept
        | Command::Decline { .. }
        | Command::Allocate { .. } => receiving(case, command, by),
        Command::Answer { .. }
        | Command::CoSign { .. }
        | Command::Return { .. }
        | Command::Addendum { .. }
        | Command::SeeOutcome => answering(case, command, by),
        Command::Suspend { .. }
        | Command::Resume
        | Command::Move { .. }
        | Command::Raise { .. } => system(case, command, by, now),
    }
}
