//! What a group changes, and the statements that write it: each table's rows in one go.

use std::collections::{HashMap, HashSet};

use bytes::Bytes;
use fhir::index::IndexEntry;

use super::group::{Key, State};
use super::images::{self, Altered, NewObject};
use super::rows::{Bulk, Cell, Holds, Rows};
use crate::prepare::Current;
use crate::sql::audit::Head;
use crate::sql::index::{self, PLACE, TABLES};
use crate::sql::names::Names;
use crate::sql::policy::Replace;
use crate::sql::{Value, signed};
use crate::{AuditDraft, EventDraft, Lookup, StoreError};

use Holds::{Bytes as Bin, Int, Real, Text};

/// A version to be kept.
#[derive(Debug)]
pub(crate) struct NewVersion {
    pub row: i64,
    pub record: i64,
    pub hospital: i64,
    pub at: i64,
    pub current: Current,
    pub body: Bytes,
}

/// How a record stands after the group.
#[derive(Debug)]
pub(crate) struct Final {
    pub key: Key,
    pub is_new: bool,
    pub row: i64,
    pub at: i64,
    pub current: Current,
}

/// An event with the numbers of its names.
#[derive(Debug)]
pub(crate) struct Fed<'a> {
    pub position: i64,
    pub ordinal: i64,
    pub at: i64,
    pub hospital: i64,
    pub subject_hospital: i64,
    pub subject_kind: i64,
    pub event: &'a EventDraft,
}

#[derive(Debug, Default)]
pub(crate) struct Changes<'a> {
    pub records: HashMap<i64, Final>,
    pub versions: Vec<NewVersion>,
    /// Records whose stored index or lookups go.
    pub cleared_index: HashSet<i64>,
    pub cleared_lookups: HashSet<i64>,
    /// Hospital, kind and entries of the newest version.
    pub index: HashMap<i64, (i64, i64, &'a [IndexEntry])>,
    pub lookups: HashMap<i64, Vec<(i64, i64, &'a Lookup)>>,
    /// Hospital, address, record, version.
    pub blob_uses: Vec<(i64, &'a str, i64, i64)>,
    pub policy: Vec<Replace>,
    pub audit: Vec<(i64, Head, &'a AuditDraft)>,
    pub events: Vec<Fed<'a>>,
    pub images: Vec<NewObject<'a>>,
    pub altered: Vec<Altered>,
}

/// What a record and its version say alike.
const STATE: [(&str, Holds); 5] = [
    ("version", Int),
    ("at", Int),
    ("deleted", Int),
    ("class", Int),
    ("patient", Text),
];

/// The values of [`STATE`].
fn state(current: &Current, at: i64) -> [Cell; 5] {
    [
        signed(current.version).into(),
        at.into(),
        i64::from(current.deleted).into(),
        current.class.into(),
        current.patient.as_deref().into(),
    ]
}

impl Changes<'_> {
    pub fn is_new(&self, record: i64) -> bool {
        self.records.get(&record).is_some_and(|r| r.is_new)
    }
}

impl<'a> Changes<'a> {
    /// Adds those of a further batch.
    pub fn take(&mut self, later: Self) {
        for record in &later.cleared_index {
            self.index.remove(record);
        }
        for record in &later.cleared_lookups {
            self.lookups.remove(record);
        }
        self.records.extend(later.records);
        self.versions.extend(later.versions);
        self.cleared_index.extend(later.cleared_index);
        self.cleared_lookups.extend(later.cleared_lookups);
        self.index.extend(later.index);
        self.lookups.extend(later.lookups);
        self.blob_uses.extend(later.blob_uses);
        self.policy.extend(later.policy);
        self.audit.extend(later.audit);
        self.events.extend(later.events);
        self.images.extend(later.images);
        self.altered.extend(later.altered);
    }

    /// The statements, in the order in which they must run.
    pub fn statements(self, state: &State, names: &Names) -> Result<Vec<Bulk>, StoreError> {
        let mut out = Vec::new();
        self.records(&mut out);
        self.index(names, &mut out)?;
        self.lookups(&mut out);
        self.uses(&mut out);
        images::statements(&self.images, &self.altered, &mut out);
        self.chains(&mut out);
        self.feed(&mut out);
        out.extend(counters(state));
        for change in self.policy {
            policy(change, &mut out);
        }
        Ok(out)
    }

    fn records(&self, out: &mut Vec<Bulk>) {
        let key = [
            ("record", Int),
            ("hospital", Int),
            ("kind", Int),
            ("id", Text),
        ];
        let mut new = Rows::new(&[&key[..], &[("current", Int)], &STATE].concat());
        let mut old = Rows::new(&[&[("record", Int), ("current", Int)][..], &STATE].concat());
        for (record, f) in &self.records {
            let stands = [Cell::from(f.row)]
                .into_iter()
                .chain(state(&f.current, f.at));
            if f.is_new {
                let (hospital, kind, id) = &f.key;
                let key: [Cell; 4] = [
                    (*record).into(),
                    (*hospital).into(),
                    (*kind).into(),
                    id.as_str().into(),
                ];
                new.push(key.into_iter().chain(stands));
            } else {
                old.push([Cell::from(*record)].into_iter().chain(stands));
            }
        }
        out.extend(Bulk::insert("record", new, ""));
        out.extend(Bulk::update("record", old));
        let place = [("row", Int), ("record", Int), ("hospital", Int)];
        let mut versions = Rows::new(&[&place[..], &STATE, &[("body", Bin)]].concat());
        for v in &self.versions {
            let place: [Cell; 3] = [v.row.into(), v.record.into(), v.hospital.into()];
            let body = [Cell::from(v.body.clone())];
            versions.push(place.into_iter().chain(state(&v.current, v.at)).chain(body));
        }
        out.extend(Bulk::insert("version", versions, ""));
    }

    fn index(&self, names: &Names, out: &mut Vec<Bulk>) -> Result<(), StoreError> {
        for table in TABLES {
            out.extend(Bulk::delete(table.name, numbers(&self.cleared_index)));
        }
        let mut all: Vec<Rows> = TABLES
            .iter()
            .map(|t| {
                let place = PLACE.iter().map(|c| (*c, Int));
                let value = t.columns.iter().map(|c| (*c, holds(t.name, c)));
                Rows::new(&place.chain(value).collect::<Vec<_>>())
            })
            .collect();
        for (record, (hospital, kind, entries)) in &self.index {
            let patient = index::patient(entries);
            for (seq, e) in entries.iter().enumerate() {
                let param = names.param(e.param.code()).ok_or_else(|| {
                    StoreError::Internal("a search parameter was given no number".into())
                })?;
                let place = index::place(*record, param, seq, *hospital, *kind, e);
                let row = index::Row::of(e, patient);
                if let Some(rows) = all.get_mut(row.table) {
                    let place = place.into_iter().map(Cell::from);
                    rows.push(place.chain(row.parts().map(Cell::from)));
                }
            }
        }
        for (table, rows) in TABLES.iter().zip(all) {
            out.extend(Bulk::insert(table.name, rows, ""));
        }
        Ok(())
    }

    fn lookups(&self, out: &mut Vec<Bulk>) {
        out.extend(Bulk::delete("lookup", numbers(&self.cleared_lookups)));
        let mut rows = Rows::new(&[
            ("hospital", Int),
            ("kind", Int),
            ("name", Text),
            ("value", Text),
            ("record", Int),
            ("\"only\"", Int),
        ]);
        for (record, lookups) in &self.lookups {
            // The same twice is kept once, and is unique if either is.
            let mut seen: HashMap<(i64, i64, &str, &str), bool> = HashMap::new();
            for (hospital, kind, l) in lookups {
                *seen
                    .entry((*hospital, *kind, &l.name, &l.value))
                    .or_default() |= l.unique;
            }
            for ((hospital, kind, name, value), only) in seen {
                rows.push([
                    hospital.into(),
                    kind.into(),
                    Value::from(name).into(),
                    Value::from(value).into(),
                    (*record).into(),
                    i64::from(only).into(),
                ]);
            }
        }
        let rest = "ON CONFLICT (hospital, kind, name, value, record) DO UPDATE SET \
                    \"only\" = greatest(lookup.\"only\", excluded.\"only\")";
        out.extend(Bulk::insert("lookup", rows, rest));
    }

    fn uses(&self, out: &mut Vec<Bulk>) {
        let mut rows = Rows::new(&[
            ("hospital", Int),
            ("address", Text),
            ("record", Int),
            ("version", Int),
        ]);
        for (hospital, address, record, version) in &self.blob_uses {
            rows.push([
                (*hospital).into(),
                (*address).into(),
                (*record).into(),
                (*version).into(),
            ]);
        }
        out.extend(Bulk::insert("blob_use", rows, "ON CONFLICT DO NOTHING"));
    }

    fn chains(&self, out: &mut Vec<Bulk>) {
        let mut entries = Rows::new(&[
            ("chain", Int),
            ("number", Int),
            ("at", Int),
            ("account", Text),
            ("patient", Text),
            ("action", Text),
            ("body", Bin),
            ("hash", Bin),
        ]);
        let mut last: HashMap<i64, &Head> = HashMap::new();
        for (chain, head, draft) in &self.audit {
            entries.push([
                (*chain).into(),
                signed(head.number).into(),
                head.at.into(),
                draft.account.as_ref().map(AsRef::<str>::as_ref).into(),
                draft.patient.as_ref().map(AsRef::<str>::as_ref).into(),
                draft.action.as_str().into(),
                draft.body.reveal().clone().into(),
                hash(head),
            ]);
            last.insert(*chain, head);
        }
        out.extend(Bulk::insert("audit", entries, ""));
        let mut heads = Rows::new(&[("chain", Int), ("number", Int), ("at", Int), ("hash", Bin)]);
        for (chain, head) in last {
            heads.push([
                chain.into(),
                signed(head.number).into(),
                head.at.into(),
                hash(head),
            ]);
        }
        let rest = "ON CONFLICT (chain) DO UPDATE SET number = excluded.number, at = excluded.at, hash = excluded.hash";
        out.extend(Bulk::insert("audit_head", heads, rest));
    }

    fn feed(&self, out: &mut Vec<Bulk>) {
        let mut rows = Rows::new(&[
            ("position", Int),
            ("ordinal", Int),
            ("at", Int),
            ("hospital", Int),
            ("topic", Text),
            ("subject_hospital", Int),
            ("subject_kind", Int),
            ("subject_id", Text),
            ("data", Text),
        ]);
        for f in &self.events {
            rows.push([
                f.position.into(),
                f.ordinal.into(),
                f.at.into(),
                f.hospital.into(),
                f.event.topic.as_str().into(),
                f.subject_hospital.into(),
                f.subject_kind.into(),
                f.event.subject.id.as_str().into(),
                f.event.data.as_str().into(),
            ]);
        }
        out.extend(Bulk::insert("feed", rows, ""));
    }
}

fn hash(head: &Head) -> Cell {
    Bytes::copy_from_slice(&head.hash).into()
}

fn numbers(records: &HashSet<i64>) -> Rows {
    let mut rows = Rows::new(&[("record", Int)]);
    for record in records {
        rows.push([Cell::from(*record)]);
    }
    rows
}

/// What a column of an index table holds.
fn holds(table: &str, column: &str) -> Holds {
    match (table, column) {
        ("index_date", "low" | "high") | (_, "identifier") => Int,
        (_, "low" | "high") => Real,
        _ => Text,
    }
}

/// The counters after the group.
fn counters(state: &State) -> Option<Bulk> {
    let mut rows = Rows::new(&[("name", Text), ("value", Int)]);
    for (name, value) in [
        ("position", signed(state.position)),
        ("record", state.last_record),
        ("row", state.last_row),
    ] {
        rows.push([name.into(), value.into()]);
    }
    Bulk::update("counter", rows)
}

/// The rows of the source go, the new ones come.
fn policy(change: Replace, out: &mut Vec<Bulk>) {
    let of = |value: &Value| match value {
        Value::Integer(_) => Int,
        _ => Text,
    };
    let named: Vec<(&'static str, Holds)> = change
        .source
        .iter()
        .map(|(column, value)| (*column, of(value)))
        .collect();
    let mut source = Rows::new(&named);
    source.push(change.source.into_iter().map(|(_, value)| value.into()));
    out.extend(Bulk::delete(change.table, source));
    let columns: Vec<(&'static str, Holds)> = change
        .columns
        .iter()
        .map(|c| (*c, policy_column(c)))
        .collect();
    let mut rows = Rows::new(&columns);
    for row in change.rows {
        rows.push(row.into_iter().map(Cell::from));
    }
    out.extend(Bulk::insert(change.table, rows, ""));
}

fn policy_column(column: &str) -> Holds {
    match column {
        "agreement" | "patient" | "consent" | "case_id" | "entry_id" | "account" | "id" => Text,
        _ => Int,
    }
}
