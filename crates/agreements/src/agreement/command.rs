//! What may be done to an agreement, by whom and when.

use kernel::{ErrorCode, HospitalId, Instant, ResourceId};
use serde::{Deserialize, Serialize};

use super::event::{By, Event};
use super::{
    Agreement, Notice, OpenCase, PartySignature, SettledBy, Settlement, Stage, Standing,
    Suspension, Terms, TermsProblem,
};
use crate::{Actor, Privilege, Role};

/// A wish. Facts that only the caller can know (open cases, a verified signature) travel with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "command")]
pub enum Command {
    Draft {
        id: ResourceId,
        terms: Terms,
    },
    Edit {
        terms: Terms,
    },
    Propose,
    /// The caller has verified that the JWS is over the exact bytes of the text, by this hospital's own key.
    Sign {
        signature: PartySignature,
    },
    /// By the system, when the first day begins.
    Activate,
    /// Cuts access at once.
    Suspend {
        reason: String,
    },
    /// Lifts the own party's suspension.
    Resume,
    GiveNotice {
        reason: String,
    },
    SettleCase {
        case: OpenCase,
        how: SettledBy,
    },
    /// The ordinary end, after notice; `open` is every case still open under the agreement.
    End {
        reason: String,
        open: Vec<OpenCase>,
    },
    Withdraw {
        reason: String,
    },
    /// By the system, when the last day has passed.
    Expire,
}

/// Why not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    #[error("there is no such agreement")]
    Unknown,
    #[error("an agreement with this id exists")]
    Exists,
    #[error("the hospital acted for is not a party")]
    NotAParty,
    #[error("needs the administrator role")]
    NotAdministrator,
    #[error("needs the privilege to sign agreements")]
    MayNotSign,
    #[error("not while the agreement is {}", .standing.as_str())]
    Standing { standing: Standing },
    #[error("the terms are not complete")]
    Terms(Vec<TermsProblem>),
    #[error("this party has signed")]
    AlreadySigned,
    #[error("the signature is not this party's")]
    ForeignSignature,
    #[error("a reason is needed")]
    Reason,
    #[error("begins only at {at}")]
    NotBefore { at: Instant },
    #[error("this party has not suspended it")]
    NotSuspendedByParty,
    #[error("notice has been given")]
    NoticeGiven,
    #[error("an ordinary end needs notice first")]
    NoNotice,
    #[error("{} open cases are not settled", .0.len())]
    OpenCases(Vec<OpenCase>),
    #[error("a settlement names the case's owner")]
    NoOwner,
    #[error("only the system does this")]
    SystemOnly,
    #[error("the text cannot be written")]
    Text,
}

impl Rejection {
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Unknown => ErrorCode::NotFound,
            Self::NotAParty | Self::NotAdministrator | Self::MayNotSign | Self::SystemOnly => {
                ErrorCode::Denied
            }
            Self::Exists
            | Self::Standing { .. }
            | Self::AlreadySigned
            | Self::NotBefore { .. }
            | Self::NotSuspendedByParty
            | Self::NoticeGiven
            | Self::NoNotice
            | Self::OpenCases(_) => ErrorCode::Conflict,
            Self::Terms(_) | Self::ForeignSignature | Self::Reason | Self::NoOwner | Self::Text => {
                ErrorCode::Invalid
            }
        }
    }
    /// Stable word for translation.
    pub const fn key(&self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Exists => "exists",
            Self::NotAParty => "not-a-party",
            Self::NotAdministrator => "not-administrator",
            Self::MayNotSign => "may-not-sign",
            Self::Standing { .. } => "standing",
            Self::Terms(_) => "terms",
            Self::AlreadySigned => "already-signed",
            Self::ForeignSignature => "foreign-signature",
            Self::Reason => "reason",
            Self::NotBefore { .. } => "not-before",
            Self::NotSuspendedByParty => "not-suspended-by-party",
            Self::NoticeGiven => "notice-given",
            Self::NoNotice => "no-notice",
            Self::OpenCases(_) => "open-cases",
            Self::NoOwner => "no-owner",
            Self::SystemOnly => "system-only",
            Self::Text => "text",
        }
    }
}

/// Decides. `actor` is none for the system's own clockwork.
pub fn decide(
    state: Option<&Agreement>,
    command: &Command,
    actor: Option<&Actor>,
    now: Instant,
) -> Result<Vec<Event>, Rejection> {
    match (command, state) {
        (Command::Draft { .. }, Some(_)) => Err(Rejection::Exists),
        (Command::Draft { id, terms }, None) => draft(id, terms, actor, now),
        (_, None) => Err(Rejection::Unknown),
        (command, Some(a)) => on_existing(a, command, actor, now),
    }
}

fn draft(
    id: &ResourceId,
    terms: &Terms,
    actor: Option<&Actor>,
    now: Instant,
) -> Result<Vec<Event>, Rejection> {
    let by = administrator(terms, actor, now)?;
    Ok(vec![Event::Drafted {
        id: id.clone(),
        terms: terms.clone(),
        by,
    }])
}

fn on_existing(
    a: &Agreement,
    command: &Command,
    actor: Option<&Actor>,
    now: Instant,
) -> Result<Vec<Event>, Rejection> {
    let standing = a.standing(now);
    let only = |allowed: &[Standing]| {
        if allowed.contains(&standing) {
            Ok(())
        } else {
            Err(Rejection::Standing { standing })
        }
    };
    let admin = || administrator(&a.terms, actor, now);
    match command {
        Command::Draft { .. } => Err(Rejection::Exists),
        Command::Edit { terms } => {
            let by = admin()?;
            only(&[Standing::Draft, Standing::Proposed, Standing::Signed])?;
            // Whoever edits must still be a party afterwards: nobody edits themselves or the other out unseen.
            administrator(terms, actor, now)?;
            Ok(edit(a, terms, by))
        }
        Command::Propose => {
            let by = admin()?;
            only(&[Standing::Draft])?;
            propose(a, by)
        }
        Command::Sign { signature } => {
            only(&[Standing::Proposed])?;
            sign(a, signature, actor, now)
        }
        Command::Activate => {
            system(actor)?;
            only(&[Standing::Signed])?;
            activate(a, now)
        }
        Command::Suspend { reason } => {
            let by = admin()?;
            only(&[Standing::Active, Standing::Suspended])?;
            suspend(a, &by, reason, actor, now)
        }
        Command::Resume => {
            let by = admin()?;
            only(&[Standing::Suspended])?;
            resume(a, by)
        }
        Command::GiveNotice { reason } => {
            let by = admin()?;
            only(&[Standing::Active, Standing::Suspended])?;
            give_notice(a, &by, reason, actor, now)
        }
        Command::SettleCase { case, how } => {
            admin()?;
            only(&[Standing::Active, Standing::Suspended])?;
            settle(a, case, how, actor, now)
        }
        Command::End { reason, open } => {
            let by = match actor {
                None => By {
                    party: None,
                    account: None,
                    at: now,
                },
                Some(_) => admin()?,
            };
            only(&[Standing::Active, Standing::Suspended])?;
            end(a, reason, open, by, now)
        }
        Command::Withdraw { reason } => {
            let by = admin()?;
            only(&[Standing::Draft, Standing::Proposed, Standing::Signed])?;
            Ok(vec![Event::Withdrawn {
                reason: reason.clone(),
                by,
            }])
        }
        Command::Expire => {
            system(actor)?;
            only(&[Standing::Expired])?;
            if a.ended_at.is_some() {
                return Err(Rejection::Standing { standing });
            }
            Ok(vec![Event::Expired { at: now }])
        }
    }
}

fn propose(a: &Agreement, by: By) -> Result<Vec<Event>, Rejection> {
    let problems = a.terms.problems();
    if !problems.is_empty() {
        return Err(Rejection::Terms(problems));
    }
    let text = a.terms.text().map_err(|_| Rejection::Text)?;
    Ok(vec![Event::Proposed { text, by }])
}

fn activate(a: &Agreement, now: Instant) -> Result<Vec<Event>, Rejection> {
    match a.terms.starts() {
        Some(at) if now >= at => Ok(vec![Event::Activated { at: now }]),
        Some(at) => Err(Rejection::NotBefore { at }),
        None => Err(Rejection::Terms(vec![TermsProblem::Zone])),
    }
}

/// The party that suspended it lifts its own suspension, no other's.
fn resume(a: &Agreement, by: By) -> Result<Vec<Event>, Rejection> {
    let mut suspensions = a.suspensions.iter();
    if !suspensions.any(|s| Some(&s.party) == by.party.as_ref()) {
        return Err(Rejection::NotSuspendedByParty);
    }
    Ok(vec![Event::Resumed { by }])
}

fn edit(a: &Agreement, terms: &Terms, by: By) -> Vec<Event> {
    let mut events = Vec::with_capacity(2);
    if !a.signatures.is_empty() {
        events.push(Event::SignaturesVoided { by: by.clone() });
    }
    events.push(Event::Edited {
        terms: terms.clone(),
        by,
    });
    events
}

fn sign(
    a: &Agreement,
    signature: &PartySignature,
    actor: Option<&Actor>,
    now: Instant,
) -> Result<Vec<Event>, Rejection> {
    let actor = actor.ok_or(Rejection::MayNotSign)?;
    let party = party_of(&a.terms, actor)?;
    if !actor.may(Privilege::SignAgreement) {
        return Err(Rejection::MayNotSign);
    }
    if signature.party != party || signature.account != actor.account {
        return Err(Rejection::ForeignSignature);
    }
    if a.signature_of(&party).is_some() {
        return Err(Rejection::AlreadySigned);
    }
    let mut events = vec![Event::Signed {
        signature: signature.clone(),
    }];
    let all = a
        .terms
        .parties
        .iter()
        .all(|p| p.hospital == party || a.signature_of(&p.hospital).is_some());
    if all {
        events.push(Event::Completed { at: now });
        if a.terms.starts().is_some_and(|start| now >= start) {
            events.push(Event::Activated { at: now });
        }
    }
    Ok(events)
}

fn suspend(
    a: &Agreement,
    by: &By,
    reason: &str,
    actor: Option<&Actor>,
    now: Instant,
) -> Result<Vec<Event>, Rejection> {
    let reason = given(reason)?;
    let (party, actor) = by.party.clone().zip(actor).ok_or(Rejection::NotAParty)?;
    if a.suspensions.iter().any(|s| s.party == party) {
        return Err(Rejection::Standing {
            standing: Standing::Suspended,
        });
    }
    Ok(vec![Event::Suspended {
        suspension: Suspension {
            party,
            reason,
            at: now,
        },
        account: actor.account.clone(),
    }])
}

fn give_notice(
    a: &Agreement,
    by: &By,
    reason: &str,
    actor: Option<&Actor>,
    now: Instant,
) -> Result<Vec<Event>, Rejection> {
    if a.notice.is_some() {
        return Err(Rejection::NoticeGiven);
    }
    let reason = given(reason)?;
    let (party, actor) = by.party.clone().zip(actor).ok_or(Rejection::NotAParty)?;
    let days = jiff::SignedDuration::from_hours(24 * i64::from(a.terms.notice_days));
    let ends_at = now.checked_add(days).unwrap_or(Instant::MAX);
    Ok(vec![Event::NoticeGiven {
        notice: Notice {
            party,
            reason,
            at: now,
            ends_at,
        },
        account: actor.account.clone(),
    }])
}

fn settle(
    a: &Agreement,
    case: &OpenCase,
    how: &SettledBy,
    actor: Option<&Actor>,
    now: Instant,
) -> Result<Vec<Event>, Rejection> {
    if a.notice.is_none() {
        return Err(Rejection::NoNotice);
    }
    let owner = case.owner.clone().ok_or(Rejection::NoOwner)?;
    let by = actor.ok_or(Rejection::NotAdministrator)?.account.clone();
    Ok(vec![Event::CaseSettled {
        case: case.name(),
        settlement: Settlement {
            owner,
            how: how.clone(),
            by,
            at: now,
        },
    }])
}

fn end(
    a: &Agreement,
    reason: &str,
    open: &[OpenCase],
    by: By,
    now: Instant,
) -> Result<Vec<Event>, Rejection> {
    let notice = a.notice.as_ref().ok_or(Rejection::NoNotice)?;
    if now < notice.ends_at {
        return Err(Rejection::NotBefore { at: notice.ends_at });
    }
    let unsettled = a.unsettled(open);
    if !unsettled.is_empty() {
        return Err(Rejection::OpenCases(unsettled));
    }
    let reason = if reason.trim().is_empty() {
        notice.reason.clone()
    } else {
        reason.trim().to_owned()
    };
    Ok(vec![Event::Ended { reason, by }])
}

fn given(reason: &str) -> Result<String, Rejection> {
    let reason = reason.trim();
    if reason.is_empty() {
        return Err(Rejection::Reason);
    }
    Ok(reason.chars().take(2_000).collect())
}

fn party_of(terms: &Terms, actor: &Actor) -> Result<HospitalId, Rejection> {
    actor
        .hospital
        .clone()
        .filter(|h| terms.is_party(h))
        .ok_or(Rejection::NotAParty)
}

fn administrator(terms: &Terms, actor: Option<&Actor>, now: Instant) -> Result<By, Rejection> {
    let actor = actor.ok_or(Rejection::NotAdministrator)?;
    let party = party_of(terms, actor)?;
    if !actor.has(Role::Administrator) {
        return Err(Rejection::NotAdministrator);
    }
    Ok(By {
        party: Some(party),
        account: Some(actor.account.clone()),
        at: now,
    })
}

fn system(actor: Option<&Actor>) -> Result<(), Rejection> {
    if actor.is_some() {
        return Err(Rejection::SystemOnly);
    }
    Ok(())
}

/// A suspended or proposed agreement permits nothing; only these stages have grant rows.
pub(super) fn grants_now(a: &Agreement) -> bool {
    a.stage == Stage::Active && a.suspensions.is_empty()
}
