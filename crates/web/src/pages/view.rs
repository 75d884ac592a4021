//! From what use cases give to what components draw: names, hospitals, clocks, banners.

use app::cases::view::{CaseRow, OwnerLine, PatientLine, PersonLine};
use app::records::view::{Banner as BannerView, HospitalLine, IdentifierLine, Names, Sex};
use care::case::{ClockReading, ClockState};
use jiff::SignedDuration;
use kernel::RecordKey;
use maud::{Markup, html};

use crate::args;
use crate::components::{Banner, Deadline, Identifier, Kind, chip, org, org_named};
use crate::frame::PageCx;
use crate::show::Show;
use crate::words::Lang;

/// `/cases/{hospital}/{id}`.
pub fn case_address(key: &RecordKey) -> String {
    format!("/cases/{}/{}", key.hospital, key.id)
}

/// `/patients/{hospital}/{id}`.
pub fn patient_address(key: &RecordKey) -> String {
    format!("/patients/{}/{}", key.hospital, key.id)
}

/// `/records/{hospital}/{kind}/{id}`.
pub fn record_address(
    hospital: impl std::fmt::Display,
    kind: impl std::fmt::Display,
    id: impl std::fmt::Display,
) -> String {
    format!("/records/{hospital}/{kind}/{id}")
}

/// That something was written on paper first: when it happened, why so late, who wrote it.
pub fn late(show: &Show, late: &care::timeline::Late) -> String {
    let w = &show.words;
    let reason = w.word_if("late-reason", &late.reason);
    let reason = reason.unwrap_or_else(|| late.reason.clone());
    let mut parts = vec![w.f("late-mark", args!["reason" => reason])];
    parts.extend(
        late.happened
            .map(|at| w.f("late-mark-happened", args!["at" => show.day_at(at)])),
    );
    parts.extend(
        late.written_by
            .as_ref()
            .map(|who| w.f("late-mark-by", args!["who" => who])),
    );
    w.list(parts)
}

fn is_han(c: char) -> bool {
    ('\u{3400}'..='\u{9fff}').contains(&c)
}

/// The name this reader reads most easily, and the others as given. Nothing is transliterated here.
pub fn names_for(lang: Lang, names: &Names) -> (String, Vec<String>) {
    let mut all: Vec<&str> = names.native.iter().map(String::as_str).collect();
    if !names.latin.is_empty() && !all.contains(&names.latin.as_str()) {
        all.push(&names.latin);
    }
    let first = match lang {
        Lang::ZhCn => all.iter().position(|n| n.chars().any(is_han)),
        Lang::En => None,
    }
    .or_else(|| {
        all.iter()
            .position(|n| n.chars().any(|c| c.is_ascii_alphabetic()))
    })
    .unwrap_or(0);
    let heading = all.get(first).map_or_else(String::new, |n| (*n).to_owned());
    let others = all
        .iter()
        .enumerate()
        .filter(|(i, _)| *i != first)
        .map(|(_, n)| (*n).to_owned())
        .collect();
    (heading, others)
}

/// Age in days, years, or nothing.
pub fn age(show: &Show, years: Option<i16>, days: Option<i32>) -> Option<String> {
    let w = &show.words;
    match (days, years) {
        (Some(d), _) if d < 61 => Some(w.f("age-days", args!["n" => d.to_string()])),
        (Some(d), _) => Some(w.f("age-months", args!["n" => (d / 30).to_string()])),
        (None, Some(y)) => Some(w.f("age-years", args!["n" => y.to_string()])),
        (None, None) => None,
    }
}

/// `F 58`.
pub fn sex_and_age(show: &Show, sex: Sex, years: Option<i16>, days: Option<i32>) -> String {
    let sex = (sex != Sex::Unknown).then(|| show.words.word("sex-short", sex.as_str()));
    let parts: Vec<String> = [sex, age(show, years, days)]
        .into_iter()
        .flatten()
        .collect();
    parts.join(" ")
}

/// The patient as a list names them: the name, or the case number where the name is withheld.
pub fn patient_name(show: &Show, line: &PatientLine, number: &str) -> String {
    line.names.as_ref().map_or_else(
        || number.to_owned(),
        |n| names_for(show.words.lang, n.reveal()).0,
    )
}

pub fn hospital(line: &HospitalLine) -> Markup {
    org(&line.tile, &line.name)
}

pub fn hospital_named(line: &HospitalLine) -> Markup {
    org_named(&line.tile, &line.name)
}

/// `Dr Alimjan Tursun, internal medicine [YQ]`.
pub fn person(show: &Show, p: &PersonLine) -> Markup {
    html! {
        bdi { (p.name) }
        @if let Some(code) = &p.specialty { (show.words.t("list-between")) (specialty(show, code)) }
        @if let Some(h) = &p.hospital { " " (hospital(h)) }
    }
}

/// The word for a specialty; a code we have no word for is shown as it is, with its dashes as spaces.
pub fn specialty(show: &Show, code: &str) -> String {
    show.words
        .word_if("specialty", code)
        .unwrap_or_else(|| code.replace('-', " "))
}

/// The word for a service of an agreement; many are named after their specialty.
pub fn service(show: &Show, code: &str) -> String {
    show.words
        .word_if("service", code)
        .unwrap_or_else(|| specialty(show, code))
}

/// The word for a record class.
pub fn class(show: &Show, code: &str) -> String {
    show.words
        .word_if("class", code)
        .unwrap_or_else(|| code.replace('-', " "))
}

/// The name of a language by its BCP 47 tag.
pub fn language(show: &Show, tag: &str) -> String {
    let primary = tag.split('-').next().unwrap_or(tag);
    show.words
        .word_if("language", primary)
        .unwrap_or_else(|| tag.to_owned())
}

/// Who must act.
pub fn owner(show: &Show, owner: Option<&OwnerLine>) -> Markup {
    match owner {
        Some(OwnerLine::Me) => html! { b { (show.words.t("owner-me")) } },
        Some(OwnerLine::Person(p)) => html! { bdi { (p.name) } },
        Some(OwnerLine::Nobody(_)) => chip(Kind::Plain, &show.words.t("owner-nobody")),
        None => html! {},
    }
}

/// The reading of a case's clock as the component counts it.
pub fn deadline(show: &Show, reading: &ClockReading) -> Deadline {
    let started = reading.due - SignedDuration::from_secs(reading.total_s);
    // Time that stood still does not count: the moment "as used" is what the shafts show.
    let counted = started + SignedDuration::from_secs(reading.used_s);
    Deadline {
        started,
        due: reading.due,
        paused: (reading.state == ClockState::Paused).then_some(counted),
        stopped: match reading.state {
            ClockState::Stopped => Some(counted),
            ClockState::Running | ClockState::Paused => None,
        },
    }
    .running_at(show.now, counted, reading.state == ClockState::Running)
}

/// The clock of a row.
pub fn clock_of(show: &Show, row: &CaseRow, whole: bool) -> Markup {
    match &row.clock {
        Some(reading) => crate::components::clock(show, &deadline(show, reading), whole),
        None => html! { span class="soft" { (show.words.word("status", row.status.as_str())) } },
    }
}

fn identifier(show: &Show, id: &IdentifierLine) -> Identifier {
    let w = &show.words;
    let label = match id.kind {
        "local" => w.f("identifier-local", args!["issuer" => &id.issuer]),
        "national" => w.t("identifier-national"),
        "passport" => w.t("identifier-passport"),
        _ => id.issuer.clone(),
    };
    let value = id.value.reveal();
    Identifier {
        label,
        value: if id.masked {
            masked(value)
        } else {
            value.clone()
        },
    }
}

/// All but the last four characters as dots.
fn masked(value: &str) -> String {
    let count = value.chars().count();
    let shown = count.min(4);
    let dots = "•".repeat((count - shown).min(8));
    let tail: String = value.chars().skip(count - shown).collect();
    dots + &tail
}

/// The identity banner. `number` stands for the patient where the name is withheld.
pub fn banner(
    cx: &PageCx,
    view: &BannerView,
    number: Option<&str>,
    href: Option<String>,
) -> Banner {
    let show = &cx.show();
    let w = &show.words;
    let own = cx
        .signed
        .as_ref()
        .and_then(|s| s.cx.actor.hospital.as_ref());
    let away = own.is_some_and(|h| *h != view.custodian.id);
    let (heading, others) = match &view.names {
        Some(names) => names_for(w.lang, names.reveal()),
        None => (number.unwrap_or_default().to_owned(), Vec::new()),
    };
    let allergies = view
        .allergies
        .iter()
        .map(|a| {
            let when = a
                .when
                .as_ref()
                .and_then(care::timeline::When::year)
                .map(|y| y.to_string());
            (a.substance.clone(), w.list(a.detail.iter().chain(&when)))
        })
        .collect();
    Banner {
        heading,
        others,
        born: view.birth_date.as_ref().map(|d| d.reveal().clone()),
        age: age(show, view.age_years, view.age_days),
        sex: (view.sex != Sex::Unknown).then(|| view.sex.as_str().to_owned()),
        identifiers: view
            .identifiers
            .iter()
            .take(3)
            .map(|i| identifier(show, i))
            .collect(),
        allergies: (!view.allergies.is_empty() || view.no_known_allergy).then_some(allergies),
        language: (!view.languages.is_empty())
            .then(|| w.list(view.languages.iter().map(|l| language(show, l)))),
        deceased: view.deceased.as_ref().map(|d| d.reveal().clone()),
        pseudonym: view.names.is_none(),
        custodian: away.then(|| (view.custodian.tile.clone(), view.custodian.name.clone())),
        href,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reader_gets_the_name_in_the_script_they_read() {
        let names = Names {
            native: vec!["帕提古丽·买买提".into(), "پاتىگۈل مەمەت".into()],
            latin: "Patigul Memet".into(),
        };
        assert_eq!(names_for(Lang::En, &names).0, "Patigul Memet");
        assert_eq!(names_for(Lang::ZhCn, &names).0, "帕提古丽·买买提");
        assert_eq!(
            names_for(Lang::ZhCn, &names).1,
            ["پاتىگۈل مەمەت", "Patigul Memet"]
        );
        let only_uyghur = Names {
            native: vec!["پاتىگۈل مەمەت".into()],
            latin: String::new(),
        };
        assert_eq!(names_for(Lang::En, &only_uyghur).0, "پاتىگۈل مەمەت");
    }

    #[test]
    fn a_masked_number_shows_its_end_only() {
        assert_eq!(masked("653101196803140428"), "••••••••0428");
        assert_eq!(masked("12"), "12");
    }
}
