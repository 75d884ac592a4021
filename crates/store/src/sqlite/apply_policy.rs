//! The policy relations: each projection replaces all rows of its source.

use agreements::{ConsentRow, EmergencyRow, GrantRow, Projection, ShareItem, ShareRow};
use kernel::{HospitalId, ResourceId};
use rusqlite::params;

use super::session::Session;
use super::sql::{micros, signed};
use crate::{StoreError, classes};

pub(crate) fn project(s: &mut Session, p: &Projection) -> Result<(), StoreError> {
    match p {
        Projection::Grants { agreement, rows } => grants(s, agreement, rows),
        Projection::Consents {
            custodian,
            consent,
            rows,
        } => consents(s, custodian, consent, rows),
        Projection::Shares {
            custodian,
            case,
            rows,
        } => shares(s, custodian, case, rows),
        Projection::Emergency { row } => emergency(s, row),
    }
}

fn grants(s: &mut Session, agreement: &ResourceId, rows: &[GrantRow]) -> Result<(), StoreError> {
    s.conn
        .prepare_cached("DELETE FROM policy_grant WHERE agreement = ?1")?
        .execute([agreement.as_str()])?;
    for (i, row) in rows.iter().enumerate() {
        let custodian = s.hospital(&row.custodian)?;
        let grantee = s.hospital(&row.grantee)?;
        s.conn
            .prepare_cached(
                "INSERT INTO policy_grant (custodian, grantee, class, agreement, seq, clause, needs_consent, \
                 break_glass, crosses_border, from_us, until_us) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            )?
            .execute(params![
                custodian,
                grantee,
                classes::number(row.class),
                agreement.as_str(),
                signed(i as u64),
                row.clause,
                row.needs_consent,
                row.break_glass,
                row.crosses_border,
                micros(row.from),
                micros(row.until)
            ])?;
    }
    Ok(())
}

fn consents(
    s: &mut Session,
    custodian: &HospitalId,
    consent: &ResourceId,
    rows: &[ConsentRow],
) -> Result<(), StoreError> {
    let custodian = s.hospital(custodian)?;
    s.conn
        .prepare_cached("DELETE FROM policy_consent WHERE custodian = ?1 AND consent = ?2")?
        .execute(params![custodian, consent.as_str()])?;
    for (i, row) in rows.iter().enumerate() {
        let grantee = row.grantee.as_ref().map(|h| s.hospital(h)).transpose()?;
        s.conn
            .prepare_cached(
                "INSERT INTO policy_consent (custodian, patient, consent, seq, grantee, class, across_border, from_us, \
                 until_us) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            )?
            .execute(params![
                custodian,
                row.patient.as_str(),
                consent.as_str(),
                signed(i as u64),
                grantee,
                row.class.map(classes::number),
                row.across_border,
                micros(row.from),
                micros(row.until)
            ])?;
    }
    Ok(())
}

fn shares(
    s: &mut Session,
    custodian: &HospitalId,
    case: &ResourceId,
    rows: &[ShareRow],
) -> Result<(), StoreError> {
    let custodian = s.hospital(custodian)?;
    s.conn
        .prepare_cached("DELETE FROM policy_share WHERE custodian = ?1 AND case_id = ?2")?
        .execute(params![custodian, case.as_str()])?;
    for (i, row) in rows.iter().enumerate() {
        let grantee = s.hospital(&row.grantee)?;
        let (entry_kind, entry_id, class) = match &row.item {
            ShareItem::Entry { kind, id } => (Some(s.kind(kind)?), Some(id.as_str()), None),
            ShareItem::Class(class) => (None, None, Some(classes::number(*class))),
        };
        s.conn
            .prepare_cached(
                "INSERT INTO policy_share (custodian, grantee, patient, agreement, case_id, seq, entry_kind, entry_id, \
                 class, from_us, until_us) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            )?
            .execute(params![
                custodian,
                grantee,
                row.patient.as_str(),
                row.agreement.as_str(),
                case.as_str(),
                signed(i as u64),
                entry_kind,
                entry_id,
                class,
                micros(row.from),
                micros(row.until)
            ])?;
    }
    Ok(())
}

fn emergency(s: &mut Session, row: &EmergencyRow) -> Result<(), StoreError> {
    let hospital = s.hospital(&row.hospital)?;
    let custodian = s.hospital(&row.custodian)?;
    s.conn
        .prepare_cached("DELETE FROM policy_emergency WHERE id = ?1")?
        .execute([row.id.as_str()])?;
    s.conn
        .prepare_cached(
            "INSERT INTO policy_emergency (account, custodian, patient, id, hospital, from_us, until_us) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            row.account.as_str(),
            custodian,
            row.patient.as_str(),
            row.id.as_str(),
            hospital,
            micros(row.from),
            micros(row.until)
        ])?;
    Ok(())
}
