//! Every page and form takes whatever is sent to it: a wrong address, a wrong query, fields full of rubbish. It answers
//! that the sender is wrong, never that it is, and nobody who may not ask gets further than before.

use axum::http::{Method, StatusCode};
use web::{RouteSpec, Who};

use crate::doors::Answer;
use crate::scene::{Person, Scene};

/// Values that no field expects, percent-encoded as a form sends them.
fn rubbish() -> Vec<String> {
    vec![
        String::new(),
        "%00%01%1f".into(),
        "%ff%fe%c3%28".into(),
        "-1".into(),
        "99999999999999999999999999".into(),
        "2026-02-30T25:61:61Z".into(),
        "%3Cscript%3Ealert(1)%3C/script%3E".into(),
        "..%2F..%2Fetc%2Fpasswd".into(),
        "%E2%80%AE%F0%9D%95%8F%EF%BF%BF".into(),
        "%27%20OR%201=1--".into(),
        "A".repeat(50_000),
    ]
}

/// These end what the others need, or never end.
const LEFT_OUT: [&str; 5] = [
    "/live",
    "/sign-out",
    "/profile/sessions/end",
    "/profile/sessions/end-others",
    "/profile/password",
];

impl Scene {
    /// The address with things that are there in its places.
    fn address(&self, spec: &RouteSpec, account: &str) -> String {
        let mut before = "";
        let parts = spec.path.split('/').map(|part| {
            let value = match (part, before) {
                ("{hospital}", _) => "qumtagh",
                ("{id}", "patients") => "p1",
                ("{id}", "agreements") => self.drafted.as_str(),
                ("{id}", _) if spec.path.starts_with("/patients") => "p1",
                ("{id}", _) => self.cases.sent.id.as_str(),
                ("{kind}", _) => "Observation",
                ("{account}", _) => account,
                ("{step}", _) => "question",
                ("{language}", _) => "en",
                ("{index}", _) => "0",
                (p, _) if p.starts_with('{') => "never-was",
                (p, _) => p,
            };
            before = part;
            value.to_owned()
        });
        parts.collect::<Vec<_>>().join("/")
    }

    async fn rubbish_on(&self, spec: &RouteSpec, who: &Person) -> Vec<String> {
        let account = self.person("own clinician").cx.actor.account.to_string();
        let address = self.address(spec, &account);
        let mut faults = Vec::new();
        let mut note = |sent: &str, answer: Option<Answer>| {
            let Some(answer) = answer else { return };
            if answer.status.is_server_error() {
                let sent: String = sent.chars().take(80).collect();
                faults.push(format!("{spec:?} {} {sent}: {}", who.name, answer.status));
            }
            assert!(
                !answer.body.contains("<script>alert"),
                "{spec:?} gives back what was sent as it was sent"
            );
        };
        if spec.method == Method::GET {
            note(&address, self.page(who, &address).await);
            for value in rubbish().iter().filter(|v| v.len() < 1_000) {
                let query = format!(
                    "{address}?q={value}&page={value}&after={value}&tab={value}&from={value}&until={value}&{value}"
                );
                note(&query, self.page(who, &query).await);
                for place in spec.path.split('/').filter(|p| p.starts_with('{')) {
                    let wrong = spec.path.replace(place, value).replace(['{', '}'], "");
                    note(&wrong, self.page(who, &wrong).await);
                }
            }
            return faults;
        }
        let names = self.fields_of(who, &address).await;
        for value in rubbish() {
            let form: Vec<String> = names.iter().map(|n| format!("{n}={value}")).collect();
            note(&value, self.form(who, &address, &form.join("&")).await);
        }
        faults
    }

    /// Names of the fields on the form's own page, and of a few that many forms have.
    async fn fields_of(&self, who: &Person, address: &str) -> Vec<String> {
        let mut names: Vec<String> = ["text", "reason", "q", "to", "next", "date", "consultant"]
            .map(str::to_owned)
            .into();
        let up = address.rsplit_once('/').map_or("", |(up, _)| up);
        for page in [address, up].into_iter().filter(|p| !p.is_empty()) {
            let Some(answer) = self.page(who, page).await else {
                continue;
            };
            let found = answer.body.split(" name=\"").skip(1);
            names.extend(found.filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())));
        }
        names.retain(|n| n != "csrf");
        names.sort();
        names.dedup();
        names
    }
}

#[tokio::test]
async fn rubbish_is_answered_on_every_route() {
    let scene = Scene::new("active", "given").await;
    let mut faults = Vec::new();
    let mut asked = 0;
    for spec in web::pages::routes() {
        if LEFT_OUT.contains(&spec.path) {
            continue;
        }
        let may = |p: &&Person| match spec.who {
            Who::Roles(roles) => roles.iter().any(|r| p.cx.actor.has(*r)),
            _ => true,
        };
        // One of each kind is enough: the same handler answers.
        for who in scene.people.iter().filter(may).take(2) {
            faults.extend(scene.rubbish_on(&spec, who).await);
            asked += 1;
        }
    }
    assert!(asked > 100, "the list of routes is the site's");
    assert!(faults.is_empty(), "{faults:#?}");
}

#[tokio::test]
async fn rubbish_is_answered_on_every_kind_of_fhir_request() {
    let scene = Scene::new("active", "given").await;
    let clinician = scene.person("own clinician");
    for value in rubbish() {
        for path in [
            format!("qumtagh/{value}"),
            format!("{value}/Patient/p1"),
            format!("qumtagh/Patient/{value}"),
            format!("qumtagh/Patient/p1/_history/{value}"),
            format!("qumtagh/Observation?{value}={value}&_count={value}&_sort={value}"),
            format!("qumtagh/Observation?subject={value}&date={value}&value-quantity={value}"),
            format!("qumtagh/Observation?_cursor={value}&_id={value}&_lastUpdated={value}"),
            format!("qumtagh/Observation?_include={value}&_elements={value}&_format={value}"),
        ] {
            if path.parse::<axum::http::Uri>().is_err() || path.len() > 60_000 {
                continue;
            }
            let answer = scene.fhir(clinician, &path).await;
            assert!(
                !answer.status.is_server_error(),
                "{path}: {} {}",
                answer.status,
                answer.body
            );
            if answer.status != StatusCode::OK {
                let outcome = answer.json();
                assert_eq!(outcome["resourceType"], "OperationOutcome", "{path}");
            }
        }
    }
}

/// Words that scanners wrote stand on pages, in scripts' data and in answers; nowhere do they become part of a page.
#[tokio::test]
async fn script_in_the_texts_of_an_image_stays_text() {
    const SCRIPT: &str = "</script><script>alert(1)</script>";
    let scene = Scene::new("active", "given").await;
    let phantom = testkit::phantom::Phantom::new("1.2.826.66", "17", 16);
    let mut d = phantom.dataset(1);
    for (tag, vr) in [
        (imaging::tags::PATIENT_NAME, imaging::VR::PN),
        (imaging::tags::PATIENT_ID, imaging::VR::LO),
        (imaging::tags::STUDY_DESCRIPTION, imaging::VR::LO),
        (imaging::tags::SERIES_DESCRIPTION, imaging::VR::LO),
        (imaging::tags::REFERRING_PHYSICIAN_NAME, imaging::VR::PN),
        (imaging::tags::INSTITUTION_NAME, imaging::VR::LO),
        (imaging::tags::ACCESSION_NUMBER, imaging::VR::SH),
    ] {
        d.put_text(tag, vr, SCRIPT);
    }
    d.put_text(imaging::tags::MODALITY, imaging::VR::CS, "<SCRIPT>");
    d.put_text(imaging::tags::BODY_PART_EXAMINED, imaging::VR::CS, SCRIPT);
    let bytes = imaging::write(&d, true);
    let syntax = "1.2.840.10008.1.2.1";
    let uid = phantom.uid(1);
    let file = imaging::file::wrap(&bytes, testkit::phantom::MR, &uid, syntax, None);
    let clinician = scene.person("own clinician");
    let stowed = scene.stow(clinician, &file).await;
    assert_eq!(stowed.status, StatusCode::OK, "{}", stowed.body);
    let app = scene.w.app();
    let (waiting, _) = app.studies_waiting(&clinician.cx, 0).await.unwrap();
    let study = waiting[0].study.id.clone();
    let mut seen = 0;
    let mut look = async |path: &str| {
        let answer = scene.page(clinician, path).await.unwrap();
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        assert!(!answer.body.contains(SCRIPT), "{path}");
        assert!(!answer.body.contains("<script>alert"), "{path}");
        seen += usize::from(answer.body.contains("alert(1)"));
    };
    look("/studies/waiting").await;
    look(&format!("/studies/waiting/{study}")).await;
    let patient = testkit::records::id("p1");
    app.assign_study(&clinician.cx, &study, &patient)
        .await
        .unwrap();
    scene
        .w
        .node
        .clock
        .advance(jiff::SignedDuration::from_secs(10));
    app.quiet_studies().await.unwrap();
    look("/patients/qumtagh/p1").await;
    look(&format!("/images/qumtagh/{study}")).await;
    assert!(seen >= 3, "the texts stand on the pages: {seen}");
}
