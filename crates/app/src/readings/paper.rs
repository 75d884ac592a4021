//! The report as a PDF, in the reader's language, drawn from the signed bytes.

use kernel::ResourceId;
use print::{Amends, Character, Language, Letter, Recipient, RecordItem, Section, Text};

use super::doc::SignedReport;
use super::view::ReportView;
use crate::docs::Versioned;
use crate::opinions::paper;
use crate::{App, AppError, Cx};

impl App {
    /// The report as a document. `language` is one of [`crate::opinions::PRINT_LANGUAGES`]; texts stand as they were signed.
    pub async fn report_pdf(
        &self,
        cx: &Cx,
        id: &ResourceId,
        language: &str,
    ) -> Result<Vec<u8>, AppError> {
        let language = Language::from_tag(language).ok_or_else(|| {
            AppError::invalid("language", "language", "no letter in this language")
        })?;
        let held = self.report_held(cx, id).await?;
        self.report_audit(cx, &held, "report.printed").await?;
        let mut cx = cx.clone();
        cx.language = crate::Language::from_tag(language.tag()).unwrap_or_default();
        let cx = &cx;
        let view = self.report_view(cx, &held).await?;
        if view.report.facts.is_none() {
            return Err(AppError::rejected(
                "opinion-altered",
                "the report does not verify",
            ));
        }
        let letter = self.report_letter(cx, &held, &view, language).await?;
        paper::printed(cx, letter).await
    }

    async fn report_letter(
        &self,
        cx: &Cx,
        held: &Versioned<SignedReport>,
        view: &ReportView,
        language: Language,
    ) -> Result<Letter, AppError> {
        let doc = &held.doc;
        let custodian = &doc.study.hospital;
        let (_, said) = self.thawed(doc.file.reveal(), custodian)?;
        let zoned = |at: kernel::Instant| at.to_zoned(cx.zone.clone());
        let amends = match &said.amends {
            Some((to, digest)) => Some(Amends {
                signed_at: zoned(self.report_held(cx, to).await?.doc.signed),
                digest: digest.clone(),
            }),
            None => None,
        };
        let examination = view.study.as_ref().map_or_else(String::new, |s| {
            let day = s.started.as_deref().and_then(|t| t.get(..10)).unwrap_or("");
            [
                s.modalities.join(", ").as_str(),
                s.description.as_str(),
                day,
            ]
            .into_iter()
            .filter(|t| !t.is_empty())
            .collect::<Vec<_>>()
            .join(" · ")
        });
        let sections = view.sections.iter().filter_map(|s| {
            Some(Section {
                part: paper::part(&s.code)?,
                text: Text {
                    text: s.text.reveal().clone(),
                    language: Some(s.language.clone()),
                    translation: None,
                },
            })
        });
        Ok(Letter {
            language,
            hospital: self.institution(&doc.hospital, language),
            recipient: Recipient {
                name: self.institution(custodian, language).name,
                doctor: None,
            },
            number: String::from(doc.reading.id.as_str().get(..8).unwrap_or_default()),
            asked_at: zoned(doc.signed),
            patient: self.patient_on_paper(cx, custodian, said.patient.as_ref()),
            question: Text::plain(examination),
            sections: sections.collect(),
            record: said
                .record
                .iter()
                .map(|r| RecordItem {
                    date: r.date,
                    what: r.title.reveal().clone(),
                    custodian: self.institution(&r.key.hospital, language).name,
                    version: r.version.to_string(),
                })
                .collect(),
            character: Character::Report,
            responsible: view.responsible.clone(),
            amends,
            signature: paper::signature(&view.report, &view.role, &view.digest, None, &cx.zone),
        })
    }
}
