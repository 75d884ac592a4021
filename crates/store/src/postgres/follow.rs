//! Hearing of what other nodes commit: by asking for the feed's position every so often, and at once when the bus
//! wakes. A lost wake costs no more than the time to the next question.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};

use super::session::{Connections, Reach};
use super::values::int;
use super::writer::advance;
use crate::StoreError;
use crate::sql::unsigned;

/// How often the position is asked for.
pub(crate) const POLL: Duration = Duration::from_millis(250);

/// Runs until the store closes.
pub(crate) async fn follow(
    connections: Connections,
    position: watch::Sender<u64>,
    wake: Arc<Notify>,
) {
    let mut heard = true;
    loop {
        tokio::select! {
            () = wake.notified() => {}
            () = tokio::time::sleep(POLL) => {}
        }
        match now(&connections).await {
            Ok(at) => {
                if !heard {
                    tracing::info!("PostgreSQL answers again");
                }
                heard = true;
                advance(&position, at);
            }
            Err(error) => {
                if heard {
                    tracing::warn!(error = %error, "PostgreSQL does not answer");
                }
                heard = false;
            }
        }
    }
}

/// The position of the newest commit of any node.
pub(crate) async fn now(connections: &Connections) -> Result<u64, StoreError> {
    let st = connections
        .dialect
        .binds()
        .statement("SELECT value FROM counter WHERE name = 'position'");
    let rows = connections.rows(&Reach::System, st).await?;
    let n = rows.first().map_or(Ok(0), |r| int(r, 0))?;
    Ok(unsigned(n))
}
