//! Serving: listener, router, readiness, shutdown.

use std::io::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum_server::Handle;
use axum_server::accept::NoDelayAcceptor;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use gateway::dimse::Room;
use hyper_util::rt::TokioTimer;
use tokio::sync::watch;

use crate::client_certificates::Noting;
use crate::config::{Config, TlsMode};
use crate::node::Node;
use crate::{dicom, http, tls};

/// A peer that opens a connection and sends no request is cut after this time.
const HEADER_TIMEOUT: Duration = Duration::from_secs(20);

/// What is served.
pub enum Mode {
    Plain,
    /// Fills an empty store before anything is served.
    Demo {
        seed: u64,
    },
}

/// Serves until a signal asks to stop.
pub async fn run(config: Config, mode: Mode) -> anyhow::Result<()> {
    tls::install_provider();
    let metrics = http::metrics::install()?;
    let listener = TcpListener::bind(config.server.listen)
        .with_context(|| format!("server.listen: {}", config.server.listen))?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let base = base_url(&config, address);
    let images = dicom::bind(&config.dicom)?;
    let node = Node::open(&config, &base).await?;
    if let Mode::Demo { seed } = mode {
        crate::commands::demo::populate(&node.app, seed).await?;
    }
    let tls = tls::server(&config, &address.ip().to_string())?;
    let mut jobs = crate::http::jobs::start(&node.app);
    if let Some(shipping) = &config.backup {
        let shipper = node.store.shipper(shipping.clone()).context("backup")?;
        jobs.follow(&node.app, shipper);
    }
    let app = Arc::new(node.app.clone());
    let room = Room::of_mib(config.dicom.memory_mib);
    let router = http::router(&config, app.clone(), metrics, room.clone());
    let handle = Handle::new();
    let (stop, stopped) = watch::channel(false);
    let address = images.as_ref().map(|bound| bound.address);
    let images = match images {
        Some(bound) => Some(dicom::start(bound, &config, app, room, stopped)?),
        None => None,
    };
    let stopping = tokio::spawn(stop_on_signal(
        node.app.clone(),
        handle.clone(),
        stop,
        config.server.shutdown_grace,
    ));
    say_ready(&base, address)?;
    tracing::info!(base, "serving");
    listen(listener, tls, handle, router).await?;
    if let Some(images) = images {
        let _ = images.await;
    }
    stopping.abort();
    jobs.stop().await;
    node.app.close().await;
    tracing::info!("closed");
    Ok(())
}

async fn listen(
    listener: TcpListener,
    tls: Option<RustlsConfig>,
    handle: Handle<SocketAddr>,
    router: axum::Router,
) -> anyhow::Result<()> {
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    match tls {
        None => {
            // The end of an answer does not wait until the peer has confirmed what came before: on a slow line that is a
            // whole turn there and back.
            let mut server = axum_server::from_tcp(listener)?
                .acceptor(NoDelayAcceptor::new())
                .handle(handle);
            server
                .http_builder()
                .http1()
                .timer(TokioTimer::new())
                .header_read_timeout(HEADER_TIMEOUT);
            server.serve(service).await?;
        }
        Some(tls) => {
            let mut server = axum_server::from_tcp(listener)?
                .acceptor(Noting(RustlsAcceptor::new(tls)))
                .handle(handle);
            server
                .http_builder()
                .http1()
                .timer(TokioTimer::new())
                .header_read_timeout(HEADER_TIMEOUT);
            server.serve(service).await?;
        }
    }
    Ok(())
}

/// The address others reach this node under.
fn base_url(config: &Config, address: SocketAddr) -> String {
    if let Some(url) = &config.server.public_url {
        return url.clone();
    }
    let scheme = if config.tls.mode == TlsMode::Off {
        "http"
    } else {
        "https"
    };
    // Nobody connects to "every address"; this machine reaches itself by its own name.
    let host = if address.ip().is_unspecified() {
        "localhost".to_owned()
    } else if address.is_ipv6() {
        format!("[{}]", address.ip())
    } else {
        address.ip().to_string()
    };
    format!("{scheme}://{host}:{}", address.port())
}

/// One line of JSON on standard output, for whoever started this process. Requests are accepted from here on.
fn say_ready(base: &str, dicom: Option<SocketAddr>) -> anyhow::Result<()> {
    let mut line = serde_json::json!({
        "base": base,
        "pid": std::process::id(),
        "version": env!("CARGO_PKG_VERSION"),
    });
    if let Some(dicom) = dicom {
        line["dicom"] = dicom.to_string().into();
    }
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()?;
    Ok(())
}

/// Waits for SIGTERM or SIGINT; then stops accepting, closes live pages and lets accepted requests finish.
async fn stop_on_signal(
    app: app::App,
    handle: Handle<SocketAddr>,
    stop: watch::Sender<bool>,
    grace: Duration,
) {
    signal().await;
    tracing::info!(grace_s = grace.as_secs(), "stopping");
    app.begin_closing();
    let _ = stop.send(true);
    handle.graceful_shutdown(Some(grace));
    // A second signal does not wait.
    signal().await;
    tracing::warn!("stopping at once");
    handle.shutdown();
}

#[cfg(unix)]
pub async fn signal() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut term) => {
            tokio::select! {
                _ = term.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
        }
        Err(e) => {
            tracing::error!(error = %e, "SIGTERM cannot be heard");
            let _ = tokio::signal::ctrl_c().await;
        }
    }
}

#[cfg(not(unix))]
pub async fn signal() {
    let _ = tokio::signal::ctrl_c().await;
}
