//! Why the reader may see what they see: the decision of the rules, in words.

use agreements::decision::{Arg, CaseSubject, Reason, Words as Sentence};
use agreements::{Action, Subject};
use app::cases::view::{CaseView, Side};
use care::case::Status;
use kernel::ErrorCode;

use super::view::{class, service, specialty};
use crate::args;
use crate::components::Permitted;
use crate::frame::{PageCx, PageError, WebState};

/// The sentence above a case.
pub async fn of_case(state: &WebState, cx: &PageCx, v: &CaseView) -> Result<Permitted, PageError> {
    let w = cx.words();
    if v.side == Side::Referring {
        return Ok(Permitted {
            sentence: w.t("permit-own"),
            allowed: true,
            reasons: vec![(w.t("permit-reason"), w.t("why-own-hospital"))],
            agreement: None,
        });
    }
    let Some(answering) = v.case.answering() else {
        return Err(PageError::new(ErrorCode::NotFound));
    };
    let subject = Subject::Case(CaseSubject {
        id: v.key.id.clone(),
        referring: v.key.hospital.clone(),
        answering: answering.clone(),
        service: v.case.request.service.clone().unwrap_or_default(),
        specialty: v.case.request.specialty.clone().unwrap_or_default(),
        patient: v.case.patient.clone(),
        allocated_to: v.case.consultant.clone(),
    });
    let action = if v.can.answer {
        Action::AnswerCase
    } else {
        Action::WriteMessage
    };
    let decision = state.app.decide(cx.cx()?, action, subject).await?;
    let reasons = decision
        .words()
        .iter()
        .map(|s| (w.t("permit-reason"), why(state, cx, s)))
        .collect();
    let agreement = decision.reasons.iter().find_map(|r| match r {
        Reason::Agreement {
            agreement,
            number,
            clause,
            ..
        } => Some((agreement, number, *clause)),
        _ => None,
    });
    let consented = v.case.request.consent.is_some()
        || decision
            .reasons
            .iter()
            .any(|r| matches!(r, Reason::Consent { .. }));
    let sentence = match (decision.allowed, agreement) {
        (true, Some((_, number, clause))) => {
            let key = match (v.can.answer, consented) {
                (true, true) => "permit-answer-consent",
                (true, false) => "permit-answer",
                (false, true) => "permit-read-consent",
                (false, false) => "permit-read",
            };
            w.f(
                key,
                args!["number" => number, "clause" => i64::from(clause)],
            )
        }
        (true, None) => w.t("permit-own"),
        (false, _) if v.case.status == Status::Closed => w.t("permit-closed"),
        (false, _) => decision
            .words()
            .first()
            .map_or_else(|| w.t("denied-other"), |s| why(state, cx, s)),
    };
    let mut permitted = Permitted {
        sentence,
        allowed: decision.allowed,
        reasons,
        agreement: agreement.map(|(id, ..)| format!("/agreements/{id}")),
    };
    if decision.allowed && agreement.is_some() {
        permitted
            .reasons
            .push((w.t("permit-ends"), w.t("permit-ends-text")));
    }
    Ok(permitted)
}

/// One reason as a sentence, with hospitals named and instants in the reader's zone.
pub fn why(state: &WebState, cx: &PageCx, sentence: &Sentence) -> String {
    let w = cx.words();
    let show = cx.show();
    let args: Vec<(String, String)> = sentence
        .args
        .iter()
        .map(|(name, arg)| {
            let text = match arg {
                Arg::Text(t) => t.clone(),
                Arg::Number(n) => n.to_string(),
                Arg::At(t) => show.day_at(*t),
                Arg::Hospital(id) => state
                    .app
                    .hospital(id)
                    .map_or_else(|| id.to_string(), |h| h.name(w.lang.tag()).to_owned()),
                Arg::Class(c) => class(&show, c.as_str()),
                Arg::Role(r) => w.word("role", r.as_str()),
                Arg::Privilege(p) => w.word("privilege", p.as_str()),
                Arg::Service(s) => service(&show, s),
                Arg::Specialty(s) => specialty(&show, s),
            };
            ((*name).to_owned(), text)
        })
        .collect();
    w.with(sentence.key, &args)
        .unwrap_or_else(|| w.t("denied-other"))
}
