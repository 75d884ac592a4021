//! What a case opens of the record to the answering hospital, and for how long.

use jiff::SignedDuration;
use kernel::{HospitalId, Instant, ResourceId};

use super::{Case, RecordItem, Status};

/// What is opened.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shared {
    Entry(RecordItem),
    Class(String),
}

/// One thing a case opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    pub case: ResourceId,
    pub agreement: ResourceId,
    pub custodian: HospitalId,
    pub patient: ResourceId,
    pub grantee: HospitalId,
    pub what: Shared,
    pub from: Instant,
    pub until: Instant,
}

/// Classes every case opens with itself: who the patient is, and the case with its messages.
pub const ALWAYS: [&str; 3] = ["demographics", "cases", "messages"];

impl Case {
    /// Whether the case opens what was chosen to the answering hospital: from sending until closing, not while declined,
    /// taken back or cut off.
    pub fn is_shared(&self) -> bool {
        !self.shut
            && matches!(
                self.status,
                Status::Requested
                    | Status::MoreInformation
                    | Status::Accepted
                    | Status::Allocated
                    | Status::Answered
                    | Status::Read
                    | Status::Acted
            )
    }

    /// Until when the answering hospital may read what was chosen: to the end of the agreement, or for the days that the
    /// clause gives after closing, if they are over sooner. The agreement and the consent must hold besides.
    pub fn readable_until(&self) -> Option<Instant> {
        let terms = self.terms.as_ref()?;
        if self.is_shared() {
            return Some(terms.until);
        }
        let closed = matches!(self.status, Status::Closed | Status::Acted);
        let shut = self.shut_at.filter(|_| self.shut && closed)?;
        let days = SignedDuration::from_hours(24 * i64::from(terms.retention_days));
        let until = shut.saturating_add(days).ok()?.min(terms.until);
        (shut < until).then_some(until)
    }

    /// Every share row of this case, replacing all earlier ones. Empty when nothing is open.
    pub fn shares(&self) -> Vec<Share> {
        let (Some(terms), Some(from), Some(until)) =
            (&self.terms, self.sent, self.readable_until())
        else {
            return Vec::new();
        };
        let entries = self.request.items.iter().cloned().map(Shared::Entry);
        let files = self.request.files.iter().filter_map(|f| {
            let kind = kernel::Kind::new("DocumentReference").ok()?;
            Some(Shared::Entry(RecordItem {
                kind,
                id: f.id.clone(),
            }))
        });
        let study = kernel::Kind::new("ImagingStudy").ok();
        let copies = study.into_iter().flat_map(|kind| {
            self.copies.iter().map(move |id| {
                let (kind, id) = (kind.clone(), id.clone());
                Shared::Entry(RecordItem { kind, id })
            })
        });
        let classes = self
            .request
            .classes
            .iter()
            .filter(|c| terms.classes.contains(*c))
            .cloned()
            .chain(ALWAYS.map(String::from))
            .map(Shared::Class);
        let mut what: Vec<_> = entries.chain(files).chain(copies).chain(classes).collect();
        what.sort();
        what.dedup();
        what.into_iter()
            .map(|what| Share {
                case: self.id.clone(),
                agreement: terms.agreement.clone(),
                custodian: self.hospital.clone(),
                patient: self.patient.clone(),
                grantee: terms.answering.clone(),
                what,
                from,
                until,
            })
            .collect()
    }
}
