//! Who must act next. A case that is not final has exactly one owner at every moment.

use kernel::{AccountId, HospitalId};
use serde::{Deserialize, Serialize};

use super::{Case, Status};

/// Who must act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Owner {
    Person {
        hospital: HospitalId,
        account: AccountId,
    },
    /// Whichever coordinator of the hospital takes it first.
    Coordinators { hospital: HospitalId },
}

impl Owner {
    pub fn hospital(&self) -> &HospitalId {
        match self {
            Self::Person { hospital, .. } | Self::Coordinators { hospital } => hospital,
        }
    }
    pub fn account(&self) -> Option<&AccountId> {
        match self {
            Self::Person { account, .. } => Some(account),
            Self::Coordinators { .. } => None,
        }
    }
}

impl Case {
    /// Who must act now; none once the case is closed or cancelled.
    pub fn owner(&self) -> Option<Owner> {
        let referrer = || Owner::Person {
            hospital: self.hospital.clone(),
            account: self.referrer.clone(),
        };
        let at_answering = |account: &Option<AccountId>| {
            let hospital = self.answering().unwrap_or(&self.hospital).clone();
            match account {
                Some(account) => Owner::Person {
                    hospital,
                    account: account.clone(),
                },
                None => Owner::Coordinators { hospital },
            }
        };
        Some(match self.status {
            Status::Closed | Status::Cancelled => return None,
            Status::Requested => at_answering(&None),
            Status::Accepted => at_answering(&self.coordinator),
            Status::Allocated => match self.awaiting_co_signature() {
                Some(answer) => at_answering(&answer.co_signer),
                None => at_answering(&self.consultant),
            },
            // How it turned out is for the consultant to see.
            Status::Acted if self.outcome_unseen() => at_answering(&self.consultant),
            Status::Draft
            | Status::MoreInformation
            | Status::Answered
            | Status::Read
            | Status::Acted
            | Status::Declined
            | Status::Suspended => referrer(),
        })
    }
}
