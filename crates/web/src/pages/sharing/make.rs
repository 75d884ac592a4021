//! Handing a study out: who has a link to it, a new one, taking one back.

use agreements::border::Purpose;
use app::sharing::{LINK_HOURS, LinkEnd, LinkLine, MadeLink, NewLink};
use app::{ActorKind, AppError};
use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::response::Response;
use kernel::{Phi, RecordKey, ResourceId};
use maud::{Markup, html};

use super::base;
use crate::args;
use crate::components::form::{Errors, Field, check};
use crate::components::{Kind, chip, count, facts, note, state};
use crate::frame::error::denied;
use crate::frame::flash::done;
use crate::frame::form::Fields;
use crate::frame::{PageCx, PageError, PageResult, WebState, refused};
use crate::pages::images::list::{modalities, study_name};
use crate::shell::Shell;

type Address = Path<(String, String)>;

pub async fn page(
    State(state): State<WebState>,
    Path((hospital, id)): Address,
    cx: PageCx,
) -> PageResult {
    let key = app::viewing::study_key(&hospital, &id)?;
    draw(
        &state,
        &cx,
        &key,
        None,
        &Fields::default(),
        &Errors::default(),
    )
    .await
}

async fn draw(
    state: &WebState,
    cx: &PageCx,
    key: &RecordKey,
    made: Option<&MadeLink>,
    typed: &Fields,
    errors: &Errors,
) -> PageResult {
    let w = &cx.words();
    let show = &cx.show();
    let links = state.app.study_links(cx.cx()?, key).await?;
    let refusal = match state.app.may_share(cx.cx()?, key).await {
        Ok(_) => None,
        Err(AppError::Denied(denial)) => Some(denied(w, &denial)),
        Err(e) => return Err(e.into()),
    };
    let study = state.app.study(cx.cx()?, key).await?;
    let own = cx.cx()?.actor.kind == ActorKind::Patient;
    let title = w.t("share-title");
    let base = base(cx, key);
    let main = html! {
        div class="stack" {
            p class="small" { a href=(base) { bdi { (modalities(show, &study.line)) " " (study_name(show, &study.line)) } } }
            div class="stack tightly" { h1 { (title) } p class="soft prose" { (w.t(if own { "share-lead-own" } else { "share-lead" })) } }
            @if let Some(made) = made { (told_once(state, cx, made)) }
            @match &refusal {
                Some(why) => (note(Kind::Warn, html! { p { (why) } })),
                None => (form(cx, &base, own, typed, errors)),
            }
            (list(cx, &base, &links))
        }
    };
    let mut answer = Shell::new(cx, &title).class("narrow stack").draw(&main);
    if !errors.is_empty() {
        answer = refused(answer);
    }
    // The PIN stands in this answer and nowhere else.
    answer
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(answer)
}

fn told_once(state: &WebState, cx: &PageCx, made: &MadeLink) -> Markup {
    let w = &cx.words();
    let address = format!("{}/link/{}", state.app.settings().base_url, made.token);
    let rows = [
        (
            w.t("share-address"),
            html! { input class="input" id="share-address" readonly aria-label=(w.t("share-address")) value=(address); },
        ),
        (
            w.t("share-pin"),
            html! { code id="share-pin" { (made.pin.reveal()) } },
        ),
        (w.t("share-until"), html! { (cx.show().at(made.until)) }),
    ];
    note(
        Kind::Ok,
        html! {
            p { b { (w.t("share-made")) } }
            (facts(&rows))
            p class="small" { (w.t("share-once")) }
        },
    )
}

/// Countries that are offered, by their codes (ISO 3166-1 alpha-2).
const COUNTRIES: [&str; 52] = [
    "CN", "KZ", "KG", "TJ", "UZ", "TM", "MN", "RU", "PK", "AF", "IN", "JP", "KR", "SG", "MY", "TH",
    "VN", "ID", "PH", "HK", "MO", "TR", "AE", "SA", "IR", "IL", "EG", "AZ", "AM", "GE", "BY", "UA",
    "DE", "AT", "CH", "FR", "IT", "ES", "PT", "NL", "BE", "SE", "NO", "DK", "FI", "PL", "CZ", "GB",
    "IE", "US", "CA", "AU",
];
const PURPOSES: [Purpose; 2] = [Purpose::SecondOpinion, Purpose::Treatment];

/// Where the doctor works, and for what it crosses if that is abroad. The patient is not asked.
fn whither(cx: &PageCx, typed: &Fields, errors: &Errors) -> Markup {
    let w = &cx.words();
    let mut countries: Vec<(String, String)> = COUNTRIES
        .iter()
        .map(|c| ((*c).to_owned(), w.word("country", &c.to_lowercase())))
        .collect();
    countries.sort_by(|a, b| a.1.cmp(&b.1));
    countries.insert(0, (String::new(), w.t("share-country-choose")));
    let purposes: Vec<(String, String)> = PURPOSES
        .iter()
        .map(|p| (p.as_str().to_owned(), w.word("purpose", p.as_str())))
        .collect();
    html! {
        (Field::new("country", w.t("share-country")).hint(w.t("share-country-hint")).value(typed.get("country")).errors(errors).select(&countries))
        (Field::new("purpose", w.t("share-purpose")).hint(w.t("share-purpose-hint")).value(typed.get("purpose")).errors(errors).select(&purposes))
    }
}

fn form(cx: &PageCx, base: &str, own: bool, typed: &Fields, errors: &Errors) -> Markup {
    let w = &cx.words();
    let hours: Vec<(String, String)> = LINK_HOURS
        .iter()
        .map(|h| {
            let span = jiff::SignedDuration::from_hours(i64::from(*h));
            (h.to_string(), cx.show().span(span))
        })
        .collect();
    html! {
        form class="card" method="post" action={ (base) "/share" } {
            header { h2 { (w.t("share-new")) } }
            div class="body stack" {
                (errors.summary(w))
                (cx.csrf())
                (Field::new("to", w.t("share-to")).hint(w.t("share-to-hint")).value(typed.get("to")).errors(errors).maxlength(120).required().input())
                @if !own { (whither(cx, typed, errors)) }
                (Field::new("hours", w.t("share-hours")).value(typed.get("hours")).errors(errors).select(&hours))
                (check("download", w.t("share-download"), typed.get("download") == "yes", errors))
                div class="row" { button class="btn primary" { (w.t("share-make")) } }
            }
        }
    }
}

fn list(cx: &PageCx, base: &str, links: &[LinkLine]) -> Markup {
    let w = &cx.words();
    html! {
        section class="card" aria-labelledby="links-h" {
            header { h2 id="links-h" { (w.t("share-links")) } (count(links.len())) }
            @if links.is_empty() { (state::empty("people", &w.t("share-none"), &w.t("share-none-more"), None)) }
            @else { ul class="readers" { @for l in links { li { (line(cx, base, l)) } } } }
        }
    }
}

fn line(cx: &PageCx, base: &str, l: &LinkLine) -> Markup {
    let w = &cx.words();
    let show = &cx.show();
    let by = if l.by_patient {
        w.t("share-by-patient")
    } else {
        l.by.clone()
    };
    html! {
        div class="row apart" {
            span { b { bdi { (l.to.reveal()) } } @if let Some(c) = &l.country { " " span class="soft small" { (w.word_if("country", &c.to_lowercase()).unwrap_or_else(|| c.clone())) } } }
            @match l.end {
                None => (chip(Kind::Ok, &w.f("share-good", args!["until" => show.at(l.until)]))),
                Some(end) => (chip(if end == LinkEnd::Locked { Kind::Warn } else { Kind::Plain }, &w.word("link-end", end.as_str()))),
            }
        }
        p class="small soft" {
            (w.f("share-made-by", args!["by" => by, "at" => show.at(l.made)])) " · "
            (w.f("share-openings", args!["n" => l.openings]))
            @if let Some(last) = l.last { " · " (w.f("share-last", args!["at" => show.at(last)])) }
            @if l.download { " · " (w.t("share-with-files")) }
        }
        @if l.end.is_none() {
            form method="post" action={ (base) "/share/end" } { (cx.csrf()) input type="hidden" name="link" value=(l.id);
                button class="btn danger" aria-label={ (w.t("share-end")) ": " (l.to.reveal()) } { (w.t("share-end")) } }
        }
    }
}

pub async fn make(
    State(state): State<WebState>,
    Path((hospital, id)): Address,
    cx: PageCx,
    fields: Fields,
) -> PageResult {
    let key = app::viewing::study_key(&hospital, &id)?;
    let new = NewLink {
        to: Phi::new(fields.get("to").to_owned()),
        country: fields.some("country").map(str::to_owned),
        purpose: PURPOSES
            .into_iter()
            .find(|p| p.as_str() == fields.get("purpose")),
        hours: fields.get("hours").parse().unwrap_or_default(),
        download: fields.get("download") == "yes",
    };
    match state.app.share_study(cx.cx()?, &key, new).await {
        Ok(made) => {
            let none = Fields::default();
            draw(&state, &cx, &key, Some(&made), &none, &Errors::default()).await
        }
        Err(e) => {
            let errors = cx.wrong(e)?;
            draw(&state, &cx, &key, None, &fields, &errors).await
        }
    }
}

pub async fn end(
    State(state): State<WebState>,
    Path((hospital, id)): Address,
    cx: PageCx,
    fields: Fields,
) -> Result<Response, PageError> {
    let key = app::viewing::study_key(&hospital, &id)?;
    let link = ResourceId::new(fields.get("link"))?;
    state.app.end_study_link(cx.cx()?, &key, &link).await?;
    Ok(done(&format!("{}/share", base(&cx, &key)), "share-ended"))
}
