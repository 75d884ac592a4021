//! batch and transaction (FHIR R4 §3.1.0.11).

use std::collections::{HashMap, HashSet};

use bytes::Bytes;
use fhir::bundle::{self, BundleType, Response, Verb as Method, Writer};
use fhir::outcome::operation_outcome;
use fhir::raw;
use futures::StreamExt;
use kernel::{HospitalId, Phi, RecordKey, ResourceId};
use store::{Batch, Precondition};

use super::links::{Links, conditional, dangling};
use super::outcome::{explain, within_entry};
use super::routed::{self, Rule};
use super::write::entry;
use super::{Written, check, key, own, problems};
use crate::audit_entry::Verb;
use crate::{App, AppError, Cx};

/// Entries of a batch that are worked on at once.
const AT_ONCE: usize = 16;
/// Records named in one audit entry.
const AUDITED_TOGETHER: usize = 500;

/// What the client wants to get back of what it wrote (`Prefer: return=…`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Return {
    #[default]
    Minimal,
    Representation,
    OperationOutcome,
}

/// One entry, owned.
#[derive(Debug, Clone)]
struct Item {
    index: usize,
    full_url: Option<String>,
    method: Method,
    /// The type, and what follows it in the address.
    kind: &'static str,
    id: Option<ResourceId>,
    version: Option<u64>,
    query: String,
    body: Bytes,
    if_match: Option<u64>,
    if_none_exist: Option<String>,
}

/// The answer to one entry.
struct Answer {
    status: &'static str,
    written: Option<Written>,
    /// A resource or Bundle that was asked for.
    shown: Option<Bytes>,
    outcome: Option<Vec<u8>>,
}

impl App {
    /// Carries out a Bundle of type batch or transaction and answers with the Bundle that responds to it. A transaction is
    /// one commit: all of it is written or nothing is.
    pub async fn fhir_bundle(
        &self,
        cx: &Cx,
        hospital: &HospitalId,
        body: Bytes,
        wants: Return,
    ) -> Result<Phi<Bytes>, AppError> {
        self.known(hospital)?;
        let bytes = body.clone();
        let (of, items) = off_thread(move || read(&bytes)).await?;
        let answers = match of {
            BundleType::Transaction => self.transaction(cx, hospital, items).await?,
            _ => self.batch(cx, hospital, items).await,
        };
        let of = match of {
            BundleType::Transaction => BundleType::TransactionResponse,
            _ => BundleType::BatchResponse,
        };
        Ok(Phi::new(Bytes::from(
            self.response(cx, hospital, of, &answers, wants),
        )))
    }

    fn response(
        &self,
        cx: &Cx,
        hospital: &HospitalId,
        of: BundleType,
        answers: &[Answer],
        wants: Return,
    ) -> Vec<u8> {
        let base = self.fhir_base(hospital);
        let mut writer = Writer::new(of, None, cx.now, None, &[]);
        for a in answers {
            let mut response = Response {
                status: a.status,
                outcome: a.outcome.as_deref(),
                ..Response::default()
            };
            let Some(w) = &a.written else {
                writer.answered(None, a.shown.as_deref(), &response);
                continue;
            };
            let r = &w.resource;
            let url = format!("{base}/{}/{}", r.key.kind, r.key.id);
            let location = format!("{url}/_history/{}", r.version);
            let etag = format!("W/\"{}\"", r.version);
            response.location = Some(&location);
            response.etag = Some(&etag);
            response.last_modified = Some(r.at);
            let fine = operation_outcome(&[]);
            if wants == Return::OperationOutcome {
                response.outcome = Some(&fine);
            }
            let body = (wants == Return::Representation).then(|| &**r.body.reveal());
            writer.answered(Some(&url), body, &response);
        }
        writer.finish()
    }

    async fn batch(&self, cx: &Cx, hospital: &HospitalId, items: Vec<Item>) -> Vec<Answer> {
        futures::stream::iter(items)
            .map(|item| async move {
                let index = item.index;
                match self.one(cx, hospital, item).await {
                    Ok(answer) => answer,
                    Err(e) => refusal(&within_entry(e, index), index),
                }
            })
            .buffered(AT_ONCE)
            .collect()
            .await
    }

    /// One entry on its own.
    async fn one(&self, cx: &Cx, hospital: &HospitalId, item: Item) -> Result<Answer, AppError> {
        match (item.method, &item.id) {
            (Method::Post, None) => {
                let query = item.if_none_exist.as_deref();
                let written = self
                    .fhir_create(cx, hospital, item.kind, item.body, query)
                    .await?;
                let status = if written.created {
                    "201 Created"
                } else {
                    "200 OK"
                };
                Ok(Answer {
                    status,
                    written: Some(written),
                    shown: None,
                    outcome: None,
                })
            }
            (Method::Put, Some(id)) => {
                let key = key(hospital, item.kind, id.as_str())?;
                let written = self.fhir_update(cx, &key, item.body, item.if_match).await?;
                Ok(Answer {
                    status: "200 OK",
                    written: Some(written),
                    shown: None,
                    outcome: None,
                })
            }
            (Method::Delete, Some(id)) => {
                self.fhir_delete(cx, &key(hospital, item.kind, id.as_str())?, item.if_match)
                    .await?;
                Ok(Answer {
                    status: "204 No Content",
                    written: None,
                    shown: None,
                    outcome: None,
                })
            }
            (Method::Get, _) => self.asked(cx, hospital, &item).await,
            _ => Err(unsupported()),
        }
    }

    async fn asked(&self, cx: &Cx, hospital: &HospitalId, item: &Item) -> Result<Answer, AppError> {
        let body = match &item.id {
            Some(id) => {
                self.fhir_read(cx, &key(hospital, item.kind, id.as_str())?, item.version)
                    .await?
                    .body
            }
            None => {
                let pairs = fhir::search::pairs(&item.query);
                self.fhir_search(cx, hospital, item.kind, &pairs, false)
                    .await?
                    .body
            }
        };
        Ok(Answer {
            status: "200 OK",
            written: None,
            shown: Some(body.into_inner()),
            outcome: None,
        })
    }

    async fn transaction(
        &self,
        cx: &Cx,
        hospital: &HospitalId,
        mut items: Vec<Item>,
    ) -> Result<Vec<Answer>, AppError> {
        if items.iter().any(|i| i.method != Method::Get) {
            own(cx, hospital)?;
        }
        let (links, found) = self.link(cx, hospital, &mut items).await?;
        let work = Prepare {
            app: self.clone(),
            cx: cx.clone(),
            hospital: hospital.clone(),
            links,
        };
        let (items, checked) = off_thread(move || work.run(items)).await?;
        self.patients_are_here(hospital, &items, &checked).await?;
        let mut written = self
            .commit_all(cx, hospital, &items, &checked, &found)
            .await?;
        written.extend(found);

        let mut answers = Vec::with_capacity(items.len());
        for item in &items {
            answers.push(match item.method {
                Method::Get => match self.asked(cx, hospital, item).await {
                    Ok(a) => a,
                    Err(e) => refusal(&within_entry(e, item.index), item.index),
                },
                Method::Delete => Answer {
                    status: "204 No Content",
                    written: None,
                    shown: None,
                    outcome: None,
                },
                _ => {
                    let w = written.remove(&item.index);
                    let created = w.as_ref().is_some_and(|w| w.created);
                    let status = if created { "201 Created" } else { "200 OK" };
                    Answer {
                        status,
                        written: w,
                        shown: None,
                        outcome: None,
                    }
                }
            });
        }
        Ok(answers)
    }

    /// Chooses the ids of what is created and resolves what is conditional. Entries whose conditional create found a match
    /// are given back as written already.
    async fn link(
        &self,
        cx: &Cx,
        hospital: &HospitalId,
        items: &mut [Item],
    ) -> Result<(Links, HashMap<usize, Written>), AppError> {
        let mut links = Links::default();
        let mut found = HashMap::new();
        let mut conditions: HashMap<String, (&'static str, String, usize)> = HashMap::new();
        let mut keys = HashSet::new();
        for item in items.iter_mut() {
            let at = |e| within_entry(e, item.index);
            if item.method == Method::Post {
                if let Some(query) = &item.if_none_exist
                    && let Some(stored) = self
                        .one_match(cx, hospital, item.kind, query)
                        .await
                        .map_err(at)?
                {
                    item.id = Some(stored.key.id.clone());
                    found.insert(
                        item.index,
                        Written {
                            resource: stored.into(),
                            created: false,
                        },
                    );
                } else {
                    item.id = Some(self.new_id());
                }
            }
            let Some(id) = item.id.as_ref().filter(|_| item.method != Method::Get) else {
                continue;
            };
            let place = format!("{}/{id}", item.kind);
            if !keys.insert(place.clone()) {
                return Err(entry_problem(
                    item.index,
                    "request",
                    "duplicate",
                    "another entry writes the same resource",
                ));
            }
            if let Some(url) = &item.full_url
                && item.method != Method::Delete
                && !links.add(url, place)
            {
                return Err(entry_problem(
                    item.index,
                    "fullUrl",
                    "duplicate",
                    "another entry has the same fullUrl",
                ));
            }
            if item.body.contains(&b'?') {
                let doc =
                    raw::parse(&item.body).map_err(|e| at(check::unreadable(item.kind, &e)))?;
                for (text, kind, query) in conditional(doc.root()) {
                    conditions.insert(text, (kind, query, item.index));
                }
            }
        }
        for (text, (kind, query, index)) in conditions {
            let stored = self
                .one_match(cx, hospital, kind, &query)
                .await
                .map_err(|e| within_entry(e, index))?;
            let Some(stored) = stored else {
                return Err(entry_problem(
                    index,
                    "resource",
                    "not-found",
                    "a conditional reference matches nothing",
                ));
            };
            links.add(text, format!("{kind}/{}", stored.key.id));
        }
        Ok((links, found))
    }

    /// Every patient that is written about is created here too, or known already.
    async fn patients_are_here(
        &self,
        hospital: &HospitalId,
        items: &[Item],
        checked: &[Option<ResourceId>],
    ) -> Result<(), AppError> {
        let coming: HashSet<&ResourceId> = items
            .iter()
            .filter(|i| i.kind == "Patient" && i.method == Method::Post)
            .filter_map(|i| i.id.as_ref())
            .collect();
        let mut known = HashSet::new();
        for (item, patient) in items.iter().zip(checked) {
            if let Some(patient) = patient
                .as_ref()
                .filter(|p| !coming.contains(p) && !known.contains(p))
            {
                let at = format!("Bundle.entry[{}].resource", item.index);
                self.patient_exists(hospital, patient, &at).await?;
                known.insert(patient);
            }
        }
        Ok(())
    }

    async fn commit_all(
        &self,
        cx: &Cx,
        hospital: &HospitalId,
        items: &[Item],
        checked: &[Option<ResourceId>],
        found: &HashMap<usize, Written>,
    ) -> Result<HashMap<usize, Written>, AppError> {
        let currents = self.currents(cx, hospital, items).await?;
        let mut batch = Batch::new(cx.now);
        let mut order: Vec<(usize, &Item, RecordKey)> = Vec::new();
        let mut audited: HashMap<(Verb, Option<&ResourceId>), Vec<RecordKey>> = HashMap::new();
        let mut sorted: Vec<(&Item, &Option<ResourceId>)> = items.iter().zip(checked).collect();
        sorted.sort_by_key(|(i, _)| i.method);
        for (item, patient) in sorted {
            let Some(id) = item.id.as_ref() else { continue };
            if item.method == Method::Get || found.contains_key(&item.index) {
                continue;
            }
            let key = key(hospital, item.kind, id.as_str())?;
            let current = currents.get(&item.index);
            let mut about = patient.as_ref().or((item.kind == "Patient").then_some(id));
            let (verb, expect) = match item.method {
                Method::Post => (Verb::Create, Precondition::Absent),
                method => {
                    let Some(current) = current else { continue };
                    if method == Method::Delete && current.deleted {
                        continue;
                    }
                    about = about.or(current.patient.as_ref());
                    let verb = if method == Method::Delete {
                        Verb::Delete
                    } else {
                        Verb::Update
                    };
                    (verb, Precondition::Version(current.version))
                }
            };
            match verb {
                Verb::Delete => batch.delete(key.clone(), expect),
                _ => batch.put_fhir(key.clone(), expect, item.body.clone()),
            };
            audited.entry((verb, about)).or_default().push(key.clone());
            order.push((batch.writes.len() - 1, item, key));
        }
        for ((verb, patient), keys) in &audited {
            for keys in keys.chunks(AUDITED_TOGETHER) {
                batch
                    .audit
                    .push(cx.audit(hospital, &entry(keys, hospital, *patient, *verb)));
            }
            let subject = patient
                .map(|p| key(hospital, "Patient", p.as_str()))
                .transpose()?;
            if let Some(subject) = subject.or_else(|| keys.first().cloned()) {
                batch.event("record.written", &subject, "{}");
            }
        }
        if batch.writes.is_empty() {
            return Ok(HashMap::new());
        }
        self.index_patients(&mut batch)?;
        let committed = self.store.commit(batch).await.map_err(|e| match e {
            store::StoreError::Precondition { .. } => AppError::Conflict,
            other => other.into(),
        })?;
        Ok(order
            .into_iter()
            .filter(|(_, item, _)| item.method != Method::Delete)
            .map(|(place, item, key)| {
                let version = committed.versions.get(place).copied().unwrap_or(1);
                let shown =
                    raw::splice_meta(&item.body, key.id.as_str(), &version.to_string(), cx.now);
                let resource = super::Resource {
                    key,
                    version,
                    at: cx.now,
                    body: Phi::new(Bytes::from(shown)),
                };
                (
                    item.index,
                    Written {
                        resource,
                        created: item.method == Method::Post,
                    },
                )
            })
            .collect())
    }

    /// The present versions of what is updated and deleted, each checked as on its own.
    async fn currents(
        &self,
        cx: &Cx,
        hospital: &HospitalId,
        items: &[Item],
    ) -> Result<HashMap<usize, store::Stored>, AppError> {
        let mut currents = HashMap::new();
        for item in items
            .iter()
            .filter(|i| matches!(i.method, Method::Put | Method::Delete))
        {
            let Some(id) = &item.id else { continue };
            let key = key(hospital, item.kind, id.as_str())?;
            let current = if item.method == Method::Put {
                self.fhir_updatable(cx, &key, &item.body, item.if_match)
                    .await
            } else {
                self.fhir_deletable(cx, &key, item.if_match).await
            };
            currents.insert(
                item.index,
                current.map_err(|e| within_entry(e, item.index))?,
            );
        }
        Ok(currents)
    }
}

/// Work on a large body, away from the threads that answer requests.
async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, AppError> + Send + 'static,
) -> Result<T, AppError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| AppError::Internal("a bundle was broken off".into()))?
}

/// Rewrites links and checks every resource of a transaction.
struct Prepare {
    app: App,
    cx: Cx,
    hospital: HospitalId,
    links: Links,
}

impl Prepare {
    fn run(self, mut items: Vec<Item>) -> Result<(Vec<Item>, Vec<Option<ResourceId>>), AppError> {
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

fn unsupported() -> AppError {
    AppError::NotAllowed("this interaction is not supported in a bundle".into())
}

fn entry_problem(index: usize, element: &str, code: &'static str, text: &str) -> AppError {
    AppError::invalid(format!("Bundle.entry[{index}].{element}"), code, text)
}

fn refusal(error: &AppError, index: usize) -> Answer {
    let (status, issues) = explain(error, &format!("Bundle.entry[{index}]"));
    Answer {
        status: reason(status),
        written: None,
        shown: None,
        outcome: Some(operation_outcome(&issues)),
    }
}

/// Status line of `Bundle.entry.response.status`.
fn reason(status: u16) -> &'static str {
    match status {
        400 => "400 Bad Request",
        401 => "401 Unauthorized",
        403 => "403 Forbidden",
        404 => "404 Not Found",
        405 => "405 Method Not Allowed",
        409 => "409 Conflict",
        410 => "410 Gone",
        412 => "412 Precondition Failed",
        413 => "413 Content Too Large",
        415 => "415 Unsupported Media Type",
        422 => "422 Unprocessable Content",
        429 => "429 Too Many Requests",
        503 => "503 Service Unavailable",
        _ => "500 Internal Server Error",
    }
}

/// Reads the bundle and its entries' requests.
fn read(bytes: &Bytes) -> Result<(BundleType, Vec<Item>), AppError> {
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
