//! A hospital's signing keys through time, and the people it certifies.

use std::sync::Arc;

use jiff::ToSpan;
use kernel::{Entropy, HospitalId, Instant};
use serde::{Deserialize, Serialize};

use crate::b64;
use crate::cert::{self, Certificate, Subject};
use crate::crl::{self, RevocationList, RevokedCertificate};
use crate::error::{Result, SealError};
use crate::jws::{self, Context};
use crate::keys::{Jwk, Jwks, KeyPair, Reason, Revoked};
use crate::secret::{NodeKey, Wrapped};

/// How long a hospital's own certificate runs, days. Retiring or rotating the key ends its use earlier.
pub const HOSPITAL_CERTIFICATE_DAYS: i64 = 3653;
/// How soon partners should look for a newer revocation list, days.
pub const REVOCATION_LIST_DAYS: i64 = 7;

/// One key of a hospital, as stored: public parts in the open, the private key wrapped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HospitalKey {
    /// The public key with its times of use.
    pub jwk: Jwk,
    pub not_before: Instant,
    /// From when it signs no more.
    pub retired_at: Option<Instant>,
    /// Self-signed X.509 certificate, DER in base64url.
    pub certificate: String,
    /// Private key under the node key, base64url; absent once destroyed, and in copies of other hospitals' keys.
    pub private: Option<String>,
    /// The private key lies in the token (PKCS#11) and nowhere else.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub in_token: bool,
}

/// All keys a hospital has had. Serialises as our own document; nothing in it is secret without the node key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HospitalKeys {
    pub hospital: HospitalId,
    /// The hospital's name as certificates carry it.
    pub name: String,
    /// Oldest first.
    pub keys: Vec<HospitalKey>,
    /// People's certificates that were revoked.
    pub revoked: Vec<RevokedCertificate>,
}

impl HospitalKeys {
    /// A hospital with its first key.
    pub fn create(
        hospital: HospitalId,
        name: &str,
        node: &NodeKey,
        entropy: &dyn Entropy,
        now: Instant,
    ) -> Result<Self> {
        let mut keys = Self {
            hospital,
            name: name.into(),
            keys: vec![],
            revoked: vec![],
        };
        keys.rotate(node, entropy, now)?;
        Ok(keys)
    }

    /// Retires the key in use and begins another: in the token, where the node has one.
    pub fn rotate(&mut self, node: &NodeKey, entropy: &dyn Entropy, now: Instant) -> Result<()> {
        let pair = match node.token() {
            Some(token) => KeyPair::in_token(Arc::clone(token), token.generate()?),
            None => KeyPair::generate(entropy),
        };
        let until = days_after(now, HOSPITAL_CERTIFICATE_DAYS)?;
        let certificate = cert::self_signed(&pair, &self.subject(), (now, until), entropy)?;
        for key in self.keys.iter_mut().filter(|k| k.retired_at.is_none()) {
            key.retired_at = Some(now);
            key.jwk.exp = Some(now.as_second());
        }
        self.keys.push(HospitalKey {
            jwk: Jwk::new(pair.public(), now, Some(&certificate)),
            not_before: now,
            retired_at: None,
            certificate: b64::encode(certificate),
            private: match node.token() {
                Some(_) => None,
                None => Some(b64::encode(pair.wrap(node, entropy)?.0)),
            },
            in_token: node.token().is_some(),
        });
        Ok(())
    }

    /// Revokes one of the hospital's own keys and destroys its private half. Rotate afterwards if it was in use.
    /// With `since` what it signed before then still counts, where an authority confirms the time.
    pub fn revoke_key(
        &mut self,
        kid: &str,
        reason: Reason,
        since: Option<Instant>,
        now: Instant,
    ) -> Result<()> {
        let key = self
            .keys
            .iter_mut()
            .find(|k| k.jwk.kid == kid)
            .ok_or(SealError::NoKey { kid: kid.into() })?;
        key.jwk.revoked = Some(Revoked {
            since,
            ..Revoked::new(now, reason)
        });
        key.retired_at.get_or_insert(now);
        key.jwk.exp.get_or_insert(now.as_second());
        key.private = None;
        key.in_token = false;
        Ok(())
    }

    /// Revokes a person's certificate by its serial number.
    pub fn revoke_certificate(&mut self, serial: &str, reason: Reason, now: Instant) {
        if !self.revoked.iter().any(|r| r.serial == serial) {
            self.revoked.push(RevokedCertificate {
                serial: serial.into(),
                revoked: Revoked::new(now, reason),
            });
        }
    }

    /// Wraps the private keys under the newest node key. Gives how many were wrapped under an older one.
    pub fn rewrap(&mut self, node: &NodeKey, entropy: &dyn Entropy) -> Result<usize> {
        let mut count = 0;
        for key in &mut self.keys {
            if let Some(private) = &mut key.private {
                count += rewrap(private, &key.jwk.kid, node, entropy)?;
            }
        }
        Ok(count)
    }

    /// The public keys, past and present, for publication and for files that must be verifiable alone.
    pub fn jwks(&self) -> Jwks {
        Jwks {
            keys: self.keys.iter().map(|k| k.jwk.clone()).collect(),
        }
    }

    /// Opens the key in use for signing.
    pub fn signer(&self, node: &NodeKey) -> Result<HospitalSigner> {
        let none = || SealError::NoKey {
            kid: format!("of hospital {}", self.hospital),
        };
        let key = self
            .keys
            .iter()
            .rev()
            .find(|k| k.retired_at.is_none())
            .ok_or_else(none)?;
        let pair = if key.in_token {
            let token = node.token().ok_or(SealError::Token("none is configured"))?;
            KeyPair::in_token(Arc::clone(token), key.jwk.key()?)
        } else {
            let private = key.private.as_ref().ok_or_else(none)?;
            let wrapped = Wrapped(b64::decode(private, "wrapped private key")?);
            KeyPair::unwrap(node, &key.jwk.kid, &wrapped)?
        };
        let certificate = Certificate::parse(&b64::decode(&key.certificate, "certificate")?)?;
        Ok(HospitalSigner {
            hospital: self.hospital.clone(),
            pair,
            certificate,
            jwks: self.jwks(),
        })
    }

    /// Signs the current revocation list (DER) with the key in use. Its number is the time in milliseconds, so later
    /// lists have greater numbers (RFC 5280 §5.2.3) and nothing needs to be counted.
    pub fn revocation_list(&self, signer: &HospitalSigner, now: Instant) -> Result<Vec<u8>> {
        let times = (now, days_after(now, REVOCATION_LIST_DAYS)?);
        let number = u64::try_from(now.as_millisecond()).unwrap_or(0);
        crl::revocation_list(
            &signer.pair,
            &signer.certificate,
            number,
            times,
            &self.revoked,
        )
    }

    fn subject(&self) -> Subject {
        Subject {
            name: self.name.clone(),
            hospital_name: self.name.clone(),
            hospital_id: self.hospital.to_string(),
            licence: None,
            account: None,
        }
    }
}

fn days_after(at: Instant, days: i64) -> Result<Instant> {
    at.checked_add((days * 24).hours())
        .map_err(|_| SealError::Malformed("date"))
}

/// Opens a revocation list that any key of the set may have signed.
pub(crate) fn open_revocation_list(der: &[u8], keys: &Jwks) -> Result<RevocationList> {
    let mut refused = SealError::NoKey {
        kid: "of the revocation list".into(),
    };
    for jwk in &keys.keys {
        match jwk.key().and_then(|k| RevocationList::open(der, &k)) {
            Ok(list) => return Ok(list),
            Err(e) => refused = e,
        }
    }
    Err(refused)
}

/// A hospital's opened signing key. Keep it short.
#[derive(Debug, Clone)]
pub struct HospitalSigner {
    pub hospital: HospitalId,
    pub(crate) pair: KeyPair,
    pub(crate) certificate: Certificate,
    pub(crate) jwks: Jwks,
}

impl HospitalSigner {
    pub fn kid(&self) -> String {
        self.pair.public().kid()
    }
    pub const fn certificate(&self) -> &Certificate {
        &self.certificate
    }
    /// Signs exact bytes in the hospital's name, for example an agreement's text: a detached JWS.
    pub fn sign_detached(&self, now: Instant, cty: &str, payload: &[u8]) -> Result<String> {
        let chain = [self.certificate.der.clone()];
        jws::sign_detached(
            &self.pair,
            now,
            Context {
                cty: Some(cty),
                chain: &chain,
                ..Context::default()
            },
            payload,
        )
    }
    /// Signs a short statement of the given type: an attached JWS.
    pub fn sign_statement(&self, now: Instant, typ: &str, payload: &[u8]) -> Result<String> {
        jws::sign(
            &self.pair,
            now,
            Context {
                typ: Some(typ),
                ..Context::default()
            },
            payload,
        )
    }
    /// Makes a key and certificate for a person of this hospital, good until `not_after` (their licence or
    /// privilege, whichever ends first, but never beyond the hospital's own certificate).
    pub fn certify(
        &self,
        person: &Person,
        node: &NodeKey,
        entropy: &dyn Entropy,
        (now, not_after): (Instant, Instant),
    ) -> Result<PersonKey> {
        let pair = KeyPair::generate(entropy);
        let subject = Subject {
            name: person.name.clone(),
            hospital_name: self.certificate.subject.hospital_name.clone(),
            hospital_id: self.hospital.to_string(),
            licence: Some(person.licence.clone()),
            account: Some(person.account.clone()),
        };
        let until = not_after.min(self.certificate.not_after);
        let der = cert::issue(
            &self.pair,
            &self.certificate,
            &subject,
            pair.public(),
            (now, until),
            entropy,
        )?;
        let certificate = Certificate::parse(&der)?;
        Ok(PersonKey {
            kid: pair.public().kid(),
            serial: certificate.serial,
            subject,
            not_before: now,
            not_after: until,
            chain: vec![b64::encode(der), b64::encode(&self.certificate.der)],
            private: b64::encode(pair.wrap(node, entropy)?.0),
        })
    }
}

/// Verifies a detached signature a hospital made with [`HospitalSigner::sign_detached`] and says when. The key must
/// be in `keys` and have been in use then.
pub fn verify_hospital_signature(jws: &str, payload: &[u8], keys: &Jwks) -> Result<Instant> {
    let parts = jws::read(jws)?;
    let jwk = keys.find(&parts.header.kid).ok_or(SealError::NoKey {
        kid: parts.header.kid.clone(),
    })?;
    parts.verify_detached(&jwk.key()?, payload)?;
    let at = parts.header.signed_at()?;
    jwk.check_time(at)
        .map_err(|why| SealError::Certificate(why.into()))?;
    Ok(at)
}

/// Verifies a statement a hospital made with [`HospitalSigner::sign_statement`]; returns its payload and time.
pub fn verify_hospital_statement(jws: &str, typ: &str, keys: &Jwks) -> Result<(Vec<u8>, Instant)> {
    let parts = jws::read(jws)?;
    let jwk = keys.find(&parts.header.kid).ok_or(SealError::NoKey {
        kid: parts.header.kid.clone(),
    })?;
    let payload = parts.verify(&jwk.key()?, typ)?;
    let at = parts.header.signed_at()?;
    jwk.check_time(at)
        .map_err(|why| SealError::Certificate(why.into()))?;
    Ok((payload, at))
}

/// Whom a certificate is made for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Name as on the licence.
    pub name: String,
    pub licence: String,
    /// Account id.
    pub account: String,
}

/// A person's signing key at one hospital, as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonKey {
    pub kid: String,
    /// Of the certificate, lower-case hexadecimal; for [`HospitalKeys::revoke_certificate`].
    pub serial: String,
    pub subject: Subject,
    pub not_before: Instant,
    pub not_after: Instant,
    /// The person's certificate, then the hospital's; DER in base64url.
    pub chain: Vec<String>,
    /// Private key under the node key, base64url.
    pub private: String,
}

/// Replaces a wrapped private key by one under the newest node key; gives 1 when it was under an older one.
fn rewrap(private: &mut String, kid: &str, node: &NodeKey, entropy: &dyn Entropy) -> Result<usize> {
    let wrapped = Wrapped(b64::decode(private, "wrapped private key")?);
    match KeyPair::rewrap(node, kid, &wrapped, entropy)? {
        None => Ok(0),
        Some(new) => {
            *private = b64::encode(new.0);
            Ok(1)
        }
    }
}

impl PersonKey {
    /// Wraps the private key under the newest node key. Gives 1 when it was under an older one.
    pub fn rewrap(&mut self, node: &NodeKey, entropy: &dyn Entropy) -> Result<usize> {
        rewrap(&mut self.private, &self.kid, node, entropy)
    }

    /// Opens the key for signing. The caller has authenticated the person again just before.
    pub fn open(&self, node: &NodeKey) -> Result<PersonSigner> {
        let wrapped = Wrapped(b64::decode(&self.private, "wrapped private key")?);
        let chain = self
            .chain
            .iter()
            .map(|c| b64::decode(c, "certificate"))
            .collect::<Result<_>>()?;
        Ok(PersonSigner {
            pair: KeyPair::unwrap(node, &self.kid, &wrapped)?,
            chain,
        })
    }
}

/// A person's opened signing key.
#[derive(Debug, Clone)]
pub struct PersonSigner {
    pair: KeyPair,
    chain: Vec<Vec<u8>>,
}

impl PersonSigner {
    /// Signs exact bytes: a detached JWS with the person's certificate in `x5c`.
    pub fn sign_detached(&self, now: Instant, cty: &str, payload: &[u8]) -> Result<String> {
        let context = Context {
            cty: Some(cty),
            chain: &self.chain,
            ..Context::default()
        };
        jws::sign_detached(&self.pair, now, context, payload)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use kernel::SystemEntropy;

    pub(crate) fn t(s: i64) -> Instant {
        Instant::from_second(1_795_000_000 + s).unwrap()
    }
    pub(crate) fn setup() -> (NodeKey, HospitalKeys) {
        let node = NodeKey::generate(&SystemEntropy);
        let id = HospitalId::new("saryozen").unwrap();
        let keys = HospitalKeys::create(
            id,
            "Saryözen Clinical Hospital",
            &node,
            &SystemEntropy,
            t(0),
        )
        .unwrap();
        (node, keys)
    }

    #[test]
    fn signatures_of_a_retired_key_still_verify_but_it_makes_no_new_ones() {
        let (node, mut keys) = setup();
        let old = keys.signer(&node).unwrap();
        let before = old.sign_detached(t(5), "text/plain", b"agreement").unwrap();
        keys.rotate(&node, &SystemEntropy, t(10)).unwrap();
        assert_eq!(
            verify_hospital_signature(&before, b"agreement", &keys.jwks()).unwrap(),
            t(5)
        );
        let late = old
            .sign_detached(t(11), "text/plain", b"agreement")
            .unwrap();
        assert!(verify_hospital_signature(&late, b"agreement", &keys.jwks()).is_err());
        let new = keys.signer(&node).unwrap();
        assert_ne!(new.kid(), old.kid());
        let now = new
            .sign_detached(t(11), "text/plain", b"agreement")
            .unwrap();
        assert!(verify_hospital_signature(&now, b"agreement", &keys.jwks()).is_ok());
        assert!(verify_hospital_signature(&now, b"Agreement", &keys.jwks()).is_err());
    }

    #[test]
    fn a_revoked_key_cannot_be_opened() {
        let (node, mut keys) = setup();
        let kid = keys.signer(&node).unwrap().kid();
        keys.revoke_key(&kid, Reason::KeyCompromise, None, t(3))
            .unwrap();
        assert!(keys.signer(&node).is_err());
        keys.rotate(&node, &SystemEntropy, t(4)).unwrap();
        assert!(keys.signer(&node).is_ok());
        assert!(
            keys.revoke_key("nobody", Reason::Unspecified, None, t(3))
                .is_err()
        );
    }

    #[test]
    fn stored_keys_open_after_a_round_trip_and_only_under_their_node_key() {
        let (node, keys) = setup();
        let json = serde_json::to_string(&keys).unwrap();
        let again: HospitalKeys = serde_json::from_str(&json).unwrap();
        assert_eq!(again, keys);
        assert!(again.signer(&node).is_ok());
        assert!(again.signer(&NodeKey::generate(&SystemEntropy)).is_err());
    }

    #[test]
    fn a_person_is_certified_no_longer_than_the_hospital() {
        let (node, keys) = setup();
        let signer = keys.signer(&node).unwrap();
        let person = Person {
            name: "李静".into(),
            licence: "110".into(),
            account: "a".into(),
        };
        let far = Instant::from_second(9_000_000_000).unwrap();
        let key = signer
            .certify(&person, &node, &SystemEntropy, (t(0), far))
            .unwrap();
        assert_eq!(key.not_after, signer.certificate().not_after);
        assert_eq!(key.subject.hospital_id, "saryozen");
        assert!(key.open(&node).is_ok());
    }
}
