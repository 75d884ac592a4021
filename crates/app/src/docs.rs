//! Typed documents of our own over the store's bytes.

use agreements::Permit;
use kernel::{HospitalId, Kind, RecordKey, ResourceId};
use serde::Serialize;
use serde::de::DeserializeOwned;
use store::{Batch, DocQuery, Lookup, Precondition, Stored};

use crate::{App, AppError};

/// A kind of document: its name in the store and the values it is found by.
pub trait Document: Serialize + DeserializeOwned + Send + Sync {
    const KIND: &'static str;
    fn lookups(&self) -> Vec<Lookup>;
}

/// A document with the version it was read at; 0 when it is new.
#[derive(Debug, Clone)]
pub struct Versioned<T> {
    pub key: RecordKey,
    pub version: u64,
    pub doc: T,
}

impl<T> Versioned<T> {
    pub fn expect(&self) -> Precondition {
        if self.version == 0 {
            Precondition::Absent
        } else {
            Precondition::Version(self.version)
        }
    }
}

/// The kind of a document type.
pub fn kind_of<T: Document>() -> Kind {
    Kind::new(T::KIND).unwrap_or_else(|_| unreachable!("document kinds are valid names"))
}

fn parse<T: Document>(stored: Stored) -> Result<Versioned<T>, AppError> {
    let doc = serde_json::from_slice(stored.body.reveal())
        .map_err(|e| AppError::Internal(format!("document {}: {:?}", T::KIND, e.classify())))?;
    Ok(Versioned {
        key: stored.key,
        version: stored.version,
        doc,
    })
}

impl App {
    pub(crate) fn doc_key<T: Document>(&self, hospital: &HospitalId, id: &ResourceId) -> RecordKey {
        RecordKey::new(hospital.clone(), kind_of::<T>(), id.clone())
    }

    /// The current document, or none.
    pub(crate) async fn load<T: Document>(
        &self,
        permit: &Permit,
        hospital: &HospitalId,
        id: &ResourceId,
    ) -> Result<Option<Versioned<T>>, AppError> {
        let key = self.doc_key::<T>(hospital, id);
        match self.store.get(permit, &key, None).await? {
            Some(stored) if !stored.deleted => Ok(Some(parse(stored)?)),
            _ => Ok(None),
        }
    }

    /// The current document, or `NotFound`.
    pub(crate) async fn need<T: Document>(
        &self,
        permit: &Permit,
        hospital: &HospitalId,
        id: &ResourceId,
    ) -> Result<Versioned<T>, AppError> {
        self.load(permit, hospital, id)
            .await?
            .ok_or(AppError::NotFound)
    }

    /// Documents that match all given lookups, in order of id; newest first when `descending`.
    pub(crate) async fn find<T: Document>(
        &self,
        permit: &Permit,
        hospital: Option<&HospitalId>,
        lookups: Vec<Lookup>,
        after: Option<ResourceId>,
        limit: u32,
        descending: bool,
    ) -> Result<Vec<Versioned<T>>, AppError> {
        let query = DocQuery {
            hospital: hospital.cloned(),
            kind: kind_of::<T>(),
            lookups,
            after,
            limit,
            descending,
        };
        self.store
            .documents(permit, &query)
            .await?
            .into_iter()
            .map(parse)
            .collect()
    }
}

/// Puts the document into the batch under the precondition of the version it was read at.
pub(crate) fn put<T: Document>(
    batch: &mut Batch,
    versioned: &Versioned<T>,
) -> Result<(), AppError> {
    let json = serde_json::to_vec(&versioned.doc)
        .map_err(|e| AppError::Internal(format!("document {}: {:?}", T::KIND, e.classify())))?;
    batch.put_doc(
        versioned.key.clone(),
        versioned.expect(),
        json,
        versioned.doc.lookups(),
    );
    Ok(())
}
