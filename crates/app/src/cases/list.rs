//! Lists of cases: the coordinator's inbox, the consultant's worklist, the referring doctor's cases.

use std::collections::BTreeMap;

use agreements::{Role, SystemPurpose};
use care::case::{Case, ClockState, Missing, Owner, Status, Urgency};
use fhir::raw;
use fhir::views::Patient;
use kernel::{AccountId, HospitalId, Phi, RecordKey};
use store::Lookup;

use super::doc::{CaseDoc, may_know};
use super::view::{
    CaseFilter, CaseList, CaseRow, Completeness, Counts, Order, OwnerLine, PatientLine, PersonLine,
    Tab,
};
use crate::docs::Versioned;
use crate::records::patient_key;
use crate::records::patients::{age_on, names};
use crate::records::view::Names;
use crate::{App, AppError, Cx};

/// Cases of one list that are looked at.
pub const CASES_MAX: u32 = 10_000;

/// The UTC days that hold the reader's day, whatever their zone.
fn days_around(now: kernel::Instant) -> [String; 3] {
    [-24, 0, 24].map(|hours| {
        let at = now
            .saturating_add(jiff::SignedDuration::from_hours(hours))
            .unwrap_or(now);
        super::doc::day_of(at)
    })
}

/// Rows shown when no limit is asked for.
pub const ROWS: usize = 50;

type Docs = Vec<Versioned<CaseDoc>>;

impl App {
    pub(super) async fn cases_by(&self, cx: &Cx, lookups: Vec<Lookup>) -> Result<Docs, AppError> {
        let permit = self.system(SystemPurpose::Decision);
        let mut found: Docs = self
            .find(&permit, None, lookups, None, CASES_MAX, true)
            .await?;
        found.retain(|c| may_know(cx, &c.doc.case));
        self.retain_open(cx, &mut found).await?;
        Ok(found)
    }

    /// The cases a tab shows and the counts above it. Open cases are counted whatever the tab; those that are over are
    /// only read where they are shown.
    async fn tab(
        &self,
        cx: &Cx,
        filter: &CaseFilter,
        open: Vec<Lookup>,
        all: Vec<Lookup>,
    ) -> Result<(Docs, Counts), AppError> {
        let open = self.cases_by(cx, open).await?;
        let counts = counts(cx, &open);
        let cases = match filter.tab {
            Tab::Closed | Tab::All => self.cases_by(cx, all).await?,
            _ => open,
        };
        Ok((cases, counts))
    }

    /// Cases sent to the coordinator's hospital.
    pub async fn inbox(&self, cx: &Cx, filter: &CaseFilter) -> Result<CaseList, AppError> {
        let hospital = cx.require(Role::Coordinator)?.clone();
        let here = || Lookup::new("answering", hospital.as_str());
        let inbox = vec![Lookup::new("inbox", hospital.as_str())];
        let (mut cases, mut counts) = self.tab(cx, filter, inbox, vec![here()]).await?;
        if filter.tab == Tab::Answered {
            let open = vec![here(), Lookup::new("open", "yes")];
            cases = self.cases_by(cx, open).await?;
        }
        for day in days_around(cx.now) {
            let answered = vec![here(), Lookup::new("answered-day", day)];
            counts.answered_today += answered_today(cx, &self.cases_by(cx, answered).await?);
        }
        cases.retain(|c| c.doc.case.status != Status::Draft);
        self.case_list(cx, cases, counts, filter).await
    }

    /// Cases given to the consultant, and those waiting for their second signature or their look at an outcome.
    pub async fn worklist(&self, cx: &Cx, filter: &CaseFilter) -> Result<CaseList, AppError> {
        cx.require(Role::Consultant)?;
        let me = cx.actor.account.as_str();
        let mine = || Lookup::new("consultant", me);
        let open = vec![mine(), Lookup::new("open", "yes")];
        let (mut cases, mut counts) = self.tab(cx, filter, open, vec![mine()]).await?;
        let to_sign = self
            .cases_by(cx, vec![Lookup::new("co-signer", me)])
            .await?;
        counts.open += to_sign.len();
        counts.mine += to_sign.len();
        for case in to_sign {
            if !cases.iter().any(|c| c.key == case.key) {
                cases.push(case);
            }
        }
        let own = cx.hospital()?;
        cases.retain(|c| c.doc.case.answering() == Some(own));
        self.case_list(cx, cases, counts, filter).await
    }

    /// The cases of the clinician's hospital: their own, or all of the hospital under [`Tab::All`].
    pub async fn my_cases(&self, cx: &Cx, filter: &CaseFilter) -> Result<CaseList, AppError> {
        let hospital = cx.require(Role::Clinician)?.clone();
        let home = || Lookup::new("referring", hospital.as_str());
        let mine = || Lookup::new("referrer", cx.actor.account.as_str());
        let open = vec![home(), mine(), Lookup::new("open", "yes")];
        let all = match filter.tab {
            Tab::All => vec![home()],
            _ => vec![home(), mine()],
        };
        let (cases, counts) = self.tab(cx, filter, open, all).await?;
        self.case_list(cx, cases, counts, filter).await
    }

    /// Every case about one patient that the reader may know of, newest first.
    pub async fn patient_cases(
        &self,
        cx: &Cx,
        patient: &RecordKey,
    ) -> Result<Vec<CaseRow>, AppError> {
        let lookups = vec![
            Lookup::new("patient", patient.id.as_str()),
            Lookup::new("referring", patient.hospital.as_str()),
        ];
        let cases = self.cases_by(cx, lookups).await?;
        self.rows(cx, &cases).await
    }

    async fn case_list(
        &self,
        cx: &Cx,
        mut cases: Docs,
        counts: Counts,
        filter: &CaseFilter,
    ) -> Result<CaseList, AppError> {
        cases.retain(|c| shown(cx, &c.doc.case, filter));
        sort(cx, &mut cases, filter.order);
        let limit = filter.limit.unwrap_or(ROWS);
        let more = cases.len().saturating_sub(limit);
        cases.truncate(limit);
        Ok(CaseList {
            rows: self.rows(cx, &cases).await?,
            counts,
            more,
        })
    }

    /// Rows of cases. Names come from the patients' records under the reader's permit, in one read.
    pub(crate) async fn rows(
        &self,
        cx: &Cx,
        cases: &[Versioned<CaseDoc>],
    ) -> Result<Vec<CaseRow>, AppError> {
        let mut keys: Vec<RecordKey> = cases
            .iter()
            .map(|c| patient_key(&c.doc.case.hospital, &c.doc.case.patient))
            .collect();
        keys.sort();
        keys.dedup();
        let mut known: BTreeMap<RecordKey, Names> = BTreeMap::new();
        for stored in self.store.get_many(&cx.permit(), &keys).await? {
            if let Ok(doc) = raw::parse(stored.body.reveal()) {
                known.insert(stored.key.clone(), names(&Patient::from_value(doc.root())));
            }
        }
        let mut people: BTreeMap<(AccountId, HospitalId), PersonLine> = BTreeMap::new();
        let mut rows = Vec::with_capacity(cases.len());
        for case in cases {
            let owner = self.owner_line(cx, &case.doc.case, &mut people).await?;
            rows.push(self.row(cx, case, &known, owner));
        }
        Ok(rows)
    }

    async fn owner_line(
        &self,
        cx: &Cx,
        case: &Case,
        people: &mut BTreeMap<(AccountId, HospitalId), PersonLine>,
    ) -> Result<Option<OwnerLine>, AppError> {
        Ok(match case.owner() {
            None => None,
            Some(Owner::Coordinators { hospital }) => {
                Some(OwnerLine::Nobody(self.hospital_line(cx, &hospital)))
            }
            Some(Owner::Person { account, .. }) if account == cx.actor.account => {
                Some(OwnerLine::Me)
            }
            Some(Owner::Person { hospital, account }) => {
                let key = (account, hospital);
                let line = match people.get(&key) {
                    Some(line) => line.clone(),
                    None => {
                        let line = self.person_line(cx, &key.0, Some(&key.1)).await?;
                        people.insert(key, line.clone());
                        line
                    }
                };
                Some(OwnerLine::Person(line))
            }
        })
    }

    fn row(
        &self,
        cx: &Cx,
        doc: &Versioned<CaseDoc>,
        known: &BTreeMap<RecordKey, Names>,
        owner: Option<OwnerLine>,
    ) -> CaseRow {
        let case = &doc.doc.case;
        let patient = patient_key(&case.hospital, &case.patient);
        let age = doc
            .doc
            .birth_date
            .reveal()
            .as_deref()
            .and_then(|b| age_on(cx, b));
        let seen = doc.doc.seen.get(&cx.actor.account).copied().unwrap_or(0);
        CaseRow {
            key: doc.key.clone(),
            number: case.number.clone(),
            status: case.status,
            urgency: case.request.urgency,
            clock: case.clock_at(cx.now),
            patient: PatientLine {
                names: known.get(&patient).cloned().map(Phi::new),
                key: patient,
                sex: doc.doc.sex,
                age_years: age.map(|a| a.years),
                age_days: age.and_then(|a| a.days),
            },
            question: case.request.question.clone(),
            from: self.hospital_line(cx, &case.hospital),
            to: case.answering().map(|h| self.hospital_line(cx, h)),
            service: case.request.service.clone(),
            specialty: case.request.specialty.clone(),
            completeness: completeness(case),
            owner,
            sent: case.sent,
            since: case.since,
            suspended: case.suspended.as_ref().map(|s| s.reason),
            unread: doc.doc.messages.saturating_sub(seen),
        }
    }
}

fn completeness(case: &Case) -> Completeness {
    let missing = case.missing(case.terms.as_ref());
    Completeness {
        have: Missing::ALL.len() - missing.len(),
        of: Missing::ALL.len(),
        missing,
        waiting: case.status == Status::MoreInformation,
    }
}

fn mine(cx: &Cx, case: &Case) -> bool {
    case.owner()
        .is_some_and(|o| o.account() == Some(&cx.actor.account))
}

fn nobody(case: &Case) -> bool {
    case.owner().is_some_and(|o| o.account().is_none())
}

fn overdue(cx: &Cx, case: &Case) -> bool {
    case.clock_at(cx.now)
        .is_some_and(|c| c.state != ClockState::Stopped && c.is_over())
}

fn shown(cx: &Cx, case: &Case, filter: &CaseFilter) -> bool {
    let open = !case.status.is_final() && case.status != Status::Draft;
    let in_tab = match filter.tab {
        Tab::Open => open,
        Tab::Nobody => open && nobody(case),
        Tab::Overdue => open && overdue(cx, case),
        Tab::Waiting => matches!(
            case.status,
            Status::MoreInformation | Status::Suspended | Status::Declined
        ),
        Tab::Mine => mine(cx, case) && case.status != Status::Draft,
        Tab::Answered => matches!(case.status, Status::Answered | Status::Read | Status::Acted),
        Tab::Drafts => case.status == Status::Draft,
        Tab::Closed => case.status.is_final(),
        Tab::All => true,
    };
    in_tab
        && filter
            .urgency
            .is_none_or(|u| case.request.urgency == Some(u))
        && filter.from.as_ref().is_none_or(|h| case.hospital == *h)
        && filter
            .specialty
            .as_ref()
            .is_none_or(|s| case.request.specialty.as_ref() == Some(s))
        && filter.patient.as_ref().is_none_or(|p| case.patient == *p)
}

fn sort(cx: &Cx, cases: &mut Docs, order: Order) {
    match order {
        Order::Urgency => cases.sort_by_key(|c| {
            let case = &c.doc.case;
            let left = case.clock_at(cx.now).map_or(i64::MAX, |r| r.left_s);
            (
                case.request.urgency.unwrap_or(Urgency::Routine),
                left,
                case.created,
            )
        }),
        Order::Age => cases.sort_by_key(|c| c.doc.case.sent.unwrap_or(c.doc.case.created)),
        Order::Latest => cases.sort_by_key(|c| std::cmp::Reverse(c.doc.case.since)),
    }
}

fn answered_today(cx: &Cx, cases: &Docs) -> usize {
    let day = |at: kernel::Instant| at.to_zoned(cx.zone.clone()).date();
    let today = day(cx.now);
    cases
        .iter()
        .filter(|c| {
            let answers = &c.doc.case.answers;
            answers
                .iter()
                .any(|a| a.issued.is_some_and(|at| day(at) == today))
        })
        .count()
}

fn counts(cx: &Cx, cases: &Docs) -> Counts {
    let open: Vec<&Case> = cases
        .iter()
        .map(|c| &c.doc.case)
        .filter(|c| !c.status.is_final() && c.status != Status::Draft)
        .collect();
    let count = |test: &dyn Fn(&Case) -> bool| open.iter().filter(|c| test(c)).count();
    Counts {
        open: open.len(),
        nobody: count(&nobody),
        overdue: count(&|c| overdue(cx, c)),
        waiting: count(&|c| c.status == Status::MoreInformation),
        mine: count(&|c| mine(cx, c)),
        emergencies: count(&|c| c.request.urgency == Some(Urgency::Emergency)),
        answered_today: answered_today(cx, cases),
        oldest_s: open
            .iter()
            .filter(|c| c.status.is_open_request())
            .filter_map(|c| Some(cx.now.duration_since(c.sent?).as_secs()))
            .max(),
    }
}
