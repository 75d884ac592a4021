//! Objects open under the permit of their study alone.

use super::*;

pub async fn opened_under_the_permit_of_their_study_alone(f: Fixture) {
    let s = &*f.store;
    begin(s, &object(1), "s1", Some("p1")).await.unwrap();
    let other = Object {
        study: "1.2.2",
        series: "1.2.2.1",
        uid: "1.2.2.1.1".into(),
        ..object(1)
    };
    begin(s, &other, "s2", None).await.unwrap();
    let study = key("yarqum", "ImagingStudy", "s1");
    let instance = lines(s, &system(), &ask()).await[0].place.instance.1;
    let stranger = doctor("c1", "qumtagh", at(1));
    let mine = patient_permit("pa", &[("yarqum", "p1")]);
    let not_mine = patient_permit("pb", &[("yarqum", "p2"), ("qumtagh", "p1")]);
    let administrator = staff(
        "a1",
        "yarqum",
        &[agreements::Role::Administrator],
        &[],
        at(1),
    );
    for (permit, opens) in [
        (&stranger, false),
        (&mine, true),
        (&not_mine, false),
        (&administrator, false),
    ] {
        assert_eq!(!lines(s, permit, &ask()).await.is_empty(), opens);
        assert_eq!(content(s, permit, &study, instance).await.is_some(), opens);
        let found = studies(s, permit, Vec::new()).await;
        assert_eq!(found, if opens { vec!["1.2.1"] } else { vec![] });
    }
    // Agreement, case and consent together open the one study to the other hospital, and nothing else.
    shared(s).await;
    assert!(lines(s, &stranger, &ask()).await.is_empty());
    consented(s).await;
    assert_eq!(studies(s, &stranger, Vec::new()).await, ["1.2.1"]);
    assert!(content(s, &stranger, &study, instance).await.is_some());
    let late = doctor("c1", "qumtagh", at(60));
    assert!(studies(s, &late, Vec::new()).await.is_empty());
    assert!(content(s, &late, &study, instance).await.is_none());
    // An object is opened through its own study alone.
    let elsewhere = key("yarqum", "ImagingStudy", "s2");
    assert!(content(s, &system(), &elsewhere, instance).await.is_none());
    // A study that was deleted is nobody's.
    commit(s, |b| {
        b.delete(study.clone(), Precondition::Any);
    })
    .await
    .unwrap();
    assert!(lines(s, &system(), &ask()).await.is_empty());
    assert!(content(s, &system(), &study, instance).await.is_none());
}

/// An agreement on images, and a case that shares the study.
async fn shared(s: &Store) {
    let (custodian, grantee, patient) = (hospital_id("yarqum"), hospital_id("qumtagh"), id("p1"));
    commit(s, |b| {
        b.projections.push(Projection::Grants {
            agreement: id("agr"),
            rows: vec![GrantRow {
                agreement: id("agr"),
                clause: 1,
                custodian: custodian.clone(),
                grantee: grantee.clone(),
                class: RecordClass::Imaging,
                needs_consent: true,
                break_glass: false,
                crosses_border: false,
                from: at(0),
                until: at(100),
            }],
        });
        b.projections.push(Projection::Shares {
            custodian: custodian.clone(),
            case: id("case"),
            rows: vec![ShareRow {
                case: id("case"),
                agreement: id("agr"),
                custodian: custodian.clone(),
                patient: patient.clone(),
                grantee: grantee.clone(),
                item: ShareItem::Entry {
                    kind: kind("ImagingStudy"),
                    id: id("s1"),
                },
                from: at(0),
                until: at(80),
            }],
        });
    })
    .await
    .unwrap();
}

/// The patient's consent to it.
async fn consented(s: &Store) {
    let (custodian, patient) = (hospital_id("yarqum"), id("p1"));
    commit(s, |b| {
        b.projections.push(Projection::Consents {
            custodian: custodian.clone(),
            consent: id("con"),
            rows: vec![ConsentRow {
                consent: id("con"),
                custodian: custodian.clone(),
                patient: patient.clone(),
                grantee: None,
                class: None,
                across_border: false,
                from: at(0),
                until: at(60),
            }],
        });
    })
    .await
    .unwrap();
}
