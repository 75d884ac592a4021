//! What the store gives back.

use agreements::RecordClass;
use bytes::Bytes;
use kernel::{AccountId, HospitalId, Instant, Kind, Phi, RecordKey, ResourceId};
use serde::{Deserialize, Serialize};

use crate::Lookup;

/// One version of a record.
#[derive(Debug, Clone)]
pub struct Stored {
    pub key: RecordKey,
    /// Counted from 1 per key; a tombstone has a number too.
    pub version: u64,
    /// When this version was committed (recorded time).
    pub at: Instant,
    pub deleted: bool,
    pub class: RecordClass,
    /// The patient this record is about, in the record's own hospital.
    pub patient: Option<ResourceId>,
    /// For FHIR kinds: the bytes that came in with `id`, `meta.versionId` and `meta.lastUpdated` spliced in.
    /// For documents: the JSON as written. Empty for a tombstone.
    pub body: Phi<Bytes>,
    /// The bytes exactly as they were written: what a signature covers.
    pub original: Phi<Bytes>,
}

/// One page of a search.
#[derive(Debug, Clone, Default)]
pub struct SearchPage {
    pub matches: Vec<Stored>,
    pub includes: Vec<Stored>,
    /// Count of all matches the permit lets the reader know of, when asked for.
    pub total: Option<u64>,
    /// Opaque text that continues after the last match, stable while others write.
    pub next: Option<String>,
}

/// One page of a history, newest first.
#[derive(Debug, Clone, Default)]
pub struct HistoryPage {
    pub versions: Vec<Stored>,
    pub next: Option<String>,
}

/// Which documents of our own are asked for. All given lookups must match; results in order of id.
#[derive(Debug, Clone)]
pub struct DocQuery {
    /// None: of every hospital (system permits only).
    pub hospital: Option<HospitalId>,
    pub kind: Kind,
    pub lookups: Vec<Lookup>,
    /// Continue after this id.
    pub after: Option<ResourceId>,
    pub limit: u32,
    /// Newest id first.
    pub descending: bool,
}

/// One entry of the feed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Position of the commit; several events of one commit share it and differ in `ordinal`.
    pub position: u64,
    pub ordinal: u32,
    pub at: Instant,
    pub hospital: HospitalId,
    pub topic: String,
    pub subject: RecordKey,
    pub data: String,
}

/// One chained audit entry.
#[derive(Debug, Clone)]
pub struct AuditRecord {
    pub chain: HospitalId,
    /// Counted from 1 without gaps.
    pub number: u64,
    pub at: Instant,
    pub account: Option<AccountId>,
    pub patient: Option<ResourceId>,
    pub action: String,
    /// FHIR AuditEvent, JSON.
    pub body: Phi<Bytes>,
    /// SHA-256 over the previous hash and this entry.
    pub hash: [u8; 32],
}

/// What part of a chain is asked for; newest first.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    pub account: Option<AccountId>,
    pub patient: Option<ResourceId>,
    pub action: Option<String>,
    pub from: Option<Instant>,
    pub until: Option<Instant>,
    /// Entries with a number below this one.
    pub before: Option<u64>,
    pub limit: u32,
}

#[derive(Debug, Clone, Default)]
pub struct AuditPage {
    pub records: Vec<AuditRecord>,
    pub next: Option<u64>,
}

/// The head of a chain, to be signed and kept by partners.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    pub chain: HospitalId,
    pub number: u64,
    pub hash: [u8; 32],
    pub at: Instant,
}

/// What verifying one chain found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainReport {
    pub chain: HospitalId,
    pub entries: u64,
    /// The first entry that does not verify, if any.
    pub broken_at: Option<u64>,
    pub head: [u8; 32],
}

/// A blob: an encrypted object, named by the custodian's keyed hash of its content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlobRef {
    pub hospital: HospitalId,
    /// Whose key encrypts it; none for a blob about no patient.
    pub patient: Option<ResourceId>,
    /// HMAC-SHA-256 of the content under the hospital's address key, 64 hex digits.
    pub address: String,
    /// Bytes of the content before encryption.
    pub size: u64,
    pub media_type: String,
}
