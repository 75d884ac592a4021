//! One case on its page.

use agreements::{ActorKind, Role};
use care::case::{self, By, Case, Command, DiagnosisChange, ManagementChange, PatientOutcome};
use care::case::{CloseReason, DeclineReason, Missing};
use kernel::{AccountId, Phi, RecordKey, ResourceId};

use super::doc::{CaseDoc, by};
use super::messages::{FROM_PATIENT, TO_PATIENT};
use super::view::{AnswerView, Can, Candidate, CaseView, PersonLine, Side, StepView};
use crate::docs::{self, Versioned};
use crate::records::patient_key;
use crate::records::view::Banner;
use crate::{App, AppError, Cx};

impl App {
    /// The case page. Read across hospitals, it is audited before it is returned.
    pub async fn case(&self, cx: &Cx, key: &RecordKey) -> Result<CaseView, AppError> {
        let doc = self.case_doc(cx, key).await?;
        let case = &doc.doc.case;
        let patient = patient_key(&case.hospital, &case.patient);
        self.audit_read(cx, &patient, std::slice::from_ref(&doc.key), "case.read")
            .await?;
        let row = self
            .rows(cx, std::slice::from_ref(&doc))
            .await?
            .into_iter()
            .next()
            .ok_or(AppError::NotFound)?;
        let side = side(cx, case);
        let mut messages = self.messages(cx, &doc).await?;
        if side == Side::Patient {
            // What doctors write to each other is theirs.
            messages.retain(|m| m.about == TO_PATIENT || m.about == FROM_PATIENT);
        }
        let files: Vec<ResourceId> = case.request.files.iter().map(|f| f.id.clone()).collect();
        let (referrer, coordinator, consultant) = self.case_people(cx, case).await?;
        let view = CaseView {
            banner: self.case_banner(cx, &doc).await?,
            referrer,
            coordinator,
            consultant,
            steps: self.steps(cx, case).await?,
            answers: self.answers(cx, case, side).await?,
            files: self.file_lines(cx, case, &files).await?,
            plan: match &case.plan {
                Some(p) => Some((
                    p.clone(),
                    self.person_line(cx, &p.by, Some(&case.hospital)).await?,
                )),
                None => None,
            },
            outcome: match &case.outcome {
                Some(o) => Some((
                    o.clone(),
                    self.person_line(cx, &o.by, Some(&case.hospital)).await?,
                )),
                None => None,
            },
            declined: case.declined.as_ref().map(|d| (d.reason, d.note.clone())),
            suspended: case.suspended.as_ref().map(|s| s.reason),
            alarms: case.alarms.iter().copied().collect(),
            shared_entries: case.request.items.len(),
            can: self.can(cx, &doc.doc).await,
            side,
            messages,
            row,
            version: doc.version,
            key: doc.key.clone(),
            case: case.clone(),
        };
        self.seen_case(cx, doc).await?;
        Ok(view)
    }

    /// What is missing before a draft can be sent, under the terms of the partner chosen.
    pub async fn missing(&self, cx: &Cx, key: &RecordKey) -> Result<Vec<Missing>, AppError> {
        let doc = self.case_doc(cx, key).await?;
        let terms = self.terms_now(&doc.doc.case, cx.now).await.ok();
        Ok(doc.doc.case.missing(terms.as_ref()))
    }

    /// Consultants of the coordinator's hospital: those of the specialty first, then those with the fewest open cases.
    pub async fn candidates(&self, cx: &Cx, key: &RecordKey) -> Result<Vec<Candidate>, AppError> {
        let hospital = cx.require(Role::Coordinator)?.clone();
        let doc = self.case_doc(cx, key).await?;
        let wanted = doc.doc.case.request.specialty.clone();
        let permit = self.system(agreements::SystemPurpose::Decision);
        let mut list = Vec::new();
        for person in self.people_at(&hospital, Some(Role::Consultant)).await? {
            let lookups = vec![
                store::Lookup::new("consultant", person.account.as_str()),
                store::Lookup::new("inbox", hospital.as_str()),
            ];
            let open: Vec<Versioned<CaseDoc>> =
                self.find(&permit, None, lookups, None, 200, true).await?;
            list.push(Candidate {
                fits: wanted
                    .as_ref()
                    .is_some_and(|w| person.specialties.contains(w)),
                open_cases: open.len(),
                usual_s: self.usual_s(&hospital, Some(&person.account)).await?,
                languages: vec![person.language.tag().to_owned()],
                person: PersonLine {
                    name: person.name_for(cx.language).to_owned(),
                    hospital: Some(self.hospital_line(cx, &hospital)),
                    specialty: person.specialties.first().cloned(),
                    account: person.account,
                },
            });
        }
        list.sort_by(|a, b| {
            (!a.fits, a.open_cases, &a.person.name).cmp(&(!b.fits, b.open_cases, &b.person.name))
        });
        Ok(list)
    }

    /// The banner of the case's patient; where the reader may not read the Patient, the least that a case must show.
    pub(super) async fn case_banner(
        &self,
        cx: &Cx,
        doc: &Versioned<CaseDoc>,
    ) -> Result<Banner, AppError> {
        let case = &doc.doc.case;
        let key = patient_key(&case.hospital, &case.patient);
        match self.banner(cx, &key).await {
            Err(AppError::NotFound) => {}
            other => return other,
        }
        let born = doc.doc.birth_date.reveal().as_deref();
        let age = born.and_then(|b| crate::records::patients::age_on(cx, b));
        Ok(Banner {
            custodian: self.hospital_line(cx, &case.hospital),
            names: None,
            birth_date: None,
            age_years: age.map(|a| a.years),
            age_days: age.and_then(|a| a.days),
            sex: doc.doc.sex,
            identifiers: Vec::new(),
            allergies: Vec::new(),
            no_known_allergy: false,
            languages: Vec::new(),
            deceased: None,
            also_at: Vec::new(),
            key,
        })
    }

    /// Who referred it, who coordinates it and who answers it.
    pub(super) async fn case_people(
        &self,
        cx: &Cx,
        case: &Case,
    ) -> Result<(PersonLine, Option<PersonLine>, Option<PersonLine>), AppError> {
        let from = Some(&case.hospital);
        Ok((
            self.person_line(cx, &case.referrer, from).await?,
            self.at_answering(cx, case, case.coordinator.as_ref())
                .await?,
            self.at_answering(cx, case, case.consultant.as_ref())
                .await?,
        ))
    }

    async fn at_answering(
        &self,
        cx: &Cx,
        case: &Case,
        account: Option<&AccountId>,
    ) -> Result<Option<PersonLine>, AppError> {
        match account {
            Some(a) => Ok(Some(self.person_line(cx, a, case.answering()).await?)),
            None => Ok(None),
        }
    }

    async fn steps(&self, cx: &Cx, case: &Case) -> Result<Vec<StepView>, AppError> {
        let mut list = Vec::with_capacity(case.steps.len());
        for step in &case.steps {
            list.push(StepView {
                at: step.at,
                by: match &step.by {
                    Some(a) => Some(self.person_line(cx, a, step.hospital.as_ref()).await?),
                    None => None,
                },
                what: step.what.clone(),
            });
        }
        Ok(list)
    }

    /// Answers as the reader may know of them: unissued ones are the answering hospital's own affair.
    async fn answers(&self, cx: &Cx, case: &Case, side: Side) -> Result<Vec<AnswerView>, AppError> {
        let current = case.current_answer().map(|a| a.opinion.clone());
        let mut list = Vec::new();
        for a in &case.answers {
            if a.issued.is_none() && side != Side::Answering {
                continue;
            }
            list.push(AnswerView {
                key: RecordKey::new(
                    a.hospital.clone(),
                    crate::records::kind("Bundle"),
                    a.opinion.clone(),
                ),
                author: self.person_line(cx, &a.author, Some(&a.hospital)).await?,
                signed: a.signed,
                co_signer: match &a.co_signer {
                    Some(c) => Some(self.person_line(cx, c, Some(&a.hospital)).await?),
                    None => None,
                },
                co_signed: a.co_signed,
                issued: a.issued,
                read: match &a.read {
                    Some((at, who)) => {
                        Some((*at, self.person_line(cx, who, Some(&case.hospital)).await?))
                    }
                    None => None,
                },
                addendum_to: a.addendum_to.clone(),
                returned: a.returned.is_some(),
                current: current.as_ref() == Some(&a.opinion),
            });
        }
        Ok(list)
    }

    /// The reader has seen the messages there are, and what they were told about the case.
    async fn seen_case(&self, cx: &Cx, mut doc: Versioned<CaseDoc>) -> Result<(), AppError> {
        if cx.actor.kind == ActorKind::Patient {
            return Ok(());
        }
        self.seen_subject(cx, &doc.key).await?;
        let messages = doc.doc.messages;
        let me = cx.actor.account.clone();
        if doc.doc.seen.get(&me).copied().unwrap_or(0) == messages {
            return Ok(());
        }
        doc.doc.seen.insert(me, messages);
        let mut batch = store::Batch::new(cx.now);
        docs::put(&mut batch, &doc)?;
        match self.store.commit(batch).await {
            // Someone acted meanwhile; the next look marks it.
            Ok(_) | Err(store::StoreError::Precondition { .. }) => Ok(()),
            Err(e) => Err(e.into()),
        }
    }

    /// What the reader may do now, asked of the rules themselves.
    pub(crate) async fn can(&self, cx: &Cx, doc: &CaseDoc) -> Can {
        let case = &doc.case;
        let who = by(cx);
        let active = self.terms_now(case, cx.now).await.ok();
        let yes = |command: Command| allowed(case, &command, &who, cx);
        let text = || Phi::new("x".to_owned());
        let me = cx.actor.account.clone();
        // An id that no opinion has.
        let probe = || ResourceId::new("probe").unwrap_or_else(|_| unreachable!("a valid id"));
        let with_terms = active.clone().map(Box::new);
        let mut can = Can {
            edit: yes(Command::Edit(Box::default())),
            take_back: yes(Command::TakeBack),
            cancel: yes(Command::Cancel),
            supply_more: yes(Command::SupplyMore {
                text: text(),
                items: Vec::new(),
                classes: Default::default(),
                files: Vec::new(),
            }),
            decline: yes(Command::Decline {
                reason: DeclineReason::NoCapacity,
                note: Phi::default(),
            }),
            act: yes(Command::Act {
                text: text(),
                orders: Vec::new(),
            }),
            tell_outcome: yes(Command::TellOutcome {
                management: ManagementChange::Agreed,
                diagnosis: DiagnosisChange::Open,
                patient: PatientOutcome::Unknown,
                text: Phi::default(),
            }),
            close: yes(Command::Close {
                reason: CloseReason::SettledElsewhere,
            }),
            take_over: yes(Command::TakeOver) && !who.is(&case.referrer),
            addendum: case.answers.iter().any(|a| {
                yes(Command::Addendum {
                    opinion: probe(),
                    to: a.opinion.clone(),
                })
            }),
            write: self.may_write(cx, doc).await.is_ok(),
            ..Can::default()
        };
        if let Some(terms) = with_terms {
            let co_signer = AccountId::new("probe")
                .ok()
                .filter(|_| terms.needs_co_signature);
            // Draft and declined cases are sent by whoever may edit them; what is missing the page says.
            can.send = can.edit;
            can.accept = yes(Command::Accept);
            can.ask_for_more = yes(Command::AskForMore { text: text() });
            can.allocate = yes(Command::Allocate {
                consultant: me,
                is_consultant: true,
            }) || (who.is_coordinator_of(&terms.answering)
                && case.status == case::Status::Allocated
                && case.awaiting_co_signature().is_none());
            can.answer = yes(Command::Answer {
                opinion: probe(),
                co_signer,
            });
            can.co_sign = case.awaiting_co_signature().is_some_and(|a| {
                yes(Command::CoSign {
                    opinion: a.opinion.clone(),
                })
            });
            can.ask_again = yes(Command::AskAgain {
                text: text(),
                terms,
            });
        }
        can
    }
}

fn allowed(case: &Case, command: &Command, by: &By, cx: &Cx) -> bool {
    case::decide(case, command, by, cx.now).is_ok()
}

fn side(cx: &Cx, case: &Case) -> Side {
    match &cx.actor.hospital {
        _ if cx.actor.kind == ActorKind::Patient => Side::Patient,
        Some(own) if *own != case.hospital => Side::Answering,
        _ => Side::Referring,
    }
}
