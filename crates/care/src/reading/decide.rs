//! What may happen to a reading, and by whom.

use kernel::{AccountId, HospitalId, Instant, Phi, ResourceId};

use super::PARTS_MAX;
use super::state::{Agreement, Critical, Judgement, Kind, Reading, Report, Status};
use crate::case::Urgency;

/// Who acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct By {
    pub account: AccountId,
    pub hospital: HospitalId,
    /// Holds the role of a reader at that hospital.
    pub reads: bool,
    /// Treats patients there.
    pub treats: bool,
    /// Privilege and licence to sign, both valid now.
    pub may_sign: bool,
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    Claim,
    /// Gives the study back, unread.
    Release,
    SetUrgency(Urgency),
    /// A report was signed. It is recorded with this id.
    Sign {
        id: ResourceId,
        kind: Kind,
    },
    AskSecond,
    Judge {
        agreement: Agreement,
        text: Phi<String>,
    },
    /// The first reader has seen what the second found.
    SeeJudgement,
    Raise {
        id: ResourceId,
        text: Phi<String>,
    },
    Acknowledge {
        id: ResourceId,
        answer: Option<Phi<String>>,
    },
    /// The clock of a critical finding has run on.
    Escalate {
        id: ResourceId,
    },
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    Claimed {
        by: AccountId,
        at: Instant,
    },
    Released,
    UrgencySet {
        urgency: Urgency,
    },
    Signed {
        report: Report,
    },
    SecondAsked {
        by: AccountId,
        at: Instant,
    },
    SecondRead {
        judgement: Judgement,
    },
    JudgementSeen {
        at: Instant,
    },
    CriticalRaised {
        critical: Critical,
    },
    CriticalAcknowledged {
        id: ResourceId,
        by: AccountId,
        at: Instant,
        answer: Option<Phi<String>>,
    },
    CriticalEscalated {
        id: ResourceId,
    },
}

/// Why a command is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[error("{}", self.as_str())]
pub enum Rejected {
    /// Another reader works on it.
    Taken,
    /// Only its reader may do this.
    NotReader,
    /// Neither a reader of the hospital that reads, nor one who treats the patient.
    NotYours,
    /// The study is not at a point where this can be done.
    WrongStatus,
    /// Privilege or licence to sign is missing.
    MayNotSign,
    /// A study is read a second time by somebody else.
    SameReader,
    Empty,
    TooMuch,
    Unknown,
    /// It has been done already.
    Done,
    /// The alarm is not due.
    NotDue,
}

impl Rejected {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Taken => "reading-taken",
            Self::NotReader => "reading-not-reader",
            Self::NotYours => "reading-not-yours",
            Self::WrongStatus => "reading-wrong-status",
            Self::MayNotSign => "reading-may-not-sign",
            Self::SameReader => "reading-same-reader",
            Self::Empty => "reading-empty",
            Self::TooMuch => "reading-too-much",
            Self::Unknown => "reading-unknown",
            Self::Done => "reading-done",
            Self::NotDue => "reading-not-due",
        }
    }
}

/// The events of a command, or why it is refused. `by` is none for the clock.
pub fn decide(
    reading: &Reading,
    command: Command,
    by: Option<&By>,
    now: Instant,
) -> Result<Vec<Event>, Rejected> {
    match (command, by) {
        (Command::Escalate { id }, None) => escalate(reading, id, now),
        (_, None) => Err(Rejected::NotYours),
        (Command::Acknowledge { id, answer }, Some(by)) => {
            acknowledge(reading, id, answer, by, now)
        }
        (command, Some(by)) => {
            if !by.reads || by.hospital != reading.hospital {
                return Err(Rejected::NotYours);
            }
            reader(reading, command, by, now)
        }
    }
}

fn reader(
    reading: &Reading,
    command: Command,
    by: &By,
    now: Instant,
) -> Result<Vec<Event>, Rejected> {
    let own = reading.reader.as_ref() == Some(&by.account);
    let done = reading.status() == Status::Final;
    let account = || by.account.clone();
    match command {
        Command::Claim if done => Err(Rejected::WrongStatus),
        Command::Claim if !own && reading.reader.is_some() && !reading.is_stale(now) => {
            Err(Rejected::Taken)
        }
        // One's own claim is renewed.
        Command::Claim => Ok(vec![Event::Claimed {
            by: account(),
            at: now,
        }]),
        Command::Release if !own => Err(Rejected::NotReader),
        Command::Release if !reading.reports.is_empty() => Err(Rejected::WrongStatus),
        Command::Release => Ok(vec![Event::Released]),
        Command::SetUrgency(_) if done => Err(Rejected::WrongStatus),
        Command::SetUrgency(urgency) => Ok(vec![Event::UrgencySet { urgency }]),
        Command::Sign { id, kind } => sign(reading, id, kind, by, now),
        Command::AskSecond if reading.standing().is_none() => Err(Rejected::WrongStatus),
        Command::AskSecond if reading.second.is_some() => Err(Rejected::Done),
        Command::AskSecond => Ok(vec![Event::SecondAsked {
            by: account(),
            at: now,
        }]),
        Command::Judge { agreement, text } => judge(reading, agreement, text, by, now),
        Command::SeeJudgement => {
            let seen = reading.second.as_ref().and_then(|s| s.judgement.as_ref());
            match seen {
                _ if !own => Err(Rejected::NotReader),
                None => Err(Rejected::Unknown),
                Some(j) if j.seen.is_some() => Ok(vec![]),
                Some(_) => Ok(vec![Event::JudgementSeen { at: now }]),
            }
        }
        Command::Raise { id, text } => raise(reading, id, text, by, now),
        Command::Acknowledge { .. } | Command::Escalate { .. } => Err(Rejected::NotYours),
    }
}

fn sign(
    reading: &Reading,
    id: ResourceId,
    kind: Kind,
    by: &By,
    now: Instant,
) -> Result<Vec<Event>, Rejected> {
    if reading.reader.as_ref() != Some(&by.account) {
        return Err(Rejected::NotReader);
    }
    if !by.may_sign {
        return Err(Rejected::MayNotSign);
    }
    let fits = match (kind, reading.status()) {
        (Kind::Addendum, status) => status == Status::Final,
        (Kind::Preliminary, status) => status == Status::Claimed,
        (Kind::Final, status) => matches!(status, Status::Claimed | Status::Preliminary),
    };
    if !fits {
        return Err(Rejected::WrongStatus);
    }
    if reading.reports.len() >= PARTS_MAX {
        return Err(Rejected::TooMuch);
    }
    let report = Report {
        id,
        kind,
        by: by.account.clone(),
        at: now,
    };
    Ok(vec![Event::Signed { report }])
}

fn judge(
    reading: &Reading,
    agreement: Agreement,
    text: Phi<String>,
    by: &By,
    now: Instant,
) -> Result<Vec<Event>, Rejected> {
    let Some(second) = &reading.second else {
        return Err(Rejected::WrongStatus);
    };
    if second.judgement.is_some() {
        return Err(Rejected::Done);
    }
    if reading.reports.iter().any(|r| r.by == by.account) {
        return Err(Rejected::SameReader);
    }
    if !by.may_sign {
        return Err(Rejected::MayNotSign);
    }
    // Whoever differs says in what.
    if agreement != Agreement::Agrees && text.reveal().trim().is_empty() {
        return Err(Rejected::Empty);
    }
    let judgement = Judgement {
        by: by.account.clone(),
        at: now,
        agreement,
        text,
        seen: None,
    };
    Ok(vec![Event::SecondRead { judgement }])
}

fn raise(
    reading: &Reading,
    id: ResourceId,
    text: Phi<String>,
    by: &By,
    now: Instant,
) -> Result<Vec<Event>, Rejected> {
    if reading.reader.as_ref() != Some(&by.account) {
        return Err(Rejected::NotReader);
    }
    if text.reveal().trim().is_empty() {
        return Err(Rejected::Empty);
    }
    if reading.criticals.len() >= PARTS_MAX {
        return Err(Rejected::TooMuch);
    }
    let critical = Critical {
        id,
        text,
        by: by.account.clone(),
        raised: now,
        acknowledged: None,
        answer: None,
        escalated: 0,
    };
    Ok(vec![Event::CriticalRaised { critical }])
}

fn acknowledge(
    reading: &Reading,
    id: ResourceId,
    answer: Option<Phi<String>>,
    by: &By,
    now: Instant,
) -> Result<Vec<Event>, Rejected> {
    // The reader telling themselves is no acknowledgement: it is somebody who treats the patient where they are.
    if !by.treats || by.hospital != reading.study.hospital {
        return Err(Rejected::NotYours);
    }
    let critical = reading.critical(&id).ok_or(Rejected::Unknown)?;
    if critical.by == by.account {
        return Err(Rejected::SameReader);
    }
    if critical.acknowledged.is_some() {
        return Err(Rejected::Done);
    }
    Ok(vec![Event::CriticalAcknowledged {
        id,
        by: by.account.clone(),
        at: now,
        answer: answer.filter(|a| !a.reveal().trim().is_empty()),
    }])
}

fn escalate(reading: &Reading, id: ResourceId, now: Instant) -> Result<Vec<Event>, Rejected> {
    let critical = reading.critical(&id).ok_or(Rejected::Unknown)?;
    match critical.next(&reading.clocks) {
        Some(due) if due <= now => Ok(vec![Event::CriticalEscalated { id }]),
        _ => Err(Rejected::NotDue),
    }
}
