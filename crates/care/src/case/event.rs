//! What happened to a case, and how it changes the state.

use std::collections::BTreeSet;

use kernel::{AccountId, Instant, Phi, ResourceId};

use super::clock::CaseClock;
use super::state::Suspended;
use super::{
    Alarm, Answer, By, Case, CaseFile, CloseReason, DeclineReason, Declined, Edit, Outcome, Plan,
    Question, RecordItem, Status, Step, SuspendReason, Terms,
};

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    Edited(Box<Edit>),
    Sent {
        terms: Box<Terms>,
    },
    TakenBack,
    MoreAsked {
        text: Phi<String>,
    },
    MoreSupplied {
        text: Phi<String>,
        items: Vec<RecordItem>,
        classes: BTreeSet<String>,
        files: Vec<CaseFile>,
    },
    Accepted,
    Declined {
        reason: DeclineReason,
        note: Phi<String>,
    },
    Allocated {
        consultant: AccountId,
    },
    Signed {
        opinion: ResourceId,
        co_signer: Option<AccountId>,
    },
    CoSigned {
        opinion: ResourceId,
    },
    Returned {
        opinion: ResourceId,
    },
    Issued {
        opinion: ResourceId,
    },
    AnswerRead,
    Acted(Box<Plan>),
    AskedAgain {
        text: Phi<String>,
        terms: Box<Terms>,
    },
    AddendumSigned {
        opinion: ResourceId,
        to: ResourceId,
    },
    OutcomeTold(Box<Outcome>),
    OutcomeSeen,
    Closed {
        reason: CloseReason,
    },
    Cancelled,
    Suspended {
        reason: SuspendReason,
    },
    Resumed,
    Moved {
        terms: Box<Terms>,
    },
    Raised {
        alarm: Alarm,
    },
    TakenOver {
        from: AccountId,
    },
}

impl Event {
    /// The topic of the feed is `case.` and this word.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Edited(_) => "edited",
            Self::Sent { .. } => "sent",
            Self::TakenBack => "taken-back",
            Self::MoreAsked { .. } => "more-asked",
            Self::MoreSupplied { .. } => "more-supplied",
            Self::Accepted => "accepted",
            Self::Declined { .. } => "declined",
            Self::Allocated { .. } => "allocated",
            Self::Signed { .. } => "signed",
            Self::CoSigned { .. } => "co-signed",
            Self::Returned { .. } => "returned",
            Self::Issued { .. } => "answered",
            Self::AnswerRead => "read",
            Self::Acted(_) => "acted",
            Self::AskedAgain { .. } => "asked-again",
            Self::AddendumSigned { .. } => "addendum",
            Self::OutcomeTold(_) => "outcome-told",
            Self::OutcomeSeen => "outcome-seen",
            Self::Closed { .. } => "closed",
            Self::Cancelled => "cancelled",
            Self::Suspended { .. } => "suspended",
            Self::Resumed => "resumed",
            Self::Moved { .. } => "moved",
            Self::Raised { .. } => "raised",
            Self::TakenOver { .. } => "taken-over",
        }
    }
}

impl Case {
    /// Folds one event into the state. Events come from [`super::decide()`] alone; this refuses nothing.
    pub fn apply(&mut self, event: &Event, by: &By, at: Instant) {
        let before = self.status;
        self.fold(event, by, at);
        if self.status != before || matches!(event, Event::Allocated { .. }) {
            self.since = at;
            self.alarms.clear();
        }
        // Typing a draft is no step worth a line.
        if !matches!(event, Event::Edited(_)) {
            self.steps.push(Step {
                at,
                by: by.account().cloned(),
                hospital: by.hospital().cloned(),
                what: event.word().into(),
                status: self.status,
            });
        }
    }

    fn fold(&mut self, event: &Event, by: &By, at: Instant) {
        match event {
            Event::Edited(edit) => self.edit(edit),
            Event::Sent { terms } => self.send(terms, at),
            Event::TakenBack => {
                self.status = Status::Draft;
                self.terms = None;
                self.clock = None;
                self.sent = None;
                self.coordinator = None;
            }
            Event::Acted(plan) => {
                self.plan = Some((**plan).clone());
                self.status = Status::Acted;
            }
            Event::AskedAgain { text, terms } => self.ask_again(text, terms, by, at),
            Event::OutcomeTold(outcome) => {
                self.outcome = Some((**outcome).clone());
                self.outcome_seen = None;
                self.closed = None;
                self.status = Status::Acted;
            }
            Event::OutcomeSeen => self.outcome_seen = Some(at),
            Event::Closed { reason } => {
                // What was declined or cut off opens nothing when it is settled.
                if self.is_shared() {
                    self.shut_at = Some(at);
                }
                self.status = Status::Closed;
                self.closed = Some(*reason);
                self.shut = true;
            }
            Event::Cancelled => {
                self.status = Status::Cancelled;
                self.with_clock(|c| c.stop(at));
            }
            Event::Suspended { reason } => {
                self.suspended = Some(Suspended {
                    reason: *reason,
                    at,
                    from: self.status,
                });
                self.status = Status::Suspended;
                self.with_clock(|c| c.pause(at));
            }
            Event::Resumed => {
                if let Some(s) = self.suspended.take() {
                    self.status = s.from;
                }
                if self.status != Status::MoreInformation {
                    self.with_clock(|c| c.resume(at));
                }
            }
            Event::Moved { terms } => self.move_on(terms, at),
            Event::Raised { alarm } => {
                self.alarms.insert(*alarm);
            }
            Event::TakenOver { .. } => {
                if let Some(account) = by.account() {
                    self.referrer = account.clone();
                }
            }
            Event::Accepted
            | Event::Declined { .. }
            | Event::Allocated { .. }
            | Event::MoreAsked { .. }
            | Event::MoreSupplied { .. } => self.fold_receiving(event, by, at),
            Event::Signed { .. }
            | Event::CoSigned { .. }
            | Event::Returned { .. }
            | Event::Issued { .. }
            | Event::AnswerRead
            | Event::AddendumSigned { .. } => self.fold_answer(event, by, at),
        }
    }

    /// What the receiving side does before there is an answer, and what it is given for it.
    fn fold_receiving(&mut self, event: &Event, by: &By, at: Instant) {
        match event {
            Event::MoreAsked { text } => {
                self.questions.extend(by.account().map(|account| Question {
                    by: account.clone(),
                    at,
                    text: text.clone(),
                    from: self.status,
                    supplied: None,
                }));
                self.status = Status::MoreInformation;
                self.with_clock(|c| c.pause(at));
            }
            Event::MoreSupplied {
                items,
                classes,
                files,
                ..
            } => {
                self.add_parts(items, classes, files);
                let back = self.questions.last_mut().map(|q| {
                    q.supplied = Some(at);
                    q.from
                });
                self.status = back.unwrap_or(Status::Requested);
                self.with_clock(|c| c.resume(at));
            }
            Event::Accepted => {
                self.status = Status::Accepted;
                self.coordinator = by.account().cloned();
            }
            Event::Declined { reason, note } => {
                self.status = Status::Declined;
                self.declined = Some(Declined {
                    reason: *reason,
                    note: note.clone(),
                    at,
                });
                self.with_clock(|c| c.stop(at));
            }
            Event::Allocated { consultant } => {
                self.status = Status::Allocated;
                self.consultant = Some(consultant.clone());
                if self.coordinator.is_none() {
                    self.coordinator = by.account().cloned();
                }
            }
            _ => {}
        }
    }

    fn fold_answer(&mut self, event: &Event, by: &By, at: Instant) {
        match event {
            Event::Signed { opinion, co_signer } => {
                self.push_answer(opinion, by, at, None, co_signer.clone());
            }
            Event::AddendumSigned { opinion, to } => {
                self.push_answer(opinion, by, at, Some(to.clone()), None);
                self.with_answer(opinion, |a| a.issued = Some(at));
            }
            Event::CoSigned { opinion } => self.with_answer(opinion, |a| a.co_signed = Some(at)),
            Event::Returned { opinion } => self.with_answer(opinion, |a| a.returned = Some(at)),
            Event::Issued { opinion } => {
                self.with_answer(opinion, |a| a.issued = Some(at));
                self.status = Status::Answered;
                self.with_clock(|c| c.stop(at));
            }
            Event::AnswerRead => {
                if let Some(account) = by.account() {
                    for answer in &mut self.answers {
                        if answer.issued.is_some() && answer.read.is_none() {
                            answer.read = Some((at, account.clone()));
                        }
                    }
                }
                if self.status == Status::Answered {
                    self.status = Status::Read;
                }
            }
            _ => {}
        }
    }

    fn edit(&mut self, edit: &Edit) {
        let r = &mut self.request;
        let e = edit.clone();
        if let Some(v) = e.question {
            r.question = v
        }
        if let Some(v) = e.background {
            r.background = v
        }
        if let Some(v) = e.items {
            r.items = v
        }
        if let Some(v) = e.classes {
            r.classes = v
        }
        if let Some(v) = e.files {
            r.files = v
        }
        if let Some((hospital, agreement)) = e.partner {
            r.answering = Some(hospital);
            r.agreement = Some(agreement);
        }
        r.urgency = e.urgency.or(r.urgency);
        r.service = e.service.or(r.service.take());
        r.specialty = e.specialty.or(r.specialty.take());
        r.consent = e.consent.or(r.consent.take());
        r.language = e.language.or(r.language.take());
        r.call_back = e.call_back.or(r.call_back.take());
    }

    fn send(&mut self, terms: &Terms, at: Instant) {
        self.terms = Some(terms.clone());
        self.coordinator = None;
        self.consultant = None;
        self.shut = false;
        self.shut_at = None;
        self.start_clock(at);
        self.status = Status::Requested;
        self.sent = Some(at);
        self.declined = None;
    }

    /// The same partner goes on where it is, its clock running; a new one begins with the question as it stands.
    fn move_on(&mut self, terms: &Terms, at: Instant) {
        let elsewhere = self.answering() != Some(&terms.answering);
        self.request.agreement = Some(terms.agreement.clone());
        self.request.answering = Some(terms.answering.clone());
        if elsewhere {
            self.suspended = None;
            if let Some(open) = self.questions.last_mut() {
                open.supplied.get_or_insert(at);
            }
            self.send(terms, at);
        } else {
            self.terms = Some(terms.clone());
        }
    }

    fn start_clock(&mut self, at: Instant) {
        let urgency = self.request.urgency.unwrap_or(super::Urgency::Routine);
        self.clock = self
            .terms
            .as_ref()
            .and_then(|t| t.response_s.get(&urgency))
            .map(|s| CaseClock::start(at, i64::from(*s), urgency));
    }

    /// The same consultant gets it back with a new clock.
    fn ask_again(&mut self, text: &Phi<String>, terms: &Terms, by: &By, at: Instant) {
        self.round = self.round.saturating_add(1);
        self.questions.extend(by.account().map(|account| Question {
            by: account.clone(),
            at,
            text: text.clone(),
            from: self.status,
            supplied: Some(at),
        }));
        self.plan = None;
        self.status = Status::Allocated;
        self.terms = Some(terms.clone());
        self.shut = false;
        self.shut_at = None;
        self.start_clock(at);
    }

    fn add_parts(&mut self, items: &[RecordItem], classes: &BTreeSet<String>, files: &[CaseFile]) {
        let r = &mut self.request;
        for item in items {
            if !r.items.contains(item) {
                r.items.push(item.clone());
            }
        }
        r.classes.extend(classes.iter().cloned());
        for file in files {
            if !r.files.iter().any(|f| f.id == file.id) {
                r.files.push(file.clone());
            }
        }
    }

    fn push_answer(
        &mut self,
        opinion: &ResourceId,
        by: &By,
        at: Instant,
        addendum_to: Option<ResourceId>,
        co_signer: Option<AccountId>,
    ) {
        let hospital = self.answering().unwrap_or(&self.hospital).clone();
        self.answers.extend(by.account().map(|author| Answer {
            opinion: opinion.clone(),
            hospital,
            author: author.clone(),
            signed: at,
            addendum_to,
            co_signer,
            co_signed: None,
            returned: None,
            issued: None,
            read: None,
            round: self.round,
        }));
    }

    fn with_answer(&mut self, opinion: &ResourceId, change: impl FnOnce(&mut Answer)) {
        if let Some(answer) = self.answers.iter_mut().find(|a| a.opinion == *opinion) {
            change(answer);
        }
    }

    fn with_clock(&mut self, change: impl FnOnce(&mut CaseClock)) {
        if let Some(clock) = &mut self.clock {
            change(clock);
        }
    }
}
