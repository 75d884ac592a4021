//! What waits for a person, what a person decides, and who may not.

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_study_of_nobody_known_waits_for_a_person_and_every_decision_can_be_taken_back() {
    let w = world().await;
    let app = w.app();
    let cx = w.clinician();
    // The same number of another issuer is another person's.
    patient_with_number(&w, "other", "urn:oid:9.9", "17").await;
    let kept = send(&w, &said(1)).await;
    let study = kept.study.id.clone();
    let (waiting, more) = app.studies_waiting(&cx, 0).await.unwrap();
    assert_eq!((waiting.len(), more), (1, false));
    assert_eq!(waiting[0].name.reveal(), "王小东");
    let view = app.study_waiting(&cx, &study).await.unwrap();
    assert_eq!(
        (view.reason, view.issuer.as_str()),
        (WaitingFor::Unknown, MRN)
    );
    assert!(view.candidates.is_empty());
    assert!(imaging_study(&w, &kept).await["subject"]["reference"].is_null());

    app.assign_study(&cx, &study, &id("other")).await.unwrap();
    assert!(app.studies_waiting(&cx, 0).await.unwrap().0.is_empty());
    let subject = imaging_study(&w, &kept).await["subject"]["reference"].clone();
    assert_eq!(subject, "Patient/other");
    let again = app.assign_study(&cx, &study, &id("other")).await;
    assert!(matches!(again, Err(AppError::Rejected { .. })), "{again:?}");
    let unprivileged = app.take_back_study(&cx, &study).await;
    assert!(matches!(unprivileged, Err(AppError::Denied(_))));
    let corrector = w.staff("c", HOME, &[Role::Clinician], &[Privilege::CorrectRecord]);
    app.take_back_study(&corrector, &study).await.unwrap();
    assert_eq!(app.studies_waiting(&cx, 0).await.unwrap().0.len(), 1);
    let patient = app.assign_to_new_patient(&cx, &study).await.unwrap();
    let view = app.study_waiting(&cx, &study).await.unwrap();
    assert_eq!(view.line.patient.as_ref(), Some(&patient));
    assert_eq!(view.decisions.len(), 3);
    assert_eq!(audited(&w, "imaging.assigned").await, 2);
    assert_eq!(audited(&w, "imaging.taken-back").await, 1);
    // What comes later for it goes the same way, and the next study of this number is known.
    assert_eq!(send(&w, &said(2)).await.outcome, Outcome::New);
    let next = Said {
        study: "1.2.826.2".into(),
        series: "1.2.826.2.1".into(),
        uid: "1.2.826.2.1.1".into(),
        ..said(3)
    };
    let kept = send(&w, &next).await;
    let subject = imaging_study(&w, &kept).await["subject"]["reference"].clone();
    assert_eq!(subject, format!("Patient/{patient}"));
    // Born on another day, nobody is taken for them.
    let differs = Said {
        study: "1.2.826.3".into(),
        series: "1.2.826.3.1".into(),
        uid: "1.2.826.3.1.1".into(),
        born: "19710102".into(),
        ..said(4)
    };
    let kept = send(&w, &differs).await;
    let view = app.study_waiting(&cx, &kept.study.id).await.unwrap();
    assert_eq!(
        (view.reason, view.candidates),
        (WaitingFor::Differs, vec![patient])
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contradicting_objects_stand_beside_until_a_person_decides() {
    let w = world().await;
    patient_with_number(&w, "p17", MRN, "17").await;
    let cx = w.clinician();
    let kept = send(&w, &said(1)).await;
    let other = Said {
        description: "Another".into(),
        ..said(1)
    };
    assert_eq!(send(&w, &other).await.outcome, Outcome::OtherContent);
    let someone = Said {
        patient: "18".into(),
        ..said(2)
    };
    assert_eq!(send(&w, &someone).await.outcome, Outcome::OtherPatient);
    let target = Target::study("1.2.826.1");
    let shown = w.app().image_locate(&cx, &home(), &target).await.unwrap();
    assert_eq!(shown.len(), 1);
    let bytes = w
        .app()
        .image_open(&cx, &shown[0])
        .await
        .unwrap()
        .all()
        .await;
    assert_eq!(bytes.unwrap(), file(&said(1)));
    let view = w.app().study_waiting(&cx, &kept.study.id).await.unwrap();
    assert_eq!((view.reason, view.aside.len()), (WaitingFor::Objects, 2));
    assert_eq!(shown_instead(&w, &kept, &target).await, file(&other));
    assert_eq!(shown_instead(&w, &kept, &target).await, file(&said(1)));
}

/// What is shown after the other of two objects was chosen.
async fn shown_instead(w: &World, kept: &Kept, target: &Target) -> Bytes {
    let (app, cx) = (w.app(), w.clinician());
    let view = app.study_waiting(&cx, &kept.study.id).await.unwrap();
    let mut aside = view.aside.iter();
    let (line, _) = aside.find(|(l, _)| l.uid == said(1).uid).unwrap();
    app.stand_image(&cx, &kept.study.id, line.row)
        .await
        .unwrap();
    let shown = app.image_locate(&cx, &home(), target).await.unwrap();
    let open = app.image_open(&cx, &shown[0]).await.unwrap();
    open.all().await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_who_decide_one_study_at_once_one_decides_and_the_other_is_told() {
    let w = world().await;
    for n in 0..8 {
        for who in ["one", "other"] {
            patient_with_number(&w, &format!("{who}{n}"), "urn:oid:9.9", "17").await;
        }
        let study = format!("1.2.826.40.{n}");
        let kept = send(
            &w,
            &Said {
                uid: format!("{study}.1.1"),
                series: format!("{study}.1"),
                study,
                ..said(1)
            },
        )
        .await;
        let decide = |patient: String| {
            let (app, cx, study) = (w.app().clone(), w.clinician(), kept.study.id.clone());
            tokio::spawn(async move { app.assign_study(&cx, &study, &id(&patient)).await })
        };
        let (a, b) = (decide(format!("one{n}")), decide(format!("other{n}")));
        let mut answers = [a.await.unwrap(), b.await.unwrap()];
        answers.sort_by_key(Result::is_err);
        assert!(answers[0].is_ok(), "{:?}", answers[0]);
        let told =
            matches!(&answers[1], Err(AppError::Rejected { code, .. }) if code == "study-assigned");
        assert!(told, "{:?}", answers[1]);
        let view = w.app().study_waiting(&w.clinician(), &kept.study.id).await;
        assert_eq!(view.unwrap().decisions.len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_else_finds_opens_or_decides_anything() {
    let w = world().await;
    let app = w.app();
    patient_with_number(&w, "p17", MRN, "17").await;
    let kept = send(&w, &said(1)).await;
    let own = w.clinician();
    let target = Target::study("1.2.826.1");
    let line = app
        .image_locate(&own, &home(), &target)
        .await
        .unwrap()
        .remove(0);
    let stranger = w.staff(
        "s",
        "saryozen",
        &[Role::Clinician],
        &[Privilege::CorrectRecord],
    );
    for cx in [&stranger, &w.admin(HOME), &w.patient()] {
        for level in [Level::Study, Level::Series, Level::Instance] {
            assert!(found(&w, cx, &ask(level, &[])).await.is_empty());
        }
        assert!(
            app.image_locate(cx, &home(), &target)
                .await
                .unwrap()
                .is_empty()
        );
        let (meta, _) = app
            .image_metadata(cx, &home(), &target, None, 9)
            .await
            .unwrap();
        assert!(meta.is_empty());
        assert!(matches!(
            app.image_open(cx, &line).await,
            Err(AppError::NotFound)
        ));
        let store = app
            .image_store(cx, &home(), file(&said(2)), &source("x"))
            .await;
        assert!(matches!(store, Err(AppError::Denied(_))), "{store:?}");
        let known = app.image_known(cx, &home(), &line.uid, &[0; 32]).await;
        assert!(matches!(known, Err(AppError::Denied(_))), "{known:?}");
        assert!(app.study_waiting(cx, &kept.study.id).await.is_err());
        assert!(
            app.assign_study(cx, &kept.study.id, &id("p17"))
                .await
                .is_err()
        );
        assert!(app.take_back_study(cx, &kept.study.id).await.is_err());
        assert!(app.assign_to_new_patient(cx, &kept.study.id).await.is_err());
        assert!(app.stand_image(cx, &kept.study.id, line.row).await.is_err());
    }
    assert!(
        app.studies_waiting(&stranger, 0)
            .await
            .unwrap()
            .0
            .is_empty()
    );
    // Only the administrator of a hospital says which machines it speaks with.
    let new = NewEntity {
        title: "CT1".into(),
        name: "CT".into(),
        addresses: vec!["10.0.0.1".into()],
        may: BTreeSet::from([Service::Store]),
        ..NewEntity::default()
    };
    for cx in [&own, &stranger] {
        assert!(app.add_entity(cx, new.clone()).await.is_err());
        assert!(app.entities(cx).await.is_err());
        assert!(app.own_imaging_settings(cx).await.is_err());
    }
    // The same UIDs at another hospital are another study.
    let theirs = app
        .image_store(
            &stranger,
            &hospital_id("saryozen"),
            file(&said(1)),
            &source("y"),
        )
        .await
        .unwrap();
    assert_ne!(theirs.study, kept.study);
    assert_eq!(found(&w, &own, &ask(Level::Instance, &[])).await.len(), 1);
}
