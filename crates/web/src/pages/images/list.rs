//! Studies where they belong: on the patient's page, with a case, and in the patient's own part.

use app::viewing::view::{StudyLine, StudyState};
use axum::extract::State;
use kernel::RecordKey;
use maud::{Markup, html};

use crate::args;
use crate::components::{Kind, chip, count, icon, state};
use crate::frame::{PageCx, PageResult, WebState};
use crate::pages::patient_portal;
use crate::pages::sharing::own;
use crate::pages::view;
use crate::show::Show;

/// `/images/{hospital}/{id}`.
pub fn study_address(key: &RecordKey) -> String {
    format!("/images/{}/{}", key.hospital, key.id)
}

/// `CT, MR`; what has no modality yet says nothing.
pub fn modalities(show: &Show, line: &StudyLine) -> String {
    show.words.list(line.modalities.iter())
}

/// What a study is called: its description, else its modality and part of the body.
pub fn study_name(show: &Show, line: &StudyLine) -> String {
    let w = &show.words;
    if !line.description.is_empty() {
        return line.description.clone();
    }
    let parts = [modalities(show, line), line.body_part.clone()];
    let text = w.list(parts.iter().filter(|p| !p.is_empty()));
    if text.is_empty() {
        w.t("study-untitled")
    } else {
        text
    }
}

pub fn state_chip(show: &Show, state: StudyState) -> Markup {
    let kind = match state {
        StudyState::Available => return html! {},
        StudyState::Arriving => Kind::Warn,
        StudyState::Elsewhere => Kind::Plain,
        StudyState::Void => Kind::Stop,
    };
    chip(kind, &show.words.word("study-state", state.as_str()))
}

/// One study as a line: what, when, how much, and the way to it.
pub fn study_row(show: &Show, line: &StudyLine, base: &str, more: &Markup) -> Markup {
    let w = &show.words;
    let name = study_name(show, line);
    let counts = w.f(
        "study-counts",
        args!["series" => line.series_count, "images" => line.instances],
    );
    html! {
        li class="stack none" {
            div class="row apart" {
                span {
                    @if !line.modalities.is_empty() { b { (modalities(show, line)) } " " }
                    @if line.state.has_pictures() { a href={ (base) "/" (line.key.hospital) "/" (line.key.id) } { bdi { (name) } } }
                    @else { bdi { (name) } }
                }
                (state_chip(show, line.state))
            }
            p class="small soft" {
                @if let Some(when) = &line.started { (show.fhir_date(when.get(..10).unwrap_or(when))) " · " }
                (counts) " " (view::hospital(&line.custodian))
            }
            (more)
        }
    }
}

/// The studies of a patient or case in their card; nothing where there are none.
pub fn card(cx: &PageCx, studies: &[StudyLine]) -> Markup {
    card_with(cx, studies, |_| html! {})
}

/// The studies for whoever may read them, under a case or as their hospital's own: each can be taken up to be reported.
pub fn card_to_read(cx: &PageCx, studies: &[StudyLine], case: Option<&RecordKey>) -> Markup {
    let own = cx.cx().ok().and_then(|c| c.actor.hospital.clone());
    card_with(cx, studies, |s| {
        html! {
            @if s.state.has_pictures() && (case.is_some() || own.as_ref() == Some(&s.key.hospital)) { form method="post" action="/readings/open" {
                (cx.csrf())
                input type="hidden" name="hospital" value=(s.key.hospital);
                input type="hidden" name="study" value=(s.key.id);
                @if let Some(case) = case { input type="hidden" name="case" value=(case.id); }
                button class="btn" { (icon("sign")) (cx.t("reading-take-up")) }
            } }
        }
    })
}

fn card_with(cx: &PageCx, studies: &[StudyLine], more: impl Fn(&StudyLine) -> Markup) -> Markup {
    let w = &cx.words();
    let show = &cx.show();
    const OPEN: usize = 6;
    let (open, folded) = studies.split_at(studies.len().min(OPEN));
    html! {
        @if !studies.is_empty() {
            section class="card" aria-labelledby="studies-h" id="studies" {
                header { h2 id="studies-h" { (icon("image")) " " (w.t("studies-title")) } (count(studies.len())) }
                ul class="readers" { @for s in open { (study_row(show, s, "/images", &more(s))) } }
                @if !folded.is_empty() { details class="body" { summary class="small" { (w.f("studies-more", args!["n" => folded.len()])) }
                    ul class="readers" { @for s in folded { (study_row(show, s, "/images", &more(s))) } } } }
            }
        }
    }
}

/// The patient's own images.
pub async fn own(State(app): State<WebState>, cx: PageCx) -> PageResult {
    let w = &cx.words();
    let show = &cx.show();
    let mut studies = Vec::new();
    for (hospital, patient) in patient_portal::linked(&cx)? {
        let key = RecordKey::parse(hospital.as_str(), "Patient", patient.as_str())?;
        studies.extend(app.app.studies_of(cx.cx()?, &key).await?);
    }
    studies.dedup_by(|a, b| a.key == b.key);
    let mut rows = Vec::with_capacity(studies.len());
    for s in &studies {
        let reports = own::reports(&app, &cx, &s.key, "/me/reports").await?;
        rows.push(study_row(show, s, "/me/images", &reports));
    }
    let title = w.t("me-images");
    let main = html! {
        h1 { (title) }
        p class="soft" { (w.t("me-images-lead")) }
        div class="card" {
            @if studies.is_empty() { (state::empty("image", &w.t("me-images-none"), "", None)) }
            @else { ul class="readers" { @for row in &rows { (row) } } }
        }
    };
    Ok(patient_portal::draw(&cx, &title, None, &main))
}
