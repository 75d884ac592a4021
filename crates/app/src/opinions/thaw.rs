//! Reading a frozen document back: everything shown of an opinion comes from the bytes that were signed.

use fhir::json::Json;
use fhir::raw::{self, Doc, Node};
use fhir::views;
use jiff::civil::Date;
use kernel::{HospitalId, Kind, Phi, RecordKey, ResourceId};

use super::PARTS;
use super::frozen::{LICENCE_SYSTEM, PART_SYSTEM, TEXT_EXTENSION};
use super::record::describe;
use super::view::Legal;
use crate::AppError;

/// One entry of the record inside the document.
pub(crate) struct Line {
    pub key: RecordKey,
    pub version: u64,
    pub title: Phi<String>,
    pub date: Option<Date>,
}

/// What the document says.
pub(crate) struct Thawed {
    pub language: String,
    /// (part, text), in order.
    pub parts: Vec<(String, Phi<String>)>,
    pub author_name: String,
    pub role: String,
    pub licence: Option<String>,
    pub responsible: String,
    pub legal: Legal,
    /// The opinion this one adds to, with the digest of its bytes.
    pub amends: Option<(ResourceId, String)>,
    pub record: Vec<Line>,
    pub patient: Option<views::Patient>,
    /// The question as the request put it.
    pub question: Option<Phi<String>>,
}

fn damaged() -> AppError {
    AppError::Internal("a signed document cannot be read".into())
}

/// Reads the document. `zone` is the referring hospital's, for dates without one.
pub(crate) fn thaw(bytes: &[u8], zone: &jiff::tz::TimeZone) -> Result<Thawed, AppError> {
    let doc: Doc<'_> = raw::parse(bytes).map_err(|_| damaged())?;
    let root = doc.root();
    let entries: Vec<(&str, Node<'_>)> = root
        .list("entry")
        .filter_map(|e| Some((e.str_at("fullUrl")?, e.get("resource")?)))
        .collect();
    let of_kind = |kind: &'static str| {
        entries
            .iter()
            .map(|(_, r)| *r)
            .find(move |r| r.str_at("resourceType") == Some(kind))
    };
    let composition = of_kind("Composition").ok_or_else(damaged)?;
    let practitioner = of_kind("Practitioner").ok_or_else(damaged)?;
    let part = |code: &str| {
        composition
            .list("section")
            .find(|s| code_of(*s) == Some(code))
            .and_then(text_of)
    };
    let qualification = practitioner.list("qualification").next();
    let licence = qualification.and_then(|q| {
        q.list("identifier")
            .find(|i| i.str_at("system") == Some(LICENCE_SYSTEM))?
            .str_at("value")
    });
    let amends = composition.list("relatesTo").find_map(|r| {
        let target = r.get("targetReference")?;
        let id = target.str_at("reference")?.rsplit('/').next()?;
        let digest = target.get("identifier")?.str_at("value")?;
        Some((ResourceId::new(id).ok()?, digest.to_owned()))
    });
    let record = composition
        .list("section")
        .filter(|s| code_of(*s) == Some("record"))
        .flat_map(|s| s.list("entry").collect::<Vec<_>>())
        .filter_map(|e| line(e.str_at("reference")?, &entries, zone))
        .collect();
    Ok(Thawed {
        language: composition
            .str_at("language")
            .unwrap_or_default()
            .to_owned(),
        parts: PARTS
            .into_iter()
            .chain(crate::readings::REPORT_PARTS)
            .filter_map(|code| Some((code.to_owned(), Phi::new(part(code)?))))
            .collect(),
        author_name: practitioner
            .list("name")
            .find_map(|n| n.str_at("text"))
            .unwrap_or_default()
            .to_owned(),
        role: qualification
            .and_then(|q| q.get("code")?.str_at("text"))
            .unwrap_or_default()
            .to_owned(),
        licence: licence.map(str::to_owned),
        responsible: part("responsible").unwrap_or_default(),
        legal: part("legal")
            .and_then(|t| Legal::from_text(&t))
            .unwrap_or(Legal::Advisory),
        amends,
        record,
        patient: of_kind("Patient").map(views::Patient::from_value),
        question: of_kind("ServiceRequest").and_then(question),
    })
}

fn code_of(section: Node<'_>) -> Option<&str> {
    section
        .get("code")?
        .list("coding")
        .find(|c| c.str_at("system") == Some(PART_SYSTEM))
        .and_then(|c| c.str_at("code"))
}

fn text_of(section: Node<'_>) -> Option<String> {
    section
        .list("extension")
        .find(|e| e.str_at("url") == Some(TEXT_EXTENSION))
        .and_then(|e| e.str_at("valueString"))
        .map(str::to_owned)
}

fn line(reference: &str, entries: &[(&str, Node<'_>)], zone: &jiff::tz::TimeZone) -> Option<Line> {
    let (url, version) = reference.rsplit_once("/_history/")?;
    let key = key_of(url)?;
    let (_, resource) = entries.iter().find(|(full, _)| *full == url)?;
    let (title, date) = describe(
        &key.hospital,
        key.kind.as_str(),
        key.id.as_str(),
        *resource,
        zone,
    );
    Some(Line {
        key,
        version: version.parse().ok()?,
        title: Phi::new(title),
        date,
    })
}

/// `…/fhir/{hospital}/{Kind}/{id}` as a key.
fn key_of(url: &str) -> Option<RecordKey> {
    let mut parts = url.rsplit('/');
    let (id, kind, hospital) = (parts.next()?, parts.next()?, parts.next()?);
    Some(RecordKey::new(
        HospitalId::new(hospital).ok()?,
        Kind::new(kind).ok()?,
        ResourceId::new(id).ok()?,
    ))
}

/// The question, then its background, as the request holds them (`reasonCode`, `note`).
fn question(request: Node<'_>) -> Option<Phi<String>> {
    let reasons = request.list("reasonCode").filter_map(|r| r.str_at("text"));
    let notes = request.list("note").filter_map(|n| n.str_at("text"));
    let parts: Vec<&str> = reasons.chain(notes).collect();
    (!parts.is_empty()).then(|| Phi::new(parts.join("\n\n")))
}
