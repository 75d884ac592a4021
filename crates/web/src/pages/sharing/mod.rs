//! Images and reports in other hands: a link for a doctor who has no account, a study as a zip, the patient's own reports.

mod guest;
mod make;
pub mod own;

use app::viewing::view::StudyLine;
use app::{ActorKind, Role};
use axum::extract::{Path, State};
use kernel::RecordKey;
use maud::{Markup, html};

use crate::components::icon;
use crate::frame::route::CLINICAL;
use crate::frame::{PageCx, PageResult, RouteSpec, WebState, Who, get, package, post};
use crate::pages::deidentify;

pub use guest::guest_address;

const PATIENT: Who = Who::Roles(&[Role::Patient]);

pub fn routes() -> Vec<RouteSpec> {
    let mut all = vec![
        get("/images/{hospital}/{id}/share", CLINICAL, make::page),
        post("/images/{hospital}/{id}/share", CLINICAL, make::make),
        post("/images/{hospital}/{id}/share/end", CLINICAL, make::end),
        get("/images/{hospital}/{id}/zip", CLINICAL, zip),
        get("/me/images/{hospital}/{id}/share", PATIENT, make::page),
        post("/me/images/{hospital}/{id}/share", PATIENT, make::make),
        post("/me/images/{hospital}/{id}/share/end", PATIENT, make::end),
        get("/me/images/{hospital}/{id}/zip", PATIENT, zip),
        get("/me/reports/{report}", PATIENT, own::page),
        get(
            "/me/reports/{report}/pdf/{language}",
            PATIENT,
            crate::pages::readings::report::pdf,
        ),
        get(
            "/me/reports/{report}/file",
            PATIENT,
            crate::pages::readings::report::file,
        ),
    ];
    all.extend(guest::routes());
    all
}

/// Where this reader finds a study: staff, or its patient.
fn base(cx: &PageCx, study: &RecordKey) -> String {
    let own = cx.cx().is_ok_and(|c| c.actor.kind == ActorKind::Patient);
    let head = if own { "/me/images" } else { "/images" };
    format!("{head}/{}/{}", study.hospital, study.id)
}

/// What can be done with a whole study beside looking at it.
pub fn study_acts(cx: &PageCx, line: &StudyLine) -> Markup {
    if !line.state.has_pictures() {
        return html! {};
    }
    let w = cx.words();
    if let Some(g) = &cx.guest {
        return html! { @if g.is.download { " " a class="btn" href={ (guest_address(&g.is)) "/zip" } { (icon("download")) (w.t("study-zip")) } } };
    }
    let base = base(cx, &line.key);
    let own = cx.cx().is_ok_and(|c| {
        c.actor.kind == ActorKind::Patient || c.actor.hospital.as_ref() == Some(&line.key.hospital)
    });
    html! {
        " " a class="btn" href={ (base) "/zip" } { (icon("download")) (w.t("study-zip")) }
        @if own { " " a class="btn" href={ (base) "/share" } { (icon("people")) (w.t("study-share")) } }
        (deidentify::act(cx, &line.key))
    }
}

async fn zip(
    State(state): State<WebState>,
    Path((hospital, id)): Path<(String, String)>,
    cx: PageCx,
) -> PageResult {
    let key = app::viewing::study_key(&hospital, &id)?;
    let made = state.app.study_package(cx.cx()?, &key, None).await?;
    Ok(package(made, &app::App::package_name(&key)))
}
