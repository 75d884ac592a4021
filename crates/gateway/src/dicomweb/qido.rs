//! QIDO-RS (PS3.18 §10.6): what there is, as DICOM JSON.

use axum::body::Body;
use axum::http::StatusCode;
use axum::response::Response;
use imaging::ImagingError;
use imaging::query::{Answered, Level, Query};
use kernel::limits;

use super::Ask;
use super::accept;
use super::address::Of;
use super::reply::{self, Refusal};

/// Answers when no limit is asked for.
const LIMIT_DEFAULT: u32 = 1_000;

impl From<ImagingError> for Refusal {
    /// Of a query: names the parameter, never a value.
    fn from(error: ImagingError) -> Self {
        match error {
            ImagingError::TooMuch(_) => Self::new(StatusCode::PAYLOAD_TOO_LARGE, error.to_string()),
            _ => Self::bad(error.to_string()),
        }
    }
}

pub async fn search(ask: &Ask<'_>, level: Level, of: &Of) -> Result<Response, Refusal> {
    accept::json(ask.headers, &ask.parameters).map_err(|_| Refusal::not_acceptable())?;
    let mut query = imaging::query::from_qido(
        level,
        of.study.as_deref(),
        of.series.as_deref(),
        &ask.parameters,
    )?;
    let limit = query.limit.unwrap_or(LIMIT_DEFAULT);
    query.limit = Some(limit.min(limits::IMAGE_QUERY_LIMIT_MAX));
    let found = ask
        .app
        .image_find_at(&ask.cx, ask.hospital, &query, &ask.base)
        .await?;
    let mut response = if found.rows.is_empty() {
        let mut none = reply::body(StatusCode::NO_CONTENT, accept::JSON, Body::empty());
        none.headers_mut().remove(axum::http::header::CONTENT_TYPE);
        none
    } else {
        let mut out =
            Vec::with_capacity(64 + found.rows.iter().map(|r| r.len() + 200).sum::<usize>());
        let answered = Answered::of(&query);
        for (n, row) in found.rows.iter().enumerate() {
            out.push(if n == 0 { b'[' } else { b',' });
            answered
                .put(&mut out, row)
                .map_err(|_| Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "a fault of ours"))?;
        }
        out.push(b']');
        reply::body(StatusCode::OK, accept::JSON, out)
    };
    say(&mut response, &query, found.more, found.fuzzy);
    Ok(response)
}

/// Warnings of PS3.18 §8.3.4 and table 10.6.3-1.
fn say(response: &mut Response, query: &Query, more: bool, fuzzy: bool) {
    if more {
        reply::warn(
            response,
            "There are additional results that can be requested",
        );
    }
    if query.fuzzy && !fuzzy {
        reply::warn(
            response,
            "The fuzzymatching parameter is not supported. Only literal matching has been performed.",
        );
    }
    if !query.ignored.is_empty() {
        reply::warn(response, "Parameters that are not known were passed over");
    }
}
