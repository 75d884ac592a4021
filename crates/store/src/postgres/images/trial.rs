//! What a group of batches asks about images, and what it decides on the answers.

use std::collections::{HashMap, HashSet};

use tokio_postgres::Row;

use crate::StoreError;
use crate::images::{
    Existing, ImageChange, ImageOutcome, ImageWrite, Standing, StudyState, standing,
};
use crate::postgres::group::Known;
use crate::postgres::rows::Holds::{Int, Text};
use crate::postgres::rows::{Bulk, Rows};
use crate::postgres::values::{bytes, int, text};
use crate::prepare::Prepared;
use crate::sql::policy::Numbers as _;

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
    pub(super) hospital: i64,
    pub(super) study: i64,
    pub(super) series: i64,
    pub(super) instance: i64,
    pub(super) at: i64,
    pub(super) standing: Standing,
    pub(super) write: &'a ImageWrite,
    /// The ImagingStudy's row, when the study is new.
    pub(super) new_study: Option<i64>,
    pub(super) new_series: bool,
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
