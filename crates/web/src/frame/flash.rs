//! What the last act did, told once on the next page. The cookie holds a message key and its arguments, never
//! patient data.

use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Redirect, Response};

use super::look::cookie;

const NAME: &str = "flash";

/// A message to show once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flash {
    /// Message key.
    pub key: String,
    /// A way back: address of a `POST` that undoes it.
    pub undo: Option<String>,
}

impl Flash {
    pub fn read(headers: &HeaderMap) -> Option<Self> {
        let value = cookie(headers, NAME)?;
        let (key, undo) = value.split_once('|').unwrap_or((value, ""));
        let is_key = !key.is_empty()
            && key
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        // Only an address of our own may stand behind "undo".
        let undo = (undo.starts_with('/') && !undo.starts_with("//")).then(|| undo.to_owned());
        is_key.then(|| Self {
            key: key.to_owned(),
            undo,
        })
    }
}

/// Redirects (303) to `address` and tells the message `key` there.
pub fn done(address: &str, key: &str) -> Response {
    done_with_undo(address, key, None)
}

/// Like [`done`], with the address of a `POST` that takes it back.
pub fn done_with_undo(address: &str, key: &str, undo: Option<&str>) -> Response {
    let mut answer = Redirect::to(address).into_response();
    let value = format!(
        "{NAME}={key}|{}; Path=/; Max-Age=60; HttpOnly; SameSite=Lax",
        undo.unwrap_or_default()
    );
    if let Ok(value) = HeaderValue::from_str(&value) {
        answer.headers_mut().append(header::SET_COOKIE, value);
    }
    answer
}

/// Forgets the message once it has been shown.
pub fn forget(answer: &mut Response) {
    let gone = HeaderValue::from_static("flash=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax");
    answer.headers_mut().append(header::SET_COOKIE, gone);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str) -> Option<Flash> {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, value.parse().unwrap());
        Flash::read(&headers)
    }

    #[test]
    fn only_keys_and_own_addresses_are_taken_from_the_cookie() {
        assert_eq!(
            read("flash=case-sent|/cases/1/back")
                .unwrap()
                .undo
                .as_deref(),
            Some("/cases/1/back")
        );
        assert_eq!(read("flash=case-sent|//evil.example").unwrap().undo, None);
        assert_eq!(read("flash=<b>|"), None);
    }
}
