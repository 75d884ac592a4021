//! Whom an association speaks for, and where a peer is reached.

use std::collections::BTreeSet;
use std::net::IpAddr;

use agreements::{Actor, ActorKind, Role, SystemPurpose};
use kernel::{AccountId, HospitalId};
use store::Lookup;

use super::entities::Entity;
use super::settings::ImagingSettings;
use super::{Destination, Peer, PeerProof};
use crate::cx::Channel;
use crate::docs::Versioned;
use crate::{App, AppError, Cx, Language};

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

pub(super) fn is_range(range: &str) -> bool {
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
}
