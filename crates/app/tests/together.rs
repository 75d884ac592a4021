//! Looking at one study together: who may, what the others are told, when it ends, and what stays of it.
#![allow(clippy::unwrap_used)] // a test stops where it fails

extern crate karez_app as app;

use std::time::Duration;

use app::agreements::AgreementAct;
use app::imaging::ImageSource;
use app::viewing::Figure;
use app::viewing::together::{Beside, Drawn, Glance, Say, Shown, Together, Told, Traces};
use app::{App, AppError, Cx, RecordClass, Role, Settings};
use kernel::RecordKey;
use kernel::limits::TOGETHER_WORDS_PER_S;
use testkit::TestNode;
use testkit::images::{dataset_of, file_of};
use testkit::postgres::FreshDatabase;
use testkit::records::{hospital_id, key};
use testkit::world::World;

const SECOND: Duration = Duration::from_secs(1);

fn glance(sop: &str) -> Say {
    Say::Look(Some(Glance {
        series: "1.2.3".into(),
        sop: sop.into(),
        frame: 0,
        window: Some([400.0, 40.0]),
        turned: 0.0,
        flipped: [false, false],
        invert: false,
        zoom: 1.0,
        centre: [0.0, 1.5, -2.0],
        plane: None,
        over: None,
        beside: None,
    }))
}

/// The same with an earlier study beside.
fn beside(study: &str) -> Say {
    let Say::Look(Some(mut look)) = glance("1.2.3.4") else {
        panic!("a glance")
    };
    look.beside = Some(Box::new(Beside {
        hospital: hospital_id("qumtagh"),
        study: study.into(),
        series: format!("{study}.1"),
        sop: format!("{study}.1.1"),
        frame: 0,
        window: None,
    }));
    Say::Look(Some(look))
}

fn drawn(id: &str) -> Say {
    Say::Draw(Drawn {
        id: id.into(),
        tool: Figure::Length,
        sop: "1.2.3.4".into(),
        frame: 0,
        points: vec![[0.0; 3], [3.0, 4.0, 0.0]],
    })
}

/// A study of Qumtagh that Saryözen may read.
async fn shared(w: &World) -> (RecordKey, kernel::ResourceId) {
    let agreement = w.active_agreement().await;
    w.consent(true).await;
    w.share(&agreement, RecordClass::Imaging).await;
    let body = r#"{"resourceType":"ImagingStudy","identifier":[{"system":"urn:dicom:uid","value":"urn:oid:1.2.3"}],"status":"available",
        "subject":{"reference":"Patient/p1"},"numberOfSeries":1,"numberOfInstances":1}"#;
    w.put("ImagingStudy", "s1", body.into()).await;
    (key("qumtagh", "ImagingStudy", "s1"), agreement)
}

async fn hears(who: &mut Together, wanted: impl Fn(&Told) -> bool) -> Told {
    let listen = async {
        loop {
            match who.next().await {
                Some(told) if wanted(&told) => return told,
                Some(_) => {}
                None => panic!("it is over"),
            }
        }
    };
    tokio::time::timeout(3 * SECOND, listen)
        .await
        .expect("it was not heard")
}

fn people(told: &Told) -> Vec<(String, bool)> {
    match told {
        Told::People(all) => all
            .iter()
            .map(|s| (s.person.hospital.to_string(), s.leads))
            .collect(),
        _ => Vec::new(),
    }
}

async fn say(app: &App, cx: &Cx, study: &RecordKey, seat: &str, what: Say) {
    app.say_together(cx, study, seat, vec![what]).await.unwrap();
}

/// One leads, shows and draws, the other hears it; on whichever nodes they sit.
async fn together(w: &World, far: &App) {
    let (study, _) = shared(w).await;
    let (near, home, away) = (w.app(), w.clinician(), w.consultant());
    let mut one = near.look_together(&home, &study).await.unwrap();
    let mut other = far.look_together(&away, &study).await.unwrap();
    let two = |t: &Told| people(t).len() == 2;
    hears(&mut one, two).await;
    hears(&mut other, two).await;

    let seat = one.seat().to_owned();
    say(near, &home, &study, &seat, Say::Lead(true)).await;
    let led = |t: &Told| people(t).contains(&("qumtagh".to_owned(), true));
    hears(&mut other, led).await;
    say(near, &home, &study, &seat, glance("1.2.3.4")).await;
    say(near, &home, &study, &seat, drawn("f1")).await;
    let look = hears(&mut other, |t| matches!(t, Told::Look(_))).await;
    assert!(matches!(look, Told::Look(Some(Shown::Picture(g))) if g.sop == "1.2.3.4"));
    hears(
        &mut other,
        |t| matches!(t, Told::Draw(_, d) if d.id == "f1"),
    )
    .await;

    // What is said from another's seat comes to nothing; what is said next is heard first.
    say(far, &away, &study, &seat, glance("6.6.6")).await;
    let own = other.seat().to_owned();
    say(far, &away, &study, &own, glance("7.7.7")).await;
    say(far, &away, &study, &own, Say::Lead(true)).await;
    hears(&mut one, |t| {
        assert!(
            !matches!(t, Told::Look(Some(Shown::Picture(g))) if g.sop != "1.2.3.4"),
            "{t:?}"
        );
        people(t).contains(&("saryozen".to_owned(), true))
    })
    .await;

    // Whoever comes later is told all there is.
    let late = w.staff("rena", "qumtagh", &[Role::Clinician], &[]);
    let mut third = near.look_together(&late, &study).await.unwrap();
    hears(
        &mut third,
        |t| matches!(t, Told::Draw(_, d) if d.id == "f1"),
    )
    .await;
    drop(one);
    hears(
        &mut third,
        |t| matches!(t, Told::Erase(_, id) if id == "f1"),
    )
    .await;
    hears(
        &mut other,
        |t| matches!(t, Told::Erase(_, id) if id == "f1"),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_shows_the_others_see() {
    let w = World::start().await;
    let same = w.app().clone();
    together(&w, &same).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_shows_the_others_see_at_another_node() {
    let Some(fresh) = FreshDatabase::make().await else {
        return;
    };
    let node = TestNode::start_over(Settings::default(), Some(fresh)).await;
    let w = World::over(node).await;
    let (far, _store) = w.node.elsewhere().await;
    together(&w, &far).await;
    far.close().await;
}

/// Traces are heard like pictures. An earlier study beside is told of to those alone who may read it.
#[tokio::test(flavor = "multi_thread")]
async fn an_earlier_study_is_shown_to_those_who_may_read_it_and_to_nobody_else() {
    let w = World::start().await;
    let (study, _) = shared(&w).await;
    let (app, home, away) = (w.app(), w.clinician(), w.consultant());
    // Nobody knows whose images these are: the hospital that keeps them sees them, no other.
    let source = ImageSource {
        sender: "CT1".into(),
        exchange: "x1".into(),
        issuer: None,
    };
    let file = file_of(&dataset_of("17", "1.2.826.0.1.7", 1, "CT", "A1"));
    app.image_store(&home, &hospital_id("qumtagh"), file, &source)
        .await
        .unwrap();
    let mut one = app.look_together(&home, &study).await.unwrap();
    let mut other = app.look_together(&away, &study).await.unwrap();
    let seat = one.seat().to_owned();
    assert_eq!(app.people_together(&away, &study).await.unwrap().len(), 2);
    say(app, &home, &study, &seat, Say::Lead(true)).await;
    say(app, &home, &study, &seat, beside("1.2.826.0.1.7")).await;
    let picture = |t: &Told| matches!(t, Told::Look(Some(Shown::Picture(_))));
    let shown = |t: Told| match t {
        Told::Look(Some(Shown::Picture(g))) => g.beside.is_some(),
        _ => false,
    };
    assert!(shown(hears(&mut one, picture).await), "its own hospital");
    assert!(!shown(hears(&mut other, picture).await), "another");
    let traces = Traces {
        series: "1.2.3".into(),
        group: 0,
        from: 1.5,
        speed: 25.0,
        gain: 10.0,
        standard: false,
        cursor: Some([1, 125]),
        mark: None,
    };
    say(app, &home, &study, &seat, Say::Traces(traces.clone())).await;
    let heard = hears(&mut other, |t| {
        matches!(t, Told::Look(Some(Shown::Traces(_))))
    })
    .await;
    assert_eq!(heard, Told::Look(Some(Shown::Traces(traces))));
    // A stranger learns not even that somebody looks.
    let stranger = w.staff("stranger", "yarqum", &[Role::Consultant], &[]);
    let asked = app.people_together(&stranger, &study).await;
    assert!(matches!(
        asked,
        Err(AppError::NotFound | AppError::Denied(_))
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_may_not_read_the_study_neither_joins_nor_speaks() {
    let w = World::start().await;
    let (study, _) = shared(&w).await;
    let app = w.app();
    let one = app.look_together(&w.clinician(), &study).await.unwrap();
    let stranger = w.staff("stranger", "yarqum", &[Role::Consultant], &[]);
    let patient = w.patient();
    let admin = w.admin("qumtagh");
    for cx in [&stranger, &patient, &admin] {
        let joined = app.look_together(cx, &study).await;
        assert!(matches!(
            joined,
            Err(AppError::NotFound | AppError::Denied(_))
        ));
        let said = app
            .say_together(cx, &study, one.seat(), vec![Say::Point(None)])
            .await;
        assert!(matches!(
            said,
            Err(AppError::NotFound | AppError::Denied(_))
        ));
    }
    let other = key("qumtagh", "Patient", "p1");
    let joined = app.look_together(&w.clinician(), &other).await;
    assert!(matches!(joined, Err(AppError::NotFound)), "only studies");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_the_agreement_ends_it_within_a_second() {
    let w = World::start().await;
    let (study, agreement) = shared(&w).await;
    let app = w.app();
    let mut one = app.look_together(&w.clinician(), &study).await.unwrap();
    let mut other = app.look_together(&w.consultant(), &study).await.unwrap();
    hears(&mut one, |t| people(t).len() == 2).await;
    let act = AgreementAct::Suspend {
        reason: "a test".into(),
    };
    app.agreement_act(&w.admin("qumtagh"), &agreement, act)
        .await
        .unwrap();
    let out = tokio::time::timeout(SECOND, hears(&mut other, |t| *t == Told::Out)).await;
    assert!(out.is_ok(), "still in after a second");
    assert!(other.next().await.is_none());
    let seat = other.seat().to_owned();
    let said = app
        .say_together(&w.consultant(), &study, &seat, vec![Say::Lead(true)])
        .await;
    assert!(matches!(said, Err(AppError::NotFound)));
    drop(other);
    hears(&mut one, |t| people(t).len() == 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_is_bounded_and_only_coming_and_going_is_kept() {
    let w = World::start().await;
    let (study, _) = shared(&w).await;
    let (app, cx) = (w.app(), w.clinician());
    let one = app.look_together(&cx, &study).await.unwrap();
    let seat = one.seat().to_owned();
    for bad in [
        r#"{"look":{"series":"1.2","sop":"<script>","frame":0,"window":null,"turned":0,"flipped":[false,false],"invert":false,"zoom":1,"centre":[0,0,0],"plane":null}}"#,
        r#"{"point":{"sop":"1.2","frame":0,"at":[0,0,1e300]}}"#,
        r#"{"draw":{"id":"","tool":"Length","sop":"1.2","frame":0,"points":[[0,0,0],[1,1,1]]}}"#,
        r#"{"draw":{"id":"a","tool":"Length","sop":"1.2","frame":0,"points":[[0,0,0]]}}"#,
    ] {
        let say: Say = serde_json::from_str(bad).unwrap();
        let said = app.say_together(&cx, &study, &seat, vec![say]).await;
        assert!(matches!(said, Err(AppError::Malformed(_))), "{bad}");
    }
    assert!(
        serde_json::from_str::<Say>(
            r#"{"point":{"sop":"1","frame":0,"at":[0,0,0],"name":"Wang"}}"#
        )
        .is_err()
    );
    let many = vec![Say::Point(None); 64];
    let said = app.say_together(&cx, &study, &seat, many).await;
    assert!(matches!(said, Err(AppError::TooMuch(_))));

    let before = *app.watch().borrow();
    let mut taken = 0;
    let refused = loop {
        match app
            .say_together(&cx, &study, &seat, vec![Say::Point(None)])
            .await
        {
            Ok(()) => taken += 1,
            Err(e) => break e,
        }
    };
    assert!(matches!(refused, AppError::RateLimited { .. }), "{refused}");
    assert!(taken <= TOGETHER_WORDS_PER_S, "{taken}");
    assert_eq!(*app.watch().borrow(), before, "nothing was committed");

    drop(one);
    let admin = w.admin("qumtagh");
    let mut actions = Vec::new();
    for _ in 0..50 {
        let page = app.audit_page(&admin, &Default::default()).await.unwrap();
        actions = page.rows.iter().map(|r| r.action.clone()).collect();
        if actions.iter().any(|a| a == "study.left") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(actions.contains(&"study.joined".to_owned()), "{actions:?}");
    assert!(actions.contains(&"study.left".to_owned()), "{actions:?}");
}
