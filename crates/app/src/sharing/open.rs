//! Opening a link: the PIN, the opening that lasts, and what it lets its holder read.
//!
//! A wrong token, a wrong PIN and a link that is over are refused alike, after the same work.

use agreements::{Actor, ActorKind, Linked, Role, SystemPurpose};
use care::reading::Status;
use jiff::SignedDuration;
use kernel::{AccountId, HospitalId, Instant, Phi, RecordKey, ResourceId};
use store::{Batch, StoreError};

use super::doc::{ImageLink, Opening, by_token};
use super::view::LinkEnd;
use super::{OPENING_S, OPENINGS_AT_ONCE, PIN_FAILURES_MAX};
use crate::accounts::factor::hex;
use crate::accounts::throttle::origin_of;
use crate::audit_entry::{Entry, Verb};
use crate::docs::{self, Versioned};
use crate::readings::doc::{ReadingDoc, of_study};
use crate::records::{kind, patient_key};
use crate::sessions::{self, SessionAsk};
use crate::{App, AppError, Cx, Language};

/// How often a count is tried to be written while others write it too.
const TRIES_MAX: u32 = 16;

/// A link that was opened with its PIN.
#[derive(Debug, Clone)]
pub struct Opened {
    pub hospital: HospitalId,
    pub link: ResourceId,
    /// Of this opening; shown once, to be kept by the browser.
    pub token: String,
}

/// The holder of a link, for one request.
#[derive(Debug, Clone)]
pub struct Guest {
    /// Reads what the link names, and nothing else.
    pub cx: Cx,
    pub link: ResourceId,
    pub study: RecordKey,
    pub patient: RecordKey,
    /// The files may be saved.
    pub download: bool,
    pub until: Instant,
}

fn refused() -> AppError {
    AppError::rejected("link-closed", "this link and PIN open nothing")
}

impl App {
    /// Opens a link with its PIN. The opening is counted and written down before this returns.
    pub async fn open_link(
        &self,
        token: &str,
        pin: Phi<String>,
        ask: SessionAsk,
    ) -> Result<Opened, AppError> {
        let now = self.now();
        let origin = origin_of(ask.peer.as_deref());
        let hash = hex(&seal::token::token_hash(token));
        let name = format!("link {hash}");
        self.admit(&name, &origin, now).await?;
        let found = match self.link_of_token(&hash).await? {
            Some(link) if self.is_good(&link.doc, now).await? => self.count_try(link, now).await?,
            _ => None,
        };
        let phc = found.as_ref().map(|l| l.doc.pin.clone());
        let right = self.gate.verify(pin, phc, self.entropy.clone()).await?;
        let Some(link) = found.filter(|_| right) else {
            self.failed(&name, &origin, now).await?;
            return Err(refused());
        };
        let opened = self.begin_opening(link, ask, now).await?;
        self.forgive(&name).await?;
        Ok(opened)
    }

    async fn link_of_token(&self, hash: &str) -> Result<Option<Versioned<ImageLink>>, AppError> {
        let permit = self.system(SystemPurpose::Authentication);
        let found = self
            .find::<ImageLink>(&permit, None, vec![by_token(hash)], None, 1, false)
            .await?;
        Ok(found.into_iter().next())
    }

    /// Counts a try before the PIN is looked at, so that tries made at once are as many as tries made in turn. None when
    /// it was one too many.
    async fn count_try(
        &self,
        mut link: Versioned<ImageLink>,
        now: Instant,
    ) -> Result<Option<Versioned<ImageLink>>, AppError> {
        let permit = self.system(SystemPurpose::Authentication);
        for _ in 0..TRIES_MAX {
            if link.doc.end_at(now).is_some() {
                return Ok(None);
            }
            link.doc.failures += 1;
            let mut batch = Batch::new(now);
            if link.doc.failures > PIN_FAILURES_MAX {
                link.doc.ended = Some((now, LinkEnd::Locked));
                link.doc.lasting.clear();
                let cx = self.job_cx();
                let custodian = &link.doc.study.hospital;
                let entry = Entry {
                    patient: Some((custodian, &link.doc.patient)),
                    denied: true,
                    ..Entry::of(Verb::Update, "study.link.locked", &link.doc.study)
                };
                batch.audit.push(cx.audit(custodian, &entry));
                batch.event("study.link.locked", &link.doc.study, "{}");
            }
            docs::put(&mut batch, &link)?;
            match self.store.commit(batch).await {
                Ok(_) if link.doc.ended.is_some() => return Ok(None),
                Ok(_) => {
                    let (hospital, id) = (&link.key.hospital, &link.key.id);
                    return self.load::<ImageLink>(&permit, hospital, id).await;
                }
                Err(StoreError::Precondition { .. }) => {
                    let (hospital, id) = (link.key.hospital.clone(), link.key.id.clone());
                    link = self.need::<ImageLink>(&permit, &hospital, &id).await?;
                }
                Err(e) => return Err(e.into()),
            }
        }
        Err(AppError::RateLimited { retry_after_s: 2 })
    }

    async fn begin_opening(
        &self,
        mut link: Versioned<ImageLink>,
        ask: SessionAsk,
        now: Instant,
    ) -> Result<Opened, AppError> {
        let token = seal::token::new_token(&*self.entropy);
        let lasts = now
            .checked_add(SignedDuration::from_secs(OPENING_S))
            .unwrap_or(now);
        let opening = Opening {
            hash: hex(&seal::token::token_hash(&token)),
            until: lasts.min(link.doc.until),
        };
        let permit = self.system(SystemPurpose::Authentication);
        for _ in 0..TRIES_MAX {
            let doc = &mut link.doc;
            if doc.end_at(now).is_some() {
                return Err(refused());
            }
            doc.failures = 0;
            doc.openings = doc.openings.saturating_add(1);
            doc.last = Some(now);
            doc.lasting.retain(|o| now < o.until);
            if doc.lasting.len() >= OPENINGS_AT_ONCE {
                doc.lasting.remove(0);
            }
            doc.lasting.push(opening.clone());
            let cx = self.guest_cx(&link, &ask, now, Vec::new())?;
            match self
                .commit_link_of(&cx, &link, Verb::Read, "study.link.read")
                .await
            {
                Ok(()) => {
                    return Ok(Opened {
                        hospital: link.key.hospital,
                        link: link.key.id,
                        token,
                    });
                }
                Err(AppError::Conflict) => {
                    let (hospital, id) = (link.key.hospital.clone(), link.key.id.clone());
                    link = self.need::<ImageLink>(&permit, &hospital, &id).await?;
                }
                Err(e) => return Err(e),
            }
        }
        Err(AppError::RateLimited { retry_after_s: 2 })
    }

    /// The holder of an opening that lasts, or `NotFound`: whatever is wrong with it is told alike.
    pub async fn guest(
        &self,
        hospital: &HospitalId,
        link: &ResourceId,
        token: &str,
        ask: SessionAsk,
    ) -> Result<Guest, AppError> {
        let now = self.now();
        let permit = self.system(SystemPurpose::Authentication);
        let found = self.need::<ImageLink>(&permit, hospital, link).await?;
        let hash = hex(&seal::token::token_hash(token));
        let lasts = |o: &Opening| o.hash == hash && now < o.until;
        if !found.doc.lasting.iter().any(lasts) || !self.is_good(&found.doc, now).await? {
            return Err(AppError::NotFound);
        }
        let reports = self.final_readings(&found.doc.study).await?;
        let cx = self.guest_cx(&found, &ask, now, reports)?;
        Ok(Guest {
            cx,
            link: found.key.id,
            study: found.doc.study.clone(),
            patient: patient_key(&found.doc.study.hospital, &found.doc.patient),
            download: found.doc.download,
            until: found.doc.until,
        })
    }

    /// Leaves: the opening lasts no longer.
    pub async fn leave_link(
        &self,
        hospital: &HospitalId,
        link: &ResourceId,
        token: &str,
    ) -> Result<(), AppError> {
        let permit = self.system(SystemPurpose::Authentication);
        let Some(mut found) = self.load::<ImageLink>(&permit, hospital, link).await? else {
            return Ok(());
        };
        let hash = hex(&seal::token::token_hash(token));
        found.doc.lasting.retain(|o| o.hash != hash);
        let mut batch = Batch::new(self.now());
        docs::put(&mut batch, &found)?;
        match self.store.commit(batch).await {
            // Somebody else opened it this moment; what is left of this opening ends by its own clock.
            Ok(_) | Err(StoreError::Precondition { .. }) => Ok(()),
            Err(e) => Err(e.into()),
        }
    }

    async fn is_good(&self, link: &ImageLink, now: Instant) -> Result<bool, AppError> {
        Ok(link.end_at(now).is_none() && self.link_stands(link, now).await?)
    }

    /// Whether whoever made the link could still read the study themselves, and its consent stands.
    pub(super) async fn link_stands(
        &self,
        link: &ImageLink,
        now: Instant,
    ) -> Result<bool, AppError> {
        let account = self
            .load_account(&link.maker.account)
            .await?
            .filter(|a| a.doc.is_open());
        let Some(account) = account else {
            return Ok(false);
        };
        let maker = sessions::actor(&account.doc, link.maker.hospital.as_ref(), None, now);
        let may = match &link.maker.hospital {
            None => {
                let mut links = maker.links_to(&link.study.hospital, &link.patient);
                links.any(|l| l.consents)
            }
            Some(_) => maker.has(Role::Clinician) || maker.has(Role::Consultant),
        };
        if !may {
            return Ok(false);
        }
        if let Some(consent) = &link.consent
            && !self.consent_stands(link, consent, now).await?
        {
            return Ok(false);
        }
        let permit = agreements::Permit::of(&maker, now);
        let study = self.store.get(&permit, &link.study, None).await?;
        // A study that a correction gave to somebody else is not what was handed out.
        Ok(study.is_some_and(|s| !s.deleted && s.patient.as_ref() == Some(&link.patient)))
    }

    /// Readings of a study that ended in a final report: their DiagnosticReports bear their ids.
    pub(crate) async fn final_readings(
        &self,
        study: &RecordKey,
    ) -> Result<Vec<ResourceId>, AppError> {
        let permit = self.system(SystemPurpose::Decision);
        let by = vec![of_study(study)];
        let found = self
            .find::<ReadingDoc>(&permit, None, by, None, 50, false)
            .await?;
        Ok(found
            .into_iter()
            .filter(|d| d.doc.reading.status() == Status::Final)
            .map(|d| d.key.id)
            .collect())
    }

    fn guest_cx(
        &self,
        link: &Versioned<ImageLink>,
        ask: &SessionAsk,
        now: Instant,
        reports: Vec<ResourceId>,
    ) -> Result<Cx, AppError> {
        let doc = &link.doc;
        let custodian = &doc.study.hospital;
        let mut only = vec![(doc.study.kind.clone(), doc.study.id.clone())];
        // Who the patient is stands on the images and the report: a doctor makes sure of it.
        only.push((kind("Patient"), doc.patient.clone()));
        only.extend(reports.into_iter().map(|r| (kind("DiagnosticReport"), r)));
        let zone = self
            .hospital(custodian)
            .map_or(jiff::tz::TimeZone::UTC, |h| h.time_zone());
        Ok(Cx {
            actor: Actor {
                account: AccountId::new(format!("link-{}", link.key.id))?,
                kind: ActorKind::Patient,
                hospital: None,
                roles: Default::default(),
                privileges: Default::default(),
                linked: vec![Linked {
                    only: Some(only),
                    consents: false,
                    ..Linked::whole(custodian.clone(), doc.patient.clone())
                }],
            },
            name: format!("{} ({})", doc.to.reveal(), doc.maker.name),
            language: Language::default(),
            zone,
            channel: ask.channel,
            now,
            request: ask.request.clone(),
            peer: ask.peer.clone(),
            second_factor: false,
        })
    }
}
