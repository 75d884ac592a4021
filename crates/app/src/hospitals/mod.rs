//! Hospitals of the node: tenants and custodians, with jurisdiction, zone, languages and keys.

mod edit;

use std::collections::BTreeMap;
use std::sync::{Arc, RwLock};

use agreements::SystemPurpose;
use kernel::{HospitalId, Instant, ResourceId};
use serde::{Deserialize, Serialize};
use store::{Batch, Lookup};

use crate::docs::{self, Document, Versioned};
use crate::{App, AppError};
pub(crate) use edit::is_code;
pub use edit::{HospitalChange, HospitalState};

/// A hospital as our own document. `network` (the node itself) is never one.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Hospital {
    pub id: HospitalId,
    /// Name by language tag; `en` is always there.
    pub names: BTreeMap<String, String>,
    /// Two letters for the tile.
    pub tile: String,
    /// ISO 3166-1 alpha-2 code of the jurisdiction.
    pub jurisdiction: String,
    /// IANA zone name.
    pub zone: String,
    /// BCP 47 tags, preferred first.
    pub languages: Vec<String>,
    pub city: String,
    pub created: Instant,
    /// Services offered to others; agreements name them by code.
    pub services: Vec<Service>,
}

/// A service another hospital may ask for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// Stable code within the hospital, e.g. `thoracic-surgery`.
    pub code: String,
    pub names: BTreeMap<String, String>,
    /// Specialty code (`care` keeps the list).
    pub specialty: String,
}

impl Hospital {
    pub fn name(&self, language: &str) -> &str {
        self.names
            .get(language)
            .or_else(|| self.names.get("en"))
            .map_or_else(|| self.id.as_str(), String::as_str)
    }
    pub fn time_zone(&self) -> jiff::tz::TimeZone {
        jiff::tz::TimeZone::get(&self.zone).unwrap_or(jiff::tz::TimeZone::UTC)
    }
}

impl Document for Hospital {
    const KIND: &'static str = "hospital";
    fn lookups(&self) -> Vec<Lookup> {
        vec![Lookup::unique("slug", self.id.as_str())]
    }
}

/// The hospitals, read once and kept in memory: they are few, public within the node and asked for on each page.
#[derive(Debug, Default)]
pub struct Registry(RwLock<Arc<BTreeMap<HospitalId, Arc<Hospital>>>>);

impl Registry {
    fn all(&self) -> Arc<BTreeMap<HospitalId, Arc<Hospital>>> {
        self.0
            .read()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .clone()
    }
    fn set(&self, map: BTreeMap<HospitalId, Arc<Hospital>>) {
        *self
            .0
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner) = Arc::new(map);
    }
}

impl App {
    /// Reads the hospitals again; called at start and when the feed says one changed.
    pub async fn reload_hospitals(&self) -> Result<(), AppError> {
        let permit = self.system(SystemPurpose::Authentication);
        let network = HospitalId::network();
        let docs = self
            .find::<Hospital>(&permit, Some(&network), Vec::new(), None, 10_000, false)
            .await?;
        self.hospitals.set(
            docs.into_iter()
                .map(|v| (v.doc.id.clone(), Arc::new(v.doc)))
                .collect(),
        );
        Ok(())
    }

    pub fn hospital(&self, id: &HospitalId) -> Option<Arc<Hospital>> {
        self.hospitals.all().get(id).cloned()
    }

    pub fn all_hospitals(&self) -> Vec<Arc<Hospital>> {
        self.hospitals.all().values().cloned().collect()
    }

    /// Founds a hospital. Only the command line and the network operator do this.
    pub async fn found_hospital(&self, hospital: Hospital) -> Result<(), AppError> {
        if hospital.id.is_network() {
            return Err(AppError::invalid("id", "reserved", "this name is reserved"));
        }
        if jiff::tz::TimeZone::get(&hospital.zone).is_err() {
            return Err(AppError::invalid("zone", "zone", "not an IANA time zone"));
        }
        let id = ResourceId::new(hospital.id.as_str())?;
        let key = self.doc_key::<Hospital>(&HospitalId::network(), &id);
        // Its keys are valid from the day it was founded, which a demonstration sets in the past.
        let mut batch = Batch::new(hospital.created.min(self.now()));
        let versioned = Versioned {
            key: key.clone(),
            version: 0,
            doc: hospital,
        };
        docs::put(&mut batch, &versioned)?;
        let (doc, from) = (&versioned.doc, batch.at);
        self.first_keys(&mut batch, &doc.id, doc.name("en"), from)?;
        batch.event("hospital.founded", &key, "{}");
        self.store.commit(batch).await?;
        self.reload_hospitals().await
    }
}
