//! What an account is: a person's or machine's way in, with what they are at each hospital and until when.

use agreements::{ActorKind, Linked, Privilege, Role};
use kernel::{AccountId, HospitalId, Instant, ResourceId};
use seal::client::ClientCertificate;
use serde::{Deserialize, Serialize};
use store::Lookup;

use super::passkeys::OwnPasskey;
use crate::cx::Language;
use crate::docs::Document;

/// From an instant (included) until another (excluded); open at the end when none is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Validity {
    pub from: Instant,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Instant>,
}

impl Validity {
    pub const fn since(from: Instant) -> Self {
        Self { from, until: None }
    }
    pub fn holds(&self, at: Instant) -> bool {
        self.from <= at && self.until.is_none_or(|until| at < until)
    }
}

/// A role at a hospital, with its dates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleGrant {
    pub role: Role,
    #[serde(flatten)]
    pub valid: Validity,
}

/// A privilege at a hospital, with its dates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrivilegeGrant {
    pub privilege: Privilege,
    #[serde(flatten)]
    pub valid: Validity,
}

/// A licence to practise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Licence {
    pub number: String,
    /// Authority that issued it.
    pub issuer: String,
    /// ISO 3166-1 alpha-2 code.
    pub country: String,
    #[serde(flatten)]
    pub valid: Validity,
}

/// What a person is at one hospital.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    pub hospital: HospitalId,
    /// Position in the words of the hospital, for example "Chief of thoracic surgery".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    pub roles: Vec<RoleGrant>,
    #[serde(default)]
    pub privileges: Vec<PrivilegeGrant>,
    #[serde(default)]
    pub licences: Vec<Licence>,
    /// Specialty codes (`care` keeps the list).
    #[serde(default)]
    pub specialties: Vec<String>,
    /// The FHIR Practitioner in the hospital's own records that stands for this person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub practitioner: Option<ResourceId>,
    /// Set while the hospital has suspended the person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspended: Option<Instant>,
}

impl Membership {
    pub fn new(hospital: HospitalId) -> Self {
        Self {
            hospital,
            title: None,
            roles: Vec::new(),
            privileges: Vec::new(),
            licences: Vec::new(),
            specialties: Vec::new(),
            practitioner: None,
            suspended: None,
        }
    }

    /// Roles valid at `at`; none while suspended.
    pub fn roles_at(&self, at: Instant) -> impl Iterator<Item = Role> {
        self.roles
            .iter()
            .filter(move |g| self.suspended.is_none() && g.valid.holds(at))
            .map(|g| g.role)
    }

    pub fn privileges_at(&self, at: Instant) -> impl Iterator<Item = Privilege> {
        self.privileges
            .iter()
            .filter(move |g| self.suspended.is_none() && g.valid.holds(at))
            .map(|g| g.privilege)
    }

    /// The licence valid at `at`; the one that lasts longest when there are several.
    pub fn licence_at(&self, at: Instant) -> Option<&Licence> {
        self.licences
            .iter()
            .filter(|l| l.valid.holds(at))
            .max_by_key(|l| l.valid.until.unwrap_or(Instant::MAX))
    }
}

/// In what relation a patient's account stands to a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Relation {
    Oneself,
    Parent,
    Guardian,
    Spouse,
    Child,
    /// Named by the patient.
    Proxy,
}

/// What a proxy may not do. The patient's own account has no limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LinkLimit {
    /// Sees the record but gives and withdraws no consent.
    NoConsent,
    /// Sees appointments and cases but no sensitive classes.
    NoSensitive,
}

/// A record that a patient's account may see as its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PatientLink {
    pub hospital: HospitalId,
    pub patient: ResourceId,
    pub relation: Relation,
    #[serde(default)]
    pub limits: Vec<LinkLimit>,
    #[serde(flatten)]
    pub valid: Validity,
}

impl PatientLink {
    /// What the link opens while it holds. The patient's own account has no limits.
    pub fn linked(&self) -> Linked {
        let whole = Linked::whole(self.hospital.clone(), self.patient.clone());
        if self.relation == Relation::Oneself {
            return whole;
        }
        Linked {
            sensitive: !self.limits.contains(&LinkLimit::NoSensitive),
            consents: !self.limits.contains(&LinkLimit::NoConsent),
            ..whole
        }
    }
}

/// A machine client: it proves itself with a key (RFC 7523) or certificate (RFC 8705) registered here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MachineClient {
    pub hospital: HospitalId,
    /// Public keys (RFC 7517 §5), as registered.
    pub jwks: serde_json::Value,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub certificates: Vec<ClientCertificate>,
    pub registered_by: AccountId,
}

impl MachineClient {
    /// The registered certificate with this thumbprint, while it holds.
    pub fn certificate(&self, thumbprint: &str, at: Instant) -> Option<&ClientCertificate> {
        self.certificates
            .iter()
            .find(|c| c.thumbprint == thumbprint && c.holds(at))
    }
}

/// One-time passwords by time (RFC 6238).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totp {
    /// 20 bytes under the node key, base64url.
    pub secret: String,
    pub enrolled: Instant,
    /// Step of the last code taken: no code counts twice (RFC 6238 §5.2).
    pub last_step: u64,
}

/// Somebody a hospital's own sign-in names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutsideLogin {
    /// Digest of hospital, issuer and subject; unique on the node.
    pub id: String,
    pub hospital: HospitalId,
    pub since: Instant,
}

impl OutsideLogin {
    pub fn new(hospital: &HospitalId, issuer: &str, subject: &str, since: Instant) -> Self {
        Self {
            id: crate::tokens::digest(&[hospital.as_str(), issuer, subject]),
            hospital: hospital.clone(),
            since,
        }
    }
}

/// An invitation that was not yet accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation {
    /// SHA-256 of the link's token, hexadecimal.
    pub hash: String,
    pub until: Instant,
    pub by: AccountId,
    /// Set when it renews the way in of an account that was in use before.
    #[serde(default)]
    pub renewal: bool,
}

/// An account of the node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Account {
    pub id: AccountId,
    pub kind: ActorKind,
    /// E-mail address or staff number, in small letters; unique on the node.
    pub login: String,
    /// Where notices and invitations go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Name in the person's own script.
    pub name: String,
    /// The same name in Latin letters, where the script is another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latin_name: Option<String>,
    pub language: Language,
    /// IANA zone the person reads times in.
    pub zone: String,
    /// Argon2id in PHC form; none until the invitation is accepted, and for machines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_set: Option<Instant>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub totp: Option<Totp>,
    /// A secret shown for enrolment and not yet confirmed by a code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub totp_offered: Option<String>,
    /// Passkeys, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passkeys: Vec<OwnPasskey>,
    /// Who this is at hospitals' own sign-ins.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outside: Vec<OutsideLogin>,
    /// Hashes of unused recovery codes, hexadecimal.
    #[serde(default)]
    pub recovery: Vec<String>,
    #[serde(default)]
    pub memberships: Vec<Membership>,
    #[serde(default)]
    pub patients: Vec<PatientLink>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine: Option<MachineClient>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invitation: Option<Invitation>,
    /// Set while the operator has suspended the whole account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspended: Option<Instant>,
    /// Set after too many failures to sign in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locked_until: Option<Instant>,
    pub created: Instant,
    /// `light` or `dark`; none: as the device is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub theme: Option<String>,
}

impl Account {
    pub fn membership(&self, hospital: &HospitalId) -> Option<&Membership> {
        self.memberships.iter().find(|m| &m.hospital == hospital)
    }

    pub fn membership_mut(&mut self, hospital: &HospitalId) -> Option<&mut Membership> {
        self.memberships
            .iter_mut()
            .find(|m| &m.hospital == hospital)
    }

    /// True while anybody may sign in with it.
    pub fn is_open(&self) -> bool {
        self.suspended.is_none() && self.password.is_some()
    }

    pub fn time_zone(&self) -> jiff::tz::TimeZone {
        jiff::tz::TimeZone::get(&self.zone).unwrap_or(jiff::tz::TimeZone::UTC)
    }
}

impl Document for Account {
    const KIND: &'static str = "account";

    fn lookups(&self) -> Vec<Lookup> {
        let mut all = vec![Lookup::unique("login", &self.login)];
        if let Some(email) = &self.email {
            let email = normal_login(email);
            if email != self.login {
                all.push(Lookup::unique("login", email));
            }
        }
        for passkey in &self.passkeys {
            all.push(Lookup::unique("passkey", &passkey.id));
        }
        for link in &self.outside {
            all.push(Lookup::unique("outside", &link.id));
        }
        for m in &self.memberships {
            all.push(Lookup::new("hospital", m.hospital.as_str()));
        }
        for link in &self.patients {
            all.push(Lookup::new(
                "patient",
                format!("{}/{}", link.hospital, link.patient),
            ));
        }
        if let Some(machine) = &self.machine {
            all.push(Lookup::new("machine", machine.hospital.as_str()));
        }
        if let Some(invitation) = &self.invitation {
            all.push(Lookup::unique("invitation", &invitation.hash));
        }
        all
    }
}

/// A login as it is compared: without outer spaces, in small letters.
pub fn normal_login(text: &str) -> String {
    text.trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(s: i64) -> Instant {
        Instant::from_second(s).unwrap()
    }

    #[test]
    fn a_grant_holds_from_its_first_instant_until_before_its_last() {
        let v = Validity {
            from: at(10),
            until: Some(at(20)),
        };
        assert!(!v.holds(at(9)));
        assert!(v.holds(at(10)));
        assert!(v.holds(at(19)));
        assert!(!v.holds(at(20)));
        assert!(Validity::since(at(10)).holds(at(4_000_000_000)));
    }

    #[test]
    fn a_suspended_member_holds_no_role() {
        let mut m = Membership::new(HospitalId::new("yarqum").unwrap());
        m.roles.push(RoleGrant {
            role: Role::Clinician,
            valid: Validity::since(at(0)),
        });
        assert_eq!(m.roles_at(at(5)).collect::<Vec<_>>(), [Role::Clinician]);
        m.suspended = Some(at(4));
        assert_eq!(m.roles_at(at(5)).count(), 0);
    }
}
