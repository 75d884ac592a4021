use agreements::{
    ConsentRow, EmergencyRow, GrantRow, Privilege, Projection, RecordClass, Role, ShareItem,
    ShareRow,
};
use karez_store::{Precondition, Store};
use kernel::{AccountId, Instant, RecordKey};

use crate::support::*;

fn grant(class: RecordClass) -> GrantRow {
    GrantRow {
        agreement: id("agr"),
        clause: 1,
        custodian: hospital_id("yarqum"),
        grantee: hospital_id("qumtagh"),
        class,
        needs_consent: true,
        break_glass: true,
        crosses_border: false,
        from: at(0),
        until: at(100),
    }
}

fn share(item: ShareItem) -> ShareRow {
    ShareRow {
        case: id("case"),
        agreement: id("agr"),
        custodian: hospital_id("yarqum"),
        patient: id("p1"),
        grantee: hospital_id("qumtagh"),
        item,
        from: at(0),
        until: at(80),
    }
}

fn consent() -> ConsentRow {
    ConsentRow {
        consent: id("con"),
        custodian: hospital_id("yarqum"),
        patient: id("p1"),
        grantee: None,
        class: None,
        across_border: false,
        from: at(0),
        until: at(60),
    }
}

async fn grants(store: &Store, rows: Vec<GrantRow>) {
    let agreement = id("agr");
    commit(store, |b| {
        b.projections.push(Projection::Grants { agreement, rows });
    })
    .await
    .unwrap();
}

async fn shares(store: &Store, rows: Vec<ShareRow>) {
    let (custodian, case) = (hospital_id("yarqum"), id("case"));
    commit(store, |b| {
        b.projections.push(Projection::Shares {
            custodian,
            case,
            rows,
        });
    })
    .await
    .unwrap();
}

async fn consents(store: &Store, rows: Vec<ConsentRow>) {
    let (custodian, consent) = (hospital_id("yarqum"), id("con"));
    commit(store, |b| {
        b.projections.push(Projection::Consents {
            custodian,
            consent,
            rows,
        });
    })
    .await
    .unwrap();
}

/// Patient p1 with a laboratory result o1, and p2 with o2, at yarqum.
async fn two_patients(store: &Store) {
    for n in 1..=2 {
        let p = format!("p{n}");
        put(store, &key("yarqum", "Patient", &p), patient(n)).await;
        let o = key("yarqum", "Observation", &format!("o{n}"));
        put(store, &o, potassium(&p, n)).await;
    }
}

async fn reads(store: &Store, now: Instant, kind: &str, id: &str) -> bool {
    let permit = doctor("c1", "qumtagh", now);
    let got = store.get(&permit, &key("yarqum", kind, id), None).await;
    got.unwrap().is_some()
}

pub async fn absent_and_forbidden_look_the_same(f: Fixture) {
    two_patients(&f.store).await;
    let other = doctor("c1", "qumtagh", at(1));
    for i in ["o1", "none"] {
        let k = key("yarqum", "Observation", i);
        assert!(f.store.get(&other, &k, None).await.unwrap().is_none());
        assert!(f.store.get(&other, &k, Some(1)).await.unwrap().is_none());
        let page = f.store.history(&other, &k, None, 10).await.unwrap();
        assert!(page.versions.is_empty() && page.next.is_none());
    }
    // A tombstone too.
    commit(&f.store, |b| {
        b.delete(key("yarqum", "Observation", "o1"), Precondition::Any);
    })
    .await
    .unwrap();
    assert!(!reads(&f.store, at(1), "Observation", "o1").await);
    let own = doctor("d", "yarqum", at(1));
    let k = key("yarqum", "Observation", "o1");
    assert!(f.store.get(&own, &k, None).await.unwrap().unwrap().deleted);
}

pub async fn a_grant_with_share_and_consent_opens_and_each_alone_does_not(f: Fixture) {
    let s = &*f.store;
    two_patients(s).await;
    let lab = RecordClass::Laboratory;
    assert!(!reads(s, at(1), "Observation", "o1").await);
    grants(s, vec![grant(lab)]).await;
    assert!(!reads(s, at(1), "Observation", "o1").await);
    shares(s, vec![share(ShareItem::Class(lab))]).await;
    assert!(!reads(s, at(1), "Observation", "o1").await);
    consents(s, vec![consent()]).await;
    assert!(reads(s, at(1), "Observation", "o1").await);
    // Another patient, another class: no.
    assert!(!reads(s, at(1), "Observation", "o2").await);
    assert!(!reads(s, at(1), "Patient", "p1").await);
    grants(s, Vec::new()).await;
    assert!(!reads(s, at(1), "Observation", "o1").await);
    grants(s, vec![grant(lab)]).await;
    consents(s, Vec::new()).await;
    assert!(!reads(s, at(1), "Observation", "o1").await);
    // A consent for the border is asked for only where there is one.
    consents(s, vec![consent()]).await;
    let mut abroad = grant(lab);
    abroad.crosses_border = true;
    grants(s, vec![abroad.clone()]).await;
    assert!(!reads(s, at(1), "Observation", "o1").await);
    let mut across = consent();
    across.across_border = true;
    consents(s, vec![across]).await;
    assert!(reads(s, at(1), "Observation", "o1").await);
    // One entry alone.
    shares(
        s,
        vec![share(ShareItem::Entry {
            kind: kind("Observation"),
            id: id("o1"),
        })],
    )
    .await;
    assert!(reads(s, at(1), "Observation", "o1").await);
    shares(
        s,
        vec![share(ShareItem::Entry {
            kind: kind("Observation"),
            id: id("o9"),
        })],
    )
    .await;
    assert!(!reads(s, at(1), "Observation", "o1").await);
}

pub async fn what_may_not_be_read_is_not_found_through_a_chain(f: Fixture) {
    let s = &*f.store;
    two_patients(s).await;
    let lab = RecordClass::Laboratory;
    let chains = [
        "patient.identifier=urn:test:mrn|P1",
        "patient.identifier=urn:test:mrn|P1&code=2823-3",
        "subject:Patient.gender=male",
        "subject:Patient.name=ism",
        "patient.birthdate:missing=false",
        "patient._id=p1",
    ];
    // The result is shared, who it belongs to is not.
    grants(s, vec![grant(lab)]).await;
    shares(s, vec![share(ShareItem::Class(lab))]).await;
    consents(s, vec![consent()]).await;
    let other = doctor("c1", "qumtagh", at(1));
    let found = |permit: agreements::Permit, text: String| async move {
        let text = format!("{text}&_total=accurate");
        let page = find(s, &permit, "Observation", &text).await.unwrap();
        assert_eq!(page.total, Some(page.matches.len() as u64));
        ids(&page)
    };
    assert_eq!(
        found(other.clone(), "patient=p1".into()).await,
        ["o1"],
        "the entry itself may be read"
    );
    for text in chains {
        assert!(found(other.clone(), text.into()).await.is_empty(), "{text}");
        let own = doctor("d", "yarqum", at(1));
        let all = found(own, text.into()).await;
        assert!(all.contains(&"o1".to_owned()), "{text}");
    }
    // With the patient's particulars shared too, the chains lead to the entry and to no other patient's.
    let demographics = RecordClass::Demographics;
    grants(s, vec![grant(lab), grant(demographics)]).await;
    let items = [lab, demographics].map(|c| share(ShareItem::Class(c)));
    shares(s, items.to_vec()).await;
    for text in chains {
        assert_eq!(found(other.clone(), text.into()).await, ["o1"], "{text}");
    }
}

pub async fn access_ends_at_the_moment_it_ends(f: Fixture) {
    let s = &*f.store;
    two_patients(s).await;
    grants(s, vec![grant(RecordClass::Laboratory)]).await;
    shares(s, vec![share(ShareItem::Class(RecordClass::Laboratory))]).await;
    let mut long = consent();
    long.until = at(90);
    consents(s, vec![long]).await;
    assert!(!reads(s, at(-1), "Observation", "o1").await);
    assert!(reads(s, at(0), "Observation", "o1").await);
    assert!(reads(s, at(79), "Observation", "o1").await);
    assert!(!reads(s, at(80), "Observation", "o1").await);
}

pub async fn a_reclassified_record_closes_its_old_versions(f: Fixture) {
    let s = &*f.store;
    let own = doctor("d", "yarqum", at(1));
    let with = staff(
        "d",
        "yarqum",
        &[Role::Clinician],
        &[Privilege::Sensitive],
        at(1),
    );
    let k = key("yarqum", "Observation", "o1");
    put(s, &k, potassium("p1", 1)).await;
    let labelled = potassium("p1", 1).replacen(
        "{",
        r#"{"meta":{"security":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"PSY"}]},"#,
        1,
    );
    put(s, &k, labelled).await;
    assert!(s.get(&own, &k, None).await.unwrap().is_none());
    assert!(s.get(&own, &k, Some(1)).await.unwrap().is_none());
    assert_eq!(
        s.history(&with, &k, None, 9).await.unwrap().versions.len(),
        2
    );
    // The label comes off: the sensitive version stays closed, the others open.
    put(s, &k, potassium("p1", 2)).await;
    assert!(s.get(&own, &k, None).await.unwrap().is_some());
    assert!(s.get(&own, &k, Some(2)).await.unwrap().is_none());
    let page = s.history(&own, &k, None, 9).await.unwrap();
    let versions: Vec<_> = page.versions.iter().map(|v| v.version).collect();
    assert_eq!(versions, [3, 1]);
}

pub async fn search_and_counts_stay_within_the_permit(f: Fixture) {
    let s = &*f.store;
    two_patients(s).await;
    let other = doctor("c1", "qumtagh", at(1));
    let page = find(s, &other, "Observation", "code=2823-3&_total=accurate")
        .await
        .unwrap();
    assert_eq!((page.matches.len(), page.total), (0, Some(0)));
    grants(s, vec![grant(RecordClass::Laboratory)]).await;
    shares(s, vec![share(ShareItem::Class(RecordClass::Laboratory))]).await;
    consents(s, vec![consent()]).await;
    let text = "code=2823-3&_total=accurate&_include=Observation:subject";
    let page = find(s, &other, "Observation", text).await.unwrap();
    assert_eq!(ids(&page), ["o1"]);
    assert_eq!(page.total, Some(1));
    // Demographics are not granted: the patient is not included.
    assert!(page.includes.is_empty());
    let own = doctor("d", "yarqum", at(1));
    let page = find(s, &own, "Observation", text).await.unwrap();
    assert_eq!((page.matches.len(), page.includes.len()), (2, 2));
    let admin = staff("a", "yarqum", &[Role::Administrator], &[], at(1));
    let page = find(s, &admin, "Observation", "_summary=count")
        .await
        .unwrap();
    assert_eq!(page.total, Some(0));
}

pub async fn break_glass_opens_for_four_hours_and_one_person(f: Fixture) {
    let s = &*f.store;
    two_patients(s).await;
    grants(s, vec![grant(RecordClass::Laboratory)]).await;
    shares(s, vec![share(ShareItem::Class(RecordClass::Laboratory))]).await;
    let row = |account: &str, hospital: &str| EmergencyRow {
        id: id(&format!("e-{account}")),
        account: AccountId::new(account).unwrap(),
        hospital: hospital_id(hospital),
        custodian: hospital_id("yarqum"),
        patient: id("p1"),
        from: at(10),
        until: at(50),
    };
    commit(s, |b| {
        for r in [row("c1", "qumtagh"), row("admin", "yarqum")] {
            b.projections.push(Projection::Emergency { row: r });
        }
    })
    .await
    .unwrap();
    assert!(!reads(s, at(9), "Observation", "o1").await);
    assert!(reads(s, at(10), "Observation", "o1").await);
    assert!(!reads(s, at(50), "Observation", "o1").await);
    let k = key("yarqum", "Observation", "o1");
    let another = doctor("c2", "qumtagh", at(20));
    assert!(s.get(&another, &k, None).await.unwrap().is_none());
    // In the own house it stands in for a missing role, for that patient.
    let admin = staff("admin", "yarqum", &[Role::Administrator], &[], at(20));
    assert!(s.get(&admin, &k, None).await.unwrap().is_some());
    let k2 = key("yarqum", "Observation", "o2");
    assert!(s.get(&admin, &k2, None).await.unwrap().is_none());
    // The same account acting for another hospital cannot use it.
    let elsewhere = staff("c1", "aqtash", &[Role::Clinician], &[], at(20));
    assert!(s.get(&elsewhere, &k, None).await.unwrap().is_none());
}

pub async fn patients_see_their_own(f: Fixture) {
    let s = &*f.store;
    two_patients(s).await;
    commit(s, |b| {
        b.put_doc(
            key("yarqum", "case", "c1"),
            Precondition::Absent,
            "{}",
            vec![karez_store::Lookup::new("patient", "p1")],
        );
    })
    .await
    .unwrap();
    let me = patient_permit("me", &[("yarqum", "p1")]);
    let can = async |k: &str, i: &str| {
        s.get(&me, &key("yarqum", k, i), None)
            .await
            .unwrap()
            .is_some()
    };
    assert!(can("Patient", "p1").await && can("Observation", "o1").await);
    assert!(!can("Patient", "p2").await && !can("Observation", "o2").await);
    assert!(!can("case", "c1").await);
    let nobody = patient_permit("me", &[]);
    let k = key("yarqum", "Patient", "p1");
    assert!(s.get(&nobody, &k, None).await.unwrap().is_none());
}

/// A request before it was sent, also as an old version of what was sent since; and what doctors write to each other.
pub async fn what_is_among_staff_is_not_the_patients(f: Fixture) {
    let s = &*f.store;
    two_patients(s).await;
    let request = key("yarqum", "ServiceRequest", "k1");
    let with_status = |status: &str| {
        format!(
            r#"{{"resourceType":"ServiceRequest","id":"k1","status":"{status}","intent":"order","code":{{"coding":[{{"system":"http://snomed.info/sct","code":"73211009"}}]}},"subject":{{"reference":"Patient/p1"}}}}"#
        )
    };
    let message = |id: &str, more: &str| {
        let body = format!(
            r#"{{"resourceType":"Communication","id":"{id}","status":"completed","subject":{{"reference":"Patient/p1"}}{more}}}"#
        );
        (key("yarqum", "Communication", id), body)
    };
    put(s, &request, with_status("draft")).await;
    for (k, body) in [
        message("colleagues", ""),
        message("to", r#","recipient":[{"reference":"Patient/p1"}]"#),
        message(
            "withheld",
            r#","meta":{"security":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"NOPAT"}]},"sender":{"reference":"Patient/p1"}"#,
        ),
    ] {
        put(s, &k, body).await;
    }
    let me = patient_permit("me", &[("yarqum", "p1")]);
    let own = doctor("d", "yarqum", at(1));
    let sees =
        async |permit, k: &RecordKey, version| s.get(permit, k, version).await.unwrap().is_some();
    let found = async |permit| {
        let all = s
            .records_of(permit, &hospital_id("yarqum"), &id("p1"), &[], 100)
            .await
            .unwrap();
        let mut ids: Vec<_> = all.iter().map(|r| r.key.id.to_string()).collect();
        ids.sort();
        ids.join(" ")
    };
    assert!(sees(&own, &request, None).await && !sees(&me, &request, None).await);
    assert_eq!(found(&own).await, "colleagues k1 o1 p1 to withheld");
    assert_eq!(found(&me).await, "o1 p1 to");
    put(s, &request, with_status("active")).await;
    assert!(sees(&me, &request, None).await, "sent");
    assert!(!sees(&me, &request, Some(1)).await, "as it was before");
    let page = s.history(&me, &request, None, 10).await.unwrap();
    assert_eq!(page.versions.len(), 1);
    assert_eq!(found(&me).await, "k1 o1 p1 to");
    put(s, &request, with_status("draft")).await;
    assert_eq!(found(&me).await, "o1 p1 to", "taken back");
}
