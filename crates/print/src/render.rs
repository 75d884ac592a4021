//! From a model to PDF bytes.

use std::collections::BTreeSet;

use jiff::Zoned;
use serde::Serialize;
use serde_json::{Map, Value};
use typst::foundations::{Datetime, Smart};
use typst::layout::{Frame, FrameItem};
use typst_layout::PagedDocument;
use typst_pdf::{PdfOptions, PdfStandard, PdfStandards, Timestamp};

use crate::language::Language;
use crate::model::{Agreement, Letter, Summary};
use crate::world::{Sheet, can_draw};

/// Why nothing was printed. The texts carry nothing of the document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PrintError {
    /// The templates or the library refused; a fault of ours.
    #[error("the document could not be set: {0}")]
    Set(String),
    /// A glyph would have been an empty box although its character was thought to be covered.
    #[error("a face lacks a glyph that it claims to have")]
    Glyph,
}

/// A finished print.
#[derive(Debug, Clone)]
pub struct Printed {
    pub pdf: Vec<u8>,
    pub pages: usize,
    /// Characters no face can draw. They stand on paper as `[U+1F600]`, and a note says so.
    pub unprintable: BTreeSet<char>,
}

/// Prints an opinion. `at` dates the PDF.
pub fn letter(letter: &Letter, at: &Zoned) -> Result<Printed, PrintError> {
    let template = include_str!("../templates/letter.typ");
    let mut data = to_map(letter)?;
    data.insert("draft".into(), letter.signature.is_none().into());
    print(template, letter.language, data, at)
}

/// Prints a case.
pub fn summary(summary: &Summary, at: &Zoned) -> Result<Printed, PrintError> {
    let mut data = to_map(summary)?;
    data.insert("draft".into(), false.into());
    print(
        include_str!("../templates/summary.typ"),
        summary.language,
        data,
        at,
    )
}

/// Prints an agreement.
pub fn agreement(agreement: &Agreement, at: &Zoned) -> Result<Printed, PrintError> {
    print(
        include_str!("../templates/agreement.typ"),
        agreement.language,
        to_map(agreement)?,
        at,
    )
}

pub(crate) fn to_map(model: &impl Serialize) -> Result<Map<String, Value>, PrintError> {
    match serde_json::to_value(model) {
        Ok(Value::Object(map)) => Ok(map),
        _ => Err(PrintError::Set("the model".into())),
    }
}

pub(crate) fn print(
    template: &'static str,
    language: Language,
    mut data: Map<String, Value>,
    at: &Zoned,
) -> Result<Printed, PrintError> {
    let mut unprintable = BTreeSet::new();
    data.values_mut()
        .for_each(|v| spell_out(v, &mut unprintable));
    data.insert("unprintable".into(), (!unprintable.is_empty()).into());
    let data = serde_json::to_vec(&data).map_err(|_| PrintError::Set("the data".into()))?;
    let sheet = Sheet::new(template, language.words(), data)
        .ok_or_else(|| PrintError::Set("the sheet".into()))?;

    let document = typst::compile::<PagedDocument>(&sheet).output;
    // What typst remembers of this document is of no use to the next, and it is patient data.
    typst::comemo::evict(0);
    let document = document.map_err(|e| PrintError::Set(first(&e)))?;
    if document.pages().iter().any(|page| lacks_glyph(&page.frame)) {
        return Err(PrintError::Glyph);
    }
    let standards = PdfStandards::new(&[PdfStandard::Ua_1])
        .map_err(|e| PrintError::Set(e.message().to_string()))?;
    let options = PdfOptions {
        creator: Smart::Custom(Some("Karez".into())),
        timestamp: timestamp(at),
        standards,
        ..PdfOptions::default()
    };
    let pdf = typst_pdf::pdf(&document, &options).map_err(|e| PrintError::Set(first(&e)))?;
    Ok(Printed {
        pdf,
        pages: document.pages().len(),
        unprintable,
    })
}

/// The first message of a diagnosis. It comes from our templates; values are never part of it.
fn first(errors: &[typst::diag::SourceDiagnostic]) -> String {
    errors
        .first()
        .map(|e| e.message.to_string())
        .unwrap_or_default()
}

fn timestamp(at: &Zoned) -> Option<Timestamp> {
    let at = at.timestamp().to_zoned(jiff::tz::TimeZone::UTC);
    let part = |n: i8| u8::try_from(n).ok();
    let date = Datetime::from_ymd_hms(
        at.year().into(),
        part(at.month())?,
        part(at.day())?,
        part(at.hour())?,
        part(at.minute())?,
        part(at.second())?,
    )?;
    Some(Timestamp::new_utc(date))
}

/// Writes characters no face can draw as their Unicode number, so that none is lost silently.
fn spell_out(value: &mut Value, seen: &mut BTreeSet<char>) {
    match value {
        Value::String(text) => {
            if text.contains('\r') {
                *text = text.replace("\r\n", "\n").replace('\r', "\n");
            }
            if text.contains('\t') {
                *text = text.replace('\t', " ");
            }
            if text.chars().all(can_draw) {
                return;
            }
            let mut out = String::with_capacity(text.len() + 8);
            for c in text.chars() {
                if can_draw(c) {
                    out.push(c);
                } else {
                    seen.insert(c);
                    out.push_str(&format!("[U+{:04X}]", u32::from(c)));
                }
            }
            *text = out;
        }
        Value::Array(items) => items.iter_mut().for_each(|v| spell_out(v, seen)),
        Value::Object(map) => map.values_mut().for_each(|v| spell_out(v, seen)),
        _ => {}
    }
}

fn lacks_glyph(frame: &Frame) -> bool {
    frame.items().any(|(_, item)| match item {
        FrameItem::Group(group) => lacks_glyph(&group.frame),
        FrameItem::Text(text) => text.glyphs.iter().any(|g| {
            let drawn = text.text.get(g.range()).unwrap_or_default();
            g.id == 0 && drawn.chars().any(|c| !c.is_whitespace() && !is_format(c))
        }),
        _ => false,
    })
}

const fn is_format(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}
