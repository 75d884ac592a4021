//! What a hospital sets for reading: its own report templates and phrases, how soon studies are read, when a critical
//! finding is told to more people. A document with all its versions; what is built in stands beside it, or alone.

use agreements::{Privilege, Role, SystemPurpose};
use care::reading::{Clocks, ClocksProblem};
use kernel::{AccountId, HospitalId, Instant, ResourceId, limits};
use serde::{Deserialize, Serialize};
use store::{Batch, Lookup};

use super::view::{Macro, ReportTemplate};
use super::{phrases, templates};
use crate::audit_entry::{Entry, Verb};
use crate::docs::{self, Document, Versioned};
use crate::{App, AppError, Cx, FieldProblem};

/// Templates and phrases of one hospital.
pub const TEMPLATES_MAX: usize = 200;
pub const MACROS_MAX: usize = 500;
/// Fields of a template.
pub const FIELDS_MAX: usize = 60;
const TITLE_CHARS_MAX: usize = 120;

/// A line of a structured report: a label with a unit, or with words to choose from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateField {
    pub label: String,
    /// UCUM or a word; may be empty.
    pub unit: String,
    pub choices: Vec<String>,
}

impl TemplateField {
    /// As it stands in the text before it is filled in.
    fn line(&self) -> String {
        let open = match self.choices.is_empty() {
            true => "…".to_owned(),
            false => format!("[{}]", self.choices.join(" / ")),
        };
        format!("{}: {open} {}", self.label, self.unit)
            .trim_end()
            .to_owned()
    }
}

/// A template of the hospital's own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnTemplate {
    pub code: String,
    pub title: String,
    /// BCP 47.
    pub language: String,
    /// Modalities with slashes between (`CR/DX`); empty: any.
    pub modality: String,
    /// Body Part Examined (0018,0015); empty: any.
    pub body_part: String,
    pub technique: String,
    pub findings: String,
    pub fields: Vec<TemplateField>,
    pub impression: String,
    pub recommendation: String,
}

impl OwnTemplate {
    fn fits(&self, modalities: &[String], body_part: &str) -> u8 {
        let of_modality = self
            .modality
            .split('/')
            .any(|m| modalities.iter().any(|x| x.eq_ignore_ascii_case(m.trim())));
        let part = !self.body_part.is_empty() && self.body_part.eq_ignore_ascii_case(body_part);
        u8::from(of_modality) * 2 + u8::from(part)
    }

    fn shown(&self) -> ReportTemplate {
        let lines = self.fields.iter().map(TemplateField::line);
        let findings = std::iter::once(self.findings.clone())
            .chain(lines)
            .filter(|l| !l.is_empty());
        ReportTemplate {
            code: format!("own-{}", self.code),
            title: self.title.clone(),
            modality: self.modality.clone(),
            technique: self.technique.clone(),
            findings: findings.collect::<Vec<_>>().join("\n"),
            impression: self.impression.clone(),
            recommendation: self.recommendation.clone(),
        }
    }
}

/// A phrase of the hospital's own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnMacro {
    pub title: String,
    pub text: String,
    pub language: String,
}

/// What one hospital has set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadingSettings {
    pub templates: Vec<OwnTemplate>,
    pub macros: Vec<OwnMacro>,
    /// What is built in is offered too.
    pub built_in: bool,
    pub clocks: Clocks,
    pub changed: Option<(AccountId, Instant)>,
}

impl Default for ReadingSettings {
    fn default() -> Self {
        Self {
            templates: Vec::new(),
            macros: Vec::new(),
            built_in: true,
            clocks: Clocks::default(),
            changed: None,
        }
    }
}

impl Document for ReadingSettings {
    const KIND: &'static str = "reading-settings";
    fn lookups(&self) -> Vec<Lookup> {
        Vec::new()
    }
}

impl ReadingSettings {
    /// Templates for a study in a language, those that fit best first; what is built in after the hospital's own.
    pub fn templates_for(
        &self,
        language: &str,
        modalities: &[String],
        body_part: &str,
    ) -> Vec<ReportTemplate> {
        let mut own: Vec<&OwnTemplate> = self
            .templates
            .iter()
            .filter(|t| same_language(&t.language, language))
            .collect();
        own.sort_by_key(|t| std::cmp::Reverse(t.fits(modalities, body_part)));
        let (fitting, rest): (Vec<_>, Vec<_>) = own
            .into_iter()
            .partition(|t| t.fits(modalities, body_part) > 0);
        let mut all: Vec<ReportTemplate> = fitting.into_iter().map(OwnTemplate::shown).collect();
        if self.built_in {
            all.extend(templates::for_study(language, modalities));
        }
        all.extend(rest.into_iter().map(OwnTemplate::shown));
        all
    }

    /// Phrases in a language.
    pub fn macros_for(&self, language: &str) -> Vec<Macro> {
        let own = self
            .macros
            .iter()
            .filter(|m| same_language(&m.language, language))
            .map(|m| Macro {
                title: m.title.clone(),
                text: m.text.clone(),
                word: phrases::word_of(&m.title),
                own: false,
            });
        let mut all: Vec<Macro> = own.collect();
        if self.built_in {
            all.extend(templates::macros(language));
        }
        all
    }

    fn problems(&self) -> Vec<FieldProblem> {
        let mut out = Vec::new();
        let mut say = |field: &str, code: &'static str, text: &str| {
            out.push(FieldProblem::new(field, code, text));
        };
        match self.clocks.problem() {
            Some(ClocksProblem::Response) => say("response-0", "clocks-response", "response times"),
            Some(ClocksProblem::Escalation) => {
                say("escalate-0", "clocks-escalation", "steps of escalation");
            }
            None => {}
        }
        if self.templates.len() > TEMPLATES_MAX || self.macros.len() > MACROS_MAX {
            say("title", "too-many", "too many");
        }
        let title_ok = |t: &str| !t.trim().is_empty() && t.chars().count() <= TITLE_CHARS_MAX;
        let long = |t: &str| t.chars().count() > limits::TEXT_CHARS_MAX;
        for t in &self.templates {
            if !title_ok(&t.title) {
                say("title", "missing", "a title is needed");
            }
            let texts = [&t.technique, &t.findings, &t.impression, &t.recommendation];
            if texts.into_iter().any(|text| long(text)) {
                say("findings", "too-long", "the text is too long");
            }
            let fields_ok = t.fields.len() <= FIELDS_MAX
                && t.fields
                    .iter()
                    .all(|f| title_ok(&f.label) && f.unit.chars().count() <= 40);
            if !fields_ok {
                say("fields", "template-fields", "not a field");
            }
        }
        for m in &self.macros {
            if !title_ok(&m.title) || m.text.trim().is_empty() {
                say("macros", "missing", "title and text are needed");
            }
            if long(&m.text) {
                say("macros", "too-long", "the text is too long");
            }
        }
        out
    }
}

fn same_language(a: &str, b: &str) -> bool {
    let primary = |t: &str| t.split('-').next().unwrap_or_default().to_ascii_lowercase();
    primary(a) == primary(b)
}

fn own_id() -> ResourceId {
    ResourceId::new("own").unwrap_or_else(|_| unreachable!("a valid id"))
}

impl App {
    /// What a hospital has set for reading; what is built in where it has set nothing.
    pub(crate) async fn reading_settings(
        &self,
        hospital: &HospitalId,
    ) -> Result<ReadingSettings, AppError> {
        let permit = self.system(SystemPurpose::Decision);
        let found = self
            .load::<ReadingSettings>(&permit, hospital, &own_id())
            .await?;
        Ok(found.map(|f| f.doc).unwrap_or_default())
    }

    /// The settings of the caller's hospital with the version that a change must name: for its administrator, and for
    /// whoever leads the readers.
    pub async fn own_reading_settings(&self, cx: &Cx) -> Result<(ReadingSettings, u64), AppError> {
        let own = may_set(cx)?;
        let permit = self.system(SystemPurpose::Decision);
        let found = self
            .load::<ReadingSettings>(&permit, own, &own_id())
            .await?;
        Ok(found.map_or_else(Default::default, |f| (f.doc, f.version)))
    }

    /// Sets them. Readings that begin from now on run on the new clocks.
    pub async fn change_reading_settings(
        &self,
        cx: &Cx,
        version: u64,
        mut new: ReadingSettings,
    ) -> Result<(), AppError> {
        let own = may_set(cx)?.clone();
        let (old, now) = self.own_reading_settings(cx).await?;
        if now != version {
            return Err(AppError::Conflict);
        }
        let problems = new.problems();
        if !problems.is_empty() {
            return Err(AppError::Invalid(problems));
        }
        for template in &mut new.templates {
            if template.code.is_empty() {
                template.code = self.new_id().to_string();
            }
        }
        new.changed = Some((cx.actor.account.clone(), cx.now));
        let changed: Vec<&str> = [
            ("templates", old.templates != new.templates),
            (
                "phrases",
                old.macros != new.macros || old.built_in != new.built_in,
            ),
            ("clocks", old.clocks != new.clocks),
        ]
        .into_iter()
        .filter_map(|(what, is)| is.then_some(what))
        .collect();
        let ground = changed.join(", ");
        let doc = Versioned {
            key: self.doc_key::<ReadingSettings>(&own, &own_id()),
            version,
            doc: new,
        };
        let mut batch = Batch::new(cx.now);
        docs::put(&mut batch, &doc)?;
        let entry = Entry {
            ground: Some(&ground),
            ..Entry::of(Verb::Update, "reading.settings", &doc.key)
        };
        cx.note(&mut batch, &own, &entry);
        self.store.commit(batch).await?;
        Ok(())
    }
}

fn may_set(cx: &Cx) -> Result<&HospitalId, AppError> {
    if cx.actor.has(Role::Administrator) || cx.actor.may(Privilege::LeadReading) {
        cx.hospital()
    } else {
        Err(AppError::denied("lead-reading"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(title: &str, modality: &str, body_part: &str) -> OwnTemplate {
        OwnTemplate {
            title: title.into(),
            language: "en".into(),
            modality: modality.into(),
            body_part: body_part.into(),
            ..OwnTemplate::default()
        }
    }

    #[test]
    fn what_fits_modality_and_part_comes_first_and_what_is_built_in_before_what_does_not_fit() {
        let settings = ReadingSettings {
            templates: vec![
                template("other", "US", ""),
                template("CT", "CT", ""),
                template("CT chest", "CT/PT", "CHEST"),
            ],
            ..ReadingSettings::default()
        };
        let titles: Vec<String> = settings
            .templates_for("en", &["CT".into()], "CHEST")
            .into_iter()
            .map(|t| t.title)
            .collect();
        assert_eq!(&titles[..2], ["CT chest", "CT"]);
        assert_eq!(titles.last().map(String::as_str), Some("other"));
        assert!(titles.len() > 3);
        assert!(
            settings
                .templates_for("zh-CN", &[], "")
                .iter()
                .all(|t| t.title != "CT")
        );
    }

    #[test]
    fn fields_stand_as_lines_to_be_filled_in() {
        let mut t = template("Nodule", "CT", "");
        t.findings = "Nodule.".into();
        t.fields = vec![
            TemplateField {
                label: "Size".into(),
                unit: "mm".into(),
                choices: Vec::new(),
            },
            TemplateField {
                label: "Margin".into(),
                unit: String::new(),
                choices: vec!["smooth".into(), "spiculated".into()],
            },
        ];
        let text = t.shown().findings;
        assert_eq!(text, "Nodule.\nSize: … mm\nMargin: [smooth / spiculated]");
    }
}
