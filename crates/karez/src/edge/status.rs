//! The status page of an edge, and what it tells the centre.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use app::edges::{EdgeLine, EdgeReport};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Form, Json, Router};
use edge::{Centre, Line, Progress, Spool};
use jiff::tz::TimeZone;
use kernel::{Clock, Phi};
use seal::Secret;
use serde::Deserialize;
use tokio::sync::{Notify, watch};
use web::edge::{EdgePage, EdgeStudy};
use web::frame::look::Look;
use web::show::Show;
use web::words::Words;

/// Studies on the page.
const STUDIES_MAX: usize = 200;
/// How often the centre hears of this edge.
const REPORT_EVERY: Duration = Duration::from_secs(30);

/// What the page is drawn from.
#[derive(Clone)]
pub struct Seen {
    pub name: String,
    pub zone: TimeZone,
    pub spool: Arc<Mutex<Spool>>,
    pub progress: watch::Receiver<Progress>,
    pub centre: Arc<Centre>,
    pub wake: Arc<Notify>,
    pub clock: Arc<dyn Clock>,
    /// Of this process: proves that a form came from the page, and names studies in it.
    pub secret: Secret,
}

impl Seen {
    fn token(&self) -> String {
        hex::encode(self.secret.derive(b"form").expose())
    }

    fn key_of(&self, study: &str) -> String {
        hex::encode(&self.secret.derive(study.as_bytes()).expose()[..12])
    }

    pub fn report(&self) -> EdgeReport {
        let progress = self.progress.borrow().clone();
        let spool = self.spool.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting: Vec<_> = spool
            .studies()
            .iter()
            .filter(|(_, s)| !s.numbers.is_empty())
            .collect();
        EdgeReport {
            version: env!("CARGO_PKG_VERSION").into(),
            line: match progress.line {
                Line::Idle => EdgeLine::Idle,
                Line::Sending => EdgeLine::Sending,
                Line::Closed => EdgeLine::Closed,
                Line::Away { .. } => EdgeLine::Away,
                Line::Unknown { .. } => EdgeLine::Unknown,
            },
            away_since: match &progress.line {
                Line::Away { since, .. } | Line::Unknown { since, .. } => Some(*since),
                _ => None,
            },
            last_sent: progress.last_sent,
            waiting: waiting.iter().map(|(_, s)| s.numbers.len() as u64).sum(),
            waiting_bytes: waiting.iter().map(|(_, s)| s.bytes).sum(),
            studies: waiting.len() as u64,
            urgent_studies: waiting
                .iter()
                .filter(|(uid, _)| spool.is_urgent(uid))
                .count() as u64,
            oldest: spool.waiting().next().map(|e| e.about.received_at),
            refused: spool.refused_count(),
            rate_bps: progress.rate_bps,
            free_bytes: spool.free_bytes().ok(),
        }
    }

    fn page(&self) -> EdgePage {
        let report = self.report();
        let progress = self.progress.borrow().clone();
        let spool = self.spool.lock().unwrap_or_else(PoisonError::into_inner);
        let first_came: std::collections::BTreeMap<u64, kernel::Instant> = spool
            .waiting()
            .map(|e| (e.number, e.about.received_at))
            .collect();
        let mut studies: Vec<(bool, u64, EdgeStudy)> = spool
            .studies()
            .iter()
            .filter_map(|(uid, s)| {
                let first = *s.numbers.first()?;
                let urgent = spool.is_urgent(uid);
                let study = EdgeStudy {
                    key: self.key_of(uid),
                    sender: s.sender.clone(),
                    modality: s.modality.clone(),
                    first: *first_came.get(&first)?,
                    objects: s.numbers.len() as u64,
                    bytes: s.bytes,
                    urgent,
                    on_its_way: progress
                        .current
                        .as_ref()
                        .filter(|(current, ..)| current == uid)
                        .map(|(_, there, all)| (*there, *all)),
                };
                Some((!urgent, first, study))
            })
            .collect();
        studies.sort_by_key(|(later, first, _)| (*later, *first));
        let more = studies.len().saturating_sub(STUDIES_MAX);
        EdgePage {
            name: self.name.clone(),
            centre: self.centre.address().url.clone(),
            report,
            reason: match progress.line {
                Line::Away { reason, .. } | Line::Unknown { reason, .. } => Some(reason),
                _ => None,
            },
            studies: studies
                .into_iter()
                .take(STUDIES_MAX)
                .map(|(.., s)| s)
                .collect(),
            more,
            token: self.token(),
        }
    }

    /// Tells the centre every half minute, and at once when the line comes back or objects were refused.
    pub async fn report_always(self) {
        loop {
            let body = serde_json::to_vec(&self.report()).unwrap_or_default();
            if let Err(error) = self.centre.report(&self.name, body.into()).await {
                tracing::debug!(error = %error, "the centre did not hear of this edge");
            }
            tokio::time::sleep(REPORT_EVERY).await;
        }
    }
}

pub fn router(seen: Seen) -> Router {
    Router::new()
        .route("/", get(page))
        .route("/state.json", get(state))
        .route("/urgent", post(urgent))
        .route("/assets/{file}", get(web::assets::serve))
        .with_state(seen)
}

async fn page(State(seen): State<Seen>, headers: HeaderMap) -> Response {
    let words = Words::new(Look::read(&headers).lang);
    let show = Show::new(words, seen.zone.clone(), seen.clock.now());
    let html = web::edge::draw(&show, &seen.page()).into_string();
    let mut response = ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; style-src 'self'; font-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

async fn state(State(seen): State<Seen>) -> Json<EdgeReport> {
    Json(seen.report())
}

#[derive(Deserialize)]
struct Urgent {
    token: Phi<String>,
    study: String,
    urgent: String,
}

async fn urgent(State(seen): State<Seen>, Form(form): Form<Urgent>) -> Response {
    if *form.token.reveal() != seen.token() {
        return StatusCode::FORBIDDEN.into_response();
    }
    let marked = {
        let mut spool = seen.spool.lock().unwrap_or_else(PoisonError::into_inner);
        let study = spool
            .studies()
            .keys()
            .find(|uid| seen.key_of(uid) == form.study)
            .cloned();
        // One that left meanwhile needs no mark.
        study.map_or(Ok(()), |uid| spool.mark_urgent(&uid, form.urgent == "yes"))
    };
    match marked {
        Ok(()) => {
            seen.wake.notify_one();
            Redirect::to("/").into_response()
        }
        Err(e) => {
            tracing::error!(error = %e, "a study could not be marked");
            StatusCode::INSUFFICIENT_STORAGE.into_response()
        }
    }
}
