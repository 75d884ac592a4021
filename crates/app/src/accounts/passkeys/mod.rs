//! Passkeys (Web Authentication Level 3): alone they are two factors, what one has and what one knows or is, since
//! user verification is always demanded; beside a password they are the second.

mod own;
mod prove;

use kernel::{AccountId, Instant, Phi};
use serde::{Deserialize, Serialize};
use url::Url;
use webauthn_rs::prelude::{Passkey, Webauthn, WebauthnBuilder};

use super::ceremony::Purpose;
use super::model::Account;
use crate::{App, AppError};

pub(crate) use prove::{PasskeyProof, spend};

/// Passkeys one account may hold.
pub const PASSKEYS_MAX: usize = 12;
/// The answer of a browser, bytes.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// One passkey of an account: its public half and what it was last seen doing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OwnPasskey {
    /// Credential id, base64url; unique on the node.
    pub id: String,
    /// What the person calls it.
    pub name: String,
    pub created: Instant,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used: Option<Instant>,
    /// Set when its signature counter went backwards: two devices may hold it (§6.1.1), and it proves nothing more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspect: Option<Instant>,
    pub key: Passkey,
}

/// What a browser needs to ask its authenticator.
#[derive(Debug, Clone, Serialize)]
pub struct Challenge {
    /// Names the ceremony; comes back with the answer.
    pub ceremony: String,
    /// `PublicKeyCredentialCreationOptionsJSON` or `PublicKeyCredentialRequestOptionsJSON` under `publicKey` (§5.1.8).
    pub options: serde_json::Value,
}

/// What the browser answered.
#[derive(Debug, Clone)]
pub struct PasskeyAnswer {
    pub ceremony: String,
    /// `RegistrationResponseJSON` or `AuthenticationResponseJSON` (§5.1).
    pub credential: Phi<String>,
}

impl Account {
    /// Passkeys that prove something.
    pub fn passkeys_good(&self) -> impl Iterator<Item = &OwnPasskey> {
        self.passkeys.iter().filter(|p| p.suspect.is_none())
    }

    /// True when a password alone does not sign in.
    pub fn has_second_factor(&self) -> bool {
        self.totp.is_some() || self.passkeys_good().next().is_some()
    }
}

/// The relying party for the public address of this node; none where the address is no domain, for which browsers
/// make no passkeys (§5.1.2).
pub(crate) fn relying_party(base_url: &str) -> Option<Webauthn> {
    let origin = Url::parse(base_url).ok()?;
    let domain = origin.domain()?.to_owned();
    WebauthnBuilder::new(&domain, &origin)
        .ok()?
        .rp_name("Karez")
        .build()
        .ok()
}

fn refused() -> AppError {
    AppError::invalid("passkey", "passkey-wrong", "the passkey was not accepted")
}

impl App {
    /// Whether the public address of this node allows passkeys.
    pub fn passkeys_offered(&self) -> bool {
        self.relying_party.is_some()
    }

    fn relying_party(&self) -> Result<&Webauthn, AppError> {
        self.relying_party.as_deref().ok_or_else(|| {
            AppError::rejected("no-passkeys", "the address of this node allows no passkeys")
        })
    }

    /// Keeps the state of the library and gives what the browser needs.
    async fn begin_passkey(
        &self,
        purpose: Purpose,
        account: Option<AccountId>,
        state: &impl Serialize,
        options: serde_json::Value,
    ) -> Result<Challenge, AppError> {
        Ok(Challenge {
            ceremony: self.begin_ceremony(purpose, account, state).await?,
            options,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passkeys_need_a_domain() {
        assert!(relying_party("https://karez.example").is_some());
        assert!(relying_party("http://localhost:8080").is_some());
        assert!(relying_party("http://127.0.0.1:8080").is_none());
        assert!(relying_party("").is_none());
    }
}
