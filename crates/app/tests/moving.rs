//! Open cases that go on under another agreement, and the agreement on paper.

#![allow(clippy::unwrap_used)]

extern crate karez_app as app;

mod world;

use std::collections::BTreeSet;

use agreements::Agreement;
use agreements::agreement::{OpenCase, SettledBy, Stage};
use app::AppError;
use app::agreements::{AgreementAct, ClauseInWords};
use app::cases::CaseAct;
use care::case::{Edit, Status, Urgency};
use kernel::RecordKey;
use testkit::records::{hospital_id, id};
use world::{World, text};

/// A case of Yarqum that consultant `li` of Qumtagh works on; notice of the agreement was given.
async fn under_notice() -> (World, RecordKey) {
    let w = World::new().await;
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
        classes: Some(BTreeSet::from(["laboratory".into()])),
        consent: Some(id("consent-1")),
        ..Edit::default()
    };
    let consultant = w.account("li");
    for (who, act) in [
        ("alimjan", CaseAct::Edit(Box::new(edit))),
        ("alimjan", CaseAct::Send),
        ("gulnar", CaseAct::Allocate { consultant }),
    ] {
        w.minutes(1);
        app.case_act(&w.cx(who), &case, act).await.unwrap();
    }
    let reason = "the centre closes its department".into();
    let notice = AgreementAct::GiveNotice { reason };
    app.agreement_act(&w.cx("yq-admin"), &id("qr-2024-003"), notice)
        .await
        .unwrap();
    (w, case)
}

fn another(w: &World, name: &str, answering: &str) -> Agreement {
    let mut a = w.agreement_at_stage(Stage::Active, false);
    a.id = id(name);
    a.terms.number = name.to_uppercase();
    a.terms.clauses[0].answering = hospital_id(answering);
    a.terms.parties[1].hospital = hospital_id(answering);
    a
}

fn open(case: &RecordKey) -> OpenCase {
    OpenCase {
        custodian: case.hospital.clone(),
        case: case.id.clone(),
        number: String::new(),
        owner: None,
    }
}

fn moved_to(w: &World, case: &RecordKey, agreement: &str) -> AgreementAct {
    AgreementAct::SettleCase {
        custodian: case.hospital.clone(),
        case: case.id.clone(),
        owner: w.account("alimjan"),
        how: SettledBy::Moved {
            agreement: id(agreement),
        },
    }
}

#[tokio::test]
async fn a_case_goes_on_with_the_same_partner_under_another_agreement() {
    let (w, case) = under_notice().await;
    let app = &w.node.app;
    w.put_agreement(&another(&w, "qr-2026-001", "qumtagh"))
        .await;
    w.put_agreement(&another(&w, "aq-2026-002", "aqtash")).await;
    let mut narrow = another(&w, "qr-2026-003", "qumtagh");
    narrow.terms.clauses[0].services = BTreeSet::from(["second-reading".into()]);
    w.put_agreement(&narrow).await;
    let admin = w.cx("yq-admin");
    let old = id("qr-2024-003");

    let choices = app.move_choices(&admin, &old, &open(&case)).await.unwrap();
    let told: Vec<_> = choices
        .iter()
        .map(|c| (c.number.as_str(), c.same_partner, c.why_not.as_deref()))
        .collect();
    assert_eq!(
        told,
        [
            ("QR-2026-001", true, None),
            ("AQ-2026-002", false, Some("consent-not-in-force")),
            ("QR-2026-003", false, Some("service-not-covered")),
        ]
    );
    for (to, code) in [
        ("aq-2026-002", "consent-not-in-force"),
        ("qr-2026-003", "service-not-covered"),
    ] {
        let refused = app
            .agreement_act(&admin, &old, moved_to(&w, &case, to))
            .await;
        match refused {
            Err(AppError::Rejected { code: said, .. }) => assert_eq!(said, code),
            Err(AppError::Denied(denial)) => assert_eq!(denial.reason, code),
            other => panic!("{other:?}"),
        }
    }

    app.agreement_act(&admin, &old, moved_to(&w, &case, "qr-2026-001"))
        .await
        .unwrap();
    let view = app.case(&w.cx("li"), &case).await.unwrap();
    assert_eq!(view.case.status, Status::Allocated);
    let last = view.case.steps.last().unwrap();
    assert_eq!(last.what, "moved");

    // Nothing is open under the old one any more: after its notice it ends, and the case goes on.
    w.minutes(31 * 24 * 60);
    let end = AgreementAct::End {
        reason: String::new(),
    };
    app.agreement_act(&w.cx("yq-admin"), &old, end)
        .await
        .unwrap();
    let view = app.case(&w.cx("li"), &case).await.unwrap();
    assert_eq!(view.case.status, Status::Allocated);
}

#[tokio::test]
async fn a_new_partner_begins_anew_and_the_old_one_is_out() {
    let (w, case) = under_notice().await;
    let app = &w.node.app;
    w.put_agreement(&another(&w, "aq-2026-002", "aqtash")).await;
    let mut consent = w.consent().await;
    consent.scope.hospitals = None;
    w.put_consent(&consent).await;
    let old = id("qr-2024-003");
    app.agreement_act(&w.cx("yq-admin"), &old, moved_to(&w, &case, "aq-2026-002"))
        .await
        .unwrap();
    let view = app.case(&w.cx("outsider"), &case).await.unwrap();
    assert_eq!(view.case.status, Status::Requested);
    assert!(matches!(
        app.case(&w.cx("li"), &case).await,
        Err(AppError::NotFound | AppError::Denied(_))
    ));
}

#[tokio::test]
async fn only_the_hospital_whose_case_it_is_moves_it() {
    let (w, case) = under_notice().await;
    w.put_agreement(&another(&w, "qr-2026-001", "qumtagh"))
        .await;
    let old = id("qr-2024-003");
    let theirs = w.cx("qr-admin");
    let choices = w.node.app.move_choices(&theirs, &old, &open(&case)).await;
    assert!(matches!(choices, Err(AppError::Denied(_))));
    let moved = w
        .node
        .app
        .agreement_act(&theirs, &old, moved_to(&w, &case, "qr-2026-001"))
        .await;
    assert!(matches!(moved, Err(AppError::Denied(_))), "{moved:?}");
}

#[tokio::test]
async fn an_agreement_prints_in_both_languages_for_its_parties_alone() {
    let w = World::new().await;
    w.agreement().await;
    let app = &w.node.app;
    let words = [ClauseInWords {
        number: 1,
        lines: vec!["Qumtagh answers questions of Yarqum.".into()],
    }];
    let a = id("qr-2024-003");
    let mut sizes = Vec::new();
    for language in ["en", "zh-CN"] {
        for who in ["yq-admin", "li"] {
            let pdf = app
                .agreement_pdf(&w.cx(who), &a, language, &words)
                .await
                .unwrap();
            assert!(pdf.starts_with(b"%PDF-"), "{language}");
            sizes.push(pdf.len());
        }
    }
    let without = app.agreement_pdf(&w.cx("li"), &a, "en", &[]).await.unwrap();
    assert!(
        without.len() < sizes[1],
        "the words of the clause are in it"
    );
    let stranger = app.agreement_pdf(&w.cx("outsider"), &a, "en", &words).await;
    assert!(matches!(stranger, Err(AppError::NotFound)));
    let nobody = app.agreement_pdf(&w.cx("li"), &a, "tlh", &words).await;
    assert!(matches!(nobody, Err(AppError::Invalid(_))));
}
