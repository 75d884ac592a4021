//! Signatures of webhooks as the Standard Webhooks specification 1.0 writes them: HMAC-SHA256 over
//! `id.timestamp.body`, with a secret that is shown as `whsec_…`.

use kernel::Instant;
use subtle::ConstantTimeEq as _;

use crate::b64;
use crate::secret::{Secret, hmac_sha256};

/// The secret as the receiver is given it.
pub fn secret_text(secret: &Secret) -> String {
    format!("whsec_{}", b64::encode_standard(secret.expose().as_slice()))
}

/// One entry of the `webhook-signature` field.
pub fn sign(secret: &Secret, id: &str, at: Instant, body: &[u8]) -> String {
    let timestamp = at.as_second().to_string();
    let parts: [&[u8]; 5] = [id.as_bytes(), b".", timestamp.as_bytes(), b".", body];
    let mac = hmac_sha256(secret.expose(), &parts);
    format!("v1,{}", b64::encode_standard(&mac))
}

/// Whether one of the entries of a `webhook-signature` field is right, as a receiver checks it.
pub fn verify(secret: &Secret, id: &str, at: Instant, body: &[u8], field: &str) -> bool {
    let expected = sign(secret, id, at, body);
    field
        .split(' ')
        .any(|entry| entry.as_bytes().ct_eq(expected.as_bytes()).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_covers_id_time_and_body() {
        let secret = Secret::from_bytes([7; 32]);
        let at = Instant::from_second(1_795_000_000).unwrap();
        let field = format!("v1,AAAA {}", sign(&secret, "msg_1", at, b"{}"));
        assert!(verify(&secret, "msg_1", at, b"{}", &field));
        assert!(!verify(&secret, "msg_2", at, b"{}", &field));
        assert!(!verify(&secret, "msg_1", at, b"{ }", &field));
        let later = Instant::from_second(1_795_000_001).unwrap();
        assert!(!verify(&secret, "msg_1", later, b"{}", &field));
        assert!(!verify(
            &Secret::from_bytes([8; 32]),
            "msg_1",
            at,
            b"{}",
            &field
        ));
        assert!(secret_text(&secret).starts_with("whsec_BwcH"));
    }
}
