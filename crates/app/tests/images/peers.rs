//! Associations and the entities that hospitals know.

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_association_speaks_for_the_hospital_whose_title_it_calls_and_only_as_agreed() {
    let w = world().await;
    let app = w.app();
    let admin = w.admin(HOME);
    let new = NewEntity {
        title: "CT1".into(),
        name: "CT, ground floor".into(),
        host: "10.1.2.3".into(),
        port: Some(11_112),
        addresses: vec!["10.1.2.0/24".into()],
        may: BTreeSet::from([Service::Store, Service::Worklist]),
        issuer: "urn:oid:7".into(),
        ..NewEntity::default()
    };
    let entity = app.add_entity(&admin, new.clone()).await.unwrap();
    let taken = app.add_entity(&admin, new.clone()).await;
    assert!(matches!(taken, Err(AppError::Invalid(_))), "{taken:?}");
    let unproven = NewEntity {
        title: "CT2".into(),
        addresses: Vec::new(),
        ..new.clone()
    };
    assert!(app.add_entity(&admin, unproven).await.is_err());
    let proof = |address: &str| PeerProof {
        address: address.parse().unwrap(),
        certificate: None,
    };
    let peer = app
        .dicom_peer("QUMTAGH", "CT1", &proof("10.1.2.9"))
        .await
        .unwrap();
    assert_eq!((&peer.hospital, peer.title.as_str()), (&home(), "CT1"));
    assert_eq!(peer.issuer.as_deref(), Some("urn:oid:7"));
    assert!(peer.may.contains(&Service::Store) && !peer.may.contains(&Service::Query));
    let kept = app
        .image_store(&peer.cx, &peer.hospital, file(&said(1)), &source("a1"))
        .await
        .unwrap();
    assert_eq!(kept.outcome, Outcome::New);
    let to = app
        .dicom_destination(&peer.cx, "CT1")
        .await
        .unwrap()
        .unwrap();
    assert_eq!((to.port, to.our_title.as_str()), (11_112, "QUMTAGH"));
    for (called, calling, address) in [
        ("QUMTAGH", "CT1", "10.1.3.9"),
        ("QUMTAGH", "CT9", "10.1.2.9"),
        ("SARYOZEN", "CT1", "10.1.2.9"),
        ("", "CT1", "10.1.2.9"),
    ] {
        let refused = app.dicom_peer(called, calling, &proof(address)).await;
        assert!(
            matches!(refused, Err(AppError::Denied(_))),
            "{called} {calling}"
        );
    }
    app.withdraw_entity(&admin, &entity).await.unwrap();
    assert!(
        app.dicom_peer("QUMTAGH", "CT1", &proof("10.1.2.9"))
            .await
            .is_err()
    );
    // The title is free again; the hospital's own is not another's to take.
    app.add_entity(&admin, new).await.unwrap();
    let theirs = w.admin("saryozen");
    let settings = ImagingSettings {
        title: "QUMTAGH".into(),
        ..ImagingSettings::default()
    };
    let taken = app.change_imaging_settings(&theirs, 0, settings).await;
    assert!(matches!(taken, Err(AppError::Invalid(_))), "{taken:?}");
}
