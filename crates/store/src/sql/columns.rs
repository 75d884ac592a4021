//! What each stored column may reveal, for whoever exports, backs up or looks into a database. A column that is not
//! listed fails a test.

use super::index::PLACE;

use Sensitivity::{Internal, Patient, Public};

/// Who may see a column's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sensitivity {
    /// Names of hospitals, kinds and parameters: no secret.
    Public,
    /// Numbers, times, states, keys of the node: operators, not the public.
    Internal,
    /// Content about patients or staff, or what tells who they are.
    Patient,
}

/// The tables of the search index, each with the columns it has after those of [`PLACE`].
const INDEX: &[(&str, &[(&str, Sensitivity)])] = &[
    (
        "index_token",
        &[
            ("system", Patient),
            ("code", Patient),
            ("text", Patient),
            ("patient", Patient),
        ],
    ),
    ("index_string", &[("folded", Patient), ("exact", Patient)]),
    (
        "index_date",
        &[("low", Patient), ("high", Patient), ("patient", Patient)],
    ),
    ("index_number", &[("low", Patient), ("high", Patient)]),
    (
        "index_quantity",
        &[
            ("low", Patient),
            ("high", Patient),
            ("system", Patient),
            ("code", Patient),
            ("unit", Patient),
        ],
    ),
    (
        "index_reference",
        &[
            ("identifier", Internal),
            ("base", Patient),
            ("target_kind", Patient),
            ("target", Patient),
        ],
    ),
    ("index_uri", &[("uri", Patient)]),
];

/// What both databases have beside the search index.
const COLUMNS: &[(&str, &[(&str, Sensitivity)])] = &[
    ("hospital", &[("num", Public), ("name", Public)]),
    ("kind", &[("num", Public), ("name", Public)]),
    ("param", &[("num", Public), ("code", Public)]),
    (
        "record",
        &[
            ("record", Internal),
            ("hospital", Internal),
            ("kind", Internal),
            ("id", Patient),
            ("current", Internal),
            ("version", Internal),
            ("at", Internal),
            ("deleted", Internal),
            ("class", Patient),
            ("patient", Patient),
        ],
    ),
    (
        "version",
        &[
            ("row", Internal),
            ("record", Internal),
            ("version", Internal),
            ("at", Internal),
            ("deleted", Internal),
            ("class", Patient),
            ("patient", Patient),
            ("body", Patient),
        ],
    ),
    (
        "lookup",
        &[
            ("hospital", Internal),
            ("kind", Internal),
            ("name", Internal),
            ("value", Patient),
            ("record", Internal),
            ("only", Internal),
        ],
    ),
    (
        "policy_grant",
        &[
            ("custodian", Internal),
            ("grantee", Internal),
            ("class", Internal),
            ("agreement", Internal),
            ("seq", Internal),
            ("clause", Internal),
            ("needs_consent", Internal),
            ("break_glass", Internal),
            ("crosses_border", Internal),
            ("from_us", Internal),
            ("until_us", Internal),
        ],
    ),
    (
        "policy_consent",
        &[
            ("custodian", Internal),
            ("patient", Patient),
            ("consent", Patient),
            ("seq", Internal),
            ("grantee", Patient),
            ("class", Patient),
            ("across_border", Patient),
            ("from_us", Patient),
            ("until_us", Patient),
        ],
    ),
    (
        "policy_share",
        &[
            ("custodian", Internal),
            ("grantee", Patient),
            ("patient", Patient),
            ("agreement", Internal),
            ("case_id", Patient),
            ("seq", Internal),
            ("entry_kind", Patient),
            ("entry_id", Patient),
            ("class", Patient),
            ("from_us", Patient),
            ("until_us", Patient),
        ],
    ),
    (
        "policy_emergency",
        &[
            ("account", Patient),
            ("custodian", Internal),
            ("patient", Patient),
            ("id", Internal),
            ("hospital", Internal),
            ("from_us", Patient),
            ("until_us", Patient),
        ],
    ),
    (
        "audit",
        &[
            ("row", Internal),
            ("chain", Internal),
            ("number", Internal),
            ("at", Internal),
            ("account", Patient),
            ("patient", Patient),
            ("action", Internal),
            ("body", Patient),
            ("hash", Internal),
        ],
    ),
    (
        "audit_head",
        &[
            ("chain", Internal),
            ("number", Internal),
            ("at", Internal),
            ("hash", Internal),
        ],
    ),
    (
        "feed",
        &[
            ("position", Internal),
            ("ordinal", Internal),
            ("at", Internal),
            ("hospital", Internal),
            ("topic", Internal),
            ("subject_hospital", Internal),
            ("subject_kind", Internal),
            ("subject_id", Patient),
            ("data", Internal),
        ],
    ),
    ("counter", &[("name", Internal), ("value", Internal)]),
    (
        "blob",
        &[
            ("hospital", Internal),
            ("address", Internal),
            ("patient", Patient),
            ("size", Internal),
            ("media_type", Internal),
            ("stored_at", Internal),
            ("erased", Internal),
        ],
    ),
    (
        "blob_use",
        &[
            ("hospital", Internal),
            ("address", Internal),
            ("record", Internal),
            ("version", Internal),
        ],
    ),
    (
        "hospital_secret",
        &[("hospital", Internal), ("wrapped", Internal)],
    ),
    (
        "patient_key",
        &[
            ("hospital", Internal),
            ("patient", Patient),
            ("wrapped", Internal),
        ],
    ),
    (
        "dicom_study",
        &[
            ("study", Internal),
            ("hospital", Internal),
            ("record", Internal),
            ("uid", Patient),
            ("patient_id", Patient),
            ("issuer", Patient),
            ("name", Patient),
            ("ideographic", Patient),
            ("phonetic", Patient),
            ("words", Patient),
            ("birth_date", Patient),
            ("sex", Patient),
            ("date", Patient),
            ("time", Patient),
            ("accession", Patient),
            ("number", Patient),
            ("description", Patient),
            ("referring", Patient),
            ("waiting", Internal),
            ("attributes", Patient),
        ],
    ),
    (
        "dicom_series",
        &[
            ("series", Internal),
            ("hospital", Internal),
            ("study", Internal),
            ("uid", Patient),
            ("modality", Patient),
            ("number", Patient),
            ("description", Patient),
            ("body_part", Patient),
            ("instances", Internal),
            ("bytes", Internal),
            ("attributes", Patient),
        ],
    ),
    (
        "dicom_instance",
        &[
            ("instance", Internal),
            ("hospital", Internal),
            ("study", Internal),
            ("series", Internal),
            ("uid", Patient),
            ("standing", Internal),
            ("number", Patient),
            ("sop_class", Internal),
            ("transfer_syntax", Internal),
            ("height", Internal),
            ("width", Internal),
            ("frames", Internal),
            ("size", Internal),
            ("digest", Internal),
            ("address", Internal),
            ("sender", Internal),
            ("stored_at", Internal),
            ("attributes", Patient),
            ("layout", Patient),
            ("meta", Patient),
        ],
    ),
    (
        "dicom_arrival",
        &[
            ("study", Internal),
            ("hospital", Internal),
            ("at", Internal),
        ],
    ),
    (
        "refinery_schema_history",
        &[
            ("version", Internal),
            ("name", Internal),
            ("applied_on", Internal),
            ("checksum", Internal),
        ],
    ),
];

/// What PostgreSQL alone has.
const POSTGRES: &[(&str, &[(&str, Sensitivity)])] = &[
    ("version", &[("hospital", Internal)]),
    (
        "writer_mark",
        &[("writer", Internal), ("number", Internal), ("at", Internal)],
    ),
    ("node_key", &[("num", Internal), ("id", Internal)]),
];

/// Every column of every table that both databases have.
pub fn columns() -> impl Iterator<Item = (&'static str, &'static str, Sensitivity)> {
    // Where a value stands says nothing of what it is.
    let places = INDEX
        .iter()
        .flat_map(|(table, _)| PLACE.iter().map(|column| (*table, *column, Internal)));
    listed(COLUMNS).chain(places).chain(listed(INDEX))
}

/// What PostgreSQL has beside them.
pub fn postgres_columns() -> impl Iterator<Item = (&'static str, &'static str, Sensitivity)> {
    listed(POSTGRES)
}

type Listed = &'static [(&'static str, &'static [(&'static str, Sensitivity)])];

fn listed(tables: Listed) -> impl Iterator<Item = (&'static str, &'static str, Sensitivity)> {
    tables
        .iter()
        .flat_map(|(table, columns)| columns.iter().map(|(c, s)| (*table, *c, *s)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::sqlite::migrations;

    fn migrated() -> rusqlite::Connection {
        let mut conn = rusqlite::Connection::open_in_memory().unwrap();
        migrations::migrations::runner().run(&mut conn).unwrap();
        conn
    }

    #[test]
    fn every_stored_column_is_classified_and_every_classified_one_is_stored() {
        let conn = migrated();
        let mut st = conn
            .prepare(
                "SELECT m.name, c.name FROM sqlite_schema m, pragma_table_info(m.name) c WHERE m.type = 'table' \
                 AND m.name NOT LIKE 'sqlite_%'",
            )
            .unwrap();
        let stored: BTreeSet<(String, String)> = st
            .query_map([], |r| Ok((r.get(0)?, r.get(1)?)))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        let listed: BTreeSet<(String, String)> = columns()
            .map(|(table, column, _)| (table.to_owned(), column.to_owned()))
            .collect();
        assert_eq!(stored, listed);
    }

    #[test]
    fn the_schema_is_what_was_agreed() {
        let conn = migrated();
        let mut st = conn
            .prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type DESC, name")
            .unwrap();
        let all: Vec<String> = st
            .query_map([], |r| r.get(0))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        insta::assert_snapshot!(all.join("\n"));
    }
}
