//! The second wall: a statement that forgets its hospital, or says nothing of who asks, is stopped by the server.

use std::collections::BTreeSet;

use agreements::{Actor, ActorKind, Permit, Role, SystemPurpose};
use kernel::{AccountId, HospitalId, Instant, RecordKey, ResourceId};
use testkit::postgres::FreshDatabase;

use super::session::Reach;
use super::values::{int, text};
use super::{PostgresDatabase, PostgresOptions};
use crate::sql::Statement;
use crate::sql::columns::{columns, postgres_columns};
use crate::{AuditDraft, Batch, Database, Lookup, Precondition, StoreError};

/// Every table that holds what belongs to a hospital, and the column that says whose.
const WALLED: &[(&str, &str)] = &[
    ("record", "hospital"),
    ("version", "hospital"),
    ("index_token", "hospital"),
    ("index_string", "hospital"),
    ("index_date", "hospital"),
    ("index_number", "hospital"),
    ("index_quantity", "hospital"),
    ("index_reference", "hospital"),
    ("index_uri", "hospital"),
    ("lookup", "hospital"),
    ("policy_grant", "custodian"),
    ("policy_consent", "custodian"),
    ("policy_share", "custodian"),
    ("policy_emergency", "custodian"),
    ("audit", "chain"),
    ("audit_head", "chain"),
    ("feed", "hospital"),
    ("blob", "hospital"),
    ("blob_use", "hospital"),
    ("hospital_secret", "hospital"),
    ("patient_key", "hospital"),
    ("dicom_study", "hospital"),
    ("dicom_series", "hospital"),
    ("dicom_instance", "hospital"),
    ("dicom_arrival", "hospital"),
];

async fn open(fresh: &FreshDatabase, key: &str) -> Result<PostgresDatabase, StoreError> {
    PostgresDatabase::open(&PostgresOptions {
        url: fresh.url.clone(),
        nats_url: None,
        public_base: String::new(),
        readers: 4,
        read_longest: std::time::Duration::from_secs(10),
        cursor_secret: seal::Secret::from_bytes([5; 32]),
        node_key_id: key.to_owned(),
        node_keys_before: Vec::new(),
        writer: "test".into(),
        now: testkit::START,
    })
    .await
}

/// A patient, an observation, a document and an audit entry at each of two hospitals.
async fn filled(db: &PostgresDatabase) {
    for hospital in ["yarqum", "qumtagh"] {
        let mut batch = Batch::new(testkit::START);
        let patient = RecordKey::parse(hospital, "Patient", "p1").unwrap();
        batch.put_fhir(
            patient.clone(),
            Precondition::Absent,
            testkit::records::patient(1),
        );
        batch.put_fhir(
            RecordKey::parse(hospital, "Observation", "o1").unwrap(),
            Precondition::Absent,
            testkit::records::potassium("p1", 1),
        );
        batch.put_doc(
            RecordKey::parse(hospital, "note", "n1").unwrap(),
            Precondition::Absent,
            "{}",
            vec![Lookup::unique("name", hospital)],
        );
        batch.audit.push(AuditDraft {
            chain: HospitalId::new(hospital).unwrap(),
            account: None,
            patient: None,
            action: "write".into(),
            body: bytes::Bytes::from_static(b"{}").into(),
        });
        batch.event("record.written", &patient, "{}");
        db.commit(batch).await.unwrap();
    }
}

fn doctor(hospital: &str) -> Permit {
    let actor = Actor {
        account: AccountId::new("d").unwrap(),
        kind: ActorKind::Staff,
        hospital: Some(HospitalId::new(hospital).unwrap()),
        roles: [Role::Clinician].into(),
        privileges: Default::default(),
        linked: Vec::new(),
    };
    Permit::of(&actor, testkit::START)
}

fn plain(query: &str) -> Statement {
    Statement {
        text: query.to_owned(),
        values: Vec::new(),
    }
}

async fn hospitals(db: &PostgresDatabase, reach: &Reach, table: &str, column: &str) -> Vec<i64> {
    let query = format!("SELECT DISTINCT {column} FROM {table} ORDER BY 1");
    let rows = db.connections.rows(reach, plain(&query)).await.unwrap();
    rows.iter().map(|r| int(r, 0).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_without_its_hospital_finds_the_callers_alone() {
    let Some(fresh) = FreshDatabase::make().await else {
        return;
    };
    let db = open(&fresh, "key").await.unwrap();
    filled(&db).await;
    let number = |h: &str| db.connections.names().hospital(h).unwrap();
    let (yarqum, qumtagh) = (number("yarqum"), number("qumtagh"));
    let both = {
        let mut both = vec![yarqum, qumtagh];
        both.sort_unstable();
        both
    };
    let mut filled = 0;
    let doctors = db.connections.reach(&doctor("yarqum")).await.unwrap();
    assert_eq!(
        doctors,
        Reach::Staff(yarqum, testkit::START.as_microsecond())
    );
    let patients = Reach::Hospitals(vec![qumtagh]);
    let nobody = Reach::Hospitals(Vec::new());
    for (table, column) in WALLED {
        let all = hospitals(&db, &Reach::System, table, column).await;
        if all != both {
            // Nothing is written there by this test.
            assert!(all.is_empty(), "{table}");
            continue;
        }
        filled += 1;
        let seen = hospitals(&db, &doctors, table, column).await;
        assert_eq!(seen, [yarqum], "{table}");
        let seen = hospitals(&db, &patients, table, column).await;
        assert_eq!(seen, [qumtagh], "{table}");
        let seen = hospitals(&db, &nobody, table, column).await;
        assert!(seen.is_empty(), "{table}");
    }
    assert!(filled >= 9, "only {filled} tables were filled");
    // A search whose text lost its hospital: what it finds is the caller's alone all the same.
    let query = "SELECT h.name FROM index_string i JOIN hospital h ON h.num = i.hospital WHERE i.folded >= ''";
    let rows = db.connections.rows(&doctors, plain(query)).await.unwrap();
    assert!(!rows.is_empty());
    for r in &rows {
        assert_eq!(text(r, 0).unwrap(), "yarqum");
    }
    db.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_says_nothing_sees_and_changes_nothing() {
    let Some(fresh) = FreshDatabase::make().await else {
        return;
    };
    let db = open(&fresh, "key").await.unwrap();
    filled(&db).await;
    // The same role, past Karez.
    let client = db.server.connect().await.unwrap();
    for (table, _) in WALLED {
        let row = client
            .query_one(&format!("SELECT count(*) FROM {table}"), &[])
            .await
            .unwrap();
        assert_eq!(int(&row, 0).unwrap(), 0, "{table}");
    }
    assert_eq!(client.execute("DELETE FROM record", &[]).await.unwrap(), 0);
    let planted = client
        .execute(
            "INSERT INTO audit_head (chain, number, at, hash) VALUES (1, 1, 1, '')",
            &[],
        )
        .await;
    assert!(planted.is_err(), "row-level security lets rows in");
    // Walled means FORCED: the owner of the tables, as whom this is asked, is not exempt.
    let rows = client
        .query(
            "SELECT relname::text FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace \
             AND NOT (relrowsecurity AND relforcerowsecurity) ORDER BY 1",
            &[],
        )
        .await
        .unwrap();
    let open: Vec<&str> = rows.iter().map(|r| text(r, 0).unwrap()).collect();
    assert_eq!(
        open,
        [
            "counter",
            "hospital",
            "kind",
            "node_key",
            "param",
            "refinery_schema_history",
            "writer_mark"
        ],
        "a table that holds a hospital's rows needs a wall"
    );
    db.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_stored_column_is_classified_and_every_classified_one_is_stored() {
    let Some(fresh) = FreshDatabase::make().await else {
        return;
    };
    let db = open(&fresh, "key").await.unwrap();
    let client = db.server.connect().await.unwrap();
    let rows = client
        .query(
            "SELECT table_name::text, column_name::text FROM information_schema.columns WHERE table_schema = 'public'",
            &[],
        )
        .await
        .unwrap();
    let stored: BTreeSet<(&str, &str)> = rows
        .iter()
        .map(|r| (text(r, 0).unwrap(), text(r, 1).unwrap()))
        .collect();
    let listed: BTreeSet<(&str, &str)> = columns()
        .chain(postgres_columns())
        .map(|(table, column, _)| (table, column))
        .collect();
    assert_eq!(stored, listed);
    db.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_with_another_key_is_refused() {
    let Some(fresh) = FreshDatabase::make().await else {
        return;
    };
    let db = open(&fresh, "first").await.unwrap();
    db.close().await;
    let said = open(&fresh, "other").await.err().unwrap().to_string();
    assert!(said.contains("data.node_key"), "{said}");
    open(&fresh, "first").await.unwrap().close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_superuser_is_refused() {
    let Some(server) = testkit::postgres::server() else {
        return;
    };
    let Some(fresh) = FreshDatabase::make().await else {
        return;
    };
    let place = server.rsplit_once('/').unwrap().0;
    let name = fresh.url.rsplit_once('/').unwrap().1;
    let options = PostgresOptions {
        url: format!("{place}/{name}"),
        nats_url: None,
        public_base: String::new(),
        readers: 4,
        read_longest: std::time::Duration::from_secs(10),
        cursor_secret: seal::Secret::from_bytes([5; 32]),
        node_key_id: "key".into(),
        node_keys_before: Vec::new(),
        writer: "test".into(),
        now: Instant::UNIX_EPOCH,
    };
    let said = PostgresDatabase::open(&options).await.err().unwrap();
    assert!(said.to_string().contains("BYPASSRLS"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_cut_before_during_and_after_a_commit_loses_and_doubles_nothing() {
    let Some(fresh) = FreshDatabase::make().await else {
        return;
    };
    let db = std::sync::Arc::new(open(&fresh, "key").await.unwrap());
    let superuser = fresh.as_superuser().await;
    let writers: Vec<_> = (0..4)
        .map(|w| {
            let db = std::sync::Arc::clone(&db);
            tokio::spawn(async move {
                let mut kept = Vec::new();
                for n in 0..60 {
                    let id = format!("w{w}-{n}");
                    let key = RecordKey::parse("yarqum", "note", &id).unwrap();
                    let mut batch = Batch::new(testkit::START);
                    batch.put_doc(key.clone(), Precondition::Absent, "{}", Vec::new());
                    batch.event("note.made", &key, "{}");
                    match db.commit(batch).await {
                        Ok(done) => kept.push((key, done.position)),
                        Err(StoreError::Unavailable(_)) => {}
                        Err(e) => panic!("{e}"),
                    }
                }
                kept
            })
        })
        .collect();
    // The writer's line is cut again and again, at whatever moment it is in.
    let mut cut = 0;
    while writers.iter().any(|w| !w.is_finished()) {
        let row = superuser
            .query_one(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                 WHERE datname = current_database() AND pid <> pg_backend_pid() AND query LIKE '%COMMIT%'",
                &[],
            )
            .await
            .unwrap();
        cut += int(&row, 0).unwrap();
        tokio::task::yield_now().await;
    }
    let system = Permit::system(SystemPurpose::Job, testkit::START);
    let mut acknowledged = 0;
    for w in writers {
        for (key, position) in w.await.unwrap() {
            acknowledged += 1;
            let found = db.get(&system, &key, None).await.unwrap();
            assert_eq!(found.unwrap().version, 1, "{key}");
            let fed = db.events(&system, position - 1, 1).await.unwrap();
            assert_eq!(fed[0].subject, key);
        }
    }
    assert!(cut > 0, "no line was cut");
    assert!(acknowledged > 0, "nothing was written");
    // Positions have no gap: what was refused was not applied by half.
    let fed = db.events(&system, 0, 10_000).await.unwrap();
    let positions: Vec<u64> = fed.iter().map(|e| e.position).collect();
    assert_eq!(positions, (1..=fed.len() as u64).collect::<Vec<_>>());
    let known: ResourceId = fed[0].subject.id.clone();
    assert!(known.as_str().starts_with('w'));
    db.close().await;
}
