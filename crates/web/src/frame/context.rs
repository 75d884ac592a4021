//! Who asks for a page, and how they want it.

use std::sync::Arc;

use app::sessions::SignedIn;
use app::{AppError, Cx, Role};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use jiff::tz::TimeZone;
use kernel::{ErrorCode, Instant};

use super::error::PageError;
use super::flash::Flash;
use super::look::Look;
use crate::components::form::Errors;
use crate::show::Show;
use crate::words::{Lang, Words};

/// A signed-in reader.
#[derive(Debug, Clone)]
pub struct Signed {
    pub cx: Cx,
    /// Goes into every form as the hidden field `csrf`.
    pub csrf: String,
    /// Name of the hospital acted for, in the reader's language.
    pub hospital: Option<String>,
    /// Unread notices.
    pub notices: u64,
    /// The session itself: what it owes, which seats there are to choose from.
    pub session: SignedIn,
}

/// The context of one page: made by the guard, taken by handlers as an extractor.
#[derive(Debug, Clone)]
pub struct PageCx {
    pub look: Look,
    pub now: Instant,
    /// Path of this request without its query.
    pub path: String,
    pub query: String,
    pub is_get: bool,
    /// A browser asks for a whole page by `GET`: only such a request is redirected to sign in.
    pub is_navigation: bool,
    /// Asked by htmx for a part of a page.
    pub is_part: bool,
    pub flash: Option<Flash>,
    pub signed: Option<Arc<Signed>>,
    /// Who holds a link to a study, on the pages of that link alone.
    pub guest: Option<Arc<Guest>>,
}

/// The holder of a link, and the token of the opening.
#[derive(Debug, Clone)]
pub struct Guest {
    pub is: app::sharing::Guest,
    pub token: String,
}

impl PageCx {
    pub fn words(&self) -> Words {
        Words::new(self.look.lang)
    }

    /// The same reader, spoken to in another language.
    pub fn speaking(&self, lang: Lang) -> Self {
        let mut cx = self.clone();
        cx.look.lang = lang;
        if let (Some(signed), Some(language)) =
            (&mut cx.signed, app::Language::from_tag(lang.tag()))
        {
            Arc::make_mut(signed).cx.language = language;
        }
        cx
    }

    /// Message `key` in the reader's language.
    pub fn t(&self, key: &str) -> String {
        self.words().t(key)
    }

    /// What is wrong with a form, beside its fields in the reader's language. Any other error is a page of its own.
    pub fn wrong(&self, error: AppError) -> Result<Errors, PageError> {
        Ok(Errors::from_app(&self.words(), error)?)
    }

    /// Writes values in the reader's language and zone.
    pub fn show(&self) -> Show {
        let zone = self.cx().map_or(TimeZone::UTC, |cx| cx.zone.clone());
        Show::new(self.words(), zone, self.now)
    }

    /// The use cases' context, or a refusal for one who has not signed in.
    pub fn cx(&self) -> Result<&Cx, PageError> {
        let guest = self.guest.as_ref().map(|g| &g.is.cx);
        let signed = self.signed.as_ref().map(|s| &s.cx);
        guest
            .or(signed)
            .ok_or(PageError::new(ErrorCode::Unauthenticated))
    }

    /// Where the images of a hospital are read: under the link by which a guest came, else by the session.
    pub fn dicomweb(&self, hospital: &kernel::HospitalId) -> String {
        match &self.guest {
            Some(g) => format!("/shared/{}/{}/dicomweb", g.is.study.hospital, g.is.link),
            None => format!("/dicomweb/{hospital}"),
        }
    }

    pub fn has(&self, role: Role) -> bool {
        self.signed.as_ref().is_some_and(|s| s.cx.actor.has(role))
    }

    /// The hidden form token of this session.
    pub fn csrf(&self) -> maud::Markup {
        crate::components::form::csrf(self.signed.as_ref().map_or("", |s| s.csrf.as_str()))
    }

    /// Whether `token` is this session's, compared in constant time.
    pub(super) fn token_is(&self, token: &str) -> bool {
        self.signed
            .as_ref()
            .is_none_or(|s| s.session.made_form(token))
    }

    /// This address with its query, or the start page for what can't be asked for again by `GET`.
    pub fn back(&self) -> String {
        match (self.is_get, self.query.is_empty()) {
            (false, _) => "/".to_owned(),
            (true, true) => self.path.clone(),
            (true, false) => format!("{}?{}", self.path, self.query),
        }
    }

    /// A single value of the query.
    pub fn query_value(&self, name: &str) -> Option<String> {
        url::form_urlencoded::parse(self.query.as_bytes())
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.trim().to_owned())
            .filter(|v| !v.is_empty())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for PageCx {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, PageError> {
        // Only the guard puts it there; a handler outside the guard gets a fault, not an anonymous reader.
        parts
            .extensions
            .get::<Self>()
            .cloned()
            .ok_or(PageError::new(ErrorCode::Internal))
    }
}
