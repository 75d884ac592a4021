//! The report's editor: the draft, kept as it is typed, and what helps in writing it.

use agreements::{Role, SystemPurpose};
use kernel::limits::TEXT_CHARS_MAX;
use kernel::{Instant, Phi, RecordKey};
use store::{Batch, Precondition};

use super::doc::{ReadingDoc, ReportDraft, ReportText};
use super::view::ReportDesk;
use super::{REPORT_PARTS, phrases};
use crate::docs::{self, Versioned};
use crate::records::patient_key;
use crate::{App, AppError, Cx, FieldProblem};

impl App {
    /// Everything the editor needs, for whoever reads the study now.
    pub async fn report_desk(&self, cx: &Cx, key: &RecordKey) -> Result<ReportDesk, AppError> {
        let own = cx.require(Role::Consultant)?.clone();
        let (doc, study) = self.reading_doc(cx, key).await?;
        let line = self.study_line(cx, &study).ok_or(AppError::NotFound)?;
        let draft = self.report_draft(cx, &doc).await?;
        let view = self.study(cx, &doc.doc.reading.study).await?;
        let person = self
            .person_at(&cx.actor.account, &own)
            .await?
            .ok_or(AppError::Unauthenticated)?;
        let settings = self.reading_settings(&own).await?;
        let mut text = draft.doc.text;
        if text.language.is_empty() {
            text.language = cx.language.tag().into();
        }
        Ok(ReportDesk {
            templates: settings.templates_for(&text.language, &line.modalities, &line.body_part),
            macros: phrases::with_own(
                self.own_phrases(cx).await?,
                settings.macros_for(&text.language),
            ),
            draft: text,
            kept: draft.doc.kept,
            priors: view.priors,
            measures: view.notes.measures.iter().map(|m| m.text.clone()).collect(),
            responsible: self.hospital_line(cx, &own).name,
            licence: person.licence.map(|l| l.number),
        })
    }

    /// Keeps the draft as it stands; returns when. It also keeps the claim alive.
    pub async fn keep_report_draft(
        &self,
        cx: &Cx,
        key: &RecordKey,
        text: ReportText,
    ) -> Result<Instant, AppError> {
        check(&text)?;
        cx.require(Role::Consultant)?;
        let (mut doc, _) = self.reading_doc(cx, key).await?;
        if doc.doc.reading.reader.as_ref() != Some(&cx.actor.account) {
            return Err(care::reading::Rejected::NotReader.into());
        }
        let mut draft = self.report_draft(cx, &doc).await?;
        draft.doc.text = text;
        draft.doc.kept = Some(cx.now);
        let mut batch = Batch::new(cx.now);
        docs::put(&mut batch, &draft)?;
        // Two windows of one author: the later text stands, as each shows when it was kept.
        if draft.version > 0
            && let Some(write) = batch.writes.first_mut()
        {
            write.expect = Precondition::Any;
        }
        let claimed = doc.doc.reading.claimed;
        if claimed.is_none_or(|at| cx.now.duration_since(at).as_mins() >= 5) {
            doc.doc.reading.claimed = Some(cx.now);
            docs::put(&mut batch, &doc)?;
        }
        self.store.commit(batch).await?;
        Ok(cx.now)
    }

    /// The author's draft of this report, or an empty one.
    pub(super) async fn report_draft(
        &self,
        cx: &Cx,
        doc: &Versioned<ReadingDoc>,
    ) -> Result<Versioned<ReportDraft>, AppError> {
        let permit = self.system(SystemPurpose::Decision);
        let own = cx.hospital()?;
        let lookups = vec![ReportDraft::lookup(&doc.key, &cx.actor.account)];
        let found = self
            .find::<ReportDraft>(&permit, Some(own), lookups, None, 1, false)
            .await?;
        let r = &doc.doc.reading;
        Ok(found.into_iter().next().unwrap_or_else(|| Versioned {
            key: self.doc_key::<ReportDraft>(own, &self.new_id()),
            version: 0,
            doc: ReportDraft {
                reading: doc.key.clone(),
                patient: patient_key(&r.study.hospital, &r.patient),
                author: cx.actor.account.clone(),
                text: ReportText::default(),
                kept: None,
            },
        }))
    }
}

/// Bounds of a draft.
pub(super) fn check(text: &ReportText) -> Result<(), AppError> {
    let long = |t: &Phi<String>| t.reveal().chars().count() > TEXT_CHARS_MAX;
    let problems: Vec<FieldProblem> = REPORT_PARTS
        .into_iter()
        .filter(|code| text.part(code).is_some_and(long))
        .map(|code| FieldProblem::new(code, "too-long", "the text is too long"))
        .collect();
    let tag_ok = text.language.len() <= 35
        && text
            .language
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if problems.is_empty() && tag_ok {
        Ok(())
    } else if problems.is_empty() {
        Err(AppError::invalid(
            "language",
            "language",
            "not a language tag",
        ))
    } else {
        Err(AppError::Invalid(problems))
    }
}
