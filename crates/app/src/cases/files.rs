//! Files: a DocumentReference in the custody of the patient's hospital, with the content as an encrypted blob.

use bytes::Bytes;
use care::case::{Case, CaseFile, Command, Edit, Status};
use fhir::json::Json;
use fhir::raw;
use kernel::{HospitalId, Phi, RecordKey, ResourceId, limits};
use serde_json::json;
use store::{Batch, Precondition, Write, WriteBody};

use super::doc::by;
use crate::records::entry::files_of;
use crate::records::kind;
use crate::records::view::FileLine;
use crate::{App, AppError, Cx};

/// Media types that can be filed, with what their bytes begin with. The name a client gives a type is not believed.
const TYPES: [(&str, &[u8]); 3] = [
    ("application/pdf", b"%PDF-"),
    ("image/png", b"\x89PNG\r\n\x1a\n"),
    ("image/jpeg", b"\xff\xd8\xff"),
];

/// The media type of a file we take; none for any other content.
pub fn sniff(bytes: &[u8]) -> Option<&'static str> {
    TYPES
        .iter()
        .find(|(_, magic)| bytes.starts_with(magic))
        .map(|(name, _)| *name)
}

/// Addresses of blobs in `Attachment.url`: opened through the record that holds them, never by themselves.
const BLOB_URL: &str = "urn:karez:blob:";

/// A file opened under a permit.
#[derive(Debug, Clone)]
pub struct OpenFile {
    pub media_type: String,
    pub title: Phi<String>,
    pub bytes: Bytes,
}

/// A file to be filed in a patient's record.
pub(crate) struct NewFile<'a> {
    pub hospital: &'a HospitalId,
    pub patient: &'a ResourceId,
    pub title: &'a str,
    pub bytes: Bytes,
    /// What it belongs to: the number of a case, or none.
    pub about: Option<&'a str>,
}

impl App {
    /// Puts the content and adds its DocumentReference to the batch. Refuses types that cannot be shown and what is too
    /// large.
    pub(crate) async fn put_file(
        &self,
        cx: &Cx,
        batch: &mut Batch,
        file: NewFile<'_>,
    ) -> Result<CaseFile, AppError> {
        if file.bytes.len() > limits::FILE_BYTES_MAX {
            return Err(AppError::TooMuch("file"));
        }
        let Some(media_type) = sniff(&file.bytes) else {
            return Err(AppError::invalid(
                "file",
                "file-type",
                "PDF, PNG and JPEG can be filed",
            ));
        };
        let title = clean_title(file.title, media_type);
        let size = file.bytes.len() as u64;
        let blob = self
            .store
            .put_blob(file.hospital, Some(file.patient), media_type, file.bytes)
            .await?;
        let id = self.new_id();
        let mut resource = json!({
            "resourceType": "DocumentReference",
            "status": "current",
            "description": title,
            "subject": {"reference": format!("Patient/{}", file.patient)},
            "date": cx.now.to_string(),
            "author": [{"identifier": {"system": "urn:karez:account", "value": cx.actor.account.as_str()}, "display": cx.name}],
            "content": [{"attachment": {
                "contentType": media_type, "size": size, "title": title,
                "url": format!("{BLOB_URL}{}", blob.address)
            }}],
        });
        if let (Some(about), Some(map)) = (file.about, resource.as_object_mut()) {
            map.insert("context".into(), json!({"related": [{"identifier": {"system": "urn:karez:case-number", "value": about}}]}));
            // Whoever files it with a case has classified it: a photograph, or a note. What nobody classified keeps no
            // type, and is shared one by one alone.
            let (code, display) = match media_type {
                "application/pdf" => ("34109-9", "Note"),
                _ => ("72170-4", "Photographic image"),
            };
            map.insert(
                "type".into(),
                json!({"coding": [{"system": "http://loinc.org", "code": code, "display": display}]}),
            );
        }
        batch.writes.push(Write {
            key: RecordKey::new(file.hospital.clone(), kind("DocumentReference"), id.clone()),
            expect: Precondition::Absent,
            body: WriteBody::Fhir(Bytes::from(resource.to_string())),
            blobs: vec![blob],
        });
        Ok(CaseFile {
            id,
            title: Phi::new(title),
            media_type: media_type.to_owned(),
            size,
        })
    }

    /// Attaches a file to a case: while it is a draft it goes with the request; later it is filed with the case and goes
    /// along with a message or with what was asked for.
    pub async fn attach(
        &self,
        cx: &Cx,
        key: &RecordKey,
        title: &str,
        bytes: Bytes,
    ) -> Result<CaseFile, AppError> {
        let doc = self.case_doc(cx, key).await?;
        let case = &doc.doc.case;
        if case.request.files.len() >= limits::CASE_FILES_MAX {
            return Err(AppError::TooMuch("files"));
        }
        // Only the referring side files into its own record.
        if !by(cx).is_clinician_of(&case.hospital) {
            return Err(AppError::denied("not-yours"));
        }
        if matches!(case.status, Status::Cancelled | Status::Closed) {
            return Err(AppError::rejected("wrong-status", "the case is over"));
        }
        let mut batch = Batch::new(cx.now);
        let file = self
            .put_file(
                cx,
                &mut batch,
                NewFile {
                    hospital: &case.hospital,
                    patient: &case.patient,
                    title,
                    bytes,
                    about: Some(&case.number),
                },
            )
            .await?;
        if matches!(case.status, Status::Draft | Status::Declined) {
            let mut files = case.request.files.clone();
            files.push(file.clone());
            let edit = Edit {
                files: Some(files),
                ..Edit::default()
            };
            let command = Command::Edit(Box::new(edit));
            let events = care::case::decide(case, &command, &by(cx), cx.now)?;
            self.commit_case(cx, doc, &events, batch, None).await?;
        } else {
            // Known to the case at once, so that it is shared with whoever works on it.
            let mut doc = doc;
            doc.doc.case.request.files.push(file.clone());
            if doc.doc.case.readable_until().is_some() {
                self.case_leaves(cx, &mut batch, &doc.doc.case).await?;
            }
            self.put_case(&mut batch, &doc)?;
            batch.projections.push(agreements::Projection::Shares {
                custodian: doc.doc.case.hospital.clone(),
                case: doc.doc.case.id.clone(),
                rows: super::act::share_rows(&doc.doc.case)?,
            });
            self.audit_case(
                cx,
                &mut batch,
                &doc,
                crate::audit_entry::Verb::Update,
                "case.file",
            );
            batch.event("case.file", &doc.key, "{}");
            self.store.commit(batch).await?;
        }
        Ok(file)
    }

    /// Takes a file out of a draft again; the DocumentReference stays in the patient's record.
    pub async fn detach(
        &self,
        cx: &Cx,
        key: &RecordKey,
        file: &ResourceId,
    ) -> Result<(), AppError> {
        let doc = self.case_doc(cx, key).await?;
        let mut files = doc.doc.case.request.files.clone();
        files.retain(|f| f.id != *file);
        let edit = Box::new(Edit {
            files: Some(files),
            ..Edit::default()
        });
        self.case_act(cx, key, super::CaseAct::Edit(edit))
            .await
            .map(drop)
    }

    /// Files of a case by id, in the order asked.
    pub(crate) async fn file_lines(
        &self,
        cx: &Cx,
        case: &Case,
        ids: &[ResourceId],
    ) -> Result<Vec<FileLine>, AppError> {
        let keys: Vec<RecordKey> = ids
            .iter()
            .map(|id| RecordKey::new(case.hospital.clone(), kind("DocumentReference"), id.clone()))
            .collect();
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let found = self.store.get_many(&cx.permit(), &keys).await?;
        let (entries, _) = self.entries(cx, &case.hospital, &found);
        Ok(found
            .iter()
            .zip(&entries)
            .flat_map(|(stored, entry)| files_of(&stored.key, entry))
            .collect())
    }

    /// Opens one file of a record: under the reader's permit, audited before a byte leaves.
    pub async fn open_file(
        &self,
        cx: &Cx,
        holder: &RecordKey,
        index: usize,
    ) -> Result<OpenFile, AppError> {
        let stored = self.read_record(cx, holder, "file.read").await?;
        let (url, media_type, title, data) = {
            let doc = raw::parse(stored.body.reveal())
                .map_err(|e| AppError::Internal(format!("record: {e}")))?;
            let root = doc.root();
            let attachment = match holder.kind.as_str() {
                "DocumentReference" => root
                    .list("content")
                    .nth(index)
                    .and_then(|c| c.get("attachment")),
                "DiagnosticReport" => root.list("presentedForm").nth(index),
                "Media" if index == 0 => root.get("content"),
                _ => None,
            }
            .ok_or(AppError::NotFound)?;
            (
                attachment.str_at("url").map(str::to_owned),
                attachment
                    .str_at("contentType")
                    .unwrap_or_default()
                    .to_owned(),
                attachment.str_at("title").unwrap_or_default().to_owned(),
                attachment.str_at("data").map(str::to_owned),
            )
        };
        let bytes = match (url, data) {
            (Some(url), _) if url.starts_with(BLOB_URL) => {
                let address = url.trim_start_matches(BLOB_URL);
                let blob = self
                    .store
                    .open_blob(&cx.permit(), holder, address)
                    .await?
                    .ok_or(AppError::NotFound)?;
                blob.all().await?
            }
            (_, Some(data)) => {
                use base64::Engine;
                let decoded = base64::engine::general_purpose::STANDARD
                    .decode(data)
                    .map_err(|_| AppError::Internal("attachment data".into()))?;
                Bytes::from(decoded)
            }
            // An address elsewhere is never fetched for a reader: it would tell them apart to a third party.
            _ => return Err(AppError::NotFound),
        };
        Ok(OpenFile {
            media_type: sniff(&bytes).map_or(media_type, str::to_owned),
            title: Phi::new(title),
            bytes,
        })
    }
}

/// A title without a path, bounded.
fn clean_title(title: &str, media_type: &str) -> String {
    let name = title.rsplit(['/', '\\']).next().unwrap_or_default();
    let name: String = name.chars().filter(|c| !c.is_control()).take(120).collect();
    let name = name.trim();
    if name.is_empty() {
        media_type.to_owned()
    } else {
        name.to_owned()
    }
}
