//! Cases: asked by the referring doctor under an agreement and with the patient's consent, then brought to where the
//! network says they stand, each step by the person whose step it is.

use std::collections::BTreeMap;

use agreements::ClassSet;
use agreements::consent::{Basis, Capacity, Given, Method, Relation, Scope, ScopeClasses};
use app::cases::CaseAct;
use app::consents::ConsentDraft;
use app::{AppError, Cx};
use bytes::Bytes;
use care::case::{
    DeclineReason, DiagnosisChange, Edit, ManagementChange, PatientOutcome, RecordItem,
    Urgency as CaseUrgency,
};
use jiff::{SignedDuration, ToSpan};
use kernel::{HospitalId, Instant, Kind, Phi, RecordKey, ResourceId};

use super::agreements::service_of;
use super::opinions;
use super::records::Ids;
use super::world::{World, unknown};
use crate::generate::model::{CasePlan, Person, Stage, Urgency, Who};
use crate::generate::studies::StudyPlan;

/// When each step of a case was taken.
pub struct Steps {
    began: Instant,
    span: SignedDuration,
    now: Instant,
}

impl Steps {
    fn of(plan: &CasePlan, now: Instant) -> Self {
        let usual = match plan.urgency {
            Urgency::Emergency => SignedDuration::from_mins(12),
            Urgency::Urgent => SignedDuration::from_mins(150),
            Urgency::Soon => SignedDuration::from_hours(9),
            Urgency::Routine => SignedDuration::from_hours(44),
        };
        let passed = now.duration_since(plan.began);
        Self {
            began: plan.began,
            span: usual.min(passed * 9 / 10),
            now,
        }
    }

    /// `percent` of the way from the question to what was done with the answer.
    pub fn at(&self, percent: i32) -> Instant {
        self.began + self.span * percent / 100
    }

    /// Before the question was sent.
    fn before(&self, minutes: i64) -> Instant {
        self.began - SignedDuration::from_mins(minutes)
    }

    /// `hours` ago.
    pub fn lately(&self, hours: i64) -> Instant {
        self.now - SignedDuration::from_hours(hours)
    }
}

/// A case with what the steps need to know of it.
pub struct Told<'a> {
    pub plan: &'a CasePlan,
    pub key: RecordKey,
    pub steps: Steps,
}

impl Told<'_> {
    pub fn referrer(&self, world: &World<'_>, now: Instant) -> Result<Cx, AppError> {
        world.cx(self.plan.referrer, self.plan.from, now)
    }
    pub fn coordinator(&self, world: &World<'_>, now: Instant) -> Result<Cx, AppError> {
        world.cx(self.plan.coordinator, self.plan.to, now)
    }
    pub fn consultant(&self, world: &World<'_>, now: Instant) -> Result<Cx, AppError> {
        world.cx(
            self.plan.consultant.ok_or_else(|| unknown("consultant"))?,
            self.plan.to,
            now,
        )
    }
}

/// Carries every case in.
pub async fn all(
    world: &World<'_>,
    ids: &Ids,
    studies: &BTreeMap<&'static str, RecordKey>,
) -> Result<BTreeMap<&'static str, RecordKey>, AppError> {
    let mut keys = BTreeMap::new();
    for plan in &world.network.cases {
        let person = world
            .network
            .person(&plan.person)
            .ok_or_else(|| unknown("person"))?;
        keys.insert(plan.key, one(world, ids, studies, plan, person).await?);
    }
    Ok(keys)
}

async fn one(
    world: &World<'_>,
    ids: &Ids,
    studies: &BTreeMap<&'static str, RecordKey>,
    plan: &CasePlan,
    person: &Person,
) -> Result<RecordKey, AppError> {
    let record = person.records.first().ok_or_else(|| unknown("record"))?;
    let id = |of: &str| {
        ids.get(&(plan.from, of.to_owned()))
            .cloned()
            .ok_or_else(|| unknown("entry of a record"))
    };
    let patient = id(&record.patient)?;
    let steps = Steps::of(plan, world.network.now);
    let cx = world.cx(plan.referrer, plan.from, steps.before(25))?;
    let key = world.app.start_case(&cx, &patient).await?;
    let told = Told { plan, key, steps };

    for file in record.files.iter().filter(|f| plan.files.contains(&f.id)) {
        let cx = told.referrer(world, told.steps.before(12))?;
        world
            .app
            .attach(&cx, &told.key, &file.title, Bytes::from(file.bytes.clone()))
            .await?;
    }
    let mut items = Vec::new();
    for (kind, entry) in &plan.shared {
        items.push(RecordItem {
            kind: Kind::new(kind)?,
            id: id(entry)?,
        });
    }
    let own = |s: &&StudyPlan| s.case == Some(plan.key) && s.hospital == plan.from;
    for study in world.network.studies.iter().filter(own) {
        let key = studies.get(study.key).ok_or_else(|| unknown(study.key))?;
        items.push(RecordItem {
            kind: key.kind.clone(),
            id: key.id.clone(),
        });
    }
    let consent = if plan.stage == Stage::Draft {
        None
    } else {
        Some(consent(world, &told, person, patient).await?)
    };
    let edit = edit(world, plan, items, consent)?;
    let cx = told.referrer(world, told.steps.before(4))?;
    act(world, &told, &cx, CaseAct::Edit(Box::new(edit))).await?;
    if plan.stage == Stage::Draft {
        return Ok(told.key);
    }
    act(
        world,
        &told,
        &told.referrer(world, told.plan.began)?,
        CaseAct::Send,
    )
    .await?;
    on(world, &told).await?;
    Ok(told.key)
}

fn edit(
    world: &World<'_>,
    plan: &CasePlan,
    items: Vec<RecordItem>,
    consent: Option<ResourceId>,
) -> Result<Edit, AppError> {
    let agreement = world
        .agreements
        .get(plan.agreement)
        .cloned()
        .ok_or_else(|| unknown(plan.agreement))?;
    Ok(Edit {
        question: Some(Phi::new(plan.question.into())),
        background: Some(Phi::new(plan.story.into())),
        urgency: Some(urgency(plan.urgency)),
        service: Some(service_of(plan.service).into()),
        specialty: Some(plan.service.into()),
        partner: Some((HospitalId::new(plan.to)?, agreement)),
        items: Some(items),
        consent,
        language: Some(plan.language.into()),
        ..Edit::default()
    })
}

pub fn urgency(of: Urgency) -> CaseUrgency {
    match of {
        Urgency::Emergency => CaseUrgency::Emergency,
        Urgency::Urgent => CaseUrgency::Urgent,
        Urgency::Soon => CaseUrgency::Soon,
        Urgency::Routine => CaseUrgency::Routine,
    }
}

/// The patient agrees, or a parent does for a child.
async fn consent(
    world: &World<'_>,
    told: &Told<'_>,
    person: &Person,
    patient: ResourceId,
) -> Result<ResourceId, AppError> {
    let plan = told.plan;
    let at = told.steps.before(9);
    let today = at.to_zoned(jiff::tz::TimeZone::UTC).date();
    let minor = person.birth.saturating_add(18.years()) > today;
    let hospital = |id: &str| world.network.hospital(id).map(|h| h.jurisdiction);
    let draft = ConsentDraft {
        custodian: HospitalId::new(plan.from)?,
        patient,
        basis: Basis::Given(Given {
            relation: if minor {
                Relation::Guardian
            } else {
                Relation::Patient
            },
            giver: minor.then(|| Phi::new(format!("Mother of {}", person.name.latin()))),
            capacity: if minor {
                Capacity::Limited
            } else {
                Capacity::Full
            },
            assent: minor.then_some(true),
            language: person.speaks.into(),
            form: "2026-02".into(),
            witness: None,
            method: Method::Signature,
        }),
        scope: Scope {
            hospitals: Some(vec![HospitalId::new(plan.to)?]),
            classes: ScopeClasses::OrdinaryAnd(ClassSet::EMPTY),
            across_border: hospital(plan.from) != hospital(plan.to),
        },
        from: Some(at),
        until: None,
    };
    world
        .app
        .record_consent(&told.referrer(world, at)?, draft)
        .await
}

pub async fn act(
    world: &World<'_>,
    told: &Told<'_>,
    cx: &Cx,
    act: CaseAct,
) -> Result<(), AppError> {
    world.app.case_act(cx, &told.key, act).await.map(drop)
}

/// From sent to where it stands.
async fn on(world: &World<'_>, told: &Told<'_>) -> Result<(), AppError> {
    let steps = &told.steps;
    let note = || Phi::new(told.plan.reason.unwrap_or_default().to_owned());
    match told.plan.stage {
        Stage::Draft | Stage::Requested => return Ok(()),
        Stage::Declined => {
            let decline = CaseAct::Decline {
                reason: DeclineReason::BetterElsewhere,
                note: note(),
            };
            return act(
                world,
                told,
                &told.coordinator(world, steps.at(60))?,
                decline,
            )
            .await;
        }
        Stage::Cancelled => {
            return act(
                world,
                told,
                &told.referrer(world, steps.at(60))?,
                CaseAct::Cancel,
            )
            .await;
        }
        _ => {}
    }
    act(
        world,
        told,
        &told.coordinator(world, steps.at(10))?,
        CaseAct::Accept,
    )
    .await?;
    let mut messages = told.plan.messages.iter();
    if told.plan.stage == Stage::MoreInformation {
        let first = messages.next().ok_or_else(|| unknown("message"))?;
        let ask = CaseAct::AskForMore {
            text: Phi::new(first.text.into()),
        };
        act(world, told, &told.coordinator(world, steps.at(35))?, ask).await?;
    } else if let Some(consultant) = told.plan.consultant {
        let give = CaseAct::Allocate {
            consultant: world.account(consultant)?.clone(),
        };
        act(world, told, &told.coordinator(world, steps.at(20))?, give).await?;
    }
    for (percent, message) in (40..).step_by(8).zip(messages) {
        let now = steps.at(percent);
        let cx = match message.who {
            Who::Referrer => told.referrer(world, now)?,
            Who::Coordinator => told.coordinator(world, now)?,
            Who::Consultant => told.consultant(world, now)?,
        };
        world
            .app
            .write_message(&cx, &told.key, Phi::new(message.text.into()), &[])
            .await?;
    }
    if let Some(opinion) = &told.plan.opinion {
        opinions::write(world, told, opinion).await?;
    }
    if matches!(told.plan.stage, Stage::Read | Stage::Acted | Stage::Closed) {
        after(world, told).await?;
    }
    Ok(())
}

/// What the referring doctor does with the answer, and how it turned out.
async fn after(world: &World<'_>, told: &Told<'_>) -> Result<(), AppError> {
    let steps = &told.steps;
    world
        .app
        .open_answer(&told.referrer(world, steps.at(90))?, &told.key)
        .await?;
    if let Some(text) = told.plan.action {
        let doing = CaseAct::Act {
            text: Phi::new(text.into()),
            orders: Vec::new(),
        };
        act(world, told, &told.referrer(world, steps.at(98))?, doing).await?;
    }
    if let Some(text) = told.plan.outcome {
        let outcome = CaseAct::TellOutcome {
            management: ManagementChange::Changed,
            diagnosis: DiagnosisChange::Confirmed,
            patient: PatientOutcome::Improved,
            text: Phi::new(text.into()),
        };
        act(
            world,
            told,
            &told.referrer(world, steps.lately(30))?,
            outcome,
        )
        .await?;
        act(
            world,
            told,
            &told.consultant(world, steps.lately(7))?,
            CaseAct::SeeOutcome,
        )
        .await?;
    }
    Ok(())
}
