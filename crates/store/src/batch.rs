//! A batch: what one use case changes, with its audit entries and events, in one commit.

use agreements::Projection;
use bytes::Bytes;
use kernel::{AccountId, HospitalId, Instant, Phi, RecordKey, ResourceId};
use serde::{Deserialize, Serialize};

use crate::{BlobRef, ImageChange, ImageOutcome, StoreError};

/// What must hold of the current version for the write to happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precondition {
    /// Nothing: last writer wins (jobs' own bookkeeping only).
    Any,
    /// There is no current version. A tombstone counts as none.
    Absent,
    /// The current version has this number.
    Version(u64),
}

impl Precondition {
    /// Refuses the write to `key` where it does not hold of the current version: its number and whether it is a
    /// tombstone.
    pub(crate) fn check(
        self,
        key: &RecordKey,
        current: Option<(u64, bool)>,
    ) -> Result<(), StoreError> {
        let holds = match self {
            Self::Any => true,
            Self::Absent => current.is_none_or(|(_, deleted)| deleted),
            Self::Version(v) => current.is_some_and(|(version, _)| version == v),
        };
        if holds {
            return Ok(());
        }
        Err(StoreError::Precondition {
            key: key.clone(),
            found: current.map(|(version, _)| version),
        })
    }
}

/// A value a document of ours is found by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lookup {
    pub name: String,
    pub value: String,
    /// At most one current document of this hospital and kind may hold this (name, value).
    pub unique: bool,
}

impl Lookup {
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            value: value.into(),
            unique: false,
        }
    }
    pub fn unique(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            value: value.into(),
            unique: true,
        }
    }
}

/// The new content.
#[derive(Debug, Clone)]
pub enum WriteBody {
    /// A FHIR resource: its JSON bytes as they came in. The store extracts the search index, patient and record
    /// class from them; `id` and `meta` are spliced in when read.
    Fhir(Bytes),
    /// A FHIR resource that does not say whose it is: the patient of its hospital it belongs to is said beside. Consents,
    /// shares, audit and erasure follow that patient; the resource leads nobody to them.
    FhirOf { json: Bytes, patient: ResourceId },
    /// A document of our own (JSON) with the values it is found by.
    Document { json: Bytes, lookups: Vec<Lookup> },
    /// A tombstone.
    Delete,
}

/// One write of a batch.
#[derive(Debug, Clone)]
pub struct Write {
    pub key: RecordKey,
    pub expect: Precondition,
    pub body: WriteBody,
    /// Blobs this record refers to; they are kept for as long as a version refers to them.
    pub blobs: Vec<BlobRef>,
}

/// An audit entry to be chained. `body` is a FHIR AuditEvent (R4, IHE BALP) as JSON bytes, built by `app::audit`.
#[derive(Debug, Clone)]
pub struct AuditDraft {
    /// Whose chain it goes to. An act across hospitals writes one entry in each hospital's chain.
    pub chain: HospitalId,
    /// For filtering: who, about which patient, which action word.
    pub account: Option<AccountId>,
    pub patient: Option<ResourceId>,
    pub action: String,
    pub body: Phi<Bytes>,
}

/// An event for the feed. It names things; it never holds patient data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventDraft {
    pub hospital: HospitalId,
    /// `case.sent`, `agreement.ended`, `record.written`, …
    pub topic: String,
    pub subject: RecordKey,
    /// Small JSON with ids and states only.
    pub data: String,
}

/// Everything one use case changes. All of it is committed, or none.
#[derive(Debug, Clone)]
pub struct Batch {
    pub at: Instant,
    pub writes: Vec<Write>,
    pub projections: Vec<Projection>,
    pub audit: Vec<AuditDraft>,
    pub events: Vec<EventDraft>,
    /// What changes of images, after the writes.
    pub images: Vec<ImageChange>,
}

impl Batch {
    pub fn new(at: Instant) -> Self {
        Self {
            at,
            writes: Vec::new(),
            projections: Vec::new(),
            audit: Vec::new(),
            events: Vec::new(),
            images: Vec::new(),
        }
    }
    pub fn put_fhir(
        &mut self,
        key: RecordKey,
        expect: Precondition,
        body: impl Into<Bytes>,
    ) -> &mut Self {
        self.writes.push(Write {
            key,
            expect,
            body: WriteBody::Fhir(body.into()),
            blobs: Vec::new(),
        });
        self
    }
    /// As [`Self::put_fhir`], of a resource that does not say whose it is.
    pub fn put_fhir_of(
        &mut self,
        key: RecordKey,
        expect: Precondition,
        body: impl Into<Bytes>,
        patient: ResourceId,
    ) -> &mut Self {
        let json = body.into();
        self.writes.push(Write {
            key,
            expect,
            body: WriteBody::FhirOf { json, patient },
            blobs: Vec::new(),
        });
        self
    }
    pub fn put_doc(
        &mut self,
        key: RecordKey,
        expect: Precondition,
        json: impl Into<Bytes>,
        lookups: Vec<Lookup>,
    ) -> &mut Self {
        let body = WriteBody::Document {
            json: json.into(),
            lookups,
        };
        self.writes.push(Write {
            key,
            expect,
            body,
            blobs: Vec::new(),
        });
        self
    }
    pub fn delete(&mut self, key: RecordKey, expect: Precondition) -> &mut Self {
        self.writes.push(Write {
            key,
            expect,
            body: WriteBody::Delete,
            blobs: Vec::new(),
        });
        self
    }
    pub fn event(
        &mut self,
        topic: &str,
        subject: &RecordKey,
        data: impl Into<String>,
    ) -> &mut Self {
        self.events.push(EventDraft {
            hospital: subject.hospital.clone(),
            topic: topic.into(),
            subject: subject.clone(),
            data: data.into(),
        });
        self
    }
}

/// What the commit gave: on disk and synced when this is returned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// Position of the batch in the feed, in commit order.
    pub position: u64,
    /// New version number of each write, in the order of the batch.
    pub versions: Vec<u64>,
    /// What became of each change of images, in the order of the batch.
    pub images: Vec<ImageOutcome>,
}
