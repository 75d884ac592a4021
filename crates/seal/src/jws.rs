//! JSON Web Signatures in compact form: detached over exact bytes (RFC 7515 Appendix F with RFC 7797
//! `b64: false`), and attached for short statements (RFC 7515 §3.1).
//!
//! The signing time stands in `iat`, which replaced `sigT` in JAdES (ETSI TS 119 182-1).

use kernel::Instant;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::alg::Alg;
use crate::b64;
use crate::error::{Result, SealError};
use crate::keys::{KeyPair, PublicKey};

/// The protected header (RFC 7515 §4.1). Members we do not know are ignored, as the RFC asks, unless `crit` names
/// them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    pub alg: String,
    /// `false` when the payload was signed as its own bytes (RFC 7797 §3).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub b64: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crit: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub typ: Option<String>,
    /// Media type of the payload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cty: Option<String>,
    /// JWK thumbprint of the key (RFC 7638).
    pub kid: String,
    /// When it was signed, seconds since 1970.
    pub iat: i64,
    /// SHA-256 of the signer's certificate.
    #[serde(rename = "x5t#S256", default, skip_serializing_if = "Option::is_none")]
    pub x5t_s256: Option<String>,
    /// The signer's certificate, then its issuer's; padded base64 of DER.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x5c: Option<Vec<String>>,
}

impl Header {
    /// The certificates of `x5c` as DER; checks that `x5t#S256` fits the first.
    pub fn certificates(&self) -> Result<Vec<Vec<u8>>> {
        let chain = self
            .x5c
            .iter()
            .flatten()
            .map(|c| b64::decode_standard(c, "x5c"))
            .collect::<Result<Vec<_>>>()?;
        match (chain.first(), &self.x5t_s256) {
            (Some(first), Some(digest)) if b64::encode(Sha256::digest(first)) == *digest => {
                Ok(chain)
            }
            (None, None) => Ok(chain),
            _ => Err(SealError::Malformed("x5t#S256")),
        }
    }
    pub fn signed_at(&self) -> Result<Instant> {
        Instant::from_second(self.iat).map_err(|_| SealError::Malformed("iat"))
    }
}

/// What a signature says about itself besides key and time.
#[derive(Debug, Clone, Copy, Default)]
pub struct Context<'a> {
    /// Kind of statement, so that one cannot be passed off as another.
    pub typ: Option<&'a str>,
    /// Media type of the payload.
    pub cty: Option<&'a str>,
    /// Signer's certificate first, DER.
    pub chain: &'a [Vec<u8>],
}

fn header(key: &KeyPair, at: Instant, context: Context<'_>, detached: bool) -> Result<String> {
    let x5c: Vec<String> = context
        .chain
        .iter()
        .map(|c| b64::encode_standard(c))
        .collect();
    let header = Header {
        alg: Alg::Es256.name().into(),
        b64: detached.then_some(false),
        crit: detached.then(|| vec!["b64".into()]),
        typ: context.typ.map(Into::into),
        cty: context.cty.map(Into::into),
        kid: key.public().kid(),
        iat: at.as_second(),
        x5t_s256: context
            .chain
            .first()
            .map(|c| b64::encode(Sha256::digest(c))),
        x5c: (!x5c.is_empty()).then_some(x5c),
    };
    serde_json::to_vec(&header)
        .map(b64::encode)
        .map_err(|_| SealError::Internal("JWS header"))
}

fn signing_input(header: &str, payload: &[u8]) -> Vec<u8> {
    [header.as_bytes(), b".", payload].concat()
}

/// Signs exact bytes that travel beside the signature: `header..signature`.
pub fn sign_detached(
    key: &KeyPair,
    at: Instant,
    context: Context<'_>,
    payload: &[u8],
) -> Result<String> {
    let header = header(key, at, context, true)?;
    let signature = key.sign(&signing_input(&header, payload))?;
    Ok(format!("{header}..{}", b64::encode(signature)))
}

/// Signs a short statement that travels inside: `header.payload.signature`.
pub fn sign(key: &KeyPair, at: Instant, context: Context<'_>, payload: &[u8]) -> Result<String> {
    let header = header(key, at, context, false)?;
    let payload = b64::encode(payload);
    let signature = key.sign(&signing_input(&header, payload.as_bytes()))?;
    Ok(format!("{header}.{payload}.{}", b64::encode(signature)))
}

/// The parts of a compact JWS, read but not verified. Use it to find out whose key to verify with.
pub struct Parts<'a> {
    pub header: Header,
    raw_header: &'a str,
    payload: &'a str,
    signature: Vec<u8>,
}

/// Splits and reads a compact JWS. Refuses an algorithm not on offer and any critical member but `b64`.
pub fn read(jws: &str) -> Result<Parts<'_>> {
    const BAD: SealError = SealError::Malformed("JWS");
    let mut parts = jws.split('.');
    let (Some(raw_header), Some(payload), Some(signature), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(BAD);
    };
    let header: Header =
        serde_json::from_slice(&b64::decode(raw_header, "JWS header")?).map_err(|_| BAD)?;
    Alg::from_name(&header.alg)?;
    // RFC 7797 §6: `b64` must be named in `crit`; RFC 7515 §4.1.11: an unknown critical member refuses the whole.
    let plain = header.b64.is_none() && header.crit.is_none();
    let unencoded =
        header.b64 == Some(false) && header.crit.as_deref() == Some(&["b64".to_owned()]);
    if !plain && !unencoded {
        return Err(SealError::Unsupported("critical header member".into()));
    }
    if unencoded != payload.is_empty() {
        return Err(BAD);
    }
    Ok(Parts {
        header,
        raw_header,
        payload,
        signature: b64::decode(signature, "JWS signature")?,
    })
}

impl Parts<'_> {
    /// Verifies a detached signature over `payload` with `key`, which must be the one the header names.
    pub fn verify_detached(&self, key: &PublicKey, payload: &[u8]) -> Result<()> {
        if !self.payload.is_empty() {
            return Err(SealError::Malformed("detached JWS"));
        }
        self.check_kid(key)?;
        key.verify(&signing_input(self.raw_header, payload), &self.signature)
    }
    /// Verifies an attached signature and returns the payload. `typ` must be what the header says.
    pub fn verify(&self, key: &PublicKey, typ: &str) -> Result<Vec<u8>> {
        if self.payload.is_empty() || self.header.typ.as_deref() != Some(typ) {
            return Err(SealError::Malformed("JWS of the expected type"));
        }
        self.check_kid(key)?;
        key.verify(
            &signing_input(self.raw_header, self.payload.as_bytes()),
            &self.signature,
        )?;
        b64::decode(self.payload, "JWS payload")
    }
    /// The attached payload before anything was verified.
    pub fn unverified_payload(&self) -> Result<Vec<u8>> {
        b64::decode(self.payload, "JWS payload")
    }
    fn check_kid(&self, key: &PublicKey) -> Result<()> {
        if key.kid() == self.header.kid {
            Ok(())
        } else {
            Err(SealError::NoKey {
                kid: self.header.kid.clone(),
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::SystemEntropy;
    use proptest::prelude::*;

    fn at() -> Instant {
        Instant::from_second(1_795_000_000).unwrap()
    }

    #[test]
    fn unencoded_payload_header_is_as_rfc_7797_writes_it() {
        let key = KeyPair::generate(&SystemEntropy);
        let jws = sign_detached(&key, at(), Context::default(), b"$.02").unwrap();
        let header =
            String::from_utf8(b64::decode(jws.split('.').next().unwrap(), "").unwrap()).unwrap();
        assert!(
            header.starts_with(r#"{"alg":"ES256","b64":false,"crit":["b64"],"#),
            "{header}"
        );
        assert!(
            read(&jws)
                .unwrap()
                .verify_detached(key.public(), b"$.02")
                .is_ok()
        );
    }

    #[test]
    fn verifies_the_example_of_rfc_7515_a_3() {
        // RFC 7515 A.3, with its key; the header there has neither kid nor iat, so only the signature is checked.
        let header = "eyJhbGciOiJFUzI1NiJ9";
        let payload = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        let signature = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
        let x = b64::decode("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "").unwrap();
        let y = b64::decode("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0", "").unwrap();
        let key = PublicKey::from_sec1(&[vec![4], x, y].concat()).unwrap();
        let input = signing_input(header, payload.as_bytes());
        key.verify(&input, &b64::decode(signature, "").unwrap())
            .unwrap();
    }

    #[test]
    fn another_algorithm_or_critical_member_is_refused() {
        let forge = |header: &str| format!("{}..AAAA", b64::encode(header));
        for header in [
            r#"{"alg":"none","b64":false,"crit":["b64"],"kid":"k","iat":0}"#,
            r#"{"alg":"SM2","b64":false,"crit":["b64"],"kid":"k","iat":0}"#,
            r#"{"alg":"ES256","b64":false,"kid":"k","iat":0}"#,
            r#"{"alg":"ES256","b64":false,"crit":["b64","exp"],"kid":"k","iat":0}"#,
            r#"{"alg":"ES256","kid":"k","iat":0,"crit":[]}"#,
        ] {
            assert!(
                matches!(read(&forge(header)), Err(SealError::Unsupported(_))),
                "{header}"
            );
        }
        assert!(read("a.b").is_err());
        assert!(read("").is_err());
    }

    #[test]
    fn a_statement_of_one_type_is_not_taken_for_another() {
        let key = KeyPair::generate(&SystemEntropy);
        let jws = sign(
            &key,
            at(),
            Context {
                typ: Some("a"),
                ..Context::default()
            },
            b"x",
        )
        .unwrap();
        assert_eq!(read(&jws).unwrap().verify(key.public(), "a").unwrap(), b"x");
        assert!(read(&jws).unwrap().verify(key.public(), "b").is_err());
        assert!(
            read(&jws)
                .unwrap()
                .verify_detached(key.public(), b"x")
                .is_err()
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn any_flipped_bit_of_payload_or_signature_is_refused(
            payload in prop::collection::vec(any::<u8>(), 1..300), at_ in any::<prop::sample::Index>(), bit in 0u8..7,
        ) {
            let key = KeyPair::generate(&SystemEntropy);
            let jws = sign_detached(&key, at(), Context::default(), &payload).unwrap();
            let mut altered = payload.clone();
            altered[at_.index(payload.len())] ^= 1 << bit;
            prop_assert!(read(&jws).unwrap().verify_detached(key.public(), &altered).is_err());
            let mut text = jws.clone().into_bytes();
            let i = at_.index(text.len());
            text[i] ^= 1 << bit;
            let text = String::from_utf8(text).unwrap();
            let refused = read(&text).and_then(|p| p.verify_detached(key.public(), &payload)).is_err();
            prop_assert!(refused, "{text}");
        }
    }
}
