//! The ledger of erasures: kept outside the database, so that a database that is restored from before an erasure has
//! it done again before it serves. Each entry is a sealed file in the data folder and beside every backup.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use kernel::{AccountId, Entropy, HospitalId, Instant, RecordKey, ResourceId};
use seal::NodeKey;
use serde::{Deserialize, Serialize};

use super::sealed::{SealedReader, SealedWriter, read_error};
use crate::StoreError;

/// What was erased.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erasure {
    pub id: ResourceId,
    pub hospital: HospitalId,
    /// The patient whose whole record is erased; none when records are named alone.
    pub patient: Option<ResourceId>,
    /// Records of this hospital that go with it: what the store itself does not know to be about the patient.
    pub records: Vec<RecordKey>,
    pub at: Instant,
    pub by: AccountId,
}

/// The entries of one data folder.
#[derive(Debug, Clone)]
pub struct Ledger {
    dir: PathBuf,
}

const SUFFIX: &str = ".erasure";

fn failed(e: &io::Error) -> StoreError {
    StoreError::Unavailable(format!("the ledger of erasures: {e}"))
}

impl Ledger {
    /// The ledger in a data folder; `erasures/` is made on the first entry.
    pub fn of(data: &Path) -> Self {
        Self {
            dir: data.join("erasures"),
        }
    }

    /// The ledger in a folder of its own: one that was copied from somewhere.
    pub fn at(dir: &Path) -> Self {
        Self {
            dir: dir.to_owned(),
        }
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Writes an entry; when this returns it is on disk and synced.
    pub fn add(
        &self,
        erasure: &Erasure,
        key: &NodeKey,
        entropy: &dyn Entropy,
    ) -> Result<(), StoreError> {
        let write = || -> io::Result<()> {
            fs::create_dir_all(&self.dir)?;
            let new = self.dir.join("unfinished");
            let mut sealed = SealedWriter::new(File::create(&new)?, key, entropy)?;
            sealed.write_all(&serde_json::to_vec(erasure)?)?;
            sealed.finish()?.sync_all()?;
            fs::rename(&new, self.file(&name(erasure)))?;
            File::open(&self.dir)?.sync_all()
        };
        write().map_err(|e| failed(&e))
    }

    /// Takes an entry back whose erasure did not happen.
    pub fn take_back(&self, erasure: &Erasure) -> Result<(), StoreError> {
        fs::remove_file(self.file(&name(erasure))).map_err(|e| failed(&e))
    }

    /// The names of all entries, oldest first.
    pub fn names(&self) -> Result<Vec<String>, StoreError> {
        let entries = match fs::read_dir(&self.dir) {
            Ok(entries) => entries,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => return Err(failed(&e)),
        };
        let mut names = Vec::new();
        for entry in entries {
            let name = entry.map_err(|e| failed(&e))?.file_name();
            let name = name.to_string_lossy().into_owned();
            if name.ends_with(SUFFIX) {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    /// Reads every entry.
    pub fn all(&self, key: &NodeKey) -> Result<Vec<Erasure>, StoreError> {
        self.names()?
            .iter()
            .map(|name| {
                let file = File::open(self.file(name)).map_err(|e| failed(&e))?;
                read(file, key)
            })
            .collect()
    }
}

/// Reads one entry.
pub(super) fn read(input: impl io::Read, key: &NodeKey) -> Result<Erasure, StoreError> {
    let mut text = Vec::new();
    SealedReader::new(input, key)?
        .read_to_end(&mut text)
        .map_err(read_error)?;
    serde_json::from_slice(&text)
        .map_err(|_| StoreError::Damaged("an entry of the ledger of erasures".into()))
}

/// Ids sort by time, and so do the names.
fn name(erasure: &Erasure) -> String {
    format!("{}{SUFFIX}", erasure.id)
}

/// Entries of several ledgers, each once, oldest first.
pub fn merged(ledgers: impl IntoIterator<Item = Vec<Erasure>>) -> Vec<Erasure> {
    let all: BTreeMap<String, Erasure> = ledgers
        .into_iter()
        .flatten()
        .map(|e| (e.id.to_string(), e))
        .collect();
    all.into_values().collect()
}
