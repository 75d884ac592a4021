//! Staff and consents as tests that need many of them write them.

use agreements::consent::{Basis, Capacity, Given, Method, Relation, Scope, ScopeClasses};
use agreements::{ClassSet, Role};
use app::Privilege;
use app::accounts::model::{Licence, Membership, PrivilegeGrant, RoleGrant, Validity};
use kernel::Instant;

use crate::records::hospital_id;

/// A seat at a hospital that was always valid, with a licence that carries the name.
pub fn membership(
    name: &str,
    hospital: &str,
    roles: &[Role],
    privileges: &[Privilege],
) -> Membership {
    let valid = Validity::since(Instant::UNIX_EPOCH);
    let mut membership = Membership::new(hospital_id(hospital));
    let role = |role: &Role| RoleGrant { role: *role, valid };
    membership.roles = roles.iter().map(role).collect();
    let privilege = |p: &Privilege| PrivilegeGrant {
        privilege: *p,
        valid,
    };
    membership.privileges = privileges.iter().map(privilege).collect();
    membership.licences = vec![Licence {
        number: format!("LIC-{name}"),
        issuer: "Test Medical Council".into(),
        country: "CN".into(),
        valid,
    }];
    membership
}

/// What an adult patient with full capacity has signed, in this language.
pub fn given_by_patient(language: &str) -> Basis {
    Basis::Given(Given {
        relation: Relation::Patient,
        giver: None,
        capacity: Capacity::Full,
        assent: None,
        language: language.into(),
        form: "C-1".into(),
        witness: None,
        method: Method::Signature,
    })
}

/// One hospital may read what is of no sensitive class.
pub fn ordinary_for(hospital: &str, across_border: bool) -> Scope {
    Scope {
        hospitals: Some(vec![hospital_id(hospital)]),
        classes: ScopeClasses::OrdinaryAnd(ClassSet::EMPTY),
        across_border,
    }
}
