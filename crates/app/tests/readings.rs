//! Reading studies on a real store: who may, what is signed, who hears of what cannot wait, and what is refused.

#![allow(clippy::unwrap_used)]

extern crate karez_app as app;

mod world;

use agreements::agreement::Stage;
use app::accounts::Reauth;
use app::readings::view::{ReadingFilter, ReadingTab};
use app::readings::{ReadingAct, ReportAsk, ReportText};
use app::viewing::{Figure, KeyImage, Measure, Notes};
use app::{AppError, Permit, SystemPurpose};
use care::reading::{Agreement, Kind as Report, Status};
use kernel::{RecordKey, ResourceId};
use seal::Verdict;
use store::{Batch, Precondition};
use testkit::records::key;
use world::{World, text};

const PASSWORD: &str = "correct horse battery staple";

fn study(patient: &str, uid: &str) -> String {
    format!(
        r#"{{"resourceType":"ImagingStudy","identifier":[{{"system":"urn:dicom:uid","value":"urn:oid:{uid}"}}],"status":"available",
        "modality":[{{"system":"http://dicom.nema.org/resources/ontology/DCM","code":"CT"}}],"subject":{{"reference":"Patient/{patient}"}},
        "started":"2026-03-01T08:00:00Z","description":"CT chest","numberOfSeries":1,"numberOfInstances":60,
        "endpoint":[{{"reference":"Endpoint/dicomweb"}}],
        "series":[{{"uid":"{uid}.1","number":1,"modality":{{"code":"CT"}},"description":"Axial","numberOfInstances":60}}]}}"#
    )
}

/// A case with a study of Yarqum that lies with `li` of Qumtagh.
async fn shared_study() -> (World, RecordKey, RecordKey) {
    let w = World::new().await;
    w.patient().await;
    w.put_agreement(&w.agreement_at_stage(Stage::Active, false))
        .await;
    w.consent().await;
    let at = key("yarqum", "ImagingStudy", "s1");
    let mut batch = Batch::new(w.node.now());
    batch.put_fhir(at.clone(), Precondition::Absent, study("p1", "1.2.3"));
    w.node.store.commit(batch).await.unwrap();
    let case = w.allocated("ImagingStudy", "s1", "demographics").await;
    w.minutes(1);
    (w, case, at)
}

fn report() -> ReportText {
    ReportText {
        technique: text("CT without contrast."),
        findings: text("Nodule of 14 mm <right upper lobe> & no effusion."),
        impression: text("Suspicious nodule."),
        language: "en".into(),
        ..ReportText::default()
    }
}

fn ask(kind: Report) -> ReportAsk {
    ReportAsk {
        reauth: Reauth {
            password: text(PASSWORD),
            code: None,
            passkey: None,
        },
        kind,
    }
}

fn refused<T>(r: Result<T, AppError>) -> String {
    match r {
        Err(AppError::Denied(d)) => d.reason,
        Err(AppError::NotFound) => "not-found".into(),
        Err(AppError::Rejected { code, .. }) => code,
        Err(e) => panic!("{e}"),
        Ok(_) => panic!("was allowed"),
    }
}

/// Taken up by `li`.
async fn claimed(w: &World, case: &RecordKey, at: &RecordKey) -> RecordKey {
    let (app, li) = (&w.node.app, w.cx("li"));
    let reading = app.open_reading(&li, at, Some(case)).await.unwrap();
    app.reading_act(&li, &reading, ReadingAct::Claim)
        .await
        .unwrap();
    reading
}

async fn signed(w: &World, reading: &RecordKey, kind: Report) -> ResourceId {
    let (app, li) = (&w.node.app, w.cx("li"));
    app.keep_report_draft(&li, reading, report()).await.unwrap();
    app.sign_report(&li, reading, ask(kind)).await.unwrap()
}

async fn diagnostic_report(w: &World, reading: &RecordKey) -> serde_json::Value {
    let permit = Permit::system(SystemPurpose::Operator, w.node.now());
    let at = key("yarqum", "DiagnosticReport", reading.id.as_str());
    let stored = w.node.store.get(&permit, &at, None).await.unwrap().unwrap();
    serde_json::from_slice(stored.body.reveal()).unwrap()
}

#[tokio::test]
async fn a_study_of_a_case_is_read_signed_and_opened_by_whoever_asked() {
    let (w, case, at) = shared_study().await;
    let app = &w.node.app;
    let listed = app.case_studies(&w.cx("li"), &case).await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].uid, "1.2.3");
    let reading = claimed(&w, &case, &at).await;
    let desk = app.report_desk(&w.cx("li"), &reading).await.unwrap();
    assert_eq!(desk.templates[0].modality, "CT");
    let id = signed(&w, &reading, Report::Final).await;

    for who in ["li", "alimjan"] {
        let view = app.report(&w.cx(who), &id).await.unwrap();
        assert_eq!(view.report.verdict, Verdict::Genuine, "{:#?}", view.report);
        let codes: Vec<&str> = view.sections.iter().map(|s| s.code.as_str()).collect();
        assert_eq!(codes, ["technique", "findings", "impression"]);
        assert_eq!(view.sections[1].text, report().findings);
        let pdf = app.report_pdf(&w.cx(who), &id, "zh-CN").await.unwrap();
        assert!(pdf.starts_with(b"%PDF-"));
    }
    let resource = diagnostic_report(&w, &reading).await;
    assert_eq!(resource["status"], "final");
    assert_eq!(resource["imagingStudy"][0]["reference"], "ImagingStudy/s1");
    assert_eq!(resource["conclusion"], "Suspicious nodule.");
    // The doctor who asked is told.
    let notices = app.notices_of(&w.cx("alimjan"), None).await.unwrap();
    assert!(notices.iter().any(|n| n.what == "report-signed"));
    // Nothing of it is there for a hospital that has no part in it.
    assert_eq!(
        refused(app.report(&w.cx("outsider"), &id).await),
        "not-found"
    );
    assert_eq!(
        refused(app.reading(&w.cx("outsider"), &reading).await),
        "not-found"
    );
    assert_eq!(
        refused(app.study(&w.cx("outsider"), &at).await),
        "not-found"
    );
}

#[tokio::test]
async fn an_addendum_stands_after_what_it_adds_to() {
    let (w, case, at) = shared_study().await;
    let reading = claimed(&w, &case, &at).await;
    signed(&w, &reading, Report::Preliminary).await;
    assert_eq!(
        diagnostic_report(&w, &reading).await["status"],
        "preliminary"
    );
    w.minutes(1);
    let first = signed(&w, &reading, Report::Final).await;
    w.minutes(1);
    let more = signed(&w, &reading, Report::Addendum).await;
    let resource = diagnostic_report(&w, &reading).await;
    assert_eq!(resource["status"], "appended");
    assert_eq!(
        resource["conclusion"],
        "Suspicious nodule.\n\nSuspicious nodule."
    );
    let view = w.node.app.report(&w.cx("alimjan"), &more).await.unwrap();
    assert_eq!(view.addendum_to, Some(first));
}

#[tokio::test]
async fn a_report_is_refused_without_words_claim_or_right() {
    let (w, case, at) = shared_study().await;
    let (app, li, ma) = (&w.node.app, w.cx("li"), w.cx("ma"));
    assert_eq!(
        refused(app.open_reading(&li, &at, None).await),
        "not-your-case"
    );
    let reading = claimed(&w, &case, &at).await;
    assert_eq!(
        refused(app.sign_report(&li, &reading, ask(Report::Final)).await),
        "report-empty"
    );
    assert_eq!(
        refused(app.keep_report_draft(&ma, &reading, report()).await),
        "reading-not-reader"
    );
    assert_eq!(
        refused(app.reading_act(&ma, &reading, ReadingAct::Claim).await),
        "reading-taken"
    );
    // Whoever treats the patient cannot read for the other hospital.
    let claim = app
        .reading_act(&w.cx("alimjan"), &reading, ReadingAct::Claim)
        .await;
    assert_eq!(refused(claim), "role-missing");
}

#[tokio::test]
async fn a_critical_finding_rings_on_until_it_is_acknowledged() {
    let (w, case, at) = shared_study().await;
    let app = &w.node.app;
    let reading = claimed(&w, &case, &at).await;
    let raise = ReadingAct::Raise {
        text: text("Tension pneumothorax, right."),
    };
    app.reading_act(&w.cx("li"), &reading, raise).await.unwrap();
    let told = |who: &'static str| {
        let w = &w;
        async move {
            let all = w.node.app.notices_of(&w.cx(who), None).await.unwrap();
            all.into_iter().filter(|n| n.urgent).count()
        }
    };
    assert_eq!(told("alimjan").await, 1);
    assert_eq!(told("rena").await, 0);
    assert_eq!(app.critical_clocks().await.unwrap(), 0);
    w.minutes(16);
    assert_eq!(app.critical_clocks().await.unwrap(), 1);
    assert_eq!(told("rena").await, 1);
    assert_eq!(app.critical_clocks().await.unwrap(), 0);

    let waiting = app.critical_findings(&w.cx("rena")).await.unwrap();
    assert_eq!(waiting.len(), 1);
    assert!(
        app.critical_findings(&w.cx("outsider"))
            .await
            .unwrap()
            .is_empty()
    );
    let acknowledge = ReadingAct::Acknowledge {
        id: waiting[0].critical.id.clone(),
        answer: Some(text("Drain placed.")),
    };
    app.reading_act(&w.cx("rena"), &reading, acknowledge.clone())
        .await
        .unwrap();
    assert!(
        app.critical_findings(&w.cx("rena"))
            .await
            .unwrap()
            .is_empty()
    );
    w.minutes(120);
    assert_eq!(app.critical_clocks().await.unwrap(), 0);
    let again = app
        .reading_act(&w.cx("alimjan"), &reading, acknowledge)
        .await;
    assert_eq!(refused(again), "reading-done");
    let heard = app.notices_of(&w.cx("li"), None).await.unwrap();
    assert!(heard.iter().any(|n| n.what == "critical-acknowledged"));
}

#[tokio::test]
async fn a_second_reader_differs_and_the_first_hears_of_it() {
    let (w, case, at) = shared_study().await;
    let app = &w.node.app;
    let reading = claimed(&w, &case, &at).await;
    signed(&w, &reading, Report::Final).await;
    app.reading_act(&w.cx("li"), &reading, ReadingAct::AskSecond)
        .await
        .unwrap();
    let judge = ReadingAct::Judge {
        agreement: Agreement::Major,
        text: text("A second nodule, left lower lobe."),
    };
    assert_eq!(
        refused(app.reading_act(&w.cx("li"), &reading, judge.clone()).await),
        "reading-same-reader"
    );
    app.reading_act(&w.cx("ma"), &reading, judge).await.unwrap();
    let heard = app.notices_of(&w.cx("li"), None).await.unwrap();
    assert!(heard.iter().any(|n| n.what == "second-read" && n.urgent));
    let view = app.reading(&w.cx("li"), &reading).await.unwrap();
    let judgement = view.second.unwrap().judgement.unwrap();
    assert_eq!(judgement.agreement, Agreement::Major);
}

#[tokio::test]
async fn a_hospitals_own_study_comes_onto_its_worklist_by_itself() {
    let w = World::new().await;
    let app = &w.node.app;
    let patient = key("qumtagh", "Patient", "q1");
    let at = key("qumtagh", "ImagingStudy", "s9");
    let mut batch = Batch::new(w.node.now());
    let person = r#"{"resourceType":"Patient","name":[{"family":"Li","given":["Na"]}],"gender":"female","birthDate":"1990-01-01"}"#;
    batch.put_fhir(patient, Precondition::Absent, person);
    batch.put_fhir(at.clone(), Precondition::Absent, study("q1", "1.2.9"));
    batch.event("imaging.arrived", &at, "{}");
    w.node.store.commit(batch).await.unwrap();
    assert_eq!(app.follow_studies().await.unwrap(), 1);
    assert_eq!(app.follow_studies().await.unwrap(), 0);

    let open = ReadingFilter::default();
    let list = app.readings(&w.cx("li"), &open).await.unwrap();
    assert_eq!(list.rows.len(), 1);
    let row = &list.rows[0];
    assert_eq!((row.status, row.study.instances), (Status::Unread, 60));
    assert!(
        app.readings(&w.cx("outsider"), &open)
            .await
            .unwrap()
            .rows
            .is_empty()
    );
    app.reading_act(&w.cx("li"), &row.key, ReadingAct::Claim)
        .await
        .unwrap();
    // It is nobody else's any more.
    assert!(
        app.readings(&w.cx("ma"), &open)
            .await
            .unwrap()
            .rows
            .is_empty()
    );
    signed(&w, &row.key, Report::Final).await;
    let done = ReadingFilter {
        tab: ReadingTab::Done,
        ..ReadingFilter::default()
    };
    assert_eq!(
        app.readings(&w.cx("ma"), &done).await.unwrap().rows.len(),
        1
    );
    assert!(
        app.readings(&w.cx("li"), &open)
            .await
            .unwrap()
            .rows
            .is_empty()
    );
}

#[tokio::test]
async fn measurements_are_kept_for_their_reader_and_bounded() {
    let (w, _, at) = shared_study().await;
    let (app, li) = (&w.node.app, w.cx("li"));
    let notes = Notes {
        measures: vec![Measure {
            id: "m1".into(),
            tool: Figure::Length,
            sop: "1.2.3.1.7".into(),
            frame: 0,
            points: vec![[0.0, 0.0, 5.0], [14.2, 0.0, 5.0]],
            value: 14.2,
            unit: "mm".into(),
            text: "14.2 mm".into(),
            image: Vec::new(),
            statistics: None,
            basis: None,
        }],
        keys: vec![KeyImage {
            sop: "1.2.3.1.7".into(),
            frame: 0,
        }],
    };
    app.keep_study_notes(&li, &at, notes.clone()).await.unwrap();
    assert_eq!(app.study(&li, &at).await.unwrap().notes, notes);
    assert_eq!(
        app.study(&w.cx("alimjan"), &at).await.unwrap().notes,
        Notes::default()
    );
    let mut wrong = notes.clone();
    wrong.measures[0].value = f64::NAN;
    assert!(matches!(
        app.keep_study_notes(&li, &at, wrong).await,
        Err(AppError::Malformed(_))
    ));
    let outside = app.keep_study_notes(&w.cx("outsider"), &at, notes).await;
    assert_eq!(refused(outside), "not-found");
}
