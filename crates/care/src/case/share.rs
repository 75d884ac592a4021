//! What a case opens of the record to the answering hospital, and for how long.

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
    /// Whether the answering hospital may read what was chosen: from sending until closing, not while declined,
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

    /// Every share row of this case, replacing all earlier ones. Empty when nothing is open.
    pub fn shares(&self) -> Vec<Share> {
        let (Some(terms), Some(from), true) = (&self.terms, self.sent, self.is_shared()) else {
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
        let classes = self
            .request
            .classes
            .iter()
            .filter(|c| terms.classes.contains(*c))
            .cloned()
            .chain(ALWAYS.map(String::from))
            .map(Shared::Class);
        let mut what: Vec<_> = entries.chain(files).chain(classes).collect();
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
                until: terms.until,
            })
            .collect()
    }
}
