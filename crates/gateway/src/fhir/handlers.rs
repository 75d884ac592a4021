//! One handler per interaction.

use std::sync::OnceLock;

use app::fhir::{etag as version_of, key};
use app::{App, AppError};
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use fhir::capability::{Server, statement};
use fhir::outcome::operation_outcome;
use kernel::HospitalId;

use super::ask::{Ask, Interaction};
use super::reply;

/// When what the CapabilityStatement says last changed.
const STATEMENT_DATE: &str = "2026-11-22";

/// Stands for the address in the statement before it is known.
const ADDRESS: &str = "urn:karez:base";

/// Hands an authenticated request to its handler.
pub(super) async fn handle(
    app: &App,
    interaction: Interaction,
    ask: Ask,
) -> Result<Response, AppError> {
    match interaction {
        Interaction::Capabilities => Ok(capabilities(app, Some(&ask.hospital))),
        Interaction::Bundle => bundle(app, ask).await,
        Interaction::Search { kind } => {
            let pairs = fhir::search::pairs(&ask.query);
            search(app, &ask, kind, &pairs).await
        }
        Interaction::SearchByPost { kind } => {
            let mut pairs = fhir::search::pairs(&ask.query);
            let form = std::str::from_utf8(&ask.body)
                .map_err(|_| AppError::Malformed("the form is not UTF-8".into()))?;
            pairs.extend(fhir::search::pairs(form));
            search(app, &ask, kind, &pairs).await
        }
        Interaction::Create { kind } => create(app, ask, kind).await,
        Interaction::Read { kind, id } => read(app, &ask, kind, &id, None).await,
        Interaction::Vread { kind, id, version } => {
            // A version is a number here; anything else is not there.
            let version = version.parse().map_err(|_| AppError::NotFound)?;
            read(app, &ask, kind, &id, Some(version)).await
        }
        Interaction::History { kind, id } => history(app, &ask, kind, &id).await,
        Interaction::Update { kind, id } => update(app, ask, kind, &id).await,
        Interaction::Delete { kind, id } => delete(app, &ask, kind, &id).await,
    }
}

/// capabilities (§3.1.0.12). Public: it says nothing of what is stored.
pub(super) fn capabilities(app: &App, hospital: Option<&HospitalId>) -> Response {
    static TEMPLATE: OnceLock<String> = OnceLock::new();
    // Made once: only the address differs from hospital to hospital.
    let template = TEMPLATE.get_or_init(|| {
        let server = Server {
            base_url: ADDRESS,
            version: env!("CARGO_PKG_VERSION"),
            date: STATEMENT_DATE,
        };
        statement(&server, app::fhir::interactions).to_string()
    });
    let base = &app.settings().base_url;
    let url = hospital.map_or_else(|| format!("{base}/fhir"), |h| app.fhir_base(h));
    let quoted = serde_json::Value::from(url).to_string();
    let text = template.replacen(&format!("\"{ADDRESS}\""), &quoted, 1);
    reply::json(StatusCode::OK, text)
}

async fn bundle(app: &App, ask: Ask) -> Result<Response, AppError> {
    let wants = ask.shape.wants.unwrap_or_default();
    let answer = app
        .fhir_bundle(&ask.cx, &ask.hospital, ask.body, wants)
        .await?;
    Ok(reply::json(StatusCode::OK, answer.into_inner()))
}

async fn search(
    app: &App,
    ask: &Ask,
    kind: &str,
    pairs: &[(String, String)],
) -> Result<Response, AppError> {
    let answer = app
        .fhir_search(&ask.cx, &ask.hospital, kind, pairs, ask.shape.lenient)
        .await?;
    Ok(reply::json(StatusCode::OK, answer.body.into_inner()))
}

async fn create(app: &App, ask: Ask, kind: &str) -> Result<Response, AppError> {
    let condition = text(&ask.headers, "if-none-exist");
    let written = app
        .fhir_create(&ask.cx, &ask.hospital, kind, ask.body, condition)
        .await?;
    Ok(reply::written(
        &app.fhir_base(&ask.hospital),
        &written,
        ask.shape.wants,
    ))
}

async fn read(
    app: &App,
    ask: &Ask,
    kind: &str,
    id: &str,
    version: Option<u64>,
) -> Result<Response, AppError> {
    let key = key(&ask.hospital, kind, id)?;
    let resource = app.fhir_read(&ask.cx, &key, version).await?;
    let known = text(&ask.headers, header::IF_NONE_MATCH.as_str());
    let unchanged = known.is_some_and(|tags| {
        tags.split(',')
            .map(str::trim)
            .any(|t| t == "*" || version_of(t).is_ok_and(|v| v == resource.version))
    });
    if unchanged {
        return Ok(reply::resource(
            StatusCode::NOT_MODIFIED,
            &resource,
            Bytes::new(),
        ));
    }
    let body = resource.body.reveal().clone();
    Ok(reply::resource(StatusCode::OK, &resource, body))
}

async fn history(app: &App, ask: &Ask, kind: &str, id: &str) -> Result<Response, AppError> {
    let key = key(&ask.hospital, kind, id)?;
    let mut count = None;
    let mut cursor = None;
    for (name, value) in fhir::search::pairs(&ask.query) {
        match name.as_str() {
            "_count" => {
                let words = "a whole number is expected";
                count = Some(
                    value
                        .parse()
                        .map_err(|_| AppError::invalid("http._count", "value", words))?,
                );
            }
            "_cursor" => cursor = Some(value),
            "_format" | "_pretty" => {}
            _ if ask.shape.lenient => {}
            _ => {
                let words = "this parameter is not supported on a history";
                return Err(AppError::invalid(
                    format!("http.{name}"),
                    "not-supported",
                    words,
                ));
            }
        }
    }
    let answer = app
        .fhir_history(&ask.cx, &key, count, cursor.as_deref())
        .await?;
    Ok(reply::json(StatusCode::OK, answer.body.into_inner()))
}

async fn update(app: &App, ask: Ask, kind: &str, id: &str) -> Result<Response, AppError> {
    let key = key(&ask.hospital, kind, id)?;
    let if_match = if_match(&ask.headers)?;
    let written = app.fhir_update(&ask.cx, &key, ask.body, if_match).await?;
    Ok(reply::written(
        &app.fhir_base(&ask.hospital),
        &written,
        ask.shape.wants,
    ))
}

async fn delete(app: &App, ask: &Ask, kind: &str, id: &str) -> Result<Response, AppError> {
    let key = key(&ask.hospital, kind, id)?;
    let if_match = if_match(&ask.headers)?;
    app.fhir_delete(&ask.cx, &key, if_match).await?;
    if ask.shape.wants == Some(app::fhir::Return::OperationOutcome) {
        return Ok(reply::json(StatusCode::OK, operation_outcome(&[])));
    }
    Ok(reply::empty(StatusCode::NO_CONTENT))
}

/// The version in `If-Match`; `*` asks only that there is one, which an update does anyway.
fn if_match(headers: &HeaderMap) -> Result<Option<u64>, AppError> {
    let tag = text(headers, header::IF_MATCH.as_str()).filter(|t| t.trim() != "*");
    tag.map(version_of).transpose()
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|v| v.to_str().ok())
}
