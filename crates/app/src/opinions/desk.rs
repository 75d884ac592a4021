//! The editor's side: the draft, kept as it is typed, and what the author must know before signing.

use agreements::{Privilege, Role, SystemPurpose};
use care::case::Case;
use kernel::limits::TEXT_CHARS_MAX;
use kernel::{HospitalId, Instant, RecordKey};
use store::{Batch, Precondition};

use super::doc::{Draft, DraftText};
use super::record::{changes, seen};
use super::view::{Desk, Legal};
use super::{ORDERS_MAX, templates};
use crate::cases::view::PersonLine;
use crate::docs::{self, Versioned};
use crate::{App, AppError, Cx, FieldProblem};

impl App {
    /// The case, if the caller is a consultant of the hospital that answers it.
    pub(crate) async fn case_to_answer(
        &self,
        cx: &Cx,
        key: &RecordKey,
    ) -> Result<(Case, HospitalId), AppError> {
        let own = cx.require(Role::Consultant)?.clone();
        let case = self.case_doc(cx, key).await?.doc.case;
        if case.answering() != Some(&own) {
            return Err(AppError::denied("not-your-case"));
        }
        Ok((case, own))
    }

    /// Everything the editor needs, and remembers which versions of the record it shows. Write the access down
    /// (`audit_read`) where the record itself is drawn.
    pub async fn opinion_desk(&self, cx: &Cx, case_key: &RecordKey) -> Result<Desk, AppError> {
        let (case, own) = self.case_to_answer(cx, case_key).await?;
        let records = self.rested_on(cx, &case).await?;
        let zone = self
            .hospital(&case.hospital)
            .map_or(jiff::tz::TimeZone::UTC, |h| h.time_zone());
        let shown = seen(&records);
        let mut draft = self.draft_of(cx, case_key, &own).await?;
        if draft.version == 0 {
            draft.doc.base = shown.clone();
        }
        let changed = changes(&draft.doc.base, &records, &zone);
        if draft.version == 0 || draft.doc.shown != shown {
            draft.doc.shown = shown;
            let mut batch = Batch::new(cx.now);
            docs::put(&mut batch, &draft)?;
            self.store.commit(batch).await?;
        }
        let person = self
            .person_at(&cx.actor.account, &own)
            .await?
            .ok_or(AppError::Unauthenticated)?;
        let needs_co_signature = case.terms.as_ref().is_some_and(|t| t.needs_co_signature);
        let co_signers = if needs_co_signature {
            self.co_signers(cx, &own).await?
        } else {
            Vec::new()
        };
        let mut text = draft.doc.text;
        if text.language.is_empty() {
            text.language = case
                .request
                .language
                .clone()
                .unwrap_or_else(|| cx.language.tag().into());
        }
        Ok(Desk {
            templates: templates::all(&text.language),
            draft: text,
            kept: draft.doc.kept,
            co_signers,
            needs_co_signature,
            responsible: self.hospital_line(cx, &own).name,
            licence: person.licence.map(|l| l.number),
            legal: legal_of(&case),
            changed,
        })
    }

    /// Keeps the draft as it stands; returns when. Works for a case that cannot be answered at the moment, so that
    /// nothing typed is lost.
    pub async fn keep_opinion_draft(
        &self,
        cx: &Cx,
        case_key: &RecordKey,
        text: DraftText,
    ) -> Result<Instant, AppError> {
        check(&text)?;
        let (_, own) = self.case_to_answer(cx, case_key).await?;
        let mut draft = self.draft_of(cx, case_key, &own).await?;
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
        self.store.commit(batch).await?;
        Ok(cx.now)
    }

    /// The author's draft for this case, or an empty one.
    pub(crate) async fn draft_of(
        &self,
        cx: &Cx,
        case: &RecordKey,
        own: &HospitalId,
    ) -> Result<Versioned<Draft>, AppError> {
        let permit = self.system(SystemPurpose::Decision);
        let lookup = vec![Draft::lookup(case, &cx.actor.account)];
        let found = self
            .find::<Draft>(&permit, Some(own), lookup, None, 1, false)
            .await?;
        Ok(found.into_iter().next().unwrap_or_else(|| Versioned {
            key: self.doc_key::<Draft>(own, &self.new_id()),
            version: 0,
            doc: Draft {
                case: case.clone(),
                author: cx.actor.account.clone(),
                text: DraftText::default(),
                kept: None,
                base: Vec::new(),
                shown: Vec::new(),
            },
        }))
    }

    async fn co_signers(&self, cx: &Cx, own: &HospitalId) -> Result<Vec<PersonLine>, AppError> {
        let people = self.people_at(own, Some(Role::Consultant)).await?;
        let line = self.hospital_line(cx, own);
        Ok(people
            .into_iter()
            .filter(|p| p.account != cx.actor.account && p.licence.is_some())
            .filter(|p| p.privileges.contains(&Privilege::SignOpinion))
            .map(|p| PersonLine {
                name: p.name_for(cx.language).to_owned(),
                account: p.account,
                hospital: Some(line.clone()),
                specialty: p.specialties.into_iter().next(),
            })
            .collect())
    }
}

/// A second reading of images is a report; everything else is advice.
pub(crate) fn legal_of(case: &Case) -> Legal {
    match case.request.service.as_deref() {
        Some("second-reading" | "report" | "reporting") => Legal::Report,
        _ => Legal::Advisory,
    }
}

/// Bounds of a draft.
pub(crate) fn check(text: &DraftText) -> Result<(), AppError> {
    let long = |t: &str| t.chars().count() > TEXT_CHARS_MAX;
    let fields = [
        ("findings", &text.findings),
        ("assessment", &text.assessment),
        ("advice", &text.advice),
    ];
    let mut problems: Vec<FieldProblem> = fields
        .into_iter()
        .filter(|(_, t)| long(t.reveal()))
        .map(|(name, _)| FieldProblem::new(name, "too-long", "the text is too long"))
        .collect();
    if text.orders.len() > ORDERS_MAX || text.orders.iter().any(|o| long(o.reveal())) {
        problems.push(FieldProblem::new(
            "orders",
            "too-long",
            "too many orders, or one is too long",
        ));
    }
    let tag_ok = text.language.len() <= 35
        && text
            .language
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if !tag_ok {
        problems.push(FieldProblem::new(
            "language",
            "language",
            "not a language tag",
        ));
    }
    if problems.is_empty() {
        Ok(())
    } else {
        Err(AppError::Invalid(problems))
    }
}
