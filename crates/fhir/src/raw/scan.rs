//! Finding the members of one object without reading what lies deeper. For text that [`super::parse`] has accepted
//! once, such as what a store gives back.

use std::ops::Range;

/// A member of an object: where its value stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Member {
    pub name: Range<usize>,
    pub value: Range<usize>,
}

/// What stands at the top of a resource.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Peek {
    pub resource_type: Option<String>,
    pub id: Option<String>,
    /// `meta.versionId`
    pub version: Option<String>,
    /// `meta.lastUpdated`, as written.
    pub last_updated: Option<String>,
}

/// Reads type, id and version without parsing the rest. Gives nothing for text that is no object; a string with escapes
/// counts as absent, since none of these may have one.
pub fn peek(bytes: &[u8]) -> Peek {
    let mut found = Peek::default();
    let text = |r: &Range<usize>| -> Option<String> {
        let inner = bytes
            .get(r.start..r.end)?
            .strip_prefix(b"\"")?
            .strip_suffix(b"\"")?;
        let plain = !inner.contains(&b'\\');
        plain
            .then(|| String::from_utf8(inner.to_vec()).ok())
            .flatten()
    };
    for m in members(bytes, 0).unwrap_or_default() {
        match &bytes[m.name.clone()] {
            b"resourceType" => found.resource_type = text(&m.value),
            b"id" => found.id = text(&m.value),
            b"meta" => {
                for m in members(bytes, m.value.start).unwrap_or_default() {
                    match &bytes[m.name.clone()] {
                        b"versionId" => found.version = text(&m.value),
                        b"lastUpdated" => found.last_updated = text(&m.value),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    found
}

/// The members of the object that begins at or after `at`; names without their quotes. `None` when there is none.
pub(super) fn members(bytes: &[u8], at: usize) -> Option<Vec<Member>> {
    let mut at = space(bytes, at);
    if bytes.get(at) != Some(&b'{') {
        return None;
    }
    at = space(bytes, at + 1);
    let mut found = Vec::new();
    if bytes.get(at) == Some(&b'}') {
        return Some(found);
    }
    loop {
        let name_end = string_end(bytes, at)?;
        let name = at + 1..name_end - 1;
        at = space(bytes, name_end);
        if bytes.get(at) != Some(&b':') {
            return None;
        }
        let start = space(bytes, at + 1);
        let end = value_end(bytes, start)?;
        found.push(Member {
            name,
            value: start..end,
        });
        at = space(bytes, end);
        match bytes.get(at)? {
            b',' => at = space(bytes, at + 1),
            b'}' => return Some(found),
            _ => return None,
        }
    }
}

fn space(bytes: &[u8], mut at: usize) -> usize {
    while matches!(bytes.get(at), Some(b' ' | b'\n' | b'\r' | b'\t')) {
        at += 1;
    }
    at
}

/// The end of the string whose opening quote stands at `at`.
fn string_end(bytes: &[u8], at: usize) -> Option<usize> {
    if bytes.get(at) != Some(&b'"') {
        return None;
    }
    let mut at = at + 1;
    loop {
        match bytes.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

fn value_end(bytes: &[u8], mut at: usize) -> Option<usize> {
    let mut depth = 0usize;
    loop {
        match bytes.get(at)? {
            b'"' => at = string_end(bytes, at)?,
            b'{' | b'[' => {
                depth += 1;
                at += 1;
                continue;
            }
            b'}' | b']' => {
                depth = depth.checked_sub(1)?;
                at += 1;
            }
            b',' | b':' | b' ' | b'\n' | b'\r' | b'\t' => {
                at += 1;
                continue;
            }
            _ => {
                while !matches!(
                    bytes.get(at),
                    None | Some(b',' | b'}' | b']' | b' ' | b'\n' | b'\r' | b'\t')
                ) {
                    at += 1;
                }
            }
        }
        if depth == 0 {
            return Some(at);
        }
    }
}
