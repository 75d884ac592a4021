//! The viewer of one study: the page around it, useful without script, and everything the script needs to begin.
//!
//! Pixels come from DICOMweb under the reader's own session. Decoders are WebAssembly, so this page's policy, and no
//! other's, lets scripts compile it.

use app::ActorKind;
use app::imaging::FirstImage;
use app::viewing::is_written;
use app::viewing::view::{SeriesLine, StudyLine, StudyState, StudyView};
use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use kernel::RecordKey;
use maud::{Markup, html};

use super::list::{modalities, state_chip, study_address, study_name};
use super::{extra, together};
use crate::args;
use crate::components::banner::Banner;
use crate::components::basic::dialog;
use crate::components::{Kind, Permitted, crumbs, icon, note};
use crate::frame::{PageCx, PageResult, WebState};
use crate::pages::readings::reading_address;
use crate::pages::sharing::{guest_address, study_acts};
use crate::pages::view::{self, patient_address};
use crate::shell::Shell;
use crate::words::Words;

const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; style-src 'self'; \
    img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; \
    form-action 'self'; frame-ancestors 'none'";

/// Words the script says; it finds them without `vw-`. Places to be filled in keep their names in braces.
const WORDS: &[&str] = &[
    "vw-pane",
    "vw-loading-image",
    "vw-preview",
    "vw-loading-of",
    "vw-loading-volume",
    "vw-image-failed",
    "vw-series-failed",
    "vw-nothing-yet",
    "vw-no-pictures",
    "vw-viewer-failed",
    "vw-untitled",
    "vw-image-of",
    "vw-at-image",
    "vw-window-short",
    "vw-preset",
    "vw-preset-own",
    "vw-preset-soft",
    "vw-preset-lung",
    "vw-preset-bone",
    "vw-preset-brain",
    "vw-preset-stroke",
    "vw-preset-subdural",
    "vw-preset-liver",
    "vw-preset-mediastinum",
    "vw-preset-angio",
    "vw-plane-axial",
    "vw-plane-sagittal",
    "vw-plane-coronal",
    "vw-note-tilted",
    "vw-note-uneven",
    "vw-note-gaps",
    "vw-note-lossy",
    "vw-note-lossy-ratio",
    "vw-note-unplaced",
    "vw-spacing-calibrated",
    "vw-spacing-region",
    "vw-spacing-magnified",
    "vw-spacing-detector",
    "vw-spacing-nominal",
    "vw-spacing-none",
    "vw-spacing-short-calibrated",
    "vw-spacing-short-magnified",
    "vw-spacing-short-detector",
    "vw-spacing-short-nominal",
    "vw-figure-Length",
    "vw-figure-Angle",
    "vw-figure-RectangleROI",
    "vw-figure-EllipticalROI",
    "vw-stat-mean",
    "vw-stat-range",
    "vw-remove",
    "vw-kept",
    "vw-not-kept",
    "vw-key-on",
    "vw-key-off",
    "vw-mpr-refused",
    "vw-hanging-kept",
    "vw-cross-on",
    "vw-cross-tool",
    "vw-cross-more",
    "vw-cross-done",
    "vw-series-plain",
    "vw-marks-keep",
    "vw-marks-correct",
    "vw-marks-open",
    "vw-marks-same",
    "vw-marks-none",
    "vw-marks-kept",
    "vw-marks-not-kept",
    "vw-marks-refused",
    "vw-marks-you",
    "vw-marks-nobody",
    "vw-marks-hide",
    "vw-marks-show",
    "vw-marks-key",
];
const PLACES: &[&str] = &[
    "n", "all", "done", "degrees", "from", "to", "ratio", "width", "centre", "what", "status",
    "series",
];

/// Buttons by group: act, its key.
const HANDS: &[(&str, &str)] = &[
    ("window", "W"),
    ("scroll", "S"),
    ("zoom", "Z"),
    ("pan", "P"),
];
const FIGURES: &[(&str, &str)] = &[
    ("Length", "L"),
    ("Angle", "A"),
    ("RectangleROI", "R"),
    ("EllipticalROI", "E"),
];
const TURNS: &[(&str, &str)] = &[
    ("left", "["),
    ("right", "]"),
    ("flip-h", "H"),
    ("flip-v", "V"),
    ("larger", "+"),
    ("smaller", "−"),
    ("reset", "0"),
];
const LAYOUTS: &[(&str, &str)] = &[("one", ""), ("two", ""), ("four", ""), ("mpr", "M")];
const TOGETHER: &[(&str, &str)] = &[("tie", "T"), ("lines", "N"), ("cine", "␣"), ("key", "K")];
const REST: &[(&str, &str)] = &[("keep-hanging", ""), ("whole", "F"), ("help", "?")];

pub async fn page(
    State(state): State<WebState>,
    Path((hospital, id)): Path<(String, String)>,
    cx: PageCx,
) -> PageResult {
    let key = app::viewing::study_key(&hospital, &id)?;
    of_study(&state, &cx, &key).await
}

/// The viewer of a study, for whoever may read it: staff, the patient, or who holds a link to it.
pub async fn of_study(state: &WebState, cx: &PageCx, key: &RecordKey) -> PageResult {
    let v = state.app.study(cx.cx()?, key).await?;
    let is_patient = cx.cx()?.actor.kind == ActorKind::Patient;
    let hangings = if is_patient {
        "{}".to_owned()
    } else {
        serde_json::to_string(&state.app.hangings(cx.cx()?).await?).unwrap_or_default()
    };
    let w = cx.words();
    let show = cx.show();
    let title = w.t("viewer-title");
    let reading = if is_patient {
        None
    } else {
        state
            .app
            .reading_of(cx.cx()?, key)
            .await?
            .map(|(reading, _)| reading)
    };
    let main = draw(cx, &v, reading.as_ref(), &hangings);
    let mut shell = Shell::new(cx, &title)
        .class("page close")
        .style("images.css")
        .watch(format!("ImagingStudy-{}", key.id))
        // Woken when somebody may have lost access: the part is asked for again, and refused.
        .watch(format!("record-{}", key.id));
    if let Some(pseudonym) = &v.line.pseudonym {
        let nobody = Banner {
            heading: pseudonym.clone(),
            pseudonym: true,
            custodian: Some((v.line.custodian.tile.clone(), v.line.custodian.name.clone())),
            ..Banner::default()
        };
        shell = shell.banner(nobody.draw(&show));
    }
    if let Some(patient) = &v.patient {
        let banner = state.app.banner(cx.cx()?, patient).await?;
        let href = (!is_patient).then(|| patient_address(patient));
        shell = shell.banner(view::banner(cx, &banner, None, href).draw(&show));
    }
    if !is_patient {
        shell = shell.permit(permission(cx, &v));
    }
    let mut answer = shell.draw(&main);
    answer.headers_mut().insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(POLICY),
    );
    Ok(answer)
}

/// Why the reader sees these images.
fn permission(cx: &PageCx, v: &StudyView) -> Permitted {
    let w = cx.words();
    let own = cx
        .cx()
        .is_ok_and(|c| c.actor.hospital.as_ref() == Some(&v.line.key.hospital));
    let custodian = &v.line.custodian.name;
    let reason = if own {
        w.t("why-own-hospital")
    } else {
        w.f("viewer-why-shared", args!["hospital" => custodian])
    };
    Permitted {
        sentence: if own {
            w.t("permit-own")
        } else {
            w.f("viewer-permit-shared", args!["hospital" => custodian])
        },
        allowed: true,
        reasons: vec![
            (w.t("permit-reason"), reason),
            (w.t("permit-ends"), w.t("permit-ends-text")),
        ],
        agreement: None,
    }
}

fn words(cx: &PageCx) -> String {
    let w = cx.words();
    let places: Vec<(String, String)> = PLACES
        .iter()
        .chain(extra::PLACES)
        .map(|p| ((*p).to_owned(), format!("{{{p}}}")))
        .collect();
    let said: serde_json::Map<String, serde_json::Value> = WORDS
        .iter()
        .chain(extra::WORDS)
        .map(|key| {
            let text = w.with(key, &places).unwrap_or_default();
            (key.trim_start_matches("vw-").to_owned(), text.into())
        })
        .collect();
    serde_json::Value::Object(said).to_string()
}

fn draw(cx: &PageCx, v: &StudyView, reading: Option<&RecordKey>, hangings: &str) -> Markup {
    let w = &cx.words();
    let show = &cx.show();
    let line = &v.line;
    let is_patient = cx.cx().is_ok_and(|c| c.actor.kind == ActorKind::Patient);
    let base = study_address(&line.key);
    let web = cx.dicomweb(&line.key.hospital);
    let kept = serde_json::to_string(&v.notes).unwrap_or_default();
    let csrf = cx.signed.as_ref().map_or("", |s| s.csrf.as_str());
    let topic = format!("ImagingStudy-{}", line.key.id);
    let shared = cx.guest.as_ref().map(|g| guest_address(&g.is));
    let way = match &shared {
        Some(address) => ("shared-title", address.as_str()),
        None if is_patient => ("me-images", "/me/images"),
        None if line.pseudonym.is_some() => ("nav-cases", "/cases"),
        None => ("nav-patients", "/patients"),
    };
    html! {
        (crumbs(w, &[(&w.t(way.0), Some(way.1)), (&study_name(show, line), None)]))
        div class="row apart" {
            h2 class="step" { bdi { (study_name(show, line)) } }
            p class="small soft" {
                @if let Some(when) = &line.started { (show.fhir_date(when.get(..10).unwrap_or(when))) " · " }
                (modalities(show, line)) " · " (w.f("study-counts", args!["series" => line.series_count, "images" => line.instances]))
                " " (state_chip(show, line.state))
                @if let Some(reading) = reading { " " a class="btn" href=(reading_address(reading)) { (icon("sign")) (w.t("viewer-report")) } }
                (study_acts(cx, line))
            }
        }
        @if line.pseudonym.is_some() { p class="small soft" { (w.t("viewer-nobody")) } }
        @if line.state == StudyState::Elsewhere || line.state == StudyState::Void {
            (note(Kind::Warn, w.word("viewer-closed", line.state.as_str())))
        } @else {
            section class="viewer" aria-label=(w.t("viewer-title")) data-viewer data-web=(web) data-study=(line.uid)
                data-words=(words(cx)) data-kept=(kept) data-hang=(hangings) data-csrf=(csrf) data-topic=(topic)
                data-keep=[(!is_patient).then(|| format!("{base}/notes"))] data-marks=[(!is_patient).then(|| format!("{base}/marks"))]
                data-drafted[v.drafted] data-zone=[show.zone.iana_name()] {
                (toolbar(cx, is_patient))
                (series(cx, v))
                div class="vw-stage" id="vw-stage" {
                    @if let Some(first) = &v.first { (first_picture(w, &web, &line.uid, first)) }
                    noscript { p { (w.t("viewer-no-script")) } }
                }
                aside class="vw-side" aria-label=(w.t("viewer-side")) {
                    @if !is_patient { (together::panel(cx, &format!("{base}/together"))) }
                    section { h2 { (w.t("viewer-notes")) } ul id="vw-notes" {} }
                    (extra::panels(cx))
                    section { h2 { (w.t("viewer-measures")) } ul id="vw-measures" hidden {} }
                    section { h2 { (w.t("viewer-keys")) } ul id="vw-keys" hidden {} }
                    @if !is_patient { section id="vw-marks" hidden {
                        h2 { (w.t("viewer-marks")) }
                        p class="small soft" {}
                        button type="button" class="btn" data-do="keep-marks" title={ (w.t("viewer-tip-keep-marks")) " (Y)" } { (w.t("vw-marks-keep")) }
                        div {}
                    } }
                }
                p class="vw-status" { span id="vw-status" role="status" { (w.t("viewer-loading")) } span id="vw-kept" class="soft" role="status" {} }
                (dialog("vw-help", &w.t("viewer-help"), false, help(cx)))
            }
        }
    }
}

/// The longer side of the picture a study opens with.
const FIRST_SIDE: u32 = 512;

/// What the reader sees before the viewer has loaded: the image it opens with, small and with loss, and said to be so.
fn first_picture(w: &Words, web: &str, study: &str, first: &FirstImage) -> Markup {
    let longer = first.rows.max(first.columns).max(1);
    let side = |n: u32| (n * FIRST_SIDE.min(longer) / longer).max(1);
    let (width, height) = (side(first.columns), side(first.rows));
    let at = format!(
        "{web}/studies/{study}/series/{}/instances/{}/rendered?viewport={width},{height}&quality=60",
        first.series, first.instance
    );
    html! {
        figure class="vw-first" id="vw-first" data-of=(first.series) {
            img src=(at) alt="" width=(width) height=(height) fetchpriority="high";
            figcaption class="vw-at" { (w.t("vw-preview")) }
        }
    }
}

fn button(cx: &PageCx, act: &str, key: &str, pressed: bool) -> Markup {
    let w = cx.words();
    let name = w.word("viewer-do", act);
    let title = if key.is_empty() {
        w.word("viewer-tip", act)
    } else {
        format!("{} ({key})", w.word("viewer-tip", act))
    };
    html! { button type="button" class="btn" data-do=(act) title=(title) aria-pressed=[pressed.then_some("false")] { (name) } }
}

fn toolbar(cx: &PageCx, is_patient: bool) -> Markup {
    let w = cx.words();
    let group = |name: &str, acts: &[(&str, &str)], pressed: bool| {
        html! { div role="group" aria-label=(w.word("viewer-group", name)) { @for (act, key) in acts { (button(cx, act, key, pressed)) } } }
    };
    html! {
        div class="vw-tools" role="toolbar" aria-label=(w.t("viewer-tools")) {
            div role="group" aria-label=(w.word("viewer-group", "hands")) {
                @for (act, key) in HANDS { (button(cx, act, key, true)) }
                label class="vh" for="vw-preset" { (w.t("vw-preset")) }
                select class="input" id="vw-preset" { option value="" { (w.t("vw-preset")) } }
                (button(cx, "invert", "I", true))
            }
            (group("figures", FIGURES, true))
            (group("turns", TURNS, false))
            (group("layouts", LAYOUTS, true))
            (group("together", TOGETHER, true))
            div role="group" aria-label=(w.word("viewer-group", "rest")) {
                @for (act, key) in REST.iter().filter(|(act, _)| !is_patient || *act != "keep-hanging") { (button(cx, act, key, false)) }
            }
        }
    }
}

/// The series of this study, then those of earlier ones; renewed while images arrive.
fn series(cx: &PageCx, v: &StudyView) -> Markup {
    let w = &cx.words();
    let show = &cx.show();
    let id = &v.line.key.id;
    html! {
        nav class="vw-series" id="vw-series" aria-label=(w.t("viewer-series")) hx-get=(cx.back()) hx-select="#vw-series" hx-target="#vw-series"
            hx-swap="outerHTML" hx-trigger={ "ImagingStudy-" (id) " from:#live, record-" (id) " from:#live, caught-up from:#live" } {
            h2 { (w.t("viewer-series")) }
            @if v.line.state == StudyState::Arriving { p class="small" { (state_chip(show, v.line.state)) } }
            ul { @for s in v.line.series.iter().filter(|s| !is_written(&s.modality)) { li { (thumb(cx, &v.line, s, None, false)) } } }
            @for prior in &v.priors {
                @let from = prior_name(cx, prior);
                @let earlier = prior.started < v.line.started;
                h2 { (from) }
                ul { @for s in prior.series.iter().filter(|s| !is_written(&s.modality)) { li { (thumb(cx, prior, s, Some(&from), earlier)) } } }
            }
        }
    }
}

fn prior_name(cx: &PageCx, prior: &StudyLine) -> String {
    let show = cx.show();
    let when = prior
        .started
        .as_deref()
        .map(|t| show.fhir_date(t.get(..10).unwrap_or(t)));
    cx.words().list(
        [
            when,
            Some(modalities(&show, prior)),
            Some(prior.custodian.tile.clone()),
        ]
        .into_iter()
        .flatten()
        .filter(|t| !t.is_empty()),
    )
}

/// A series with its picture: opens in the viewer, or as a picture where there is no script.
fn thumb(
    cx: &PageCx,
    line: &StudyLine,
    s: &SeriesLine,
    from: Option<&str>,
    earlier: bool,
) -> Markup {
    let w = cx.words();
    let web = cx.dicomweb(&line.key.hospital);
    let at = format!("{web}/studies/{}/series/{}", line.uid, s.uid);
    let name = match (s.description.is_empty(), s.number) {
        (false, _) => s.description.clone(),
        (true, Some(n)) => w.f("viewer-series-number", args!["n" => n]),
        (true, None) => w.t("vw-untitled"),
    };
    html! {
        a class="vw-thumb" role="button" aria-pressed="false" href={ (at) "/thumbnail?viewport=1024,1024" } data-series=(s.uid) data-modality=(s.modality)
            data-web=[from.map(|_| web)] data-study=[from.map(|_| line.uid.as_str())] data-from=[from] data-earlier[earlier] {
            @if extra::has_no_picture(&s.modality) { span class="vw-nopicture" aria-hidden="true" { (s.modality) } }
            @else { img src={ (at) "/thumbnail" } alt="" loading="lazy" width="160" height="120"; }
            span { bdi { (name) } }
            @let counted = if extra::has_no_picture(&s.modality) { "viewer-objects" } else { "viewer-images" };
            span class="soft" { (s.modality) " · " (w.f(counted, args!["n" => s.instances])) }
        }
    }
}

fn help(cx: &PageCx) -> Markup {
    let w = cx.words();
    let groups = [HANDS, FIGURES, TURNS, LAYOUTS, TOGETHER, REST];
    html! {
        p { (w.t("viewer-help-lead")) }
        dl class="vw-keys" {
            @for (act, key) in groups.iter().flat_map(|g| g.iter()).filter(|(_, key)| !key.is_empty()) {
                dt { kbd { (key) } } dd { (w.word("viewer-tip", act)) }
            }
            @for (keys, what) in [("↑ ↓", "scroll"), ("PgUp PgDn", "pages"), ("Home End", "ends"), ("← →", "panes"), ("1–9", "presets"), ("I", "invert"), ("X, ⏎", "cross"), ("Y", "keep-marks"), ("Del", "delete")].into_iter().chain(extra::KEYS.iter().copied()) {
                dt { kbd { (keys) } } dd { (w.word("viewer-key", what)) }
            }
        }
        p class="small soft" { (w.t("viewer-help-touch")) }
        p { button type="button" class="btn" data-close { (w.t("viewer-help-close")) } }
    }
}
