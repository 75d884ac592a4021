//! Who acts: a person or machine, for which hospital, in which roles and with which privileges.

use std::collections::BTreeSet;

use kernel::{AccountId, HospitalId, Kind, ResourceId};
use serde::{Deserialize, Serialize};

/// What someone is at a hospital. Roles come from our own account documents alone; an imported
/// PractitionerRole grants nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Treats the hospital's own patients and refers them.
    Clinician,
    /// Receives referred cases at a centre, checks and allocates them.
    Coordinator,
    /// Answers allocated cases.
    Consultant,
    /// People, roles, agreements, audit of one hospital; reads no clinical content.
    Administrator,
    /// Runs the node; reads no patient data.
    Operator,
    /// A patient or their proxy.
    Patient,
    /// A machine client of one hospital.
    Machine,
}

impl Role {
    pub const ALL: &'static [Role] = &[
        Role::Clinician,
        Role::Coordinator,
        Role::Consultant,
        Role::Administrator,
        Role::Operator,
        Role::Patient,
        Role::Machine,
    ];
    pub const fn as_str(self) -> &'static str {
        match self {
            Role::Clinician => "clinician",
            Role::Coordinator => "coordinator",
            Role::Consultant => "consultant",
            Role::Administrator => "administrator",
            Role::Operator => "operator",
            Role::Patient => "patient",
            Role::Machine => "machine",
        }
    }
}

/// What a person may do beyond their role, per hospital and with dates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Privilege {
    /// Sign opinions.
    SignOpinion,
    /// Read sensitive classes of the own hospital's records.
    Sensitive,
    /// Sign agreements for the hospital.
    SignAgreement,
    /// Correct a record filed under the wrong patient.
    CorrectRecord,
    /// Read and export the audit.
    Audit,
    /// Make copies of studies without identity, for teaching and research.
    Deidentify,
    /// Set report templates and clocks for the readers of the hospital.
    LeadReading,
}

impl Privilege {
    pub const ALL: &'static [Privilege] = &[
        Privilege::SignOpinion,
        Privilege::Sensitive,
        Privilege::SignAgreement,
        Privilege::CorrectRecord,
        Privilege::Audit,
        Privilege::Deidentify,
        Privilege::LeadReading,
    ];
    pub const fn as_str(self) -> &'static str {
        match self {
            Privilege::SignOpinion => "sign-opinion",
            Privilege::Sensitive => "sensitive",
            Privilege::SignAgreement => "sign-agreement",
            Privilege::CorrectRecord => "correct-record",
            Privilege::Audit => "audit",
            Privilege::Deidentify => "deidentify",
            Privilege::LeadReading => "lead-reading",
        }
    }
}

/// What kind of account acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ActorKind {
    Staff,
    Patient,
    Machine,
}

/// The one who acts, as authenticated for this request. Only memberships, roles and privileges that are valid
/// at the time of the request are in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    pub account: AccountId,
    pub kind: ActorKind,
    /// The hospital acted for; none for a patient's account.
    pub hospital: Option<HospitalId>,
    pub roles: BTreeSet<Role>,
    pub privileges: BTreeSet<Privilege>,
    /// A patient's account: the records it may see as its own (itself or as a proxy).
    pub linked: Vec<Linked>,
}

/// A record that a patient's account sees as its own, and how far: a proxy's link can be limited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Linked {
    pub hospital: HospitalId,
    pub patient: ResourceId,
    /// Sensitive classes too.
    pub sensitive: bool,
    /// Gives and withdraws consent.
    pub consents: bool,
    /// These entries and no others: what a link for an outside doctor opens. None: the whole record.
    pub only: Option<Vec<(Kind, ResourceId)>>,
}

impl Linked {
    /// The patient's own link, without limits.
    pub fn whole(hospital: HospitalId, patient: ResourceId) -> Self {
        Self {
            hospital,
            patient,
            sensitive: true,
            consents: true,
            only: None,
        }
    }
    /// Whether it opens this entry of its record, as far as that depends on which entries are named.
    pub fn names(&self, kind: &Kind, id: &ResourceId) -> bool {
        let is = |(k, i): &(Kind, ResourceId)| k == kind && i == id;
        self.only.as_ref().is_none_or(|only| only.iter().any(is))
    }
    pub fn is_to(&self, hospital: &HospitalId, patient: &ResourceId) -> bool {
        self.hospital == *hospital && self.patient == *patient
    }
}

impl Actor {
    pub fn has(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }
    pub fn may(&self, privilege: Privilege) -> bool {
        self.privileges.contains(&privilege)
    }
    /// The links to one record as a whole; several when one person stands in several relations to it.
    pub fn links_to<'a>(
        &'a self,
        hospital: &'a HospitalId,
        patient: &'a ResourceId,
    ) -> impl Iterator<Item = &'a Linked> {
        let whole = self.linked.iter().filter(|l| l.only.is_none());
        whole.filter(|l| l.is_to(hospital, patient))
    }
    /// Staff in a role that treats or advises on patients.
    pub fn is_clinical(&self) -> bool {
        self.has(Role::Clinician) || self.has(Role::Consultant) || self.has(Role::Coordinator)
    }
}
