//! Every test at every level, and pages.

use super::*;

pub async fn found_at_every_level_by_every_test(f: Fixture) {
    let s = &*f.store;
    begin(s, &object(1), "s1", Some("p1")).await.unwrap();
    let report = Object {
        series: "1.2.1.2",
        ..object(7)
    };
    keep(s, &report, "s1").await.unwrap();
    let own = doctor("d1", "yarqum", at(2));
    for one in that_find() {
        let said = format!("{one:?}");
        assert_eq!(studies(s, &own, vec![vec![one]]).await, ["1.2.1"], "{said}");
    }
    for one in that_miss() {
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
    rows_of_every_level(s, &own).await;
}

fn text(t: &str) -> String {
    t.to_owned()
}

fn range(a: &str, b: &str) -> (Option<String>, Option<String>) {
    (Some(text(a)), Some(text(b)))
}

/// Tests that the study passes.
fn that_find() -> Vec<(C, T)> {
    let day = range("20260301", "20260301");
    let hour = range("103000.000000", "103000.000000");
    let moment = range("20260301103000.000000", "20260301103059.999999");
    vec![
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
    ]
}

/// Tests that it does not pass.
fn that_miss() -> Vec<(C, T)> {
    let other_day = range("20260302", "20270101");
    let later = range("103100.000000", "235959.999999");
    let after = range("20260301110000.000000", "20260401000000.000000");
    vec![
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
    ]
}

/// How many rows each level has, narrowed and not.
async fn rows_of_every_level(s: &Store, own: &Permit) {
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
        let found = s.images().find_images(own, &here, &q).await.unwrap();
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
