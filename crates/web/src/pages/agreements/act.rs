//! Steps in an agreement's life, each with a page that says what follows from it.

use agreements::agreement::{OpenCase, SettledBy};
use app::AppError;
use app::agreements::{AgreementAct, AgreementView};
use axum::extract::{Path, State};
use kernel::{AccountId, HospitalId, ResourceId};
use maud::{Markup, html};

use super::one::id_of;
use crate::args;
use crate::components::form::{Errors, Field};
use crate::components::{Kind, crumbs, note};
use crate::frame::form::Fields;
use crate::frame::reauth;
use crate::frame::{PageCx, PageError, PageResult, WebState, flash};
use crate::pages::why::hospital_name;
use crate::shell::Shell;

fn address(id: &ResourceId) -> String {
    format!("/agreements/{id}")
}

async fn act(state: &WebState, cx: &PageCx, id: &str, act: AgreementAct, told: &str) -> PageResult {
    let id = id_of(id)?;
    state.app.agreement_act(cx.cx()?, &id, act).await?;
    Ok(flash::done(&address(&id), told))
}

/// A page with a question, its consequences and a form.
fn ask(cx: &PageCx, view: &AgreementView, title: &str, body: &Markup) -> axum::response::Response {
    let w = cx.words();
    let a = &view.agreement;
    let main = html! {
        (crumbs(&w, &[(&w.t("nav-agreements"), Some("/agreements")), (&a.terms.number, Some(&address(&a.id))), (title, None)]))
        div class="stack prose" { h1 { (title) } p class="soft" { (a.terms.title) " " span class="id" { (a.terms.number) } } (body) }
    };
    Shell::new(cx, title).class("page").draw(&main)
}

pub async fn propose(
    State(state): State<WebState>,
    cx: PageCx,
    Path(id): Path<String>,
    _fields: Fields,
) -> PageResult {
    match state
        .app
        .agreement_act(cx.cx()?, &id_of(&id)?, AgreementAct::Propose)
        .await
    {
        Ok(()) => Ok(flash::done(&format!("/agreements/{id}"), "agr-proposed")),
        Err(AppError::Invalid(problems)) => {
            let errors = Errors::from_app(&cx.words(), AppError::Invalid(problems))?;
            super::draft::again(&state, &cx, &id, &errors).await
        }
        Err(e) => Err(e.into()),
    }
}

pub async fn resume(
    State(state): State<WebState>,
    cx: PageCx,
    Path(id): Path<String>,
    _fields: Fields,
) -> PageResult {
    act(&state, &cx, &id, AgreementAct::Resume, "agr-resumed").await
}

pub async fn sign_page(
    State(state): State<WebState>,
    cx: PageCx,
    Path(id): Path<String>,
) -> PageResult {
    draw_sign(&state, &cx, &id, &Errors::default(), "").await
}

async fn draw_sign(
    state: &WebState,
    cx: &PageCx,
    id: &str,
    errors: &Errors,
    office: &str,
) -> PageResult {
    let w = cx.words();
    let view = state.app.agreement(cx.cx()?, &id_of(id)?).await?;
    let own = cx.cx()?.hospital()?;
    let hospital = hospital_name(state, cx, own);
    let body = html! {
        (errors.summary(&w))
        (note(Kind::Plain, html! { p { (w.f("agr-sign-lead", args!["hospital" => hospital])) } }))
        p { a href={ "/agreements/" (id) "/text" } { (w.t("agr-text")) } }
        form class="stack" method="post" action={ "/agreements/" (id) "/sign" } {
            (cx.csrf())
            (Field::new("office", w.t("agr-office")).hint(w.t("agr-office-hint")).value(office).maxlength(200).required().errors(errors).input())
            (reauth::fields(cx, errors))
            div class="row" { button class="btn primary" { (w.t("agr-sign-now")) } a class="btn" href={ "/agreements/" (id) } { (w.t("agr-back")) } }
        }
    };
    Ok(ask(cx, &view, &w.t("agr-sign"), &body))
}

pub async fn sign(
    State(state): State<WebState>,
    cx: PageCx,
    Path(id): Path<String>,
    fields: Fields,
) -> PageResult {
    let w = cx.words();
    let office = fields.get("office").to_owned();
    let signed = match state
        .app
        .reauthenticate(cx.cx()?, &reauth::given(&fields))
        .await
    {
        Ok(()) => {
            state
                .app
                .sign_agreement(cx.cx()?, &id_of(&id)?, &office)
                .await
        }
        Err(AppError::Reauthenticate | AppError::Unauthenticated) => {
            let mut errors = Errors::default();
            errors.add("password", w.t("agr-password-wrong"));
            return draw_sign(&state, &cx, &id, &errors, &office).await;
        }
        Err(e) => Err(e),
    };
    match signed {
        Ok(()) => Ok(flash::done(&format!("/agreements/{id}"), "agr-signed")),
        Err(e @ AppError::Invalid(_)) => {
            let errors = Errors::from_app(&w, e)?;
            draw_sign(&state, &cx, &id, &errors, &office).await
        }
        Err(e) => Err(e.into()),
    }
}

/// The words of a form that asks for a reason, and where it is sent.
#[derive(Clone, Copy)]
struct Step {
    title: &'static str,
    lead: &'static str,
    now: &'static str,
    to: &'static str,
    told: &'static str,
}

const SUSPEND: Step = Step {
    title: "agr-suspend",
    lead: "agr-suspend-lead",
    now: "agr-suspend-now",
    to: "suspend",
    told: "agr-suspended",
};
const WITHDRAW: Step = Step {
    title: "agr-withdraw",
    lead: "agr-withdraw-lead",
    now: "agr-withdraw-now",
    to: "withdraw",
    told: "agr-withdrawn",
};

async fn reason_page(
    state: &WebState,
    cx: &PageCx,
    id: &str,
    step: Step,
    errors: &Errors,
) -> PageResult {
    let w = cx.words();
    let view = state.app.agreement(cx.cx()?, &id_of(id)?).await?;
    let body = html! {
        (errors.summary(&w))
        (note(Kind::Warn, html! { p { (w.f(step.lead, args!["n" => view.open.len()])) } }))
        form class="stack" method="post" action={ "/agreements/" (id) "/" (step.to) } {
            (cx.csrf())
            (Field::new("reason", w.t("agr-reason")).hint(w.t("agr-reason-hint")).maxlength(2000).errors(errors).area(3))
            div class="row" { button class="btn danger" { (w.t(step.now)) } a class="btn" href={ "/agreements/" (id) } { (w.t("agr-keep")) } }
        }
    };
    Ok(ask(cx, &view, &w.t(step.title), &body))
}

async fn with_reason(
    state: &WebState,
    cx: &PageCx,
    id: &str,
    act: AgreementAct,
    step: Step,
) -> PageResult {
    match state.app.agreement_act(cx.cx()?, &id_of(id)?, act).await {
        Ok(()) => Ok(flash::done(&format!("/agreements/{id}"), step.told)),
        Err(e @ AppError::Invalid(_)) => {
            let errors = Errors::from_app(&cx.words(), e)?;
            reason_page(state, cx, id, step, &errors).await
        }
        Err(e) => Err(e.into()),
    }
}

pub async fn suspend_page(
    State(state): State<WebState>,
    cx: PageCx,
    Path(id): Path<String>,
) -> PageResult {
    reason_page(&state, &cx, &id, SUSPEND, &Errors::default()).await
}

pub async fn suspend(
    State(state): State<WebState>,
    cx: PageCx,
    Path(id): Path<String>,
    fields: Fields,
) -> PageResult {
    let reason = fields.get("reason").to_owned();
    with_reason(&state, &cx, &id, AgreementAct::Suspend { reason }, SUSPEND).await
}

pub async fn withdraw_page(
    State(state): State<WebState>,
    cx: PageCx,
    Path(id): Path<String>,
) -> PageResult {
    reason_page(&state, &cx, &id, WITHDRAW, &Errors::default()).await
}

pub async fn withdraw(
    State(state): State<WebState>,
    cx: PageCx,
    Path(id): Path<String>,
    fields: Fields,
) -> PageResult {
    let reason = fields.get("reason").to_owned();
    with_reason(
        &state,
        &cx,
        &id,
        AgreementAct::Withdraw { reason },
        WITHDRAW,
    )
    .await
}

/// Giving notice, and afterwards settling what is open until it can end.
pub async fn end_page(
    State(state): State<WebState>,
    cx: PageCx,
    Path(id): Path<String>,
) -> PageResult {
    draw_end(&state, &cx, &id, &Errors::default()).await
}

async fn draw_end(state: &WebState, cx: &PageCx, id: &str, errors: &Errors) -> PageResult {
    let w = cx.words();
    let show = cx.show();
    let view = state.app.agreement(cx.cx()?, &id_of(id)?).await?;
    let a = &view.agreement;
    let days = usize::from(a.terms.notice_days);
    let body = html! {
        (errors.summary(&w))
        @match &a.notice {
            None => {
                (note(Kind::Warn, html! { p { (w.f("agr-end-lead", args!["days" => days, "n" => view.open.len()])) } }))
                form class="stack" method="post" action={ "/agreements/" (id) "/notice" } {
                    (cx.csrf())
                    (Field::new("reason", w.t("agr-reason")).hint(w.t("agr-reason-hint")).maxlength(2000).errors(errors).area(3))
                    div class="row" { button class="btn danger" { (w.t("agr-give-notice")) } a class="btn" href={ "/agreements/" (id) } { (w.t("agr-keep")) } }
                }
            }
            Some(n) => {
                (note(Kind::Warn, html! { p { (w.f("agr-notice-by", args!["by" => hospital_name(state, cx, &n.party), "at" => show.at(n.ends_at)])) } }))
                @if view.may.end {
                    form class="row" method="post" action={ "/agreements/" (id) "/end" } {
                        (cx.csrf()) button class="btn danger" { (w.t("agr-end-now")) }
                    }
                }
            }
        }
        (open_cases(state, cx, &view, errors).await?)
    };
    Ok(ask(cx, &view, &w.t("agr-end"), &body))
}

async fn open_cases(
    state: &WebState,
    cx: &PageCx,
    view: &AgreementView,
    errors: &Errors,
) -> Result<Markup, PageError> {
    let w = cx.words();
    let a = &view.agreement;
    let own = cx.cx()?.hospital()?.clone();
    let language = cx.cx()?.language;
    let doctors: Vec<(String, String)> = state
        .app
        .people_at(&own, Some(app::Role::Clinician))
        .await?
        .into_iter()
        .map(|p| (p.account.to_string(), p.name_for(language).to_owned()))
        .collect();
    let line = |c: &OpenCase| {
        let settled = a.settlements.get(&c.name());
        html! {
            li class="stack tightly" {
                p { a class="id" href={ "/cases/" (c.custodian) "/" (c.case) } { (w.t("agr-case")) " " (c.case.as_str().chars().rev().take(6).collect::<String>().chars().rev().collect::<String>()) } " " span class="soft" { (hospital_name(state, cx, &c.custodian)) } }
                @match settled {
                    Some(s) => p class="small ok" { (w.f("agr-settled", args!["owner" => doctors.iter().find(|(id, _)| *id == s.owner.as_str()).map_or_else(|| s.owner.to_string(), |(_, n)| n.clone())])) },
                    None if a.notice.is_some() && c.custodian == own => form class="row" method="post" action={ "/agreements/" (a.id) "/settle" } {
                        (cx.csrf())
                        input type="hidden" name="custodian" value=(c.custodian);
                        input type="hidden" name="case" value=(c.case);
                        (Field::new("owner", w.t("agr-owner")).errors(errors).id(format!("owner-{}", c.case)).value(c.owner.as_ref().map(ToString::to_string).unwrap_or_default()).select(&doctors))
                        button class="btn" { (w.t("agr-settle-return")) }
                    },
                    None => p class="small soft" { (w.t("agr-unsettled")) },
                }
            }
        }
    };
    Ok(html! {
        section class="stack tightly" aria-labelledby="h-o" {
            h2 id="h-o" { (w.f("agr-open-cases", args!["n" => view.open.len()])) }
            @if !view.open.is_empty() { ul class="plain stack" { @for c in &view.open { (line(c)) } } }
        }
    })
}

pub async fn notice(
    State(state): State<WebState>,
    cx: PageCx,
    Path(id): Path<String>,
    fields: Fields,
) -> PageResult {
    let reason = fields.get("reason").to_owned();
    let step = AgreementAct::GiveNotice { reason };
    match state.app.agreement_act(cx.cx()?, &id_of(&id)?, step).await {
        Ok(()) => Ok(flash::done(
            &format!("/agreements/{id}/end"),
            "agr-notice-given",
        )),
        Err(e @ AppError::Invalid(_)) => {
            let errors = Errors::from_app(&cx.words(), e)?;
            draw_end(&state, &cx, &id, &errors).await
        }
        Err(e) => Err(e.into()),
    }
}

pub async fn settle(
    State(state): State<WebState>,
    cx: PageCx,
    Path(id): Path<String>,
    fields: Fields,
) -> PageResult {
    let step = AgreementAct::SettleCase {
        custodian: HospitalId::new(fields.get("custodian")).map_err(AppError::from)?,
        case: ResourceId::new(fields.get("case")).map_err(AppError::from)?,
        owner: AccountId::new(fields.get("owner")).map_err(AppError::from)?,
        how: SettledBy::Returned,
    };
    match state.app.agreement_act(cx.cx()?, &id_of(&id)?, step).await {
        Ok(()) => Ok(flash::done(
            &format!("/agreements/{id}/end"),
            "agr-case-settled",
        )),
        Err(e @ AppError::Invalid(_)) => {
            let errors = Errors::from_app(&cx.words(), e)?;
            draw_end(&state, &cx, &id, &errors).await
        }
        Err(e) => Err(e.into()),
    }
}

pub async fn end(
    State(state): State<WebState>,
    cx: PageCx,
    Path(id): Path<String>,
    fields: Fields,
) -> PageResult {
    let reason = fields.get("reason").to_owned();
    act(&state, &cx, &id, AgreementAct::End { reason }, "agr-ended").await
}
