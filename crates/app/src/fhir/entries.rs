//! The entries of a batch or transaction: read, linked, checked.

use bytes::Bytes;
use fhir::bundle::{self, BundleType, Verb as Method};
use fhir::raw;
use kernel::{HospitalId, ResourceId};

use super::links::{Links, dangling};
use super::outcome::within_entry;
use super::routed::{self, Rule};
use super::{check, problems};
use crate::{App, AppError, Cx};

/// One entry, owned.
#[derive(Debug, Clone)]
pub(super) struct Item {
    pub index: usize,
    pub full_url: Option<String>,
    pub method: Method,
    /// The type, and what follows it in the address.
    pub kind: &'static str,
    pub id: Option<ResourceId>,
    pub version: Option<u64>,
    pub query: String,
    pub body: Bytes,
    pub if_match: Option<u64>,
    pub if_none_exist: Option<String>,
}

/// Reads the bundle and its entries' requests.
pub(super) fn read(bytes: &Bytes) -> Result<(BundleType, Vec<Item>), AppError> {
    let doc = raw::parse(bytes).map_err(|e| check::unreadable("Bundle", &e))?;
    let parsed = bundle::read(&doc).map_err(|issue| problems(vec![issue]))?;
    if !matches!(parsed.of, BundleType::Batch | BundleType::Transaction) {
        return Err(AppError::invalid(
            "Bundle.type",
            "value",
            "batch or transaction is expected",
        ));
    }
    let mut items = Vec::with_capacity(parsed.entries.len());
    for (index, e) in parsed.entries.iter().enumerate() {
        let Some(request) = &e.request else { continue };
        let at = |code, text| entry_problem(index, "request.url", code, text);
        let (path, query) = request.url.split_once('?').unwrap_or((request.url, ""));
        let mut parts = path.trim_matches('/').split('/');
        let kind = parts.next().and_then(fhir::schema::resource_type);
        let Some(kind) = kind else {
            return Err(at("not-supported", "a resource type is expected"));
        };
        let id = parts
            .next()
            .map(ResourceId::new)
            .transpose()
            .map_err(|_| at("value", "an id is expected"))?;
        let version = match (parts.next(), parts.next()) {
            (None, _) => None,
            (Some("_history"), Some(v)) => Some(
                v.parse()
                    .map_err(|_| at("value", "a version is a number"))?,
            ),
            _ => {
                return Err(at(
                    "not-supported",
                    "this interaction is not supported in a bundle",
                ));
            }
        };
        let writes = matches!(request.verb, Method::Post | Method::Put);
        if writes && e.resource.is_none() {
            return Err(entry_problem(
                index,
                "resource",
                "required",
                "a resource is expected",
            ));
        }
        if writes && !query.is_empty() {
            return Err(at("not-supported", "conditional updates are not supported"));
        }
        let fits = matches!(
            (request.verb, &id, version),
            (Method::Post, None, None)
                | (Method::Put | Method::Delete, Some(_), None)
                | (Method::Get, _, _)
        );
        if !fits {
            return Err(at(
                "not-supported",
                "this interaction is not supported in a bundle",
            ));
        }
        items.push(Item {
            index,
            full_url: e.full_url.map(str::to_owned),
            method: request.verb,
            kind,
            id,
            version,
            query: query.to_owned(),
            body: e
                .resource
                .map_or_else(Bytes::new, |r| bytes.slice_ref(r.as_bytes())),
            if_match: request.if_match.map(super::etag).transpose()?,
            if_none_exist: request.if_none_exist.map(str::to_owned),
        });
    }
    Ok((parsed.of, items))
}

/// Work on a large body, away from the threads that answer requests.
pub(super) async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, AppError> + Send + 'static,
) -> Result<T, AppError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| AppError::Internal("a bundle was broken off".into()))?
}

/// Rewrites links and checks every resource of a transaction.
pub(super) struct Prepare {
    pub app: App,
    pub cx: Cx,
    pub hospital: HospitalId,
    pub links: Links,
}

impl Prepare {
    pub fn run(
        self,
        mut items: Vec<Item>,
    ) -> Result<(Vec<Item>, Vec<Option<ResourceId>>), AppError> {
        let mut checked = Vec::with_capacity(items.len());
        for item in &mut items {
            let patient = match item.method {
                Method::Post | Method::Put => {
                    self.one(item).map_err(|e| within_entry(e, item.index))?
                }
                _ => None,
            };
            checked.push(patient);
        }
        Ok((items, checked))
    }

    fn one(&self, item: &mut Item) -> Result<Option<ResourceId>, AppError> {
        let command = "this is a command of Karez and cannot be part of a transaction: send it alone or in a batch";
        let why = match routed::rule(item.kind, &item.body) {
            Ok(Rule::Plain) => None,
            Ok(Rule::Command(_)) => Some(command.to_owned()),
            Err(AppError::NotAllowed(why)) => Some(why),
            Err(other) => return Err(other),
        };
        if let Some(why) = why {
            return Err(AppError::invalid(item.kind, "business-rule", why));
        }
        item.body = self.links.rewrite(item.kind, &item.body)?;
        let checked = check::content(&self.app, &self.cx, &self.hospital, item.kind, &item.body)?;
        let doc = raw::parse(&item.body).map_err(|e| check::unreadable(item.kind, &e))?;
        if dangling(doc.root()) {
            return Err(AppError::invalid(
                item.kind,
                "not-found",
                "a urn:uuid: reference leads to no entry",
            ));
        }
        Ok(checked.patient)
    }
}

pub(super) fn unsupported() -> AppError {
    AppError::NotAllowed("this interaction is not supported in a bundle".into())
}

pub(super) fn entry_problem(
    index: usize,
    element: &str,
    code: &'static str,
    text: &str,
) -> AppError {
    AppError::invalid(format!("Bundle.entry[{index}].{element}"), code, text)
}
