//! Why something is allowed or denied: first as data, then as a key and arguments that a page turns into words.

use kernel::{HospitalId, Instant, ResourceId};
use serde::{Deserialize, Serialize};

use crate::agreement::Standing;
use crate::{Privilege, RecordClass, Role};

/// One reason. A permission has at least one; a denial says what is missing, nearest to a permission first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "reason")]
pub enum Reason {
    /// The own hospital's record or work, in the actor's role.
    OwnHospital,
    /// The patient's own record.
    OwnRecord,
    /// Break-glass, until it runs out.
    Emergency {
        until: Option<Instant>,
    },
    Agreement {
        agreement: ResourceId,
        number: String,
        title: String,
        clause: u16,
    },
    Consent {
        consent: ResourceId,
    },

    NoAgreement {
        with: HospitalId,
    },
    AgreementStanding {
        agreement: ResourceId,
        number: String,
        title: String,
        standing: Standing,
        since: Option<Instant>,
    },
    /// No clause of an active agreement names the class.
    ClassOutside {
        class: RecordClass,
    },
    SensitiveNotNamed {
        class: RecordClass,
    },
    /// The agreement covers it, no case shares it.
    NotShared,
    /// Nobody classified it, so it must be chosen on its own.
    UnclassifiedNotChosen,
    NoConsent,
    ConsentWithdrawn {
        consent: ResourceId,
        at: Instant,
    },
    BorderConsentMissing,
    ServiceOutside {
        service: String,
    },
    SpecialtyOutside {
        specialty: String,
    },
    RoleMissing {
        role: Role,
    },
    PrivilegeMissing {
        privilege: Privilege,
    },
    LicenceNotValid,
    /// Allocated to someone else.
    AllocatedElsewhere,
    /// Another hospital's business.
    OtherHospital {
        hospital: HospitalId,
    },
    /// Not this patient's record.
    OtherPatient,
    /// Break-glass is not foreseen in the agreement.
    BreakGlassNotAgreed,
    /// The rules could not be evaluated; nothing is permitted then.
    PolicyFault,
}

/// An argument of an explanation; the page formats instants in the reader's zone and names hospitals.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "type", content = "value")]
pub enum Arg {
    Text(String),
    Number(i64),
    At(Instant),
    Hospital(HospitalId),
    /// A word to translate under `class-…`.
    Class(RecordClass),
    /// A word to translate under `role-…`.
    Role(Role),
    /// A word to translate under `privilege-…`.
    Privilege(Privilege),
    /// A word to translate under `service-…`.
    Service(String),
    /// A word to translate under `specialty-…`.
    Specialty(String),
}

/// A sentence: its message key and named arguments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Words {
    pub key: &'static str,
    pub args: Vec<(&'static str, Arg)>,
}

impl Reason {
    /// The reason permits (rather than denies).
    pub const fn permits(&self) -> bool {
        matches!(
            self,
            Self::OwnHospital
                | Self::OwnRecord
                | Self::Emergency { .. }
                | Self::Agreement { .. }
                | Self::Consent { .. }
        )
    }

    /// The sentence for this reason. Keys begin with `why-`.
    pub fn words(&self) -> Words {
        let (key, args) = match self {
            Self::OwnHospital => ("why-own-hospital", vec![]),
            Self::OwnRecord => ("why-own-record", vec![]),
            Self::Emergency { until: Some(until) } => {
                ("why-emergency-until", vec![("until", Arg::At(*until))])
            }
            Self::Emergency { until: None } => ("why-emergency", vec![]),
            Self::Agreement {
                number,
                title,
                clause,
                ..
            } => (
                "why-agreement",
                vec![
                    ("number", Arg::Text(number.clone())),
                    ("title", Arg::Text(title.clone())),
                    ("clause", Arg::Number(i64::from(*clause))),
                ],
            ),
            Self::Consent { consent } => (
                "why-consent",
                vec![("consent", Arg::Text(consent.to_string()))],
            ),
            Self::NoAgreement { with } => (
                "why-no-agreement",
                vec![("hospital", Arg::Hospital(with.clone()))],
            ),
            Self::AgreementStanding {
                number,
                title,
                standing,
                since,
                ..
            } => standing_words(number, title, *standing, *since),
            Self::ClassOutside { class } => {
                ("why-class-outside", vec![("class", Arg::Class(*class))])
            }
            Self::SensitiveNotNamed { class } => (
                "why-sensitive-not-named",
                vec![("class", Arg::Class(*class))],
            ),
            Self::NotShared => ("why-not-shared", vec![]),
            Self::UnclassifiedNotChosen => ("why-unclassified-not-chosen", vec![]),
            Self::NoConsent => ("why-no-consent", vec![]),
            Self::ConsentWithdrawn { at, .. } => {
                ("why-consent-withdrawn", vec![("at", Arg::At(*at))])
            }
            Self::BorderConsentMissing => ("why-border-consent-missing", vec![]),
            Self::ServiceOutside { service } => (
                "why-service-outside",
                vec![("service", Arg::Service(service.clone()))],
            ),
            Self::SpecialtyOutside { specialty } => (
                "why-specialty-outside",
                vec![("specialty", Arg::Specialty(specialty.clone()))],
            ),
            Self::RoleMissing { role } => ("why-role-missing", vec![("role", Arg::Role(*role))]),
            Self::PrivilegeMissing { privilege } => (
                "why-privilege-missing",
                vec![("privilege", Arg::Privilege(*privilege))],
            ),
            Self::LicenceNotValid => ("why-licence-not-valid", vec![]),
            Self::AllocatedElsewhere => ("why-allocated-elsewhere", vec![]),
            Self::OtherHospital { hospital } => (
                "why-other-hospital",
                vec![("hospital", Arg::Hospital(hospital.clone()))],
            ),
            Self::OtherPatient => ("why-other-patient", vec![]),
            Self::BreakGlassNotAgreed => ("why-break-glass-not-agreed", vec![]),
            Self::PolicyFault => ("why-policy-fault", vec![]),
        };
        Words { key, args }
    }
}

fn standing_words(
    number: &str,
    title: &str,
    standing: Standing,
    since: Option<Instant>,
) -> (&'static str, Vec<(&'static str, Arg)>) {
    let mut args = vec![
        ("number", Arg::Text(number.into())),
        ("title", Arg::Text(title.into())),
    ];
    if let Some(at) = since {
        args.push(("at", Arg::At(at)));
    }
    let key = match standing {
        Standing::Draft => "why-agreement-draft",
        Standing::Proposed => "why-agreement-proposed",
        Standing::Signed => "why-agreement-signed",
        Standing::Active => "why-agreement-active",
        Standing::Suspended => "why-agreement-suspended",
        Standing::Ended => "why-agreement-ended",
        Standing::Expired => "why-agreement-expired",
        Standing::Withdrawn => "why-agreement-withdrawn",
    };
    (key, args)
}
