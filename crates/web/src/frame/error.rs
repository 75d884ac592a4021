//! What can go wrong while a page is made, and the page that says so. Nothing here names a patient.

use app::{AppError, Denial, FieldProblem};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use kernel::ErrorCode;
use maud::html;

use super::context::PageCx;
use crate::components::form::Errors;
use crate::components::{Kind, note};
use crate::shell::Shell;
use crate::words::Words;

/// A refusal or fault, told to the reader on a page of its own. Made from [`AppError`] by `?`.
#[derive(Debug, Clone)]
pub struct PageError {
    pub code: ErrorCode,
    pub why: Why,
}

/// What is known beyond the code. Words are found when the page is drawn, in the reader's language.
#[derive(Debug, Clone, Default)]
pub enum Why {
    #[default]
    Unsaid,
    /// A message key of ours.
    Key(&'static str),
    Denied(Denial),
    Rejected {
        code: String,
        text: String,
    },
    Problems(Vec<FieldProblem>),
    /// Password and code again, then back.
    Reauthenticate,
    RetryAfter(u32),
    /// The session owes something first: a code, a second factor, a choice.
    Pending(app::sessions::Pending),
}

impl PageError {
    pub const fn new(code: ErrorCode) -> Self {
        Self {
            code,
            why: Why::Unsaid,
        }
    }
    /// With a sentence from `locales`, by its key.
    pub const fn because(code: ErrorCode, key: &'static str) -> Self {
        Self {
            code,
            why: Why::Key(key),
        }
    }
    pub const fn not_found() -> Self {
        Self::new(ErrorCode::NotFound)
    }

    fn sentences(&self, w: &Words) -> Vec<String> {
        match &self.why {
            Why::Unsaid | Why::Reauthenticate | Why::Pending(_) => Vec::new(),
            Why::Key(key) => vec![w.t(key)],
            Why::Denied(denial) => vec![denied(w, denial)],
            Why::Rejected { code, text } => vec![rejected(w, code, text)],
            Why::Problems(problems) => problems.iter().map(|p| problem(w, p)).collect(),
            Why::RetryAfter(s) => vec![w.f("error-retry-after", crate::args!["n" => *s])],
        }
    }
}

/// The sentence for a denial: `denied-{reason}`.
pub fn denied(w: &Words, denial: &Denial) -> String {
    let args: Vec<(String, String)> = denial
        .args
        .iter()
        .map(|(name, value)| match name.as_str() {
            "role" | "class" => (
                name.clone(),
                w.word_if(name, value).unwrap_or_else(|| value.clone()),
            ),
            _ => (name.clone(), value.clone()),
        })
        .collect();
    // Decisions explain themselves under `why-…`; what only a use case can refuse has a sentence of its own.
    w.with(&format!("denied-{}", denial.reason), &args)
        .or_else(|| w.with(&format!("why-{}", denial.reason), &args))
        .unwrap_or_else(|| w.t("denied-other"))
}

/// The sentence for a rule's refusal: `rejected-{code}`, or the rule's own English words.
pub fn rejected(w: &Words, code: &str, text: &str) -> String {
    w.word_if("rejected", code)
        .unwrap_or_else(|| text.to_owned())
}

/// The sentence beside a field: `problem-{code}`, or the use case's own English words.
pub fn problem(w: &Words, p: &FieldProblem) -> String {
    w.word_if("problem", p.code)
        .unwrap_or_else(|| p.text.clone())
}

impl Errors {
    /// Messages beside fields from what a use case found wrong. Gives every other error back.
    pub fn from_app(w: &Words, error: AppError) -> Result<Self, AppError> {
        let mut errors = Self::default();
        match error {
            AppError::Invalid(problems) => {
                for p in &problems {
                    errors.add(p.field.clone(), problem(w, p));
                }
                Ok(errors)
            }
            AppError::Rejected { code, text } => {
                errors.add("main", rejected(w, &code, &text));
                Ok(errors)
            }
            other => Err(other),
        }
    }
}

impl From<AppError> for PageError {
    fn from(error: AppError) -> Self {
        let code = error.code();
        if code.http_status() >= 500 {
            tracing::error!(error = %error, "page failed");
        }
        let why = match error {
            AppError::Denied(denial) => Why::Denied(denial),
            AppError::Invalid(problems) => Why::Problems(problems),
            AppError::Rejected { code, text } => Why::Rejected { code, text },
            AppError::Reauthenticate => Why::Reauthenticate,
            AppError::KeyToken(_) => Why::Key("error-key-token"),
            AppError::RateLimited { retry_after_s } => Why::RetryAfter(retry_after_s),
            _ => Why::Unsaid,
        };
        Self { code, why }
    }
}

impl From<kernel::IdError> for PageError {
    /// An address with something that can't be an id names nothing.
    fn from(_: kernel::IdError) -> Self {
        Self::not_found()
    }
}

/// Carries the error to the guard, which knows the reader's language and draws the page.
#[derive(Debug, Clone)]
pub(super) struct Told(pub PageError);

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        let mut answer = status(self.code).into_response();
        answer.extensions_mut().insert(Told(self));
        answer
    }
}

fn status(code: ErrorCode) -> StatusCode {
    StatusCode::from_u16(code.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// The word under which `locales/*/errors.ftl` knows the code.
const fn word(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::Malformed => "malformed",
        ErrorCode::Invalid => "invalid",
        ErrorCode::Unauthenticated => "unauthenticated",
        ErrorCode::Denied => "denied",
        ErrorCode::NotFound => "not-found",
        ErrorCode::Gone => "gone",
        ErrorCode::Conflict | ErrorCode::PreconditionFailed => "conflict",
        ErrorCode::NotAllowed => "not-allowed",
        ErrorCode::TooMuch => "too-much",
        ErrorCode::RateLimited => "rate-limited",
        ErrorCode::MediaType => "media-type",
        ErrorCode::Unavailable | ErrorCode::Full => "unavailable",
        ErrorCode::Internal => "internal",
    }
}

/// The page for an error; for a reader who is not signed in, the way to the sign-in page.
pub(crate) fn page(cx: &PageCx, error: &PageError) -> Response {
    let next = super::route::encode(&cx.back());
    if let Why::Pending(pending) = error.why {
        return Redirect::to(&format!("{}?next={next}", pending.page())).into_response();
    }
    if matches!(error.why, Why::Reauthenticate) {
        return Redirect::to(&format!("/reauthenticate?next={next}")).into_response();
    }
    if error.code == ErrorCode::Unauthenticated && cx.is_navigation {
        return Redirect::to(&format!("/sign-in?next={next}")).into_response();
    }
    let w = &cx.words();
    let code = word(error.code);
    let title = w.word("error-title", code);
    let why = error.sentences(w);
    let main = html! {
            div class="stack oops" {
                p class="label" { (w.f("error-code", crate::args!["n" => error.code.http_status().to_string()])) }
                h1 { (title) }
                p class="prose soft" { (w.word("error-text", code)) }
                @if code == "unavailable" && !cx.is_get { p { (w.t("error-not-kept")) } }
                @if !why.is_empty() { (note(Kind::Stop, html! { @for line in &why { p { (line) } } })) }
                p class="row" {
                    @if error.code == ErrorCode::Unauthenticated {
                        a class="btn primary" href={ "/sign-in?next=" (next) } { (w.t("sign-in")) }
                    } @else {
                        a class="btn primary" href="/" { (w.t("error-home")) }
                    }
                    a class="btn" href=(cx.back()) { (w.t("error-again")) }
                }
            }
    };
    let mut answer = Shell::new(cx, &title).draw(&main);
    *answer.status_mut() = status(error.code);
    let after = match error.why {
        Why::RetryAfter(s) => Some(s),
        _ => error.code.retry_after_s(),
    };
    if let Some(s) = after {
        answer
            .headers_mut()
            .insert(header::RETRY_AFTER, HeaderValue::from(s));
    }
    answer
}
