//! "What may X see?": the rules asked on behalf of someone else, for administrators.

use agreements::decision::facts::Entry;
use agreements::{Action, Actor, ActorKind, Decision, RecordClass, Request, Role, Subject};
use kernel::{AccountId, HospitalId, Kind, ResourceId};

use crate::{App, AppError, Cx};

/// A question about someone at a partner.
#[derive(Debug, Clone)]
pub struct WhatIf {
    /// The custodian asked about; the hospital acted for, or a partner whose records it reads.
    pub custodian: HospitalId,
    /// Where the reader works.
    pub reader: HospitalId,
    pub role: Role,
    /// A patient of the custodian, when the question is about one.
    pub patient: Option<ResourceId>,
}

/// The answer for one class.
#[derive(Debug, Clone)]
pub struct Explained {
    pub class: RecordClass,
    pub decision: Decision,
}

impl App {
    /// Decides, for every record class, whether such a reader may read an entry of it now, and why. Asked by staff of
    /// either hospital who manage agreements or audit; answers reveal rules, never content.
    pub async fn explain_access(&self, cx: &Cx, ask: &WhatIf) -> Result<Vec<Explained>, AppError> {
        let own = cx.require(Role::Administrator)?;
        if ask.custodian != *own && ask.reader != *own {
            return Err(AppError::denied("other-hospital"));
        }
        // A patient of another custodian is not ours to ask about.
        if ask.patient.is_some() && ask.custodian != *own {
            return Err(AppError::denied("other-hospital"));
        }
        let actor = Actor {
            account: AccountId::new("what-if")?,
            kind: ActorKind::Staff,
            hospital: Some(ask.reader.clone()),
            roles: [ask.role].into_iter().collect(),
            privileges: Default::default(),
            linked: Vec::new(),
        };
        // Any patient stands for all where none is named: consent and sharing are then found missing, as they are.
        let patient = match &ask.patient {
            Some(p) => p.clone(),
            None => ResourceId::new("any")?,
        };
        let subject = Subject::Record {
            hospital: ask.custodian.clone(),
            patient: patient.clone(),
        };
        let facts = self.facts(cx.now, &actor, &subject).await?;
        let kind = Kind::new("Observation")?;
        let id = ResourceId::new("any")?;
        Ok(RecordClass::ALL
            .iter()
            .map(|class| {
                let entry = Entry {
                    custodian: ask.custodian.clone(),
                    kind: kind.clone(),
                    id: id.clone(),
                    class: *class,
                    patient: Some(patient.clone()),
                    among_staff: false,
                };
                let request = Request {
                    actor: &actor,
                    licence_valid: true,
                    action: Action::ReadRecord,
                    subject: Subject::Entry(entry),
                };
                Explained {
                    class: *class,
                    decision: agreements::decide(&request, &facts, cx.now),
                }
            })
            .collect())
    }
}
