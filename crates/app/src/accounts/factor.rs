//! The second factor: one-time passwords by time (RFC 6238), and recovery codes for when the device is lost.

use kernel::{AccountId, Entropy, Instant};
use seal::{NodeKey, Wrapped, b64};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use totp_rs::{Builder, Secret};

use super::model::Account;
use crate::AppError;

/// Recovery codes given at once.
pub const RECOVERY_CODES: usize = 10;
/// Letters and digits that cannot be mistaken for one another.
const ALPHABET: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz023456789";
const RECOVERY_CHARS: usize = 16;

pub(crate) fn context(account: &AccountId) -> String {
    format!("totp/{account}")
}

fn refused(_: seal::SealError) -> AppError {
    AppError::Internal("second factor does not open under this node key".into())
}

/// A new secret, wrapped for the account.
pub fn new_secret(
    node: &NodeKey,
    entropy: &dyn Entropy,
    account: &AccountId,
) -> Result<String, AppError> {
    let mut secret = [0u8; 20];
    entropy.fill(&mut secret);
    wrap(node, entropy, account, &secret)
}

/// Wraps a given secret for the account.
pub fn wrap(
    node: &NodeKey,
    entropy: &dyn Entropy,
    account: &AccountId,
    secret: &[u8; 20],
) -> Result<String, AppError> {
    let wrapped = node
        .wrap(&context(account), secret, entropy)
        .map_err(refused)?;
    Ok(b64::encode(wrapped.0))
}

fn open(node: &NodeKey, account: &Account, wrapped: &str) -> Result<totp_rs::Totp, AppError> {
    let bytes = b64::decode(wrapped, "second factor").map_err(refused)?;
    let secret = node
        .unwrap(&context(&account.id), &Wrapped(bytes))
        .map_err(refused)?;
    Builder::new()
        .with_secret(Secret::from(secret))
        .with_account_name(account.login.replace(':', " "))
        .with_issuer(Some("Karez"))
        .build()
        .map_err(|_| AppError::Internal("second factor".into()))
}

/// What an authenticator needs: the `otpauth` address for a QR code, and the secret in base32 to type.
#[derive(Debug, Clone)]
pub struct Offer {
    pub address: kernel::Phi<String>,
    pub secret: kernel::Phi<String>,
}

pub fn offer(node: &NodeKey, account: &Account, wrapped: &str) -> Result<Offer, AppError> {
    let totp = open(node, account, wrapped)?;
    let address = totp
        .to_url()
        .map_err(|_| AppError::Internal("otpauth address".into()))?;
    let secret = address
        .split(['?', '&'])
        .find_map(|p| p.strip_prefix("secret="))
        .unwrap_or_default()
        .to_owned();
    Ok(Offer {
        address: address.into(),
        secret: secret.into(),
    })
}

/// The step of time the code belongs to, if it is right: one step of drift either way (RFC 6238 §5.2).
pub fn step_of(
    node: &NodeKey,
    account: &Account,
    wrapped: &str,
    code: &str,
    now: Instant,
) -> Result<Option<u64>, AppError> {
    let digits: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    if digits.len() != 6 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Ok(None);
    }
    let time = u64::try_from(now.as_second()).unwrap_or(0);
    Ok(open(node, account, wrapped)?.check(&digits, time))
}

/// New recovery codes: the texts to show once, and the hashes to keep. A code has 80 random bits.
pub fn recovery_codes(entropy: &dyn Entropy) -> (Vec<String>, Vec<String>) {
    (0..RECOVERY_CODES)
        .map(|_| {
            let mut random = [0u8; RECOVERY_CHARS];
            entropy.fill(&mut random);
            let text: String = random
                .iter()
                .map(|b| char::from(ALPHABET[usize::from(b & 31)]))
                .collect();
            let shown = format!(
                "{}-{}-{}-{}",
                &text[..4],
                &text[4..8],
                &text[8..12],
                &text[12..]
            );
            (shown, recovery_hash(&text))
        })
        .unzip()
}

fn recovery_hash(plain: &str) -> String {
    hex(&Sha256::new_with_prefix(b"karez recovery code\0")
        .chain_update(plain.as_bytes())
        .finalize())
}

/// Which of the kept hashes the text answers to.
pub fn find_recovery(kept: &[String], text: &str) -> Option<usize> {
    let plain: String = text
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    if plain.len() != RECOVERY_CHARS {
        return None;
    }
    let hash = recovery_hash(&plain);
    kept.iter()
        .position(|k| k.as_bytes().ct_eq(hash.as_bytes()).into())
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::SystemEntropy;

    #[test]
    fn a_recovery_code_is_found_however_it_is_typed_and_only_if_it_was_given() {
        let (shown, kept) = recovery_codes(&SystemEntropy);
        assert_eq!(shown.len(), RECOVERY_CODES);
        assert_eq!(find_recovery(&kept, &shown[3]), Some(3));
        let typed = format!(" {} ", shown[3].to_uppercase().replace('-', " "));
        assert_eq!(find_recovery(&kept, &typed), Some(3));
        assert_eq!(find_recovery(&kept, "aaaa-aaaa-aaaa-aaaa"), None);
        assert_eq!(find_recovery(&kept, ""), None);
    }
}
