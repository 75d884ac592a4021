//! Everything one can do to a case, each a `POST` of its own; what needs words has a page for them too, so that it
//! works without scripts.

use app::Role;
use app::cases::CaseAct;
use app::cases::view::CaseView;
use axum::extract::{Path, State};
use axum::response::Response;
use care::case::{CloseReason, DeclineReason, DiagnosisChange, ManagementChange, PatientOutcome};
use kernel::{ErrorCode, Phi, RecordKey};
use maud::{Markup, html};

use super::case::{close_form, confirm};
use super::inbox::{ask_form, decline_form};
use crate::components::form::{Choice, Choices, Errors, Field, files};
use crate::frame::flash::done;
use crate::frame::form::Fields;
use crate::frame::route::CLINICAL;
use crate::frame::{
    PageCx, PageError, PageResult, RouteSpec, Upload, WebState, Who, get, post, upload,
};
use crate::pages::view::{self, case_address};
use crate::shell::Shell;

pub(super) const REFERRING: Who = Who::Roles(&[Role::Clinician]);
const COORDINATING: Who = Who::Roles(&[Role::Coordinator]);

pub fn routes() -> Vec<RouteSpec> {
    vec![
        upload("/cases/{hospital}/{id}/messages", CLINICAL, write),
        post("/cases/{hospital}/{id}/accept", COORDINATING, accept),
        post("/cases/{hospital}/{id}/allocate", COORDINATING, allocate),
        get("/cases/{hospital}/{id}/ask", CLINICAL, ask_page),
        post("/cases/{hospital}/{id}/ask", CLINICAL, ask),
        get("/cases/{hospital}/{id}/decline", COORDINATING, decline_page),
        post("/cases/{hospital}/{id}/decline", COORDINATING, decline),
        get("/cases/{hospital}/{id}/supply", REFERRING, supply_page),
        upload("/cases/{hospital}/{id}/supply", REFERRING, supply),
        get("/cases/{hospital}/{id}/outcome", REFERRING, outcome_page),
        post("/cases/{hospital}/{id}/outcome", REFERRING, outcome),
        post(
            "/cases/{hospital}/{id}/outcome-seen",
            Who::Roles(&[Role::Consultant]),
            outcome_seen,
        ),
        get(
            "/cases/{hospital}/{id}/take-back",
            REFERRING,
            take_back_page,
        ),
        post("/cases/{hospital}/{id}/take-back", REFERRING, take_back),
        get("/cases/{hospital}/{id}/cancel", REFERRING, cancel_page),
        post("/cases/{hospital}/{id}/cancel", REFERRING, cancel),
        get("/cases/{hospital}/{id}/close", REFERRING, close_page),
        post("/cases/{hospital}/{id}/close", REFERRING, close),
        post("/cases/{hospital}/{id}/take-over", REFERRING, take_over),
    ]
}

type Address = Path<(String, String)>;

/// A page with one form about a case: banner above, form below.
pub(super) fn form_page(cx: &PageCx, v: &CaseView, title: &str, form: &Markup) -> Response {
    let show = &cx.show();
    let banner = view::banner(
        cx,
        &v.banner,
        Some(&v.case.number),
        Some(case_address(&v.key)),
    );
    let main = html! {
        div class="formpage stack" id="main-form" {
            p class="label" { (cx.t("case-word")) " " span class="id" { (v.case.number) } }
            h2 class="step" { (title) }
            (form)
        }
    };
    Shell::new(cx, title).banner(banner.draw(show)).draw(&main)
}

/// The page with the form that `form` draws of the case as it is now.
async fn page_of(
    state: &WebState,
    cx: &PageCx,
    (hospital, id): (&str, &str),
    title: &str,
    form: impl FnOnce(&CaseView) -> Markup,
) -> PageResult {
    let v = view_of(state, cx, hospital, id).await?;
    Ok(form_page(cx, &v, &cx.t(title), &form(&v)))
}

async fn view_of(
    state: &WebState,
    cx: &PageCx,
    hospital: &str,
    id: &str,
) -> Result<CaseView, PageError> {
    Ok(state.app.case(cx.cx()?, &super::key(hospital, id)?).await?)
}

/// Does it and says so on the case's page, or gives back what was wrong with the form.
async fn act(
    state: &WebState,
    cx: &PageCx,
    key: &RecordKey,
    act: CaseAct,
    done_key: &str,
) -> Result<Result<Response, Errors>, PageError> {
    match state.app.case_act(cx.cx()?, key, act).await {
        Ok(_) => Ok(Ok(done(&case_address(key), done_key))),
        Err(e) => Ok(Err(cx.wrong(e)?)),
    }
}

/// For acts without a form: what is wrong is a page of its own.
async fn plain(
    state: &WebState,
    cx: &PageCx,
    address: (String, String),
    what: CaseAct,
    done_key: &str,
) -> PageResult {
    let key = super::key(&address.0, &address.1)?;
    state.app.case_act(cx.cx()?, &key, what).await?;
    Ok(done(&case_address(&key), done_key))
}

fn phi(text: &str) -> Phi<String> {
    Phi::new(text.trim().to_owned())
}

async fn write(
    State(state): State<WebState>,
    Path((hospital, id)): Address,
    cx: PageCx,
    form: Upload,
) -> PageResult {
    let key = super::key(&hospital, &id)?;
    if form.get("to_patient") == "yes" {
        let text = phi(form.get("text"));
        state.app.write_to_patient(cx.cx()?, &key, text).await?;
        let back = format!("{}#messages", case_address(&key));
        return Ok(done(&back, "message-sent"));
    }
    let mut files = Vec::new();
    for part in &form.files {
        let file = state
            .app
            .attach(cx.cx()?, &key, &part.filename, part.bytes.clone())
            .await?;
        files.push(file.id);
    }
    state
        .app
        .write_message(cx.cx()?, &key, phi(form.get("text")), &files)
        .await?;
    Ok(done(
        &format!("{}#messages", case_address(&key)),
        "message-sent",
    ))
}

async fn accept(State(state): State<WebState>, Path(address): Address, cx: PageCx) -> PageResult {
    plain(&state, &cx, address, CaseAct::Accept, "case-accepted").await
}

async fn allocate(
    State(state): State<WebState>,
    Path((hospital, id)): Address,
    cx: PageCx,
    form: Fields,
) -> PageResult {
    let consultant = form
        .get("consultant")
        .parse()
        .map_err(|_| PageError::new(ErrorCode::Malformed))?;
    let key = super::key(&hospital, &id)?;
    state
        .app
        .case_act(cx.cx()?, &key, CaseAct::Allocate { consultant })
        .await?;
    Ok(done("/inbox", "case-allocated"))
}

async fn ask_page(
    State(state): State<WebState>,
    Path((hospital, id)): Address,
    cx: PageCx,
) -> PageResult {
    page_of(&state, &cx, (&hospital, &id), "ask-title", |v| {
        ask_form(&cx, v, "", &Errors::default())
    })
    .await
}

async fn ask(
    State(state): State<WebState>,
    Path((hospital, id)): Address,
    cx: PageCx,
    form: Fields,
) -> PageResult {
    let key = super::key(&hospital, &id)?;
    let text = form.get("ask-text");
    let mut errors = Errors::default();
    if text.is_empty() {
        errors.add("ask-text", cx.t("ask-empty"));
    } else {
        match act(
            &state,
            &cx,
            &key,
            CaseAct::AskForMore { text: phi(text) },
            "case-asked",
        )
        .await?
        {
            Ok(answer) => return Ok(answer),
            Err(e) => errors = e,
        }
    }
    page_of(&state, &cx, (&hospital, &id), "ask-title", |v| {
        ask_form(&cx, v, text, &errors)
    })
    .await
}

async fn decline_page(
    State(state): State<WebState>,
    Path((hospital, id)): Address,
    cx: PageCx,
) -> PageResult {
    page_of(&state, &cx, (&hospital, &id), "decline-title", |v| {
        decline_form(&cx, v, "", "", &Errors::default())
    })
    .await
}

async fn decline(
    State(state): State<WebState>,
    Path((hospital, id)): Address,
    cx: PageCx,
    form: Fields,
) -> PageResult {
    let key = super::key(&hospital, &id)?;
    let (reason, note) = (form.get("reason"), form.get("decline-note"));
    let mut errors = Errors::default();
    match reason.parse::<DeclineReason>() {
        Ok(reason) => match act(
            &state,
            &cx,
            &key,
            CaseAct::Decline {
                reason,
                note: phi(note),
            },
            "case-declined-done",
        )
        .await?
        {
            Ok(answer) => return Ok(answer),
            Err(e) => errors = e,
        },
        Err(_) => errors.add("reason", cx.t("decline-reason-missing")),
    }
    page_of(&state, &cx, (&hospital, &id), "decline-title", |v| {
        decline_form(&cx, v, reason, note, &errors)
    })
    .await
}

fn supply_form(cx: &PageCx, v: &CaseView, text: &str, errors: &Errors) -> Markup {
    let w = &cx.words();
    let asked = v.case.questions.last().filter(|q| q.supplied.is_none());
    html! {
        form class="stack" method="post" action={ (case_address(&v.key)) "/supply" } enctype="multipart/form-data" {
            (cx.csrf())
            (errors.summary(w))
            @if let Some(q) = asked { blockquote class="card doc said" { (q.text.reveal()) } }
            (Field::new("supply-text", w.t("supply-text")).hint(w.t("supply-hint")).value(text).errors(errors).area(4))
            (files("files", &w.t("files-drop"), &w.t("files-hint"), "application/pdf,image/png,image/jpeg,image/webp", true, errors))
            div class="row" { button class="btn primary" { (w.t("act-supply")) } a class="btn" href=(case_address(&v.key)) { (w.t("leave-it")) } }
        }
    }
}

async fn supply_page(
    State(state): State<WebState>,
    Path((hospital, id)): Address,
    cx: PageCx,
) -> PageResult {
    page_of(&state, &cx, (&hospital, &id), "supply-title", |v| {
        supply_form(&cx, v, "", &Errors::default())
    })
    .await
}

async fn supply(
    State(state): State<WebState>,
    Path((hospital, id)): Address,
    cx: PageCx,
    form: Upload,
) -> PageResult {
    let key = super::key(&hospital, &id)?;
    let text = form.get("supply-text");
    let mut errors = Errors::default();
    if text.is_empty() && form.files.is_empty() {
        errors.add("supply-text", cx.t("supply-empty"));
    } else {
        let mut attached = Vec::new();
        for part in &form.files {
            attached.push(
                state
                    .app
                    .attach(cx.cx()?, &key, &part.filename, part.bytes.clone())
                    .await?,
            );
        }
        let what = CaseAct::SupplyMore {
            text: phi(text),
            items: Vec::new(),
            classes: std::collections::BTreeSet::new(),
            files: attached,
        };
        match act(&state, &cx, &key, what, "case-supplied").await? {
            Ok(answer) => return Ok(answer),
            Err(e) => errors = e,
        }
    }
    page_of(&state, &cx, (&hospital, &id), "supply-title", |v| {
        supply_form(&cx, v, text, &errors)
    })
    .await
}

fn outcome_form(cx: &PageCx, v: &CaseView, form: &Fields, errors: &Errors) -> Markup {
    let w = &cx.words();
    let choices = |set: &str, codes: Vec<&str>| {
        codes
            .into_iter()
            .map(|c| Choice::new(c, w.word(set, c)))
            .collect::<Vec<_>>()
    };
    let chosen = |name: &str| vec![form.get(name).to_owned()];
    html! {
        form class="stack" method="post" action={ (case_address(&v.key)) "/outcome" } {
            (cx.csrf())
            (errors.summary(w))
            p class="soft prose" { (w.t("outcome-lead")) }
            (Choices { name: "management", legend: w.t("outcome-management"), hint: None, chosen: &chosen("management"), many: false, framed: false }
                .draw(errors, &choices("management", ManagementChange::ALL.iter().map(|c| c.as_str()).collect())))
            (Choices { name: "diagnosis", legend: w.t("outcome-diagnosis"), hint: None, chosen: &chosen("diagnosis"), many: false, framed: false }
                .draw(errors, &choices("diagnosis", DiagnosisChange::ALL.iter().map(|c| c.as_str()).collect())))
            (Choices { name: "patient", legend: w.t("outcome-patient"), hint: None, chosen: &chosen("patient"), many: false, framed: false }
                .draw(errors, &choices("patient-outcome", PatientOutcome::ALL.iter().map(|c| c.as_str()).collect())))
            (Field::new("outcome-text", w.t("outcome-text")).hint(w.t("outcome-hint")).value(form.get("outcome-text")).errors(errors).area(4))
            div class="row" { button class="btn primary" { (w.t("act-outcome")) } a class="btn" href=(case_address(&v.key)) { (w.t("leave-it")) } }
        }
    }
}

async fn outcome_page(
    State(state): State<WebState>,
    Path((hospital, id)): Address,
    cx: PageCx,
) -> PageResult {
    page_of(&state, &cx, (&hospital, &id), "outcome-title", |v| {
        outcome_form(&cx, v, &Fields::default(), &Errors::default())
    })
    .await
}

async fn outcome(
    State(state): State<WebState>,
    Path((hospital, id)): Address,
    cx: PageCx,
    form: Fields,
) -> PageResult {
    let key = super::key(&hospital, &id)?;
    let mut errors = Errors::default();
    let management = form.get("management").parse::<ManagementChange>();
    let diagnosis = form.get("diagnosis").parse::<DiagnosisChange>();
    let patient = form.get("patient").parse::<PatientOutcome>();
    for (name, missing) in [
        ("management", management.is_err()),
        ("diagnosis", diagnosis.is_err()),
        ("patient", patient.is_err()),
    ] {
        if missing {
            errors.add(name, cx.t("outcome-choose"));
        }
    }
    if let (Ok(management), Ok(diagnosis), Ok(patient)) = (management, diagnosis, patient) {
        let what = CaseAct::TellOutcome {
            management,
            diagnosis,
            patient,
            text: phi(form.get("outcome-text")),
        };
        match act(&state, &cx, &key, what, "outcome-told").await? {
            Ok(answer) => return Ok(answer),
            Err(e) => errors = e,
        }
    }
    page_of(&state, &cx, (&hospital, &id), "outcome-title", |v| {
        outcome_form(&cx, v, &form, &errors)
    })
    .await
}

async fn outcome_seen(
    State(state): State<WebState>,
    Path(address): Address,
    cx: PageCx,
) -> PageResult {
    plain(
        &state,
        &cx,
        address,
        CaseAct::SeeOutcome,
        "outcome-seen-done",
    )
    .await
}

async fn take_back_page(
    State(state): State<WebState>,
    Path((hospital, id)): Address,
    cx: PageCx,
) -> PageResult {
    page_of(&state, &cx, (&hospital, &id), "take-back-title", |v| {
        confirm(&cx, v, "take-back")
    })
    .await
}

async fn take_back(
    State(state): State<WebState>,
    Path(address): Address,
    cx: PageCx,
) -> PageResult {
    plain(&state, &cx, address, CaseAct::TakeBack, "case-taken-back").await
}

async fn cancel_page(
    State(state): State<WebState>,
    Path((hospital, id)): Address,
    cx: PageCx,
) -> PageResult {
    page_of(&state, &cx, (&hospital, &id), "cancel-title", |v| {
        confirm(&cx, v, "cancel")
    })
    .await
}

async fn cancel(State(state): State<WebState>, Path(address): Address, cx: PageCx) -> PageResult {
    plain(&state, &cx, address, CaseAct::Cancel, "case-cancelled").await
}

async fn close_page(
    State(state): State<WebState>,
    Path((hospital, id)): Address,
    cx: PageCx,
) -> PageResult {
    page_of(&state, &cx, (&hospital, &id), "close-title", |v| {
        close_form(&cx, v, &Errors::default())
    })
    .await
}

async fn close(
    State(state): State<WebState>,
    Path((hospital, id)): Address,
    cx: PageCx,
    form: Fields,
) -> PageResult {
    let key = super::key(&hospital, &id)?;
    let mut errors = Errors::default();
    match form.get("reason").parse::<CloseReason>() {
        Ok(reason) => match act(&state, &cx, &key, CaseAct::Close { reason }, "case-closed").await?
        {
            Ok(answer) => return Ok(answer),
            Err(e) => errors = e,
        },
        Err(_) => errors.add("reason", cx.t("close-reason-missing")),
    }
    page_of(&state, &cx, (&hospital, &id), "close-title", |v| {
        close_form(&cx, v, &errors)
    })
    .await
}

async fn take_over(
    State(state): State<WebState>,
    Path(address): Address,
    cx: PageCx,
) -> PageResult {
    plain(&state, &cx, address, CaseAct::TakeOver, "case-taken-over").await
}
