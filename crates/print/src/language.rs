//! The languages a print can be in, and dates as the templates take them.

use jiff::Zoned;
use jiff::civil::Date;
use serde::{Deserialize, Serialize, Serializer};

/// The reader's language: headings, labels and dates are in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Language {
    #[serde(rename = "en")]
    English,
    #[serde(rename = "zh-CN")]
    Chinese,
    #[serde(rename = "ru")]
    Russian,
    #[serde(rename = "ar")]
    Arabic,
    #[serde(rename = "ug")]
    Uyghur,
    #[serde(rename = "kk")]
    Kazakh,
}

impl Language {
    pub const ALL: [Self; 6] = [
        Self::English,
        Self::Chinese,
        Self::Russian,
        Self::Arabic,
        Self::Uyghur,
        Self::Kazakh,
    ];

    /// BCP 47 tag.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Chinese => "zh-CN",
            Self::Russian => "ru",
            Self::Arabic => "ar",
            Self::Uyghur => "ug",
            Self::Kazakh => "kk",
        }
    }

    /// The language for a BCP 47 tag; only its primary part counts. None if there are no words for it.
    pub fn from_tag(tag: &str) -> Option<Self> {
        let primary = tag
            .split(['-', '_'])
            .next()
            .unwrap_or_default()
            .to_ascii_lowercase();
        Self::ALL
            .into_iter()
            .find(|l| l.tag().split('-').next() == Some(primary.as_str()))
    }

    /// The language's name for itself, for a menu.
    pub const fn own_name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::Chinese => "简体中文",
            Self::Russian => "Русский",
            Self::Arabic => "العربية",
            Self::Uyghur => "ئۇيغۇرچە",
            Self::Kazakh => "Қазақша",
        }
    }

    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::English => include_str!("../words/en.json"),
            Self::Chinese => include_str!("../words/zh-CN.json"),
            Self::Russian => include_str!("../words/ru.json"),
            Self::Arabic => include_str!("../words/ar.json"),
            Self::Uyghur => include_str!("../words/ug.json"),
            Self::Kazakh => include_str!("../words/kk.json"),
        }
    }
}

#[derive(Serialize)]
struct Parts<'a> {
    year: i16,
    month: i8,
    day: i8,
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    zone: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<String>,
}

/// Writes a date as the templates read it.
pub(crate) fn day<S: Serializer>(date: &Date, s: S) -> Result<S::Ok, S::Error> {
    day_parts(*date).serialize(s)
}

/// [`moment`] where there may be none.
pub(crate) fn maybe_moment<S: Serializer>(at: &Option<Zoned>, s: S) -> Result<S::Ok, S::Error> {
    struct Moment<'a>(&'a Zoned);
    impl Serialize for Moment<'_> {
        fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
            moment(self.0, s)
        }
    }
    at.as_ref().map(Moment).serialize(s)
}

/// [`day`] where the date may not be known.
pub(crate) fn maybe_day<S: Serializer>(date: &Option<Date>, s: S) -> Result<S::Ok, S::Error> {
    date.map(day_parts).serialize(s)
}

fn day_parts(date: Date) -> Parts<'static> {
    Parts {
        year: date.year(),
        month: date.month(),
        day: date.day(),
        time: None,
        zone: None,
        offset: None,
    }
}

/// Writes an instant in its zone as the templates read it.
pub(crate) fn moment<S: Serializer>(at: &Zoned, s: S) -> Result<S::Ok, S::Error> {
    let offset = at.offset().seconds();
    let (sign, minutes) = (if offset < 0 { '−' } else { '+' }, offset.abs() / 60);
    Parts {
        year: at.year(),
        month: at.month(),
        day: at.day(),
        time: Some(format!("{:02}:{:02}", at.hour(), at.minute())),
        zone: Some(at.time_zone().iana_name().unwrap_or_default()),
        offset: Some(format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60)),
    }
    .serialize(s)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_finds_its_language_by_the_primary_part() {
        assert_eq!(Language::from_tag("zh-Hans-CN"), Some(Language::Chinese));
        assert_eq!(Language::from_tag("EN_gb"), Some(Language::English));
        assert_eq!(Language::from_tag("fr"), None);
        assert_eq!(Language::from_tag(""), None);
    }

    #[test]
    fn every_language_has_every_word() {
        let keys = |l: Language| -> Vec<String> {
            let words: serde_json::Map<String, serde_json::Value> =
                serde_json::from_str(l.words()).unwrap();
            words.keys().cloned().collect()
        };
        for l in Language::ALL {
            assert_eq!(keys(l), keys(Language::English), "{}", l.tag());
        }
    }
}
