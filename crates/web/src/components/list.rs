//! Lists: dense tables that become cards on a phone, filters, pages.

use maud::{Markup, Render, html};

use crate::args;
use crate::show::Show;
use crate::words::Words;

/// A column's heading.
#[derive(Debug, Clone)]
pub struct Column {
    pub text: String,
    pub number: bool,
    pub hidden: bool,
}

impl Column {
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            number: false,
            hidden: false,
        }
    }
    pub fn number(text: impl Into<String>) -> Self {
        Self {
            number: true,
            ..Self::new(text)
        }
    }
    /// Named for screen readers only.
    pub fn hidden(text: impl Into<String>) -> Self {
        Self {
            hidden: true,
            ..Self::new(text)
        }
    }
}

/// A table with a caption read aloud. `rows` holds the `tr` elements; the cell that names a row has class `main`.
pub fn table(caption: &str, columns: &[Column], rows: impl Render) -> Markup {
    html! {
        table class="list" {
            caption class="vh" { (caption) }
            thead { tr { @for c in columns {
                th scope="col" class=[c.number.then_some("num")] { @if c.hidden { span class="vh" { (c.text) } } @else { (c.text) } }
            } } }
            tbody { (rows) }
        }
    }
}

/// One filter: its name, words, (value, words) of its options and the value in force.
#[derive(Debug, Clone)]
pub struct Filter<'a> {
    pub name: &'a str,
    pub label: String,
    pub options: Vec<(String, String)>,
    pub value: &'a str,
}

/// Filters over a list, sent by `GET`. `status` says what is shown.
pub fn filters(
    w: &Words,
    address: &str,
    filters: &[Filter<'_>],
    keep: &[(&str, &str)],
    status: &str,
) -> Markup {
    html! {
        form class="filters" method="get" action=(address) aria-label=(w.t("list-filter")) {
            @for (name, value) in keep { input type="hidden" name=(name) value=(value); }
            @for f in filters {
                label { span class="label" { (f.label) }
                    select class="input" name=(f.name) data-go {
                        @for (value, words) in &f.options { option value=(value) selected[value == f.value] { (words) } }
                    }
                }
            }
            button class="btn" { (w.t("list-apply")) }
            span class="push small soft" role="status" { (status) }
        }
    }
}

/// Where the reader stands in a long list.
#[derive(Debug, Clone)]
pub struct Pager {
    /// Items on this page.
    pub shown: usize,
    /// All items, when counting them is allowed and cheap.
    pub total: Option<u64>,
    pub previous: Option<String>,
    pub next: Option<String>,
}

impl Pager {
    pub fn draw(&self, show: &Show) -> Markup {
        let w = &show.words;
        html! {
            @if self.previous.is_some() || self.next.is_some() {
                nav class="pager body row apart small" aria-label=(w.t("pager-label")) {
                    span class="soft" {
                        @match self.total {
                            Some(total) => (w.f("pager-of", args!["n" => show.number(self.shown as u64), "all" => show.number(total)])),
                            None => (w.f("pager-shown", args!["n" => show.number(self.shown as u64)])),
                        }
                    }
                    span class="row" {
                        @if let Some(href) = &self.previous { a rel="prev" href=(href) { (w.t("pager-previous")) } }
                        @if let Some(href) = &self.next { a rel="next" href=(href) { (w.t("pager-next")) } }
                    }
                }
            }
        }
    }
}
