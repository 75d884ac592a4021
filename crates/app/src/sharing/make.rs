//! Making links, seeing them, taking them back.

use agreements::border::Purpose;
use agreements::{ActorKind, RecordClass, Role, SystemPurpose, consent};
use jiff::SignedDuration;
use kernel::{HospitalId, Phi, RecordKey, ResourceId};
use store::{Batch, Lookup, Stored};

use super::doc::{ImageLink, Maker};
use super::view::{LinkEnd, LinkLine, MadeLink, SharingGround};
use super::{LINK_HOURS, LINKS_MAX, NAME_CHARS_MAX, PIN_DIGITS};
use crate::accounts::factor::hex;
use crate::audit_entry::{Entry, Verb};
use crate::border::{BorderAsk, Recipient};
use crate::docs::{self, Versioned};
use crate::{App, AppError, Cx};

/// What the one who hands a study out says.
#[derive(Debug, Clone, Default)]
pub struct NewLink {
    /// Whom it is for.
    pub to: Phi<String>,
    /// The country they work in (ISO 3166-1 alpha-2). A clinician says it: what leaves the country passes the border's rules.
    pub country: Option<String>,
    /// Why it crosses a border; not asked within one country.
    pub purpose: Option<Purpose>,
    /// One of [`LINK_HOURS`].
    pub hours: u32,
    pub download: bool,
}

impl App {
    /// Whether the caller may hand this study out, and on what. Refused with the reason where not.
    pub async fn may_share(&self, cx: &Cx, study: &RecordKey) -> Result<SharingGround, AppError> {
        let (_, ground) = self.shareable(cx, study).await?;
        Ok(ground)
    }

    async fn shareable(
        &self,
        cx: &Cx,
        study: &RecordKey,
    ) -> Result<(Stored, SharingGround), AppError> {
        if study.kind.as_str() != "ImagingStudy" {
            return Err(AppError::NotFound);
        }
        let stored = self
            .store
            .get(&cx.permit(), study, None)
            .await?
            .filter(|s| !s.deleted)
            .ok_or(AppError::NotFound)?;
        // A study that nobody has matched to a patient is nobody's to hand out.
        let patient = stored.patient.clone().ok_or(AppError::NotFound)?;
        if cx.actor.kind == ActorKind::Patient {
            let mut links = cx.actor.links_to(&study.hospital, &patient);
            return if links.any(|l| l.consents) {
                Ok((stored, SharingGround::Own))
            } else {
                Err(AppError::denied("link-proxy"))
            };
        }
        let treats = cx.actor.has(Role::Clinician) || cx.actor.has(Role::Consultant);
        if cx.hospital()? != &study.hospital || !treats {
            return Err(AppError::denied("link-own-hospital"));
        }
        let found = self
            .consent_to_share(&study.hospital, &patient, stored.class, false, cx.now)
            .await?;
        let consent = found.ok_or_else(|| AppError::denied("link-no-consent"))?;
        Ok((stored, SharingGround::Consent(consent)))
    }

    /// A consent in force that names no hospital and covers this class; where it goes abroad, one that says so if there is one.
    async fn consent_to_share(
        &self,
        custodian: &HospitalId,
        patient: &ResourceId,
        class: RecordClass,
        abroad: bool,
        now: kernel::Instant,
    ) -> Result<Option<ResourceId>, AppError> {
        let all = self.consents_for(custodian, patient).await?;
        let covers = |c: &agreements::ConsentRow| {
            c.grantee.is_none()
                && c.from <= now
                && now < c.until
                && c.class.map_or(!class.is_sensitive(), |c| c == class)
        };
        let rows = all.iter().flat_map(consent::compile);
        let mut rows: Vec<_> = rows.filter(covers).collect();
        rows.sort_by_key(|c| abroad && !c.across_border);
        Ok(rows.into_iter().next().map(|c| c.consent))
    }

    /// Whether a consent still stands that a link rests on.
    pub(super) async fn consent_stands(
        &self,
        link: &ImageLink,
        consent: &ResourceId,
        now: kernel::Instant,
    ) -> Result<bool, AppError> {
        let all = self
            .consents_for(&link.study.hospital, &link.patient)
            .await?;
        let rows = all.iter().flat_map(consent::compile);
        Ok(rows
            .into_iter()
            .any(|c| c.consent == *consent && c.from <= now && now < c.until))
    }

    /// Makes a link. Its address and PIN are told once and kept nowhere.
    pub async fn share_study(
        &self,
        cx: &Cx,
        study: &RecordKey,
        new: NewLink,
    ) -> Result<MadeLink, AppError> {
        let (stored, ground) = self.shareable(cx, study).await?;
        let to = Phi::new(new.to.reveal().trim().to_owned());
        if to.reveal().is_empty() {
            return Err(AppError::invalid("to", "missing", "whom it is for"));
        }
        if to.reveal().chars().count() > NAME_CHARS_MAX {
            return Err(AppError::invalid("to", "too-long", "the name is too long"));
        }
        if !LINK_HOURS.contains(&new.hours) {
            return Err(AppError::invalid("hours", "missing", "how long"));
        }
        let country = country(&ground, new.country)?;
        let mut consent = match ground {
            SharingGround::Own => None,
            SharingGround::Consent(id) => Some(id),
        };
        let patient = stored.patient.clone().ok_or(AppError::NotFound)?;
        let home = self
            .hospital(&study.hospital)
            .map(|h| h.jurisdiction.clone());
        if country.is_some() && country != home {
            let found =
                self.consent_to_share(&study.hospital, &patient, stored.class, true, cx.now);
            consent = found.await?.or(consent);
        }
        let good = self.links_of_study(study).await?;
        let good = good
            .iter()
            .filter(|l| l.doc.end_at(cx.now).is_none())
            .count();
        if good >= LINKS_MAX {
            return Err(AppError::TooMuch("links of one study"));
        }
        let token = seal::token::new_token(&*self.entropy);
        let pin = self.new_pin();
        let until = cx
            .now
            .checked_add(SignedDuration::from_hours(i64::from(new.hours)))
            .map_err(|_| AppError::Internal("the end of a link".into()))?;
        let link = Versioned {
            key: self.doc_key::<ImageLink>(&study.hospital, &self.new_id()),
            version: 0,
            doc: ImageLink {
                study: study.clone(),
                patient,
                maker: Maker {
                    account: cx.actor.account.clone(),
                    name: cx.name.clone(),
                    hospital: cx.actor.hospital.clone(),
                },
                to,
                country,
                token: hex(&seal::token::token_hash(&token)),
                pin: self.gate.hash(pin.clone(), self.entropy.clone()).await?,
                made: cx.now,
                until,
                download: new.download,
                consent,
                openings: 0,
                last: None,
                failures: 0,
                ended: None,
                lasting: Vec::new(),
            },
        };
        let mut batch = Batch::new(cx.now);
        if let Some(country) = &link.doc.country {
            self.link_leaves(cx, &mut batch, &link, country, stored.class, new.purpose)
                .await?;
        }
        self.commit_link_with(cx, batch, &link, Verb::Create, "study.link.made")
            .await?;
        Ok(MadeLink {
            id: link.key.id,
            token,
            pin,
            until,
        })
    }

    fn new_pin(&self) -> Phi<String> {
        let mut bytes = [0; 8];
        self.entropy.fill(&mut bytes);
        // 2^64 is so much more than 10^6 that no PIN is likelier than another by a part in a million million.
        let n = u64::from_be_bytes(bytes) % 10u64.pow(PIN_DIGITS as u32);
        Phi::new(format!("{n:0width$}", width = PIN_DIGITS))
    }

    /// What a clinician hands out passes the gate, if the doctor works in another jurisdiction: the patient's separate consent
    /// and the ledger, as for a case that crosses. Within one jurisdiction nothing is done.
    async fn link_leaves(
        &self,
        cx: &Cx,
        batch: &mut Batch,
        link: &Versioned<ImageLink>,
        country: &str,
        class: RecordClass,
        purpose: Option<Purpose>,
    ) -> Result<(), AppError> {
        // Who the patient is stands on images and report.
        let classes = [class, RecordClass::Demographics].into_iter().collect();
        let ask = BorderAsk {
            custodian: link.doc.study.hospital.clone(),
            recipient: Recipient::Doctor {
                country: country.to_owned(),
                link: link.key.id.clone(),
            },
            patient: link.doc.patient.clone(),
            case: None,
            consent: link.doc.consent.clone(),
            purpose,
            classes,
            chosen: classes,
        };
        self.cross_border(cx, batch, &ask).await
    }

    /// Writes a link with what was done to it.
    pub(super) async fn commit_link_of(
        &self,
        cx: &Cx,
        link: &Versioned<ImageLink>,
        verb: Verb,
        action: &str,
    ) -> Result<(), AppError> {
        self.commit_link_with(cx, Batch::new(cx.now), link, verb, action)
            .await
    }

    async fn commit_link_with(
        &self,
        cx: &Cx,
        mut batch: Batch,
        link: &Versioned<ImageLink>,
        verb: Verb,
        action: &str,
    ) -> Result<(), AppError> {
        docs::put(&mut batch, link)?;
        let custodian = &link.doc.study.hospital;
        let subjects = [link.doc.study.clone(), link.key.clone()];
        let ground = link.doc.consent.as_ref().map(|c| format!("consent {c}"));
        let entry = Entry {
            verb,
            action,
            subjects: &subjects,
            patient: Some((custodian, &link.doc.patient)),
            ground: ground.as_deref(),
            denied: false,
        };
        batch.audit.push(cx.audit(custodian, &entry));
        batch.event(action, &link.doc.study, "{}");
        self.store.commit(batch).await?;
        Ok(())
    }

    async fn links_of_study(
        &self,
        study: &RecordKey,
    ) -> Result<Vec<Versioned<ImageLink>>, AppError> {
        let permit = self.system(SystemPurpose::Decision);
        let by = vec![Lookup::new("study", study.id.as_str())];
        self.find(&permit, Some(&study.hospital), by, None, 200, true)
            .await
    }

    /// The links of a study, newest first: for its patient, and for clinicians of the hospital that keeps it.
    pub async fn study_links(&self, cx: &Cx, study: &RecordKey) -> Result<Vec<LinkLine>, AppError> {
        self.may_see_links(cx, study).await?;
        let mut lines = Vec::new();
        for link in self.links_of_study(study).await? {
            let mut end = link.doc.end_at(cx.now);
            if end.is_none() && !self.link_stands(&link.doc, cx.now).await? {
                end = Some(LinkEnd::Ground);
            }
            lines.push(LinkLine {
                id: link.key.id,
                to: link.doc.to,
                country: link.doc.country,
                by: link.doc.maker.name,
                by_patient: link.doc.maker.hospital.is_none(),
                made: link.doc.made,
                until: link.doc.until,
                download: link.doc.download,
                openings: link.doc.openings,
                last: link.doc.last,
                end,
            });
        }
        Ok(lines)
    }

    async fn may_see_links(&self, cx: &Cx, study: &RecordKey) -> Result<(), AppError> {
        let own = cx.actor.kind == ActorKind::Patient
            || cx.actor.hospital.as_ref() == Some(&study.hospital);
        let readable = self.store.get(&cx.permit(), study, None).await?;
        if !own || readable.is_none_or(|s| s.deleted) {
            return Err(AppError::NotFound);
        }
        Ok(())
    }

    /// Takes a link back: the patient any of their studies', a clinician those of the hospital that keeps the study.
    pub async fn end_study_link(
        &self,
        cx: &Cx,
        study: &RecordKey,
        link: &ResourceId,
    ) -> Result<(), AppError> {
        self.may_see_links(cx, study).await?;
        let permit = self.system(SystemPurpose::Decision);
        let mut found = self
            .need::<ImageLink>(&permit, &study.hospital, link)
            .await?;
        if found.doc.study != *study {
            return Err(AppError::NotFound);
        }
        if found.doc.ended.is_some() {
            return Ok(());
        }
        found.doc.ended = Some((cx.now, LinkEnd::Revoked));
        found.doc.lasting.clear();
        self.commit_link_of(cx, &found, Verb::Update, "study.link.ended")
            .await
    }
}

/// The country that is named: by a clinician always, by the patient never; where they take their own images is theirs.
fn country(ground: &SharingGround, named: Option<String>) -> Result<Option<String>, AppError> {
    if *ground == SharingGround::Own {
        return Ok(None);
    }
    let code = named.unwrap_or_default().trim().to_ascii_uppercase();
    if code.len() == 2 && code.bytes().all(|b| b.is_ascii_uppercase()) {
        Ok(Some(code))
    } else {
        Err(AppError::invalid("country", "missing", "which country"))
    }
}

impl ImageLink {
    /// Why it is good no more, as far as it knows by itself.
    pub(crate) fn end_at(&self, now: kernel::Instant) -> Option<LinkEnd> {
        match &self.ended {
            Some((_, why)) => Some(*why),
            None => (self.until <= now).then_some(LinkEnd::Expired),
        }
    }
}
