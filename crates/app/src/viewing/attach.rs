//! The studies that go with a case: the referring doctor chooses them among those of the patient, before it is sent and
//! when more is asked for.

use agreements::Role;
use care::case::{Edit, RecordItem, Status};
use kernel::{Phi, RecordKey, ResourceId};

use super::view::StudyLine;
use super::{goes_with, newest_first};
use crate::cases::CaseAct;
use crate::records::patient_key;
use crate::{App, AppError, Cx};

/// The class of the record that images are.
const IMAGING: &str = "imaging";

/// A study that may go with a case.
#[derive(Debug, Clone)]
pub struct StudyChoice {
    pub line: StudyLine,
    /// It goes with the case as an entry of its own.
    pub attached: bool,
    /// It goes with the case because all images do.
    pub by_class: bool,
}

impl App {
    /// The patient's studies at the referring hospital that the caller may read, newest first, and which of them go with
    /// the case.
    pub async fn studies_to_attach(
        &self,
        cx: &Cx,
        case_key: &RecordKey,
    ) -> Result<Vec<StudyChoice>, AppError> {
        let own = cx.require(Role::Clinician)?.clone();
        let case = self.case_doc(cx, case_key).await?.doc.case;
        if case.hospital != own {
            return Err(AppError::NotFound);
        }
        let patient = patient_key(&case.hospital, &case.patient);
        let mut lines = self.studies_at(cx, &patient).await?;
        newest_first(&mut lines);
        self.audit_read(
            cx,
            &patient,
            std::slice::from_ref(&patient),
            "studies.listed",
        )
        .await?;
        let by_class = case.request.classes.contains(IMAGING);
        Ok(lines
            .into_iter()
            .map(|line| StudyChoice {
                attached: is_item(&case.request.items, &line.key),
                by_class: by_class && goes_with(&case, &line.key),
                line,
            })
            .collect())
    }

    /// Makes these the studies that go with a case: before it is sent those chosen before are replaced, when more was asked
    /// for they are added, with a word. With `whole` every image of the patient goes, those still to come too.
    pub async fn attach_studies(
        &self,
        cx: &Cx,
        case_key: &RecordKey,
        chosen: &[ResourceId],
        whole: bool,
        text: Phi<String>,
    ) -> Result<(), AppError> {
        let all = self.studies_to_attach(cx, case_key).await?;
        let mut items = Vec::new();
        for id in chosen {
            let found = all.iter().find(|c| c.line.key.id == *id);
            let key = &found.ok_or(AppError::NotFound)?.line.key;
            items.push(RecordItem {
                kind: key.kind.clone(),
                id: key.id.clone(),
            });
        }
        let case = self.case_doc(cx, case_key).await?.doc.case;
        let act = if case.status == Status::Draft {
            let others = case.request.items.iter();
            let others = others.filter(|i| i.kind.as_str() != "ImagingStudy");
            let items = others.cloned().chain(items).collect();
            let mut classes = case.request.classes.clone();
            match whole {
                true => classes.insert(IMAGING.into()),
                false => classes.remove(IMAGING),
            };
            CaseAct::Edit(Box::new(Edit {
                items: Some(items),
                classes: Some(classes),
                ..Edit::default()
            }))
        } else {
            items.retain(|i| !case.request.items.contains(i));
            let whole = whole && !case.request.classes.contains(IMAGING);
            if items.is_empty() && !whole {
                return Err(AppError::invalid("study", "missing", "no study was chosen"));
            }
            CaseAct::SupplyMore {
                text,
                items,
                classes: whole.then(|| IMAGING.to_owned()).into_iter().collect(),
                files: Vec::new(),
            }
        };
        self.case_act(cx, case_key, act).await?;
        Ok(())
    }
}

fn is_item(items: &[RecordItem], study: &RecordKey) -> bool {
    items
        .iter()
        .any(|i| i.kind == study.kind && i.id == study.id)
}
