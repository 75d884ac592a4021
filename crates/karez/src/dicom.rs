//! The DICOM listener of a node: bound before anything is served, started with it and stopped with it.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use app::App;
use gateway::dimse::archive::Archive;
use gateway::dimse::{self, Room, Settings};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::config::{Config, Dicom};
use crate::tls;

/// A listener that is bound.
pub struct Bound {
    listener: TcpListener,
    pub address: SocketAddr,
}

/// Takes the address, if one is configured.
pub fn bind(dicom: &Dicom) -> anyhow::Result<Option<Bound>> {
    let Some(listen) = dicom.listen else {
        return Ok(None);
    };
    let listener = TcpListener::bind(listen).with_context(|| format!("dicom.listen: {listen}"))?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    Ok(Some(Bound { listener, address }))
}

/// Serves until `stop` says so.
pub fn start(
    bound: Bound,
    config: &Config,
    app: Arc<App>,
    room: Room,
    stop: watch::Receiver<bool>,
) -> anyhow::Result<JoinHandle<()>> {
    let dicom = &config.dicom;
    let encrypted = if dicom.tls {
        Some(tls::dicom(config, &bound.address.ip().to_string())?)
    } else {
        None
    };
    let settings = Settings {
        associations_max: dicom.associations_max,
        per_peer_max: dicom.per_address_max,
        unit_bytes: dicom.unit_bytes,
        patience: dicom.patience,
        object_bytes_max: dicom.object_bytes_max,
        room,
        tls: encrypted,
        tls_out: tls::dicom_out(config)?,
    };
    let listener = tokio::net::TcpListener::from_std(bound.listener)?;
    let grace: Duration = config.server.shutdown_grace;
    tracing::info!(address = %bound.address, tls = dicom.tls, "DICOM is served");
    let serving = dimse::serve(listener, Arc::new(Archive(app)), settings, stop, grace);
    Ok(tokio::spawn(serving))
}
