//! A study that nothing has arrived for in a while is written again, with all its series and objects.

use agreements::SystemPurpose;
use jiff::SignedDuration;
use kernel::{HospitalId, Instant, RecordKey};
use serde_json::Value;
use store::{
    AuditDraft, Batch, ImageAsk, ImageChange, ImageColumn, ImageLevel, ImageQuery, ImageTest,
    Precondition, StoreError,
};

use super::study::{self, Series};
use crate::{App, AppError};

/// How long a study must be quiet, seconds.
pub(super) const QUIET_S: i64 = 5;
/// Studies written in one run.
const STUDIES: u32 = 50;
/// Series of one study that are listed.
const SERIES_MAX: u32 = 5_000;

impl App {
    /// Writes the ImagingStudy of each study that has become quiet. Gives their number.
    pub async fn quiet_studies(&self) -> Result<usize, AppError> {
        let before = self
            .now()
            .saturating_sub(SignedDuration::from_secs(QUIET_S))
            .map_err(|_| AppError::Internal("the clock is out of range".into()))?;
        let waiting = self.store.images().arrived(before, STUDIES).await?;
        let mut written = 0;
        for (key, uid, at) in waiting {
            match self.quiet_study(&key, &uid, at).await {
                Ok(()) => written += 1,
                // Someone else has just written it: the next run sees what there is.
                Err(AppError::Conflict) => {}
                Err(e) => return Err(e),
            }
        }
        Ok(written)
    }

    /// Writes the record of a copy without identity, as it stands.
    pub(crate) async fn quiet_copy(&self, key: &RecordKey, uid: &str) -> Result<(), AppError> {
        self.quiet_study(key, uid, self.now()).await
    }

    async fn quiet_study(&self, key: &RecordKey, uid: &str, at: Instant) -> Result<(), AppError> {
        let permit = self.system(SystemPurpose::Job);
        let Some(current) = self.store.get(&permit, key, None).await? else {
            return Err(AppError::Conflict);
        };
        let body: Value = serde_json::from_slice(current.original.reveal())
            .map_err(|_| AppError::Internal("a stored ImagingStudy".into()))?;
        let subject = body.get("subject").cloned().unwrap_or(Value::Null);
        let series = self.series_of(&key.hospital, uid).await?;
        let zone = self
            .hospital(&key.hospital)
            .map_or(jiff::tz::TimeZone::UTC, |h| h.time_zone());
        let base = self.dicom_web_base(&key.hospital);
        let mut batch = Batch::new(self.now());
        let whole = study::whole(&series, &subject, &base, &zone)?;
        let copy_of = current.patient.clone().filter(|_| current.class.is_copy());
        let whole = match (whole, &copy_of) {
            (Some(whole), Some(_)) => Some(study::as_copy(&whole)?),
            (whole, _) => whole,
        };
        if let Some(new) = whole.filter(|new| new.as_bytes() != current.original.reveal().as_ref())
        {
            let expect = Precondition::Version(current.version);
            match &copy_of {
                Some(patient) => batch.put_fhir_of(key.clone(), expect, new, patient.clone()),
                None => batch.put_fhir(key.clone(), expect, new),
            };
            batch
                .audit
                .push(arrived(key, &current, &series, self.now()));
        }
        // A copy is no work of the hospital that keeps it, and nobody asked for it by a number.
        if copy_of.is_none() {
            if let Some(patient) = &current.patient {
                let cx = self.job_cx();
                self.finish_order(&cx, &mut batch, key, patient, &body)
                    .await?;
            }
            batch.event("imaging.arrived", key, "{}");
        }
        batch.images.push(ImageChange::Quiet {
            study: key.clone(),
            at,
        });
        match self.store.commit(batch).await {
            Ok(_) => Ok(()),
            Err(StoreError::Precondition { .. }) => Err(AppError::Conflict),
            Err(e) => Err(e.into()),
        }
    }

    async fn series_of(&self, hospital: &HospitalId, uid: &str) -> Result<Vec<Series>, AppError> {
        let permit = self.system(SystemPurpose::Job);
        let query = ImageQuery {
            level: ImageLevel::Series,
            conditions: vec![vec![(
                ImageColumn::StudyUid,
                ImageTest::In(vec![uid.to_owned()]),
            )]],
            waiting: false,
            counts: true,
            offset: 0,
            limit: SERIES_MAX,
        };
        let images = self.store.images();
        let rows = images.find_images(&permit, hospital, &query).await?;
        let listed = rows
            .first()
            .is_some_and(|r| r.instance_count <= study::LISTED_MAX);
        let mut out: Vec<Series> = rows
            .into_iter()
            .map(|row| Series {
                row,
                instances: Vec::new(),
            })
            .collect();
        if !listed {
            return Ok(out);
        }
        let ask = ImageAsk {
            study: uid.to_owned(),
            series: None,
            instance: None,
            aside: false,
            meta: false,
            files: false,
            after: None,
            limit: u32::try_from(study::LISTED_MAX).unwrap_or(u32::MAX) + 1,
        };
        for line in images.images(&permit, hospital, &ask).await? {
            let of = out.iter_mut().find(|s| {
                s.row
                    .series
                    .as_ref()
                    .is_some_and(|q| q.uid == line.series_uid)
            });
            if let Some(series) = of {
                series
                    .instances
                    .push((line.uid, line.sop_class, line.number));
            }
        }
        Ok(out)
    }

    /// Where DICOMweb serves a hospital.
    pub(super) fn dicom_web_base(&self, hospital: &HospitalId) -> String {
        format!("{}/dicomweb/{hospital}", self.settings.base_url)
    }
}

/// The audit of what a job wrote: how many objects the study has.
fn arrived(
    key: &RecordKey,
    current: &store::Stored,
    series: &[Series],
    now: Instant,
) -> AuditDraft {
    let count = series.first().map_or(0, |s| s.row.instance_count);
    let body = serde_json::json!({
        "resourceType": "AuditEvent",
        "type": {"system": "http://terminology.hl7.org/CodeSystem/audit-event-type", "code": "rest"},
        "subtype": [{"system": "urn:karez:action", "code": "imaging.arrived"}],
        "action": "U",
        "recorded": now.to_string(),
        "outcome": "0",
        "outcomeDesc": format!("{count} objects"),
        "agent": [{"who": {"display": "Karez"}, "requestor": false}],
        "source": {"observer": {"display": "Karez"}, "type": [{"system": "urn:karez:channel", "code": "job"}]},
        "entity": [{
            "what": {"reference": format!("ImagingStudy/{}", key.id)},
            "detail": [{"type": "custodian", "valueString": key.hospital.as_str()}]
        }]
    });
    AuditDraft {
        chain: key.hospital.clone(),
        account: None,
        patient: current.patient.clone(),
        action: "imaging.arrived".into(),
        body: kernel::Phi::new(bytes::Bytes::from(body.to_string())),
    }
}
