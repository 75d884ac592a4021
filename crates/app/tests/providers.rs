//! A hospital's own sign-in: whom it lets in, whom it does not, and what its lies are worth.

#![allow(clippy::unwrap_used)] // a test stops where it fails

use agreements::Role;
use karez_app::accounts::{Membership, NewAccount, Reauth, RoleGrant, SignIn, Validity};
use karez_app::cx::Channel;
use karez_app::providers::{ProviderAnswer, ProviderForm};
use karez_app::sessions::{Pending, SessionAsk, SignedIn};
use karez_app::{App, AppError, Language, Settings};
use kernel::{HospitalId, Phi};
use serde_json::{Value, json};
use testkit::TestNode;
use testkit::provider::{CLIENT_ID, CLIENT_SECRET, Lie, OpenIdProvider};

const PASSWORD: &str = "seven poplars by the well";
const SECRET: [u8; 20] = [7; 20];

fn ask() -> SessionAsk {
    SessionAsk {
        request: "test".into(),
        peer: Some("10.0.0.1".into()),
        channel: Channel::Page,
    }
}

fn slug(text: &str) -> HospitalId {
    HospitalId::new(text).unwrap()
}

async fn account(node: &TestNode, login: &str, seats: &[(&str, Role)], totp: bool) {
    let membership = |(hospital, role): &(&str, Role)| {
        let mut m = Membership::new(slug(hospital));
        m.roles.push(RoleGrant {
            role: *role,
            valid: Validity::since(node.now()),
        });
        m
    };
    let new = NewAccount {
        login: login.into(),
        email: None,
        name: "Somebody".into(),
        latin_name: None,
        language: Language::English,
        zone: "Asia/Shanghai".into(),
        password: Phi::new(PASSWORD.into()),
        totp_secret: totp.then_some(SECRET),
        memberships: seats.iter().map(membership).collect(),
        patients: Vec::new(),
    };
    let cx = node.app.operator_cx();
    node.app.create_account(&cx, new).await.unwrap();
}

fn form(provider: &OpenIdProvider) -> ProviderForm {
    ProviderForm {
        issuer: provider.issuer.clone(),
        client_id: CLIENT_ID.into(),
        secret: Some(Phi::new(CLIENT_SECRET.into())),
        claim: "email".into(),
        domain: "yarqum.example".into(),
        strong: "mfa".into(),
        enabled: true,
    }
}

async fn administrator(node: &TestNode) -> SignedIn {
    let given = SignIn {
        login: "admin@yarqum.example".into(),
        password: Phi::new(PASSWORD.into()),
        code: None,
        device: None,
    };
    let begun = node.app.sign_in(ask(), given).await.unwrap();
    node.app.session(&begun.token, ask()).await.unwrap()
}

/// A node where yarqum has a provider and Li works at yarqum and at saryozen.
async fn world() -> (TestNode, OpenIdProvider) {
    testkit::install_crypto();
    let settings = Settings {
        second_factor_for: Vec::new(),
        outbound_private: true,
        ..Settings::default()
    };
    let node = TestNode::start_with(settings).await;
    for id in ["yarqum", "saryozen"] {
        let hospital = testkit::hospital(id, "CN", "Asia/Shanghai");
        node.app.found_hospital(hospital).await.unwrap();
    }
    let provider = OpenIdProvider::start().await;
    account(
        &node,
        "admin@yarqum.example",
        &[("yarqum", Role::Administrator)],
        false,
    )
    .await;
    let seats = [("yarqum", Role::Clinician), ("saryozen", Role::Consultant)];
    account(&node, "li@yarqum.example", &seats, false).await;
    account(
        &node,
        "ma@yarqum.example",
        &[("yarqum", Role::Clinician)],
        true,
    )
    .await;
    account(
        &node,
        "su@saryozen.example",
        &[("saryozen", Role::Consultant)],
        false,
    )
    .await;
    let admin = administrator(&node).await;
    node.app
        .set_provider(
            &admin.cx,
            &Reauth::by_password(PASSWORD, None),
            form(&provider),
        )
        .await
        .unwrap();
    (node, provider)
}

fn answer(query: &[(String, String)]) -> ProviderAnswer {
    let get = |name: &str| {
        let found = query.iter().find(|(n, _)| n == name);
        found.map(|(_, v)| v.clone())
    };
    ProviderAnswer {
        state: get("state").unwrap_or_default(),
        code: get("code"),
        iss: None,
    }
}

/// Signs in as `subject`; gives the session as it stands then.
async fn enter(
    node: &TestNode,
    app: &App,
    provider: &OpenIdProvider,
    subject: &str,
    claims: Value,
) -> Result<SignedIn, AppError> {
    let start = app
        .begin_at_provider(&ask(), &slug("yarqum"), "/cases")
        .await?;
    let back = provider.signed_in(&start.address, subject, &claims, node.now());
    let (begun, next) = app
        .finish_at_provider(ask(), &start.browser, &answer(&back), None)
        .await?;
    assert_eq!(next, "/cases");
    app.session(&begun.token, ask()).await
}

fn is(result: Result<SignedIn, AppError>, expected: &str) {
    match result {
        Err(AppError::Rejected { code, .. }) => assert_eq!(code, expected),
        other => panic!("{expected}, not {other:?}"),
    }
}

#[tokio::test]
async fn a_member_enters_by_the_hospitals_sign_in_and_acts_for_that_hospital_alone() {
    let (node, provider) = world().await;
    assert_eq!(
        node.app.hospitals_with_provider().await.unwrap(),
        [slug("yarqum")]
    );
    let li = json!({"email": "Li@yarqum.example", "email_verified": true});
    let s = enter(&node, &node.app, &provider, "s-1", li.clone())
        .await
        .unwrap();
    assert_eq!(s.pending, None);
    assert_eq!(s.cx.actor.hospital, Some(slug("yarqum")));
    assert!(s.cx.actor.has(Role::Clinician) && !s.cx.second_factor);
    let elsewhere = node
        .app
        .choose_seat(&s.cx, &s.session, &slug("saryozen"), None)
        .await;
    assert!(matches!(elsewhere, Err(AppError::Denied(_))));
    // Who was let in by somebody else makes no new keys to the account.
    assert!(!node.app.proved_lately(&s.cx, &s.session).await.unwrap());
    // From now on the subject counts, whatever address it has; another subject with the address does not.
    let moved = json!({"email": "li.jing@yarqum.example"});
    assert!(
        enter(&node, &node.app, &provider, "s-1", moved)
            .await
            .is_ok()
    );
    is(
        enter(&node, &node.app, &provider, "s-2", li).await,
        "provider-unknown",
    );
    // Any node finishes what another began.
    let other = node.another().await;
    let start = node
        .app
        .begin_at_provider(&ask(), &slug("yarqum"), "/")
        .await
        .unwrap();
    let back = provider.signed_in(&start.address, "s-1", &json!({}), node.now());
    let back = answer(&back);
    let done = other.finish_at_provider(ask(), &start.browser, &back, None);
    assert!(done.await.is_ok());
}

#[tokio::test]
async fn nobody_is_made_and_nobody_of_another_hospital_or_domain_is_let_in() {
    let (node, provider) = world().await;
    for (subject, claims) in [
        ("a", json!({"email": "nobody@yarqum.example"})),
        ("b", json!({"email": "su@saryozen.example"})),
        (
            "c",
            json!({"email": "li@yarqum.example", "email_verified": false}),
        ),
        ("d", json!({"email": "li@yarqum.example.evil.example"})),
        ("e", json!({})),
    ] {
        let entered = enter(&node, &node.app, &provider, subject, claims).await;
        is(entered, "provider-unknown");
    }
}

#[tokio::test]
async fn our_second_factor_is_asked_unless_the_provider_says_it_was_proved_there() {
    let (node, provider) = world().await;
    let ma = |more: Value| {
        let mut claims = json!({"email": "ma@yarqum.example"});
        let more = more.as_object().unwrap().clone();
        claims.as_object_mut().unwrap().extend(more);
        claims
    };
    let half = enter(
        &node,
        &node.app,
        &provider,
        "m",
        ma(json!({"amr": ["pwd"]})),
    )
    .await
    .unwrap();
    assert_eq!(half.pending, Some(Pending::SecondFactor));
    assert!(half.cx.actor.roles.is_empty());
    let whole = enter(
        &node,
        &node.app,
        &provider,
        "m",
        ma(json!({"amr": ["pwd", "mfa"]})),
    )
    .await
    .unwrap();
    assert_eq!(whole.pending, None);
    assert!(whole.cx.second_factor);
}

#[tokio::test]
async fn every_lie_is_refused_and_a_rotated_key_is_known_at_once() {
    let (node, provider) = world().await;
    let li = json!({"email": "li@yarqum.example"});
    for lie in [
        Lie::Issuer,
        Lie::Audience,
        Lie::Nonce,
        Lie::Expired,
        Lie::Key,
        Lie::Unsigned,
    ] {
        provider.lie(lie);
        let entered = enter(&node, &node.app, &provider, "s-1", li.clone()).await;
        match entered {
            Err(AppError::Rejected { code, .. }) => assert_eq!(code, "provider-refused", "{lie:?}"),
            other => panic!("{lie:?}: {other:?}"),
        }
    }
    provider.lie(Lie::None);
    assert!(
        enter(&node, &node.app, &provider, "s-1", li.clone())
            .await
            .is_ok()
    );
    provider.rotate_key();
    assert!(enter(&node, &node.app, &provider, "s-1", li).await.is_ok());
}

#[tokio::test]
async fn an_answer_counts_once_in_time_and_in_the_browser_that_asked() {
    let (node, provider) = world().await;
    let app = &node.app;
    let li = json!({"email": "li@yarqum.example"});
    let begin = || async { app.begin_at_provider(&ask(), &slug("yarqum"), "/").await };
    let over = |result: Result<_, AppError>| {
        let code = match result.map(|_: (_, String)| ()) {
            Err(AppError::Rejected { code, .. }) => code,
            other => panic!("{other:?}"),
        };
        assert_eq!(code, "provider-over");
    };
    let start = begin().await.unwrap();
    let back = answer(&provider.signed_in(&start.address, "s-1", &li, node.now()));
    app.finish_at_provider(ask(), &start.browser, &back, None)
        .await
        .unwrap();
    over(
        app.finish_at_provider(ask(), &start.browser, &back, None)
            .await,
    );

    let (start, thief) = (begin().await.unwrap(), begin().await.unwrap());
    let back = answer(&provider.signed_in(&start.address, "s-1", &li, node.now()));
    over(
        app.finish_at_provider(ask(), &thief.browser, &back, None)
            .await,
    );

    let start = begin().await.unwrap();
    let mut mixed = answer(&provider.signed_in(&start.address, "s-1", &li, node.now()));
    mixed.iss = Some("https://another.example".into());
    over(
        app.finish_at_provider(ask(), &start.browser, &mixed, None)
            .await,
    );

    let start = begin().await.unwrap();
    let back = answer(&provider.signed_in(&start.address, "s-1", &li, node.now()));
    node.clock.advance(jiff::SignedDuration::from_secs(301));
    over(
        app.finish_at_provider(ask(), &start.browser, &back, None)
            .await,
    );
}

#[tokio::test]
async fn while_the_provider_is_down_everybody_else_still_signs_in() {
    let (node, provider) = world().await;
    provider.stop();
    tokio::task::yield_now().await;
    let li = json!({"email": "li@yarqum.example"});
    let start = node
        .app
        .begin_at_provider(&ask(), &slug("yarqum"), "/")
        .await;
    match start {
        Err(AppError::Rejected { code, .. }) => assert_eq!(code, "provider-down"),
        other => panic!("{other:?} for {li}"),
    }
    let admin = administrator(&node).await;
    assert_eq!(admin.pending, None);
    // A provider that does not answer is not set.
    let set = node
        .app
        .set_provider(
            &admin.cx,
            &Reauth::by_password(PASSWORD, None),
            form(&provider),
        )
        .await;
    assert!(matches!(set, Err(AppError::Rejected { code, .. }) if code == "provider-down"));
}

#[tokio::test]
async fn only_the_administrator_sets_it_after_proving_themselves_and_not_to_a_private_address() {
    let (node, provider) = world().await;
    let admin = administrator(&node).await;
    let wrong = node
        .app
        .set_provider(&admin.cx, &Reauth::by_password("no", None), form(&provider))
        .await;
    assert!(matches!(wrong, Err(AppError::Invalid(_))));
    let li = json!({"email": "li@yarqum.example"});
    let clinician = enter(&node, &node.app, &provider, "s-1", li).await.unwrap();
    let denied = node
        .app
        .set_provider(
            &clinician.cx,
            &Reauth::by_password(PASSWORD, None),
            form(&provider),
        )
        .await;
    assert!(matches!(denied, Err(AppError::Denied(_))));
    let strict = TestNode::with_hospitals(&["yarqum"]).await;
    let cx = karez_app::Cx {
        actor: admin.cx.actor.clone(),
        ..strict.app.operator_cx()
    };
    let private = strict
        .app
        .set_provider(&cx, &Reauth::by_password(PASSWORD, None), form(&provider))
        .await;
    assert!(matches!(private, Err(AppError::Invalid(p)) if p[0].field == "issuer"));
}
