//! The connection that writes, with its prepared statements, and what became of what was sent on it.

use std::collections::HashMap;

use tokio_postgres::{Client, Statement};

use super::connect::Server;
use super::values::{Meaning, meaning};
use crate::StoreError;

pub(crate) struct Line {
    pub client: Client,
    prepared: HashMap<String, Statement>,
}

impl Line {
    pub async fn open(server: &Server) -> Result<Self, StoreError> {
        Ok(Self {
            client: server.connect().await?,
            prepared: HashMap::new(),
        })
    }

    /// Each text is prepared once; there are few.
    pub async fn prepare(
        &mut self,
        texts: impl Iterator<Item = &str>,
    ) -> Result<Vec<Statement>, tokio_postgres::Error> {
        let mut out = Vec::new();
        for text in texts {
            let statement = match self.prepared.get(text) {
                Some(s) => s.clone(),
                None => {
                    let s = self.client.prepare(text).await?;
                    self.prepared.insert(text.to_owned(), s.clone());
                    s
                }
            };
            out.push(statement);
        }
        Ok(out)
    }
}

/// How a group that was not committed ended.
#[derive(Debug)]
pub(crate) enum Failed {
    /// The server or the way to it is at fault.
    Lost(StoreError),
    /// The connection was lost with the commit under way.
    Unknown(StoreError),
    /// Another transaction was in the way.
    Again(StoreError),
    /// What was to be written is at fault.
    Refused(StoreError),
}

impl Failed {
    pub fn error(self) -> StoreError {
        match self {
            Self::Lost(e) | Self::Unknown(e) | Self::Again(e) | Self::Refused(e) => e,
        }
    }
}

impl From<tokio_postgres::Error> for Failed {
    fn from(e: tokio_postgres::Error) -> Self {
        match meaning(&e) {
            Meaning::Lost => Self::Lost(e.into()),
            Meaning::Again => Self::Again(e.into()),
            Meaning::Other => Self::Refused(e.into()),
        }
    }
}

impl From<StoreError> for Failed {
    fn from(e: StoreError) -> Self {
        match e {
            StoreError::Unavailable(_) => Self::Lost(e),
            other => Self::Refused(other),
        }
    }
}
