//! Bundles: batch, and what it shares with transaction (FHIR R4 §3.1.0.11).

use bytes::Bytes;
use fhir::bundle::{BundleType, Response, Verb as Method, Writer};
use fhir::outcome::operation_outcome;
use futures::StreamExt;
use kernel::{HospitalId, Phi};

use super::entries::{Item, off_thread, read, unsupported};
use super::outcome::{explain, within_entry};
use super::{Written, key};
use crate::{App, AppError, Cx};

/// Entries of a batch that are worked on at once.
const AT_ONCE: usize = 16;

/// What the client wants to get back of what it wrote (`Prefer: return=…`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Return {
    #[default]
    Minimal,
    Representation,
    OperationOutcome,
}

/// The answer to one entry.
pub(super) struct Answer {
    pub status: &'static str,
    pub written: Option<Written>,
    /// A resource or Bundle that was asked for.
    pub shown: Option<Bytes>,
    pub outcome: Option<Vec<u8>>,
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
                    Err(e) => {
                        self.denied_in_batch(cx, hospital, &e).await;
                        refusal(&within_entry(e, index), index)
                    }
                }
            })
            .buffered(AT_ONCE)
            .collect()
            .await
    }

    /// A refusal that cannot be noted is still a refusal.
    async fn denied_in_batch(&self, cx: &Cx, hospital: &HospitalId, error: &AppError) {
        if let Err(e) = self.fhir_note_denied(cx, hospital, error).await {
            tracing::error!(error = %e, "a refused write could not be noted");
        }
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

    pub(super) async fn asked(
        &self,
        cx: &Cx,
        hospital: &HospitalId,
        item: &Item,
    ) -> Result<Answer, AppError> {
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
}

pub(super) fn refusal(error: &AppError, index: usize) -> Answer {
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
