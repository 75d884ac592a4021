//! Changing a good input here and there, so that what reads it gets further than its first byte.

/// One change: a place (as a part of 65,536 of the length), what is done there, and with what.
pub type Edit = (u16, u8, u8);

/// What readers look for: brackets, escapes, lengths, separators, numbers at their bounds.
const WORDS: &[&str] = &[
    "\"",
    "\\",
    "\\u0000",
    "\\ud800",
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "null",
    "true",
    "1e999",
    "-0",
    "9223372036854775808",
    "0.00000000000000000000001",
    "resourceType",
    "Patient/",
    "urn:uuid:",
    "http://",
    "../",
    "%00",
    "%ff",
    "&",
    "=",
    "|",
    "$",
    ",,",
    "\\,",
    "_has:",
    ":missing",
    ":not",
    "_include",
    "gt",
    "9999-12-31T23:59:60Z",
    "2024-02-30",
    "+14:00",
    ".where(",
    ").exists()",
    "as ",
    "%resource",
    "'",
    "extension('",
    "eyJ",
    ".",
    "..",
    "%PDF-",
    "endobj",
    "\u{feff}",
    "\u{202e}",
    "\u{10ffff}",
    "é",
];

/// `from` with the changes made to it, one after another. At most four times as long and 64 kB more.
pub fn mutate(from: &[u8], edits: &[Edit]) -> Vec<u8> {
    let most = from.len() * 4 + (64 << 10);
    let mut out = from.to_vec();
    for (place, what, with) in edits.iter().take(64) {
        let at = usize::from(*place) * (out.len() + 1) / 65_536;
        let end = (at + 1 + usize::from(*with)).min(out.len());
        let word = WORDS[usize::from(*with) % WORDS.len()].as_bytes();
        match what % 8 {
            0 if at < out.len() => out[at] ^= 1 << (with % 8),
            1 => out.insert(at, *with),
            2 => drop(out.drain(at..end)),
            3 => {
                let again = out[at..end].to_vec();
                out.splice(at..at, again);
            }
            4 => drop(out.splice(at..at, word.iter().copied())),
            5 => drop(out.splice(at..end, word.iter().copied())),
            6 if *with < 32 => out.truncate(at),
            7 => {
                let many = word.repeat(usize::from(*with));
                out.splice(at..at, many);
            }
            _ => {}
        }
        if out.len() > most {
            out.truncate(most);
        }
    }
    out
}

/// As [`mutate`], with what is no longer UTF-8 replaced.
pub fn mutate_text(from: &str, edits: &[Edit]) -> String {
    String::from_utf8_lossy(&mutate(from.as_bytes(), edits)).into_owned()
}
