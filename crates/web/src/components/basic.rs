//! Small parts: chips, tiles, marks of priority, notes, facts, crumbs.

use maud::{Markup, html};

use super::icon::{icon, urgency_icon};
use crate::words::Words;

/// What a chip or note says beyond its words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Plain,
    Ok,
    Warn,
    Stop,
}

impl Kind {
    pub const fn code(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Ok => Some("ok"),
            Self::Warn => Some("warn"),
            Self::Stop => Some("stop"),
        }
    }
    const fn icon(self) -> &'static str {
        match self {
            Self::Plain => "info",
            Self::Ok => "check",
            Self::Warn => "warn",
            Self::Stop => "x",
        }
    }
}

/// A short state: shape, word, then colour.
pub fn chip(kind: Kind, text: &str) -> Markup {
    html! { span class="chip" data-k=[kind.code()] { @if kind != Kind::Plain { (icon(kind.icon())) } (text) } }
}

/// A chip with an icon of its own.
pub fn chip_icon(kind: Kind, name: &str, text: impl maud::Render) -> Markup {
    html! { span class="chip" data-k=[kind.code()] { (icon(name)) (text) } }
}

/// A hospital's two-letter tile; its name on hover and to screen readers.
pub fn org(code: &str, name: &str) -> Markup {
    html! { abbr class="org" title=(name) { (code) } }
}

/// The tile with the name beside it.
pub fn org_named(code: &str, name: &str) -> Markup {
    html! { span class="orgname" { span class="org" aria-hidden="true" { (code) } " " (name) } }
}

/// Initials in a disc: the first letters of the first and last part, or the first character of a Han name.
pub fn avatar(name: &str) -> Markup {
    html! { span class="avatar" aria-hidden="true" { (initials(name)) } }
}

fn initials(name: &str) -> String {
    let mut parts = name.split([' ', '·']).filter(|p| !p.is_empty());
    let Some(first) = parts.next().and_then(|p| p.chars().next()) else {
        return String::new();
    };
    let han = ('\u{3400}'..='\u{9fff}').contains(&first);
    let last = parts
        .next_back()
        .and_then(|p| p.chars().next())
        .filter(|_| !han);
    first
        .to_uppercase()
        .chain(last.into_iter().flat_map(char::to_uppercase))
        .collect()
}

/// Urgency (`emergency`, `urgent`, `soon`, `routine`).
pub fn urgency(w: &Words, code: &str) -> Markup {
    html! { span class="urg" data-u=(code) { (urgency_icon(code)) (w.word("urgency", code)) } }
}

/// A sentence that matters, on a tinted ground.
pub fn note(kind: Kind, body: impl maud::Render) -> Markup {
    let role = (kind == Kind::Stop).then_some("alert");
    html! { div class="note" data-k=[kind.code()] role=[role] { (icon(kind.icon())) div { (body) } } }
}

/// A count beside a heading or in a tab.
pub fn count(n: impl std::fmt::Display) -> Markup {
    html! { span class="count" { (n.to_string()) } }
}

/// Terms and what they are.
pub fn facts<T: maud::Render>(rows: &[(String, T)]) -> Markup {
    html! { dl class="facts small" { @for (term, what) in rows { dt { (term) } dd { (what) } } } }
}

/// Where the reader is: (words, address); the last has no address.
pub fn crumbs(w: &Words, way: &[(&str, Option<&str>)]) -> Markup {
    html! {
        nav aria-label=(w.t("here")) { ol class="crumbs" {
            @for (text, address) in way {
                @match address {
                    Some(address) => li { a href=(address) { (text) } },
                    None => li aria-current="page" { (text) },
                }
            }
        } }
    }
}

/// One view among several, each with an address.
#[derive(Debug, Clone)]
pub struct Tab {
    pub href: String,
    pub text: String,
    pub count: Option<u64>,
    pub on: bool,
}

pub fn tabs(label: &str, tabs: &[Tab]) -> Markup {
    html! {
        nav class="tabs" aria-label=(label) {
            @for tab in tabs {
                a href=(tab.href) aria-current=[tab.on.then_some("page")] {
                    (tab.text) @if let Some(n) = tab.count { " " (count(n)) }
                }
            }
        }
    }
}

/// A message that passes, with an optional way back.
pub fn toast(text: &str, undo: Option<(&str, Markup)>) -> Markup {
    html! {
        div class="toast" role="status" {
            (icon("check")) span { (text) }
            @if let Some((address, fields)) = undo { form method="post" action=(address) { (fields) } }
        }
    }
}

/// A question before something that cannot be taken back lightly. The opener is `button[data-dialog=id]`
/// inside a form that leads to a page of its own, so that it works without scripts.
pub fn dialog(id: &str, title: &str, open: bool, body: impl maud::Render) -> Markup {
    html! {
        dialog id=(id) aria-labelledby={ (id) "-h" } data-open[open] {
            div class="stack" { h2 id={ (id) "-h" } { (title) } (body) }
        }
    }
}

/// How far something has come; `label` says what.
pub fn progress(value: u64, max: u64, label: &str) -> Markup {
    html! { progress value=(value) max=(max.max(1)) aria-label=(label) {} }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn initials_suit_the_script_of_the_name() {
        assert_eq!(initials("Gulnar Ehmet"), "GE");
        assert_eq!(initials("王建国"), "王");
        assert_eq!(initials("帕提古丽·买买提"), "帕");
        assert_eq!(initials("Елена Соколова"), "ЕС");
        assert_eq!(initials(""), "");
    }
}
