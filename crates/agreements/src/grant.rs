//! The rows that policy comes from. They are written in the same commit as the agreement, consent or case they
//! are derived from, and are never edited by hand.

use kernel::{AccountId, HospitalId, Instant, Kind, ResourceId};
use serde::{Deserialize, Serialize};

use crate::RecordClass;

/// One line of the `grant` relation: under an agreement, staff of `grantee` may read `class` of `custodian`'s
/// records, within what a case shares, from `from` (included) until `until` (excluded).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantRow {
    pub agreement: ResourceId,
    /// Number of the clause in the agreement, counted from 1; named in every explanation.
    pub clause: u16,
    pub custodian: HospitalId,
    pub grantee: HospitalId,
    pub class: RecordClass,
    /// A consent of the patient that covers grantee and class must be active too.
    pub needs_consent: bool,
    /// Break-glass may stand in for a missing consent.
    pub break_glass: bool,
    /// Custodian and grantee lie in different jurisdictions.
    pub crosses_border: bool,
    pub from: Instant,
    pub until: Instant,
}

/// One line of the `consent` relation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentRow {
    pub consent: ResourceId,
    pub custodian: HospitalId,
    pub patient: ResourceId,
    /// None: any hospital an agreement names.
    pub grantee: Option<HospitalId>,
    /// None: every class that is not sensitive.
    pub class: Option<RecordClass>,
    /// The separate consent for sending data to another jurisdiction was given.
    pub across_border: bool,
    pub from: Instant,
    pub until: Instant,
}

/// What a case shares: one record entry, or a whole class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ShareItem {
    Entry { kind: Kind, id: ResourceId },
    Class(RecordClass),
}

/// One line of the `share` relation: what the case `case` of `custodian` opens to `grantee`, under `agreement`.
/// An entry of class `unclassified` is opened by an `Entry` alone, never by its class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShareRow {
    pub case: ResourceId,
    pub agreement: ResourceId,
    pub custodian: HospitalId,
    pub patient: ResourceId,
    pub grantee: HospitalId,
    pub item: ShareItem,
    pub from: Instant,
    pub until: Instant,
}

/// Break-glass: a person's access to one patient for at most four hours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmergencyRow {
    pub id: ResourceId,
    pub account: AccountId,
    pub hospital: HospitalId,
    pub custodian: HospitalId,
    pub patient: ResourceId,
    pub from: Instant,
    pub until: Instant,
}

/// A change of the policy relations, carried in the same batch as the writes it follows from. Each replaces all
/// rows of its source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Projection {
    Grants {
        agreement: ResourceId,
        rows: Vec<GrantRow>,
    },
    Consents {
        custodian: HospitalId,
        consent: ResourceId,
        rows: Vec<ConsentRow>,
    },
    Shares {
        custodian: HospitalId,
        case: ResourceId,
        rows: Vec<ShareRow>,
    },
    Emergency {
        row: EmergencyRow,
    },
}
