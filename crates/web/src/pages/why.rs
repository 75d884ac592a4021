//! Decisions in words: their keys and arguments in the reader's language, zone and names of hospitals.

use agreements::decision::{Arg, Words as Reasoned};
use kernel::HospitalId;

use crate::frame::{PageCx, WebState};

/// The sentence of one reason.
pub fn sentence(state: &WebState, cx: &PageCx, reason: &Reasoned) -> String {
    let args: Vec<(String, String)> = reason
        .args
        .iter()
        .map(|(name, arg)| ((*name).to_owned(), value(state, cx, arg)))
        .collect();
    cx.words()
        .with(reason.key, &args)
        .unwrap_or_else(|| cx.t("denied-other"))
}

fn value(state: &WebState, cx: &PageCx, arg: &Arg) -> String {
    let w = cx.words();
    let coded = |set: &str, code: &str| w.word_if(set, code).unwrap_or_else(|| code.to_owned());
    match arg {
        Arg::Text(t) => t.clone(),
        Arg::Number(n) => n.to_string(),
        Arg::At(at) => cx.show().at(*at),
        Arg::Hospital(h) => hospital_name(state, cx, h),
        Arg::Class(c) => coded("class", c.as_str()),
        Arg::Role(r) => coded("role", r.as_str()),
        Arg::Privilege(p) => coded("privilege", p.as_str()),
        Arg::Service(s) => coded("service", s),
        Arg::Specialty(s) => coded("specialty", s),
    }
}

/// A hospital's name in the reader's language.
pub fn hospital_name(state: &WebState, cx: &PageCx, id: &HospitalId) -> String {
    state.app.hospital(id).map_or_else(
        || id.to_string(),
        |h| h.name(cx.words().lang.tag()).to_owned(),
    )
}

/// A hospital's two letters.
pub fn tile(state: &WebState, id: &HospitalId) -> String {
    state
        .app
        .hospital(id)
        .map_or_else(|| "·".to_owned(), |h| h.tile.clone())
}
