//! An authenticator in software (Web Authentication Level 3): answers as a browser with a platform authenticator would.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{DerSignature, SigningKey};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// User present, user verified (§6.1).
const PRESENT: u8 = 0x01;
const VERIFIED: u8 = 0x04;
/// Credential data follows.
const ATTESTED: u8 = 0x40;

/// One credential on one device.
#[derive(Clone)]
pub struct Authenticator {
    key: SigningKey,
    id: Vec<u8>,
    user: String,
    /// Signature counter; a copy of the device has its own.
    pub counter: u32,
    /// Whether it asks its user for a finger, face or PIN.
    pub verifies: bool,
    /// Where the browser thinks it is.
    pub origin: String,
}

fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

impl Authenticator {
    /// A device whose key follows from `seed`, in a browser at `origin`.
    #[allow(clippy::expect_used)] // a test without a key has nothing to test
    pub fn new(seed: u8, origin: &str) -> Self {
        Self {
            key: SigningKey::from_slice(&[seed.max(1); 32]).expect("a key"),
            id: vec![seed; 16],
            user: String::new(),
            counter: 0,
            verifies: true,
            origin: origin.to_owned(),
        }
    }

    /// Answers `navigator.credentials.create()` with no attestation (§8.7).
    pub fn create(&mut self, options: &Value) -> Value {
        let options = &options["publicKey"];
        self.user = options["user"]["id"].as_str().unwrap_or_default().into();
        let client = self.client_data("webauthn.create", options);
        let point = self.key.verifying_key().to_sec1_point(false);
        let (x, y) = (&point.as_bytes()[1..33], &point.as_bytes()[33..]);
        // COSE_Key: EC2, ES256, P-256 (RFC 9053 §7.1.1).
        let mut cose = vec![0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20];
        cose.extend(x);
        cose.extend([0x22, 0x58, 0x20]);
        cose.extend(y);
        let mut data = self.data(options["rp"]["id"].as_str().unwrap_or_default(), ATTESTED);
        data.extend([0u8; 16]);
        data.extend([0, 16]);
        data.extend(&self.id);
        data.extend(cose);
        let mut object = vec![0xa3, 0x63];
        object.extend(b"fmt");
        object.push(0x64);
        object.extend(b"none");
        object.push(0x67);
        object.extend(b"attStmt");
        object.extend([0xa0, 0x68]);
        object.extend(b"authData");
        object.push(0x58);
        object.push(u8::try_from(data.len()).unwrap_or(u8::MAX));
        object.extend(data);
        self.answer(&json!({"attestationObject": b64(object), "clientDataJSON": b64(client)}))
    }

    /// Answers `navigator.credentials.get()`.
    pub fn get(&mut self, options: &Value) -> Value {
        let options = &options["publicKey"];
        self.counter += 1;
        let client = self.client_data("webauthn.get", options);
        let data = self.data(options["rpId"].as_str().unwrap_or_default(), 0);
        let signed = [data.clone(), Sha256::digest(&client).to_vec()].concat();
        let signature: DerSignature = self.key.sign(&signed);
        self.answer(&json!({
            "authenticatorData": b64(data),
            "clientDataJSON": b64(client),
            "signature": b64(signature.as_bytes()),
            "userHandle": self.user,
        }))
    }

    fn data(&self, relying_party: &str, more: u8) -> Vec<u8> {
        let verified = if self.verifies { VERIFIED } else { 0 };
        let mut data = Sha256::digest(relying_party).to_vec();
        data.push(PRESENT | verified | more);
        data.extend(self.counter.to_be_bytes());
        data
    }

    fn client_data(&self, kind: &str, options: &Value) -> Vec<u8> {
        json!({"type": kind, "challenge": options["challenge"], "origin": self.origin, "crossOrigin": false})
            .to_string()
            .into_bytes()
    }

    fn answer(&self, response: &Value) -> Value {
        json!({"id": b64(&self.id), "rawId": b64(&self.id), "type": "public-key", "response": response, "extensions": {}})
    }
}
