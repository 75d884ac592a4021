//! Searches go through the index: no plan reads a table from end to end.

use agreements::{Actor, ActorKind, Permit, Role};
use kernel::{AccountId, HospitalId, Instant, RecordKey};

use super::plan;
use crate::sql::{Dialect, Statement, records};
use crate::sqlite::session::Session;
use crate::sqlite::{apply, migrations};
use crate::{Batch, Precondition, prepare};

fn filled(records: u64) -> Session {
    let mut conn = rusqlite::Connection::open_in_memory().unwrap();
    migrations::migrations::runner().run(&mut conn).unwrap();
    conn.execute_batch("BEGIN").unwrap();
    let mut session = Session::new(conn, std::sync::Arc::default()).unwrap();
    let mut batch = Batch::new(Instant::UNIX_EPOCH);
    for n in 0..records {
        let key = RecordKey::parse("yarqum", "Patient", &format!("p{n}")).unwrap();
        batch.put_fhir(key, Precondition::Absent, testkit::records::patient(n));
        let key = RecordKey::parse("yarqum", "Observation", &format!("o{n}")).unwrap();
        let json = testkit::records::potassium(&format!("p{}", n / 4), n);
        batch.put_fhir(key, Precondition::Absent, json);
    }
    let prepared = prepare::prepare(batch, "").unwrap();
    apply::apply(&mut session, &prepared).unwrap();
    session
}

#[test]
fn no_search_reads_a_table_from_end_to_end() {
    let session = filled(2_500);
    let actor = Actor {
        account: AccountId::new("d").unwrap(),
        kind: ActorKind::Staff,
        hospital: Some(HospitalId::new("qumtagh").unwrap()),
        roles: [Role::Consultant].into(),
        privileges: Default::default(),
        linked: Vec::new(),
    };
    let permit = Permit::of(&actor, Instant::UNIX_EPOCH);
    let mut plans = Vec::new();
    for (kind, text) in [
        ("Patient", ""),
        ("Patient", "_id=p7"),
        ("Patient", "identifier=urn:test:mrn|P77"),
        ("Patient", "family=tursun&birthdate=1970-05-15"),
        ("Patient", "name:contains=urs"),
        ("Patient", "gender=female"),
        ("Patient", "_sort=-_lastUpdated"),
        ("Patient", "_sort=family"),
        ("Patient", "birthdate:missing=true"),
        ("Observation", "subject=Patient/p7&_sort=-date"),
        ("Observation", "code=http://loinc.org|2823-3"),
        ("Observation", "code=2823-3&patient=p7"),
        ("Observation", "code=2823-3,718-7&patient=p7&_sort=-date"),
        ("Observation", "combo-code=2823-3"),
        ("Observation", "patient.identifier=urn:test:mrn|P77"),
        ("Observation", "patient.gender=female"),
        ("Observation", "subject:Patient.birthdate:missing=true"),
        ("Observation", "code=2823-3&date=ge2026-05"),
        ("Observation", "date=ge2026-05&date=lt2026-06"),
        ("Observation", "value-quantity=gt5.8||mmol/L"),
        (
            "Observation",
            "code-value-quantity=http://loinc.org|2823-3$gt5.8",
        ),
    ] {
        let options = fhir::search::ParseOptions {
            lenient: false,
            own_base: "",
            now: Instant::UNIX_EPOCH,
        };
        let query = fhir::search::parse(kind, text, &options).unwrap();
        let yarqum = HospitalId::new("yarqum").unwrap();
        let found = plan(&session.conn, &permit, &yarqum, &query).unwrap();
        // `d` is the set that leads, `found` what several values of it found; everything else must be looked up.
        let scans: Vec<&str> = found
            .lines()
            .map(str::trim)
            .filter(|l| l.starts_with("SCAN") && !matches!(*l, "SCAN d" | "SCAN found"))
            .collect();
        assert!(scans.is_empty(), "{kind}?{text}\n{found}");
        plans.push(format!("{kind}?{text}\n{found}\n"));
    }
    // How each search is led; the rest of a plan is SQLite's own wording.
    let led: Vec<String> = plans
        .iter()
        .map(|p| p.lines().take(2).collect::<Vec<_>>().join("  ->  "))
        .collect();
    insta::assert_snapshot!(led.join("\n"));
}

fn explained(session: &Session, statement: &Statement) -> String {
    let text = format!("EXPLAIN QUERY PLAN {}", statement.text);
    let mut st = session.conn.prepare(&text).unwrap();
    let values = rusqlite::params_from_iter(&statement.values);
    let lines = st.query_map(values, |r| r.get::<_, String>(3)).unwrap();
    lines.collect::<Result<Vec<_>, _>>().unwrap().join("\n")
}

#[test]
fn what_is_about_one_patient_is_read_without_looking_at_others() {
    let session = filled(8);
    let permit = Permit::system(agreements::SystemPurpose::Job, Instant::UNIX_EPOCH);
    let yarqum = HospitalId::new("yarqum").unwrap();
    let patient = kernel::ResourceId::new("p7").unwrap();
    let kinds = ["Observation", "Encounter"].map(|k| kernel::Kind::new(k).unwrap());
    for kinds in [&[][..], &kinds] {
        let dialect = Dialect::Sqlite;
        let statement = records::records_of(&dialect, &permit, &yarqum, &patient, kinds, 100);
        let plan = explained(&session, &statement);
        let first = plan.lines().next().unwrap();
        assert!(
            first.contains("record_patient") && first.contains("patient=?"),
            "{plan}"
        );
    }
}
