//! Opaque bearer tokens (RFC 6750): the holder has the text, the store only its hash.

use kernel::Entropy;
use sha2::{Digest, Sha256};

use crate::secret::Secret;

/// Text before every token, so that scanners recognise one that has leaked.
pub const TOKEN_PREFIX: &str = "karez_";

/// A fresh token of 256 random bits; shown once.
pub fn new_token(entropy: &dyn Entropy) -> String {
    format!(
        "{TOKEN_PREFIX}{}",
        crate::b64::encode(Secret::generate(entropy).expose())
    )
}

/// What the store keeps and looks up. A token has full entropy, so a plain SHA-256 suffices.
pub fn token_hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::SystemEntropy;

    #[test]
    fn tokens_differ_and_hash_stably() {
        let (a, b) = (new_token(&SystemEntropy), new_token(&SystemEntropy));
        assert_ne!(a, b);
        assert_eq!(a.len(), TOKEN_PREFIX.len() + 43);
        assert_eq!(token_hash(&a), token_hash(&a));
        assert_ne!(token_hash(&a), token_hash(&b));
    }
}
