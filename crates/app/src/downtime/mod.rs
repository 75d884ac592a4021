//! Down is planned for: a pack of today's cases on paper, on demand and into a folder every few hours, and what was
//! written on paper meanwhile entered late and marked so.

mod folder;
mod late;

use print::pack::{Contact, Pack, PackCase as Printed};
use print::{Identifier, Language, Patient, Section, Sex, Text};

pub use late::{LATE_REASONS, LateEntry};

use crate::cases::pack::{PackCase, PackView};
use crate::cases::view::PersonLine;
use crate::opinions::paper::part;
use crate::records::view::Banner;
use crate::{App, AppError, Cx};

impl App {
    /// The pack of the hospital acted for as PDF, in English or Chinese.
    pub async fn downtime_pdf(&self, cx: &Cx, language: &str) -> Result<Vec<u8>, AppError> {
        let language = Language::from_tag(language)
            .filter(|l| matches!(l, Language::English | Language::Chinese))
            .ok_or_else(|| AppError::invalid("language", "language", "English or Chinese"))?;
        let mut cx = cx.clone();
        cx.language = crate::Language::from_tag(language.tag()).unwrap_or_default();
        let view = self.downtime_pack(&cx).await?;
        let pack = self.pack_on_paper(&cx, &view, language)?;
        let at = cx.now.to_zoned(cx.zone.clone());
        let printed = tokio::task::spawn_blocking(move || print::pack::pack(&pack, &at))
            .await
            .map_err(|_| AppError::Internal("printing was cut off".into()))?
            .map_err(|e| AppError::Internal(e.to_string()))?;
        Ok(printed.pdf)
    }

    fn pack_on_paper(
        &self,
        cx: &Cx,
        view: &PackView,
        language: Language,
    ) -> Result<Pack, AppError> {
        Ok(Pack {
            language,
            hospital: self.institution(cx.hospital()?, language),
            printed_at: cx.now.to_zoned(cx.zone.clone()),
            printed_by: cx.name.clone(),
            cases: view.cases.iter().map(|c| on_paper(cx, c)).collect(),
        })
    }
}

fn on_paper(cx: &Cx, c: &PackCase) -> Printed {
    let person = |role, line: &PersonLine| Contact {
        role,
        name: line.name.clone(),
        hospital: line
            .hospital
            .as_ref()
            .map_or_else(String::new, |h| h.name.clone()),
    };
    let mut contacts = vec![person("referrer", &c.referrer)];
    contacts.extend(c.call_back.as_ref().map(|number| Contact {
        role: "call-back",
        name: number.reveal().clone(),
        hospital: String::new(),
    }));
    contacts.extend(c.coordinator.as_ref().map(|p| person("coordinator", p)));
    contacts.extend(c.consultant.as_ref().map(|p| person("consultant", p)));
    let sections = c.answer.iter().filter_map(|s| {
        Some(Section {
            part: part(&s.code)?,
            text: text(s.text.reveal(), Some(&s.language)),
        })
    });
    Printed {
        number: c.row.number.clone(),
        status: c.row.status.as_str().to_owned(),
        urgency: c.row.urgency.map(|u| u.as_str().to_owned()),
        due: c
            .row
            .clock
            .as_ref()
            .map(|k| k.due.to_zoned(cx.zone.clone())),
        patient: patient(&c.banner),
        allergies: c
            .banner
            .allergies
            .iter()
            .map(|a| match &a.detail {
                Some(detail) => format!("{} ({detail})", a.substance),
                None => a.substance.clone(),
            })
            .collect(),
        no_known_allergy: c.banner.no_known_allergy,
        question: text(c.question.reveal(), c.question_language.as_deref()),
        answer: sections.collect(),
        contacts,
    }
}

fn text(words: &str, language: Option<&str>) -> Text {
    Text {
        text: words.to_owned(),
        language: language.filter(|l| !l.is_empty()).map(str::to_owned),
        translation: None,
    }
}

fn patient(b: &Banner) -> Option<Patient> {
    let names = b.names.as_ref()?.reveal();
    let name = names.heading().to_owned();
    let others = names.native.iter().chain([&names.latin]);
    // A number that pages mask is printed only if there is no other.
    let open = b.identifiers.iter().any(|i| !i.masked);
    let identifiers = b.identifiers.iter().filter(|i| !i.masked || !open);
    Some(Patient {
        other_names: others
            .filter(|n| !n.is_empty() && **n != name)
            .cloned()
            .collect(),
        name,
        born: b.birth_date.as_ref().and_then(|d| d.reveal().parse().ok()),
        sex: match b.sex {
            crate::records::view::Sex::Female => Sex::Female,
            crate::records::view::Sex::Male => Sex::Male,
            crate::records::view::Sex::Other => Sex::Other,
            crate::records::view::Sex::Unknown => Sex::Unknown,
        },
        identifiers: identifiers
            .take(3)
            .map(|i| Identifier {
                issuer: i.issuer.clone(),
                value: i.value.reveal().clone(),
            })
            .collect(),
    })
}
