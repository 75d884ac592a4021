//! From a consent to the rows of the `consent` relation.

use kernel::Instant;

use super::{Basis, ConsentRecord, ScopeClasses};
use crate::{ConsentRow, RecordClass};

/// The rows of a consent as it stands; a withdrawn one has none.
pub fn compile(c: &ConsentRecord) -> Vec<ConsentRow> {
    let refused =
        matches!(&c.basis, Basis::Emergency(e) if e.review.as_ref().is_some_and(|r| !r.justified));
    if c.withdrawn.is_some() || refused {
        return Vec::new();
    }
    let classes: Vec<Option<RecordClass>> = match c.scope.classes {
        ScopeClasses::OrdinaryAnd(named) => std::iter::once(None)
            .chain(named.iter().filter(|c| c.is_sensitive()).map(Some))
            .collect(),
        // Whoever may see a part of the record may see the case it belongs to and write in it.
        ScopeClasses::Only(named) => {
            let mut all = named.with(RecordClass::Cases).with(RecordClass::Messages);
            // Whoever may see the images may see them without identity.
            if named.contains(RecordClass::Imaging) {
                all = all.with(RecordClass::ImagesWithoutIdentity);
            }
            all.iter().map(Some).collect()
        }
    };
    let grantees: Vec<_> = match &c.scope.hospitals {
        None => vec![None],
        Some(hospitals) => hospitals.iter().cloned().map(Some).collect(),
    };
    let mut rows = Vec::with_capacity(classes.len() * grantees.len());
    for grantee in &grantees {
        for class in &classes {
            rows.push(ConsentRow {
                consent: c.id.clone(),
                custodian: c.custodian.clone(),
                patient: c.patient.clone(),
                grantee: grantee.clone(),
                class: *class,
                across_border: c.scope.across_border,
                from: c.from,
                until: c.until.unwrap_or(Instant::MAX),
            });
        }
    }
    rows
}
