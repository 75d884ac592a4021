//! DiagnosticReport, DocumentReference, ImagingStudy

use super::redacted;
use super::types::{Attachment, Coding, Concept, Identifier, Reference, When, list, one, text};
use crate::json::Json;

redacted!(
    DiagnosticReport,
    DocumentReference,
    ImagingStudy,
    ImagingSeries
);

#[derive(Clone, PartialEq, Eq, Default)]
pub struct DiagnosticReport {
    pub id: Option<String>,
    pub status: Option<String>,
    pub categories: Vec<Concept>,
    pub code: Concept,
    pub effective: Option<When>,
    pub issued: Option<String>,
    pub performers: Vec<Reference>,
    pub results: Vec<Reference>,
    pub imaging_studies: Vec<Reference>,
    pub conclusion: Option<String>,
    pub conclusion_codes: Vec<Concept>,
    pub presented_forms: Vec<Attachment>,
}

impl DiagnosticReport {
    pub fn from_value<'a>(v: impl Json<'a>) -> Self {
        Self {
            id: text(v, "id"),
            status: text(v, "status"),
            categories: list(v, "category", Concept::from_value),
            code: one(v, "code", Concept::from_value).unwrap_or_default(),
            effective: When::choice(v, "effective"),
            issued: text(v, "issued"),
            performers: list(v, "performer", Reference::from_value),
            results: list(v, "result", Reference::from_value),
            imaging_studies: list(v, "imagingStudy", Reference::from_value),
            conclusion: text(v, "conclusion"),
            conclusion_codes: list(v, "conclusionCode", Concept::from_value),
            presented_forms: list(v, "presentedForm", Attachment::from_value),
        }
    }
}

#[derive(Clone, PartialEq, Eq, Default)]
pub struct DocumentReference {
    pub id: Option<String>,
    /// current, superseded, entered-in-error
    pub status: Option<String>,
    /// preliminary, final, amended, entered-in-error
    pub doc_status: Option<String>,
    pub kind: Concept,
    pub categories: Vec<Concept>,
    /// When the reference was made, as written.
    pub date: Option<String>,
    /// When what it tells of happened.
    pub period: Option<When>,
    pub description: Option<String>,
    pub authors: Vec<Reference>,
    pub custodian: Option<Reference>,
    pub attachments: Vec<Attachment>,
}

impl DocumentReference {
    pub fn from_value<'a>(v: impl Json<'a>) -> Self {
        Self {
            id: text(v, "id"),
            status: text(v, "status"),
            doc_status: text(v, "docStatus"),
            kind: one(v, "type", Concept::from_value).unwrap_or_default(),
            categories: list(v, "category", Concept::from_value),
            date: text(v, "date"),
            period: v
                .get("context")
                .and_then(|c| c.get("period"))
                .map(When::period),
            description: text(v, "description"),
            authors: list(v, "author", Reference::from_value),
            custodian: one(v, "custodian", Reference::from_value),
            attachments: v
                .list("content")
                .filter_map(|c| c.get("attachment"))
                .map(Attachment::from_value)
                .collect(),
        }
    }
}

#[derive(Clone, PartialEq, Eq, Default)]
pub struct ImagingSeries {
    /// DICOM Series Instance UID.
    pub uid: String,
    pub number: Option<u64>,
    pub modality: Option<Coding>,
    pub description: Option<String>,
    pub body_site: Option<Coding>,
    pub instances: u64,
    /// SOP Instance UIDs of the first and the last object that are listed.
    pub ends: Vec<String>,
}

#[derive(Clone, PartialEq, Eq, Default)]
pub struct ImagingStudy {
    pub id: Option<String>,
    pub status: Option<String>,
    pub identifiers: Vec<Identifier>,
    pub modalities: Vec<Coding>,
    pub started: Option<String>,
    pub description: Option<String>,
    pub series: Vec<ImagingSeries>,
    /// As said by the study, else counted.
    pub number_of_series: u64,
    pub number_of_instances: u64,
}

impl ImagingStudy {
    pub fn from_value<'a>(v: impl Json<'a>) -> Self {
        let series = list(v, "series", |s| ImagingSeries {
            uid: text(s, "uid").unwrap_or_default(),
            number: whole(s, "number"),
            modality: one(s, "modality", Coding::from_value),
            description: text(s, "description"),
            body_site: one(s, "bodySite", Coding::from_value),
            instances: whole(s, "numberOfInstances").unwrap_or_else(|| count(s, "instance")),
            ends: ends(s),
        });
        let modalities = list(v, "modality", Coding::from_value);
        Self {
            id: text(v, "id"),
            status: text(v, "status"),
            identifiers: list(v, "identifier", Identifier::from_value),
            modalities: if modalities.is_empty() {
                let mut of_series: Vec<Coding> =
                    series.iter().filter_map(|s| s.modality.clone()).collect();
                of_series.dedup();
                of_series
            } else {
                modalities
            },
            started: text(v, "started"),
            description: text(v, "description"),
            number_of_series: whole(v, "numberOfSeries").unwrap_or_else(|| count(v, "series")),
            number_of_instances: whole(v, "numberOfInstances")
                .unwrap_or_else(|| series.iter().map(|s| s.instances).sum()),
            series,
        }
    }
    /// DICOM Study Instance UID.
    pub fn uid(&self) -> Option<&str> {
        self.identifiers
            .iter()
            .find_map(|i| i.value.strip_prefix("urn:oid:"))
    }
}

fn whole<'a>(v: impl Json<'a>, key: &str) -> Option<u64> {
    v.get(key)?.number()?.parse().ok()
}
fn ends<'a>(series: impl Json<'a>) -> Vec<String> {
    let first = series.list("instance").next();
    let last = series.list("instance").skip(1).last();
    [first, last]
        .into_iter()
        .flatten()
        .filter_map(|i| text(i, "uid"))
        .collect()
}

fn count<'a>(v: impl Json<'a>, key: &str) -> u64 {
    u64::try_from(v.list(key).count()).unwrap_or(u64::MAX)
}
