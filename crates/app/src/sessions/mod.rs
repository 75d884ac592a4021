//! Sessions: an opaque token in a cookie, only its hash in the store. Who the session acts as is worked out anew
//! for each request from the account as it stands.

pub mod live;
mod token;

use agreements::{Actor, ActorKind, Role, SystemPurpose};
use kernel::{AccountId, HospitalId, Instant, ResourceId, limits};
use serde::{Deserialize, Serialize};
use store::{Batch, Lookup, Precondition};

use crate::accounts::model::{Account, Membership};
use crate::cx::Channel;
use crate::docs::{self, Document, Versioned};
use crate::{App, AppError, Cx};

pub use live::SessionWatch;
pub use token::{clear_cookie, cookie_name, csrf_is, csrf_of, set_cookie};

/// How often the last use of a session is written down at most, seconds.
const TOUCH_S: i64 = 5 * 60;
/// How long a password alone waits for its code, seconds.
const CODE_WAIT_S: i64 = 10 * 60;
/// How long other pages of a session that signed out stay open.
const SIGN_OUT_PAUSE: std::time::Duration = std::time::Duration::from_millis(400);

/// How far a session has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// The password was right; the code is still owed.
    Code,
    /// Signed in.
    Open,
}

/// A session as stored; its id is the SHA-256 of the token, hexadecimal.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Session {
    pub account: AccountId,
    pub created: Instant,
    pub used: Instant,
    /// The end that no use moves.
    pub until: Instant,
    pub stage: Stage,
    /// The hospital acted for; none until chosen.
    pub acting: Option<HospitalId>,
    /// Only this role, when the person chose one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    pub second_factor: bool,
    /// When the person last proved who they are, by signing in or again since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proved: Option<Instant>,
    /// Let in by the sign-in of this hospital, and so for this hospital alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only: Option<HospitalId>,
    pub peer: Option<String>,
    /// Browser and system in a few words, for the person's own list.
    pub device: Option<String>,
}

impl Document for Session {
    const KIND: &'static str = "session";

    fn lookups(&self) -> Vec<Lookup> {
        vec![Lookup::new("account", self.account.as_str())]
    }
}

impl Session {
    /// When it ends if it is not used.
    pub fn ends(&self) -> Instant {
        let idle = match self.stage {
            Stage::Code => CODE_WAIT_S,
            Stage::Open => limits::SESSION_IDLE_S,
        };
        let idle = self
            .used
            .checked_add(jiff::SignedDuration::from_secs(idle))
            .unwrap_or(self.until);
        idle.min(self.until)
    }
}

/// What the edge knows of a request before it is authenticated.
#[derive(Debug, Clone)]
pub struct SessionAsk {
    /// Random id of the request.
    pub request: String,
    pub peer: Option<String>,
    pub channel: Channel,
}

/// What a session still owes before it acts for a hospital.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pending {
    /// The code of the second factor.
    SecondFactor,
    /// A second factor must be set up: a role of this person demands one.
    Enrol,
    /// Which hospital and role.
    Choose,
}

impl Pending {
    /// The page where it is settled.
    pub const fn page(self) -> &'static str {
        match self {
            Self::SecondFactor => "/sign-in/code",
            Self::Enrol => "/profile/second-factor",
            Self::Choose => "/choose",
        }
    }
}

/// A hospital and roles the person may act in now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seat {
    pub hospital: HospitalId,
    pub title: Option<String>,
    pub roles: Vec<Role>,
}

/// How a person can prove who they are, for the forms that ask for it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proofs {
    /// The name they sign in with.
    pub login: String,
    /// A code is asked for beside the password.
    pub code: bool,
    /// A passkey does instead of both.
    pub passkey: bool,
}

/// A session that lives, and who it acts as for this request.
#[derive(Debug, Clone)]
pub struct SignedIn {
    pub cx: Cx,
    pub session: ResourceId,
    /// Goes into every form as the hidden field `csrf`.
    pub csrf: String,
    form_key: kernel::Phi<String>,
    pub pending: Option<Pending>,
    /// What the person may choose from.
    pub seats: Vec<Seat>,
    /// How the person can prove again who they are.
    pub proofs: Proofs,
    /// `light` or `dark`; none: as the device is set.
    pub theme: Option<String>,
    /// When it ends if it is not used.
    pub ends: Instant,
}

impl SignedIn {
    /// Whether a form was made for this session, in constant time.
    pub fn made_form(&self, form_token: &str) -> bool {
        token::follows_from(self.form_key.reveal(), form_token)
    }
}

impl App {
    /// The session a cookie's token names, or `Unauthenticated`.
    pub async fn session(&self, token: &str, ask: SessionAsk) -> Result<SignedIn, AppError> {
        let now = self.now();
        let found = self
            .load_session(&token::session_id(token)?, now)
            .await?
            .ok_or(AppError::Unauthenticated)?;
        let account = self
            .load_account(&found.doc.account)
            .await?
            .filter(|a| a.doc.is_open())
            .ok_or(AppError::Unauthenticated)?;
        let signed = self.signed_in(token, &found, &account.doc, ask, now);
        self.touch(found, now).await;
        Ok(signed)
    }

    pub(crate) async fn load_session(
        &self,
        id: &ResourceId,
        now: Instant,
    ) -> Result<Option<Versioned<Session>>, AppError> {
        let permit = self.system(SystemPurpose::Authentication);
        let found = self
            .load::<Session>(&permit, &HospitalId::network(), id)
            .await?;
        Ok(found.filter(|s| now < s.doc.ends()))
    }

    fn signed_in(
        &self,
        token: &str,
        session: &Versioned<Session>,
        account: &Account,
        ask: SessionAsk,
        now: Instant,
    ) -> SignedIn {
        let doc = &session.doc;
        let seats = seats_within(account, doc.only.as_ref(), now);
        let pending = self.pending(doc, account, &seats);
        let actor = if pending.is_some() {
            nobody_yet(account)
        } else {
            actor(account, doc.acting.as_ref(), doc.role, now)
        };
        SignedIn {
            cx: Cx {
                actor,
                name: account.name.clone(),
                language: account.language,
                zone: account.time_zone(),
                channel: ask.channel,
                now,
                request: ask.request,
                peer: ask.peer,
                second_factor: doc.second_factor,
            },
            session: session.key.id.clone(),
            csrf: token::csrf_for_page(token, &*self.entropy),
            form_key: csrf_of(token).into(),
            pending,
            seats,
            proofs: Proofs {
                login: account.login.clone(),
                code: account.has_second_factor(),
                passkey: self.passkeys_offered() && account.passkeys_good().next().is_some(),
            },
            theme: account.theme.clone(),
            ends: doc.ends(),
        }
    }

    fn pending(&self, session: &Session, account: &Account, seats: &[Seat]) -> Option<Pending> {
        if session.stage == Stage::Code {
            return Some(Pending::SecondFactor);
        }
        if !account.has_second_factor()
            && !session.second_factor
            && self.demands_second_factor(seats)
        {
            return Some(Pending::Enrol);
        }
        if account.kind == ActorKind::Patient {
            return None;
        }
        let chosen = session.acting.as_ref().is_some_and(|h| {
            seats
                .iter()
                .any(|s| &s.hospital == h && session.role.is_none_or(|r| s.roles.contains(&r)))
        });
        (!chosen).then_some(Pending::Choose)
    }

    /// Whether a role the person holds anywhere may be used only with a second factor.
    pub(crate) fn demands_second_factor(&self, seats: &[Seat]) -> bool {
        let demanding = &self.settings.second_factor_for;
        seats
            .iter()
            .any(|s| s.roles.iter().any(|r| demanding.contains(r)))
    }

    /// Writes the last use down, now and then. Losing this write loses nothing but minutes of idle time.
    async fn touch(&self, mut session: Versioned<Session>, now: Instant) {
        if session.doc.used.duration_until(now).as_secs() < TOUCH_S {
            return;
        }
        session.doc.used = now;
        let mut batch = Batch::new(now);
        if docs::put(&mut batch, &session).is_ok()
            && let Err(e) = self.store.commit(batch).await
        {
            tracing::debug!(error = %e, "last use of a session was not written");
        }
    }

    /// Begins a session. The token is returned once and kept nowhere.
    pub(crate) async fn begin_session(
        &self,
        batch: &mut Batch,
        session: Session,
    ) -> Result<String, AppError> {
        let token = seal::token::new_token(&*self.entropy);
        let key = self.doc_key::<Session>(&HospitalId::network(), &token::session_id(&token)?);
        docs::put(
            batch,
            &Versioned {
                key,
                version: 0,
                doc: session,
            },
        )?;
        Ok(token)
    }

    /// All living sessions of an account, newest first.
    pub(crate) async fn sessions_of(
        &self,
        account: &AccountId,
        now: Instant,
    ) -> Result<Vec<Versioned<Session>>, AppError> {
        let permit = self.system(SystemPurpose::Authentication);
        let lookups = vec![Lookup::new("account", account.as_str())];
        let network = HospitalId::network();
        let mut found = self
            .find::<Session>(&permit, Some(&network), lookups, None, 1_000, false)
            .await?;
        found.retain(|s| now < s.doc.ends());
        found.sort_by_key(|s| std::cmp::Reverse(s.doc.used));
        Ok(found)
    }

    /// Puts the end of a session into the batch; [`App::announce_ended`] follows once it is committed.
    pub(crate) fn end_session(batch: &mut Batch, session: &Versioned<Session>) {
        batch.delete(session.key.clone(), Precondition::Any);
        batch.event(live::SESSION_ENDED, &session.key, "{}");
    }

    /// Ends the session and closes its live pages.
    pub async fn sign_out(&self, cx: &Cx, session: &ResourceId) -> Result<(), AppError> {
        let Some(found) = self.load_session(session, cx.now).await? else {
            return Ok(());
        };
        if found.doc.account != cx.actor.account {
            return Err(AppError::NotFound);
        }
        let mut batch = Batch::new(cx.now);
        batch.delete(found.key.clone(), Precondition::Any);
        batch.event(live::SIGNED_OUT, &found.key, "{}");
        batch.audit.push(self.account_audit(
            cx,
            "session.ended",
            &cx.actor.account,
            cx.actor.hospital.as_ref(),
        )?);
        self.store.commit(batch).await?;
        // The page that signed out is on its way elsewhere; only others that are open have to hear of it.
        self.end_soon(session.clone());
        Ok(())
    }
}

impl App {
    /// Closes the live pages of a session whose own page is on its way elsewhere.
    fn end_soon(&self, session: ResourceId) {
        let gate = self.gate.clone();
        tokio::spawn(async move {
            tokio::time::sleep(SIGN_OUT_PAUSE).await;
            gate.end_session(session);
        });
    }
}

/// The seats a person may take at `at`.
pub(crate) fn seats(account: &Account, at: Instant) -> Vec<Seat> {
    account
        .memberships
        .iter()
        .filter_map(|m| seat(m, at))
        .collect()
}

/// The seats a session may take that perhaps acts for one hospital alone.
pub(crate) fn seats_within(account: &Account, only: Option<&HospitalId>, at: Instant) -> Vec<Seat> {
    let mut all = seats(account, at);
    all.retain(|s| only.is_none_or(|h| h == &s.hospital));
    all
}

fn seat(m: &Membership, at: Instant) -> Option<Seat> {
    let mut roles: Vec<Role> = m.roles_at(at).collect();
    roles.sort_unstable();
    roles.dedup();
    (!roles.is_empty()).then(|| Seat {
        hospital: m.hospital.clone(),
        title: m.title.clone(),
        roles,
    })
}

/// One whose sign-in is not complete: no hospital, no role, no record.
fn nobody_yet(account: &Account) -> Actor {
    Actor {
        account: account.id.clone(),
        kind: account.kind,
        hospital: None,
        roles: Default::default(),
        privileges: Default::default(),
        linked: Vec::new(),
    }
}

/// Who the account is at `hospital`, by what is valid at `at`.
pub(crate) fn actor(
    account: &Account,
    hospital: Option<&HospitalId>,
    role: Option<Role>,
    at: Instant,
) -> Actor {
    let mut actor = nobody_yet(account);
    if account.kind == ActorKind::Patient {
        actor.roles.insert(Role::Patient);
        actor.linked = account
            .patients
            .iter()
            .filter(|l| l.valid.holds(at))
            .map(crate::accounts::PatientLink::linked)
            .collect();
        return actor;
    }
    let Some(membership) = hospital.and_then(|h| account.membership(h)) else {
        return actor;
    };
    actor.roles = membership
        .roles_at(at)
        .filter(|r| role.is_none_or(|only| only == *r))
        .collect();
    if !actor.roles.is_empty() {
        actor.hospital = Some(membership.hospital.clone());
        actor.privileges = membership.privileges_at(at).collect();
    }
    actor
}
