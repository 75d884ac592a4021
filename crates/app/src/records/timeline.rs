//! The time line of a patient across the sources the reader may see.

use std::collections::BTreeMap;

use care::timeline::{self, Entry, Gap, GapReason};
use fhir::raw;
use kernel::{HospitalId, RecordKey};
use store::Stored;

use super::patient_key;
use super::view::{SourceLine, TimelineAsk, TimelineView};
use crate::{App, AppError, Cx};

/// Records of one source that are read for a time line.
pub const RECORDS_PER_SOURCE: u32 = 5_000;

impl App {
    /// The time line of a patient: the record at its custodian and every linked record elsewhere, as far as the reader
    /// may see them. What another hospital shows is audited before it is returned.
    pub async fn timeline(
        &self,
        cx: &Cx,
        patient: &RecordKey,
        ask: &TimelineAsk,
    ) -> Result<TimelineView, AppError> {
        let first = patient_key(&patient.hospital, &patient.id);
        let mut sources = vec![first.clone()];
        sources.extend(self.linked(cx, &first).await?);
        let permit = cx.permit();
        let mut entries: Vec<Entry> = Vec::new();
        let mut lines = Vec::new();
        let mut gaps = Vec::new();
        for source in &sources {
            let found = self
                .store
                .records_of(
                    &permit,
                    &source.hospital,
                    &source.id,
                    &[],
                    RECORDS_PER_SOURCE,
                )
                .await;
            let (mut of_source, gap) = match found {
                Ok(records) if records.is_empty() => (Vec::new(), Some(GapReason::NotPermitted)),
                Ok(mut records) => {
                    // Their dates are not when anything was: they are shown with the case they were made for.
                    records.retain(|r| !r.class.is_copy());
                    self.audit_read(cx, source, std::slice::from_ref(source), "timeline.read")
                        .await?;
                    let full = records.len() == RECORDS_PER_SOURCE as usize;
                    let (list, unreadable) =
                        self.named_entries(cx, &source.hospital, &records).await?;
                    let gap = if full {
                        Some(GapReason::TooMany)
                    } else if unreadable > 0 {
                        Some(GapReason::Unreadable)
                    } else {
                        None
                    };
                    (list, gap)
                }
                Err(store::StoreError::Unavailable(_)) => {
                    (Vec::new(), Some(GapReason::Unavailable))
                }
                Err(e) => return Err(e.into()),
            };
            // The record that was asked for and cannot be seen at all is not there for this reader.
            if *source == first && gap == Some(GapReason::NotPermitted) {
                return Err(AppError::NotFound);
            }
            gaps.extend(gap.map(|reason| Gap {
                custodian: source.hospital.clone(),
                reason,
                at: cx.now,
            }));
            lines.push(SourceLine {
                hospital: self.hospital_line(cx, &source.hospital),
                entries: u32::try_from(of_source.len()).unwrap_or(u32::MAX),
                fresh: of_source.iter().filter_map(|e| e.recorded).max(),
                gap,
            });
            entries.append(&mut of_source);
        }
        Ok(view(entries, gaps, lines, ask))
    }

    /// Entries of one source with the names of medications that stand elsewhere in it; and how many records could not be
    /// read as FHIR.
    pub(crate) async fn named_entries(
        &self,
        cx: &Cx,
        custodian: &HospitalId,
        records: &[Stored],
    ) -> Result<(Vec<Entry>, usize), AppError> {
        let (mut entries, unreadable) = self.entries(cx, custodian, records);
        let key_of = |entry: &Entry| {
            let id = entry.title_at.as_deref()?.strip_prefix("Medication/")?;
            let id = kernel::ResourceId::new(id).ok()?;
            Some(RecordKey::new(
                custodian.clone(),
                super::kind("Medication"),
                id,
            ))
        };
        let mut keys: Vec<RecordKey> = entries.iter().filter_map(key_of).collect();
        if keys.is_empty() {
            return Ok((entries, unreadable));
        }
        keys.sort();
        keys.dedup();
        // A Medication is about no patient, so no share names it; its name belongs to the statement that may be read.
        let permit = self.system(agreements::SystemPurpose::Decision);
        let mut names: BTreeMap<RecordKey, String> = BTreeMap::new();
        for stored in self.store.get_many(&permit, &keys).await? {
            if let Ok(doc) = raw::parse(stored.body.reveal())
                && let Some(name) = timeline::words_at(doc.root(), "code", cx.language.tag())
            {
                names.insert(stored.key.clone(), name);
            }
        }
        for entry in &mut entries {
            if let Some(name) = key_of(entry).and_then(|k| names.get(&k)) {
                entry.title.clone_from(name);
            }
        }
        Ok((entries, unreadable))
    }

    /// Entries of one source; and how many records could not be read as FHIR.
    pub(crate) fn entries(
        &self,
        cx: &Cx,
        custodian: &HospitalId,
        records: &[Stored],
    ) -> (Vec<Entry>, usize) {
        let zone = self
            .hospital(custodian)
            .map_or(jiff::tz::TimeZone::UTC, |h| h.time_zone());
        let lang = cx.language.tag();
        let mut unreadable = 0;
        let entries = records
            .iter()
            .filter_map(|stored| {
                let Ok(doc) = raw::parse(stored.body.reveal()) else {
                    unreadable += 1;
                    return None;
                };
                let id = stored.key.id.as_str();
                let class = stored.class.as_str();
                let mut entry = timeline::read(custodian, id, class, doc.root(), &zone, lang)?;
                // A source that does not say when it wrote something wrote it when it came to us.
                entry.recorded.get_or_insert(stored.at);
                Some(entry)
            })
            .collect();
        (entries, unreadable)
    }
}

fn view(
    entries: Vec<Entry>,
    gaps: Vec<Gap>,
    sources: Vec<SourceLine>,
    ask: &TimelineAsk,
) -> TimelineView {
    let summary = timeline::summarise(&entries);
    let trends = timeline::trends(&entries);
    let mut classes: BTreeMap<String, usize> = BTreeMap::new();
    for entry in &entries {
        *classes.entry(entry.class.clone()).or_default() += 1;
    }
    let total = entries.len();
    let mut shown: Vec<Entry> = entries
        .into_iter()
        .filter(|e| ask.classes.is_empty() || ask.classes.contains(&e.class))
        .collect();
    if let Some(limit) = ask.limit {
        shown.sort_by_key(|e| std::cmp::Reverse(e.when.as_ref().map(|w| w.start)));
        shown.truncate(limit);
    }
    TimelineView {
        years: timeline::by_year(shown, gaps),
        sources,
        summary,
        trends,
        total,
        classes: classes.into_iter().collect(),
    }
}
