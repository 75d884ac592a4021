//! Opinions from the first draft to the print, on a real store: what is signed, who holds it, and what is refused.

#![allow(clippy::unwrap_used)]

extern crate karez_app as app;

mod world;

use std::collections::BTreeSet;

use agreements::agreement::Stage;
use app::accounts::Reauth;
use app::cases::CaseAct;
use app::opinions::{DraftText, SignAsk, TranslationAsk};
use app::{AppError, Cx, Permit, SystemPurpose};
use care::case::{Edit, RecordItem, Urgency};
use kernel::{Kind, RecordKey, ResourceId};
use seal::Verdict;
use store::{Batch, Precondition};
use testkit::records::{hospital_id, id, key};
use world::{World, text};

const PASSWORD: &str = "correct horse battery staple";

fn edit() -> Edit {
    Edit {
        question: Some(text("Biopsy now, or treat for TB first?")),
        background: Some(text("Six weeks of dry cough.")),
        urgency: Some(Urgency::Urgent),
        service: Some("thoracic-surgery".into()),
        specialty: Some("thoracic-surgery".into()),
        partner: Some((hospital_id("qumtagh"), id("qr-2024-003"))),
        items: Some(vec![RecordItem {
            kind: Kind::new("Observation").unwrap(),
            id: id("k1"),
        }]),
        classes: Some(BTreeSet::from(["demographics".into(), "allergies".into()])),
        consent: Some(id("consent-1")),
        ..Edit::default()
    }
}

/// A case that lies with the consultant `li` of Qumtagh.
async fn allocated(co_signature: bool) -> (World, RecordKey) {
    allocated_in(World::new().await, co_signature).await
}

async fn allocated_in(w: World, co_signature: bool) -> (World, RecordKey) {
    w.patient().await;
    w.put_agreement(&w.agreement_at_stage(Stage::Active, co_signature))
        .await;
    w.consent().await;
    let app = &w.node.app;
    let case = app.start_case(&w.cx("alimjan"), &id("p1")).await.unwrap();
    for (who, act) in [
        ("alimjan", CaseAct::Edit(Box::new(edit()))),
        ("alimjan", CaseAct::Send),
        (
            "gulnar",
            CaseAct::Allocate {
                consultant: w.account("li"),
            },
        ),
    ] {
        w.minutes(1);
        app.case_act(&w.cx(who), &case, act).await.unwrap();
    }
    w.minutes(1);
    (w, case)
}

fn draft() -> DraftText {
    DraftText {
        findings: text("Part-solid nodule, 14 mm."),
        assessment: text(
            "Adenocarcinoma is more likely than tuberculosis <Brock 31 %> & \"not\" TB.",
        ),
        advice: text("1. Biopsy at Qumtagh.\n2. Culture from one core."),
        orders: vec![text("PET-CT, Qumtagh")],
        language: "en".into(),
    }
}

fn ask() -> SignAsk {
    let reauth = Reauth {
        password: text(PASSWORD),
        code: None,
        passkey: None,
    };
    SignAsk {
        reauth,
        co_signer: None,
        addendum_to: None,
        seen_changes: false,
    }
}

/// Opens the editor, types, and signs.
async fn signed(w: &World, case: &RecordKey) -> ResourceId {
    let (app, li) = (&w.node.app, w.cx("li"));
    app.opinion_desk(&li, case).await.unwrap();
    app.keep_opinion_draft(&li, case, draft()).await.unwrap();
    app.sign_opinion(&li, case, ask()).await.unwrap()
}

fn refused<T>(r: Result<T, AppError>) -> String {
    match r {
        Err(AppError::Denied(d)) => d.reason,
        Err(AppError::NotFound) => "not-found".into(),
        Err(AppError::Rejected { code, .. }) => code,
        Err(AppError::Invalid(problems)) => problems[0].code.into(),
        Err(e) => panic!("{e}"),
        Ok(_) => panic!("was allowed"),
    }
}

async fn stored(w: &World, hospital: &str, kind: &str, id: &ResourceId) -> Option<store::Stored> {
    let permit = Permit::system(SystemPurpose::Operator, w.node.now());
    w.node
        .store
        .get(&permit, &key(hospital, kind, id.as_str()), None)
        .await
        .unwrap()
}

async fn potassium_again(w: &World) {
    let mut batch = Batch::new(w.node.now());
    let body = testkit::records::potassium("p1", 7);
    batch.put_fhir(
        key("yarqum", "Observation", "k1"),
        Precondition::Version(1),
        body,
    );
    w.node.store.commit(batch).await.unwrap();
}

#[tokio::test]
async fn a_signed_opinion_is_genuine_for_both_hospitals_and_rests_on_exact_versions() {
    let (w, case) = allocated(false).await;
    let app = &w.node.app;
    let opinion = signed(&w, &case).await;

    for who in ["li", "alimjan"] {
        let view = app.opinion(&w.cx(who), &case, &opinion).await.unwrap();
        assert_eq!(view.report.verdict, Verdict::Genuine, "{:#?}", view.report);
        let codes: Vec<&str> = view.sections.iter().map(|s| s.code.as_str()).collect();
        assert_eq!(codes, ["see", "think", "advise", "orders"]);
        assert_eq!(view.sections[1].text, draft().assessment);
        assert_eq!(view.licence.as_deref(), Some("LIC-li"));
        assert_eq!(view.author, w.account("li"));
        let rested: Vec<String> = view
            .record
            .iter()
            .map(|r| format!("{}/{}", r.key, r.version))
            .collect();
        assert_eq!(
            rested,
            ["yarqum/Observation/k1/1", "yarqum/AllergyIntolerance/a1/1"]
        );
    }
    // What was signed holds the value as the laboratory wrote it, and nothing that was not shared.
    let bundle = stored(&w, "qumtagh", "Bundle", &opinion).await.unwrap();
    let bytes = bundle.original.into_inner();
    let words = std::str::from_utf8(&bytes).unwrap();
    let potassium = testkit::records::potassium("p1", 1);
    let value = potassium
        .split("\"value\":")
        .nth(1)
        .unwrap()
        .split(',')
        .next()
        .unwrap();
    assert!(
        value.ends_with('0') && words.contains(&format!("\"value\":{value},")),
        "{value}"
    );
    assert!(!words.contains("Depression"));
    assert!(
        stored(&w, "qumtagh", "Composition", &opinion)
            .await
            .is_some()
    );
    assert!(
        stored(&w, "qumtagh", "Provenance", &opinion)
            .await
            .is_some()
    );
    assert!(
        stored(&w, "yarqum", "DocumentReference", &opinion)
            .await
            .is_some()
    );
    // The file stands alone: exactly these bytes, and refused with one of them changed.
    let file = app
        .opinion_file(&w.cx("alimjan"), &case, &opinion)
        .await
        .unwrap();
    assert_eq!(
        seal::SealedFile::parse(&file).unwrap().document().unwrap(),
        bytes
    );
    assert_eq!(
        app.verify_sealed(&file, None).await.unwrap().verdict,
        Verdict::Genuine
    );
    let mut altered = file.clone();
    altered[file.len() / 2] ^= 1;
    assert_eq!(
        app.verify_sealed(&altered, None).await.unwrap().verdict,
        Verdict::Refused
    );
    // For `karez verify` and the Python verifier, when asked for.
    if let Some(dir) = std::env::var_os("KAREZ_KEEP_OPINION") {
        let dir = std::path::PathBuf::from(dir);
        std::fs::write(dir.join("opinion.karez.json"), &file).unwrap();
        let keys = app.hospital_jwks(&hospital_id("qumtagh")).await.unwrap();
        std::fs::write(dir.join("keys.json"), serde_json::to_vec(&keys).unwrap()).unwrap();
        for (language, _) in app::opinions::PRINT_LANGUAGES {
            let pdf = app
                .opinion_pdf(&w.cx("alimjan"), &case, &opinion, language)
                .await
                .unwrap();
            std::fs::write(dir.join(format!("opinion-{language}.pdf")), pdf).unwrap();
        }
    }
}

#[tokio::test]
async fn a_draft_survives_and_is_the_authors_alone() {
    let (w, case) = allocated(false).await;
    let app = &w.node.app;
    let desk = app.opinion_desk(&w.cx("li"), &case).await.unwrap();
    assert_eq!((desk.kept, desk.licence.as_deref()), (None, Some("LIC-li")));
    assert!(!desk.templates.is_empty() && desk.changed.is_empty() && !desk.needs_co_signature);
    app.keep_opinion_draft(&w.cx("li"), &case, draft())
        .await
        .unwrap();
    let again = app.opinion_desk(&w.cx("li"), &case).await.unwrap();
    assert_eq!(again.draft, draft());
    assert_eq!(again.kept, Some(w.node.now()));
    let other = app.opinion_desk(&w.cx("ma"), &case).await.unwrap();
    assert_eq!(other.draft.advice, text(""));
    for who in ["alimjan", "gulnar", "outsider"] {
        let said = refused(app.opinion_desk(&w.cx(who), &case).await);
        assert!(
            ["role-missing", "not-found"].contains(&said.as_str()),
            "{who}: {said}"
        );
    }
    let long = DraftText {
        advice: text(&"x".repeat(20_001)),
        ..draft()
    };
    assert_eq!(
        refused(app.keep_opinion_draft(&w.cx("li"), &case, long).await),
        "too-long"
    );
}

#[tokio::test]
async fn signing_stops_while_the_record_differs_from_what_was_seen() {
    let (w, case) = allocated(false).await;
    let (app, li) = (&w.node.app, w.cx("li"));
    app.opinion_desk(&li, &case).await.unwrap();
    app.keep_opinion_draft(&li, &case, draft()).await.unwrap();
    potassium_again(&w).await;
    assert_eq!(
        refused(app.sign_opinion(&li, &case, ask()).await),
        "record-changed"
    );
    // Acknowledging what no page has shown does not count.
    let seen = SignAsk {
        seen_changes: true,
        ..ask()
    };
    assert_eq!(
        refused(app.sign_opinion(&li, &case, seen.clone()).await),
        "record-changed"
    );
    let desk = app.opinion_desk(&li, &case).await.unwrap();
    assert_eq!(desk.changed.len(), 1);
    assert_eq!(desk.changed[0].what, "changed");
    assert_eq!(desk.draft, draft());
    assert_eq!(
        refused(app.sign_opinion(&li, &case, ask()).await),
        "record-changed"
    );
    let opinion = app.sign_opinion(&li, &case, seen).await.unwrap();
    let view = app.opinion(&li, &case, &opinion).await.unwrap();
    assert!(
        view.record
            .iter()
            .any(|r| r.key.kind.as_str() == "Observation" && r.version == 2)
    );
}

#[tokio::test]
async fn nothing_is_signed_without_words_password_privilege_or_licence() {
    let (w, case) = allocated(false).await;
    let (app, li) = (&w.node.app, w.cx("li"));
    app.opinion_desk(&li, &case).await.unwrap();
    assert_eq!(
        refused(app.sign_opinion(&li, &case, ask()).await),
        "opinion-empty"
    );
    app.keep_opinion_draft(&li, &case, draft()).await.unwrap();
    let wrong = Reauth {
        password: text("another long passphrase"),
        code: None,
        passkey: None,
    };
    let said = refused(
        app.sign_opinion(
            &li,
            &case,
            SignAsk {
                reauth: wrong,
                ..ask()
            },
        )
        .await,
    );
    assert_eq!(said, "password-wrong");
    let mut bare: Cx = li.clone();
    bare.actor.privileges.clear();
    assert!(app.sign_opinion(&bare, &case, ask()).await.is_err());
    // Somebody else's case: another consultant of the same hospital.
    app.opinion_desk(&w.cx("ma"), &case).await.unwrap();
    app.keep_opinion_draft(&w.cx("ma"), &case, draft())
        .await
        .unwrap();
    assert!(app.sign_opinion(&w.cx("ma"), &case, ask()).await.is_err());
    let view = app.case(&li, &case).await.unwrap();
    assert!(view.answers.is_empty());
}

#[tokio::test]
async fn a_second_signature_is_awaited_before_the_opinion_goes_out() {
    let (w, case) = allocated(true).await;
    let (app, li) = (&w.node.app, w.cx("li"));
    let desk = app.opinion_desk(&li, &case).await.unwrap();
    assert!(desk.needs_co_signature);
    assert_eq!(
        desk.co_signers
            .iter()
            .map(|p| p.name.as_str())
            .collect::<Vec<_>>(),
        ["ma"]
    );
    app.keep_opinion_draft(&li, &case, draft()).await.unwrap();
    let with = SignAsk {
        co_signer: Some(w.account("ma")),
        ..ask()
    };
    let opinion = app.sign_opinion(&li, &case, with).await.unwrap();
    assert_eq!(
        refused(app.opinion(&w.cx("alimjan"), &case, &opinion).await),
        "not-found"
    );
    assert!(
        stored(&w, "yarqum", "DocumentReference", &opinion)
            .await
            .is_none()
    );
    w.minutes(3);
    app.co_sign_opinion(&w.cx("ma"), &case, &opinion, ask().reauth)
        .await
        .unwrap();
    let view = app
        .opinion(&w.cx("alimjan"), &case, &opinion)
        .await
        .unwrap();
    let second = view.co_signer.unwrap();
    assert_eq!(
        (second.name.as_str(), second.report.verdict),
        ("ma", Verdict::Genuine)
    );
    assert_eq!(view.report.verdict, Verdict::Genuine);
}

#[tokio::test]
async fn an_addendum_is_a_document_of_its_own_that_names_the_first() {
    let (w, case) = allocated(false).await;
    let (app, li) = (&w.node.app, w.cx("li"));
    let first = signed(&w, &case).await;
    w.minutes(60);
    let li_later = w.cx("li");
    app.opinion_desk(&li_later, &case).await.unwrap();
    let more = DraftText {
        assessment: text("Histology confirms."),
        ..DraftText::default()
    };
    app.keep_opinion_draft(&li_later, &case, more)
        .await
        .unwrap();
    let add = SignAsk {
        addendum_to: Some(first.clone()),
        ..ask()
    };
    let second = app.sign_opinion(&li_later, &case, add).await.unwrap();
    let view = app.opinion(&w.cx("alimjan"), &case, &second).await.unwrap();
    assert_eq!(view.addendum_to, Some(first.clone()));
    assert_eq!(view.report.verdict, Verdict::Genuine);
    let before = app.opinion(&li, &case, &first).await.unwrap();
    assert_eq!(before.sections[0].text, draft().findings);
    let pdf = app
        .opinion_pdf(&w.cx("alimjan"), &case, &second, "ru")
        .await
        .unwrap();
    assert!(pdf.starts_with(b"%PDF"));
}

#[tokio::test]
async fn a_translation_names_its_translator_and_leaves_the_signature_alone() {
    let (w, case) = allocated(false).await;
    let app = &w.node.app;
    let opinion = signed(&w, &case).await;
    let before = app
        .opinion_file(&w.cx("alimjan"), &case, &opinion)
        .await
        .unwrap();
    let ask = TranslationAsk {
        language: "zh-CN".into(),
        sections: vec![("advise".into(), text("1. 穿刺活检。"))],
        machine: None,
    };
    app.translate_opinion(&w.cx("rena"), &case, &opinion, ask.clone())
        .await
        .unwrap();
    for who in ["alimjan", "li"] {
        let view = app.opinion(&w.cx(who), &case, &opinion).await.unwrap();
        assert_eq!(view.translations[0].translator, "rena");
        assert_eq!(view.report.verdict, Verdict::Genuine);
    }
    assert_eq!(
        app.opinion_file(&w.cx("alimjan"), &case, &opinion)
            .await
            .unwrap(),
        before
    );
    let odd = TranslationAsk {
        sections: vec![("nonsense".into(), text("x"))],
        ..ask
    };
    assert_eq!(
        refused(
            app.translate_opinion(&w.cx("rena"), &case, &opinion, odd)
                .await
        ),
        "parts"
    );
    assert_eq!(
        refused(app.opinion(&w.cx("outsider"), &case, &opinion).await),
        "not-found"
    );
    assert_eq!(
        refused(
            app.opinion_pdf(&w.cx("alimjan"), &case, &opinion, "fr")
                .await
        ),
        "language"
    );
}

/// A world whose time-stamping authority answers or not.
async fn with_authority(up: bool) -> (World, RecordKey, testkit::TimeAuthority) {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let clock = kernel::clock::ManualClock::at(testkit::START);
    let authority = testkit::TimeAuthority::start(clock.clone()).await;
    authority.set_up(up);
    let settings = app::Settings {
        time_stamp: Some(authority.settings()),
        ..app::Settings::default()
    };
    let (w, case) = allocated_in(World::with(settings).await, false).await;
    clock.advance(w.node.now().duration_since(testkit::START));
    (w, case, authority)
}

#[tokio::test]
async fn an_authority_confirms_the_time_of_signing_inside_the_sealed_file() {
    let (w, case, authority) = with_authority(true).await;
    let (app, li) = (&w.node.app, w.cx("li"));
    let opinion = signed(&w, &case).await;
    let view = app.opinion(&li, &case, &opinion).await.unwrap();
    assert_eq!(view.report.verdict, Verdict::Genuine);
    let facts = view.report.facts.unwrap();
    assert_eq!(
        facts.time_authority.as_deref(),
        Some(testkit::TimeAuthority::NAME)
    );
    assert!(!facts.stamped_later);
    assert_eq!(facts.stamped_at, Some(w.node.now()));
    let file = app.opinion_file(&li, &case, &opinion).await.unwrap();
    let alone = seal::verify(&file, None);
    assert!(alone.facts.unwrap().time_authority.is_some());
    assert_eq!(app.late_time_stamps().await.unwrap(), 0);
    assert_eq!(authority.asked(), 1);
    assert_eq!(
        refused(app.opinion_time_stamp(&li, &case, &opinion).await),
        "not-found"
    );
}

#[tokio::test]
async fn an_authority_that_is_down_holds_nothing_up_and_is_asked_again() {
    let (w, case, authority) = with_authority(false).await;
    let app = &w.node.app;
    let opinion = signed(&w, &case).await;
    let report =
        |view: app::opinions::OpinionView| (view.report.verdict, view.report.facts.unwrap());
    let (verdict, facts) = report(app.opinion(&w.cx("li"), &case, &opinion).await.unwrap());
    assert_eq!((verdict, facts.time_authority), (Verdict::Genuine, None));

    assert_eq!(app.late_time_stamps().await.unwrap(), 0);
    authority.set_up(true);
    assert_eq!(app.late_time_stamps().await.unwrap(), 1);
    assert_eq!(app.late_time_stamps().await.unwrap(), 0);
    assert_eq!(authority.asked(), 3);

    for who in ["li", "alimjan"] {
        let cx = w.cx(who);
        let (verdict, facts) = report(app.opinion(&cx, &case, &opinion).await.unwrap());
        assert_eq!(verdict, Verdict::Genuine, "{who}");
        assert!(
            facts.stamped_later && facts.time_authority.is_some(),
            "{who}"
        );
        let file = app.opinion_file(&cx, &case, &opinion).await.unwrap();
        let token = app.opinion_time_stamp(&cx, &case, &opinion).await.unwrap();
        let report = app.verify_sealed(&file, Some(&token)).await.unwrap();
        assert_eq!(report.verdict, Verdict::Genuine);
        assert!(report.facts.unwrap().stamped_later);
        let mut altered = token.clone();
        let last = altered.len() - 1;
        altered[last] ^= 1;
        let report = app.verify_sealed(&file, Some(&altered)).await.unwrap();
        assert_eq!(report.failed().unwrap().id.as_str(), "time");
    }
}
