//! transaction (FHIR R4 §3.1.0.11.2): one commit holds all of it.

use std::collections::{HashMap, HashSet};

use bytes::Bytes;
use fhir::bundle::Verb as Method;
use fhir::raw;
use kernel::{HospitalId, Phi, RecordKey, ResourceId};
use store::{Batch, Precondition};

use super::batch::{Answer, refusal};
use super::entries::{Item, Prepare, entry_problem, off_thread};
use super::links::{Links, conditional};
use super::outcome::within_entry;
use super::write::entry;
use super::{Written, check, key, own};
use crate::audit_entry::Verb;
use crate::{App, AppError, Cx};

/// Records named in one audit entry.
const AUDITED_TOGETHER: usize = 500;

impl App {
    pub(super) async fn transaction(
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
        self.records_may_stand(hospital, &items, &checked).await?;
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

    /// Every patient that is written about is created here too, or known already; no report passes for the answer to a
    /// case.
    async fn records_may_stand(
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
            if item.method == Method::Post {
                self.not_an_answer(hospital, item.kind, &item.body)
                    .await
                    .map_err(|e| within_entry(e, item.index))?;
            }
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
