//! A study in other hands: links with PIN and end, what their holder reads and what not, and studies to take along.

#![allow(clippy::unwrap_used)]

extern crate karez_app as app;

mod world;

use agreements::Linked;
use agreements::border::Purpose;
use agreements::consent::Withdrawal;
use app::accounts::{LinkLimit, PatientLink, Relation, Validity};
use app::cx::Channel;
use app::imaging::Target;
use app::package::UnderLink;
use app::sessions::SessionAsk;
use app::sharing::{Guest, LinkEnd, NewLink, PIN_FAILURES_MAX};
use app::{AppError, Cx};
use kernel::{Phi, RecordKey};
use testkit::records::{hospital_id, id, key};
use world::images::{STUDY, dataset};
use world::{World, text};

fn asker(peer: &str) -> SessionAsk {
    SessionAsk {
        request: "test".into(),
        peer: Some(peer.into()),
        channel: Channel::Page,
    }
}

fn new(download: bool) -> NewLink {
    NewLink {
        to: text("Dr Meyer"),
        country: Some("CN".into()),
        purpose: None,
        hours: 72,
        download,
    }
}

fn own_link(w: &World, relation: Relation, limits: &[LinkLimit]) -> PatientLink {
    PatientLink {
        hospital: hospital_id("yarqum"),
        patient: id("p1"),
        relation,
        limits: limits.to_vec(),
        valid: Validity {
            from: w.node.now(),
            until: None,
        },
    }
}

/// The patient's own request.
async fn patient(w: &World) -> Cx {
    let account = w
        .patient_account("wang", own_link(w, Relation::Oneself, &[]))
        .await;
    w.patient_cx(&account, Linked::whole(hospital_id("yarqum"), id("p1")))
}

fn code<T>(r: Result<T, AppError>) -> String {
    match r {
        Err(AppError::Denied(d)) => d.reason,
        Err(AppError::NotFound) => "not-found".into(),
        Err(AppError::Rejected { code, .. }) => code,
        Err(AppError::RateLimited { .. }) => "rate-limited".into(),
        Err(AppError::Invalid(p)) => p[0].field.clone(),
        Err(e) => panic!("{e}"),
        Ok(_) => "allowed".into(),
    }
}

/// Opened by its PIN, from this address.
async fn opened(w: &World, token: &str, pin: &Phi<String>) -> (String, kernel::ResourceId) {
    let app = &w.node.app;
    let opened = app
        .open_link(token, pin.clone(), asker("198.51.100.7"))
        .await
        .unwrap();
    (opened.token, opened.link)
}

async fn guest(w: &World, link: &kernel::ResourceId, token: &str) -> Result<Guest, AppError> {
    let at = hospital_id("yarqum");
    w.node
        .app
        .guest(&at, link, token, asker("198.51.100.7"))
        .await
}

async fn world() -> (World, RecordKey, Cx) {
    let w = World::new().await;
    w.patient().await;
    let study = w.study().await;
    let patient = patient(&w).await;
    (w, study, patient)
}

#[tokio::test]
async fn the_patients_link_opens_the_study_and_nothing_else_and_each_opening_is_shown_to_them() {
    let (w, study, patient) = world().await;
    let app = &w.node.app;
    let other = w.send(&dataset("1.2.826.0.1.8", 1, "MR", "A2")).await;
    let made = app.share_study(&patient, &study, new(false)).await.unwrap();
    assert_eq!(made.pin.reveal().len(), 6);
    let (token, link) = opened(&w, &made.token, &made.pin).await;
    let guest = guest(&w, &link, &token).await.unwrap();

    assert_eq!(app.study(&guest.cx, &study).await.unwrap().line.uid, STUDY);
    let at = hospital_id("yarqum");
    let lines = app
        .image_locate(&guest.cx, &at, &Target::study(STUDY))
        .await
        .unwrap();
    assert_eq!(lines.len(), 3);
    let image = app.image_open(&guest.cx, &lines[0]).await.unwrap();
    assert!(!image.all().await.unwrap().is_empty());
    // The banner says whose it is; nothing else of the record is there.
    app.banner(&guest.cx, &guest.patient).await.unwrap();
    assert_eq!(code(app.study(&guest.cx, &other).await), "not-found");
    let none = Target::study("1.2.826.0.1.8");
    let none = app.image_locate(&guest.cx, &at, &none).await;
    assert!(none.unwrap().is_empty());
    for (kind, at) in [("Observation", "k1"), ("AllergyIntolerance", "a1")] {
        let entry = key("yarqum", kind, at);
        let found = w.node.store.get(&guest.cx.permit(), &entry, None).await;
        assert!(found.unwrap().is_none(), "{kind}");
    }
    assert!(
        app.study(&guest.cx, &study)
            .await
            .unwrap()
            .priors
            .is_empty()
    );
    assert_eq!(
        code(app.share_study(&guest.cx, &study, new(true)).await),
        "link-proxy"
    );

    app.flush_reads().await.unwrap();
    let readers = app.readers(&patient, &at, &id("p1")).await.unwrap();
    let seen = readers.iter().find(|r| r.name.starts_with("Dr Meyer"));
    let seen = seen.expect("the opening is among those who read");
    assert!(seen.times >= 2 && seen.kinds.contains("ImagingStudy"));
    let lines = app.study_links(&patient, &study).await.unwrap();
    assert_eq!((lines[0].openings, lines[0].end), (1, None));
}

#[tokio::test]
async fn a_wrong_token_a_wrong_pin_and_an_ended_link_are_told_alike() {
    let (w, study, patient) = world().await;
    let app = &w.node.app;
    let made = app.share_study(&patient, &study, new(false)).await.unwrap();
    let wrong = text("000000x");
    let mut answers = Vec::new();
    answers.push(code(
        app.open_link("karez_nothing", made.pin.clone(), asker("a"))
            .await,
    ));
    answers.push(code(app.open_link(&made.token, wrong, asker("b")).await));
    app.end_study_link(&patient, &study, &made.id)
        .await
        .unwrap();
    answers.push(code(
        app.open_link(&made.token, made.pin.clone(), asker("c"))
            .await,
    ));
    let late = app.share_study(&patient, &study, new(false)).await.unwrap();
    w.minutes(72 * 60);
    answers.push(code(
        app.open_link(&late.token, late.pin.clone(), asker("d"))
            .await,
    ));
    assert!(answers.iter().all(|a| a == "link-closed"), "{answers:?}");
    let patient = Cx {
        now: w.node.now(),
        ..patient
    };
    let ends: Vec<_> = app
        .study_links(&patient, &study)
        .await
        .unwrap()
        .into_iter()
        .map(|l| l.end.unwrap())
        .collect();
    // Made in one moment, so that neither is the newer one.
    assert_eq!(ends.len(), 2);
    assert!(ends.contains(&LinkEnd::Expired) && ends.contains(&LinkEnd::Revoked));
}

#[tokio::test]
async fn guessing_the_pin_is_slowed_and_then_ends_the_link() {
    let (w, study, patient) = world().await;
    let app = &w.node.app;
    let made = app.share_study(&patient, &study, new(false)).await.unwrap();
    let mut closed = 0;
    for n in 0..PIN_FAILURES_MAX {
        let guess = text(&format!("x{n}"));
        // From many addresses: what is counted is the link.
        let from = format!("203.0.113.{n}");
        closed +=
            u32::from(code(app.open_link(&made.token, guess, asker(&from)).await) == "link-closed");
    }
    assert_eq!(closed, PIN_FAILURES_MAX);
    let right = || app.open_link(&made.token, made.pin.clone(), asker("203.0.113.200"));
    assert_eq!(code(right().await), "rate-limited");
    w.minutes(16);
    // The name has cooled down; one try too many was made, and the right PIN opens nothing any more.
    assert_eq!(code(right().await), "link-closed");
    let lines = app.study_links(&patient, &study).await.unwrap();
    assert_eq!(lines[0].end, Some(LinkEnd::Locked));
    assert_eq!(lines[0].openings, 0);
}

#[tokio::test]
async fn a_right_pin_forgets_the_wrong_ones_before_it() {
    let (w, study, patient) = world().await;
    let app = &w.node.app;
    let made = app.share_study(&patient, &study, new(false)).await.unwrap();
    for round in 0..3 {
        for n in 0..4 {
            let guess = app.open_link(&made.token, text("wrong"), asker(&format!("p{round}{n}")));
            assert_eq!(code(guess.await), "link-closed");
        }
        opened(&w, &made.token, &made.pin).await;
    }
    let lines = app.study_links(&patient, &study).await.unwrap();
    assert_eq!((lines[0].openings, lines[0].end), (3, None));
}

#[tokio::test]
async fn a_clinician_shares_on_the_patients_consent_and_it_ends_with_it() {
    let (w, study, patient) = world().await;
    let app = &w.node.app;
    let alimjan = w.cx("alimjan");
    assert_eq!(
        code(app.share_study(&alimjan, &study, new(true)).await),
        "link-no-consent"
    );
    // A consent for one hospital is none for a doctor elsewhere.
    w.consent().await;
    assert_eq!(
        code(app.may_share(&alimjan, &study).await),
        "link-no-consent"
    );
    let mut consent = w.open_consent().await;
    let made = app
        .share_study(&w.cx("alimjan"), &study, new(true))
        .await
        .unwrap();
    for who in ["yq-admin", "outsider", "li"] {
        let refused = code(app.share_study(&w.cx(who), &study, new(true)).await);
        assert!(refused != "allowed", "{who}: {refused}");
    }
    let (token, link) = opened(&w, &made.token, &made.pin).await;
    guest(&w, &link, &token).await.unwrap();

    consent.withdrawn = Some(Withdrawal {
        at: w.node.now(),
        by: patient.actor.account.clone(),
        relation: agreements::consent::Relation::Patient,
        reason: None,
    });
    w.put_consent(&consent).await;
    assert_eq!(code(guest(&w, &link, &token).await), "not-found");
    assert_eq!(
        code(
            app.open_link(&made.token, made.pin.clone(), asker("z"))
                .await
        ),
        "link-closed"
    );
    let lines = app.study_links(&patient, &study).await.unwrap();
    assert_eq!(lines[0].end, Some(LinkEnd::Ground));
    assert_eq!(lines[0].by, "alimjan");
}

#[tokio::test]
async fn a_clinicians_link_abroad_passes_the_borders_rules_and_is_in_its_ledger() {
    let (w, study, _) = world().await;
    let app = &w.node.app;
    let cx = w.cx("alimjan");
    w.open_consent().await;
    let to = |country: Option<&str>, purpose| NewLink {
        country: country.map(str::to_owned),
        purpose,
        ..new(false)
    };
    let second = Some(Purpose::SecondOpinion);
    assert_eq!(
        code(app.share_study(&cx, &study, to(None, None)).await),
        "country"
    );
    assert_eq!(
        code(app.share_study(&cx, &study, to(Some("Meyer"), None)).await),
        "country"
    );
    // The patient agreed to sharing, not to leaving the country.
    assert_eq!(
        code(app.share_study(&cx, &study, to(Some("KZ"), second)).await),
        "consent"
    );
    let year = w.node.now().to_zoned(jiff::tz::TimeZone::UTC).year();
    let ledger = async || app.border_ledger(&w.cx("yq-admin"), year).await.unwrap();
    assert!(ledger().await.entries.is_empty());
    let mut consent = w.open_consent().await;
    consent.scope.across_border = true;
    w.put_consent(&consent).await;
    assert_eq!(
        code(app.share_study(&cx, &study, to(Some("KZ"), None)).await),
        "purpose"
    );
    assert_eq!(
        code(app.share_study(&cx, &study, to(Some("kz"), second)).await),
        "allowed"
    );
    let entries = ledger().await.entries;
    assert_eq!(entries.len(), 1);
    assert_eq!(
        (entries[0].destination.as_str(), &entries[0].recipient),
        ("KZ", &None)
    );
    assert!(entries[0].link.is_some() && entries[0].agreement.is_none());
    // At home nothing crosses.
    assert_eq!(
        code(app.share_study(&cx, &study, to(Some("CN"), None)).await),
        "allowed"
    );
    assert_eq!(ledger().await.entries.len(), 1);
    let lines = app.study_links(&cx, &study).await.unwrap();
    assert!(lines.iter().any(|l| l.country.as_deref() == Some("KZ")));
}

#[tokio::test]
async fn who_acts_for_a_patient_without_their_consents_hands_nothing_on() {
    let (w, study, _) = world().await;
    let app = &w.node.app;
    let link = own_link(&w, Relation::Guardian, &[LinkLimit::NoConsent]);
    let account = w.patient_account("aunt", link.clone()).await;
    let aunt = w.patient_cx(&account, link.linked());
    assert_eq!(
        code(app.share_study(&aunt, &study, new(false)).await),
        "link-proxy"
    );
    let bad = NewLink {
        hours: 5,
        ..new(false)
    };
    let patient = patient_again(&w, "wang2").await;
    assert_eq!(code(app.share_study(&patient, &study, bad).await), "hours");
    let bad = NewLink {
        to: text("  "),
        ..new(false)
    };
    assert_eq!(code(app.share_study(&patient, &study, bad).await), "to");
}

async fn patient_again(w: &World, login: &str) -> Cx {
    let account = w
        .patient_account(login, own_link(w, Relation::Oneself, &[]))
        .await;
    w.patient_cx(&account, Linked::whole(hospital_id("yarqum"), id("p1")))
}

/// All of a package.
async fn whole(mut package: app::package::Package) -> Result<Vec<u8>, AppError> {
    let mut out = Vec::new();
    while let Some(part) = package.next().await? {
        out.extend_from_slice(&part);
    }
    Ok(out)
}

#[tokio::test]
async fn a_study_is_taken_along_as_files_with_a_directory() {
    let (w, study, patient) = world().await;
    let app = &w.node.app;
    let zip = whole(app.study_package(&patient, &study, None).await.unwrap())
        .await
        .unwrap();
    let has = |name: &str| zip.windows(name.len()).any(|p| p == name.as_bytes());
    for name in [
        "DICOMDIR",
        "DICOM/SE000001/IM000001",
        "DICOM/SE000001/IM000003",
    ] {
        assert!(has(name), "{name}");
    }
    assert!(!has("IM000004"));
    assert_eq!(&zip[..4], b"PK\x03\x04");
    for who in ["yq-admin", "outsider", "li"] {
        let refused = app.study_package(&w.cx(who), &study, None).await;
        assert_eq!(code(refused.map(|_| ())), "not-found", "{who}");
    }
}

#[tokio::test]
async fn a_package_under_a_link_ends_with_the_link() {
    let (w, study, patient) = world().await;
    let app = &w.node.app;
    for download in [false, true] {
        let made = app
            .share_study(&patient, &study, new(download))
            .await
            .unwrap();
        let (token, link) = opened(&w, &made.token, &made.pin).await;
        let guest = guest(&w, &link, &token).await.unwrap();
        let under = UnderLink {
            hospital: hospital_id("yarqum"),
            link: link.clone(),
            token,
            ask: asker("198.51.100.7"),
        };
        let package = || app.study_package(&guest.cx, &study, Some(under.clone()));
        let first = whole(package().await.unwrap()).await.map(|_| ());
        let expected = if download { "allowed" } else { "not-found" };
        assert_eq!(code(first), expected);
        app.end_study_link(&patient, &study, &link).await.unwrap();
        let after = whole(package().await.unwrap()).await.map(|_| ());
        assert_eq!(code(after), "not-found");
    }
}
