//! When an agreement or a consent changes: open cases that rest on it are cut off at once and handed back to the
//! referring doctor, who is told to be alone; when it returns, they go on.

use agreements::{Actor, ActorKind, SystemPurpose};
use care::case::{self, By, Command, Event, Status};
use kernel::{AccountId, HospitalId, Instant, RecordKey, ResourceId};
use store::{Batch, Lookup};

use super::doc::CaseDoc;
use crate::cx::Channel;
use crate::docs::Versioned;
use crate::notices::Draft;
use crate::{App, AppError, Cx, Language};

impl App {
    /// The context of the node's own work: clocks, ended agreements, expired consents.
    pub(crate) fn job_cx(&self) -> Cx {
        let account = AccountId::new("system").unwrap_or_else(|_| unreachable!("a valid id"));
        Cx {
            actor: Actor {
                account,
                kind: ActorKind::Machine,
                hospital: Some(HospitalId::network()),
                roles: Default::default(),
                privileges: Default::default(),
                linked: Vec::new(),
            },
            name: "Karez".into(),
            language: Language::English,
            zone: jiff::tz::TimeZone::UTC,
            channel: Channel::Job,
            now: self.now(),
            request: self.new_id().to_string(),
            peer: None,
            second_factor: false,
        }
    }

    /// Looks again at every open case under an agreement as of `at`. Gives the number cut off or resumed.
    pub async fn review_cases_of_agreement(
        &self,
        agreement: &ResourceId,
        at: Instant,
    ) -> Result<u32, AppError> {
        let lookups = vec![
            Lookup::new("open", "yes"),
            Lookup::new("agreement", agreement.as_str()),
        ];
        self.review(None, lookups, at).await
    }

    /// Looks again at every open case about a patient as of `at`.
    pub async fn review_cases_of_patient(
        &self,
        custodian: &HospitalId,
        patient: &ResourceId,
        at: Instant,
    ) -> Result<u32, AppError> {
        let lookups = vec![Lookup::new("open-patient", patient.as_str())];
        self.review(Some(custodian), lookups, at).await
    }

    /// Looks again at every open case of the node.
    pub(crate) async fn review_all_cases(&self) -> Result<u32, AppError> {
        let open = vec![Lookup::new("open", "yes")];
        self.review(None, open, self.now()).await
    }

    async fn review(
        &self,
        hospital: Option<&HospitalId>,
        lookups: Vec<Lookup>,
        at: Instant,
    ) -> Result<u32, AppError> {
        let permit = self.system(SystemPurpose::Job);
        let cases: Vec<Versioned<CaseDoc>> = self
            .find(&permit, hospital, lookups, None, 10_000, false)
            .await?;
        let mut changed = 0;
        for case in cases {
            changed += u32::from(self.review_case(&case.key, at).await?);
        }
        Ok(changed)
    }

    /// Cuts one case off, or lets it go on. True when something changed.
    async fn review_case(&self, key: &RecordKey, at: Instant) -> Result<bool, AppError> {
        for _ in 0..4 {
            let cx = Cx {
                now: at,
                ..self.job_cx()
            };
            let permit = self.system(SystemPurpose::Job);
            let doc: Versioned<CaseDoc> = self.need(&permit, &key.hospital, &key.id).await?;
            let case = &doc.doc.case;
            let cut = self.why_cut(&doc.doc.case, cx.now).await?;
            let command = match (cut, case.status) {
                (Some(reason), s) if s.is_open_request() => Command::Suspend { reason },
                (None, Status::Suspended) => Command::Resume,
                _ => return Ok(false),
            };
            let Ok(events) = case::decide(case, &command, &By::System, cx.now) else {
                return Ok(false);
            };
            match self
                .commit_case(&cx, doc, &events, Batch::new(cx.now), None)
                .await
            {
                Err(AppError::Conflict) => {}
                Err(e) => return Err(e),
                Ok(_) => return Ok(true),
            }
        }
        Ok(false)
    }

    /// Who is told of an event, and with which word.
    pub(crate) async fn case_notices(
        &self,
        cx: &Cx,
        doc: &Versioned<CaseDoc>,
        event: &Event,
    ) -> Result<Vec<Draft>, AppError> {
        use care::case::Audience as A;
        let case = &doc.doc.case;
        let emergency = case.request.urgency == Some(case::Urgency::Emergency);
        let (what, audiences, urgent): (&str, &[A], bool) = match event {
            Event::Sent { .. } => ("case-sent", &[A::Coordinators], emergency),
            Event::MoreAsked { .. } => ("case-more-asked", &[A::Referrer], emergency),
            Event::MoreSupplied { .. } => (
                "case-more-supplied",
                &[A::Coordinators, A::Consultant],
                emergency,
            ),
            Event::Accepted => ("case-accepted", &[A::Referrer], false),
            Event::Declined { .. } => ("case-declined", &[A::Referrer], true),
            Event::Allocated { .. } => ("case-allocated", &[A::Consultant], emergency),
            Event::Signed {
                co_signer: Some(_), ..
            } => ("case-co-sign", &[A::CoSigner], emergency),
            Event::Returned { .. } => ("case-returned", &[A::Consultant], emergency),
            Event::Issued { .. } => ("case-answered", &[A::Referrer], emergency),
            Event::AddendumSigned { .. } => ("case-addendum", &[A::Referrer], true),
            Event::AskedAgain { .. } => ("case-asked-again", &[A::Consultant], emergency),
            Event::OutcomeTold(_) => ("case-outcome", &[A::Consultant], false),
            Event::Cancelled => ("case-cancelled", &[A::Coordinators, A::Consultant], false),
            Event::Suspended { .. } => ("case-suspended", &[A::Referrer, A::Consultant], true),
            Event::Moved { .. } => (
                "case-moved",
                &[A::Referrer, A::Coordinators, A::Consultant],
                emergency,
            ),
            Event::Resumed => ("case-resumed", &[A::Referrer, A::Consultant], false),
            Event::Raised { alarm } => {
                let what = format!("alarm-{}", alarm.kind.as_str());
                return self.drafts(cx, doc, &what, alarm.audience(), true).await;
            }
            _ => return Ok(Vec::new()),
        };
        // A case that never left its hospital is nobody else's news.
        if case.sent.is_none() {
            return Ok(Vec::new());
        }
        self.drafts(cx, doc, what, audiences, urgent).await
    }

    async fn drafts(
        &self,
        cx: &Cx,
        doc: &Versioned<CaseDoc>,
        what: &str,
        audiences: &[care::case::Audience],
        urgent: bool,
    ) -> Result<Vec<Draft>, AppError> {
        let mut drafts = Vec::new();
        for audience in audiences {
            for (to, hospital) in self.audience(&doc.doc.case, *audience).await? {
                if to == cx.actor.account {
                    continue;
                }
                drafts.push(Draft {
                    to,
                    hospital,
                    what: what.to_owned(),
                    subject: doc.key.clone(),
                    number: doc.doc.case.number.clone(),
                    urgent,
                });
            }
        }
        Ok(drafts)
    }
}
