//! Studies: sent by the hospitals' scanners, matched with their patients by number, and read.

use std::collections::{BTreeMap, BTreeSet};

use app::accounts::Reauth;
use app::imaging::{ImageSource, ImagingSettings, NewEntity, Service};
use app::readings::{ReadingAct, ReportAsk, ReportText};
use app::{AppError, Cx};
use bytes::Bytes;
use care::reading::Kind as Report;
use futures::{StreamExt, TryStreamExt, stream};
use jiff::SignedDuration;
use kernel::{HospitalId, Instant, Phi, RecordKey};

use super::agreements::signer;
use super::cases::urgency;
use super::records::clinician;
use super::world::{World, unknown};
use crate::PASSWORD;
use crate::generate::studies::{ReadingPlan, ReadingStage, ReportWords, StudyPlan};

/// Objects on their way at once; the store writes them in groups.
const AT_ONCE: usize = 12;
/// Minutes from the scanner to the archive.
const SENT_MIN: i64 = 6;

/// Says what the archives are called, registers the scanners, and has every study sent.
pub async fn arrive(world: &World<'_>) -> Result<BTreeMap<&'static str, RecordKey>, AppError> {
    for hospital in world.network.hospitals {
        set_up(world, hospital.id, hospital.tile).await?;
    }
    let mut keys = BTreeMap::new();
    for plan in &world.network.studies {
        keys.insert(plan.key, send(world, plan).await?);
    }
    // Each study is written whole: nothing has come for it for a while.
    while world.app.quiet_studies().await? > 0 {}
    Ok(keys)
}

/// Patients' numbers are the hospital's own; its scanners stand in one room with its archive.
async fn set_up(world: &World<'_>, hospital: &str, tile: &str) -> Result<(), AppError> {
    let admin = signer(world, hospital, world.network.now)?;
    let settings = ImagingSettings {
        title: format!("{tile}_KAREZ"),
        issuer: format!("https://{hospital}.example/id/patient"),
        issuers: BTreeMap::new(),
    };
    world
        .app
        .change_imaging_settings(&admin, 0, settings)
        .await?;
    let scanners: BTreeMap<&str, &str> = world
        .network
        .studies
        .iter()
        .filter(|s| s.hospital == hospital)
        .map(|s| (s.scanner.0.as_str(), s.scanner.1))
        .collect();
    for (title, name) in scanners {
        let new = NewEntity {
            title: title.into(),
            name: name.into(),
            addresses: vec!["127.0.0.1".into()],
            may: BTreeSet::from([Service::Store, Service::Worklist]),
            ..NewEntity::default()
        };
        world.app.add_entity(&admin, new).await?;
    }
    Ok(())
}

async fn send(world: &World<'_>, plan: &StudyPlan) -> Result<RecordKey, AppError> {
    let hospital = HospitalId::new(plan.hospital)?;
    let mut cx = clinician(world, plan.hospital)?;
    cx.now = plan.taken + SignedDuration::from_mins(SENT_MIN);
    let source = ImageSource {
        sender: plan.scanner.0.clone(),
        exchange: format!("demo {}", plan.key),
        issuer: None,
    };
    let (cx, hospital, source) = (&cx, &hospital, &source);
    let keep = |file: Bytes| async move { world.app.image_store(cx, hospital, file, source).await };
    let mut objects = plan.objects().into_iter();
    // The first makes the study.
    let first = objects.next().ok_or_else(|| unknown(plan.key))?;
    let kept = keep(first).await?;
    let mut others = stream::iter(objects).map(keep).buffer_unordered(AT_ONCE);
    while others.try_next().await?.is_some() {}
    for other in plan.contradiction() {
        keep(other).await?;
    }
    Ok(kept.study)
}

/// Brings readings to where the network says they stand.
pub async fn read(
    world: &World<'_>,
    studies: &BTreeMap<&'static str, RecordKey>,
    cases: &BTreeMap<&'static str, RecordKey>,
) -> Result<(), AppError> {
    for plan in &world.network.studies {
        let Some(reading) = &plan.reading else {
            continue;
        };
        let study = studies.get(plan.key).ok_or_else(|| unknown(plan.key))?;
        let case = plan.case.and_then(|c| cases.get(c));
        one(world, plan, reading, study, case).await?;
    }
    Ok(())
}

async fn one(
    world: &World<'_>,
    plan: &StudyPlan,
    reading: &ReadingPlan,
    study: &RecordKey,
    case: Option<&RecordKey>,
) -> Result<(), AppError> {
    let app = world.app;
    let answering = world
        .network
        .cases
        .iter()
        .find(|c| Some(c.key) == plan.case)
        .map_or(plan.hospital, |c| c.to);
    let ago = |minutes: i64| world.network.now - SignedDuration::from_mins(minutes);
    let reader = |now: Instant| world.cx(reading.reader, answering, now);
    let begun = ago(reading.begun_min);
    // A hospital's own study is on its list as soon as it is there; another's when it is taken up.
    let opened = match case {
        None => plan.taken + SignedDuration::from_mins(SENT_MIN + 1),
        Some(_) => begun,
    };
    let key = app.open_reading(&reader(opened)?, study, case).await?;
    let set = ReadingAct::SetUrgency(urgency(reading.urgency));
    app.reading_act(&reader(opened)?, &key, set).await?;
    if reading.stage == ReadingStage::Unread {
        return Ok(());
    }
    app.reading_act(&reader(begun)?, &key, ReadingAct::Claim)
        .await?;
    if let Some((finding, minutes, answer)) = reading.critical {
        let act = ReadingAct::Raise {
            text: Phi::new(finding.into()),
        };
        app.reading_act(&reader(ago(minutes))?, &key, act).await?;
        if let Some((who, words)) = answer {
            let cx = world.cx(who, plan.hospital, ago(minutes - 6))?;
            acknowledge(world, &cx, &key, words).await?;
        }
    }
    let Some(words) = &reading.words else {
        return Ok(());
    };
    let minutes = |n: i64| begun + SignedDuration::from_mins(n);
    app.keep_report_draft(&reader(minutes(4))?, &key, text(words))
        .await?;
    let kind = match reading.stage {
        ReadingStage::Preliminary => Report::Preliminary,
        ReadingStage::Final => Report::Final,
        ReadingStage::Unread | ReadingStage::Claimed => return Ok(()),
    };
    let ask = ReportAsk {
        reauth: Reauth {
            password: Phi::new(PASSWORD.into()),
            code: None,
            passkey: None,
        },
        kind,
    };
    app.sign_report(&reader(minutes(18))?, &key, ask).await?;
    if let Some((who, agreement, said)) = reading.second {
        app.reading_act(&reader(minutes(20))?, &key, ReadingAct::AskSecond)
            .await?;
        let cx = world.cx(who, answering, minutes(95))?;
        let text = Phi::new(said.into());
        app.reading_act(&cx, &key, ReadingAct::Judge { agreement, text })
            .await?;
    }
    Ok(())
}

async fn acknowledge(
    world: &World<'_>,
    cx: &Cx,
    reading: &RecordKey,
    words: &str,
) -> Result<(), AppError> {
    let waiting = world.app.critical_findings(cx).await?;
    let found = waiting.into_iter().find(|w| w.reading == *reading);
    let act = ReadingAct::Acknowledge {
        id: found
            .ok_or_else(|| unknown("critical finding"))?
            .critical
            .id,
        answer: Some(Phi::new(words.into())),
    };
    world.app.reading_act(cx, reading, act).await
}

fn text(words: &ReportWords) -> ReportText {
    let phi = |text: &str| Phi::new(text.to_owned());
    ReportText {
        technique: phi(words.technique),
        comparison: phi(words.comparison),
        findings: phi(words.findings),
        impression: phi(words.impression),
        recommendation: phi(words.recommendation),
        language: words.language.into(),
    }
}
