//! Late entries: what was written on paper while the system was down, entered afterwards with the time it was true of
//! the patient, the time it was entered, and why so late.

use kernel::{Instant, Kind, Phi, RecordKey, limits};
use serde_json::json;
use store::{Batch, Precondition};

use crate::audit_entry::{Entry, Verb};
use crate::records::patient_key;
use crate::{App, AppError, Cx, FieldProblem};

/// Why something is entered late; words under `late-reason-*`.
pub const LATE_REASONS: [&str; 4] = ["system-down", "line-down", "power-cut", "other"];

/// How far back a late entry may lie, days. Older paper is imported as a document.
const DAYS_MAX: i64 = 31;

/// One note of the paper.
#[derive(Debug, Clone)]
pub struct LateEntry {
    /// When it was true of the patient.
    pub happened: Instant,
    /// One of [`LATE_REASONS`].
    pub reason: String,
    pub title: Phi<String>,
    pub text: Phi<String>,
    /// Who wrote it on paper, if it was another person.
    pub written_by: Option<String>,
    /// A case of this patient whose thread is told too.
    pub case: Option<RecordKey>,
}

impl App {
    /// Files the note in the patient's record and, if a case is named, in its thread; both say that they are late.
    pub async fn enter_late(
        &self,
        cx: &Cx,
        patient: &RecordKey,
        late: &LateEntry,
    ) -> Result<RecordKey, AppError> {
        let own = cx.require_clinical()?;
        if patient.hospital != *own {
            return Err(AppError::denied("other-hospital"));
        }
        check(cx, late)?;
        let subject = patient_key(&patient.hospital, &patient.id);
        let known = self.store.get(&cx.permit(), &subject, None).await?;
        known.filter(|s| !s.deleted).ok_or(AppError::NotFound)?;

        for _ in 0..4 {
            let id = self.new_id();
            let key = RecordKey::new(own.clone(), Kind::new("ClinicalImpression")?, id);
            let mut batch = Batch::new(cx.now);
            let body = note(cx, &key, patient, late).to_string();
            batch.put_fhir(key.clone(), Precondition::Absent, body);
            batch.audit.push(cx.audit(
                own,
                &Entry {
                    patient: Some((own, &patient.id)),
                    ground: Some(&late.reason),
                    ..Entry::of(Verb::Create, "record.entered-late", &key)
                },
            ));
            batch.event("record.written", &key, "{}");
            if let Some(case) = &late.case {
                self.late_message(cx, &mut batch, case, patient, late)
                    .await?;
            }
            match self.store.commit(batch).await {
                Ok(_) => return Ok(key),
                // Somebody acted on the case meanwhile.
                Err(store::StoreError::Precondition { .. }) if late.case.is_some() => {}
                Err(e) => return Err(e.into()),
            }
        }
        Err(AppError::Conflict)
    }

    async fn late_message(
        &self,
        cx: &Cx,
        batch: &mut Batch,
        case: &RecordKey,
        patient: &RecordKey,
        late: &LateEntry,
    ) -> Result<(), AppError> {
        let mut doc = self.case_doc(cx, case).await?;
        if doc.doc.case.hospital != patient.hospital || doc.doc.case.patient != patient.id {
            return Err(AppError::NotFound);
        }
        self.may_write(cx, &doc.doc).await?;
        let text = Phi::new(format!("{}\n\n{}", late.title.reveal(), late.text.reveal()));
        let said = (&text, &[][..]);
        self.put_marked(cx, batch, &mut doc, said, "late-entry", Some(mark(late)))?;
        self.put_case(batch, &doc)?;
        self.audit_case(cx, batch, &doc, Verb::Create, "case.message");
        batch.event("case.message", &doc.key, "{}");
        let drafts = self.message_notices(cx, &doc);
        self.notify(batch, drafts)
    }
}

/// The extension that says so: when it happened, why it is late, who wrote it.
fn mark(late: &LateEntry) -> serde_json::Value {
    let mut parts = vec![
        json!({"url": "happened", "valueDateTime": late.happened.to_string()}),
        json!({"url": "reason", "valueCode": late.reason}),
    ];
    if let Some(who) = &late.written_by {
        parts.push(json!({"url": "writtenBy", "valueString": who}));
    }
    json!({"url": care::timeline::LATE_ENTRY, "extension": parts})
}

fn note(cx: &Cx, key: &RecordKey, patient: &RecordKey, late: &LateEntry) -> serde_json::Value {
    json!({
        "resourceType": "ClinicalImpression",
        "id": key.id.as_str(),
        "extension": [mark(late)],
        "status": "completed",
        "description": late.title.reveal(),
        "subject": {"reference": format!("Patient/{}", patient.id)},
        "effectiveDateTime": late.happened.to_string(),
        "date": cx.now.to_string(),
        "assessor": {"display": late.written_by.as_ref().unwrap_or(&cx.name)},
        "note": [{
            "authorString": cx.name,
            "time": cx.now.to_string(),
            "text": late.text.reveal(),
        }],
    })
}

fn check(cx: &Cx, late: &LateEntry) -> Result<(), AppError> {
    let mut problems = Vec::new();
    let mut say = |field: &str, code: &'static str, text: &str| {
        problems.push(FieldProblem::new(field, code, text));
    };
    let age = cx.now.duration_since(late.happened);
    if age.is_negative() {
        say("happened", "late-future", "it lies in the future");
    } else if age > jiff::SignedDuration::from_hours(24 * DAYS_MAX) {
        say(
            "happened",
            "late-too-old",
            "older paper is imported as a document",
        );
    }
    if !LATE_REASONS.contains(&late.reason.as_str()) {
        say("reason", "missing", "why it is entered late");
    }
    for (field, text, missing) in [
        ("title", &late.title, "late-title-missing"),
        ("text", &late.text, "late-text-missing"),
    ] {
        if text.reveal().trim().is_empty() {
            say(field, missing, "words are needed");
        } else if text.reveal().chars().count() > limits::TEXT_CHARS_MAX {
            say(field, "too-long", "the text is too long");
        }
    }
    if problems.is_empty() {
        Ok(())
    } else {
        Err(AppError::Invalid(problems))
    }
}
