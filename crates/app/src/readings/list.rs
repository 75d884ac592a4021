//! The worklist of readers, one reading, and the critical findings that wait at the hospital that treats.

use std::collections::BTreeMap;

use agreements::{Role, SystemPurpose};
use care::reading::{Critical, Reading, Status};
use fhir::raw;
use fhir::views::Patient;
use kernel::{Phi, RecordKey, ResourceId};
use store::{Lookup, Stored};

use super::doc::ReadingDoc;
use super::view::{
    CriticalRow, CriticalView, JudgementView, ReadingCan, ReadingFilter, ReadingList, ReadingRow,
    ReadingTab, ReadingView, ReportLine, SecondView,
};
use crate::cases::view::PatientLine;
use crate::docs::Versioned;
use crate::records::patients::{age, names};
use crate::records::view::Sex;
use crate::records::{kind, patient_key};
use crate::{App, AppError, Cx};

/// Open readings of one hospital that are looked at.
const OPEN_MAX: u32 = 2_000;
/// Finished ones that are listed.
const DONE_SHOWN: u32 = 50;
/// Rows drawn at once.
const ROWS_MAX: usize = 100;
/// Studies of one patient that are counted as priors.
const PRIORS_COUNTED: u32 = 50;

type Docs = Vec<Versioned<ReadingDoc>>;

impl App {
    /// What the caller's hospital has to read, most urgent first. Rows whose study the caller's permit does not open are left
    /// out.
    pub async fn readings(&self, cx: &Cx, filter: &ReadingFilter) -> Result<ReadingList, AppError> {
        let own = cx.require(Role::Consultant)?.clone();
        let permit = self.system(SystemPurpose::Decision);
        let open: Docs = self
            .find(
                &permit,
                Some(&own),
                vec![Lookup::new("open", "yes")],
                None,
                OPEN_MAX,
                false,
            )
            .await?;
        let me = &cx.actor.account;
        let waits_second = |r: &Reading| {
            let second = r.second.as_ref();
            second.is_some_and(|s| s.judgement.is_none()) && r.reports.iter().all(|p| p.by != *me)
        };
        let mine = |r: &Reading| r.reader.as_ref() == Some(me) && r.status() != Status::Final;
        let free = |r: &Reading| {
            r.status() != Status::Final && (r.reader.is_none() || mine(r) || r.is_stale(cx.now))
        };
        let count =
            |keep: &dyn Fn(&Reading) -> bool| open.iter().filter(|d| keep(&d.doc.reading)).count();
        let counts = [count(&free), count(&mine), count(&waits_second)];
        let overdue = count(&|r: &Reading| r.clock().stopped.is_none() && r.clock().due < cx.now);
        let mut docs: Docs = match filter.tab {
            ReadingTab::Done => {
                let lookups = vec![Lookup::new("status", Status::Final.as_str())];
                self.find(&permit, Some(&own), lookups, None, DONE_SHOWN, true)
                    .await?
            }
            ReadingTab::Open => keep(open, free),
            ReadingTab::Mine => keep(open, mine),
            ReadingTab::Second => keep(open, waits_second),
        };
        let mut modalities: Vec<String> = docs
            .iter()
            .flat_map(|d| d.doc.reading.facts.modalities.clone())
            .collect();
        modalities.sort();
        modalities.dedup();
        docs.retain(|d| {
            let r = &d.doc.reading;
            filter.urgency.is_none_or(|u| r.urgency == u)
                && filter
                    .modality
                    .as_ref()
                    .is_none_or(|m| r.facts.modalities.contains(m))
        });
        if filter.tab != ReadingTab::Done {
            docs.sort_by_key(|d| (d.doc.reading.urgency, d.doc.reading.clock().due));
        }
        let more = docs.len() > ROWS_MAX;
        docs.truncate(ROWS_MAX);
        let rows = self.reading_rows(cx, docs).await?;
        Ok(ReadingList {
            rows,
            counts,
            overdue,
            modalities,
            more,
        })
    }

    async fn reading_rows(&self, cx: &Cx, docs: Docs) -> Result<Vec<ReadingRow>, AppError> {
        let known = self.studies_and_patients(cx, &docs).await?;
        let mut rows = Vec::new();
        for doc in docs {
            let r = &doc.doc.reading;
            let Some(study) = known.get(&r.study).and_then(|s| self.study_line(cx, s)) else {
                continue;
            };
            let patient = patient_key(&r.study.hospital, &r.patient);
            let of_patient = self
                .store
                .records_of(
                    &cx.permit(),
                    &patient.hospital,
                    &patient.id,
                    &[kind("ImagingStudy")],
                    PRIORS_COUNTED,
                )
                .await?;
            let reader = match &r.reader {
                Some(account) => Some(self.person_line(cx, account, Some(&r.hospital)).await?),
                None => None,
            };
            rows.push(ReadingRow {
                patient: patient_line(cx, &patient, known.get(&patient)),
                study,
                urgency: r.urgency,
                clock: r.clock(),
                status: r.status(),
                reader,
                mine: r.reader.as_ref() == Some(&cx.actor.account),
                critical: r.criticals.iter().any(|c| c.acknowledged.is_none()),
                second_waits: r.second.as_ref().is_some_and(|s| s.judgement.is_none()),
                priors: of_patient.len().saturating_sub(1),
                key: doc.key,
            });
        }
        Ok(rows)
    }

    /// Studies and their patients, as far as the permit opens them.
    async fn studies_and_patients(
        &self,
        cx: &Cx,
        docs: &Docs,
    ) -> Result<BTreeMap<RecordKey, Stored>, AppError> {
        let mut keys: Vec<RecordKey> = docs
            .iter()
            .flat_map(|d| {
                let r = &d.doc.reading;
                [r.study.clone(), patient_key(&r.study.hospital, &r.patient)]
            })
            .collect();
        keys.sort();
        keys.dedup();
        let found = self.store.get_many(&cx.permit(), &keys).await?;
        Ok(found
            .into_iter()
            .filter(|s| !s.deleted)
            .map(|s| (s.key.clone(), s))
            .collect())
    }

    /// One reading, for the side that reads and the side that treats.
    pub async fn reading(&self, cx: &Cx, key: &RecordKey) -> Result<ReadingView, AppError> {
        let (doc, study) = self.reading_doc(cx, key).await?;
        self.audit_read(
            cx,
            &patient_key(&doc.doc.reading.study.hospital, &doc.doc.reading.patient),
            std::slice::from_ref(&doc.doc.reading.study),
            "reading.opened-page",
        )
        .await?;
        self.seen_subject(cx, key).await?;
        let r = &doc.doc.reading;
        let line = self.study_line(cx, &study).ok_or(AppError::NotFound)?;
        let mut reports = Vec::new();
        for report in &r.reports {
            reports.push(ReportLine {
                id: report.id.clone(),
                kind: report.kind,
                by: self.person_line(cx, &report.by, Some(&r.hospital)).await?,
                at: report.at,
                stands: r.standing().is_some_and(|s| s.id == report.id),
            });
        }
        let second = match &r.second {
            Some(s) => Some(self.second_view(cx, r, s).await?),
            None => None,
        };
        let mut criticals = Vec::new();
        for critical in &r.criticals {
            criticals.push(self.critical_view(cx, r, critical).await?);
        }
        let reader = match &r.reader {
            Some(account) => Some(self.person_line(cx, account, Some(&r.hospital)).await?),
            None => None,
        };
        Ok(ReadingView {
            can: can(cx, r),
            patient: patient_key(&r.study.hospital, &r.patient),
            case: r
                .case
                .as_ref()
                .map(|c| RecordKey::new(r.study.hospital.clone(), kind("case"), c.clone())),
            hospital: self.hospital_line(cx, &r.hospital),
            urgency: r.urgency,
            clock: r.clock(),
            status: r.status(),
            study: line,
            reader,
            reports,
            second,
            criticals,
            key: doc.key.clone(),
        })
    }

    async fn second_view(
        &self,
        cx: &Cx,
        r: &Reading,
        s: &care::reading::Second,
    ) -> Result<SecondView, AppError> {
        let judgement = match &s.judgement {
            Some(j) => Some(JudgementView {
                by: self.person_line(cx, &j.by, Some(&r.hospital)).await?,
                at: j.at,
                agreement: j.agreement,
                text: j.text.clone(),
                seen: j.seen,
            }),
            None => None,
        };
        Ok(SecondView {
            asked_by: self.person_line(cx, &s.asked_by, Some(&r.hospital)).await?,
            asked: s.asked,
            judgement,
        })
    }

    async fn critical_view(
        &self,
        cx: &Cx,
        r: &Reading,
        c: &Critical,
    ) -> Result<CriticalView, AppError> {
        let acknowledged = match &c.acknowledged {
            Some((at, who)) => {
                let hospital = &r.study.hospital;
                Some((*at, self.person_line(cx, who, Some(hospital)).await?))
            }
            None => None,
        };
        Ok(CriticalView {
            id: c.id.clone(),
            text: c.text.clone(),
            by: self.person_line(cx, &c.by, Some(&r.hospital)).await?,
            raised: c.raised,
            acknowledged,
            answer: c.answer.clone(),
            escalated: c.escalated,
        })
    }

    /// Critical findings that nobody at the caller's hospital has acknowledged, oldest first.
    pub async fn critical_findings(&self, cx: &Cx) -> Result<Vec<CriticalRow>, AppError> {
        let own = cx.require_clinical()?.clone();
        let permit = self.system(SystemPurpose::Decision);
        let lookups = vec![Lookup::new("critical", own.as_str())];
        let docs: Docs = self
            .find(&permit, None, lookups, None, OPEN_MAX, false)
            .await?;
        let known = self.studies_and_patients(cx, &docs).await?;
        let mut rows = Vec::new();
        for doc in &docs {
            let r = &doc.doc.reading;
            let Some(study) = known.get(&r.study).and_then(|s| self.study_line(cx, s)) else {
                continue;
            };
            let patient = patient_key(&r.study.hospital, &r.patient);
            for critical in r.criticals.iter().filter(|c| c.acknowledged.is_none()) {
                rows.push(CriticalRow {
                    reading: doc.key.clone(),
                    study: study.clone(),
                    patient: patient_line(cx, &patient, known.get(&patient)),
                    critical: self.critical_view(cx, r, critical).await?,
                });
            }
        }
        rows.sort_by_key(|r| r.critical.raised);
        Ok(rows)
    }

    /// Whether the caller reads a study, or has read it, for their hospital.
    pub(crate) async fn reads_study(&self, cx: &Cx, study: &RecordKey) -> Result<bool, AppError> {
        let own = cx.hospital()?;
        let permit = self.system(SystemPurpose::Decision);
        let lookups = vec![super::doc::of_study(study)];
        let found: Docs = self
            .find(&permit, Some(own), lookups, None, 1, false)
            .await?;
        let me = &cx.actor.account;
        Ok(found.iter().any(|d| {
            let r = &d.doc.reading;
            r.reader.as_ref() == Some(me) || r.reports.iter().any(|p| p.by == *me)
        }))
    }

    /// The reading of a study by the caller's hospital, or the one whose report stands; none where nobody reads it.
    pub async fn reading_of(
        &self,
        cx: &Cx,
        study: &RecordKey,
    ) -> Result<Option<(RecordKey, Status)>, AppError> {
        let own = cx.hospital()?.clone();
        let permit = self.system(SystemPurpose::Decision);
        let lookups = vec![super::doc::of_study(study)];
        let mut found: Docs = self.find(&permit, None, lookups, None, 50, false).await?;
        found.retain(|d| d.key.hospital == own || study.hospital == own);
        found.sort_by_key(|d| {
            (
                d.doc.reading.status() != Status::Final,
                d.key.hospital != own,
            )
        });
        Ok(found
            .into_iter()
            .next()
            .map(|d| (d.key, d.doc.reading.status())))
    }
}

fn keep(mut docs: Docs, of: impl Fn(&Reading) -> bool) -> Docs {
    docs.retain(|d| of(&d.doc.reading));
    docs
}

/// What the caller may do now. The rule decides again when it is done.
fn can(cx: &Cx, r: &Reading) -> ReadingCan {
    let Ok(by) = super::by(cx) else {
        return ReadingCan::default();
    };
    let reads = by.reads && by.hospital == r.hospital;
    let own = reads && r.reader.as_ref() == Some(&by.account);
    let status = r.status();
    let open = status != Status::Final;
    let second = r.second.as_ref();
    let judged = second.and_then(|s| s.judgement.as_ref());
    ReadingCan {
        claim: reads && open && !own && (r.reader.is_none() || r.is_stale(cx.now)),
        release: own && r.reports.is_empty(),
        report: own && open && by.may_sign,
        addendum: own && !open && by.may_sign,
        ask_second: reads && r.standing().is_some() && second.is_none(),
        judge: reads
            && by.may_sign
            && second.is_some()
            && judged.is_none()
            && r.reports.iter().all(|p| p.by != by.account),
        see_judgement: own && judged.is_some_and(|j| j.seen.is_none()),
        raise: own,
        acknowledge: by.treats && by.hospital == r.study.hospital,
        urgency: reads && open,
    }
}

fn patient_line(cx: &Cx, key: &RecordKey, stored: Option<&Stored>) -> PatientLine {
    let doc = stored.and_then(|s| raw::parse(s.body.reveal()).ok());
    let patient = doc.as_ref().map(|d| Patient::from_value(d.root()));
    let known = patient.as_ref().and_then(|p| age(cx, p));
    PatientLine {
        key: key.clone(),
        names: patient.as_ref().map(|p| Phi::new(names(p))),
        sex: Sex::from_fhir(patient.as_ref().and_then(|p| p.sex.as_deref())),
        age_years: known.map(|a| a.years),
        age_days: known.and_then(|a| a.days),
    }
}

/// The id of a reading, from an address.
pub fn reading_key(hospital: &str, id: &str) -> Result<RecordKey, AppError> {
    ResourceId::new(id)?;
    Ok(RecordKey::parse(hospital, "reading", id)?)
}
