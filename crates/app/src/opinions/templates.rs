//! Texts to begin an opinion with. They are clinical content, not words of the page: one file per language, chosen by the
//! language the opinion is written in.

use serde::Deserialize;

use super::view::Template;

#[derive(Deserialize)]
struct Raw {
    code: String,
    title: String,
    findings: String,
    assessment: String,
    advice: String,
}

/// All templates in the language of this tag; English where there are none.
pub fn all(language: &str) -> Vec<Template> {
    let text = if language.starts_with("zh") {
        include_str!("templates/zh-CN.json")
    } else {
        include_str!("templates/en.json")
    };
    let raw: Vec<Raw> = serde_json::from_str(text).unwrap_or_default();
    raw.into_iter()
        .map(|r| Template {
            code: r.code,
            title: r.title,
            findings: r.findings,
            assessment: r.assessment,
            advice: r.advice,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_languages_have_the_same_templates() {
        let codes = |l: &str| all(l).into_iter().map(|t| t.code).collect::<Vec<_>>();
        assert!(!codes("en").is_empty());
        assert_eq!(codes("en"), codes("zh-CN"));
        assert_eq!(codes("ru"), codes("en"));
    }
}
