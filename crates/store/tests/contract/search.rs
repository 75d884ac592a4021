use std::collections::BTreeSet;

use karez_store::{Precondition, StoreError};

use crate::support::*;

async fn patients(f: &Fixture, n: u64) {
    for n in 0..n {
        put(
            &f.store,
            &key("yarqum", "Patient", &format!("p{n:02}")),
            patient(n),
        )
        .await;
    }
}

async fn pages(f: &Fixture, text: &str) -> Vec<String> {
    let mut seen = Vec::new();
    let mut from = String::new();
    loop {
        let page = find(&f.store, &system(), "Patient", &format!("{text}{from}"))
            .await
            .unwrap();
        seen.extend(ids(&page));
        match page.next {
            Some(next) => from = format!("&_cursor={next}"),
            None => return seen,
        }
    }
}

pub async fn sorted_pages_hold_everything_once(f: Fixture) {
    patients(&f, 17).await;
    for sort in [
        "_id",
        "-_id",
        "family",
        "-family",
        "birthdate",
        "-birthdate",
        "gender,-birthdate",
        "-gender,family,_id",
        "_lastUpdated",
        "-_lastUpdated",
        "identifier",
    ] {
        let paged = pages(&f, &format!("_count=3&_sort={sort}")).await;
        let whole = pages(&f, &format!("_count=100&_sort={sort}")).await;
        assert_eq!(paged, whole, "{sort}");
        assert_eq!(paged.iter().collect::<BTreeSet<_>>().len(), 17, "{sort}");
    }
    let by_birth = pages(&f, "_count=5&_sort=birthdate").await;
    assert_eq!(by_birth[0], "p00");
    let back = pages(&f, "_count=5&_sort=-birthdate").await;
    assert_eq!(back[0], "p16");
}

pub async fn missing_sort_values_come_last(f: Fixture) {
    patients(&f, 4).await;
    for n in 0..3 {
        let k = key("yarqum", "Patient", &format!("x{n}"));
        put(&f.store, &k, r#"{"resourceType":"Patient"}"#).await;
    }
    for sort in ["birthdate", "-birthdate"] {
        let seen = pages(&f, &format!("_count=2&_sort={sort}")).await;
        assert_eq!(seen.len(), 7);
        assert!(
            seen[4..].iter().all(|i| i.starts_with('x')),
            "{sort}: {seen:?}"
        );
    }
}

pub async fn a_cursor_of_another_query_is_refused(f: Fixture) {
    patients(&f, 6).await;
    let s = &*f.store;
    let page = find(s, &system(), "Patient", "_sort=family&_count=2")
        .await
        .unwrap();
    let next = page.next.unwrap();
    for text in [
        format!("_sort=family&_count=2&gender=male&_cursor={next}"),
        format!("_sort=-family&_count=2&_cursor={next}"),
        format!("_count=2&_cursor={next}"),
        "_sort=family&_count=2&_cursor=00".to_owned(),
    ] {
        let e = find(s, &system(), "Patient", &text).await;
        assert!(matches!(e, Err(StoreError::Cursor)), "{text}");
    }
    // Another page size is the same query.
    let text = format!("_sort=family&_count=4&_cursor={next}");
    assert_eq!(
        find(s, &system(), "Patient", &text)
            .await
            .unwrap()
            .matches
            .len(),
        4
    );
}

pub async fn totals_count_all_pages(f: Fixture) {
    patients(&f, 9).await;
    let s = &*f.store;
    let page = find(
        s,
        &system(),
        "Patient",
        "gender=male&_count=2&_total=accurate",
    )
    .await
    .unwrap();
    assert_eq!((page.matches.len(), page.total), (2, Some(4)));
    let page = find(s, &system(), "Patient", "gender=male&_count=2")
        .await
        .unwrap();
    assert_eq!(page.total, None);
    let page = find(s, &system(), "Patient", "_count=0").await.unwrap();
    assert_eq!((page.matches.len(), page.total), (0, Some(9)));
    let page = find(s, &system(), "Patient", "_summary=count&family=tur,li")
        .await
        .unwrap();
    assert_eq!((page.matches.len(), page.total), (0, Some(3)));
}

pub async fn includes_both_ways(f: Fixture) {
    patients(&f, 2).await;
    for n in 0..4 {
        let k = key("yarqum", "Observation", &format!("o{n}"));
        put(&f.store, &k, potassium(&format!("p{:02}", n % 2), n)).await;
    }
    let s = &*f.store;
    let page = find(s, &system(), "Observation", "_include=Observation:subject")
        .await
        .unwrap();
    let mut included: Vec<_> = page.includes.iter().map(|i| i.key.to_string()).collect();
    included.sort();
    assert_eq!(included, ["yarqum/Patient/p00", "yarqum/Patient/p01"]);
    let page = find(
        s,
        &system(),
        "Patient",
        "_id=p01&_revinclude=Observation:subject",
    )
    .await
    .unwrap();
    let included: Vec<_> = page.includes.iter().map(|i| i.key.id.as_str()).collect();
    assert_eq!(included, ["o1", "o3"]);
}

pub async fn deleted_records_are_not_found(f: Fixture) {
    patients(&f, 3).await;
    commit(&f.store, |b| {
        b.delete(key("yarqum", "Patient", "p01"), Precondition::Any);
    })
    .await
    .unwrap();
    assert_eq!(found(&f.store, "Patient", "").await, ["p00", "p02"]);
    assert_eq!(found(&f.store, "Patient", "identifier=P1").await, [""; 0]);
    assert_eq!(found(&f.store, "Patient", "_id=p01").await, [""; 0]);
    assert_eq!(
        found(&f.store, "Patient", "birthdate:missing=true").await,
        [""; 0]
    );
}

pub async fn an_update_is_found_by_its_new_values_only(f: Fixture) {
    let k = key("yarqum", "Patient", "p");
    put(&f.store, &k, patient(1)).await;
    put(&f.store, &k, patient(2)).await;
    assert_eq!(found(&f.store, "Patient", "identifier=P1").await, [""; 0]);
    assert_eq!(found(&f.store, "Patient", "identifier=P2").await, ["p"]);
}

pub async fn a_chain_goes_one_step_along_a_reference(f: Fixture) {
    patients(&f, 14).await;
    for n in 0..42 {
        let k = key("yarqum", "Observation", &format!("o{n:02}"));
        put(&f.store, &k, potassium(&format!("p{:02}", n % 14), n)).await;
    }
    let all = |text: &'static str| found(&f.store, "Observation", text);
    let three = ["o03", "o17", "o31"];
    assert_eq!(all("patient.identifier=urn:test:mrn|P3").await, three);
    assert_eq!(
        all("subject:Patient.identifier=P3&code=2823-3").await,
        three
    );
    assert_eq!(all("patient._id=p03").await, three);
    assert_eq!(all("patient._id=p03&subject=Patient/p03").await, three);
    assert!(all("patient._id=p03&patient=p04").await.is_empty());
    assert!(all("patient.identifier=urn:test:mrn|none").await.is_empty());
    assert!(all("patient.identifier=P3&code=718-7").await.is_empty());
    // Where it leads to few, and to many; sorted, and with any of several values.
    assert_eq!(all("patient.name=tursun&_count=50").await.len(), 9);
    assert_eq!(all("patient.gender=female&_count=50").await.len(), 21);
    assert_eq!(all("patient.gender=female,male&_count=50").await.len(), 42);
    assert_eq!(all("patient.gender:not=female&_count=50").await.len(), 21);
    let both = all("patient.gender:not=female&code=2823-3&_count=50").await;
    assert_eq!(both.len(), 21);
    let newest = all("patient.identifier=P3&_sort=-date").await;
    assert_eq!(newest.len(), 3);
    // A deleted patient leads nowhere.
    commit(&f.store, |b| {
        b.delete(key("yarqum", "Patient", "p03"), Precondition::Any);
    })
    .await
    .unwrap();
    assert!(all("patient.identifier=urn:test:mrn|P3").await.is_empty());
    assert_eq!(all("patient.gender=male&_count=50").await.len(), 18);
}

pub async fn conditions_together_find_what_each_alone_would(f: Fixture) {
    patients(&f, 4).await;
    // Two patients' results among each other, then one patient's alone: what stands in order narrows the search.
    for n in 0..120 {
        let p = if n < 60 { n % 2 } else { 2 };
        let k = key("yarqum", "Observation", &format!("o{n:03}"));
        put(&f.store, &k, potassium(&format!("p{p:02}"), n)).await;
    }
    let all = |text: &'static str| found(&f.store, "Observation", text);
    for (text, matches) in [
        ("patient=p02&code=2823-3&_count=100", 60),
        ("code=2823-3&patient=p00&_count=100", 30),
        ("patient=p00&patient=p01&code=2823-3", 0),
        ("patient=p02&code=718-7", 0),
        ("patient=p03&code=2823-3", 0),
        ("patient=p02&code=2823-3&status=final&_count=100", 60),
    ] {
        assert_eq!(all(text).await.len(), matches, "{text}");
    }
}

pub async fn a_patient_and_a_code_are_found_together(f: Fixture) {
    patients(&f, 3).await;
    // The patients' results came among each other, two codes each.
    for n in 0..90 {
        let k = key("yarqum", "Observation", &format!("o{n:03}"));
        let json = potassium(&format!("p{:02}", n % 3), n);
        let json = if n % 2 == 0 {
            json.replace("2823-3", "2951-2")
        } else {
            json
        };
        put(&f.store, &k, json).await;
    }
    let kind = "Observation";
    let all = |text: &'static str| found(&f.store, kind, text);
    for (text, matches) in [
        ("patient=p01&code=http://loinc.org|2823-3&_count=100", 15),
        ("subject=Patient/p01&code=2951-2&_count=100", 15),
        ("subject:Patient=p01&code=2951-2&_count=100", 15),
        ("patient=p01&code=2951-2,2823-3&_count=100", 30),
        ("patient=p01,p02&code=2951-2&_count=100", 30),
        ("patient=p01&category=laboratory&_count=100", 30),
        ("patient=p01&code=urn:other|2951-2", 0),
        ("patient=p01&code=2951-2&date=lt2026-01-01", 0),
        ("patient=p01&code:not=2951-2&_count=100", 15),
        ("subject=Device/p01&code=2951-2", 0),
        ("patient=p01&code=2951-2&_sort=-date&_count=100", 15),
    ] {
        assert_eq!(all(text).await.len(), matches, "{text}");
    }
    // Pages hold everything once, in the order of the records.
    let mut seen = Vec::new();
    let mut from = String::new();
    loop {
        let text = format!("patient=p01&code=2823-3&_count=4&_total=accurate{from}");
        let page = find(&f.store, &system(), kind, &text).await.unwrap();
        assert_eq!(page.total, Some(15));
        seen.extend(ids(&page));
        match page.next {
            Some(next) => from = format!("&_cursor={next}"),
            None => break,
        }
    }
    let mut sorted = seen.clone();
    sorted.sort();
    assert_eq!((seen.len(), &seen), (15, &sorted));
    // An update moves it, a deletion takes it out.
    let k = key("yarqum", "Observation", "o001");
    put(&f.store, &k, potassium("p02", 1)).await;
    commit(&f.store, |b| {
        b.delete(key("yarqum", "Observation", "o007"), Precondition::Any);
    })
    .await
    .unwrap();
    let text = "patient=p01&code=2823-3&_count=100";
    assert_eq!(all(text).await.len(), 13);
    assert_eq!(all("patient=p02&code=2823-3&_count=100").await.len(), 16);
}

/// Pages of one patient's results, the newest or the oldest first, beside what a look at each of them says.
pub async fn a_patients_records_come_by_date(f: Fixture) {
    patients(&f, 2).await;
    let mut told: Vec<(Option<String>, String)> = Vec::new();
    for n in 0..60_u64 {
        let id = format!("o{n:03}");
        let of = n % 2;
        // Some on one day, some without a date.
        let date = (n % 7 != 0).then(|| format!("2026-0{}-1{}", 1 + n % 5, n % 3));
        let json = potassium(&format!("p{of:02}"), n);
        let mut json: serde_json::Value = serde_json::from_str(&json).unwrap();
        let fields = json.as_object_mut().unwrap();
        match &date {
            Some(d) => fields.insert("effectiveDateTime".to_owned(), d.as_str().into()),
            None => fields.remove("effectiveDateTime"),
        };
        put(
            &f.store,
            &key("yarqum", "Observation", &id),
            json.to_string(),
        )
        .await;
        if of == 1 {
            told.push((date, id));
        }
    }
    let kind = "Observation";
    for (sort, more) in [
        ("-date", ""),
        ("date", ""),
        ("-date", "&code=2823-3,2951-2&status=final"),
    ] {
        let (mut seen, mut from) = (Vec::new(), String::new());
        loop {
            let text =
                format!("subject=Patient/p01&_sort={sort}&_count=4&_total=accurate{more}{from}");
            let page = find(&f.store, &system(), kind, &text).await.unwrap();
            assert_eq!(page.total, Some(30), "{text}");
            seen.extend(ids(&page));
            match page.next {
                Some(next) => from = format!("&_cursor={next}"),
                None => break,
            }
        }
        let mut expected = told.clone();
        expected.sort();
        if sort == "-date" {
            expected.reverse();
        }
        // Those without a date come last.
        expected.sort_by_key(|(date, _)| date.is_none());
        let expected: Vec<String> = expected.into_iter().map(|(_, id)| id).collect();
        assert_eq!(seen, expected, "{sort}{more}");
    }
    // It moves with its patient and its date.
    let k = key("yarqum", kind, "o001");
    put(&f.store, &k, potassium("p00", 1)).await;
    let k = key("yarqum", kind, "o003");
    let later = potassium("p01", 3).replace("2026-0", "2027-0");
    put(&f.store, &k, later).await;
    let found = found(&f.store, kind, "patient=p01&_sort=-date&_count=100").await;
    assert_eq!((found.len(), found[0].as_str()), (29, "o003"));
}

pub async fn who_may_not_read_finds_nothing_by_patient_and_code(f: Fixture) {
    patients(&f, 1).await;
    let k = key("yarqum", "Observation", "o1");
    put(&f.store, &k, potassium("p00", 1)).await;
    let text = "patient=p00&code=2823-3";
    let own = find(&f.store, &doctor("d", "yarqum", at(0)), "Observation", text).await;
    assert_eq!(own.unwrap().matches.len(), 1);
    let other = find(
        &f.store,
        &doctor("e", "qumtagh", at(0)),
        "Observation",
        text,
    )
    .await;
    assert_eq!(other.unwrap().matches.len(), 0);
}
