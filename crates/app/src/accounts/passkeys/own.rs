//! What people do with their own passkeys: made, named, removed.

use kernel::ResourceId;
use seal::b64;
use store::{Batch, StoreError};
use webauthn_rs::prelude::{PasskeyRegistration, RegisterPublicKeyCredential, Uuid};

use super::{ANSWER_BYTES_MAX, Challenge, OwnPasskey, PASSKEYS_MAX, PasskeyAnswer, refused};
use crate::accounts::ceremony::Purpose;
use crate::accounts::factor;
use crate::accounts::invite::check_name;
use crate::accounts::sign_in::Reauth;
use crate::{App, AppError, Cx, docs};

/// How long after proving oneself a passkey may be made, seconds.
const PROVED_S: i64 = 10 * 60;

impl App {
    /// The person's own passkeys, oldest first.
    pub async fn own_passkeys(&self, cx: &Cx) -> Result<Vec<OwnPasskey>, AppError> {
        Ok(self.own_account(cx).await?.doc.passkeys)
    }

    /// Whether the session has proved itself a short while ago: by signing in, or again since.
    pub async fn proved_lately(&self, cx: &Cx, session: &ResourceId) -> Result<bool, AppError> {
        let found = self.load_session(session, cx.now).await?;
        Ok(found.is_some_and(|s| {
            s.doc.account == cx.actor.account
                && s.doc
                    .proved
                    .is_some_and(|at| at.duration_until(cx.now).as_secs() < PROVED_S)
        }))
    }

    /// Proves again who is there, for what follows in the next minutes.
    pub async fn prove_for_a_while(
        &self,
        cx: &Cx,
        session: &ResourceId,
        given: &Reauth,
    ) -> Result<(), AppError> {
        self.reauthenticate(cx, given).await?;
        let mut found = self
            .load_session(session, cx.now)
            .await?
            .filter(|s| s.doc.account == cx.actor.account)
            .ok_or(AppError::Unauthenticated)?;
        found.doc.proved = Some(cx.now);
        let mut batch = Batch::new(cx.now);
        docs::put(&mut batch, &found)?;
        self.store.commit(batch).await?;
        Ok(())
    }

    /// The challenge to make a passkey. The session has proved itself lately.
    pub async fn passkey_offer(
        &self,
        cx: &Cx,
        session: &ResourceId,
    ) -> Result<Challenge, AppError> {
        if !self.proved_lately(cx, session).await? {
            return Err(AppError::Reauthenticate);
        }
        let account = self.own_account(cx).await?.doc;
        if account.passkeys.len() >= PASSKEYS_MAX {
            return Err(AppError::TooMuch("passkeys"));
        }
        let user = Uuid::parse_str(account.id.as_str())
            .map_err(|_| AppError::Internal("account id".into()))?;
        let held = account
            .passkeys
            .iter()
            .map(|p| p.key.cred_id().clone())
            .collect();
        let (options, state) = self
            .relying_party()?
            .start_passkey_registration(user, &account.login, &account.name, Some(held))
            .map_err(|_| AppError::Internal("passkey offer".into()))?;
        let mut options = serde_json::to_value(&options)
            .map_err(|_| AppError::Internal("passkey offer".into()))?;
        // A passkey here signs in alone, so the authenticator keeps it itself (§5.4.4).
        let selection = &mut options["publicKey"]["authenticatorSelection"];
        selection["residentKey"] = "required".into();
        selection["requireResidentKey"] = true.into();
        self.begin_passkey(Purpose::Register, Some(account.id), &state, options)
            .await
    }

    /// Takes a new passkey into the account. Returns recovery codes, shown this once, when there are none yet. The
    /// other sessions end when it is the first second factor.
    pub async fn add_passkey(
        &self,
        cx: &Cx,
        session: &ResourceId,
        name: &str,
        answer: &PasskeyAnswer,
    ) -> Result<Vec<String>, AppError> {
        check_name(name)?;
        let text = answer.credential.reveal();
        if text.len() > ANSWER_BYTES_MAX {
            return Err(refused());
        }
        let credential: RegisterPublicKeyCredential =
            serde_json::from_str(text).map_err(|_| refused())?;
        if !self.proved_lately(cx, session).await? {
            return Err(AppError::Reauthenticate);
        }
        let state: PasskeyRegistration = self
            .take_ceremony(&answer.ceremony, Purpose::Register, Some(&cx.actor.account))
            .await?
            .ok_or_else(refused)?;
        let key = self
            .relying_party()?
            .finish_passkey_registration(&credential, &state)
            .map_err(|error| {
                tracing::debug!(%error, "a new passkey was refused");
                refused()
            })?;
        let mut account = self.own_account(cx).await?;
        let first = !account.doc.has_second_factor();
        let mut shown = Vec::new();
        if account.doc.recovery.is_empty() {
            let (codes, kept) = factor::recovery_codes(&*self.entropy);
            account.doc.recovery = kept;
            shown = codes;
        }
        account.doc.passkeys.push(OwnPasskey {
            id: b64::encode(key.cred_id()),
            name: name.trim().to_owned(),
            created: cx.now,
            used: None,
            suspect: None,
            key,
        });
        let at = cx.actor.hospital.as_ref();
        let mut batch = self.account_batch(cx, &account, "passkey.added", at)?;
        self.session_has_factor(cx, session, &mut batch).await?;
        match self.store.commit(batch).await {
            Ok(_) => {}
            // Another account holds this very credential.
            Err(StoreError::Duplicate { .. }) => return Err(refused()),
            Err(e) => return Err(e.into()),
        }
        if first {
            self.end_other_sessions(cx, session).await?;
        }
        Ok(shown)
    }

    pub async fn rename_passkey(&self, cx: &Cx, id: &str, name: &str) -> Result<(), AppError> {
        check_name(name)?;
        let mut account = self.own_account(cx).await?;
        let own = account.doc.passkeys.iter_mut().find(|p| p.id == id);
        own.ok_or(AppError::NotFound)?.name = name.trim().to_owned();
        self.commit_own(cx, &account, "passkey.renamed").await
    }

    /// Removes a passkey after the person has proved again who they are. The last second factor stays while a role
    /// demands one.
    pub async fn remove_passkey(&self, cx: &Cx, id: &str, given: &Reauth) -> Result<(), AppError> {
        let account = self.own_account(cx).await?;
        let mut left = account.doc.clone();
        left.passkeys.retain(|p| p.id != id);
        if left.passkeys.len() == account.doc.passkeys.len() {
            return Err(AppError::NotFound);
        }
        self.may_be_left(cx, &left)?;
        let mut account = self.prove_again(cx, account, given).await?;
        account.doc.passkeys.retain(|p| p.id != id);
        if !account.doc.has_second_factor() {
            account.doc.recovery.clear();
        }
        self.commit_own(cx, &account, "passkey.removed").await
    }
}
