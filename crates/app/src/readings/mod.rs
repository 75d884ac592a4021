//! Reading studies: the worklist, the report that is drafted, signed and sealed with the machinery of opinions, the second
//! reading, and the critical finding that is raised until somebody who treats the patient has acknowledged it.
//!
//! A hospital reads its own studies; a study of another it reads under a case, for as long as the case is shared with it.

mod act;
mod alarm;
mod desk;
pub(crate) mod doc;
mod list;
mod open;
mod paper;
mod phrases;
mod read;
pub mod settings;
mod sign;
pub mod templates;
pub mod view;

pub use act::ReadingAct;
pub use doc::ReportText;
pub use list::reading_key;
pub use phrases::Phrase;
pub use sign::ReportAsk;

use agreements::{Privilege, Role};
use care::reading::{By, Event};
use kernel::RecordKey;
use store::{Batch, Stored};

use crate::audit_entry::{Entry, Verb};
use crate::docs::{self, Versioned};
use crate::{App, AppError, Cx};
use doc::ReadingDoc;

/// Parts of a report in order, by their codes.
pub const REPORT_PARTS: [&str; 5] = [
    "technique",
    "comparison",
    "findings",
    "impression",
    "recommendation",
];

/// Who acts, as the rule knows them.
fn by(cx: &Cx) -> Result<By, AppError> {
    Ok(By {
        account: cx.actor.account.clone(),
        hospital: cx.hospital()?.clone(),
        reads: cx.actor.has(Role::Consultant),
        treats: cx.actor.has(Role::Clinician),
        may_sign: cx.actor.may(Privilege::SignOpinion),
    })
}

impl From<care::reading::Rejected> for AppError {
    fn from(r: care::reading::Rejected) -> Self {
        Self::rejected(r.as_str(), "")
    }
}

impl App {
    /// A reading that the caller may know: one of the hospital that reads, or one who treats patients where the study is
    /// kept; and only while their permit opens the study itself.
    pub(crate) async fn reading_doc(
        &self,
        cx: &Cx,
        key: &RecordKey,
    ) -> Result<(Versioned<ReadingDoc>, Stored), AppError> {
        let own = cx.require_clinical()?;
        let permit = self.system(agreements::SystemPurpose::Decision);
        let doc = self
            .load::<ReadingDoc>(&permit, &key.hospital, &key.id)
            .await?
            .ok_or(AppError::NotFound)?;
        let reading = &doc.doc.reading;
        let known = (own == &reading.hospital && cx.actor.has(Role::Consultant))
            || own == &reading.study.hospital;
        if !known {
            return Err(AppError::NotFound);
        }
        let study = self
            .store
            .get(&cx.permit(), &reading.study, None)
            .await?
            .filter(|s| !s.deleted)
            .ok_or(AppError::NotFound)?;
        Ok((doc, study))
    }

    /// Applies events and puts the reading into the batch, with its entries in the audit of both hospitals and its event.
    pub(crate) fn put_reading(
        &self,
        cx: &Cx,
        batch: &mut Batch,
        doc: &mut Versioned<ReadingDoc>,
        events: Vec<Event>,
        action: &str,
    ) -> Result<(), AppError> {
        for event in events {
            doc.doc.reading.apply(event);
        }
        docs::put(batch, doc)?;
        let reading = &doc.doc.reading;
        let mut chains = vec![reading.hospital.clone(), reading.study.hospital.clone()];
        chains.dedup();
        let subjects = [doc.key.clone(), reading.study.clone()];
        for chain in &chains {
            let entry = Entry {
                verb: Verb::Update,
                action,
                subjects: &subjects,
                patient: Some((&reading.study.hospital, &reading.patient)),
                ground: None,
                denied: false,
            };
            batch.audit.push(cx.audit(chain, &entry));
        }
        let data = serde_json::json!({
            "reading": reading.study.hospital.as_str(),
            "study": reading.study.id.as_str(),
            "patient": reading.patient.as_str(),
        });
        batch.event(action, &doc.key, data.to_string());
        Ok(())
    }
}
