//! Taking a record over: a FHIR bundle, an International Patient Summary, a PDF or an image. The system proposes
//! whose it may be and why; a person decides.

use app::Role;
use app::records::import::{
    ImportCandidate, ImportDecision, ImportKind, ImportLine, ImportState, ImportView, PersonView,
};
use app::records::view::{IdentifierLine, PatientRow};
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect};
use care::matching::{Grade, Reason};
use kernel::{HospitalId, ResourceId};
use maud::{Markup, html};

use crate::args;
use crate::components::form::{self, Choice, Choices, Errors};
use crate::components::list::{Column, table};
use crate::components::{Kind, chip, crumbs, facts, icon, note};
use crate::frame::form::Fields;
use crate::frame::{
    PageCx, PageResult, RouteSpec, Upload, WebState, Who, flash, get, post, upload,
};
use crate::shell;
use crate::show::Show;

const WHO: Who = Who::Roles(&[Role::Clinician, Role::Coordinator, Role::Consultant]);
const ACCEPT: &str = ".json,.pdf,.png,.jpg,.jpeg,application/fhir+json,application/json,application/pdf,image/png,image/jpeg";

pub fn routes() -> Vec<RouteSpec> {
    vec![
        get("/import", WHO, list),
        upload("/import", WHO, take),
        get("/import/{id}", WHO, look),
        post("/import/{id}", WHO, decide),
    ]
}

async fn list(State(state): State<WebState>, cx: PageCx) -> PageResult {
    draw_list(&state, &cx, &Errors::default()).await
}

async fn draw_list(state: &WebState, cx: &PageCx, errors: &Errors) -> PageResult {
    let waiting = state.app.imports(cx.cx()?).await?;
    let show = cx.show();
    let w = cx.words();
    let main = html! {
        div class="head" { div { (crumbs(&w, &[(&w.t("nav-patients"), Some("/patients")), (&w.t("import-title"), None)])) h1 { (w.t("import-title")) } } }
        (errors.summary(&w))
        div class="cols half" {
            form class="card" method="post" action="/import" enctype="multipart/form-data" {
                (cx.csrf())
                header { h2 { (w.t("import-new")) } }
                div class="body stack" {
                    (form::files("file", &w.t("import-file"), &w.t("import-file-hint"), ACCEPT, true, errors))
                    (note(Kind::Plain, w.t("import-promise")))
                }
                footer class="row" { button class="btn primary" { (icon("upload")) (w.t("import-read")) } }
            }
            section class="card" aria-labelledby="h-waiting" {
                header { h2 id="h-waiting" { (w.t("import-waiting")) } span class="count" { (waiting.len()) } }
                @if waiting.is_empty() {
                    (crate::components::state::empty("inbox", &w.t("import-none"), &w.t("import-none-more"), None))
                } @else { (waiting_table(&show, &waiting)) }
            }
        }
    };
    Ok(shell::page(cx, &w.t("import-title"), &main))
}

fn waiting_table(show: &Show, waiting: &[ImportLine]) -> Markup {
    let w = &show.words;
    let columns = [
        Column::new(w.t("import-col-file")),
        Column::new(w.t("import-col-read")),
        Column::number(w.t("import-col-size")),
    ];
    table(
        &w.t("import-waiting"),
        &columns,
        html! {
            @for line in waiting { tr {
                td class="main" { a href={ "/import/" (line.id) } { bdi { (line.filename.reveal()) } } }
                td { (show.at(line.at)) }
                td class="num" { (show.bytes(line.size)) }
            } }
        },
    )
}

/// Every file is staged by itself; one file leads straight to its decision.
async fn take(State(state): State<WebState>, cx: PageCx, form: Upload) -> PageResult {
    let mut errors = Errors::default();
    if form.files.is_empty() {
        errors.add("file", cx.t("import-choose-file"));
        return draw_list(&state, &cx, &errors).await;
    }
    let mut last = None;
    for part in &form.files {
        match state
            .app
            .stage_import(cx.cx()?, &part.filename, part.bytes.clone())
            .await
        {
            Ok(id) => last = Some(id),
            Err(error) => errors.gather("file", &part.filename, &cx.wrong(error)?),
        }
    }
    match last {
        Some(id) if errors.is_empty() && form.files.len() == 1 => {
            Ok(Redirect::to(&format!("/import/{id}")).into_response())
        }
        _ if errors.is_empty() => Ok(flash::done("/import", "import-staged")),
        _ => draw_list(&state, &cx, &errors).await,
    }
}

async fn look(State(state): State<WebState>, cx: PageCx, Path(id): Path<ResourceId>) -> PageResult {
    draw_one(&state, &cx, &id, &Errors::default()).await
}

async fn decide(
    State(state): State<WebState>,
    cx: PageCx,
    Path(id): Path<ResourceId>,
    fields: Fields,
) -> PageResult {
    let decision = match fields.get("decision") {
        "new" => ImportDecision::New,
        "drop" => ImportDecision::Drop,
        other => match ResourceId::new(other) {
            Ok(patient) => ImportDecision::Existing(patient),
            Err(_) => {
                let mut errors = Errors::default();
                errors.add("decision", cx.t("import-decide-first"));
                return draw_one(&state, &cx, &id, &errors).await;
            }
        },
    };
    let dropped = matches!(decision, ImportDecision::Drop);
    match state.app.decide_import(cx.cx()?, &id, decision).await {
        Ok(_) if dropped => Ok(flash::done("/import", "import-dropped")),
        Ok(patient) => Ok(flash::done(
            &format!("/patients/{}/{}", patient.hospital, patient.id),
            "import-done",
        )),
        Err(error) => {
            let errors = cx.wrong(error)?;
            draw_one(&state, &cx, &id, &errors).await
        }
    }
}

async fn draw_one(state: &WebState, cx: &PageCx, id: &ResourceId, errors: &Errors) -> PageResult {
    let view = &state.app.import_view(cx.cx()?, id).await?;
    let asked = cx.query_value("q").unwrap_or_default();
    let found = if asked.is_empty() {
        Vec::new()
    } else {
        state.app.patients(cx.cx()?, &asked, None).await?.rows
    };
    let w = cx.words();
    let show = cx.show();
    let title = w.t("import-whose");
    let main = html! {
        div class="head" { div {
            (crumbs(&w, &[(&w.t("nav-patients"), Some("/patients")), (&w.t("import-title"), Some("/import")), (&title, None)]))
            h1 { (title) }
        } }
        (errors.summary(&w))
        (state_note(&show, cx.cx()?.hospital()?, view))
        div class="cols aside" {
            div class="stack" {
                @if let Some(person) = &view.person { (person_card(&show, person)) }
                @if matches!(view.state, ImportState::Waiting) {
                    (search(&show, view, &asked, found.len()))
                    (decision(cx, &show, view, &found, errors))
                }
            }
            (content_card(&show, view))
        }
    };
    Ok(shell::page(cx, &title, &main))
}

fn state_note(show: &Show, own: &HospitalId, view: &ImportView) -> Markup {
    let w = &show.words;
    match &view.state {
        ImportState::Waiting => html! {},
        ImportState::Done {
            patient,
            written,
            known,
            at,
            ..
        } => {
            let text = w.f(
                "import-state-done",
                args!["written" => *written, "known" => *known, "at" => show.at(*at)],
            );
            note(
                Kind::Ok,
                html! { (text) " " a href={ "/patients/" (own) "/" (patient) } { (w.t("import-open-record")) } },
            )
        }
        ImportState::Dropped { .. } => note(Kind::Plain, w.t("import-state-dropped")),
    }
}

/// Looks for a patient the comparison did not propose, or for whom a file without a name in it is meant.
fn search(show: &Show, view: &ImportView, asked: &str, found: usize) -> Markup {
    let w = &show.words;
    html! {
        form class="card" method="get" action={ "/import/" (view.id) } role="search" {
            div class="body row" {
                label for="q" { (w.t("import-search")) }
                input class="input grow" id="q" name="q" type="search" value=(asked);
                button class="btn" { (icon("search")) (w.t("import-search-go")) }
                @if !asked.is_empty() { span class="small soft" role="status" { (w.f("import-search-found", args!["n" => found])) } }
            }
        }
    }
}

fn person_card(show: &Show, person: &PersonView) -> Markup {
    let w = &show.words;
    let names = person.names.reveal();
    let mut rows: Vec<(String, Markup)> = Vec::new();
    let native = names.native.join(" · ");
    if !native.is_empty() {
        rows.push((w.t("import-name-native"), html! { bdi { (native) } }));
    }
    if !names.latin.is_empty() {
        rows.push((w.t("import-name-latin"), html! { (names.latin) }));
    }
    if let Some(born) = &person.birth_date {
        rows.push((
            w.t("banner-born"),
            html! { (show.fhir_date(born.reveal())) },
        ));
    }
    rows.push((
        w.t("import-sex"),
        html! { (w.word("sex", person.sex.as_str())) },
    ));
    for id in &person.identifiers {
        rows.push((id.issuer.clone(), identifier(id)));
    }
    html! {
        section class="card" aria-labelledby="h-person" {
            header { h2 id="h-person" { (w.t("import-person")) } }
            div class="body" { (facts(&rows)) }
        }
    }
}

/// A masked number shows its last four characters.
fn identifier(line: &IdentifierLine) -> Markup {
    let value = line.value.reveal();
    let shown = if line.masked {
        let tail: String = value
            .chars()
            .rev()
            .take(4)
            .collect::<Vec<_>>()
            .into_iter()
            .rev()
            .collect();
        format!("••••{tail}")
    } else {
        value.clone()
    };
    html! { span class="id" { (shown) } }
}

fn decision(
    cx: &PageCx,
    show: &Show,
    view: &ImportView,
    found: &[PatientRow],
    errors: &Errors,
) -> Markup {
    let w = &show.words;
    let is_bundle = matches!(view.kind, ImportKind::Bundle { .. });
    // Only a certain match is chosen beforehand, and only one: everything else asks for a look.
    let certain: Vec<String> = match view.candidates.as_slice() {
        [one] if one.grade == Grade::Certain => vec![one.row.key.id.to_string()],
        _ => Vec::new(),
    };
    let mut choices: Vec<Choice> = view.candidates.iter().map(|c| candidate(show, c)).collect();
    let proposed = |row: &PatientRow| view.candidates.iter().any(|c| c.row.key == row.key);
    choices.extend(found.iter().filter(|r| !proposed(r)).map(|row| {
        let name = html! { b { bdi { (row.names.reveal().heading()) } } };
        Choice::new(row.key.id.to_string(), name).note(row_line(show, row))
    }));
    if is_bundle {
        choices
            .push(Choice::new("new", w.t("import-choice-new")).note(w.t("import-choice-new-note")));
    }
    choices
        .push(Choice::new("drop", w.t("import-choice-drop")).note(w.t("import-choice-drop-note")));
    let question = Choices {
        name: "decision",
        legend: w.t("import-question"),
        hint: Some(w.t(match (is_bundle, view.candidates.is_empty()) {
            (false, _) => "import-question-file",
            (true, true) => "import-question-none",
            (true, false) => "import-question-hint",
        })),
        chosen: &certain,
        many: false,
        framed: true,
    };
    html! {
        form class="card" method="post" action={ "/import/" (view.id) } {
            (cx.csrf())
            div class="body" { (question.draw(errors, &choices)) }
            footer class="row" { button class="btn primary" { (w.t("import-decide")) } }
        }
    }
}

fn candidate(show: &Show, c: &ImportCandidate) -> Choice {
    let w = &show.words;
    let kind = match c.grade {
        Grade::Certain => Kind::Ok,
        Grade::Probable => Kind::Warn,
        Grade::Possible | Grade::No => Kind::Plain,
    };
    let label = html! {
        span class="row" { b { bdi { (c.row.names.reveal().heading()) } } (chip(kind, &w.word("grade", c.grade.as_str()))) }
        span class="small soft" { (row_line(show, &c.row)) }
    };
    let reasons =
        html! { span class="row" { @for reason in &c.reasons { (reason_chip(show, reason)) } } };
    Choice::new(c.row.key.id.to_string(), label).note(reasons)
}

fn row_line(show: &Show, row: &PatientRow) -> Markup {
    let w = &show.words;
    let names = row.names.reveal();
    html! {
        bdi { (names.native.join(" · ")) } " "
        @if let Some(born) = row.birth_date.reveal() { (show.fhir_date(born)) " " }
        (w.word("sex", row.sex.as_str()))
        @if let Some(number) = &row.number { " " (identifier(number)) }
    }
}

fn reason_chip(show: &Show, reason: &Reason) -> Markup {
    let w = &show.words;
    let text = match reason {
        Reason::SameIdentifier(issuer) => w.f(
            "import-reason-same-identifier",
            args!["issuer" => issuer.as_str()],
        ),
        Reason::OtherIdentifier(issuer) => w.f(
            "import-reason-other-identifier",
            args!["issuer" => issuer.as_str()],
        ),
        Reason::SameName => w.t("import-reason-same-name"),
        Reason::SimilarName => w.t("import-reason-similar-name"),
        Reason::OtherName => w.t("import-reason-other-name"),
        Reason::SameBirthDate => w.t("import-reason-same-birth-date"),
        Reason::CloseBirthDate => w.t("import-reason-close-birth-date"),
        Reason::OtherBirthDate => w.t("import-reason-other-birth-date"),
        Reason::SameSex => w.t("import-reason-same-sex"),
        Reason::OtherSex => w.t("import-reason-other-sex"),
    };
    let kind = match reason {
        Reason::SameIdentifier(_) | Reason::SameName | Reason::SameBirthDate | Reason::SameSex => {
            Kind::Ok
        }
        Reason::SimilarName | Reason::CloseBirthDate => Kind::Warn,
        Reason::OtherIdentifier(_)
        | Reason::OtherName
        | Reason::OtherBirthDate
        | Reason::OtherSex => Kind::Stop,
    };
    chip(kind, &text)
}

fn counts(kinds: &[(String, usize)]) -> Markup {
    let rows: Vec<(String, Markup)> = kinds
        .iter()
        .map(|(kind, n)| (kind.clone(), html! { (n) }))
        .collect();
    facts(&rows)
}

fn content_card(show: &Show, view: &ImportView) -> Markup {
    let w = &show.words;
    html! {
        section class="card" aria-labelledby="h-content" {
            header { h2 id="h-content" { (w.t("import-content")) } }
            div class="body stack" {
                p { bdi { (view.filename.reveal()) } br; span class="small soft" { (view.media_type) ", " (show.bytes(view.size)) ", " (show.at(view.at)) } }
                @if let ImportKind::Bundle { entries, left_out, problems, problem_count, unresolved } = &view.kind {
                    (counts(entries))
                    @if !left_out.is_empty() {
                        details { summary { (w.t("import-left-out")) } p class="small soft" { (w.t("import-left-out-why")) } (counts(left_out)) }
                    }
                    @if *unresolved > 0 { (note(Kind::Warn, w.f("import-unresolved", args!["n" => *unresolved]))) }
                    @if *problem_count > 0 {
                        details { summary { (w.f("import-problems", args!["n" => *problem_count])) }
                            ul class="plain small" { @for p in problems { li { span class="id" { (p.expression) } " " (p.text) } } } }
                    }
                } @else { p class="soft" { (w.t("import-file-whole")) } }
            }
        }
    }
}
