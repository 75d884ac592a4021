//! What pages show of drafts and opinions. Built under the reader's permit.

use jiff::civil::Date;
use kernel::{AccountId, Instant, Phi, RecordKey, ResourceId};

use super::doc::DraftText;
use crate::cases::view::PersonLine;
use crate::records::view::HospitalLine;

/// What a signed document is in law; words under `legal-*`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Legal {
    /// Advice to the treating physician, who decides.
    Advisory,
    /// A diagnostic report the author answers for.
    Report,
}

impl Legal {
    pub const ALL: [Self; 2] = [Self::Advisory, Self::Report];
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Advisory => "advisory",
            Self::Report => "report",
        }
    }
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|l| l.as_str() == text)
    }
    /// What the signed document itself says, in its own language where there is a wording, else in English.
    pub fn sentence(self, language: &str) -> &'static str {
        match (self, language.starts_with("zh")) {
            (Self::Advisory, false) => {
                "A specialist opinion for the treating physician, who examines the patient and decides. It is not an \
                 order and does not replace examination."
            }
            (Self::Advisory, true) => {
                "本意见为专家向经治医师提供的会诊意见。经治医师应当结合对患者的检查自行决定诊疗方案。本意见不是医嘱，\
                 不能代替体格检查。"
            }
            (Self::Report, false) => {
                "A diagnostic report by the named physician, for which the named hospital is responsible."
            }
            (Self::Report, true) => "本报告为署名医师出具的诊断报告，由所列医院承担责任。",
        }
    }
}

/// A text to begin with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    pub code: String,
    pub title: String,
    pub findings: String,
    pub assessment: String,
    pub advice: String,
}

/// Everything the opinion editor needs.
#[derive(Debug, Clone)]
pub struct Desk {
    /// Empty where nothing was written yet.
    pub draft: DraftText,
    pub kept: Option<Instant>,
    pub templates: Vec<Template>,
    /// Who could sign too; empty where no second signature is needed.
    pub co_signers: Vec<PersonLine>,
    pub needs_co_signature: bool,
    /// The hospital that answers for the opinion.
    pub responsible: String,
    /// The author's licence, if one is valid now; without it nothing can be signed.
    pub licence: Option<String>,
    pub legal: Legal,
    /// What changed in the record since the author began. Must be acknowledged when signing.
    pub changed: Vec<Changed>,
}

/// An entry of the record that is not as it was when the author began.
#[derive(Debug, Clone)]
pub struct Changed {
    pub key: RecordKey,
    pub title: Phi<String>,
    /// `new`, `changed` or `gone`.
    pub what: &'static str,
}

/// One part of an opinion.
#[derive(Debug, Clone)]
pub struct SectionView {
    /// One of [`super::PARTS`].
    pub code: String,
    pub text: Phi<String>,
    /// BCP 47.
    pub language: String,
}

/// An entry the opinion rests on, at its version.
#[derive(Debug, Clone)]
pub struct RestedOn {
    pub key: RecordKey,
    pub version: u64,
    pub title: Phi<String>,
    pub date: Option<Date>,
    pub custodian: HospitalLine,
}

/// A second signature.
#[derive(Debug, Clone)]
pub struct CoSigner {
    pub name: String,
    pub licence: Option<String>,
    pub signed: Instant,
    pub report: seal::Report,
}

/// A translation, made after signing. The signature covers the original alone.
#[derive(Debug, Clone)]
pub struct TranslationView {
    /// BCP 47.
    pub language: String,
    /// A person by name, or a machine by its name.
    pub translator: String,
    pub at: Instant,
    pub sections: Vec<SectionView>,
}

/// A signed opinion or addendum, verified just now.
#[derive(Debug, Clone)]
pub struct OpinionView {
    pub id: ResourceId,
    /// The answering hospital.
    pub hospital: HospitalLine,
    pub sections: Vec<SectionView>,
    pub author: AccountId,
    pub author_name: String,
    /// Position or specialty, as signed.
    pub role: String,
    pub licence: Option<String>,
    pub responsible: String,
    pub legal: Legal,
    pub signed: Instant,
    pub sealed: Instant,
    pub co_signer: Option<CoSigner>,
    pub addendum_to: Option<ResourceId>,
    pub record: Vec<RestedOn>,
    /// Every check of the signature, with the verdict.
    pub report: seal::Report,
    /// SHA-256 of the signed bytes, hexadecimal.
    pub digest: String,
    pub translations: Vec<TranslationView>,
}

/// A translation to be attached.
#[derive(Debug, Clone)]
pub struct TranslationAsk {
    /// BCP 47 of the translation.
    pub language: String,
    /// (part, text) for every part of the opinion.
    pub sections: Vec<(String, Phi<String>)>,
    /// The machine that made it, if it was one; else the person attaching it is its translator.
    pub machine: Option<String>,
}
