//! A machine client proves itself and gets an access token (RFC 6749 §4.4): by a short JWT signed with a registered key
//! (`private_key_jwt`, RFC 7523 §2.2, §3), or by a registered certificate on the line (`self_signed_tls_client_auth`,
//! RFC 8705 §2.2).

use agreements::Role;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use kernel::{AccountId, HospitalId, Instant, ResourceId};
use serde::{Deserialize, Serialize};
use store::{Batch, Lookup, StoreError};

use super::{AccessToken, Claims, Confirmation, digest, machine_token_s, sign};
use crate::accounts::Account;
use crate::docs::{self, Document, Versioned};
use crate::sessions::SessionAsk;
use crate::{App, AppError};

/// An assertion may live this long, seconds; longer ones are refused.
const ASSERTION_S_MAX: i64 = 5 * 60;
/// Difference of clocks that is forgiven, seconds.
const LEEWAY_S: u64 = 30;
/// The only `client_assertion_type` (RFC 7523 §2.2).
pub const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The form of a token request (RFC 6749 §4.4.2, RFC 7523 §2.2, RFC 8705 §2).
#[derive(Debug, Clone, Deserialize)]
pub struct TokenRequest {
    pub grant_type: String,
    #[serde(default)]
    pub client_assertion_type: String,
    #[serde(default)]
    pub client_assertion: String,
    #[serde(default)]
    pub client_id: Option<String>,
}

/// Why a token request was refused, in the words of RFC 6749 §5.2.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    #[error("invalid_request: {0}")]
    Request(&'static str),
    #[error("unsupported_grant_type")]
    Grant,
    #[error("invalid_client: {0}")]
    Client(&'static str),
    #[error(transparent)]
    App(#[from] AppError),
}

/// A `jti` that was taken, so that it is taken once.
#[derive(Debug, Serialize, Deserialize)]
struct UsedAssertion {
    until: Instant,
}

impl Document for UsedAssertion {
    const KIND: &'static str = "used-assertion";
    fn lookups(&self) -> Vec<Lookup> {
        Vec::new()
    }
}

#[derive(Debug, Deserialize)]
struct Assertion {
    iss: String,
    sub: String,
    exp: i64,
    #[serde(default)]
    jti: String,
}

/// A registered key as the verifier wants it.
pub(super) fn decoding_key(jwk: &serde_json::Value) -> Result<DecodingKey, ()> {
    let jwk: Jwk = serde_json::from_value(jwk.clone()).map_err(|_| ())?;
    DecodingKey::from_jwk(&jwk).map_err(|_| ())
}

impl App {
    /// The address a client puts into `aud`.
    pub fn token_address(&self) -> String {
        format!("{}/oauth/token", self.settings.base_url)
    }

    /// Answers a token request. `certificate` is the thumbprint of the one shown on the line; a token given to a client
    /// that shows a certificate of its own is bound to it (RFC 8705 §3).
    pub async fn machine_token(
        &self,
        ask: &SessionAsk,
        request: &TokenRequest,
        certificate: Option<&str>,
    ) -> Result<AccessToken, TokenError> {
        if request.grant_type != "client_credentials" {
            return Err(TokenError::Grant);
        }
        let now = self.now();
        let mut batch = Batch::new(now);
        let account = if request.client_assertion_type.is_empty() && certificate.is_some() {
            self.client_of(request.client_id.as_deref().unwrap_or_default())
                .await?
        } else {
            self.by_assertion(request, &mut batch, now).await?
        };
        let machine = account
            .machine
            .as_ref()
            .ok_or(TokenError::Client("unknown client"))?;
        let own = certificate.and_then(|c| machine.certificate(c, now));
        if request.client_assertion_type.is_empty() && own.is_none() {
            return Err(TokenError::Client("this certificate is not registered"));
        }
        let claims = Claims {
            account: account.id.clone(),
            hospital: machine.hospital.clone(),
            role: Role::Machine,
            id: self.new_id().to_string(),
            from: now.as_second(),
            until: now.as_second() + machine_token_s(),
            cnf: own.map(|c| Confirmation {
                x5t_s256: c.thumbprint.clone(),
            }),
        };
        let cx = self.cx_of(&account, ask, now);
        batch.audit.push(self.account_audit(
            &cx,
            "machine.token",
            &account.id,
            Some(&machine.hospital),
        )?);
        match self.store.commit(batch).await {
            Ok(_) => {}
            Err(StoreError::Precondition { .. }) => {
                return Err(TokenError::Client("this jti was used before"));
            }
            Err(e) => return Err(TokenError::App(e.into())),
        }
        Ok(AccessToken {
            token: sign(&self.node_key, &claims)?,
            expires_in_s: machine_token_s(),
        })
    }

    async fn client_of(&self, id: &str) -> Result<Account, TokenError> {
        let unknown = TokenError::Client("unknown client");
        let Ok(id) = AccountId::new(id) else {
            return Err(unknown);
        };
        self.load_account(&id)
            .await?
            .map(|a| a.doc)
            .filter(|a| a.suspended.is_none() && a.machine.is_some())
            .ok_or(unknown)
    }

    /// The client whose assertion this is; its `jti` is spent with the batch.
    async fn by_assertion(
        &self,
        request: &TokenRequest,
        batch: &mut Batch,
        now: Instant,
    ) -> Result<Account, TokenError> {
        if request.client_assertion_type != ASSERTION_TYPE {
            return Err(TokenError::Request("client_assertion_type"));
        }
        if request.client_assertion.len() > 8 * 1024 {
            return Err(TokenError::Request("client_assertion"));
        }
        let client = issuer(&request.client_assertion)?;
        if request
            .client_id
            .as_ref()
            .is_some_and(|id| id != client.as_str())
        {
            return Err(TokenError::Client("client_id is another client"));
        }
        let account = self.client_of(client.as_str()).await?;
        let jwks = account
            .machine
            .as_ref()
            .map(|m| &m.jwks)
            .ok_or(TokenError::Client("unknown client"))?;
        let assertion = self.verify_assertion(&request.client_assertion, &client, jwks, now)?;
        let id =
            ResourceId::new(digest(&[client.as_str(), &assertion.jti])).map_err(AppError::from)?;
        let used = Versioned {
            key: self.doc_key::<UsedAssertion>(&HospitalId::network(), &id),
            version: 0,
            doc: UsedAssertion {
                until: Instant::from_second(assertion.exp)
                    .map_err(|_| TokenError::Client("exp"))?,
            },
        };
        docs::put(batch, &used)?;
        Ok(account)
    }

    fn verify_assertion(
        &self,
        jwt: &str,
        client: &AccountId,
        jwks: &serde_json::Value,
        now: Instant,
    ) -> Result<Assertion, TokenError> {
        let header =
            jsonwebtoken::decode_header(jwt).map_err(|_| TokenError::Client("not a JWT"))?;
        let allowed = matches!(
            header.alg,
            Algorithm::ES256 | Algorithm::ES384 | Algorithm::RS256
        );
        if !allowed {
            return Err(TokenError::Client("ES256, ES384 or RS256 is expected"));
        }
        let key = jwks["keys"]
            .as_array()
            .into_iter()
            .flatten()
            .find(|k| k["kid"].as_str() == header.kid.as_deref())
            .and_then(|k| decoding_key(k).ok())
            .ok_or(TokenError::Client("no such key"))?;
        let mut rules = Validation::new(header.alg);
        rules.set_audience(&[self.token_address()]);
        rules.set_required_spec_claims(&["exp", "aud", "iss", "sub"]);
        // The node's own clock decides over time, not the library's.
        rules.validate_exp = false;
        rules.validate_nbf = false;
        let assertion: Assertion = jsonwebtoken::decode(jwt, &key, &rules)
            .map_err(|_| TokenError::Client("signature or audience"))?
            .claims;
        if assertion.iss != client.as_str() || assertion.sub != client.as_str() {
            return Err(TokenError::Client("iss and sub must be the client"));
        }
        if assertion.jti.is_empty() || assertion.jti.len() > 256 {
            return Err(TokenError::Client("jti is missing"));
        }
        let leeway = i64::try_from(LEEWAY_S).unwrap_or(0);
        if assertion.exp <= now.as_second() - leeway {
            return Err(TokenError::Client("expired"));
        }
        if assertion.exp > now.as_second() + ASSERTION_S_MAX + leeway {
            return Err(TokenError::Client("lives longer than five minutes"));
        }
        Ok(assertion)
    }

    /// Forgets spent assertions that have expired; nothing can replay them any more.
    pub async fn forget_used_assertions(&self) -> Result<usize, AppError> {
        let now = self.now();
        let kept = jiff::SignedDuration::from_secs(2 * ASSERTION_S_MAX);
        self.sweep::<UsedAssertion>(now, |used| {
            used.until.checked_add(kept).is_ok_and(|end| end < now)
        })
        .await
    }
}

/// Who says to have signed it, before anything is verified: only to find the keys.
fn issuer(jwt: &str) -> Result<AccountId, TokenError> {
    let malformed = TokenError::Client("not a JWT");
    let Some(body) = jwt.split('.').nth(1) else {
        return Err(malformed);
    };
    let json = seal::b64::decode(body, "JWT").map_err(|_| TokenError::Client("not a JWT"))?;
    let value: serde_json::Value =
        serde_json::from_slice(&json).map_err(|_| TokenError::Client("not a JWT"))?;
    AccountId::new(value["iss"].as_str().unwrap_or_default())
        .map_err(|_| TokenError::Client("unknown client"))
}
