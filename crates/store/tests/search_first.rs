//! Searches over a few records, end to end from text.

use std::sync::Arc;

use agreements::{Permit, SystemPurpose};
use karez_store::sqlite::{SqliteDatabase, SqliteOptions};
use karez_store::{Batch, Database, Precondition, SearchPage};
use kernel::{HospitalId, Instant, RecordKey};

fn at(s: i64) -> Instant {
    Instant::from_second(s).unwrap()
}

async fn search(db: &dyn Database, kind: &str, text: &str) -> SearchPage {
    let options = fhir::search::ParseOptions {
        lenient: false,
        own_base: "",
        now: at(2_000_000_000),
    };
    let query = fhir::search::parse(kind, text, &options).unwrap();
    let permit = Permit::system(SystemPurpose::Job, at(0));
    db.search(&permit, &HospitalId::new("yarqum").unwrap(), &query)
        .await
        .unwrap()
}

fn ids(page: &SearchPage) -> Vec<String> {
    page.matches.iter().map(|m| m.key.id.to_string()).collect()
}

#[tokio::test]
async fn each_type_of_parameter_finds_its_record() {
    let dir = tempfile::tempdir().unwrap();
    let options = SqliteOptions::new(dir.path().join("db"), seal::Secret::from_bytes([1; 32]));
    let db: Arc<dyn Database> = Arc::new(SqliteDatabase::open(&options).unwrap());
    let mut batch = Batch::new(at(100));
    for n in 0..10 {
        let key = RecordKey::parse("yarqum", "Patient", &format!("p{n}")).unwrap();
        batch.put_fhir(key, Precondition::Absent, testkit::records::patient(n));
        let key = RecordKey::parse("yarqum", "Observation", &format!("o{n}")).unwrap();
        batch.put_fhir(
            key,
            Precondition::Absent,
            testkit::records::potassium(&format!("p{}", n % 3), n),
        );
    }
    db.commit(batch).await.unwrap();
    let db = &*db;
    let page = search(db, "Patient", "identifier=urn:test:mrn|P3").await;
    assert_eq!(ids(&page), ["p3"]);
    assert_eq!(
        ids(&search(db, "Patient", "gender=female&_total=accurate&_count=2").await).len(),
        2
    );
    assert_eq!(
        ids(&search(db, "Patient", "family=tur&_sort=-_id").await),
        ["p6", "p0"]
    );
    let page = search(
        db,
        "Observation",
        "subject=Patient/p1&_include=Observation:subject&_sort=-date",
    )
    .await;
    assert_eq!(ids(&page), ["o7", "o4", "o1"]);
    assert_eq!(page.includes.len(), 1);
    assert_eq!(page.matches[0].patient.as_ref().unwrap().as_str(), "p1");
    assert_eq!(page.matches[0].class.as_str(), "laboratory");
    let page = search(
        db,
        "Observation",
        "code=http://loinc.org|2823-3&value-quantity=gt4.5&_sort=value-quantity",
    )
    .await;
    assert_eq!(ids(&page), ["o7", "o2", "o5", "o8"]);
    let page = search(db, "Observation", "date=ge2026-08").await;
    assert_eq!(ids(&page), ["o7", "o8"]);
    // Pages go on where they ended.
    let mut seen = Vec::new();
    let mut text = "gender=male&_sort=family&_count=2".to_owned();
    loop {
        let page = search(db, "Patient", &text).await;
        seen.extend(ids(&page));
        let Some(next) = page.next else { break };
        text = format!("gender=male&_sort=family&_count=2&_cursor={next}");
    }
    assert_eq!(seen.len(), 5, "{seen:?}");
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 5);
}
