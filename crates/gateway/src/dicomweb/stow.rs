//! STOW-RS (PS3.18 §10.5): objects in parts, each kept as it comes; what became of each is answered.

use std::time::Duration;

use app::AppError;
use app::imaging::{Content, ImageSource, Kept, Names};
use axum::body::Body;
use axum::http::{StatusCode, header};
use axum::response::Response;
use futures::StreamExt as _;
use serde_json::{Value, json};
use tokio::sync::OwnedSemaphorePermit;

use super::Ask;
use super::accept;
use super::address::Of;
use super::media::Media;
use super::multipart::{Event, Parts};
use super::reply::{self, Refusal};
use crate::dimse::status::{self, Status};
use crate::dimse::{Body as Incoming, Over};

/// Between two pieces of a body.
const PIECE_WAIT: Duration = Duration::from_secs(60);
/// Objects in one request.
const OBJECTS_MAX: usize = 100_000;

/// What has become of the objects of a request so far.
#[derive(Default)]
struct Outcome {
    kept: Vec<Value>,
    failed: Vec<Value>,
    /// The only study that objects went to.
    study: Option<String>,
    studies: usize,
    warned: bool,
    /// Of the first that failed.
    refusal: Option<Refusal>,
}

pub async fn store(ask: &Ask<'_>, of: &Of, body: Body) -> Result<Response, Refusal> {
    accept::json(ask.headers, &ask.parameters).map_err(|_| Refusal::not_acceptable())?;
    let mut parts = parts(ask)?;
    let mut outcome = Outcome::default();
    let source = ImageSource {
        sender: ask.cx.actor.account.to_string(),
        exchange: ask.cx.request.clone(),
        issuer: None,
    };
    let mut incoming = body.into_data_stream();
    let mut object: Option<Part> = None;
    let malformed = |_| Refusal::bad("the body does not consist of parts as its boundary says");
    'body: loop {
        while let Some(event) = parts.next().map_err(malformed)? {
            match event {
                Event::Part(kind) => object = Some(Part::of(ask, &kind)),
                Event::Content(bytes) => {
                    if let Some(object) = &mut object {
                        object.push(&bytes).await;
                    }
                }
                Event::PartEnd => {
                    if let Some(object) = object.take() {
                        outcome.take(ask, of, &source, object).await?;
                    }
                }
                Event::End => break 'body,
            }
        }
        let piece = tokio::time::timeout(PIECE_WAIT, incoming.next()).await;
        match piece {
            Ok(Some(Ok(bytes))) => parts.push(&bytes),
            Ok(Some(Err(_)) | None) => return Err(Refusal::bad("the body ends within a part")),
            Err(_) => {
                return Err(Refusal::new(
                    StatusCode::REQUEST_TIMEOUT,
                    "the body stopped",
                ));
            }
        }
    }
    outcome.answer(ask)
}

/// Reads the type of the body (PS3.18 §10.5.1).
fn parts(ask: &Ask<'_>) -> Result<Parts, Refusal> {
    let unsupported = || {
        Refusal::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "multipart/related; type=\"application/dicom\" is expected",
        )
    };
    let given = ask.headers.get(header::CONTENT_TYPE);
    let media = given
        .and_then(|v| v.to_str().ok())
        .and_then(Media::read)
        .ok_or_else(unsupported)?;
    let kind = media.parameter("type").unwrap_or(accept::DICOM);
    if media.essence != "multipart/related" || !kind.eq_ignore_ascii_case(accept::DICOM) {
        return Err(unsupported());
    }
    let boundary = media
        .parameter("boundary")
        .ok_or_else(|| Refusal::bad("the body names no boundary"))?;
    Parts::new(boundary).map_err(|_| Refusal::bad("the boundary cannot be one"))
}

/// One part as it comes in.
struct Part {
    body: Incoming,
    fault: Option<Status>,
}

impl Part {
    fn of(ask: &Ask<'_>, kind: &str) -> Self {
        let media = Media::read(kind).unwrap_or_default();
        let fits = kind.is_empty() || media.essence == accept::DICOM;
        let incoming = ask.app.image_incoming(Vec::new());
        Self {
            body: Incoming::in_room(incoming, ask.state.object_bytes_max, &ask.state.room),
            fault: (!fits).then_some((status::CANNOT_UNDERSTAND, "not application/dicom")),
        }
    }

    async fn push(&mut self, bytes: &[u8]) {
        if self.fault.is_none() {
            self.body.push(bytes).await;
        }
    }

    async fn end(self) -> Result<(Content, Option<OwnedSemaphorePermit>), Status> {
        match self.fault {
            Some(fault) => Err(fault),
            None => self.body.end().await.map_err(Over::status),
        }
    }
}

impl Outcome {
    /// Keeps one object, and notes what became of it. An error ends the request: nobody may store, or nothing can be.
    async fn take(
        &mut self,
        ask: &Ask<'_>,
        of: &Of,
        source: &ImageSource,
        part: Part,
    ) -> Result<(), Refusal> {
        if self.kept.len() + self.failed.len() >= OBJECTS_MAX {
            return Err(Refusal::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "too many objects in one request",
            ));
        }
        // The room is taken until the object is kept.
        let (file, _room) = match part.end().await {
            Ok(whole) => whole,
            Err((code, _)) => {
                self.failed.push(failure(&Names::default(), code));
                return Ok(());
            }
        };
        if let Some(study) = &of.study {
            let names = ask.app.image_names(file.clone()).await;
            if names.study.as_ref() != Some(study) {
                self.failed.push(failure(&names, status::DATA_SET_MISMATCH));
                return Ok(());
            }
        }
        let kept = ask
            .app
            .image_store(&ask.cx, ask.hospital, file.clone(), source);
        match kept.await {
            Ok(kept) => self.note(ask, &kept),
            Err(e @ (AppError::Denied(_) | AppError::NotFound | AppError::Unauthenticated)) => {
                return Err(e.into());
            }
            Err(e) => {
                let names = ask.app.image_names(file).await;
                self.failed.push(failure(&names, status::of_store(&e).0));
                self.refusal.get_or_insert(e.into());
            }
        }
        Ok(())
    }

    fn note(&mut self, ask: &Ask<'_>, kept: &Kept) {
        let study = format!("{}/studies/{}", ask.base(), kept.study_uid);
        if self.study.as_ref() != Some(&study) {
            self.studies += 1;
        }
        let url = format!("{study}/series/{}/instances/{}", kept.series_uid, kept.uid);
        self.study = Some(study);
        let mut item = json!({
            "00081150": ui(&kept.sop_class),
            "00081155": ui(&kept.uid),
            "00081190": {"vr": "UR", "Value": [url]},
        });
        if kept.outcome.waits() {
            self.warned = true;
            item["00081196"] = json!({"vr": "US", "Value": [status::KEPT_ASIDE]});
        }
        self.kept.push(item);
    }

    /// PS3.18 §10.5.3, annex I.2
    fn answer(self, ask: &Ask<'_>) -> Result<Response, Refusal> {
        let status = match (self.kept.is_empty(), self.failed.is_empty()) {
            (true, true) => return Err(Refusal::bad("there is no object in the body")),
            (false, true) if !self.warned => StatusCode::OK,
            (false, _) => StatusCode::ACCEPTED,
            // Nothing could be kept for a reason that is not the objects': said as such.
            (true, false) => match &self.refusal {
                Some(r) if r.status.is_server_error() => return Err(r.clone()),
                _ => StatusCode::CONFLICT,
            },
        };
        let url = match self.study {
            Some(study) if self.studies == 1 => study,
            _ => format!("{}/studies", ask.base()),
        };
        let mut answer = json!({"00081190": {"vr": "UR", "Value": [url]}});
        if !self.kept.is_empty() {
            answer["00081199"] = json!({"vr": "SQ", "Value": self.kept});
        }
        if !self.failed.is_empty() {
            answer["00081198"] = json!({"vr": "SQ", "Value": self.failed});
        }
        Ok(reply::body(status, accept::JSON, answer.to_string()))
    }
}

fn ui(uid: &str) -> Value {
    json!({"vr": "UI", "Value": [uid]})
}

fn failure(names: &Names, reason: u16) -> Value {
    let mut item = json!({"00081197": {"vr": "US", "Value": [reason]}});
    for (tag, uid) in [("00081150", &names.class), ("00081155", &names.instance)] {
        if let Some(uid) = uid {
            item[tag] = ui(uid);
        }
    }
    item
}
