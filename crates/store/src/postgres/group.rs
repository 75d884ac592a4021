//! A group of batches, decided in memory: what the database holds of the records in question is read at once, each
//! batch is tried on it in turn, and what the good ones change is written at once. The writer holds the turn of all
//! nodes meanwhile, so that nothing changes in between.

use std::collections::{HashMap, HashSet};

use kernel::RecordKey;

use super::changes::{Changes, Final, NewVersion};
use super::images::{self, Altered, Images};
use crate::prepare::{Content, Current, Next, Prepared, PreparedWrite};
use crate::sql::audit::Head;
use crate::sql::names::Names;
use crate::sql::policy::{self, Numbers};
use crate::sql::{micros, signed};
use crate::{BlobRef, Committed, Lookup, StoreError};
use crate::{ImageChange, ImageOutcome};

/// Hospital, kind, id.
pub(crate) type Key = (i64, i64, String);
/// Hospital, kind, name, value.
pub(crate) type Unique = (i64, i64, String, String);

/// What the database holds, as far as the group asks, and what the group has changed of it so far.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub position: u64,
    pub last_record: i64,
    pub last_row: i64,
    pub records: HashMap<Key, Current>,
    /// Who holds a unique value.
    pub holders: HashMap<Unique, i64>,
    /// Blobs that were put and not erased.
    pub blobs: HashSet<(i64, String)>,
    pub heads: HashMap<i64, Head>,
    pub images: Images,
}

/// The numbers of all names that the group uses: they were given before it began.
pub(crate) struct Known<'a>(pub &'a Names);

impl Numbers for Known<'_> {
    fn hospital(&mut self, id: &kernel::HospitalId) -> Result<i64, StoreError> {
        self.0.hospital(id.as_str()).ok_or_else(unnamed)
    }
    fn kind(&mut self, kind: &kernel::Kind) -> Result<i64, StoreError> {
        self.0.kind(kind.as_str()).ok_or_else(unnamed)
    }
}

impl Known<'_> {
    pub fn key(&mut self, key: &RecordKey) -> Result<Key, StoreError> {
        Ok((
            self.hospital(&key.hospital)?,
            self.kind(&key.kind)?,
            key.id.to_string(),
        ))
    }
}

fn unnamed() -> StoreError {
    StoreError::Internal("a name was given no number".into())
}

/// What one batch would change. Nothing of it counts before it is taken over.
struct Trial<'s, 'a> {
    state: &'s State,
    known: Known<'s>,
    position: u64,
    last_record: i64,
    last_row: i64,
    records: HashMap<Key, Current>,
    /// None: given up by its holder.
    holders: HashMap<Unique, Option<i64>>,
    heads: HashMap<i64, Head>,
    changes: Changes<'a>,
}

/// Tries one batch; when it holds, the state and the changes of the group have it in them.
pub(crate) fn apply<'a>(
    state: &mut State,
    group: &mut Changes<'a>,
    names: &Names,
    batch: &'a Prepared,
) -> Result<Committed, StoreError> {
    let mut trial = Trial {
        state,
        known: Known(names),
        position: state.position + 1,
        last_record: state.last_record,
        last_row: state.last_row,
        records: HashMap::new(),
        holders: HashMap::new(),
        heads: HashMap::new(),
        changes: Changes::default(),
    };
    let versions = trial.batch(batch, group)?;
    let (outcomes, images) = trial.images(batch)?;
    let position = trial.position;
    let Trial {
        last_record,
        last_row,
        records,
        holders,
        heads,
        changes,
        ..
    } = trial;
    state.position = position;
    state.last_record = last_record;
    state.last_row = last_row;
    state.records.extend(records);
    state.heads.extend(heads);
    for (unique, holder) in holders {
        match holder {
            Some(record) => state.holders.insert(unique, record),
            None => state.holders.remove(&unique),
        };
    }
    state.images.extend(images);
    group.take(changes);
    Ok(Committed {
        position,
        versions,
        images: outcomes,
    })
}

/// Where a write ended up.
struct Done {
    record: i64,
    hospital: i64,
    kind: i64,
    version: u64,
}

impl<'a> Trial<'_, 'a> {
    fn batch(&mut self, batch: &'a Prepared, group: &Changes<'a>) -> Result<Vec<u64>, StoreError> {
        let at = micros(batch.at);
        let mut versions = Vec::with_capacity(batch.writes.len());
        let mut found_by = Vec::new();
        for w in &batch.writes {
            let done = self.write(w, at, group)?;
            versions.push(done.version);
            if let Content::Record { lookups, .. } = &w.content
                && !lookups.is_empty()
            {
                found_by.push((done, lookups));
            }
        }
        // After all writes: a value that one document gives up may be taken by another in the same batch.
        for (done, lookups) in &found_by {
            self.put_lookups(done, lookups)?;
        }
        for p in &batch.projections {
            let change = policy::project(p, &mut self.known)?;
            self.changes.policy.push(change);
        }
        for draft in &batch.audit {
            let chain = self.known.hospital(&draft.chain)?;
            let before = self.heads.get(&chain).or(self.state.heads.get(&chain));
            let head = before.copied().unwrap_or(Head::START).next(draft, at);
            self.heads.insert(chain, head);
            self.changes.audit.push((chain, head, draft));
        }
        for (ordinal, event) in batch.events.iter().enumerate() {
            let hospital = self.known.hospital(&event.hospital)?;
            let (subject_hospital, subject_kind, _) = self.known.key(&event.subject)?;
            self.changes.events.push(super::changes::Fed {
                position: signed(self.position),
                ordinal: signed(ordinal as u64),
                at,
                hospital,
                subject_hospital,
                subject_kind,
                event,
            });
        }
        Ok(versions)
    }

    /// What becomes of the batch's images, after its records.
    fn images(&mut self, batch: &'a Prepared) -> Result<(Vec<ImageOutcome>, Images), StoreError> {
        let at = micros(batch.at);
        let mut trial = images::Trial {
            before: &self.state.images,
            now: Images::default(),
            last_row: self.last_row,
        };
        let mut outcomes = Vec::with_capacity(batch.images.len());
        for change in &batch.images {
            let key = self.known.key(change.study())?;
            let gone = || StoreError::Precondition {
                key: change.study().clone(),
                found: None,
            };
            let standing = self.current(&key).filter(|c| !c.deleted);
            let record = standing.ok_or_else(gone)?.record;
            let outcome = match change {
                ImageChange::Keep(write) => {
                    let (outcome, new) = trial.keep(write, key.0, record, at)?;
                    self.changes.images.extend(new);
                    outcome
                }
                ImageChange::Quiet { at, .. } => {
                    let at = micros(*at);
                    self.changes.altered.push(Altered::Quiet { record, at });
                    ImageOutcome::Changed
                }
                ImageChange::Waiting { waiting, .. } => {
                    let waiting = *waiting;
                    self.changes
                        .altered
                        .push(Altered::Waiting { record, waiting });
                    ImageOutcome::Changed
                }
                ImageChange::Stand {
                    instance, standing, ..
                } => {
                    self.changes.altered.push(Altered::Stand {
                        record,
                        instance: *instance,
                        standing: standing.number(),
                    });
                    ImageOutcome::Changed
                }
            };
            outcomes.push(outcome);
        }
        self.last_row = trial.last_row;
        Ok((outcomes, trial.now))
    }

    fn current(&self, key: &Key) -> Option<&Current> {
        self.records
            .get(key)
            .or_else(|| self.state.records.get(key))
    }

    fn write(
        &mut self,
        w: &'a PreparedWrite,
        at: i64,
        group: &Changes<'a>,
    ) -> Result<Done, StoreError> {
        let key = self.known.key(&w.key)?;
        let before = self.current(&key).cloned();
        let (record, version) = match &before {
            Some(c) => (c.record, c.version),
            None => (self.last_record + 1, 0),
        };
        let mut done = Done {
            record,
            hospital: key.0,
            kind: key.1,
            version,
        };
        let Some(next) = w.onto(before.as_ref())? else {
            return Ok(done);
        };
        done.version = next.version;
        if before.is_none() {
            self.last_record = record;
        }
        if before.as_ref().is_some_and(|c| !c.deleted) {
            self.clear(&done);
        }
        let is_new = before.is_none() || self.changes.is_new(record) || group.is_new(record);
        self.put_version(key, &done, &next, at, is_new);
        if let Content::Record { index, .. } = &w.content
            && !index.is_empty()
        {
            self.changes
                .index
                .insert(record, (done.hospital, done.kind, index.as_slice()));
        }
        for blob in &w.blobs {
            self.use_blob(&done, blob)?;
        }
        Ok(done)
    }

    /// A further version, which the record then stands at.
    fn put_version(&mut self, key: Key, done: &Done, next: &Next<'_>, at: i64, is_new: bool) {
        self.last_row += 1;
        let current = Current {
            record: done.record,
            version: next.version,
            deleted: next.deleted,
            class: next.class,
            patient: next.patient.map(str::to_owned),
        };
        self.changes.versions.push(NewVersion {
            row: self.last_row,
            record: done.record,
            hospital: done.hospital,
            at,
            current: current.clone(),
            body: next.body.clone(),
        });
        self.changes.records.insert(
            done.record,
            Final {
                key: key.clone(),
                is_new,
                row: self.last_row,
                at,
                current: current.clone(),
            },
        );
        self.records.insert(key, current);
    }

    /// Binds a blob to this version. It must have been put before: then its file is on disk and synced.
    fn use_blob(&mut self, done: &Done, blob: &'a BlobRef) -> Result<(), StoreError> {
        let hospital = self.known.hospital(&blob.hospital)?;
        if !self.state.blobs.contains(&(hospital, blob.address.clone())) {
            return Err(StoreError::Internal(
                "a record refers to a blob that was not put".into(),
            ));
        }
        self.changes.blob_uses.push((
            hospital,
            blob.address.as_str(),
            done.record,
            signed(done.version),
        ));
        Ok(())
    }

    /// Takes the old version out of everything it is found by.
    fn clear(&mut self, done: &Done) {
        if done.kind > 0 {
            self.changes.cleared_index.insert(done.record);
            self.changes.index.remove(&done.record);
            return;
        }
        self.changes.cleared_lookups.insert(done.record);
        let mine =
            |(unique, holder): (&Unique, i64)| (holder == done.record).then(|| unique.clone());
        let given_up: Vec<Unique> = self
            .state
            .holders
            .iter()
            .filter_map(|(u, h)| mine((u, *h)))
            .chain(self.holders.iter().filter_map(|(u, h)| mine((u, (*h)?))))
            .collect();
        for unique in given_up {
            self.holders.insert(unique, None);
        }
        self.changes.lookups.remove(&done.record);
    }

    fn put_lookups(&mut self, done: &Done, lookups: &'a [Lookup]) -> Result<(), StoreError> {
        for l in lookups {
            if l.unique {
                let unique = (done.hospital, done.kind, l.name.clone(), l.value.clone());
                let holder = match self.holders.get(&unique) {
                    Some(changed) => *changed,
                    None => self.state.holders.get(&unique).copied(),
                };
                if holder.is_some_and(|h| h != done.record) {
                    return Err(StoreError::Duplicate {
                        name: l.name.clone(),
                    });
                }
                self.holders.insert(unique, Some(done.record));
            }
            self.changes.lookups.entry(done.record).or_default().push((
                done.hospital,
                done.kind,
                l,
            ));
        }
        Ok(())
    }
}
