//! What the referring hospital does.

use kernel::{Instant, limits};

use super::checks::{check_classes, check_count, check_edit, check_text, only_in};
use super::{ITEMS_MAX, ORDERS_MAX};
use crate::case::{
    By, Case, CloseReason, Command, Event, Outcome, Plan, Rejection, RejectionCode, Status, Terms,
};

/// Acts of clinicians of the referring hospital.
pub(super) fn referring(
    case: &Case,
    command: &Command,
    by: &By,
    now: Instant,
) -> Result<Vec<Event>, Rejection> {
    if !by.is_clinician_of(&case.hospital) {
        return Err(Rejection::not_yours("referring-clinician"));
    }
    match command {
        Command::Edit(_)
        | Command::Send { .. }
        | Command::TakeBack
        | Command::SupplyMore { .. }
        | Command::Cancel
        | Command::TakeOver => asking(case, command, by),
        _ => acting(case, command, by, now),
    }
}

/// Before there is an answer.
fn asking(case: &Case, command: &Command, by: &By) -> Result<Vec<Event>, Rejection> {
    let only = |statuses: &[Status]| only_in(case, command, statuses);
    match command {
        Command::Edit(edit) => {
            only(&[Status::Draft, Status::Declined])?;
            check_edit(edit)?;
            Ok(vec![Event::Edited(edit.clone())])
        }
        Command::Send { terms } => {
            only(&[Status::Draft, Status::Declined])?;
            send(case, terms)
        }
        Command::TakeBack => {
            only(&[Status::Requested])?;
            Ok(vec![Event::TakenBack])
        }
        Command::SupplyMore {
            text,
            items,
            classes,
            files,
        } => {
            only(&[Status::MoreInformation])?;
            let nothing = items.is_empty() && classes.is_empty() && files.is_empty();
            check_text("text", text.reveal(), nothing)?;
            let r = &case.request;
            check_count("items", r.items.len() + items.len(), ITEMS_MAX)?;
            let files_in_all = r.files.len() + files.len();
            check_count("files", files_in_all, limits::CASE_FILES_MAX)?;
            if let Some(terms) = &case.terms {
                check_classes(classes, terms)?;
            }
            Ok(vec![Event::MoreSupplied {
                text: text.clone(),
                items: items.clone(),
                classes: classes.clone(),
                files: files.clone(),
            }])
        }
        Command::Cancel => {
            only(&[
                Status::Draft,
                Status::Requested,
                Status::MoreInformation,
                Status::Accepted,
                Status::Allocated,
                Status::Declined,
                Status::Suspended,
            ])?;
            if case.answers.iter().any(|a| a.issued.is_some()) {
                // What was answered is closed with its reason, never cancelled away.
                return Err(Rejection::status(case.status, command.word()));
            }
            Ok(vec![Event::Cancelled])
        }
        Command::TakeOver => {
            if case.status.is_final() {
                return Err(Rejection::status(case.status, command.word()));
            }
            if by.is(&case.referrer) {
                return Ok(Vec::new());
            }
            let from = case.referrer.clone();
            Ok(vec![Event::TakenOver { from }])
        }
        _ => Err(Rejection::status(case.status, command.word())),
    }
}

/// With the answer.
fn acting(case: &Case, command: &Command, by: &By, now: Instant) -> Result<Vec<Event>, Rejection> {
    let only = |statuses: &[Status]| only_in(case, command, statuses);
    match command {
        Command::Read => {
            let unread = case
                .answers
                .iter()
                .any(|a| a.issued.is_some() && a.read.is_none());
            // Opening it a second time is no event.
            let readable = case.current_answer().is_some();
            match (unread, readable) {
                (true, _) => Ok(vec![Event::AnswerRead]),
                (false, true) => Ok(Vec::new()),
                (false, false) => Err(Rejection::status(case.status, command.word())),
            }
        }
        Command::Act { text, orders } => {
            only(&[Status::Answered, Status::Read])?;
            let Some(account) = by.account() else {
                return Err(Rejection::not_yours("referring-clinician"));
            };
            check_text("text", text.reveal(), true)?;
            check_count("orders", orders.len(), ORDERS_MAX)?;
            for order in orders {
                check_text("orders", order.reveal(), true)?;
            }
            let plan = Plan {
                text: text.clone(),
                orders: orders.clone(),
                at: now,
                by: account.clone(),
            };
            Ok(read_first(case, Event::Acted(Box::new(plan))))
        }
        Command::AskAgain { text, terms } => {
            only(&[Status::Answered, Status::Read, Status::Acted])?;
            check_text("text", text.reveal(), true)?;
            check_terms(case, terms)?;
            let (text, terms) = (text.clone(), terms.clone());
            Ok(read_first(case, Event::AskedAgain { text, terms }))
        }
        Command::TellOutcome {
            management,
            diagnosis,
            patient,
            text,
        } => {
            only(&[Status::Read, Status::Acted, Status::Closed])?;
            let (Some(account), Some(_)) = (by.account(), case.current_answer()) else {
                return Err(Rejection::status(case.status, command.word()));
            };
            check_text("text", text.reveal(), false)?;
            Ok(vec![Event::OutcomeTold(Box::new(Outcome {
                management: *management,
                diagnosis: *diagnosis,
                patient: *patient,
                text: text.clone(),
                at: now,
                by: account.clone(),
            }))])
        }
        Command::Close { reason } => close(case, command, *reason),
        _ => Err(Rejection::status(case.status, command.word())),
    }
}

fn send(case: &Case, terms: &Terms) -> Result<Vec<Event>, Rejection> {
    let missing = case.missing(Some(terms));
    if !missing.is_empty() {
        return Err(Rejection::incomplete(&missing));
    }
    check_terms(case, terms)?;
    check_classes(&case.request.classes, terms)?;
    Ok(vec![Event::Sent {
        terms: Box::new(terms.clone()),
    }])
}

/// The terms are of the hospital and agreement chosen, and offer the urgency.
fn check_terms(case: &Case, terms: &Terms) -> Result<(), Rejection> {
    let r = &case.request;
    let chosen = r.answering.as_ref() == Some(&terms.answering)
        && r.agreement.as_ref() == Some(&terms.agreement)
        && terms.answering != case.hospital;
    if !chosen {
        return Err(Rejection::new(RejectionCode::OtherPartner));
    }
    match r.urgency {
        Some(urgency) if !terms.response_s.contains_key(&urgency) => {
            Err(Rejection::new(RejectionCode::UrgencyNotOffered).with("urgency", urgency))
        }
        _ => Ok(()),
    }
}

fn close(case: &Case, command: &Command, reason: CloseReason) -> Result<Vec<Event>, Rejection> {
    let allowed: &[Status] = match reason {
        // Follows from the consultant's own act, not from a request.
        CloseReason::OutcomeSeen => &[],
        CloseReason::LostToFollowUp | CloseReason::NoOutcomeExpected => {
            &[Status::Read, Status::Acted]
        }
        CloseReason::SettledElsewhere => &[
            Status::Declined,
            Status::Suspended,
            Status::Read,
            Status::Acted,
        ],
    };
    only_in(case, command, allowed)?;
    Ok(vec![Event::Closed { reason }])
}

/// Acting on an answer or rejecting it implies having opened it.
fn read_first(case: &Case, event: Event) -> Vec<Event> {
    match case.status {
        Status::Answered => vec![Event::AnswerRead, event],
        _ => vec![event],
    }
}
