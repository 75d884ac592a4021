//! Messages in a case: FHIR Communications in the referring hospital's custody, whoever writes them.

use std::sync::Arc;

use agreements::ActorKind;
use care::case::Status;
use care::case::exchange::{self, Urls};
use care::timeline::{Late, late_of};
use fhir::json::Json;
use fhir::raw;
use kernel::{AccountId, Instant, Phi, RecordKey, ResourceId, limits};
use store::{Batch, Precondition, Stored};

use super::doc::CaseDoc;
use super::view::{MessageView, PersonLine};
use crate::audit_entry::Verb;
use crate::docs::Versioned;
use crate::notices::Draft;
use crate::people::Person;
use crate::records::kind;
use crate::{App, AppError, Cx};

/// Messages of one case that are shown.
pub const MESSAGES_MAX: u32 = 1_000;
/// What a patient wrote in one case; more than this wants a conversation, not another message.
pub const PATIENT_MESSAGES_MAX: usize = 50;
/// A message of the patient's doctors to the patient.
pub const TO_PATIENT: &str = "to-patient";
/// A message of the patient, or of somebody who acts for them.
pub const FROM_PATIENT: &str = "from-patient";

impl App {
    /// Writes a message to everyone in the case; `files` were attached to it before.
    pub async fn write_message(
        &self,
        cx: &Cx,
        key: &RecordKey,
        text: Phi<String>,
        files: &[ResourceId],
    ) -> Result<ResourceId, AppError> {
        self.write_about(cx, key, text, files, "message").await
    }

    /// Writes to the patient, who reads it on their own page. Their own hospital's staff do; partners write to
    /// colleagues.
    pub async fn write_to_patient(
        &self,
        cx: &Cx,
        key: &RecordKey,
        text: Phi<String>,
    ) -> Result<ResourceId, AppError> {
        if cx.hospital()? != &key.hospital {
            return Err(AppError::denied("other-hospital"));
        }
        self.write_about(cx, key, text, &[], TO_PATIENT).await
    }

    /// The patient, or somebody who acts for them, writes to the doctors of the case.
    pub async fn write_as_patient(
        &self,
        cx: &Cx,
        key: &RecordKey,
        text: Phi<String>,
    ) -> Result<ResourceId, AppError> {
        if cx.actor.kind != ActorKind::Patient {
            return Err(AppError::denied("patient-only"));
        }
        self.write_about(cx, key, text, &[], FROM_PATIENT).await
    }

    async fn write_about(
        &self,
        cx: &Cx,
        key: &RecordKey,
        text: Phi<String>,
        files: &[ResourceId],
        about: &str,
    ) -> Result<ResourceId, AppError> {
        if text.reveal().trim().is_empty() && files.is_empty() {
            return Err(AppError::invalid("text", "empty", "a message needs a text"));
        }
        if text.reveal().chars().count() > limits::TEXT_CHARS_MAX {
            return Err(AppError::TooMuch("message"));
        }
        for _ in 0..4 {
            let mut doc = self.case_doc(cx, key).await?;
            if about == FROM_PATIENT {
                self.patient_may_write(cx, &doc).await?;
            } else {
                self.may_write(cx, &doc.doc).await?;
            }
            let known = |id: &ResourceId| doc.doc.case.request.files.iter().any(|f| f.id == *id);
            if !files.iter().all(known) {
                return Err(AppError::invalid(
                    "files",
                    "unknown-file",
                    "not a file of this case",
                ));
            }
            let mut batch = Batch::new(cx.now);
            let id = self.put_message(cx, &mut batch, &mut doc, &text, files, about)?;
            self.put_case(&mut batch, &doc)?;
            self.audit_case(cx, &mut batch, &doc, Verb::Create, "case.message");
            batch.event("case.message", &doc.key, "{}");
            let drafts = self.message_notices(cx, &doc);
            self.notify(&mut batch, drafts)?;
            match self.store.commit(batch).await {
                Ok(_) => return Ok(id),
                Err(store::StoreError::Precondition { .. }) => {}
                Err(e) => return Err(e.into()),
            }
        }
        Err(AppError::Conflict)
    }

    /// A patient writes while the case is open, and not without end.
    async fn patient_may_write(&self, cx: &Cx, doc: &Versioned<CaseDoc>) -> Result<(), AppError> {
        let status = doc.doc.case.status;
        if status == Status::Draft || status.is_final() {
            return Err(AppError::rejected("wrong-status", "no messages now"));
        }
        let mine = self.messages(cx, doc).await?;
        if mine.iter().filter(|m| m.about == FROM_PATIENT).count() >= PATIENT_MESSAGES_MAX {
            return Err(AppError::TooMuch("messages of a patient in one case"));
        }
        Ok(())
    }

    /// Whether the person may write into the case now; a partner only while the agreement is active.
    pub(crate) async fn may_write(&self, cx: &Cx, doc: &CaseDoc) -> Result<(), AppError> {
        let case = &doc.case;
        let own = cx.require_clinical()?;
        if matches!(
            case.status,
            Status::Draft | Status::Cancelled | Status::Suspended
        ) {
            return Err(AppError::rejected("wrong-status", "no messages now"));
        }
        if *own == case.hospital {
            return Ok(());
        }
        if !case.is_with_answering() {
            return Err(AppError::denied("case-not-shared"));
        }
        self.terms_now(case, cx.now).await.map(drop)
    }

    /// Adds a Communication to the batch and counts it.
    pub(crate) fn put_message(
        &self,
        cx: &Cx,
        batch: &mut Batch,
        doc: &mut Versioned<CaseDoc>,
        text: &Phi<String>,
        files: &[ResourceId],
        about: &str,
    ) -> Result<ResourceId, AppError> {
        self.put_marked(cx, batch, doc, (text, files), about, None)
    }

    /// Like [`App::put_message`], with an extension that says more of the message.
    pub(crate) fn put_marked(
        &self,
        cx: &Cx,
        batch: &mut Batch,
        doc: &mut Versioned<CaseDoc>,
        (text, files): (&Phi<String>, &[ResourceId]),
        about: &str,
        mark: Option<serde_json::Value>,
    ) -> Result<ResourceId, AppError> {
        let id = self.new_id();
        let case = &doc.doc.case;
        // A patient writes in the hospital that keeps the record.
        let hospital = cx.actor.hospital.as_ref().unwrap_or(&case.hospital);
        let resource = exchange::communication(
            case,
            &id,
            (&cx.actor.account, &case.hospital, &cx.name),
            (text.reveal(), files),
            about,
            cx.now,
            Urls {
                base: &self.settings.base_url,
            },
        );
        let mut resource = resource;
        if let Some(mark) = mark {
            resource["extension"] = serde_json::json!([mark]);
        }
        if let Some(sender) = resource.get_mut("sender").and_then(|s| s.as_object_mut()) {
            // Which hospital the writer acted for: accounts may work in several.
            sender.insert(
                "extension".into(),
                serde_json::json!([{"url": exchange::HOSPITAL, "valueString": hospital.as_str()}]),
            );
        }
        let key = RecordKey::new(case.hospital.clone(), kind("Communication"), id.clone());
        batch.put_fhir(key, Precondition::Absent, resource.to_string());
        doc.doc.messages += 1;
        let messages = doc.doc.messages;
        doc.doc.seen.insert(cx.actor.account.clone(), messages);
        Ok(id)
    }

    /// Everyone with a part in the case, except who wrote.
    pub(crate) fn message_notices(&self, cx: &Cx, doc: &Versioned<CaseDoc>) -> Vec<Draft> {
        let case = &doc.doc.case;
        let answering = case.answering().unwrap_or(&case.hospital);
        let people = [
            (Some(&case.referrer), &case.hospital),
            (case.coordinator.as_ref(), answering),
            (case.consultant.as_ref(), answering),
        ];
        people
            .into_iter()
            .filter_map(|(account, hospital)| Some((account?, hospital)))
            .filter(|(account, _)| **account != cx.actor.account)
            .map(|(to, hospital)| Draft {
                to: to.clone(),
                hospital: hospital.clone(),
                what: "case-message".into(),
                subject: doc.key.clone(),
                number: case.number.clone(),
                urgent: false,
            })
            .collect()
    }

    /// The messages of a case that the reader may see, oldest first.
    pub(crate) async fn messages(
        &self,
        cx: &Cx,
        doc: &Versioned<CaseDoc>,
    ) -> Result<Vec<MessageView>, AppError> {
        let case = &doc.doc.case;
        let kinds = [kind("Communication")];
        let found = self
            .store
            .records_of(
                &cx.permit(),
                &case.hospital,
                &case.patient,
                &kinds,
                MESSAGES_MAX,
            )
            .await?;
        let mut list = Vec::new();
        for stored in found {
            if let Some((account, hospital, at, text, files, about, late)) =
                parse(&stored, &case.id)
            {
                let by = self.person_line(cx, &account, hospital.as_ref()).await?;
                list.push(MessageView {
                    mine: account == cx.actor.account,
                    by,
                    at,
                    text,
                    files: self.file_lines(cx, case, &files).await?,
                    about,
                    late,
                    key: stored.key,
                });
            }
        }
        list.sort_by(|a, b| (a.at, &a.key).cmp(&(b.at, &b.key)));
        Ok(list)
    }

    /// A person as a page names them; an account that is gone keeps its id.
    pub(crate) async fn person_line(
        &self,
        cx: &Cx,
        account: &AccountId,
        hospital: Option<&kernel::HospitalId>,
    ) -> Result<PersonLine, AppError> {
        let position = *self.watch().borrow();
        let asked = (account.clone(), hospital.cloned());
        let person = match self.faces.get(position, &asked) {
            Some(known) => known,
            None => {
                let found = self.face(account, hospital).await?.map(Arc::new);
                self.faces.keep(position, asked, found.clone());
                found
            }
        };
        Ok(PersonLine {
            account: account.clone(),
            name: person.as_ref().map_or_else(
                || account.to_string(),
                |p| p.name_for(cx.language).to_owned(),
            ),
            hospital: hospital.map(|h| self.hospital_line(cx, h)),
            specialty: person.and_then(|p| p.specialties.first().cloned()),
        })
    }

    /// The person as a member of the hospital, or as they are known without one.
    async fn face(
        &self,
        account: &AccountId,
        hospital: Option<&kernel::HospitalId>,
    ) -> Result<Option<Person>, AppError> {
        if let Some(h) = hospital
            && let Some(member) = self.person_at(account, h).await?
        {
            return Ok(Some(member));
        }
        self.person(account).await
    }
}

type Parsed = (
    AccountId,
    Option<kernel::HospitalId>,
    Instant,
    Phi<String>,
    Vec<ResourceId>,
    String,
    Option<Late>,
);

/// A Communication of this case; none for those of other cases of the patient.
fn parse(stored: &Stored, case: &ResourceId) -> Option<Parsed> {
    let doc = raw::parse(stored.body.reveal()).ok()?;
    let root = doc.root();
    let request = format!("ServiceRequest/{case}");
    root.list("basedOn")
        .find(|b| b.str_at("reference") == Some(request.as_str()))?;
    let sender = root.get("sender")?;
    let account = AccountId::new(sender.get("identifier")?.str_at("value")?).ok()?;
    let hospital = sender
        .list("extension")
        .find(|e| e.str_at("url") == Some(exchange::HOSPITAL))
        .and_then(|e| e.str_at("valueString"))
        .and_then(|h| kernel::HospitalId::new(h).ok());
    let payload = || root.list("payload");
    let text: Vec<&str> = payload()
        .filter_map(|p| p.str_at("contentString"))
        .collect();
    let files = payload()
        .filter_map(|p| p.get("contentReference")?.str_at("reference"))
        .filter_map(|r| ResourceId::new(r.strip_prefix("DocumentReference/")?).ok())
        .collect();
    let about = root
        .list("category")
        .find_map(|c| c.list("coding").find_map(|c| c.str_at("code")))
        .unwrap_or("message");
    Some((
        account,
        hospital,
        root.str_at("sent")?.parse().ok()?,
        Phi::new(text.join("\n\n")),
        files,
        about.to_owned(),
        late_of(root),
    ))
}
