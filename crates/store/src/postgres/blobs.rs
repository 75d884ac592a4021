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
use crate::sql::{Dialect, Statement, Value, micros};
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

fn params(st: &Statement) -> Vec<&(dyn ToSql + Sync)> {
    st.values.iter().map(|v: &Value| v as _).collect()
}

pub(super) async fn ask(client: &Client, st: &Statement) -> Result<Vec<BlobRef>, StoreError> {
    list(&client.query(&st.text, &params(st)).await?)
}

pub(super) async fn run(client: &Client, st: &Statement) -> Result<(), StoreError> {
    client.execute(&st.text, &params(st)).await?;
    Ok(())
}

fn wrapped(rows: &[Row]) -> Result<Option<Wrapped>, StoreError> {
    let first = rows.first().map(|r| bytes(r, 0)).transpose()?;
    Ok(first.map(|b| Wrapped(b.to_vec())))
}

impl PostgresDatabase {
    /// One statement about a hospital, which is given a number first.
    async fn run(
        &self,
        hospital: &HospitalId,
        statement: impl Fn(&Dialect) -> Statement,
    ) -> Result<(), StoreError> {
        in_transaction(&self.connections, false, async |client| {
            naming::hospital(client, self.connections.names(), hospital).await?;
            run(client, &statement(&self.connections.dialect)).await
        })
        .await
    }

    /// Puts a key where there is none, and gives the one that is there then.
    async fn keep(
        &self,
        hospital: &HospitalId,
        put_and_ask: impl Fn(&Dialect) -> [Statement; 2],
    ) -> Result<Wrapped, StoreError> {
        in_transaction(&self.connections, false, async |client| {
            naming::hospital(client, self.connections.names(), hospital).await?;
            let [put, kept] = put_and_ask(&self.connections.dialect);
            run(client, &put).await?;
            wrapped(&client.query(&kept.text, &params(&kept)).await?)?
                .ok_or_else(|| StoreError::Damaged("a key was not kept".into()))
        })
        .await
    }
}

#[async_trait]
impl BlobIndex for PostgresDatabase {
    async fn hospital_secret(&self, hospital: &HospitalId) -> Result<Option<Wrapped>, StoreError> {
        let st = blobs::secret(&self.connections.dialect, hospital);
        wrapped(&self.connections.rows(&Reach::System, st).await?)
    }

    async fn put_hospital_secret(
        &self,
        hospital: &HospitalId,
        new: Wrapped,
    ) -> Result<Wrapped, StoreError> {
        self.keep(hospital, |dialect| {
            [
                blobs::put_secret(dialect, hospital, &new),
                blobs::secret(dialect, hospital),
            ]
        })
        .await
    }

    async fn data_key(
        &self,
        hospital: &HospitalId,
        patient: Option<&ResourceId>,
    ) -> Result<Option<Wrapped>, StoreError> {
        let st = blobs::key(&self.connections.dialect, hospital, patient_text(patient));
        wrapped(&self.connections.rows(&Reach::System, st).await?)
    }

    async fn put_data_key(
        &self,
        hospital: &HospitalId,
        patient: Option<&ResourceId>,
        new: Wrapped,
    ) -> Result<Wrapped, StoreError> {
        let patient = patient_text(patient);
        self.keep(hospital, |dialect| {
            [
                blobs::put_key(dialect, hospital, patient, &new),
                blobs::key(dialect, hospital, patient),
            ]
        })
        .await
    }

    async fn wrapped_keys(&self) -> Result<Vec<WrappedKey>, StoreError> {
        let statement = Statement {
            text: blobs::WRAPPED_KEYS.to_owned(),
            values: Vec::new(),
        };
        let rows = self.connections.rows(&Reach::System, statement).await?;
        rows.iter()
            .map(|r| blobs::wrapped_key(text(r, 0)?, maybe_text(r, 1)?, bytes(r, 2)?.to_vec()))
            .collect()
    }

    async fn replace_key(&self, new: &WrappedKey) -> Result<(), StoreError> {
        self.run(&new.hospital, |dialect| blobs::replace_key(dialect, new))
            .await
    }

    async fn put_blob(&self, blob: &BlobRef, at: Instant) -> Result<(), StoreError> {
        self.run(&blob.hospital, |dialect| {
            blobs::put(dialect, blob, micros(at))
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
        let dialect = &self.connections.dialect;
        let st = blobs::unused(dialect, micros(before));
        in_transaction(&self.connections, true, async |client| {
            let found = ask(client, &st).await?;
            for b in &found {
                run(client, &blobs::forget(dialect, b)).await?;
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
        for table in [
            "patient_key",
            "version",
            "dicom_study",
            "dicom_series",
            "dicom_instance",
        ] {
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
