//! The token of a session in its cookie, and the form token that follows from it.

use kernel::{Entropy, ResourceId};
use seal::token::token_hash;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::AppError;
use crate::accounts::factor::hex;

/// The cookie's name. Over TLS the `__Host-` prefix binds it to this very host (RFC 6265bis §4.1.3.2).
pub const fn cookie_name(secure: bool) -> &'static str {
    if secure { "__Host-karez" } else { "karez" }
}

/// `Set-Cookie` for a new session. The session's own end is kept by the server.
pub fn set_cookie(token: &str, secure: bool) -> String {
    let mark = if secure { "; Secure" } else { "" };
    format!(
        "{}={token}; Path=/; HttpOnly; SameSite=Lax{mark}",
        cookie_name(secure)
    )
}

/// `Set-Cookie` that makes the browser forget the session.
pub fn clear_cookie(secure: bool) -> String {
    let mark = if secure { "; Secure" } else { "" };
    format!(
        "{}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0{mark}",
        cookie_name(secure)
    )
}

/// What every form token of a session follows from. It never stands in a page itself.
pub fn csrf_of(token: &str) -> String {
    let digest = Sha256::new_with_prefix(b"karez form token\0")
        .chain_update(token.as_bytes())
        .finalize();
    seal::b64::encode(digest)
}

/// A form token for one page: salted, so that it differs in every answer and compressing the page reveals nothing
/// of it (BREACH).
pub(super) fn csrf_for_page(token: &str, entropy: &dyn Entropy) -> String {
    let mut salt = [0u8; 12];
    entropy.fill(&mut salt);
    let salt = seal::b64::encode(salt);
    let salted = salted(&salt, &csrf_of(token));
    format!("{salt}.{salted}")
}

/// Whether `given` is a form token of the session, in constant time.
pub fn csrf_is(token: &str, given: &str) -> bool {
    follows_from(&csrf_of(token), given)
}

pub(super) fn follows_from(own: &str, given: &str) -> bool {
    let expected = match given.split_once('.') {
        Some((salt, _)) => format!("{salt}.{}", salted(salt, own)),
        None => own.to_owned(),
    };
    expected.as_bytes().ct_eq(given.as_bytes()).into()
}

fn salted(salt: &str, own: &str) -> String {
    let digest = Sha256::new_with_prefix(salt.as_bytes())
        .chain_update(b"\0")
        .chain_update(own.as_bytes())
        .finalize();
    seal::b64::encode(digest)
}

/// Where the store keeps the session. A text that cannot be a token is refused before the store is asked.
pub(super) fn session_id(token: &str) -> Result<ResourceId, AppError> {
    if token.len() > 128 || !token.starts_with(seal::token::TOKEN_PREFIX) {
        return Err(AppError::Unauthenticated);
    }
    Ok(ResourceId::new(hex(&token_hash(token)))?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::SystemEntropy;

    #[test]
    fn the_form_token_belongs_to_one_session() {
        assert!(csrf_is("karez_a", &csrf_of("karez_a")));
        assert!(!csrf_is("karez_b", &csrf_of("karez_a")));
        assert!(!csrf_is("karez_a", ""));
        assert!(!csrf_is("karez_a", "."));
    }

    #[test]
    fn the_form_token_differs_in_every_page() {
        let (one, other) = (
            csrf_for_page("karez_a", &SystemEntropy),
            csrf_for_page("karez_a", &SystemEntropy),
        );
        assert_ne!(one, other);
        assert!(csrf_is("karez_a", &one) && csrf_is("karez_a", &other));
        assert!(!csrf_is("karez_b", &one));
    }

    #[test]
    fn a_secure_cookie_is_bound_to_its_host() {
        let c = set_cookie("karez_x", true);
        assert!(c.starts_with("__Host-karez=karez_x; Path=/; HttpOnly") && c.ends_with("; Secure"));
        assert!(!c.contains("Domain"));
    }
}
