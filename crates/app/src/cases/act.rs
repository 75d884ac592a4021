//! Every act on a case: load, let the rules decide, commit the case with its FHIR resources, shares, messages, notices,
//! audit entries and events as one batch.

use std::collections::BTreeSet;
use std::str::FromStr;

use agreements::{Projection, RecordClass, Role, ShareItem, ShareRow};
use care::case::exchange::{self, Urls};
use care::case::{
    self, By, Case, CaseFile, CloseReason, Command, DeclineReason, DiagnosisChange, Edit, Event,
    ManagementChange, NewCase, PatientOutcome, RecordItem, Shared, Terms,
};
use fhir::raw;
use fhir::views::Patient;
use kernel::{AccountId, Instant, Phi, RecordKey, ResourceId};
use store::{Batch, Precondition};

use super::doc::{CaseDoc, by};
use super::ground;
use crate::audit_entry::{Entry, Verb};
use crate::docs::{self, Versioned, kind_of};
use crate::records::view::Sex;
use crate::records::{chains, kind, patient_key};
use crate::{App, AppError, Cx};

/// How often an act is tried again when someone else changed the case at the same moment.
const TRIES: u32 = 4;

/// What a person does with a case. Signing goes through `app::opinions`.
#[derive(Debug, Clone, PartialEq)]
pub enum CaseAct {
    Edit(Box<Edit>),
    Send,
    TakeBack,
    AskForMore {
        text: Phi<String>,
    },
    SupplyMore {
        text: Phi<String>,
        items: Vec<RecordItem>,
        classes: BTreeSet<String>,
        files: Vec<CaseFile>,
    },
    Accept,
    Decline {
        reason: DeclineReason,
        note: Phi<String>,
    },
    Allocate {
        consultant: AccountId,
    },
    Return {
        opinion: ResourceId,
    },
    Read,
    Act {
        text: Phi<String>,
        orders: Vec<Phi<String>>,
    },
    AskAgain {
        text: Phi<String>,
    },
    TellOutcome {
        management: ManagementChange,
        diagnosis: DiagnosisChange,
        patient: PatientOutcome,
        text: Phi<String>,
    },
    SeeOutcome,
    Close {
        reason: CloseReason,
    },
    Cancel,
    TakeOver,
}

impl CaseAct {
    /// What of it stands in the thread as a message: the step's word and its text.
    fn message(&self) -> Option<(&'static str, &Phi<String>)> {
        match self {
            Self::AskForMore { text } => Some(("more-asked", text)),
            Self::SupplyMore { text, .. } => Some(("more-supplied", text)),
            Self::Decline { note, .. } => Some(("declined", note)),
            Self::AskAgain { text } => Some(("asked-again", text)),
            _ => None,
        }
        .filter(|(_, text)| !text.reveal().trim().is_empty())
    }

    /// Something of the record goes to the partner with it, and so past the border gate.
    const fn sends(&self) -> bool {
        matches!(
            self,
            Self::Send | Self::AskAgain { .. } | Self::SupplyMore { .. }
        )
    }

    /// Working on someone else's patient needs an agreement that is active now; putting the work down does not.
    const fn needs_agreement(&self) -> bool {
        matches!(
            self,
            Self::Send
                | Self::AskForMore { .. }
                | Self::Accept
                | Self::Allocate { .. }
                | Self::AskAgain { .. }
                | Self::Return { .. }
        )
    }
}

impl App {
    /// Begins a draft about a patient of the own hospital.
    pub async fn start_case(&self, cx: &Cx, patient: &ResourceId) -> Result<RecordKey, AppError> {
        let hospital = cx.require(Role::Clinician)?.clone();
        let key = patient_key(&hospital, patient);
        let stored = self
            .store
            .get(&cx.permit(), &key, None)
            .await?
            .filter(|s| !s.deleted)
            .ok_or(AppError::NotFound)?;
        let (sex, birth_date) = {
            let doc = raw::parse(stored.body.reveal())
                .map_err(|e| AppError::Internal(format!("patient: {e}")))?;
            let p = Patient::from_value(doc.root());
            (Sex::from_fhir(p.sex.as_deref()), p.birth_date)
        };
        for _ in 0..TRIES {
            let mut batch = Batch::new(cx.now);
            let number = self.next_case_number(&mut batch, cx.now).await?;
            let new = NewCase {
                id: self.new_id(),
                number,
                patient: patient.clone(),
            };
            let case = case::create(new, &by(cx), cx.now)?;
            let doc = Versioned {
                key: self.doc_key::<CaseDoc>(&hospital, &case.id),
                version: 0,
                doc: CaseDoc {
                    case,
                    sex,
                    birth_date: Phi::new(birth_date.clone()),
                    messages: 0,
                    seen: Default::default(),
                },
            };
            self.put_case(&mut batch, &doc)?;
            self.audit_case(cx, &mut batch, &doc, Verb::Create, "case.started");
            batch.event("case.started", &doc.key, "{}");
            match self.store.commit(batch).await {
                Ok(_) => return Ok(doc.key),
                Err(
                    store::StoreError::Precondition { .. } | store::StoreError::Duplicate { .. },
                ) => {}
                Err(e) => return Err(e.into()),
            }
        }
        Err(AppError::Conflict)
    }

    /// Does one act. Returns the case's key.
    pub async fn case_act(
        &self,
        cx: &Cx,
        key: &RecordKey,
        act: CaseAct,
    ) -> Result<RecordKey, AppError> {
        for _ in 0..TRIES {
            let doc = self.case_doc(cx, key).await?;
            let command = self.command(cx, &doc.doc.case, &act).await?;
            let events = case::decide(&doc.doc.case, &command, &by(cx), cx.now)?;
            if events.is_empty() {
                return Ok(doc.key);
            }
            let mut batch = Batch::new(cx.now);
            if act.sends() {
                // With what this act adds.
                let mut after = doc.doc.case.clone();
                for event in &events {
                    after.apply(event, &by(cx), cx.now);
                }
                self.case_leaves(cx, &mut batch, &after).await?;
            }
            match self
                .commit_case(cx, doc, &events, batch, act.message())
                .await
            {
                Err(AppError::Conflict) => {}
                Err(e) => return Err(e),
                Ok(key) => return Ok(key),
            }
        }
        Err(AppError::Conflict)
    }

    /// Opens the answer: the first time counts as reading it.
    pub async fn open_answer(&self, cx: &Cx, key: &RecordKey) -> Result<(), AppError> {
        self.case_act(cx, key, CaseAct::Read).await.map(drop)
    }

    /// The command an act stands for, with the facts that are needed for it.
    async fn command(&self, cx: &Cx, case: &Case, act: &CaseAct) -> Result<Command, AppError> {
        // Who may not do it at all learns nothing of agreements.
        let terms = if act.needs_agreement() {
            Some(self.terms_now(case, cx.now).await?)
        } else {
            None
        };
        let terms = || -> Result<Box<Terms>, AppError> {
            terms
                .clone()
                .map(Box::new)
                .ok_or_else(|| AppError::denied("no-agreement"))
        };
        Ok(match act.clone() {
            CaseAct::Edit(edit) => {
                self.check_edit(case, &edit).await?;
                Command::Edit(edit)
            }
            CaseAct::Send => {
                let terms = terms()?;
                self.check_consent(case, &terms, cx.now).await?;
                Command::Send { terms }
            }
            CaseAct::TakeBack => Command::TakeBack,
            CaseAct::AskForMore { text } => Command::AskForMore { text },
            CaseAct::SupplyMore {
                text,
                items,
                classes,
                files,
            } => {
                self.check_items(case, &items).await?;
                Command::SupplyMore {
                    text,
                    items,
                    classes,
                    files,
                }
            }
            CaseAct::Accept => Command::Accept,
            CaseAct::Decline { reason, note } => Command::Decline { reason, note },
            CaseAct::Allocate { consultant } => {
                let is_consultant = match case.answering() {
                    Some(hospital) => self
                        .person_at(&consultant, hospital)
                        .await?
                        .is_some_and(|p| p.roles.contains(&Role::Consultant)),
                    None => false,
                };
                Command::Allocate {
                    consultant,
                    is_consultant,
                }
            }
            CaseAct::Return { opinion } => Command::Return { opinion },
            CaseAct::Read => Command::Read,
            CaseAct::Act { text, orders } => Command::Act { text, orders },
            CaseAct::AskAgain { text } => Command::AskAgain {
                text,
                terms: terms()?,
            },
            CaseAct::TellOutcome {
                management,
                diagnosis,
                patient,
                text,
            } => Command::TellOutcome {
                management,
                diagnosis,
                patient,
                text,
            },
            CaseAct::SeeOutcome => Command::SeeOutcome,
            CaseAct::Close { reason } => Command::Close { reason },
            CaseAct::Cancel => Command::Cancel,
            CaseAct::TakeOver => Command::TakeOver,
        })
    }

    /// What is chosen must be of this patient's record at this hospital.
    async fn check_edit(&self, case: &Case, edit: &Edit) -> Result<(), AppError> {
        if let Some(items) = &edit.items {
            self.check_items(case, items).await?;
        }
        if let Some(classes) = &edit.classes
            && let Some(unknown) = classes.iter().find(|c| RecordClass::from_str(c).is_err())
        {
            return Err(AppError::invalid(
                "classes",
                "unknown-class",
                unknown.clone(),
            ));
        }
        Ok(())
    }

    async fn check_items(&self, case: &Case, items: &[RecordItem]) -> Result<(), AppError> {
        let keys: Vec<RecordKey> = items
            .iter()
            .map(|i| RecordKey::new(case.hospital.clone(), i.kind.clone(), i.id.clone()))
            .collect();
        let permit = self.system(agreements::SystemPurpose::Decision);
        let found = self.store.get_many(&permit, &keys).await?;
        let of_patient = found
            .iter()
            .filter(|s| !s.deleted && s.patient.as_ref() == Some(&case.patient))
            .count();
        if of_patient == keys.len() {
            Ok(())
        } else {
            Err(AppError::invalid(
                "items",
                "not-of-this-patient",
                "an entry is not of this patient's record",
            ))
        }
    }

    /// The consent named in the request is in force and covers the partner.
    pub(crate) async fn check_consent(
        &self,
        case: &Case,
        terms: &Terms,
        now: Instant,
    ) -> Result<(), AppError> {
        if !terms.needs_consent {
            return Ok(());
        }
        // A missing one is the rules' to name, with all else that is missing.
        let Some(id) = &case.request.consent else {
            return Ok(());
        };
        let permit = self.system(agreements::SystemPurpose::Decision);
        let key = RecordKey::new(case.hospital.clone(), kind("consent"), id.clone());
        let refused =
            || AppError::rejected("consent-not-in-force", "the consent does not cover this");
        let stored = self
            .store
            .get(&permit, &key, None)
            .await?
            .ok_or_else(refused)?;
        let consent: agreements::ConsentRecord = serde_json::from_slice(stored.body.reveal())
            .map_err(|e| AppError::Internal(format!("consent: {:?}", e.classify())))?;
        if ground::covers(&consent, case, terms, now) {
            Ok(())
        } else {
            Err(refused())
        }
    }

    /// Applies the events and commits everything that follows from them, together with what `batch` holds already.
    pub(crate) async fn commit_case(
        &self,
        cx: &Cx,
        mut doc: Versioned<CaseDoc>,
        events: &[Event],
        mut batch: Batch,
        message: Option<(&str, &Phi<String>)>,
    ) -> Result<RecordKey, AppError> {
        let who = if cx.channel == crate::cx::Channel::Job {
            By::System
        } else {
            by(cx)
        };
        let had_shares = doc.doc.case.shares();
        for event in events {
            doc.doc.case.apply(event, &who, cx.now);
        }
        if let Some((about, text)) = message {
            self.put_message(cx, &mut batch, &mut doc, text, &[], about)?;
        }
        self.put_case(&mut batch, &doc)?;
        let case = &doc.doc.case;
        if case.shares() != had_shares {
            batch.projections.push(Projection::Shares {
                custodian: case.hospital.clone(),
                case: case.id.clone(),
                rows: share_rows(case)?,
            });
        }
        if let Some(first) = events.first() {
            let action = format!("case.{}", first.word());
            self.audit_case(cx, &mut batch, &doc, Verb::Update, &action);
        }
        for event in events {
            let topic = format!("case.{}", event.word());
            batch.event(&topic, &doc.key, event_data(case));
            let drafts = self.case_notices(cx, &doc, event).await?;
            self.notify(&mut batch, drafts)?;
        }
        self.store.commit(batch).await?;
        Ok(doc.key)
    }

    /// The case's document with its ServiceRequest and Task.
    pub(crate) fn put_case(
        &self,
        batch: &mut Batch,
        doc: &Versioned<CaseDoc>,
    ) -> Result<(), AppError> {
        docs::put(batch, doc)?;
        let case = &doc.doc.case;
        let urls = Urls {
            base: &self.settings.base_url,
        };
        for (name, resource) in [
            ("ServiceRequest", exchange::service_request(case)),
            ("Task", exchange::task(case, urls)),
        ] {
            let key = RecordKey::new(case.hospital.clone(), kind(name), case.id.clone());
            // The document's version guards both: they change with it alone.
            batch.put_fhir(key, Precondition::Any, resource.to_string());
        }
        Ok(())
    }

    pub(crate) fn audit_case(
        &self,
        cx: &Cx,
        batch: &mut Batch,
        doc: &Versioned<CaseDoc>,
        verb: Verb,
        action: &str,
    ) {
        let case = &doc.doc.case;
        let ground = case
            .terms
            .as_ref()
            .map(|t| format!("agreement {}, clause {}", t.agreement, t.clause));
        let entry = Entry {
            patient: Some((&case.hospital, &case.patient)),
            ground: ground.as_deref(),
            ..Entry::of(verb, action, &doc.key)
        };
        for chain in chains(cx, &case.hospital) {
            batch.audit.push(cx.audit(chain, &entry));
        }
    }

    /// The key of the case with this number.
    pub(crate) fn case_key(&self, hospital: &kernel::HospitalId, id: &ResourceId) -> RecordKey {
        RecordKey::new(hospital.clone(), kind_of::<CaseDoc>(), id.clone())
    }
}

/// Ids and words that wake the right pages.
pub(crate) fn event_data(case: &Case) -> String {
    serde_json::json!({
        "number": case.number,
        "status": case.status.as_str(),
        "answering": case.answering().map(|h| h.as_str()),
        "owner": case.owner().and_then(|o| o.account().map(|a| a.to_string())),
    })
    .to_string()
}

/// What the case opens, as rows of the policy.
pub(crate) fn share_rows(case: &Case) -> Result<Vec<ShareRow>, AppError> {
    case.shares()
        .into_iter()
        .map(|s| {
            let item = match s.what {
                Shared::Entry(item) => ShareItem::Entry {
                    kind: item.kind,
                    id: item.id,
                },
                Shared::Class(class) => ShareItem::Class(
                    RecordClass::from_str(&class)
                        .map_err(|_| AppError::Internal("record class".into()))?,
                ),
            };
            Ok(ShareRow {
                case: s.case,
                agreement: s.agreement,
                custodian: s.custodian,
                patient: s.patient,
                grantee: s.grantee,
                item,
                from: s.from,
                until: s.until,
            })
        })
        .collect()
}
