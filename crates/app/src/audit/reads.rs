//! Reads within one's own hospital: collected, and written within a second. A crash may lose that last second of them,
//! never a read across hospitals.
//!
//! What one person reads of one patient within that second makes one entry that names every record and every request:
//! a page of twenty results or a burst of reads is one look for whoever audits, and one hash to chain.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Mutex, MutexGuard, PoisonError};

use kernel::{HospitalId, Instant, Kind, RecordKey, ResourceId};
use store::{AuditDraft, Batch};
use uuid::Uuid;
use uuid::fmt::Hyphenated;

use crate::audit_entry::{Entry, Verb};
use crate::{App, AppError, Cx};

/// When more reads than these wait, they are written at once, by whoever adds the last.
const WAITING_MAX: usize = 20_000;
/// When more entries than these could not be written, nobody reads: a read that leaves no trace is none.
const OWED_MAX: usize = 20_000;
/// Records named in one entry.
const SUBJECTS_MAX: usize = 500;
/// Entries written in one commit.
const ENTRIES_MAX: usize = 250;
/// Bytes in one commit, about: an entry of many records is some ten thousand.
const BYTES_MAX: usize = 2 << 20;

/// What waits to be written.
#[derive(Debug, Default)]
pub struct Reads(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    notes: Vec<Note>,
    /// The note that goes on, by what makes reads alike.
    open: HashMap<u64, usize>,
    /// Requests in all notes.
    count: usize,
    /// Entries that a failed commit gave back.
    drafts: Vec<AuditDraft>,
}

/// Reads of one person of one patient's record.
#[derive(Debug)]
struct Note {
    /// Of the first.
    cx: Cx,
    custodian: HospitalId,
    patient: Option<ResourceId>,
    action: String,
    ground: &'static str,
    subjects: Subjects,
    requests: Vec<String>,
    last: Instant,
}

/// Names of records in little memory: a busy node holds some hundred thousand of them between two writes.
#[derive(Debug, Default)]
struct Subjects {
    /// Whose records of which kind, each once; there are few.
    places: Vec<(HospitalId, Kind)>,
    /// The number of the place, and the id there.
    named: Vec<(u16, Id)>,
}

/// The id of a record, by its number where it is written as Karez writes them.
#[derive(Debug, PartialEq, Eq)]
enum Id {
    Uuid(Uuid),
    Text(ResourceId),
}

impl Id {
    fn of(id: &ResourceId) -> Self {
        match Uuid::try_parse(id.as_str()) {
            Ok(uuid) if written(uuid, &mut [0; Hyphenated::LENGTH]) == id.as_str() => {
                Self::Uuid(uuid)
            }
            _ => Self::Text(id.clone()),
        }
    }

    fn id(&self) -> Option<ResourceId> {
        match self {
            Self::Uuid(uuid) => ResourceId::new(written(*uuid, &mut [0; Hyphenated::LENGTH])).ok(),
            Self::Text(id) => Some(id.clone()),
        }
    }
}

fn written(uuid: Uuid, buffer: &mut [u8; Hyphenated::LENGTH]) -> &str {
    uuid.hyphenated().encode_lower(buffer)
}

impl Subjects {
    const fn len(&self) -> usize {
        self.named.len()
    }

    /// Bursts repeat what they just read: that is left out. What was named earlier may be named again.
    fn add(&mut self, key: &RecordKey) {
        let known = self
            .places
            .iter()
            .position(|(h, k)| *k == key.kind && *h == key.hospital);
        let place = known.unwrap_or_else(|| {
            self.places.push((key.hospital.clone(), key.kind.clone()));
            self.places.len() - 1
        });
        // There are at most as many places as records are named.
        let named = (u16::try_from(place).unwrap_or(u16::MAX), Id::of(&key.id));
        if self.named.last() != Some(&named) {
            self.named.push(named);
        }
    }

    fn keys(&self) -> Vec<RecordKey> {
        let key = |(place, id): &(u16, Id)| {
            let (hospital, kind) = self.places.get(usize::from(*place))?;
            Some(RecordKey::new(hospital.clone(), kind.clone(), id.id()?))
        };
        self.named.iter().filter_map(key).collect()
    }
}

impl<'a> FromIterator<&'a RecordKey> for Subjects {
    fn from_iter<T: IntoIterator<Item = &'a RecordKey>>(keys: T) -> Self {
        let mut all = Self::default();
        for key in keys {
            all.add(key);
        }
        all
    }
}

/// A read in one's own hospital, or of one's own record.
pub(crate) struct Read<'a> {
    pub custodian: &'a HospitalId,
    pub patient: Option<&'a ResourceId>,
    pub subjects: &'a [RecordKey],
    pub action: &'a str,
    pub ground: &'static str,
}

impl Note {
    fn new(cx: &Cx, read: &Read<'_>) -> Self {
        Self {
            custodian: read.custodian.clone(),
            patient: read.patient.cloned(),
            action: read.action.to_owned(),
            ground: read.ground,
            subjects: read.subjects.iter().collect(),
            requests: vec![cx.request.clone()],
            last: cx.now,
            cx: cx.clone(),
        }
    }

    /// Whether the read belongs to this note: whoever reads, as whom, from where, about whom, and how.
    fn takes(&self, cx: &Cx, read: &Read<'_>) -> bool {
        let (a, b) = (&self.cx.actor, &cx.actor);
        a.account == b.account
            && a.hospital == b.hospital
            && a.roles == b.roles
            && self.cx.channel == cx.channel
            && self.cx.peer == cx.peer
            && self.custodian == *read.custodian
            && self.patient.as_ref() == read.patient
            && self.action == read.action
            && self.ground == read.ground
            && self.subjects.len() + read.subjects.len() <= SUBJECTS_MAX
    }

    fn add(&mut self, cx: &Cx, read: &Read<'_>) {
        for key in read.subjects {
            self.subjects.add(key);
        }
        self.requests.push(cx.request.clone());
        self.last = self.last.max(cx.now);
    }

    fn draft(&self) -> AuditDraft {
        let entry = Entry {
            verb: Verb::Read,
            action: &self.action,
            subjects: &self.subjects.keys(),
            patient: self.patient.as_ref().map(|p| (&self.custodian, p)),
            ground: Some(self.ground),
            denied: false,
        };
        let requests: Vec<&str> = self.requests.iter().map(String::as_str).collect();
        self.cx
            .audit_of_several(&self.custodian, &entry, &requests, self.last)
    }
}

fn size(draft: &AuditDraft) -> usize {
    draft.body.reveal().len()
}

/// What makes reads alike, as a number. Two that share it are compared in full.
fn likeness(cx: &Cx, read: &Read<'_>) -> u64 {
    let mut hash = DefaultHasher::new();
    (&cx.actor.account, &cx.actor.hospital, cx.channel, &cx.peer).hash(&mut hash);
    (read.custodian, read.patient, read.action).hash(&mut hash);
    hash.finish()
}

impl Reads {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives the number of reads that wait now.
    fn push(&self, cx: &Cx, read: &Read<'_>) -> usize {
        let alike = likeness(cx, read);
        let mut waiting = self.waiting();
        waiting.count += 1;
        let open = waiting.open.get(&alike).copied();
        match open.and_then(|n| waiting.notes.get_mut(n)) {
            Some(note) if note.takes(cx, read) => note.add(cx, read),
            _ => {
                waiting.notes.push(Note::new(cx, read));
                let newest = waiting.notes.len() - 1;
                waiting.open.insert(alike, newest);
            }
        }
        waiting.count
    }

    fn take(&self) -> Waiting {
        std::mem::take(&mut *self.waiting())
    }

    fn put_back(&self, drafts: Vec<AuditDraft>) {
        self.waiting().drafts.extend(drafts);
    }

    /// Whether one more read may wait: the store may not have taken any for hours.
    fn has_room(&self) -> bool {
        self.waiting().drafts.len() < OWED_MAX
    }
}

impl App {
    /// Adds a read to the next batch. Fails when too many could not be written.
    pub(crate) async fn queue_read(&self, cx: &Cx, read: &Read<'_>) -> Result<(), AppError> {
        if !self.reads.has_room() {
            let why = "reads can no longer be written to the audit";
            return Err(AppError::Unavailable(why.into()));
        }
        if self.reads.push(cx, read) == WAITING_MAX {
            self.flush_reads().await?;
        }
        Ok(())
    }

    /// Writes what waits and gives the number of entries. Called each second, at shutdown, and before the audit is shown.
    pub async fn flush_reads(&self) -> Result<usize, AppError> {
        let waiting = self.reads.take();
        let (mut drafts, mut notes) = (waiting.drafts, waiting.notes.into_iter());
        let mut count = 0;
        loop {
            // Made a few at a time: they are larger than what they are made from, and requests go on in between.
            let mut bytes: usize = drafts.iter().map(size).sum();
            while drafts.len() < ENTRIES_MAX
                && bytes < BYTES_MAX
                && let Some(note) = notes.next()
            {
                let draft = note.draft();
                bytes += size(&draft);
                drafts.push(draft);
            }
            if drafts.is_empty() {
                return Ok(count);
            }
            let rest = drafts.split_off(drafts.len().min(ENTRIES_MAX));
            let mut batch = Batch::new(self.now());
            batch.audit.clone_from(&drafts);
            if let Err(e) = self.store.commit(batch).await {
                drafts.extend(rest);
                drafts.extend(notes.map(|n| n.draft()));
                self.reads.put_back(drafts);
                return Err(e.into());
            }
            count += drafts.len();
            drafts = rest;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_named_as_they_are_called() {
        let keys: Vec<RecordKey> = [
            (
                "yarqum",
                "Observation",
                "0193b4c8-7f00-7000-8000-00000000002a",
            ),
            (
                "yarqum",
                "Observation",
                "0193B4C8-7F00-7000-8000-00000000002A",
            ),
            ("yarqum", "Observation", "0193b4c87f0070008000000000000a2a"),
            ("yarqum", "Patient", "p-1"),
            ("qumtagh", "Patient", "p-1"),
            (
                "yarqum",
                "Observation",
                "0193b4c8-7f00-7000-8000-00000000002a",
            ),
        ]
        .map(|(h, k, id)| RecordKey::parse(h, k, id).unwrap())
        .into();
        let twice = keys.iter().flat_map(|k| [k, k]);
        assert_eq!(twice.collect::<Subjects>().keys(), keys);
    }
}
