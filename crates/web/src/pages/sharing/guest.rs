//! What a doctor without an account sees: the question for the PIN, then the study and its report, until the link ends.

use app::AppError;
use app::package::UnderLink;
use app::sharing::{Guest, set_cookie};
use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Redirect, Response};
use kernel::{Phi, ResourceId};
use maud::html;

use super::own;
use crate::args;
use crate::components::form::{Errors, Field};
use crate::components::{Kind, facts, icon, note};
use crate::frame::form::Fields;
use crate::frame::{
    PageCx, PageError, PageResult, RouteSpec, WebState, Who, get, package, post, refused,
};
use crate::pages::cases::answer::checks;
use crate::pages::images::list::{modalities, state_chip, study_name};
use crate::pages::images::viewer;
use crate::pages::readings::report::{file_of, keep_card, letter, pdf_of};
use crate::pages::sign_in::Asker;
use crate::pages::view;
use crate::shell::Shell;

pub fn routes() -> Vec<RouteSpec> {
    vec![
        get("/link/{token}", Who::Anyone, ask),
        post("/link/{token}", Who::Anyone, open),
        get("/shared/{hospital}/{link}", Who::Guest, study),
        get("/shared/{hospital}/{link}/images", Who::Guest, images),
        get("/shared/{hospital}/{link}/zip", Who::Guest, zip),
        get(
            "/shared/{hospital}/{link}/reports/{report}",
            Who::Guest,
            report,
        ),
        get(
            "/shared/{hospital}/{link}/reports/{report}/pdf/{language}",
            Who::Guest,
            pdf,
        ),
        get(
            "/shared/{hospital}/{link}/reports/{report}/file",
            Who::Guest,
            file,
        ),
        post("/shared/{hospital}/{link}/leave", Who::Guest, leave),
    ]
}

/// `/shared/{hospital}/{link}`.
pub fn guest_address(guest: &Guest) -> String {
    format!("/shared/{}/{}", guest.study.hospital, guest.link)
}

/// The question for the PIN. It is the same for every address, so that asking tells nothing.
async fn ask(cx: PageCx) -> PageResult {
    Ok(question(&cx, &Errors::default()))
}

fn question(cx: &PageCx, errors: &Errors) -> Response {
    let w = &cx.words();
    let title = w.t("shared-ask");
    let main = html! {
        div class="stack" {
            div class="stack tightly" { h1 { (title) } p class="soft prose" { (w.t("shared-ask-lead")) } }
            form class="stack signin-form" method="post" {
                (errors.summary(w))
                (cx.csrf())
                (Field::new("pin", w.t("share-pin")).hint(w.t("shared-pin-hint")).errors(errors).inputmode("numeric").autocomplete("off").maxlength(12).required().input())
                div class="row" { button class="btn primary" { (w.t("shared-open")) } }
            }
        }
    };
    let mut answer = Shell::new(cx, &title).class("narrow stack").draw(&main);
    // The address is the secret: it goes to nobody.
    answer.headers_mut().insert(
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    );
    answer
}

async fn open(
    State(state): State<WebState>,
    Path(token): Path<String>,
    cx: PageCx,
    asker: Asker,
    fields: Fields,
) -> PageResult {
    let digits: String = fields
        .get("pin")
        .chars()
        .filter(|c| !c.is_whitespace())
        .collect();
    match state
        .app
        .open_link(&token, Phi::new(digits), asker.ask)
        .await
    {
        Ok(opened) => {
            let secure = state.app.settings().secure_cookies;
            let set = set_cookie(&opened.hospital, &opened.link, &opened.token, secure);
            let to = format!("/shared/{}/{}", opened.hospital, opened.link);
            let mut answer = Redirect::to(&to).into_response();
            if let Ok(value) = HeaderValue::from_str(&set) {
                answer.headers_mut().append(header::SET_COOKIE, value);
            }
            Ok(answer)
        }
        Err(AppError::Rejected { .. }) => {
            let mut errors = Errors::default();
            errors.add("pin", cx.t("rejected-link-closed"));
            Ok(refused(question(&cx, &errors)))
        }
        Err(e) => Err(e.into()),
    }
}

/// The holder of the link; the guard has seen that there is one.
fn holder(cx: &PageCx) -> Result<&Guest, PageError> {
    let guest = cx.guest.as_ref().ok_or_else(PageError::not_found)?;
    Ok(&guest.is)
}

async fn study(State(state): State<WebState>, cx: PageCx) -> PageResult {
    let w = &cx.words();
    let show = &cx.show();
    let guest = holder(&cx)?;
    let v = state.app.study(&guest.cx, &guest.study).await?;
    let banner = state.app.banner(&guest.cx, &guest.patient).await?;
    let at = guest_address(guest);
    let reports = own::reports(&state, &cx, &guest.study, &format!("{at}/reports")).await?;
    let line = &v.line;
    let rows = [
        (
            w.t("shared-what"),
            html! { (modalities(show, line)) " " bdi { (study_name(show, line)) } " " (state_chip(show, line.state)) },
        ),
        (
            w.t("shared-when"),
            html! { @if let Some(when) = &line.started { (show.fhir_date(when.get(..10).unwrap_or(when))) } },
        ),
        (
            w.t("shared-count"),
            html! { (w.f("study-counts", args!["series" => line.series_count, "images" => line.instances])) },
        ),
        (w.t("shared-from"), html! { (line.custodian.name) }),
        (w.t("share-until"), html! { (show.at(guest.until)) }),
    ];
    let title = w.t("shared-title");
    let main = html! {
        div class="stack" {
            h1 { (title) }
            (note(Kind::Plain, html! { p { (w.t("shared-watched")) } }))
            section class="card" { header { h2 { (w.t("shared-study")) } } div class="body stack" {
                (facts(&rows))
                div class="row" {
                    a class="btn primary" href={ (at) "/images" } { (icon("image")) (w.t("shared-look")) }
                    @if guest.download { a class="btn" href={ (at) "/zip" } { (icon("download")) (w.t("study-zip")) } }
                }
            } }
            section class="card" { header { h2 { (w.t("shared-reports")) } } div class="body stack tightly" {
                @if reports.0.trim().is_empty() { p class="soft" { (w.t("shared-no-report")) } }
                (reports)
            } }
            form method="post" action={ (at) "/leave" } { (cx.csrf()) button class="btn quiet" { (w.t("shared-leave")) } }
        }
    };
    Ok(Shell::new(&cx, &title)
        .class("narrow stack")
        .banner(view::banner(&cx, &banner, None, None).draw(show))
        .draw(&main))
}

async fn images(State(state): State<WebState>, cx: PageCx) -> PageResult {
    let key = holder(&cx)?.study.clone();
    viewer::of_study(&state, &cx, &key).await
}

async fn zip(State(state): State<WebState>, cx: PageCx, asker: Asker) -> PageResult {
    let guest = holder(&cx)?;
    if !guest.download {
        return Err(PageError::not_found());
    }
    let token = cx
        .guest
        .as_ref()
        .map(|g| g.token.clone())
        .unwrap_or_default();
    let under = UnderLink {
        hospital: guest.study.hospital.clone(),
        link: guest.link.clone(),
        token,
        ask: asker.ask,
    };
    let made = state
        .app
        .study_package(&guest.cx, &guest.study, Some(under))
        .await?;
    Ok(package(made, &app::App::package_name(&guest.study)))
}

async fn report(
    State(state): State<WebState>,
    Path((_, _, report)): Path<(String, String, String)>,
    cx: PageCx,
) -> PageResult {
    let guest = holder(&cx)?;
    let id = ResourceId::new(&report)?;
    let v = state.app.report(&guest.cx, &id).await?;
    let banner = state.app.banner(&guest.cx, &guest.patient).await?;
    let at = guest_address(guest);
    let reports = format!("{at}/reports");
    let w = cx.words();
    let title = w.word("report-kind", v.kind.as_str());
    let main = html! {
        p class="small" { a href=(at) { (w.t("shared-title")) } }
        h1 { (title) }
        (letter(&cx, &v, &reports))
        p { a class="btn" href={ (at) "/images" } { (icon("image")) (w.t("shared-look")) } }
        (keep_card(&cx, &v, &reports))
        (checks(&cx, &v.report))
    };
    Ok(Shell::new(&cx, &title)
        .class("narrow stack loosely")
        .banner(view::banner(&cx, &banner, None, None).draw(&cx.show()))
        .draw(&main))
}

async fn pdf(
    State(state): State<WebState>,
    Path((_, _, report, language)): Path<(String, String, String, String)>,
    cx: PageCx,
) -> PageResult {
    pdf_of(&state, &cx, &report, &language).await
}

async fn file(
    State(state): State<WebState>,
    Path((_, _, report)): Path<(String, String, String)>,
    cx: PageCx,
) -> PageResult {
    file_of(&state, &cx, &report).await
}

async fn leave(State(state): State<WebState>, cx: PageCx) -> PageResult {
    let guest = holder(&cx)?;
    let (hospital, link) = (&guest.study.hospital, &guest.link);
    let token = cx.guest.as_ref().map_or("", |g| g.token.as_str());
    state.app.leave_link(hospital, link, token).await?;
    let secure = state.app.settings().secure_cookies;
    let w = cx.words();
    let title = w.t("shared-left");
    let main =
        html! { div class="stack" { h1 { (title) } p class="soft" { (w.t("shared-left-text")) } } };
    let mut answer = Shell::new(&cx, &title).class("narrow stack").draw(&main);
    if let Ok(value) = HeaderValue::from_str(&set_cookie(hospital, link, "", secure)) {
        answer.headers_mut().append(header::SET_COOKIE, value);
    }
    Ok(answer)
}
