//! What the system does when time or access runs out.

use kernel::Instant;

use super::checks::{check_classes, only_in};
use crate::case::{By, Case, Command, Event, Rejection, RejectionCode, Status, SuspendReason};

/// Cutting off, letting go on, raising alarms.
pub(super) fn system(
    case: &Case,
    command: &Command,
    by: &By,
    now: Instant,
) -> Result<Vec<Event>, Rejection> {
    if *by != By::System {
        return Err(Rejection::not_yours("system"));
    }
    match command {
        Command::Suspend { reason } => {
            // An answer that is there stays with the referring side; only unanswered work is cut off.
            if !case.status.is_open_request() {
                return Err(Rejection::status(case.status, command.word()));
            }
            Ok(vec![Event::Suspended { reason: *reason }])
        }
        Command::Resume => {
            let Some(suspended) = &case.suspended else {
                return Err(Rejection::status(case.status, command.word()));
            };
            only_in(case, command, &[Status::Suspended])?;
            if suspended.reason == SuspendReason::AgreementEnded {
                return Err(Rejection::status(case.status, command.word()));
            }
            Ok(vec![Event::Resumed])
        }
        Command::Move { terms } => {
            let elsewhere = case.answering() != Some(&terms.answering);
            let begun = !case.answers.is_empty() || case.awaiting_co_signature().is_some();
            let wrong = match case.status {
                Status::Draft => true,
                Status::Suspended => case
                    .suspended
                    .as_ref()
                    .is_none_or(|s| s.reason != SuspendReason::AgreementSuspended),
                status => status.is_final(),
            };
            // Whoever has signed an answer stays a party to the case.
            if wrong || (elsewhere && begun) {
                return Err(Rejection::status(case.status, command.word()));
            }
            check_classes(&case.request.classes, terms)?;
            if let Some(urgency) = case.request.urgency
                && !terms.response_s.contains_key(&urgency)
            {
                return Err(
                    Rejection::new(RejectionCode::UrgencyNotOffered).with("urgency", urgency)
                );
            }
            Ok(vec![Event::Moved {
                terms: terms.clone(),
            }])
        }
        Command::Raise { alarm } => {
            if !case.alarms_due(now).contains(alarm) {
                return Err(Rejection::new(RejectionCode::AlarmNotDue));
            }
            Ok(vec![Event::Raised { alarm: *alarm }])
        }
        _ => Err(Rejection::status(case.status, command.word())),
    }
}
