//! Whose hand moves: the context of a person of the network at a time of the story.

use std::collections::BTreeMap;

use agreements::{Actor, ActorKind};
use app::cx::Channel;
use app::{App, AppError, Cx, Language};
use jiff::tz::TimeZone;
use kernel::{AccountId, HospitalId, Instant, ResourceId};

use super::people::Accounts;
use crate::generate::Network;
use crate::generate::model::Staff;

/// What has been carried in so far.
pub struct World<'a> {
    pub app: &'a App,
    pub network: &'a Network,
    pub accounts: Accounts,
    /// Agreements by their number.
    pub agreements: BTreeMap<&'static str, ResourceId>,
}

/// The network names something it does not have: a fault of the generator.
pub fn unknown(what: &str) -> AppError {
    AppError::Internal(format!("the demonstration names an unknown {what}"))
}

impl World<'_> {
    pub fn account(&self, staff: &str) -> Result<&AccountId, AppError> {
        self.accounts.get(staff).ok_or_else(|| unknown(staff))
    }

    /// A member of staff acting for `hospital` at `now`.
    pub fn cx(&self, staff: &str, hospital: &str, now: Instant) -> Result<Cx, AppError> {
        let person = self.network.staff(staff).ok_or_else(|| unknown(staff))?;
        let post = person
            .posts
            .iter()
            .find(|p| p.hospital == hospital)
            .ok_or_else(|| unknown(hospital))?;
        let zone = self.network.hospital(hospital).map_or("UTC", |h| h.zone);
        Ok(Cx {
            actor: Actor {
                account: self.account(staff)?.clone(),
                kind: ActorKind::Staff,
                hospital: Some(HospitalId::new(hospital)?),
                roles: post.roles.iter().copied().collect(),
                privileges: post.privileges.iter().copied().collect(),
                linked: Vec::new(),
            },
            name: person.name.into(),
            language: Language::English,
            zone: TimeZone::get(zone).unwrap_or(TimeZone::UTC),
            channel: Channel::Page,
            now,
            ..self.app.operator_cx()
        })
    }

    /// The first person of a hospital who may do something.
    pub fn who(
        &self,
        hospital: &str,
        may: impl Fn(&crate::generate::model::Post) -> bool,
    ) -> Result<&'static Staff, AppError> {
        let found = self
            .network
            .staff
            .iter()
            .find(|s| s.posts.iter().any(|p| p.hospital == hospital && may(p)));
        found.ok_or_else(|| unknown(hospital))
    }
}
