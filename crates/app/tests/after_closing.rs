//! What the other side may still read when a case is over, and what a row says when the clock alone has closed it.

#![allow(clippy::unwrap_used)] // a test stops where it fails

extern crate karez_app as app;

mod world;

use agreements::agreement::Stage;
use agreements::consent::{Relation, Withdrawal};
use agreements::decision::facts::Entry;
use agreements::{Action, RecordClass, Subject};
use app::cases::view::{CaseFilter, Tab};
use app::cases::{CaseAct, Signed, SignedKind};
use care::case::{CloseReason, Status};
use kernel::RecordKey;
use store::Batch;
use testkit::records::{hospital_id, id, key, kind};
use world::{World, text};

const DAY: i64 = 24 * 60;

/// A case that Qumtagh works on, under a clause that keeps a closed one readable for some days.
async fn allocated(retention_days: u16) -> (World, RecordKey) {
    let w = World::new().await;
    w.patient().await;
    let mut agreement = w.agreement_at_stage(Stage::Active, false);
    agreement.terms.clauses[0].conditions.retention_days = retention_days;
    w.put_agreement(&agreement).await;
    w.consent().await;
    let case = w.allocated("Observation", "k1", "allergies").await;
    (w, case)
}

async fn answer(w: &World, case: &RecordKey) {
    let signed = Signed {
        opinion: id("op-1"),
        kind: SignedKind::Opinion { co_signer: None },
    };
    let batch = Batch::new(w.node.now());
    let app = &w.node.app;
    app.record_answer(&w.cx("li"), case, &signed, batch)
        .await
        .unwrap();
    app.open_answer(&w.cx("alimjan"), case).await.unwrap();
    let plan = CaseAct::Act {
        text: text("PET-CT, then biopsy"),
        orders: Vec::new(),
    };
    app.case_act(&w.cx("alimjan"), case, plan).await.unwrap();
}

async fn close(w: &World, case: &RecordKey, reason: CloseReason) {
    let act = CaseAct::Close { reason };
    w.node
        .app
        .case_act(&w.cx("alimjan"), case, act)
        .await
        .unwrap();
}

/// Whether the consultant reads what the case opened: by the store's predicate, in a list, and by the decision.
async fn reads(w: &World) -> bool {
    let (app, cx) = (&w.node.app, w.cx("li"));
    let shared = key("yarqum", "Observation", "k1");
    let got = w.node.store.get(&cx.permit(), &shared, None).await.unwrap();
    let listed = w
        .node
        .store
        .records_of(&cx.permit(), &hospital_id("yarqum"), &id("p1"), &[], 100)
        .await
        .unwrap();
    let entry = Entry {
        custodian: hospital_id("yarqum"),
        kind: kind("Observation"),
        id: id("k1"),
        class: RecordClass::Laboratory,
        patient: Some(id("p1")),
        among_staff: false,
    };
    let decided = app
        .decide(&cx, Action::ReadRecord, Subject::Entry(entry))
        .await
        .unwrap();
    let all = [
        got.is_some(),
        listed.iter().any(|r| r.key == shared),
        decided.allowed,
    ];
    assert!(all == [true; 3] || all == [false; 3], "{all:?}");
    all[0]
}

/// Whether the coordinator of the answering hospital finds the case under this tab, and can open it.
async fn knows(w: &World, case: &RecordKey, tab: Tab) -> bool {
    let (app, cx) = (&w.node.app, w.cx("gulnar"));
    let filter = CaseFilter {
        tab,
        ..CaseFilter::default()
    };
    let list = app.inbox(&cx, &filter).await.unwrap();
    let row = list.rows.iter().any(|r| r.key == *case);
    let page = app.case(&cx, case).await.is_ok();
    assert_eq!(row, page, "a row is shown if its page is");
    row
}

#[tokio::test]
async fn what_a_case_opened_stays_readable_for_the_days_of_its_clause() {
    let (w, case) = allocated(30).await;
    answer(&w, &case).await;
    assert!(reads(&w).await, "open");
    close(&w, &case, CloseReason::LostToFollowUp).await;
    assert!(reads(&w).await, "closed a moment ago");
    w.minutes(30 * DAY - 1);
    assert!(reads(&w).await, "on the last day");
    w.minutes(1);
    assert!(!reads(&w).await, "after it");
    assert!(
        knows(&w, &case, Tab::Closed).await,
        "they keep the case they signed in"
    );
}

#[tokio::test]
async fn an_outcome_told_later_does_not_begin_the_days_anew() {
    let (w, case) = allocated(30).await;
    answer(&w, &case).await;
    close(&w, &case, CloseReason::LostToFollowUp).await;
    w.minutes(20 * DAY);
    let outcome = CaseAct::TellOutcome {
        management: care::case::ManagementChange::Changed,
        diagnosis: care::case::DiagnosisChange::Confirmed,
        patient: care::case::PatientOutcome::Improved,
        text: text("Resected"),
    };
    let app = &w.node.app;
    app.case_act(&w.cx("alimjan"), &case, outcome)
        .await
        .unwrap();
    assert!(reads(&w).await);
    app.case_act(&w.cx("li"), &case, CaseAct::SeeOutcome)
        .await
        .unwrap();
    let doc = app.case(&w.cx("alimjan"), &case).await.unwrap();
    assert_eq!(doc.case.status, Status::Closed);
    w.minutes(10 * DAY - 1);
    assert!(reads(&w).await);
    w.minutes(1);
    assert!(!reads(&w).await);
}

#[tokio::test]
async fn a_clause_without_days_ends_reading_with_the_case() {
    let (w, case) = allocated(0).await;
    answer(&w, &case).await;
    assert!(reads(&w).await);
    close(&w, &case, CloseReason::LostToFollowUp).await;
    assert!(!reads(&w).await);
}

#[tokio::test]
async fn consent_and_agreement_end_it_sooner() {
    let (w, case) = allocated(30).await;
    answer(&w, &case).await;
    close(&w, &case, CloseReason::LostToFollowUp).await;
    let mut consent = w.consent().await;
    consent.withdrawn = Some(Withdrawal {
        at: w.node.now(),
        by: w.account("alimjan"),
        relation: Relation::Patient,
        reason: None,
    });
    w.put_consent(&consent).await;
    assert!(!reads(&w).await, "consent withdrawn");
    w.consent().await;
    assert!(reads(&w).await);
    let mut agreement = w.agreement_at_stage(Stage::Active, false);
    agreement.stage = Stage::Ended;
    agreement.ended_at = Some(w.node.now());
    w.put_agreement(&agreement).await;
    assert!(!reads(&w).await, "agreement ended");
}

#[tokio::test]
async fn what_was_declined_opens_nothing_when_it_is_settled() {
    let (w, case) = allocated(30).await;
    let app = &w.node.app;
    let decline = CaseAct::Decline {
        reason: care::case::DeclineReason::NoCapacity,
        note: text("Full"),
    };
    app.case_act(&w.cx("gulnar"), &case, decline).await.unwrap();
    assert!(!reads(&w).await && !knows(&w, &case, Tab::All).await);
    close(&w, &case, CloseReason::SettledElsewhere).await;
    assert!(!reads(&w).await && !knows(&w, &case, Tab::All).await);
}

#[tokio::test]
async fn a_row_is_gone_at_the_moment_the_consent_runs_out() {
    let (w, case) = allocated(0).await;
    let mut consent = w.consent().await;
    consent.until = Some(
        w.node
            .now()
            .checked_add(jiff::SignedDuration::from_mins(60))
            .unwrap(),
    );
    w.put_consent(&consent).await;
    assert!(knows(&w, &case, Tab::Open).await);
    w.minutes(59);
    assert!(knows(&w, &case, Tab::Open).await && reads(&w).await);
    w.minutes(1);
    // No job has come by.
    assert!(!knows(&w, &case, Tab::Open).await && !reads(&w).await);
    let (app, cx) = (&w.node.app, w.cx("gulnar"));
    let list = app.inbox(&cx, &CaseFilter::default()).await.unwrap();
    assert_eq!(list.counts.open, 0, "nor is it counted");
    let filter = CaseFilter::default();
    let home = app.my_cases(&w.cx("alimjan"), &filter).await.unwrap();
    assert_eq!(home.counts.open, 1, "its own hospital keeps it");
}
