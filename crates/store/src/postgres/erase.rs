//! Erasing, as on SQLite: the content of every version goes, with everything it is found by; what remains is a
//! tombstone under the record's key, and the audit.

use kernel::{HospitalId, ResourceId};
use tokio_postgres::Client;
use tokio_postgres::types::ToSql;

use super::blobs::{ask, run};
use super::group::Known;
use super::images::ERASE;
use super::line::Failed;
use super::session::{Connections, Reach};
use super::values::{int, text};
use crate::blob_index::{Erased, ToErase};
use crate::images::scope_of;
use crate::sql::index::TABLES;
use crate::sql::names::Names;
use crate::sql::policy::Numbers as _;
use crate::sql::{Dialect, blobs};
use crate::{BlobRef, StoreError, classes};

/// Class of what has no content any more.
const UNCLASSIFIED: i64 = classes::number(agreements::RecordClass::Unclassified);

type Params<'a> = &'a [&'a (dyn ToSql + Sync)];

async fn numbers(client: &Client, query: &str, params: Params<'_>) -> Result<Vec<i64>, Failed> {
    let rows = client.query(query, params).await?;
    Ok(rows.iter().map(|r| int(r, 0)).collect::<Result<_, _>>()?)
}

/// Records of the hospital that were about the patient once and are another's now. Reads every version of the
/// hospital, so it is asked before the turn is taken.
pub(crate) async fn moved_away(
    connections: &Connections,
    hospital: &HospitalId,
    patient: &ResourceId,
) -> Result<Vec<i64>, StoreError> {
    let mut binds = connections.dialect.binds();
    let (h, p) = (
        binds.hospital(hospital.as_str()),
        binds.bind(patient.as_str()),
    );
    let query = format!(
        "SELECT DISTINCT v.record FROM version v JOIN record r ON r.record = v.record \
         WHERE v.hospital = {h} AND v.patient = {p} AND r.patient IS DISTINCT FROM {p}"
    );
    let rows = connections
        .rows(&Reach::System, binds.statement(query))
        .await?;
    rows.iter().map(|r| int(r, 0)).collect()
}

/// Within the writer's transaction, which has the turn. `moved` is what [`moved_away`] found.
pub(crate) async fn erase(
    client: &Client,
    names: &std::sync::Arc<Names>,
    what: &ToErase,
    moved: &[i64],
    at: i64,
) -> Result<Erased, Failed> {
    let mut known = Known(names);
    let dialect = Dialect::Postgres(std::sync::Arc::clone(names));
    let mut records = Vec::new();
    for key in &what.records {
        let (hospital, kind, id) = known.key(key)?;
        let query =
            "SELECT record FROM record WHERE hospital = $1::int8 AND kind = $2::int8 AND id = $3";
        records.extend(numbers(client, query, &[&hospital, &kind, &id]).await?);
    }
    let mut done = Erased::default();
    let mut keyed = Vec::new();
    if let Some(patient) = &what.patient {
        let hospital = known.hospital(&what.hospital)?;
        let id = patient.as_str();
        let query = "SELECT record FROM record WHERE hospital = $1::int8 AND patient = $2";
        for record in numbers(client, query, &[&hospital, &id]).await? {
            if !records.contains(&record) {
                records.push(record);
            }
        }
        let query = "UPDATE version SET body = '', deleted = 1, class = $1::int8, patient = NULL \
                     WHERE record = ANY ($2) AND patient = $3";
        let params: Params<'_> = &[&UNCLASSIFIED, &moved, &id];
        done.versions += client.execute(query, params).await?;
        keyed = ask(
            client,
            &blobs::of_patient(&dialect, &what.hospital, patient),
        )
        .await?;
        for query in [
            "DELETE FROM policy_consent WHERE custodian = $1::int8 AND patient = $2",
            "DELETE FROM policy_share WHERE custodian = $1::int8 AND patient = $2",
            "DELETE FROM policy_emergency WHERE custodian = $1::int8 AND patient = $2",
        ] {
            client.execute(query, &[&hospital, &id]).await?;
        }
        for st in &blobs::erase(&dialect, &what.hospital, patient) {
            run(client, st).await?;
        }
    }
    keyed.extend(forget_images(client, &dialect, &records).await?);
    done.records = records.len() as u64;
    done.versions += whole(client, &records, at).await?;
    done.blobs = keyed;
    for record in &records {
        done.blobs
            .extend(forget_files(client, &dialect, *record).await?);
    }
    Ok(done)
}

/// Forgets what studies hold, where records are such, and destroys the keys of their files.
async fn forget_images(
    client: &Client,
    dialect: &Dialect,
    records: &[i64],
) -> Result<Vec<BlobRef>, Failed> {
    let rows = client
        .query(
            "SELECT h.name, r.id FROM record r JOIN dicom_study s ON s.record = r.record \
             JOIN hospital h ON h.num = r.hospital WHERE r.record = ANY ($1)",
            &[&records],
        )
        .await?;
    let mut files = Vec::new();
    for r in &rows {
        let hospital = HospitalId::new(text(r, 0)?)
            .map_err(|_| StoreError::Damaged("a record names no valid id".into()))?;
        let key = scope_of(text(r, 1)?)?;
        files.extend(ask(client, &blobs::of_patient(dialect, &hospital, &key)).await?);
        for st in &blobs::erase(dialect, &hospital, &key) {
            run(client, st).await?;
        }
    }
    if !rows.is_empty() {
        for text in ERASE {
            client.execute(text, &[&records]).await?;
        }
    }
    Ok(files)
}

/// Whole records: gives how many versions lost their content.
async fn whole(client: &Client, records: &[i64], at: i64) -> Result<u64, Failed> {
    let query = "SELECT record FROM record WHERE record = ANY ($1) AND deleted = 0 ORDER BY record";
    let live = numbers(client, query, &[&records]).await?;
    let count = i64::try_from(live.len()).unwrap_or(i64::MAX);
    let query = "UPDATE counter SET value = value + $1 WHERE name = 'row' RETURNING value";
    let last = numbers(client, query, &[&count]).await?.pop().unwrap_or(0);
    let rows: Vec<i64> = (last - count + 1..=last).collect();
    client
        .execute(
            "INSERT INTO version (row, record, hospital, version, at, deleted, class, patient, body) \
             SELECT k.row, r.record, r.hospital, r.version + 1, $3, 1, $4::int8, NULL, '' \
             FROM unnest($1::int8[], $2::int8[]) AS k(row, record) JOIN record r ON r.record = k.record",
            &[&rows, &live, &at, &UNCLASSIFIED],
        )
        .await?;
    client
        .execute(
            "UPDATE record r SET current = k.row, version = r.version + 1, at = $3, deleted = 1 \
             FROM unnest($1::int8[], $2::int8[]) AS k(row, record) WHERE r.record = k.record",
            &[&rows, &live, &at],
        )
        .await?;
    client
        .execute(
            "UPDATE record SET class = $2::int8, patient = NULL WHERE record = ANY ($1)",
            &[&records, &UNCLASSIFIED],
        )
        .await?;
    for table in TABLES.iter().map(|t| t.name).chain(["lookup"]) {
        let query = format!("DELETE FROM {table} WHERE record = ANY ($1)");
        client.execute(&query, &[&records]).await?;
    }
    let query = "UPDATE version SET body = '', deleted = 1, class = $2::int8, patient = NULL WHERE record = ANY ($1)";
    Ok(client.execute(query, &[&records, &UNCLASSIFIED]).await?)
}

/// Forgets the files that this record alone refers to. A patient's own go with the key; these have none of their own.
async fn forget_files(
    client: &Client,
    dialect: &Dialect,
    record: i64,
) -> Result<Vec<BlobRef>, Failed> {
    let alone = ask(client, &blobs::of_record_alone(dialect, record)).await?;
    client
        .execute("DELETE FROM blob_use WHERE record = $1", &[&record])
        .await?;
    for blob in &alone {
        run(client, &blobs::forget(dialect, blob)).await?;
    }
    Ok(alone)
}
