//! The index patients are found by: names in any script, pinyin, identifiers. A document beside each Patient, written
//! in the same commit.

use std::collections::BTreeSet;

use care::matching::Person;
use care::search;
use fhir::raw;
use kernel::{Phi, RecordKey};
use serde::{Deserialize, Serialize};
use store::{Batch, Lookup, Precondition, WriteBody};

use super::patient_kind;
use crate::docs::{Document, kind_of};
use crate::{App, AppError};

/// What one patient is found by.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PatientIndex {
    pub keys: Phi<BTreeSet<String>>,
    /// `issuer|number` of each identifier, folded.
    pub identifiers: Phi<Vec<String>>,
    pub birth_date: Phi<Option<String>>,
}

impl Document for PatientIndex {
    const KIND: &'static str = "patient-index";
    fn lookups(&self) -> Vec<Lookup> {
        let words = search::prefixes(self.keys.reveal())
            .into_iter()
            .map(|p| Lookup::new("word", p));
        let identifiers = self
            .identifiers
            .reveal()
            .iter()
            .map(|i| Lookup::new("identifier", i.clone()));
        let born = self
            .birth_date
            .reveal()
            .iter()
            .map(|b| Lookup::new("born", b.clone()));
        words.chain(identifiers).chain(born).collect()
    }
}

/// `issuer|number` as it is looked up.
pub(crate) fn identifier_value(i: &care::matching::Identifier) -> String {
    format!("{}|{}", i.system, i.folded())
}

impl PatientIndex {
    pub(crate) fn of(person: &Person) -> Self {
        Self {
            keys: Phi::new(search::keys(person)),
            identifiers: Phi::new(person.identifiers.iter().map(identifier_value).collect()),
            birth_date: Phi::new(person.birth_date.clone()),
        }
    }
}

impl App {
    /// Adds the index document of every Patient that the batch writes or deletes. Called before each commit that can
    /// hold Patients; what is no readable JSON is left for the store to refuse.
    pub fn index_patients(&self, batch: &mut Batch) -> Result<(), AppError> {
        let patient = patient_kind();
        let mut added = Vec::new();
        for write in batch.writes.iter().filter(|w| w.key.kind == patient) {
            let key = RecordKey::new(
                write.key.hospital.clone(),
                kind_of::<PatientIndex>(),
                write.key.id.clone(),
            );
            match &write.body {
                WriteBody::Fhir(bytes) => {
                    let Ok(doc) = raw::parse(bytes) else { continue };
                    let index = PatientIndex::of(&Person::read(doc.root()));
                    added.push((key, Some(index)));
                }
                WriteBody::Delete => added.push((key, None)),
                // A Patient says itself who it is.
                WriteBody::Document { .. } | WriteBody::FhirOf { .. } => {}
            }
        }
        for (key, index) in added {
            match index {
                Some(index) => {
                    let json = serde_json::to_vec(&index)
                        .map_err(|_| AppError::Internal("patient index".into()))?;
                    batch.put_doc(key, Precondition::Any, json, index.lookups());
                }
                None => {
                    batch.delete(key, Precondition::Any);
                }
            }
        }
        Ok(())
    }
}
