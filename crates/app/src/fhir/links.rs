//! Links between the entries of a transaction (FHIR R4 §3.1.0.11.2) and conditional references (§3.1.0.11.3).

use std::collections::HashMap;

use bytes::Bytes;
use fhir::json::Json;
use fhir::raw::{Node, rewrite_references};
use fhir::reference::{self, Parsed};

use super::check::unreadable;
use crate::AppError;

/// What each address in a transaction stands for.
#[derive(Debug, Default)]
pub(super) struct Links {
    /// `fullUrl` or conditional reference → `Type/id`.
    to: HashMap<String, String>,
}

impl Links {
    /// Notes what an address stands for; false when it stood for something already.
    pub fn add(&mut self, from: impl Into<String>, to: impl Into<String>) -> bool {
        self.to.insert(from.into(), to.into()).is_none()
    }

    /// The resource with every link replaced. A `urn:uuid:` or `urn:oid:` reference to no entry is refused.
    pub fn rewrite(&self, kind: &str, body: &Bytes) -> Result<Bytes, AppError> {
        let text = String::from_utf8_lossy(body);
        let may_have = text.contains("urn:uuid:")
            || text.contains("urn:oid:")
            || text.contains('?')
            || text.contains("\"http");
        if self.to.is_empty() || !may_have {
            return Ok(body.clone());
        }
        let out = rewrite_references(body, |r| self.to.get(r).cloned())
            .map_err(|e| unreadable(kind, &e))?;
        Ok(Bytes::from(out))
    }
}

/// Calls `found` with every reference text of a resource, and the path of member names above it.
pub(super) fn references<'a>(node: Node<'a>, found: &mut impl FnMut(&'a str)) {
    for (name, value) in node.members() {
        if name == "reference" {
            value.text().into_iter().for_each(&mut *found);
        }
        descend(value, found);
    }
}

fn descend<'a>(value: Node<'a>, found: &mut impl FnMut(&'a str)) {
    if value.is_object() {
        references(value, found);
    } else {
        value.items().for_each(|v| descend(v, found));
    }
}

/// The conditional references of a resource.
pub(super) fn conditional(node: Node<'_>) -> Vec<(String, &'static str, String)> {
    let mut out = Vec::new();
    references(node, &mut |text| {
        if let Parsed::Conditional { kind, query } = reference::parse(text) {
            out.push((text.to_owned(), kind, query.to_owned()));
        }
    });
    out
}

/// The first reference that should have been replaced and was not.
pub(super) fn dangling(node: Node<'_>) -> bool {
    let mut found = false;
    references(node, &mut |text| found |= text.starts_with("urn:uuid:"));
    found
}
