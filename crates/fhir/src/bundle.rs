//! Bundles: the entries of one that came in, as slices of its bytes, and writing one from bytes.

use kernel::Instant;
use kernel::limits::BUNDLE_ENTRIES_MAX;

use crate::json::Json;
use crate::outcome::Issue;
use crate::raw::Doc;

/// What kind of bundle it is (value set bundle-type).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BundleType {
    Document,
    Message,
    Transaction,
    TransactionResponse,
    Batch,
    BatchResponse,
    History,
    Searchset,
    Collection,
}

impl BundleType {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Document => "document",
            Self::Message => "message",
            Self::Transaction => "transaction",
            Self::TransactionResponse => "transaction-response",
            Self::Batch => "batch",
            Self::BatchResponse => "batch-response",
            Self::History => "history",
            Self::Searchset => "searchset",
            Self::Collection => "collection",
        }
    }
    fn parse(text: &str) -> Option<Self> {
        [
            Self::Document,
            Self::Message,
            Self::Transaction,
            Self::TransactionResponse,
            Self::Batch,
            Self::BatchResponse,
            Self::History,
            Self::Searchset,
            Self::Collection,
        ]
        .into_iter()
        .find(|t| t.as_str() == text)
    }
}

/// HTTP verb of an entry's request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verb {
    // In the order a transaction carries them out (FHIR R4 §3.1.0.11.2).
    Delete,
    Post,
    Put,
    Patch,
    Get,
    Head,
}

impl Verb {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "DELETE" => Self::Delete,
            "POST" => Self::Post,
            "PUT" => Self::Put,
            "PATCH" => Self::Patch,
            "GET" => Self::Get,
            "HEAD" => Self::Head,
            _ => return None,
        })
    }
}

/// `Bundle.entry.request`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryRequest<'a> {
    pub verb: Verb,
    pub url: &'a str,
    pub if_match: Option<&'a str>,
    pub if_none_match: Option<&'a str>,
    pub if_none_exist: Option<&'a str>,
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry<'a> {
    pub full_url: Option<&'a str>,
    /// `resourceType` of the resource, as it says itself.
    pub kind: Option<&'a str>,
    /// The resource's bytes as they stand in the bundle.
    pub resource: Option<&'a str>,
    pub request: Option<EntryRequest<'a>>,
}

/// A bundle that came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parsed<'a> {
    pub of: BundleType,
    pub entries: Vec<Entry<'a>>,
}

/// Reads a Bundle of any type. Entries of a batch or transaction must have a request each (bdl-3).
pub fn read<'a>(doc: &'a Doc<'a>) -> Result<Parsed<'a>, Issue> {
    let root = doc.root();
    if root.str_at("resourceType") != Some("Bundle") {
        return Err(Issue::error("structure", "a Bundle is expected").at("Bundle"));
    }
    let Some(of) = root.str_at("type").and_then(BundleType::parse) else {
        return Err(Issue::error("required", "a type of bundle is expected").at("Bundle.type"));
    };
    let count = root.list("entry").count();
    if count > BUNDLE_ENTRIES_MAX {
        let message = format!("more than {BUNDLE_ENTRIES_MAX} entries");
        return Err(Issue::error("too-costly", message).at("Bundle.entry"));
    }
    let must_ask = matches!(of, BundleType::Batch | BundleType::Transaction);
    let mut entries = Vec::with_capacity(count);
    for (i, e) in root.list("entry").enumerate() {
        let request = match e.get("request") {
            None if must_ask => {
                return Err(Issue::error("required", "a request is missing")
                    .at(format!("Bundle.entry[{i}].request")));
            }
            None => None,
            Some(r) => Some(entry_request(r, i)?),
        };
        let resource = e.get("resource");
        entries.push(Entry {
            full_url: e.str_at("fullUrl"),
            kind: resource.and_then(|r| r.str_at("resourceType")),
            resource: resource.map(|r| r.raw()),
            request,
        });
    }
    Ok(Parsed { of, entries })
}

fn entry_request<'a, J: Json<'a>>(r: J, i: usize) -> Result<EntryRequest<'a>, Issue> {
    let missing = |what: &str| {
        Issue::error("required", format!("a {what} is expected"))
            .at(format!("Bundle.entry[{i}].request.{what}"))
    };
    Ok(EntryRequest {
        verb: r
            .str_at("method")
            .and_then(Verb::parse)
            .ok_or_else(|| missing("method"))?,
        url: r.str_at("url").ok_or_else(|| missing("url"))?,
        if_match: r.str_at("ifMatch"),
        if_none_match: r.str_at("ifNoneMatch"),
        if_none_exist: r.str_at("ifNoneExist"),
    })
}

/// Why an entry is in a search result (value set search-entry-mode).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Match,
    Include,
    Outcome,
}

/// Writes a Bundle piece by piece; resources go in as the bytes they are.
#[derive(Debug)]
pub struct Writer {
    out: Vec<u8>,
    entries: usize,
}

/// What `Bundle.entry.response` says.
#[derive(Debug, Clone, Copy, Default)]
pub struct Response<'a> {
    /// `201 Created`
    pub status: &'a str,
    pub location: Option<&'a str>,
    /// `W/"3"`
    pub etag: Option<&'a str>,
    pub last_modified: Option<Instant>,
    /// An OperationOutcome.
    pub outcome: Option<&'a [u8]>,
}

impl Writer {
    /// Begins a bundle made at an instant; `total` is for searchset and history.
    pub fn new(
        of: BundleType,
        id: Option<&str>,
        at: Instant,
        total: Option<u64>,
        links: &[(&str, &str)],
    ) -> Self {
        let mut w = Self {
            out: Vec::with_capacity(4096),
            entries: 0,
        };
        w.raw(r#"{"resourceType":"Bundle""#);
        if let Some(id) = id {
            w.member("id", id);
        }
        w.raw(&format!(r#","meta":{{"lastUpdated":"{at}"}}"#));
        w.member("type", of.as_str());
        w.raw(&format!(r#","timestamp":"{at}""#));
        if let Some(total) = total {
            w.raw(&format!(r#","total":{total}"#));
        }
        if !links.is_empty() {
            w.raw(r#","link":["#);
            for (i, (relation, url)) in links.iter().enumerate() {
                w.raw(if i == 0 { "{" } else { ",{" });
                w.raw(r#""relation":"#);
                w.text(relation);
                w.member("url", url);
                w.raw("}");
            }
            w.raw("]");
        }
        w
    }

    /// Makes room for resources of so many bytes together, which spares moving what is written already.
    pub fn reserve(&mut self, bytes: usize) {
        self.out.reserve(bytes);
    }

    fn raw(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }
    fn text(&mut self, text: &str) {
        let plain = |b: u8| b >= 0x20 && b != b'"' && b != b'\\';
        if text.bytes().all(plain) {
            self.raw("\"");
            self.raw(text);
            self.raw("\"");
            return;
        }
        // A string always serialises.
        let quoted = serde_json::to_string(text).unwrap_or_else(|_| "\"\"".to_owned());
        self.raw(&quoted);
    }
    fn member(&mut self, name: &str, value: &str) {
        self.raw(",\"");
        self.raw(name);
        self.raw("\":");
        self.text(value);
    }
    fn open(&mut self) {
        self.raw(if self.entries == 0 {
            r#","entry":[{"#
        } else {
            ",{"
        });
        self.entries += 1;
    }
    fn first_member(&mut self, name: &str) {
        if self.out.last() != Some(&b'{') {
            self.raw(",");
        }
        self.raw("\"");
        self.raw(name);
        self.raw("\":");
    }
    fn resource(&mut self, full_url: Option<&str>, resource: Option<&[u8]>) {
        if let Some(url) = full_url {
            self.first_member("fullUrl");
            self.text(url);
        }
        if let Some(bytes) = resource {
            self.first_member("resource");
            self.out.extend_from_slice(bytes.trim_ascii());
        }
    }

    /// An entry of a searchset.
    pub fn found(&mut self, full_url: Option<&str>, resource: &[u8], mode: Mode) {
        self.open();
        self.resource(full_url, Some(resource));
        self.raw(match mode {
            Mode::Match => r#","search":{"mode":"match"}}"#,
            Mode::Include => r#","search":{"mode":"include"}}"#,
            Mode::Outcome => r#","search":{"mode":"outcome"}}"#,
        });
    }

    /// An entry of a history: `resource` is none for a deletion.
    pub fn version(
        &mut self,
        full_url: &str,
        resource: Option<&[u8]>,
        (method, url): (&str, &str),
        response: &Response<'_>,
    ) {
        self.open();
        self.resource(Some(full_url), resource);
        self.first_member("request");
        self.raw(&format!(r#"{{"method":"{method}""#));
        self.member("url", url);
        self.raw("}");
        self.response(response);
        self.raw("}");
    }

    /// An entry of a batch or transaction response.
    pub fn answered(
        &mut self,
        full_url: Option<&str>,
        resource: Option<&[u8]>,
        response: &Response<'_>,
    ) {
        self.open();
        self.resource(full_url, resource);
        self.response(response);
        self.raw("}");
    }

    fn response(&mut self, r: &Response<'_>) {
        self.first_member("response");
        self.raw(r#"{"status":"#);
        self.text(r.status);
        if let Some(location) = r.location {
            self.member("location", location);
        }
        if let Some(etag) = r.etag {
            self.member("etag", etag);
        }
        if let Some(at) = r.last_modified {
            self.raw(&format!(r#","lastModified":"{at}""#));
        }
        if let Some(outcome) = r.outcome {
            self.raw(r#","outcome":"#);
            self.out.extend_from_slice(outcome.trim_ascii());
        }
        self.raw("}");
    }

    /// The finished bundle.
    pub fn finish(mut self) -> Vec<u8> {
        if self.entries > 0 {
            self.raw("]");
        }
        self.raw("}");
        self.out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::raw::parse;

    #[test]
    fn entries_keep_their_bytes() {
        let text = r#"{"resourceType":"Bundle","type":"transaction","entry":[{"fullUrl":"urn:uuid:1",
            "resource":{ "resourceType" : "Observation", "valueQuantity":{"value":1.10}},
            "request":{"method":"POST","url":"Observation"}}]}"#;
        let doc = parse(text.as_bytes()).unwrap();
        let bundle = read(&doc).unwrap();
        assert_eq!(bundle.of, BundleType::Transaction);
        let entry = &bundle.entries[0];
        assert_eq!(
            entry.resource,
            Some(r#"{ "resourceType" : "Observation", "valueQuantity":{"value":1.10}}"#)
        );
        assert_eq!(entry.kind, Some("Observation"));
        assert_eq!(entry.request.as_ref().unwrap().verb, Verb::Post);
    }

    #[test]
    fn an_entry_without_request_is_refused_with_its_place() {
        let doc = parse(br#"{"resourceType":"Bundle","type":"batch","entry":[{"resource":{}}]}"#)
            .unwrap();
        assert_eq!(
            read(&doc).unwrap_err().expression.as_deref(),
            Some("Bundle.entry[0].request")
        );
        let doc = parse(br#"{"resourceType":"Bundle","type":"batch","entry":[{"request":{"method":"POKE","url":"x"}}]}"#).unwrap();
        assert_eq!(
            read(&doc).unwrap_err().expression.as_deref(),
            Some("Bundle.entry[0].request.method")
        );
    }

    #[test]
    fn a_written_bundle_reads_back() {
        let at: Instant = "2026-01-02T03:04:05Z".parse().unwrap();
        let mut w = Writer::new(
            BundleType::Searchset,
            None,
            at,
            Some(2),
            &[("self", "https://n/fhir/a/Patient?name=\"x")],
        );
        w.found(
            Some("https://n/fhir/a/Patient/1"),
            br#"{"resourceType":"Patient","id":"1"}"#,
            Mode::Match,
        );
        w.found(
            None,
            br#"{"resourceType":"Patient","id":"2"}"#,
            Mode::Include,
        );
        let bytes = w.finish();
        let doc = parse(&bytes).unwrap();
        let root = doc.root();
        assert_eq!(root.list("entry").count(), 2);
        assert_eq!(
            root.get("total").and_then(Json::number).as_deref(),
            Some("2")
        );

        let mut w = Writer::new(BundleType::TransactionResponse, Some("b"), at, None, &[]);
        w.answered(
            None,
            None,
            &Response {
                status: "201 Created",
                etag: Some("W/\"1\""),
                last_modified: Some(at),
                ..Response::default()
            },
        );
        w.version(
            "https://n/fhir/a/Patient/1",
            None,
            ("DELETE", "Patient/1"),
            &Response {
                status: "204 No Content",
                ..Response::default()
            },
        );
        assert!(parse(&w.finish()).is_ok());
        assert!(
            parse(&Writer::new(BundleType::Searchset, None, at, Some(0), &[]).finish()).is_ok()
        );
    }
}
