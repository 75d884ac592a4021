//! One batch, written: preconditions, versions, index, lookups, blobs, policy, audit, feed. Runs inside a savepoint
//! of the writer; an error leaves nothing behind.

use rusqlite::{OptionalExtension, params};

use super::session::Session;
use super::{apply_policy, chain, images, index_rows};
use crate::prepare::{Content, Current, Next, Prepared, PreparedWrite};
use crate::sql::{micros, signed, unsigned};
use crate::{BlobRef, Committed, EventDraft, Lookup, StoreError};

pub(crate) fn apply(s: &mut Session, batch: &Prepared) -> Result<Committed, StoreError> {
    let at = micros(batch.at);
    let mut versions = Vec::with_capacity(batch.writes.len());
    let mut found_by = Vec::new();
    for w in &batch.writes {
        let done = write(s, w, at)?;
        versions.push(done.version);
        if let Content::Record { lookups, .. } = &w.content
            && !lookups.is_empty()
        {
            found_by.push((done, lookups));
        }
    }
    // After all writes: a value that one document gives up may be taken by another in the same batch.
    for (done, lookups) in &found_by {
        put_lookups(s, done, lookups)?;
    }
    let images = images::apply(s, &batch.images, at)?;
    for p in &batch.projections {
        apply_policy::project(s, p)?;
    }
    chain::append(s, &batch.audit, at)?;
    s.position += 1;
    s.at_us = s.at_us.max(at);
    for (i, e) in batch.events.iter().enumerate() {
        event(s, e, i, at)?;
    }
    Ok(Committed {
        position: s.position,
        versions,
        images,
    })
}

/// Where a write ended up.
struct Done {
    record: i64,
    hospital: i64,
    kind: i64,
    version: u64,
}

fn current(s: &Session, hospital: i64, kind: i64, id: &str) -> Result<Option<Current>, StoreError> {
    let found = s
        .conn
        .prepare_cached(
            "SELECT record, version, deleted, class, patient FROM record \
             WHERE hospital = ?1 AND kind = ?2 AND id = ?3",
        )?
        .query_row(params![hospital, kind, id], |r| {
            Ok(Current {
                record: r.get(0)?,
                version: unsigned(r.get(1)?),
                deleted: r.get(2)?,
                class: r.get(3)?,
                patient: r.get(4)?,
            })
        })
        .optional()?;
    Ok(found)
}

fn write(s: &mut Session, w: &PreparedWrite, at: i64) -> Result<Done, StoreError> {
    let hospital = s.hospital(&w.key.hospital)?;
    let kind = s.kind(&w.key.kind)?;
    let before = current(s, hospital, kind, w.key.id.as_str())?;
    let (record, version) = before.as_ref().map_or((0, 0), |c| (c.record, c.version));
    let mut done = Done {
        record,
        hospital,
        kind,
        version,
    };
    let Some(next) = w.onto(before.as_ref())? else {
        return Ok(done);
    };
    done.version = next.version;
    match &before {
        None => new_record(s, &mut done, w.key.id.as_str(), at, &next)?,
        Some(c) => {
            put_version(s, &done, at, &next)?;
            if !c.deleted {
                clear(s, &done)?;
            }
        }
    }
    if let Content::Record { index, .. } = &w.content {
        index_rows::put(s, done.record, hospital, kind, index)?;
    }
    for blob in &w.blobs {
        use_blob(s, &done, blob)?;
    }
    Ok(done)
}

fn new_record(
    s: &mut Session,
    done: &mut Done,
    id: &str,
    at: i64,
    next: &Next<'_>,
) -> Result<(), StoreError> {
    let row = s.next_version_row();
    done.record = s
        .conn
        .prepare_cached(
            "INSERT INTO record (hospital, kind, id, current, version, at, deleted, class, patient) \
             VALUES (?1, ?2, ?3, ?4, 1, ?5, 0, ?6, ?7)",
        )?
        .insert(params![
            done.hospital,
            done.kind,
            id,
            row,
            at,
            next.class,
            next.patient
        ])?;
    insert_version(s, row, done, at, next)
}

/// A further version of a record that is there.
fn put_version(s: &mut Session, done: &Done, at: i64, next: &Next<'_>) -> Result<(), StoreError> {
    let row = s.next_version_row();
    insert_version(s, row, done, at, next)?;
    s.conn
        .prepare_cached(
            "UPDATE record SET current = ?2, version = ?3, at = ?4, deleted = ?5, class = ?6, patient = ?7 \
             WHERE record = ?1",
        )?
        .execute(params![
            done.record,
            row,
            signed(done.version),
            at,
            next.deleted,
            next.class,
            next.patient
        ])?;
    Ok(())
}

fn insert_version(
    s: &Session,
    row: i64,
    done: &Done,
    at: i64,
    next: &Next<'_>,
) -> Result<(), StoreError> {
    s.conn
        .prepare_cached(
            "INSERT INTO version (row, record, version, at, deleted, class, patient, body) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![
            row,
            done.record,
            signed(done.version),
            at,
            next.deleted,
            next.class,
            next.patient,
            next.body.as_ref()
        ])?;
    Ok(())
}

/// Takes the old version out of everything it is found by.
fn clear(s: &Session, done: &Done) -> Result<(), StoreError> {
    if done.kind > 0 {
        return index_rows::clear(s, done.record);
    }
    s.conn
        .prepare_cached("DELETE FROM lookup WHERE record = ?1")?
        .execute([done.record])?;
    Ok(())
}

fn put_lookups(s: &Session, done: &Done, lookups: &[Lookup]) -> Result<(), StoreError> {
    for l in lookups {
        if l.unique {
            let taken: Option<i64> = s
                .conn
                .prepare_cached(
                    "SELECT record FROM lookup WHERE hospital = ?1 AND kind = ?2 AND name = ?3 AND value = ?4 \
                     AND only = 1 AND record <> ?5",
                )?
                .query_row(
                    params![done.hospital, done.kind, l.name, l.value, done.record],
                    |r| r.get(0),
                )
                .optional()?;
            if taken.is_some() {
                return Err(StoreError::Duplicate {
                    name: l.name.clone(),
                });
            }
        }
        s.conn
            .prepare_cached(
                "INSERT INTO lookup (hospital, kind, name, value, record, only) VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
                 ON CONFLICT DO UPDATE SET only = max(only, excluded.only)",
            )?
            .execute(params![
                done.hospital,
                done.kind,
                l.name,
                l.value,
                done.record,
                l.unique
            ])?;
    }
    Ok(())
}

/// Binds a blob to this version. It must have been put before: then its file is on disk and synced.
fn use_blob(s: &mut Session, done: &Done, blob: &BlobRef) -> Result<(), StoreError> {
    let hospital = s.hospital(&blob.hospital)?;
    let there: Option<i64> = s
        .conn
        .prepare_cached("SELECT 1 FROM blob WHERE hospital = ?1 AND address = ?2 AND erased = 0")?
        .query_row(params![hospital, blob.address], |r| r.get(0))
        .optional()?;
    if there.is_none() {
        return Err(StoreError::Internal(
            "a record refers to a blob that was not put".into(),
        ));
    }
    s.conn
        .prepare_cached(
            "INSERT INTO blob_use (hospital, address, record, version) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
        )?
        .execute(params![
            hospital,
            blob.address,
            done.record,
            signed(done.version)
        ])?;
    Ok(())
}

fn event(s: &mut Session, e: &EventDraft, ordinal: usize, at: i64) -> Result<(), StoreError> {
    let hospital = s.hospital(&e.hospital)?;
    let subject_hospital = s.hospital(&e.subject.hospital)?;
    let subject_kind = s.kind(&e.subject.kind)?;
    s.conn
        .prepare_cached(
            "INSERT INTO feed (position, ordinal, at, hospital, topic, subject_hospital, subject_kind, subject_id, data) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?
        .execute(params![
            signed(s.position),
            signed(ordinal as u64),
            at,
            hospital,
            e.topic,
            subject_hospital,
            subject_kind,
            e.subject.id.as_str(),
            e.data
        ])?;
    Ok(())
}
