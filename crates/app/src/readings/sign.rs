//! Signing a report: freeze, sign, seal, write the DiagnosticReport where the study is kept, all in one commit.

use agreements::Role;
use care::reading::{self, Command, Kind};
use kernel::{Phi, RecordKey, ResourceId};
use serde_json::{Value, json};
use store::{Batch, Precondition, Stored};

use super::act::number;
use super::doc::{ReadingDoc, ReportText, SignedReport};
use crate::accounts::Reauth;
use crate::docs::{self, Versioned};
use crate::notices::Draft;
use crate::opinions::frozen::{Amended, Frozen, Nature, mark, narrative};
use crate::opinions::sign::{author, parse, put, text_of};
use crate::opinions::{Legal, sha256_hex};
use crate::records::{kind, patient_key};
use crate::viewing::view::StudyLine;
use crate::{App, AppError, Cx};

/// What the reader gives when signing.
#[derive(Debug, Clone)]
pub struct ReportAsk {
    pub reauth: Reauth,
    pub kind: Kind,
}

/// Codes of what a DiagnosticReport is (LOINC).
const LOINC: (&str, &str) = ("18748-4", "Diagnostic imaging study");

impl App {
    /// Signs the draft. Order of refusals: the reading's rules, an empty report, privilege and licence, then password and
    /// code; nothing is signed before all are met.
    pub async fn sign_report(
        &self,
        cx: &Cx,
        key: &RecordKey,
        ask: ReportAsk,
    ) -> Result<ResourceId, AppError> {
        let own = cx.require(Role::Consultant)?.clone();
        let (mut doc, study) = self.reading_doc(cx, key).await?;
        let r = doc.doc.reading.clone();
        let id = self.new_id();
        let command = Command::Sign {
            id: id.clone(),
            kind: ask.kind,
        };
        let events = reading::decide(&r, command, Some(&super::by(cx)?), cx.now)?;
        let request = self.request_under(cx, &r, ask.kind).await?;
        let draft = self.report_draft(cx, &doc).await?;
        let mut text = draft.doc.text.clone();
        complete(&mut text, cx)?;
        let patient = patient_key(&r.study.hospital, &r.patient);
        let person_record = self
            .store
            .get(&cx.permit(), &patient, None)
            .await?
            .filter(|s| !s.deleted)
            .ok_or(AppError::NotFound)?;
        let line = self.study_line(cx, &study).ok_or(AppError::NotFound)?;
        let amends = self.report_amended(&r, ask.kind).await?;
        let person = self.licensed(cx, &own).await?;
        self.reauthenticate(cx, &ask.reauth).await?;

        let records = [person_record, study];
        let number = number(&doc);
        let mut frozen = Frozen {
            base: &self.settings().base_url,
            id: &id,
            at: cx.now,
            nature: Nature::Report,
            parts: text.parts(),
            language: &text.language,
            answering: self.party(&own),
            referring: self.party(&r.study.hospital),
            patient: patient.clone(),
            case_number: &number,
            author: author(&person)?,
            legal: Legal::Report,
            amends,
            request: request.as_ref(),
            records: &records,
            report: None,
        };
        let before = self.report_before(&doc).await?;
        let resource = diagnostic_report(&frozen, &doc, &line, ask.kind, before.as_ref());
        frozen.report = Some(resource.clone());
        let bundle = frozen.bundle();
        let (file, stamp) = self.sign_and_seal(cx, &own, &bundle).await?;
        let signed = SignedReport {
            reading: key.clone(),
            study: r.study.clone(),
            patient: r.patient.clone(),
            hospital: own.clone(),
            author: cx.actor.account.clone(),
            kind: ask.kind,
            signed: cx.now,
            addendum_to: frozen.amends.as_ref().map(|a| a.id.clone()),
            file: Phi::new(text_of(&file)?),
            stamp,
        };
        let mut batch = self.report_kept(cx, &signed, &frozen, bundle, &file)?;
        let expect = before.map_or(Precondition::Absent, |b| Precondition::Version(b.version));
        batch.put_fhir(report_key(&doc), expect, resource.to_string());
        if draft.version > 0 {
            batch.delete(draft.key, Precondition::Any);
        }
        let drafts = self.report_readers(&doc, cx).await?;
        self.put_reading(cx, &mut batch, &mut doc, events, "reading.signed")?;
        self.notify(&mut batch, drafts)?;
        self.store.commit(batch).await?;
        Ok(id)
    }

    /// What is kept of a signed report: the document and its parts at the hospital that read, the sealed file there and at
    /// the study's custodian.
    fn report_kept(
        &self,
        cx: &Cx,
        signed: &SignedReport,
        frozen: &Frozen<'_>,
        bundle: Vec<u8>,
        file: &seal::SealedFile,
    ) -> Result<Batch, AppError> {
        let (own, id) = (&signed.hospital, frozen.id);
        let mut batch = Batch::new(cx.now);
        put(&mut batch, own, "Bundle", id, bundle)?;
        let composition = frozen.composition().to_string();
        put(&mut batch, own, "Composition", id, composition)?;
        let provenance = frozen.provenance(file).to_string();
        put(&mut batch, own, "Provenance", id, provenance)?;
        let mut holders = vec![own.clone(), signed.study.hospital.clone()];
        holders.dedup();
        for holder in holders {
            let copy = Versioned {
                key: self.doc_key::<SignedReport>(&holder, id),
                version: 0,
                doc: signed.clone(),
            };
            docs::put(&mut batch, &copy)?;
        }
        Ok(batch)
    }

    /// The request a study is read under, which must still stand for a new report; none for a hospital's own.
    async fn request_under(
        &self,
        cx: &Cx,
        r: &care::reading::Reading,
        kind_of: Kind,
    ) -> Result<Option<Stored>, AppError> {
        let Some(case) = &r.case else {
            return Ok(None);
        };
        let key = RecordKey::new(r.study.hospital.clone(), kind("case"), case.clone());
        let (case, _) = self.case_to_answer(cx, &key).await?;
        // An addendum is the author's duty even after the agreement ended.
        if kind_of != Kind::Addendum {
            self.terms_now(&case, cx.now).await?;
        }
        self.request_of(cx, &case).await
    }

    /// The report an addendum adds to, or a final one follows.
    async fn report_amended(
        &self,
        r: &care::reading::Reading,
        kind_of: Kind,
    ) -> Result<Option<Amended>, AppError> {
        let Some(standing) = r.standing().filter(|_| kind_of != Kind::Preliminary) else {
            return Ok(None);
        };
        let permit = self.system(agreements::SystemPurpose::Decision);
        let held = self
            .need::<SignedReport>(&permit, &r.hospital, &standing.id)
            .await?;
        let bytes = parse(held.doc.file.reveal())?.document()?;
        Ok(Some(Amended {
            id: standing.id.clone(),
            digest: sha256_hex(&bytes),
        }))
    }

    async fn report_before(&self, doc: &Versioned<ReadingDoc>) -> Result<Option<Stored>, AppError> {
        let permit = self.system(agreements::SystemPurpose::Decision);
        let found = self.store.get(&permit, &report_key(doc), None).await?;
        Ok(found.filter(|s| !s.deleted))
    }

    /// Who is told that a report was signed: whoever asked in the case.
    async fn report_readers(
        &self,
        doc: &Versioned<ReadingDoc>,
        cx: &Cx,
    ) -> Result<Vec<Draft>, AppError> {
        if doc.doc.reading.case.is_none() {
            return Ok(Vec::new());
        }
        let people = self.treating(doc, 0).await?;
        Ok(people
            .into_iter()
            .filter(|(a, _)| *a != cx.actor.account)
            .map(|(to, hospital)| Draft {
                to,
                hospital,
                what: "report-signed".into(),
                subject: doc.key.clone(),
                number: number(doc),
                urgent: false,
            })
            .collect())
    }
}

/// The DiagnosticReport of a reading: one, at the study's custodian, under the reading's id.
pub(super) fn report_key(doc: &Versioned<ReadingDoc>) -> RecordKey {
    let custodian = doc.doc.reading.study.hospital.clone();
    RecordKey::new(custodian, kind("DiagnosticReport"), doc.key.id.clone())
}

/// A report says what was found or what it means; the language falls back to the author's.
fn complete(text: &mut ReportText, cx: &Cx) -> Result<(), AppError> {
    super::desk::check(text)?;
    if text.language.is_empty() {
        text.language = cx.language.tag().into();
    }
    let empty = |t: &Phi<String>| t.reveal().trim().is_empty();
    if empty(&text.findings) && empty(&text.impression) {
        return Err(AppError::rejected(
            "report-empty",
            "a report says what was found or what it means",
        ));
    }
    Ok(())
}

/// DiagnosticReport (FHIR R4 §10.1): its status, what it concludes, the study it is of, and every part as it was signed.
fn diagnostic_report(
    frozen: &Frozen<'_>,
    doc: &Versioned<ReadingDoc>,
    line: &StudyLine,
    kind_of: Kind,
    before: Option<&Stored>,
) -> Value {
    let r = &doc.doc.reading;
    let status = match kind_of {
        Kind::Preliminary => "preliminary",
        Kind::Final => "final",
        Kind::Addendum => "appended",
    };
    let said = |code: &str| {
        frozen
            .parts
            .iter()
            .find(|(c, _)| *c == code)
            .map(|(_, t)| t.clone())
    };
    let conclusion = said("impression")
        .or_else(|| said("findings"))
        .unwrap_or_default();
    // An addendum stands after what it adds to.
    let earlier = before.filter(|_| kind_of == Kind::Addendum).and_then(|b| {
        let value: Value = serde_json::from_slice(b.body.reveal()).ok()?;
        Some(value.get("conclusion")?.as_str()?.to_owned())
    });
    let conclusion = match earlier {
        Some(earlier) => format!("{earlier}\n\n{conclusion}"),
        None => conclusion,
    };
    let whole: Vec<&str> = frozen.parts.iter().map(|(_, t)| t.as_str()).collect();
    let mut value = json!({
        "resourceType": "DiagnosticReport",
        "id": doc.key.id.as_str(),
        "meta": mark(),
        "language": frozen.language,
        "text": {"status": "additional", "div": narrative(&whole.join("\n\n"))},
        "identifier": [{"system": "urn:karez:reading", "value": doc.key.id.as_str()}],
        "status": status,
        "category": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0074", "code": "RAD"}]}],
        "code": {
            "coding": [{"system": "http://loinc.org", "code": LOINC.0, "display": LOINC.1}],
            "text": if line.description.is_empty() { line.modalities.join(", ") } else { line.description.clone() },
        },
        "subject": {"reference": format!("Patient/{}", r.patient)},
        "issued": frozen.at.to_string(),
        "performer": [{"display": frozen.answering.name}],
        "resultsInterpreter": [{"display": frozen.author.name}],
        "imagingStudy": [{"reference": format!("ImagingStudy/{}", r.study.id)}],
        "conclusion": conclusion,
    });
    if let Some(started) = &line.started {
        value["effectiveDateTime"] = json!(started);
    }
    value
}
