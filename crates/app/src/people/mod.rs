//! The people of a hospital: who they are for others, and what administrators do with their roles, privileges,
//! licences and access.

pub(crate) mod faces;
mod manage;
mod operate;
mod patients;
mod proxies;

use agreements::{Privilege, Role, SystemPurpose};
use kernel::{AccountId, HospitalId, Instant, ResourceId};
use store::Lookup;

pub use manage::{MemberChange, MemberState};
pub use operate::AccountView;
pub use patients::LinkedAccount;
pub use proxies::MyRecord;

use crate::accounts::model::{Account, Licence, Membership};
use crate::cx::Language;
use crate::docs::Versioned;
use crate::{App, AppError, Cx};

/// People of one hospital that are listed at once.
const PEOPLE_MAX: u32 = 5_000;

/// A person as colleagues and partners see them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    pub account: AccountId,
    /// In the person's own script.
    pub name: String,
    pub latin_name: Option<String>,
    pub language: Language,
    pub zone: String,
    pub email: Option<String>,
    /// The hospital this is about; none when asked without one.
    pub hospital: Option<HospitalId>,
    pub title: Option<String>,
    /// Valid now at that hospital.
    pub roles: Vec<Role>,
    pub privileges: Vec<Privilege>,
    pub specialties: Vec<String>,
    pub licence: Option<Licence>,
    /// FHIR Practitioner of the hospital that stands for them.
    pub practitioner: Option<ResourceId>,
}

impl Person {
    fn of(account: &Account, membership: Option<&Membership>, at: Instant) -> Self {
        let mut person = Self {
            account: account.id.clone(),
            name: account.name.clone(),
            latin_name: account.latin_name.clone(),
            language: account.language,
            zone: account.zone.clone(),
            email: account.email.clone(),
            hospital: None,
            title: None,
            roles: Vec::new(),
            privileges: Vec::new(),
            specialties: Vec::new(),
            licence: None,
            practitioner: None,
        };
        if let Some(m) = membership {
            person.hospital = Some(m.hospital.clone());
            person.title = m.title.clone();
            person.roles = m.roles_at(at).collect();
            person.roles.sort_unstable();
            person.roles.dedup();
            person.privileges = m.privileges_at(at).collect();
            person.specialties = m.specialties.clone();
            person.licence = m.licence_at(at).cloned();
            person.practitioner = m.practitioner.clone();
        }
        person
    }

    /// The name in a script the reader can be expected to read: Han for readers of Chinese, else Latin letters, where
    /// there are any.
    pub fn name_for(&self, language: Language) -> &str {
        let han = |c: char| matches!(c, '\u{3400}'..='\u{9fff}' | '\u{20000}'..='\u{3ffff}');
        match (language, &self.latin_name) {
            (Language::Chinese, _) if self.name.chars().any(han) => &self.name,
            (_, Some(latin)) => latin,
            (_, None) => &self.name,
        }
    }
}

impl App {
    /// The person behind an account.
    pub async fn person(&self, account: &AccountId) -> Result<Option<Person>, AppError> {
        let found = self.load_account(account).await?;
        Ok(found.map(|a| Person::of(&a.doc, None, self.now())))
    }

    /// The person as a member of a hospital, with the roles, privileges and licence valid now.
    pub async fn person_at(
        &self,
        account: &AccountId,
        hospital: &HospitalId,
    ) -> Result<Option<Person>, AppError> {
        let found = self.load_account(account).await?;
        Ok(found.and_then(|a| {
            a.doc
                .membership(hospital)
                .map(|m| Person::of(&a.doc, Some(m), self.now()))
        }))
    }

    /// Who works at the hospital now, in one role or any, in order of name.
    pub async fn people_at(
        &self,
        hospital: &HospitalId,
        role: Option<Role>,
    ) -> Result<Vec<Person>, AppError> {
        let now = self.now();
        let mut people: Vec<Person> = self
            .accounts_at(hospital)
            .await?
            .into_iter()
            .filter(|a| a.doc.suspended.is_none() && a.doc.machine.is_none())
            .filter_map(|a| {
                a.doc
                    .membership(hospital)
                    .map(|m| Person::of(&a.doc, Some(m), now))
            })
            .filter(|p| match role {
                Some(role) => p.roles.contains(&role),
                None => !p.roles.is_empty(),
            })
            .collect();
        people.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(people)
    }

    /// Everybody who is or was at the hospital, for its administrator.
    pub async fn people_managed(&self, cx: &Cx) -> Result<Vec<Account>, AppError> {
        let hospital = cx.require(Role::Administrator)?.clone();
        let mut all: Vec<Account> = self
            .accounts_at(&hospital)
            .await?
            .into_iter()
            .map(|v| v.doc)
            .collect();
        for account in &mut all {
            // What they are elsewhere is not this administrator's to see.
            account.memberships.retain(|m| m.hospital == hospital);
        }
        all.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(all)
    }

    pub(crate) async fn accounts_at(
        &self,
        hospital: &HospitalId,
    ) -> Result<Vec<Versioned<Account>>, AppError> {
        let permit = self.system(SystemPurpose::Decision);
        let lookups = vec![Lookup::new("hospital", hospital.as_str())];
        let network = HospitalId::network();
        self.find::<Account>(&permit, Some(&network), lookups, None, PEOPLE_MAX, false)
            .await
    }
}
