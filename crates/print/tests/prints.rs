//! Prints hold what was put in, in every language, and say so when a character cannot be drawn.

#![allow(clippy::unwrap_used)]

use std::io::Write as _;
use std::process::{Command, Stdio};

use karez_print::*;

fn opinion(language: Language, advice: &str) -> Letter {
    let institution = Institution {
        name: "Saryözen Clinical Hospital".into(),
        other_names: vec!["萨尔约增临床医院".into()],
        code: "SZ".into(),
        address: vec!["12 Poplar Street".into()],
    };
    Letter {
        language,
        hospital: institution,
        recipient: Recipient {
            name: "Yarqum County Hospital".into(),
            doctor: None,
        },
        number: "K-26-11873".into(),
        asked_at: at(),
        patient: Patient {
            name: "Patigul Memet".into(),
            other_names: vec!["پاتىگۈل مەمەت".into(), "帕提古丽·买买提".into()],
            born: Some("1968-03-14".parse().unwrap()),
            sex: Sex::Female,
            identifiers: vec![Identifier {
                issuer: "Yarqum".into(),
                value: "YQ-0048213".into(),
            }],
        },
        question: Text::plain("Biopsy now?"),
        sections: vec![Section {
            part: SectionPart::Advise,
            text: Text::plain(advice),
        }],
        record: vec![RecordItem {
            date: None,
            what: "Allergy to penicillin".into(),
            custodian: "Yarqum".into(),
            version: "4".into(),
        }],
        character: Character::Advisory,
        responsible: "Saryözen".into(),
        amends: None,
        signature: None,
    }
}

fn at() -> jiff::Zoned {
    "2026-11-24T08:00:00+06:00[Asia/Urumqi]".parse().unwrap()
}

/// The PDF's text by poppler's `pdftotext`; none where it is not installed.
fn text_of(pdf: &[u8]) -> Option<String> {
    let mut child = Command::new("pdftotext")
        .args(["-", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .ok()?;
    let mut stdin = child.stdin.take()?;
    let pdf = pdf.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&pdf));
    let out = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    Some(String::from_utf8(out.stdout).unwrap())
}

#[test]
fn every_language_prints_a_tagged_accessible_file() {
    for language in Language::ALL {
        let printed = letter(&opinion(language, "Rest."), &at()).unwrap();
        assert!(printed.unprintable.is_empty(), "{}", language.tag());
        let raw = String::from_utf8_lossy(&printed.pdf).into_owned();
        assert!(raw.contains("/MarkInfo"), "tagged: {}", language.tag());
        assert!(raw.contains("pdfuaid"), "PDF/UA: {}", language.tag());
    }
}

#[test]
fn the_words_can_be_copied_out_again_in_every_script() {
    for (language, advice) in [
        (
            Language::English,
            "1. First the biopsy.\n2. Then culture.\n\nNo treatment until then.",
        ),
        (
            Language::Chinese,
            "1. 先行穿刺活检。\n2. 分枝杆菌培养。\n\n暂不治疗。",
        ),
        (
            Language::Russian,
            "1. Сначала биопсия.\n2. Затем посев.\n\nДо этого не лечить.",
        ),
        (Language::Arabic, "خزعة ثم زرع"),
        (Language::Uyghur, "ئاۋۋال تەكشۈرۈش"),
    ] {
        let printed = letter(&opinion(language, advice), &at()).unwrap();
        let Some(text) = text_of(&printed.pdf) else {
            return;
        };
        let squeezed: String = text.split_whitespace().collect();
        for word in advice.split_whitespace() {
            assert!(squeezed.contains(word), "{word} in {text}");
        }
        assert!(squeezed.contains("YQ-0048213") && squeezed.contains("帕提古丽·买买提"));
    }
}

#[test]
fn a_character_no_face_can_draw_is_spelled_out_and_reported() {
    let printed = letter(&opinion(Language::English, "Fine 😀 then"), &at()).unwrap();
    assert_eq!(printed.unprintable.iter().collect::<String>(), "😀");
    if let Some(text) = text_of(&printed.pdf) {
        assert!(text.contains("[U+1F600]"), "{text}");
        assert!(text.contains("Unicode number"), "{text}");
    }
}

#[test]
fn a_draft_says_so_and_markup_in_text_stays_text() {
    let printed = letter(
        &opinion(Language::English, "#panic(\"x\") *bold* $x$ @ref // end"),
        &at(),
    )
    .unwrap();
    if let Some(text) = text_of(&printed.pdf) {
        assert!(text.contains("Draft, not signed"), "{text}");
        assert!(
            text.contains("#panic(\"x\") *bold* $x$ @ref // end"),
            "{text}"
        );
    }
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let model = opinion(Language::Chinese, "暂不治疗。");
    assert_eq!(
        letter(&model, &at()).unwrap().pdf,
        letter(&model, &at()).unwrap().pdf
    );
}

#[test]
fn a_long_opinion_runs_over_pages_and_loses_nothing() {
    let advice: String = (1..400)
        .map(|n| format!("Line number{n} of a long opinion.\n"))
        .collect();
    let printed = letter(&opinion(Language::English, &advice), &at()).unwrap();
    assert!(printed.pages > 5);
    if let Some(text) = text_of(&printed.pdf) {
        assert!(text.contains("number399"));
        assert!(text.matches("Patigul Memet").count() >= printed.pages);
    }
}
