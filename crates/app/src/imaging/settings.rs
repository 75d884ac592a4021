//! How a hospital takes part in DICOM: what its archive is called, and whose patient numbers are whose.

use std::collections::BTreeMap;

use agreements::{Role, SystemPurpose};
use imaging::facts::PatientIdentifier;
use kernel::{HospitalId, ResourceId};
use serde::{Deserialize, Serialize};
use store::{Batch, Lookup};

use super::entities::{title, title_taken};
use crate::docs::{self, Document, Versioned};
use crate::{App, AppError, Cx};

/// Names of issuers at one hospital.
const ISSUERS_MAX: usize = 100;

/// How a hospital takes part in DICOM.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImagingSettings {
    /// What its own entity is called: one title names one hospital of the node. Empty: none yet.
    pub title: String,
    /// The identifier system of patient numbers that come without an issuer. Empty: unknown.
    pub issuer: String,
    /// Identifier systems by the name an object gives its issuer (0010,0021).
    pub issuers: BTreeMap<String, String>,
}

impl Document for ImagingSettings {
    const KIND: &'static str = "imaging-settings";
    fn lookups(&self) -> Vec<Lookup> {
        if self.title.is_empty() {
            return Vec::new();
        }
        vec![Lookup::unique("title", &self.title)]
    }
}

/// Whose patient numbers are whose.
#[derive(Debug, Clone, Default)]
pub(super) struct Issuers {
    unsaid: String,
    by_name: BTreeMap<String, String>,
}

impl ImagingSettings {
    /// With the issuer of whoever sends, where it has one of its own.
    pub(super) fn issuers(&self, sender: Option<&str>) -> Issuers {
        Issuers {
            unsaid: sender
                .filter(|s| !s.is_empty())
                .unwrap_or(&self.issuer)
                .to_owned(),
            by_name: self.issuers.clone(),
        }
    }
}

impl Issuers {
    /// The identifier system of a number. A name that the hospital has not said the system of stays a name: then it
    /// equals no patient's, and a person decides.
    pub fn system(&self, identifier: &PatientIdentifier) -> String {
        if let Some((id, kind)) = &identifier.issuer_universal
            && !id.is_empty()
        {
            return match kind.as_str() {
                "ISO" => format!("urn:oid:{}", id.trim_start_matches("urn:oid:")),
                "UUID" => format!("urn:uuid:{}", id.trim_start_matches("urn:uuid:")),
                "URI" => id.clone(),
                other => format!("urn:karez:issuer:{other}:{id}"),
            };
        }
        match identifier.issuer.as_deref().filter(|n| !n.is_empty()) {
            Some(name) => match self.by_name.get(name) {
                Some(system) => system.clone(),
                None => format!("urn:karez:issuer:name:{name}"),
            },
            None => self.unsaid.clone(),
        }
    }
}

/// An identifier system: a URI, or nothing.
pub(super) fn system(text: &str, field: &str) -> Result<String, AppError> {
    let text = text.trim();
    if text.is_empty() || (text.len() <= 200 && url::Url::parse(text).is_ok()) {
        Ok(text.to_owned())
    } else {
        let words = "the address (URI) that names whose numbers these are";
        Err(AppError::invalid(field, "ae-issuer", words))
    }
}

impl App {
    /// How the hospital takes part in DICOM.
    pub(super) async fn imaging_settings(
        &self,
        hospital: &HospitalId,
    ) -> Result<ImagingSettings, AppError> {
        Ok(self.settings_doc(hospital).await?.doc)
    }

    async fn settings_doc(
        &self,
        hospital: &HospitalId,
    ) -> Result<Versioned<ImagingSettings>, AppError> {
        let permit = self.system(SystemPurpose::Decision);
        let network = HospitalId::network();
        let id = ResourceId::new(hospital.as_str())?;
        let found = self.load::<ImagingSettings>(&permit, &network, &id).await?;
        Ok(found.unwrap_or_else(|| Versioned {
            key: self.doc_key::<ImagingSettings>(&network, &id),
            version: 0,
            doc: ImagingSettings::default(),
        }))
    }

    /// The administrator's view of the own hospital's settings, with the version a change must name.
    pub async fn own_imaging_settings(&self, cx: &Cx) -> Result<(ImagingSettings, u64), AppError> {
        let hospital = cx.require(Role::Administrator)?;
        let found = self.settings_doc(hospital).await?;
        Ok((found.doc, found.version))
    }

    /// Changes how the own hospital takes part in DICOM. A title that names another hospital is refused.
    pub async fn change_imaging_settings(
        &self,
        cx: &Cx,
        version: u64,
        new: ImagingSettings,
    ) -> Result<(), AppError> {
        let hospital = cx.require(Role::Administrator)?.clone();
        let mut found = self.settings_doc(&hospital).await?;
        if found.version != version {
            return Err(AppError::Conflict);
        }
        if new.issuers.len() > ISSUERS_MAX {
            return Err(AppError::TooMuch("names of issuers"));
        }
        let mut issuers = BTreeMap::new();
        for (name, of) in &new.issuers {
            let of = system(of, "issuers")?;
            let name = name.trim();
            if name.is_empty() || of.is_empty() || name.chars().count() > 64 {
                let words = "a name and the address (URI) it stands for";
                return Err(AppError::invalid("issuers", "ae-issuer", words));
            }
            issuers.insert(name.to_owned(), of);
        }
        found.doc = ImagingSettings {
            title: if new.title.trim().is_empty() {
                String::new()
            } else {
                title(&new.title, "title")?
            },
            issuer: system(&new.issuer, "issuer")?,
            issuers,
        };
        let mut batch = Batch::new(cx.now);
        docs::put(&mut batch, &found)?;
        self.note_entity(cx, &mut batch, &hospital, "imaging.settings", &found.key);
        self.store.commit(batch).await.map_err(title_taken)?;
        Ok(())
    }

    /// Says what a hospital's archive is called and whose patient numbers come without an issuer: the operator, for a
    /// hospital that is being set up. Names of issuers stay.
    pub async fn name_archive(
        &self,
        cx: &Cx,
        hospital: &HospitalId,
        called: &str,
        issuer: &str,
    ) -> Result<(), AppError> {
        if !cx.actor.has(Role::Operator) {
            return Err(AppError::denied_role(Role::Operator));
        }
        self.known(hospital)?;
        let mut found = self.settings_doc(hospital).await?;
        found.doc.title = title(called, "title")?;
        if !issuer.is_empty() {
            found.doc.issuer = system(issuer, "issuer")?;
        }
        let mut batch = Batch::new(cx.now);
        docs::put(&mut batch, &found)?;
        self.note_entity(cx, &mut batch, hospital, "imaging.settings", &found.key);
        self.store.commit(batch).await.map_err(title_taken)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_numbers_of_two_issuers_stay_apart() {
        let settings = ImagingSettings {
            issuer: "urn:oid:1.2.3".into(),
            issuers: BTreeMap::from([("HIS".to_owned(), "http://his.example/mrn".to_owned())]),
            ..ImagingSettings::default()
        };
        let of = |name: Option<&str>, universal: Option<(&str, &str)>| {
            settings.issuers(None).system(&PatientIdentifier {
                id: "17".into(),
                issuer: name.map(str::to_owned),
                issuer_universal: universal.map(|(a, b)| (a.to_owned(), b.to_owned())),
                kind: None,
            })
        };
        assert_eq!(of(None, None), "urn:oid:1.2.3");
        assert_eq!(of(Some("HIS"), None), "http://his.example/mrn");
        assert_eq!(of(Some("OTHER"), None), "urn:karez:issuer:name:OTHER");
        assert_eq!(of(Some("HIS"), Some(("1.2.4", "ISO"))), "urn:oid:1.2.4");
        let sender = settings.issuers(Some("urn:oid:9"));
        assert_eq!(sender.system(&PatientIdentifier::default()), "urn:oid:9");
    }
}
