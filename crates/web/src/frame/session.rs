//! The session behind a cookie.

use app::sessions::{SessionAsk, SignedIn, cookie_name};
use app::{App, AppError};
use axum::http::HeaderMap;

use super::look::cookie;

/// The live session the request's cookie names; `None` without one, or when it has ended.
pub async fn resume(
    app: &App,
    headers: &HeaderMap,
    peer: Option<String>,
) -> Result<Option<SignedIn>, AppError> {
    let Some(token) = cookie(headers, cookie_name(app.settings().secure_cookies)) else {
        return Ok(None);
    };
    let ask = SessionAsk {
        request: app.new_id().to_string(),
        peer,
        channel: app::cx::Channel::Page,
    };
    match app.session(token, ask).await {
        Ok(signed) => Ok(Some(signed)),
        Err(AppError::Unauthenticated | AppError::Malformed(_)) => Ok(None),
        Err(e) => Err(e),
    }
}
