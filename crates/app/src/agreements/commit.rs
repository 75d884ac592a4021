//! Deciding a command and committing everything that follows from it at once.

use agreements::agreement::{
    Agreement, Command, Event, Rejection, TermsProblem, apply, compile, contract, decide,
};
use agreements::{Actor, Projection};
use kernel::{HospitalId, Kind, RecordKey, ResourceId};
use store::{Batch, Precondition};

use crate::audit_entry::{Entry, Verb};
use crate::docs::{self, Versioned};
use crate::error::FieldProblem;
use crate::{App, AppError, Cx};

impl App {
    /// A command by a person.
    pub(super) async fn agreement_command(
        &self,
        cx: &Cx,
        id: &ResourceId,
        current: Option<Versioned<Agreement>>,
        command: &Command,
    ) -> Result<Agreement, AppError> {
        self.agreement_step(cx, id, current, command, Some(&cx.actor))
            .await
    }

    /// A command by a person, or by the clockwork when `actor` is none.
    pub(super) async fn agreement_step(
        &self,
        cx: &Cx,
        id: &ResourceId,
        current: Option<Versioned<Agreement>>,
        command: &Command,
        actor: Option<&Actor>,
    ) -> Result<Agreement, AppError> {
        let (before, version) = match current {
            Some(v) => (Some(v.doc), v.version),
            None => (None, 0),
        };
        let events = decide(before.as_ref(), command, actor, cx.now).map_err(refused)?;
        let former = before.as_ref().map(parties).unwrap_or_default();
        let after = events
            .iter()
            .fold(before, apply)
            .ok_or(AppError::NotFound)?;
        let mut batch = Batch::new(cx.now);
        let doc = Versioned {
            key: self.doc_key::<Agreement>(&HospitalId::network(), id),
            version,
            doc: after,
        };
        docs::put(&mut batch, &doc)?;
        let after = doc.doc;
        batch.projections.push(Projection::Grants {
            agreement: id.clone(),
            rows: compile(&after),
        });
        self.tell_parties(cx, &mut batch, &after, &former, &events)
            .await?;
        match self.store.commit(batch).await {
            Ok(_) => {
                // Open cases that rested on it go back to their doctors at once, or go on.
                self.review_cases_of_agreement(id, cx.now).await?;
                Ok(after)
            }
            Err(store::StoreError::Duplicate { .. }) => Err(AppError::invalid(
                "number",
                "agreement-number-taken",
                "another agreement has this number",
            )),
            Err(e) => Err(e.into()),
        }
    }

    /// The Contract in each party's records, the audit entry in each chain, and the events for whoever listens.
    async fn tell_parties(
        &self,
        cx: &Cx,
        batch: &mut Batch,
        a: &Agreement,
        former: &[HospitalId],
        events: &[Event],
    ) -> Result<(), AppError> {
        let kind = Kind::new("Contract")?;
        let bytes = contract::to_fhir(a, cx.now).to_string();
        let now_parties = parties(a);
        let mut all = now_parties.clone();
        all.extend(former.iter().filter(|h| !now_parties.contains(h)).cloned());
        let verb = match events.first() {
            Some(Event::Drafted { .. }) => Verb::Create,
            _ => Verb::Update,
        };
        for hospital in &all {
            let key = RecordKey::new(hospital.clone(), kind.clone(), a.id.clone());
            let expect = self.expect_of(&key).await?;
            if now_parties.contains(hospital) {
                batch.put_fhir(key.clone(), expect, bytes.clone());
            } else if expect != Precondition::Absent {
                batch.delete(key.clone(), expect);
            }
            for event in events {
                let action = format!("agreement.{}", event.word());
                let draft = cx.audit(hospital, &Entry::of(verb, &action, &key));
                batch.audit.push(draft);
                let data = format!("{{\"agreement\":\"{}\"}}", a.id);
                batch.event(&action, &key, data);
            }
        }
        Ok(())
    }

    /// The precondition that holds of a record now.
    pub(crate) async fn expect_of(&self, key: &RecordKey) -> Result<Precondition, AppError> {
        let permit = self.system(agreements::SystemPurpose::Decision);
        Ok(match self.store.get(&permit, key, None).await? {
            Some(stored) if !stored.deleted => Precondition::Version(stored.version),
            _ => Precondition::Absent,
        })
    }
}

fn parties(a: &Agreement) -> Vec<HospitalId> {
    a.terms.parties.iter().map(|p| p.hospital.clone()).collect()
}

/// A domain refusal in the words of the application.
pub(super) fn refused(r: Rejection) -> AppError {
    match &r {
        Rejection::Unknown => AppError::NotFound,
        Rejection::Exists => AppError::Conflict,
        Rejection::NotAParty => AppError::NotFound,
        Rejection::NotAdministrator => AppError::denied_role(agreements::Role::Administrator),
        Rejection::MayNotSign | Rejection::SystemOnly => AppError::denied("privilege-missing"),
        Rejection::Terms(problems) => AppError::Invalid(problems.iter().map(field).collect()),
        Rejection::Reason => AppError::invalid("reason", "required", "a reason is needed"),
        _ => AppError::rejected(format!("agreement-{}", r.key()), r.to_string()),
    }
}

/// The form field a problem belongs to: `clause-2-title`, `last_day`, …
fn field(p: &TermsProblem) -> FieldProblem {
    let (code, name) = match p {
        TermsProblem::Parties => ("agreement-parties", "party"),
        TermsProblem::Title => ("agreement-title", "title"),
        TermsProblem::Number => ("agreement-number", "number"),
        TermsProblem::Zone => ("agreement-zone", "zone"),
        TermsProblem::Dates => ("agreement-dates", "last_day"),
        TermsProblem::Notice => ("agreement-notice", "notice_days"),
        TermsProblem::NoClause => ("agreement-no-clause", "clauses"),
        TermsProblem::TooManyClauses => ("agreement-too-many-clauses", "clauses"),
        TermsProblem::TextTooLong => ("agreement-text-too-long", "purpose"),
        TermsProblem::ClauseTitle { .. } => ("agreement-clause-title", "title"),
        TermsProblem::Direction { .. } => ("agreement-direction", "referring"),
        TermsProblem::NoService { .. } => ("agreement-no-service", "services"),
        TermsProblem::NoClass { .. } => ("agreement-no-class", "classes"),
        TermsProblem::ResponseTime { .. } => ("agreement-response-time", "emergency"),
        TermsProblem::BorderConsent { .. } => ("agreement-border-consent", "border_consent"),
    };
    let field = match p.clause() {
        Some(n) => format!("c{n}_{name}"),
        None => name.to_owned(),
    };
    FieldProblem::new(field, code, p.key())
}
