//! Signing keys in a token by PKCS#11 (OASIS v3.0): made there, never leaving it. A token that is not there is looked for
//! again when it is next used. One process uses one token.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Function, Pkcs11};
use cryptoki::error::{Error as TokenError, RvError};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, AttributeType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::types::AuthPin;
use sha2::{Digest, Sha256};

use crate::error::{Result, SealError};
use crate::keys::PublicKey;

/// `prime256v1` as an object identifier in DER (RFC 5480 §2.1.1.1).
const P256: [u8; 10] = [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];

/// Keys that lie where nobody can read them.
pub trait TokenKeys: Send + Sync + std::fmt::Debug {
    /// Makes a key pair on P-256 that stays there; it is found again by its id.
    fn generate(&self) -> Result<PublicKey>;
    /// `r ‖ s` over SHA-256 of the message (RFC 7518 §3.4), by the key of this id.
    fn sign(&self, kid: &str, message: &[u8]) -> Result<[u8; 64]>;
    /// Whether keys can be used now.
    fn check(&self) -> Result<()>;
}

/// A token behind a PKCS#11 module.
pub struct Token {
    module: PathBuf,
    label: String,
    pin: AuthPin,
    open: Mutex<Option<Open>>,
}

/// The module at work. The session goes before the library it belongs to.
struct Open {
    session: Session,
    library: Pkcs11,
}

impl Open {
    /// Ends the module's work: what it remembers of a token that was away goes with it.
    fn close(self) {
        drop(self.session);
        // A module that does not end well is begun anew all the same.
        let _ = self.library.finalize();
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Token({})", self.label)
    }
}

fn gone(what: &'static str) -> SealError {
    SealError::Token(what)
}

/// What a failure of the module means, without what it says.
fn told(error: &TokenError) -> SealError {
    match error {
        TokenError::Pkcs11(RvError::PinIncorrect | RvError::PinLocked | RvError::PinInvalid, _) => {
            gone("the PIN is not right")
        }
        TokenError::Pkcs11(RvError::KeyHandleInvalid, _) => gone("the key is not in it"),
        TokenError::LibraryLoading(_) => gone("the module cannot be loaded"),
        _ => gone("the token does not answer"),
    }
}

/// The name of a key in the token.
fn name(kid: &str) -> Vec<u8> {
    format!("karez {kid}").into_bytes()
}

impl Token {
    /// The token of that label behind a module. It is looked for when it is first used.
    pub fn new(module: PathBuf, label: &str, pin: &str) -> Self {
        Self {
            module,
            label: label.trim().to_owned(),
            pin: AuthPin::new(pin.trim().into()),
            open: Mutex::new(None),
        }
    }

    fn open(&self) -> Result<Open> {
        let library = Pkcs11::new(&self.module).map_err(|e| told(&e))?;
        match library.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
            Ok(()) | Err(TokenError::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {}
            Err(e) => return Err(told(&e)),
        }
        match self.session(&library) {
            Ok(session) => Ok(Open { session, library }),
            Err(e) => {
                let _ = library.finalize();
                Err(e)
            }
        }
    }

    fn session(&self, library: &Pkcs11) -> Result<Session> {
        let slots = library.get_slots_with_token().map_err(|e| told(&e))?;
        let slot = slots
            .into_iter()
            .find(|slot| {
                library
                    .get_token_info(*slot)
                    .is_ok_and(|info| info.label().trim() == self.label)
            })
            .ok_or(gone("no token has this label"))?;
        let session = library.open_rw_session(slot).map_err(|e| told(&e))?;
        match session.login(UserType::User, Some(&self.pin)) {
            Ok(()) | Err(TokenError::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => Ok(session),
            Err(e) => Err(told(&e)),
        }
    }

    /// Does something in a session. After a failure the module is begun anew, once: the token may have been away.
    fn within<T>(
        &self,
        work: impl Fn(&Session) -> std::result::Result<T, TokenError>,
    ) -> Result<T> {
        let mut held = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = held.take() {
            if let Ok(done) = work(&open.session) {
                *held = Some(open);
                return Ok(done);
            }
            open.close();
        }
        let open = self.open()?;
        match work(&open.session) {
            Ok(done) => {
                *held = Some(open);
                Ok(done)
            }
            Err(e) => {
                open.close();
                Err(told(&e))
            }
        }
    }
}

/// The private key of this id, or the module's own word for one that is not there.
fn private_key(session: &Session, kid: &str) -> std::result::Result<ObjectHandle, TokenError> {
    let template = [
        Attribute::Class(ObjectClass::PRIVATE_KEY),
        Attribute::Label(name(kid)),
    ];
    let found = session.find_objects(&template)?;
    found.into_iter().next().ok_or(TokenError::Pkcs11(
        RvError::KeyHandleInvalid,
        Function::FindObjects,
    ))
}

impl TokenKeys for Token {
    fn generate(&self) -> Result<PublicKey> {
        self.within(|session| {
            let public = [
                Attribute::Token(true),
                Attribute::Private(false),
                Attribute::Verify(true),
                Attribute::EcParams(P256.to_vec()),
            ];
            let private = [
                Attribute::Token(true),
                Attribute::Private(true),
                Attribute::Sensitive(true),
                Attribute::Extractable(false),
                Attribute::Sign(true),
            ];
            let (public, private) =
                session.generate_key_pair(&Mechanism::EccKeyPairGen, &public, &private)?;
            let read = session.get_attributes(public, &[AttributeType::EcPoint])?;
            let point = read.into_iter().find_map(|a| match a {
                Attribute::EcPoint(point) => Some(point),
                _ => None,
            });
            // An OCTET STRING around the uncompressed point (PKCS#11 v3.0 §6.3.3).
            let key = match point.as_deref() {
                Some([0x04, 65, point @ ..]) => PublicKey::from_sec1(point),
                _ => Err(SealError::Malformed("public key of the token")),
            };
            if let Ok(key) = &key {
                let kid = key.kid();
                let named = [
                    Attribute::Label(name(&kid)),
                    Attribute::Id(kid.into_bytes()),
                ];
                session.update_attributes(public, &named)?;
                session.update_attributes(private, &named)?;
            }
            Ok(key)
        })?
    }

    fn sign(&self, kid: &str, message: &[u8]) -> Result<[u8; 64]> {
        let digest = Sha256::digest(message);
        let signature = self.within(|session| {
            session.sign(&Mechanism::Ecdsa, private_key(session, kid)?, &digest)
        })?;
        signature
            .try_into()
            .map_err(|_| SealError::Malformed("signature of the token"))
    }

    fn check(&self) -> Result<()> {
        self.within(|session| session.get_session_info().map(|_| ()))
    }
}
