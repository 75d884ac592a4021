//! Who comes by a link to a study: the cookie of an opening, good for the pages of that link alone.

use app::cx::Channel;
use app::sessions::SessionAsk;
use app::sharing::COOKIE;
use app::{App, AppError, Language};
use axum::http::HeaderMap;
use kernel::{HospitalId, ResourceId};

use super::context::Guest;
use super::look::cookie;

/// The link that a path is under.
pub(super) fn link_of(path: &str) -> Option<(HospitalId, ResourceId)> {
    let mut parts = path.strip_prefix("/shared/")?.split('/');
    let hospital = HospitalId::new(parts.next()?).ok()?;
    let link = ResourceId::new(parts.next()?).ok()?;
    Some((hospital, link))
}

/// The holder that a request's cookie names; none where it names none, or the link is over.
pub(super) async fn resume(
    app: &App,
    headers: &HeaderMap,
    hospital: &HospitalId,
    link: &ResourceId,
    peer: Option<String>,
    language: Language,
) -> Result<Option<Guest>, AppError> {
    let Some(token) = cookie(headers, COOKIE) else {
        return Ok(None);
    };
    let ask = SessionAsk {
        request: app.new_id().to_string(),
        peer,
        channel: Channel::Page,
    };
    match app.guest(hospital, link, token, ask).await {
        Ok(mut is) => {
            is.cx.language = language;
            Ok(Some(Guest {
                is,
                token: token.to_owned(),
            }))
        }
        Err(AppError::NotFound) => Ok(None),
        Err(e) => Err(e),
    }
}
