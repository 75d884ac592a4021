//! read, vread, history.

use bytes::Bytes;
use fhir::bundle::{BundleType, Response, Writer};
use kernel::{HospitalId, Phi, RecordKey, ResourceId, limits};
use store::{Batch, Stored};

use super::{DENIALS, HistoryAnswer, Resource};
use crate::audit_entry::{Entry, Verb};
use crate::{App, AppError, Cx};

impl App {
    /// FHIR read and vread (§3.1.0.1, §3.1.0.2). What the reader may not see is not there; a deletion they may know of is
    /// `Gone`. Audited before it is returned.
    pub async fn fhir_read(
        &self,
        cx: &Cx,
        key: &RecordKey,
        version: Option<u64>,
    ) -> Result<Resource, AppError> {
        self.known(&key.hospital)?;
        let Some(stored) = self.store.get(&cx.permit(), key, version).await? else {
            self.not_shown(cx, key).await?;
            return Err(AppError::NotFound);
        };
        if stored.deleted {
            return Err(AppError::Gone);
        }
        self.seen(
            cx,
            &key.hospital,
            std::slice::from_ref(&stored),
            "record.read",
        )
        .await?;
        Ok(stored.into())
    }

    /// FHIR history of one resource (§3.1.0.14) as a Bundle of type history.
    pub async fn fhir_history(
        &self,
        cx: &Cx,
        key: &RecordKey,
        count: Option<u32>,
        cursor: Option<&str>,
    ) -> Result<HistoryAnswer, AppError> {
        self.known(&key.hospital)?;
        let limit = count
            .unwrap_or(limits::PAGE_SIZE_DEFAULT)
            .clamp(1, limits::PAGE_SIZE_MAX);
        let page = self.store.history(&cx.permit(), key, cursor, limit).await?;
        if page.versions.is_empty() {
            self.not_shown(cx, key).await?;
            return Err(AppError::NotFound);
        }
        self.seen(cx, &key.hospital, &page.versions, "record.read")
            .await?;
        let base = self.fhir_base(&key.hospital);
        let local = format!("{}/{}", key.kind, key.id);
        let own = format!("{base}/{local}/_history?_count={limit}");
        let next = page.next.as_ref().map(|c| format!("{own}&_cursor={c}"));
        let mut links = vec![("self", own.as_str())];
        links.extend(next.iter().map(|n| ("next", n.as_str())));
        let mut writer = Writer::new(BundleType::History, None, cx.now, None, &links);
        for v in &page.versions {
            let etag = format!("W/\"{}\"", v.version);
            let (request, status) = match (v.deleted, v.version) {
                (true, _) => (("DELETE", local.as_str()), "204 No Content"),
                (false, 1) => (("POST", key.kind.as_str()), "201 Created"),
                (false, _) => (("PUT", local.as_str()), "200 OK"),
            };
            let response = Response {
                status,
                etag: Some(&etag),
                last_modified: Some(v.at),
                ..Response::default()
            };
            let body = (!v.deleted).then(|| &**v.body.reveal());
            writer.version(&format!("{base}/{local}"), body, request, &response);
        }
        Ok(HistoryAnswer {
            body: Phi::new(Bytes::from(writer.finish())),
        })
    }

    /// Notes in both chains that someone asked for a record of another hospital and was shown nothing. Whether it is there
    /// is not said.
    async fn not_shown(&self, cx: &Cx, key: &RecordKey) -> Result<(), AppError> {
        if cx.actor.hospital.as_ref() == Some(&key.hospital) {
            return Ok(());
        }
        let subjects = std::slice::from_ref(key);
        self.note_refused(
            cx,
            &key.hospital,
            Verb::Read,
            subjects,
            "not there, or not permitted",
        )
        .await
    }

    /// Notes in the chains of the custodian and of the asker that something was refused, and why.
    async fn note_refused(
        &self,
        cx: &Cx,
        custodian: &HospitalId,
        verb: Verb,
        subjects: &[RecordKey],
        why: &str,
    ) -> Result<(), AppError> {
        let entry = Entry {
            verb,
            action: "record.refused",
            subjects,
            patient: None,
            ground: Some(why),
            denied: true,
        };
        let mut batch = Batch::new(cx.now);
        for chain in crate::records::chains(cx, custodian) {
            batch.audit.push(cx.audit(chain, &entry));
        }
        self.store.commit(batch).await?;
        Ok(())
    }

    /// Notes a refused write, when an interaction itself refused it; a concept's command has noted its own.
    pub async fn fhir_note_denied(
        &self,
        cx: &Cx,
        hospital: &HospitalId,
        error: &AppError,
    ) -> Result<(), AppError> {
        let AppError::Denied(denial) = error else {
            return Ok(());
        };
        if self.known(hospital).is_err() || !DENIALS.contains(&denial.reason.as_str()) {
            return Ok(());
        }
        self.note_refused(cx, hospital, Verb::Execute, &[], &denial.reason)
            .await
    }

    /// Notes in the audit that these records are about to be shown: one entry for each patient they are about. Records
    /// about nobody (a directory) are public within the node and leave none.
    pub(super) async fn seen<'r>(
        &self,
        cx: &Cx,
        hospital: &HospitalId,
        records: impl IntoIterator<Item = &'r Stored>,
        action: &str,
    ) -> Result<(), AppError> {
        let mut by_patient: Vec<(&ResourceId, Vec<RecordKey>)> = Vec::new();
        for r in records {
            let Some(patient) = &r.patient else { continue };
            // Results about one patient mostly come in a row.
            match by_patient.iter_mut().rev().find(|(p, _)| *p == patient) {
                Some((_, keys)) if keys.contains(&r.key) => {}
                Some((_, keys)) => keys.push(r.key.clone()),
                None => by_patient.push((patient, vec![r.key.clone()])),
            }
        }
        // Across hospitals each is on disk before the answer leaves; together they share commits.
        let notes = by_patient
            .iter()
            .map(|(patient, keys)| self.note_read(cx, hospital, Some(*patient), keys, action));
        futures::future::try_join_all(notes).await?;
        Ok(())
    }
}
