//! The frame every page stands in: who asks, in which language, by which route, and what happens when it fails.
//!
//! A page is a handler `async fn(State<WebState>, PageCx, …) -> Result<Response, PageError>` listed in its topic's
//! `routes()` as a [`RouteSpec`] that names who may ask for it. The guard in [`route`] authenticates, checks role
//! and form token and turns errors into pages, so that no handler can forget to.

pub mod context;
mod download;
pub mod error;
pub mod flash;
pub mod form;
mod guest;
pub mod live;
pub mod look;
pub mod reauth;
pub mod route;
pub mod session;
pub mod signbar;

use std::sync::Arc;

pub use context::{PageCx, Signed};
pub use download::{download, package};
pub use error::PageError;
pub use form::{Form, Upload, UploadPart, refused};
pub use route::{RouteSpec, Who, get, post, upload};

/// What every handler can reach.
#[derive(Clone)]
pub struct WebState {
    pub app: Arc<app::App>,
}

/// What a handler gives back.
pub type PageResult = Result<axum::response::Response, PageError>;
