//! Every word on a page comes from `locales/<language>/*.ftl` (Project Fluent), through [`Words`].

use std::borrow::Cow;
use std::collections::HashMap;

use fluent_templates::fluent_bundle::FluentValue;
use fluent_templates::{Loader, static_loader};
use unic_langid::{LanguageIdentifier, langid};

static_loader! {
    static LOCALES = {
        locales: "./locales",
        fallback_language: "en",
        // Names and numbers are isolated in the markup with <bdi>, not with invisible characters.
        customise: |bundle| bundle.set_use_isolating(false),
    };
}

static EN: LanguageIdentifier = langid!("en");
static ZH_CN: LanguageIdentifier = langid!("zh-CN");

/// The languages pages are complete in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lang {
    En,
    ZhCn,
}

impl Lang {
    pub const ALL: [Self; 2] = [Self::En, Self::ZhCn];

    /// BCP 47 tag as used in cookies, `lang` attributes and our own documents.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::ZhCn => "zh-CN",
        }
    }

    /// The language's name in itself.
    pub const fn own_name(self) -> &'static str {
        match self {
            Self::En => "English",
            Self::ZhCn => "简体中文",
        }
    }

    /// Text direction (HTML `dir`).
    pub const fn dir(self) -> &'static str {
        "ltr"
    }

    /// From a tag as a person, cookie or profile gives it; any Chinese is read as Simplified.
    pub fn from_tag(tag: &str) -> Option<Self> {
        let primary = tag.split(['-', '_']).next().unwrap_or_default();
        match primary.to_ascii_lowercase().as_str() {
            "en" => Some(Self::En),
            "zh" => Some(Self::ZhCn),
            _ => None,
        }
    }

    /// The first language of an `Accept-Language` field (RFC 9110 §12.5.4) that pages exist in, by weight.
    pub fn from_accept(field: &str) -> Option<Self> {
        let mut best: Option<(f32, Self)> = None;
        for part in field.split(',') {
            let mut pieces = part.trim().split(';');
            let Some(lang) = pieces.next().and_then(Self::from_tag) else {
                continue;
            };
            let weight = pieces
                .find_map(|p| p.trim().strip_prefix("q=")?.parse::<f32>().ok())
                .unwrap_or(1.0);
            if best.is_none_or(|(w, _)| weight > w) {
                best = Some((weight, lang));
            }
        }
        best.map(|(_, lang)| lang)
    }

    fn id(self) -> &'static LanguageIdentifier {
        match self {
            Self::En => &EN,
            Self::ZhCn => &ZH_CN,
        }
    }
}

/// Looks words up in one language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Words {
    pub lang: Lang,
}

/// A value put into a message.
#[derive(Debug, Clone)]
pub enum Arg<'a> {
    /// A count; chooses the plural form.
    Count(i64),
    Text(Cow<'a, str>),
}

impl<'a> From<&'a str> for Arg<'a> {
    fn from(v: &'a str) -> Self {
        Self::Text(v.into())
    }
}
impl<'a> From<&'a String> for Arg<'a> {
    fn from(v: &'a String) -> Self {
        Self::Text(v.as_str().into())
    }
}
impl From<String> for Arg<'_> {
    fn from(v: String) -> Self {
        Self::Text(v.into())
    }
}
impl From<i64> for Arg<'_> {
    fn from(v: i64) -> Self {
        Self::Count(v)
    }
}
impl From<u64> for Arg<'_> {
    fn from(n: u64) -> Self {
        usize::try_from(n).unwrap_or(usize::MAX).into()
    }
}
impl From<usize> for Arg<'_> {
    fn from(v: usize) -> Self {
        Self::Count(i64::try_from(v).unwrap_or(i64::MAX))
    }
}
impl From<u32> for Arg<'_> {
    fn from(v: u32) -> Self {
        Self::Count(v.into())
    }
}

impl Words {
    pub const fn new(lang: Lang) -> Self {
        Self { lang }
    }

    /// The message `key`. A key that does not exist shows as itself; a test keeps that from happening.
    pub fn t(&self, key: &str) -> String {
        LOCALES
            .try_lookup(self.lang.id(), key)
            .unwrap_or_else(|| key.to_owned())
    }

    /// The message `key` with its arguments.
    pub fn f<'a, const N: usize>(&self, key: &str, args: [(&'static str, Arg<'a>); N]) -> String {
        let map: HashMap<Cow<'static, str>, FluentValue<'_>> = args
            .into_iter()
            .map(|(name, arg)| {
                let value = match arg {
                    Arg::Count(n) => FluentValue::from(n),
                    Arg::Text(s) => FluentValue::String(s),
                };
                (Cow::Borrowed(name), value)
            })
            .collect();
        LOCALES
            .try_lookup_with_args(self.lang.id(), key, &map)
            .unwrap_or_else(|| key.to_owned())
    }

    /// The message `key` with arguments whose names are data. `None` when there is no such message.
    pub fn with(&self, key: &str, args: &[(String, String)]) -> Option<String> {
        let map: HashMap<Cow<'static, str>, FluentValue<'_>> = args
            .iter()
            .map(|(name, value)| {
                (
                    Cow::Owned(name.clone()),
                    FluentValue::String(value.as_str().into()),
                )
            })
            .collect();
        LOCALES.try_lookup_with_args(self.lang.id(), key, &map)
    }

    /// The word for a code of a fixed set: `word("urgency", "urgent")` is the message `urgency-urgent`.
    pub fn word(&self, set: &str, code: &str) -> String {
        self.t(&format!("{set}-{code}"))
    }

    /// Like [`Words::word`], for sets that others may extend: an unknown code gives nothing.
    pub fn word_if(&self, set: &str, code: &str) -> Option<String> {
        LOCALES.try_lookup(self.lang.id(), &format!("{set}-{code}"))
    }

    /// Between the items of a list: `, ` or `、`.
    pub fn list(&self, items: impl IntoIterator<Item = impl AsRef<str>>) -> String {
        let between = self.t("list-between");
        let mut text = String::new();
        for item in items {
            if !text.is_empty() {
                text.push_str(&between);
            }
            text.push_str(item.as_ref());
        }
        text
    }
}

/// Arguments for [`Words::f`]: `args!["n" => 3usize, "who" => name]`.
#[macro_export]
macro_rules! args {
    ($($name:literal => $value:expr),* $(,)?) => { [$(($name, $crate::words::Arg::from($value))),*] };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reader_gets_the_language_they_weigh_most() {
        assert_eq!(
            Lang::from_accept("fr, zh-TW;q=0.8, en;q=0.9"),
            Some(Lang::En)
        );
        assert_eq!(
            Lang::from_accept("zh-CN,zh;q=0.9,en;q=0.8"),
            Some(Lang::ZhCn)
        );
        assert_eq!(Lang::from_accept("fr"), None);
    }
}
