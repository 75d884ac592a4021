//! Copies of a study without identity: the project they are for, a look at what can be cleaned, then the copy.

use app::deidentify::{
    CopyAsk, CopyLine, CopyState, DateRule, DeviceRule, Judged, NewProject, Options, Part,
    ProjectLine, Region, SizeLine, Use,
};
use app::{App, Privilege};
use axum::extract::{Path, State};
use axum::response::Response;
use kernel::{RecordKey, ResourceId};
use maud::{Markup, html};

use super::view::patient_address;
use crate::args;
use crate::components::form::{Choice, Choices, Errors, Field, check};
use crate::components::{Kind, chip, icon, note};
use crate::frame::flash::done;
use crate::frame::form::Fields;
use crate::frame::route::CLINICAL;
use crate::frame::{PageCx, PageResult, RouteSpec, WebState, get, package, post, refused};
use crate::pages::images::list::{modalities, study_address, study_name};
use crate::shell::{Shell, part as fragment};
use crate::words::Words;

const PROJECTS: &str = "/deidentify";

pub fn routes() -> Vec<RouteSpec> {
    vec![
        get("/deidentify", CLINICAL, projects),
        post("/deidentify", CLINICAL, new_project),
        get("/images/{hospital}/{id}/deidentify", CLINICAL, page),
        post("/images/{hospital}/{id}/deidentify", CLINICAL, copy),
        get(
            "/images/{hospital}/{id}/deidentify/copies",
            CLINICAL,
            copies,
        ),
    ]
}

/// The way from a study, for whoever may make copies.
pub fn act(cx: &PageCx, study: &RecordKey) -> Markup {
    let may = cx.cx().is_ok_and(|c| {
        c.actor.may(Privilege::Deidentify) && c.actor.hospital.as_ref() == Some(&study.hospital)
    });
    html! { @if may { " " a class="btn" href={ (study_address(study)) "/deidentify" } { (cx.t("deid-act")) } } }
}

async fn projects(State(state): State<WebState>, cx: PageCx) -> PageResult {
    let all = state.app.deidentify_projects(cx.cx()?).await?;
    Ok(draw_projects(
        &cx,
        &all,
        &Fields::default(),
        &Errors::default(),
    ))
}

fn draw_projects(cx: &PageCx, all: &[ProjectLine], typed: &Fields, errors: &Errors) -> Response {
    let w = &cx.words();
    let title = w.t("deid-projects");
    let main = html! {
        div class="stack" {
            div class="stack tightly" { h1 { (title) } p class="soft prose" { (w.t("deid-projects-lead")) } }
            @if !all.is_empty() { section class="card" { ul class="readers" { @for p in all { li class="stack none" {
                p { b { bdi { (p.name) } } " · " (w.word("use", p.purpose.as_str())) }
                p class="small soft" { (kept(w, &p.options)) }
            } } } } }
            (project_form(cx, typed, errors))
        }
    };
    let answer = Shell::new(cx, &title).class("narrow stack").draw(&main);
    if errors.is_empty() {
        answer
    } else {
        refused(answer)
    }
}

/// What a project's copies keep, in words.
fn kept(w: &Words, options: &Options) -> String {
    let on = Options::NAMES.iter().filter(|n| options.is_on(n));
    let names = on.map(|n| w.word("option", n));
    w.list(std::iter::once(w.word("dates", options.dates.as_str())).chain(names))
}

fn project_form(cx: &PageCx, typed: &Fields, errors: &Errors) -> Markup {
    let w = &cx.words();
    let choices = |set: &str, codes: Vec<&'static str>| -> Vec<Choice> {
        codes
            .into_iter()
            .map(|c| Choice::new(c, w.word(set, c)))
            .collect()
    };
    let one = |name: &'static str, legend: &str, chosen: &[String], many: bool, all: &[Choice]| {
        Choices {
            name,
            legend: w.t(legend),
            hint: None,
            chosen,
            many,
            framed: false,
        }
        .draw(errors, all)
    };
    let purpose: Vec<String> = typed.all("purpose");
    let dates = match typed.some("dates") {
        Some(given) => vec![given.to_owned()],
        None => vec![DateRule::default().as_str().to_owned()],
    };
    html! {
        form class="card" method="post" action=(PROJECTS) {
            header { h2 { (w.t("deid-project-new")) } }
            div class="body stack" {
                (errors.summary(w))
                (cx.csrf())
                (Field::new("name", w.t("deid-project-name")).value(typed.get("name")).errors(errors).maxlength(120).required().input())
                (one("purpose", "deid-purpose", &purpose, false, &choices("use", Use::ALL.iter().map(|u| u.as_str()).collect())))
                (one("dates", "deid-dates", &dates, false, &choices("dates", DateRule::ALL.iter().map(|d| d.as_str()).collect())))
                (one("option", "deid-options", &typed.all("option"), true, &choices("option", Options::NAMES.to_vec())))
                (Field::new("devices", w.t("deid-devices")).hint(w.t("deid-devices-hint")).value(typed.get("devices")).errors(errors).maxlength(10_000).area(3))
                div class="row" { button class="btn primary" { (w.t("deid-project-make")) } }
            }
        }
    }
}

fn part(text: &str) -> Option<Part> {
    let numbers: Vec<u32> = text
        .split([',', '，', ' '])
        .map(str::trim)
        .filter(|n| !n.is_empty())
        .map(|n| n.parse().ok())
        .collect::<Option<_>>()?;
    numbers.try_into().ok()
}

/// `0, 0, 512, 40`, or `512x512: 0, 0, 512, 40` for images of one size.
fn region(text: &str) -> Option<Region> {
    let Some((size, place)) = text.split_once([':', '：']) else {
        return part(text).map(Region::everywhere);
    };
    let (columns, rows) = size.split_once(['x', 'X', '×'])?;
    let side = |t: &str| t.trim().parse().ok();
    Some(Region {
        size: Some([side(columns)?, side(rows)?]),
        part: part(place)?,
    })
}

/// Lines `US, EPIQ 7: 0, 0, 1024, 60`.
fn devices(text: &str) -> Option<Vec<DeviceRule>> {
    let mut all: Vec<DeviceRule> = Vec::new();
    for line in text.lines().filter(|l| !l.trim().is_empty()) {
        let (machine, place) = line.split_once([':', '：'])?;
        let (modality, model) = machine.split_once([',', '，']).unwrap_or((machine, ""));
        let (modality, model) = (modality.trim().to_uppercase(), model.trim().to_owned());
        let place = part(place)?;
        match all
            .iter_mut()
            .find(|d| d.modality == modality && d.model == model)
        {
            Some(rule) => rule.parts.push(place),
            None => all.push(DeviceRule {
                modality,
                model,
                parts: vec![place],
            }),
        }
    }
    Some(all)
}

async fn new_project(State(state): State<WebState>, cx: PageCx, fields: Fields) -> PageResult {
    let mut options = Options {
        dates: DateRule::ALL
            .iter()
            .copied()
            .find(|d| d.as_str() == fields.get("dates"))
            .unwrap_or_default(),
        ..Options::default()
    };
    for name in fields.all("option") {
        options.turn_on(&name);
    }
    let mut errors = Errors::default();
    match devices(&fields.raw("devices").replace("\r\n", "\n")) {
        Some(devices) => {
            let new = NewProject {
                name: fields.get("name").to_owned(),
                purpose: Use::from_text(fields.get("purpose")),
                options,
                devices,
            };
            match state.app.new_deidentify_project(cx.cx()?, new).await {
                Ok(_) => return Ok(done(PROJECTS, "deid-project-made")),
                Err(e) => errors = cx.wrong(e)?,
            }
        }
        None => errors.add("devices", cx.t("problem-regions")),
    }
    let all = state.app.deidentify_projects(cx.cx()?).await?;
    Ok(draw_projects(&cx, &all, &fields, &errors))
}

async fn page(
    State(state): State<WebState>,
    Path((hospital, id)): Path<(String, String)>,
    cx: PageCx,
) -> PageResult {
    let key = app::viewing::study_key(&hospital, &id)?;
    draw(
        &state,
        &cx,
        &key,
        None,
        &Fields::default(),
        &Errors::default(),
    )
    .await
}

async fn draw(
    state: &WebState,
    cx: &PageCx,
    key: &RecordKey,
    judged: Option<&Judged>,
    typed: &Fields,
    errors: &Errors,
) -> PageResult {
    let w = &cx.words();
    let show = &cx.show();
    let projects = state.app.deidentify_projects(cx.cx()?).await?;
    let study = state.app.study(cx.cx()?, key).await?;
    let sizes = state.app.image_sizes(cx.cx()?, key).await?;
    let made = state.app.copies_of_study(cx.cx()?, key).await?;
    let title = w.t("deid-title");
    let main = html! {
        div class="stack" {
            p class="small" { a href=(study_address(key)) { (modalities(show, &study.line)) " " bdi { (study_name(show, &study.line)) } } }
            div class="stack tightly" { h1 { (title) } p class="soft prose" { (w.t("deid-lead")) } }
            @if let Some(judged) = judged { (verdict(w, judged)) }
            @if projects.is_empty() { (note(Kind::Warn, html! { p { (w.t("deid-no-project")) " " a href=(PROJECTS) { (w.t("deid-projects")) } } })) }
            @else {
                (copies_part(cx, key, &made))
                (copy_form(cx, key, &Asked { projects: &projects, sizes: &sizes, typed, errors }))
                p class="small" { a href=(PROJECTS) { (w.t("deid-projects")) } }
            }
        }
    };
    let answer = Shell::new(cx, &title)
        .class("narrow stack")
        .style("images.css")
        .draw(&main);
    Ok(if errors.is_empty() {
        answer
    } else {
        refused(answer)
    })
}

fn verdict(w: &Words, judged: &Judged) -> Markup {
    let kind = if judged.refused.is_empty() {
        Kind::Ok
    } else {
        Kind::Warn
    };
    note(
        kind,
        html! {
            p { b { (w.f("deid-clean", args!["n" => judged.clean])) } }
            @if !judged.refused.is_empty() { ul class="plain" { @for (why, n) in &judged.refused {
                li { (w.f("deid-refused", args!["n" => *n, "why" => w.word("unclean", why)])) }
            } } }
        },
    )
}

/// What the form is drawn from.
struct Asked<'a> {
    projects: &'a [ProjectLine],
    sizes: &'a [SizeLine],
    typed: &'a Fields,
    errors: &'a Errors,
}

/// Sizes that can be drawn on; parts of others are typed.
const SIZES_SHOWN: usize = 6;

/// One image of each size, to draw on. Without script it shows where the numbers are counted from.
fn drawn_on(cx: &PageCx, key: &RecordKey, sizes: &[SizeLine]) -> Markup {
    let w = &cx.words();
    let web = cx.dicomweb(&key.hospital);
    html! {
        @if !sizes.is_empty() { details open {
            summary { (w.t("deid-draw")) }
            p class="small soft" { (w.t("deid-draw-hint")) }
            div class="rg-all" { @for s in sizes.iter().take(SIZES_SHOWN) {
                @let [study, series, instance] = &s.shown;
                @let size = format!("{} × {}", s.columns, s.rows);
                figure class="rg" data-regions="parts" data-columns=(s.columns) data-rows=(s.rows) {
                    div class="rg-sheet" { img src={ (web) "/studies/" (study) "/series/" (series) "/instances/" (instance) "/rendered" }
                        alt=(w.f("deid-draw-image", args!["size" => &size])) width=(s.columns) height=(s.rows) loading="lazy"; }
                    figcaption class="row apart small" {
                        span { (size) " · " (w.f("viewer-images", args!["n" => s.images])) }
                        span class="rg-acts" hidden { button type="button" class="btn" data-undo { (w.t("deid-draw-undo")) } }
                    }
                }
            } }
            @if sizes.len() > SIZES_SHOWN { p class="small soft" { (w.f("deid-draw-more", args!["n" => sizes.len() - SIZES_SHOWN])) } }
        } }
    }
}

async fn copies(
    State(state): State<WebState>,
    Path((hospital, id)): Path<(String, String)>,
    cx: PageCx,
) -> PageResult {
    let key = app::viewing::study_key(&hospital, &id)?;
    let made = state.app.copies_of_study(cx.cx()?, &key).await?;
    Ok(fragment(copies_part(&cx, &key, &made)))
}

/// The copies that were asked for, asked for again while one is on its way.
fn copies_part(cx: &PageCx, key: &RecordKey, made: &[CopyLine]) -> Markup {
    let w = &cx.words();
    let due = made.iter().any(|c| c.state.is_due());
    let address = format!("{}/deidentify/copies", study_address(key));
    html! {
        div id="copies" hx-get=[due.then_some(address)] hx-trigger=[due.then_some("every 2s")] hx-swap="outerHTML" {
            @if !made.is_empty() { section class="card" aria-labelledby="copies-h" {
                header { h2 id="copies-h" { (w.t("deid-copies")) } }
                ul class="readers" { @for c in made { li class="stack none" {
                    div class="row apart" {
                        b { bdi { (c.project.as_deref().unwrap_or_default()) } }
                        (copy_chip(w, c.state))
                    }
                    (progress(w, c))
                    @if let (CopyState::Ready, Some(patient)) = (c.state, &c.stands_for) { p { a href=(patient_address(patient)) { (icon("image")) (w.t("deid-to-patient")) } } }
                } } }
            } }
        }
    }
}

pub fn copy_chip(w: &Words, state: CopyState) -> Markup {
    let kind = match state {
        CopyState::Ready => Kind::Ok,
        CopyState::Looking | CopyState::Making => Kind::Plain,
        CopyState::Failed => Kind::Stop,
    };
    chip(kind, &w.word("copy-state", state.as_str()))
}

/// How far a copy has come, what stayed behind, and why it does not go on.
pub fn progress(w: &Words, c: &CopyLine) -> Markup {
    let of = args!["n" => c.seen, "all" => c.all];
    html! {
        @if c.state.is_due() {
            p class="small soft" { (w.f("copy-progress", of)) }
            progress max=(c.all.max(1)) value=(c.seen) aria-label=(w.word("copy-state", c.state.as_str())) {}
        } @else if c.state == CopyState::Ready {
            p class="small soft" { (w.f("viewer-images", args!["n" => c.kept])) }
        }
        @if !c.left.is_empty() { ul class="plain small" { @for (why, n) in &c.left { li { (w.f("copy-left", args!["n" => *n, "why" => w.word("unclean", why)])) } } } }
        @if let Some(why) = &c.why { p class="small" { (match why.strip_prefix("unclean-") {
            Some(word) => w.f("copy-failed", args!["why" => w.word("unclean", word)]),
            None => w.t("copy-held-up"),
        }) } }
    }
}

fn copy_form(cx: &PageCx, key: &RecordKey, asked: &Asked<'_>) -> Markup {
    let (projects, typed, errors) = (asked.projects, asked.typed, asked.errors);
    let w = &cx.words();
    let all: Vec<(String, String)> = projects
        .iter()
        .map(|p| {
            (
                p.id.to_string(),
                format!("{} ({})", p.name, w.word("use", p.purpose.as_str())),
            )
        })
        .collect();
    let ways = ["rules", "looked"].map(|c| Choice::new(c, w.word("deid-pixels", c)));
    let chosen = match typed.some("pixels") {
        Some(given) => vec![given.to_owned()],
        None => vec!["rules".to_owned()],
    };
    let pixels = Choices {
        name: "pixels",
        legend: w.t("deid-pixels"),
        hint: None,
        chosen: &chosen,
        many: false,
        framed: false,
    };
    html! {
        form class="card" method="post" action={ (study_address(key)) "/deidentify" } {
            div class="body stack" {
                (errors.summary(w))
                (cx.csrf())
                (Field::new("project", w.t("deid-project")).value(typed.get("project")).errors(errors).select(&all))
                (pixels.draw(errors, &ways))
                (drawn_on(cx, key, asked.sizes))
                (Field::new("parts", w.t("deid-parts")).hint(w.t("deid-parts-hint")).value(typed.get("parts")).errors(errors).maxlength(4_000).area(3))
                (check("leave-out", w.t("deid-leave-out"), typed.get("leave-out") == "yes", errors))
                div class="row" {
                    button class="btn" name="do" value="judge" { (w.t("deid-judge")) }
                    button class="btn primary" name="do" value="zip" { (w.t("deid-zip")) }
                    button class="btn primary" name="do" value="teaching" { (w.t("deid-teaching")) }
                }
            }
        }
    }
}

async fn copy(
    State(state): State<WebState>,
    Path((hospital, id)): Path<(String, String)>,
    cx: PageCx,
    fields: Fields,
) -> PageResult {
    let key = app::viewing::study_key(&hospital, &id)?;
    let lines = fields.raw("parts").lines().filter(|l| !l.trim().is_empty());
    let parts: Option<Vec<Region>> = lines.map(region).collect();
    let mut errors = Errors::default();
    let Some(parts) = parts else {
        errors.add("parts", cx.t("problem-regions"));
        return draw(&state, &cx, &key, None, &fields, &errors).await;
    };
    let ask = CopyAsk {
        project: ResourceId::new(fields.get("project"))?,
        parts: (fields.get("pixels") == "looked" || !parts.is_empty()).then_some(parts),
        leave_out: fields.get("leave-out") == "yes",
    };
    let refused = match fields.get("do") {
        "zip" => match state.app.copy_package(cx.cx()?, &key, &ask).await {
            Ok(made) => return Ok(package(made, &App::package_name(&key))),
            Err(e) => e,
        },
        "teaching" => match state.app.copy_to_teaching(cx.cx()?, &key, &ask).await {
            Ok(()) => {
                let back = format!("{}/deidentify", study_address(&key));
                return Ok(done(&back, "deid-asked"));
            }
            Err(e) => e,
        },
        _ => {
            let judged = state.app.judge_copy(cx.cx()?, &key, &ask).await?;
            return draw(&state, &cx, &key, Some(&judged), &fields, &errors).await;
        }
    };
    errors = cx.wrong(refused)?;
    let judged = state.app.judge_copy(cx.cx()?, &key, &ask).await?;
    draw(&state, &cx, &key, Some(&judged), &fields, &errors).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_for_every_size_or_for_one() {
        let everywhere = region("0, 0, 512，40").unwrap();
        assert_eq!(everywhere, Region::everywhere([0, 0, 512, 40]));
        let one = region("640x480: 0 0 640 30").unwrap();
        assert_eq!((one.size, one.part), (Some([640, 480]), [0, 0, 640, 30]));
        for wrong in ["640: 1,2,3,4", "axb: 1,2,3,4", "640x480: 1,2,3", "640x480"] {
            assert!(region(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn rules_of_devices_are_read_line_by_line() {
        let text = "US, EPIQ 7: 0, 0, 1024, 60\nUS,EPIQ 7:0 700 200 68\nSC: 1,2,3,4";
        let all = devices(text).unwrap();
        assert_eq!(all.len(), 2);
        assert_eq!(all[0].parts, [[0, 0, 1024, 60], [0, 700, 200, 68]]);
        assert_eq!(
            (all[1].modality.as_str(), all[1].model.as_str()),
            ("SC", "")
        );
        for wrong in ["US", "US: 1,2,3", "US: a,b,c,d", "US: -1,2,3,4"] {
            assert!(devices(wrong).is_none(), "{wrong}");
        }
    }
}
