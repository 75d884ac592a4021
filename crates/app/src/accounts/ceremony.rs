//! Ways in that are under way, by passkey or by a hospital's provider: kept in the store, so that any node may finish
//! what another began; taken once, and only for a short time.

use agreements::SystemPurpose;
use kernel::{AccountId, HospitalId, Instant, ResourceId};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use store::{Batch, Lookup, StoreError};

use crate::docs::{self, Document, Versioned};
use crate::{App, AppError};

/// How long the answer may take, seconds.
const ANSWER_S: i64 = 5 * 60;

/// What an answer may be used for. An answer to one purpose is none to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Purpose {
    /// A new passkey.
    Register,
    /// A passkey of one who has not said who they are.
    SignIn,
    /// A passkey of one known: after the password, or before signing a document.
    Prove,
    /// A hospital's own sign-in.
    Provider,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Ceremony {
    purpose: Purpose,
    account: Option<AccountId>,
    until: Instant,
    /// What only we know of it: challenge, nonce, policy.
    state: serde_json::Value,
}

impl Document for Ceremony {
    const KIND: &'static str = "ceremony";
    fn lookups(&self) -> Vec<Lookup> {
        Vec::new()
    }
}

impl App {
    /// Keeps the state of a ceremony; gives the random name it is taken by.
    pub(crate) async fn begin_ceremony(
        &self,
        purpose: Purpose,
        account: Option<AccountId>,
        state: &impl Serialize,
    ) -> Result<String, AppError> {
        let now = self.now();
        let lost = |_| AppError::Internal("state of a ceremony".into());
        let ceremony = Ceremony {
            purpose,
            account,
            until: now
                .checked_add(jiff::SignedDuration::from_secs(ANSWER_S))
                .map_err(|_| AppError::Internal("end of a ceremony".into()))?,
            state: serde_json::to_value(state).map_err(lost)?,
        };
        let mut random = [0u8; 16];
        self.entropy.fill(&mut random);
        let id = crate::accounts::factor::hex(&random);
        let key = self.doc_key::<Ceremony>(&HospitalId::network(), &ResourceId::new(&id)?);
        let mut batch = Batch::new(now);
        docs::put(
            &mut batch,
            &Versioned {
                key,
                version: 0,
                doc: ceremony,
            },
        )?;
        self.store.commit(batch).await?;
        Ok(id)
    }

    /// Takes a ceremony out of the store, whatever becomes of the answer: of two answers one finds nothing.
    pub(crate) async fn take_ceremony<T: DeserializeOwned>(
        &self,
        id: &str,
        purpose: Purpose,
        account: Option<&AccountId>,
    ) -> Result<Option<T>, AppError> {
        let now = self.now();
        let permit = self.system(SystemPurpose::Authentication);
        let Ok(id) = ResourceId::new(id) else {
            return Ok(None);
        };
        let Some(found) = self
            .load::<Ceremony>(&permit, &HospitalId::network(), &id)
            .await?
        else {
            return Ok(None);
        };
        let mut batch = Batch::new(now);
        batch.delete(found.key.clone(), found.expect());
        match self.store.commit(batch).await {
            Ok(_) => {}
            Err(StoreError::Precondition { .. }) => return Ok(None),
            Err(e) => return Err(e.into()),
        }
        let ceremony = found.doc;
        if ceremony.purpose != purpose
            || ceremony.account.as_ref() != account
            || ceremony.until <= now
        {
            return Ok(None);
        }
        Ok(serde_json::from_value(ceremony.state).ok())
    }

    /// Forgets ceremonies that nobody finished in time.
    pub async fn forget_ceremonies(&self) -> Result<usize, AppError> {
        let now = self.now();
        self.sweep::<Ceremony>(now, |c| c.until <= now).await
    }
}
