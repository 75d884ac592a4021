//! What can be worked out about a batch before the one writer sees it: parsing, search index, class and patient of
//! each FHIR resource. Runs on the caller's side, so that the writer only writes.

use std::sync::Arc;

use agreements::{Projection, RecordClass};
use bytes::Bytes;
use fhir::index::IndexEntry;
use kernel::{Instant, RecordKey, ResourceId, limits};

use crate::{
    AuditDraft, Batch, BlobRef, EventDraft, ImageChange, Lookup, Precondition, StoreError, Write,
    WriteBody, classes, images,
};

/// A batch that is ready to be written.
pub(crate) struct Prepared {
    pub at: Instant,
    pub writes: Vec<PreparedWrite>,
    pub projections: Vec<Projection>,
    pub audit: Vec<AuditDraft>,
    pub events: Vec<EventDraft>,
    pub images: Vec<ImageChange>,
}

pub(crate) struct PreparedWrite {
    pub key: RecordKey,
    pub expect: Precondition,
    pub content: Content,
    pub blobs: Vec<BlobRef>,
}

pub(crate) enum Content {
    Record {
        body: Bytes,
        class: RecordClass,
        /// What staff work with among themselves.
        among_staff: bool,
        patient: Option<ResourceId>,
        index: Vec<IndexEntry>,
        lookups: Vec<Lookup>,
    },
    Delete,
}

/// How a record stands.
#[derive(Debug, Clone)]
pub(crate) struct Current {
    pub record: i64,
    pub version: u64,
    pub deleted: bool,
    pub class: i64,
    pub patient: Option<String>,
}

/// The version that a write makes of a record.
pub(crate) struct Next<'a> {
    pub version: u64,
    pub deleted: bool,
    pub class: i64,
    pub patient: Option<&'a str>,
    pub body: &'a Bytes,
}

/// The content of a tombstone.
static NOTHING: Bytes = Bytes::new();

impl PreparedWrite {
    /// What becomes of the record; none where nothing does.
    pub fn onto<'a>(&'a self, before: Option<&'a Current>) -> Result<Option<Next<'a>>, StoreError> {
        self.expect
            .check(&self.key, before.map(|c| (c.version, c.deleted)))?;
        let next = match (&self.content, before) {
            (Content::Delete, None) => {
                return Err(StoreError::Precondition {
                    key: self.key.clone(),
                    found: None,
                });
            }
            // Deleting what is deleted changes nothing (FHIR R4 §3.1.0.7).
            (Content::Delete, Some(c)) if c.deleted => return Ok(None),
            (Content::Delete, Some(c)) => Next {
                version: c.version + 1,
                deleted: true,
                class: c.class,
                patient: c.patient.as_deref(),
                body: &NOTHING,
            },
            (
                Content::Record {
                    body,
                    class,
                    among_staff,
                    patient,
                    ..
                },
                before,
            ) => Next {
                version: before.map_or(1, |c| c.version + 1),
                deleted: false,
                class: classes::stored(*class, *among_staff),
                patient: patient.as_ref().map(AsRef::as_ref),
                body,
            },
        };
        Ok(Some(next))
    }
}

/// Checks bounds and extracts what is searched. `public_base` is the node's own address (`https://host`), so that
/// absolute references to itself are known as its own.
pub(crate) fn prepare(batch: Batch, public_base: &str) -> Result<Prepared, StoreError> {
    if batch.writes.len() > limits::BUNDLE_ENTRIES_MAX * 4 {
        return Err(StoreError::TooMuch {
            what: "writes in one batch",
        });
    }
    let writes = batch
        .writes
        .into_iter()
        .map(|w| prepare_write(w, public_base))
        .collect::<Result<_, _>>()?;
    Ok(Prepared {
        at: batch.at,
        writes,
        projections: batch.projections,
        audit: batch.audit,
        events: batch.events,
        images: batch.images,
    })
}

/// As [`prepare`]: batches of documents and a few small resources in place, the rest on a blocking thread.
pub(crate) async fn prepare_off_thread(
    batch: Batch,
    public_base: &Arc<str>,
) -> Result<Prepared, StoreError> {
    if is_small(&batch) {
        return prepare(batch, public_base);
    }
    let base = Arc::clone(public_base);
    tokio::task::spawn_blocking(move || prepare(batch, &base))
        .await
        .map_err(|_| StoreError::Internal("a batch could not be prepared".into()))?
}

fn is_small(batch: &Batch) -> bool {
    let bytes: usize = batch
        .writes
        .iter()
        .map(|w| match &w.body {
            WriteBody::Fhir(b) | WriteBody::FhirOf { json: b, .. } => b.len(),
            _ => 0,
        })
        .sum();
    bytes < 16 << 10
}

fn prepare_write(write: Write, public_base: &str) -> Result<PreparedWrite, StoreError> {
    let Write {
        key,
        expect,
        body,
        blobs,
    } = write;
    let content = match body {
        WriteBody::Delete => Content::Delete,
        WriteBody::Document { json, lookups } => {
            if key.kind.is_fhir() {
                return Err(StoreError::Internal(format!(
                    "{} is a FHIR type and cannot hold a document",
                    key.kind
                )));
            }
            let patient = lookups
                .iter()
                .find(|l| l.name == "patient")
                .and_then(|l| ResourceId::new(&l.value).ok());
            Content::Record {
                class: classes::of_document(&key.kind),
                among_staff: false,
                patient,
                index: Vec::new(),
                body: json,
                lookups,
            }
        }
        WriteBody::Fhir(body) => resource(&key, body, public_base, None)?,
        WriteBody::FhirOf { json, patient } => resource(&key, json, public_base, Some(patient))?,
    };
    let bytes = match &content {
        Content::Record { body, .. } => body.len(),
        Content::Delete => 0,
    };
    if bytes > limits::BUNDLE_BYTES_MAX {
        return Err(StoreError::TooMuch {
            what: "bytes in one record",
        });
    }
    Ok(PreparedWrite {
        key,
        expect,
        content,
        blobs,
    })
}

/// Index, class and patient of a FHIR resource; `of` where it does not say its patient itself.
fn resource(
    key: &RecordKey,
    body: Bytes,
    public_base: &str,
    of: Option<ResourceId>,
) -> Result<Content, StoreError> {
    if !key.kind.is_fhir() {
        return Err(StoreError::Internal(format!(
            "{} is no FHIR type and cannot hold a resource",
            key.kind
        )));
    }
    let own_base = if public_base.is_empty() {
        String::new()
    } else {
        format!("{public_base}/fhir/{}", key.hospital)
    };
    let kind = key.kind.as_str();
    if kind == "Patient" && key.id.as_str().starts_with(images::SCOPE) {
        return Err(StoreError::Invalid(
            "Patient: an id that begins with study. names the key of a study".into(),
        ));
    }
    let (class, among_staff, patient, index) = {
        // The message of a parser may quote the text it stumbled over: it is left out.
        let doc = fhir::raw::parse(&body)
            .map_err(|_| StoreError::Invalid(format!("{kind}: not valid JSON")))?;
        let root = doc.root();
        let class = fhir::classify(kind, root)
            .parse()
            .unwrap_or(RecordClass::Unclassified);
        let patient = of.or_else(|| patient(key, fhir::patient_of(kind, root), &own_base));
        (
            class,
            fhir::is_among_staff(kind, root),
            patient,
            fhir::index::extract(kind, root, &own_base),
        )
    };
    Ok(Content::Record {
        class,
        among_staff,
        patient,
        index,
        lookups: Vec::new(),
        body,
    })
}

/// The patient in the record's own hospital. A patient elsewhere is nobody's here.
fn patient(key: &RecordKey, found: Option<String>, own_base: &str) -> Option<ResourceId> {
    if key.kind.as_str() == "Patient" {
        return Some(key.id.clone());
    }
    let reference = found?;
    let local = match reference.strip_prefix(own_base) {
        Some(rest) if !own_base.is_empty() => rest.trim_start_matches('/'),
        _ => reference.as_str(),
    };
    let id = local.strip_prefix("Patient/")?;
    let id = id.split_once("/_history/").map_or(id, |(id, _)| id);
    ResourceId::new(id).ok()
}
