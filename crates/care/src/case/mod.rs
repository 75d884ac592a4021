//! The case: one referral for an opinion, from a hospital to a service of another under an agreement.
//!
//! [`decide()`] takes the state, a command, who acts and the time, and returns events or a [`Rejection`];
//! [`Case::apply`] folds an event into the state. Whoever holds a case at a given moment, and must act, is
//! [`Case::owner`]; how long they have is [`clock`].

pub mod alarm;
pub mod by;
pub mod clock;
pub mod command;
pub mod complete;
pub mod decide;
pub mod event;
pub mod exchange;
pub mod owner;
pub mod rejection;
pub mod share;
pub mod state;
pub mod words;

pub use alarm::{Alarm, AlarmKind, Audience};
pub use by::By;
pub use clock::{CaseClock, ClockReading, ClockState};
pub use command::{Command, Edit, Outcome, Plan};
pub use complete::Missing;
pub use decide::{create, decide};
pub use event::Event;
pub use owner::Owner;
pub use rejection::{Rejection, RejectionCode};
pub use share::{Share, Shared};
pub use state::{
    Answer, Case, CaseFile, Declined, NewCase, Question, RecordItem, Request, Step, Terms,
};
pub use words::{
    CloseReason, DeclineReason, DiagnosisChange, ManagementChange, PatientOutcome, Status,
    SuspendReason, Urgency,
};

#[cfg(test)]
mod tests;
