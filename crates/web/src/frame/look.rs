//! How the reader wants pages to look: language, theme, contrast. Kept in cookies, changed by plain forms.

use axum::http::{HeaderMap, header};

use crate::words::Lang;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    pub lang: Lang,
    /// `None`: as the system is set.
    pub theme: Option<Theme>,
    pub more_contrast: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Theme {
    Light,
    Dark,
}

impl Theme {
    pub const fn code(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
    pub fn from_code(code: &str) -> Option<Self> {
        match code {
            "light" => Some(Self::Light),
            "dark" => Some(Self::Dark),
            _ => None,
        }
    }
}

impl Look {
    /// Cookie first, then what the browser asks for, then English.
    pub fn read(headers: &HeaderMap) -> Self {
        let accepted = headers
            .get(header::ACCEPT_LANGUAGE)
            .and_then(|v| v.to_str().ok())
            .unwrap_or_default();
        Self {
            lang: cookie(headers, "lang")
                .and_then(Lang::from_tag)
                .or_else(|| Lang::from_accept(accepted))
                .unwrap_or(Lang::En),
            theme: cookie(headers, "theme").and_then(Theme::from_code),
            more_contrast: cookie(headers, "contrast") == Some("more"),
        }
    }
}

/// The value of a cookie (RFC 6265 §5.4).
pub fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|v| v.to_str().ok())
        .flat_map(|v| v.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(n, _)| *n == name)
        .map(|(_, v)| v)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(header::HeaderName, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(n, v)| (n.clone(), v.parse().unwrap()))
            .collect()
    }

    #[test]
    fn a_chosen_language_wins_over_the_browsers() {
        let h = headers(&[
            (header::COOKIE, "a=b; lang=zh-CN"),
            (header::ACCEPT_LANGUAGE, "en"),
        ]);
        assert_eq!(Look::read(&h).lang, Lang::ZhCn);
    }

    #[test]
    fn without_a_choice_the_browser_is_heard() {
        let h = headers(&[(header::ACCEPT_LANGUAGE, "zh-CN,zh;q=0.9")]);
        assert_eq!(Look::read(&h).lang, Lang::ZhCn);
        assert_eq!(Look::read(&HeaderMap::new()).lang, Lang::En);
    }
}
