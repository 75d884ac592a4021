//! Bearer tokens: short-lived, signed under a key derived from the node key, so that any node of the network
//! checks them without asking the store and the command line makes one while the server runs.

pub mod assertion;
mod machine;

use agreements::{Actor, ActorKind, Role};
use kernel::{AccountId, HospitalId, Instant, limits};
use seal::{NodeKey, b64};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::cx::Language;
use crate::sessions::{self, SessionAsk};
use crate::{App, AppError, Cx};

pub use assertion::TokenRequest;
pub use machine::{MachineLine, NewMachine};
pub use seal::client::thumbprint;

/// What the node vouches for here.
const PURPOSE: &[u8] = b"karez access token v1";
/// Text before every access token.
const PREFIX: &str = "karez_at_";
/// How long a token of the command line lives at most, seconds.
pub const ADMIN_TOKEN_S_MAX: i64 = 12 * 3600;

/// What a token says. It holds no patient data and nothing secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Account of the machine; `command-line` for a token of the operator.
    pub account: AccountId,
    pub hospital: HospitalId,
    pub role: Role,
    /// Names this very token in the audit.
    pub id: String,
    pub from: i64,
    pub until: i64,
    /// Bound to the certificate with this thumbprint (RFC 8705 §3.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cnf: Option<Confirmation>,
}

/// What a token is bound to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmation {
    #[serde(rename = "x5t#S256")]
    pub x5t_s256: String,
}

/// An access token as RFC 6749 §5.1 answers it.
#[derive(Debug, Clone)]
pub struct AccessToken {
    pub token: String,
    pub expires_in_s: i64,
}

/// Signs the claims.
pub fn sign(node: &NodeKey, claims: &Claims) -> Result<String, AppError> {
    let json = serde_json::to_vec(claims).map_err(|_| AppError::Internal("token claims".into()))?;
    let body = b64::encode(json);
    let mac = b64::encode(node.mac(PURPOSE, body.as_bytes()));
    Ok(format!("{PREFIX}{body}.{mac}"))
}

/// The claims of a token that this node key signed and that is valid now.
fn open(node: &NodeKey, token: &str, now: Instant) -> Option<Claims> {
    let (body, given) = token.strip_prefix(PREFIX)?.split_once('.')?;
    let given = b64::decode(given, "token").ok()?;
    if !node.vouches(PURPOSE, body.as_bytes(), &given) {
        return None;
    }
    let claims: Claims = serde_json::from_slice(&b64::decode(body, "token").ok()?).ok()?;
    let second = now.as_second();
    // A minute of clock difference between nodes is forgiven at the beginning, none at the end.
    (claims.from - 60 <= second && second < claims.until).then_some(claims)
}

impl App {
    /// A token for scripts, made on the machine itself: whoever holds the node key may. At most twelve hours.
    pub fn admin_token(
        node: &NodeKey,
        hospital: HospitalId,
        role: Role,
        id: String,
        now: Instant,
        lifetime_s: i64,
    ) -> Result<AccessToken, AppError> {
        if role == Role::Patient {
            return Err(AppError::invalid(
                "role",
                "role",
                "a patient has no token of this kind",
            ));
        }
        let lifetime_s = lifetime_s.clamp(60, ADMIN_TOKEN_S_MAX);
        let claims = Claims {
            account: AccountId::new("command-line")?,
            hospital,
            role,
            id,
            from: now.as_second(),
            until: now.as_second() + lifetime_s,
            cnf: None,
        };
        Ok(AccessToken {
            token: sign(node, &claims)?,
            expires_in_s: lifetime_s,
        })
    }

    /// The context of a request with a bearer token (RFC 6750 §2.1), or `Unauthenticated`.
    pub async fn bearer(&self, token: &str, ask: SessionAsk) -> Result<Cx, AppError> {
        self.bearer_with(token, ask, None).await
    }

    /// As [`App::bearer`], with the thumbprint of the certificate that was shown on the line. A token that is bound to a
    /// certificate opens nothing without it (RFC 8705 §3).
    pub async fn bearer_with(
        &self,
        token: &str,
        ask: SessionAsk,
        certificate: Option<&str>,
    ) -> Result<Cx, AppError> {
        let now = self.now();
        let claims = open(&self.node_key, token, now).ok_or(AppError::Unauthenticated)?;
        let bound = claims.cnf.as_ref().map(|c| c.x5t_s256.as_str());
        if bound.is_some() && bound != certificate {
            return Err(AppError::Unauthenticated);
        }
        let known = claims.hospital.is_network() || self.hospital(&claims.hospital).is_some();
        if !known {
            return Err(AppError::Unauthenticated);
        }
        let (name, kind) = if claims.account.as_str() == "command-line" {
            ("Command line".to_owned(), kind_of(claims.role))
        } else {
            let account = self
                .load_account(&claims.account)
                .await?
                .filter(|a| a.doc.suspended.is_none())
                .ok_or(AppError::Unauthenticated)?;
            let registered = account.doc.machine.as_ref();
            let lives = registered.is_some_and(|m| {
                // A certificate that was taken out of the register ends what was bound to it.
                m.hospital == claims.hospital
                    && bound.is_none_or(|b| m.certificate(b, now).is_some())
            });
            if !lives {
                return Err(AppError::Unauthenticated);
            }
            (account.doc.name, ActorKind::Machine)
        };
        let zone = self
            .hospital(&claims.hospital)
            .map_or(jiff::tz::TimeZone::UTC, |h| h.time_zone());
        Ok(Cx {
            actor: Actor {
                account: claims.account,
                kind,
                hospital: Some(claims.hospital),
                roles: [claims.role].into(),
                privileges: Default::default(),
                linked: Vec::new(),
            },
            name,
            language: Language::English,
            zone,
            channel: ask.channel,
            now,
            request: ask.request,
            peer: ask.peer,
            second_factor: false,
        })
    }

    /// The context of a session for a protocol other than the pages, where nothing may be owed any more.
    pub async fn session_cx(&self, token: &str, ask: SessionAsk) -> Result<Cx, AppError> {
        let signed: sessions::SignedIn = self.session(token, ask).await?;
        match signed.pending {
            None => Ok(signed.cx),
            Some(_) => Err(AppError::Unauthenticated),
        }
    }
}

fn kind_of(role: Role) -> ActorKind {
    match role {
        Role::Machine => ActorKind::Machine,
        _ => ActorKind::Staff,
    }
}

/// Lifetime of a machine's token, seconds.
const fn machine_token_s() -> i64 {
    limits::TOKEN_S
}

/// A short name for what should not be stored as it is.
pub(crate) fn digest(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    crate::accounts::factor::hex(&hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::SystemEntropy;

    fn at(s: i64) -> Instant {
        Instant::from_second(1_800_000_000 + s).unwrap()
    }

    fn token(node: &NodeKey) -> String {
        let hospital = HospitalId::new("yarqum").unwrap();
        App::admin_token(node, hospital, Role::Clinician, "t1".into(), at(0), 600)
            .unwrap()
            .token
    }

    #[test]
    fn a_token_opens_under_its_node_key_until_it_ends() {
        let node = NodeKey::generate(&SystemEntropy);
        let text = token(&node);
        assert_eq!(open(&node, &text, at(599)).unwrap().role, Role::Clinician);
        assert_eq!(open(&node, &text, at(600)), None);
        assert_eq!(open(&NodeKey::generate(&SystemEntropy), &text, at(1)), None);
    }

    #[test]
    fn a_changed_token_is_refused() {
        let node = NodeKey::generate(&SystemEntropy);
        let text = token(&node);
        let claims = Claims {
            role: Role::Administrator,
            ..open(&node, &text, at(1)).unwrap()
        };
        let body = b64::encode(serde_json::to_vec(&claims).unwrap());
        let mac = text.rsplit('.').next().unwrap();
        assert_eq!(open(&node, &format!("{PREFIX}{body}.{mac}"), at(1)), None);
    }
}
