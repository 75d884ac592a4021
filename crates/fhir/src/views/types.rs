//! The data types that views are made of.

use super::redacted;
use crate::json::Json;

redacted!(
    Coding, Concept, Quantity, Reference, Identifier, HumanName, Attachment, When
);

/// A text member, owned.
pub(super) fn text<'a, J: Json<'a>>(v: J, key: &str) -> Option<String> {
    v.str_at(key).map(str::to_owned)
}
/// A list of a data type.
pub(super) fn list<'a, J: Json<'a>, T>(v: J, key: &str, of: impl Fn(J) -> T) -> Vec<T> {
    v.list(key).map(of).collect()
}
/// A member of a data type.
pub(super) fn one<'a, J: Json<'a>, T>(v: J, key: &str, of: impl Fn(J) -> T) -> Option<T> {
    v.get(key).map(of)
}
/// The texts of an Annotation list.
pub(super) fn notes<'a, J: Json<'a>>(v: J) -> Vec<String> {
    v.list("note").filter_map(|n| text(n, "text")).collect()
}
/// The one code of a CodeableConcept such as `clinicalStatus`.
pub(super) fn status<'a, J: Json<'a>>(v: J, key: &str) -> Option<String> {
    v.get(key)?.list("coding").find_map(|c| text(c, "code"))
}

#[derive(Clone, PartialEq, Eq, Default)]
pub struct Coding {
    pub system: Option<String>,
    pub code: Option<String>,
    pub display: Option<String>,
}

impl Coding {
    pub fn from_value<'a>(v: impl Json<'a>) -> Self {
        Self {
            system: text(v, "system"),
            code: text(v, "code"),
            display: text(v, "display"),
        }
    }
}

/// CodeableConcept
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Concept {
    pub codings: Vec<Coding>,
    pub text: Option<String>,
}

impl Concept {
    pub fn from_value<'a>(v: impl Json<'a>) -> Self {
        Self {
            codings: list(v, "coding", Coding::from_value),
            text: text(v, "text"),
        }
    }
    /// What to show: the text, else a display, else a code. Empty when there is nothing.
    pub fn display(&self) -> &str {
        self.text
            .as_deref()
            .or_else(|| self.codings.iter().find_map(|c| c.display.as_deref()))
            .or_else(|| self.codings.iter().find_map(|c| c.code.as_deref()))
            .unwrap_or_default()
    }
    /// The code in one system.
    pub fn code_in(&self, system: &str) -> Option<&str> {
        self.codings
            .iter()
            .find(|c| c.system.as_deref() == Some(system))?
            .code
            .as_deref()
    }
    pub fn is_empty(&self) -> bool {
        self.display().is_empty()
    }
}

#[derive(Clone, PartialEq, Eq, Default)]
pub struct Quantity {
    /// As written: `1.10`. From a `serde_json::Value` trailing zeros are lost; read views from [`crate::raw`] where
    /// they matter.
    pub value: Option<String>,
    /// `<`, `<=`, `>=`, `>`
    pub comparator: Option<String>,
    /// As printed.
    pub unit: Option<String>,
    pub system: Option<String>,
    /// UCUM, if the system says so.
    pub code: Option<String>,
}

impl Quantity {
    pub fn from_value<'a>(v: impl Json<'a>) -> Self {
        Self {
            value: v.get("value").and_then(Json::number).map(Into::into),
            comparator: text(v, "comparator"),
            unit: text(v, "unit"),
            system: text(v, "system"),
            code: text(v, "code"),
        }
    }
    pub fn number(&self) -> Option<f64> {
        self.value.as_deref()?.parse().ok()
    }
    /// The unit to show: as printed, else coded.
    pub fn unit_text(&self) -> &str {
        self.unit
            .as_deref()
            .or(self.code.as_deref())
            .unwrap_or_default()
    }
    /// The UCUM code.
    pub fn ucum(&self) -> Option<&str> {
        (self.system.as_deref() == Some("http://unitsofmeasure.org"))
            .then_some(self.code.as_deref())
            .flatten()
    }
}

#[derive(Clone, PartialEq, Eq, Default)]
pub struct Reference {
    /// `Patient/1`, `#a` or absolute.
    pub reference: Option<String>,
    pub identifier: Option<Identifier>,
    pub display: Option<String>,
}

impl Reference {
    pub fn from_value<'a>(v: impl Json<'a>) -> Self {
        Self {
            reference: text(v, "reference"),
            identifier: v.get("identifier").map(Identifier::shallow),
            display: text(v, "display"),
        }
    }
    /// The id, when it points at that type.
    pub fn id_of(&self, kind: &str) -> Option<&str> {
        use crate::reference::Parsed::{Absolute, Relative};
        match crate::reference::parse(self.reference.as_deref()?) {
            Relative { kind: k, id, .. } | Absolute { kind: k, id, .. } if k == kind => Some(id),
            _ => None,
        }
    }
}

#[derive(Clone, PartialEq, Eq, Default)]
pub struct Identifier {
    pub r#use: Option<String>,
    pub system: Option<String>,
    pub value: String,
    /// Code of HL7 v2 table 0203 (`MR`, `NI`, `PPN`).
    pub kind: Option<String>,
    /// What the kind is called.
    pub kind_text: Option<String>,
    /// Who issued it.
    pub assigner: Option<String>,
}

impl Identifier {
    pub fn from_value<'a>(v: impl Json<'a>) -> Self {
        let kind = v.get("type").map(Concept::from_value);
        Self {
            assigner: v.get("assigner").and_then(|a| text(a, "display")),
            kind: kind
                .as_ref()
                .and_then(|k| k.codings.iter().find_map(|c| c.code.clone())),
            kind_text: kind
                .as_ref()
                .map(|k| k.display().to_owned())
                .filter(|t| !t.is_empty()),
            ..Self::shallow(v)
        }
    }
    fn shallow<'a>(v: impl Json<'a>) -> Self {
        Self {
            r#use: text(v, "use"),
            system: text(v, "system"),
            value: text(v, "value").unwrap_or_default(),
            ..Self::default()
        }
    }
}

#[derive(Clone, PartialEq, Eq, Default)]
pub struct HumanName {
    pub r#use: Option<String>,
    pub text: Option<String>,
    pub family: Option<String>,
    pub given: Vec<String>,
    pub prefix: Vec<String>,
    pub suffix: Vec<String>,
}

impl HumanName {
    pub fn from_value<'a>(v: impl Json<'a>) -> Self {
        let texts = |key: &str| {
            v.list(key)
                .filter_map(Json::text)
                .map(str::to_owned)
                .collect()
        };
        Self {
            r#use: text(v, "use"),
            text: text(v, "text"),
            family: text(v, "family"),
            given: texts("given"),
            prefix: texts("prefix"),
            suffix: texts("suffix"),
        }
    }
    /// The name as it is written: the text if there is one; family name first and without a blank in Han script; else
    /// given names, then family name.
    pub fn display(&self) -> String {
        if let Some(text) = self.text.as_deref().filter(|t| !t.is_empty()) {
            return text.to_owned();
        }
        let family = self.family.as_deref().unwrap_or_default();
        if family.chars().any(is_han) {
            return format!("{family}{}", self.given.concat());
        }
        let mut parts: Vec<&str> = self.given.iter().map(String::as_str).collect();
        parts.push(family);
        parts.retain(|p| !p.is_empty());
        parts.join(" ")
    }
    /// True when every letter is Latin.
    pub fn is_latin(&self) -> bool {
        let shown = self.display();
        !shown.is_empty() && shown.chars().filter(|c| c.is_alphabetic()).all(is_latin)
    }
}

fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{9FFF}' | '\u{20000}'..='\u{323AF}')
}
fn is_latin(c: char) -> bool {
    matches!(c, 'A'..='Z' | 'a'..='z' | '\u{AA}'..='\u{24F}' | '\u{1E00}'..='\u{1EFF}')
}

/// A dateTime or a Period, as written.
#[derive(Clone, PartialEq, Eq)]
pub enum When {
    At(String),
    Between {
        start: Option<String>,
        end: Option<String>,
    },
    /// An age, a range or words.
    Said(String),
}

impl When {
    /// A choice such as `effective[x]`, `onset[x]`, `performed[x]`.
    pub fn choice<'a>(v: impl Json<'a>, name: &str) -> Option<Self> {
        let member = |of: &str| v.get(&format!("{name}{of}"));
        if let Some(at) = ["DateTime", "Instant", "Date"]
            .into_iter()
            .find_map(member)
            .and_then(Json::text)
        {
            return Some(Self::At(at.to_owned()));
        }
        if let Some(p) = member("Period") {
            return Some(Self::Between {
                start: text(p, "start"),
                end: text(p, "end"),
            });
        }
        if let Some(age) = member("Age").map(Quantity::from_value) {
            return Some(Self::Said(format!(
                "{} {}",
                age.value.as_deref().unwrap_or_default(),
                age.unit_text()
            )));
        }
        member("String")
            .and_then(Json::text)
            .map(|t| Self::Said(t.to_owned()))
    }
    /// A Period element.
    pub fn period<'a>(v: impl Json<'a>) -> Self {
        Self::Between {
            start: text(v, "start"),
            end: text(v, "end"),
        }
    }
    /// The text that puts it in order: the moment, or the start, or the end.
    pub fn first(&self) -> Option<&str> {
        match self {
            Self::At(at) => Some(at),
            Self::Between { start, end } => start.as_deref().or(end.as_deref()),
            Self::Said(_) => None,
        }
    }
}

#[derive(Clone, PartialEq, Eq, Default)]
pub struct Attachment {
    pub content_type: Option<String>,
    pub language: Option<String>,
    /// `Binary/1`, absolute, or none when the data is inline.
    pub url: Option<String>,
    /// Inline content, base64.
    pub data: Option<String>,
    pub title: Option<String>,
    /// Bytes.
    pub size: Option<u64>,
    /// SHA-1, base64.
    pub hash: Option<String>,
    pub creation: Option<String>,
}

impl Attachment {
    pub fn from_value<'a>(v: impl Json<'a>) -> Self {
        Self {
            content_type: text(v, "contentType"),
            language: text(v, "language"),
            url: text(v, "url"),
            data: text(v, "data"),
            title: text(v, "title"),
            size: v
                .get("size")
                .and_then(Json::number)
                .and_then(|n| n.parse().ok()),
            hash: text(v, "hash"),
            creation: text(v, "creation"),
        }
    }
}
