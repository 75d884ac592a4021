//! Keys change, and what was made under the old ones still opens and verifies.

#![allow(clippy::unwrap_used)] // a test stops where it fails

use std::sync::Arc;

use agreements::{Privilege, Role};
use jiff::SignedDuration;
use karez_app::accounts::{Membership, NewAccount, RoleGrant, SignIn, Validity};
use karez_app::cx::Channel;
use karez_app::hospital_keys::Reason;
use karez_app::sessions::SessionAsk;
use karez_app::webhooks::NewWebhook;
use karez_app::{App, AppError, Cx, Language, Settings};
use kernel::{Clock, Entropy, HospitalId, Phi, SystemEntropy};
use seal::{NodeKey, verify_hospital_signature};
use store::{Store, StoreConfig};
use testkit::TestNode;

const PASSWORD: &str = "seven poplars by the well";
const SECRET: [u8; 20] = [7; 20];

fn ask() -> SessionAsk {
    SessionAsk {
        request: "test".into(),
        peer: None,
        channel: Channel::Page,
    }
}

fn yarqum() -> HospitalId {
    HospitalId::new("yarqum").unwrap()
}

fn administrator(app: &App) -> Cx {
    let mut cx = app.operator_cx();
    cx.actor.hospital = Some(yarqum());
    cx.actor.roles = [Role::Administrator].into();
    cx.actor.privileges = [Privilege::SignAgreement].into();
    cx
}

/// A node of the test's own over a folder, under the given node key.
async fn open(folder: &std::path::Path, key: &NodeKey, node: &TestNode) -> (Arc<Store>, App) {
    let clock: Arc<dyn Clock> = Arc::new(node.clock.clone());
    let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
    let config = StoreConfig::new(folder, key.clone(), clock.clone(), entropy.clone());
    let store = Arc::new(Store::open(config).await.unwrap());
    let settings = Settings {
        outbound_private: true,
        second_factor_for: Vec::new(),
        ..Settings::default()
    };
    let app = App::new(
        store.clone(),
        clock,
        entropy,
        settings,
        Arc::new(key.clone()),
    )
    .await
    .unwrap();
    (store, app)
}

fn code(node: &TestNode) -> String {
    totp_rs::Builder::new()
        .with_secret(totp_rs::Secret::from(SECRET))
        .build()
        .unwrap()
        .generate(u64::try_from(node.now().as_second()).unwrap())
        .to_string()
}

async fn sign_in(app: &App, node: &TestNode) -> Result<String, AppError> {
    let given = SignIn {
        login: "li@yarqum.example".into(),
        password: Phi::new(PASSWORD.into()),
        code: Some(code(node)),
        device: None,
    };
    Ok(app.sign_in(ask(), given).await?.token)
}

#[tokio::test]
async fn a_new_node_key_opens_everything_and_after_wrapping_anew_it_needs_the_old_one_no_more() {
    let node = TestNode::start().await;
    let folder = tempfile::tempdir().unwrap();
    let old = NodeKey::generate(&SystemEntropy);
    let (_, app) = open(folder.path(), &old, &node).await;
    let hospital = testkit::hospital("yarqum", "CN", "Asia/Shanghai");
    app.found_hospital(hospital).await.unwrap();
    let mut membership = Membership::new(yarqum());
    membership.roles.push(RoleGrant {
        role: Role::Clinician,
        valid: Validity::since(node.now()),
    });
    let new = NewAccount {
        login: "li@yarqum.example".into(),
        email: None,
        name: "Li".into(),
        latin_name: None,
        language: Language::English,
        zone: "Asia/Shanghai".into(),
        password: Phi::new(PASSWORD.into()),
        totp_secret: Some(SECRET),
        memberships: vec![membership],
        patients: Vec::new(),
    };
    app.create_account(&app.operator_cx(), new).await.unwrap();
    let hook = NewWebhook {
        name: "Laboratory".into(),
        url: "http://127.0.0.1:9/hook".into(),
        topics: vec!["case".into()],
    };
    app.add_webhook(&administrator(&app), hook).await.unwrap();
    let at = node.now();
    let signed = app.hospital_signer(&yarqum()).await.unwrap();
    let signed = signed.sign_detached(at, "text/plain", b"terms").unwrap();
    let token = App::admin_token(&old, yarqum(), Role::Clinician, "t".into(), at, 3600)
        .unwrap()
        .token;
    app.close().await;
    drop(app);

    let new = NodeKey::succeeding(&old, &SystemEntropy);
    let (store, app) = open(folder.path(), &new, &node).await;
    sign_in(&app, &node).await.unwrap();
    assert!(app.bearer(&token, ask()).await.is_ok());
    // The hospital's key, the second factor, the webhook's secret.
    assert_eq!(app.rewrap_secrets().await.unwrap(), 3);
    assert_eq!(app.rewrap_secrets().await.unwrap(), 0);
    app.close().await;
    drop((app, store));

    let text = new.to_text();
    let alone = NodeKey::from_text(text.lines().next().unwrap()).unwrap();
    let (_, app) = open(folder.path(), &alone, &node).await;
    node.clock.advance(SignedDuration::from_secs(31));
    sign_in(&app, &node).await.unwrap();
    assert!(app.hospital_signer(&yarqum()).await.is_ok());
    assert!(app.bearer(&token, ask()).await.is_err());
    let keys = app.hospital_jwks(&yarqum()).await.unwrap();
    assert_eq!(
        verify_hospital_signature(&signed, b"terms", &keys).unwrap(),
        at
    );
}

#[tokio::test]
async fn a_revoked_key_is_replaced_and_its_signatures_are_judged_by_the_reason() {
    let node = TestNode::with_hospitals(&["yarqum"]).await;
    let app = &node.app;
    let sign = || async {
        let signer = app.hospital_signer(&yarqum()).await.unwrap();
        let jws = signer
            .sign_detached(node.now(), "text/plain", b"terms")
            .unwrap();
        (signer.kid(), jws)
    };
    let verifies = |jws: String| async move {
        let keys = app.hospital_jwks(&yarqum()).await.unwrap();
        verify_hospital_signature(&jws, b"terms", &keys).is_ok()
    };
    let (first, early) = sign().await;
    node.clock.advance(SignedDuration::from_hours(48));
    let since = node.now();
    node.clock.advance(SignedDuration::from_hours(1));
    let (_, late) = sign().await;
    node.clock.advance(SignedDuration::from_hours(1));
    let mut cx = administrator(app);
    cx.actor.privileges.clear();
    let denied = app
        .revoke_hospital_key(&cx, &first, Reason::KeyCompromise, None)
        .await;
    assert!(matches!(denied, Err(AppError::Denied(_))));
    let cx = administrator(app);
    app.revoke_hospital_key(&cx, &first, Reason::KeyCompromise, Some(since))
        .await
        .unwrap();
    assert!(verifies(early.clone()).await && !verifies(late).await);
    let (second, now) = sign().await;
    assert_ne!(second, first);
    assert!(verifies(now.clone()).await);
    let history = app.key_history(&cx).await.unwrap();
    assert_eq!(history[1].reason, Some(Reason::KeyCompromise));
    assert_eq!(history[1].since, Some(since));
    let again = app
        .revoke_hospital_key(&cx, &first, Reason::Superseded, None)
        .await;
    assert!(matches!(again, Err(AppError::Rejected { code, .. }) if code == "key-revoked"));

    node.clock.advance(SignedDuration::from_hours(1));
    let cx = administrator(app);
    app.revoke_hospital_key(&cx, &second, Reason::KeyCompromise, None)
        .await
        .unwrap();
    assert!(!verifies(now).await && verifies(early).await);
}
