//! Who asks: a bearer token (RFC 6750), or the session cookie of our own pages for safe requests.

use std::net::SocketAddr;
use std::sync::Arc;

use app::cx::Channel;
use app::sessions::{SessionAsk, cookie_name, csrf_is};
use app::{App, AppError, Cx};
use axum::extract::{ConnectInfo, FromRef, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

/// The id of a request as the outermost layer made it.
#[derive(Debug, Clone)]
pub struct RequestId(pub String);

/// The certificate a client showed on the encrypted line, by its thumbprint (`x5t#S256`). The listener notes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientThumbprint(pub String);

/// Where a request comes from, for the audit and the throttle.
#[derive(Debug, Clone)]
pub struct Origin {
    pub request: String,
    pub peer: Option<String>,
    /// Of the certificate shown on the line, if any.
    pub certificate: Option<String>,
}

impl Origin {
    pub fn of(parts: &Parts) -> Self {
        let request = parts
            .extensions
            .get::<RequestId>()
            .map_or_else(|| uuid::Uuid::new_v4().to_string(), |id| id.0.clone());
        let peer = parts
            .extensions
            .get::<ConnectInfo<SocketAddr>>()
            .map(|c| c.0.ip().to_string());
        let certificate = parts
            .extensions
            .get::<Option<ClientThumbprint>>()
            .and_then(|shown| shown.as_ref())
            .map(|shown| shown.0.clone());
        Self {
            request,
            peer,
            certificate,
        }
    }

    pub fn ask(&self, channel: Channel) -> SessionAsk {
        SessionAsk {
            request: self.request.clone(),
            peer: self.peer.clone(),
            channel,
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Origin {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self::of(parts))
    }
}

/// An authenticated request of a protocol. Handlers that take it cannot be reached without credentials.
#[derive(Debug, Clone)]
pub struct Bearer(pub Cx);

impl<S> FromRequestParts<S> for Bearer
where
    S: Send + Sync,
    Arc<App>: FromRef<S>,
{
    type Rejection = Unauthorised;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Unauthorised> {
        let app = Arc::<App>::from_ref(state);
        authenticate(&app, parts)
            .await
            .map(Self)
            .map_err(Unauthorised)
    }
}

/// The context of a FHIR request: see [`authenticate_on`].
pub async fn authenticate(app: &App, parts: &Parts) -> Result<Cx, AppError> {
    authenticate_on(app, parts, Channel::Fhir).await
}

/// The field in which a page's script sends the form token of its session.
const FORM_TOKEN: &str = "x-csrf-token";

/// The context of a request, by its `Authorization` field, or by the session cookie when it does not come from another
/// site. What is not safe (all but GET and HEAD) is taken by cookie on [`Channel::DicomWeb`] alone, and then with the
/// form token of the session.
pub async fn authenticate_on(app: &App, parts: &Parts, channel: Channel) -> Result<Cx, AppError> {
    let origin = Origin::of(parts);
    let ask = origin.ask(channel);
    if let Some(field) = parts.headers.get(header::AUTHORIZATION) {
        let token = field
            .to_str()
            .ok()
            .and_then(bearer_of)
            .ok_or(AppError::Unauthenticated)?;
        let certificate = origin.certificate.as_deref();
        return app.bearer_with(token, ask, certificate).await;
    }
    let name = cookie_name(app.settings().secure_cookies);
    let token = cookie(&parts.headers, name).ok_or(AppError::Unauthenticated)?;
    let proved = || {
        let given = parts.headers.get(FORM_TOKEN).and_then(|v| v.to_str().ok());
        channel == Channel::DicomWeb && given.is_some_and(|given| csrf_is(token, given))
    };
    if from_elsewhere(&parts.headers) || !(parts.method.is_safe() || proved()) {
        return Err(AppError::Unauthenticated);
    }
    app.session_cx(token, ask).await
}

/// The token of `Bearer <token>`; the scheme's case does not matter (RFC 9110 §11.1).
fn bearer_of(field: &str) -> Option<&str> {
    let (scheme, token) = field.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

/// Browsers say where a request comes from (Fetch Metadata). Without the field it is no browser of today.
pub(crate) fn from_elsewhere(headers: &HeaderMap) -> bool {
    headers
        .get("sec-fetch-site")
        .is_some_and(|v| v != "same-origin" && v != "none")
}

pub(crate) fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|v| v.to_str().ok())
        .flat_map(|v| v.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(n, _)| *n == name)
        .map(|(_, v)| v)
}

/// The refusal of one without valid credentials, as an OperationOutcome (FHIR R4 §3.1.0.5).
#[derive(Debug)]
pub struct Unauthorised(pub AppError);

impl IntoResponse for Unauthorised {
    fn into_response(self) -> Response {
        let (status, code, words) = match &self.0 {
            AppError::Unavailable(_) | AppError::Full(_) | AppError::Internal(_) => {
                let code = self.0.code();
                let status = StatusCode::from_u16(code.http_status())
                    .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                (
                    status,
                    code.fhir_issue(),
                    "credentials cannot be checked now",
                )
            }
            _ => (
                StatusCode::UNAUTHORIZED,
                "login",
                "a valid bearer token is needed",
            ),
        };
        let body = serde_json::json!({
            "resourceType": "OperationOutcome",
            "issue": [{"severity": "error", "code": code, "diagnostics": words}],
        });
        let mut answer = (
            status,
            [(header::CONTENT_TYPE, "application/fhir+json; charset=utf-8")],
            body.to_string(),
        )
            .into_response();
        if let Some(s) = self.0.code().retry_after_s() {
            let after = header::HeaderValue::from(s);
            answer.headers_mut().insert(header::RETRY_AFTER, after);
        }
        if status == StatusCode::UNAUTHORIZED {
            answer.headers_mut().insert(
                header::WWW_AUTHENTICATE,
                header::HeaderValue::from_static("Bearer realm=\"karez\""),
            );
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_bearer_scheme_carries_a_token() {
        assert_eq!(bearer_of("Bearer abc"), Some("abc"));
        assert_eq!(bearer_of("bearer  abc "), Some("abc"));
        assert_eq!(bearer_of("Basic abc"), None);
        assert_eq!(bearer_of("Bearer "), None);
    }

    #[test]
    fn a_cookie_is_not_taken_from_another_site() {
        let mut headers = HeaderMap::new();
        assert!(!from_elsewhere(&headers));
        headers.insert("sec-fetch-site", "cross-site".parse().unwrap());
        assert!(from_elsewhere(&headers));
        headers.insert("sec-fetch-site", "same-origin".parse().unwrap());
        assert!(!from_elsewhere(&headers));
    }
}
