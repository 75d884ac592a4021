//! Every route of the protocols refuses whoever may not ask. The list is the routers' own, so a new route is tested
//! by being there.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use app::Role;
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use karez_gateway::routes::ROUTES;
use karez_gateway::{Access, GatewayRoute, Scrape};
use testkit::TestNode;
use tower::ServiceExt as _;

/// The path with something that fits in each of its places.
fn address(route: &GatewayRoute) -> String {
    route
        .path
        .replace("{hospital}", "yarqum")
        .replace("{type}", "Patient")
        .replace("{id}", "nobody-knows")
        .replace("{version}", "1")
        .replace("{study}", "1.2.3")
        .replace("{series}", "1.2.3.4")
        .replace("{instance}", "1.2.3.4.5")
        .replace("{frames}", "1")
        .replace("{path}", "7FE00010")
        .replace("{upload}", "0b9e")
        .replace("{edge}", "edge-1")
}

async fn status(node: &TestNode, route: &GatewayRoute, token: Option<&str>) -> StatusCode {
    let router = karez_gateway::router(Arc::new(node.app.clone()), Scrape::new(String::new));
    let mut request = Request::builder()
        .method(route.method)
        .uri(address(route))
        .header(header::CONTENT_TYPE, "application/fhir+json");
    if let Some(token) = token {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    let request = request.body(Body::from("{}")).unwrap();
    router.oneshot(request).await.unwrap().status()
}

fn all() -> impl Iterator<Item = &'static GatewayRoute> {
    ROUTES
        .iter()
        .chain(karez_gateway::fhir::ROUTES)
        .chain(karez_gateway::uploads::ROUTES)
}

#[tokio::test]
async fn every_route_that_is_not_public_refuses_a_stranger_and_a_made_up_token() {
    let node = TestNode::with_hospitals(&["yarqum"]).await;
    let mut failures = Vec::new();
    for route in all() {
        for token in [None, Some("karez_at_e30.AAAA"), Some("karez_nothing")] {
            let got = status(&node, route, token).await;
            let right = match route.access {
                Access::Public => !matches!(got, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN),
                // The form is judged before the client is: an empty one is malformed.
                Access::Own => matches!(got, StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED),
                Access::Operator | Access::Bearer => got == StatusCode::UNAUTHORIZED,
            };
            if !right {
                failures.push(format!("{route:?} with {token:?}: {got}"));
            }
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
}

#[tokio::test]
async fn measurements_are_for_the_operator_alone() {
    let node = TestNode::with_hospitals(&["yarqum"]).await;
    let metrics = all().find(|r| r.path == "/metrics").unwrap();
    let clinician = node.token("yarqum", Role::Clinician);
    let operator = node.token("network", Role::Operator);
    let status = async |t: &str| status(&node, metrics, Some(t)).await;
    assert_eq!(status(&clinician).await, StatusCode::FORBIDDEN);
    assert_eq!(status(&operator).await, StatusCode::OK);
}
