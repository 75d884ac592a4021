//! Secret keys of 32 bytes, and how they are kept: wrapped with AES-256-GCM (NIST SP 800-38D) under the node's
//! key-encryption key, which itself lives outside the database.

use std::sync::Arc;

use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, KeyInit};
use hmac::{Hmac, Mac};
use kernel::Entropy;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq as _;
use zeroize::{Zeroize, Zeroizing};

use crate::error::{Result, SealError};
use crate::pkcs11::TokenKeys;

/// 32 secret bytes, wiped when dropped and never printed.
#[derive(Clone)]
pub struct Secret(Zeroizing<[u8; 32]>);

impl Secret {
    /// Fresh and random.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        entropy.fill(bytes.as_mut());
        Self(bytes)
    }
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }
    /// A key for one purpose: the first block of HKDF-Expand with SHA-256 (RFC 5869 §2.3).
    pub fn derive(&self, purpose: &[u8]) -> Self {
        Self(Zeroizing::new(hmac_sha256(&self.0, &[purpose, &[1]])))
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// A started HMAC-SHA256 (RFC 2104) under a key of 32 bytes.
pub(crate) fn hmac_start(key: &[u8; 32]) -> Hmac<Sha256> {
    // A key shorter than the block is padded with zeros (RFC 2104 §2); written out, nothing here can fail.
    let mut block = [0u8; 64];
    block[..32].copy_from_slice(key);
    let mac = Hmac::<Sha256>::new(&block.into());
    block.zeroize();
    mac
}

pub(crate) fn hmac_sha256(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = hmac_start(key);
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// A secret as it is stored: `0x01 ‖ key id (8) ‖ nonce (12) ‖ ciphertext ‖ tag (16)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrapped(pub Vec<u8>);

const WRAP_VERSION: u8 = 1;
const WRAP_HEAD: usize = 1 + 8 + 12;

/// The node's key-encryption key. It is read from a file or the environment at start and wraps every other
/// secret; whoever holds only the database can open none of them.
#[derive(Debug, Clone)]
pub struct NodeKey {
    key: Secret,
    id: [u8; 8],
    /// Keys that were in use before: they open, and wrap nothing new.
    before: Vec<NodeKey>,
    /// Where hospitals' signing keys are made and used, if not here.
    token: Option<Arc<dyn TokenKeys>>,
}

impl NodeKey {
    pub fn new(key: Secret) -> Self {
        let mut id = [0; 8];
        let digest: [u8; 32] = Sha256::new_with_prefix(b"karez node key id")
            .chain_update(key.expose())
            .finalize()
            .into();
        id.copy_from_slice(&digest[..8]);
        Self {
            key,
            id,
            before: Vec::new(),
            token: None,
        }
    }
    /// The same with a token in which hospitals' signing keys are made from now on.
    pub fn with_token(self, token: Arc<dyn TokenKeys>) -> Self {
        Self {
            token: Some(token),
            ..self
        }
    }
    /// The token of the signing keys, if there is one.
    pub fn token(&self) -> Option<&Arc<dyn TokenKeys>> {
        self.token.as_ref()
    }
    /// A new key that still opens what `before` opens.
    pub fn succeeding(before: &Self, entropy: &dyn Entropy) -> Self {
        let mut older = before.clone();
        let oldest = std::mem::take(&mut older.before);
        let mut new = Self::generate(entropy);
        new.token = older.token.take();
        new.before.push(older);
        new.before.extend(oldest);
        new
    }
    /// This key and those before it, newest first.
    pub fn all(&self) -> impl Iterator<Item = &Self> {
        std::iter::once(self).chain(&self.before)
    }
    pub fn generate(entropy: &dyn Entropy) -> Self {
        Self::new(Secret::generate(entropy))
    }
    /// Reads the form written by [`NodeKey::to_text`]: keys parted by white space or commas, the one in use first.
    pub fn from_text(text: &str) -> Result<Self> {
        let mut keys = text
            .split(|c: char| c.is_whitespace() || c == ',')
            .filter(|word| !word.is_empty())
            .map(|word| {
                let bytes: [u8; 32] = crate::b64::decode(word, "node key")?
                    .try_into()
                    .map_err(|_| SealError::Malformed("node key"))?;
                Ok(Self::new(Secret::from_bytes(bytes)))
            });
        let mut newest = keys.next().ok_or(SealError::Malformed("node key"))??;
        newest.before = keys.collect::<Result<_>>()?;
        Ok(newest)
    }
    /// 43 characters of base64url for each key, one on a line, the one in use first: for a file only the service can
    /// read.
    pub fn to_text(&self) -> String {
        let lines: Vec<String> = self
            .all()
            .map(|k| crate::b64::encode(k.key.expose()))
            .collect();
        lines.join("\n")
    }
    /// Names the key without revealing it, so that a wrong key file is told apart from damage.
    pub const fn id(&self) -> &[u8; 8] {
        &self.id
    }
    /// The names of this key and those before it, newest first.
    pub fn ids(&self) -> impl Iterator<Item = &[u8; 8]> {
        self.all().map(|k| &k.id)
    }
    /// A secret for one purpose of this node, the same whenever it starts with this key.
    pub fn derive(&self, purpose: &[u8]) -> Secret {
        self.key.derive(purpose)
    }
    /// Wraps a secret for `context` (what it is and whose, for example `data-key/yarqum/Patient/17`). The same
    /// context must be given to open it, so that wrapped keys cannot be exchanged for one another.
    pub fn wrap(&self, context: &str, secret: &[u8], entropy: &dyn Entropy) -> Result<Wrapped> {
        let mut nonce = [0; 12];
        entropy.fill(&mut nonce);
        let mut out = Vec::with_capacity(WRAP_HEAD + secret.len() + 16);
        out.push(WRAP_VERSION);
        out.extend(self.id);
        out.extend(nonce);
        let sealed = self
            .cipher()
            .encrypt(
                &nonce.into(),
                Payload {
                    msg: secret,
                    aad: context.as_bytes(),
                },
            )
            .map_err(|_| SealError::Internal("wrapping a key"))?;
        out.extend(sealed);
        Ok(Wrapped(out))
    }
    /// Opens what [`NodeKey::wrap`] made for the same context.
    pub fn unwrap(&self, context: &str, wrapped: &Wrapped) -> Result<Vec<u8>> {
        let bytes = &wrapped.0;
        if bytes.len() < WRAP_HEAD + 16 || bytes[0] != WRAP_VERSION {
            return Err(SealError::Malformed("wrapped key"));
        }
        let (head, sealed) = bytes.split_at(WRAP_HEAD);
        let own = self.all().find(|k| head[1..9] == k.id);
        let own = own.ok_or(SealError::NotAuthentic(
            "wrapped key: it belongs to another node key",
        ))?;
        let nonce: [u8; 12] = head[9..]
            .try_into()
            .map_err(|_| SealError::Malformed("wrapped key"))?;
        own.cipher()
            .decrypt(
                &nonce.into(),
                Payload {
                    msg: sealed,
                    aad: context.as_bytes(),
                },
            )
            .map_err(|_| SealError::NotAuthentic("wrapped key"))
    }
    /// [`NodeKey::unwrap`] for a secret of 32 bytes.
    pub fn unwrap_secret(&self, context: &str, wrapped: &Wrapped) -> Result<Secret> {
        let plain = Zeroizing::new(self.unwrap(context, wrapped)?);
        let bytes = plain
            .as_slice()
            .try_into()
            .map_err(|_| SealError::Malformed("wrapped secret"))?;
        Ok(Secret::from_bytes(bytes))
    }
    /// Wraps anew under the key in use what an older one wrapped; none when there is nothing to do.
    pub fn rewrap(
        &self,
        context: &str,
        wrapped: &Wrapped,
        entropy: &dyn Entropy,
    ) -> Result<Option<Wrapped>> {
        if wrapped.0.get(1..9) == Some(self.id.as_slice()) {
            return Ok(None);
        }
        let plain = Zeroizing::new(self.unwrap(context, wrapped)?);
        self.wrap(context, &plain, entropy).map(Some)
    }
    /// Whether this node vouched for `message`, with the key in use or one before it; in constant time.
    pub fn vouches(&self, purpose: &[u8], message: &[u8], mac: &[u8]) -> bool {
        self.all()
            .any(|k| bool::from(k.mac(purpose, message).as_slice().ct_eq(mac)))
    }
    /// HMAC-SHA256 over `message` under a key derived for `purpose`: what this node vouches for.
    pub fn mac(&self, purpose: &[u8], message: &[u8]) -> [u8; 32] {
        hmac_sha256(self.key.derive(purpose).expose(), &[message])
    }
    fn cipher(&self) -> Aes256Gcm {
        Aes256Gcm::new(&(*self.key.derive(b"karez key wrapping v1").expose()).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::SystemEntropy;

    #[test]
    fn derivation_is_hkdf_expand() {
        let mut theirs = [0; 32];
        hkdf::Hkdf::<Sha256>::from_prk(&[7; 32])
            .unwrap()
            .expand(b"purpose", &mut theirs)
            .unwrap();
        assert_eq!(
            *Secret::from_bytes([7; 32]).derive(b"purpose").expose(),
            theirs
        );
    }

    #[test]
    fn hmac_matches_rfc_4231_case_2_padded() {
        // RFC 4231 §4.3: key "Jefe"; trailing zeros do not change an HMAC key.
        let mut key = [0; 32];
        key[..4].copy_from_slice(b"Jefe");
        let mac = hmac_sha256(&key, &[b"what do ya want ", b"for nothing?"]);
        let hex: String = mac.iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(
            hex,
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }

    #[test]
    fn a_wrapped_key_opens_only_in_its_context_and_under_its_node_key() {
        let node = NodeKey::generate(&SystemEntropy);
        let secret = Secret::generate(&SystemEntropy);
        let wrapped = node
            .wrap("data-key/yarqum/1", secret.expose(), &SystemEntropy)
            .unwrap();
        assert_eq!(
            node.unwrap_secret("data-key/yarqum/1", &wrapped)
                .unwrap()
                .expose(),
            secret.expose()
        );
        assert!(node.unwrap("data-key/yarqum/2", &wrapped).is_err());
        assert!(
            NodeKey::generate(&SystemEntropy)
                .unwrap("data-key/yarqum/1", &wrapped)
                .is_err()
        );
        for i in 0..wrapped.0.len() {
            let mut w = wrapped.clone();
            w.0[i] ^= 1;
            assert!(node.unwrap("data-key/yarqum/1", &w).is_err(), "byte {i}");
        }
    }

    #[test]
    fn the_node_key_survives_its_text_form() {
        let node = NodeKey::generate(&SystemEntropy);
        let again = NodeKey::from_text(&format!(" {}\n", node.to_text())).unwrap();
        assert_eq!(again.id(), node.id());
        assert!(NodeKey::from_text("short").is_err());
        assert_eq!(format!("{:?}", node.key), "Secret(…)");
    }

    #[test]
    fn a_new_node_key_still_opens_and_vouches_for_what_the_old_one_did_until_it_is_left_out() {
        let old = NodeKey::generate(&SystemEntropy);
        let wrapped = old.wrap("x", b"secret", &SystemEntropy).unwrap();
        let mac = old.mac(b"token", b"m");
        let new = NodeKey::succeeding(&old, &SystemEntropy);
        let new = NodeKey::from_text(&new.to_text()).unwrap();
        assert_ne!(new.id(), old.id());
        assert_eq!(new.unwrap("x", &wrapped).unwrap(), b"secret");
        assert!(new.vouches(b"token", b"m", &mac) && !new.vouches(b"token", b"n", &mac));
        let again = new.rewrap("x", &wrapped, &SystemEntropy).unwrap().unwrap();
        assert!(new.rewrap("x", &again, &SystemEntropy).unwrap().is_none());
        assert!(new.rewrap("y", &wrapped, &SystemEntropy).is_err());
        let text = new.to_text();
        let alone = NodeKey::from_text(text.lines().next().unwrap()).unwrap();
        assert_eq!(alone.unwrap("x", &again).unwrap(), b"secret");
        assert!(alone.unwrap("x", &wrapped).is_err());
        assert!(!alone.vouches(b"token", b"m", &mac));
    }
}
