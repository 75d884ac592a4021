//! Access: one-thing decisions with their reasons, reads across hospitals with their audit, and what an active
//! agreement offers.

mod cases;
pub mod explain;
mod facts;
mod reads;

use agreements::decision::{Arg, Words};
use agreements::{Action, Decision, Request, Subject};
use kernel::{HospitalId, RecordKey, ResourceId};

use crate::audit_entry::{Entry, Verb};
use crate::{App, AppError, Cx, Denial};
pub use explain::{Explained, WhatIf};
pub(crate) use reads::clause_in;

impl App {
    /// Decides one act of the actor, with reasons. Changes and audits nothing.
    pub async fn decide(
        &self,
        cx: &Cx,
        action: Action,
        subject: Subject,
    ) -> Result<Decision, AppError> {
        let facts = self.facts(cx.now, &cx.actor, &subject).await?;
        let request = Request {
            actor: &cx.actor,
            licence_valid: self.licence_valid(cx).await?,
            action,
            subject,
        };
        Ok(agreements::decide(&request, &facts, cx.now))
    }

    /// Decides, and refuses with the first reason. A refusal is written to the audit chains of both hospitals.
    pub async fn require(
        &self,
        cx: &Cx,
        action: Action,
        subject: Subject,
    ) -> Result<Decision, AppError> {
        let decision = self.decide(cx, action, subject.clone()).await?;
        if decision.allowed {
            return Ok(decision);
        }
        self.audit_denial(cx, action, &subject, &decision).await?;
        Err(AppError::Denied(denial(&decision)))
    }

    async fn audit_denial(
        &self,
        cx: &Cx,
        action: Action,
        subject: &Subject,
        decision: &Decision,
    ) -> Result<(), AppError> {
        let (custodian, patient, key) = parts(subject);
        let words: Vec<_> = decision.words().into_iter().map(|w| w.key).collect();
        let ground = words.join(" ");
        let word = format!("{}.denied", action_word(action));
        let subjects: Vec<_> = key.into_iter().collect();
        let entry = Entry {
            verb: Verb::Execute,
            action: &word,
            subjects: &subjects,
            patient: patient.map(|p| (custodian, p)),
            ground: Some(&ground),
            denied: true,
        };
        let mut batch = store::Batch::new(cx.now);
        batch.audit.push(cx.audit(custodian, &entry));
        if let Some(own) = cx.actor.hospital.as_ref().filter(|own| *own != custodian) {
            batch.audit.push(cx.audit(own, &entry));
        }
        self.store.commit(batch).await?;
        Ok(())
    }

    async fn licence_valid(&self, cx: &Cx) -> Result<bool, AppError> {
        let Some(hospital) = &cx.actor.hospital else {
            return Ok(false);
        };
        let person = self.person_at(&cx.actor.account, hospital).await?;
        Ok(person.is_some_and(|p| p.licence.is_some()))
    }
}

/// Custodian, patient and key of what a decision was about.
fn parts(subject: &Subject) -> (&HospitalId, Option<&ResourceId>, Option<RecordKey>) {
    match subject {
        Subject::Entry(e) => (
            &e.custodian,
            e.patient.as_ref(),
            Some(RecordKey::new(
                e.custodian.clone(),
                e.kind.clone(),
                e.id.clone(),
            )),
        ),
        Subject::Case(c) => (
            &c.referring,
            Some(&c.patient),
            RecordKey::parse(c.referring.as_str(), "case", c.id.as_str()).ok(),
        ),
        Subject::Record { hospital, patient } => (hospital, Some(patient), None),
        Subject::Hospital(h) => (h, None, None),
    }
}

/// `SendCase` as `send-case`.
fn action_word(action: Action) -> String {
    let mut out = String::new();
    for c in action.as_str().chars() {
        if c.is_ascii_uppercase() && !out.is_empty() {
            out.push('-');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

/// The refusal a page or API shows: the first reason's key without `why-`, its arguments as text.
pub fn denial(decision: &Decision) -> Denial {
    let Some(words) = decision.words().into_iter().next() else {
        return Denial {
            reason: "policy-fault".into(),
            args: Vec::new(),
        };
    };
    let Words { key, args } = words;
    Denial {
        reason: key.trim_start_matches("why-").to_owned(),
        args: args
            .into_iter()
            .map(|(name, arg)| (name.to_owned(), plain(&arg)))
            .collect(),
    }
}

/// An argument as plain text, for protocols that carry words without a reader's language or zone.
pub fn plain(arg: &Arg) -> String {
    match arg {
        Arg::Text(t) | Arg::Service(t) | Arg::Specialty(t) => t.clone(),
        Arg::Number(n) => n.to_string(),
        Arg::At(at) => at.to_string(),
        Arg::Hospital(h) => h.to_string(),
        Arg::Class(c) => c.to_string(),
        Arg::Role(r) => r.as_str().to_owned(),
        Arg::Privilege(p) => p.as_str().to_owned(),
    }
}
