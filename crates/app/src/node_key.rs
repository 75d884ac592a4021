//! The node key changes: every secret that the store holds is wrapped anew under the one in use. Until that is done, and
//! for what lies in backups, the one before still opens.

use agreements::SystemPurpose;
use kernel::{HospitalId, ResourceId};
use seal::{SealError, Wrapped, b64};
use store::{Batch, StoreError};

use crate::accounts::Account;
use crate::accounts::factor;
use crate::deidentify::{self, Project};
use crate::docs::{self, Document, Versioned};
use crate::hospital_keys::{Keys, SignerKeys};
use crate::providers::{self, Provider};
use crate::webhooks::{self, Webhook};
use crate::{App, AppError};

/// Documents looked at in one go.
const AT_ONCE: u32 = 200;

fn refused(e: SealError) -> AppError {
    AppError::Internal(format!("a secret was not wrapped anew: {e}"))
}

impl App {
    /// Wraps every secret under the node key in use. Gives how many were wrapped under an older one. Broken off, it is
    /// simply run again.
    pub async fn rewrap_secrets(&self) -> Result<usize, AppError> {
        let network = HospitalId::network();
        let mut count = self.store.rewrap_keys().await?;
        count += self
            .rewrap_all::<Account>(&network, |app, a| app.rewrap_account(&mut a.doc))
            .await?;
        for hospital in self.all_hospitals() {
            let id = &hospital.id;
            count += self
                .rewrap_all::<Keys>(id, |app, k| {
                    k.doc
                        .0
                        .rewrap(&app.node_key, &*app.entropy)
                        .map_err(refused)
                })
                .await?;
            count += self
                .rewrap_all::<SignerKeys>(id, |app, k| {
                    let keys = k.doc.0.iter_mut();
                    keys.map(|k| k.rewrap(&app.node_key, &*app.entropy).map_err(refused))
                        .sum()
                })
                .await?;
            count += self
                .rewrap_all::<Provider>(id, |app, p| {
                    let context = providers::secret_context(&p.key.hospital);
                    app.rewrap_text(&context, p.doc.secret.as_mut())
                })
                .await?;
            count += self
                .rewrap_all::<Webhook>(id, |app, h| {
                    let context = webhooks::secret_context(&h.key);
                    let secrets = h.doc.secrets.iter_mut();
                    secrets
                        .map(|s| app.rewrap_text(&context, Some(&mut s.wrapped)))
                        .sum()
                })
                .await?;
            count += self
                .rewrap_all::<Project>(id, |app, p| {
                    let context = deidentify::secret_context(&p.key);
                    app.rewrap_text(&context, Some(&mut p.doc.secret))
                })
                .await?;
        }
        Ok(count)
    }

    fn rewrap_account(&self, account: &mut Account) -> Result<usize, AppError> {
        let context = factor::context(&account.id);
        let secret = account.totp.as_mut().map(|t| &mut t.secret);
        let set_up = self.rewrap_text(&context, secret)?;
        Ok(set_up + self.rewrap_text(&context, account.totp_offered.as_mut())?)
    }

    /// One secret in base64url; gives 1 when it was under an older key.
    fn rewrap_text(&self, context: &str, text: Option<&mut String>) -> Result<usize, AppError> {
        let Some(text) = text else {
            return Ok(0);
        };
        let wrapped = Wrapped(b64::decode(text, "secret").map_err(refused)?);
        let new = self
            .node_key
            .rewrap(context, &wrapped, &*self.entropy)
            .map_err(refused)?;
        Ok(match new {
            None => 0,
            Some(new) => {
                *text = b64::encode(new.0);
                1
            }
        })
    }

    /// Every document of a kind at a hospital; those in which something changed are written.
    async fn rewrap_all<T: Document>(
        &self,
        hospital: &HospitalId,
        change: impl Fn(&Self, &mut Versioned<T>) -> Result<usize, AppError>,
    ) -> Result<usize, AppError> {
        let permit = self.system(SystemPurpose::Job);
        let mut after: Option<ResourceId> = None;
        let mut count = 0;
        loop {
            let all = self
                .find::<T>(
                    &permit,
                    Some(hospital),
                    Vec::new(),
                    after.take(),
                    AT_ONCE,
                    false,
                )
                .await?;
            let full = all.len() == AT_ONCE as usize;
            after = all.last().map(|d| d.key.id.clone());
            for mut doc in all {
                // Somebody may write it meanwhile: then it is read again.
                loop {
                    let changed = change(self, &mut doc)?;
                    if changed == 0 {
                        break;
                    }
                    let mut batch = Batch::new(self.now());
                    docs::put(&mut batch, &doc)?;
                    match self.store.commit(batch).await {
                        Ok(_) => {
                            count += changed;
                            break;
                        }
                        Err(StoreError::Precondition { .. }) => {
                            let id = doc.key.id.clone();
                            match self.load::<T>(&permit, hospital, &id).await? {
                                Some(newer) => doc = newer,
                                None => break,
                            }
                        }
                        Err(e) => return Err(e.into()),
                    }
                }
            }
            if !full {
                return Ok(count);
            }
        }
    }
}
