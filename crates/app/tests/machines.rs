//! Machine clients: an assertion proves itself once, in time, to this node alone.

#![allow(clippy::unwrap_used)] // a test stops where it fails

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use karez_app::Cx;
use karez_app::cx::Channel;
use karez_app::sessions::SessionAsk;
use karez_app::tokens::assertion::{ASSERTION_TYPE, TokenError};
use karez_app::tokens::{NewMachine, TokenRequest};
use kernel::{AccountId, HospitalId};
use p256::pkcs8::EncodePrivateKey as _;
use serde_json::{Value, json};
use testkit::TestNode;

fn ask() -> SessionAsk {
    SessionAsk {
        request: "test".into(),
        peer: None,
        channel: Channel::Fhir,
    }
}

struct Machine {
    id: AccountId,
    key: EncodingKey,
}

fn key_pair(byte: u8) -> (EncodingKey, Value) {
    let key = p256::ecdsa::SigningKey::from_slice(&[byte; 32]).unwrap();
    let pem = key.to_pkcs8_pem(p256::pkcs8::LineEnding::LF).unwrap();
    let point = key.verifying_key().to_sec1_point(false);
    let bytes = point.as_bytes();
    let jwk = json!({
        "kty": "EC", "crv": "P-256", "kid": "k1", "alg": "ES256",
        "x": seal::b64::encode(&bytes[1..33]), "y": seal::b64::encode(&bytes[33..]),
    });
    (EncodingKey::from_ec_pem(pem.as_bytes()).unwrap(), jwk)
}

async fn register(node: &TestNode) -> Machine {
    let (key, jwk) = key_pair(9);
    let new = NewMachine {
        name: "Laboratory".into(),
        jwks: json!({"keys": [jwk]}).to_string(),
        certificate: String::new(),
    };
    let hospital = HospitalId::new("yarqum").unwrap();
    let operator: Cx = node.app.operator_cx();
    let id = node
        .app
        .register_machine_at(&operator, &hospital, new)
        .await
        .unwrap();
    Machine { id, key }
}

fn assertion(node: &TestNode, machine: &Machine, jti: &str, change: impl Fn(&mut Value)) -> String {
    let mut claims = json!({
        "iss": machine.id.as_str(),
        "sub": machine.id.as_str(),
        "aud": node.app.token_address(),
        "jti": jti,
        "exp": node.now().as_second() + 60,
    });
    change(&mut claims);
    let mut header = Header::new(Algorithm::ES256);
    header.kid = Some("k1".into());
    jsonwebtoken::encode(&header, &claims, &machine.key).unwrap()
}

fn request(jwt: String) -> TokenRequest {
    TokenRequest {
        grant_type: "client_credentials".into(),
        client_assertion_type: ASSERTION_TYPE.into(),
        client_assertion: jwt,
        client_id: None,
    }
}

#[tokio::test]
async fn an_assertion_gives_a_token_for_its_hospital_and_is_refused_the_second_time() {
    let node = TestNode::with_hospitals(&["yarqum"]).await;
    let machine = register(&node).await;
    let jwt = assertion(&node, &machine, "one", |_| {});
    let token = node
        .app
        .machine_token(&ask(), &request(jwt.clone()), None)
        .await
        .unwrap();
    let cx = node.app.bearer(&token.token, ask()).await.unwrap();
    assert_eq!(cx.actor.hospital, HospitalId::new("yarqum").ok());
    assert_eq!(cx.actor.account, machine.id);
    let again = node.app.machine_token(&ask(), &request(jwt), None).await;
    assert!(matches!(again, Err(TokenError::Client(_))));
}

#[tokio::test]
async fn an_assertion_for_another_audience_time_key_or_client_is_refused() {
    let node = TestNode::with_hospitals(&["yarqum"]).await;
    let machine = register(&node).await;
    let now = node.now().as_second();
    let wrong: Vec<(&str, String)> = vec![
        (
            "audience",
            assertion(&node, &machine, "a", |c| {
                c["aud"] = json!("https://elsewhere.example/oauth/token");
            }),
        ),
        (
            "expired",
            assertion(&node, &machine, "b", |c| c["exp"] = json!(now - 120)),
        ),
        (
            "too long",
            assertion(&node, &machine, "c", |c| c["exp"] = json!(now + 3600)),
        ),
        (
            "subject",
            assertion(&node, &machine, "d", |c| c["sub"] = json!("somebody")),
        ),
        ("no jti", assertion(&node, &machine, "", |_| {})),
        (
            "other key",
            assertion(
                &node,
                &Machine {
                    id: machine.id.clone(),
                    key: key_pair(8).0,
                },
                "e",
                |_| {},
            ),
        ),
    ];
    for (what, jwt) in wrong {
        let given = node.app.machine_token(&ask(), &request(jwt), None).await;
        assert!(matches!(given, Err(TokenError::Client(_))), "{what}");
    }
}

#[tokio::test]
async fn a_token_ends_after_its_quarter_of_an_hour() {
    let node = TestNode::with_hospitals(&["yarqum"]).await;
    let machine = register(&node).await;
    let jwt = assertion(&node, &machine, "one", |_| {});
    let token = node
        .app
        .machine_token(&ask(), &request(jwt), None)
        .await
        .unwrap();
    let lifetime = jiff::SignedDuration::from_secs(token.expires_in_s);
    node.clock.advance(lifetime);
    assert!(node.app.bearer(&token.token, ask()).await.is_err());
}

#[tokio::test]
async fn a_token_bound_to_a_certificate_opens_nothing_without_it_nor_after_it_was_withdrawn() {
    let node = TestNode::with_hospitals(&["yarqum"]).await;
    let made = rcgen::generate_simple_self_signed(vec!["lab.example".into()]).unwrap();
    let thumbprint = seal::client::thumbprint(made.cert.der());
    let (key, jwk) = key_pair(9);
    let new = NewMachine {
        name: "Laboratory".into(),
        jwks: json!({"keys": [jwk]}).to_string(),
        certificate: made.cert.pem(),
    };
    let hospital = HospitalId::new("yarqum").unwrap();
    let operator: Cx = node.app.operator_cx();
    let id = node
        .app
        .register_machine_at(&operator, &hospital, new)
        .await
        .unwrap();
    let by_certificate = TokenRequest {
        grant_type: "client_credentials".into(),
        client_assertion_type: String::new(),
        client_assertion: String::new(),
        client_id: Some(id.to_string()),
    };
    let given = |shown: Option<&'static str>| {
        let shown = shown.map(|s| {
            if s == "own" {
                thumbprint.clone()
            } else {
                s.to_owned()
            }
        });
        let (app, request) = (node.app.clone(), by_certificate.clone());
        async move { app.machine_token(&ask(), &request, shown.as_deref()).await }
    };
    assert!(matches!(
        given(Some("another")).await,
        Err(TokenError::Client(_))
    ));
    assert!(given(None).await.is_err());
    let bound = given(Some("own")).await.unwrap().token;
    let app = &node.app;
    let own = Some(thumbprint.as_str());
    assert!(app.bearer_with(&bound, ask(), own).await.is_ok());
    assert!(
        app.bearer_with(&bound, ask(), Some("another"))
            .await
            .is_err()
    );
    assert!(app.bearer(&bound, ask()).await.is_err());
    // An assertion sent over a line with the certificate gives a bound token too (RFC 8705 §3).
    let machine = Machine {
        id: id.clone(),
        key,
    };
    let jwt = assertion(&node, &machine, "one", |_| {});
    let bound = app
        .machine_token(&ask(), &request(jwt), own)
        .await
        .unwrap()
        .token;
    assert!(app.bearer(&bound, ask()).await.is_err());
    assert!(app.bearer_with(&bound, ask(), own).await.is_ok());
    app.withdraw_machine(&administrator(&operator), &id)
        .await
        .unwrap();
    assert!(app.bearer_with(&bound, ask(), own).await.is_err());
}

fn administrator(operator: &Cx) -> Cx {
    let mut cx = operator.clone();
    cx.actor.hospital = HospitalId::new("yarqum").ok();
    cx.actor.roles = [agreements::Role::Administrator].into();
    cx
}
