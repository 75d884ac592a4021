//! Signing keys of hospitals and of the people who sign for them, with their history.

use agreements::{Privilege, Role, SystemPurpose};
use jiff::ToSpan;
use kernel::{HospitalId, Instant, ResourceId};
use seal::hospital::{HospitalKeys, HospitalSigner, Person as Certified, PersonKey, PersonSigner};
use seal::keys::Jwks;
pub use seal::keys::Reason;
use serde::{Deserialize, Serialize};
use store::{Batch, Lookup};

use crate::audit_entry::{Entry, Verb};
use crate::docs::{self, Document, Versioned};
use crate::{App, AppError, Cx};

/// A person's certificate lasts this long at most, days; a licence that ends sooner ends it sooner.
const PERSON_CERTIFICATE_DAYS: i64 = 365;

/// The keys of one hospital as a document.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Keys(pub HospitalKeys);

impl Document for Keys {
    const KIND: &'static str = "hospital-keys";
    fn lookups(&self) -> Vec<Lookup> {
        Vec::new()
    }
}

/// A person's signing keys at one hospital, newest last.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct SignerKeys(pub Vec<PersonKey>);

impl Document for SignerKeys {
    const KIND: &'static str = "signer-keys";
    fn lookups(&self) -> Vec<Lookup> {
        Vec::new()
    }
}

/// One key in the history a hospital's administrator sees.
#[derive(Debug, Clone)]
pub struct KeyLine {
    pub kid: String,
    pub from: Instant,
    pub until: Option<Instant>,
    pub revoked: Option<Instant>,
    pub reason: Option<Reason>,
    /// Since when it may have been in other hands.
    pub since: Option<Instant>,
}

impl App {
    /// Puts a first key, good from `from`, for a new hospital into the batch that founds it.
    pub(crate) fn first_keys(
        &self,
        batch: &mut Batch,
        hospital: &HospitalId,
        name: &str,
        from: Instant,
    ) -> Result<(), AppError> {
        let keys =
            HospitalKeys::create(hospital.clone(), name, &self.node_key, &*self.entropy, from)?;
        let key = self.doc_key::<Keys>(hospital, &keys_id());
        docs::put(
            batch,
            &Versioned {
                key,
                version: 0,
                doc: Keys(keys),
            },
        )
    }

    pub(crate) async fn hospital_keys(
        &self,
        hospital: &HospitalId,
    ) -> Result<Versioned<Keys>, AppError> {
        let permit = self.system(SystemPurpose::Decision);
        self.need::<Keys>(&permit, hospital, &keys_id()).await
    }

    /// Opens the key the hospital signs with now.
    pub async fn hospital_signer(&self, hospital: &HospitalId) -> Result<HospitalSigner, AppError> {
        let keys = self.hospital_keys(hospital).await?;
        Ok(keys.doc.0.signer(&self.node_key)?)
    }

    /// Every key the hospital ever signed with, for whoever verifies (RFC 7517 §5).
    pub async fn hospital_jwks(&self, hospital: &HospitalId) -> Result<Jwks, AppError> {
        Ok(self.hospital_keys(hospital).await?.doc.0.jwks())
    }

    /// The history of keys, newest first.
    pub async fn key_history(&self, cx: &Cx) -> Result<Vec<KeyLine>, AppError> {
        let hospital = cx.require(Role::Administrator)?;
        let keys = self.hospital_keys(hospital).await?;
        let lines = keys.doc.0.keys.iter().rev();
        Ok(lines
            .map(|k| KeyLine {
                kid: k.jwk.kid.clone(),
                from: k.not_before,
                until: k.retired_at,
                revoked: k.jwk.revoked.as_ref().map(|r| r.revoked_at),
                reason: k.jwk.revoked.as_ref().map(|r| r.reason),
                since: k.jwk.revoked.as_ref().and_then(|r| r.since),
            })
            .collect())
    }

    /// Retires the key in use and begins another. What the old one signed stays valid. Only who may sign for the
    /// hospital does this, after proving again who they are.
    pub async fn rotate_hospital_key(&self, cx: &Cx) -> Result<(), AppError> {
        let hospital = cx.require(Role::Administrator)?.clone();
        if !cx.actor.may(Privilege::SignAgreement) {
            return Err(AppError::denied("privilege-missing"));
        }
        let mut keys = self.hospital_keys(&hospital).await?;
        keys.doc.0.rotate(&self.node_key, &*self.entropy, cx.now)?;
        self.commit_keys(cx, &keys, "hospital.key-rotated").await
    }

    /// Revokes one of the hospital's keys: it signs no more, and another takes its place if it was in use. After a
    /// compromise nothing that it signed since `since` counts, and what it signed before only where a time-stamping
    /// authority confirms the time; without `since` nothing at all. Right after [`App::reauthenticate`].
    pub async fn revoke_hospital_key(
        &self,
        cx: &Cx,
        kid: &str,
        reason: Reason,
        since: Option<Instant>,
    ) -> Result<(), AppError> {
        let hospital = cx.require(Role::Administrator)?.clone();
        if !cx.actor.may(Privilege::SignAgreement) {
            return Err(AppError::denied("privilege-missing"));
        }
        let mut keys = self.hospital_keys(&hospital).await?;
        let key = keys.doc.0.keys.iter().find(|k| k.jwk.kid == kid);
        let key = key.ok_or(AppError::NotFound)?;
        if key.jwk.revoked.is_some() {
            return Err(AppError::rejected(
                "key-revoked",
                "the key is revoked already",
            ));
        }
        if since.is_some_and(|since| since > cx.now) {
            return Err(AppError::invalid("since", "dates", "in the future"));
        }
        let in_use = key.retired_at.is_none();
        let since = since.filter(|_| reason == Reason::KeyCompromise);
        keys.doc.0.revoke_key(kid, reason, since, cx.now)?;
        if in_use {
            keys.doc.0.rotate(&self.node_key, &*self.entropy, cx.now)?;
        }
        self.commit_keys(cx, &keys, "hospital.key-revoked").await
    }

    async fn commit_keys(
        &self,
        cx: &Cx,
        keys: &Versioned<Keys>,
        action: &str,
    ) -> Result<(), AppError> {
        let mut batch = Batch::new(cx.now);
        docs::put(&mut batch, keys)?;
        cx.note(
            &mut batch,
            &keys.key.hospital,
            &Entry::of(Verb::Update, action, &keys.key),
        );
        self.store.commit(batch).await?;
        Ok(())
    }

    /// As [`App::rotate_hospital_key`], by the operator on the machine itself: so a hospital's key moves into the token.
    pub async fn rotate_key_of(&self, cx: &Cx, hospital: &HospitalId) -> Result<String, AppError> {
        cx.require(Role::Operator)?;
        let mut keys = self.hospital_keys(hospital).await?;
        let at = keys
            .doc
            .0
            .keys
            .last()
            .map_or(cx.now, |k| k.not_before.max(cx.now));
        keys.doc.0.rotate(&self.node_key, &*self.entropy, at)?;
        self.commit_keys(cx, &keys, "hospital.key-rotated").await?;
        let newest = keys.doc.0.keys.last().map(|k| k.jwk.kid.clone());
        Ok(newest.unwrap_or_default())
    }

    /// Whether the token of the signing keys can be used now; none where there is no token.
    pub async fn key_token(&self) -> Option<Result<(), AppError>> {
        let token = std::sync::Arc::clone(self.node_key.token()?);
        let checked = tokio::task::spawn_blocking(move || token.check()).await;
        Some(match checked {
            Ok(checked) => checked.map_err(AppError::from),
            Err(_) => Err(AppError::Internal("the token was not asked".into())),
        })
    }

    /// Opens the acting person's own signing key at the hospital they act for; makes one where there is none that
    /// still holds. Needs the privilege to sign and a licence valid now. Call it right after
    /// [`App::reauthenticate`].
    pub async fn person_signer(&self, cx: &Cx) -> Result<PersonSigner, AppError> {
        let hospital = cx.hospital()?.clone();
        if !cx.actor.may(Privilege::SignOpinion) {
            return Err(AppError::denied("privilege-missing"));
        }
        let person = self
            .person_at(&cx.actor.account, &hospital)
            .await?
            .ok_or(AppError::Unauthenticated)?;
        let held = person
            .licence
            .clone()
            .ok_or_else(|| AppError::denied("licence-missing"))?;
        let licence = held.number.clone();
        let keys = self.hospital_keys(&hospital).await?.doc.0;
        let permit = self.system(SystemPurpose::Decision);
        let id = ResourceId::new(cx.actor.account.as_str())?;
        let mut own = self
            .load::<SignerKeys>(&permit, &hospital, &id)
            .await?
            .unwrap_or(Versioned {
                key: self.doc_key::<SignerKeys>(&hospital, &id),
                version: 0,
                doc: SignerKeys::default(),
            });
        let issuer = keys.signer(&self.node_key)?;
        let current = own.doc.0.last().filter(|k| {
            k.not_before <= cx.now
                && cx.now < k.not_after
                && k.subject.name == person.name
                && k.subject.licence.as_deref() == Some(licence.as_str())
                && !keys.revoked.iter().any(|r| r.serial == k.serial)
                && k.chain.last() == Some(&seal::b64::encode(&issuer.certificate().der))
        });
        if let Some(key) = current {
            return Ok(key.open(&self.node_key)?);
        }
        let licence_until = held.valid.until.unwrap_or(Instant::MAX);
        let year = cx
            .now
            .checked_add((PERSON_CERTIFICATE_DAYS * 24).hours())
            .map_err(|_| AppError::Internal("end of certificate".into()))?;
        let certified = Certified {
            name: person.name.clone(),
            licence,
            account: cx.actor.account.to_string(),
        };
        let key = issuer.certify(
            &certified,
            &self.node_key,
            &*self.entropy,
            (cx.now, year.min(licence_until)),
        )?;
        let signer = key.open(&self.node_key)?;
        own.doc.0.push(key);
        let mut batch = Batch::new(cx.now);
        docs::put(&mut batch, &own)?;
        batch.audit.push(self.account_audit(
            cx,
            "signer.certified",
            &cx.actor.account,
            Some(&hospital),
        )?);
        self.store.commit(batch).await?;
        Ok(signer)
    }

    /// Revokes every certificate a person holds at a hospital: they left, or lost the privilege.
    pub(crate) async fn revoke_signer(
        &self,
        batch: &mut Batch,
        hospital: &HospitalId,
        account: &kernel::AccountId,
        reason: Reason,
    ) -> Result<(), AppError> {
        let permit = self.system(SystemPurpose::Decision);
        let id = ResourceId::new(account.as_str())?;
        let Some(own) = self.load::<SignerKeys>(&permit, hospital, &id).await? else {
            return Ok(());
        };
        let mut keys = self.hospital_keys(hospital).await?;
        for key in &own.doc.0 {
            keys.doc.0.revoke_certificate(&key.serial, reason, batch.at);
        }
        docs::put(batch, &keys)
    }
}

fn keys_id() -> ResourceId {
    ResourceId::new("signing").unwrap_or_else(|_| unreachable!("a valid id"))
}
