//! A permit is a value: no read of the store compiles without one.
//!
//! A permit does not list what may be read. It says who reads, when, and by which rules; the store compiles it
//! into a predicate over the grant, consent, share and emergency relations of the same read snapshot.
//!
//! The rules, for an entry `e` at the time `now`:
//! 1. *own*: `e.hospital` is the reader's hospital and `e.class` is in the classes of their roles;
//! 2. *emergency in the own house*: an emergency row of this account for `e.hospital = own` and `e.patient`;
//! 3. *across*: the reader is clinical staff of G, and there is a grant (custodian = `e.hospital`, grantee = G,
//!    class = `e.class`, active now) such that
//!    - the class is impersonal, or a share row (same agreement, custodian, grantee, `e.patient`, active now) names
//!      the entry itself, or names its class and the class is not `unclassified`; and
//!    - not `needs_consent`, or a consent row (custodian, patient, active now, grantee matches, class matches:
//!      none covers ordinary classes only; `across_border` where the grant crosses one), or `break_glass` and an
//!      emergency row of this account for this patient;
//! 4. *patient*: (`e.hospital`, `e.patient`) is one of the linked records, `e` is not what staff work with among
//!    themselves (a request not sent yet, a message between doctors), and `e.class` is not sensitive where the link is
//!    a proxy's without sensitive classes, and `e` is one of the entries that are named where the link is to some alone
//!    (documents of our own are never read by this rule).

use kernel::{AccountId, HospitalId, Instant};

use crate::{Actor, ActorKind, ClassSet, Linked, Privilege, RecordClass, Role};

/// Why the system itself reads, without a person: named so that each such place can be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SystemPurpose {
    /// Loading accounts, sessions and hospitals to authenticate a request.
    Authentication,
    /// Loading state for a domain rule that decides before anything is shown.
    Decision,
    /// Jobs: clocks, escalation, notices, checkpoints, retention.
    Job,
    /// Command-line work of the operator on the machine itself.
    Operator,
    /// Verifying or exporting the audit, after its own check.
    Audit,
}

/// Who reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reader {
    System(SystemPurpose),
    Staff {
        account: AccountId,
        hospital: HospitalId,
        own: ClassSet,
        across: bool,
    },
    Patient {
        account: AccountId,
        linked: Vec<Linked>,
    },
}

/// The right to ask the store, as one reader at one instant. Built per request, never kept.
#[derive(Debug, Clone)]
pub struct Permit {
    reader: Reader,
    at: Instant,
}

impl Permit {
    /// The permit that follows from who acts; classes by role.
    pub fn of(actor: &Actor, at: Instant) -> Self {
        let reader = match (&actor.kind, &actor.hospital) {
            (ActorKind::Patient, _) | (_, None) => Reader::Patient {
                account: actor.account.clone(),
                linked: actor.linked.clone(),
            },
            (ActorKind::Staff | ActorKind::Machine, Some(hospital)) => Reader::Staff {
                account: actor.account.clone(),
                hospital: hospital.clone(),
                own: own_classes(actor),
                across: actor.is_clinical(),
            },
        };
        Self { reader, at }
    }

    /// The system's own permit. The caller shows nothing of what it reads without a further decision.
    pub fn system(purpose: SystemPurpose, at: Instant) -> Self {
        Self {
            reader: Reader::System(purpose),
            at,
        }
    }

    pub fn reader(&self) -> &Reader {
        &self.reader
    }
    pub fn at(&self) -> Instant {
        self.at
    }
}

/// Classes of the own hospital's records that the actor's roles may read.
pub fn own_classes(actor: &Actor) -> ClassSet {
    let mut set = ClassSet::EMPTY;
    if actor.is_clinical() || actor.has(Role::Machine) {
        set = set.union(ClassSet::ordinary());
        if actor.may(Privilege::Sensitive) {
            set = set.union(ClassSet::all());
        }
    }
    if actor.has(Role::Administrator) {
        set = set
            .with(RecordClass::Directory)
            .with(RecordClass::Administrative);
    }
    set
}
