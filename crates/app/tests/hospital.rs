//! What a hospital's administrator changes of the hospital and its staff.

#![allow(clippy::unwrap_used)]

extern crate karez_app as app;

mod world;

use std::collections::BTreeMap;

use app::AppError;
use app::hospitals::{HospitalChange, Service};
use app::people::MemberChange;
use testkit::records::hospital_id;
use world::World;

fn named(name: &str) -> BTreeMap<String, String> {
    BTreeMap::from([("en".to_owned(), name.to_owned())])
}

fn service(code: &str) -> Service {
    Service {
        code: code.into(),
        names: named("Thoracic surgery"),
        specialty: "thoracic-surgery".into(),
    }
}

fn change(services: Vec<Service>) -> HospitalChange {
    HospitalChange {
        names: named("Qumtagh Medical Centre"),
        city: "Qumtagh".into(),
        zone: "Asia/Urumqi".into(),
        languages: vec!["zh-CN".into(), "ug".into()],
        services,
    }
}

fn fields(refused: Result<(), AppError>) -> Vec<String> {
    match refused {
        Err(AppError::Invalid(problems)) => problems.into_iter().map(|p| p.field).collect(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_administrator_changes_their_own_hospital_and_the_audit_says_what() {
    let w = World::new().await;
    let app = &w.node.app;
    let admin = w.cx("qr-admin");
    let before = app.hospital_state(&admin).await.unwrap();
    let services = vec![service("thoracic-surgery")];
    app.change_hospital(&admin, before.version, change(services))
        .await
        .unwrap();
    let now = app.hospital(&hospital_id("qumtagh")).unwrap();
    assert_eq!(
        (now.zone.as_str(), now.name("en")),
        ("Asia/Urumqi", "Qumtagh Medical Centre")
    );
    assert_eq!(now.services.len(), 1);
    let again = change(vec![]);
    let stale = app.change_hospital(&admin, before.version, again).await;
    assert!(matches!(stale, Err(AppError::Conflict)));

    let ask = app::audit::AuditAsk {
        action: Some("hospital.changed".into()),
        ..app::audit::AuditAsk::default()
    };
    let page = app.audit_page(&admin, &ask).await.unwrap();
    assert_eq!(page.rows.len(), 1);

    let outsider = app.hospital_state(&w.cx("li")).await;
    assert!(matches!(outsider, Err(AppError::Denied(_))));
}

#[tokio::test]
async fn what_does_not_hold_is_refused_field_by_field() {
    let w = World::new().await;
    let app = &w.node.app;
    let admin = w.cx("qr-admin");
    let version = app.hospital_state(&admin).await.unwrap().version;
    let mut bad = change(vec![
        service("Thoracic Surgery"),
        service("x-ray"),
        service("x-ray"),
    ]);
    bad.names.clear();
    bad.zone = "Mars/Olympus".into();
    bad.languages.clear();
    let told = fields(app.change_hospital(&admin, version, bad).await);
    assert_eq!(
        told,
        [
            "name-en",
            "zone",
            "languages",
            "service-0-code",
            "service-2-code"
        ]
    );
}

#[tokio::test]
async fn a_service_that_an_agreement_names_stays_on_offer() {
    let w = World::new().await;
    w.agreement().await;
    let app = &w.node.app;
    let admin = w.cx("qr-admin");
    let state = app.hospital_state(&admin).await.unwrap();
    let services = vec![service("thoracic-surgery"), service("x-ray")];
    app.change_hospital(&admin, state.version, change(services))
        .await
        .unwrap();
    let state = app.hospital_state(&admin).await.unwrap();
    assert_eq!(state.in_use, ["thoracic-surgery"]);
    let refused = app
        .change_hospital(&admin, state.version, change(vec![service("x-ray")]))
        .await;
    assert_eq!(fields(refused), ["services"]);
}

#[tokio::test]
async fn specialties_of_staff_are_codes() {
    let w = World::new().await;
    let app = &w.node.app;
    let admin = w.cx("qr-admin");
    let li = w.account("li");
    let member = app.member(&admin, &li).await.unwrap();
    let m = &member.membership;
    let wanted = |specialties: &[&str]| MemberChange {
        title: m.title.clone(),
        roles: m.roles.clone(),
        privileges: m.privileges.clone(),
        licences: m.licences.clone(),
        specialties: specialties.iter().map(|s| (*s).to_owned()).collect(),
    };
    let bad = wanted(&["Heart & Lung"]);
    let refused = app.change_member(&admin, &li, member.version, bad).await;
    assert_eq!(fields(refused), ["specialties"]);
    let good = wanted(&["oncology", "thoracic-surgery"]);
    app.change_member(&admin, &li, member.version, good)
        .await
        .unwrap();
    let people = app.people_at(&hospital_id("qumtagh"), None).await.unwrap();
    let li = people.iter().find(|p| p.account == li).unwrap();
    assert_eq!(li.specialties, ["oncology", "thoracic-surgery"]);
}
