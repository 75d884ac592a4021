//! Steps in an agreement's life, each with a page that says what follows from it.

use agreements::agreement::{Agreement, OpenCase, SettledBy};
use app::AppError;
use app::agreements::{AgreementAct, AgreementView, MoveChoice};
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
            let errors = cx.wrong(AppError::Invalid(problems))?;
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
    let id = id_of(&id)?;
    state
        .app
        .agreement_act(cx.cx()?, &id, AgreementAct::Resume)
        .await?;
    Ok(flash::done(&address(&id), "agr-resumed"))
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
            let errors = cx.wrong(e)?;
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
            let errors = cx.wrong(e)?;
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
    let mut lines = Vec::with_capacity(view.open.len());
    for c in &view.open {
        let to_settle =
            a.notice.is_some() && c.custodian == own && !a.settlements.contains_key(&c.name());
        let choices = if to_settle {
            Some(state.app.move_choices(cx.cx()?, &a.id, c).await?)
        } else {
            None
        };
        lines.push((c, choices));
    }
    let owner = |id: &AccountId| {
        let known = doctors.iter().find(|(d, _)| d == id.as_str());
        known.map_or_else(|| id.to_string(), |(_, name)| name.clone())
    };
    Ok(html! {
        section class="stack tightly" aria-labelledby="h-o" {
            h2 id="h-o" { (w.f("agr-open-cases", args!["n" => view.open.len()])) }
            @if !lines.is_empty() { ul class="plain stack" { @for (c, choices) in &lines {
                li class="stack tightly" {
                    p { a class="id" href={ "/cases/" (c.custodian) "/" (c.case) } { (c.number) } " " span class="soft" { (hospital_name(state, cx, &c.custodian)) } }
                    @match (a.settlements.get(&c.name()), choices) {
                        (Some(s), _) => p class="small ok" { (w.f("agr-settled", args!["owner" => owner(&s.owner)])) },
                        (None, Some(choices)) => { (settle_form(state, cx, a, c, choices, &doctors, errors)) },
                        (None, None) => p class="small soft" { (w.t("agr-unsettled")) },
                    }
                }
            } } }
        }
    })
}

/// Back to the doctor, or on under another agreement; and why not under the others.
fn settle_form(
    state: &WebState,
    cx: &PageCx,
    a: &Agreement,
    c: &OpenCase,
    choices: &[MoveChoice],
    doctors: &[(String, String)],
    errors: &Errors,
) -> Markup {
    let w = cx.words();
    let mut ways = vec![(RETURN.to_owned(), w.t("agr-settle-return"))];
    ways.extend(choices.iter().filter_map(|m| {
        let partner = hospital_name(state, cx, m.partner.as_ref()?);
        let key = if m.same_partner {
            "agr-move-same"
        } else {
            "agr-move-new"
        };
        let text = w.f(key, args!["number" => &m.number, "partner" => partner]);
        Some((m.agreement.to_string(), text))
    }));
    let others: Vec<(&str, &str)> = choices
        .iter()
        .filter_map(|m| Some((m.number.as_str(), m.why_not.as_deref()?)))
        .collect();
    html! {
        form class="row end" method="post" action={ "/agreements/" (a.id) "/settle" } {
            (cx.csrf())
            input type="hidden" name="custodian" value=(c.custodian);
            input type="hidden" name="case" value=(c.case);
            (Field::new("how", w.t("agr-settle-how")).errors(errors).id(format!("how-{}", c.case)).value(RETURN).select(&ways))
            (Field::new("owner", w.t("agr-owner")).errors(errors).id(format!("owner-{}", c.case)).value(c.owner.as_ref().map(ToString::to_string).unwrap_or_default()).select(doctors))
            button class="btn" { (w.t("agr-settle-do")) }
        }
        @if !others.is_empty() {
            details class="small" {
                summary { (w.f("agr-move-others", args!["n" => others.len()])) }
                ul class="plain" { @for (number, why) in &others {
                    li { span class="id" { (number) } ": " (w.word_if("agr-move-not", why).unwrap_or_else(|| w.t("agr-move-not-possible"))) }
                } }
            }
        }
    }
}

/// The value of the form that sends a case back to its doctor; no agreement has this id.
const RETURN: &str = "-";

/// A step of the page that ends an agreement; what is wrong with the form is said on it.
async fn end_step(
    state: &WebState,
    cx: &PageCx,
    id: &str,
    step: AgreementAct,
    to: &str,
    told: &str,
) -> PageResult {
    match state.app.agreement_act(cx.cx()?, &id_of(id)?, step).await {
        Ok(()) => Ok(flash::done(to, told)),
        Err(e @ AppError::Invalid(_)) => {
            let errors = cx.wrong(e)?;
            draw_end(state, cx, id, &errors).await
        }
        Err(e) => Err(e.into()),
    }
}

pub async fn notice(
    State(state): State<WebState>,
    cx: PageCx,
    Path(id): Path<String>,
    fields: Fields,
) -> PageResult {
    let reason = fields.get("reason").to_owned();
    let to = format!("/agreements/{id}/end");
    let step = AgreementAct::GiveNotice { reason };
    end_step(&state, &cx, &id, step, &to, "agr-notice-given").await
}

pub async fn settle(
    State(state): State<WebState>,
    cx: PageCx,
    Path(id): Path<String>,
    fields: Fields,
) -> PageResult {
    let how = match fields.get("how") {
        RETURN => SettledBy::Returned,
        agreement => SettledBy::Moved {
            agreement: ResourceId::new(agreement).map_err(AppError::from)?,
        },
    };
    let told = match how {
        SettledBy::Returned => "agr-case-settled",
        SettledBy::Moved { .. } => "agr-case-moved",
    };
    let step = AgreementAct::SettleCase {
        custodian: HospitalId::new(fields.get("custodian")).map_err(AppError::from)?,
        case: ResourceId::new(fields.get("case")).map_err(AppError::from)?,
        owner: AccountId::new(fields.get("owner")).map_err(AppError::from)?,
        how,
    };
    let to = format!("/agreements/{id}/end");
    end_step(&state, &cx, &id, step, &to, told).await
}

pub async fn end(
    State(state): State<WebState>,
    cx: PageCx,
    Path(id): Path<String>,
    fields: Fields,
) -> PageResult {
    let reason = fields.get("reason").to_owned();
    let to = format!("/agreements/{id}");
    end_step(
        &state,
        &cx,
        &id,
        AgreementAct::End { reason },
        &to,
        "agr-ended",
    )
    .await
}
