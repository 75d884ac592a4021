//! What coordinators do, and a consultant who sends questions back.

use super::checks::{check_text, not_while_signing, only_in};
use crate::case::{By, Case, Command, Event, Rejection, RejectionCode, Status};

/// Acts on a case that has come in.
pub(super) fn receiving(case: &Case, command: &Command, by: &By) -> Result<Vec<Event>, Rejection> {
    let Some(terms) = case.terms.as_ref().filter(|_| case.is_with_answering()) else {
        return Err(Rejection::status(case.status, command.word()));
    };
    let coordinator = by.is_coordinator_of(&terms.answering);
    let allocated =
        by.is_consultant_of(&terms.answering) && case.consultant.as_ref().is_some_and(|c| by.is(c));
    let may = match command {
        Command::AskForMore { .. } | Command::Decline { .. } => coordinator || allocated,
        _ => coordinator,
    };
    if !may {
        return Err(Rejection::not_yours("coordinator"));
    }
    let only = |statuses: &[Status]| only_in(case, command, statuses);
    match command {
        Command::Accept => {
            only(&[Status::Requested])?;
            Ok(vec![Event::Accepted])
        }
        Command::AskForMore { text } => {
            only(&[Status::Requested, Status::Accepted, Status::Allocated])?;
            not_while_signing(case, command)?;
            check_text("text", text.reveal(), true)?;
            Ok(vec![Event::MoreAsked { text: text.clone() }])
        }
        Command::Decline { reason, note } => {
            only(&[
                Status::Requested,
                Status::MoreInformation,
                Status::Accepted,
                Status::Allocated,
            ])?;
            not_while_signing(case, command)?;
            check_text("note", note.reveal(), false)?;
            Ok(vec![Event::Declined {
                reason: *reason,
                note: note.clone(),
            }])
        }
        Command::Allocate {
            consultant,
            is_consultant,
        } => {
            only(&[Status::Requested, Status::Accepted, Status::Allocated])?;
            not_while_signing(case, command)?;
            if !is_consultant {
                return Err(Rejection::new(RejectionCode::NotAConsultant));
            }
            if case.status == Status::Allocated && case.consultant.as_ref() == Some(consultant) {
                return Ok(Vec::new());
            }
            let mut events = Vec::new();
            if case.status == Status::Requested {
                events.push(Event::Accepted);
            }
            events.push(Event::Allocated {
                consultant: consultant.clone(),
            });
            Ok(events)
        }
        _ => Err(Rejection::status(case.status, command.word())),
    }
}
