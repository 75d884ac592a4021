//! Reading and verifying a signed report.

use agreements::{ActorKind, SystemPurpose};
use care::reading::Kind;
use kernel::{Phi, RecordKey, ResourceId};

use super::doc::SignedReport;
use super::view::{FinalReport, ReportView};
use crate::audit_entry::{Entry, Verb};
use crate::docs::Versioned;
use crate::opinions::{SectionView, sha256_hex};
use crate::records::{kind, patient_key};
use crate::{App, AppError, Cx};
use store::Batch;

impl App {
    /// A signed report as its bytes say, verified now against the reading hospital's keys. The access is written down before
    /// anything is returned.
    pub async fn report(&self, cx: &Cx, id: &ResourceId) -> Result<ReportView, AppError> {
        let held = self.report_held(cx, id).await?;
        self.report_audit(cx, &held, "report.read").await?;
        self.report_view(cx, &held).await
    }

    /// The sealed file, to keep and to verify anywhere.
    pub async fn report_file(&self, cx: &Cx, id: &ResourceId) -> Result<Vec<u8>, AppError> {
        let held = self.report_held(cx, id).await?;
        self.report_audit(cx, &held, "report.saved").await?;
        Ok(held.doc.file.into_inner().into_bytes())
    }

    /// The copy of the caller's hospital: its own report, or one whose DiagnosticReport is open to the caller.
    pub(super) async fn report_held(
        &self,
        cx: &Cx,
        id: &ResourceId,
    ) -> Result<Versioned<SignedReport>, AppError> {
        let permit = self.system(SystemPurpose::Decision);
        let tenants: Vec<kernel::HospitalId> = match (cx.actor.kind, &cx.actor.hospital) {
            (ActorKind::Patient, _) | (_, None) => {
                cx.actor.linked.iter().map(|l| l.hospital.clone()).collect()
            }
            (_, Some(own)) => vec![own.clone()],
        };
        for tenant in tenants {
            let Some(held) = self.load::<SignedReport>(&permit, &tenant, id).await? else {
                continue;
            };
            // A preliminary report is for those who treat; the patient reads the one that stands.
            if cx.actor.kind == ActorKind::Patient && held.doc.kind == Kind::Preliminary {
                continue;
            }
            // What a hospital signed is its own, also when the case it was for is closed.
            if tenant == held.doc.hospital && cx.actor.is_clinical() {
                return Ok(held);
            }
            let custodian = held.doc.study.hospital.clone();
            let entry = RecordKey::new(
                custodian,
                kind("DiagnosticReport"),
                held.doc.reading.id.clone(),
            );
            let readable = self.store.get(&cx.permit(), &entry, None).await?;
            if readable.is_some_and(|s| !s.deleted) {
                return Ok(held);
            }
        }
        Err(AppError::NotFound)
    }

    /// The newest signed report of the reading behind a DiagnosticReport of ours.
    pub async fn report_of_entry(
        &self,
        cx: &Cx,
        entry: &RecordKey,
    ) -> Result<Vec<ResourceId>, AppError> {
        let permit = self.system(SystemPurpose::Decision);
        let lookups = vec![store::Lookup::new("reading", entry.id.as_str())];
        let found = self
            .find::<SignedReport>(&permit, Some(&entry.hospital), lookups, None, 50, false)
            .await?;
        let readable = self.store.get(&cx.permit(), entry, None).await?;
        if readable.is_none_or(|s| s.deleted) {
            return Ok(Vec::new());
        }
        let mut found: Vec<_> = found
            .into_iter()
            .map(|f| (f.doc.signed, f.key.id))
            .collect();
        found.sort();
        Ok(found.into_iter().map(|(_, id)| id).collect())
    }

    /// The signed reports of a study that stand, with what was added to them, oldest first: those whose DiagnosticReport
    /// the caller may read. A preliminary report is not among them.
    pub async fn final_reports(
        &self,
        cx: &Cx,
        study: &RecordKey,
    ) -> Result<Vec<FinalReport>, AppError> {
        let permit = self.system(SystemPurpose::Decision);
        let mut found = Vec::new();
        for reading in self.final_readings(study).await? {
            let entry = RecordKey::new(
                study.hospital.clone(),
                kind("DiagnosticReport"),
                reading.clone(),
            );
            let readable = self.store.get(&cx.permit(), &entry, None).await?;
            if readable.is_none_or(|s| s.deleted) {
                continue;
            }
            let by = vec![store::Lookup::new("reading", reading.as_str())];
            let held = self
                .find::<SignedReport>(&permit, Some(&study.hospital), by, None, 50, false)
                .await?;
            found.extend(held.into_iter().map(|h| FinalReport {
                id: h.key.id,
                kind: h.doc.kind,
                signed: h.doc.signed,
                hospital: h.doc.hospital,
            }));
        }
        found.retain(|r| r.kind != Kind::Preliminary);
        found.sort_by(|a, b| a.signed.cmp(&b.signed).then_with(|| a.id.cmp(&b.id)));
        Ok(found)
    }

    pub(super) async fn report_audit(
        &self,
        cx: &Cx,
        held: &Versioned<SignedReport>,
        action: &str,
    ) -> Result<(), AppError> {
        let custodian = &held.doc.study.hospital;
        let mut chains = vec![custodian.clone()];
        chains.extend(cx.actor.hospital.clone().filter(|own| own != custodian));
        let mut batch = Batch::new(cx.now);
        for chain in &chains {
            let entry = Entry {
                verb: Verb::Read,
                action,
                subjects: std::slice::from_ref(&held.key),
                patient: Some((custodian, &held.doc.patient)),
                ground: None,
                denied: false,
            };
            batch.audit.push(cx.audit(chain, &entry));
        }
        self.store.commit(batch).await?;
        Ok(())
    }

    pub(super) async fn report_view(
        &self,
        cx: &Cx,
        held: &Versioned<SignedReport>,
    ) -> Result<ReportView, AppError> {
        let doc = &held.doc;
        let trust = self.trust_in(&doc.hospital).await?;
        let text = doc.file.reveal();
        let later = doc.stamp.token();
        let report = seal::verify_with(text.as_bytes(), Some(&trust), later.as_deref());
        let (bytes, said) = self.thawed(text, &doc.study.hospital)?;
        let study = self
            .store
            .get(&cx.permit(), &doc.study, None)
            .await?
            .filter(|s| !s.deleted)
            .and_then(|s| self.study_line(cx, &s));
        Ok(ReportView {
            id: held.key.id.clone(),
            kind: doc.kind,
            reading: doc.reading.clone(),
            study,
            patient: patient_key(&doc.study.hospital, &doc.patient),
            hospital: self.hospital_line(cx, &doc.hospital),
            sections: said
                .parts
                .iter()
                .map(|(code, text): &(String, Phi<String>)| SectionView {
                    code: code.clone(),
                    text: text.clone(),
                    language: said.language.clone(),
                })
                .collect(),
            author_name: said.author_name,
            role: said.role,
            licence: said.licence,
            responsible: said.responsible,
            legal: said.legal,
            signed: report.facts.as_ref().map_or(doc.signed, |f| f.signed_at),
            addendum_to: said.amends.map(|(id, _)| id),
            report,
            digest: sha256_hex(&bytes),
        })
    }
}
