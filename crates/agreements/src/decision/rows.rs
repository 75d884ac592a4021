//! The row rules of [`crate::permit`], spelt out once in plain code: what the store's SQL predicate and the generated
//! Cedar policy must both agree with.

use kernel::Instant;

use super::facts::{Entry, Facts};
use crate::permit::own_classes;
use crate::{Actor, ActorKind};

/// May `actor` read `e` at `now`?
pub fn may_read(actor: &Actor, e: &Entry, facts: &Facts, now: Instant) -> bool {
    let (ActorKind::Staff | ActorKind::Machine, Some(own)) = (actor.kind, &actor.hospital) else {
        let opens = |p| {
            let mut links = actor.linked.iter().filter(|l| l.is_to(&e.custodian, p));
            links.any(|l| l.names(&e.kind, &e.id) && (l.sensitive || !e.class.is_sensitive()))
        };
        return e.kind.is_fhir() && !e.among_staff && e.patient.as_ref().is_some_and(opens);
    };
    let emergency = facts.emergencies.iter().any(|r| {
        r.hospital == *own && r.lifts(&actor.account, &e.custodian, e.patient.as_ref(), now)
    });
    if *own == e.custodian {
        return own_classes(actor).contains(e.class) || (emergency && e.kind.is_fhir());
    }
    if !actor.is_clinical() || !e.kind.is_fhir() {
        return false;
    }
    facts.grants.iter().any(|g| {
        g.active(now)
            && g.custodian == e.custodian
            && g.grantee == *own
            && g.class == e.class
            && (g.class.is_impersonal()
                || facts
                    .shares
                    .iter()
                    .any(|s| s.agreement == g.agreement && s.opens(e, own, now)))
            && (!g.needs_consent
                || (g.break_glass && emergency)
                || facts
                    .consents
                    .iter()
                    .any(|c| c.covers(e, own, now) && (c.across_border || !g.crosses_border)))
    })
}
