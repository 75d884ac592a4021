//! Passwords: argon2id with the parameters OWASP recommends, and what a new password must be.

use argon2::password_hash::PasswordVerifier as _;
use argon2::{Algorithm, Argon2, Params, PasswordHash, PasswordHasher as _, Version};
use kernel::{Entropy, Phi};

use crate::AppError;

/// OWASP Password Storage Cheat Sheet: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Characters of a new password, at least and at most.
pub const CHARS_MIN: usize = 12;
pub const CHARS_MAX: usize = 256;

fn hasher() -> Result<Argon2<'static>, AppError> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None)
        .map_err(|_| AppError::Internal("argon2 parameters".into()))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// The hash in PHC form. Takes some tens of milliseconds: call it on a blocking thread.
pub fn hash(password: &Phi<String>, entropy: &dyn Entropy) -> Result<String, AppError> {
    let mut salt = [0; 16];
    entropy.fill(&mut salt);
    let hash: PasswordHash = hasher()?
        .hash_password_with_salt(password.reveal().as_bytes(), &salt)
        .map_err(|_| AppError::Internal("password hash".into()))?;
    Ok(hash.to_string())
}

/// Whether the password is the one that was hashed. A hash that cannot be read matches nothing.
pub fn verify(password: &Phi<String>, phc: &str) -> bool {
    let (Ok(hash), Ok(hasher)) = (PasswordHash::new(phc), hasher()) else {
        return false;
    };
    hasher
        .verify_password(password.reveal().as_bytes(), &hash)
        .is_ok()
}

/// Refuses a new password that is short, endless, one repeated part, a plain sequence, or made of the login
/// (NIST SP 800-63B-4 §3.1.1.2: length and blocked values, no rules of composition).
pub fn check_new(field: &str, password: &Phi<String>, about: &[&str]) -> Result<(), AppError> {
    let text = password.reveal();
    let chars: Vec<char> = text.chars().collect();
    if chars.len() < CHARS_MIN {
        return Err(AppError::invalid(
            field,
            "password-short",
            "at least 12 characters",
        ));
    }
    if chars.len() > CHARS_MAX {
        return Err(AppError::invalid(
            field,
            "password-long",
            "at most 256 characters",
        ));
    }
    let lower = text.to_lowercase();
    let names = about.iter().any(|a| {
        let a = a
            .split('@')
            .next()
            .unwrap_or_default()
            .trim()
            .to_lowercase();
        a.chars().count() >= 4 && lower.contains(&a)
    });
    if names || is_repeated(&chars) || is_sequence(&chars) || has_common_core(&lower) {
        return Err(AppError::invalid(
            field,
            "password-guessable",
            "too easy to guess",
        ));
    }
    Ok(())
}

fn is_repeated(chars: &[char]) -> bool {
    (1..=4).any(|n| chars.chunks(n).all(|c| chars.starts_with(c)))
}

fn is_sequence(chars: &[char]) -> bool {
    let steps: Vec<i64> = chars
        .windows(2)
        .map(|w| i64::from(u32::from(w[1])) - i64::from(u32::from(w[0])))
        .collect();
    let straight = steps.iter().filter(|s| s.abs() == 1).count();
    straight * 4 >= steps.len() * 3
}

/// The best-known words with only a few characters around them.
fn has_common_core(lower: &str) -> bool {
    const CORES: &[&str] = &[
        "password", "qwerty", "letmein", "welcome", "123456", "iloveyou", "admin", "woaini",
        "karez", "hospital",
    ];
    CORES.iter().any(|core| {
        lower.contains(core) && lower.chars().count() < core.chars().count() + CHARS_MIN / 2 + 1
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::SystemEntropy;

    fn refused(text: &str) -> bool {
        check_new("p", &Phi::new(text.into()), &["li.jing@yarqum.example"]).is_err()
    }

    #[test]
    fn a_hash_is_argon2id_and_opens_for_its_password_alone() {
        let right = Phi::new("a long enough phrase".to_owned());
        let phc = hash(&right, &SystemEntropy).unwrap();
        assert!(phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{phc}");
        assert!(verify(&right, &phc));
        assert!(!verify(&Phi::new("a long enough phrasE".into()), &phc));
        assert!(!verify(&right, "not a hash"));
    }

    #[test]
    fn guessable_passwords_are_refused() {
        for text in [
            "short",
            "aaaaaaaaaaaaaa",
            "abcabcabcabcabc",
            "123456789012345",
            "abcdefghijklmnop",
            "password12345",
            "li.jing-2026-spring",
        ] {
            assert!(refused(text), "{text}");
        }
        assert!(!refused("seven poplars by the well"));
        assert!(!refused("坎儿井的水流过七棵白杨树下面"));
    }
}
