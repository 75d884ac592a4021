//! The rules of [`agreements::permit`] as one SQL condition. This is the only place where a permit becomes SQL.

use agreements::permit::Reader;
use agreements::{ClassSet, Permit, RecordClass};
use kernel::{AccountId, HospitalId, Kind, ResourceId};

use super::{Binds, micros};
use crate::{StoreError, classes};

/// Columns that hold the entry a permit is asked about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry<'a> {
    pub hospital: &'a str,
    pub kind: &'a str,
    pub id: &'a str,
    pub class: &'a str,
    /// Not 0 where staff work with it among themselves.
    pub among_staff: &'a str,
    pub patient: &'a str,
}

/// The current state of a record, `record AS r`.
pub(crate) const CURRENT: Entry<'_> = Entry {
    hospital: "r.hospital",
    kind: "r.kind",
    id: "r.id",
    class: "(r.class & 63)",
    among_staff: "(r.class & 64)",
    patient: "r.patient",
};

/// The current state of the record that a chain of a search leads to, `record AS t`.
pub(crate) const TARGET: Entry<'_> = Entry {
    hospital: "t.hospital",
    kind: "t.kind",
    id: "t.id",
    class: "(t.class & 63)",
    among_staff: "(t.class & 64)",
    patient: "t.patient",
};

/// One version, `version AS v`, of `record AS r`.
pub(crate) const VERSION: Entry<'_> = Entry {
    hospital: "r.hospital",
    kind: "r.kind",
    id: "r.id",
    class: "(v.class & 63)",
    among_staff: "(v.class & 64)",
    patient: "v.patient",
};

/// The condition under which the permit's reader may read the entry, in parentheses.
///
/// Rules 2 to 4 never open documents of our own, whose kinds have negative numbers. An emergency row counts only
/// while its account acts for the hospital it was declared in.
pub(crate) fn condition(permit: &Permit, e: Entry<'_>, binds: &mut Binds) -> String {
    match permit.reader() {
        Reader::System(_) => "(TRUE)".to_owned(),
        Reader::Staff {
            account,
            hospital,
            own,
            across,
        } => Staff::of(permit, account, hospital, *own, binds).condition(e, *across),
        Reader::Patient { linked, .. } => {
            let any: Vec<String> = linked
                .iter()
                .map(|link| {
                    let h = binds.hospital(link.hospital.as_str());
                    let p = binds.bind(link.patient.as_str().to_owned());
                    let mut own = format!(
                        "{} = {h} AND {} = {p} AND {} = 0",
                        e.hospital, e.patient, e.among_staff
                    );
                    if !link.sensitive {
                        let sensitive = numbers(RecordClass::is_sensitive);
                        own.push_str(&format!(" AND {} NOT IN ({sensitive})", e.class));
                    }
                    if let Some(only) = &link.only {
                        own.push_str(&format!(" AND {}", one_of(only, e, binds)));
                    }
                    format!("({own})")
                })
                .collect();
            if any.is_empty() {
                return "(FALSE)".to_owned();
            }
            format!("({} > 0 AND ({}))", e.kind, any.join(" OR "))
        }
    }
}

/// Whether the entry is one of those named.
fn one_of(named: &[(Kind, ResourceId)], e: Entry<'_>, binds: &mut Binds) -> String {
    let each: Vec<String> = named
        .iter()
        .map(|(kind, id)| {
            let kind = binds.kind(kind.as_str());
            let id = binds.bind(id.as_str().to_owned());
            format!("({} = {kind} AND {} = {id})", e.kind, e.id)
        })
        .collect();
    match each.is_empty() {
        true => "(FALSE)".to_owned(),
        false => format!("({})", each.join(" OR ")),
    }
}

/// Refuses everyone but the system itself.
pub(crate) fn system_only(permit: &Permit, what: &str) -> Result<(), StoreError> {
    match permit.reader() {
        Reader::System(_) => Ok(()),
        _ => Err(StoreError::Internal(format!(
            "{what} are read by the system alone"
        ))),
    }
}

/// As [`condition`], for an entry of one hospital's custody, which is known. Own records need no rule of another's, and a
/// shorter condition is a shorter search for its prepared statement.
pub(crate) fn condition_at(
    permit: &Permit,
    custodian: &HospitalId,
    e: Entry<'_>,
    binds: &mut Binds,
) -> String {
    match permit.reader() {
        Reader::Staff {
            account,
            hospital,
            own,
            ..
        } if hospital == custodian => {
            Staff::of(permit, account, hospital, *own, binds).condition(e, false)
        }
        _ => condition(permit, e, binds),
    }
}

struct Staff {
    own: String,
    mask: String,
    account: String,
    at: String,
}

impl Staff {
    fn of(
        permit: &Permit,
        account: &AccountId,
        hospital: &HospitalId,
        own: ClassSet,
        binds: &mut Binds,
    ) -> Self {
        Self {
            own: binds.hospital(hospital.as_str()),
            mask: binds.bind(classes::mask(own)),
            account: binds.bind(account.as_str().to_owned()),
            at: binds.bind(micros(permit.at())),
        }
    }

    fn active(&self, row: &str) -> String {
        let at = &self.at;
        format!("{row}.from_us <= {at} AND {at} < {row}.until_us")
    }

    fn emergency(&self, e: Entry<'_>) -> String {
        format!(
            "EXISTS (SELECT 1 FROM policy_emergency pe WHERE pe.account = {} AND pe.custodian = {} \
             AND pe.patient = {} AND pe.hospital = {} AND {})",
            self.account,
            e.hospital,
            e.patient,
            self.own,
            self.active("pe"),
        )
    }

    fn condition(&self, e: Entry<'_>, across: bool) -> String {
        let (own, mask) = (&self.own, &self.mask);
        let mut text = format!(
            "(({h} = {own} AND (({mask} >> {c}) & 1) = 1) OR ({k} > 0 AND {h} = {own} AND {emergency})",
            h = e.hospital,
            k = e.kind,
            c = e.class,
            emergency = self.emergency(e),
        );
        if across {
            text.push_str(" OR ");
            text.push_str(&self.across(e));
        }
        text.push(')');
        text
    }

    /// Rule 3.
    fn across(&self, e: Entry<'_>) -> String {
        format!(
            "({k} > 0 AND {h} <> {own} AND EXISTS (SELECT 1 FROM policy_grant pg WHERE pg.custodian = {h} AND pg.grantee = {own} \
             AND pg.class = {c} AND {active} AND ({c} IN ({impersonal}) OR {share}) \
             AND (pg.needs_consent = 0 OR {consent} OR (pg.break_glass = 1 AND {emergency}))))",
            k = e.kind,
            h = e.hospital,
            own = self.own,
            c = e.class,
            active = self.active("pg"),
            impersonal = numbers(RecordClass::is_impersonal),
            share = self.share(e),
            consent = self.consent(e),
            emergency = self.emergency(e),
        )
    }

    fn share(&self, e: Entry<'_>) -> String {
        format!(
            "EXISTS (SELECT 1 FROM policy_share ps WHERE ps.custodian = pg.custodian AND ps.grantee = pg.grantee \
             AND ps.patient = {p} AND ps.agreement = pg.agreement AND {active} \
             AND ((ps.entry_kind = {k} AND ps.entry_id = {id}) OR (ps.class = {c} AND {c} <> {unclassified})))",
            p = e.patient,
            k = e.kind,
            id = e.id,
            c = e.class,
            active = self.active("ps"),
            unclassified = classes::number(RecordClass::Unclassified),
        )
    }

    fn consent(&self, e: Entry<'_>) -> String {
        format!(
            "EXISTS (SELECT 1 FROM policy_consent pc WHERE pc.custodian = pg.custodian AND pc.patient = {p} AND {active} \
             AND (pc.grantee IS NULL OR pc.grantee = pg.grantee) \
             AND (pc.class = {c} OR (pc.class IS NULL AND {c} NOT IN ({sensitive}))) \
             AND (pc.across_border = 1 OR pg.crosses_border = 0))",
            p = e.patient,
            c = e.class,
            active = self.active("pc"),
            sensitive = numbers(RecordClass::is_sensitive),
        )
    }
}

fn numbers(which: impl Fn(RecordClass) -> bool) -> String {
    let all: Vec<String> = RecordClass::ALL
        .iter()
        .copied()
        .filter(|c| which(*c))
        .map(|c| classes::number(c).to_string())
        .collect();
    all.join(", ")
}
