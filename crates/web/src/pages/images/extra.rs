//! What the viewer shows beside pictures: waveforms, structure sets, dose; its words, keys and panels.

use maud::{Markup, html};

use crate::frame::PageCx;

/// Words the script says, beside those of the pictures.
pub const WORDS: &[&str] = &[
    "vw-join",
    "vw-leave",
    "vw-take-lead",
    "vw-lay-lead",
    "vw-follow",
    "vw-unfollow",
    "vw-join-failed",
    "vw-together-lost",
    "vw-leads",
    "vw-you",
    "vw-you-lead",
    "vw-nobody-leads",
    "vw-following",
    "vw-not-following",
    "vw-looks-elsewhere",
    "vw-person",
    "vw-drawn-by",
    "vw-ecg",
    "vw-ecg-lead",
    "vw-ecg-group",
    "vw-ecg-group-plain",
    "vw-ecg-original",
    "vw-ecg-derived",
    "vw-ecg-scale",
    "vw-ecg-filters-off",
    "vw-ecg-recorded",
    "vw-ecg-highpass",
    "vw-ecg-lowpass",
    "vw-ecg-notch",
    "vw-ecg-uncalibrated",
    "vw-ecg-uncalibrated-some",
    "vw-ecg-range",
    "vw-ecg-min",
    "vw-ecg-max",
    "vw-ecg-at",
    "vw-ecg-caliper",
    "vw-ecg-caliper-rate",
    "vw-ecg-cursor",
    "vw-ecg-mark",
    "vw-ecg-speed",
    "vw-ecg-gain",
    "vw-ecg-layout",
    "vw-ecg-layout-rows",
    "vw-ecg-layout-standard",
    "vw-ecg-window",
    "vw-ecg-failed",
    "vw-ecg-table",
    "vw-ecg-gaps",
    "vw-ecg-skew",
    "vw-ecg-unknown",
    "vw-ecg-close",
    "vw-over-structures",
    "vw-over-dose",
    "vw-over-loading",
    "vw-over-failed",
    "vw-over-empty",
    "vw-over-frame",
    "vw-over-nowhere",
    "vw-over-nearest",
    "vw-dose-at",
    "vw-dose-outside",
    "vw-dose-levels",
    "vw-dose-reference",
    "vw-dose-reference-relative",
    "vw-dose-highest",
    "vw-dose-relative",
    "vw-dose-of",
    "vw-dose-wash",
    "vw-dose-lines",
    "vw-dose-unreadable",
    "vw-over-plan",
    "vw-plan-approved",
    "vw-plan-unapproved",
    "vw-plan-rejected",
    "vw-plan-prescribed",
    "vw-plan-fractions",
    "vw-plan-beam",
    "vw-plan-energy",
    "vw-plan-gantry",
    "vw-plan-meterset",
    "vw-plan-dynamic",
    "vw-ecg-remarks",
    "vw-invited",
    "vw-invited-more",
    "vw-not-now",
    "vw-cine-rate",
    "vw-cine-slow",
];
/// Places in these words that are filled in.
pub const PLACES: &[&str] = &[
    "frequency",
    "gain",
    "high",
    "hospital",
    "kind",
    "lead",
    "low",
    "mm",
    "name",
    "percent",
    "rate",
    "real",
    "speed",
    "time",
    "unit",
    "value",
];
/// Keys of the panels: what is pressed, and its word under `viewer-key-*`.
pub const KEYS: &[(&str, &str)] = &[
    ("J, G, O", "together"),
    ("C, D", "overlays"),
    ("< >", "rate"),
];

/// Whether objects of a modality are no pictures.
pub fn has_no_picture(modality: &str) -> bool {
    matches!(
        modality,
        "ECG"
            | "HD"
            | "EPS"
            | "RESP"
            | "EEG"
            | "EMG"
            | "EOG"
            | "AU"
            | "RTSTRUCT"
            | "RTDOSE"
            | "RTPLAN"
            | "RTRECORD"
            | "SR"
            | "KO"
            | "PR"
            | "REG"
            | "DOC"
    )
}

/// Structure sets and dose, filled by the script where the study has some.
pub fn panels(cx: &PageCx) -> Markup {
    let w = cx.words();
    html! {
        section id="vw-over" aria-labelledby="vw-over-h" hidden {
            h2 id="vw-over-h" { (w.t("overlays-title")) }
            ul id="vw-over-series" {}
            ul id="vw-rois" aria-label=(w.t("overlays-rois")) hidden {}
            div id="vw-dose" hidden {}
            div id="vw-plans" {}
            ul id="vw-over-notes" class="small" {}
        }
    }
}
