//! The opinion: written beside the record with its draft kept, signed after re-authentication, added to later.

use app::Role;
use app::cases::view::CaseView;
use app::opinions::{Desk, DraftText, SignAsk};
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use kernel::{ErrorCode, Phi, ResourceId, limits};
use maud::{Markup, html};

use super::acts::form_page;
use crate::args;
use crate::components::basic::dialog;
use crate::components::form::{Errors, Field, check};
use crate::components::{Kind, note};
use crate::frame::flash::done;
use crate::frame::form::Fields;
use crate::frame::{PageCx, PageError, PageResult, RouteSpec, WebState, Who, get, post, refused};
use crate::frame::{reauth, signbar};
use crate::pages::view::{case_address, record_address};
use crate::shell::part;

const CONSULTANT: Who = Who::Roles(&[Role::Consultant]);

pub fn routes() -> Vec<RouteSpec> {
    vec![
        get("/cases/{hospital}/{id}/opinion", CONSULTANT, write_page),
        post("/cases/{hospital}/{id}/opinion/draft", CONSULTANT, keep),
        get("/cases/{hospital}/{id}/opinion/sign", CONSULTANT, sign_page),
        post("/cases/{hospital}/{id}/opinion/sign", CONSULTANT, sign),
    ]
}

type Address = Path<(String, String)>;

/// The parts of an opinion, in the order they are read.
const PARTS: [(&str, &str, u8); 3] = [
    ("findings", "opinion-see", 4),
    ("assessment", "opinion-think", 4),
    ("advice", "opinion-advise", 4),
];

/// The editor on the case page, for whoever may answer now.
pub async fn editor(
    state: &WebState,
    cx: &PageCx,
    v: &CaseView,
) -> Result<Option<Markup>, PageError> {
    if !v.can.answer {
        return Ok(None);
    }
    let desk = state.app.opinion_desk(cx.cx()?, &v.key).await?;
    Ok(Some(draw(cx, v, &desk, None)))
}

/// The editor. `addendum` names the opinion it adds to.
pub fn draw(cx: &PageCx, v: &CaseView, desk: &Desk, addendum: Option<&ResourceId>) -> Markup {
    let w = &cx.words();
    let base = format!("{}/opinion", case_address(&v.key));
    html! {
        form class="card" method="post" action={ (base) "/sign" } data-draft={ (base) "/draft" } aria-labelledby="h-o" {
            (cx.csrf())
            @if let Some(to) = addendum { input type="hidden" name="addendum" value=(to); }
            header {
                h2 id="h-o" { (w.t(if addendum.is_some() { "opinion-addendum" } else { "opinion-yours" })) }
                (signbar::kept(cx, desk.kept))
            }
            @if !desk.templates.is_empty() && addendum.is_none() { (templates(cx, desk)) }
            div class="body stack" {
                (changes(cx, desk))
                @for (name, label, rows) in PARTS {
                    @let text = text_of(&desk.draft, name);
                    (Field::new(name, w.t(label)).value(text.reveal().clone()).class("signed").maxlength(limits::TEXT_CHARS_MAX).area(rows))
                }
                (Field::new("orders", w.t("opinion-orders")).hint(w.t("opinion-orders-hint")).value(orders_text(&desk.draft)).class("signed").area(2))
            }
            (signbar::bar(cx, &base, desk.legal.as_str(), &w.t("opinion-sign")))
            (dialog("sign", &w.t("sign-title"), false, sign_fields(cx, v, desk, &Errors::default())))
        }
    }
}

/// Templates fill what is still empty; nothing that was written is overwritten.
fn templates(cx: &PageCx, desk: &Desk) -> Markup {
    let w = &cx.words();
    html! {
        div class="toolbar" role="toolbar" aria-label=(w.t("opinion-tools")) {
            label class="vh" for="template" { (w.t("opinion-template")) }
            select class="input" id="template" data-template {
                option value="" { (w.t("opinion-template")) }
                @for t in &desk.templates {
                    option value=(t.code) data-findings=(t.findings) data-assessment=(t.assessment) data-advice=(t.advice) { (t.title) }
                }
            }
            span class="small soft" { (w.t("opinion-template-hint")) }
        }
    }
}

/// What changed in the record since the draft was opened; signing waits until it was seen.
fn changes(cx: &PageCx, desk: &Desk) -> Markup {
    let w = &cx.words();
    html! {
        @if !desk.changed.is_empty() {
            (note(Kind::Warn, html! {
                p { b { (w.f("opinion-changed", args!["n" => desk.changed.len()])) } }
                ul class="plain" { @for c in &desk.changed { li {
                    a href=(record_address(&c.key.hospital, &c.key.kind, &c.key.id)) { (c.title.reveal()) } " " span class="soft" { (w.word("changed", c.what)) }
                } } }
            }))
        }
    }
}

fn text_of<'d>(draft: &'d DraftText, name: &str) -> &'d Phi<String> {
    match name {
        "findings" => &draft.findings,
        "assessment" => &draft.assessment,
        _ => &draft.advice,
    }
}

fn orders_text(draft: &DraftText) -> String {
    draft
        .orders
        .iter()
        .map(|o| o.reveal().as_str())
        .collect::<Vec<_>>()
        .join("\n")
}

/// What signing asks: who signs too, that changes were seen, password and code.
fn sign_fields(cx: &PageCx, v: &CaseView, desk: &Desk, errors: &Errors) -> Markup {
    let w = &cx.words();
    html! {
        p { (w.t("sign-lead")) }
        p class="small soft" { (w.word("legal", desk.legal.as_str())) " " (w.f("sign-responsible", args!["hospital" => &desk.responsible])) @if let Some(l) = &desk.licence { " " (w.f("sign-licence", args!["licence" => l])) } }
        @if !desk.co_signers.is_empty() && desk.needs_co_signature {
            @let options: Vec<(String, String)> = std::iter::once((String::new(), w.t("choose"))).chain(desk.co_signers.iter().map(|p| (p.account.to_string(), p.name.clone()))).collect();
            (Field::new("co-signer", w.t("sign-co-signer")).hint(w.t("sign-co-signer-hint")).errors(errors).select(&options))
        }
        @if !desk.changed.is_empty() { (check("seen-changes", w.f("sign-seen-changes", args!["n" => desk.changed.len()]), false, errors)) }
        (reauth::fields(cx, errors))
        div class="row" {
            button class="btn primary" name="go" value="signed" { (w.t("sign-do")) }
            a class="btn" href=(case_address(&v.key)) data-close { (w.t("sign-write-on")) }
        }
    }
}

fn draft_of(cx: &PageCx, f: &Fields) -> DraftText {
    let phi = |name: &str| Phi::new(f.get(name).replace("\r\n", "\n"));
    DraftText {
        findings: phi("findings"),
        assessment: phi("assessment"),
        advice: phi("advice"),
        orders: f
            .get("orders")
            .lines()
            .map(str::trim)
            .filter(|l| !l.is_empty())
            .map(|l| Phi::new(l.to_owned()))
            .collect(),
        language: cx.look.lang.tag().to_owned(),
    }
}

/// The page of the editor alone, for an addendum or without scripts.
async fn write_page(
    State(state): State<WebState>,
    Path((hospital, id)): Address,
    cx: PageCx,
) -> PageResult {
    let v = state
        .app
        .case(cx.cx()?, &super::key(&hospital, &id)?)
        .await?;
    let addendum = cx
        .query_value("addendum")
        .map(ResourceId::new)
        .transpose()?;
    if !(v.can.answer || (v.can.addendum && addendum.is_some())) {
        return Ok(Redirect::to(&case_address(&v.key)).into_response());
    }
    let desk = state.app.opinion_desk(cx.cx()?, &v.key).await?;
    let title = cx.t(if addendum.is_some() {
        "opinion-addendum"
    } else {
        "opinion-yours"
    });
    Ok(form_page(
        &cx,
        &v,
        &title,
        &draw(&cx, &v, &desk, addendum.as_ref()),
    ))
}

async fn keep(
    State(state): State<WebState>,
    Path((hospital, id)): Address,
    cx: PageCx,
    f: Fields,
) -> PageResult {
    let key = super::key(&hospital, &id)?;
    let kept = state
        .app
        .keep_opinion_draft(cx.cx()?, &key, draft_of(&cx, &f))
        .await?;
    let text = cx
        .words()
        .f("draft-kept", args!["time" => cx.show().clock_s(kept)]);
    if cx.is_part {
        return Ok(part(html! { (text) }));
    }
    let base = case_address(&key);
    Ok(match f.get("go") {
        "sign" => {
            Redirect::to(&format!("{base}/opinion/sign{}", addendum_query(&f))).into_response()
        }
        _ => done(&base, "opinion-draft-kept"),
    })
}

fn addendum_query(f: &Fields) -> String {
    f.some("addendum")
        .map(|a| format!("?addendum={}", crate::frame::route::encode(a)))
        .unwrap_or_default()
}

async fn sign_page(
    State(state): State<WebState>,
    Path((hospital, id)): Address,
    cx: PageCx,
) -> PageResult {
    let v = state
        .app
        .case(cx.cx()?, &super::key(&hospital, &id)?)
        .await?;
    let desk = state.app.opinion_desk(cx.cx()?, &v.key).await?;
    let addendum = cx
        .query_value("addendum")
        .map(ResourceId::new)
        .transpose()?;
    Ok(draw_sign(
        &cx,
        &v,
        &desk,
        addendum.as_ref(),
        &Errors::default(),
    ))
}

/// What will be signed, as it will read, and the fields to sign it.
fn draw_sign(
    cx: &PageCx,
    v: &CaseView,
    desk: &Desk,
    addendum: Option<&ResourceId>,
    errors: &Errors,
) -> Response {
    let w = &cx.words();
    let base = format!("{}/opinion/sign", case_address(&v.key));
    let body = html! {
        (errors.summary(w))
        section class="card doc stack" aria-label=(w.t("opinion-preview")) {
            @for (name, label, _) in PARTS {
                @let text = text_of(&desk.draft, name).reveal();
                @if !text.is_empty() { div { h3 { (w.t(label)) } p class="signed said" { (text) } } }
            }
            @if !desk.draft.orders.is_empty() { div { h3 { (w.t("opinion-orders")) } ol class="plain signed" { @for o in &desk.draft.orders { li { (o.reveal()) } } } } }
        }
        (changes(cx, desk))
        form class="stack" method="post" action=(base) {
            (cx.csrf())
            @if let Some(to) = addendum { input type="hidden" name="addendum" value=(to); }
            (sign_fields(cx, v, desk, errors))
        }
    };
    let mut answer = form_page(cx, v, &w.t("sign-title"), &body);
    if !errors.is_empty() {
        answer = refused(answer);
    }
    answer
}

async fn sign(
    State(state): State<WebState>,
    Path((hospital, id)): Address,
    cx: PageCx,
    f: Fields,
) -> PageResult {
    let key = super::key(&hospital, &id)?;
    // What is signed is what was on the screen: the text that came with the form is kept first.
    if f.has("findings") {
        state
            .app
            .keep_opinion_draft(cx.cx()?, &key, draft_of(&cx, &f))
            .await?;
    }
    let addendum_to = f.some("addendum").map(ResourceId::new).transpose()?;
    let ask = SignAsk {
        reauth: reauth::given(&f),
        co_signer: f
            .some("co-signer")
            .map(str::parse)
            .transpose()
            .map_err(|_| PageError::new(ErrorCode::Malformed))?,
        addendum_to: addendum_to.clone(),
        seen_changes: f.has("seen-changes"),
    };
    match state.app.sign_opinion(cx.cx()?, &key, ask).await {
        Ok(opinion) => Ok(done(
            &format!("{}/answers/{opinion}", case_address(&key)),
            "opinion-signed",
        )),
        Err(e) => {
            let errors = cx.wrong(e)?;
            let v = state.app.case(cx.cx()?, &key).await?;
            let desk = state.app.opinion_desk(cx.cx()?, &key).await?;
            Ok(draw_sign(&cx, &v, &desk, addendum_to.as_ref(), &errors))
        }
    }
}
