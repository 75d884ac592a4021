//! Reading, verifying, keeping and translating signed opinions.

use agreements::{ActorKind, SystemPurpose};
use kernel::limits::TEXT_CHARS_MAX;
use kernel::{HospitalId, Phi, RecordKey, ResourceId};
use seal::{Report, Trust};
use sha2::{Digest, Sha256};
use store::Batch;

use super::doc::{Opinion, StampState, Translation};
use super::view::{CoSigner, OpinionView, RestedOn, SectionView, TranslationAsk, TranslationView};
use super::{PARTS, TRANSLATIONS_MAX, sign, thaw};
use crate::audit_entry::{Entry, Verb};
use crate::docs::{self, Versioned};
use crate::{App, AppError, Cx};

pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect()
}

impl App {
    /// A signed opinion as its bytes say, verified now against the answering hospital's keys. The access is written
    /// down before anything is returned.
    pub async fn opinion(
        &self,
        cx: &Cx,
        case_key: &RecordKey,
        opinion: &ResourceId,
    ) -> Result<OpinionView, AppError> {
        let held = self.opinion_held(cx, case_key, opinion).await?;
        self.opinion_audit(cx, &held, "opinion.read").await?;
        self.opinion_view(cx, &held).await
    }

    /// The sealed file, to keep and to verify anywhere: its name without extension, and its exact bytes.
    pub async fn opinion_file(
        &self,
        cx: &Cx,
        case_key: &RecordKey,
        opinion: &ResourceId,
    ) -> Result<Vec<u8>, AppError> {
        let held = self.opinion_held(cx, case_key, opinion).await?;
        self.opinion_audit(cx, &held, "opinion.saved").await?;
        Ok(held.doc.file.into_inner().into_bytes())
    }

    /// The time-stamp token that came after sealing and stands beside the file; `NotFound` where there is none.
    pub async fn opinion_time_stamp(
        &self,
        cx: &Cx,
        case_key: &RecordKey,
        opinion: &ResourceId,
    ) -> Result<Vec<u8>, AppError> {
        let held = self.opinion_held(cx, case_key, opinion).await?;
        let token = held.doc.stamp.token().ok_or(AppError::NotFound)?;
        self.opinion_audit(cx, &held, "opinion.saved").await?;
        Ok(token)
    }

    /// Attaches a translation, beside the original and outside the signature. Clinical staff of either hospital may;
    /// the translator is named.
    pub async fn translate_opinion(
        &self,
        cx: &Cx,
        case_key: &RecordKey,
        opinion: &ResourceId,
        ask: TranslationAsk,
    ) -> Result<(), AppError> {
        cx.require_clinical()?;
        let held = self.opinion_held(cx, case_key, opinion).await?;
        check_translation(&ask)?;
        let translation = Translation {
            language: ask.language,
            translator: ask.machine.unwrap_or_else(|| cx.name.clone()),
            by: cx.actor.account.clone(),
            at: cx.now,
            sections: ask.sections,
        };
        let permit = self.system(SystemPurpose::Decision);
        let mut batch = Batch::new(cx.now);
        let mut tenants = vec![held.doc.hospital.clone(), held.doc.case.hospital.clone()];
        tenants.dedup();
        for tenant in tenants {
            let Some(mut copy) = self.load::<Opinion>(&permit, &tenant, opinion).await? else {
                continue;
            };
            copy.doc
                .translations
                .retain(|t| t.language != translation.language);
            if copy.doc.translations.len() >= TRANSLATIONS_MAX {
                return Err(AppError::TooMuch("translations of one opinion"));
            }
            copy.doc.translations.push(translation.clone());
            docs::put(&mut batch, &copy)?;
            batch
                .audit
                .push(cx.audit(&tenant, &entry(&held, "opinion.translated", Verb::Update)));
        }
        batch.event("opinion.translated", case_key, "{}");
        self.store.commit(batch).await?;
        Ok(())
    }

    /// The reader's hospital's copy of an opinion of a case they may know. A patient reads the copy of their hospital
    /// once it was issued.
    pub(crate) async fn opinion_held(
        &self,
        cx: &Cx,
        case_key: &RecordKey,
        opinion: &ResourceId,
    ) -> Result<Versioned<Opinion>, AppError> {
        let case = self.case_doc(cx, case_key).await?.doc.case;
        let answer = case
            .answers
            .iter()
            .find(|a| a.opinion == *opinion)
            .ok_or(AppError::NotFound)?;
        let tenant: &HospitalId = match (&cx.actor.kind, &cx.actor.hospital) {
            (ActorKind::Patient, _) | (_, None) => &case.hospital,
            (_, Some(own)) => own,
        };
        // Before it is issued it is the answering hospital's alone.
        if answer.issued.is_none() && *tenant != answer.hospital {
            return Err(AppError::NotFound);
        }
        let permit = self.system(SystemPurpose::Decision);
        self.need::<Opinion>(&permit, tenant, opinion).await
    }

    /// Writes down that someone read an opinion: in the patient's hospital's chain, and in the reader's own.
    pub(crate) async fn opinion_audit(
        &self,
        cx: &Cx,
        held: &Versioned<Opinion>,
        action: &str,
    ) -> Result<(), AppError> {
        let custodian = &held.doc.case.hospital;
        let mut chains = vec![custodian.clone()];
        chains.extend(cx.actor.hospital.clone().filter(|own| own != custodian));
        let mut batch = Batch::new(cx.now);
        for chain in &chains {
            batch
                .audit
                .push(cx.audit(chain, &entry(held, action, Verb::Read)));
        }
        self.store.commit(batch).await?;
        Ok(())
    }

    pub(crate) async fn opinion_view(
        &self,
        cx: &Cx,
        held: &Versioned<Opinion>,
    ) -> Result<OpinionView, AppError> {
        let doc = &held.doc;
        let trust = self.trust_in(&doc.hospital).await?;
        let text = doc.file.reveal();
        let later = doc.stamp.token();
        let report = seal::verify_with(text.as_bytes(), Some(&trust), later.as_deref());
        let (bytes, mut said) = self.thawed(text, &doc.case.hospital)?;
        // Newest first; what has no date last.
        said.record.sort_by(|a, b| {
            b.date
                .cmp(&a.date)
                .then_with(|| a.title.reveal().cmp(b.title.reveal()))
        });
        let section = |code: &str, text: &Phi<String>, language: &str| SectionView {
            code: code.into(),
            text: text.clone(),
            language: language.into(),
        };
        let translations = doc.translations.iter().map(|t| TranslationView {
            language: t.language.clone(),
            translator: t.translator.clone(),
            at: t.at,
            sections: t
                .sections
                .iter()
                .map(|(c, text)| section(c, text, &t.language))
                .collect(),
        });
        Ok(OpinionView {
            id: held.key.id.clone(),
            hospital: self.hospital_line(cx, &doc.hospital),
            sections: said
                .parts
                .iter()
                .map(|(c, text)| section(c, text, &said.language))
                .collect(),
            author: doc.author.clone(),
            author_name: said.author_name,
            role: said.role,
            licence: said.licence,
            responsible: said.responsible,
            legal: said.legal,
            signed: report.facts.as_ref().map_or(doc.signed, |f| f.signed_at),
            sealed: report.facts.as_ref().map_or(doc.signed, |f| f.sealed_at),
            co_signer: doc
                .co_file
                .as_ref()
                .and_then(|f| co_signer(f.reveal(), &trust, &doc.co_stamp)),
            addendum_to: said.amends.map(|(id, _)| id),
            record: said
                .record
                .into_iter()
                .map(|line| RestedOn {
                    custodian: self.hospital_line(cx, &line.key.hospital),
                    key: line.key,
                    version: line.version,
                    title: line.title,
                    date: line.date,
                })
                .collect(),
            report,
            digest: sha256_hex(&bytes),
            translations: translations.collect(),
        })
    }

    /// The signed bytes in a sealed file and what they say, days in the zone of the hospital that keeps the record.
    pub(crate) fn thawed(
        &self,
        file: &str,
        custodian: &HospitalId,
    ) -> Result<(Vec<u8>, thaw::Thawed), AppError> {
        let bytes = sign::parse(file)?
            .document()
            .map_err(|e| AppError::Internal(format!("sealed file: {e}")))?;
        let zone = self
            .hospital(custodian)
            .map_or(jiff::tz::TimeZone::UTC, |h| h.time_zone());
        let said = thaw::thaw(&bytes, &zone)?;
        Ok((bytes, said))
    }

    /// The keys and the newest revocations of a hospital, to verify what it sealed.
    pub(crate) async fn trust_in(&self, hospital: &HospitalId) -> Result<Trust, AppError> {
        let keys = self.hospital_keys(hospital).await?.doc.0;
        let mut trust = Trust {
            keys: [(hospital.clone(), keys.jwks())].into(),
            time_roots: self.time_roots(),
            ..Trust::default()
        };
        // A hospital whose key was revoked and not replaced has none to sign a list with.
        if let Ok(signer) = keys.signer(&self.node_key)
            && let Ok(list) = keys.revocation_list(&signer, self.now())
        {
            trust.revocations.insert(hospital.clone(), list);
        }
        Ok(trust)
    }

    fn time_roots(&self) -> Vec<Vec<u8>> {
        let settings = self.settings.time_stamp.as_ref();
        settings.map_or_else(Vec::new, |s| s.roots.clone())
    }

    /// Verifies a sealed file that somebody brings, against the keys of this node's hospitals. Shows nothing of its
    /// content. `later`: a time-stamp token that came after sealing.
    pub async fn verify_sealed(
        &self,
        file: &[u8],
        later: Option<&[u8]>,
    ) -> Result<Report, AppError> {
        let hospital = seal::SealedFile::parse(file).and_then(|f| f.claimed_hospital());
        match hospital {
            Ok(id) if self.hospital(&id).is_some() => {
                let trust = self.trust_in(&id).await?;
                Ok(seal::verify_with(file, Some(&trust), later))
            }
            _ => Ok(seal::verify_with(file, None, later)),
        }
    }
}

pub(super) fn entry<'a>(held: &'a Versioned<Opinion>, action: &'a str, verb: Verb) -> Entry<'a> {
    Entry {
        patient: Some((&held.doc.case.hospital, &held.doc.patient)),
        ..Entry::of(verb, action, &held.key)
    }
}

fn co_signer(file: &str, trust: &Trust, stamp: &StampState) -> Option<CoSigner> {
    let later = stamp.token();
    let report = seal::verify_with(file.as_bytes(), Some(trust), later.as_deref());
    let facts = report.facts.clone()?;
    Some(CoSigner {
        name: facts.signer,
        licence: facts.licence,
        signed: facts.signed_at,
        report,
    })
}

fn check_translation(ask: &TranslationAsk) -> Result<(), AppError> {
    let tag_ok = (2..=35).contains(&ask.language.len())
        && ask
            .language
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if !tag_ok {
        return Err(AppError::invalid(
            "language",
            "language",
            "not a language tag",
        ));
    }
    let known = ask
        .sections
        .iter()
        .all(|(code, _)| PARTS.contains(&code.as_str()));
    if !known || ask.sections.is_empty() {
        return Err(AppError::invalid(
            "sections",
            "parts",
            "not the parts of an opinion",
        ));
    }
    for (code, text) in &ask.sections {
        if text.reveal().trim().is_empty() || text.reveal().chars().count() > TEXT_CHARS_MAX {
            return Err(AppError::invalid(code.clone(), "text", "empty or too long"));
        }
    }
    Ok(())
}
