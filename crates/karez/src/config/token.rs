//! The token in which hospitals' signing keys may lie.

use std::path::PathBuf;
use std::sync::Arc;

use kernel::Phi;
use seal::NodeKey;
use seal::pkcs11::Token;

use super::values::{ConfigError, Key, Values};

pub const KEYS: &[Key] = &[
    Key::text(
        "keys.pkcs11_module",
        "",
        "Library of a token by PKCS#11, as /usr/lib/softhsm/libsofthsm2.so. When set, signing keys of hospitals are made\n\
         and used in the token, from the next new key on; karez admin rotate-hospital-key begins one.",
    ),
    Key::text("keys.pkcs11_token", "karez", "Label of the token."),
    Key::text(
        "keys.pkcs11_pin_file",
        "",
        "File that holds the PIN of the token's user and nothing else, readable by the service alone.",
    ),
];

/// A token and how to open it.
#[derive(Debug, Clone)]
pub struct KeyToken {
    module: PathBuf,
    label: String,
    pin: Phi<String>,
}

impl KeyToken {
    pub(super) fn read(v: &Values) -> Result<Option<Self>, ConfigError> {
        let Some(module) = v.some("keys.pkcs11_module").map(PathBuf::from) else {
            return Ok(None);
        };
        let key = "keys.pkcs11_pin_file";
        let file = v
            .some(key)
            .ok_or_else(|| ConfigError::value(key, "is needed with keys.pkcs11_module"))?;
        let pin = std::fs::read_to_string(&file)
            .map_err(|e| ConfigError::value(key, format!("{file}: {e}")))?;
        Ok(Some(Self {
            module,
            label: v.text("keys.pkcs11_token").to_owned(),
            pin: Phi::new(pin.trim().to_owned()),
        }))
    }

    /// The node key with the token beside it. The token is looked for when it is first used, so that a node without it
    /// still serves.
    pub fn beside(&self, key: NodeKey) -> NodeKey {
        let token = Token::new(self.module.clone(), &self.label, self.pin.reveal());
        key.with_token(Arc::new(token))
    }
}
