//! Keys in a token: SoftHSM, where `KAREZ_TEST_PKCS11` names its module.

#![allow(clippy::unwrap_used, clippy::print_stdout)] // a test stops where it fails, and says when it is left out

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use karez_seal::pkcs11::{Token, TokenKeys};
use karez_seal::{HospitalKeys, NodeKey, SealError, verify_hospital_signature};
use kernel::{HospitalId, Instant, SystemEntropy};

const INNER: &str = "KAREZ_TEST_PKCS11_INNER";
const PIN: &str = "271828";

fn module() -> Option<PathBuf> {
    match std::env::var_os("KAREZ_TEST_PKCS11") {
        Some(path) => Some(path.into()),
        None => {
            println!("left out: KAREZ_TEST_PKCS11 names no PKCS#11 module");
            None
        }
    }
}

/// SoftHSM reads where its tokens lie from the environment, once per process: each test runs again in a process of its
/// own, with a folder of its own.
fn in_its_own_process(test: &str) -> bool {
    if std::env::var_os(INNER).is_some() {
        return true;
    }
    let folder = tempfile::tempdir().unwrap();
    let conf = folder.path().join("softhsm2.conf");
    let tokens = folder.path().join("tokens");
    std::fs::create_dir(&tokens).unwrap();
    let text = format!(
        "directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\n",
        tokens.display()
    );
    std::fs::write(&conf, text).unwrap();
    let made = Command::new("softhsm2-util")
        .args([
            "--init-token",
            "--free",
            "--label",
            "karez",
            "--pin",
            PIN,
            "--so-pin",
            "314159",
        ])
        .env("SOFTHSM2_CONF", &conf)
        .output()
        .unwrap();
    assert!(made.status.success());
    let ran = Command::new(std::env::current_exe().unwrap())
        .args([test, "--exact", "--nocapture"])
        .env("SOFTHSM2_CONF", &conf)
        .env(INNER, folder.path())
        .output()
        .unwrap();
    assert!(
        ran.status.success(),
        "{}{}",
        String::from_utf8_lossy(&ran.stdout),
        String::from_utf8_lossy(&ran.stderr)
    );
    false
}

fn at(s: i64) -> Instant {
    Instant::from_second(1_795_000_000 + s).unwrap()
}

fn node(token: Token) -> NodeKey {
    NodeKey::generate(&SystemEntropy).with_token(Arc::new(token))
}

fn keys(node: &NodeKey) -> Result<HospitalKeys, SealError> {
    let id = HospitalId::new("saryozen").unwrap();
    HospitalKeys::create(
        id,
        "Saryözen Clinical Hospital",
        node,
        &SystemEntropy,
        at(0),
    )
}

#[test]
fn a_hospital_signs_with_a_key_that_never_leaves_the_token() {
    let Some(module) = module() else { return };
    if !in_its_own_process("a_hospital_signs_with_a_key_that_never_leaves_the_token") {
        return;
    }
    let node = node(Token::new(module, "karez", PIN));
    let mut keys = keys(&node).unwrap();
    let json = serde_json::to_value(&keys).unwrap();
    assert!(json["keys"][0]["private"].is_null() && json["keys"][0]["in_token"] == true);
    let stored: HospitalKeys = serde_json::from_value(json).unwrap();
    let signer = stored.signer(&node).unwrap();
    let before = signer.sign_detached(at(5), "text/plain", b"terms").unwrap();
    assert!(verify_hospital_signature(&before, b"terms", &keys.jwks()).is_ok());
    assert!(verify_hospital_signature(&before, b"Terms", &keys.jwks()).is_err());
    // The certificate and the revocation list are signed there too.
    signer
        .certificate()
        .verify_issued_by(signer.certificate())
        .unwrap();
    stored.revocation_list(&signer, at(6)).unwrap();
    keys.rotate(&node, &SystemEntropy, at(10)).unwrap();
    let after = keys.signer(&node).unwrap();
    assert_ne!(after.kid(), signer.kid());
    let after = after.sign_detached(at(11), "text/plain", b"terms").unwrap();
    for jws in [before, after] {
        assert!(verify_hospital_signature(&jws, b"terms", &keys.jwks()).is_ok());
    }
}

#[test]
fn a_token_that_is_gone_says_so_and_works_again_when_it_is_back() {
    let Some(module) = module() else { return };
    if !in_its_own_process("a_token_that_is_gone_says_so_and_works_again_when_it_is_back") {
        return;
    }
    let is_gone = |result: Result<(), SealError>, what: &str| match result {
        Err(SealError::Token(why)) => assert_eq!(why, what),
        other => panic!("{what}: {other:?}"),
    };
    let missing = Token::new("/nowhere/module.so".into(), "karez", PIN);
    is_gone(missing.check(), "the module cannot be loaded");
    is_gone(
        Token::new(module.clone(), "another", PIN).check(),
        "no token has this label",
    );
    is_gone(
        Token::new(module.clone(), "karez", "000000").check(),
        "the PIN is not right",
    );
    let node = node(Token::new(module, "karez", PIN));
    let keys = keys(&node).unwrap();
    let without = NodeKey::from_text(&node.to_text()).unwrap();
    assert!(matches!(
        keys.signer(&without).map(|_| ()),
        Err(SealError::Token("none is configured"))
    ));
    let signer = keys.signer(&node).unwrap();
    let tokens = Path::new(&std::env::var(INNER).unwrap()).join("tokens");
    let aside = tokens.with_extension("aside");
    std::fs::rename(&tokens, &aside).unwrap();
    let lost = signer.sign_detached(at(1), "text/plain", b"terms");
    assert!(matches!(lost, Err(SealError::Token(_))), "{lost:?}");
    std::fs::rename(&aside, &tokens).unwrap();
    signer.sign_detached(at(2), "text/plain", b"terms").unwrap();
}
