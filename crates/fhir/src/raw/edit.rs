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

/// The mark of a resource that is not whole (FHIR R4 §3.1.1.5.9).
const SUBSETTED: &str =
    r#"{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationValue","code":"SUBSETTED"}"#;

/// Keeps the top-level members that `keep` names and marks the resource as a part of the whole. `meta` must be among
/// them for the mark to be set where one exists; without a `meta` one is added.
pub fn subset(bytes: &[u8], keep: impl Fn(&str) -> bool) -> Vec<u8> {
    let Some(top) = members(bytes, 0) else {
        return bytes.to_vec();
    };
    let mut out = Vec::with_capacity(bytes.len());
    out.push(b'{');
    let mut tagged = false;
    for m in &top {
        let name = String::from_utf8_lossy(&bytes[m.name.clone()]);
        if !keep(&name) {
            continue;
        }
        if out.len() > 1 {
            out.push(b',');
        }
        out.extend_from_slice(format!("\"{name}\":").as_bytes());
        if name == "meta" {
            tagged = true;
            out.extend(with_tag(&bytes[m.value.clone()]));
        } else {
            out.extend_from_slice(&bytes[m.value.clone()]);
        }
    }
    if !tagged {
        let comma = if out.len() > 1 { "," } else { "" };
        out.extend_from_slice(format!("{comma}\"meta\":{{\"tag\":[{SUBSETTED}]}}").as_bytes());
    }
    out.push(b'}');
    out
}

/// A meta with the mark before its other tags.
fn with_tag(meta: &[u8]) -> Vec<u8> {
    let Some(inner) = members(meta, 0) else {
        return meta.to_vec();
    };
    let tags = inner.iter().find(|m| &meta[m.name.clone()] == b"tag");
    let edit = match tags {
        Some(t) if meta.get(t.value.start) == Some(&b'[') => {
            let rest = &meta[t.value.start + 1..t.value.end];
            let comma = if rest.trim_ascii_start().starts_with(b"]") {
                ""
            } else {
                ","
            };
            (
                t.value.start + 1,
                t.value.start + 1,
                format!("{SUBSETTED}{comma}"),
            )
        }
        Some(t) => (t.value.start, t.value.end, format!("[{SUBSETTED}]")),
        None => {
            let comma = if inner.is_empty() { "" } else { "," };
            (1, 1, format!("\"tag\":[{SUBSETTED}]{comma}"))
        }
    };
    apply(meta, vec![edit])
}

fn apply(bytes: &[u8], mut edits: Vec<(usize, usize, String)>) -> Vec<u8> {
    // What is put in at a place stands before what replaces from there on.
    edits.sort_by_key(|e| (e.0, e.1));
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
