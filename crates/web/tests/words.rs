//! Every word a person reads stands in both languages, is used, and stands nowhere but there.
#![allow(clippy::unwrap_used)] // a file of ours that cannot be read fails the test

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Sets of messages that other crates extend by their own codes.
const OPEN_SETS: &[&str] = &["denied-", "problem-", "rejected-", "why-"];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn files(dir: &Path, ending: &str, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, ending, into);
        } else if path.extension().is_some_and(|e| e == ending) {
            into.push(path);
        }
    }
}

/// Message key → names of its arguments, for one language. Fails on a key written twice.
fn messages(lang: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut paths = Vec::new();
    files(&root().join("locales").join(lang), "ftl", &mut paths);
    let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for path in paths {
        let text = fs::read_to_string(&path).unwrap();
        let mut current = None;
        for line in text.lines().filter(|l| !l.starts_with('#')) {
            if let Some((key, _)) = line.split_once(" =")
                && key.starts_with(|c: char| c.is_ascii_lowercase())
                && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            {
                let twice = all.insert(key.to_owned(), BTreeSet::new()).is_some();
                assert!(!twice, "{}: {key} is written twice", path.display());
                current = Some(key.to_owned());
            }
            if let Some(arguments) = current.as_ref().and_then(|k| all.get_mut(k)) {
                for piece in line.split('$').skip(1) {
                    let name: String = piece
                        .chars()
                        .take_while(|c| c.is_ascii_alphanumeric() || *c == '-')
                        .collect();
                    arguments.insert(name);
                }
            }
        }
    }
    all
}

/// The source without comments and without its unit tests.
fn sources() -> Vec<(PathBuf, String)> {
    let mut paths = Vec::new();
    files(&root().join("src"), "rs", &mut paths);
    paths
        .into_iter()
        .map(|path| {
            let text = fs::read_to_string(&path).unwrap();
            let text = text.split("#[cfg(test)]").next().unwrap_or_default();
            let code: String = text
                .lines()
                .map(|l| {
                    if l.trim_start().starts_with("//") {
                        ""
                    } else {
                        l
                    }
                })
                .flat_map(|l| [l, "\n"])
                .collect();
            (path, code)
        })
        .collect()
}

/// String literals with the byte offset at which each begins.
fn literals(code: &str) -> Vec<(usize, String)> {
    let bytes = code.as_bytes();
    let mut found = Vec::new();
    let mut i = 0;
    while i < bytes.len() {
        match bytes[i] {
            b'\'' if bytes.get(i + 1) == Some(&b'"') || bytes.get(i + 1) == Some(&b'\\') => i += 3,
            b'"' => {
                let raw = code[..i].ends_with("r#") || code[..i].ends_with('r');
                let start = i + 1;
                let mut end = start;
                while end < bytes.len() && bytes[end] != b'"' {
                    end += if bytes[end] == b'\\' && !raw { 2 } else { 1 };
                }
                if raw && code[..i].ends_with("r#") {
                    end = code[start..].find("\"#").map_or(code.len(), |n| start + n);
                }
                found.push((i, code[start..end.min(code.len())].to_owned()));
                i = end + 1;
            }
            _ => i += 1,
        }
    }
    found
}

#[test]
fn both_languages_say_the_same_things() {
    let (en, zh) = (messages("en"), messages("zh-CN"));
    let missing: Vec<_> = en.keys().filter(|k| !zh.contains_key(*k)).collect();
    let extra: Vec<_> = zh.keys().filter(|k| !en.contains_key(*k)).collect();
    assert!(
        missing.is_empty() && extra.is_empty(),
        "not in zh-CN: {missing:?}; not in en: {extra:?}"
    );
    for (key, arguments) in &en {
        // A language may leave an argument out (no plural), but never use one that is not given.
        let unknown: Vec<_> = zh[key].difference(arguments).collect();
        assert!(
            unknown.is_empty(),
            "{key}: zh-CN uses {unknown:?}, en does not"
        );
    }
}

#[test]
fn no_chinese_message_was_left_in_english() {
    let mut paths = Vec::new();
    files(&root().join("locales/zh-CN"), "ftl", &mut paths);
    for path in paths {
        for line in fs::read_to_string(&path)
            .unwrap()
            .lines()
            .filter(|l| !l.starts_with('#'))
        {
            let Some((key, value)) = line.split_once(" = ") else {
                continue;
            };
            let outside: String = value
                .split('{')
                .map(|p| p.rsplit('}').next().unwrap_or(p))
                .collect();
            let latin = outside
                .split(|c: char| !c.is_ascii_alphabetic())
                .filter(|w| w.len() > 3)
                .count();
            let han = outside
                .chars()
                .any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
            assert!(
                latin < 3 || han,
                "{}: {key} reads English: {value}",
                path.display()
            );
        }
    }
}

#[test]
fn every_key_that_is_used_exists_and_every_key_is_used() {
    let en = messages("en");
    let mut used: BTreeSet<String> = BTreeSet::new();
    let mut sets: BTreeSet<String> = OPEN_SETS.iter().map(|s| (*s).to_owned()).collect();
    let mut missing = Vec::new();
    for (path, code) in sources() {
        for (at, text) in literals(&code) {
            // `format!("operator-{act}-lead")` names every key of that form.
            if let Some((front, back)) = text
                .split_once('{')
                .and_then(|(f, rest)| Some((f, rest.split_once('}')?.1)))
                && front.ends_with('-')
            {
                used.extend(
                    en.keys()
                        .filter(|k| k.starts_with(front) && k.ends_with(back))
                        .cloned(),
                );
            }
            let before = code[..at].trim_end();
            let is_set = [".word(", ".word_if("].iter().any(|c| before.ends_with(c));
            if is_set {
                sets.insert(format!("{text}-"));
                let open = OPEN_SETS.contains(&format!("{text}-").as_str());
                if !open && !en.keys().any(|k| k.starts_with(&format!("{text}-"))) {
                    missing.push(format!("{}: set {text}", path.display()));
                }
                continue;
            }
            if [".t(", ".f("].iter().any(|c| before.ends_with(c)) && !en.contains_key(&text) {
                missing.push(format!("{}: {text}", path.display()));
            }
            if en.contains_key(&text) {
                used.insert(text);
            }
        }
    }
    assert!(missing.is_empty(), "no such message: {missing:#?}");
    let unused: Vec<_> = en
        .keys()
        .filter(|k| !used.contains(*k) && !sets.iter().any(|s| k.starts_with(s.as_str())))
        .collect();
    assert!(unused.is_empty(), "nobody says: {unused:?}");
}

/// Text in a template is a literal that stands by itself, not as an attribute's value, an argument or a class.
#[test]
fn no_words_stand_in_templates() {
    let mut found = Vec::new();
    for (path, code) in sources()
        .into_iter()
        .filter(|(p, _)| !p.ends_with("styleguide.rs"))
    {
        let all = literals(&code);
        let depths = depths(&code, &all);
        for (at, text) in &all {
            let before = code[..*at].trim_end();
            let after = code[at + text.len() + 2..].trim_start();
            let letters = text.chars().filter(|c| c.is_alphabetic()).count();
            let spoken = ["aria-label=", "title=", "placeholder=", "alt="]
                .iter()
                .any(|a| before.ends_with(a));
            let line = &code[code[..*at].rfind('\n').unwrap_or(0)..*at];
            let bare = depths.get(at) == Some(&0)
                && before.ends_with(['{', '}', ';', ')', '"'])
                && !before.ends_with("={")
                && !line.contains("@let")
                && !after.starts_with("=>");
            if letters > 1 && (spoken || bare) && !text.starts_with(['/', '#', '-', '?']) {
                found.push(format!("{}: {text:?}", path.display()));
            }
        }
    }
    assert!(
        found.is_empty(),
        "words outside the Fluent files: {found:#?}"
    );
}

/// For each literal inside `html! { … }`: how many parentheses are open around it within that markup, counting an
/// attribute's braces `={ … }` as one.
fn depths(code: &str, literals: &[(usize, String)]) -> BTreeMap<usize, usize> {
    let bytes = code.as_bytes();
    let mut inside = BTreeMap::new();
    // Open brackets: is it markup (0), or something a literal may stand in (1)?
    let mut open: Vec<(u8, bool)> = Vec::new();
    let mut next = literals.iter().peekable();
    let mut i = 0;
    while i < bytes.len() {
        if let Some((at, text)) = next.peek()
            && *at == i
        {
            let markup = open.iter().rposition(|(_, m)| *m);
            if let Some(m) = markup {
                inside.insert(
                    *at,
                    open[m + 1..].iter().filter(|(b, _)| *b != b'{').count(),
                );
            }
            i += text.len() + 2;
            next.next();
            continue;
        }
        match bytes[i] {
            b'{' => {
                let before = code[..i].trim_end();
                let attribute = before.ends_with('=') && !before.ends_with("=>");
                open.push((
                    if attribute { b'(' } else { b'{' },
                    before.ends_with("html!"),
                ));
            }
            b'(' | b'[' => open.push((b'(', false)),
            b'}' | b')' | b']' => {
                open.pop();
            }
            _ => {}
        }
        i += 1;
    }
    inside
}
