//! Images that an agreement lets cross without identity alone: the clause opens no image by itself, and whoever answers a
//! case under it gets copies instead, made when they are asked for. The secret is one per agreement and custodian, so that a
//! patient keeps one pseudonym in all that a partner sees, and it stays with the custodian.

use agreements::{Actor, ActorKind, Linked, SystemPurpose};
use care::case::Case;
use kernel::{HospitalId, RecordKey, ResourceId};
use store::{Batch, StoreError};

use super::project::{Project, Use};
use super::{Cleaning, Options, Rules};
use crate::docs::{self, Versioned};
use crate::package::Package;
use crate::records::{kind, patient_key};
use crate::viewing::goes_with;
use crate::{App, AppError, Cx};

/// A study that can be had without identity: what kind it is and how much, and nothing that says whose or when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyLine {
    pub study: ResourceId,
    pub modalities: Vec<String>,
    pub body_part: String,
    pub images: u64,
}

impl App {
    /// The studies of a case that its clause lets cross without identity; empty where the clause says nothing of the kind.
    /// For clinical staff of the hospital that answers, while the case, its agreement and its consent stand.
    pub async fn case_copies(&self, cx: &Cx, key: &RecordKey) -> Result<Vec<CopyLine>, AppError> {
        let Some(case) = self.case_without_identity(cx, key).await? else {
            return Ok(Vec::new());
        };
        let permit = self.system(SystemPurpose::Decision);
        let kinds = [kind("ImagingStudy")];
        let found = self
            .store
            .records_of(
                &permit,
                &case.hospital,
                &case.patient,
                &kinds,
                crate::viewing::STUDIES_MAX,
            )
            .await?;
        let lines = found
            .iter()
            .filter(|s| goes_with(&case, &s.key) && !s.class.is_sensitive())
            .filter_map(|s| self.study_line(cx, s))
            .filter(|l| l.state.has_pictures());
        Ok(lines
            .map(|l| CopyLine {
                study: l.key.id,
                modalities: l.modalities,
                body_part: l.body_part,
                images: l.instances,
            })
            .collect())
    }

    /// Copies of one of them as a zip. What cannot be cleaned stays behind. Written down at both hospitals before this
    /// returns.
    pub async fn case_copy_package(
        &self,
        cx: &Cx,
        key: &RecordKey,
        study: &ResourceId,
    ) -> Result<Package, AppError> {
        let lines = self.case_copies(cx, key).await?;
        if !lines.iter().any(|l| l.study == *study) {
            return Err(AppError::NotFound);
        }
        let case = self
            .case_without_identity(cx, key)
            .await?
            .ok_or(AppError::NotFound)?;
        let agreement = case.request.agreement.as_ref().ok_or(AppError::NotFound)?;
        let cleaning = self.crossing_cleaning(&case.hospital, agreement).await?;
        let study = RecordKey::new(case.hospital.clone(), kind("ImagingStudy"), study.clone());
        let patient = patient_key(&case.hospital, &case.patient);
        self.audit_read(
            cx,
            &patient,
            std::slice::from_ref(&study),
            "study.copy.read",
        )
        .await?;
        // The copies are made from this study and nothing else is read for them.
        let mut reader = cx.clone();
        reader.actor = Actor {
            account: cx.actor.account.clone(),
            kind: ActorKind::Patient,
            hospital: None,
            roles: Default::default(),
            privileges: Default::default(),
            linked: vec![Linked {
                only: Some(vec![(study.kind.clone(), study.id.clone())]),
                sensitive: false,
                consents: false,
                ..Linked::whole(case.hospital.clone(), case.patient.clone())
            }],
        };
        self.package_of(&reader, &study, None, Some(cleaning)).await
    }

    /// The case, where the caller answers it and its clause lends images without identity.
    async fn case_without_identity(
        &self,
        cx: &Cx,
        key: &RecordKey,
    ) -> Result<Option<Case>, AppError> {
        let own = cx.require_clinical()?.clone();
        let case = self.case_doc(cx, key).await?.doc.case;
        if case.answering() != Some(&own) || case.shut {
            return Ok(None);
        }
        let terms = match self.terms_now(&case, cx.now).await {
            Ok(terms) => terms,
            // An agreement that does not stand now lends nothing; the case itself may still be read.
            Err(AppError::Denied(_)) => return Ok(None),
            Err(e) => return Err(e),
        };
        let agreement = self.agreement_now(&terms.agreement).await?;
        let clause = agreement
            .as_ref()
            .and_then(|a| a.terms.clause(terms.clause));
        if !clause.is_some_and(|c| c.conditions.images_without_identity) {
            return Ok(None);
        }
        match self.check_consent(&case, &terms, cx.now).await {
            Ok(()) => Ok(Some(case)),
            Err(AppError::Denied(_) | AppError::Invalid(_) | AppError::Rejected { .. }) => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// What cleans for an agreement; its secret is made with the first copy.
    async fn crossing_cleaning(
        &self,
        custodian: &HospitalId,
        agreement: &ResourceId,
    ) -> Result<Cleaning, AppError> {
        let id = crate::tokens::digest(&["crossing", agreement.as_str()]);
        let id = ResourceId::new(id)?;
        let permit = self.system(SystemPurpose::Decision);
        if self
            .load::<Project>(&permit, custodian, &id)
            .await?
            .is_none()
        {
            let key = self.doc_key::<Project>(custodian, &id);
            let project = Versioned {
                version: 0,
                doc: Project {
                    name: format!("agreement {agreement}"),
                    purpose: Use::Crossing,
                    options: Options {
                        characteristics: true,
                        ..Options::default()
                    },
                    devices: Vec::new(),
                    secret: self.new_project_secret(&key)?,
                    by: self.job_cx().actor.account,
                    made: self.now(),
                },
                key,
            };
            let mut batch = Batch::new(self.now());
            docs::put(&mut batch, &project)?;
            match self.store.commit(batch).await {
                // Somebody asked at the same moment: theirs is the one.
                Ok(_) | Err(StoreError::Precondition { .. }) => {}
                Err(e) => return Err(e.into()),
            }
        }
        let project = self.need::<Project>(&permit, custodian, &id).await?;
        let secret = self.project_secret(&project)?;
        Ok(Cleaning(std::sync::Arc::new(Rules {
            options: project.doc.options,
            parts: None,
            devices: project.doc.devices,
            secret,
            leave_out: true,
        })))
    }
}
