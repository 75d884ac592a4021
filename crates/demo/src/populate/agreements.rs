//! Agreements: drafted by one hospital, signed by both, and brought to the state the network tells.

use agreements::agreement::{
    Clause, Conditions, DataScope, Party, Residency, ResponseTimes, Terms,
};
use agreements::{Privilege, RecordClass, Role};
use app::agreements::AgreementAct;
use app::{AppError, Cx};
use jiff::SignedDuration;
use jiff::tz::TimeZone;
use kernel::{HospitalId, Instant};

use super::world::{World, unknown};
use crate::generate::model::{AgreementPlan, AgreementState, ClausePlan};

/// Carries every agreement of the network in.
pub async fn all(world: &mut World<'_>) -> Result<(), AppError> {
    let plans = world.network.agreements.clone();
    for plan in &plans {
        let id = one(world, plan).await?;
        world.agreements.insert(plan.number, id);
    }
    Ok(())
}

async fn one(world: &World<'_>, plan: &AgreementPlan) -> Result<kernel::ResourceId, AppError> {
    let app = world.app;
    let begins = plan
        .from
        .to_zoned(TimeZone::UTC)
        .map_or(world.network.now, |z| z.timestamp());
    let drafted = begins.min(world.network.now) - SignedDuration::from_hours(24 * 21);
    let later = |hours: i64| drafted + SignedDuration::from_hours(hours);

    let id = app
        .draft_agreement(&signer(world, plan.asks, drafted)?, terms(world, plan)?)
        .await?;
    if plan.state == AgreementState::Draft {
        return Ok(id);
    }
    app.agreement_act(
        &signer(world, plan.asks, later(26))?,
        &id,
        AgreementAct::Propose,
    )
    .await?;
    if plan.state == AgreementState::Proposed {
        return Ok(id);
    }
    // The second signature comes on the first day, and brings it into force.
    let in_force = begins + SignedDuration::from_hours(6);
    app.sign_agreement(&signer(world, plan.asks, later(24 * 19))?, &id, "Director")
        .await?;
    app.sign_agreement(&signer(world, plan.answers, in_force)?, &id, "Director")
        .await?;
    Ok(id)
}

/// Suspends and ends what the network says is no longer in force: after the cases that were sent under it.
pub async fn wind_up(world: &World<'_>) -> Result<(), AppError> {
    let app = world.app;
    let lately = world.network.now - SignedDuration::from_hours(31);
    for plan in &world.network.agreements {
        let id = world
            .agreements
            .get(plan.number)
            .ok_or_else(|| unknown(plan.number))?;
        let reason = || plan.reason.unwrap_or_default().to_owned();
        match plan.state {
            AgreementState::Suspended => {
                let act = AgreementAct::Suspend { reason: reason() };
                app.agreement_act(&signer(world, plan.answers, lately)?, id, act)
                    .await?;
                app.review_cases_of_agreement(id, world.network.now).await?;
            }
            AgreementState::Ended => {
                let noticed = world.network.now - SignedDuration::from_hours(24 * 45);
                let notice = AgreementAct::GiveNotice { reason: reason() };
                app.agreement_act(&signer(world, plan.asks, noticed)?, id, notice)
                    .await?;
                let end = AgreementAct::End { reason: reason() };
                app.agreement_act(&signer(world, plan.asks, lately)?, id, end)
                    .await?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// Whoever signs for a hospital.
pub fn signer(world: &World<'_>, hospital: &str, now: Instant) -> Result<Cx, AppError> {
    let who = world.who(hospital, |p| {
        p.roles.contains(&Role::Administrator) && p.privileges.contains(&Privilege::SignAgreement)
    })?;
    world.cx(who.key, hospital, now)
}

fn terms(world: &World<'_>, plan: &AgreementPlan) -> Result<Terms, AppError> {
    let party = |id: &str| -> Result<Party, AppError> {
        let hospital = world.network.hospital(id).ok_or_else(|| unknown(id))?;
        Ok(Party {
            hospital: HospitalId::new(id)?,
            name: hospital.name_en.into(),
            jurisdiction: hospital.jurisdiction.into(),
        })
    };
    let (asks, answers) = (party(plan.asks)?, party(plan.answers)?);
    let abroad = asks.jurisdiction != answers.jurisdiction;
    let mut clauses: Vec<Clause> = plan
        .clauses
        .iter()
        .map(|c| clause(c, plan, (&asks.hospital, &answers.hospital), abroad))
        .collect();
    if plan.both_ways {
        let other = plan
            .clauses
            .iter()
            .map(|c| clause(c, plan, (&answers.hospital, &asks.hospital), abroad));
        clauses.extend(other.collect::<Vec<_>>());
    }
    Ok(Terms {
        number: plan.number.into(),
        title: plan.title.into(),
        purpose: "Diagnosis and treatment of the parties' patients.".into(),
        language: "en".into(),
        parties: vec![asks, answers],
        first_day: plan.from,
        last_day: plan.until,
        zone: world
            .network
            .hospital(plan.asks)
            .map_or("UTC", |h| h.zone)
            .into(),
        notice_days: 30,
        clauses,
        continues: None,
    })
}

fn clause(
    plan: &ClausePlan,
    agreement: &AgreementPlan,
    ways: (&HospitalId, &HospitalId),
    abroad: bool,
) -> Clause {
    let [emergency_min, urgent_min, soon_min, routine_min] = agreement.answer_within_min;
    Clause {
        title: plan.title.into(),
        text: plan.text.into(),
        services: plan
            .services
            .iter()
            .map(|code| service_of(code).to_owned())
            .collect(),
        specialties: plan
            .services
            .iter()
            .map(|code| (*code).to_owned())
            .collect(),
        referring: ways.0.clone(),
        answering: ways.1.clone(),
        scope: DataScope {
            classes: plan.classes.iter().copied().collect(),
            unclassified_one_by_one: plan.classes.contains(&RecordClass::Unclassified),
        },
        conditions: Conditions {
            consent: plan.needs_consent,
            border_consent: abroad,
            co_signature: plan.co_signature,
            residency: Residency::StaysWithCustodian,
            response: ResponseTimes {
                emergency_min,
                urgent_min,
                soon_min,
                routine_min,
            },
            break_glass: plan.break_glass,
            retention_days: 30,
            images_without_identity: false,
        },
    }
}

/// What a specialty is asked for: pictures and slides are read a second time, everything else is a second opinion.
pub fn service_of(specialty: &str) -> &'static str {
    match specialty {
        "radiology" | "pathology" => "second-reading",
        _ => "second-opinion",
    }
}
