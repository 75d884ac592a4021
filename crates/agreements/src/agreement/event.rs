//! What happened to an agreement, and how it changes the state.

use kernel::{AccountId, HospitalId, Instant, ResourceId};
use serde::{Deserialize, Serialize};

use super::{Agreement, HistoryLine, Notice, PartySignature, Settlement, Stage, Suspension, Terms};

/// Facts, in the past tense.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "event")]
pub enum Event {
    Drafted {
        id: ResourceId,
        terms: Terms,
        by: By,
    },
    Edited {
        terms: Terms,
        by: By,
    },
    /// An edit after a signature made all of them worthless.
    SignaturesVoided {
        by: By,
    },
    Proposed {
        text: String,
        by: By,
    },
    Signed {
        signature: PartySignature,
    },
    /// The last party has signed.
    Completed {
        at: Instant,
    },
    Activated {
        at: Instant,
    },
    Suspended {
        suspension: Suspension,
        account: AccountId,
    },
    Resumed {
        by: By,
    },
    NoticeGiven {
        notice: Notice,
        account: AccountId,
    },
    CaseSettled {
        case: String,
        settlement: Settlement,
    },
    Ended {
        reason: String,
        by: By,
    },
    Withdrawn {
        reason: String,
        by: By,
    },
    /// The last day has passed; noted so that open pages close.
    Expired {
        at: Instant,
    },
}

/// Who did it, for which party, when. The system acts for no party.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct By {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub party: Option<HospitalId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountId>,
    pub at: Instant,
}

impl Event {
    /// The word in feed topics (`agreement.signed`) and history.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Drafted { .. } => "drafted",
            Self::Edited { .. } => "edited",
            Self::SignaturesVoided { .. } => "signatures-voided",
            Self::Proposed { .. } => "proposed",
            Self::Signed { .. } => "signed",
            Self::Completed { .. } => "completed",
            Self::Activated { .. } => "activated",
            Self::Suspended { .. } => "suspended",
            Self::Resumed { .. } => "resumed",
            Self::NoticeGiven { .. } => "notice-given",
            Self::CaseSettled { .. } => "case-settled",
            Self::Ended { .. } => "ended",
            Self::Withdrawn { .. } => "withdrawn",
            Self::Expired { .. } => "expired",
        }
    }

    /// True when access under the agreement stops with it.
    pub const fn cuts_access(&self) -> bool {
        matches!(
            self,
            Self::Suspended { .. } | Self::Ended { .. } | Self::Expired { .. }
        )
    }

    fn line(&self) -> HistoryLine {
        let (at, party, account, reason) = match self {
            Self::Drafted { by, .. }
            | Self::Edited { by, .. }
            | Self::SignaturesVoided { by }
            | Self::Proposed { by, .. }
            | Self::Resumed { by } => (by.at, by.party.clone(), by.account.clone(), None),
            Self::Ended { reason, by } | Self::Withdrawn { reason, by } => (
                by.at,
                by.party.clone(),
                by.account.clone(),
                Some(reason.clone()),
            ),
            Self::Signed { signature: s } => {
                (s.at, Some(s.party.clone()), Some(s.account.clone()), None)
            }
            Self::Completed { at } | Self::Activated { at } | Self::Expired { at } => {
                (*at, None, None, None)
            }
            Self::Suspended {
                suspension: s,
                account,
            } => (
                s.at,
                Some(s.party.clone()),
                Some(account.clone()),
                Some(s.reason.clone()),
            ),
            Self::NoticeGiven { notice: n, account } => (
                n.at,
                Some(n.party.clone()),
                Some(account.clone()),
                Some(n.reason.clone()),
            ),
            Self::CaseSettled { settlement: s, .. } => (s.at, None, Some(s.by.clone()), None),
        };
        HistoryLine {
            at,
            what: self.word().into(),
            party,
            account,
            reason: reason.filter(|r| !r.is_empty()),
        }
    }
}

/// The state after the event. An event that does not begin an agreement leaves `None` as it is.
pub fn apply(state: Option<Agreement>, event: &Event) -> Option<Agreement> {
    let line = event.line();
    if let Event::Drafted { id, terms, .. } = event {
        return Some(Agreement {
            id: id.clone(),
            terms: terms.clone(),
            revision: 1,
            stage: Stage::Draft,
            text: None,
            signatures: Vec::new(),
            active_since: None,
            suspensions: Vec::new(),
            notice: None,
            ended_at: None,
            settlements: Default::default(),
            history: vec![line],
        });
    }
    let mut a = state?;
    match event.clone() {
        Event::Drafted { .. } => {}
        Event::Edited { terms, .. } => {
            a.terms = terms;
            a.revision += 1;
            a.stage = Stage::Draft;
            a.text = None;
        }
        Event::SignaturesVoided { .. } => a.signatures.clear(),
        Event::Proposed { text, .. } => {
            a.stage = Stage::Proposed;
            a.text = Some(text);
        }
        Event::Signed { signature } => a.signatures.push(signature),
        Event::Completed { .. } => a.stage = Stage::Signed,
        Event::Activated { at } => {
            a.stage = Stage::Active;
            a.active_since = Some(at);
        }
        Event::Suspended { suspension, .. } => a.suspensions.push(suspension),
        Event::Resumed { by } => a
            .suspensions
            .retain(|s| Some(&s.party) != by.party.as_ref()),
        Event::NoticeGiven { notice, .. } => a.notice = Some(notice),
        Event::CaseSettled { case, settlement } => {
            a.settlements.insert(case, settlement);
        }
        Event::Ended { by, .. } => {
            a.stage = Stage::Ended;
            a.ended_at = Some(by.at);
        }
        Event::Withdrawn { by, .. } => {
            a.stage = Stage::Withdrawn;
            a.ended_at = Some(by.at);
        }
        Event::Expired { at } => a.ended_at = Some(at),
    }
    a.history.push(line);
    Some(a)
}
