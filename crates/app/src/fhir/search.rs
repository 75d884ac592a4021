//! search (FHIR R4 §3.1.1).

use bytes::Bytes;
use fhir::bundle::{BundleType, Mode, Writer};
use fhir::outcome::{Issue, operation_outcome};
use fhir::raw::subset;
use fhir::search::query::{Query, Summary};
use fhir::search::{ParseOptions, QueryError, parse_pairs};
use kernel::{HospitalId, Phi, limits};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use store::{SearchPage, Stored};

use crate::{App, AppError, Cx, FieldProblem};

/// What stays as it is in the value of a link.
const VALUE: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b':')
    .remove(b'/')
    .remove(b',')
    .remove(b'|')
    .remove(b'$');

/// A page of results.
#[derive(Debug, Clone)]
pub struct SearchAnswer {
    /// A Bundle of type searchset.
    pub body: Phi<Bytes>,
}

impl App {
    /// Searches one type in one hospital's records; `pairs` are the decoded parameters. Every result is audited before it
    /// is returned.
    pub async fn fhir_search(
        &self,
        cx: &Cx,
        hospital: &HospitalId,
        kind: &str,
        pairs: &[(String, String)],
        lenient: bool,
    ) -> Result<SearchAnswer, AppError> {
        let query = self.fhir_query(cx, hospital, kind, pairs, lenient)?;
        let page = self.store.search(&cx.permit(), hospital, &query).await?;
        let shown = page.matches.iter().chain(&page.includes);
        self.seen(cx, hospital, shown, "record.searched").await?;
        let body = self.searchset(cx, hospital, &query, &page);
        Ok(SearchAnswer {
            body: Phi::new(Bytes::from(body)),
        })
    }

    pub(super) fn fhir_query(
        &self,
        cx: &Cx,
        hospital: &HospitalId,
        kind: &str,
        pairs: &[(String, String)],
        lenient: bool,
    ) -> Result<Query, AppError> {
        self.known(hospital)?;
        let own_base = self.fhir_base(hospital);
        let options = ParseOptions {
            lenient,
            own_base: &own_base,
            now: cx.now,
        };
        parse_pairs(kind, pairs, &options).map_err(refused)
    }

    fn searchset(
        &self,
        cx: &Cx,
        hospital: &HospitalId,
        query: &Query,
        page: &SearchPage,
    ) -> Vec<u8> {
        let base = self.fhir_base(hospital);
        let own = link(&base, query, None);
        let next = page.next.as_deref().map(|c| link(&base, query, Some(c)));
        let mut links = vec![("self", own.as_str())];
        links.extend(next.iter().map(|n| ("next", n.as_str())));
        let mut writer = Writer::new(BundleType::Searchset, None, cx.now, page.total, &links);
        // Beside each resource its address and why it is there.
        let all = page.matches.iter().chain(&page.includes);
        writer.reserve(all.map(|s| s.body.reveal().len() + base.len() + 160).sum());
        let mut url = String::new();
        for s in &page.matches {
            addressed(&mut url, &base, s);
            writer.found(Some(&url), &shaped(query, s.body.reveal()), Mode::Match);
        }
        for s in &page.includes {
            addressed(&mut url, &base, s);
            writer.found(Some(&url), s.body.reveal(), Mode::Include);
        }
        let mut notes: Vec<Issue> = query
            .ignored
            .iter()
            .map(|name| {
                Issue::warning("not-supported", "this parameter was passed over")
                    .at(format!("http.{name}"))
            })
            .collect();
        if page.includes.len() >= limits::INCLUDES_MAX {
            notes.push(
                Issue::warning("too-costly", "not everything that was to be included is")
                    .at("http._include"),
            );
        }
        if !notes.is_empty() {
            writer.found(None, &operation_outcome(&notes), Mode::Outcome);
        }
        writer.finish()
    }
}

/// Writes the address of a resource into `url`.
fn addressed(url: &mut String, base: &str, s: &Stored) {
    url.clear();
    for part in [base, "/", s.key.kind.as_str(), "/", s.key.id.as_str()] {
        url.push_str(part);
    }
}

/// The resource as `_elements` or `_summary` ask for it: what is mandatory stays.
fn shaped(query: &Query, body: &Bytes) -> Bytes {
    if query.elements.is_empty() && query.summary != Summary::Data {
        return body.clone();
    }
    let def = fhir::schema::type_def(query.kind);
    let keep = |name: &str| {
        if matches!(name, "resourceType" | "id" | "meta") {
            return true;
        }
        if query.summary == Summary::Data {
            return name != "text";
        }
        let plain = name.trim_start_matches('_');
        let element = def.and_then(|d| d.member(plain)).map(|(e, _)| e);
        element
            .is_some_and(|e| e.required || query.elements.iter().any(|w| w == e.name || w == plain))
    };
    Bytes::from(subset(body, keep))
}

/// The address of this page, or of the one at a cursor: what was understood, in its order.
fn link(base: &str, query: &Query, cursor: Option<&str>) -> String {
    let mut url = format!("{base}/{}", query.kind);
    let kept = query
        .understood
        .iter()
        .filter(|(name, _)| name != "_cursor" && name != "_format" && name != "_pretty");
    let pairs = kept
        .map(|(n, v)| (n.as_str(), v.as_str()))
        .chain(cursor.map(|c| ("_cursor", c)));
    for (i, (name, value)) in pairs.enumerate() {
        url.push(if i == 0 { '?' } else { '&' });
        url.push_str(&utf8_percent_encode(name, VALUE).to_string());
        url.push('=');
        url.push_str(&utf8_percent_encode(value, VALUE).to_string());
    }
    url
}

/// Faults of a query as problems, each naming its parameter.
fn refused(errors: Vec<QueryError>) -> AppError {
    AppError::Invalid(
        errors
            .into_iter()
            .map(|e| FieldProblem::new(e.expression(), e.issue, e.message))
            .collect(),
    )
}
