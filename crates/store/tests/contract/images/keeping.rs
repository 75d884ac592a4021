//! Objects are kept with their study, once; contradictions stand beside and a decision moves them.

use super::*;

pub async fn kept_with_their_study_found_and_opened(f: Fixture) {
    let s = &*f.store;
    begin(s, &object(1), "s1", Some("p1")).await.unwrap();
    for n in [3, 2] {
        let kept = keep(s, &object(n), "s1").await.unwrap();
        assert_eq!(kept, ImageOutcome::Kept(Standing::Shown));
    }
    let f = f.reopened().await;
    let s = &*f.store;
    let own = doctor("d1", "yarqum", at(2));
    let all = lines(s, &own, &ask()).await;
    let uids: Vec<&str> = all.iter().map(|l| l.uid.as_str()).collect();
    assert_eq!(uids, ["1.2.1.1.1", "1.2.1.1.2", "1.2.1.1.3"]);
    let study = key("yarqum", "ImagingStudy", "s1");
    for (n, l) in (1..).zip(&all) {
        assert_eq!((&l.study, l.patient.as_ref()), (&study, Some(&id("p1"))));
        assert_eq!(
            (l.class, l.size),
            (RecordClass::Imaging, object(n).content.len() as u64)
        );
        let bytes = content(s, &own, &study, l.place.instance.1).await.unwrap();
        assert_eq!(bytes, object(n).content);
    }
    let with = ImageAsk {
        meta: true,
        instance: Some("1.2.1.1.2".into()),
        ..ask()
    };
    let one = lines(s, &own, &with).await;
    assert_eq!(
        (one.len(), one[0].meta.as_ref()),
        (1, &b"meta 1.2.1.1.2"[..])
    );
    // Each object's bytes are under its study's key alone, and nothing of them can be read on disk.
    for (_, bytes) in bucket::stored(&f.files).await {
        assert!(!bytes.windows(9).any(|w| w == b"synthetic"));
    }
    assert_eq!(s.diagnose().await.iter().filter(|d| !d.ok).count(), 0);
    assert_eq!(s.scrub(None, u64::MAX).await.unwrap().faulty, []);
}

pub async fn the_same_again_changes_nothing_and_other_content_stands_beside(f: Fixture) {
    let s = &*f.store;
    begin(s, &object(1), "s1", Some("p1")).await.unwrap();
    assert_eq!(
        keep(s, &object(1), "s1").await.unwrap(),
        ImageOutcome::Again
    );
    let other = Object {
        content: b"another content".to_vec(),
        ..object(1)
    };
    let kept = keep(s, &other, "s1").await.unwrap();
    assert_eq!(kept, ImageOutcome::Kept(Standing::OtherContent));
    assert_eq!(keep(s, &other, "s1").await.unwrap(), ImageOutcome::Again);
    let patient = Object {
        patient_id: "18",
        ..object(2)
    };
    let kept = keep(s, &patient, "s1").await.unwrap();
    assert_eq!(kept, ImageOutcome::Kept(Standing::OtherPatient));
    // What is shown is what came first.
    let own = doctor("d1", "yarqum", at(2));
    let shown = lines(s, &own, &ask()).await;
    assert_eq!(shown.len(), 1);
    let study = &shown[0].study;
    let bytes = content(s, &own, study, shown[0].place.instance.1).await;
    assert_eq!(bytes.unwrap(), object(1).content);
    let aside = ImageAsk {
        aside: true,
        ..ask()
    };
    let waiting = lines(s, &own, &aside).await;
    let standings: Vec<Standing> = waiting.iter().map(|l| l.standing).collect();
    assert_eq!(standings, [Standing::OtherContent, Standing::OtherPatient]);
    let q = ImageQuery {
        waiting: true,
        ..query(ImageLevel::Study, Vec::new())
    };
    let at = hospital_id("yarqum");
    let listed = s.images().find_images(&own, &at, &q).await.unwrap();
    assert_eq!(
        (listed.len(), listed[0].aside, listed[0].instance_count),
        (1, 2, 1)
    );
}

pub async fn a_decision_moves_an_object_in_and_out(f: Fixture) {
    let s = &*f.store;
    begin(s, &object(1), "s1", Some("p1")).await.unwrap();
    let other = Object {
        series: "1.2.1.2",
        content: b"another content".to_vec(),
        ..object(1)
    };
    keep(s, &other, "s1").await.unwrap();
    let own = doctor("d1", "yarqum", at(2));
    let (aside, shown) = (
        ImageAsk {
            aside: true,
            ..ask()
        },
        ask(),
    );
    for wanted in [&other.content, &object(1).content] {
        let waiting = lines(s, &own, &aside).await;
        let study = waiting[0].study.clone();
        let mut batch = Batch::new(at(3));
        batch.images.push(ImageChange::Stand {
            study: study.clone(),
            instance: waiting[0].place.instance.1,
            standing: Standing::Shown,
        });
        assert_eq!(
            s.commit(batch).await.unwrap().images,
            [ImageOutcome::Changed]
        );
        let now = lines(s, &own, &shown).await;
        assert_eq!(now.len(), 1);
        let bytes = content(s, &own, &study, now[0].place.instance.1).await;
        assert_eq!(&bytes.unwrap(), wanted);
        let q = query(ImageLevel::Series, Vec::new());
        let series = s
            .images()
            .find_images(&own, &hospital_id("yarqum"), &q)
            .await
            .unwrap();
        let uids: Vec<&str> = series
            .iter()
            .map(|r| r.series.as_ref().unwrap().uid.as_str())
            .collect();
        assert_eq!(uids, [now[0].series_uid.as_str()], "the counts follow");
    }
}

pub async fn one_study_uid_at_two_hospitals_is_two_studies(f: Fixture) {
    let s = &*f.store;
    begin(s, &object(1), "s1", Some("p1")).await.unwrap();
    let there = Object {
        hospital: "qumtagh",
        ..object(1)
    };
    begin(s, &there, "s1", Some("p1")).await.unwrap();
    for hospital in ["yarqum", "qumtagh"] {
        let at_home = hospital_id(hospital);
        let known = s.images().known_study(&at_home, "1.2.1").await.unwrap();
        assert_eq!(known.unwrap().record, id("s1"));
        let permit = doctor("d", hospital, at(1));
        let found = s.images().images(&permit, &at_home, &ask()).await.unwrap();
        assert_eq!((found.len(), &found[0].study.hospital), (1, &at_home));
    }
}

pub async fn of_two_that_begin_a_study_one_wins(f: Fixture) {
    let s = &f.store;
    let mut all = Vec::new();
    for n in 0..8_u32 {
        let s = Arc::clone(s);
        all.push(tokio::spawn(async move {
            begin(&s, &object(n), &format!("s{n}"), Some("p1")).await
        }));
    }
    let mut won = 0;
    for one in all {
        match one.await.unwrap() {
            Ok(_) => won += 1,
            Err(StoreError::Duplicate { name }) => assert_eq!(name, "study"),
            Err(e) => panic!("{e}"),
        }
    }
    assert_eq!(won, 1);
    // Those that lost left nothing.
    let page = find(s, &system(), "ImagingStudy", "_summary=count").await;
    assert_eq!(page.unwrap().total, Some(1));
    assert_eq!(lines(s, &system(), &ask()).await.len(), 1);
    let gone = keep(s, &object(20), "none").await;
    assert!(
        matches!(gone, Err(StoreError::Precondition { .. })),
        "{gone:?}"
    );
}
