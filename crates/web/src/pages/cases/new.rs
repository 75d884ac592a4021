//! A new case: question, service and partner, parts of the record, files, consent, review. Each step has an address
//! and is kept when left; nothing leaves the hospital before the last.

use std::collections::BTreeSet;

use app::Role;
use app::cases::CaseAct;
use app::cases::view::{CaseView, Offer};
use app::records::view::{TimelineAsk, TimelineView};
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use care::case::{CaseFile, Edit, Missing, RecordItem, Urgency};
use care::timeline::{Entry, Line};
use jiff::SignedDuration;
use kernel::{ErrorCode, HospitalId, Kind as RecordKind, Phi, RecordKey, ResourceId, limits};
use maud::{Markup, html};

use super::steps::{self, STEPS, address, buttons, frame, step_of};
use crate::args;
use crate::components::form::{Choice, Choices, Errors, Field, files};
use crate::components::{Kind, chip, icon, note, urgency};
use crate::frame::flash::done;
use crate::frame::form::Fields;
use crate::frame::{
    PageCx, PageError, PageResult, RouteSpec, Upload, WebState, Who, get, post, refused, upload,
};
use crate::pages::entry::{file_address, file_icon, file_title};
use crate::pages::lines::title;
use crate::pages::view::{self, case_address, patient_address};
use crate::shell::{Shell, part};
use crate::show::Show;

const REFERRING: Who = Who::Roles(&[Role::Clinician]);

pub fn routes() -> Vec<RouteSpec> {
    vec![
        post("/patients/{hospital}/{id}/cases", REFERRING, start),
        get("/cases/{hospital}/{id}/edit/{step}", REFERRING, step),
        post("/cases/{hospital}/{id}/edit/{step}", REFERRING, keep),
        upload("/cases/{hospital}/{id}/files", REFERRING, add_files),
        post("/cases/{hospital}/{id}/send", REFERRING, send),
    ]
}

type StepAddress = Path<(String, String, String)>;

async fn start(
    State(state): State<WebState>,
    Path((hospital, id)): Path<(String, String)>,
    cx: PageCx,
) -> PageResult {
    let patient = RecordKey::parse(&hospital, "Patient", &id)?;
    if cx.cx()?.hospital()? != &patient.hospital {
        return Err(PageError::new(ErrorCode::Denied));
    }
    let key = state.app.start_case(cx.cx()?, &patient.id).await?;
    Ok(Redirect::to(&format!("{}/edit/question", case_address(&key))).into_response())
}

async fn step(
    State(state): State<WebState>,
    Path((hospital, id, step)): StepAddress,
    cx: PageCx,
) -> PageResult {
    if !STEPS.contains(&step.as_str()) {
        return Err(PageError::not_found());
    }
    let view = state
        .app
        .case(cx.cx()?, &super::key(&hospital, &id)?)
        .await?;
    page(&state, &cx, &view, &step, None, &Errors::default()).await
}

/// Draws one step. `posted` is what the reader had typed when something was wrong with it.
pub(super) async fn page(
    state: &WebState,
    cx: &PageCx,
    v: &CaseView,
    step: &str,
    posted: Option<&Fields>,
    errors: &Errors,
) -> PageResult {
    if !v.can.edit {
        return Ok(Redirect::to(&case_address(&v.key)).into_response());
    }
    let missing = state.app.missing(cx.cx()?, &v.key).await?;
    let body = match step {
        "service" => {
            let specialty = cx.query_value("specialty");
            let offers = state.app.offers(cx.cx()?, None).await?;
            service(cx, v, &offers, specialty.as_deref(), errors)
        }
        "record" => {
            let record = state
                .app
                .timeline(cx.cx()?, &v.banner.key, &TimelineAsk::default())
                .await?;
            let offer = offer_of(state, cx, v).await?;
            parts(cx, v, &record, offer.as_ref(), errors)
        }
        "files" => attached(cx, v, errors),
        "consent" => super::consent::draw(
            cx,
            v,
            offer_of(state, cx, v).await?.as_ref(),
            posted,
            errors,
        ),
        "review" => review(
            cx,
            v,
            offer_of(state, cx, v).await?.as_ref(),
            &missing,
            errors,
        ),
        _ => question(cx, v, posted, errors),
    };
    let show = &cx.show();
    let banner = view::banner(
        cx,
        &v.banner,
        Some(&v.case.number),
        Some(patient_address(&v.banner.key)),
    );
    let title = cx.t("case-new");
    let mut answer = Shell::new(cx, &title)
        .banner(banner.draw(show))
        .draw(&frame(cx, v, step, &missing, &body));
    if !errors.is_empty() {
        answer = refused(answer);
    }
    Ok(answer)
}

/// The offer the case is written under, if one is chosen and still stands.
pub(super) async fn offer_of(
    state: &WebState,
    cx: &PageCx,
    v: &CaseView,
) -> Result<Option<Offer>, PageError> {
    let r = &v.case.request;
    let offers = state.app.offers(cx.cx()?, r.specialty.as_deref()).await?;
    Ok(offers.into_iter().find(|o| {
        Some(&o.agreement) == r.agreement.as_ref()
            && Some(&o.partner.id) == r.answering.as_ref()
            && Some(&o.service) == r.service.as_ref()
            && Some(&o.specialty) == r.specialty.as_ref()
    }))
}

fn form(cx: &PageCx, v: &CaseView, step: &str, body: &Markup) -> Markup {
    let here = address(v, step);
    html! {
        form class="stack" method="post" action=(here) data-draft=(here) {
            (cx.csrf())
            (body)
            (buttons(cx, v, step))
        }
    }
}

fn question(cx: &PageCx, v: &CaseView, posted: Option<&Fields>, errors: &Errors) -> Markup {
    let w = &cx.words();
    let show = &cx.show();
    let r = &v.case.request;
    let typed =
        |name: &str, kept: &str| posted.map_or_else(|| kept.to_owned(), |f| f.get(name).to_owned());
    let chosen = posted.map_or_else(
        || r.urgency.map(|u| u.as_str().to_owned()),
        |f| f.some("urgency").map(str::to_owned),
    );
    let urgencies: Vec<Choice> = Urgency::ALL
        .iter()
        .map(|u| {
            let within = show.span(SignedDuration::from_secs(steps::response_s(v, *u)));
            let c = Choice::new(u.as_str(), html! { (urgency(w, u.as_str())) " " (w.f("urgency-within", args!["span" => within])) });
            match w.word_if("urgency-note", u.as_str()) {
                Some(note) => c.note(note),
                None => c,
            }
        })
        .collect();
    form(
        cx,
        v,
        "question",
        &html! {
            (errors.summary(w))
            (Field::new("question", w.t("question-label")).hint(w.t("question-hint")).value(typed("question", r.question.reveal())).errors(errors).maxlength(limits::TEXT_CHARS_MAX).area(2))
            (Field::new("background", w.t("background-label")).hint(w.t("background-hint")).value(typed("background", r.background.reveal())).errors(errors).maxlength(limits::TEXT_CHARS_MAX).area(5))
            (Choices { name: "urgency", legend: w.t("urgency-label"), hint: None, chosen: chosen.as_slice(), many: false, framed: true }.draw(errors, &urgencies))
            (Field::new("call-back", w.t("call-back-label")).hint(w.t("call-back-hint")).value(typed("call-back", r.call_back.as_ref().map_or("", |t| t.reveal()))).errors(errors).kind("tel").autocomplete("tel").input())
        },
    )
}

fn offer_value(o: &Offer) -> String {
    format!(
        "{}|{}|{}|{}",
        o.agreement, o.partner.id, o.service, o.specialty
    )
}

fn service(
    cx: &PageCx,
    v: &CaseView,
    offers: &[Offer],
    specialty: Option<&str>,
    errors: &Errors,
) -> Markup {
    let w = &cx.words();
    let show = &cx.show();
    let r = &v.case.request;
    let specialty = specialty
        .or(r.specialty.as_deref())
        .filter(|s| offers.iter().any(|o| o.specialty == *s));
    let mut specialties: Vec<(String, String)> = vec![(String::new(), w.t("service-any"))];
    for o in offers {
        let entry = (o.specialty.clone(), view::specialty(show, &o.specialty));
        if !specialties.contains(&entry) {
            specialties.push(entry);
        }
    }
    let chosen = match (&r.agreement, &r.answering, &r.service, &r.specialty) {
        (Some(a), Some(h), Some(s), Some(p)) => vec![format!("{a}|{h}|{s}|{p}")],
        _ => Vec::new(),
    };
    let mut shown: Vec<&Offer> = offers
        .iter()
        .filter(|o| specialty.is_none_or(|s| o.specialty == s))
        .collect();
    shown.sort_by_key(|o| (view::specialty(show, &o.specialty), o.partner.name.clone()));
    let mut group = String::new();
    let choices: Vec<Choice> = shown
        .into_iter()
        .map(|o| {
            let heading = (group != o.specialty).then(|| view::specialty(show, &o.specialty));
            group.clone_from(&o.specialty);
            offer_choice(cx, v, o).heading(heading)
        })
        .collect();
    html! {
        @if offers.is_empty() { (note(Kind::Warn, w.t("service-none"))) }
        @else {
            form method="get" action=(address(v, "service")) class="row end" {
                (Field::new("specialty", w.t("list-specialty")).value(specialty.unwrap_or_default()).select(&specialties))
                button class="btn" { (w.t("list-apply")) }
            }
        }
        (form(cx, v, "service", &html! {
            (errors.summary(w))
            (Choices { name: "offer", legend: w.t("service-partner"), hint: Some(w.t("service-partner-hint")), chosen: &chosen, many: false, framed: true }.draw(errors, &choices))
        }))
    }
}

fn offer_choice(cx: &PageCx, v: &CaseView, o: &Offer) -> Choice {
    let w = &cx.words();
    let show = &cx.show();
    let soonest = v
        .case
        .request
        .urgency
        .and_then(|u| o.response_s.iter().find(|(x, _)| *x == u))
        .or(o.response_s.first());
    let within = soonest.map(|(u, s)| {
        w.f("offer-within", args!["urgency" => w.word("urgency", u.as_str()), "span" => show.span(SignedDuration::from_secs(i64::from(*s)))])
    });
    let usual = o.usual_s.map(|s| {
        w.f(
            "offer-usual",
            args!["span" => show.span(SignedDuration::from_secs(s))],
        )
    });
    let theirs = cx.now.to_zoned(o.partner.zone.clone());
    let time = w.f("offer-time", args!["time" => format!("{:02}:{:02}", theirs.hour(), theirs.minute()), "zone" => show.offset(cx.now, &o.partner.zone)]);
    let agreement = w.f(
        "offer-agreement",
        args!["number" => &o.agreement_number, "clause" => i64::from(o.clause)],
    );
    let terms = [
        o.needs_consent.then(|| w.t("offer-consent")),
        o.needs_co_signature.then(|| w.t("offer-co-signature")),
        o.crosses_border.then(|| w.t("offer-border")),
    ];
    Choice::new(
        offer_value(o),
        html! { span class="row apart" { b { (o.partner.name) } (view::hospital(&o.partner)) } },
    )
    .note(html! {
        (w.list([Some(view::service(show, &o.service)), within, usual, Some(agreement)].into_iter().flatten())) br;
        (time) @for t in terms.into_iter().flatten() { " " (chip(Kind::Plain, &t)) }
    })
}

/// Entries of one record class, newest first.
fn by_class<'v>(record: &'v TimelineView, class: &str, own: &HospitalId) -> Vec<&'v Entry> {
    record
        .years
        .iter()
        .flat_map(|y| &y.lines)
        .filter_map(|l| match l {
            Line::Entry(e) if e.class == class && e.source.custodian == *own => Some(&**e),
            _ => None,
        })
        .collect()
}

const IMAGING: &str = "imaging";

/// The parts of the record, images among them though none have come yet: a case is often sent while the scan is under way.
fn with_imaging(classes: &[(String, usize)]) -> Vec<(String, usize)> {
    let mut all = classes.to_vec();
    if !all.iter().any(|(class, _)| class == IMAGING) {
        all.push((IMAGING.to_owned(), 0));
    }
    all
}

/// The newest different titles of a class, to say what it holds.
fn first_titles(show: &Show, entries: &[&Entry]) -> Vec<String> {
    let mut titles: Vec<String> = Vec::new();
    for e in entries {
        let t = title(show, e);
        if titles.len() < 3 && !titles.contains(&t) {
            titles.push(t);
        }
    }
    titles
}

fn parts(
    cx: &PageCx,
    v: &CaseView,
    record: &TimelineView,
    offer: Option<&Offer>,
    errors: &Errors,
) -> Markup {
    const SINGLE_MAX: usize = 40;
    let w = &cx.words();
    let show = &cx.show();
    let r = &v.case.request;
    let own = &v.key.hospital;
    form(
        cx,
        v,
        "record",
        &html! {
            (errors.summary(w))
            p class="prose soft" { (w.t("parts-lead")) }
            @if offer.is_none() { (note(Kind::Warn, html! { (w.t("parts-no-partner")) " " a href=(address(v, "service")) { (w.word("edit", "service")) } })) }
            input type="hidden" name="parts" value="yes";
            div class="card parts" {
                @for (class, count) in &with_imaging(&record.classes) {
                    @let entries = by_class(record, class, own);
                    @let alone = class == "unclassified";
                    @let kept_back = offer.is_some_and(|o| !alone && !o.classes.contains(class));
                    @let on = r.classes.contains(class);
                    div class="part" data-on[on] {
                        @if alone || kept_back { span {} } @else {
                            input type="checkbox" name="class" value=(class) id={ "class-" (class) } checked[on];
                        }
                        div class="stack none" {
                            label for=[(!alone && !kept_back).then(|| format!("class-{class}"))] { b { (view::class(show, class)) } }
                            p class="small soft" {
                                @if kept_back { (w.f("parts-kept-back", args!["hospital" => &v.row.from.name])) }
                                @else if alone { (w.t("parts-one-by-one")) }
                                @else { (w.list(first_titles(show, &entries))) }
                                @if !kept_back && class == IMAGING { @if !entries.is_empty() { " · " } (w.t("parts-images-to-come")) }
                            }
                            @if !kept_back && !entries.is_empty() {
                                details {
                                    summary class="small" { (w.f("parts-single", args!["n" => entries.len()])) }
                                    @for e in entries.iter().take(SINGLE_MAX) {
                                        @let value = format!("{}/{}", e.source.kind, e.source.id);
                                        @let chosen = r.items.iter().any(|i| i.kind.as_str() == e.source.kind && i.id.as_str() == e.source.id);
                                        label class="check" {
                                            input type="checkbox" name="item" value=(value) checked[chosen];
                                            span { (title(show, e)) @if let Some(t) = &e.when { " " span class="soft" { (show.fhir_date(t.text.get(..10).unwrap_or(&t.text))) } } }
                                        }
                                    }
                                    @if entries.len() > SINGLE_MAX { p class="small soft" { (w.f("parts-older", args!["n" => entries.len() - SINGLE_MAX])) } }
                                }
                            }
                        }
                        span class="small soft" { (w.f("sources-entries", args!["n" => *count])) }
                        (view::hospital(&v.row.from))
                    }
                }
            }
        },
    )
}

fn attached(cx: &PageCx, v: &CaseView, errors: &Errors) -> Markup {
    let w = &cx.words();
    let show = &cx.show();
    html! {
        form class="stack" method="post" action={ (case_address(&v.key)) "/files" } enctype="multipart/form-data" {
            (cx.csrf())
            (errors.summary(w))
            (files("files", &w.t("files-drop"), &w.t("files-hint"), "application/pdf,image/png,image/jpeg,image/webp", true, errors))
            div { button class="btn" { (icon("upload")) (w.t("files-add")) } }
        }
        @if !v.files.is_empty() {
            ul class="stack tightly" { @for f in &v.files {
                li class="card" { div class="body row apart" {
                    a href=(file_address(f)) { (icon(file_icon(f.attachment.media_type.as_deref()))) " " (file_title(show, f)) }
                    span class="row" {
                        span class="small soft" { (w.list(f.attachment.size.map(|s| show.bytes(s)))) }
                        form method="post" action=(address(v, "files")) { (cx.csrf()) button class="btn quiet" name="remove" value=(f.holder.id) { (w.t("files-remove")) span class="vh" { " " (file_title(show, f)) } } }
                    }
                } }
            } }
        }
        p { a class="btn" href={ (case_address(&v.key)) "/studies" } { (icon("image")) (w.t("attach-title")) } }
        (form(cx, v, "files", &html! {}))
    }
}

fn review(
    cx: &PageCx,
    v: &CaseView,
    offer: Option<&Offer>,
    missing: &[Missing],
    errors: &Errors,
) -> Markup {
    let w = &cx.words();
    let show = &cx.show();
    let r = &v.case.request;
    let line = |term: String, what: Markup, step: &str| {
        html! {
            div { dt { (term) } dd { (what) } dd { a href=(address(v, step)) { (w.t("edit-change")) span class="vh" { " " (term) } } } }
        }
    };
    let due = r
        .urgency
        .map(|u| cx.now + SignedDuration::from_secs(steps::response_s(v, u)));
    let when = due.map(|d| match &v.row.to {
        Some(h) => show.at_both(d, &h.city, &h.zone),
        None => show.at(d),
    });
    html! {
        (errors.summary(w))
        @if !missing.is_empty() && errors.is_empty() { (note(Kind::Warn, html! {
            p { b { (w.t("review-missing")) } }
            ul class="plain" { @for step in lacking(missing) { li { a href=(address(v, step)) { (w.word("edit", step)) } } } }
        })) }
        div class="card" { dl class="review" {
            (line(w.word("edit", "question"), html! { span class="said" { (r.question.reveal()) } }, "question"))
            (line(w.t("review-answer-needed"), html! { @if let Some(u) = r.urgency { (urgency(w, u.as_str())) } @if let Some(t) = &when { " " (w.f("review-by", args!["when" => t])) } }, "question"))
            (line(w.t("review-goes-to"), html! {
                @if let Some(o) = offer { (w.list([view::specialty(show, &o.specialty), view::service(show, &o.service), o.partner.name.clone()])) br; span class="soft" { (w.f("offer-agreement", args!["number" => &o.agreement_number, "clause" => i64::from(o.clause)])) } }
            }, "service"))
            (line(w.t("review-they-read"), html! {
                (w.list(r.classes.iter().map(|c| view::class(show, c))))
                @if !r.items.is_empty() { br; (w.f("review-items", args!["n" => r.items.len()])) }
                @if !v.files.is_empty() { br; (w.f("files-count", args!["n" => v.files.len()])) }
            }, "record"))
            (line(w.word("edit", "consent"), html! {
                @if r.consent.is_some() { (chip(Kind::Ok, &w.t("consent-recorded"))) }
                @else if offer.is_some_and(|o| o.needs_consent) { (chip(Kind::Stop, &w.t("consent-not-recorded"))) }
                @else if offer.is_some() { (w.t("consent-not-needed")) }
                @else { (w.t("none-dash")) }
            }, "consent"))
        } }
        p class="prose" { (w.t("review-lead")) }
        form class="row end" method="post" action={ (case_address(&v.key)) "/send" } {
            (cx.csrf())
            button class="btn primary" { (w.t("act-send")) }
            a class="btn" href=(address(v, "consent")) { (w.t("edit-back")) }
            a class="btn quiet push" href="/cases?tab=drafts" { (w.t("edit-keep")) }
        }
    }
}

/// Keeps what one step holds. A draft asked for by a script is answered with one sentence.
async fn keep(
    State(state): State<WebState>,
    Path((hospital, id, step)): StepAddress,
    cx: PageCx,
    fields: Fields,
) -> PageResult {
    let key = super::key(&hospital, &id)?;
    let v = state.app.case(cx.cx()?, &key).await?;
    if !v.can.edit {
        return Err(PageError::new(ErrorCode::Conflict));
    }
    let edit = match step.as_str() {
        "question" => Some(edit_question(&fields)),
        "service" => fields.some("offer").map(edit_offer).transpose()?,
        "record" => fields
            .has("parts")
            .then(|| edit_parts(&fields))
            .transpose()?,
        "files" => fields.some("remove").map(|gone| edit_files(&v, gone)),
        "consent" => return super::consent::keep(&state, &cx, &v, &fields).await,
        _ => return Err(PageError::not_found()),
    };
    if let Some(edit) = edit
        && let Err(e) = state
            .app
            .case_act(cx.cx()?, &key, CaseAct::Edit(Box::new(edit)))
            .await
    {
        let errors = cx.wrong(e)?;
        return page(&state, &cx, &v, &step, Some(&fields), &errors).await;
    }
    if cx.is_part {
        let text = cx
            .words()
            .f("draft-kept", args!["time" => cx.show().clock_s(cx.now)]);
        return Ok(part(html! { (text) }));
    }
    Ok(next(&v, &step, &fields))
}

/// The steps on which something is missing, each once, in their order.
fn lacking(missing: &[Missing]) -> Vec<&'static str> {
    STEPS
        .into_iter()
        .filter(|step| missing.iter().any(|m| step_of(*m) == *step))
        .collect()
}

/// Where to go after a step was kept.
pub(super) fn next(v: &CaseView, step: &str, fields: &Fields) -> Response {
    match fields.get("go") {
        "keep" => done("/cases?tab=drafts", "case-draft-kept"),
        "next" => Redirect::to(&address(v, steps::after(step))).into_response(),
        _ => Redirect::to(&address(v, step)).into_response(),
    }
}

fn edit_question(fields: &Fields) -> Edit {
    let phi = |name: &str| Some(Phi::new(fields.get(name).to_owned()));
    Edit {
        question: phi("question"),
        background: phi("background"),
        urgency: fields.get("urgency").parse().ok(),
        call_back: phi("call-back"),
        ..Edit::default()
    }
}

fn edit_offer(value: &str) -> Result<Edit, PageError> {
    let malformed = || PageError::new(ErrorCode::Malformed);
    let [agreement, partner, service, specialty] = value.split('|').collect::<Vec<_>>()[..] else {
        return Err(malformed());
    };
    let partner = (
        HospitalId::new(partner).map_err(|_| malformed())?,
        ResourceId::new(agreement).map_err(|_| malformed())?,
    );
    Ok(Edit {
        partner: Some(partner),
        service: Some(service.to_owned()),
        specialty: Some(specialty.to_owned()),
        ..Edit::default()
    })
}

fn edit_parts(fields: &Fields) -> Result<Edit, PageError> {
    let items = fields
        .all("item")
        .iter()
        .filter_map(|i| i.split_once('/'))
        .map(|(kind, id)| {
            Ok(RecordItem {
                kind: RecordKind::new(kind)?,
                id: ResourceId::new(id)?,
            })
        })
        .collect::<Result<Vec<_>, kernel::IdError>>()
        .map_err(|_| PageError::new(ErrorCode::Malformed))?;
    let classes: BTreeSet<String> = fields.all("class").into_iter().collect();
    Ok(Edit {
        items: Some(items),
        classes: Some(classes),
        ..Edit::default()
    })
}

fn edit_files(v: &CaseView, gone: &str) -> Edit {
    let left: Vec<CaseFile> = v
        .case
        .request
        .files
        .iter()
        .filter(|f| f.id.as_str() != gone)
        .cloned()
        .collect();
    Edit {
        files: Some(left),
        ..Edit::default()
    }
}

async fn add_files(
    State(state): State<WebState>,
    Path((hospital, id)): Path<(String, String)>,
    cx: PageCx,
    form: Upload,
) -> PageResult {
    let key = super::key(&hospital, &id)?;
    let mut errors = Errors::default();
    if form.files.is_empty() {
        errors.add("files", cx.t("files-empty"));
    }
    for f in &form.files {
        if let Err(e) = state
            .app
            .attach(cx.cx()?, &key, &f.filename, f.bytes.clone())
            .await
        {
            errors = cx.wrong(e)?;
        }
    }
    let v = state.app.case(cx.cx()?, &key).await?;
    if errors.is_empty() {
        return Ok(done(&address(&v, "files"), "files-added"));
    }
    page(&state, &cx, &v, "files", None, &errors).await
}

async fn send(
    State(state): State<WebState>,
    Path((hospital, id)): Path<(String, String)>,
    cx: PageCx,
) -> PageResult {
    let key = super::key(&hospital, &id)?;
    match state.app.case_act(cx.cx()?, &key, CaseAct::Send).await {
        Ok(key) => Ok(done(&case_address(&key), "case-sent")),
        Err(e) => {
            let v = state.app.case(cx.cx()?, &key).await?;
            let mut errors = Errors::default();
            for step in lacking(&state.app.missing(cx.cx()?, &key).await?) {
                errors.add_link(address(&v, step), cx.words().word("edit", step));
            }
            if errors.is_empty() {
                errors = cx.wrong(e)?;
            }
            page(&state, &cx, &v, "review", None, &errors).await
        }
    }
}
