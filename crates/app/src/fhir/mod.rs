//! The FHIR R4 interactions as use cases: read, vread, history, search, create, update, delete, batch and transaction
//! (FHIR R4 §3.1.0). One function per interaction, never per type.
//!
//! Clients write into the hospital they act for and nowhere else. A type that is a concept of Karez (an agreement, a
//! consent, a case, a signed report) is not stored as it comes: [`routed`] hands the write to that concept's command or
//! refuses it.

mod batch;
mod check;
mod entries;
mod links;
mod outcome;
mod read;
mod routed;
mod search;
mod transaction;
mod write;

use bytes::Bytes;
use fhir::outcome::Issue;
use kernel::{HospitalId, Instant, Phi, RecordKey, ResourceId};
use store::Stored;

use crate::{App, AppError, Cx, FieldProblem};

pub use batch::Return;
pub use outcome::explain;
pub use routed::interactions;
pub use search::SearchAnswer;

/// One version of a resource as it is served.
#[derive(Debug, Clone)]
pub struct Resource {
    pub key: RecordKey,
    pub version: u64,
    pub at: Instant,
    /// The stored bytes with `id`, `meta.versionId` and `meta.lastUpdated`.
    pub body: Phi<Bytes>,
}

impl From<Stored> for Resource {
    fn from(s: Stored) -> Self {
        Self {
            key: s.key,
            version: s.version,
            at: s.at,
            body: s.body,
        }
    }
}

/// What a write gave.
#[derive(Debug, Clone)]
pub struct Written {
    pub resource: Resource,
    /// False when an existing resource was changed, or found by a conditional create.
    pub created: bool,
}

/// One page of a history, newest first.
#[derive(Debug, Clone)]
pub struct HistoryAnswer {
    /// A Bundle.
    pub body: Phi<Bytes>,
}

impl App {
    /// Where the resources of a hospital are served, without a trailing slash.
    pub fn fhir_base(&self, hospital: &HospitalId) -> String {
        format!("{}/fhir/{hospital}", self.settings.base_url)
    }

    /// The hospital, or `NotFound` for one this node does not have.
    pub(crate) fn known(&self, hospital: &HospitalId) -> Result<(), AppError> {
        self.hospital(hospital)
            .map(|_| ())
            .ok_or(AppError::NotFound)
    }
}

/// The key of a resource of a known type; ids that can't be are simply not there.
pub fn key(hospital: &HospitalId, kind: &str, id: &str) -> Result<RecordKey, AppError> {
    let kind = fhir::schema::resource_type(kind).ok_or(AppError::NotFound)?;
    RecordKey::parse(hospital.as_str(), kind, id).map_err(|_| AppError::NotFound)
}

/// Issues of the FHIR crate as problems of this one.
fn problems(issues: Vec<Issue>) -> AppError {
    AppError::Invalid(
        issues
            .into_iter()
            .map(|i| FieldProblem::new(i.expression.unwrap_or_default(), i.code, i.diagnostics))
            .collect(),
    )
}

/// The id within the own hospital that `Patient/1` or an absolute address below the own base names.
pub(crate) fn local_patient(reference: &str, own_base: &str) -> Option<ResourceId> {
    let local = match reference.strip_prefix(own_base) {
        Some(rest) => rest.strip_prefix('/')?,
        None => reference,
    };
    ResourceId::new(local.strip_prefix("Patient/")?).ok()
}

/// The reasons for which the interactions themselves deny a write.
const DENIALS: &[&str] = &["write-across", "staff-only", "clinical-role-missing"];

/// Refuses what is not the hospital the request acts for: nobody writes into another's records.
fn own<'a>(cx: &'a Cx, hospital: &HospitalId) -> Result<&'a HospitalId, AppError> {
    let own = cx.hospital()?;
    if own == hospital {
        Ok(own)
    } else {
        Err(AppError::denied("write-across"))
    }
}

/// The version an `If-Match` header or entry names: `W/"3"` (FHIR R4 §3.1.0.5).
pub fn etag(text: &str) -> Result<u64, AppError> {
    let inner = text.trim().trim_start_matches("W/").trim_matches('"');
    inner.parse().map_err(|_| {
        AppError::invalid(
            "http.If-Match",
            "value",
            "a version such as W/\"3\" is expected",
        )
    })
}
