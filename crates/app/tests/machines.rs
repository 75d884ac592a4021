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
        .machine_token(&ask(), &request(jwt.clone()))
        .await
        .unwrap();
    let cx = node.app.bearer(&token.token, ask()).await.unwrap();
    assert_eq!(cx.actor.hospital, HospitalId::new("yarqum").ok());
    assert_eq!(cx.actor.account, machine.id);
    let again = node.app.machine_token(&ask(), &request(jwt)).await;
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
        let given = node.app.machine_token(&ask(), &request(jwt)).await;
        assert!(matches!(given, Err(TokenError::Client(_))), "{what}");
    }
}

#[tokio::test]
async fn a_token_ends_after_its_quarter_of_an_hour() {
    let node = TestNode::with_hospitals(&["yarqum"]).await;
    let machine = register(&node).await;
    let jwt = assertion(&node, &machine, "one", |_| {});
    let token = node.app.machine_token(&ask(), &request(jwt)).await.unwrap();
    let lifetime = jiff::SignedDuration::from_secs(token.expires_in_s);
    node.clock.advance(lifetime);
    assert!(node.app.bearer(&token.token, ask()).await.is_err());
}
