//! What someone asks of a case.

use std::collections::BTreeSet;

use kernel::{AccountId, HospitalId, Instant, Phi, ResourceId};
use serde::{Deserialize, Serialize};

use super::{
    Alarm, CaseFile, CloseReason, DeclineReason, DiagnosisChange, ManagementChange, PatientOutcome,
    RecordItem, SuspendReason, Terms, Urgency,
};

/// A change of what is asked; what is `None` stays.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Edit {
    pub question: Option<Phi<String>>,
    pub background: Option<Phi<String>>,
    pub urgency: Option<Urgency>,
    pub service: Option<String>,
    pub specialty: Option<String>,
    /// Hospital and agreement are chosen together.
    pub partner: Option<(HospitalId, ResourceId)>,
    pub items: Option<Vec<RecordItem>>,
    pub classes: Option<BTreeSet<String>>,
    pub files: Option<Vec<CaseFile>>,
    pub consent: Option<ResourceId>,
    pub language: Option<String>,
    pub call_back: Option<Phi<String>>,
}

/// What the referring doctor does with the answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// What will be done, in words.
    pub text: Phi<String>,
    /// Orders that follow, one line each.
    pub orders: Vec<Phi<String>>,
    pub at: Instant,
    pub by: AccountId,
}

/// How it turned out, told weeks later.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    pub management: ManagementChange,
    pub diagnosis: DiagnosisChange,
    pub patient: PatientOutcome,
    pub text: Phi<String>,
    pub at: Instant,
    pub by: AccountId,
}

/// What someone asks of a case that exists.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    Edit(Box<Edit>),
    /// Send it under these terms, which the caller took from an agreement active now.
    Send {
        terms: Box<Terms>,
    },
    /// Back to a draft, while nobody has taken it.
    TakeBack,
    AskForMore {
        text: Phi<String>,
    },
    /// What was asked for is there: text, and entries, classes and files added to the request.
    SupplyMore {
        text: Phi<String>,
        items: Vec<RecordItem>,
        classes: BTreeSet<String>,
        files: Vec<CaseFile>,
    },
    Accept,
    Decline {
        reason: DeclineReason,
        note: Phi<String>,
    },
    /// Give it to a consultant, or to another one.
    Allocate {
        consultant: AccountId,
        /// The caller has seen that the account is a consultant of the answering hospital now.
        is_consultant: bool,
    },
    /// An opinion was signed.
    Answer {
        opinion: ResourceId,
        /// Who is asked to sign too; needed when the agreement asks for it.
        co_signer: Option<AccountId>,
    },
    CoSign {
        opinion: ResourceId,
    },
    /// The co-signer sends the opinion back to its author.
    Return {
        opinion: ResourceId,
    },
    /// The referring side opens the answer.
    Read,
    /// Accept the answer and act on it.
    Act {
        text: Phi<String>,
        orders: Vec<Phi<String>>,
    },
    /// The answer does not settle it: ask again, under terms active now.
    AskAgain {
        text: Phi<String>,
        terms: Box<Terms>,
    },
    Addendum {
        opinion: ResourceId,
        to: ResourceId,
    },
    TellOutcome {
        management: ManagementChange,
        diagnosis: DiagnosisChange,
        patient: PatientOutcome,
        text: Phi<String>,
    },
    SeeOutcome,
    Close {
        reason: CloseReason,
    },
    Cancel,
    Suspend {
        reason: SuspendReason,
    },
    Resume,
    /// Its agreement ends: it goes on under another one, with the same partner or from the start with a new one.
    Move {
        terms: Box<Terms>,
    },
    /// A clock ran over; see [`super::alarm`].
    Raise {
        alarm: Alarm,
    },
    /// The referring doctor left: another clinician of the hospital takes the case over.
    TakeOver,
}

impl Command {
    /// The command's word, for rejections and audit.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Edit(_) => "edit",
            Self::Send { .. } => "send",
            Self::TakeBack => "take-back",
            Self::AskForMore { .. } => "ask-for-more",
            Self::SupplyMore { .. } => "supply-more",
            Self::Accept => "accept",
            Self::Decline { .. } => "decline",
            Self::Allocate { .. } => "allocate",
            Self::Answer { .. } => "answer",
            Self::CoSign { .. } => "co-sign",
            Self::Return { .. } => "return",
            Self::Read => "read",
            Self::Act { .. } => "act",
            Self::AskAgain { .. } => "ask-again",
            Self::Addendum { .. } => "addendum",
            Self::TellOutcome { .. } => "tell-outcome",
            Self::SeeOutcome => "see-outcome",
            Self::Close { .. } => "close",
            Self::Cancel => "cancel",
            Self::Suspend { .. } => "suspend",
            Self::Resume => "resume",
            Self::Move { .. } => "move",
            Self::Raise { .. } => "raise",
            Self::TakeOver => "take-over",
        }
    }
}
