//! Webhooks of the hospital: registered, watched, paused, given a new secret, removed.

use app::webhooks::{
    Answer, DeliveryLine, HookState, NewWebhook, TOPICS, WebhookLine, WebhookView,
};
use axum::extract::{Path, State};
use axum::response::Response;
use kernel::{Phi, ResourceId};
use maud::{Markup, html};

use super::ADMINISTRATOR;
use crate::args;
use crate::components::form::{Choice, Choices, Errors, Field};
use crate::components::list::{Column, table};
use crate::components::state::empty;
use crate::components::{Kind, chip, facts, note};
use crate::frame::flash::done;
use crate::frame::form::Fields;
use crate::frame::{PageCx, PageError, PageResult, RouteSpec, WebState, get, post, refused};
use crate::shell::Shell;
use crate::words::Words;

pub fn routes() -> Vec<RouteSpec> {
    vec![
        get("/hospital/webhooks/new", ADMINISTRATOR, show_new),
        post("/hospital/webhooks/new", ADMINISTRATOR, add),
        get("/hospital/webhooks/{hook}", ADMINISTRATOR, show),
        post("/hospital/webhooks/{hook}", ADMINISTRATOR, act),
    ]
}

fn state_chip(w: &Words, line: &WebhookLine) -> Markup {
    let kind = match (&line.state, line.failing_since) {
        (HookState::Active, None) => Kind::Ok,
        (HookState::Active, Some(_)) => return chip(Kind::Warn, &w.t("hook-failing")),
        (HookState::Paused, _) => Kind::Plain,
        _ => Kind::Stop,
    };
    chip(kind, &w.word("hook-state", line.state.code()))
}

fn topics(w: &Words, line: &WebhookLine) -> String {
    w.list(line.topics.iter().map(|t| w.word("hook-topic", t)))
}

pub(super) async fn card(state: &WebState, cx: &PageCx) -> Result<Markup, PageError> {
    let w = cx.words();
    let all = state.app.webhooks(cx.cx()?).await?;
    Ok(html! {
        section class="card" id="webhooks" {
            header { h2 { (w.t("hooks-title")) } a class="btn quiet push" href="/hospital/webhooks/new" { (w.t("hooks-new")) } }
            @if all.is_empty() { (empty("upload", &w.t("hooks-none"), &w.t("hooks-none-more"), None)) }
            @for h in &all {
                div class="body row apart" {
                    div {
                        a href={ "/hospital/webhooks/" (h.id) } { b { (h.name) } } " " (state_chip(&w, h))
                        br; span class="soft small" { (topics(&w, h)) }
                    }
                }
            }
        }
    })
}

async fn show_new(cx: PageCx) -> PageResult {
    Ok(draw_new(&cx, &Fields::default(), &Errors::default()))
}

fn draw_new(cx: &PageCx, typed: &Fields, errors: &Errors) -> Response {
    let w = cx.words();
    let chosen = typed.all("topics");
    let choices: Vec<Choice> = TOPICS
        .iter()
        .map(|t| Choice::new(*t, w.word("hook-topic", t)))
        .collect();
    let question = Choices {
        name: "topics",
        legend: w.t("hooks-topics"),
        hint: None,
        chosen: &chosen,
        many: true,
        framed: false,
    };
    let main = html! {
        div class="stack" {
            p class="small" { a href="/hospital" { (w.t("hospital-title")) } }
            div class="stack tightly" { h1 { (w.t("hooks-new")) } p class="soft prose" { (w.t("hooks-lead")) } }
            form class="stack" method="post" action="/hospital/webhooks/new" {
                (errors.summary(&w))
                (cx.csrf())
                (Field::new("name", w.t("machines-name")).value(typed.get("name")).errors(errors).maxlength(120).required().input())
                (Field::new("url", w.t("hooks-url")).hint(w.t("hooks-url-hint")).kind("url").value(typed.get("url")).errors(errors).maxlength(1000).required().input())
                (question.draw(errors, &choices))
                div class="row" { button class="btn primary" { (w.t("hooks-new")) } a class="btn quiet" href="/hospital" { (w.t("profile-leave")) } }
            }
        }
    };
    Shell::new(cx, &w.t("hooks-new"))
        .class("narrow stack")
        .draw(&main)
}

async fn add(State(state): State<WebState>, cx: PageCx, fields: Fields) -> PageResult {
    let new = NewWebhook {
        name: fields.get("name").to_owned(),
        url: fields.get("url").to_owned(),
        topics: fields.all("topics"),
    };
    match state.app.add_webhook(cx.cx()?, new).await {
        Ok((id, secret)) => Ok(secret_page(&cx, &id, &secret)),
        Err(e) => {
            let errors = cx.wrong(e)?;
            Ok(refused(draw_new(&cx, &fields, &errors)))
        }
    }
}

/// The secret, this once.
fn secret_page(cx: &PageCx, id: &ResourceId, secret: &Phi<String>) -> Response {
    let w = cx.words();
    let main = html! {
        div class="stack" {
            p class="small" { a href="/hospital" { (w.t("hospital-title")) } }
            h1 { (w.t("hooks-secret")) }
            p class="soft prose" { (w.t("hooks-secret-lead")) }
            (note(Kind::Warn, html! { p { (w.t("hooks-secret-once")) } }))
            p { code class="anywhere" { (secret.reveal()) } }
            p { a class="btn primary" href={ "/hospital/webhooks/" (id) } { (w.t("hooks-secret-kept")) } }
        }
    };
    Shell::new(cx, &w.t("hooks-secret"))
        .class("narrow stack")
        .draw(&main)
}

async fn show(State(state): State<WebState>, cx: PageCx, Path(id): Path<String>) -> PageResult {
    let view = state.app.webhook(cx.cx()?, &ResourceId::new(&id)?).await?;
    Ok(draw(&cx, &view))
}

fn draw(cx: &PageCx, v: &WebhookView) -> Response {
    let w = cx.words();
    let show = cx.show();
    let line = &v.line;
    let address = format!("/hospital/webhooks/{}", line.id);
    let mut rows = vec![
        (w.t("people-state"), state_chip(&w, line)),
        (
            w.t("hooks-url"),
            html! { code class="small" { (line.url) } },
        ),
        (w.t("hooks-topics"), html! { (topics(&w, line)) }),
        (w.t("hooks-since"), html! { (show.day_at(v.created)) }),
    ];
    if let (Some(next), HookState::Active) = (v.next, &line.state) {
        rows.push((w.t("hooks-next"), html! { (show.day_at(next)) }));
    }
    if let Some(until) = v.old_secret_until {
        rows.push((w.t("hooks-old-secret"), html! { (show.day_at(until)) }));
    }
    let button = |act: &str, class: &str| {
        html! { form method="post" action=(address) { (cx.csrf()) input type="hidden" name="act" value=(act); button class=(class) { (w.word("hook-act", act)) } } }
    };
    let is_active = line.state == HookState::Active;
    let main = html! {
        p class="small" { a href="/hospital" { (w.t("hospital-title")) } }
        h1 { (line.name) }
        section class="card" {
            div class="body" { (facts(&rows)) }
            footer class="row" {
                @if is_active { (button("pause", "btn")) } @else { (button("resume", "btn primary")) }
                (button("secret", "btn"))
                (button("remove", "btn danger"))
            }
        }
        section class="card" {
            header { h2 { (w.t("hooks-deliveries")) } }
            @if v.deliveries.is_empty() { (empty("upload", &w.t("hooks-no-deliveries"), &w.t("hooks-no-deliveries-more"), None)) }
            @else { (deliveries(cx, &address, &v.deliveries)) }
        }
    };
    Shell::new(cx, &line.name).class("page stack").draw(&main)
}

fn deliveries(cx: &PageCx, address: &str, all: &[DeliveryLine]) -> Markup {
    let w = cx.words();
    let show = cx.show();
    let columns = [
        Column::new(w.t("hooks-event")),
        Column::new(w.t("hooks-happened")),
        Column::new(w.t("hooks-answer")),
        Column::new(w.t("column-act")),
    ];
    let rows = html! { @for d in all {
        tr {
            td class="main" { code class="small" { (d.topic) } br; span class="soft small" { (d.subject.kind) " " (d.subject.id) } }
            td { (show.day_at(d.at)) }
            td {
                @match &d.answer {
                    Answer::Status(status) => (chip(if d.answer.is_taken() { Kind::Ok } else { Kind::Warn }, &status.to_string())),
                    Answer::None(why) => (chip(Kind::Warn, &w.word("hook-failure", why))),
                }
                " " span class="soft small" { (w.f("hooks-tries", args!["n" => d.tries])) }
            }
            td { form method="post" action=(address) { (cx.csrf()) input type="hidden" name="act" value="resend"; input type="hidden" name="delivery" value=(d.id);
                button class="btn quiet" aria-label={ (w.word("hook-act", "resend")) ": " (d.topic) " " (show.day_at(d.at)) } { (w.word("hook-act", "resend")) } } }
        }
    } };
    table(&w.t("hooks-deliveries"), &columns, rows)
}

async fn act(
    State(state): State<WebState>,
    cx: PageCx,
    Path(id): Path<String>,
    fields: Fields,
) -> PageResult {
    let who = cx.cx()?;
    let id = ResourceId::new(&id)?;
    let back = format!("/hospital/webhooks/{id}");
    match fields.get("act") {
        "pause" => state.app.pause_webhook(who, &id, true).await?,
        "resume" => state.app.pause_webhook(who, &id, false).await?,
        "remove" => {
            state.app.remove_webhook(who, &id).await?;
            return Ok(done("/hospital", "hooks-removed"));
        }
        "secret" => {
            let secret = state.app.rotate_webhook_secret(who, &id).await?;
            return Ok(secret_page(&cx, &id, &secret));
        }
        "resend" => {
            let delivery = ResourceId::new(fields.get("delivery"))?;
            let taken = state.app.resend_delivery(who, &id, &delivery).await?;
            let key = if taken {
                "hooks-resent"
            } else {
                "hooks-not-taken"
            };
            return Ok(done(&back, key));
        }
        _ => return Err(PageError::not_found()),
    }
    Ok(done(&back, "profile-saved"))
}
