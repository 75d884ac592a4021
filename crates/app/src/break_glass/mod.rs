//! Break-glass: asked for with a reason, counted from that moment for four hours, told to the administrators at once,
//! reviewed afterwards.

use agreements::break_glass::{self, BreakGlass, BreakGlassError, ReviewOutcome};
use agreements::{Action, Projection, Role, Subject, SystemPurpose};
use kernel::{HospitalId, Kind, RecordKey, ResourceId};
use store::{Batch, Lookup};

use crate::audit_entry::{Entry, Verb};
use crate::docs::{self, Document, Versioned};
use crate::{App, AppError, Cx};

impl Document for BreakGlass {
    const KIND: &'static str = "break-glass";
    fn lookups(&self) -> Vec<Lookup> {
        vec![
            Lookup::new("patient", self.patient.as_str()),
            Lookup::new("account", self.account.as_str()),
            Lookup::new("review", if self.review.is_some() { "done" } else { "due" }),
        ]
    }
}

/// An opening with the name of who asked for it.
#[derive(Debug, Clone)]
pub struct OpeningView {
    pub opening: BreakGlass,
    pub name: String,
    /// How many reads were made under it.
    pub reads: usize,
}

impl App {
    /// Opens one patient's record to the actor for at most four hours.
    pub async fn break_glass(
        &self,
        cx: &Cx,
        custodian: &HospitalId,
        patient: &ResourceId,
        reason: &str,
    ) -> Result<BreakGlass, AppError> {
        let subject = Subject::Record {
            hospital: custodian.clone(),
            patient: patient.clone(),
        };
        let decision = self.require(cx, Action::BreakGlass, subject).await?;
        let patient_key = RecordKey::new(custodian.clone(), Kind::new("Patient")?, patient.clone());
        let permit = self.system(SystemPurpose::Decision);
        let there = self.store.get(&permit, &patient_key, None).await?;
        if there.is_none_or(|p| p.deleted) {
            return Err(AppError::NotFound);
        }
        let opening = break_glass::open(
            self.new_id(),
            &cx.actor,
            custodian.clone(),
            patient.clone(),
            reason,
            cx.now,
        )
        .map_err(refused)?;
        let mut batch = Batch::new(cx.now);
        batch
            .projections
            .push(Projection::Emergency { row: opening.row() });
        let doc = Versioned {
            key: self.doc_key::<BreakGlass>(custodian, &opening.id),
            version: 0,
            doc: opening,
        };
        docs::put(&mut batch, &doc)?;
        let ground = decision
            .agreement()
            .map_or_else(|| "own hospital".to_owned(), |a| format!("agreement {a}"));
        let entry = Entry {
            patient: Some((custodian, patient)),
            ground: Some(&ground),
            ..Entry::of(Verb::Execute, "break-glass.opened", &patient_key)
        };
        batch.audit.push(cx.audit(custodian, &entry));
        if doc.doc.hospital != *custodian {
            batch.audit.push(cx.audit(&doc.doc.hospital, &entry));
        }
        let data = format!("{{\"opening\":\"{}\"}}", doc.doc.id);
        batch.event("break-glass.opened", &doc.key, data);
        self.tell_administrators(&mut batch, custodian, "break-glass", &doc.key)
            .await?;
        self.store.commit(batch).await?;
        Ok(doc.doc)
    }

    /// Openings of the hospital's records, newest first; `due` for those without a review.
    pub async fn openings(&self, cx: &Cx, due: bool) -> Result<Vec<OpeningView>, AppError> {
        let hospital = cx.require(Role::Administrator)?;
        let permit = self.system(SystemPurpose::Decision);
        let by = vec![Lookup::new("review", if due { "due" } else { "done" })];
        let found = self
            .find::<BreakGlass>(&permit, Some(hospital), by, None, 200, true)
            .await?;
        let mut all = Vec::with_capacity(found.len());
        for v in found {
            let person = self.person(&v.doc.account).await?;
            let name = person.map_or_else(
                || v.doc.account.to_string(),
                |p| p.name_for(cx.language).to_owned(),
            );
            let reads = self.reads_between(&v.doc).await?;
            all.push(OpeningView {
                opening: v.doc,
                name,
                reads,
            });
        }
        Ok(all)
    }

    async fn reads_between(&self, b: &BreakGlass) -> Result<usize, AppError> {
        let permit = self.system(SystemPurpose::Audit);
        let filter = store::AuditFilter {
            account: Some(b.account.clone()),
            patient: Some(b.patient.clone()),
            from: Some(b.from),
            until: Some(b.until),
            limit: 1_000,
            ..Default::default()
        };
        let page = self.store.audit(&permit, &b.custodian, &filter).await?;
        let reads = page
            .records
            .iter()
            .filter(|r| crate::audit::is_read(&r.action))
            .count();
        Ok(reads)
    }

    /// Judges an opening. What was not justified ends now, if it still runs.
    pub async fn review_break_glass(
        &self,
        cx: &Cx,
        id: &ResourceId,
        outcome: ReviewOutcome,
        note: &str,
    ) -> Result<(), AppError> {
        let hospital = cx.require(Role::Administrator)?.clone();
        let permit = self.system(SystemPurpose::Decision);
        let current: Versioned<BreakGlass> = self.need(&permit, &hospital, id).await?;
        let mut reviewed =
            break_glass::review(&current.doc, &cx.actor, outcome, note, cx.now).map_err(refused)?;
        let mut batch = Batch::new(cx.now);
        if outcome == ReviewOutcome::NotJustified && cx.now < reviewed.until {
            reviewed.until = cx.now;
            batch.projections.push(Projection::Emergency {
                row: reviewed.row(),
            });
        }
        let patient = reviewed.patient.clone();
        let doc = Versioned {
            key: current.key,
            version: current.version,
            doc: reviewed,
        };
        docs::put(&mut batch, &doc)?;
        batch.audit.push(cx.audit(
            &hospital,
            &Entry {
                patient: Some((&hospital, &patient)),
                ground: Some(outcome.as_str()),
                ..Entry::of(Verb::Update, "break-glass.reviewed", &doc.key)
            },
        ));
        let data = format!("{{\"opening\":\"{}\"}}", doc.doc.id);
        batch.event("break-glass.reviewed", &doc.key, data);
        self.store.commit(batch).await?;
        Ok(())
    }
}

fn refused(e: BreakGlassError) -> AppError {
    match e {
        BreakGlassError::Reason => AppError::invalid("reason", e.key(), e.to_string()),
        BreakGlassError::Note => AppError::invalid("note", e.key(), e.to_string()),
        BreakGlassError::Reviewed => AppError::rejected(e.key(), e.to_string()),
        _ => AppError::denied(e.key()),
    }
}
