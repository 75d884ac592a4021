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

/// How many commits a new database takes before its rows are counted for the planner, and by how much it grows before
/// they are counted again. The server does so by itself too, but a minute late, and until then picks indexes blindly.
const COUNT_AFTER: u64 = 500;
const COUNT_GROWTH: u64 = 8;

async fn count(connections: &Connections) {
    let counted =
        async { Ok::<_, StoreError>(connections.object().await?.batch_execute("ANALYZE").await?) };
    if let Err(error) = counted.await {
        tracing::warn!(error = %error, "the planner's counts are old");
    }
}

/// Runs until the store closes.
pub(crate) async fn follow(
    connections: Connections,
    position: watch::Sender<u64>,
    wake: Arc<Notify>,
) {
    let mut heard = true;
    let mut counted = *position.borrow();
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
                if at > counted + COUNT_AFTER && at > counted * COUNT_GROWTH {
                    counted = at;
                    count(&connections).await;
                }
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
