//! What the hospital sets for reading: report templates, phrases, clocks. For the administrator, and for whoever leads the
//! readers.

use app::Role;
use app::readings::settings::{OwnMacro, OwnTemplate, ReadingSettings, TemplateField};
use axum::extract::{Path, State};
use axum::response::Response;
use care::case::Urgency;
use maud::{Markup, html};

use crate::components::count;
use crate::components::form::{Choice, Choices, Errors, Field, check};
use crate::components::state::empty;
use crate::frame::flash::done;
use crate::frame::form::Fields;
use crate::frame::{PageCx, PageError, PageResult, RouteSpec, WebState, Who, get, post, refused};
use crate::shell::Shell;
use crate::words::Lang;

/// The use case asks for the privilege where it is not the administrator.
const SETS: Who = Who::Roles(&[Role::Administrator, Role::Consultant]);
const HOME: &str = "/hospital/reading";
const NEW: &str = "new";
/// Fields beside one another in a line of a template.
const MINUTE_S: i64 = 60;

pub fn routes() -> Vec<RouteSpec> {
    vec![
        get("/hospital/reading", SETS, page),
        post("/hospital/reading/clocks", SETS, clocks),
        post("/hospital/reading/phrases", SETS, phrases),
        get("/hospital/reading/templates/{template}", SETS, template),
        post(
            "/hospital/reading/templates/{template}",
            SETS,
            keep_template,
        ),
    ]
}

async fn page(State(state): State<WebState>, cx: PageCx) -> PageResult {
    let (settings, version) = state.app.own_reading_settings(cx.cx()?).await?;
    Ok(draw(&cx, &settings, version, &Errors::default()))
}

fn draw(cx: &PageCx, s: &ReadingSettings, version: u64, errors: &Errors) -> Response {
    let w = &cx.words();
    let title = w.t("set-reading-title");
    let main = html! {
        div class="stack" {
            @if cx.has(Role::Administrator) { p class="small" { a href="/hospital" { (w.t("hospital-title")) } } }
            div class="stack tightly" { h1 { (title) } p class="soft prose" { (w.t("set-reading-lead")) } }
            (errors.summary(w))
            section class="card" aria-labelledby="templates-h" {
                header { h2 id="templates-h" { (w.t("set-templates")) } (count(s.templates.len())) a class="btn quiet push" href={ (HOME) "/templates/" (NEW) } { (w.t("set-template-new")) } }
                @if s.templates.is_empty() { (empty("record", &w.t("set-templates-none"), &w.t("set-templates-none-more"), None)) }
                @else { ul class="readers" { @for t in &s.templates { li class="row apart" {
                    a href={ (HOME) "/templates/" (t.code) } { bdi { (t.title) } }
                    span class="small soft" { (w.list([t.modality.as_str(), t.body_part.as_str(), language_name(&t.language)].into_iter().filter(|p| !p.is_empty()))) }
                } } } }
            }
            (phrases_form(cx, s, version, errors))
            (clocks_form(cx, s, version, errors))
        }
    };
    let answer = Shell::new(cx, &title).class("narrow stack").draw(&main);
    if errors.is_empty() {
        answer
    } else {
        refused(answer)
    }
}

fn language_name(tag: &str) -> &'static str {
    Lang::from_tag(tag).map_or("", Lang::own_name)
}

fn version_field(version: u64) -> Markup {
    html! { input type="hidden" name="version" value=(version); }
}

/// One line for each phrase: `title = text`; a line break in the text is written `\n`.
fn phrases_form(cx: &PageCx, s: &ReadingSettings, version: u64, errors: &Errors) -> Markup {
    let w = &cx.words();
    let of = |lang: Lang| {
        let lines: Vec<String> = s
            .macros
            .iter()
            .filter(|m| Lang::from_tag(&m.language) == Some(lang))
            .map(|m| format!("{} = {}", m.title, m.text.replace('\n', "\\n")))
            .collect();
        lines.join("\n")
    };
    html! {
        form class="card" method="post" action={ (HOME) "/phrases" } {
            header { h2 { (w.t("set-phrases")) } }
            div class="body stack" {
                (cx.csrf()) (version_field(version))
                p class="soft small" { (w.t("set-phrases-lead")) }
                @for lang in Lang::ALL {
                    (Field::new(name_of(lang), lang.own_name()).lang(lang.tag()).value(of(lang)).errors(errors).maxlength(100_000).area(5))
                }
                (check("built-in", w.t("set-built-in"), s.built_in, errors))
                div class="row" { button class="btn primary" { (w.t("set-keep")) } }
            }
        }
    }
}

const fn name_of(lang: Lang) -> &'static str {
    match lang {
        Lang::En => "macros",
        Lang::ZhCn => "macros-zh",
    }
}

fn clocks_form(cx: &PageCx, s: &ReadingSettings, version: u64, errors: &Errors) -> Markup {
    let w = &cx.words();
    let minutes = |id: String, label: String, seconds: i64| {
        let field = Field::new("minutes", label).id(id);
        field
            .value((seconds / MINUTE_S).to_string())
            .inputmode("numeric")
            .maxlength(6)
            .required()
            .input()
    };
    html! {
        form class="card" method="post" action={ (HOME) "/clocks" } {
            header { h2 { (w.t("set-clocks")) } }
            div class="body stack" {
                (cx.csrf()) (version_field(version))
                p class="soft small" { (w.t("set-clocks-lead")) }
                @for wrong in ["response-0", "escalate-0"].iter().filter_map(|f| errors.of(f)) { p class="error" { (wrong) } }
                fieldset { legend { (w.t("set-response")) }
                    @for (n, urgency) in Urgency::ALL.iter().enumerate() {
                        (minutes(format!("response-{n}"), w.word("urgency", urgency.as_str()), s.clocks.response(*urgency)))
                    }
                }
                fieldset { legend { (w.t("set-escalate")) }
                    @for (n, seconds) in s.clocks.escalate_s.iter().enumerate() {
                        (minutes(format!("escalate-{n}"), w.f("set-escalate-step", crate::args!["n" => n + 1]), *seconds))
                    }
                }
                div class="row" { button class="btn primary" { (w.t("set-keep")) } }
            }
        }
    }
}

async fn keep(
    state: &WebState,
    cx: &PageCx,
    fields: &Fields,
    change: impl FnOnce(&mut ReadingSettings),
) -> Result<Result<(), (ReadingSettings, u64, Errors)>, PageError> {
    let version: u64 = fields.get("version").parse().unwrap_or_default();
    let (mut settings, _) = state.app.own_reading_settings(cx.cx()?).await?;
    change(&mut settings);
    let kept = state
        .app
        .change_reading_settings(cx.cx()?, version, settings.clone())
        .await;
    Ok(match kept {
        Ok(()) => Ok(()),
        Err(e) => Err((settings, version, cx.wrong(e)?)),
    })
}

async fn clocks(State(state): State<WebState>, cx: PageCx, fields: Fields) -> PageResult {
    let given: Vec<i64> = fields
        .all("minutes")
        .iter()
        .map(|m| {
            m.trim()
                .parse::<i64>()
                .unwrap_or(-1)
                .saturating_mul(MINUTE_S)
        })
        .collect();
    let kept = keep(&state, &cx, &fields, |s| {
        let places = s
            .clocks
            .response_s
            .iter_mut()
            .chain(&mut s.clocks.escalate_s);
        for (n, place) in places.enumerate() {
            *place = given.get(n).copied().unwrap_or(-1);
        }
    })
    .await?;
    answer(&cx, kept)
}

fn answer(cx: &PageCx, kept: Result<(), (ReadingSettings, u64, Errors)>) -> PageResult {
    Ok(match kept {
        Ok(()) => done(HOME, "set-kept"),
        Err((settings, version, errors)) => draw(cx, &settings, version, &errors),
    })
}

async fn phrases(State(state): State<WebState>, cx: PageCx, fields: Fields) -> PageResult {
    let mut macros = Vec::new();
    for lang in Lang::ALL {
        for line in fields
            .raw(name_of(lang))
            .lines()
            .filter(|l| !l.trim().is_empty())
        {
            let (title, text) = line.split_once('=').unwrap_or((line, ""));
            macros.push(OwnMacro {
                title: title.trim().to_owned(),
                text: text.trim().replace("\\n", "\n"),
                language: lang.tag().to_owned(),
            });
        }
    }
    let built_in = fields.get("built-in") == "yes";
    let kept = keep(&state, &cx, &fields, |s| {
        s.macros = macros;
        s.built_in = built_in;
    })
    .await?;
    answer(&cx, kept)
}

async fn template(
    State(state): State<WebState>,
    Path(code): Path<String>,
    cx: PageCx,
) -> PageResult {
    let (settings, version) = state.app.own_reading_settings(cx.cx()?).await?;
    let found = settings.templates.into_iter().find(|t| t.code == code);
    let template = match found {
        Some(found) => found,
        None if code == NEW => OwnTemplate {
            language: cx.look.lang.tag().to_owned(),
            ..OwnTemplate::default()
        },
        None => return Err(PageError::not_found()),
    };
    Ok(draw_template(&cx, &template, version, &Errors::default()))
}

/// `Label | unit | choice, choice`
fn fields_text(fields: &[TemplateField]) -> String {
    let lines: Vec<String> = fields
        .iter()
        .map(|f| {
            format!("{} | {} | {}", f.label, f.unit, f.choices.join(", "))
                .trim_end_matches([' ', '|'])
                .to_owned()
        })
        .collect();
    lines.join("\n")
}

fn fields_of(text: &str) -> Vec<TemplateField> {
    text.lines()
        .filter(|l| !l.trim().is_empty())
        .map(|line| {
            let mut parts = line.splitn(3, '|').map(str::trim);
            let mut next = || parts.next().unwrap_or_default().to_owned();
            let (label, unit, choices) = (next(), next(), next());
            let choices = choices.split([',', '，']).map(str::trim);
            TemplateField {
                label,
                unit,
                choices: choices
                    .filter(|c| !c.is_empty())
                    .map(str::to_owned)
                    .collect(),
            }
        })
        .collect()
}

fn draw_template(cx: &PageCx, t: &OwnTemplate, version: u64, errors: &Errors) -> Response {
    let w = &cx.words();
    let is_new = t.code.is_empty();
    let title = w.t(if is_new {
        "set-template-new"
    } else {
        "set-template"
    });
    let code = if is_new { NEW } else { &t.code };
    let languages: Vec<Choice> = Lang::ALL
        .iter()
        .map(|l| Choice::new(l.tag(), l.own_name()))
        .collect();
    let chosen = [t.language.clone()];
    let language = Choices {
        name: "language",
        legend: w.t("set-template-language"),
        hint: None,
        chosen: &chosen,
        many: false,
        framed: false,
    };
    let area = |name: &'static str, label: String, text: &str, rows: u8| {
        Field::new(name, label)
            .value(text)
            .errors(errors)
            .maxlength(kernel::limits::TEXT_CHARS_MAX)
            .area(rows)
    };
    let main = html! {
        div class="stack" {
            p class="small" { a href=(HOME) { (w.t("set-reading-title")) } }
            h1 { (title) }
            form class="stack" method="post" action={ (HOME) "/templates/" (code) } {
                (errors.summary(w))
                (cx.csrf()) (version_field(version))
                (Field::new("title", w.t("set-template-title")).value(&t.title).errors(errors).maxlength(120).required().input())
                (language.draw(errors, &languages))
                (Field::new("modality", w.t("set-template-modality")).hint(w.t("set-template-modality-hint")).value(&t.modality).errors(errors).maxlength(40).input())
                (Field::new("body-part", w.t("set-template-part")).hint(w.t("set-template-part-hint")).value(&t.body_part).errors(errors).maxlength(40).input())
                (area("technique", w.word("report", "technique"), &t.technique, 2))
                (area("findings", w.word("report", "findings"), &t.findings, 6))
                (Field::new("fields", w.t("set-template-fields")).hint(w.t("set-template-fields-hint")).value(fields_text(&t.fields)).errors(errors).maxlength(10_000).area(4))
                (area("impression", w.word("report", "impression"), &t.impression, 3))
                (area("recommendation", w.word("report", "recommendation"), &t.recommendation, 2))
                div class="row" {
                    button class="btn primary" { (w.t("set-keep")) }
                    a class="btn quiet" href=(HOME) { (w.t("profile-leave")) }
                    @if !is_new { button class="btn danger push" name="remove" value="yes" formnovalidate { (w.t("set-template-remove")) } }
                }
            }
        }
    };
    let answer = Shell::new(cx, &title).class("narrow stack").draw(&main);
    if errors.is_empty() {
        answer
    } else {
        refused(answer)
    }
}

async fn keep_template(
    State(state): State<WebState>,
    Path(code): Path<String>,
    cx: PageCx,
    fields: Fields,
) -> PageResult {
    let text = |name: &str| fields.raw(name).trim().replace("\r\n", "\n");
    let is_new = code == NEW;
    let template = OwnTemplate {
        code: if is_new { String::new() } else { code.clone() },
        title: text("title"),
        language: text("language"),
        modality: text("modality").to_uppercase(),
        body_part: text("body-part").to_uppercase(),
        technique: text("technique"),
        findings: text("findings"),
        fields: fields_of(&text("fields")),
        impression: text("impression"),
        recommendation: text("recommendation"),
    };
    let remove = fields.get("remove") == "yes";
    let given = template.clone();
    let kept = keep(&state, &cx, &fields, |s| {
        if is_new {
            s.templates.push(given);
        } else if remove {
            s.templates.retain(|t| t.code != code);
        } else if let Some(place) = s.templates.iter_mut().find(|t| t.code == code) {
            *place = given;
        }
    })
    .await?;
    Ok(match kept {
        Ok(()) => done(HOME, if remove { "set-removed" } else { "set-kept" }),
        Err((_, version, errors)) => draw_template(&cx, &template, version, &errors),
    })
}

/// The way to the settings, on the hospital's own page.
pub(super) fn card(cx: &PageCx) -> Markup {
    let w = cx.words();
    html! {
        section class="card" id="reading" {
            header { h2 { (w.t("set-reading-title")) } a class="btn quiet push" href=(HOME) { (w.t("ae-settings")) } }
            div class="body" { p class="soft small" { (w.t("set-reading-lead")) } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_as_they_are_written() {
        let text = "Size | mm\nMargin |  | smooth, spiculated\nNote";
        let fields = fields_of(text);
        assert_eq!(fields.len(), 3);
        assert_eq!(fields[0].unit, "mm");
        assert_eq!(fields[1].choices, ["smooth", "spiculated"]);
        assert_eq!(fields_of(&fields_text(&fields)), fields);
    }
}
