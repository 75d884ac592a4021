//! Passkeys as proof: to sign in alone, after a password, and again before a document is signed.

use kernel::{AccountId, Instant};
use seal::b64;
use webauthn_rs::prelude::{
    AuthenticationResult, DiscoverableAuthentication, PublicKeyCredential, WebauthnError,
};

use super::{ANSWER_BYTES_MAX, Challenge, OwnPasskey, PasskeyAnswer, refused};
use crate::accounts::ceremony::Purpose;
use crate::accounts::model::Account;
use crate::accounts::sign_in::{Begun, Opening, Proof, refuse_locked};
use crate::accounts::throttle::origin_of;
use crate::docs::Versioned;
use crate::sessions::{SessionAsk, Stage};
use crate::{App, AppError, Cx};

/// A passkey that has proved itself, to be written with what it was proved for.
#[derive(Debug)]
pub(crate) struct PasskeyProof {
    id: String,
    result: AuthenticationResult,
}

/// Writes the new counter and the time of use.
pub(crate) fn spend(account: &mut Account, proof: &PasskeyProof, now: Instant) {
    if let Some(own) = account.passkeys.iter_mut().find(|p| p.id == proof.id) {
        own.used = Some(now);
        own.key.update_credential(&proof.result);
    }
}

fn read(answer: &PasskeyAnswer) -> Result<PublicKeyCredential, AppError> {
    let text = answer.credential.reveal();
    if text.len() > ANSWER_BYTES_MAX {
        return Err(refused());
    }
    serde_json::from_str(text).map_err(|_| refused())
}

impl App {
    /// The challenge for somebody who has not said who they are: the authenticator knows (§7.2, discoverable
    /// credentials).
    pub async fn passkey_sign_in_challenge(&self, ask: &SessionAsk) -> Result<Challenge, AppError> {
        let origin = origin_of(ask.peer.as_deref());
        self.admit("", &origin, self.now()).await?;
        self.gate.may_begin(&origin, self.now())?;
        self.challenge(None, Vec::new()).await
    }

    /// The challenge for the account of the one who acts, or whose sign-in waits for a second factor.
    pub async fn passkey_challenge(&self, cx: &Cx) -> Result<Challenge, AppError> {
        let account = self.own_account(cx).await?.doc;
        let allowed: Vec<serde_json::Value> = account
            .passkeys_good()
            .map(|p| serde_json::json!({"type": "public-key", "id": p.id}))
            .collect();
        if allowed.is_empty() {
            return Err(refused());
        }
        self.challenge(Some(account.id), allowed).await
    }

    async fn challenge(
        &self,
        account: Option<AccountId>,
        allowed: Vec<serde_json::Value>,
    ) -> Result<Challenge, AppError> {
        let fault = |_| AppError::Internal("passkey challenge".into());
        let (options, state) = self
            .relying_party()?
            .start_discoverable_authentication()
            .map_err(|_| AppError::Internal("passkey challenge".into()))?;
        let mut options = serde_json::to_value(&options).map_err(fault)?;
        if let Some(options) = options.as_object_mut() {
            // The person has pressed a button; nothing is filled in by itself.
            options.remove("mediation");
        }
        let purpose = if account.is_some() {
            options["publicKey"]["allowCredentials"] = allowed.into();
            Purpose::Prove
        } else {
            Purpose::SignIn
        };
        self.begin_passkey(purpose, account, &state, options).await
    }

    /// Signs in by a passkey alone: two factors at once, since the authenticator has verified its user.
    pub async fn sign_in_by_passkey(
        &self,
        ask: SessionAsk,
        answer: &PasskeyAnswer,
        device: Option<String>,
    ) -> Result<Begun, AppError> {
        let now = self.now();
        let origin = origin_of(ask.peer.as_deref());
        self.admit("", &origin, now).await?;
        let credential = read(answer)?;
        let state: DiscoverableAuthentication = self
            .take_ceremony(&answer.ceremony, Purpose::SignIn, None)
            .await?
            .ok_or_else(refused)?;
        let named = self
            .relying_party()?
            .identify_discoverable_authentication(&credential)
            .ok()
            .and_then(|(user, _)| AccountId::new(user.hyphenated().to_string()).ok());
        let account = match named {
            Some(id) => self.load_account(&id).await?,
            None => None,
        };
        let Some(account) = account.filter(|a| a.doc.is_open() && a.doc.machine.is_none()) else {
            self.count_failure("", &origin, &ask, now).await?;
            return Err(refused());
        };
        let login = account.doc.login.clone();
        self.admit(&login, &origin, now).await?;
        refuse_locked(&account.doc, now)?;
        let Some(proof) = self
            .verify_passkey(&ask, &account, &credential, state)
            .await?
        else {
            self.count_failure(&login, &origin, &ask, now).await?;
            return Err(refused());
        };
        self.forgive(&login).await?;
        let opening = Opening::new(Stage::Open, Some(Proof::Passkey(proof)), device);
        self.open(&ask, account, opening).await
    }

    /// Checks an answer for an account that is known; `None` when it proves nothing.
    pub(crate) async fn prove_by_passkey(
        &self,
        ask: &SessionAsk,
        account: &Versioned<Account>,
        answer: &PasskeyAnswer,
    ) -> Result<Option<Proof>, AppError> {
        let credential = read(answer)?;
        let state: DiscoverableAuthentication = self
            .take_ceremony(&answer.ceremony, Purpose::Prove, Some(&account.doc.id))
            .await?
            .ok_or_else(refused)?;
        let proof = self
            .verify_passkey(ask, account, &credential, state)
            .await?;
        Ok(proof.map(Proof::Passkey))
    }

    async fn verify_passkey(
        &self,
        ask: &SessionAsk,
        account: &Versioned<Account>,
        credential: &PublicKeyCredential,
        state: DiscoverableAuthentication,
    ) -> Result<Option<PasskeyProof>, AppError> {
        let id = b64::encode(credential.get_credential_id());
        let Some(own) = account.doc.passkeys_good().find(|p| p.id == id) else {
            return Ok(None);
        };
        let verified = self
            .relying_party()?
            .finish_discoverable_authentication_v2(credential, state, &own.key);
        match verified {
            // The policy demands it already; without it a passkey would be one factor alone.
            Ok(result) if result.user_verified() => Ok(Some(PasskeyProof { id, result })),
            Ok(_) => Ok(None),
            Err(WebauthnError::CredentialPossibleCompromise) => {
                self.suspect_passkey(ask, account.clone(), &id).await?;
                Ok(None)
            }
            Err(error) => {
                tracing::debug!(%error, "a passkey was refused");
                Ok(None)
            }
        }
    }

    /// The counter went backwards: the passkey is closed until the person has looked into it.
    async fn suspect_passkey(
        &self,
        ask: &SessionAsk,
        mut account: Versioned<Account>,
        id: &str,
    ) -> Result<(), AppError> {
        let now = self.now();
        let mark = |p: &mut OwnPasskey| p.suspect = Some(now);
        account
            .doc
            .passkeys
            .iter_mut()
            .filter(|p| p.id == id)
            .for_each(mark);
        let cx = self.cx_of(&account.doc, ask, now);
        let batch = self.account_batch(&cx, &account, "passkey.suspected", None)?;
        self.store.commit(batch).await?;
        Ok(())
    }
}
