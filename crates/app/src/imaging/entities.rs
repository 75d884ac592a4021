//! Application entities: what a hospital's own machines call themselves, and which of them may do what.

use std::collections::BTreeSet;

use agreements::{Role, SystemPurpose};
use kernel::{AccountId, HospitalId, Instant, ResourceId};
use serde::{Deserialize, Serialize};
use store::{Batch, Lookup};

use super::Service;
use super::peers::is_range;
use super::settings::system;
use crate::audit_entry::{Entry, Verb};
use crate::docs::{self, Document, Versioned};
use crate::{App, AppError, Cx};

/// Application entities of one hospital.
const ENTITIES_MAX: usize = 500;
/// Address ranges of one entity.
const ADDRESSES_MAX: usize = 16;

/// A machine that speaks DICOM with a hospital.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entity {
    /// At most 16 characters (PS3.5 §6.2, AE).
    pub title: String,
    /// For people: which machine it is.
    pub name: String,
    /// Where it listens, if images are sent to it.
    pub host: Option<String>,
    pub port: Option<u16>,
    pub tls: bool,
    /// Thumbprint of the certificate it shows (RFC 8705).
    pub certificate: Option<String>,
    /// Addresses it calls from: `10.1.2.3` or `10.1.2.0/24`.
    pub addresses: Vec<String>,
    pub may: BTreeSet<Service>,
    /// The identifier system of its patient numbers, where it is another than the hospital's.
    pub issuer: Option<String>,
    pub created: Instant,
    pub by: AccountId,
    /// Since when it may do nothing any more.
    pub withdrawn: Option<Instant>,
}

impl Document for Entity {
    const KIND: &'static str = "application-entity";
    fn lookups(&self) -> Vec<Lookup> {
        if self.withdrawn.is_some() {
            return Vec::new();
        }
        vec![Lookup::unique("title", &self.title)]
    }
}

/// An entity in the administrator's list.
#[derive(Debug, Clone)]
pub struct EntityLine {
    pub id: ResourceId,
    pub entity: Entity,
}

/// An entity to be registered.
#[derive(Debug, Clone, Default)]
pub struct NewEntity {
    pub title: String,
    pub name: String,
    pub host: String,
    pub port: Option<u16>,
    pub tls: bool,
    /// A certificate as PEM text, or its thumbprint; empty for none.
    pub certificate: String,
    pub addresses: Vec<String>,
    pub may: BTreeSet<Service>,
    pub issuer: String,
}

/// A title as AE has it: up to 16 characters of the default repertoire, no backslash, no blanks around (PS3.5 §6.2).
pub(super) fn title(text: &str, field: &str) -> Result<String, AppError> {
    let text = text.trim();
    let good = (1..=16).contains(&text.len())
        && text
            .bytes()
            .all(|b| (0x20..0x7f).contains(&b) && b != b'\\');
    if good {
        Ok(text.to_owned())
    } else {
        Err(AppError::invalid(
            field,
            "ae-title",
            "one to sixteen plain characters without a backslash",
        ))
    }
}

impl App {
    /// The own hospital's entities, those that were withdrawn last.
    pub async fn entities(&self, cx: &Cx) -> Result<Vec<EntityLine>, AppError> {
        let hospital = cx.require(Role::Administrator)?;
        let permit = self.system(SystemPurpose::Decision);
        let mut found: Vec<EntityLine> = self
            .find::<Entity>(&permit, Some(hospital), Vec::new(), None, 1_000, false)
            .await?
            .into_iter()
            .map(|v| EntityLine {
                id: v.key.id,
                entity: v.doc,
            })
            .collect();
        found.sort_by(|a, b| {
            let of = |e: &EntityLine| (e.entity.withdrawn.is_some(), e.entity.title.clone());
            of(a).cmp(&of(b))
        });
        Ok(found)
    }

    /// Registers an entity of the own hospital.
    pub async fn add_entity(&self, cx: &Cx, new: NewEntity) -> Result<ResourceId, AppError> {
        let hospital = cx.require(Role::Administrator)?.clone();
        self.add_entity_at(cx, &hospital, new).await
    }

    /// As [`App::add_entity`], for a hospital the operator names.
    pub async fn add_entity_at(
        &self,
        cx: &Cx,
        hospital: &HospitalId,
        new: NewEntity,
    ) -> Result<ResourceId, AppError> {
        let operator = cx.actor.has(Role::Operator);
        let own = cx.actor.has(Role::Administrator) && cx.actor.hospital.as_ref() == Some(hospital);
        if !operator && !own {
            return Err(AppError::denied_role(Role::Administrator));
        }
        let entity = checked(cx, new)?;
        let permit = self.system(SystemPurpose::Decision);
        let many = u32::try_from(ENTITIES_MAX).unwrap_or(u32::MAX);
        let there = self
            .find::<Entity>(&permit, Some(hospital), Vec::new(), None, many, false)
            .await?;
        if there.len() >= ENTITIES_MAX {
            return Err(AppError::TooMuch("application entities"));
        }
        let found = Versioned {
            key: self.doc_key::<Entity>(hospital, &self.new_id()),
            version: 0,
            doc: entity,
        };
        let mut batch = Batch::new(cx.now);
        docs::put(&mut batch, &found)?;
        self.note_entity(cx, &mut batch, hospital, "imaging.entity.added", &found.key);
        self.store.commit(batch).await.map_err(title_taken)?;
        Ok(found.key.id)
    }

    /// Withdraws an entity: its associations end within a second, and it opens no more.
    pub async fn withdraw_entity(&self, cx: &Cx, id: &ResourceId) -> Result<(), AppError> {
        let hospital = cx.require(Role::Administrator)?.clone();
        let permit = self.system(SystemPurpose::Decision);
        let mut found = self.need::<Entity>(&permit, &hospital, id).await?;
        if found.doc.withdrawn.is_some() {
            return Ok(());
        }
        found.doc.withdrawn = Some(cx.now);
        let mut batch = Batch::new(cx.now);
        docs::put(&mut batch, &found)?;
        self.note_entity(
            cx,
            &mut batch,
            &hospital,
            "imaging.entity.withdrawn",
            &found.key,
        );
        self.store.commit(batch).await?;
        Ok(())
    }

    pub(super) fn note_entity(
        &self,
        cx: &Cx,
        batch: &mut Batch,
        hospital: &HospitalId,
        action: &str,
        key: &kernel::RecordKey,
    ) {
        batch.audit.push(cx.audit(
            hospital,
            &Entry {
                verb: Verb::Update,
                action,
                subjects: std::slice::from_ref(key),
                patient: None,
                ground: None,
                denied: false,
            },
        ));
        batch.event(action, key, "{}");
    }
}

pub(super) fn title_taken(e: store::StoreError) -> AppError {
    match e {
        store::StoreError::Duplicate { .. } => {
            AppError::invalid("title", "ae-title-taken", "this title is in use")
        }
        other => other.into(),
    }
}

fn checked(cx: &Cx, new: NewEntity) -> Result<Entity, AppError> {
    crate::accounts::invite::check_name(&new.name)?;
    let certificate = match new.certificate.trim() {
        "" => None,
        pem if pem.contains("-----BEGIN") => Some(
            seal::client::ClientCertificate::from_pem(pem)
                .map_err(|_| AppError::invalid("certificate", "certificate", "no certificate"))?
                .thumbprint,
        ),
        text if text.len() == 43 => Some(text.to_owned()),
        _ => {
            let words = "a certificate as PEM, or its thumbprint";
            return Err(AppError::invalid("certificate", "certificate", words));
        }
    };
    let addresses: Vec<String> = new
        .addresses
        .iter()
        .map(|a| a.trim().to_owned())
        .filter(|a| !a.is_empty())
        .collect();
    if addresses.len() > ADDRESSES_MAX || !addresses.iter().all(|a| is_range(a)) {
        let words = "addresses like 10.1.2.3 or 10.1.2.0/24";
        return Err(AppError::invalid("addresses", "addresses", words));
    }
    if certificate.is_none() && addresses.is_empty() {
        let words = "a certificate or the addresses it calls from";
        return Err(AppError::invalid("addresses", "ae-proof", words));
    }
    if new.may.is_empty() {
        return Err(AppError::invalid("may", "missing", "at least one service"));
    }
    let host = Some(new.host.trim().to_owned()).filter(|h| !h.is_empty());
    if host.is_some() != new.port.is_some() || host.as_ref().is_some_and(|h| h.len() > 253) {
        let words = "a host and a port, or neither";
        return Err(AppError::invalid("host", "ae-address", words));
    }
    Ok(Entity {
        title: title(&new.title, "title")?,
        name: new.name.trim().to_owned(),
        host,
        port: new.port,
        tls: new.tls,
        certificate,
        addresses,
        may: new.may,
        issuer: Some(system(&new.issuer, "issuer")?).filter(|i| !i.is_empty()),
        created: cx.now,
        by: cx.actor.account.clone(),
        withdrawn: None,
    })
}
