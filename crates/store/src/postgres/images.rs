//! Rows about images in PostgreSQL: what a group asks of them, what it decides, and the statements that write it.

use std::collections::{HashMap, HashSet};

use agreements::Permit;
use async_trait::async_trait;
use bytes::Bytes;
use kernel::{HospitalId, Instant, RecordKey};
use tokio_postgres::Row;

use super::PostgresDatabase;
use super::group::Known;
use super::rows::{Bulk, Cell, Holds, Rows};
use super::session::Reach;
use super::values::{bytes, indexed, int, text};
use crate::images::{
    Existing, ImageAsk, ImageChange, ImageIndex, ImageLine, ImageOutcome, ImageQuery, ImageRow,
    ImageWrite, KnownStudy, NO_NUMBER, Standing, StudyState, standing,
};
use crate::prepare::Prepared;
use crate::sql::policy::Numbers as _;
use crate::sql::{Statement, Value, images, micros, signed};
use crate::{BlobRef, StoreError};

use Holds::{Bytes as Bin, Int, Text};

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

/// Hospital and UID.
type Uid = (i64, String);

/// What a group asks about images.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    studies: HashSet<Uid>,
    series: HashSet<(i64, String, String)>,
    instances: HashSet<Uid>,
}

impl Asked {
    pub fn of(&mut self, batch: &Prepared, known: &mut Known<'_>) -> Result<(), StoreError> {
        for change in &batch.images {
            if let ImageChange::Keep(w) = change {
                let hospital = known.hospital(&w.study.hospital)?;
                let study = w.study_row.uid.clone();
                self.series
                    .insert((hospital, study.clone(), w.series_row.uid.clone()));
                self.studies.insert((hospital, study));
                self.instances.insert((hospital, w.instance.uid.clone()));
            }
        }
        Ok(())
    }

    pub fn is_empty(&self) -> bool {
        self.studies.is_empty()
    }

    /// Three questions, in the order in which [`Images::take`] takes the answers.
    pub fn questions(&self) -> [Bulk; 3] {
        let mut studies = Rows::new(&[("hospital", Int), ("uid", Text)]);
        for (hospital, uid) in &self.studies {
            studies.push([(*hospital).into(), uid.as_str().into()]);
        }
        let mut series = Rows::new(&[("hospital", Int), ("study", Text), ("uid", Text)]);
        for (hospital, study, uid) in &self.series {
            series.push([
                (*hospital).into(),
                study.as_str().into(),
                uid.as_str().into(),
            ]);
        }
        let mut instances = Rows::new(&[("hospital", Int), ("uid", Text)]);
        for (hospital, uid) in &self.instances {
            instances.push([(*hospital).into(), uid.as_str().into()]);
        }
        [
            Bulk {
                text: format!(
                    "SELECT s.hospital, s.uid, s.study, s.record, s.patient_id, s.issuer \
                     FROM {} AS k(hospital, uid) JOIN dicom_study s ON s.hospital = k.hospital AND s.uid = k.uid",
                    studies.unnest()
                ),
                rows: studies,
            },
            Bulk {
                text: format!(
                    "SELECT q.study, q.uid, q.series FROM {} AS k(hospital, study, uid) \
                     JOIN dicom_study s ON s.hospital = k.hospital AND s.uid = k.study \
                     JOIN dicom_series q ON q.study = s.study AND q.uid = k.uid",
                    series.unnest()
                ),
                rows: series,
            },
            Bulk {
                text: format!(
                    "SELECT i.hospital, i.uid, i.instance, i.digest, i.standing FROM {} AS k(hospital, uid) \
                     JOIN dicom_instance i ON i.hospital = k.hospital AND i.uid = k.uid",
                    instances.unnest()
                ),
                rows: instances,
            },
        ]
    }
}

/// What the database holds of the images in question, or what one batch adds to it.
#[derive(Debug, Default)]
pub(crate) struct Images {
    studies: HashMap<Uid, StudyState>,
    /// By study and UID.
    series: HashMap<(i64, String), i64>,
    instances: HashMap<Uid, Vec<Existing>>,
}

impl Images {
    pub fn take_studies(&mut self, rows: &[Row]) -> Result<(), StoreError> {
        for r in rows {
            self.studies.insert(
                (int(r, 0)?, text(r, 1)?.to_owned()),
                StudyState {
                    study: int(r, 2)?,
                    record: int(r, 3)?,
                    patient_id: text(r, 4)?.to_owned(),
                    issuer: text(r, 5)?.to_owned(),
                },
            );
        }
        Ok(())
    }

    pub fn take_series(&mut self, rows: &[Row]) -> Result<(), StoreError> {
        for r in rows {
            self.series
                .insert((int(r, 0)?, text(r, 1)?.to_owned()), int(r, 2)?);
        }
        Ok(())
    }

    pub fn take_instances(&mut self, rows: &[Row]) -> Result<(), StoreError> {
        for r in rows {
            let of = (int(r, 0)?, text(r, 1)?.to_owned());
            self.instances.entry(of).or_default().push(Existing {
                instance: int(r, 2)?,
                digest: bytes(r, 3)?.to_vec(),
                standing: int(r, 4)?,
            });
        }
        Ok(())
    }

    /// Adds what a batch that held has added.
    pub fn extend(&mut self, later: Self) {
        self.studies.extend(later.studies);
        self.series.extend(later.series);
        for (of, all) in later.instances {
            self.instances.entry(of).or_default().extend(all);
        }
    }
}

/// One batch's changes of images, tried on what is there and on what the batch itself has added.
pub(crate) struct Trial<'s> {
    pub before: &'s Images,
    pub now: Images,
    pub last_row: i64,
}

/// What is to be written about one object.
#[derive(Debug)]
pub(crate) struct NewObject<'a> {
    hospital: i64,
    study: i64,
    series: i64,
    instance: i64,
    at: i64,
    standing: Standing,
    write: &'a ImageWrite,
    /// The ImagingStudy's row, when the study is new.
    new_study: Option<i64>,
    new_series: bool,
}

/// A change of what is there.
#[derive(Debug)]
pub(crate) enum Altered {
    Quiet {
        record: i64,
        at: i64,
    },
    Waiting {
        record: i64,
        waiting: bool,
    },
    Stand {
        record: i64,
        instance: i64,
        standing: i64,
    },
}

impl Trial<'_> {
    fn next(&mut self) -> i64 {
        self.last_row += 1;
        self.last_row
    }

    /// `record` is the row of the ImagingStudy, which stands.
    pub fn keep<'a>(
        &mut self,
        w: &'a ImageWrite,
        hospital: i64,
        record: i64,
        at: i64,
    ) -> Result<(ImageOutcome, Option<NewObject<'a>>), StoreError> {
        let of = (hospital, w.study_row.uid.clone());
        let known = self.now.studies.get(&of).or(self.before.studies.get(&of));
        if known.is_some_and(|s| s.record != record) {
            return Err(StoreError::Duplicate {
                name: "study".into(),
            });
        }
        let uid = (hospital, w.instance.uid.clone());
        let mut existing = self.before.instances.get(&uid).cloned().unwrap_or_default();
        existing.extend(self.now.instances.get(&uid).cloned().unwrap_or_default());
        let Some(standing) = standing(known, &existing, w)? else {
            return Ok((ImageOutcome::Again, None));
        };
        let there = known.map(|s| s.study);
        let study = match there {
            Some(study) => study,
            None => {
                let study = self.next();
                let row = &w.study_row;
                self.now.studies.insert(
                    of,
                    StudyState {
                        study,
                        record,
                        patient_id: row.patient_id.clone(),
                        issuer: row.issuer.clone(),
                    },
                );
                study
            }
        };
        let of = (study, w.series_row.uid.clone());
        let known = self.now.series.get(&of).or(self.before.series.get(&of));
        let (series, new_series) = match known {
            Some(series) => (*series, false),
            None => {
                let series = self.next();
                self.now.series.insert(of, series);
                (series, true)
            }
        };
        let instance = self.next();
        self.now.instances.entry(uid).or_default().push(Existing {
            instance,
            digest: w.instance.digest.to_vec(),
            standing: standing.number(),
        });
        let new = NewObject {
            hospital,
            study,
            series,
            instance,
            at,
            standing,
            write: w,
            new_study: there.is_none().then_some(record),
            new_series,
        };
        Ok((ImageOutcome::Kept(standing), Some(new)))
    }
}

/// Texts of these stand in an index.
fn found(t: &str) -> Cell {
    Cell::Text(indexed(t).into_owned())
}

/// The statements that write the objects, in the order in which they must run.
pub(crate) fn statements(new: &[NewObject<'_>], altered: &[Altered], out: &mut Vec<Bulk>) {
    out.extend(studies(new));
    series(new, out);
    out.extend(blobs(new));
    out.extend(instances(new));
    let mut last: HashMap<i64, (i64, i64)> = HashMap::new();
    for n in new {
        let at = last.entry(n.study).or_insert((n.hospital, n.at));
        at.1 = at.1.max(n.at);
    }
    let mut arrivals = Rows::new(&[("study", Int), ("hospital", Int), ("at", Int)]);
    for (study, (hospital, at)) in last {
        arrivals.push([study.into(), hospital.into(), at.into()]);
    }
    out.extend(Bulk::insert(
        "dicom_arrival",
        arrivals,
        "ON CONFLICT (study) DO UPDATE SET at = greatest(dicom_arrival.at, excluded.at)",
    ));
    for a in altered {
        alter(a, out);
    }
}

fn studies(new: &[NewObject<'_>]) -> Option<Bulk> {
    let mut rows = Rows::new(&[
        ("study", Int),
        ("hospital", Int),
        ("record", Int),
        ("uid", Text),
        ("patient_id", Text),
        ("issuer", Text),
        ("name", Text),
        ("ideographic", Text),
        ("phonetic", Text),
        ("words", Text),
        ("birth_date", Text),
        ("sex", Text),
        ("date", Text),
        ("time", Text),
        ("accession", Text),
        ("number", Text),
        ("description", Text),
        ("referring", Text),
        ("waiting", Int),
        ("attributes", Bin),
    ]);
    for n in new {
        let Some(record) = n.new_study else { continue };
        let r = &n.write.study_row;
        rows.push([
            n.study.into(),
            n.hospital.into(),
            record.into(),
            found(&r.uid),
            found(&r.patient_id),
            found(&r.issuer),
            found(&r.name),
            found(&r.ideographic),
            found(&r.phonetic),
            found(&r.words),
            found(&r.birth_date),
            found(&r.sex),
            found(&r.date),
            found(&r.time),
            found(&r.accession),
            found(&r.number),
            found(&r.description),
            found(&r.referring),
            i64::from(r.waiting).into(),
            r.attributes.clone().into(),
        ]);
    }
    Bulk::insert("dicom_study", rows, "")
}

/// New series with no objects, then the counts of all.
fn series(new: &[NewObject<'_>], out: &mut Vec<Bulk>) {
    let mut rows = Rows::new(&[
        ("series", Int),
        ("hospital", Int),
        ("study", Int),
        ("uid", Text),
        ("modality", Text),
        ("number", Int),
        ("description", Text),
        ("body_part", Text),
        ("instances", Int),
        ("bytes", Int),
        ("attributes", Bin),
    ]);
    let mut counts: HashMap<i64, (i64, i64)> = HashMap::new();
    for n in new {
        if n.standing == Standing::Shown {
            let c = counts.entry(n.series).or_default();
            c.0 += 1;
            c.1 += signed(n.write.blob.size);
        }
        if !n.new_series {
            continue;
        }
        let r = &n.write.series_row;
        rows.push([
            n.series.into(),
            n.hospital.into(),
            n.study.into(),
            found(&r.uid),
            found(&r.modality),
            r.number.unwrap_or(NO_NUMBER).into(),
            found(&r.description),
            found(&r.body_part),
            Cell::Int(0),
            Cell::Int(0),
            r.attributes.clone().into(),
        ]);
    }
    out.extend(Bulk::insert("dicom_series", rows, ""));
    let mut rows = Rows::new(&[("series", Int), ("instances", Int), ("bytes", Int)]);
    for (series, (count, bytes)) in counts {
        rows.push([series.into(), count.into(), bytes.into()]);
    }
    if !rows.is_empty() {
        out.push(Bulk {
            text: format!(
                "UPDATE dicom_series q SET instances = q.instances + k.instances, bytes = q.bytes + k.bytes \
                 FROM {} AS k(series, instances, bytes) WHERE q.series = k.series",
                rows.unnest()
            ),
            rows,
        });
    }
}

fn blobs(new: &[NewObject<'_>]) -> Option<Bulk> {
    let mut rows = Rows::new(&[
        ("hospital", Int),
        ("address", Text),
        ("patient", Text),
        ("size", Int),
        ("media_type", Text),
        ("stored_at", Int),
        ("erased", Int),
    ]);
    for n in new {
        let b = &n.write.blob;
        rows.push([
            n.hospital.into(),
            b.address.as_str().into(),
            b.patient.as_ref().map(AsRef::<str>::as_ref).into(),
            signed(b.size).into(),
            b.media_type.as_str().into(),
            n.at.into(),
            Cell::Int(0),
        ]);
    }
    Bulk::insert(
        "blob",
        rows,
        "ON CONFLICT (hospital, address) DO UPDATE SET erased = 0, stored_at = excluded.stored_at",
    )
}

fn instances(new: &[NewObject<'_>]) -> Option<Bulk> {
    let mut rows = Rows::new(&[
        ("instance", Int),
        ("hospital", Int),
        ("study", Int),
        ("series", Int),
        ("uid", Text),
        ("standing", Int),
        ("number", Int),
        ("sop_class", Text),
        ("transfer_syntax", Text),
        ("height", Int),
        ("width", Int),
        ("frames", Int),
        ("size", Int),
        ("digest", Bin),
        ("address", Text),
        ("sender", Text),
        ("stored_at", Int),
        ("attributes", Bin),
        ("layout", Bin),
        ("meta", Bin),
    ]);
    for n in new {
        let i = &n.write.instance;
        rows.push([
            n.instance.into(),
            n.hospital.into(),
            n.study.into(),
            n.series.into(),
            found(&i.uid),
            n.standing.number().into(),
            i.number.unwrap_or(NO_NUMBER).into(),
            found(&i.sop_class),
            found(&i.transfer_syntax),
            i.height.map(i64::from).into(),
            i.width.map(i64::from).into(),
            i64::from(i.frames).into(),
            signed(n.write.blob.size).into(),
            Bytes::copy_from_slice(&i.digest).into(),
            n.write.blob.address.as_str().into(),
            i.sender.as_str().into(),
            n.at.into(),
            i.attributes.clone().into(),
            i.layout.clone().into(),
            i.meta.clone().into(),
        ]);
    }
    Bulk::insert("dicom_instance", rows, "")
}

fn alter(a: &Altered, out: &mut Vec<Bulk>) {
    match a {
        Altered::Quiet { record, at } => {
            let mut rows = Rows::new(&[("record", Int), ("at", Int)]);
            rows.push([(*record).into(), (*at).into()]);
            out.push(Bulk {
                text: format!(
                    "DELETE FROM dicom_arrival a USING {} AS k(record, at), dicom_study s \
                     WHERE s.record = k.record AND a.study = s.study AND a.at <= k.at",
                    rows.unnest()
                ),
                rows,
            });
        }
        Altered::Waiting { record, waiting } => {
            let mut rows = Rows::new(&[("record", Int), ("waiting", Int)]);
            rows.push([(*record).into(), i64::from(*waiting).into()]);
            out.push(Bulk {
                text: format!(
                    "UPDATE dicom_study s SET waiting = k.waiting FROM {} AS k(record, waiting) \
                     WHERE s.record = k.record",
                    rows.unnest()
                ),
                rows,
            });
        }
        Altered::Stand {
            record,
            instance,
            standing,
        } => stand(*record, *instance, *standing, out),
    }
}

/// Moves an object in or out of what is shown: the one that stands in its place goes, the counts of the series follow.
fn stand(record: i64, instance: i64, standing: i64, out: &mut Vec<Bulk>) {
    let rows = || {
        let mut rows = Rows::new(&[("record", Int), ("instance", Int), ("standing", Int)]);
        rows.push([record.into(), instance.into(), standing.into()]);
        rows
    };
    let mut add = |text: String| out.push(Bulk { text, rows: rows() });
    let k = format!("{} AS k(record, instance, standing)", rows().unnest());
    if standing == Standing::Shown.number() {
        add(format!(
            "UPDATE dicom_instance o SET standing = 1 FROM {k}, dicom_instance i, dicom_study s \
             WHERE i.instance = k.instance AND s.study = i.study AND s.record = k.record \
             AND o.hospital = i.hospital AND o.uid = i.uid AND o.standing = 0 AND o.instance <> i.instance"
        ));
    }
    add(format!(
        "UPDATE dicom_instance i SET standing = k.standing FROM {k}, dicom_study s \
         WHERE i.instance = k.instance AND s.study = i.study AND s.record = k.record"
    ));
    // The objects of one UID may lie in several series.
    add(format!(
        "UPDATE dicom_series q SET \
         instances = (SELECT count(*) FROM dicom_instance c WHERE c.series = q.series AND c.standing = 0), \
         bytes = (SELECT coalesce(sum(c.size), 0) FROM dicom_instance c WHERE c.series = q.series AND c.standing = 0) \
         WHERE q.series IN (SELECT o.series FROM {k} JOIN dicom_instance i ON i.instance = k.instance \
         JOIN dicom_instance o ON o.hospital = i.hospital AND o.uid = i.uid)"
    ));
    add(format!(
        "INSERT INTO dicom_arrival (study, hospital, at) SELECT s.study, s.hospital, 0 FROM {k} \
         JOIN dicom_study s ON s.record = k.record ON CONFLICT DO NOTHING"
    ));
}

/// What the statements of an erasure say of each study's rows; `$1` is a list of records.
pub(crate) const ERASE: [&str; 4] = [
    "DELETE FROM dicom_instance i USING dicom_series q, dicom_study s \
     WHERE q.series = i.series AND s.study = q.study AND s.record = ANY ($1)",
    "DELETE FROM dicom_series q USING dicom_study s WHERE s.study = q.study AND s.record = ANY ($1)",
    "DELETE FROM dicom_arrival a USING dicom_study s WHERE s.study = a.study AND s.record = ANY ($1)",
    "DELETE FROM dicom_study s WHERE s.record = ANY ($1)",
];
