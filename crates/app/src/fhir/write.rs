//! create, update and delete.

use agreements::SystemPurpose;
use bytes::Bytes;
use fhir::raw;
use kernel::{HospitalId, RecordKey, ResourceId};
use store::{Batch, Precondition, StoreError, Stored};

use super::routed::{self, Rule};
use super::{Resource, Written, check, local_patient, own};
use crate::audit_entry::{Entry, Verb};
use crate::{App, AppError, Cx};

impl App {
    /// FHIR create (§3.1.0.8): the server chooses the id, whatever the body says. With `if_none_exist` (a query) an
    /// existing match is given back instead; several matches fail the precondition.
    pub async fn fhir_create(
        &self,
        cx: &Cx,
        hospital: &HospitalId,
        kind: &str,
        body: Bytes,
        if_none_exist: Option<&str>,
    ) -> Result<Written, AppError> {
        self.known(hospital)?;
        let kind = fhir::schema::resource_type(kind).ok_or(AppError::NotFound)?;
        if let Rule::Command(concept) = routed::rule(kind, &body)? {
            check::base(kind, &body)?;
            let key = self
                .fhir_command(cx, hospital, concept, kind, None, &body)
                .await?;
            return self.outcome_of(cx, &key, true).await;
        }
        own(cx, hospital)?;
        let checked = check::content(self, cx, hospital, kind, &body)?;
        self.not_an_answer(hospital, kind, &body).await?;
        if let Some(query) = if_none_exist
            && let Some(found) = self.one_match(cx, hospital, kind, query).await?
        {
            return Ok(Written {
                resource: found.into(),
                created: false,
            });
        }
        if let Some(patient) = &checked.patient {
            self.patient_exists(hospital, patient, kind).await?;
        }
        let key = RecordKey::parse(hospital.as_str(), kind, self.new_id().as_str())?;
        let patient = checked
            .patient
            .or_else(|| (kind == "Patient").then(|| key.id.clone()));
        self.put(
            cx,
            key,
            Precondition::Absent,
            body,
            patient.as_ref(),
            Verb::Create,
        )
        .await
    }

    /// FHIR update (§3.1.0.4) of a resource that is there. `if_match` is the version the client has seen. Ids are the
    /// server's: a new one cannot be made this way, and what the client may not see answers alike.
    pub async fn fhir_update(
        &self,
        cx: &Cx,
        key: &RecordKey,
        body: Bytes,
        if_match: Option<u64>,
    ) -> Result<Written, AppError> {
        self.known(&key.hospital)?;
        let kind = key.kind.as_str();
        if let Rule::Command(concept) = routed::rule(kind, &body)? {
            check::base(kind, &body)?;
            self.current(cx, key, if_match).await?;
            let key = self
                .fhir_command(cx, &key.hospital, concept, kind, Some(&key.id), &body)
                .await?;
            return self.outcome_of(cx, &key, false).await;
        }
        own(cx, &key.hospital)?;
        let checked = check::content(self, cx, &key.hospital, kind, &body)?;
        let current = self.fhir_updatable(cx, key, &body, if_match).await?;
        let patient = checked
            .patient
            .or_else(|| (kind == "Patient").then(|| key.id.clone()));
        if let Some(patient) = patient.as_ref().filter(|_| current.patient.is_none()) {
            self.patient_exists(&key.hospital, patient, kind).await?;
        }
        let expect = Precondition::Version(current.version);
        self.put(
            cx,
            key.clone(),
            expect,
            body,
            patient.as_ref(),
            Verb::Update,
        )
        .await
    }

    /// FHIR delete (§3.1.0.7): leaves a tombstone. Deleting twice is no error.
    pub async fn fhir_delete(
        &self,
        cx: &Cx,
        key: &RecordKey,
        if_match: Option<u64>,
    ) -> Result<(), AppError> {
        self.known(&key.hospital)?;
        own(cx, &key.hospital)?;
        let current = self.fhir_deletable(cx, key, if_match).await?;
        if current.deleted {
            return Ok(());
        }
        let mut batch = Batch::new(cx.now);
        batch.delete(key.clone(), Precondition::Version(current.version));
        let subjects = [key.clone()];
        batch.audit.push(cx.audit(
            &key.hospital,
            &entry(
                &subjects,
                &key.hospital,
                current.patient.as_ref(),
                Verb::Delete,
            ),
        ));
        batch.event("record.deleted", key, "{}");
        self.index_patients(&mut batch)?;
        self.store.commit(batch).await.map_err(raced)?;
        Ok(())
    }

    /// The present version of what an update replaces, after everything that may speak against it. The content has been
    /// checked.
    pub(super) async fn fhir_updatable(
        &self,
        cx: &Cx,
        key: &RecordKey,
        body: &Bytes,
        if_match: Option<u64>,
    ) -> Result<Stored, AppError> {
        let kind = key.kind.as_str();
        if raw::peek(body).id.as_deref() != Some(key.id.as_str()) {
            let text = "the id in the body and in the address differ";
            return Err(AppError::invalid(format!("{kind}.id"), "value", text));
        }
        let current = self.current(cx, key, if_match).await?;
        unsealed(&current)?;
        check::may_write(cx, current.class)?;
        self.not_an_answer(&key.hospital, kind, body).await?;
        let patient = {
            let doc = raw::parse(body).map_err(|e| check::unreadable(kind, &e))?;
            let base = self.fhir_base(&key.hospital);
            fhir::patient_of(kind, doc.root()).and_then(|p| local_patient(&p, &base))
        };
        if current.patient.is_some() && current.patient != patient {
            let text = "a record filed under the wrong patient is corrected, not overwritten";
            return Err(AppError::invalid(kind, "business-rule", text));
        }
        Ok(current)
    }

    /// The present version of what is deleted, after everything that may speak against it. It may be a tombstone.
    pub(super) async fn fhir_deletable(
        &self,
        cx: &Cx,
        key: &RecordKey,
        if_match: Option<u64>,
    ) -> Result<Stored, AppError> {
        if let Some(refusal) = routed::refuses_delete(key.kind.as_str()) {
            return Err(refusal);
        }
        let current = self
            .store
            .get(&cx.permit(), key, None)
            .await?
            .ok_or(AppError::NotFound)?;
        if !current.deleted {
            expect_version(&current, if_match)?;
            unsealed(&current)?;
            check::may_write(cx, current.class)?;
            if key.kind.as_str() == "Patient" {
                self.nothing_filed_under(key).await?;
            }
        }
        Ok(current)
    }

    /// The version to be changed, as the client may see it.
    async fn current(
        &self,
        cx: &Cx,
        key: &RecordKey,
        if_match: Option<u64>,
    ) -> Result<Stored, AppError> {
        let absent = || {
            AppError::NotAllowed(
                "a resource that is not there cannot be updated: create it with POST".into(),
            )
        };
        let current = self
            .store
            .get(&cx.permit(), key, None)
            .await?
            .ok_or_else(absent)?;
        if current.deleted && if_match.is_none() {
            return Err(AppError::Gone);
        }
        expect_version(&current, if_match)?;
        Ok(current)
    }

    async fn put(
        &self,
        cx: &Cx,
        key: RecordKey,
        expect: Precondition,
        body: Bytes,
        patient: Option<&ResourceId>,
        verb: Verb,
    ) -> Result<Written, AppError> {
        let mut batch = Batch::new(cx.now);
        batch.put_fhir(key.clone(), expect, body.clone());
        let subjects = [key.clone()];
        batch.audit.push(cx.audit(
            &key.hospital,
            &entry(&subjects, &key.hospital, patient, verb),
        ));
        batch.event("record.written", &key, "{}");
        self.index_patients(&mut batch)?;
        let committed = self.store.commit(batch).await.map_err(raced)?;
        let version = committed.versions.first().copied().unwrap_or(1);
        let shown = raw::splice_meta(&body, key.id.as_str(), &version.to_string(), cx.now);
        Ok(Written {
            resource: Resource {
                key,
                version,
                at: cx.now,
                body: kernel::Phi::new(Bytes::from(shown)),
            },
            created: verb_is_create(verb),
        })
    }

    /// What a command left behind. One who may command but not read gets its place and version alone.
    pub(super) async fn outcome_of(
        &self,
        cx: &Cx,
        key: &RecordKey,
        created: bool,
    ) -> Result<Written, AppError> {
        if let Some(stored) = self.store.get(&cx.permit(), key, None).await? {
            return Ok(Written {
                resource: stored.into(),
                created,
            });
        }
        let permit = self.system(SystemPurpose::Decision);
        let stored = self
            .store
            .get(&permit, key, None)
            .await?
            .ok_or(AppError::NotFound)?;
        let resource = Resource {
            body: kernel::Phi::new(Bytes::new()),
            ..stored.into()
        };
        Ok(Written { resource, created })
    }

    /// The one resource a conditional create or reference means (§3.1.0.8.1), or none.
    pub(super) async fn one_match(
        &self,
        cx: &Cx,
        hospital: &HospitalId,
        kind: &str,
        query: &str,
    ) -> Result<Option<Stored>, AppError> {
        let pairs = fhir::search::pairs(query);
        if pairs.is_empty() {
            return Err(AppError::invalid(
                "http.If-None-Exist",
                "value",
                "a search is expected",
            ));
        }
        let mut query = self.fhir_query(cx, hospital, kind, &pairs, false)?;
        query.count = 2;
        let page = self.store.search(&cx.permit(), hospital, &query).await?;
        let mut matches = page.matches.into_iter();
        match (matches.next(), matches.next()) {
            (_, Some(_)) => Err(AppError::PreconditionFailed),
            (found, None) => Ok(found),
        }
    }

    /// A Patient goes only when nothing is filed under it.
    async fn nothing_filed_under(&self, patient: &RecordKey) -> Result<(), AppError> {
        let permit = self.system(SystemPurpose::Decision);
        // The Patient itself is one of them.
        let filed = self
            .store
            .records_of(&permit, &patient.hospital, &patient.id, &[], 2)
            .await?;
        if filed.iter().any(|s| s.key != *patient) {
            return Err(AppError::Conflict);
        }
        Ok(())
    }
}

fn verb_is_create(verb: Verb) -> bool {
    verb == Verb::Create
}

fn expect_version(current: &Stored, if_match: Option<u64>) -> Result<(), AppError> {
    match if_match {
        Some(version) if version != current.version => Err(AppError::PreconditionFailed),
        _ => Ok(()),
    }
}

/// Refuses to change what Karez has written or sealed.
fn unsealed(current: &Stored) -> Result<(), AppError> {
    if current.deleted {
        return Ok(());
    }
    let kind = current.key.kind.as_str();
    let doc = raw::parse(current.body.reveal())
        .map_err(|_| AppError::Internal("a stored resource".into()))?;
    if check::is_marked(doc.root()) || routed::is_document(kind, doc.root()) {
        return Err(AppError::NotAllowed(format!(
            "this {kind} was written by Karez and is changed only there"
        )));
    }
    Ok(())
}

/// Between reading and writing another write came in.
fn raced(e: StoreError) -> AppError {
    match e {
        StoreError::Precondition { .. } => AppError::Conflict,
        other => other.into(),
    }
}

pub(super) fn entry<'a>(
    subjects: &'a [RecordKey],
    hospital: &'a HospitalId,
    patient: Option<&'a ResourceId>,
    verb: Verb,
) -> Entry<'a> {
    Entry {
        verb,
        action: match verb {
            Verb::Create => "record.created",
            Verb::Update => "record.updated",
            Verb::Delete => "record.deleted",
            Verb::Read | Verb::Execute => "record.written",
        },
        subjects,
        patient: patient.map(|p| (hospital, p)),
        ground: None,
        denied: false,
    }
}
