//! A reader's own phrases.

use app::readings::Phrase;
use axum::extract::State;
use maud::{Markup, html};

use crate::components::count;
use crate::components::form::{Errors, Field};
use crate::components::state;
use crate::frame::flash::done;
use crate::frame::form::Fields;
use crate::frame::{PageCx, PageResult, WebState, refused};
use crate::shell::Shell;

pub const PHRASES: &str = "/readings/phrases";

pub async fn page(State(state): State<WebState>, cx: PageCx) -> PageResult {
    draw(&state, &cx, &Fields::default(), &Errors::default()).await
}

async fn draw(state: &WebState, cx: &PageCx, typed: &Fields, errors: &Errors) -> PageResult {
    let w = &cx.words();
    let all = state.app.own_phrases(cx.cx()?).await?;
    let title = w.t("phrases-title");
    // A phrase is changed where it was written: its word fills the form.
    let chosen = cx.query_value("word").unwrap_or_default();
    let chosen = all.iter().find(|p| p.word == chosen);
    let value = |name: &str, kept: Option<&String>| match typed.some(name) {
        Some(given) => given.to_owned(),
        None => kept.cloned().unwrap_or_default(),
    };
    let main = html! {
        div class="stack" {
            p class="small" { a href="/readings" { (w.t("nav-readings")) } }
            div class="stack tightly" { h1 { (title) } p class="soft prose" { (w.t("phrases-lead")) } }
            form class="card" method="post" action=(PHRASES) {
                header { h2 { (w.t(if chosen.is_some() { "phrases-change" } else { "phrases-new" })) } }
                div class="body stack" {
                    (errors.summary(w))
                    (cx.csrf())
                    (Field::new("word", w.t("phrases-word")).hint(w.t("phrases-word-hint")).value(value("word", chosen.map(|p| &p.word))).errors(errors).maxlength(33).autocomplete("off").required().input())
                    (Field::new("text", w.t("phrases-text")).value(value("text", chosen.map(|p| &p.text))).errors(errors).maxlength(kernel::limits::TEXT_CHARS_MAX).required().area(4))
                    div class="row" { button class="btn primary" { (w.t("phrases-keep")) } }
                }
            }
            (list(cx, &all))
        }
    };
    let answer = Shell::new(cx, &title).class("narrow stack").draw(&main);
    Ok(if errors.is_empty() {
        answer
    } else {
        refused(answer)
    })
}

fn list(cx: &PageCx, all: &[Phrase]) -> Markup {
    let w = &cx.words();
    html! {
        section class="card" aria-labelledby="phrases-h" {
            header { h2 id="phrases-h" { (w.t("phrases-yours")) } (count(all.len())) }
            @if all.is_empty() { (state::empty("sign", &w.t("phrases-none"), &w.t("phrases-none-more"), None)) }
            @else { ul class="readers" { @for p in all { li class="stack none" {
                div class="row apart" {
                    code { "/" bdi { (p.word) } }
                    span class="row" {
                        a class="btn" href={ (PHRASES) "?word=" (crate::frame::route::encode(&p.word)) } { (w.t("phrases-edit")) span class="vh" { " /" (p.word) } }
                        form method="post" action={ (PHRASES) "/drop" } { (cx.csrf()) input type="hidden" name="word" value=(p.word);
                            button class="btn quiet" { (w.t("phrases-drop")) span class="vh" { " /" (p.word) } } }
                    }
                }
                p class="prose said small" { (p.text) }
            } } } }
        }
    }
}

pub async fn keep(State(state): State<WebState>, cx: PageCx, fields: Fields) -> PageResult {
    let phrase = Phrase {
        word: fields.get("word").to_owned(),
        text: fields.raw("text").replace("\r\n", "\n"),
    };
    match state.app.keep_phrase(cx.cx()?, phrase).await {
        Ok(()) => Ok(done(PHRASES, "phrases-kept")),
        Err(e) => {
            let errors = cx.wrong(e)?;
            draw(&state, &cx, &fields, &errors).await
        }
    }
}

pub async fn drop(State(state): State<WebState>, cx: PageCx, fields: Fields) -> PageResult {
    state.app.drop_phrase(cx.cx()?, fields.get("word")).await?;
    Ok(done(PHRASES, "phrases-dropped"))
}
