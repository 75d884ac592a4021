//! The pages: templates, styles, words and islands. Everything a person sees comes from here; everything that is
//! decided is decided in `app`.

use std::sync::Arc;

use axum::Router;
use axum::routing::get;

pub mod assets;
pub mod components;
pub mod edge;
pub mod frame;
pub mod pages;
pub mod shell;
pub mod show;
pub mod words;

pub use frame::{PageCx, PageError, RouteSpec, WebState, Who};

/// The router of all pages and their assets.
pub fn router(app: Arc<app::App>) -> Router {
    let state = WebState { app };
    // Outside the guard: public, hashed, kept for ever.
    Router::new()
        .route("/assets/{file}", get(assets::serve))
        .merge(frame::route::build(pages::routes(), &state))
}
