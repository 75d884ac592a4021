use std::sync::Arc;

use agreements::Permit;
use agreements::{ConsentRow, GrantRow, Projection, RecordClass, ShareItem, ShareRow};
use karez_store::backup::erasures::Erasure;
use karez_store::{
    Batch, Committed, ImageAsk, ImageChange, ImageColumn as C, ImageLevel, ImageLine, ImageOutcome,
    ImageQuery, ImageTest as T, InstanceRow, NewImage, Precondition, SeriesRow, Standing, Store,
    StoreError, StudyRow,
};
use kernel::{AccountId, RecordKey};
use serde_json::json;

use crate::bucket;
use crate::support::*;

/// An ImagingStudy of a patient, or of nobody yet.
fn imaging_study(patient: Option<&str>) -> String {
    let subject = match patient {
        Some(p) => json!({"reference": format!("Patient/{p}")}),
        None => json!({"display": "unknown"}),
    };
    json!({"resourceType": "ImagingStudy", "status": "available", "subject": subject}).to_string()
}

/// An object: its study, series, own UID and content.
#[derive(Clone)]
struct Object {
    hospital: &'static str,
    study: &'static str,
    series: &'static str,
    uid: String,
    content: Vec<u8>,
    patient_id: &'static str,
}

fn object(n: u32) -> Object {
    Object {
        hospital: "yarqum",
        study: "1.2.1",
        series: "1.2.1.1",
        uid: format!("1.2.1.1.{n}"),
        content: format!("object {n}, synthetic").repeat(300).into_bytes(),
        patient_id: "17",
    }
}

fn new(o: &Object, record: &str) -> NewImage {
    let mut digest = [0_u8; 32];
    for (i, b) in o.content.iter().enumerate() {
        digest[i % 32] = digest[i % 32].wrapping_mul(31).wrapping_add(*b);
    }
    let number = o.uid.rsplit('.').next().unwrap().parse().unwrap();
    NewImage {
        study: key(o.hospital, "ImagingStudy", record),
        study_row: Arc::new(StudyRow {
            uid: o.study.into(),
            patient_id: o.patient_id.into(),
            issuer: "urn:oid:1".into(),
            name: "wang^xiaodong".into(),
            ideographic: "王^小东".into(),
            words: " wang xiaodong 王 小东 ".into(),
            birth_date: "19700102".into(),
            sex: "M".into(),
            date: "20260301".into(),
            time: "1030".into(),
            accession: "A[1]%".into(),
            description: "chest".into(),
            attributes: "S".into(),
            ..StudyRow::default()
        }),
        series_row: Arc::new(SeriesRow {
            uid: o.series.into(),
            modality: if o.series.ends_with('1') { "CT" } else { "SR" }.into(),
            number: o.series.rsplit('.').next().unwrap().parse().ok(),
            attributes: "Q".into(),
            ..SeriesRow::default()
        }),
        instance: InstanceRow {
            uid: o.uid.clone(),
            sop_class: "1.2.840.10008.5.1.4.1.1.2".into(),
            transfer_syntax: "1.2.840.10008.1.2.1".into(),
            number: Some(number),
            height: Some(512),
            width: Some(512),
            frames: 1,
            digest,
            sender: "CT1".into(),
            attributes: "I".into(),
            layout: "L".into(),
            meta: format!("meta {}", o.uid).into_bytes().into(),
        },
        content: o.content.clone().into(),
    }
}

/// Keeps an object of a study whose ImagingStudy is there.
async fn keep(s: &Store, o: &Object, record: &str) -> Result<ImageOutcome, StoreError> {
    let done = s
        .keep_images(Batch::new(at(1)), vec![new(o, record)])
        .await?;
    Ok(done.images[0])
}

/// Keeps the first object of a study with its ImagingStudy.
async fn begin(
    s: &Store,
    o: &Object,
    record: &str,
    patient: Option<&str>,
) -> Result<Committed, StoreError> {
    let mut batch = Batch::new(at(1));
    batch.put_fhir(
        key(o.hospital, "ImagingStudy", record),
        Precondition::Absent,
        imaging_study(patient),
    );
    let mut image = new(o, record);
    let row = Arc::make_mut(&mut image.study_row);
    row.waiting = patient.is_none();
    s.keep_images(batch, vec![image]).await
}

fn ask() -> ImageAsk {
    ImageAsk {
        study: "1.2.1".into(),
        series: None,
        instance: None,
        aside: false,
        meta: false,
        files: false,
        after: None,
        limit: 100,
    }
}

fn query(level: ImageLevel, conditions: Vec<Vec<(C, T)>>) -> ImageQuery {
    ImageQuery {
        level,
        conditions,
        waiting: false,
        counts: true,
        offset: 0,
        limit: 100,
    }
}

async fn lines(s: &Store, permit: &Permit, ask: &ImageAsk) -> Vec<ImageLine> {
    let at = hospital_id("yarqum");
    s.images().images(permit, &at, ask).await.unwrap()
}

async fn studies(s: &Store, permit: &Permit, conditions: Vec<Vec<(C, T)>>) -> Vec<String> {
    let q = query(ImageLevel::Study, conditions);
    let found = s
        .images()
        .find_images(permit, &hospital_id("yarqum"), &q)
        .await
        .unwrap();
    found.into_iter().map(|r| r.study_uid).collect()
}

async fn content(s: &Store, permit: &Permit, study: &RecordKey, instance: i64) -> Option<Vec<u8>> {
    let (open, layout) = s.open_image(permit, study, instance).await.unwrap()?;
    assert_eq!(layout, "L");
    Some(open.all().await.unwrap().to_vec())
}

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
        files: false,
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
        counts: true,
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

pub async fn found_at_every_level_by_every_test(f: Fixture) {
    let s = &*f.store;
    begin(s, &object(1), "s1", Some("p1")).await.unwrap();
    let report = Object {
        series: "1.2.1.2",
        ..object(7)
    };
    keep(s, &report, "s1").await.unwrap();
    let own = doctor("d1", "yarqum", at(2));
    let text = |t: &str| t.to_owned();
    let range = |a: &str, b: &str| (Some(a.to_owned()), Some(b.to_owned()));
    let (day, other_day) = (range("20260301", "20260301"), range("20260302", "20270101"));
    let (hour, later) = (
        range("103000.000000", "103000.000000"),
        range("103100.000000", "235959.999999"),
    );
    let (moment, after) = (
        range("20260301103000.000000", "20260301103059.999999"),
        range("20260301110000.000000", "20260401000000.000000"),
    );
    let found: Vec<(C, T)> = vec![
        (C::StudyUid, T::In(vec![text("9"), text("1.2.1")])),
        (C::PatientId, T::Like(text("1*"))),
        (C::Name, T::Like(text("wang*"))),
        (C::Name, T::Like(text("*^xiao?ong"))),
        (C::Ideographic, T::Like(text("王*"))),
        (C::Words, T::Contains(text(" xiaod"))),
        (C::Accession, T::Like(text("A[1]%*"))),
        (C::StudyDate, T::Range(day.0, day.1)),
        (C::StudyDate, T::Range(None, Some(text("20260401")))),
        (C::StudyTime, T::Time(hour.0, hour.1)),
        (C::StudyDate, T::Moment(C::StudyTime, moment.0, moment.1)),
        (C::ModalityInStudy, T::In(vec![text("SR")])),
        (C::SopClassInStudy, T::Like(text("1.2.840.*"))),
        (C::Patient, T::In(vec![text("p1")])),
        (C::Record, T::In(vec![text("s1")])),
        (C::Phonetic, T::In(vec![text("")])),
    ];
    for one in found {
        let said = format!("{one:?}");
        assert_eq!(studies(s, &own, vec![vec![one]]).await, ["1.2.1"], "{said}");
    }
    let missed: Vec<(C, T)> = vec![
        (C::StudyUid, T::In(vec![text("1.2.2")])),
        (C::StudyUid, T::In(Vec::new())),
        (C::Name, T::Like(text("wan?"))),
        (C::Accession, T::Like(text("A1*"))),
        (C::Accession, T::Like(text("A[1]_*"))),
        (C::StudyDate, T::Range(other_day.0, other_day.1)),
        (C::StudyTime, T::Time(later.0, later.1)),
        (C::StudyDate, T::Moment(C::StudyTime, after.0, after.1)),
        (C::ModalityInStudy, T::In(vec![text("MR")])),
        (C::Phonetic, T::Like(text("*"))),
        (C::Patient, T::In(vec![text("p2")])),
    ];
    for one in missed {
        let said = format!("{one:?}");
        assert!(studies(s, &own, vec![vec![one]]).await.is_empty(), "{said}");
    }
    // Any of several, and all together.
    let any = vec![
        (C::Name, T::In(vec![text("nobody")])),
        (C::Ideographic, T::Like(text("王*"))),
    ];
    let all = vec![any, vec![(C::Sex, T::In(vec![text("M")]))]];
    assert_eq!(studies(s, &own, all).await, ["1.2.1"]);
    let here = hospital_id("yarqum");
    for (level, conditions, rows) in [
        (ImageLevel::Patient, vec![], 1),
        (ImageLevel::Series, vec![], 2),
        (
            ImageLevel::Series,
            vec![vec![(C::Modality, T::In(vec![text("CT")]))]],
            1,
        ),
        (
            ImageLevel::Series,
            vec![vec![(C::SeriesUid, T::In(vec![text("1.2.1.2")]))]],
            1,
        ),
        (
            ImageLevel::Series,
            vec![vec![(C::SeriesNumber, T::Number(vec![2]))]],
            1,
        ),
        (ImageLevel::Instance, vec![], 2),
        (
            ImageLevel::Instance,
            vec![vec![(C::InstanceUid, T::In(vec![text("1.2.1.1.7")]))]],
            1,
        ),
        (
            ImageLevel::Instance,
            vec![vec![(C::InstanceNumber, T::Number(vec![1, 3]))]],
            1,
        ),
        (
            ImageLevel::Instance,
            vec![
                vec![(C::StudyUid, T::In(vec![text("1.2.1")]))],
                vec![(C::SeriesUid, T::In(vec![text("1.2.1.1")]))],
            ],
            1,
        ),
    ] {
        let q = query(level, conditions);
        let found = s.images().find_images(&own, &here, &q).await.unwrap();
        assert_eq!(found.len(), rows, "{q:?}");
        for r in &found {
            assert_eq!((r.series_count, r.instance_count), (2, 2));
            assert_eq!(r.modalities, ["CT", "SR"]);
            assert_eq!(
                r.series.is_some(),
                level == ImageLevel::Series || level == ImageLevel::Instance
            );
            assert_eq!(r.instance.is_some(), level == ImageLevel::Instance);
        }
    }
}

pub async fn pages_hold_every_object_once(f: Fixture) {
    let s = &*f.store;
    begin(s, &object(0), "s1", Some("p1")).await.unwrap();
    for n in 1..23 {
        let mut o = object(n % 5);
        o.uid = format!("1.2.1.9.{n}.{}", n % 5);
        o.series = ["1.2.1.1", "1.2.1.2", "1.2.1.3"][n as usize % 3];
        o.content = format!("content {n}").into_bytes();
        keep(s, &o, "s1").await.unwrap();
    }
    let whole = lines(s, &system(), &ask()).await;
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = ImageAsk {
            after,
            limit: 4,
            ..ask()
        };
        let found = lines(s, &system(), &page).await;
        after = found.last().map(|l| l.place);
        if found.is_empty() {
            break;
        }
        seen.extend(found.into_iter().map(|l| l.uid));
    }
    let uids: Vec<String> = whole.into_iter().map(|l| l.uid).collect();
    assert_eq!(uids.len(), 23);
    assert_eq!(seen, uids);
}

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
    assert!(lines(s, &stranger, &ask()).await.is_empty());
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
        counts: true,
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
