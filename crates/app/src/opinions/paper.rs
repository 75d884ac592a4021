//! The opinion as a PDF, in the reader's language, drawn from the signed bytes.

use fhir::views;
use kernel::{RecordKey, ResourceId};
use print::{
    Amends, Character, Identifier, Institution, Language, Letter, Patient, Recipient, RecordItem,
    Section, SectionPart, Sex, Signature, Text, Translation,
};

use super::doc::Opinion;
use super::view::{CoSigner, Legal, OpinionView};
use crate::docs::Versioned;
use crate::{App, AppError, Cx};

/// Languages a letter can be printed in: tag and the language's own name.
pub const PRINT_LANGUAGES: [(&str, &str); 6] = [
    (Language::English.tag(), Language::English.own_name()),
    (Language::Chinese.tag(), Language::Chinese.own_name()),
    (Language::Russian.tag(), Language::Russian.own_name()),
    (Language::Arabic.tag(), Language::Arabic.own_name()),
    (Language::Uyghur.tag(), Language::Uyghur.own_name()),
    (Language::Kazakh.tag(), Language::Kazakh.own_name()),
];

/// A letter as a PDF, printed now by the reader's clock.
pub(crate) async fn printed(cx: &Cx, letter: Letter) -> Result<Vec<u8>, AppError> {
    let at = cx.now.to_zoned(cx.zone.clone());
    let printed = tokio::task::spawn_blocking(move || print::letter(&letter, &at))
        .await
        .map_err(|_| AppError::Internal("printing was cut off".into()))?
        .map_err(|e| AppError::Internal(e.to_string()))?;
    Ok(printed.pdf)
}

impl App {
    /// The opinion as a letter. `language` is one of [`PRINT_LANGUAGES`]; texts stand as they were signed, with the
    /// translation into that language beside them where there is one.
    pub async fn opinion_pdf(
        &self,
        cx: &Cx,
        case_key: &RecordKey,
        opinion: &ResourceId,
        language: &str,
    ) -> Result<Vec<u8>, AppError> {
        let language = Language::from_tag(language).ok_or_else(|| {
            AppError::invalid("language", "language", "no letter in this language")
        })?;
        let held = self.opinion_held(cx, case_key, opinion).await?;
        self.opinion_audit(cx, &held, "opinion.printed").await?;
        // Hospitals are named in the letter's language where they have a name in it.
        let mut cx = cx.clone();
        cx.language = crate::Language::from_tag(language.tag()).unwrap_or_default();
        let cx = &cx;
        let view = self.opinion_view(cx, &held).await?;
        if view.report.facts.is_none() {
            return Err(AppError::rejected(
                "opinion-altered",
                "the opinion does not verify",
            ));
        }
        let letter = self.letter(cx, &held, &view, language).await?;
        printed(cx, letter).await
    }

    async fn letter(
        &self,
        cx: &Cx,
        held: &Versioned<Opinion>,
        view: &OpinionView,
        language: Language,
    ) -> Result<Letter, AppError> {
        let doc = &held.doc;
        let (_, said) = self.thawed(doc.file.reveal(), &doc.case.hospital)?;
        let case = self.case_doc(cx, &doc.case).await?.doc.case;
        let zoned = |at: kernel::Instant| at.to_zoned(cx.zone.clone());
        let translation = |code: &str| {
            let found = view
                .translations
                .iter()
                .find(|t| Language::from_tag(&t.language) == Some(language))?;
            let section = found.sections.iter().find(|s| s.code == code)?;
            Some(Translation {
                text: section.text.reveal().clone(),
                language: found.language.clone(),
                translator: found.translator.clone(),
            })
        };
        let sections = view
            .sections
            .iter()
            .filter_map(|s| {
                let text = Text {
                    text: s.text.reveal().clone(),
                    language: Some(s.language.clone()),
                    translation: translation(&s.code),
                };
                Some(Section {
                    part: part(&s.code)?,
                    text,
                })
            })
            .collect();
        let referrer = self.person(&case.referrer).await?;
        let question = said
            .question
            .as_ref()
            .map_or_else(String::new, |q| q.reveal().clone());
        let amends = match &said.amends {
            Some((to, digest)) => Some(Amends {
                signed_at: zoned(self.opinion_held(cx, &doc.case, to).await?.doc.signed),
                digest: digest.clone(),
            }),
            None => None,
        };
        Ok(Letter {
            language,
            hospital: self.institution(&doc.hospital, language),
            recipient: Recipient {
                name: self.institution(&doc.case.hospital, language).name,
                doctor: referrer.map(|p| name_in(p, language)),
            },
            number: doc.number.clone(),
            asked_at: zoned(case.sent.unwrap_or(doc.signed)),
            patient: self.patient_on_paper(cx, &doc.case.hospital, said.patient.as_ref()),
            question: Text {
                text: question,
                language: case.request.language.clone(),
                translation: None,
            },
            sections,
            record: view
                .record
                .iter()
                .map(|r| RecordItem {
                    date: r.date,
                    what: r.title.reveal().clone(),
                    custodian: self.institution(&r.key.hospital, language).name,
                    version: r.version.to_string(),
                })
                .collect(),
            character: match view.legal {
                Legal::Advisory => Character::Advisory,
                Legal::Report => Character::Report,
            },
            responsible: view.responsible.clone(),
            amends,
            signature: signature(
                &view.report,
                &view.role,
                &view.digest,
                view.co_signer.as_ref(),
                &cx.zone,
            ),
        })
    }

    pub(crate) fn institution(&self, id: &kernel::HospitalId, language: Language) -> Institution {
        let Some(hospital) = self.hospital(id) else {
            return Institution {
                name: id.to_string(),
                other_names: vec![],
                code: "??".into(),
                address: vec![],
            };
        };
        let name = hospital.name(language.tag()).to_owned();
        let other_names = hospital
            .names
            .values()
            .filter(|n| **n != name)
            .take(2)
            .cloned()
            .collect();
        let address = [hospital.city.clone()]
            .into_iter()
            .filter(|c| !c.is_empty())
            .collect();
        Institution {
            name,
            other_names,
            code: hospital.tile.clone(),
            address,
        }
    }

    /// The patient as the signed document names them. A number that pages mask is printed only if there is no other.
    pub(crate) fn patient_on_paper(
        &self,
        cx: &Cx,
        custodian: &kernel::HospitalId,
        patient: Option<&views::Patient>,
    ) -> Patient {
        let Some(p) = patient else {
            return Patient {
                name: "—".into(),
                other_names: vec![],
                born: None,
                sex: Sex::Unknown,
                identifiers: vec![],
            };
        };
        let mut names: Vec<String> = [p.latin_name(), p.native_name()]
            .into_iter()
            .flatten()
            .collect();
        names.dedup();
        let name = names.first().cloned().unwrap_or_else(|| "—".into());
        let mut lines = self.identifier_lines(cx, custodian, p);
        if lines.iter().any(|l| !l.masked) {
            lines.retain(|l| !l.masked);
        }
        let identifiers = lines.into_iter().take(3);
        Patient {
            other_names: names.into_iter().skip(1).collect(),
            name,
            born: p.birth_date.as_ref().and_then(|d| d.parse().ok()),
            sex: match p.sex.as_deref() {
                Some("female") => Sex::Female,
                Some("male") => Sex::Male,
                Some("other") => Sex::Other,
                _ => Sex::Unknown,
            },
            identifiers: identifiers
                .map(|l| Identifier {
                    issuer: l.issuer,
                    value: l.value.into_inner(),
                })
                .collect(),
        }
    }
}

/// A person's own writing where the letter's readers read it, else Latin letters.
fn name_in(person: crate::people::Person, language: Language) -> String {
    match language {
        Language::Chinese | Language::Arabic | Language::Uyghur => person.name,
        _ => person.latin_name.unwrap_or(person.name),
    }
}

pub(crate) fn part(code: &str) -> Option<SectionPart> {
    match code {
        "see" => Some(SectionPart::See),
        "think" => Some(SectionPart::Think),
        "advise" => Some(SectionPart::Advise),
        "orders" => Some(SectionPart::Orders),
        "technique" => Some(SectionPart::Technique),
        "comparison" => Some(SectionPart::Comparison),
        "findings" => Some(SectionPart::Findings),
        "impression" => Some(SectionPart::Impression),
        "recommendation" => Some(SectionPart::Recommendation),
        _ => None,
    }
}

/// The signature as paper shows it, from the report of its checks.
pub(crate) fn signature(
    report: &seal::Report,
    role: &str,
    digest: &str,
    co_signer: Option<&CoSigner>,
    zone: &jiff::tz::TimeZone,
) -> Option<Signature> {
    let facts = report.facts.as_ref()?;
    Some(Signature {
        signer: facts.signer.clone(),
        role: [role, facts.hospital_name.as_str()]
            .into_iter()
            .filter(|s| !s.is_empty())
            .collect::<Vec<_>>()
            .join(", "),
        licence: facts.licence.clone(),
        signed_at: facts.signed_at.to_zoned(zone.clone()),
        sealed_at: facts.sealed_at.to_zoned(zone.clone()),
        signer_key: facts.signer_kid.clone(),
        hospital_key: facts.hospital_kid.clone(),
        digest: digest.to_owned(),
        time_authority: facts.time_authority.clone(),
        stamped_at: facts.stamped_at.map(|at| at.to_zoned(zone.clone())),
        co_signer: co_signer.map(|c| print::CoSignature {
            signer: c.name.clone(),
            licence: c.licence.clone(),
            signed_at: c.signed.to_zoned(zone.clone()),
        }),
    })
}
