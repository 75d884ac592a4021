//! Signing: freeze, sign, seal, and hand everything to the case in one commit.

use agreements::Privilege;
use kernel::{AccountId, HospitalId, Kind, Phi, RecordKey, ResourceId};
use seal::file::Signed as SignedBytes;
use seal::{SealedFile, Trust, Verdict};
use store::{Batch, Precondition};

use super::desk::{check, legal_of};
use super::doc::{Draft, DraftText, Opinion, StampState};
use super::frozen::{Amended, Author, Frozen, Nature, Party};
use super::record::{changes, seen};
use super::stamps::{self, Asked};
use super::thaw;
use crate::accounts::Reauth;
use crate::cases::{Signed, SignedKind};
use crate::docs::{self, Versioned};
use crate::people::Person;
use crate::{App, AppError, Cx};

/// Media type of the frozen document.
pub(crate) const FHIR_JSON: &str = "application/fhir+json";

/// What the author gives when signing.
#[derive(Debug, Clone)]
pub struct SignAsk {
    pub reauth: Reauth,
    /// Needed where the agreement asks for a second signature.
    pub co_signer: Option<AccountId>,
    /// Set for an addendum: the opinion it adds to.
    pub addendum_to: Option<ResourceId>,
    /// The author has seen which entries changed since they began.
    pub seen_changes: bool,
}

impl App {
    /// Signs the draft. Order of refusals: the case's rules, changes not acknowledged, an empty opinion, privilege and
    /// licence, then password and code; nothing is signed before all are met.
    pub async fn sign_opinion(
        &self,
        cx: &Cx,
        case_key: &RecordKey,
        ask: SignAsk,
    ) -> Result<ResourceId, AppError> {
        let (case, own) = self.case_to_answer(cx, case_key).await?;
        let id = self.new_id();
        let kind = match &ask.addendum_to {
            Some(to) => SignedKind::Addendum { to: to.clone() },
            None => SignedKind::Opinion {
                co_signer: ask.co_signer.clone(),
            },
        };
        let signed = Signed {
            opinion: id.clone(),
            kind,
        };
        self.may_answer(cx, case_key, &signed).await?;

        let mut draft = self.draft_of(cx, case_key, &own).await?;
        complete(&mut draft.doc.text, cx)?;
        let records = self.rested_on(cx, &case).await?;
        acknowledged(&draft.doc, &records, ask.seen_changes)?;
        let request = self.request_of(cx, &case).await?;
        let amends = match &ask.addendum_to {
            Some(to) => Some(self.amended(to, &own).await?),
            None => None,
        };
        let person = self.licensed(cx, &own).await?;
        self.reauthenticate(cx, &ask.reauth).await?;

        let frozen = Frozen {
            base: &self.settings().base_url,
            id: &id,
            at: cx.now,
            nature: Nature::Opinion,
            parts: draft.doc.text.parts(),
            language: &draft.doc.text.language,
            answering: self.party(&own),
            referring: self.party(&case.hospital),
            patient: RecordKey::new(
                case.hospital.clone(),
                Kind::new("Patient")?,
                case.patient.clone(),
            ),
            case_number: &case.number,
            author: author(&person)?,
            legal: legal_of(&case),
            amends,
            request: request.as_ref(),
            records: &records,
            report: None,
        };
        let bundle = frozen.bundle();
        let (file, stamp) = self.sign_and_seal(cx, &own, &bundle).await?;
        let doc = Opinion {
            case: case_key.clone(),
            number: case.number.clone(),
            patient: case.patient.clone(),
            hospital: own.clone(),
            author: cx.actor.account.clone(),
            signed: cx.now,
            addendum_to: ask.addendum_to.clone(),
            file: Phi::new(text_of(&file)?),
            co_file: None,
            stamp,
            co_stamp: StampState::default(),
            translations: Vec::new(),
        };
        let mut batch = self.kept_at_own(cx, &doc, &frozen, bundle, &file)?;
        let waits =
            ask.addendum_to.is_none() && case.terms.as_ref().is_some_and(|t| t.needs_co_signature);
        if !waits {
            self.hand_over(&mut batch, &id, doc, &frozen)?;
        }
        if draft.version > 0 {
            batch.delete(draft.key.clone(), Precondition::Any);
        }
        self.record_answer(cx, case_key, &signed, batch).await?;
        Ok(id)
    }

    /// What the answering hospital keeps of what was signed: the document, its parts, and the opinion itself.
    fn kept_at_own(
        &self,
        cx: &Cx,
        doc: &Opinion,
        frozen: &Frozen<'_>,
        bundle: Vec<u8>,
        file: &SealedFile,
    ) -> Result<Batch, AppError> {
        let (own, id) = (&doc.hospital, frozen.id);
        let mut batch = Batch::new(cx.now);
        put(&mut batch, own, "Bundle", id, bundle)?;
        let composition = frozen.composition().to_string();
        put(&mut batch, own, "Composition", id, composition)?;
        let provenance = frozen.provenance(file).to_string();
        put(&mut batch, own, "Provenance", id, provenance)?;
        let opinion = Versioned {
            key: self.doc_key::<Opinion>(own, id),
            version: 0,
            doc: doc.clone(),
        };
        docs::put(&mut batch, &opinion)?;
        Ok(batch)
    }

    /// The second signature, over the same bytes. The opinion goes to the referring hospital with it.
    pub async fn co_sign_opinion(
        &self,
        cx: &Cx,
        case_key: &RecordKey,
        opinion: &ResourceId,
        reauth: Reauth,
    ) -> Result<(), AppError> {
        let (case, own) = self.case_to_answer(cx, case_key).await?;
        let signed = Signed {
            opinion: opinion.clone(),
            kind: SignedKind::CoSignature,
        };
        self.may_answer(cx, case_key, &signed).await?;
        self.licensed(cx, &own).await?;
        let permit = self.system(agreements::SystemPurpose::Decision);
        let mut held = self.need::<Opinion>(&permit, &own, opinion).await?;
        let file = parse(held.doc.file.reveal())?;
        let report = seal::verify(
            held.doc.file.reveal().as_bytes(),
            Some(&self.trust_in(&own).await?),
        );
        if report.verdict != Verdict::Genuine {
            return Err(AppError::rejected(
                "opinion-altered",
                "the opinion does not verify",
            ));
        }
        self.reauthenticate(cx, &reauth).await?;
        let bundle = file.document()?;
        let (second, co_stamp) = self.sign_and_seal(cx, &own, &bundle).await?;
        held.doc.co_stamp = co_stamp;
        held.doc.co_file = Some(Phi::new(text_of(&second)?));

        let zone = self
            .hospital(&case.hospital)
            .map_or(jiff::tz::TimeZone::UTC, |h| h.time_zone());
        let thawed = thaw::thaw(&bundle, &zone)?;
        let patient = RecordKey::new(
            case.hospital.clone(),
            Kind::new("Patient")?,
            case.patient.clone(),
        );
        // Only the referring hospital's entry is made from this; the document itself stays as it was signed.
        let frozen = Frozen {
            base: &self.settings().base_url,
            id: opinion,
            at: held.doc.signed,
            nature: Nature::Opinion,
            parts: Vec::new(),
            language: &thawed.language,
            answering: self.party(&own),
            referring: self.party(&case.hospital),
            patient,
            case_number: &case.number,
            author: Author {
                account: held.doc.author.clone(),
                name: thawed.author_name.clone(),
                role: thawed.role.clone(),
                licence: thawed.licence.clone().unwrap_or_default(),
                licence_issuer: String::new(),
            },
            legal: thawed.legal,
            amends: None,
            request: None,
            records: &[],
            report: None,
        };
        let mut batch = Batch::new(cx.now);
        docs::put(&mut batch, &held)?;
        self.hand_over(&mut batch, opinion, held.doc.clone(), &frozen)?;
        self.record_answer(cx, case_key, &signed, batch).await
    }

    /// Puts the referring hospital's own copy and its entry in the patient's record into the batch.
    fn hand_over(
        &self,
        batch: &mut Batch,
        id: &ResourceId,
        doc: Opinion,
        frozen: &Frozen<'_>,
    ) -> Result<(), AppError> {
        let hospital = doc.case.hospital.clone();
        if hospital != doc.hospital {
            let key = self.doc_key::<Opinion>(&hospital, id);
            let copy = Versioned {
                key,
                version: 0,
                doc,
            };
            docs::put(batch, &copy)?;
        }
        put(
            batch,
            &hospital,
            "DocumentReference",
            id,
            frozen.document_reference().to_string(),
        )
    }

    /// Signs the bytes with the acting person's certificate, has the signature stamped, and seals all for their
    /// hospital. An authority that does not answer holds nothing up.
    pub(crate) async fn sign_and_seal(
        &self,
        cx: &Cx,
        own: &HospitalId,
        bytes: &[u8],
    ) -> Result<(SealedFile, StampState), AppError> {
        let person = self.person_signer(cx).await?;
        let keys = self.hospital_keys(own).await?.doc.0;
        let hospital = keys.signer(&self.node_key)?;
        let revoked = keys.revocation_list(&hospital, cx.now)?;
        let signed = SignedBytes::sign(&person, cx.now, FHIR_JSON, bytes)?;
        let (token, state) = match self.ask_for_stamp(signed.jws()).await {
            Asked::Nobody => (None, StampState::Settled),
            Asked::Stamped(token, stamp) if stamps::fits(&stamp, cx.now) => {
                (Some(token), StampState::Settled)
            }
            Asked::Stamped(..) => {
                tracing::warn!("the time-stamping authority and this node tell different times");
                (None, StampState::Waiting)
            }
            Asked::Later => (None, StampState::Waiting),
        };
        let file = signed.seal(&hospital, &revoked, token.as_deref(), cx.now)?;
        // What is handed out has been verified as its readers will.
        let trust = Trust {
            keys: [(own.clone(), keys.jwks())].into(),
            ..Trust::default()
        };
        let report = seal::verify(&file.to_bytes()?, Some(&trust));
        match report.failed() {
            None => Ok((file, state)),
            Some(check) => Err(AppError::Internal(format!(
                "a fresh signature failed: {:?}",
                check.id
            ))),
        }
    }

    /// The acting person with a licence valid now and the privilege to sign.
    pub(crate) async fn licensed(&self, cx: &Cx, own: &HospitalId) -> Result<Person, AppError> {
        if !cx.actor.may(Privilege::SignOpinion) {
            return Err(AppError::denied("privilege-missing"));
        }
        let person = self
            .person_at(&cx.actor.account, own)
            .await?
            .ok_or(AppError::Unauthenticated)?;
        if person.licence.is_none() {
            return Err(AppError::denied("licence-missing"));
        }
        Ok(person)
    }

    async fn amended(&self, to: &ResourceId, own: &HospitalId) -> Result<Amended, AppError> {
        let permit = self.system(agreements::SystemPurpose::Decision);
        let held = self.need::<Opinion>(&permit, own, to).await?;
        let bytes = parse(held.doc.file.reveal())?.document()?;
        Ok(Amended {
            id: to.clone(),
            digest: super::read::sha256_hex(&bytes),
        })
    }

    pub(crate) fn party(&self, id: &HospitalId) -> Party {
        let name = self
            .hospital(id)
            .map_or_else(|| id.to_string(), |h| h.name("en").to_owned());
        Party {
            id: id.clone(),
            name,
        }
    }
}

pub(crate) fn author(person: &Person) -> Result<Author, AppError> {
    let licence = person
        .licence
        .clone()
        .ok_or_else(|| AppError::denied("licence-missing"))?;
    let role = person.title.clone().unwrap_or_else(|| {
        // A specialty's code in words: `thoracic-surgery`.
        let words = person
            .specialties
            .first()
            .map(|s| s.replace('-', " "))
            .unwrap_or_default();
        let mut letters = words.chars();
        letters.next().map_or_else(String::new, |first| {
            first.to_uppercase().chain(letters).collect()
        })
    });
    Ok(Author {
        account: person.account.clone(),
        name: person.name.clone(),
        role,
        licence: licence.number,
        licence_issuer: licence.issuer,
    })
}

/// An opinion needs a judgement or an advice; the language falls back to the author's.
fn complete(text: &mut DraftText, cx: &Cx) -> Result<(), AppError> {
    check(text)?;
    if text.language.is_empty() {
        text.language = cx.language.tag().into();
    }
    let empty = |t: &Phi<String>| t.reveal().trim().is_empty();
    if empty(&text.assessment) && empty(&text.advice) {
        return Err(AppError::rejected(
            "opinion-empty",
            "an opinion says what you think or advise",
        ));
    }
    Ok(())
}

/// Refuses while the record differs from what the author began with, unless they acknowledge what the page showed.
fn acknowledged(
    draft: &Draft,
    records: &[store::Stored],
    seen_changes: bool,
) -> Result<(), AppError> {
    let now = seen(records);
    let shown = draft.shown == now;
    if draft.base == now || (seen_changes && shown) {
        return Ok(());
    }
    let count = changes(&draft.base, records, &jiff::tz::TimeZone::UTC).len();
    Err(AppError::rejected(
        "record-changed",
        format!("entries: {count}"),
    ))
}

pub(crate) fn text_of(file: &SealedFile) -> Result<String, AppError> {
    String::from_utf8(file.to_bytes()?)
        .map_err(|_| AppError::Internal("a sealed file is text".into()))
}

pub(crate) fn parse(file: &str) -> Result<SealedFile, AppError> {
    Ok(SealedFile::parse(file.as_bytes())?)
}

pub(crate) fn put(
    batch: &mut Batch,
    hospital: &HospitalId,
    kind: &str,
    id: &ResourceId,
    body: impl Into<bytes::Bytes>,
) -> Result<(), AppError> {
    let key = RecordKey::new(hospital.clone(), Kind::new(kind)?, id.clone());
    batch.put_fhir(key, Precondition::Absent, body);
    Ok(())
}
