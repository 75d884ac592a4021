//! Who acts on a case, as far as its rules need to know.

use kernel::{AccountId, HospitalId};
use serde::{Deserialize, Serialize};

/// The one who acts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum By {
    Person {
        account: AccountId,
        /// The hospital acted for.
        hospital: HospitalId,
        /// Treats and refers the hospital's own patients.
        clinician: bool,
        /// Receives and allocates cases.
        coordinator: bool,
        /// Answers cases.
        consultant: bool,
        /// Holds the privilege to sign opinions, valid now.
        may_sign: bool,
    },
    /// Clocks, ended agreements and withdrawn consents.
    System,
}

impl By {
    pub fn account(&self) -> Option<&AccountId> {
        match self {
            Self::Person { account, .. } => Some(account),
            Self::System => None,
        }
    }
    pub fn hospital(&self) -> Option<&HospitalId> {
        match self {
            Self::Person { hospital, .. } => Some(hospital),
            Self::System => None,
        }
    }
    pub fn is(&self, other: &AccountId) -> bool {
        self.account() == Some(other)
    }
    /// A clinician of this hospital.
    pub fn is_clinician_of(&self, at: &HospitalId) -> bool {
        matches!(self, Self::Person { hospital, clinician: true, .. } if hospital == at)
    }
    /// A coordinator of this hospital.
    pub fn is_coordinator_of(&self, at: &HospitalId) -> bool {
        matches!(self, Self::Person { hospital, coordinator: true, .. } if hospital == at)
    }
    /// A consultant of this hospital.
    pub fn is_consultant_of(&self, at: &HospitalId) -> bool {
        matches!(self, Self::Person { hospital, consultant: true, .. } if hospital == at)
    }
    /// Holds the privilege to sign.
    pub fn may_sign(&self) -> bool {
        matches!(self, Self::Person { may_sign: true, .. })
    }
}
