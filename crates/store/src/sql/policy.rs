//! The policy relations: each projection replaces all rows of its source.

use agreements::{ConsentRow, EmergencyRow, GrantRow, Projection, ShareItem, ShareRow};
use kernel::{HospitalId, Kind};

use super::{Value, micros, signed};
use crate::{StoreError, classes};

/// Gives the numbers of names.
pub(crate) trait Numbers {
    fn hospital(&mut self, id: &HospitalId) -> Result<i64, StoreError>;
    fn kind(&mut self, kind: &Kind) -> Result<i64, StoreError>;
}

/// What one projection does: the rows of its source go, these come.
#[derive(Debug)]
pub(crate) struct Replace {
    pub table: &'static str,
    /// The columns that name the source, and their values.
    pub source: Vec<(&'static str, Value)>,
    pub columns: &'static [&'static str],
    pub rows: Vec<Vec<Value>>,
}

pub(crate) fn project(p: &Projection, n: &mut impl Numbers) -> Result<Replace, StoreError> {
    Ok(match p {
        Projection::Grants { agreement, rows } => Replace {
            table: "policy_grant",
            source: vec![("agreement", agreement.as_str().into())],
            columns: &[
                "custodian",
                "grantee",
                "class",
                "agreement",
                "seq",
                "clause",
                "needs_consent",
                "break_glass",
                "crosses_border",
                "from_us",
                "until_us",
            ],
            rows: numbered(rows, |i, row| grant(agreement.as_str(), i, row, n))?,
        },
        Projection::Consents {
            custodian,
            consent,
            rows,
        } => {
            let custodian = n.hospital(custodian)?;
            Replace {
                table: "policy_consent",
                source: vec![
                    ("custodian", custodian.into()),
                    ("consent", consent.as_str().into()),
                ],
                columns: &[
                    "custodian",
                    "patient",
                    "consent",
                    "seq",
                    "grantee",
                    "class",
                    "across_border",
                    "from_us",
                    "until_us",
                ],
                rows: numbered(rows, |i, row| {
                    consented(custodian, consent.as_str(), i, row, n)
                })?,
            }
        }
        Projection::Shares {
            custodian,
            case,
            rows,
        } => {
            let custodian = n.hospital(custodian)?;
            Replace {
                table: "policy_share",
                source: vec![
                    ("custodian", custodian.into()),
                    ("case_id", case.as_str().into()),
                ],
                columns: &[
                    "custodian",
                    "grantee",
                    "patient",
                    "agreement",
                    "case_id",
                    "seq",
                    "entry_kind",
                    "entry_id",
                    "class",
                    "from_us",
                    "until_us",
                ],
                rows: numbered(rows, |i, row| shared(custodian, case.as_str(), i, row, n))?,
            }
        }
        Projection::Emergency { row } => Replace {
            table: "policy_emergency",
            source: vec![("id", row.id.as_str().into())],
            columns: &[
                "account",
                "custodian",
                "patient",
                "id",
                "hospital",
                "from_us",
                "until_us",
            ],
            rows: vec![emergency(row, n)?],
        },
    })
}

fn numbered<T>(
    rows: &[T],
    mut values: impl FnMut(i64, &T) -> Result<Vec<Value>, StoreError>,
) -> Result<Vec<Vec<Value>>, StoreError> {
    rows.iter()
        .enumerate()
        .map(|(i, row)| values(signed(i as u64), row))
        .collect()
}

fn grant(
    agreement: &str,
    seq: i64,
    row: &GrantRow,
    n: &mut impl Numbers,
) -> Result<Vec<Value>, StoreError> {
    Ok(vec![
        n.hospital(&row.custodian)?.into(),
        n.hospital(&row.grantee)?.into(),
        classes::number(row.class).into(),
        agreement.into(),
        seq.into(),
        i64::from(row.clause).into(),
        row.needs_consent.into(),
        row.break_glass.into(),
        row.crosses_border.into(),
        micros(row.from).into(),
        micros(row.until).into(),
    ])
}

fn consented(
    custodian: i64,
    consent: &str,
    seq: i64,
    row: &ConsentRow,
    n: &mut impl Numbers,
) -> Result<Vec<Value>, StoreError> {
    let grantee = row.grantee.as_ref().map(|h| n.hospital(h)).transpose()?;
    Ok(vec![
        custodian.into(),
        row.patient.as_str().into(),
        consent.into(),
        seq.into(),
        grantee.into(),
        row.class.map(classes::number).into(),
        row.across_border.into(),
        micros(row.from).into(),
        micros(row.until).into(),
    ])
}

fn shared(
    custodian: i64,
    case: &str,
    seq: i64,
    row: &ShareRow,
    n: &mut impl Numbers,
) -> Result<Vec<Value>, StoreError> {
    let (entry_kind, entry_id, class) = match &row.item {
        ShareItem::Entry { kind, id } => (Some(n.kind(kind)?), Some(id.as_str()), None),
        ShareItem::Class(class) => (None, None, Some(classes::number(*class))),
    };
    Ok(vec![
        custodian.into(),
        n.hospital(&row.grantee)?.into(),
        row.patient.as_str().into(),
        row.agreement.as_str().into(),
        case.into(),
        seq.into(),
        entry_kind.into(),
        entry_id.into(),
        class.into(),
        micros(row.from).into(),
        micros(row.until).into(),
    ])
}

fn emergency(row: &EmergencyRow, n: &mut impl Numbers) -> Result<Vec<Value>, StoreError> {
    Ok(vec![
        row.account.as_str().into(),
        n.hospital(&row.custodian)?.into(),
        row.patient.as_str().into(),
        row.id.as_str().into(),
        n.hospital(&row.hospital)?.into(),
        micros(row.from).into(),
        micros(row.until).into(),
    ])
}
