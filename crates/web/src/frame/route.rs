//! Routes as data: method, path, who may ask, handler. The guard of each is built from that data.

use app::Role;
use app::sessions::{Pending, SignedIn};
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, DefaultBodyLimit, Request, State};
use axum::handler::Handler;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, MethodRouter, on};
use axum::{Router, body};
use kernel::{ErrorCode, limits};
use std::net::SocketAddr;
use std::sync::Arc;

use super::WebState;
use super::context::{PageCx, Signed};
use super::error::{self, PageError, Told, Why};
use super::flash::{self, Flash};
use super::form::Fields;
use super::look::{Look, Theme, cookie};
use crate::words::Lang;

/// Who may ask for a route. What they see there is decided by the use case, entry by entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// No account needed.
    Anyone,
    /// A session, whatever it still owes: only the pages where that is settled.
    HalfSignedIn,
    /// Any account that has passed its factors, with a hospital chosen or not.
    SignedIn,
    /// An account that holds one of these roles at the hospital acted for.
    Roles(&'static [Role]),
    /// The holder of a link to a study, who opened it with its PIN: pages under `/shared/{hospital}/{link}`.
    Guest,
}

/// Doctors who refer or answer and coordinators: whoever takes part in cases.
pub const CLINICAL: Who = Who::Roles(&[Role::Clinician, Role::Coordinator, Role::Consultant]);

/// One route.
#[derive(Clone)]
pub struct RouteSpec {
    pub method: Method,
    /// axum path: `/cases/{hospital}/{id}`.
    pub path: &'static str,
    pub who: Who,
    handler: MethodRouter<WebState>,
}

impl std::fmt::Debug for RouteSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} {:?}", self.method, self.path, self.who)
    }
}

/// A page or part of one.
pub fn get<H, T>(path: &'static str, who: Who, handler: H) -> RouteSpec
where
    H: Handler<T, WebState>,
    T: 'static,
{
    RouteSpec {
        method: Method::GET,
        path,
        who,
        handler: on(MethodFilter::GET, handler),
    }
}

/// An act, sent as an urlencoded form with the form token.
pub fn post<H, T>(path: &'static str, who: Who, handler: H) -> RouteSpec
where
    H: Handler<T, WebState>,
    T: 'static,
{
    let handler =
        on(MethodFilter::POST, handler).layer(DefaultBodyLimit::max(limits::RESOURCE_BYTES_MAX));
    RouteSpec {
        method: Method::POST,
        path,
        who,
        handler,
    }
}

/// An act with files: the handler takes [`super::Upload`], which checks the form token itself.
pub fn upload<H, T>(path: &'static str, who: Who, handler: H) -> RouteSpec
where
    H: Handler<T, WebState>,
    T: 'static,
{
    let handler = on(MethodFilter::POST, handler)
        .layer(DefaultBodyLimit::max(limits::BUNDLE_BYTES_MAX + (1 << 20)));
    RouteSpec {
        method: Method::POST,
        path,
        who,
        handler,
    }
}

/// Puts the routes, each behind its guard, into a router.
pub fn build(routes: Vec<RouteSpec>, state: &WebState) -> Router {
    let mut router = Router::new();
    for spec in routes {
        let guarded = spec.handler.layer(middleware::from_fn_with_state(
            (state.clone(), spec.who),
            guard,
        ));
        router = router.route(spec.path, guarded);
    }
    router
        .fallback(not_found)
        .layer(middleware::from_fn_with_state(state.clone(), fill))
        .with_state(state.clone())
}

async fn not_found() -> PageError {
    PageError::not_found()
}

/// Outermost: knows the reader, draws errors (also those of axum itself) as pages, sets the security headers.
async fn fill(State(state): State<WebState>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let context = context(&state, &parts).await;
    let mut request = Request::from_parts(parts, body);
    let cx = match context {
        Ok(cx) => cx,
        Err(failed) => return secure(error::page(&failed.0, &failed.1)),
    };
    request.extensions_mut().insert(cx.clone());
    let mut answer = next.run(request).await;
    if let Some(Told(e)) = answer.extensions_mut().remove::<Told>() {
        answer = error::page(&cx, &e);
    } else if answer.status().is_client_error()
        && !answer.headers().contains_key(header::CONTENT_TYPE)
    {
        let code = match answer.status().as_u16() {
            404 => ErrorCode::NotFound,
            405 => ErrorCode::NotAllowed,
            413 => ErrorCode::TooMuch,
            _ => ErrorCode::Malformed,
        };
        answer = error::page(&cx, &PageError::new(code));
    }
    secure(answer)
}

async fn context(state: &WebState, parts: &Parts) -> Result<PageCx, Box<(PageCx, PageError)>> {
    let headers = &parts.headers;
    let is_part = headers.contains_key("hx-request");
    let mut cx = PageCx {
        look: Look::read(headers),
        now: state.app.now(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        is_get: parts.method == Method::GET,
        is_navigation: parts.method == Method::GET && !is_part,
        is_part,
        flash: Flash::read(headers).filter(|_| parts.method == Method::GET && !is_part),
        signed: None,
        guest: None,
    };
    let peer = parts
        .extensions
        .get::<ConnectInfo<SocketAddr>>()
        .map(|c| c.0.ip().to_string());
    // Whoever comes by a link is its holder there and nobody else, signed in or not.
    if let Some((hospital, link)) = super::guest::link_of(parts.uri.path()) {
        let speaks = language(cx.look.lang);
        match super::guest::resume(&state.app, headers, &hospital, &link, peer, speaks).await {
            Ok(guest) => cx.guest = guest.map(Arc::new),
            Err(e) => return Err(Box::new((cx, e.into()))),
        }
        return Ok(cx);
    }
    match super::session::resume(&state.app, headers, peer).await {
        Ok(Some(session)) => {
            if cookie(headers, "lang").is_none() {
                cx.look.lang = Lang::from_tag(session.cx.language.tag()).unwrap_or(cx.look.lang);
            }
            if cookie(headers, "theme").is_none() {
                cx.look.theme = session.theme.as_deref().and_then(Theme::from_code);
            }
            cx.signed = Some(Arc::new(signed(state, &cx, session).await));
        }
        Ok(None) => {}
        Err(e) => return Err(Box::new((cx, e.into()))),
    }
    Ok(cx)
}

async fn signed(state: &WebState, cx: &PageCx, mut session: SignedIn) -> Signed {
    session.cx.language = language(cx.look.lang);
    let hospital = session
        .cx
        .actor
        .hospital
        .as_ref()
        .and_then(|id| state.app.hospital(id));
    Signed {
        hospital: hospital.map(|h| h.name(cx.look.lang.tag()).to_owned()),
        // The bell is no reason to fail a page.
        notices: if session.cx.actor.hospital.is_some() {
            state
                .app
                .unread_notices(&session.cx)
                .await
                .unwrap_or_default()
        } else {
            0
        },
        csrf: session.csrf.clone(),
        cx: session.cx.clone(),
        session,
    }
}

const fn language(lang: Lang) -> app::Language {
    match lang {
        Lang::En => app::Language::English,
        Lang::ZhCn => app::Language::Chinese,
    }
}

/// Innermost, one per route: refuses before the handler runs.
async fn guard(
    State((_, who)): State<(WebState, Who)>,
    cx: PageCx,
    request: Request,
    next: Next,
) -> Response {
    match allowed(who, &cx, request).await {
        Ok(request) => {
            let shown = cx.flash.is_some();
            let mut answer = next.run(request).await;
            if shown && answer.status().is_success() {
                flash::forget(&mut answer);
            }
            answer
        }
        Err(e) => e.into_response(),
    }
}

async fn allowed(who: Who, cx: &PageCx, request: Request) -> Result<Request, PageError> {
    if who == Who::Guest {
        if cx.guest.is_none() {
            return Err(PageError::because(ErrorCode::NotFound, "error-link-closed"));
        }
    } else if who != Who::Anyone {
        let signed = cx
            .signed
            .as_ref()
            .ok_or(PageError::new(ErrorCode::Unauthenticated))?;
        let owed = signed.session.pending.filter(|p| match who {
            Who::Anyone | Who::Guest | Who::HalfSignedIn => false,
            Who::SignedIn => *p != Pending::Choose,
            Who::Roles(_) => true,
        });
        if let Some(pending) = owed {
            return Err(PageError {
                code: ErrorCode::Unauthenticated,
                why: Why::Pending(pending),
            });
        }
        if let Who::Roles(roles) = who
            && !roles.iter().any(|r| signed.cx.actor.has(*r))
        {
            let args = roles
                .first()
                .map(|r| ("role".to_owned(), r.as_str().to_owned()));
            let denial = app::Denial {
                reason: "role-missing".to_owned(),
                args: args.into_iter().collect(),
            };
            return Err(PageError {
                code: ErrorCode::Denied,
                why: Why::Denied(denial),
            });
        }
    }
    if request.method().is_safe() {
        return Ok(request);
    }
    if !same_origin(request.headers()) {
        return Err(PageError::because(ErrorCode::Denied, "error-form-token"));
    }
    check_token(cx, request).await
}

/// The body of an urlencoded form is read here, so that no handler can forget the token. A script may send the
/// token in a header; an upload checks its own first field.
async fn check_token(cx: &PageCx, request: Request) -> Result<Request, PageError> {
    let refused = || PageError::because(ErrorCode::Denied, "error-form-token");
    if let Some(token) = request.headers().get("x-csrf-token") {
        return if cx.token_is(token.to_str().unwrap_or_default()) {
            Ok(request)
        } else {
            Err(refused())
        };
    }
    let kind = request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
        .unwrap_or_default();
    if kind.starts_with("multipart/form-data") {
        return Ok(request);
    }
    let (parts, whole) = request.into_parts();
    let bytes: Bytes = body::to_bytes(whole, limits::RESOURCE_BYTES_MAX)
        .await
        .map_err(|_| PageError::new(ErrorCode::TooMuch))?;
    if !cx.token_is(Fields::parse(&bytes)?.get("csrf")) {
        return Err(refused());
    }
    Ok(Request::from_parts(parts, Body::from(bytes)))
}

/// Browsers name where a post comes from (Fetch Metadata; `Origin`, RFC 6454 §7). Another origin is refused;
/// without either header only the token speaks, and a reader without a session has none, so it is refused too.
fn same_origin(headers: &HeaderMap) -> bool {
    let text = |name: header::HeaderName| headers.get(name).and_then(|v| v.to_str().ok());
    if let Some(site) = headers.get("sec-fetch-site").and_then(|v| v.to_str().ok()) {
        return site == "same-origin";
    }
    match (text(header::ORIGIN), text(header::HOST)) {
        (Some(origin), Some(host)) => origin
            .split_once("://")
            .is_some_and(|(_, authority)| authority == host),
        _ => headers.contains_key(header::COOKIE),
    }
}

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; \
    font-src 'self'; connect-src 'self'; frame-src 'self'; media-src 'self' blob:; manifest-src 'self'; \
    base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

fn secure(mut answer: Response) -> Response {
    let headers = answer.headers_mut();
    let mut set = |name: header::HeaderName, value: &'static str| {
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    };
    set(header::CONTENT_SECURITY_POLICY, POLICY);
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::REFERRER_POLICY, "same-origin");
    set(header::CACHE_CONTROL, "no-store");
    set(
        header::HeaderName::from_static("permissions-policy"),
        "camera=(self), microphone=(self), geolocation=()",
    );
    set(
        header::HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    );
    set(
        header::HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    );
    answer
}

/// Percent-encodes a value for a query.
pub fn encode(value: &str) -> String {
    url::form_urlencoded::byte_serialize(value.as_bytes()).collect()
}

/// An address to return to, only if it is one of ours.
pub fn own_address(text: &str) -> Option<&str> {
    let own = text.starts_with('/')
        && !text.starts_with("//")
        && !text.contains('\\')
        && !text.contains(char::is_control);
    own.then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(n, v)| (n.parse::<header::HeaderName>().unwrap(), v.parse().unwrap()))
            .collect()
    }

    #[test]
    fn a_post_from_another_origin_is_refused() {
        assert!(same_origin(&headers(&[
            ("host", "k.example"),
            ("origin", "https://k.example")
        ])));
        assert!(!same_origin(&headers(&[
            ("host", "k.example"),
            ("origin", "https://evil.example")
        ])));
        assert!(!same_origin(&headers(&[
            ("host", "k.example"),
            ("origin", "null")
        ])));
        assert!(!same_origin(&headers(&[
            ("sec-fetch-site", "cross-site"),
            ("cookie", "session=x")
        ])));
        assert!(!same_origin(&headers(&[("host", "k.example")])));
    }

    #[test]
    fn only_own_addresses_are_returned_to() {
        assert_eq!(own_address("/cases?x=1"), Some("/cases?x=1"));
        assert_eq!(own_address("//evil.example"), None);
        assert_eq!(own_address("/\\evil.example"), None);
        assert_eq!(own_address("https://evil.example"), None);
    }
}
