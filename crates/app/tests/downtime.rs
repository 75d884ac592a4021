//! Down is planned for: the pack of open cases, and what was written on paper entered late.

#![allow(clippy::unwrap_used)]

extern crate karez_app as app;

mod world;

use std::collections::BTreeSet;
use std::time::Duration;

use app::AppError;
use app::cases::CaseAct;
use app::downtime::LateEntry;
use app::records::view::TimelineAsk;
use app::settings::{Downtime, Settings};
use care::case::{Edit, Urgency};
use care::timeline::Line;
use kernel::RecordKey;
use testkit::records::{hospital_id, id, key};
use world::{World, text};

/// A case of Yarqum that lies in Qumtagh's inbox.
async fn sent(w: &World) -> RecordKey {
    w.patient().await;
    w.agreement().await;
    w.consent().await;
    let app = &w.node.app;
    let case = app.start_case(&w.cx("alimjan"), &id("p1")).await.unwrap();
    let edit = Edit {
        question: Some(text("Biopsy now?")),
        background: Some(text("Six weeks of dry cough.")),
        urgency: Some(Urgency::Urgent),
        service: Some("thoracic-surgery".into()),
        specialty: Some("thoracic-surgery".into()),
        partner: Some((hospital_id("qumtagh"), id("qr-2024-003"))),
        classes: Some(BTreeSet::from(["demographics".into(), "allergies".into()])),
        consent: Some(id("consent-1")),
        call_back: Some(text("0991 555 0134")),
        ..Edit::default()
    };
    for act in [CaseAct::Edit(Box::new(edit)), CaseAct::Send] {
        w.minutes(1);
        app.case_act(&w.cx("alimjan"), &case, act).await.unwrap();
    }
    case
}

fn late(w: &World, minutes_ago: i64) -> LateEntry {
    LateEntry {
        happened: w
            .node
            .now()
            .checked_sub(jiff::SignedDuration::from_mins(minutes_ago))
            .unwrap(),
        reason: "power-cut".into(),
        title: text("Chest pain, ECG taken"),
        text: text("Sinus rhythm, no ST change. Oxygen 2 l/min."),
        written_by: Some("Nurse Rena".into()),
        case: None,
    }
}

#[tokio::test]
async fn the_pack_holds_open_cases_as_far_as_the_reader_may_know_them() {
    let w = World::new().await;
    sent(&w).await;
    let app = &w.node.app;
    for who in ["alimjan", "gulnar"] {
        let pack = app.downtime_pack(&w.cx(who)).await.unwrap();
        let [case] = pack.cases.as_slice() else {
            panic!("{who}: {}", pack.cases.len());
        };
        assert_eq!(case.question.reveal(), "Biopsy now?");
        assert_eq!(case.banner.allergies.len(), 1, "{who}");
        assert_eq!(case.referrer.name, "alimjan");
        assert!(case.call_back.is_some());
    }
    let others = app.downtime_pack(&w.cx("outsider")).await.unwrap();
    assert!(others.cases.is_empty(), "another hospital's cases");
    let refused = app.downtime_pack(&w.cx("yq-admin")).await;
    assert!(matches!(refused, Err(AppError::Denied(_))));
    let ask = app::audit::AuditAsk {
        action: Some("case.packed".into()),
        ..app::audit::AuditAsk::default()
    };
    app.flush_reads().await.unwrap();
    let audit = app.audit_page(&w.cx("yq-admin"), &ask).await.unwrap();
    assert_eq!(
        audit.rows.len(),
        2,
        "each print is in the patient's hospital's chain"
    );
    for language in ["en", "zh-CN"] {
        let pdf = app.downtime_pdf(&w.cx("alimjan"), language).await.unwrap();
        assert!(pdf.starts_with(b"%PDF-"));
    }
    let nobody = app.downtime_pdf(&w.cx("alimjan"), "ru").await;
    assert!(matches!(nobody, Err(AppError::Invalid(_))));
}

#[tokio::test]
async fn packs_are_written_every_few_hours_and_the_newest_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let w = World::with(Settings {
        downtime: Some(Downtime {
            folder: folder.path().join("packs"),
            every: Duration::from_secs(4 * 3600),
        }),
        ..Settings::default()
    })
    .await;
    sent(&w).await;
    let app = &w.node.app;
    assert_eq!(app.downtime_packs().await.unwrap(), 3, "one per hospital");
    assert_eq!(app.downtime_packs().await.unwrap(), 0, "not due");
    for _ in 0..5 {
        w.minutes(4 * 60);
        assert_eq!(app.downtime_packs().await.unwrap(), 3);
    }
    let mut names: Vec<String> = std::fs::read_dir(folder.path().join("packs"))
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names.len(), 9, "{names:?}");
    assert!(names[3].starts_with("qumtagh-2026"), "{names:?}");
}

#[tokio::test]
async fn a_late_entry_says_when_it_happened_when_it_was_entered_and_why() {
    let w = World::new().await;
    let case = sent(&w).await;
    let app = &w.node.app;
    let patient = key("yarqum", "Patient", "p1");
    w.minutes(180);
    let mut note = late(&w, 90);
    note.case = Some(case.clone());
    app.enter_late(&w.cx("alimjan"), &patient, &note)
        .await
        .unwrap();

    let view = app
        .timeline(&w.cx("alimjan"), &patient, &TimelineAsk::default())
        .await
        .unwrap();
    let entries = view.years.iter().flat_map(|y| &y.lines);
    let found = entries
        .filter_map(|l| match l {
            Line::Entry(e) => e.late.as_ref().map(|late| (e, late)),
            Line::Gap(_) => None,
        })
        .collect::<Vec<_>>();
    let [(entry, said)] = found.as_slice() else {
        panic!("{} late entries", found.len());
    };
    assert_eq!(entry.when.as_ref().unwrap().start, note.happened);
    assert_eq!(entry.recorded, Some(w.node.now()));
    assert_eq!(
        (said.reason.as_str(), said.written_by.as_deref()),
        ("power-cut", Some("Nurse Rena"))
    );

    let seen = app.case(&w.cx("gulnar"), &case).await.unwrap();
    let message = seen.messages.last().unwrap();
    assert_eq!(message.late.as_ref().unwrap().happened, Some(note.happened));
    assert!(message.text.reveal().contains("Sinus rhythm"));
}

#[tokio::test]
async fn a_late_entry_is_neither_of_the_future_nor_of_long_ago_nor_anothers() {
    let w = World::new().await;
    sent(&w).await;
    let app = &w.node.app;
    let patient = key("yarqum", "Patient", "p1");
    let field = |r: Result<RecordKey, AppError>| match r {
        Err(AppError::Invalid(problems)) => (problems[0].field.clone(), problems[0].code),
        other => panic!("{other:?}"),
    };
    let cx = w.cx("alimjan");
    let future = app.enter_late(&cx, &patient, &late(&w, -5)).await;
    assert_eq!(field(future), ("happened".into(), "late-future"));
    let old = app.enter_late(&cx, &patient, &late(&w, 40 * 24 * 60)).await;
    assert_eq!(field(old), ("happened".into(), "late-too-old"));
    let mut why = late(&w, 5);
    why.reason = "forgot".into();
    assert_eq!(field(app.enter_late(&cx, &patient, &why).await).0, "reason");
    for who in ["li", "yq-admin", "outsider"] {
        let refused = app.enter_late(&w.cx(who), &patient, &late(&w, 5)).await;
        assert!(matches!(refused, Err(AppError::Denied(_))), "{who}");
    }
    let nobody = key("yarqum", "Patient", "nobody");
    let refused = app.enter_late(&cx, &nobody, &late(&w, 5)).await;
    assert!(matches!(refused, Err(AppError::NotFound)));
}

#[test]
fn every_status_and_urgency_has_its_words_on_paper() {
    for words in [
        include_str!("../../print/words/pack.en.json"),
        include_str!("../../print/words/pack.zh-CN.json"),
    ] {
        let words: serde_json::Value = serde_json::from_str(words).unwrap();
        let statuses = care::case::Status::ALL
            .iter()
            .map(|s| format!("status-{}", s.as_str()));
        let urgencies = Urgency::ALL
            .iter()
            .map(|u| format!("urgency-{}", u.as_str()));
        for key in statuses.chain(urgencies) {
            assert!(words[&key].is_string(), "{key}");
        }
    }
}
