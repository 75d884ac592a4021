//! What people do with their own account: name and language, password, second factor, sessions.

use agreements::Role;
use kernel::{Instant, Phi, ResourceId};
use store::Batch;

use super::create::check_zone;
use super::factor::{self, Offer};
use super::model::{Account, Totp};
use super::password;
use super::sign_in::Reauth;
use crate::cx::Language;
use crate::docs::{self, Versioned};
use crate::sessions;
use crate::{App, AppError, Cx};

/// What a person sees of their own account.
#[derive(Debug, Clone)]
pub struct Profile {
    pub login: String,
    pub email: Option<String>,
    pub name: String,
    pub latin_name: Option<String>,
    pub language: Language,
    pub zone: String,
    pub theme: Option<String>,
    pub password_set: Option<Instant>,
    /// When codes from an authenticator were set up.
    pub second_factor: Option<Instant>,
    pub passkeys: Vec<super::OwnPasskey>,
    /// A role demands one: it can be replaced but not removed.
    pub second_factor_demanded: bool,
    pub recovery_left: usize,
    pub memberships: Vec<super::Membership>,
}

/// What people set for themselves.
#[derive(Debug, Clone)]
pub struct Preferences {
    pub language: Language,
    pub zone: String,
    pub theme: Option<String>,
    pub latin_name: Option<String>,
}

/// A session in the person's own list.
#[derive(Debug, Clone)]
pub struct OwnSession {
    pub id: ResourceId,
    pub created: Instant,
    pub used: Instant,
    pub peer: Option<String>,
    pub device: Option<String>,
    pub acting: Option<kernel::HospitalId>,
    pub role: Option<Role>,
}

impl App {
    pub async fn profile(&self, cx: &Cx) -> Result<Profile, AppError> {
        let account = self.own_account(cx).await?.doc;
        let demanded = self.demands_second_factor(&sessions::seats(&account, cx.now));
        Ok(Profile {
            login: account.login,
            email: account.email,
            name: account.name,
            latin_name: account.latin_name,
            language: account.language,
            zone: account.zone,
            theme: account.theme,
            password_set: account.password_set,
            second_factor: account.totp.map(|t| t.enrolled),
            passkeys: account.passkeys,
            second_factor_demanded: demanded,
            recovery_left: account.recovery.len(),
            memberships: account.memberships,
        })
    }

    pub async fn set_preferences(&self, cx: &Cx, set: Preferences) -> Result<(), AppError> {
        check_zone(&set.zone)?;
        let theme = match set.theme.as_deref() {
            None | Some("") => None,
            Some(t @ ("light" | "dark")) => Some(t.to_owned()),
            Some(_) => return Err(AppError::invalid("theme", "theme", "light or dark")),
        };
        let latin = set
            .latin_name
            .map(|n| n.trim().to_owned())
            .filter(|n| !n.is_empty());
        if latin.as_ref().is_some_and(|n| n.chars().count() > 120) {
            return Err(AppError::invalid(
                "latin-name",
                "too-long",
                "at most 120 characters",
            ));
        }
        let mut account = self.own_account(cx).await?;
        account.doc.language = set.language;
        account.doc.zone = set.zone;
        account.doc.theme = theme;
        account.doc.latin_name = latin;
        self.commit_own(cx, &account, "account.preferences").await
    }

    /// Changes the password after the old one (and the code) was given. Other sessions end.
    pub async fn change_password(
        &self,
        cx: &Cx,
        session: &ResourceId,
        given: &Reauth,
        new: Phi<String>,
    ) -> Result<(), AppError> {
        let account = self.own_account(cx).await?;
        password::check_new(
            "new-password",
            &new,
            &[&account.doc.login, &account.doc.name],
        )?;
        let mut account = self.prove_again(cx, account, given).await?;
        account.doc.password = Some(self.gate.hash(new, self.entropy.clone()).await?);
        account.doc.password_set = Some(cx.now);
        self.commit_own(cx, &account, "account.password").await?;
        self.end_other_sessions(cx, session).await
    }

    /// Offers a new secret to set up in an authenticator. It counts once [`App::confirm_second_factor`] was given
    /// a code of it. Asking again shows the same one.
    pub async fn offer_second_factor(&self, cx: &Cx) -> Result<Offer, AppError> {
        let mut account = self.own_account(cx).await?;
        if let Some(offered) = &account.doc.totp_offered {
            return factor::offer(&self.node_key, &account.doc, offered);
        }
        let secret = factor::new_secret(&self.node_key, &*self.entropy, &account.doc.id)?;
        account.doc.totp_offered = Some(secret.clone());
        let mut batch = Batch::new(cx.now);
        docs::put(&mut batch, &account)?;
        self.store.commit(batch).await?;
        factor::offer(&self.node_key, &account.doc, &secret)
    }

    /// Takes the offered secret into use. The password is asked again, and a code of the factor that is replaced,
    /// if there is one. Returns the recovery codes, shown this once.
    pub async fn confirm_second_factor(
        &self,
        cx: &Cx,
        session: &ResourceId,
        given: &Reauth,
        new_code: &str,
    ) -> Result<Vec<String>, AppError> {
        let account = self.own_account(cx).await?;
        let offered = account
            .doc
            .totp_offered
            .clone()
            .ok_or_else(|| AppError::rejected("no-offer", "nothing is being set up"))?;
        let step = factor::step_of(&self.node_key, &account.doc, &offered, new_code, cx.now)?
            .ok_or_else(|| AppError::invalid("new-code", "code-wrong", "the code is not right"))?;
        let mut account = self.prove_again(cx, account, given).await?;
        let (shown, kept) = factor::recovery_codes(&*self.entropy);
        account.doc.totp = Some(Totp {
            secret: offered,
            enrolled: cx.now,
            last_step: step,
        });
        account.doc.totp_offered = None;
        account.doc.recovery = kept;
        let at = cx.actor.hospital.as_ref();
        let mut batch = self.account_batch(cx, &account, "account.second-factor", at)?;
        self.session_has_factor(cx, session, &mut batch).await?;
        self.store.commit(batch).await?;
        self.end_other_sessions(cx, session).await?;
        Ok(shown)
    }

    /// Removes the codes from an authenticator, unless a role demands a second factor and no passkey is there.
    pub async fn remove_second_factor(&self, cx: &Cx, given: &Reauth) -> Result<(), AppError> {
        let account = self.own_account(cx).await?;
        let mut left = account.doc.clone();
        left.totp = None;
        self.may_be_left(cx, &left)?;
        let mut account = self.prove_again(cx, account, given).await?;
        account.doc.totp = None;
        account.doc.totp_offered = None;
        if !account.doc.has_second_factor() {
            account.doc.recovery.clear();
        }
        self.commit_own(cx, &account, "account.second-factor-removed")
            .await
    }

    /// New recovery codes; the old ones are void. Shown this once.
    pub async fn renew_recovery_codes(
        &self,
        cx: &Cx,
        given: &Reauth,
    ) -> Result<Vec<String>, AppError> {
        let account = self.own_account(cx).await?;
        if !account.doc.has_second_factor() {
            return Err(AppError::rejected(
                "no-second-factor",
                "there is no second factor",
            ));
        }
        let mut account = self.prove_again(cx, account, given).await?;
        let (shown, kept) = factor::recovery_codes(&*self.entropy);
        account.doc.recovery = kept;
        self.commit_own(cx, &account, "account.recovery-codes")
            .await?;
        Ok(shown)
    }

    /// The person's own living sessions, the latest used first.
    pub async fn own_sessions(&self, cx: &Cx) -> Result<Vec<OwnSession>, AppError> {
        let found = self.sessions_of(&cx.actor.account, cx.now).await?;
        Ok(found
            .into_iter()
            .map(|s| OwnSession {
                id: s.key.id,
                created: s.doc.created,
                used: s.doc.used,
                peer: s.doc.peer,
                device: s.doc.device,
                acting: s.doc.acting,
                role: s.doc.role,
            })
            .collect())
    }

    /// Ends all the person's sessions but this one.
    pub async fn end_other_sessions(&self, cx: &Cx, keep: &ResourceId) -> Result<(), AppError> {
        let mut found = self.sessions_of(&cx.actor.account, cx.now).await?;
        found.retain(|s| &s.key.id != keep);
        if found.is_empty() {
            return Ok(());
        }
        let mut batch = Batch::new(cx.now);
        for session in &found {
            Self::end_session(&mut batch, session);
        }
        batch.audit.push(self.account_audit(
            cx,
            "session.ended",
            &cx.actor.account,
            cx.actor.hospital.as_ref(),
        )?);
        self.store.commit(batch).await?;
        for session in found {
            self.gate.end_session(session.key.id);
        }
        Ok(())
    }

    pub(crate) async fn commit_own(
        &self,
        cx: &Cx,
        account: &Versioned<Account>,
        action: &str,
    ) -> Result<(), AppError> {
        let batch = self.account_batch(cx, account, action, cx.actor.hospital.as_ref())?;
        self.store.commit(batch).await?;
        Ok(())
    }

    /// The session in which a second factor was set up has proved it by that.
    pub(super) async fn session_has_factor(
        &self,
        cx: &Cx,
        session: &ResourceId,
        batch: &mut Batch,
    ) -> Result<(), AppError> {
        if let Some(mut own) = self.load_session(session, cx.now).await? {
            own.doc.second_factor = true;
            docs::put(batch, &own)?;
        }
        Ok(())
    }

    /// The last second factor stays while a role demands one.
    pub(super) fn may_be_left(&self, cx: &Cx, left: &Account) -> Result<(), AppError> {
        if !left.has_second_factor() && self.demands_second_factor(&sessions::seats(left, cx.now)) {
            return Err(AppError::rejected(
                "second-factor-demanded",
                "a role demands a second factor",
            ));
        }
        Ok(())
    }
}
