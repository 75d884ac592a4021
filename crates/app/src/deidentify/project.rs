//! Projects: for what copies are made, what they keep, and the secret that ties them together.

use agreements::{Privilege, SystemPurpose};
use kernel::{AccountId, HospitalId, Instant, RecordKey, ResourceId};
use seal::{Wrapped, b64};
use serde::{Deserialize, Serialize};
use store::{Batch, Lookup};

use super::{Cleaning, CopyAsk, DeviceRule, Options, PROJECTS_MAX, Part, RULES_MAX, Rules};
use crate::audit_entry::{Entry, Verb};
use crate::docs::{self, Document, Versioned};
use crate::{App, AppError, Cx};

const NAME_CHARS_MAX: usize = 120;
/// Bytes of a project's secret.
const SECRET_BYTES: usize = 32;
/// Sides of an image.
const SIDE_MAX: u32 = 65_535;

/// What copies are for; words under `use-*`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Use {
    Teaching,
    Research,
    /// What an agreement lets cross without identity alone; no person makes such a project.
    Crossing,
}

impl Use {
    /// Those that a person chooses from.
    pub const ALL: &'static [Self] = &[Self::Teaching, Self::Research];
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Teaching => "teaching",
            Self::Research => "research",
            Self::Crossing => "crossing",
        }
    }
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|u| u.as_str() == text)
    }
}

/// A project to be made.
#[derive(Debug, Clone)]
pub struct NewProject {
    pub name: String,
    pub purpose: Option<Use>,
    pub options: Options,
    pub devices: Vec<DeviceRule>,
}

/// A project as it is kept. Whoever has the secret can tell whose pseudonym is whose, so it lies wrapped.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Project {
    pub name: String,
    pub purpose: Use,
    pub options: Options,
    pub devices: Vec<DeviceRule>,
    pub secret: String,
    pub by: AccountId,
    pub made: Instant,
}

impl Document for Project {
    const KIND: &'static str = "deidentify-project";
    fn lookups(&self) -> Vec<Lookup> {
        Vec::new()
    }
}

/// A project in a list.
#[derive(Debug, Clone)]
pub struct ProjectLine {
    pub id: ResourceId,
    pub name: String,
    pub purpose: Use,
    pub options: Options,
    pub devices: Vec<DeviceRule>,
    pub made: Instant,
}

pub(crate) fn secret_context(key: &RecordKey) -> String {
    format!("deidentify/{}/{}", key.hospital, key.id)
}

/// The hospital of one who may make copies without identity.
pub(super) fn may_copy(cx: &Cx) -> Result<&HospitalId, AppError> {
    let own = cx.require_clinical()?;
    if cx.actor.may(Privilege::Deidentify) {
        Ok(own)
    } else {
        Err(AppError::denied("deidentify-privilege"))
    }
}

impl App {
    /// The projects of the caller's hospital, newest first.
    pub async fn deidentify_projects(&self, cx: &Cx) -> Result<Vec<ProjectLine>, AppError> {
        let own = may_copy(cx)?;
        let permit = self.system(SystemPurpose::Decision);
        let found = self
            .find::<Project>(&permit, Some(own), Vec::new(), None, PROJECTS_MAX, true)
            .await?;
        Ok(found
            .into_iter()
            .filter(|p| p.doc.purpose != Use::Crossing)
            .map(|p| ProjectLine {
                id: p.key.id,
                name: p.doc.name,
                purpose: p.doc.purpose,
                options: p.doc.options,
                devices: p.doc.devices,
                made: p.doc.made,
            })
            .collect())
    }

    /// Makes a project with a secret of its own.
    pub async fn new_deidentify_project(
        &self,
        cx: &Cx,
        new: NewProject,
    ) -> Result<ResourceId, AppError> {
        let own = may_copy(cx)?.clone();
        let name = new.name.trim().to_owned();
        if name.is_empty() || name.chars().count() > NAME_CHARS_MAX {
            return Err(AppError::invalid("name", "missing", "a name is needed"));
        }
        let purpose = new
            .purpose
            .filter(|p| *p != Use::Crossing)
            .ok_or_else(|| AppError::invalid("purpose", "missing", "what it is for"))?;
        let rules_ok = new.devices.len() <= RULES_MAX
            && new.devices.iter().all(|d| {
                !d.modality.is_empty()
                    && d.modality.len() <= 16
                    && d.model.len() <= 64
                    && fit(&d.parts)
            });
        if !rules_ok {
            return Err(AppError::invalid("devices", "regions", "not a rule"));
        }
        let key = self.doc_key::<Project>(&own, &self.new_id());
        let secret = self.new_project_secret(&key)?;
        let project = Versioned {
            key,
            version: 0,
            doc: Project {
                name,
                purpose,
                options: new.options,
                devices: new.devices,
                secret,
                by: cx.actor.account.clone(),
                made: cx.now,
            },
        };
        let mut batch = Batch::new(cx.now);
        docs::put(&mut batch, &project)?;
        let entry = Entry::of(Verb::Create, "deidentify.project", &project.key);
        cx.note(&mut batch, &own, &entry);
        self.store.commit(batch).await?;
        Ok(project.key.id)
    }

    /// A secret for a project, as it is kept.
    pub(super) fn new_project_secret(&self, key: &RecordKey) -> Result<String, AppError> {
        let mut secret = [0; SECRET_BYTES];
        self.entropy.fill(&mut secret);
        let context = secret_context(key);
        let wrapped = self.node_key.wrap(&context, &secret, &*self.entropy)?;
        Ok(b64::encode(wrapped.0))
    }

    /// The secret of a project, to be used.
    pub(super) fn project_secret(&self, project: &Versioned<Project>) -> Result<Vec<u8>, AppError> {
        let wrapped = Wrapped(b64::decode(&project.doc.secret, "secret")?);
        Ok(self
            .node_key
            .unwrap(&secret_context(&project.key), &wrapped)?)
    }

    /// What cleans objects for a request.
    pub(super) async fn cleaning(&self, cx: &Cx, ask: &CopyAsk) -> Result<Cleaning, AppError> {
        let own = may_copy(cx)?;
        let parts = ask.parts.iter().flatten().map(|r| r.part);
        if !fit(&parts.collect::<Vec<Part>>()) {
            return Err(AppError::invalid(
                "parts",
                "regions",
                "not a part of an image",
            ));
        }
        self.cleaning_at(own, ask).await
    }

    /// As [`Self::cleaning`], at a hospital, of what was asked for by one who may.
    pub(super) async fn cleaning_at(
        &self,
        own: &HospitalId,
        ask: &CopyAsk,
    ) -> Result<Cleaning, AppError> {
        let permit = self.system(SystemPurpose::Decision);
        let project = self.need::<Project>(&permit, own, &ask.project).await?;
        if project.doc.purpose == Use::Crossing {
            return Err(AppError::NotFound);
        }
        let secret = self.project_secret(&project)?;
        Ok(Cleaning(std::sync::Arc::new(Rules {
            options: project.doc.options,
            parts: ask.parts.clone(),
            devices: project.doc.devices,
            secret,
            leave_out: ask.leave_out,
        })))
    }
}

fn fit(parts: &[Part]) -> bool {
    parts.len() <= RULES_MAX
        && parts.iter().all(|[left, top, width, height]| {
            let within = |n: &u32| *n <= SIDE_MAX;
            [left, top, width, height].into_iter().all(within) && *width > 0 && *height > 0
        })
}
