//! The audit chains: one per hospital, each entry's hash covering the one before it.

use bytes::Bytes;
use kernel::{AccountId, HospitalId, Phi, ResourceId};
use rusqlite::{Connection, OptionalExtension, params};

use super::session::Session;
use super::sql::{Binds, instant, micros, signed, unsigned};
use crate::{
    AuditDraft, AuditFilter, AuditPage, AuditRecord, ChainReport, Checkpoint, StoreError, chained,
};

struct Head {
    number: u64,
    at: i64,
    hash: [u8; 32],
}

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

/// Adds one entry to its chain.
pub(crate) fn append(s: &mut Session, draft: &AuditDraft, at: i64) -> Result<(), StoreError> {
    let chain = s.hospital(&draft.chain)?;
    let (before, prev) =
        head(&s.conn, chain)?.map_or((0, seal::CHAIN_START), |h| (h.number, h.hash));
    let number = before + 1;
    let hash = chained::next(
        prev,
        &chained::Entry {
            number,
            at_us: at,
            account: draft.account.as_ref().map(AsRef::as_ref),
            patient: draft.patient.as_ref().map(AsRef::as_ref),
            action: &draft.action,
            body: draft.body.reveal(),
        },
    );
    s.conn
        .prepare_cached(
            "INSERT INTO audit (chain, number, at, account, patient, action, body, hash) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![
            chain,
            signed(number),
            at,
            draft.account.as_ref().map(AccountId::as_str),
            draft.patient.as_ref().map(ResourceId::as_str),
            draft.action,
            draft.body.reveal().as_ref(),
            hash
        ])?;
    s.conn
        .prepare_cached(
            "INSERT INTO audit_head (chain, number, at, hash) VALUES (?1, ?2, ?3, ?4) \
             ON CONFLICT (chain) DO UPDATE SET number = excluded.number, at = excluded.at, hash = excluded.hash",
        )?
        .execute(params![chain, signed(number), at, hash])?;
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
    Ok(head(conn, n)?.map(|h| Checkpoint {
        chain: chain.clone(),
        number: h.number,
        hash: h.hash,
        at: instant(h.at),
    }))
}

/// A page of a chain, newest first.
pub(crate) fn page(
    conn: &Connection,
    chain: &HospitalId,
    filter: &AuditFilter,
) -> Result<AuditPage, StoreError> {
    let mut binds = Binds::default();
    let mut text = format!(
        "SELECT number, at, account, patient, action, body, hash FROM audit WHERE chain = {}",
        binds.hospital(chain.as_str())
    );
    let mut and = |column: &str, op: &str, value: Option<rusqlite::types::Value>| {
        if let Some(v) = value {
            let v = binds.bind(v);
            text.push_str(&format!(" AND {column} {op} {v}"));
        }
    };
    and(
        "account",
        "=",
        filter
            .account
            .as_ref()
            .map(|a| a.as_str().to_owned().into()),
    );
    and(
        "patient",
        "=",
        filter
            .patient
            .as_ref()
            .map(|p| p.as_str().to_owned().into()),
    );
    and("action", "=", filter.action.clone().map(Into::into));
    and("at", ">=", filter.from.map(|t| micros(t).into()));
    and("at", "<", filter.until.map(|t| micros(t).into()));
    and("number", "<", filter.before.map(|n| signed(n).into()));
    let limit = filter.limit.clamp(1, kernel::limits::PAGE_SIZE_MAX);
    text.push_str(&format!(" ORDER BY number DESC LIMIT {}", limit + 1));
    let mut st = conn.prepare_cached(&text)?;
    let mut rows = st.query(rusqlite::params_from_iter(binds.0))?;
    let mut page = AuditPage::default();
    while let Some(r) = rows.next()? {
        if page.records.len() == limit as usize {
            page.next = page.records.last().map(|last: &AuditRecord| last.number);
            break;
        }
        page.records.push(record(chain, r)?);
    }
    Ok(page)
}

fn record(chain: &HospitalId, r: &rusqlite::Row<'_>) -> Result<AuditRecord, StoreError> {
    let bad = |_| StoreError::Damaged("an audit entry names no valid id".into());
    let account: Option<String> = r.get(2)?;
    let patient: Option<String> = r.get(3)?;
    Ok(AuditRecord {
        chain: chain.clone(),
        number: unsigned(r.get(0)?),
        at: instant(r.get(1)?),
        account: account.map(AccountId::new).transpose().map_err(bad)?,
        patient: patient.map(ResourceId::new).transpose().map_err(bad)?,
        action: r.get(4)?,
        body: Phi::new(Bytes::from(r.get::<_, Vec<u8>>(5)?)),
        hash: r.get(6)?,
    })
}

/// Recomputes the chain from its first entry, and compares its end with the head.
pub(crate) fn verify(conn: &Connection, chain: &HospitalId) -> Result<ChainReport, StoreError> {
    let mut report = ChainReport {
        chain: chain.clone(),
        entries: 0,
        broken_at: None,
        head: seal::CHAIN_START,
    };
    let Some(n) = chain_number(conn, chain)? else {
        return Ok(report);
    };
    let mut st = conn.prepare_cached(
        "SELECT number, at, account, patient, action, body, hash FROM audit WHERE chain = ?1 ORDER BY number",
    )?;
    let mut rows = st.query([n])?;
    while let Some(r) = rows.next()? {
        let expected = report.entries + 1;
        let Some(hash) = recomputed(r, report.head, expected) else {
            report.broken_at = Some(expected);
            return Ok(report);
        };
        report.entries = expected;
        report.head = hash;
    }
    let stands = head(conn, n)?.map_or((0, seal::CHAIN_START), |h| (h.number, h.hash));
    if stands != (report.entries, report.head) {
        // Entries were cut off at the end.
        report.broken_at = Some(report.entries + 1);
    }
    Ok(report)
}

/// The hash of the entry in this row, if the row has the expected number and that hash. A value of another type than
/// was written is an edit like any other.
fn recomputed(r: &rusqlite::Row<'_>, prev: [u8; 32], expected: u64) -> Option<[u8; 32]> {
    let hash = chained::next(
        prev,
        &chained::Entry {
            number: expected,
            at_us: r.get(1).ok()?,
            account: r.get_ref(2).ok()?.as_str_or_null().ok()?,
            patient: r.get_ref(3).ok()?.as_str_or_null().ok()?,
            action: r.get_ref(4).ok()?.as_str().ok()?,
            body: r.get_ref(5).ok()?.as_bytes().ok()?,
        },
    );
    let stands =
        r.get::<_, i64>(0).ok()? == signed(expected) && r.get::<_, [u8; 32]>(6).ok()? == hash;
    stands.then_some(hash)
}
