//! Words between nodes (`crate::talk`): over the bus while it is connected, else by NOTIFY. Both are listened to, so that
//! nodes understand one another while the bus comes and goes.

use std::sync::Arc;
use std::time::Duration;

use async_nats::{Client as Nats, Subscriber};
use futures::StreamExt as _;
use tokio::sync::mpsc;
use tokio_postgres::{Client, Statement};

use super::bus;
use super::connect::Server;
use crate::talk::Talk;
use crate::{Bus, StoreError};

const CHANNEL: &str = "karez_talk";
/// Pause before the server is connected to again.
const AGAIN: Duration = Duration::from_secs(1);

/// Where words go.
pub(crate) struct Ways {
    pub server: Server,
    /// None where no bus is configured.
    pub bus: Option<Arc<bus::Line>>,
    /// The bus's subject for words.
    pub subject: String,
    /// This start of this node among all; stands before each word, so that a node does not hear itself.
    pub own: String,
}

impl Ways {
    /// The word of another node.
    fn others<'a>(&self, said: &'a str) -> Option<&'a str> {
        let (node, word) = said.split_once(' ')?;
        (node != self.own).then_some(word)
    }
}

/// Carries words until the task is dropped.
pub(crate) async fn run(ways: Ways, talk: Arc<Talk>) {
    let Some(mut out) = talk.carried().await else {
        return;
    };
    let mut heard_bus = None;
    loop {
        if let Err(error) = carry(&ways, &talk, &mut out, &mut heard_bus).await {
            tracing::warn!(error = %error, "words between nodes are not heard");
        }
        tokio::time::sleep(AGAIN).await;
    }
}

/// Until the connection is lost.
async fn carry(
    ways: &Ways,
    talk: &Talk,
    out: &mut mpsc::Receiver<Arc<str>>,
    heard_bus: &mut Option<Subscriber>,
) -> Result<(), StoreError> {
    let (client, mut noted) = ways.server.listen(CHANNEL).await?;
    let notify = client.prepare("SELECT pg_notify($1, $2)").await?;
    loop {
        let nats = ways.bus.as_ref().and_then(|line| line.client());
        if heard_bus.is_none()
            && let Some(nats) = &nats
        {
            let subscribed = nats.subscribe(ways.subject.clone()).await;
            *heard_bus =
                Some(subscribed.map_err(|e| StoreError::Unavailable(format!("bus: {e}")))?);
        }
        tokio::select! {
            word = out.recv() => match word {
                Some(word) => send(ways, nats.as_ref(), &client, &notify, &word).await?,
                None => return Ok(()),
            },
            word = noted.recv() => match word {
                Some(said) => if let Some(word) = ways.others(&said) {
                    talk.heard(&word.into());
                },
                None => return Err(StoreError::Unavailable("PostgreSQL was lost".into())),
            },
            message = next(heard_bus) => match message {
                Some(message) => if let Ok(said) = std::str::from_utf8(&message.payload)
                    && let Some(word) = ways.others(said)
                {
                    talk.heard(&word.into());
                },
                None => *heard_bus = None,
            },
        }
    }
}

async fn next(heard: &mut Option<Subscriber>) -> Option<async_nats::Message> {
    match heard {
        Some(heard) => heard.next().await,
        None => std::future::pending().await,
    }
}

async fn send(
    ways: &Ways,
    nats: Option<&Nats>,
    client: &Client,
    notify: &Statement,
    word: &str,
) -> Result<(), StoreError> {
    let said = format!("{} {word}", ways.own);
    let connected = ways.bus.as_ref().map(|line| line.state()) == Some(Bus::Connected);
    if let Some(nats) = nats.filter(|_| connected) {
        let _lost = nats.publish(ways.subject.clone(), said.into()).await;
        return Ok(());
    }
    client.execute(notify, &[&CHANNEL, &said]).await?;
    Ok(())
}
