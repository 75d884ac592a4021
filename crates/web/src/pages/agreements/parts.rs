//! Parts of agreement pages: the standing, and a clause in words.

use agreements::agreement::{Clause, Residency, Standing, Terms};
use maud::{Markup, html};

use crate::args;
use crate::components::{Kind, chip, icon};
use crate::frame::{PageCx, WebState};
use crate::pages::why::hospital_name;
use crate::words::Words;

pub fn standing_chip(w: &Words, standing: Standing) -> Markup {
    let kind = match standing {
        Standing::Active => Kind::Ok,
        Standing::Suspended => Kind::Stop,
        Standing::Proposed | Standing::Signed => Kind::Warn,
        _ => Kind::Plain,
    };
    chip(kind, &w.word("standing", standing.as_str()))
}

/// A code in words, or as it is where the list has none.
pub fn coded(w: &Words, set: &str, code: &str) -> String {
    w.word_if(set, code).unwrap_or_else(|| code.to_owned())
}

fn names(w: &Words, set: &str, codes: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    w.list(codes.into_iter().map(|c| coded(w, set, c.as_ref())))
}

/// Minutes in words.
fn minutes(cx: &PageCx, n: u32) -> String {
    cx.show()
        .span(jiff::SignedDuration::from_mins(i64::from(n)))
}

/// What a clause says, written from the same data that decides.
pub fn clause_words(state: &WebState, cx: &PageCx, terms: &Terms, c: &Clause) -> Vec<String> {
    let w = cx.words();
    let from = hospital_name(state, cx, &c.referring);
    let to = hospital_name(state, cx, &c.answering);
    let services = names(&w, "service", &c.services);
    let mut out = Vec::new();
    out.push(if c.specialties.is_empty() {
        w.f(
            "agr-says-any",
            args!["from" => &from, "to" => &to, "services" => &services],
        )
    } else {
        let specialties = names(&w, "specialty", &c.specialties);
        w.f(
            "agr-says",
            args!["from" => &from, "to" => &to, "services" => &services, "specialties" => &specialties],
        )
    });
    let r = c.conditions.response;
    out.push(w.f(
        "agr-says-times",
        args![
            "emergency" => minutes(cx, r.emergency_min), "urgent" => minutes(cx, r.urgent_min),
            "soon" => minutes(cx, r.soon_min), "routine" => minutes(cx, r.routine_min)
        ],
    ));
    out.push(w.f(
        "agr-says-classes",
        args!["to" => &to, "classes" => names(&w, "class", c.scope.classes.iter().map(|c| c.as_str()))],
    ));
    if c.scope.unclassified_one_by_one {
        out.push(w.t("agr-says-unclassified"));
    }
    out.push(w.t(if c.conditions.consent {
        "agr-says-consent"
    } else {
        "agr-says-no-consent"
    }));
    if terms.crosses_border(c) && c.conditions.border_consent {
        out.push(w.t("agr-says-border"));
    }
    if c.conditions.co_signature {
        out.push(w.t("agr-says-co-signature"));
    }
    out.push(match c.conditions.retention_days {
        0 => w.t("agr-says-no-retention"),
        n => w.f("agr-says-retention", args!["n" => u64::from(n)]),
    });
    out.push(w.t(match c.conditions.residency {
        Residency::StaysWithCustodian => "agr-says-stays",
        Residency::WithinJurisdiction => "agr-says-within",
        Residency::CopyAllowed => "agr-says-copy",
    }));
    out.push(w.t(if c.conditions.break_glass {
        "agr-says-break-glass"
    } else {
        "agr-says-no-break-glass"
    }));
    if c.conditions.images_without_identity {
        out.push(w.t("agr-says-without-identity"));
    }
    out
}

/// What is permitted and what is not, over all clauses.
pub fn in_words(state: &WebState, cx: &PageCx, terms: &Terms) -> Markup {
    let w = cx.words();
    let mut yes = Vec::new();
    let mut no = Vec::new();
    let mut open = agreements::ClassSet::EMPTY;
    for c in &terms.clauses {
        let to = hospital_name(state, cx, &c.answering);
        let from = hospital_name(state, cx, &c.referring);
        open = open.union(c.scope.classes);
        for key in ["agr-may-read", "agr-may-write", "agr-may-sign"] {
            let line = w.f(key, args!["to" => &to, "from" => &from]);
            if !yes.contains(&line) {
                yes.push(line);
            }
        }
        if c.conditions.retention_days > 0 {
            let days = u64::from(c.conditions.retention_days);
            let line = w.f("agr-says-retention", args!["n" => days]);
            if !yes.contains(&line) {
                yes.push(line);
            }
        }
    }
    if terms.clauses.iter().all(|c| c.conditions.consent) {
        no.push(w.t("agr-not-consent"));
    }
    if terms.clauses.iter().all(|c| !c.conditions.break_glass) {
        no.push(w.t("agr-not-emergency"));
    } else {
        yes.push(w.t("agr-may-emergency"));
    }
    if terms
        .clauses
        .iter()
        .all(|c| c.conditions.residency == Residency::StaysWithCustodian)
    {
        no.push(w.t("agr-not-copy"));
    }
    let closed: Vec<_> = agreements::RecordClass::ALL
        .iter()
        .filter(|c| c.is_sensitive() && !open.contains(**c))
        .map(|c| c.as_str())
        .collect();
    if !closed.is_empty() {
        no.push(w.f(
            "agr-not-classes",
            args!["classes" => names(&w, "class", closed)],
        ));
    }
    html! {
        div class="cols half tight" {
            div class="card" { div class="body" { h3 class="ok" { (icon("check")) " " (w.t("agr-permitted")) }
                ul class="plain" { @for line in &yes { li { (line) } } } } }
            div class="card" { div class="body" { h3 class="no" { (icon("x")) " " (w.t("agr-not-permitted")) }
                ul class="plain" { @for line in &no { li { (line) } } } } }
        }
    }
}
