//! What the consultant and the co-signer do.

use kernel::ResourceId;

use super::checks::{not_while_signing, only_in};
use crate::case::{
    Answer, By, Case, CloseReason, Command, Event, Rejection, RejectionCode, Status,
};

/// Signing, and seeing how it turned out.
pub(super) fn answering(case: &Case, command: &Command, by: &By) -> Result<Vec<Event>, Rejection> {
    let Some(terms) = case.terms.as_ref() else {
        return Err(Rejection::status(case.status, command.word()));
    };
    let is_consultant =
        by.is_consultant_of(&terms.answering) && case.consultant.as_ref().is_some_and(|c| by.is(c));
    match command {
        Command::Answer { opinion, co_signer } => {
            if !is_consultant {
                return Err(Rejection::not_yours("consultant"));
            }
            only_in(case, command, &[Status::Allocated])?;
            not_while_signing(case, command)?;
            sign_rules(case, by, opinion)?;
            let co_signer = co_signer.as_ref().filter(|_| terms.needs_co_signature);
            if terms.needs_co_signature {
                match co_signer {
                    None => return Err(Rejection::new(RejectionCode::CoSignerNeeded)),
                    Some(c) if by.is(c) => {
                        return Err(Rejection::new(RejectionCode::SamePerson));
                    }
                    Some(_) => {}
                }
            }
            let mut events = vec![Event::Signed {
                opinion: opinion.clone(),
                co_signer: co_signer.cloned(),
            }];
            if co_signer.is_none() {
                events.push(Event::Issued {
                    opinion: opinion.clone(),
                });
            }
            Ok(events)
        }
        Command::CoSign { opinion } | Command::Return { opinion } => {
            only_in(case, command, &[Status::Allocated])?;
            let waiting = co_signature(case, by, opinion, &terms.answering)?;
            let opinion = waiting.opinion.clone();
            Ok(match command {
                Command::CoSign { .. } => vec![
                    Event::CoSigned {
                        opinion: opinion.clone(),
                    },
                    Event::Issued { opinion },
                ],
                _ => vec![Event::Returned { opinion }],
            })
        }
        Command::Addendum { opinion, to } => {
            let issued = |a: &&Answer| a.opinion == *to && a.issued.is_some();
            let Some(first) = case.answers.iter().find(issued) else {
                return Err(Rejection::new(RejectionCode::UnknownOpinion));
            };
            if !by.is(&first.author) || !by.is_consultant_of(&terms.answering) {
                return Err(Rejection::not_yours("author"));
            }
            only_in(
                case,
                command,
                &[
                    Status::Allocated,
                    Status::Answered,
                    Status::Read,
                    Status::Acted,
                    Status::Closed,
                ],
            )?;
            sign_rules(case, by, opinion)?;
            Ok(vec![Event::AddendumSigned {
                opinion: opinion.clone(),
                to: to.clone(),
            }])
        }
        Command::SeeOutcome => {
            if !is_consultant {
                return Err(Rejection::not_yours("consultant"));
            }
            if case.outcome.is_none() {
                return Err(Rejection::status(case.status, command.word()));
            }
            if !case.outcome_unseen() {
                return Ok(Vec::new());
            }
            let mut events = vec![Event::OutcomeSeen];
            if case.status == Status::Acted {
                events.push(Event::Closed {
                    reason: CloseReason::OutcomeSeen,
                });
            }
            Ok(events)
        }
        _ => Err(Rejection::status(case.status, command.word())),
    }
}

fn co_signature<'a>(
    case: &'a Case,
    by: &By,
    opinion: &ResourceId,
    answering: &kernel::HospitalId,
) -> Result<&'a Answer, Rejection> {
    let Some(waiting) = case
        .awaiting_co_signature()
        .filter(|a| a.opinion == *opinion)
    else {
        return Err(Rejection::new(RejectionCode::UnknownOpinion));
    };
    if by.is(&waiting.author) {
        return Err(Rejection::new(RejectionCode::SamePerson));
    }
    let named = waiting.co_signer.as_ref().is_some_and(|c| by.is(c));
    if !named || !by.is_consultant_of(answering) {
        return Err(Rejection::not_yours("co-signer"));
    }
    if !by.may_sign() {
        return Err(Rejection::new(RejectionCode::MayNotSign));
    }
    Ok(waiting)
}

fn sign_rules(case: &Case, by: &By, opinion: &ResourceId) -> Result<(), Rejection> {
    if !by.may_sign() {
        return Err(Rejection::new(RejectionCode::MayNotSign));
    }
    if case.answers.iter().any(|a| a.opinion == *opinion) {
        return Err(Rejection::new(RejectionCode::AlreadySigned));
    }
    Ok(())
}
