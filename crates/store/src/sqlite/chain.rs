//! The audit chains in SQLite.

use kernel::{AccountId, HospitalId, ResourceId};
use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter};

use super::session::Session;
use crate::sql::audit::{self, Head, Verifier};
use crate::sql::{Dialect, signed, unsigned};
use crate::{AuditDraft, AuditFilter, AuditPage, ChainReport, Checkpoint, StoreError, chained};

fn head(conn: &Connection, chain: i64) -> Result<Option<Head>, StoreError> {
    let found = conn
        .prepare_cached("SELECT number, at, hash FROM audit_head WHERE chain = ?1")?
        .query_row([chain], |r| {
            Ok(Head {
                number: unsigned(r.get(0)?),
                at: r.get(1)?,
                hash: r.get(2)?,
            })
        })
        .optional()?;
    Ok(found)
}

/// Adds the entries of a batch to their chains. Each chain's head is read and written once.
pub(crate) fn append(s: &mut Session, drafts: &[AuditDraft], at: i64) -> Result<(), StoreError> {
    let mut heads: Vec<(i64, Head)> = Vec::with_capacity(2);
    for draft in drafts {
        let chain = s.hospital(&draft.chain)?;
        let known = heads.iter().position(|(c, _)| *c == chain);
        let before = match known.and_then(|n| heads.get(n)) {
            Some((_, head)) => *head,
            None => head(&s.conn, chain)?.unwrap_or(Head::START),
        };
        let head = before.next(draft, at);
        put(s, chain, draft, &head)?;
        match known.and_then(|n| heads.get_mut(n)) {
            Some((_, newest)) => *newest = head,
            None => heads.push((chain, head)),
        }
    }
    for (chain, head) in &heads {
        s.conn
            .prepare_cached(
                "INSERT INTO audit_head (chain, number, at, hash) VALUES (?1, ?2, ?3, ?4) \
                 ON CONFLICT (chain) DO UPDATE SET number = excluded.number, at = excluded.at, hash = excluded.hash",
            )?
            .execute(params![chain, signed(head.number), head.at, head.hash])?;
    }
    Ok(())
}

fn put(s: &Session, chain: i64, draft: &AuditDraft, head: &Head) -> Result<(), StoreError> {
    s.conn
        .prepare_cached(
            "INSERT INTO audit (chain, number, at, account, patient, action, body, hash) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![
            chain,
            signed(head.number),
            head.at,
            draft.account.as_ref().map(AccountId::as_str),
            draft.patient.as_ref().map(ResourceId::as_str),
            draft.action,
            draft.body.reveal().as_ref(),
            head.hash
        ])?;
    Ok(())
}

fn chain_number(conn: &Connection, chain: &HospitalId) -> Result<Option<i64>, StoreError> {
    let found = conn
        .prepare_cached("SELECT num FROM hospital WHERE name = ?1")?
        .query_row([chain.as_str()], |r| r.get(0))
        .optional()?;
    Ok(found)
}

pub(crate) fn checkpoint(
    conn: &Connection,
    chain: &HospitalId,
) -> Result<Option<Checkpoint>, StoreError> {
    let Some(n) = chain_number(conn, chain)? else {
        return Ok(None);
    };
    Ok(head(conn, n)?.map(|h| h.checkpoint(chain)))
}

/// A page of a chain, newest first.
pub(crate) fn page(
    conn: &Connection,
    chain: &HospitalId,
    filter: &AuditFilter,
) -> Result<AuditPage, StoreError> {
    let st = audit::page(&Dialect::Sqlite, chain, filter);
    let mut prepared = conn.prepare_cached(&st.text)?;
    let mut rows = prepared.query(params_from_iter(st.values))?;
    let mut records = Vec::new();
    while let Some(r) = rows.next()? {
        let row = audit::Row {
            number: r.get(0)?,
            at: r.get(1)?,
            account: r.get(2)?,
            patient: r.get(3)?,
            action: r.get(4)?,
            body: r.get(5)?,
            hash: r.get(6)?,
        };
        records.push(row.record(chain)?);
    }
    Ok(audit::paged(records, filter))
}

/// Recomputes the chain from its first entry, and compares its end with the head.
pub(crate) fn verify(conn: &Connection, chain: &HospitalId) -> Result<ChainReport, StoreError> {
    let mut verifier = Verifier::new(chain);
    let Some(n) = chain_number(conn, chain)? else {
        return Ok(verifier.done(None));
    };
    let mut st = conn.prepare_cached(&format!(
        "SELECT {} FROM audit WHERE chain = ?1 ORDER BY number",
        audit::COLUMNS
    ))?;
    let mut rows = st.query([n])?;
    while let Some(r) = rows.next()? {
        if !take(&mut verifier, r) {
            break;
        }
    }
    Ok(verifier.done(head(conn, n)?))
}

fn take(verifier: &mut Verifier, r: &Row<'_>) -> bool {
    let entry = (|| {
        let entry = chained::Entry {
            number: verifier.expected(),
            at_us: r.get(1).ok()?,
            account: r.get_ref(2).ok()?.as_str_or_null().ok()?,
            patient: r.get_ref(3).ok()?.as_str_or_null().ok()?,
            action: r.get_ref(4).ok()?.as_str().ok()?,
            body: r.get_ref(5).ok()?.as_bytes().ok()?,
        };
        Some((
            r.get::<_, i64>(0).ok()?,
            entry,
            r.get_ref(6).ok()?.as_blob().ok()?,
        ))
    })();
    verifier.take(entry.as_ref().map(|(n, e, h)| (*n, e, *h)))
}
