//! The bus between nodes: NATS. A message says nothing but that something was committed; without the bus, nodes ask
//! every so often.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_nats::connection::State;
use async_nats::{Client, ConnectOptions};
use futures::StreamExt as _;
use tokio::sync::{Notify, watch};

use crate::{Bus, StoreError};

/// How long connecting may take before it is tried again.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The line to the bus, for whoever asks how it stands.
#[derive(Default)]
pub(crate) struct Line(OnceLock<Client>);

impl Line {
    pub(crate) fn state(&self) -> Bus {
        match self.0.get().map(Client::connection_state) {
            Some(State::Connected) => Bus::Connected,
            _ => Bus::Away,
        }
    }

    /// None until the address was understood.
    pub(crate) fn client(&self) -> Option<Client> {
        self.0.get().cloned()
    }
}

/// Publishes this node's commits and wakes at those of others, until the task is dropped. A bus that is away is
/// connected to again and again.
pub(crate) async fn run(
    url: String,
    subject: String,
    own: watch::Receiver<u64>,
    wake: Arc<Notify>,
    line: Arc<Line>,
) -> Result<(), StoreError> {
    // The address may hold a password, and so may an error that quotes it.
    let bad = |_| StoreError::Unavailable("bus.nats_url: not a NATS address".into());
    let client = ConnectOptions::new()
        .name("karez")
        .retry_on_initial_connect()
        .connection_timeout(CONNECT_TIMEOUT)
        .max_reconnects(None)
        .reconnect_delay_callback(|tries| Duration::from_millis(100 << tries.min(5)))
        .event_callback(|event| async move { tracing::info!(%event, "bus") })
        .connect(url)
        .await
        .map_err(bad)?;
    // From now on it is connected, or being connected to.
    let _first = line.0.set(client.clone());
    let mut heard = client
        .subscribe(subject.clone())
        .await
        .map_err(|e| StoreError::Unavailable(format!("bus: {e}")))?;
    let mut own = own;
    loop {
        tokio::select! {
            message = heard.next() => match message {
                Some(_) => wake.notify_one(),
                None => return Ok(()),
            },
            moved = own.changed() => {
                if moved.is_err() {
                    return Ok(());
                }
                own.borrow_and_update();
                // What cannot be sent now need not be: the others ask by themselves.
                let _away = client.publish(subject.clone(), bytes::Bytes::new()).await;
            }
        }
    }
}
