//! The rules: what may be done in which status, by whom.

use kernel::{Instant, ResourceId, limits};

use super::{
    Answer, By, Case, CloseReason, Command, Edit, Event, NewCase, Outcome, Plan, Rejection,
    RejectionCode, Request, Status, SuspendReason, Terms,
};

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
        clock: None,
        since: now,
        created: now,
        sent: None,
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
        Command::Suspend { .. } | Command::Resume | Command::Raise { .. } => {
            system(case, command, by, now)
        }
    }
}

/// What the referring hospital does.
fn referring(
    case: &Case,
    command: &Command,
    by: &By,
    now: Instant,
) -> Result<Vec<Event>, Rejection> {
    if !by.is_clinician_of(&case.hospital) {
        return Err(Rejection::not_yours("referring-clinician"));
    }
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

/// What coordinators do, and a consultant who sends questions back.
fn receiving(case: &Case, command: &Command, by: &By) -> Result<Vec<Event>, Rejection> {
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

/// What the consultant and the co-signer do.
fn answering(case: &Case, command: &Command, by: &By) -> Result<Vec<Event>, Rejection> {
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

/// What the system does when time or access runs out.
fn system(case: &Case, command: &Command, by: &By, now: Instant) -> Result<Vec<Event>, Rejection> {
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
        Command::Raise { alarm } => {
            if !case.alarms_due(now).contains(alarm) {
                return Err(Rejection::new(RejectionCode::AlarmNotDue));
            }
            Ok(vec![Event::Raised { alarm: *alarm }])
        }
        _ => Err(Rejection::status(case.status, command.word())),
    }
}

/// Acting on an answer or rejecting it implies having opened it.
fn read_first(case: &Case, event: Event) -> Vec<Event> {
    match case.status {
        Status::Answered => vec![Event::AnswerRead, event],
        _ => vec![event],
    }
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

/// A signed opinion waits for its second signature: the case is settled by that first.
fn not_while_signing(case: &Case, command: &Command) -> Result<(), Rejection> {
    match case.awaiting_co_signature() {
        Some(_) => {
            Err(Rejection::status(case.status, command.word()).with("awaiting", "co-signature"))
        }
        None => Ok(()),
    }
}

fn only_in(case: &Case, command: &Command, statuses: &[Status]) -> Result<(), Rejection> {
    if statuses.contains(&case.status) {
        Ok(())
    } else {
        Err(Rejection::status(case.status, command.word()))
    }
}

fn check_edit(edit: &Edit) -> Result<(), Rejection> {
    for (field, text) in [
        ("question", &edit.question),
        ("background", &edit.background),
        ("call_back", &edit.call_back),
    ] {
        if let Some(text) = text {
            check_text(field, text.reveal(), false)?;
        }
    }
    check_count("items", edit.items.as_ref().map_or(0, Vec::len), ITEMS_MAX)?;
    check_count(
        "files",
        edit.files.as_ref().map_or(0, Vec::len),
        limits::CASE_FILES_MAX,
    )
}

fn check_text(field: &str, text: &str, needed: bool) -> Result<(), Rejection> {
    if needed && text.trim().is_empty() {
        return Err(Rejection::new(RejectionCode::Empty).with("field", field));
    }
    if text.chars().count() > limits::TEXT_CHARS_MAX {
        return Err(Rejection::new(RejectionCode::TooMuch)
            .with("field", field)
            .with("limit", limits::TEXT_CHARS_MAX));
    }
    Ok(())
}

fn check_count(field: &str, count: usize, limit: usize) -> Result<(), Rejection> {
    if count > limit {
        return Err(Rejection::new(RejectionCode::TooMuch)
            .with("field", field)
            .with("limit", limit));
    }
    Ok(())
}

fn check_classes(
    classes: &std::collections::BTreeSet<String>,
    terms: &Terms,
) -> Result<(), Rejection> {
    match classes.iter().find(|c| !terms.classes.contains(*c)) {
        Some(class) => Err(Rejection::new(RejectionCode::ClassNotShared).with("class", class)),
        None => Ok(()),
    }
}
