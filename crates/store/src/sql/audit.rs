//! The audit chains: one per hospital, each entry's hash covering the one before it.

use bytes::Bytes;
use kernel::{AccountId, HospitalId, Phi, ResourceId};

use super::{Dialect, Statement, Value, instant, micros, signed, unsigned};
use crate::{
    AuditDraft, AuditFilter, AuditPage, AuditRecord, ChainReport, Checkpoint, StoreError, chained,
};

/// The columns of [`Row`].
pub(crate) const COLUMNS: &str = "number, at, account, patient, action, body, hash";

/// One stored entry.
pub(crate) struct Row {
    pub number: i64,
    pub at: i64,
    pub account: Option<String>,
    pub patient: Option<String>,
    pub action: String,
    pub body: Vec<u8>,
    pub hash: Vec<u8>,
}

impl Row {
    pub fn record(self, chain: &HospitalId) -> Result<AuditRecord, StoreError> {
        let bad = |_| StoreError::Damaged("an audit entry names no valid id".into());
        Ok(AuditRecord {
            chain: chain.clone(),
            number: unsigned(self.number),
            at: instant(self.at),
            account: self.account.map(AccountId::new).transpose().map_err(bad)?,
            patient: self.patient.map(ResourceId::new).transpose().map_err(bad)?,
            action: self.action,
            body: Phi::new(Bytes::from(self.body)),
            hash: self
                .hash
                .try_into()
                .map_err(|_| StoreError::Damaged("an audit entry's hash is cut".into()))?,
        })
    }
}

/// The last entry of a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    pub number: u64,
    pub at: i64,
    pub hash: [u8; 32],
}

impl Head {
    /// Where a chain without entries stands.
    pub const START: Self = Self {
        number: 0,
        at: 0,
        hash: seal::CHAIN_START,
    };

    /// The head after one more entry.
    pub fn next(&self, draft: &AuditDraft, at: i64) -> Self {
        let number = self.number + 1;
        let hash = chained::next(
            self.hash,
            &chained::Entry {
                number,
                at_us: at,
                account: draft.account.as_ref().map(AsRef::as_ref),
                patient: draft.patient.as_ref().map(AsRef::as_ref),
                action: &draft.action,
                body: draft.body.reveal(),
            },
        );
        Self { number, at, hash }
    }

    pub fn checkpoint(&self, chain: &HospitalId) -> Checkpoint {
        Checkpoint {
            chain: chain.clone(),
            number: self.number,
            hash: self.hash,
            at: instant(self.at),
        }
    }
}

/// How many entries a page holds.
pub(crate) fn page_size(filter: &AuditFilter) -> usize {
    filter.limit.clamp(1, kernel::limits::PAGE_SIZE_MAX) as usize
}

/// A page of a chain, newest first, and one entry more.
pub(crate) fn page(dialect: &Dialect, chain: &HospitalId, filter: &AuditFilter) -> Statement {
    let mut binds = dialect.binds();
    let mut text = format!(
        "SELECT {COLUMNS} FROM audit WHERE chain = {}",
        binds.hospital(chain.as_str())
    );
    let conditions: [(&str, &str, Option<Value>); 6] = [
        (
            "account",
            "=",
            filter.account.as_ref().map(|a| a.as_str().into()),
        ),
        (
            "patient",
            "=",
            filter.patient.as_ref().map(|p| p.as_str().into()),
        ),
        ("action", "=", filter.action.clone().map(Into::into)),
        ("at", ">=", filter.from.map(|t| micros(t).into())),
        ("at", "<", filter.until.map(|t| micros(t).into())),
        ("number", "<", filter.before.map(|n| signed(n).into())),
    ];
    for (column, op, value) in conditions {
        if let Some(v) = value {
            text.push_str(&format!(" AND {column} {op} {}", binds.bind(v)));
        }
    }
    text.push_str(&format!(
        " ORDER BY number DESC LIMIT {}",
        page_size(filter) + 1
    ));
    binds.statement(text)
}

/// Cuts the entry beyond the page off again.
pub(crate) fn paged(mut records: Vec<AuditRecord>, filter: &AuditFilter) -> AuditPage {
    let size = page_size(filter);
    let more = records.len() > size;
    records.truncate(size);
    let last = records.last().map(|r| r.number);
    AuditPage {
        records,
        next: last.filter(|_| more),
    }
}

/// Recomputes a chain, entry by entry in order.
pub(crate) struct Verifier {
    report: ChainReport,
}

impl Verifier {
    pub fn new(chain: &HospitalId) -> Self {
        Self {
            report: ChainReport {
                chain: chain.clone(),
                entries: 0,
                broken_at: None,
                head: seal::CHAIN_START,
            },
        }
    }

    /// The number the next entry must have.
    pub const fn expected(&self) -> u64 {
        self.report.entries + 1
    }

    /// Takes the next entry; false when it does not verify, and then there is no need to go on. `None`: a value of
    /// another type than was written, which is an edit like any other.
    pub fn take(&mut self, entry: Option<(i64, &chained::Entry<'_>, &[u8])>) -> bool {
        let expected = self.expected();
        if let Some((number, entry, hash)) = entry {
            let computed = chained::next(
                self.report.head,
                &chained::Entry {
                    number: expected,
                    ..*entry
                },
            );
            if number == signed(expected) && hash == computed {
                self.report.entries = expected;
                self.report.head = computed;
                return true;
            }
        }
        self.report.broken_at = Some(expected);
        false
    }

    /// Compares the end with the head: entries may have been cut off.
    pub fn done(mut self, head: Option<Head>) -> ChainReport {
        let r = &mut self.report;
        if r.broken_at.is_none() {
            let stands = head.map_or((0, seal::CHAIN_START), |h| (h.number, h.hash));
            if stands != (r.entries, r.head) {
                r.broken_at = Some(r.entries + 1);
            }
        }
        self.report
    }
}
