//! The live line: one event stream per open page, `GET /live?watch=topic`.
//!
//! The stream says only *that* something changed, by the name of a topic the page asked for. The page then asks
//! for the part again, through the same permit as the first time. So nothing about a patient travels in an event,
//! and access that has ended shows at once as a refusal.

use std::convert::Infallible;
use std::time::Duration;

use app::sessions::SessionWatch;
use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::Stream;
use kernel::ErrorCode;

use super::{PageCx, PageError, PageResult, RouteSpec, WebState, Who, get};

pub fn routes() -> Vec<RouteSpec> {
    vec![get("/live", Who::SignedIn, live)]
}

/// How many topics one page may watch.
const TOPICS_MAX: usize = 16;
/// A comment goes out this often, so that a cut line is noticed.
pub const KEEP_ALIVE: Duration = Duration::from_secs(10);

async fn live(State(state): State<WebState>, cx: PageCx) -> PageResult {
    let topics: Vec<String> = url::form_urlencoded::parse(cx.query.as_bytes())
        .filter(|(name, _)| name == "watch")
        .map(|(_, value)| value.into_owned())
        .filter(|t| {
            t.len() <= 160
                && t.bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
        })
        .take(TOPICS_MAX)
        .collect();
    let signed = cx
        .signed
        .as_ref()
        .ok_or(PageError::new(ErrorCode::Unauthenticated))?;
    let session = state.app.session_watch(&signed.session);
    let mut topics = topics;
    topics.push(format!("person-{}", signed.cx.actor.account));
    Ok(answer(stream(state, signed.cx.clone(), topics, session)))
}

fn answer(stream: impl Stream<Item = Result<Event, Infallible>> + Send + 'static) -> Response {
    Sse::new(stream)
        .keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
        .into_response()
}

/// Wakes at each commit of the node and passes on which of the watched topics it touched, until the session ends.
fn stream(
    state: WebState,
    cx: app::Cx,
    topics: Vec<String>,
    mut session: SessionWatch,
) -> impl Stream<Item = Result<Event, Infallible>> {
    let mut commits = state.app.watch();
    let mut seen = *commits.borrow_and_update();
    async_stream::stream! {
        // The first bytes open the line on the page.
        yield Ok(Event::default().comment("open"));
        loop {
            tokio::select! {
                () = session.ended() => {
                    yield Ok(Event::default().event("ended").data("session"));
                    break;
                }
                woken = commits.changed() => {
                    if woken.is_err() {
                        break;
                    }
                    commits.borrow_and_update();
                    // What cannot be told now is told with the next commit: `seen` has not moved.
                    let Ok((position, touched)) = state.app.live_since(&cx, seen, &topics).await else { continue };
                    seen = position;
                    for topic in touched {
                        let name = if topic.starts_with("person-") { "notice".to_owned() } else { topic };
                        yield Ok(Event::default().event(name).data("changed"));
                    }
                }
            }
        }
    }
}
