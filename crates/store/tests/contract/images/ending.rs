//! Erasing, sweeping, and what a crash left.

use super::*;

pub async fn erasing_a_patient_takes_their_images_and_nobody_elses(f: Fixture) {
    let s = &*f.store;
    begin(s, &object(1), "s1", Some("p1")).await.unwrap();
    keep(s, &object(2), "s1").await.unwrap();
    let other = Object {
        study: "1.2.2",
        series: "1.2.2.1",
        uid: "1.2.2.1.1".into(),
        ..object(3)
    };
    begin(s, &other, "s2", Some("p2")).await.unwrap();
    assert_eq!(bucket::stored(&f.files).await.len(), 3);
    let erasure = Erasure {
        id: id("e1"),
        hospital: hospital_id("yarqum"),
        patient: Some(id("p1")),
        records: Vec::new(),
        at: at(1),
        by: AccountId::new("admin").unwrap(),
    };
    let erased = s.erase(&erasure, Batch::new(at(2))).await.unwrap();
    assert_eq!((erased.records, erased.blobs.len()), (1, 2));
    assert_eq!(bucket::stored(&f.files).await.len(), 1);
    assert!(lines(s, &system(), &ask()).await.is_empty());
    let here = hospital_id("yarqum");
    assert!(
        s.images()
            .known_study(&here, "1.2.1")
            .await
            .unwrap()
            .is_none()
    );
    assert!(
        s.images()
            .known_images(&here, &object(1).uid)
            .await
            .unwrap()
            .is_empty()
    );
    // What still comes in for it is refused; sent as a new study, it is one.
    let late = keep(s, &object(9), "s1").await;
    assert!(
        matches!(late, Err(StoreError::Precondition { .. })),
        "{late:?}"
    );
    begin(s, &object(9), "s3", None).await.unwrap();
    let again = lines(s, &system(), &ask()).await;
    assert_eq!((again.len(), &again[0].study.id), (1, &id("s3")));
    let theirs = ImageAsk {
        study: "1.2.2".into(),
        ..ask()
    };
    let line = &lines(s, &system(), &theirs).await[0];
    let bytes = content(s, &system(), &line.study, line.place.instance.1).await;
    assert_eq!(bytes.unwrap(), other.content);
    assert_eq!(s.scrub(None, u64::MAX).await.unwrap().faulty, []);
}

pub async fn sweeping_leaves_them_alone(f: Fixture) {
    let s = &*f.store;
    begin(s, &object(1), "s1", Some("p1")).await.unwrap();
    f.clock.set(at(3 * 24 * 3600));
    assert_eq!(s.sweep_blobs().await.unwrap(), 0);
    let line = &lines(s, &system(), &ask()).await[0];
    let bytes = content(s, &system(), &line.study, line.place.instance.1).await;
    assert_eq!(bytes.unwrap(), object(1).content);
}

pub async fn quiet_studies_are_named_until_they_are_done(f: Fixture) {
    let s = &*f.store;
    begin(s, &object(1), "s1", Some("p1")).await.unwrap();
    let study = key("yarqum", "ImagingStudy", "s1");
    assert!(s.images().arrived(at(0), 10).await.unwrap().is_empty());
    let found = s.images().arrived(at(5), 10).await.unwrap();
    assert_eq!(found, [(study.clone(), "1.2.1".to_owned(), at(1))]);
    let done = |at| {
        let study = study.clone();
        commit(s, move |b| b.images.push(ImageChange::Quiet { study, at }))
    };
    // Something came meanwhile: it stays named.
    done(at(0)).await.unwrap();
    assert_eq!(s.images().arrived(at(5), 10).await.unwrap().len(), 1);
    done(at(1)).await.unwrap();
    assert!(s.images().arrived(at(5), 10).await.unwrap().is_empty());
    // One that waits for its patient is listed until it does not.
    let other = Object {
        study: "1.2.2",
        series: "1.2.2.1",
        uid: "1.2.2.1.1".into(),
        ..object(3)
    };
    begin(s, &other, "s2", None).await.unwrap();
    let q = ImageQuery {
        waiting: true,
        ..query(ImageLevel::Study, Vec::new())
    };
    let here = hospital_id("yarqum");
    for waits in [true, false] {
        let listed = s.images().find_images(&system(), &here, &q).await.unwrap();
        assert_eq!(listed.len(), usize::from(waits));
        let study = key("yarqum", "ImagingStudy", "s2");
        commit(s, move |b| {
            b.images.push(ImageChange::Waiting {
                study,
                waiting: false,
            });
        })
        .await
        .unwrap();
    }
}

pub async fn what_a_crash_left_before_its_commit_goes_after_a_day(f: Fixture) {
    let s = &*f.store;
    begin(s, &object(1), "s1", Some("p1")).await.unwrap();
    // The file is written, its commit is refused: as if the process had ended in between.
    let refused = keep(s, &object(2), "none").await;
    assert!(refused.is_err());
    assert_eq!(bucket::stored(&f.files).await.len(), 2);
    let sweep = async || {
        let (mut after, mut deleted) = (None, 0);
        loop {
            let done = s.sweep_strays(after).await.unwrap();
            deleted += done.deleted;
            match done.next {
                Some(next) => after = Some(next),
                None => return deleted,
            }
        }
    };
    assert_eq!(sweep().await, 0, "it may still be referred to");
    f.clock.set(at(400 * 24 * 3600));
    assert_eq!(sweep().await, 1);
    assert_eq!(bucket::stored(&f.files).await.len(), 1);
    let line = &lines(s, &system(), &ask()).await[0];
    let bytes = content(s, &system(), &line.study, line.place.instance.1).await;
    assert_eq!(bytes.unwrap(), object(1).content);
}
