//! DICOMweb (PS3.18) at `/dicomweb/{hospital}`: STOW-RS, QIDO-RS and WADO-RS. What is asked is worked out from method and
//! path alone; who asks is authenticated before anything else is looked at.

mod accept;
pub mod address;
mod media;
mod multipart;
mod pictures;
mod pieces;
mod qido;
mod rendered;
mod renderings;
mod reply;
mod shared;
mod stow;
mod wado;

use std::sync::Arc;
use std::time::Duration;

use app::cx::Channel;
use app::{App, AppError, Cx};
use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use axum::routing::any;
use kernel::{HospitalId, limits};

use crate::auth::{Origin, authenticate_on};
use crate::dimse::Room;
pub use address::ROUTES;
use address::{Refused, Resource};
pub use pictures::Pictures;
pub use reply::Incompressible;
use reply::Refusal;

/// Until an answer begins; only what is sent to be kept may take longer.
const ANSWER_WAIT: Duration = Duration::from_secs(60);

/// What every request shares.
#[derive(Clone)]
pub struct DicomWeb {
    pub app: Arc<App>,
    /// Bytes of one object.
    pub object_bytes_max: usize,
    /// Memory for objects on their way.
    pub room: Room,
    /// What was drawn of late.
    pub pictures: Pictures,
}

impl DicomWeb {
    /// With the bounds of a node that nobody configured.
    pub fn new(app: Arc<App>) -> Self {
        Self {
            app,
            object_bytes_max: limits::IMAGE_BYTES_MAX,
            room: Room::of_mib(512),
            pictures: Pictures::default(),
        }
    }
}

/// The routes under `/dicomweb`. Bodies are bounded object by object, not as a whole.
pub fn router(state: DicomWeb) -> Router {
    let pictures = state.pictures.clone();
    state.app.when_erased(move || pictures.forget());
    Router::new()
        .route("/dicomweb/{hospital}/{*path}", any(serve))
        .route("/shared/{hospital}/{link}/dicomweb/{*path}", any(serve))
        .layer(DefaultBodyLimit::disable())
        .with_state(state)
}

/// One authenticated request.
pub struct Ask<'a> {
    pub state: &'a DicomWeb,
    pub app: &'a App,
    pub cx: Cx,
    pub hospital: &'a HospitalId,
    pub headers: &'a HeaderMap,
    pub parameters: Vec<(String, String)>,
    /// The address of the service asked.
    pub base: String,
}

impl Ask<'_> {
    /// The address of the hospital's service, or of a link's.
    pub fn base(&self) -> String {
        self.base.clone()
    }
}

async fn serve(State(state): State<DicomWeb>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let head = parts.method == Method::HEAD;
    let id = Origin::of(&parts).request;
    let mut answer = match Box::pin(answer(&state, parts, body)).await {
        Ok(response) => response,
        Err(refusal) => refusal.into_response(),
    };
    reply::set(
        &mut answer,
        header::HeaderName::from_static("x-request-id"),
        &id,
    );
    let headers = answer.headers_mut();
    // Patient data is not kept by caches unless the answer says for how long.
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    if head {
        *answer.body_mut() = Body::empty();
    }
    answer
}

async fn answer(state: &DicomWeb, parts: Parts, body: Body) -> Result<Response, Refusal> {
    let under = shared::Under::of(parts.uri.path());
    let path = under
        .as_ref()
        .map_or_else(|| parts.uri.path().to_owned(), |u| u.path.clone());
    let found = address::read(&parts.method, &path);
    // A stranger learns nothing of the address, not even whether it is one.
    let cx = match &under {
        Some(under) => under.holder(&state.app, &parts).await?,
        None => authenticate_on(&state.app, &parts, Channel::DicomWeb).await?,
    };
    let (hospital, resource) = found.map_err(|refused| match refused {
        Refused::NoSuchAddress => Refusal::not_found(),
        Refused::Malformed(what) => Refusal::bad(format!("{what} is none")),
        Refused::Method(allow) => Refusal::method(allow),
    })?;
    let query = parts.uri.query().unwrap_or_default();
    let root = &state.app.settings().base_url;
    let base = match &under {
        Some(under) => format!("{root}{}", under.base),
        None => format!("{root}/dicomweb/{hospital}"),
    };
    let ask = Ask {
        base,
        state,
        app: &state.app,
        cx,
        hospital: &hospital,
        headers: &parts.headers,
        parameters: fhir::search::pairs(query),
    };
    if let Resource::Store(of) = &resource {
        return Box::pin(stow::store(&ask, of, body)).await;
    }
    let answer = Box::pin(read(&ask, resource));
    tokio::time::timeout(ANSWER_WAIT, answer)
        .await
        .map_err(|_| Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "no answer in time"))?
}

async fn read(ask: &Ask<'_>, resource: Resource) -> Result<Response, Refusal> {
    match resource {
        Resource::Store(_) => Err(AppError::NotFound.into()),
        Resource::Search(level, of) => qido::search(ask, level, &of).await,
        Resource::Objects(of) => wado::objects(ask, &of).await,
        Resource::Metadata(of) => wado::metadata(ask, &of).await,
        Resource::Frames(of, numbers) => wado::frames(ask, &of, &numbers).await,
        Resource::BulkData(of, path) => wado::bulk_data(ask, &of, &path).await,
        Resource::Rendered(of, frames) => rendered::rendered(ask, &of, &frames).await,
        Resource::Thumbnail(of, frame) => rendered::thumbnail(ask, &of, frame).await,
    }
}
