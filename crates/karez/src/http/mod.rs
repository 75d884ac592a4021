//! What lies around every request: id, log line, measurements, bounds, faults, compression.

mod around;
pub mod jobs;
pub mod metrics;
mod proxy;

use std::sync::Arc;

use app::App;
use axum::Router;
use axum::http::StatusCode;
use axum::http::{Extensions, HeaderMap, Version};
use axum::middleware;
use gateway::Scrape;
use gateway::dicomweb::{DicomWeb, Incompressible, Pictures};
use gateway::dimse::Room;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::predicate::{NotForContentType, Predicate, SizeAbove};
use tower_http::compression::{CompressionLayer, CompressionLevel};
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::timeout::TimeoutLayer;

use crate::config::{Config, TlsMode};

/// The whole service: protocols and pages behind the layers that concern them all.
pub fn router(config: &Config, app: Arc<App>, scrape: Scrape, room: Room) -> Router {
    let proxies: Arc<[std::net::IpAddr]> = config.server.trusted_proxies.clone().into();
    // Form tokens differ in every answer, so compressing pages does not help to guess them (BREACH).
    let compress = CompressionLayer::new()
        .quality(CompressionLevel::Fastest)
        .compress_when(
            SizeAbove::new(512)
                .and(NotForContentType::SSE)
                .and(NotForContentType::IMAGES)
                .and(NotForContentType::const_new("application/pdf"))
                .and(NotForContentType::const_new("application/zip"))
                .and(NotForContentType::const_new("application/octet-stream"))
                .and(compressible),
        );
    // What is sent to be kept is bounded object by object, and may take its time.
    let images = gateway::dicomweb::router(DicomWeb {
        app: app.clone(),
        object_bytes_max: config.dicom.object_bytes_max,
        room,
        pictures: Pictures::default(),
    });
    let router = Router::new()
        .merge(gateway::protocols(app.clone(), scrape))
        .merge(web::router(app))
        .layer(TimeoutLayer::with_status_code(
            StatusCode::SERVICE_UNAVAILABLE,
            config.server.request_timeout,
        ))
        .layer(RequestBodyLimitLayer::new(
            kernel::limits::BUNDLE_BYTES_MAX + (1 << 20),
        ))
        .merge(images)
        .layer(middleware::from_fn(metrics::measure))
        .layer(compress)
        .layer(CatchPanicLayer::custom(around::fault))
        .layer(middleware::from_fn(around::request))
        .layer(middleware::from_fn_with_state(proxies, proxy::peer));
    if config.tls.mode == TlsMode::Files {
        router.layer(middleware::from_fn(around::transport))
    } else {
        router
    }
}

/// Whether an answer gets smaller by compression, as far as whoever made it says.
fn compressible(_: StatusCode, _: Version, _: &HeaderMap, extensions: &Extensions) -> bool {
    extensions.get::<Incompressible>().is_none()
}
