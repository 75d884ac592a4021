//! Passkeys: alone two factors, beside a password the second, instead of both before a signature.

#![allow(clippy::unwrap_used)] // a test stops where it fails

use agreements::Role;
use karez_app::accounts::{
    Challenge, Membership, NewAccount, PasskeyAnswer, Reauth, RoleGrant, SecondStep, SignIn,
    Validity,
};
use karez_app::cx::Channel;
use karez_app::sessions::{Pending, SessionAsk, SignedIn};
use karez_app::{App, AppError, Cx, Language, Settings};
use kernel::{HospitalId, Phi};
use testkit::{Authenticator, TestNode};

const PASSWORD: &str = "seven poplars by the well";
const ORIGIN: &str = "https://karez.example";
const LOGIN: &str = "li@yarqum.example";

fn ask() -> SessionAsk {
    SessionAsk {
        request: "test".into(),
        peer: Some("10.0.0.1".into()),
        channel: Channel::Page,
    }
}

async fn node(demanded: bool) -> TestNode {
    let settings = Settings {
        base_url: ORIGIN.into(),
        second_factor_for: if demanded {
            vec![Role::Consultant]
        } else {
            Vec::new()
        },
        ..Settings::default()
    };
    let node = TestNode::start_with(settings).await;
    let yarqum = testkit::hospital("yarqum", "CN", "Asia/Shanghai");
    node.app.found_hospital(yarqum).await.unwrap();
    let mut membership = Membership::new(HospitalId::new("yarqum").unwrap());
    membership.roles.push(RoleGrant {
        role: Role::Consultant,
        valid: Validity::since(node.now()),
    });
    let new = NewAccount {
        login: LOGIN.into(),
        email: None,
        name: "李静".into(),
        latin_name: None,
        language: Language::English,
        zone: "Asia/Shanghai".into(),
        password: Phi::new(PASSWORD.into()),
        totp_secret: None,
        memberships: vec![membership],
        patients: Vec::new(),
    };
    let cx = node.app.operator_cx();
    node.app.create_account(&cx, new).await.unwrap();
    node
}

async fn by_password(app: &App) -> (String, bool) {
    let given = SignIn {
        login: LOGIN.into(),
        password: Phi::new(PASSWORD.into()),
        code: None,
        device: None,
    };
    let begun = app.sign_in(ask(), given).await.unwrap();
    (begun.token, begun.code_owed)
}

async fn signed(app: &App, token: &str) -> SignedIn {
    app.session(token, ask()).await.unwrap()
}

fn answered(challenge: &Challenge, credential: &serde_json::Value) -> PasskeyAnswer {
    PasskeyAnswer {
        ceremony: challenge.ceremony.clone(),
        credential: Phi::new(credential.to_string()),
    }
}

/// Makes a passkey on `device`; gives the recovery codes shown.
async fn add(app: &App, token: &str, device: &mut Authenticator) -> Result<Vec<String>, AppError> {
    let s = signed(app, token).await;
    let offer = app.passkey_offer(&s.cx, &s.session).await?;
    let answer = answered(&offer, &device.create(&offer.options));
    app.add_passkey(&s.cx, &s.session, "phone", &answer).await
}

async fn by_passkey(app: &App, device: &mut Authenticator) -> Result<String, AppError> {
    let challenge = app.passkey_sign_in_challenge(&ask()).await?;
    let answer = answered(&challenge, &device.get(&challenge.options));
    let begun = app.sign_in_by_passkey(ask(), &answer, None).await?;
    assert!(!begun.code_owed);
    Ok(begun.token)
}

fn refused<T: std::fmt::Debug>(result: Result<T, AppError>) {
    let Err(AppError::Invalid(problems)) = result else {
        panic!("refused beside the form, not {result:?}");
    };
    assert_eq!(problems[0].code, "passkey-wrong");
}

async fn proof(app: &App, cx: &Cx, device: &mut Authenticator) -> Reauth {
    let challenge = app.passkey_challenge(cx).await.unwrap();
    Reauth {
        password: Phi::new(String::new()),
        code: None,
        passkey: Some(answered(&challenge, &device.get(&challenge.options))),
    }
}

#[tokio::test]
async fn a_passkey_signs_in_alone_and_counts_as_two_factors() {
    let node = node(true).await;
    let (token, owed) = by_password(&node.app).await;
    assert!(!owed);
    assert_eq!(
        signed(&node.app, &token).await.pending,
        Some(Pending::Enrol)
    );
    let mut phone = Authenticator::new(3, ORIGIN);
    let codes = add(&node.app, &token, &mut phone).await.unwrap();
    assert_eq!(codes.len(), 10);
    let enrolled = signed(&node.app, &token).await;
    assert_eq!(enrolled.pending, None);
    assert!(enrolled.cx.second_factor);

    let token = by_passkey(&node.app, &mut phone).await.unwrap();
    let s = signed(&node.app, &token).await;
    assert!(s.cx.second_factor && s.pending.is_none() && s.proofs.passkey);
    assert_eq!(s.cx.actor.hospital.as_ref().unwrap().as_str(), "yarqum");
}

#[tokio::test]
async fn a_password_alone_signs_in_no_more_and_a_passkey_or_recovery_code_settles_it() {
    let node = node(false).await;
    let (token, _) = by_password(&node.app).await;
    let mut phone = Authenticator::new(3, ORIGIN);
    let codes = add(&node.app, &token, &mut phone).await.unwrap();

    let (token, owed) = by_password(&node.app).await;
    assert!(owed);
    let s = signed(&node.app, &token).await;
    assert_eq!(s.pending, Some(Pending::SecondFactor));
    let challenge = node.app.passkey_challenge(&s.cx).await.unwrap();
    let allowed = &challenge.options["publicKey"]["allowCredentials"];
    assert_eq!(allowed.as_array().unwrap().len(), 1);
    let answer = answered(&challenge, &phone.get(&challenge.options));
    let step = SecondStep::Passkey(answer);
    let begun = node.app.second_step(&token, ask(), step).await.unwrap();
    assert!(signed(&node.app, &begun.token).await.cx.second_factor);

    let (token, _) = by_password(&node.app).await;
    let begun = node.app.give_code(&token, ask(), &codes[0]).await.unwrap();
    assert!(signed(&node.app, &begun.token).await.cx.second_factor);
}

#[tokio::test]
async fn an_answer_counts_once_for_its_own_purpose_in_time_and_from_our_own_pages() {
    let node = node(false).await;
    let app = &node.app;
    let (token, _) = by_password(app).await;
    let mut phone = Authenticator::new(3, ORIGIN);
    add(app, &token, &mut phone).await.unwrap();

    let challenge = app.passkey_sign_in_challenge(&ask()).await.unwrap();
    let answer = answered(&challenge, &phone.get(&challenge.options));
    app.sign_in_by_passkey(ask(), &answer, None).await.unwrap();
    refused(app.sign_in_by_passkey(ask(), &answer, None).await);

    let s = signed(app, &token).await;
    let challenge = app.passkey_challenge(&s.cx).await.unwrap();
    let answer = answered(&challenge, &phone.get(&challenge.options));
    refused(app.sign_in_by_passkey(ask(), &answer, None).await);

    let challenge = app.passkey_sign_in_challenge(&ask()).await.unwrap();
    let answer = answered(&challenge, &phone.get(&challenge.options));
    node.clock.advance(jiff::SignedDuration::from_secs(301));
    refused(app.sign_in_by_passkey(ask(), &answer, None).await);

    let mut elsewhere = phone.clone();
    elsewhere.origin = "https://karez.example.evil.example".into();
    refused(by_passkey(app, &mut elsewhere).await);

    // Somebody at an unlocked computer with the key plugged in is one factor, not two.
    let mut careless = phone.clone();
    careless.verifies = false;
    careless.counter += 10;
    refused(by_passkey(app, &mut careless).await);

    let mut stranger = Authenticator::new(9, ORIGIN);
    stranger.create(&serde_json::json!({"publicKey": {"user": {"id": "AAAA"}}}));
    refused(by_passkey(app, &mut stranger).await);
    by_passkey(app, &mut phone).await.unwrap();
}

#[tokio::test]
async fn any_node_finishes_what_another_began() {
    let node = node(false).await;
    let other = node.another().await;
    let (token, _) = by_password(&node.app).await;
    let mut phone = Authenticator::new(3, ORIGIN);
    let s = signed(&node.app, &token).await;
    let offer = node.app.passkey_offer(&s.cx, &s.session).await.unwrap();
    let answer = answered(&offer, &phone.create(&offer.options));
    other
        .add_passkey(&s.cx, &s.session, "phone", &answer)
        .await
        .unwrap();
    let challenge = other.passkey_sign_in_challenge(&ask()).await.unwrap();
    let answer = answered(&challenge, &phone.get(&challenge.options));
    node.app
        .sign_in_by_passkey(ask(), &answer, None)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_copied_passkey_is_closed_and_its_owner_is_told() {
    let node = node(false).await;
    let (token, _) = by_password(&node.app).await;
    let mut phone = Authenticator::new(3, ORIGIN);
    add(&node.app, &token, &mut phone).await.unwrap();
    let mut copy = phone.clone();
    by_passkey(&node.app, &mut phone).await.unwrap();
    by_passkey(&node.app, &mut phone).await.unwrap();
    refused(by_passkey(&node.app, &mut copy).await);
    refused(by_passkey(&node.app, &mut phone).await);
    let s = signed(&node.app, &token).await;
    let own = node.app.own_passkeys(&s.cx).await.unwrap();
    assert!(own[0].suspect.is_some());
}

#[tokio::test]
async fn a_passkey_proves_again_who_signs_and_the_last_one_stays_while_a_role_demands_it() {
    let node = node(true).await;
    let app = &node.app;
    let (token, _) = by_password(app).await;
    let (mut phone, mut key) = (Authenticator::new(3, ORIGIN), Authenticator::new(4, ORIGIN));
    add(app, &token, &mut phone).await.unwrap();
    let s = signed(app, &token).await;
    let given = proof(app, &s.cx, &mut phone).await;
    app.reauthenticate(&s.cx, &given).await.unwrap();
    refused(app.reauthenticate(&s.cx, &given).await);

    // The minutes after signing in are over; proving again opens them.
    node.clock.advance(jiff::SignedDuration::from_secs(601));
    assert!(matches!(
        add(app, &token, &mut key).await,
        Err(AppError::Reauthenticate)
    ));
    let s = signed(app, &token).await;
    let given = proof(app, &s.cx, &mut phone).await;
    app.prove_for_a_while(&s.cx, &s.session, &given)
        .await
        .unwrap();
    assert!(add(app, &token, &mut key).await.unwrap().is_empty());

    let s = signed(app, &token).await;
    let own = app.own_passkeys(&s.cx).await.unwrap();
    app.rename_passkey(&s.cx, &own[1].id, "blue key")
        .await
        .unwrap();
    let given = proof(app, &s.cx, &mut phone).await;
    app.remove_passkey(&s.cx, &own[0].id, &given).await.unwrap();
    let given = proof(app, &s.cx, &mut key).await;
    let last = app.remove_passkey(&s.cx, &own[1].id, &given).await;
    assert!(
        matches!(last, Err(AppError::Rejected { code, .. }) if code == "second-factor-demanded")
    );
    refused(by_passkey(app, &mut phone).await);
    by_passkey(app, &mut key).await.unwrap();
}
