//! Edits that leave every other byte as it is.

use kernel::Instant;

use super::scan::members;
use super::{JsonError, Node, Shape, parse};
use crate::json::Json;

/// Sets `id`, `meta.versionId` and `meta.lastUpdated` of a resource (FHIR R4 §2.26.3.2). Other members of `meta` stay. A
/// missing member is put right after `resourceType` (or at the front). Bytes that are no JSON object come back as they
/// are.
pub fn splice_meta(bytes: &[u8], id: &str, version: &str, last_updated: Instant) -> Vec<u8> {
    let Some(top) = members(bytes, 0) else {
        return bytes.to_vec();
    };
    let find = |name: &[u8]| top.iter().find(|m| &bytes[m.name.clone()] == name);
    let mut edits: Vec<(usize, usize, String)> = Vec::with_capacity(4);
    let version = format!("\"versionId\":\"{version}\"");
    let updated = format!("\"lastUpdated\":\"{last_updated}\"");
    let mut missing = String::new();

    match find(b"id") {
        Some(m) => edits.push((m.value.start, m.value.end, format!("\"{id}\""))),
        None => missing = format!("\"id\":\"{id}\""),
    }
    let inner = find(b"meta").map(|m| (m, members(bytes, m.value.start)));
    match inner {
        None => {
            let comma = if missing.is_empty() { "" } else { "," };
            missing = format!("{missing}{comma}\"meta\":{{{version},{updated}}}");
        }
        Some((m, None)) => edits.push((
            m.value.start,
            m.value.end,
            format!("{{{version},{updated}}}"),
        )),
        Some((m, Some(inner))) => {
            let mut added = Vec::new();
            for (name, text) in [(&b"versionId"[..], version), (b"lastUpdated", updated)] {
                match inner.iter().find(|i| &bytes[i.name.clone()] == name) {
                    Some(i) => edits.push((i.name.start - 1, i.value.end, text)),
                    None => added.push(text),
                }
            }
            if !added.is_empty() {
                let comma = if inner.is_empty() { "" } else { "," };
                edits.push((
                    m.value.start + 1,
                    m.value.start + 1,
                    format!("{}{comma}", added.join(",")),
                ));
            }
        }
    }
    if !missing.is_empty() {
        match find(b"resourceType") {
            Some(m) => edits.push((m.value.end, m.value.end, format!(",{missing}"))),
            None => {
                let open = bytes.iter().position(|b| *b == b'{').unwrap_or(0) + 1;
                let comma = if top.is_empty() { "" } else { "," };
                edits.push((open, open, format!("{missing}{comma}")));
            }
        }
    }
    apply(bytes, edits)
}

/// Replaces the addresses that `to` knows, wherever a string value is exactly one of them: the `urn:uuid:` links between
/// the entries of a transaction (FHIR R4 §3.1.0.11.2). `value` members are passed over: an `Identifier.value` names a
/// thing, it does not point at it. Conditional references are handed to `to` as well (`Patient?identifier=…`).
pub fn rewrite_references(
    bytes: &[u8],
    mut to: impl FnMut(&str) -> Option<String>,
) -> Result<Vec<u8>, JsonError> {
    let doc = parse(bytes)?;
    let mut edits = Vec::new();
    collect(doc.root(), "", &mut |node, text| {
        if let Some(new) = to(text) {
            let span = node.span();
            edits.push((
                span.start,
                span.end,
                serde_json::Value::String(new).to_string(),
            ));
        }
    });
    Ok(apply(bytes, edits))
}

fn collect<'a>(node: Node<'a>, name: &str, found: &mut impl FnMut(Node<'a>, &'a str)) {
    match node.shape() {
        Shape::Object => node.members().for_each(|(k, v)| collect(v, k, found)),
        Shape::Array => node.items().for_each(|v| collect(v, name, found)),
        Shape::Plain | Shape::Escaped if name != "value" && name != "fullUrl" => {
            if let Some(text) = node.text() {
                found(node, text);
            }
        }
        _ => {}
    }
}

fn apply(bytes: &[u8], mut edits: Vec<(usize, usize, String)>) -> Vec<u8> {
    edits.sort_by_key(|e| e.0);
    let grown: usize = edits.iter().map(|e| e.2.len()).sum();
    let mut out = Vec::with_capacity(bytes.len() + grown);
    let mut at = 0;
    for (start, end, text) in edits {
        out.extend_from_slice(&bytes[at..start]);
        out.extend_from_slice(text.as_bytes());
        at = end;
    }
    out.extend_from_slice(&bytes[at..]);
    out
}
