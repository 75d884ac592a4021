//! Rows about images in PostgreSQL: how they are read. What a group asks of them and decides stands in [`trial`], the
//! statements that write it in [`write`].

mod trial;
mod write;

use agreements::Permit;
use async_trait::async_trait;
use bytes::Bytes;
use kernel::{HospitalId, Instant, RecordKey};
use tokio_postgres::Row;

use super::PostgresDatabase;
use super::session::Reach;
use crate::images::{ImageAsk, ImageIndex, ImageLine, ImageQuery, ImageRow, KnownStudy};
use crate::sql::{Statement, Value, images, micros};
use crate::{BlobRef, StoreError};
pub(crate) use trial::{Altered, Asked, Images, NewObject, Trial};
pub(crate) use write::statements;

fn values(rows: &[Row]) -> Result<Vec<Vec<Value>>, StoreError> {
    rows.iter()
        .map(|r| {
            (0..r.len())
                .map(|i| Ok(r.try_get::<_, Value>(i)?))
                .collect()
        })
        .collect()
}

impl PostgresDatabase {
    async fn image_rows(
        &self,
        reach: &Reach,
        st: Statement,
    ) -> Result<Vec<Vec<Value>>, StoreError> {
        values(&self.connections.rows(reach, st).await?)
    }
}

#[async_trait]
impl ImageIndex for PostgresDatabase {
    async fn find_images(
        &self,
        permit: &Permit,
        hospital: &HospitalId,
        query: &ImageQuery,
    ) -> Result<Vec<ImageRow>, StoreError> {
        let st = images::find(&self.connections.dialect, permit, hospital, query);
        let reach = self.connections.reach_within(permit, hospital).await?;
        let found = self.image_rows(&reach, st).await?;
        found
            .into_iter()
            .map(|r| images::row(hospital, r))
            .collect()
    }

    async fn images(
        &self,
        permit: &Permit,
        hospital: &HospitalId,
        ask: &ImageAsk,
    ) -> Result<Vec<ImageLine>, StoreError> {
        let st = images::images(&self.connections.dialect, permit, hospital, ask);
        let reach = self.connections.reach_within(permit, hospital).await?;
        let found = self.image_rows(&reach, st).await?;
        found
            .into_iter()
            .map(|r| images::line(hospital, r))
            .collect()
    }

    async fn image(
        &self,
        permit: &Permit,
        study: &RecordKey,
        instance: i64,
    ) -> Result<Option<(BlobRef, Bytes)>, StoreError> {
        let st = images::image(&self.connections.dialect, permit, study, instance);
        let reach = self
            .connections
            .reach_within(permit, &study.hospital)
            .await?;
        let mut found = self.image_rows(&reach, st).await?;
        found.pop().map(|r| images::opened(study, r)).transpose()
    }

    async fn known_study(
        &self,
        hospital: &HospitalId,
        uid: &str,
    ) -> Result<Option<KnownStudy>, StoreError> {
        let st = images::known_study(&self.connections.dialect, hospital, uid);
        let mut found = self.image_rows(&Reach::System, st).await?;
        found.pop().map(images::known).transpose()
    }

    async fn known_images(
        &self,
        hospital: &HospitalId,
        uid: &str,
    ) -> Result<Vec<[u8; 32]>, StoreError> {
        let st = images::known_images(&self.connections.dialect, hospital, uid);
        let found = self.image_rows(&Reach::System, st).await?;
        found.into_iter().map(images::digest).collect()
    }

    async fn arrived(
        &self,
        before: Instant,
        limit: u32,
    ) -> Result<Vec<(RecordKey, String, Instant)>, StoreError> {
        let st = images::arrived(&self.connections.dialect, micros(before), limit);
        let found = self.image_rows(&Reach::System, st).await?;
        found.into_iter().map(images::arrival).collect()
    }
}

/// What the statements of an erasure say of each study's rows; `$1` is a list of records.
pub(crate) const ERASE: [&str; 4] = [
    "DELETE FROM dicom_instance i USING dicom_series q, dicom_study s \
     WHERE q.series = i.series AND s.study = q.study AND s.record = ANY ($1)",
    "DELETE FROM dicom_series q USING dicom_study s WHERE s.study = q.study AND s.record = ANY ($1)",
    "DELETE FROM dicom_arrival a USING dicom_study s WHERE s.study = a.study AND s.record = ANY ($1)",
    "DELETE FROM dicom_study s WHERE s.record = ANY ($1)",
];
