//! Whose images these are: matched by identifier and issuer, or decided by a person; and what to show where two objects
//! claim one UID. Nothing is overwritten, every decision can be taken back, and each is in the audit.

use agreements::{Privilege, SystemPurpose};
use fhir::search::{ParseOptions, parse_pairs};
use kernel::{AccountId, HospitalId, Instant, Phi, RecordKey, ResourceId, limits};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::{
    Batch, ImageAsk, ImageChange, ImageColumn, ImageLevel, ImageQuery, ImageRow, ImageTest, Lookup,
    Precondition, Standing, StoreError, Stored,
};

use super::object::Identity;
use super::{InstanceLine, ask, read, study};
use crate::audit_entry::{Entry, Verb};
use crate::docs::{self, Document, Versioned};
use crate::records::{kind, patient_key};
use crate::{App, AppError, Cx};

/// Studies on one page of the list.
const PAGE: u32 = 100;
/// Objects of one study that are listed for a decision.
const ASIDE_MAX: u32 = 500;

/// What a look for the patient of a study found.
#[derive(Debug, Clone, Default)]
pub(super) struct Match {
    found: Vec<ResourceId>,
    /// The one patient found differs in something that does not change.
    differs: bool,
}

impl Match {
    /// The patient, when it is certain.
    pub fn patient(&self) -> Option<ResourceId> {
        match self.found.as_slice() {
            [one] if !self.differs => Some(one.clone()),
            _ => None,
        }
    }
}

/// Why a study waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaitingFor {
    /// It has no patient number, or nobody says whose number it is.
    NoIdentifier,
    /// No patient of the hospital has the number.
    Unknown,
    /// The patient who has it was born on another day or is of another sex.
    Differs,
    /// Several have it.
    Several,
    /// It has its patient; objects of it wait.
    Objects,
}

impl WaitingFor {
    pub const fn word(self) -> &'static str {
        match self {
            Self::NoIdentifier => "no-identifier",
            Self::Unknown => "unknown",
            Self::Differs => "differs",
            Self::Several => "several",
            Self::Objects => "objects",
        }
    }
}

/// A study on the reconciliation list: what its objects say.
#[derive(Debug, Clone)]
pub struct WaitingStudy {
    pub study: RecordKey,
    pub uid: String,
    pub patient: Option<ResourceId>,
    pub patient_id: Phi<String>,
    pub name: Phi<String>,
    pub birth_date: Phi<String>,
    pub sex: Phi<String>,
    pub date: Phi<String>,
    pub description: Phi<String>,
    pub modalities: Vec<String>,
    pub instances: u64,
    /// Objects that wait for a decision of their own.
    pub aside: u64,
}

/// One study with what speaks for and against.
#[derive(Debug, Clone)]
pub struct WaitingView {
    pub line: WaitingStudy,
    pub reason: WaitingFor,
    /// Whose number it is; empty when that is not known.
    pub issuer: String,
    /// Patients of the hospital with this number.
    pub candidates: Vec<ResourceId>,
    pub aside: Vec<(InstanceLine, Standing)>,
    pub decisions: Vec<StudyDecision>,
}

/// What a person decided about a study.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StudyDecision {
    pub study: ResourceId,
    pub what: Decided,
    pub by: AccountId,
    pub name: String,
    pub at: Instant,
}

/// The decision itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decided {
    /// It is this patient's.
    Patient(ResourceId),
    /// It is nobody's we know, after all.
    TakenBack(ResourceId),
    /// This object is shown, in the place of the one that was.
    Shown(String),
}

impl Decided {
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Patient(_) => "patient",
            Self::TakenBack(_) => "taken-back",
            Self::Shown(_) => "shown",
        }
    }
    /// Why an object is kept aside.
    pub const fn standing(standing: Standing) -> &'static str {
        match standing {
            Standing::Shown => "shown",
            Standing::OtherContent => "other-content",
            Standing::OtherPatient => "other-patient",
        }
    }
}

impl Document for StudyDecision {
    const KIND: &'static str = "study-decision";
    fn lookups(&self) -> Vec<Lookup> {
        let mut all = vec![Lookup::new("study", self.study.as_str())];
        if let Decided::Patient(p) | Decided::TakenBack(p) = &self.what {
            all.push(Lookup::new("patient", p.as_str()));
        }
        all
    }
}

impl App {
    /// The hospital's patient whose number this is.
    pub(super) async fn patient_of_study(
        &self,
        hospital: &HospitalId,
        identity: &Identity,
    ) -> Result<Match, AppError> {
        if identity.id.is_empty() || identity.issuer.is_empty() {
            return Ok(Match::default());
        }
        let escaped = |t: &str| {
            let mut out = String::with_capacity(t.len());
            for c in t.chars() {
                if matches!(c, '\\' | '|' | ',' | '$') {
                    out.push('\\');
                }
                out.push(c);
            }
            out
        };
        let value = format!("{}|{}", escaped(&identity.issuer), escaped(&identity.id));
        let own_base = self.fhir_base(hospital);
        let options = ParseOptions {
            lenient: false,
            own_base: &own_base,
            now: self.now(),
        };
        let mut query = parse_pairs("Patient", &[("identifier".to_owned(), value)], &options)
            .map_err(|_| AppError::Internal("a search for a patient".into()))?;
        query.count = 5;
        let permit = self.system(SystemPurpose::Decision);
        let page = self.store.search(&permit, hospital, &query).await?;
        let differs = match page.matches.as_slice() {
            [one] => differs(one, identity),
            _ => false,
        };
        Ok(Match {
            found: page.matches.into_iter().map(|s| s.key.id).collect(),
            differs,
        })
    }

    /// Studies of the own hospital that wait for a person, newest first, after so many.
    pub async fn studies_waiting(
        &self,
        cx: &Cx,
        offset: u64,
    ) -> Result<(Vec<WaitingStudy>, bool), AppError> {
        let hospital = cx.require_clinical()?.clone();
        let query = waiting(Vec::new(), offset, PAGE + 1);
        let mut rows = self
            .store
            .images()
            .find_images(&cx.permit(), &hospital, &query)
            .await?;
        let more = rows.len() > PAGE as usize;
        rows.truncate(PAGE as usize);
        let seen = rows.iter().map(|r| (&r.study, r.patient.as_ref()));
        self.images_seen(cx, &hospital, seen, "imaging.waiting.read")
            .await?;
        let lines = rows.iter().map(line).collect::<Result<_, _>>()?;
        Ok((lines, more))
    }

    /// One study of the own hospital with what a decision needs; also one that waits no more.
    pub async fn study_waiting(&self, cx: &Cx, id: &ResourceId) -> Result<WaitingView, AppError> {
        let hospital = cx.require_clinical()?.clone();
        let (row, identity) = self.study_row(cx, &hospital, id).await?;
        let seen = std::iter::once((&row.study, row.patient.as_ref()));
        self.images_seen(cx, &hospital, seen, "imaging.waiting.read")
            .await?;
        let found = self.patient_of_study(&hospital, &identity).await?;
        let reason = if row.patient.is_some() {
            WaitingFor::Objects
        } else if identity.id.is_empty() || identity.issuer.is_empty() {
            WaitingFor::NoIdentifier
        } else if found.found.len() > 1 {
            WaitingFor::Several
        } else if found.differs {
            WaitingFor::Differs
        } else {
            WaitingFor::Unknown
        };
        let aside = self.aside(cx, &hospital, &row.study_uid).await?;
        let permit = self.system(SystemPurpose::Decision);
        let by = vec![Lookup::new("study", id.as_str())];
        let decisions = self
            .find::<StudyDecision>(&permit, Some(&hospital), by, None, 100, true)
            .await?;
        Ok(WaitingView {
            line: line(&row)?,
            reason,
            issuer: identity.issuer,
            candidates: found.found,
            aside,
            decisions: decisions.into_iter().map(|d| d.doc).collect(),
        })
    }

    /// Decides whose study it is. Only of one that waits: one that was filed with the wrong patient is corrected like any
    /// other record, so that those who read it there are told.
    pub async fn assign_study(
        &self,
        cx: &Cx,
        id: &ResourceId,
        patient: &ResourceId,
    ) -> Result<(), AppError> {
        let hospital = cx.require_clinical()?.clone();
        let key = patient_key(&hospital, patient);
        match self.store.get(&cx.permit(), &key, None).await? {
            Some(p) if !p.deleted => {}
            _ => return Err(AppError::invalid("patient", "patient", "no such patient")),
        }
        let current = self.study_record(cx, &hospital, id).await?;
        if current.patient.is_some() {
            return Err(AppError::rejected(
                "study-assigned",
                "the study has a patient; a wrong one is corrected in the record",
            ));
        }
        let mut batch = Batch::new(cx.now);
        let subject = study::subject("", "", Some(patient));
        self.put_subject(&mut batch, &current, &subject, false)?;
        self.decided(
            cx,
            &mut batch,
            &current.key,
            Decided::Patient(patient.clone()),
        )?;
        self.audit_study(
            cx,
            &mut batch,
            &current.key,
            Some(patient),
            "imaging.assigned",
        );
        self.finish(batch).await
    }

    /// Makes a patient of what the study says, and decides that it is this patient's.
    pub async fn assign_to_new_patient(
        &self,
        cx: &Cx,
        id: &ResourceId,
    ) -> Result<ResourceId, AppError> {
        let hospital = cx.require_clinical()?.clone();
        let (_, identity) = self.study_row(cx, &hospital, id).await?;
        let found = self.patient_of_study(&hospital, &identity).await?;
        if !found.found.is_empty() {
            return Err(AppError::rejected(
                "patient-known",
                "a patient of the hospital has this number",
            ));
        }
        let current = self.study_record(cx, &hospital, id).await?;
        if current.patient.is_some() {
            return Err(AppError::rejected(
                "study-assigned",
                "the study has a patient",
            ));
        }
        let patient = patient_key(&hospital, &self.new_id());
        let mut batch = Batch::new(cx.now);
        batch.put_fhir(
            patient.clone(),
            Precondition::Absent,
            new_patient(&identity).to_string(),
        );
        batch.audit.push(cx.audit(
            &hospital,
            &Entry {
                verb: Verb::Create,
                action: "record.created",
                subjects: std::slice::from_ref(&patient),
                patient: Some((&hospital, &patient.id)),
                ground: Some("from a study"),
                denied: false,
            },
        ));
        batch.event("record.written", &patient, "{}");
        self.index_patients(&mut batch)?;
        let subject = study::subject("", "", Some(&patient.id));
        self.put_subject(&mut batch, &current, &subject, false)?;
        let what = Decided::Patient(patient.id.clone());
        self.decided(cx, &mut batch, &current.key, what)?;
        self.audit_study(
            cx,
            &mut batch,
            &current.key,
            Some(&patient.id),
            "imaging.assigned",
        );
        self.finish(batch).await?;
        Ok(patient.id)
    }

    /// Takes back whose study it is: it waits again. Asks for the privilege to correct records.
    pub async fn take_back_study(&self, cx: &Cx, id: &ResourceId) -> Result<(), AppError> {
        let hospital = cx.require_clinical()?.clone();
        if !cx.actor.may(Privilege::CorrectRecord) {
            return Err(AppError::denied("privilege-missing"));
        }
        let current = self.study_record(cx, &hospital, id).await?;
        let Some(patient) = current.patient.clone() else {
            return Ok(());
        };
        let (_, identity) = self.study_row(cx, &hospital, id).await?;
        let mut batch = Batch::new(cx.now);
        let subject = study::subject(&identity.id, &identity.issuer, None);
        self.put_subject(&mut batch, &current, &subject, true)?;
        let what = Decided::TakenBack(patient.clone());
        self.decided(cx, &mut batch, &current.key, what)?;
        self.audit_study(
            cx,
            &mut batch,
            &current.key,
            Some(&patient),
            "imaging.taken-back",
        );
        self.finish(batch).await
    }

    /// Shows an object that was kept aside. One that was shown under its UID is kept aside from then on, so that the
    /// decision can be turned round.
    pub async fn stand_image(&self, cx: &Cx, id: &ResourceId, object: i64) -> Result<(), AppError> {
        let hospital = cx.require_clinical()?.clone();
        let (row, _) = self.study_row(cx, &hospital, id).await?;
        let aside = self.aside(cx, &hospital, &row.study_uid).await?;
        let (line, _) = aside
            .into_iter()
            .find(|(l, _)| l.row == object)
            .ok_or(AppError::NotFound)?;
        let mut batch = Batch::new(cx.now);
        batch.images.push(ImageChange::Stand {
            study: row.study.clone(),
            instance: object,
            standing: Standing::Shown,
        });
        self.decided(cx, &mut batch, &row.study, Decided::Shown(line.uid))?;
        self.audit_study(
            cx,
            &mut batch,
            &row.study,
            row.patient.as_ref(),
            "imaging.object.shown",
        );
        self.finish(batch).await
    }

    async fn finish(&self, batch: Batch) -> Result<(), AppError> {
        match self.store.commit(batch).await {
            Ok(_) => Ok(()),
            Err(StoreError::Precondition { .. }) => Err(AppError::Conflict),
            Err(e) => Err(e.into()),
        }
    }

    /// The ImagingStudy of a study whose objects are kept here.
    async fn study_record(
        &self,
        cx: &Cx,
        hospital: &HospitalId,
        id: &ResourceId,
    ) -> Result<Stored, AppError> {
        let key = RecordKey::new(hospital.clone(), kind("ImagingStudy"), id.clone());
        self.store
            .get(&cx.permit(), &key, None)
            .await?
            .filter(|s| !s.deleted)
            .ok_or(AppError::NotFound)
    }

    async fn study_row(
        &self,
        cx: &Cx,
        hospital: &HospitalId,
        id: &ResourceId,
    ) -> Result<(ImageRow, Identity), AppError> {
        let mut query = waiting(
            vec![vec![(
                ImageColumn::Record,
                ImageTest::In(vec![id.to_string()]),
            )]],
            0,
            1,
        );
        query.waiting = false;
        let images = self.store.images();
        let mut found = images.find_images(&cx.permit(), hospital, &query).await?;
        if found.is_empty() {
            // Nothing of it may be shown yet.
            query.waiting = true;
            found = images.find_images(&cx.permit(), hospital, &query).await?;
        }
        let row = found.pop().ok_or(AppError::NotFound)?;
        let settings = self.imaging_settings(hospital).await?;
        let identity = Identity::of_row(&ask::row(&row, "")?, &settings.issuers(None))?;
        Ok((row, identity))
    }

    async fn aside(
        &self,
        cx: &Cx,
        hospital: &HospitalId,
        uid: &str,
    ) -> Result<Vec<(InstanceLine, Standing)>, AppError> {
        let ask = ImageAsk {
            study: uid.to_owned(),
            series: None,
            instance: None,
            aside: true,
            meta: false,
            files: false,
            after: None,
            limit: ASIDE_MAX,
        };
        let found = self
            .store
            .images()
            .images(&cx.permit(), hospital, &ask)
            .await?;
        Ok(found
            .into_iter()
            .map(|l| {
                let standing = l.standing;
                (read::line(l), standing)
            })
            .collect())
    }

    fn put_subject(
        &self,
        batch: &mut Batch,
        current: &Stored,
        subject: &Value,
        waits: bool,
    ) -> Result<(), AppError> {
        let mut body: Value = serde_json::from_slice(current.original.reveal())
            .map_err(|_| AppError::Internal("a stored ImagingStudy".into()))?;
        let Some(map) = body.as_object_mut() else {
            return Err(AppError::Internal("a stored ImagingStudy".into()));
        };
        map.insert("subject".into(), subject.clone());
        batch.put_fhir(
            current.key.clone(),
            Precondition::Version(current.version),
            body.to_string(),
        );
        batch.images.push(ImageChange::Waiting {
            study: current.key.clone(),
            waiting: waits,
        });
        Ok(())
    }

    fn decided(
        &self,
        cx: &Cx,
        batch: &mut Batch,
        study: &RecordKey,
        what: Decided,
    ) -> Result<(), AppError> {
        let decision = Versioned {
            key: self.doc_key::<StudyDecision>(&study.hospital, &self.new_id()),
            version: 0,
            doc: StudyDecision {
                study: study.id.clone(),
                what,
                by: cx.actor.account.clone(),
                name: cx.name.clone(),
                at: cx.now,
            },
        };
        docs::put(batch, &decision)
    }

    fn audit_study(
        &self,
        cx: &Cx,
        batch: &mut Batch,
        study: &RecordKey,
        patient: Option<&ResourceId>,
        action: &str,
    ) {
        batch.audit.push(cx.audit(
            &study.hospital,
            &Entry {
                verb: Verb::Update,
                action,
                subjects: std::slice::from_ref(study),
                patient: patient.map(|p| (&study.hospital, p)),
                ground: None,
                denied: false,
            },
        ));
        batch.event(action, study, "{}");
    }
}

fn waiting(conditions: Vec<Vec<(ImageColumn, ImageTest)>>, offset: u64, limit: u32) -> ImageQuery {
    ImageQuery {
        level: ImageLevel::Study,
        conditions,
        waiting: true,
        counts: true,
        offset,
        limit: limit.min(limits::IMAGE_QUERY_LIMIT_MAX),
    }
}

/// Whether a patient differs from what a study says in what does not change: day of birth, sex.
fn differs(patient: &Stored, identity: &Identity) -> bool {
    let Ok(body) = serde_json::from_slice::<Value>(patient.body.reveal()) else {
        return true;
    };
    let text = |k: &str| body.get(k).and_then(Value::as_str).unwrap_or_default();
    let born: String = text("birthDate").chars().filter(|c| *c != '-').collect();
    let said = identity.birth_date.as_deref().unwrap_or_default();
    let other_day = born.len() == 8 && said.len() == 8 && born != said;
    let sex = match identity.sex.as_deref() {
        Some("M") => "male",
        Some("F") => "female",
        _ => "",
    };
    let known = text("gender");
    let other_sex = !sex.is_empty() && matches!(known, "male" | "female") && known != sex;
    other_day || other_sex
}

/// A patient as a study tells of one.
fn new_patient(identity: &Identity) -> Value {
    let mut out = json!({"resourceType": "Patient"});
    let Some(map) = out.as_object_mut() else {
        return out;
    };
    if !identity.id.is_empty() {
        let mut identifier = json!({"value": identity.id});
        if let (Some(of), false) = (identifier.as_object_mut(), identity.issuer.is_empty()) {
            of.insert("system".into(), identity.issuer.clone().into());
        }
        map.insert("identifier".into(), json!([identifier]));
    }
    let names: Vec<Value> = [&identity.name.ideographic, &identity.name.alphabetic]
        .into_iter()
        .filter(|g| !g.is_empty())
        .map(|g| {
            let [family, given, middle, ..] = imaging::name::PersonName::components(g);
            let mut name = json!({"use": "official"});
            if let Some(of) = name.as_object_mut() {
                if !family.is_empty() {
                    of.insert("family".into(), family.into());
                }
                let given: Vec<&str> = [given, middle]
                    .into_iter()
                    .filter(|t| !t.is_empty())
                    .collect();
                if !given.is_empty() {
                    of.insert("given".into(), json!(given));
                }
            }
            name
        })
        .collect();
    if !names.is_empty() {
        map.insert("name".into(), Value::from(names));
    }
    if let Some(d) = identity.birth_date.as_deref().filter(|d| d.len() == 8) {
        let date = format!(
            "{}-{}-{}",
            d.get(..4).unwrap_or_default(),
            d.get(4..6).unwrap_or_default(),
            d.get(6..).unwrap_or_default()
        );
        map.insert("birthDate".into(), date.into());
    }
    let gender = match identity.sex.as_deref() {
        Some("M") => "male",
        Some("F") => "female",
        Some("O") => "other",
        _ => "unknown",
    };
    map.insert("gender".into(), gender.into());
    out
}

fn line(r: &ImageRow) -> Result<WaitingStudy, AppError> {
    let said = Identity::of_row(&ask::row(r, "")?, &super::entities::Issuers::default())?;
    let data = imaging::json::parse(&ask::row(r, "")?, &|_| None)
        .map_err(|_| AppError::Internal("kept attributes of an image".into()))?;
    let text = |tag| data.text(tag).unwrap_or_default();
    Ok(WaitingStudy {
        study: r.study.clone(),
        uid: r.study_uid.clone(),
        patient: r.patient.clone(),
        patient_id: Phi::new(said.id),
        name: Phi::new(said.name.shown()),
        birth_date: Phi::new(said.birth_date.unwrap_or_default()),
        sex: Phi::new(said.sex.unwrap_or_default()),
        date: Phi::new(text(imaging::tags::STUDY_DATE)),
        description: Phi::new(text(imaging::tags::STUDY_DESCRIPTION)),
        modalities: r.modalities.clone(),
        instances: r.instance_count,
        aside: r.aside,
    })
}
