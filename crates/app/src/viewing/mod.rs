//! What readers of images see: the studies of a patient or a case, one study with its series and priors, and what a reader
//! keeps with it (measurements, key images, ways of hanging). Pixels come through [`crate::imaging`], under the same permit.

mod attach;
mod notes;
pub mod together;
pub mod view;

use care::case::Case;
use fhir::json::Json as _;
use fhir::raw;
use fhir::views::ImagingStudy;
use kernel::{RecordKey, ResourceId};
use store::Stored;

pub use attach::StudyChoice;
pub(crate) use notes::StudyNotes;
pub use notes::{Figure, Hanging, KeyImage, Measure, Notes, Statistics};
use view::{SeriesLine, StudyLine, StudyState, StudyView};

use crate::records::{kind, patient_key};
use crate::{App, AppError, Cx};

/// Studies of one patient that are listed.
pub const STUDIES_MAX: u32 = 500;
/// Earlier studies offered beside the one that is looked at.
pub const PRIORS_MAX: usize = 6;

impl App {
    /// The studies of a patient at their custodian and at every linked source, newest first, as far as the reader may see
    /// them. The reading is audited before this returns.
    pub async fn studies_of(
        &self,
        cx: &Cx,
        patient: &RecordKey,
    ) -> Result<Vec<StudyLine>, AppError> {
        let first = patient_key(&patient.hospital, &patient.id);
        let mut sources = vec![first.clone()];
        sources.extend(self.linked(cx, &first).await?);
        let mut lines = Vec::new();
        for source in &sources {
            let found = self.studies_at(cx, source).await?;
            if !found.is_empty() {
                self.audit_read(cx, source, std::slice::from_ref(source), "studies.listed")
                    .await?;
            }
            lines.extend(found);
        }
        newest_first(&mut lines);
        Ok(lines)
    }

    async fn studies_at(&self, cx: &Cx, patient: &RecordKey) -> Result<Vec<StudyLine>, AppError> {
        let kinds = [kind("ImagingStudy")];
        let found = self
            .store
            .records_of(
                &cx.permit(),
                &patient.hospital,
                &patient.id,
                &kinds,
                STUDIES_MAX,
            )
            .await?;
        Ok(found
            .iter()
            .filter(|s| !s.class.is_copy())
            .filter_map(|s| self.study_line(cx, s))
            .collect())
    }

    /// The other copies without identity under the same pseudonym that the reader may see.
    async fn copies_beside(
        &self,
        cx: &Cx,
        key: &RecordKey,
        patient: &ResourceId,
        pseudonym: &str,
    ) -> Result<Vec<StudyLine>, AppError> {
        let kinds = [kind("ImagingStudy")];
        let found = self
            .store
            .records_of(&cx.permit(), &key.hospital, patient, &kinds, STUDIES_MAX)
            .await?;
        Ok(found
            .iter()
            .filter(|s| s.class.is_copy() && s.key != *key)
            .filter_map(|s| self.study_line(cx, s))
            .filter(|l| l.pseudonym.as_deref() == Some(pseudonym))
            .collect())
    }

    /// The studies a case shares, newest first; for the referring side those it sends.
    pub async fn case_studies(
        &self,
        cx: &Cx,
        case_key: &RecordKey,
    ) -> Result<Vec<StudyLine>, AppError> {
        let case = self.case_doc(cx, case_key).await?.doc.case;
        let patient = patient_key(&case.hospital, &case.patient);
        let mut lines = self.studies_at(cx, &patient).await?;
        lines.retain(|l| goes_with(&case, &l.key));
        newest_first(&mut lines);
        Ok(lines)
    }

    /// One study with its series, its patient's other studies of which the reader may see pictures, and what the reader kept
    /// with it. Audited before it is returned.
    pub async fn study(&self, cx: &Cx, key: &RecordKey) -> Result<StudyView, AppError> {
        if key.kind.as_str() != "ImagingStudy" {
            return Err(AppError::NotFound);
        }
        let stored = self.read_record(cx, key, "study.opened").await?;
        let line = self.study_line(cx, &stored).ok_or(AppError::NotFound)?;
        let mut priors = Vec::new();
        if let (Some(pseudonym), Some(patient)) = (&line.pseudonym, &stored.patient) {
            priors = self.copies_beside(cx, key, patient, pseudonym).await?;
        }
        let patient = line.patient.as_ref().map(|p| patient_key(&key.hospital, p));
        if let Some(patient) = &patient {
            let mut sources = vec![patient.clone()];
            sources.extend(self.linked(cx, patient).await?);
            for source in &sources {
                priors.extend(self.studies_at(cx, source).await?);
            }
        }
        priors.retain(|p| p.key != *key && p.state.has_pictures());
        newest_first(&mut priors);
        // What was made in the same way stands nearest.
        priors.sort_by_key(|p| !p.modalities.iter().any(|m| line.modalities.contains(m)));
        priors.truncate(PRIORS_MAX);
        let first = {
            let doc = raw::parse(stored.body.reveal()).map_err(|_| AppError::NotFound)?;
            ImagingStudy::from_value(doc.root())
        };
        let first = if line.state.has_pictures() {
            self.first_image(cx, key, &first).await?
        } else {
            None
        };
        let notes = self.study_notes(cx, key).await?;
        Ok(StudyView {
            first,
            drafted: notes.is_some(),
            notes: notes.unwrap_or_default(),
            line,
            patient,
            priors,
        })
    }

    /// A study as a list shows it; none for what cannot be read as one.
    pub(crate) fn study_line(&self, cx: &Cx, stored: &Stored) -> Option<StudyLine> {
        let doc = raw::parse(stored.body.reveal()).ok()?;
        let root = doc.root();
        let has_endpoint = root.list("endpoint").next().is_some();
        let study = ImagingStudy::from_value(root);
        let pseudonym = stored.class.is_copy().then(|| {
            let of = root.get("subject").and_then(|s| s.get("identifier"));
            let value = of.and_then(|i| i.str_at("value"));
            value.unwrap_or_default().to_owned()
        });
        let state = StudyState::of(study.status.as_deref(), has_endpoint);
        let series: Vec<SeriesLine> = study
            .series
            .iter()
            .map(|s| SeriesLine {
                uid: s.uid.clone(),
                number: s.number,
                modality: s
                    .modality
                    .as_ref()
                    .and_then(|c| c.code.clone())
                    .unwrap_or_default(),
                description: s.description.clone().unwrap_or_default(),
                body_part: s
                    .body_site
                    .as_ref()
                    .and_then(|c| c.display.clone().or_else(|| c.code.clone()))
                    .unwrap_or_default(),
                instances: s.instances,
            })
            .collect();
        let mut modalities: Vec<String> = study
            .modalities
            .iter()
            .filter_map(|c| c.code.clone())
            .collect();
        modalities.dedup();
        // A study is called by what was made of the patient, not by what was written about it.
        if modalities.iter().any(|m| !is_written(m)) {
            modalities.retain(|m| !is_written(m));
        }
        Some(StudyLine {
            uid: study.uid().unwrap_or_default().to_owned(),
            key: stored.key.clone(),
            patient: stored.patient.clone().filter(|_| pseudonym.is_none()),
            pseudonym,
            modalities,
            description: study.description.clone().unwrap_or_default(),
            body_part: series
                .iter()
                .map(|s| s.body_part.clone())
                .find(|b| !b.is_empty())
                .unwrap_or_default(),
            started: study.started.clone(),
            series_count: study.number_of_series,
            instances: study.number_of_instances,
            state,
            custodian: self.hospital_line(cx, &stored.key.hospital),
            series,
        })
    }
}

/// Modalities of documents about images: reports, selections of key images, presentation states (PS3.3 C.7.3.1.1.1).
pub fn is_written(modality: &str) -> bool {
    matches!(modality, "SR" | "KO" | "PR")
}

/// Whether a study goes with a case: by its class or as an entry of its own.
pub(crate) fn goes_with(case: &Case, study: &RecordKey) -> bool {
    let request = &case.request;
    request.classes.contains("imaging")
        || request
            .items
            .iter()
            .any(|i| i.kind == study.kind && i.id == study.id)
}

fn newest_first(lines: &mut [StudyLine]) {
    lines.sort_by(|a, b| b.started.cmp(&a.started).then_with(|| a.key.cmp(&b.key)));
}

/// The id of a study, from an address.
pub fn study_key(hospital: &str, id: &str) -> Result<RecordKey, AppError> {
    ResourceId::new(id)?;
    Ok(RecordKey::parse(hospital, "ImagingStudy", id)?)
}
