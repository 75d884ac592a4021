//! What a decision is asked about, and what is known when it is made.

use kernel::{AccountId, HospitalId, Instant, ResourceId};

use crate::agreement::{ActRow, Agreement, Standing, compile};
use crate::{
    Actor, ConsentRow, EmergencyRow, GrantRow, RecordClass, ShareItem, ShareRow, agreement,
};

macro_rules! actions {
    ($($name:ident),+ $(,)?) => {
        /// Acts that are decided one by one.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Action { $($name),+ }
        impl Action {
            pub const ALL: &'static [Action] = &[$(Action::$name),+];
            /// Its name in the Cedar schema.
            pub const fn as_str(self) -> &'static str {
                match self { $(Action::$name => stringify!($name)),+ }
            }
        }
    };
}

actions! {
    ReadRecord, WriteRecord,
    SendCase, AcceptCase, DeclineCase, AskMore, AllocateCase, AnswerCase, SignOpinion, CoSignOpinion,
    WriteMessage, CancelCase, ActOnAnswer,
    RecordConsent, WithdrawConsent, ReadAccessLog, CorrectRecord, BreakGlass,
    ReviewBreakGlass, ReadAudit, ManageAgreements, SignAgreement, ManagePeople,
}

/// One entry of a record, as far as policy sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub custodian: HospitalId,
    pub kind: kernel::Kind,
    pub id: ResourceId,
    pub class: RecordClass,
    pub patient: Option<ResourceId>,
    /// What staff work with among themselves: no patient's link opens it.
    pub among_staff: bool,
}

/// A case, as far as policy sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseSubject {
    pub id: ResourceId,
    pub referring: HospitalId,
    pub answering: HospitalId,
    pub service: String,
    pub specialty: String,
    /// The patient's record at the referring hospital.
    pub patient: ResourceId,
    pub allocated_to: Option<AccountId>,
}

/// What the act is done to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    Entry(Entry),
    Case(CaseSubject),
    Record {
        hospital: HospitalId,
        patient: ResourceId,
    },
    Hospital(HospitalId),
}

/// The question.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    pub actor: &'a Actor,
    /// The actor holds a licence valid today at the hospital acted for.
    pub licence_valid: bool,
    pub action: Action,
    pub subject: Subject,
}

/// An agreement between the two hospitals in question, for the words of an explanation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgreementFact {
    pub id: ResourceId,
    pub number: String,
    pub title: String,
    pub parties: Vec<HospitalId>,
    pub standing: Standing,
    /// Since when it stands so (ended, suspended, expired), or from when it will be active.
    pub since: Option<Instant>,
}

/// A consent that is no longer in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastConsent {
    pub consent: ResourceId,
    pub custodian: HospitalId,
    pub patient: ResourceId,
    pub grantee: Option<HospitalId>,
    pub withdrawn_at: Instant,
}

/// Everything a decision may rest on. Rows that do not concern the request do no harm.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    pub grants: Vec<GrantRow>,
    pub acts: Vec<ActRow>,
    pub consents: Vec<ConsentRow>,
    pub shares: Vec<ShareRow>,
    pub emergencies: Vec<EmergencyRow>,
    pub agreements: Vec<AgreementFact>,
    pub past_consents: Vec<PastConsent>,
}

impl Facts {
    /// Adds an agreement: its rows, and what an explanation says of it.
    pub fn add_agreement(&mut self, a: &Agreement, now: Instant) {
        self.grants.extend(compile(a));
        self.acts.extend(agreement::compile::acts(a));
        let standing = a.standing(now);
        let since = match standing {
            Standing::Suspended => a.suspensions.iter().map(|s| s.at).min(),
            Standing::Ended | Standing::Withdrawn => a.ended_at,
            Standing::Expired => a.terms.runs_out(),
            Standing::Active => a.active_since,
            Standing::Draft | Standing::Proposed | Standing::Signed => a.terms.starts(),
        };
        self.agreements.push(AgreementFact {
            id: a.id.clone(),
            number: a.terms.number.clone(),
            title: a.terms.title.clone(),
            parties: a.terms.parties.iter().map(|p| p.hospital.clone()).collect(),
            standing,
            since,
        });
    }
}

impl GrantRow {
    pub(crate) fn active(&self, now: Instant) -> bool {
        self.from <= now && now < self.until
    }
}
impl ActRow {
    pub(crate) fn active(&self, now: Instant) -> bool {
        self.from <= now && now < self.until
    }
}

impl ConsentRow {
    /// In force for this record, grantee and class, borders aside.
    pub fn covers(&self, e: &Entry, grantee: &HospitalId, now: Instant) -> bool {
        self.from <= now
            && now < self.until
            && self.custodian == e.custodian
            && Some(&self.patient) == e.patient.as_ref()
            && self.grantee.as_ref().is_none_or(|g| g == grantee)
            && match self.class {
                Some(class) => class == e.class,
                None => !e.class.is_sensitive(),
            }
    }
}

impl ShareRow {
    /// Opens this entry to the grantee now.
    pub fn opens(&self, e: &Entry, grantee: &HospitalId, now: Instant) -> bool {
        self.from <= now
            && now < self.until
            && self.custodian == e.custodian
            && self.grantee == *grantee
            && Some(&self.patient) == e.patient.as_ref()
            && match &self.item {
                ShareItem::Entry { kind, id } => *kind == e.kind && *id == e.id,
                ShareItem::Class(class) => *class == e.class && *class != RecordClass::Unclassified,
            }
    }
}

impl EmergencyRow {
    /// Lets this account read this patient's record at the custodian now.
    pub fn lifts(
        &self,
        account: &AccountId,
        custodian: &HospitalId,
        patient: Option<&ResourceId>,
        now: Instant,
    ) -> bool {
        self.from <= now
            && now < self.until
            && self.account == *account
            && self.custodian == *custodian
            && Some(&self.patient) == patient
    }
}
