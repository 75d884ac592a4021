//! One agreement: parties, what it permits in words, clauses, signatures and history.

use agreements::agreement::{Agreement, Standing};
use app::Role;
use app::agreements::{AgreementView, ClauseInWords};
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::IntoResponse;
use kernel::{AccountId, ErrorCode, HospitalId, ResourceId};
use maud::{Markup, html};

use super::parts;
use crate::args;
use crate::components::record::steps_in_time;
use crate::components::{Kind, chip, crumbs, icon, note};
use crate::frame::{PageCx, PageError, PageResult, WebState, download};
use crate::pages::why::hospital_name;
use crate::shell::Shell;
use crate::words::Lang;

pub fn id_of(text: &str) -> Result<ResourceId, PageError> {
    ResourceId::new(text).map_err(|_| PageError::new(ErrorCode::NotFound))
}

pub async fn page(State(state): State<WebState>, cx: PageCx, Path(id): Path<String>) -> PageResult {
    let view = state.app.agreement(cx.cx()?, &id_of(&id)?).await?;
    let year = jiff::SignedDuration::from_hours(24 * 365);
    let since = cx.now.checked_sub(year).unwrap_or(cx.now);
    let used = state
        .app
        .agreement_use(cx.cx()?, &view.agreement.id, since)
        .await?;
    let title = view.agreement.terms.title.clone();
    let main = draw(&state, &cx, &view, &used);
    Ok(Shell::new(&cx, &title)
        .class("page")
        .watch(format!("agreement-{id}"))
        .draw(&main))
}

fn draw(state: &WebState, cx: &PageCx, view: &AgreementView, used: &[(u16, u64)]) -> Markup {
    let w = cx.words();
    let a = &view.agreement;
    let partner = cx
        .cx()
        .ok()
        .and_then(|c| c.actor.hospital.clone())
        .and_then(|own| a.terms.partners(&own).next().map(|p| p.hospital.clone()));
    let partner = partner
        .map(|p| hospital_name(state, cx, &p))
        .unwrap_or_default();
    html! {
        (crumbs(&w, &[(&w.t("nav-agreements"), Some("/agreements")), (&partner, None)]))
        div class="head" {
            div {
                h1 { (a.terms.title) }
                p class="row" { span class="id soft" { (a.terms.number) } (parts::standing_chip(&w, view.standing)) (dates(cx, a, view.standing)) }
            }
            (actions(cx, view))
        }
        (warnings(state, cx, view))
        div class="cols aside" {
            div class="stack loosely" {
                (parties(state, cx, a))
                section class="stack tightly" aria-labelledby="h-p" {
                    h2 id="h-p" { (w.t("agr-in-words")) }
                    (parts::in_words(state, cx, &a.terms))
                    p class="small soft" { (w.t("agr-same-rules")) @if cx.has(Role::Administrator) { " " a href="/agreements/explain" { (w.t("agr-try")) } } }
                }
                (clauses(state, cx, a, used))
            }
            aside class="stack" {
                (signatures(state, cx, view))
                (history(state, cx, view))
            }
        }
    }
}

fn dates(cx: &PageCx, a: &Agreement, standing: Standing) -> Markup {
    let w = cx.words();
    let show = cx.show();
    let (first, last) = (show.date(a.terms.first_day), show.date(a.terms.last_day));
    let line = match standing {
        Standing::Ended | Standing::Withdrawn => a
            .ended_at
            .map(|at| w.f("agr-ended-on", args!["at" => show.at(at)])),
        _ => Some(w.f("agr-runs", args!["first" => first, "last" => last])),
    };
    html! { @if let Some(line) = line { span class="small soft" { (line) } } }
}

fn actions(cx: &PageCx, view: &AgreementView) -> Markup {
    let w = cx.words();
    let at = |act: &str| format!("/agreements/{}/{act}", view.agreement.id);
    let m = view.may;
    html! {
        div class="row" {
            @if m.edit { a class="btn" href=(at("edit")) { (w.t("agr-edit")) } }
            @if m.withdraw { a class="btn" href=(at("withdraw")) { (w.t("agr-withdraw")) } }
            @if m.propose { form method="post" action=(at("propose")) { (cx.csrf()) button class="btn primary" { (w.t("agr-propose")) } } }
            @if m.sign { a class="btn primary" href=(at("sign")) { (icon("sign")) (w.t("agr-sign")) } }
            @if m.resume { form method="post" action=(at("resume")) { (cx.csrf()) button class="btn primary" { (w.t("agr-resume")) } } }
            @if m.suspend { a class="btn" href=(at("suspend")) { (w.t("agr-suspend")) } }
            @if m.give_notice || m.end || view.agreement.notice.is_some() && !view.standing.is_over() { a class="btn danger" href=(at("end")) { (w.t("agr-end")) } }
        }
    }
}

fn warnings(state: &WebState, cx: &PageCx, view: &AgreementView) -> Markup {
    let w = cx.words();
    let show = cx.show();
    let a = &view.agreement;
    html! {
        @for s in &a.suspensions {
            (note(Kind::Stop, html! { p { (w.f("agr-suspended-by", args!["by" => hospital_name(state, cx, &s.party), "at" => show.at(s.at)])) " " (s.reason) } }))
        }
        @if let Some(n) = a.notice.as_ref().filter(|_| !view.standing.is_over()) {
            (note(Kind::Warn, html! { p { (w.f("agr-notice-by", args!["by" => hospital_name(state, cx, &n.party), "at" => show.at(n.ends_at)])) " " (n.reason) " "
                a href={ "/agreements/" (a.id) "/end" } { (w.f("agr-open-cases", args!["n" => view.open.len()])) } } }))
        }
    }
}

fn parties(state: &WebState, cx: &PageCx, a: &Agreement) -> Markup {
    let w = cx.words();
    let (Some(one), Some(other)) = (a.terms.parties.first(), a.terms.parties.get(1)) else {
        return html! {};
    };
    let forth = a.terms.clauses.iter().any(|c| c.referring == one.hospital);
    let back = a
        .terms
        .clauses
        .iter()
        .any(|c| c.referring == other.hospital);
    let label = w.f(
        if forth && back {
            "agr-channel-both"
        } else {
            "agr-channel"
        },
        args![
            "from" => hospital_name(state, cx, if forth { &one.hospital } else { &other.hospital }),
            "to" => hospital_name(state, cx, if forth { &other.hospital } else { &one.hospital })
        ],
    );
    html! {
        section class="card parties" aria-label=(w.t("agr-parties")) {
            (party(state, cx, &one.hospital))
            svg class=(if forth { "channel" } else { "channel flip" }) viewBox="0 0 300 72" role="img" aria-label=(label) {
                path class="gone" stroke-width="1.5" d="M4 24H296M40 24V52M84 24V52M128 24V52M172 24V52M216 24V52M260 24V52" {}
                path stroke-width="4" d="M4 52H296" {}
                path stroke-width="2" d="m286 18 8 6-8 6" {}
                path stroke-width="3" d="m14 44-10 8 10 8" {}
                text x="150" y="14" text-anchor="middle" { (w.t("agr-channel-out")) }
                text x="150" y="70" text-anchor="middle" { (w.t("agr-channel-back")) }
            }
            (party(state, cx, &other.hospital))
        }
    }
}

fn party(state: &WebState, cx: &PageCx, id: &HospitalId) -> Markup {
    let w = cx.words();
    let Some(h) = state.app.hospital(id) else {
        return html! { div class="party" { b { (id) } } };
    };
    let show = cx.show();
    html! {
        div class="party" {
            b { (h.name(w.lang.tag())) } br;
            span class="small soft" { (w.f("agr-party-place", args!["country" => w.word_if("country", &h.jurisdiction.to_lowercase()).unwrap_or_else(|| h.jurisdiction.clone()), "offset" => show.offset(cx.now, &h.time_zone())])) br; (h.city) }
        }
    }
}

fn clauses(state: &WebState, cx: &PageCx, a: &Agreement, used: &[(u16, u64)]) -> Markup {
    let w = cx.words();
    html! {
        section class="card doc" aria-labelledby="h-c" {
            div class="row apart head" { h2 id="h-c" { (w.t("agr-clauses")) } span class="small soft" { (a.terms.zone) } }
            ol class="clauses" {
                @if !a.terms.purpose.is_empty() {
                    li class="clause" { span class="faint" {} div { h3 { (w.t("agr-purpose")) } p class="signed prose" lang=(a.terms.language) { (a.terms.purpose) } } p class="xs soft" {} }
                }
                @for (n, c) in a.terms.numbered() {
                    @let times = used.iter().find(|(clause, _)| *clause == n).map_or(0, |(_, t)| *t);
                    li class="clause" id={ "clause-" (n) } {
                        span class="faint" { (n) }
                        div class="stack tightly" {
                            h3 lang=(a.terms.language) { (c.title) }
                            @if !c.text.is_empty() { p class="signed prose" lang=(a.terms.language) { (c.text) } }
                            ul class="plain small prose" { @for line in parts::clause_words(state, cx, &a.terms, c) { li { (line) } } }
                        }
                        p class="xs soft" { @if times > 0 { (w.f("agr-used", args!["n" => times])) } }
                    }
                }
                li class="clause" { span class="faint" {} div { h3 { (w.t("agr-ending")) } p class="signed prose" { (w.f("agr-ending-text", args!["n" => usize::from(a.terms.notice_days)])) } } p class="xs soft" {} }
            }
        }
    }
}

fn signatures(state: &WebState, cx: &PageCx, view: &AgreementView) -> Markup {
    let w = cx.words();
    let show = cx.show();
    let a = &view.agreement;
    html! {
        section class="card" aria-labelledby="h-s" {
            header { h2 id="h-s" { (w.t("agr-signatures")) } }
            div class="body stack" {
                @for (i, p) in a.terms.parties.iter().enumerate() {
                    @if i > 0 { hr; }
                    @match view.signatures.iter().find(|s| s.signature.party == p.hospital) {
                        Some(s) => div class="sig" {
                            p class="signed" { b { bdi { (s.signature.name) } } }
                            p class="small soft" { (s.signature.office) ", " (hospital_name(state, cx, &p.hospital)) br; (show.at(s.signature.at)) }
                            p class="xs" { @if s.genuine { (icon("lock")) " " (w.t("agr-key-valid")) } @else { (chip(Kind::Stop, &w.t("agr-key-wrong"))) }
                                " " span class="id" { (s.signature.key.chars().take(12).collect::<String>()) } }
                            details class="xs" { summary { (w.t("agr-jws")) } p class="id anywhere" { (s.signature.jws) } p { a href={ "/keys/" (p.hospital) } { (w.t("agr-keys")) } } }
                        },
                        None => div class="sig" { p class="soft" { (w.f("agr-unsigned", args!["by" => hospital_name(state, cx, &p.hospital)])) } },
                    }
                }
                p class="small row" { @for l in Lang::ALL { a href={ "/agreements/" (a.id) "/pdf/" (l.tag()) } hreflang=(l.tag()) { (icon("file")) " " (w.f("agr-pdf", args!["language" => l.own_name()])) } } }
                @if a.text.is_some() { p class="small" { a href={ "/agreements/" (a.id) "/text" } { (icon("download")) " " (w.t("agr-text")) } } }
            }
        }
    }
}

fn history(state: &WebState, cx: &PageCx, view: &AgreementView) -> Markup {
    let w = cx.words();
    let show = cx.show();
    let name = |account: &AccountId| {
        view.names
            .iter()
            .find(|(a, _)| a == account)
            .map(|(_, n)| n.clone())
    };
    let lines: Vec<(String, Markup)> = view
        .agreement
        .history
        .iter()
        .rev()
        .map(|l| {
            let who = [
                l.account.as_ref().and_then(name),
                l.party.as_ref().map(|p| hospital_name(state, cx, p)),
            ];
            let who = who.into_iter().flatten().collect::<Vec<_>>().join(", ");
            let body = html! {
                b { (w.word("agr-step", &l.what)) }
                @if !who.is_empty() { br; span class="small soft" { bdi { (who) } } }
                @if let Some(reason) = &l.reason { br; (reason) }
            };
            (show.at(l.at), body)
        })
        .collect();
    html! {
        section class="card" aria-labelledby="h-h" {
            header { h2 id="h-h" { (w.t("agr-history")) } }
            div class="body" { (steps_in_time(&lines)) }
        }
    }
}

/// The agreement on paper, in a language the pages speak.
pub async fn pdf(
    State(state): State<WebState>,
    cx: PageCx,
    Path((id, language)): Path<(String, String)>,
) -> PageResult {
    let language = Lang::ALL
        .into_iter()
        .find(|l| l.tag() == language)
        .ok_or_else(PageError::not_found)?;
    let view = state.app.agreement(cx.cx()?, &id_of(&id)?).await?;
    let reader = cx.speaking(language);
    let terms = &view.agreement.terms;
    let words: Vec<_> = terms
        .numbered()
        .map(|(number, c)| ClauseInWords {
            number,
            lines: parts::clause_words(&state, &reader, terms, c),
        })
        .collect();
    let pdf = state
        .app
        .agreement_pdf(cx.cx()?, &view.agreement.id, language.tag(), &words)
        .await?;
    Ok(download(
        pdf,
        "application/pdf",
        "inline; filename=\"agreement.pdf\"",
    ))
}

/// The exact bytes both parties signed.
pub async fn text(State(state): State<WebState>, cx: PageCx, Path(id): Path<String>) -> PageResult {
    let view = state.app.agreement(cx.cx()?, &id_of(&id)?).await?;
    let text = view
        .agreement
        .text
        .ok_or(PageError::new(ErrorCode::NotFound))?;
    let name = format!("attachment; filename=\"{}.json\"", view.agreement.id);
    let headers = [
        (header::CONTENT_TYPE, "application/json".to_owned()),
        (header::CONTENT_DISPOSITION, name),
    ];
    Ok((headers, text).into_response())
}
