//! Key pairs and public keys on P-256, and their JSON form (RFC 7517).

use std::sync::Arc;

use kernel::{Entropy, Instant};
use p256::ecdsa::signature::{Signer as _, Verifier as _};
use p256::ecdsa::{Signature, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::alg::Alg;
use crate::b64;
use crate::error::{Result, SealError};
use crate::pkcs11::TokenKeys;
use crate::secret::{NodeKey, Secret, Wrapped};

/// A private key with its public half. The key lies here, where signatures are deterministic (RFC 6979), or in a token.
#[derive(Clone)]
pub struct KeyPair {
    key: Private,
    public: PublicKey,
}

#[derive(Clone)]
enum Private {
    Here(SigningKey),
    InToken(Arc<dyn TokenKeys>),
}

impl KeyPair {
    pub fn generate(entropy: &dyn Entropy) -> Self {
        loop {
            // All but about one in 2^32 values are below the group's order.
            if let Ok(pair) = Self::from_secret(&Secret::generate(entropy)) {
                return pair;
            }
        }
    }
    fn from_secret(secret: &Secret) -> Result<Self> {
        let key = SigningKey::from_slice(secret.expose())
            .map_err(|_| SealError::Malformed("private key"))?;
        let public = PublicKey(*key.verifying_key());
        Ok(Self {
            key: Private::Here(key),
            public,
        })
    }
    /// The pair whose private half lies in the token under the public key's id.
    pub fn in_token(token: Arc<dyn TokenKeys>, public: PublicKey) -> Self {
        Self {
            key: Private::InToken(token),
            public,
        }
    }
    pub const fn public(&self) -> &PublicKey {
        &self.public
    }
    /// `r ‖ s`, 64 bytes (RFC 7518 §3.4).
    pub fn sign(&self, message: &[u8]) -> Result<[u8; 64]> {
        match &self.key {
            Private::Here(key) => {
                let signature: Signature = key.sign(message);
                Ok(signature.to_bytes().into())
            }
            Private::InToken(token) => token.sign(&self.public.kid(), message),
        }
    }
    pub(crate) fn sign_der(&self, message: &[u8]) -> Result<Vec<u8>> {
        let signature = Signature::from_slice(&self.sign(message)?)
            .map_err(|_| SealError::Malformed("signature of the token"))?;
        Ok(signature.to_der().as_bytes().to_vec())
    }
    /// Wraps the private scalar under the node key; the context binds it to this very key.
    pub fn wrap(&self, node: &NodeKey, entropy: &dyn Entropy) -> Result<Wrapped> {
        let Private::Here(key) = &self.key else {
            return Err(SealError::Token("a private key does not leave it"));
        };
        let scalar = Zeroizing::new(<[u8; 32]>::from(key.to_bytes()));
        node.wrap(&context(&self.public.kid()), scalar.as_slice(), entropy)
    }
    /// The wrapped private key of `kid` under the newest node key; none when it is so already.
    pub fn rewrap(
        node: &NodeKey,
        kid: &str,
        wrapped: &Wrapped,
        entropy: &dyn Entropy,
    ) -> Result<Option<Wrapped>> {
        node.rewrap(&context(kid), wrapped, entropy)
    }
    /// Opens the private key named `kid`.
    pub fn unwrap(node: &NodeKey, kid: &str, wrapped: &Wrapped) -> Result<Self> {
        let pair = Self::from_secret(&node.unwrap_secret(&context(kid), wrapped)?)?;
        if pair.public.kid() == kid {
            Ok(pair)
        } else {
            Err(SealError::NotAuthentic("wrapped private key"))
        }
    }
}

fn context(kid: &str) -> String {
    format!("signing-key/{kid}")
}

impl std::fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KeyPair({})", self.public.kid())
    }
}

/// A public key on P-256.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    /// From an uncompressed point of 65 bytes (SEC 1 §2.3.3).
    pub fn from_sec1(bytes: &[u8]) -> Result<Self> {
        if bytes.len() != 65 {
            return Err(SealError::Malformed("public key"));
        }
        VerifyingKey::from_sec1_bytes(bytes)
            .map(Self)
            .map_err(|_| SealError::Malformed("public key"))
    }
    /// The uncompressed point: `0x04 ‖ x ‖ y`.
    pub fn to_sec1(&self) -> Box<[u8]> {
        self.0.to_sec1_point(false).as_bytes().into()
    }
    /// The key's id: its JWK thumbprint (RFC 7638), so an id can belong to one key only.
    pub fn kid(&self) -> String {
        let (x, y) = self.coordinates();
        let json = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
        b64::encode(Sha256::digest(json))
    }
    fn coordinates(&self) -> (String, String) {
        let point = self.to_sec1();
        (b64::encode(&point[1..33]), b64::encode(&point[33..]))
    }
    /// Checks a signature of 64 bytes.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<()> {
        let signature =
            Signature::from_slice(signature).map_err(|_| SealError::Malformed("signature"))?;
        self.0
            .verify(message, &signature)
            .map_err(|_| SealError::BadSignature("ES256"))
    }
    pub(crate) fn verify_der(&self, message: &[u8], signature: &[u8]) -> Result<()> {
        let signature =
            Signature::from_der(signature).map_err(|_| SealError::Malformed("signature"))?;
        self.0
            .verify(message, &signature)
            .map_err(|_| SealError::BadSignature("ecdsa-with-SHA256"))
    }
}

/// When and why a key or certificate lost its trust.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revoked {
    pub revoked_at: Instant,
    pub reason: Reason,
    /// Since when somebody else may have held the key (invalidity date, RFC 5280 §5.3.2); none: since ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Instant>,
}

impl Revoked {
    pub const fn new(revoked_at: Instant, reason: Reason) -> Self {
        Self {
            revoked_at,
            reason,
            since: None,
        }
    }
}

/// Reasons for revocation (RFC 5280 §5.3.1, those that apply here).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    Unspecified,
    /// Somebody else may hold the private key: nothing it signed can be relied on.
    KeyCompromise,
    /// The person left the hospital.
    AffiliationChanged,
    Superseded,
    CessationOfOperation,
    /// The licence or privilege was withdrawn.
    PrivilegeWithdrawn,
}

/// A public key as it is published, with the time it was in use. History members follow OpenID Federation 1.0
/// (historical keys): retired and revoked keys stay in the set so that old signatures can be judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Jwk {
    pub kty: String,
    pub crv: String,
    pub x: String,
    pub y: String,
    pub kid: String,
    pub alg: Alg,
    #[serde(rename = "use")]
    pub usage: String,
    /// First second of use, since 1970.
    pub nbf: i64,
    /// Second from which it signs no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exp: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<Revoked>,
    /// Certificate chain, padded base64 of DER (RFC 7517 §4.7).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub x5c: Vec<String>,
}

impl Jwk {
    pub fn new(key: &PublicKey, not_before: Instant, certificate: Option<&[u8]>) -> Self {
        let (x, y) = key.coordinates();
        Self {
            kty: "EC".into(),
            crv: "P-256".into(),
            x,
            y,
            kid: key.kid(),
            alg: Alg::Es256,
            usage: "sig".into(),
            nbf: not_before.as_second(),
            exp: None,
            revoked: None,
            x5c: certificate.map(b64::encode_standard).into_iter().collect(),
        }
    }
    /// The key itself; fails if the members do not describe a point of the curve or `kid` is not its thumbprint.
    pub fn key(&self) -> Result<PublicKey> {
        let bad = || SealError::Malformed("JSON web key");
        if self.kty != "EC" || self.crv != "P-256" {
            return Err(SealError::Unsupported(format!("{} {}", self.kty, self.crv)));
        }
        let mut point = vec![4];
        for c in [&self.x, &self.y] {
            let c = b64::decode(c, "JSON web key")?;
            if c.len() != 32 {
                return Err(bad());
            }
            point.extend(c);
        }
        let key = PublicKey::from_sec1(&point)?;
        if key.kid() == self.kid {
            Ok(key)
        } else {
            Err(bad())
        }
    }
    /// Whether a signature made at `at` may count: within use, and not revoked by then or for compromise.
    pub fn check_time(&self, at: Instant) -> Result<(), &'static str> {
        let s = at.as_second();
        match &self.revoked {
            // Whoever holds the key can write any time into a signature: what was made before `since` counts only when
            // somebody else says so, see `Jwk::doubtful_since`.
            Some(Revoked {
                reason: Reason::KeyCompromise,
                since,
                ..
            }) => {
                let doubtful = since.is_none_or(|since| at >= since);
                if doubtful {
                    return Err("the key is reported compromised");
                }
            }
            Some(r) if at >= r.revoked_at => return Err("the key had been revoked by then"),
            _ => {}
        }
        if s < self.nbf {
            return Err("the key was not yet in use");
        }
        if self.exp.is_some_and(|exp| s >= exp) {
            return Err("the key had been retired by then");
        }
        Ok(())
    }
}

impl Jwk {
    /// Since when the key may have been in other hands: what it says of earlier times needs another witness.
    pub fn doubtful_since(&self) -> Option<Instant> {
        self.revoked
            .as_ref()
            .filter(|r| r.reason == Reason::KeyCompromise)
            .and_then(|r| r.since)
    }
}

/// A set of public keys (RFC 7517 §5).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Jwks {
    pub keys: Vec<Jwk>,
}

impl Jwks {
    pub fn find(&self, kid: &str) -> Option<&Jwk> {
        self.keys.iter().find(|k| k.kid == kid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::SystemEntropy;

    #[test]
    fn a_signature_counts_for_its_message_and_key_alone() {
        let (a, b) = (
            KeyPair::generate(&SystemEntropy),
            KeyPair::generate(&SystemEntropy),
        );
        let s = a.sign(b"m").unwrap();
        assert!(a.public().verify(b"m", &s).is_ok());
        assert!(a.public().verify(b"n", &s).is_err());
        assert!(b.public().verify(b"m", &s).is_err());
        assert_eq!(s, a.sign(b"m").unwrap());
    }

    #[test]
    fn known_answer_of_rfc_6979_a_2_5() {
        let hex = |t: &str| -> Vec<u8> {
            (0..t.len())
                .step_by(2)
                .map(|i| u8::from_str_radix(&t[i..i + 2], 16).unwrap())
                .collect()
        };
        let x = hex("C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721");
        let pair = KeyPair::from_secret(&Secret::from_bytes(x.try_into().unwrap())).unwrap();
        let expected = hex(concat!(
            "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716",
            "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8"
        ));
        assert_eq!(pair.sign(b"sample").unwrap().to_vec(), expected);
    }

    #[test]
    fn thumbprint_and_jwk_of_rfc_7517_appendix_a() {
        // The EC key of RFC 7517 A.1; a thumbprint computed by another implementation.
        let jwk: Jwk = serde_json::from_str(
            r#"{"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
                "y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM","use":"sig","alg":"ES256","nbf":0,
                "kid":"cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s"}"#,
        )
        .unwrap();
        assert_eq!(jwk.key().unwrap().kid(), jwk.kid);
        let other = Jwk {
            kid: "x".into(),
            ..jwk
        };
        assert!(other.key().is_err());
    }

    #[test]
    fn a_private_key_survives_wrapping_and_answers_to_its_id_only() {
        let node = NodeKey::generate(&SystemEntropy);
        let pair = KeyPair::generate(&SystemEntropy);
        let wrapped = pair.wrap(&node, &SystemEntropy).unwrap();
        let again = KeyPair::unwrap(&node, &pair.public().kid(), &wrapped).unwrap();
        assert_eq!(again.public(), pair.public());
        assert!(KeyPair::unwrap(&node, "another", &wrapped).is_err());
    }

    #[test]
    fn a_key_counts_while_in_use() {
        let t = |s| Instant::from_second(s).unwrap();
        let mut jwk = Jwk::new(KeyPair::generate(&SystemEntropy).public(), t(10), None);
        jwk.exp = Some(20);
        assert!(jwk.check_time(t(9)).is_err());
        assert!(jwk.check_time(t(10)).is_ok());
        assert!(jwk.check_time(t(20)).is_err());
        jwk.revoked = Some(Revoked::new(t(15), Reason::Superseded));
        assert!(jwk.check_time(t(14)).is_ok());
        assert!(jwk.check_time(t(15)).is_err());
        jwk.revoked = Some(Revoked::new(t(15), Reason::KeyCompromise));
        assert!(jwk.check_time(t(14)).is_err());
        assert_eq!(jwk.doubtful_since(), None);
        jwk.revoked = Some(Revoked {
            since: Some(t(13)),
            ..Revoked::new(t(15), Reason::KeyCompromise)
        });
        assert!(jwk.check_time(t(12)).is_ok());
        assert!(jwk.check_time(t(13)).is_err());
        assert_eq!(jwk.doubtful_since(), Some(t(13)));
    }
}
