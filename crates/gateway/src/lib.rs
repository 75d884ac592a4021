//! The protocols: FHIR REST, OAuth tokens for machines, published keys, and what operators watch. Everything is
//! decided in `app`; here requests are parsed, authenticated and answered in each protocol's own words.

pub mod auth;
pub mod dicomweb;
pub mod dimse;
pub mod fhir;
pub mod health;
pub mod keys;
pub mod oauth;
pub mod pixels;
pub mod routes;
pub mod uploads;

use std::sync::Arc;

use app::App;
use axum::Router;

pub use auth::{Bearer, Origin};
pub use health::Scrape;
pub use routes::{Access, GatewayRoute};

/// What every handler can reach.
#[derive(Clone)]
pub struct GatewayState {
    pub app: Arc<App>,
    pub scrape: Scrape,
}

impl axum::extract::FromRef<GatewayState> for Arc<App> {
    fn from_ref(state: &GatewayState) -> Self {
        state.app.clone()
    }
}

/// The router of all protocols, as a node that nobody configured has it.
pub fn router(app: Arc<App>, scrape: Scrape) -> Router {
    let images = dicomweb::router(dicomweb::DicomWeb::new(app.clone()));
    protocols(app, scrape).merge(images)
}

/// The router of all protocols but DICOMweb, whose bodies have bounds of their own. `scrape` renders the measurements of
/// this process.
pub fn protocols(app: Arc<App>, scrape: Scrape) -> Router {
    let state = GatewayState { app, scrape };
    Router::new()
        .merge(health::router())
        .merge(oauth::router())
        .merge(keys::router())
        .merge(fhir::router())
        .merge(uploads::router())
        .with_state(state)
}
