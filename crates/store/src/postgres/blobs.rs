//! Blobs and their keys in PostgreSQL.

use agreements::Permit;
use async_trait::async_trait;
use kernel::{HospitalId, Instant, RecordKey, ResourceId};
use seal::Wrapped;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Row};

use super::session::{Reach, in_transaction};
use super::values::{bytes, int, maybe_text, text};
use super::{PostgresDatabase, erase, naming};
use crate::blob_index::{Erased, ToErase, WrappedKey};
use crate::prepare::prepare_off_thread;
use crate::sql::blobs::{self, patient_text};
use crate::sql::{Statement, Value, micros, signed};
use crate::{Batch, BlobIndex, BlobRef, Finding, StoreError};

/// Rows of [`blobs::COLUMNS`].
fn list(rows: &[Row]) -> Result<Vec<BlobRef>, StoreError> {
    rows.iter()
        .map(|r| {
            blobs::Row {
                hospital: text(r, 0)?.to_owned(),
                patient: maybe_text(r, 1)?,
                address: text(r, 2)?.to_owned(),
                size: int(r, 3)?,
                media_type: text(r, 4)?.to_owned(),
            }
            .blob()
        })
        .collect()
}

pub(super) async fn ask(client: &Client, st: &Statement) -> Result<Vec<BlobRef>, StoreError> {
    let params: Vec<&(dyn ToSql + Sync)> = st.values.iter().map(|v: &Value| v as _).collect();
    list(&client.query(&st.text, &params).await?)
}

fn wrapped(rows: &[Row]) -> Result<Option<Wrapped>, StoreError> {
    let first = rows.first().map(|r| bytes(r, 0)).transpose()?;
    Ok(first.map(|b| Wrapped(b.to_vec())))
}

fn kept(rows: &[Row]) -> Result<Wrapped, StoreError> {
    wrapped(rows)?.ok_or_else(|| StoreError::Damaged("a key was not kept".into()))
}

#[async_trait]
impl BlobIndex for PostgresDatabase {
    async fn hospital_secret(&self, hospital: &HospitalId) -> Result<Option<Wrapped>, StoreError> {
        let mut binds = self.connections.dialect.binds();
        let text = format!(
            "SELECT wrapped FROM hospital_secret WHERE hospital = {}",
            binds.hospital(hospital.as_str())
        );
        let st = binds.statement(text);
        wrapped(&self.connections.rows(&Reach::System, st).await?)
    }

    async fn put_hospital_secret(
        &self,
        hospital: &HospitalId,
        new: Wrapped,
    ) -> Result<Wrapped, StoreError> {
        let names = self.connections.names();
        in_transaction(&self.connections, false, async |client| {
            let h = naming::hospital(client, names, hospital).await?;
            client
                .execute(
                    "INSERT INTO hospital_secret (hospital, wrapped) VALUES ($1::int8, $2) ON CONFLICT DO NOTHING",
                    &[&h, &new.0],
                )
                .await?;
            let query = "SELECT wrapped FROM hospital_secret WHERE hospital = $1::int8";
            kept(&client.query(query, &[&h]).await?)
        })
        .await
    }

    async fn data_key(
        &self,
        hospital: &HospitalId,
        patient: Option<&ResourceId>,
    ) -> Result<Option<Wrapped>, StoreError> {
        let mut binds = self.connections.dialect.binds();
        let text = format!(
            "SELECT wrapped FROM patient_key WHERE hospital = {} AND patient = {}",
            binds.hospital(hospital.as_str()),
            binds.bind(patient_text(patient)),
        );
        let st = binds.statement(text);
        wrapped(&self.connections.rows(&Reach::System, st).await?)
    }

    async fn wrapped_keys(&self) -> Result<Vec<WrappedKey>, StoreError> {
        let statement = Statement {
            text: blobs::WRAPPED_KEYS.to_owned(),
            values: Vec::new(),
        };
        let rows = self.connections.rows(&Reach::System, statement).await?;
        rows.iter()
            .map(|r| {
                Ok(WrappedKey {
                    hospital: HospitalId::new(text(r, 0)?)
                        .map_err(|_| StoreError::Damaged("a key names no valid id".into()))?,
                    patient: maybe_text(r, 1)?,
                    wrapped: Wrapped(bytes(r, 2)?.to_vec()),
                })
            })
            .collect()
    }

    async fn replace_key(&self, new: &WrappedKey) -> Result<(), StoreError> {
        let names = self.connections.names();
        in_transaction(&self.connections, false, async |client| {
            let h = naming::hospital(client, names, &new.hospital).await?;
            match &new.patient {
                None => {
                    let st = "UPDATE hospital_secret SET wrapped = $2 WHERE hospital = $1::int8";
                    client.execute(st, &[&h, &new.wrapped.0]).await?
                }
                Some(patient) => {
                    let st = "UPDATE patient_key SET wrapped = $3 WHERE hospital = $1::int8 AND patient = $2";
                    client.execute(st, &[&h, patient, &new.wrapped.0]).await?
                }
            };
            Ok(())
        })
        .await
    }

    async fn put_data_key(
        &self,
        hospital: &HospitalId,
        patient: Option<&ResourceId>,
        new: Wrapped,
    ) -> Result<Wrapped, StoreError> {
        let names = self.connections.names();
        let patient = patient_text(patient);
        in_transaction(&self.connections, false, async |client| {
            let h = naming::hospital(client, names, hospital).await?;
            client
                .execute(
                    "INSERT INTO patient_key (hospital, patient, wrapped) VALUES ($1::int8, $2, $3) \
                     ON CONFLICT DO NOTHING",
                    &[&h, &patient, &new.0],
                )
                .await?;
            let query =
                "SELECT wrapped FROM patient_key WHERE hospital = $1::int8 AND patient = $2";
            kept(&client.query(query, &[&h, &patient]).await?)
        })
        .await
    }

    async fn put_blob(&self, blob: &BlobRef, at: Instant) -> Result<(), StoreError> {
        let names = self.connections.names();
        in_transaction(&self.connections, false, async |client| {
            let h = naming::hospital(client, names, &blob.hospital).await?;
            client
                .execute(
                    "INSERT INTO blob (hospital, address, patient, size, media_type, stored_at, erased) \
                     VALUES ($1::int8, $2, $3, $4, $5, $6, 0) \
                     ON CONFLICT (hospital, address) DO UPDATE SET erased = 0, stored_at = excluded.stored_at",
                    &[
                        &h,
                        &blob.address,
                        &blob.patient.as_ref().map(ResourceId::as_str),
                        &signed(blob.size),
                        &blob.media_type,
                        &micros(at),
                    ],
                )
                .await?;
            Ok(())
        })
        .await
    }

    async fn blob(
        &self,
        permit: &Permit,
        owner: &RecordKey,
        address: &str,
    ) -> Result<Option<BlobRef>, StoreError> {
        let st = blobs::of_owner(&self.connections.dialect, permit, owner, address);
        let reach = self.connections.reach(permit).await?;
        Ok(list(&self.connections.rows(&reach, st).await?)?.pop())
    }

    /// Takes the turn of the writers, so that no batch refers to a blob while it is forgotten.
    async fn forget_unused(&self, before: Instant) -> Result<Vec<BlobRef>, StoreError> {
        let names = self.connections.names();
        let st = blobs::unused(&self.connections.dialect, micros(before));
        in_transaction(&self.connections, true, async |client| {
            let found = ask(client, &st).await?;
            for b in &found {
                let h = naming::hospital(client, names, &b.hospital).await?;
                client
                    .execute(
                        "DELETE FROM blob WHERE hospital = $1::int8 AND address = $2",
                        &[&h, &b.address],
                    )
                    .await?;
            }
            Ok(found)
        })
        .await
    }

    /// What was erased is gone from the tables at once; the server's own log passes in time, which the book's page on
    /// erasure says.
    async fn erase(&self, what: ToErase, batch: Batch) -> Result<Erased, StoreError> {
        let moved = match &what.patient {
            Some(patient) => erase::moved_away(&self.connections, &what.hospital, patient).await?,
            None => Vec::new(),
        };
        let prepared = prepare_off_thread(batch, &self.public_base).await?;
        let erased = self.writer.erase(prepared, what, moved).await?;
        // Takes the dead rows out of the tables' pages.
        let conn = self.connections.object().await?;
        for table in ["patient_key", "version"] {
            conn.batch_execute(&format!("VACUUM {table}")).await?;
        }
        Ok(erased)
    }

    async fn blobs(
        &self,
        after: Option<(HospitalId, String)>,
        limit: u32,
    ) -> Result<Vec<BlobRef>, StoreError> {
        let st = blobs::page(&self.connections.dialect, after, limit);
        list(&self.connections.rows(&Reach::System, st).await?)
    }

    async fn check_up(&self) -> Result<Vec<Finding>, StoreError> {
        self.checked_up().await
    }
}
