//! The record an opinion rests on: what the case shares, at its current versions.

use agreements::RecordClass;
use care::case::Case;
use fhir::raw;
use kernel::{HospitalId, Kind, Phi, RecordKey};
use store::Stored;

use super::RESTED_ON_MAX;
use super::doc::Seen;
use super::view::Changed;
use crate::{App, AppError, Cx};

/// Kinds that are about the case or about access, not part of the record an opinion is drawn from.
const NOT_RECORD: [&str; 7] = [
    "ServiceRequest",
    "Task",
    "Communication",
    "Provenance",
    "Consent",
    "AuditEvent",
    "Contract",
];

impl App {
    /// Current versions of everything the case shares and this reader may see, the Patient first, then by kind and id.
    pub(crate) async fn rested_on(&self, cx: &Cx, case: &Case) -> Result<Vec<Stored>, AppError> {
        let permit = cx.permit();
        let mut records = self
            .store
            .records_of(&permit, &case.hospital, &case.patient, &[], RESTED_ON_MAX)
            .await?;
        records.retain(|r| !NOT_RECORD.contains(&r.key.kind.as_str()) && is_shared(case, r));
        records.sort_by(|a, b| {
            let rank = |r: &Stored| (r.key.kind.as_str() != "Patient", r.key.clone());
            rank(a).cmp(&rank(b))
        });
        Ok(records)
    }

    /// The request as it stands, so that the opinion names which wording of the question it answers.
    pub(crate) async fn request_of(
        &self,
        cx: &Cx,
        case: &Case,
    ) -> Result<Option<Stored>, AppError> {
        let kind = Kind::new("ServiceRequest")?;
        let key = RecordKey::new(case.hospital.clone(), kind, case.id.clone());
        Ok(self
            .store
            .get(&cx.permit(), &key, None)
            .await?
            .filter(|s| !s.deleted))
    }
}

fn is_shared(case: &Case, record: &Stored) -> bool {
    let request = &case.request;
    record.class == RecordClass::Demographics
        || request.classes.contains(record.class.as_str())
        || request
            .items
            .iter()
            .any(|i| i.kind == record.key.kind && i.id == record.key.id)
        || (record.key.kind.as_str() == "DocumentReference"
            && request.files.iter().any(|f| f.id == record.key.id))
}

/// Names and versions of entries, in order.
pub(crate) fn seen(records: &[Stored]) -> Vec<Seen> {
    let mut list: Vec<Seen> = records
        .iter()
        .map(|r| Seen {
            key: r.key.clone(),
            version: r.version,
        })
        .collect();
    list.sort();
    list
}

/// What differs between the record when it was `base` and now.
pub(crate) fn changes(base: &[Seen], now: &[Stored], zone: &jiff::tz::TimeZone) -> Vec<Changed> {
    let changed = now.iter().filter_map(|r| {
        let what = match base.iter().find(|s| s.key == r.key) {
            None => "new",
            Some(s) if s.version != r.version => "changed",
            Some(_) => return None,
        };
        Some(Changed {
            key: r.key.clone(),
            title: Phi::new(title(r, zone).0),
            what,
        })
    });
    let gone = base
        .iter()
        .filter(|s| !now.iter().any(|r| r.key == s.key))
        .map(|s| Changed {
            key: s.key.clone(),
            title: Phi::new(s.key.kind.to_string()),
            what: "gone",
        });
    changed.chain(gone).collect()
}

fn title(record: &Stored, zone: &jiff::tz::TimeZone) -> (String, Option<jiff::civil::Date>) {
    match raw::parse(record.body.reveal()) {
        Ok(doc) => describe(
            &record.key.hospital,
            record.key.kind.as_str(),
            record.key.id.as_str(),
            doc.root(),
            zone,
        ),
        Err(_) => (record.key.kind.to_string(), None),
    }
}

/// One line for a record entry, with its value where it has one, and its clinical date.
pub(crate) fn describe<'a, J: fhir::json::Json<'a>>(
    custodian: &HospitalId,
    kind: &str,
    id: &str,
    resource: J,
    zone: &jiff::tz::TimeZone,
) -> (String, Option<jiff::civil::Date>) {
    if kind == "Patient" {
        return (kind.to_owned(), None);
    }
    let Some(entry) = care::timeline::read(custodian, id, "", resource, zone, "") else {
        return (kind.to_owned(), None);
    };
    let mut line = entry.title;
    let values: Vec<String> = entry
        .measures
        .iter()
        .map(|m| {
            // UCUM writes `1` for what has no unit.
            let unit = m.unit.as_deref().filter(|u| *u != "1");
            let parts = [
                m.name.as_deref(),
                m.comparator.as_deref(),
                Some(m.value.as_str()),
                unit,
            ];
            parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
        })
        .collect();
    if !values.is_empty() {
        line.push_str(": ");
        line.push_str(&values.join(", "));
    } else if let Some(detail) = entry.detail.filter(|d| d.chars().count() <= 160) {
        line.push_str(": ");
        line.push_str(&detail);
    }
    let date = entry
        .when
        .and_then(|w| w.text.get(..10).and_then(|d| d.parse().ok()));
    (line, date)
}
