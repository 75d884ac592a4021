//! Texts to begin a report with and phrases to put in. They are clinical content, not words of the page: one file per
//! language, chosen by the language the report is written in.

use serde::Deserialize;

use super::phrases;
use super::view::{Macro, ReportTemplate};

#[derive(Deserialize)]
struct Raw {
    templates: Vec<RawTemplate>,
    macros: Vec<RawMacro>,
}

#[derive(Deserialize)]
struct RawTemplate {
    code: String,
    title: String,
    modality: String,
    technique: String,
    findings: String,
    impression: String,
    recommendation: String,
}

#[derive(Deserialize)]
struct RawMacro {
    title: String,
    text: String,
}

fn raw(language: &str) -> Raw {
    let text = if language.starts_with("zh") {
        include_str!("templates/zh-CN.json")
    } else {
        include_str!("templates/en.json")
    };
    serde_json::from_str(text).unwrap_or(Raw {
        templates: Vec::new(),
        macros: Vec::new(),
    })
}

/// All templates in the language of this tag; those for a modality of the study first.
pub fn for_study(language: &str, modalities: &[String]) -> Vec<ReportTemplate> {
    let fits = |m: &str| modalities.iter().any(|x| m.split('/').any(|one| one == x));
    let mut all: Vec<ReportTemplate> = raw(language)
        .templates
        .into_iter()
        .map(|t| ReportTemplate {
            code: t.code,
            title: t.title,
            modality: t.modality,
            technique: t.technique,
            findings: t.findings,
            impression: t.impression,
            recommendation: t.recommendation,
        })
        .collect();
    all.sort_by_key(|t| !fits(&t.modality));
    all
}

/// Phrases in the language of this tag.
pub fn macros(language: &str) -> Vec<Macro> {
    raw(language)
        .macros
        .into_iter()
        .map(|m| Macro {
            word: phrases::word_of(&m.title),
            title: m.title,
            text: m.text,
            own: false,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_languages_have_the_same_templates_and_phrases() {
        let codes = |l: &str| {
            for_study(l, &[])
                .into_iter()
                .map(|t| t.code)
                .collect::<Vec<_>>()
        };
        assert!(codes("en").len() >= 4);
        assert_eq!(codes("en"), codes("zh-CN"));
        assert_eq!(macros("en").len(), macros("zh-CN").len());
        assert!(!macros("en").is_empty());
    }

    #[test]
    fn what_fits_the_modality_comes_first() {
        let first = for_study("en", &["MR".into()]).remove(0);
        assert_eq!(first.modality, "MR");
        let first = for_study("en", &["DX".into()]).remove(0);
        assert!(first.modality.contains("DX"));
    }
}
