//! Where a page of a search ends. The values there may be patient data and stand in an address, so a cursor is
//! encrypted; it opens only for the query it was made for.

use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, KeyInit};
use fhir::search::Query;
use kernel::HospitalId;
use seal::Secret;
use sha2::{Digest, Sha256};

use crate::StoreError;
use crate::sql::Value;

/// Longest cursor that is looked at, characters.
const TEXT_MAX: usize = 16 << 10;

/// The last match of a page: its sort keys and its record's number.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Place {
    pub keys: Vec<Value>,
    pub record: i64,
}

/// Names the query a cursor belongs to.
pub(crate) fn fingerprint(hospital: &HospitalId, query: &Query) -> [u8; 32] {
    let mut hash = Sha256::new_with_prefix(b"karez search v1");
    let asked = format!(
        "{hospital} {} {:?} {:?}",
        query.kind, query.clauses, query.sort
    );
    hash.update(asked.as_bytes());
    hash.finalize().into()
}

/// Seals and opens cursors.
#[derive(Clone)]
pub(crate) struct CursorKey {
    cipher: Aes256Gcm,
    nonces: Secret,
}

impl CursorKey {
    pub fn new(secret: &Secret) -> Self {
        let key = *secret.derive(b"karez cursor key").expose();
        Self {
            cipher: Aes256Gcm::new(&key.into()),
            nonces: secret.derive(b"karez cursor nonce"),
        }
    }

    /// The nonce follows from the content, so it repeats only with the content.
    fn nonce(&self, plain: &[u8], fingerprint: &[u8; 32]) -> [u8; 12] {
        let hash: [u8; 32] = Sha256::new_with_prefix(self.nonces.expose())
            .chain_update(fingerprint)
            .chain_update(plain)
            .finalize()
            .into();
        let mut nonce = [0; 12];
        nonce.copy_from_slice(&hash[..12]);
        nonce
    }

    pub fn seal(&self, place: &Place, fingerprint: &[u8; 32]) -> Result<String, StoreError> {
        let plain = encode(place);
        let nonce = self.nonce(&plain, fingerprint);
        let sealed = self
            .cipher
            .encrypt(
                &nonce.into(),
                Payload {
                    msg: &plain,
                    aad: fingerprint,
                },
            )
            .map_err(|_| StoreError::Internal("a cursor could not be sealed".into()))?;
        Ok(hex::encode(nonce) + &hex::encode(sealed))
    }

    pub fn open(&self, text: &str, fingerprint: &[u8; 32]) -> Result<Place, StoreError> {
        if text.len() > TEXT_MAX {
            return Err(StoreError::Cursor);
        }
        let bytes = hex::decode(text).map_err(|_| StoreError::Cursor)?;
        let (nonce, sealed) = bytes.split_at_checked(12).ok_or(StoreError::Cursor)?;
        let nonce: [u8; 12] = nonce.try_into().map_err(|_| StoreError::Cursor)?;
        let plain = self
            .cipher
            .decrypt(
                &nonce.into(),
                Payload {
                    msg: sealed,
                    aad: fingerprint,
                },
            )
            .map_err(|_| StoreError::Cursor)?;
        decode(&plain).ok_or(StoreError::Cursor)
    }
}

/// The record's number, then each key: a letter for its type, and text with its length.
fn encode(place: &Place) -> Vec<u8> {
    let mut out = place.record.to_be_bytes().to_vec();
    for key in &place.keys {
        match key {
            Value::Integer(n) => {
                out.push(b'i');
                out.extend(n.to_be_bytes());
            }
            Value::Real(x) => {
                out.push(b'r');
                out.extend(x.to_be_bytes());
            }
            Value::Text(t) => {
                out.push(b't');
                out.extend((t.len() as u64).to_be_bytes());
                out.extend(t.as_bytes());
            }
            Value::Null | Value::Blob(_) => out.push(b'n'),
        }
    }
    out
}

fn decode(mut bytes: &[u8]) -> Option<Place> {
    fn eight(bytes: &mut &[u8]) -> Option<[u8; 8]> {
        let (head, rest) = bytes.split_first_chunk::<8>()?;
        *bytes = rest;
        Some(*head)
    }
    let record = i64::from_be_bytes(eight(&mut bytes)?);
    let mut keys = Vec::new();
    while let Some((letter, rest)) = bytes.split_first() {
        bytes = rest;
        keys.push(match letter {
            b'i' => Value::Integer(i64::from_be_bytes(eight(&mut bytes)?)),
            b'r' => Value::Real(f64::from_be_bytes(eight(&mut bytes)?)),
            b't' => {
                let len = usize::try_from(u64::from_be_bytes(eight(&mut bytes)?)).ok()?;
                let (text, rest) = bytes.split_at_checked(len)?;
                bytes = rest;
                Value::Text(String::from_utf8(text.to_vec()).ok()?)
            }
            b'n' => Value::Null,
            _ => return None,
        });
    }
    Some(Place { keys, record })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_opens_for_its_query_alone_and_shows_nothing() {
        let key = CursorKey::new(&Secret::from_bytes([5; 32]));
        let place = Place {
            keys: vec![
                Value::Text("tursun".into()),
                Value::Null,
                Value::Integer(-7),
                Value::Real(1.5),
            ],
            record: 42,
        };
        let text = key.seal(&place, &[1; 32]).unwrap();
        assert!(!text.contains(&hex::encode("tursun")));
        assert_eq!(key.open(&text, &[1; 32]).unwrap(), place);
        assert!(key.open(&text, &[2; 32]).is_err());
        for bad in ["", "zz", "00", &text[2..], &text[..text.len() - 2]] {
            assert!(key.open(bad, &[1; 32]).is_err(), "{bad}");
        }
    }
}
