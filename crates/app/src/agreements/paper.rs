//! An agreement as a PDF: its own text as it was proposed, and what each clause permits in the reader's words.

use kernel::{HospitalId, ResourceId};
use print::{Clause, Language, Signature, Text};

use super::AgreementView;
use crate::opinions::sha256_hex;
use crate::{App, AppError, Cx};

/// What a clause says, in the language of the print, written from the data that decides.
#[derive(Debug, Clone)]
pub struct ClauseInWords {
    pub number: u16,
    pub lines: Vec<String>,
}

impl App {
    /// The agreement on paper, for staff of a party. `language` is one the pages speak; `words` are in it.
    pub async fn agreement_pdf(
        &self,
        cx: &Cx,
        id: &ResourceId,
        language: &str,
        words: &[ClauseInWords],
    ) -> Result<Vec<u8>, AppError> {
        let language = Language::from_tag(language).ok_or_else(|| {
            AppError::invalid("language", "language", "no agreement in this language")
        })?;
        let view = self.agreement(cx, id).await?;
        let model = self.agreement_on_paper(cx, &view, language, words)?;
        let at = cx.now.to_zoned(cx.zone.clone());
        let printed = tokio::task::spawn_blocking(move || print::agreement(&model, &at))
            .await
            .map_err(|_| AppError::Internal("printing was cut off".into()))?
            .map_err(|e| AppError::Internal(e.to_string()))?;
        Ok(printed.pdf)
    }

    fn agreement_on_paper(
        &self,
        cx: &Cx,
        view: &AgreementView,
        language: Language,
        words: &[ClauseInWords],
    ) -> Result<print::Agreement, AppError> {
        let a = &view.agreement;
        let name = |hospital: &HospitalId| self.institution(hospital, language);
        let mut clauses = Vec::new();
        for (number, c) in a.terms.numbered() {
            let own = (!c.text.trim().is_empty()).then(|| Text {
                text: c.text.clone(),
                language: Some(a.terms.language.clone()),
                translation: None,
            });
            let said = words.iter().find(|w| w.number == number);
            let said = said.map(|w| Text {
                text: w.lines.join("\n"),
                language: Some(language.tag().to_owned()),
                translation: None,
            });
            for (n, text) in own.into_iter().chain(said).enumerate() {
                clauses.push(Clause {
                    number: if n == 0 {
                        number.to_string()
                    } else {
                        String::new()
                    },
                    heading: (n == 0).then(|| c.title.clone()),
                    text,
                });
            }
        }
        let digest = sha256_hex(a.text.as_deref().unwrap_or_default().as_bytes());
        let signatures = view.signatures.iter().filter(|s| s.genuine).map(|s| {
            let at = s.signature.at.to_zoned(cx.zone.clone());
            Signature {
                signer: s.signature.name.clone(),
                role: format!("{}, {}", s.signature.office, name(&s.signature.party).name),
                licence: None,
                signed_at: at.clone(),
                sealed_at: at,
                signer_key: s.signature.key.clone(),
                hospital_key: s.signature.key.clone(),
                digest: digest.clone(),
                time_authority: None,
                stamped_at: None,
                co_signer: None,
            }
        });
        Ok(print::Agreement {
            language,
            hospital: name(cx.hospital()?),
            number: a.terms.number.clone(),
            title: a.terms.title.clone(),
            parties: a.terms.parties.iter().map(|p| name(&p.hospital)).collect(),
            from: a.terms.first_day,
            until: a.terms.last_day,
            clauses,
            signatures: signatures.collect(),
            draft: a.terms.parties.len() > view.signatures.iter().filter(|s| s.genuine).count(),
        })
    }
}
