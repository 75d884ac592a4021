//! Signing in: password, then code; and proving oneself again before signing a document.

use agreements::SystemPurpose;
use kernel::{AccountId, HospitalId, Instant, Phi, ResourceId, limits};
use store::{Batch, Lookup};

use super::factor;
use super::model::{Account, normal_login};
use super::passkeys::{self, PasskeyAnswer, PasskeyProof};
use super::throttle::origin_of;
use crate::audit_entry::{Entry, Verb};
use crate::cx::Channel;
use crate::docs::{self, Versioned};
use crate::sessions::{self, Session, SessionAsk, Stage};
use crate::{App, AppError, Cx};

/// What a person sends to sign in.
#[derive(Debug, Clone)]
pub struct SignIn {
    pub login: String,
    pub password: Phi<String>,
    /// Six digits, or a recovery code; may come in a second step.
    pub code: Option<String>,
    /// Browser and system in a few words, shown to the person alone.
    pub device: Option<String>,
}

/// The password once more, and the code where a second factor is set up; or a passkey instead of both.
#[derive(Debug, Clone)]
pub struct Reauth {
    pub password: Phi<String>,
    pub code: Option<String>,
    pub passkey: Option<PasskeyAnswer>,
}

impl Reauth {
    pub fn by_password(password: impl Into<String>, code: Option<String>) -> Self {
        Self {
            password: Phi::new(password.into()),
            code,
            passkey: None,
        }
    }
}

/// What settles the second factor of a session that owes it.
#[derive(Debug, Clone)]
pub enum SecondStep {
    /// Six digits, or a recovery code.
    Code(String),
    Passkey(PasskeyAnswer),
}

/// A session that was begun.
#[derive(Debug, Clone)]
pub struct Begun {
    /// For the cookie. Kept nowhere else.
    pub token: String,
    /// The code is still owed.
    pub code_owed: bool,
}

/// How a second factor was proved.
pub(crate) enum Proof {
    Totp { step: u64 },
    Recovery { index: usize },
    Passkey(PasskeyProof),
}

/// How a session opens.
pub(crate) struct Opening {
    pub stage: Stage,
    pub proof: Option<Proof>,
    pub device: Option<String>,
    /// The hospital whose own sign-in let the person in, and whether a second factor was proved there. The session acts
    /// for no other hospital.
    pub provider: Option<(HospitalId, bool)>,
}

impl Opening {
    pub const fn new(stage: Stage, proof: Option<Proof>, device: Option<String>) -> Self {
        Self {
            stage,
            proof,
            device,
            provider: None,
        }
    }
}

impl App {
    /// Signs in. A wrong name, a wrong password and a suspended account are answered alike and take alike long.
    pub async fn sign_in(&self, ask: SessionAsk, given: SignIn) -> Result<Begun, AppError> {
        let now = self.now();
        let login = normal_login(&given.login);
        let origin = origin_of(ask.peer.as_deref());
        self.admit(&login, &origin, now).await?;
        let account = self.account_by_login(&login).await?;
        if let Some(a) = &account {
            refuse_locked(&a.doc, now)?;
        }
        let usable = account.filter(|a| a.doc.is_open() && a.doc.machine.is_none());
        let phc = usable.as_ref().and_then(|a| a.doc.password.clone());
        let right = self
            .gate
            .verify(given.password, phc, self.entropy.clone())
            .await?;
        let Some(account) = usable.filter(|_| right) else {
            self.count_failure(&login, &origin, &ask, now).await?;
            return Err(AppError::Unauthenticated);
        };
        let code = given.code.filter(|c| !c.trim().is_empty());
        let proof = match (account.doc.has_second_factor(), code) {
            (false, _) => None,
            (true, None) => {
                return self
                    .open(&ask, account, Opening::new(Stage::Code, None, given.device))
                    .await;
            }
            (true, Some(code)) => match self.prove(&account.doc, &code, now)? {
                Some(proof) => Some(proof),
                None => {
                    self.count_failure(&login, &origin, &ask, now).await?;
                    return Err(AppError::Unauthenticated);
                }
            },
        };
        self.forgive(&login).await?;
        self.open(
            &ask,
            account,
            Opening::new(Stage::Open, proof, given.device),
        )
        .await
    }

    /// The second step: the code for a session that owes it. The session gets a new token.
    pub async fn give_code(
        &self,
        token: &str,
        ask: SessionAsk,
        code: &str,
    ) -> Result<Begun, AppError> {
        self.second_step(token, ask, SecondStep::Code(code.to_owned()))
            .await
    }

    /// The second step by code or passkey.
    pub async fn second_step(
        &self,
        token: &str,
        ask: SessionAsk,
        step: SecondStep,
    ) -> Result<Begun, AppError> {
        let signed = self.session(token, ask.clone()).await?;
        let now = signed.cx.now;
        let session = self
            .load_session(&signed.session, now)
            .await?
            .filter(|s| s.doc.stage == Stage::Code)
            .ok_or(AppError::Unauthenticated)?;
        let account = self
            .load_account(&signed.cx.actor.account)
            .await?
            .ok_or(AppError::Unauthenticated)?;
        let origin = origin_of(ask.peer.as_deref());
        let login = account.doc.login.clone();
        self.admit(&login, &origin, now).await?;
        refuse_locked(&account.doc, now)?;
        let (proved, wrong) = match &step {
            SecondStep::Code(code) => (
                self.prove(&account.doc, code, now)?,
                AppError::invalid("code", "code-wrong", "the code is not right"),
            ),
            SecondStep::Passkey(answer) => (
                self.prove_by_passkey(&ask, &account, answer).await?,
                AppError::invalid("passkey", "passkey-wrong", "the passkey was not accepted"),
            ),
        };
        let Some(proof) = proved else {
            if self.count_failure(&login, &origin, &ask, now).await? {
                let mut batch = Batch::new(now);
                Self::end_session(&mut batch, &session);
                self.store.commit(batch).await?;
            }
            return Err(wrong);
        };
        self.forgive(&login).await?;
        let opening = Opening {
            stage: Stage::Open,
            proof: Some(proof),
            device: session.doc.device.clone(),
            provider: session.doc.only.clone().map(|hospital| (hospital, false)),
        };
        let begun = self.open(&ask, account, opening).await?;
        let mut batch = Batch::new(now);
        Self::end_session(&mut batch, &session);
        self.store.commit(batch).await?;
        Ok(begun)
    }

    /// Proves again who is at the keyboard, just before a document is signed. Failures count like failed sign-ins.
    pub async fn reauthenticate(&self, cx: &Cx, given: &Reauth) -> Result<(), AppError> {
        let account = self
            .load_account(&cx.actor.account)
            .await?
            .ok_or(AppError::Unauthenticated)?;
        self.prove_again(cx, account, given).await.map(|_| ())
    }

    /// Password and code for an account that is loaded; returns it as it stands afterwards.
    pub(crate) async fn prove_again(
        &self,
        cx: &Cx,
        mut account: Versioned<Account>,
        given: &Reauth,
    ) -> Result<Versioned<Account>, AppError> {
        let now = cx.now;
        let origin = origin_of(cx.peer.as_deref());
        let login = account.doc.login.clone();
        self.admit(&login, &origin, now).await?;
        refuse_locked(&account.doc, now)?;
        let ask = SessionAsk {
            request: cx.request.clone(),
            peer: cx.peer.clone(),
            channel: cx.channel,
        };
        if let Some(answer) = &given.passkey {
            let Some(proof) = self.prove_by_passkey(&ask, &account, answer).await? else {
                self.count_failure(&login, &origin, &ask, now).await?;
                return Err(AppError::invalid(
                    "passkey",
                    "passkey-wrong",
                    "the passkey was not accepted",
                ));
            };
            self.spend_now(&mut account, &proof, now).await?;
            return Ok(account);
        }
        let phc = account.doc.password.clone();
        let right = self
            .gate
            .verify(given.password.clone(), phc, self.entropy.clone())
            .await?;
        if !right {
            self.count_failure(&login, &origin, &ask, now).await?;
            return Err(AppError::invalid(
                "password",
                "password-wrong",
                "the password is not right",
            ));
        }
        if account.doc.has_second_factor() {
            let code = given.code.as_deref().unwrap_or_default();
            if code.trim().is_empty() {
                return Err(AppError::invalid(
                    "code",
                    "code-missing",
                    "a code is needed",
                ));
            }
            let Some(proof) = self.prove(&account.doc, code, now)? else {
                self.count_failure(&login, &origin, &ask, now).await?;
                return Err(AppError::invalid(
                    "code",
                    "code-wrong",
                    "the code is not right",
                ));
            };
            self.spend_now(&mut account, &proof, now).await?;
        }
        self.forgive(&login).await?;
        Ok(account)
    }

    /// Writes down that a proof was used, under the version the account was read at: of two uses one is refused.
    async fn spend_now(
        &self,
        account: &mut Versioned<Account>,
        proof: &Proof,
        now: Instant,
    ) -> Result<(), AppError> {
        spend(&mut account.doc, proof, now);
        let mut batch = Batch::new(now);
        docs::put(&mut batch, account)?;
        let done = self.store.commit(batch).await?;
        account.version = done
            .versions
            .first()
            .copied()
            .unwrap_or(account.version + 1);
        Ok(())
    }

    /// Takes a seat: the hospital, and one role there or all of them.
    pub async fn choose_seat(
        &self,
        cx: &Cx,
        session: &ResourceId,
        hospital: &HospitalId,
        role: Option<agreements::Role>,
    ) -> Result<(), AppError> {
        let account = self.own_account(cx).await?;
        let mut found = self
            .load_session(session, cx.now)
            .await?
            .filter(|s| s.doc.account == cx.actor.account && s.doc.stage == Stage::Open)
            .ok_or(AppError::Unauthenticated)?;
        let seats = sessions::seats_within(&account.doc, found.doc.only.as_ref(), cx.now);
        let seat = seats
            .iter()
            .find(|s| &s.hospital == hospital)
            .filter(|s| role.is_none_or(|r| s.roles.contains(&r)));
        if seat.is_none() {
            return Err(AppError::denied("not-a-member"));
        }
        let before = found.doc.acting.replace(hospital.clone());
        found.doc.role = role;
        let mut batch = Batch::new(cx.now);
        docs::put(&mut batch, &found)?;
        if before.is_some() {
            batch.event(sessions::live::SEAT_LEFT, &found.key, "{}");
        }
        batch
            .audit
            .push(self.account_audit(cx, "seat.chosen", &account.doc.id, Some(hospital))?);
        self.store.commit(batch).await?;
        if before.is_some() {
            // Pages still open show the seat that was left.
            self.gate.end_session(session.clone());
        }
        Ok(())
    }

    fn prove(
        &self,
        account: &Account,
        code: &str,
        now: Instant,
    ) -> Result<Option<Proof>, AppError> {
        if let Some(totp) = &account.totp
            && let Some(step) = factor::step_of(&self.node_key, account, &totp.secret, code, now)?
        {
            // A code that was taken once proves nothing any more.
            return Ok((step > totp.last_step).then_some(Proof::Totp { step }));
        }
        Ok(factor::find_recovery(&account.recovery, code).map(|index| Proof::Recovery { index }))
    }

    /// Opens the session. Spending the code and opening lie in one commit, under the account's version: of two
    /// requests with one code, one is refused.
    pub(crate) async fn open(
        &self,
        ask: &SessionAsk,
        mut account: Versioned<Account>,
        opening: Opening,
    ) -> Result<Begun, AppError> {
        let now = self.now();
        let Opening {
            stage,
            proof,
            device,
            provider,
        } = opening;
        let (only, strong) = provider.unzip();
        let mut batch = Batch::new(now);
        let word = match &proof {
            Some(Proof::Recovery { .. }) => "sign-in.recovery-code",
            Some(Proof::Passkey(_)) => "sign-in.passkey",
            _ if only.is_some() => "sign-in.provider",
            _ => "sign-in",
        };
        if let Some(proof) = &proof {
            spend(&mut account.doc, proof, now);
        }
        if proof.is_some() || only.is_some() {
            docs::put(&mut batch, &account)?;
        }
        let account = &account.doc;
        let seats = sessions::seats_within(account, only.as_ref(), now);
        let acting = match (stage, seats.as_slice()) {
            (Stage::Open, [one]) => Some(one.hospital.clone()),
            _ => None,
        };
        let until = now
            .checked_add(jiff::SignedDuration::from_secs(limits::SESSION_MAX_S))
            .map_err(|_| AppError::Internal("end of session".into()))?;
        let session = Session {
            account: account.id.clone(),
            created: now,
            used: now,
            until,
            stage,
            acting: acting.clone(),
            role: None,
            second_factor: proof.is_some() || strong == Some(true),
            // Who was let in by somebody else has proved nothing to us.
            proved: (stage == Stage::Open && only.is_none()).then_some(now),
            only,
            peer: ask.peer.clone(),
            device,
        };
        let token = self.begin_session(&mut batch, session).await?;
        if stage == Stage::Open {
            let cx = self.cx_of(account, ask, now);
            batch
                .audit
                .push(self.account_audit(&cx, word, &account.id, acting.as_ref())?);
        }
        self.store.commit(batch).await?;
        Ok(Begun {
            token,
            code_owed: stage == Stage::Code,
        })
    }

    /// Counts a failure by name and origin. True when it closed the name. What is written down about an account
    /// that exists is written aside, so that the answer takes no longer than for one that does not.
    pub(crate) async fn count_failure(
        &self,
        login: &str,
        origin: &str,
        ask: &SessionAsk,
        now: Instant,
    ) -> Result<bool, AppError> {
        let closed = self.failed(login, origin, now).await?;
        let (app, login, ask) = (self.clone(), login.to_owned(), ask.clone());
        tokio::spawn(async move {
            if let Err(e) = app.write_failure(&login, &ask, closed, now).await {
                tracing::warn!(error = %e, "a failed sign-in was not written to the audit");
            }
        });
        Ok(closed)
    }

    async fn write_failure(
        &self,
        login: &str,
        ask: &SessionAsk,
        closed: bool,
        now: Instant,
    ) -> Result<(), AppError> {
        let Some(mut account) = self.account_by_login(login).await? else {
            return Ok(());
        };
        let cx = self.cx_of(&account.doc, ask, now);
        let mut batch = Batch::new(now);
        let entry = Entry {
            verb: Verb::Execute,
            action: if closed {
                "sign-in.locked"
            } else {
                "sign-in.failed"
            },
            subjects: std::slice::from_ref(&account.key),
            patient: None,
            ground: None,
            denied: true,
        };
        batch.audit.push(cx.audit(&HospitalId::network(), &entry));
        if closed {
            let lock = jiff::SignedDuration::from_secs(limits::SIGN_IN_LOCK_S);
            account.doc.locked_until = now.checked_add(lock).ok();
            docs::put(&mut batch, &account)?;
        }
        self.store.commit(batch).await?;
        Ok(())
    }

    pub(crate) async fn account_by_login(
        &self,
        login: &str,
    ) -> Result<Option<Versioned<Account>>, AppError> {
        self.account_by(Lookup::new("login", login)).await
    }

    pub(crate) async fn account_by(
        &self,
        lookup: Lookup,
    ) -> Result<Option<Versioned<Account>>, AppError> {
        let permit = self.system(SystemPurpose::Authentication);
        let network = HospitalId::network();
        let found = self
            .find::<Account>(&permit, Some(&network), vec![lookup], None, 1, false)
            .await?;
        Ok(found.into_iter().next())
    }

    pub(crate) async fn load_account(
        &self,
        id: &AccountId,
    ) -> Result<Option<Versioned<Account>>, AppError> {
        let permit = self.system(SystemPurpose::Authentication);
        let id = ResourceId::new(id.as_str())?;
        self.load::<Account>(&permit, &HospitalId::network(), &id)
            .await
    }

    /// The account of the one who acts, which must still be open.
    pub(crate) async fn own_account(&self, cx: &Cx) -> Result<Versioned<Account>, AppError> {
        self.load_account(&cx.actor.account)
            .await?
            .filter(|a| a.doc.is_open())
            .ok_or(AppError::Unauthenticated)
    }

    /// The account's own context while it signs in, without any right.
    pub(crate) fn cx_of(&self, account: &Account, ask: &SessionAsk, now: Instant) -> Cx {
        Cx {
            actor: sessions::actor(account, None, None, now),
            name: account.name.clone(),
            language: account.language,
            zone: account.time_zone(),
            channel: ask.channel,
            now,
            request: ask.request.clone(),
            peer: ask.peer.clone(),
            second_factor: false,
        }
    }

    /// The account as it is now, with what was done to it in the chain of `hospital` or of the node, and in the feed.
    pub(crate) fn account_batch(
        &self,
        cx: &Cx,
        account: &Versioned<Account>,
        action: &str,
        hospital: Option<&HospitalId>,
    ) -> Result<Batch, AppError> {
        let mut batch = Batch::new(cx.now);
        docs::put(&mut batch, account)?;
        let entry = self.account_audit(cx, action, &account.doc.id, hospital)?;
        batch.audit.push(entry);
        batch.event("account.changed", &account.key, "{}");
        Ok(batch)
    }

    /// An audit entry about an account, in the chain of `hospital` or of the node.
    pub(crate) fn account_audit(
        &self,
        cx: &Cx,
        action: &str,
        account: &AccountId,
        hospital: Option<&HospitalId>,
    ) -> Result<store::AuditDraft, AppError> {
        let network = HospitalId::network();
        let key = self.doc_key::<Account>(&network, &ResourceId::new(account.as_str())?);
        let verb = if cx.channel == Channel::Page && action.starts_with("sign-in") {
            Verb::Execute
        } else {
            Verb::Update
        };
        let chain = hospital.unwrap_or(&network);
        Ok(cx.audit(chain, &Entry::of(verb, action, &key)))
    }
}

pub(crate) fn refuse_locked(account: &Account, now: Instant) -> Result<(), AppError> {
    match account.locked_until {
        Some(until) if now < until => Err(AppError::RateLimited {
            retry_after_s: u32::try_from(now.duration_until(until).as_secs().max(1))
                .unwrap_or(u32::MAX),
        }),
        _ => Ok(()),
    }
}

fn spend(account: &mut Account, proof: &Proof, now: Instant) {
    match proof {
        Proof::Passkey(proof) => passkeys::spend(account, proof, now),
        Proof::Totp { step } => {
            if let Some(totp) = &mut account.totp {
                totp.last_step = *step;
            }
        }
        Proof::Recovery { index } => {
            account.recovery.remove(*index);
        }
    }
}
