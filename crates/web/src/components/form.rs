//! Form fields: label, hint, error, control, always in that order. They work without scripts.

use maud::{Markup, Render, html};

use super::icon::icon;
use crate::args;
use crate::words::Words;

/// What came back wrong, per field, in the order of the form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Errors(Vec<(String, String)>);

impl Errors {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    /// `field` is the control's id; `text` says what to do, in the reader's language.
    pub fn add(&mut self, field: impl Into<String>, text: impl Into<String>) {
        self.0.push((field.into(), text.into()));
    }
    /// What is wrong on another page: leads there.
    pub fn add_link(&mut self, address: impl Into<String>, text: impl Into<String>) {
        self.0.push((address.into(), text.into()));
    }
    pub fn of(&self, field: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(f, _)| f == field)
            .map(|(_, t)| t.as_str())
    }
    /// Every field with what is wrong, in the order of the form.
    pub fn into_pairs(self) -> Vec<(String, String)> {
        self.0
    }
    /// Takes what came back for one of several files under one field, with the file's name before it.
    pub fn gather(&mut self, field: &str, name: &str, found: &Self) {
        for (_, text) in &found.0 {
            self.add(field, format!("{name}: {text}"));
        }
    }
    /// The summary above the form: each entry leads to its field.
    pub fn summary(&self, w: &Words) -> Markup {
        html! {
            @if !self.is_empty() {
                div class="problems" role="alert" tabindex="-1" aria-labelledby="problems-h" {
                    h2 id="problems-h" { (w.f("form-problems", args!["n" => self.0.len()])) }
                    ul class="plain" { @for (field, text) in &self.0 { li { a href=(if field.starts_with('/') { field.clone() } else { format!("#{field}") }) { (text) } } } }
                }
            }
        }
    }
}

/// The hidden field that proves a form came from our own page.
pub fn csrf(token: &str) -> Markup {
    html! { input type="hidden" name="csrf" value=(token); }
}

/// One labelled control. `name` is also its id.
#[derive(Debug, Clone, Default)]
pub struct Field<'a> {
    name: &'a str,
    label: String,
    hint: Option<String>,
    error: Option<String>,
    value: String,
    kind: &'a str,
    autocomplete: Option<&'a str>,
    inputmode: Option<&'a str>,
    lang: Option<&'a str>,
    maxlength: Option<usize>,
    required: bool,
    readonly: bool,
    class: &'a str,
    hide_label: bool,
    id: Option<String>,
}

impl<'a> Field<'a> {
    pub fn new(name: &'a str, label: impl Into<String>) -> Self {
        Self {
            name,
            label: label.into(),
            kind: "text",
            ..Self::default()
        }
    }
    pub fn hint(mut self, text: impl Into<String>) -> Self {
        self.hint = Some(text.into());
        self
    }
    /// Takes this field's error from what came back.
    pub fn errors(mut self, errors: &Errors) -> Self {
        self.error = errors.of(self.name).map(str::to_owned);
        self
    }
    pub fn value(mut self, value: impl Into<String>) -> Self {
        self.value = value.into();
        self
    }
    /// HTML input type: `password`, `email`, `date`, `file`, …
    pub fn kind(mut self, kind: &'a str) -> Self {
        self.kind = kind;
        self
    }
    pub fn autocomplete(mut self, value: &'a str) -> Self {
        self.autocomplete = Some(value);
        self
    }
    pub fn inputmode(mut self, value: &'a str) -> Self {
        self.inputmode = Some(value);
        self
    }
    pub fn lang(mut self, tag: &'a str) -> Self {
        self.lang = Some(tag);
        self
    }
    pub fn maxlength(mut self, n: usize) -> Self {
        self.maxlength = Some(n);
        self
    }
    pub fn required(mut self) -> Self {
        self.required = true;
        self
    }
    /// Shown and sent, but not to be changed.
    pub fn readonly(self) -> Self {
        self.readonly_if(true)
    }
    pub fn readonly_if(mut self, readonly: bool) -> Self {
        self.readonly = readonly;
        self
    }
    /// More classes on the control: `signed`, `code`.
    pub fn class(mut self, class: &'a str) -> Self {
        self.class = class;
        self
    }
    /// The label is read aloud but not drawn.
    pub fn hide_label(mut self) -> Self {
        self.hide_label = true;
        self
    }
    /// An id other than the name, where two forms on a page share a name.
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    fn own_id(&self) -> &str {
        self.id.as_deref().unwrap_or(self.name)
    }

    fn described(&self) -> Option<String> {
        let id = self.own_id();
        let hint = self.hint.as_ref().map(|_| format!("{id}-hint"));
        let error = self.error.as_ref().map(|_| format!("{id}-error"));
        let all: Vec<String> = [hint, error].into_iter().flatten().collect();
        (!all.is_empty()).then(|| all.join(" "))
    }

    fn frame(&self, control: &Markup) -> Markup {
        let id = self.own_id();
        html! {
            div class="field" {
                label for=(id) class=[self.hide_label.then_some("vh")] { (self.label) }
                @if let Some(hint) = &self.hint { p class="hint" id={ (id) "-hint" } { (hint) } }
                @if let Some(error) = &self.error { p class="error" id={ (id) "-error" } { (error) } }
                (control)
            }
        }
    }

    /// A one-line field.
    pub fn input(self) -> Markup {
        let control = html! {
            input class={ "input " (self.class) } id=(self.own_id()) name=(self.name) type=(self.kind)
                value=[(self.kind != "password" && self.kind != "file").then_some(&self.value)]
                autocomplete=[self.autocomplete] inputmode=[self.inputmode] lang=[self.lang] maxlength=[self.maxlength]
                required[self.required] readonly[self.readonly] aria-invalid=[self.error.as_ref().map(|_| "true")] aria-describedby=[self.described()];
        };
        self.frame(&control)
    }

    /// A field of several lines that grows with its text.
    pub fn area(self, rows: u8) -> Markup {
        let control = html! {
            textarea class={ "input " (self.class) } id=(self.own_id()) name=(self.name) rows=(rows) lang=[self.lang]
                maxlength=[self.maxlength] required[self.required]
                aria-invalid=[self.error.as_ref().map(|_| "true")] aria-describedby=[self.described()] { (self.value) }
        };
        self.frame(&control)
    }

    /// One of several, by (value, words).
    pub fn select<V: AsRef<str>, T: AsRef<str>>(self, options: &[(V, T)]) -> Markup {
        let control = html! {
            select class={ "input " (self.class) } id=(self.own_id()) name=(self.name) required[self.required]
                aria-invalid=[self.error.as_ref().map(|_| "true")] aria-describedby=[self.described()] {
                @for (value, words) in options {
                    option value=(value.as_ref()) selected[value.as_ref() == self.value] { (words.as_ref()) }
                }
            }
        };
        self.frame(&control)
    }
}

/// One answer to a question with few answers.
#[derive(Debug, Clone)]
pub struct Choice {
    pub value: String,
    pub label: Markup,
    pub note: Option<Markup>,
    pub disabled: bool,
    /// Stands above this choice, where a long list has groups.
    pub heading: Option<String>,
}

impl Choice {
    pub fn new(value: impl Into<String>, label: impl Render) -> Self {
        Self {
            value: value.into(),
            label: label.render(),
            note: None,
            disabled: false,
            heading: None,
        }
    }
    pub fn note(mut self, note: impl Render) -> Self {
        self.note = Some(note.render());
        self
    }
    pub fn heading(mut self, heading: Option<String>) -> Self {
        self.heading = heading;
        self
    }
    pub fn disabled(mut self, disabled: bool) -> Self {
        self.disabled = disabled;
        self
    }
}

/// A question answered by choosing (radio buttons, or check boxes when `many`).
#[derive(Debug, Clone)]
pub struct Choices<'a> {
    pub name: &'a str,
    pub legend: String,
    pub hint: Option<String>,
    pub chosen: &'a [String],
    pub many: bool,
    /// Framed, for choices that carry notes.
    pub framed: bool,
}

impl Choices<'_> {
    pub fn draw(&self, errors: &Errors, choices: &[Choice]) -> Markup {
        let error = errors.of(self.name);
        let kind = if self.many { "checkbox" } else { "radio" };
        let described = error.map(|_| format!("{}-error", self.name));
        html! {
            fieldset id=(self.name) aria-invalid=[error.map(|_| "true")] aria-describedby=[described] {
                legend { (self.legend) }
                div class=(if self.framed { "stack tightly" } else { "stack none" }) {
                    @if let Some(hint) = &self.hint { p class="hint" { (hint) } }
                    @if let Some(error) = error { p class="error" id={ (self.name) "-error" } { (error) } }
                    @for choice in choices {
                        @if let Some(heading) = &choice.heading { h3 class="group" { (heading) } }
                        label class=(if self.framed { "check choice" } else { "check" }) {
                            input type=(kind) name=(self.name) value=(choice.value) disabled[choice.disabled]
                                checked[self.chosen.contains(&choice.value)];
                            span { (choice.label) }
                            @if let Some(note) = &choice.note { small { (note) } }
                        }
                    }
                }
            }
        }
    }
}

/// A single statement to agree to.
pub fn check(name: &str, label: impl Render, checked: bool, errors: &Errors) -> Markup {
    let error = errors.of(name);
    html! {
        div class="field" {
            @if let Some(error) = error { p class="error" id={ (name) "-error" } { (error) } }
            label class="check" {
                input type="checkbox" id=(name) name=(name) value="yes" checked[checked]
                    aria-invalid=[error.map(|_| "true")] aria-describedby=[error.map(|_| format!("{name}-error"))];
                span { (label) }
            }
        }
    }
}

/// Files by choosing or dropping. Needs `enctype="multipart/form-data"` on its form.
pub fn files(
    name: &str,
    label: &str,
    hint: &str,
    accept: &str,
    many: bool,
    errors: &Errors,
) -> Markup {
    let error = errors.of(name);
    html! {
        div class="field" {
            @if let Some(error) = error { p class="error" id={ (name) "-error" } { (error) } }
            label class="state drop" for=(name) {
                (icon("upload")) b { (label) } span class="hint" { (hint) }
                input id=(name) name=(name) type="file" accept=(accept) multiple[many] aria-invalid=[error.map(|_| "true")];
                span class="small" data-names {}
            }
        }
    }
}
