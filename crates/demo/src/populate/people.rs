//! Hospitals and the accounts of those who work there.

use std::collections::BTreeMap;

use app::accounts::{
    Licence, Membership, NewAccount, PatientLink, PrivilegeGrant, Relation, RoleGrant, Validity,
};
use app::hospitals::{Hospital, Service};
use app::{App, AppError, Language};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, ToSpan};
use kernel::{AccountId, HospitalId, Instant, Phi};

use super::records::Ids;
use super::world::unknown;
use crate::PASSWORD;
use crate::generate::Network;
use crate::generate::model::{self, Staff};
use crate::generate::services::{SERVICES, service_by_code};

/// How long ago the network was founded.
const FOUNDED: SignedDuration = SignedDuration::from_hours(24 * 1_200);

/// Accounts by the key of their staff.
pub type Accounts = BTreeMap<&'static str, AccountId>;

/// When everybody's post began.
pub fn founded(network: &Network) -> Instant {
    network.now - FOUNDED
}

pub async fn hospitals(app: &App, network: &Network) -> Result<(), AppError> {
    for hospital in network.hospitals {
        app.found_hospital(document(hospital, network)?).await?;
    }
    Ok(())
}

fn document(hospital: &model::Hospital, network: &Network) -> Result<Hospital, AppError> {
    let mut names = BTreeMap::from([("en".to_owned(), hospital.name_en.to_owned())]);
    if let Some(language) = hospital.languages.first() {
        names.insert((*language).to_owned(), hospital.name_native.to_owned());
    }
    let given = |code: &str| {
        network.staff.iter().any(|s| {
            s.services.contains(&code) && s.posts.iter().any(|p| p.hospital == hospital.id)
        })
    };
    let services = SERVICES
        .iter()
        .filter(|service| given(service.code))
        .map(|service| Service {
            code: service.code.into(),
            names: words(service.en, service.zh),
            specialty: service.code.into(),
        })
        .collect();
    Ok(Hospital {
        id: HospitalId::new(hospital.id)?,
        names,
        tile: hospital.tile.into(),
        jurisdiction: hospital.jurisdiction.into(),
        zone: hospital.zone.into(),
        languages: hospital.languages.iter().map(|l| (*l).into()).collect(),
        city: hospital.place.into(),
        created: founded(network),
        services,
    })
}

fn words(en: &str, zh: &str) -> BTreeMap<String, String> {
    BTreeMap::from([
        ("en".to_owned(), en.to_owned()),
        ("zh-CN".to_owned(), zh.to_owned()),
    ])
}

/// An account for everybody on the staff.
pub async fn staff(app: &App, network: &Network) -> Result<Accounts, AppError> {
    let operator = app.operator_cx();
    let mut accounts = Accounts::new();
    for person in network.staff {
        let id = app
            .create_account(&operator, account(person, network)?)
            .await?;
        accounts.insert(person.key, id);
    }
    Ok(accounts)
}

fn account(person: &Staff, network: &Network) -> Result<NewAccount, AppError> {
    let since = Validity::since(founded(network));
    let home = person
        .posts
        .first()
        .and_then(|p| network.hospital(p.hospital));
    let chinese =
        home.is_some_and(|h| h.jurisdiction == "CN") && person.languages.first() == Some(&"zh-CN");
    let mut memberships = Vec::new();
    for post in person.posts {
        let hospital = HospitalId::new(post.hospital)?;
        let mut membership = Membership::new(hospital);
        membership.title = Some(person.title_en.into());
        membership.roles = post
            .roles
            .iter()
            .map(|role| RoleGrant {
                role: *role,
                valid: since,
            })
            .collect();
        membership.privileges = post
            .privileges
            .iter()
            .map(|privilege| PrivilegeGrant {
                privilege: *privilege,
                valid: since,
            })
            .collect();
        membership.specialties = person
            .services
            .iter()
            .filter(|code| service_by_code(code).is_some())
            .map(|code| (*code).into())
            .collect();
        membership.licences.extend(person.licence.map(|licence| {
            Licence {
                number: licence.number.into(),
                issuer: licence.authority.into(),
                country: network
                    .hospital(post.hospital)
                    .map_or("", |h| h.jurisdiction)
                    .into(),
                valid: Validity {
                    from: midnight(licence.from),
                    until: Some(midnight(licence.until.saturating_add(1.day()))),
                },
            }
        }));
        memberships.push(membership);
    }
    Ok(NewAccount {
        login: person.email(),
        email: Some(person.email()),
        name: person.name_native.into(),
        latin_name: (person.name != person.name_native).then(|| person.name.into()),
        language: if chinese {
            Language::Chinese
        } else {
            Language::English
        },
        zone: home.map_or("UTC", |h| h.zone).into(),
        password: Phi::new(PASSWORD.into()),
        totp_secret: None,
        memberships,
        patients: Vec::new(),
    })
}

/// Accounts of the patients who have one, each linked to every record about them.
pub async fn patients(app: &App, network: &Network, ids: &Ids) -> Result<(), AppError> {
    let operator = app.operator_cx();
    let since = Validity::since(founded(network));
    for person in &network.people {
        let Some(login) = &person.account else {
            continue;
        };
        let mut patients = Vec::new();
        for record in &person.records {
            let patient = ids
                .get(&(record.hospital, record.patient.clone()))
                .ok_or_else(|| unknown("patient"))?;
            patients.push(PatientLink {
                hospital: HospitalId::new(record.hospital)?,
                patient: patient.clone(),
                relation: Relation::Oneself,
                limits: Vec::new(),
                valid: since,
            });
        }
        let home = person
            .records
            .first()
            .and_then(|r| network.hospital(r.hospital));
        let language = if person.speaks == "zh-CN" {
            Language::Chinese
        } else {
            Language::English
        };
        let new = NewAccount {
            login: login.clone(),
            email: Some(login.clone()),
            name: person.name.native(),
            latin_name: Some(person.name.latin()),
            language,
            zone: home.map_or("UTC", |h| h.zone).into(),
            password: Phi::new(PASSWORD.into()),
            totp_secret: None,
            memberships: Vec::new(),
            patients,
        };
        app.create_account(&operator, new).await?;
    }
    Ok(())
}

fn midnight(day: Date) -> Instant {
    day.to_zoned(TimeZone::UTC)
        .map_or(Instant::UNIX_EPOCH, |z| z.timestamp())
}
