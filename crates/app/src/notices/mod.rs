//! Notices to people: in the page and, if they have an address and the node a relay, by mail. A notice names a case by
//! its number; nothing in it is patient data.

pub mod mail;

use agreements::SystemPurpose;
use care::case::{Audience, Case};
use kernel::{AccountId, HospitalId, Instant, RecordKey, ResourceId};
use serde::{Deserialize, Serialize};
use store::{Batch, Lookup};

use agreements::Role;

use crate::docs::{self, Document, Versioned};
use crate::{App, AppError, Cx};

/// Notices shown on one page.
pub const NOTICES_PER_PAGE: u32 = 50;

/// Unread notices that are counted; beyond it a page says so many and more.
pub const UNREAD_MAX: u32 = 100;

/// One notice before it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    pub to: AccountId,
    /// For which of the person's hospitals.
    pub hospital: HospitalId,
    /// Stable word; pages and mails have its sentence (`notice-{what}`).
    pub what: String,
    /// What it is about: a case, an agreement, an import.
    pub subject: RecordKey,
    /// What people call the subject: `K-26-00123`, `QS-2026-014`.
    pub number: String,
    /// Rings: an escalation or an emergency.
    pub urgent: bool,
}

/// A notice of one person.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Notice {
    pub to: AccountId,
    pub hospital: HospitalId,
    pub what: String,
    pub subject: RecordKey,
    pub number: String,
    pub urgent: bool,
    pub at: Instant,
    pub read: Option<Instant>,
    pub mail: MailState,
}

/// Where the mail of a notice stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "state")]
pub enum MailState {
    /// To be sent at or after `next`; tried so many times.
    Waiting {
        next: Instant,
        tries: u32,
    },
    Sent {
        at: Instant,
    },
    /// Nobody to send to, or no relay.
    None,
    /// Given up after the last try; `why` is the relay's answer class, never its text.
    Failed {
        at: Instant,
        why: String,
    },
}

impl Document for Notice {
    const KIND: &'static str = "notice";
    fn lookups(&self) -> Vec<Lookup> {
        let mut list = vec![
            Lookup::new("to", self.to.as_str()),
            Lookup::new("subject", self.subject.to_string()),
        ];
        if self.read.is_none() {
            list.push(Lookup::new("unread", self.to.as_str()));
        }
        if matches!(self.mail, MailState::Waiting { .. }) {
            list.push(Lookup::new("mail", "waiting"));
        }
        list
    }
}

/// A notice as a page shows it.
#[derive(Debug, Clone)]
pub struct NoticeView {
    pub id: ResourceId,
    pub what: String,
    pub subject: RecordKey,
    pub number: String,
    pub hospital: HospitalId,
    pub urgent: bool,
    pub at: Instant,
    pub read: bool,
    /// Where it leads: `/cases/yarqum/…`.
    pub href: String,
}

impl Notice {
    fn href(&self) -> String {
        let k = &self.subject;
        match k.kind.as_str() {
            "case" => format!("/cases/{}/{}", k.hospital, k.id),
            "reading" => format!("/readings/{}/{}", k.hospital, k.id),
            "agreement" => format!("/agreements/{}", k.id),
            "import" => format!("/import/{}", k.id),
            "webhook" => format!("/hospital/webhooks/{}", k.id),
            "Patient" => format!("/patients/{}/{}", k.hospital, k.id),
            _ => "/notices".into(),
        }
    }
}

impl App {
    /// Adds notices to a batch, one per person however often they were named, and wakes their pages.
    pub fn notify(&self, batch: &mut Batch, drafts: Vec<Draft>) -> Result<(), AppError> {
        let mut told: Vec<AccountId> = Vec::new();
        for draft in drafts {
            if told.contains(&draft.to) {
                continue;
            }
            told.push(draft.to.clone());
            let at = batch.at;
            let notice = Versioned {
                key: self.doc_key::<Notice>(&HospitalId::network(), &self.new_id()),
                version: 0,
                doc: Notice {
                    to: draft.to.clone(),
                    hospital: draft.hospital,
                    what: draft.what,
                    subject: draft.subject,
                    number: draft.number,
                    urgent: draft.urgent,
                    at,
                    read: None,
                    mail: if self.settings.smtp.is_some() {
                        MailState::Waiting { next: at, tries: 0 }
                    } else {
                        MailState::None
                    },
                },
            };
            docs::put(batch, &notice)?;
            let data = serde_json::json!({"person": draft.to.as_str()}).to_string();
            batch.event("notice.sent", &notice.key, data);
        }
        Ok(())
    }

    /// How many notices the person has not read, counted up to [`UNREAD_MAX`].
    pub async fn unread_notices(&self, cx: &Cx) -> Result<u64, AppError> {
        Ok(self.unread_of(cx, None).await?.len() as u64)
    }

    async fn unread_of(
        &self,
        cx: &Cx,
        subject: Option<&RecordKey>,
    ) -> Result<Vec<Versioned<Notice>>, AppError> {
        let permit = self.system(SystemPurpose::Decision);
        let network = HospitalId::network();
        let mut lookups = vec![Lookup::new("unread", cx.actor.account.as_str())];
        lookups.extend(subject.map(|s| Lookup::new("subject", s.to_string())));
        self.find(&permit, Some(&network), lookups, None, UNREAD_MAX, true)
            .await
    }

    /// The person's notices, newest first.
    pub async fn notices_of(
        &self,
        cx: &Cx,
        after: Option<&str>,
    ) -> Result<Vec<NoticeView>, AppError> {
        let permit = self.system(SystemPurpose::Decision);
        let network = HospitalId::network();
        let lookups = vec![Lookup::new("to", cx.actor.account.as_str())];
        let after = after.map(ResourceId::new).transpose()?;
        let found: Vec<Versioned<Notice>> = self
            .find(
                &permit,
                Some(&network),
                lookups,
                after,
                NOTICES_PER_PAGE,
                true,
            )
            .await?;
        Ok(found
            .into_iter()
            .map(|n| NoticeView {
                href: n.doc.href(),
                id: n.key.id,
                what: n.doc.what,
                subject: n.doc.subject,
                number: n.doc.number,
                hospital: n.doc.hospital,
                urgent: n.doc.urgent,
                at: n.doc.at,
                read: n.doc.read.is_some(),
            })
            .collect())
    }

    /// Marks one notice, or all, as read.
    pub async fn mark_read(&self, cx: &Cx, id: Option<&ResourceId>) -> Result<(), AppError> {
        if let Some(id) = id {
            let permit = self.system(SystemPurpose::Decision);
            let notice: Versioned<Notice> = self.need(&permit, &HospitalId::network(), id).await?;
            if notice.doc.to != cx.actor.account {
                return Err(AppError::NotFound);
            }
            return self.mark(cx, vec![notice]).await;
        }
        loop {
            let unread = self.unread_of(cx, None).await?;
            let more = unread.len() == UNREAD_MAX as usize;
            self.mark(cx, unread).await?;
            if !more {
                return Ok(());
            }
        }
    }

    /// Marks what the person was told about this subject as read: they are looking at it.
    pub(crate) async fn seen_subject(&self, cx: &Cx, subject: &RecordKey) -> Result<(), AppError> {
        let unread = self.unread_of(cx, Some(subject)).await?;
        self.mark(cx, unread).await
    }

    async fn mark(&self, cx: &Cx, unread: Vec<Versioned<Notice>>) -> Result<(), AppError> {
        if unread.is_empty() {
            return Ok(());
        }
        let mut batch = Batch::new(cx.now);
        for mut notice in unread {
            notice.doc.read.get_or_insert(cx.now);
            docs::put(&mut batch, &notice)?;
        }
        match self.store.commit(batch).await {
            // Read on another page, or the mail went out meanwhile: the count is asked for again anyway.
            Err(store::StoreError::Precondition { .. }) => Ok(()),
            other => {
                other?;
                Ok(())
            }
        }
    }

    /// The people an audience of a case stands for now.
    pub(crate) async fn audience(
        &self,
        case: &Case,
        audience: Audience,
    ) -> Result<Vec<(AccountId, HospitalId)>, AppError> {
        let referring = &case.hospital;
        let Some(answering) = case.answering() else {
            return Ok(vec![(case.referrer.clone(), referring.clone())]);
        };
        let one = |account: Option<&AccountId>, hospital: &HospitalId| {
            account
                .map(|a| (a.clone(), hospital.clone()))
                .into_iter()
                .collect::<Vec<_>>()
        };
        let (hospital, role) = match audience {
            Audience::Referrer => return Ok(one(Some(&case.referrer), referring)),
            Audience::Consultant => return Ok(one(case.consultant.as_ref(), answering)),
            Audience::CoSigner => {
                let waiting = case.awaiting_co_signature();
                let co_signer = waiting.and_then(|a| a.co_signer.as_ref());
                return Ok(one(co_signer, answering));
            }
            Audience::ReferringClinicians => (referring, Role::Clinician),
            Audience::ReferringAdministrators => (referring, Role::Administrator),
            Audience::Coordinators => (answering, Role::Coordinator),
            Audience::AnsweringAdministrators => (answering, Role::Administrator),
        };
        Ok(self
            .people_at(hospital, Some(role))
            .await?
            .into_iter()
            .map(|p| (p.account, hospital.clone()))
            .collect())
    }
}
