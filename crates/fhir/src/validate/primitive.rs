//! Formats of primitive types (FHIR R4 §2.24.0.1).

use crate::json::Json;
use crate::raw::{Node, Shape};
use crate::reference::is_id;
use crate::search::value::date_span;

/// Whether a value has the form of its primitive type; otherwise what is expected.
pub(super) fn check(of: &str, value: Node<'_>) -> Result<(), &'static str> {
    match of {
        "boolean" => ok(value.boolean().is_some(), "true or false is expected"),
        "decimal" => ok(value.shape() == Shape::Number, "a number is expected"),
        "integer" => integer(value, i64::from(i32::MIN), "a whole number is expected"),
        "unsignedInt" => integer(value, 0, "a whole number from 0 is expected"),
        "positiveInt" => integer(value, 1, "a whole number from 1 is expected"),
        _ => {
            let Some(text) = value.text() else {
                return Err("a string is expected");
            };
            ok(!text.is_empty(), "a string must not be empty")?;
            string(of, text)
        }
    }
}

fn ok(holds: bool, words: &'static str) -> Result<(), &'static str> {
    if holds { Ok(()) } else { Err(words) }
}

fn integer(value: Node<'_>, least: i64, words: &'static str) -> Result<(), &'static str> {
    let number = value.number().and_then(|n| n.parse::<i64>().ok());
    ok(
        number.is_some_and(|n| (least..=i64::from(i32::MAX)).contains(&n)),
        words,
    )
}

fn string(of: &str, text: &str) -> Result<(), &'static str> {
    match of {
        "id" => ok(
            is_id(text),
            "an id of 1 to 64 letters, digits, dots and hyphens is expected",
        ),
        "code" => ok(
            is_code(text),
            "a code without blanks at its ends is expected",
        ),
        "date" => ok(
            !text.contains('T') && date_span(text).is_some(),
            "YYYY, YYYY-MM or YYYY-MM-DD is expected",
        ),
        "dateTime" => ok(
            is_date_time(text),
            "a date, or a date with time and zone, is expected",
        ),
        "instant" => ok(
            text.len() >= 20 && is_date_time(text),
            "YYYY-MM-DDThh:mm:ss with a zone is expected",
        ),
        "time" => ok(is_time(text), "hh:mm:ss is expected"),
        "uri" | "url" | "canonical" => ok(
            !text.contains(char::is_whitespace),
            "an address without blanks is expected",
        ),
        "oid" => ok(is_oid(text), "urn:oid: and an OID is expected"),
        "uuid" => ok(is_uuid(text), "urn:uuid: and a UUID is expected"),
        "base64Binary" => ok(is_base64(text), "base64 is expected"),
        "xhtml" => ok(
            is_safe_xhtml(text),
            "a div without scripts, forms or active content is expected",
        ),
        _ => Ok(()),
    }
}

fn is_code(text: &str) -> bool {
    text.trim() == text && !text.contains("  ") && !text.contains(['\t', '\n', '\r'])
}

/// A time stands only with seconds and a zone.
fn is_date_time(text: &str) -> bool {
    let Some((_, time)) = text.split_once('T') else {
        return date_span(text).is_some();
    };
    let seconds = time.as_bytes().get(5) == Some(&b':');
    let zone = time.ends_with('Z') || time.rfind(['+', '-']).is_some_and(|i| i >= 8);
    seconds && zone && date_span(text).is_some()
}

fn is_time(text: &str) -> bool {
    text.len() >= 8
        && !text.ends_with('Z')
        && !text.contains(['+', '-'])
        && date_span(&format!("2000-01-01T{text}")).is_some()
}

fn is_oid(text: &str) -> bool {
    text.strip_prefix("urn:oid:").is_some_and(|o| {
        o.starts_with(['0', '1', '2'])
            && o.contains('.')
            && o.split('.')
                .all(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
    })
}

fn is_uuid(text: &str) -> bool {
    text.strip_prefix("urn:uuid:").is_some_and(|u| {
        u.len() == 36
            && u.bytes().enumerate().all(|(i, b)| {
                if matches!(i, 8 | 13 | 18 | 23) {
                    b == b'-'
                } else {
                    b.is_ascii_hexdigit()
                }
            })
    })
}

fn is_base64(text: &str) -> bool {
    let letters = text.bytes().filter(|b| !b.is_ascii_whitespace());
    let mut count = 0usize;
    let mut padding = 0;
    for b in letters {
        count += 1;
        match b {
            b'=' => padding += 1,
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/' if padding == 0 => {}
            _ => return false,
        }
    }
    count.is_multiple_of(4) && padding <= 2
}

/// Narrative holds basic formatting and no active content (txt-1). It is never shown without being escaped or cleaned; this
/// keeps what could run out of the record in the first place.
fn is_safe_xhtml(text: &str) -> bool {
    let lower = text.trim().to_ascii_lowercase();
    let forbidden = [
        "<script",
        "<iframe",
        "<object",
        "<embed",
        "<form",
        "<base",
        "<link",
        "<meta",
        "javascript:",
        "<!doctype",
        "<!entity",
    ];
    lower.starts_with("<div")
        && !forbidden.iter().any(|f| lower.contains(f))
        && !has_event_handler(&lower)
}

/// An attribute `on…=` inside a tag.
fn has_event_handler(lower: &str) -> bool {
    lower.split('<').skip(1).any(|tag| {
        let tag = tag.split('>').next().unwrap_or_default();
        tag.split(|c: char| c.is_ascii_whitespace() || c == '/' || c == '"' || c == '\'')
            .any(|word| word.starts_with("on") && word.contains('=') && word.len() > 3)
    })
}
