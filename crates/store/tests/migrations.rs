//! Databases written by every earlier version of the schema open, move forward, and give the answers they gave when
//! they were written. The fixtures lie in `tests/fixtures`, one folder per version; the newest is written with
//!
//! ```text
//! KAREZ_WRITE_FIXTURE=1 cargo test --workspace --test migrations write_the_fixture -- --ignored
//! ```
//!
//! in the commit that adds a migration, before its file, and is never written again.
// Helpers of tests: what cannot go on has failed.
#![allow(clippy::unwrap_used)]

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use agreements::{Permit, SystemPurpose};
use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use karez_store::{
    AuditDraft, Batch, BlobRef, DocQuery, ImageAsk, InstanceRow, Lookup, NewImage, Precondition,
    SeriesRow, Store, StoreConfig, StudyRow, Write, WriteBody,
};
use kernel::clock::ManualClock;
use kernel::{Instant, RecordKey};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use testkit::records::{hospital_id, id, key, kind, patient, potassium};
use testkit::{START, SeededEntropy};

const HOSPITALS: [&str; 2] = ["yarqum", "qumtagh"];

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

fn system() -> Permit {
    Permit::system(SystemPurpose::Job, START)
}

fn at(s: i64) -> Instant {
    Instant::from_second(START.as_second() + s).unwrap()
}

async fn open(dir: &Path) -> Result<Store, karez_store::StoreError> {
    Store::open(StoreConfig::new(
        dir,
        seal::NodeKey::new(seal::Secret::from_bytes([7; 32])),
        Arc::new(ManualClock::at(at(1_000))),
        Arc::new(SeededEntropy::new(3)),
    ))
    .await
}

/// A little of everything the schema keeps.
async fn fill(store: &Store) {
    let mut n = 0;
    for hospital in HOSPITALS {
        for p in 0..6_u64 {
            n += 1;
            let mut batch = Batch::new(at(n));
            batch.put_fhir(
                key(hospital, "Patient", &format!("p{p}")),
                Precondition::Absent,
                patient(p),
            );
            for o in 0..4_u64 {
                let k = key(hospital, "Observation", &format!("o{p}-{o}"));
                batch.put_fhir(k, Precondition::Absent, potassium(&format!("p{p}"), o));
            }
            batch.put_doc(
                key(hospital, "note", &format!("n{p}")),
                Precondition::Absent,
                format!("\"note {p}\""),
                vec![
                    Lookup::new("patient", format!("p{p}")),
                    Lookup::unique("name", format!("n{p}")),
                ],
            );
            batch.audit.push(AuditDraft {
                chain: hospital_id(hospital),
                account: None,
                patient: Some(id(&format!("p{p}"))),
                action: "write".into(),
                body: bytes::Bytes::from(format!("{{\"n\":{n}}}")).into(),
            });
            batch.event(
                "record.written",
                &key(hospital, "Patient", &format!("p{p}")),
                "{}",
            );
            store.commit(batch).await.unwrap();
        }
    }
    let mut batch = Batch::new(at(100));
    batch.put_fhir(
        key("yarqum", "Patient", "p1"),
        Precondition::Version(1),
        patient(41),
    );
    batch.delete(
        key("yarqum", "Observation", "o2-0"),
        Precondition::Version(1),
    );
    store.commit(batch).await.unwrap();
    let blob = store
        .put_blob(
            &hospital_id("yarqum"),
            Some(&id("p1")),
            "text/plain",
            "words of a file",
        )
        .await
        .unwrap();
    let mut batch = Batch::new(at(101));
    batch.writes.push(Write {
        key: key("yarqum", "note", "file"),
        expect: Precondition::Absent,
        body: WriteBody::Document {
            json: serde_json::to_vec(&blob).unwrap().into(),
            lookups: vec![Lookup::new("patient", "p1")],
        },
        blobs: vec![blob],
    });
    store.commit(batch).await.unwrap();
    let study = key("yarqum", "ImagingStudy", "s1");
    let mut batch = Batch::new(at(102));
    batch.put_fhir(
        study.clone(),
        Precondition::Absent,
        r#"{"resourceType":"ImagingStudy","status":"available","subject":{"reference":"Patient/p1"}}"#,
    );
    let image = NewImage {
        study,
        study_row: Arc::new(StudyRow {
            uid: "1.2.1".into(),
            patient_id: "17".into(),
            ..StudyRow::default()
        }),
        series_row: Arc::new(SeriesRow {
            uid: "1.2.1.1".into(),
            modality: "CT".into(),
            ..SeriesRow::default()
        }),
        instance: InstanceRow {
            uid: "1.2.1.1.1".into(),
            meta: "attributes".into(),
            ..InstanceRow::default()
        },
        content: "bytes of an object".into(),
    };
    store.keep_images(batch, vec![image]).await.unwrap();
}

/// What is kept of images, as far as the version knew of them.
async fn images(store: &Store) -> Vec<Value> {
    let ask = ImageAsk {
        study: "1.2.1".into(),
        series: None,
        instance: None,
        aside: false,
        meta: true,
        files: false,
        after: None,
        limit: 10,
    };
    let here = hospital_id("yarqum");
    let found = store.images().images(&system(), &here, &ask).await.unwrap();
    let mut out = Vec::new();
    for line in found {
        let open = store
            .open_image(&system(), &line.study, line.place.instance.1)
            .await
            .unwrap();
        let bytes = open.unwrap().0.all().await.unwrap();
        out.push(json!([
            line.study.to_string(),
            line.series_uid,
            line.uid,
            String::from_utf8(line.meta.to_vec()).unwrap(),
            String::from_utf8(bytes.to_vec()).unwrap(),
        ]));
    }
    out
}

fn digest(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

async fn found(store: &Store, hospital: &str, kind: &str, text: &str) -> Value {
    let options = fhir::search::ParseOptions {
        lenient: false,
        own_base: "",
        now: START,
    };
    let query = fhir::search::parse(kind, text, &options).unwrap();
    let page = store
        .search(&system(), &hospital_id(hospital), &query)
        .await
        .unwrap();
    let mut ids: Vec<String> = page.matches.iter().map(|m| m.key.id.to_string()).collect();
    ids.sort();
    json!({"kind": kind, "query": text, "ids": ids, "total": page.total})
}

async fn versions(store: &Store, k: &RecordKey) -> Value {
    let page = store.history(&system(), k, None, 100).await.unwrap();
    let all: Vec<Value> = page
        .versions
        .iter()
        .map(|v| {
            json!([
                v.version,
                v.at.to_string(),
                v.deleted,
                v.class.as_str(),
                v.patient,
                digest(v.original.reveal())
            ])
        })
        .collect();
    json!({"key": k.to_string(), "versions": all})
}

/// What is asked of every fixture, whatever version wrote it.
async fn answers(store: &Store) -> Value {
    let mut records = Vec::new();
    let mut searches = Vec::new();
    let mut chains = Vec::new();
    for hospital in HOSPITALS {
        for p in 0..6 {
            records.push(versions(store, &key(hospital, "Patient", &format!("p{p}"))).await);
            records.push(versions(store, &key(hospital, "note", &format!("n{p}"))).await);
            for o in 0..4 {
                let k = key(hospital, "Observation", &format!("o{p}-{o}"));
                records.push(versions(store, &k).await);
            }
        }
        for (kind, text) in [
            ("Observation", "subject=Patient/p2&_total=accurate"),
            (
                "Observation",
                "code=http://loinc.org|2823-3&_count=100&_total=accurate",
            ),
            ("Patient", "_total=accurate"),
            ("Patient", "_lastUpdated=ge2026-11-22T08:01:00Z"),
        ] {
            searches.push(found(store, hospital, kind, text).await);
        }
        let report = store
            .verify_chain(&system(), &hospital_id(hospital))
            .await
            .unwrap();
        assert_eq!(report.broken_at, None);
        chains.push(json!([hospital, report.entries, hex::encode(report.head)]));
    }
    let query = DocQuery {
        hospital: Some(hospital_id("yarqum")),
        kind: kind("note"),
        lookups: vec![Lookup::new("name", "n3")],
        after: None,
        limit: 10,
        descending: false,
    };
    let notes = store.documents(&system(), &query).await.unwrap();
    let owner = key("yarqum", "note", "file");
    let stored = store.get(&system(), &owner, None).await.unwrap().unwrap();
    let blob: BlobRef = serde_json::from_slice(stored.body.reveal()).unwrap();
    let file = store
        .open_blob(&system(), &owner, &blob.address)
        .await
        .unwrap()
        .unwrap();
    let mut answers = json!({
        "records": records,
        "searches": searches,
        "chains": chains,
        "notes": notes.iter().map(|n| n.key.to_string()).collect::<Vec<_>>(),
        "events": store.events(&system(), 0, 1_000).await.unwrap().len(),
        "position": *store.watch().borrow(),
        "file": String::from_utf8(file.all().await.unwrap().to_vec()).unwrap(),
    });
    let images = images(store).await;
    if !images.is_empty() {
        answers["images"] = Value::from(images);
    }
    answers
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// A data folder as the version wrote it.
fn unpacked(fixture: &Path) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let mut bytes = Vec::new();
    ZlibDecoder::new(std::fs::File::open(fixture.join("karez.db.z")).unwrap())
        .read_to_end(&mut bytes)
        .unwrap();
    std::fs::write(dir.path().join("karez.db"), bytes).unwrap();
    copy(&fixture.join("blobs"), &dir.path().join("blobs"));
    dir
}

fn newest_migration() -> u32 {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations/sqlite");
    std::fs::read_dir(folder)
        .unwrap()
        .filter_map(|e| {
            let name = e.unwrap().file_name().into_string().unwrap();
            name.strip_prefix('V')?.split_once("__")?.0.parse().ok()
        })
        .max()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn databases_of_every_version_move_forward_and_answer_the_same() {
    for version in 1..=newest_migration() {
        let fixture = fixtures().join(format!("sqlite-v{version}"));
        assert!(fixture.exists(), "schema {version} has no fixture");
        let expected: Value =
            serde_json::from_slice(&std::fs::read(fixture.join("answers.json")).unwrap()).unwrap();
        let dir = unpacked(&fixture);
        let store = open(dir.path()).await.unwrap();
        assert_eq!(answers(&store).await, expected, "schema {version}");
        // Answered by an index that the first schema did not have.
        let text = "patient=p3&code=http://loinc.org|2823-3";
        let paired = found(&store, "yarqum", "Observation", text).await;
        let all = ["o3-0", "o3-1", "o3-2", "o3-3"];
        assert_eq!(paired["ids"], json!(all), "schema {version}");
        let newest = found(&store, "yarqum", "Observation", "patient=p3&_sort=-date").await;
        assert_eq!(newest["ids"], json!(all), "schema {version}");
        let found = store.diagnose().await;
        for finding in found
            .iter()
            .filter(|f| !["sync", "space"].contains(&f.check))
        {
            assert!(finding.ok, "schema {version}: {finding:?}");
        }
        // And it goes on being written.
        let mut batch = Batch::new(at(500));
        batch.put_fhir(
            key("yarqum", "Patient", "new"),
            Precondition::Absent,
            patient(9),
        );
        store.commit(batch).await.unwrap();
        store.close().await;
    }
}

#[tokio::test]
async fn a_database_of_a_newer_karez_is_refused_in_words() {
    let dir = unpacked(&fixtures().join("sqlite-v1"));
    let conn = rusqlite::Connection::open(dir.path().join("karez.db")).unwrap();
    conn.execute(
        "INSERT INTO refinery_schema_history (version, name, applied_on, checksum) \
         VALUES (999, 'later', '2030-01-01T00:00:00Z', '1')",
        [],
    )
    .unwrap();
    drop(conn);
    let said = match open(dir.path()).await {
        Err(e) => e.to_string(),
        Ok(_) => panic!("a newer schema was opened"),
    };
    assert!(
        said.contains("newer Karez") && said.contains("999"),
        "{said}"
    );
}

/// Not a test of its own: writes the fixture of the schema this build knows.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "writes a fixture"]
async fn write_the_fixture() {
    if std::env::var("KAREZ_WRITE_FIXTURE").is_err() {
        return;
    }
    let fixture = fixtures().join(format!("sqlite-v{}", newest_migration()));
    assert!(!fixture.exists(), "a fixture is written once");
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).await.unwrap();
    fill(&store).await;
    let said = answers(&store).await;
    store.close().await;
    drop(store);
    std::fs::create_dir_all(&fixture).unwrap();
    let mut packed = ZlibEncoder::new(
        std::fs::File::create(fixture.join("karez.db.z")).unwrap(),
        Compression::best(),
    );
    packed
        .write_all(&std::fs::read(dir.path().join("karez.db")).unwrap())
        .unwrap();
    packed.finish().unwrap();
    copy(&dir.path().join("blobs"), &fixture.join("blobs"));
    std::fs::write(
        fixture.join("answers.json"),
        serde_json::to_string_pretty(&said).unwrap() + "\n",
    )
    .unwrap();
}
