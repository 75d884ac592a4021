//! Every route refuses whoever may not ask for it: the list is the router's own, so a new page is tested by being
//! there. What a permitted reader sees is decided entry by entry elsewhere.
#![allow(clippy::unwrap_used)] // the helpers of tests are tests

use std::sync::Arc;

use app::accounts::{Membership, NewAccount, RoleGrant, SignIn, Validity};
use app::cx::Channel;
use app::sessions::{SessionAsk, cookie_name, csrf_of};
use app::{Language, Role, Settings};
use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use karez_web as web;
use kernel::{HospitalId, Phi};
use testkit::TestNode;
use tower::ServiceExt;
use web::pages::routes;
use web::{RouteSpec, Who};

const PASSWORD: &str = "a long enough password 7";

/// The path with something that fits in each of its places.
fn address(spec: &RouteSpec) -> String {
    spec.path
        .split('/')
        .map(|part| match part {
            "{hospital}" => "yarqum",
            "{kind}" => "Observation",
            "{index}" => "0",
            "{step}" => "question",
            "{language}" => "en",
            p if p.starts_with('{') => "nobody-knows-this-id",
            p => p,
        })
        .collect::<Vec<_>>()
        .join("/")
}

async fn account(node: &TestNode, role: Role) -> String {
    let login = format!("{}@yarqum.example", role.as_str());
    let mut membership = Membership::new(HospitalId::new("yarqum").unwrap());
    let valid = Validity::since(testkit::START);
    membership.roles = vec![RoleGrant { role, valid }];
    let new = NewAccount {
        login: login.clone(),
        email: None,
        name: "Somebody".into(),
        latin_name: None,
        language: Language::English,
        zone: "Asia/Shanghai".into(),
        password: Phi::new(PASSWORD.into()),
        totp_secret: None,
        memberships: vec![membership],
        patients: Vec::new(),
    };
    node.app
        .create_account(&node.app.operator_cx(), new)
        .await
        .unwrap();
    let ask = SessionAsk {
        request: "test".into(),
        peer: None,
        channel: Channel::Page,
    };
    let given = SignIn {
        login,
        password: Phi::new(PASSWORD.into()),
        code: None,
        device: None,
    };
    node.app.sign_in(ask, given).await.unwrap().token
}

async fn ask(
    router: &Router,
    spec: &RouteSpec,
    token: Option<&str>,
    csrf: Option<&str>,
) -> StatusCode {
    let mut request = Request::builder()
        .method(spec.method.clone())
        .uri(address(spec))
        .header(header::HOST, "karez.example")
        .header("sec-fetch-site", "same-origin");
    if let Some(token) = token {
        request = request.header(header::COOKIE, format!("{}={token}", cookie_name(false)));
    }
    let body = if spec.method == Method::POST {
        request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        csrf.map(|c| format!("csrf={c}")).unwrap_or_default()
    } else {
        String::new()
    };
    router
        .clone()
        .oneshot(request.body(Body::from(body)).unwrap())
        .await
        .unwrap()
        .status()
}

/// A page sends a stranger to sign in; everything else says 401.
fn is_turned_away(status: StatusCode) -> bool {
    status == StatusCode::SEE_OTHER || status == StatusCode::UNAUTHORIZED
}

#[tokio::test]
async fn every_route_refuses_strangers_wrong_roles_and_forms_without_their_token() {
    // What a role owes before it acts is tested with the sessions; here everybody has it behind them.
    let settings = Settings {
        second_factor_for: Vec::new(),
        ..Settings::default()
    };
    let node = TestNode::start_with(settings).await;
    node.app
        .found_hospital(testkit::hospital("yarqum", "CN", "Asia/Shanghai"))
        .await
        .unwrap();
    let router = web::router(Arc::new(node.app.clone()));
    let mut tokens = Vec::new();
    for role in [
        Role::Clinician,
        Role::Coordinator,
        Role::Consultant,
        Role::Administrator,
        Role::Operator,
    ] {
        tokens.push((role, account(&node, role).await));
    }
    let specs = routes();
    assert!(specs.len() > 30, "the list of routes is the site's");
    let mut failures = Vec::new();
    for spec in &specs {
        if spec.who == Who::Guest {
            // Without an opening of the link, and with any session, the answer is one.
            let sessions = tokens.iter().map(|(_, token)| Some(token.as_str()));
            for token in sessions.chain([None]) {
                let status = ask(&router, spec, token, token.map(csrf_of).as_deref()).await;
                if status != StatusCode::NOT_FOUND {
                    failures.push(format!("{spec:?}: who has no link got {status}"));
                }
            }
            continue;
        }
        if spec.who != Who::Anyone {
            let status = ask(&router, spec, None, None).await;
            if !is_turned_away(status) {
                failures.push(format!("{spec:?}: a stranger got {status}"));
            }
        }
        for (role, token) in &tokens {
            if let Who::Roles(allowed) = spec.who
                && !allowed.contains(role)
            {
                let status = ask(&router, spec, Some(token), Some(&csrf_of(token))).await;
                if status != StatusCode::FORBIDDEN {
                    failures.push(format!("{spec:?}: a {role:?} got {status}"));
                }
            }
            let is_form = spec.method == Method::POST && spec.who != Who::Anyone;
            if is_form && matches!(spec.who, Who::Roles(allowed) if allowed.contains(role)) {
                for csrf in [None, Some("wrong")] {
                    let status = ask(&router, spec, Some(token), csrf).await;
                    if status != StatusCode::FORBIDDEN {
                        failures.push(format!("{spec:?}: a form with token {csrf:?} got {status}"));
                    }
                }
            }
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
}

#[tokio::test]
async fn a_form_from_another_origin_is_refused_with_the_right_token() {
    let node = TestNode::with_hospitals(&["yarqum"]).await;
    let router = web::router(Arc::new(node.app.clone()));
    let token = account(&node, Role::Clinician).await;
    let request = Request::builder()
        .method(Method::POST)
        .uri("/look")
        .header(header::HOST, "karez.example")
        .header(header::ORIGIN, "https://elsewhere.example")
        .header(header::COOKIE, format!("{}={token}", cookie_name(false)))
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(format!("csrf={}&lang=zh-CN", csrf_of(&token))))
        .unwrap();
    let answer = router.oneshot(request).await.unwrap();
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    assert!(
        answer.headers().get(header::SET_COOKIE).is_none(),
        "nothing was changed"
    );
}

#[tokio::test]
async fn every_page_carries_a_policy_without_inline_scripts_or_styles() {
    let node = TestNode::start().await;
    let router = web::router(Arc::new(node.app.clone()));
    let request = Request::builder()
        .uri("/styleguide")
        .body(Body::empty())
        .unwrap();
    let answer = router.oneshot(request).await.unwrap();
    let policy = answer.headers()[header::CONTENT_SECURITY_POLICY]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(policy.contains("script-src 'self'") && policy.contains("style-src 'self'"));
    assert!(!policy.contains("unsafe"));
    let body = axum::body::to_bytes(answer.into_body(), 1 << 20)
        .await
        .unwrap();
    let html = String::from_utf8(body.to_vec()).unwrap();
    for inline in ["<style", " style=", " onclick=", "<script>"] {
        assert!(
            !html.contains(inline),
            "{inline} would be blocked by the policy"
        );
    }
    assert!(
        !html.contains("http://") || !html.contains("src=\"http"),
        "everything comes from the own origin"
    );
}
