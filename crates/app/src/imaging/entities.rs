//! Application entities: what a hospital's own machines call themselves, and which of them may do what.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use agreements::{Actor, ActorKind, Role, SystemPurpose};
use imaging::facts::PatientIdentifier;
use kernel::{AccountId, HospitalId, Instant, ResourceId};
use serde::{Deserialize, Serialize};
use store::{Batch, Lookup};

use super::{Destination, Peer, PeerProof, Service};
use crate::audit_entry::{Entry, Verb};
use crate::cx::Channel;
use crate::docs::{self, Document, Versioned};
use crate::{App, AppError, Cx, Language};

/// Application entities of one hospital.
const ENTITIES_MAX: usize = 500;
/// Address ranges of one entity.
const ADDRESSES_MAX: usize = 16;
/// Names of issuers at one hospital.
const ISSUERS_MAX: usize = 100;

/// How a hospital takes part in DICOM.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImagingSettings {
    /// What its own entity is called: one title names one hospital of the node. Empty: none yet.
    pub title: String,
    /// The identifier system of patient numbers that come without an issuer. Empty: unknown.
    pub issuer: String,
    /// Identifier systems by the name an object gives its issuer (0010,0021).
    pub issuers: BTreeMap<String, String>,
}

impl Document for ImagingSettings {
    const KIND: &'static str = "imaging-settings";
    fn lookups(&self) -> Vec<Lookup> {
        if self.title.is_empty() {
            return Vec::new();
        }
        vec![Lookup::unique("title", &self.title)]
    }
}

/// Whose patient numbers are whose.
#[derive(Debug, Clone, Default)]
pub(super) struct Issuers {
    unsaid: String,
    by_name: BTreeMap<String, String>,
}

impl ImagingSettings {
    /// With the issuer of whoever sends, where it has one of its own.
    pub(super) fn issuers(&self, sender: Option<&str>) -> Issuers {
        Issuers {
            unsaid: sender
                .filter(|s| !s.is_empty())
                .unwrap_or(&self.issuer)
                .to_owned(),
            by_name: self.issuers.clone(),
        }
    }
}

impl Issuers {
    /// The identifier system of a number. A name that the hospital has not said the system of stays a name: then it
    /// equals no patient's, and a person decides.
    pub fn system(&self, identifier: &PatientIdentifier) -> String {
        if let Some((id, kind)) = &identifier.issuer_universal
            && !id.is_empty()
        {
            return match kind.as_str() {
                "ISO" => format!("urn:oid:{}", id.trim_start_matches("urn:oid:")),
                "UUID" => format!("urn:uuid:{}", id.trim_start_matches("urn:uuid:")),
                "URI" => id.clone(),
                other => format!("urn:karez:issuer:{other}:{id}"),
            };
        }
        match identifier.issuer.as_deref().filter(|n| !n.is_empty()) {
            Some(name) => match self.by_name.get(name) {
                Some(system) => system.clone(),
                None => format!("urn:karez:issuer:name:{name}"),
            },
            None => self.unsaid.clone(),
        }
    }
}

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
fn title(text: &str, field: &str) -> Result<String, AppError> {
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

/// An identifier system: a URI, or nothing.
fn system(text: &str, field: &str) -> Result<String, AppError> {
    let text = text.trim();
    if text.is_empty() || (text.len() <= 200 && url::Url::parse(text).is_ok()) {
        Ok(text.to_owned())
    } else {
        let words = "the address (URI) that names whose numbers these are";
        Err(AppError::invalid(field, "ae-issuer", words))
    }
}

/// Whether an address lies in a range.
fn lies_in(address: IpAddr, range: &str) -> bool {
    let (net, bits) = match range.split_once('/') {
        Some((net, bits)) => (net, bits.parse::<u32>().ok()),
        None => (range, None),
    };
    let address = match address {
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(address, IpAddr::V4),
        IpAddr::V4(_) => address,
    };
    match (net.parse::<IpAddr>(), address) {
        (Ok(IpAddr::V4(net)), IpAddr::V4(a)) => {
            let keep = bits.unwrap_or(32).min(32);
            let mask = u32::MAX.checked_shl(32 - keep).unwrap_or(0);
            u32::from(net) & mask == u32::from(a) & mask
        }
        (Ok(IpAddr::V6(net)), IpAddr::V6(a)) => {
            let keep = bits.unwrap_or(128).min(128);
            let mask = u128::MAX.checked_shl(128 - keep).unwrap_or(0);
            u128::from(net) & mask == u128::from(a) & mask
        }
        _ => false,
    }
}

fn is_range(range: &str) -> bool {
    let (net, bits) = match range.split_once('/') {
        Some((net, bits)) => (net, Some(bits)),
        None => (range, None),
    };
    let most = match net.parse::<IpAddr>() {
        Ok(IpAddr::V4(_)) => 32,
        Ok(IpAddr::V6(_)) => 128,
        Err(_) => return false,
    };
    // A range of everything would be no proof of anything.
    bits.is_none_or(|b| b.parse::<u32>().is_ok_and(|n| (8..=most).contains(&n)))
}

impl Entity {
    /// Whether what the peer shows of itself is what was agreed.
    fn is_proven(&self, proof: &PeerProof) -> bool {
        let shown = proof.certificate.as_deref();
        let certificate = self.certificate.as_deref().is_none_or(|c| shown == Some(c));
        let address =
            self.addresses.is_empty() || self.addresses.iter().any(|r| lies_in(proof.address, r));
        (self.certificate.is_some() || !self.addresses.is_empty()) && certificate && address
    }
}

impl App {
    /// How the hospital takes part in DICOM.
    pub(super) async fn imaging_settings(
        &self,
        hospital: &HospitalId,
    ) -> Result<ImagingSettings, AppError> {
        Ok(self.settings_doc(hospital).await?.doc)
    }

    async fn settings_doc(
        &self,
        hospital: &HospitalId,
    ) -> Result<Versioned<ImagingSettings>, AppError> {
        let permit = self.system(SystemPurpose::Decision);
        let network = HospitalId::network();
        let id = ResourceId::new(hospital.as_str())?;
        let found = self.load::<ImagingSettings>(&permit, &network, &id).await?;
        Ok(found.unwrap_or_else(|| Versioned {
            key: self.doc_key::<ImagingSettings>(&network, &id),
            version: 0,
            doc: ImagingSettings::default(),
        }))
    }

    /// The administrator's view of the own hospital's settings, with the version a change must name.
    pub async fn own_imaging_settings(&self, cx: &Cx) -> Result<(ImagingSettings, u64), AppError> {
        let hospital = cx.require(Role::Administrator)?;
        let found = self.settings_doc(hospital).await?;
        Ok((found.doc, found.version))
    }

    /// Changes how the own hospital takes part in DICOM. A title that names another hospital is refused.
    pub async fn change_imaging_settings(
        &self,
        cx: &Cx,
        version: u64,
        new: ImagingSettings,
    ) -> Result<(), AppError> {
        let hospital = cx.require(Role::Administrator)?.clone();
        let mut found = self.settings_doc(&hospital).await?;
        if found.version != version {
            return Err(AppError::Conflict);
        }
        if new.issuers.len() > ISSUERS_MAX {
            return Err(AppError::TooMuch("names of issuers"));
        }
        let mut issuers = BTreeMap::new();
        for (name, of) in &new.issuers {
            let of = system(of, "issuers")?;
            let name = name.trim();
            if name.is_empty() || of.is_empty() || name.chars().count() > 64 {
                let words = "a name and the address (URI) it stands for";
                return Err(AppError::invalid("issuers", "ae-issuer", words));
            }
            issuers.insert(name.to_owned(), of);
        }
        found.doc = ImagingSettings {
            title: if new.title.trim().is_empty() {
                String::new()
            } else {
                title(&new.title, "title")?
            },
            issuer: system(&new.issuer, "issuer")?,
            issuers,
        };
        let mut batch = Batch::new(cx.now);
        docs::put(&mut batch, &found)?;
        self.note_entity(cx, &mut batch, &hospital, "imaging.settings", &found.key);
        self.store.commit(batch).await.map_err(title_taken)?;
        Ok(())
    }

    /// Says what a hospital's archive is called and whose patient numbers come without an issuer: the operator, for a
    /// hospital that is being set up. Names of issuers stay.
    pub async fn name_archive(
        &self,
        cx: &Cx,
        hospital: &HospitalId,
        called: &str,
        issuer: &str,
    ) -> Result<(), AppError> {
        if !cx.actor.has(Role::Operator) {
            return Err(AppError::denied_role(Role::Operator));
        }
        self.known(hospital)?;
        let mut found = self.settings_doc(hospital).await?;
        found.doc.title = title(called, "title")?;
        if !issuer.is_empty() {
            found.doc.issuer = system(issuer, "issuer")?;
        }
        let mut batch = Batch::new(cx.now);
        docs::put(&mut batch, &found)?;
        self.note_entity(cx, &mut batch, hospital, "imaging.settings", &found.key);
        self.store.commit(batch).await.map_err(title_taken)?;
        Ok(())
    }

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

    fn note_entity(
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

    async fn entity_called(
        &self,
        hospital: &HospitalId,
        title: &str,
    ) -> Result<Option<Versioned<Entity>>, AppError> {
        let permit = self.system(SystemPurpose::Authentication);
        let by = vec![Lookup::new("title", title.trim())];
        let mut found = self
            .find::<Entity>(&permit, Some(hospital), by, None, 1, false)
            .await?;
        Ok(found.pop())
    }

    /// Whom an association speaks for: the called title names a hospital's own entity, the calling title one that the
    /// hospital knows, and what the peer shows of itself must be what was agreed. `Denied` otherwise, whatever of it is
    /// wrong. Asked again during an association, so that one that was withdrawn is cut.
    pub async fn dicom_peer(
        &self,
        called: &str,
        calling: &str,
        proof: &PeerProof,
    ) -> Result<Peer, AppError> {
        let refused = || AppError::denied("unknown-entity");
        let permit = self.system(SystemPurpose::Authentication);
        let network = HospitalId::network();
        let by = vec![Lookup::new("title", called.trim())];
        let mut found = self
            .find::<ImagingSettings>(&permit, Some(&network), by, None, 1, false)
            .await?;
        let settings = found.pop().ok_or_else(refused)?;
        let id = HospitalId::new(settings.key.id.as_str())?;
        let hospital = self.hospital(&id).ok_or_else(refused)?;
        let entity = self
            .entity_called(&id, calling)
            .await?
            .filter(|e| e.doc.is_proven(proof))
            .ok_or_else(refused)?;
        let cx = Cx {
            actor: Actor {
                account: AccountId::new(format!("ae-{}", entity.key.id))?,
                kind: ActorKind::Machine,
                hospital: Some(id.clone()),
                roles: BTreeSet::from([Role::Machine]),
                privileges: BTreeSet::new(),
                linked: Vec::new(),
            },
            name: entity.doc.title.clone(),
            language: Language::English,
            zone: hospital.time_zone(),
            channel: Channel::Dicom,
            now: self.now(),
            request: self.new_id().to_string(),
            peer: Some(proof.address.to_string()),
            second_factor: false,
        };
        Ok(Peer {
            cx,
            hospital: id,
            title: entity.doc.title,
            may: entity.doc.may,
            issuer: entity.doc.issuer,
        })
    }

    /// Where a title of the peer's hospital is reached; none for one that is not known or has no address.
    pub async fn dicom_destination(
        &self,
        cx: &Cx,
        title: &str,
    ) -> Result<Option<Destination>, AppError> {
        let hospital = cx.hospital()?;
        let Some(found) = self.entity_called(hospital, title).await? else {
            return Ok(None);
        };
        let settings = self.imaging_settings(hospital).await?;
        let entity = found.doc;
        Ok(match (entity.host, entity.port) {
            (Some(host), Some(port)) => Some(Destination {
                title: entity.title,
                host,
                port,
                tls: entity.tls,
                our_title: settings.title,
            }),
            _ => None,
        })
    }
}

fn title_taken(e: store::StoreError) -> AppError {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_lies_in_its_range_alone() {
        let in_range = |a: &str, r: &str| lies_in(a.parse().unwrap(), r);
        assert!(in_range("10.1.2.3", "10.1.2.3"));
        assert!(in_range("10.1.2.99", "10.1.2.0/24"));
        assert!(in_range("::ffff:10.1.2.99", "10.1.2.0/24"));
        assert!(!in_range("10.1.3.1", "10.1.2.0/24"));
        assert!(!in_range("fd00::1", "10.1.2.0/24"));
        assert!(in_range("fd00::1", "fd00::/16"));
        assert!(is_range("10.0.0.0/8") && !is_range("0.0.0.0/0") && !is_range("ten"));
    }

    #[test]
    fn equal_numbers_of_two_issuers_stay_apart() {
        let settings = ImagingSettings {
            issuer: "urn:oid:1.2.3".into(),
            issuers: BTreeMap::from([("HIS".to_owned(), "http://his.example/mrn".to_owned())]),
            ..ImagingSettings::default()
        };
        let of = |name: Option<&str>, universal: Option<(&str, &str)>| {
            settings.issuers(None).system(&PatientIdentifier {
                id: "17".into(),
                issuer: name.map(str::to_owned),
                issuer_universal: universal.map(|(a, b)| (a.to_owned(), b.to_owned())),
                kind: None,
            })
        };
        assert_eq!(of(None, None), "urn:oid:1.2.3");
        assert_eq!(of(Some("HIS"), None), "http://his.example/mrn");
        assert_eq!(of(Some("OTHER"), None), "urn:karez:issuer:name:OTHER");
        assert_eq!(of(Some("HIS"), Some(("1.2.4", "ISO"))), "urn:oid:1.2.4");
        let sender = settings.issuers(Some("urn:oid:9"));
        assert_eq!(sender.system(&PatientIdentifier::default()), "urn:oid:9");
    }
}
