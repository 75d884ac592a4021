//! The border gate and its ledger: who went where, how many in this year, and what the law asks from which number on.
//!
//! One ledger document per custodian, destination, calendar year and person; one count per custodian, destination and
//! year, kept in the same commit. `all` is the destination that counts everybody once.

use agreements::border::{self, Counts, Crossing, LedgerEntry, Purpose, Refusal, ThresholdNotice};
use agreements::{ClassSet, RecordClass, Role, SystemPurpose};
use care::case::Case;
use kernel::{HospitalId, Kind, RecordKey, ResourceId};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use store::{Batch, Lookup};

use crate::audit_entry::{Entry, Verb};
use crate::docs::{self, Document, Versioned};
use crate::error::FieldProblem;
use crate::{App, AppError, Cx};

/// The destination under which everybody is counted once.
const ALL: &str = "all";

/// Who is to have what crosses.
#[derive(Debug, Clone)]
pub enum Recipient {
    /// A hospital of the network, under an agreement.
    Partner {
        hospital: HospitalId,
        agreement: ResourceId,
    },
    /// A doctor outside of it, by a link, in a country (ISO 3166-1 alpha-2).
    Doctor { country: String, link: ResourceId },
}

impl Recipient {
    fn ground(&self) -> String {
        match self {
            Self::Partner { agreement, .. } => format!("agreement {agreement}"),
            Self::Doctor { link, .. } => format!("link {link}"),
        }
    }
}

/// What is about to be sent.
#[derive(Debug, Clone)]
pub struct BorderAsk {
    pub custodian: HospitalId,
    pub recipient: Recipient,
    pub patient: ResourceId,
    pub case: Option<ResourceId>,
    pub consent: Option<ResourceId>,
    pub purpose: Option<Purpose>,
    /// Classes that would be opened.
    pub classes: ClassSet,
    /// Classes a person chose for this case, entry by entry or as a class.
    pub chosen: ClassSet,
}

/// Everything of one person that crossed to one destination in one year.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LedgerPage {
    pub destination: String,
    pub year: i16,
    pub patient: ResourceId,
    pub sensitive: bool,
    pub entries: Vec<LedgerEntry>,
}

impl Document for LedgerPage {
    const KIND: &'static str = "border-ledger";
    fn lookups(&self) -> Vec<Lookup> {
        vec![
            Lookup::new("patient", self.patient.as_str()),
            Lookup::new("year", self.year.to_string()),
            Lookup::new("destination", self.destination.as_str()),
        ]
    }
}

/// Distinct persons of one year.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct YearCount {
    pub destination: String,
    pub year: i16,
    pub counts: Counts,
}

impl Document for YearCount {
    const KIND: &'static str = "border-count";
    fn lookups(&self) -> Vec<Lookup> {
        vec![Lookup::new("year", self.year.to_string())]
    }
}

/// One destination as the administrator sees it.
#[derive(Debug, Clone)]
pub struct DestinationView {
    pub destination: String,
    pub counts: Counts,
    pub notices: Vec<ThresholdNotice>,
}

/// The ledger of one year.
#[derive(Debug, Clone)]
pub struct LedgerView {
    pub year: i16,
    pub exporter: String,
    pub destinations: Vec<DestinationView>,
    pub entries: Vec<LedgerEntry>,
}

impl App {
    /// Passes one crossing through the gate and adds its ledger lines to the batch; within one jurisdiction nothing is
    /// done. Refusals name the law.
    pub async fn cross_border(
        &self,
        cx: &Cx,
        batch: &mut Batch,
        ask: &BorderAsk,
    ) -> Result<(), AppError> {
        let from = self.hospital(&ask.custodian).ok_or(AppError::NotFound)?;
        let to = match &ask.recipient {
            Recipient::Partner { hospital, .. } => {
                let to = self.hospital(hospital).ok_or(AppError::NotFound)?;
                to.jurisdiction.clone()
            }
            Recipient::Doctor { country, .. } => country.clone(),
        };
        if from.jurisdiction == to {
            return Ok(());
        }
        let consent = match &ask.consent {
            Some(id) => self.consent_across(cx, ask, id).await?,
            None => false,
        };
        let year = cx.now.to_zoned(from.time_zone()).year();
        let sensitive = is_health(ask.classes);
        let purpose = ask.purpose;
        let mut counts = Vec::new();
        for destination in [to.as_str(), ALL] {
            counts.push(
                self.count_one(batch, ask, destination, year, sensitive)
                    .await?,
            );
        }
        let crossing = Crossing {
            exporter: &from.jurisdiction,
            destination: &to,
            purpose,
            separate_consent: consent,
            classes: ask.classes,
            chosen: ask.chosen,
            to_destination: counts[0],
            in_all: counts[1],
        };
        let answer = border::gate(&crossing);
        if !answer.refusals.is_empty() {
            return Err(AppError::Invalid(
                answer.refusals.iter().map(problem).collect(),
            ));
        }
        let Some(purpose) = purpose else {
            return Err(AppError::invalid(
                "purpose",
                "border-no-purpose",
                "a purpose",
            ));
        };
        self.write_ledger(cx, batch, ask, &from.jurisdiction, &to, purpose, year)
            .await?;
        let patient_key =
            RecordKey::parse(ask.custodian.as_str(), "Patient", ask.patient.as_str())?;
        let ground = format!("{}; to {to}", ask.recipient.ground());
        batch.audit.push(cx.audit(
            &ask.custodian,
            &Entry {
                patient: Some((&ask.custodian, &ask.patient)),
                ground: Some(&ground),
                ..Entry::of(Verb::Execute, "border.crossed", &patient_key)
            },
        ));
        Ok(())
    }

    /// A case is sent: whatever was chosen for it passes the gate, if its partner lies in another jurisdiction.
    pub(crate) async fn case_leaves(
        &self,
        cx: &Cx,
        batch: &mut Batch,
        case: &Case,
    ) -> Result<(), AppError> {
        let (Some(recipient), Some(agreement)) = (case.answering(), &case.request.agreement) else {
            return Ok(());
        };
        let permit = self.system(SystemPurpose::Decision);
        let entries = case.request.items.iter().map(|i| (&i.kind, &i.id));
        let document = Kind::new("DocumentReference")?;
        let files = case.request.files.iter().map(|f| (&document, &f.id));
        let keys: Vec<_> = entries
            .chain(files)
            .map(|(kind, id)| RecordKey::new(case.hospital.clone(), kind.clone(), id.clone()))
            .collect();
        let items = self.store.get_many(&permit, &keys).await?;
        // Every class here was chosen by a person, for this case.
        let chosen: ClassSet = case
            .request
            .classes
            .iter()
            .filter_map(|c| c.parse().ok())
            .chain(items.iter().map(|s| s.class))
            // A file that is filed in this same commit cannot be read yet.
            .chain((!case.request.files.is_empty()).then_some(RecordClass::Documents))
            .collect();
        let ask = BorderAsk {
            custodian: case.hospital.clone(),
            recipient: Recipient::Partner {
                hospital: recipient.clone(),
                agreement: agreement.clone(),
            },
            patient: case.patient.clone(),
            case: Some(case.id.clone()),
            consent: case.request.consent.clone(),
            purpose: Some(Purpose::SecondOpinion),
            classes: chosen,
            chosen,
        };
        self.cross_border(cx, batch, &ask).await
    }

    async fn consent_across(
        &self,
        cx: &Cx,
        ask: &BorderAsk,
        id: &ResourceId,
    ) -> Result<bool, AppError> {
        let all = self.consents_for(&ask.custodian, &ask.patient).await?;
        Ok(all.iter().any(|c| {
            c.id == *id
                && c.state(cx.now) == agreements::consent::ConsentState::InForce
                && c.scope.across_border
                && c.scope
                    .hospitals
                    .as_ref()
                    .is_none_or(|h| match &ask.recipient {
                        Recipient::Partner { hospital, .. } => h.contains(hospital),
                        // A consent that names hospitals lets nobody else have anything.
                        Recipient::Doctor { .. } => false,
                    })
        }))
    }

    /// Counts the person for one destination, once a year, and answers the counts with this crossing included.
    async fn count_one(
        &self,
        batch: &mut Batch,
        ask: &BorderAsk,
        destination: &str,
        year: i16,
        sensitive: bool,
    ) -> Result<Counts, AppError> {
        let permit = self.system(SystemPurpose::Decision);
        let page_id = page_id(year, destination, &ask.patient)?;
        let page: Option<Versioned<LedgerPage>> =
            self.load(&permit, &ask.custodian, &page_id).await?;
        let count_id = ResourceId::new(format!("{year}-{destination}"))?;
        let count: Option<Versioned<YearCount>> =
            self.load(&permit, &ask.custodian, &count_id).await?;
        let mut count = count.unwrap_or_else(|| Versioned {
            key: self.doc_key::<YearCount>(&ask.custodian, &count_id),
            version: 0,
            doc: YearCount {
                destination: destination.to_owned(),
                year,
                counts: Counts::default(),
            },
        });
        let known = page.as_ref().map(|p| p.doc.sensitive);
        let counts = &mut count.doc.counts;
        counts.persons += u64::from(known.is_none());
        counts.sensitive += u64::from(sensitive && known != Some(true));
        let after = *counts;
        if known.is_none() || (sensitive && known == Some(false)) {
            docs::put(batch, &count)?;
        }
        if destination == ALL {
            let mut page = page.unwrap_or_else(|| self.new_page(ask, page_id, destination, year));
            page.doc.sensitive |= sensitive;
            docs::put(batch, &page)?;
        }
        Ok(after)
    }

    fn new_page(
        &self,
        ask: &BorderAsk,
        id: ResourceId,
        destination: &str,
        year: i16,
    ) -> Versioned<LedgerPage> {
        Versioned {
            key: self.doc_key::<LedgerPage>(&ask.custodian, &id),
            version: 0,
            doc: LedgerPage {
                destination: destination.to_owned(),
                year,
                patient: ask.patient.clone(),
                sensitive: false,
                entries: Vec::new(),
            },
        }
    }

    #[allow(clippy::too_many_arguments)]
    async fn write_ledger(
        &self,
        cx: &Cx,
        batch: &mut Batch,
        ask: &BorderAsk,
        exporter: &str,
        destination: &str,
        purpose: Purpose,
        year: i16,
    ) -> Result<(), AppError> {
        let permit = self.system(SystemPurpose::Decision);
        let id = page_id(year, destination, &ask.patient)?;
        let page: Option<Versioned<LedgerPage>> = self.load(&permit, &ask.custodian, &id).await?;
        let mut page = page.unwrap_or_else(|| self.new_page(ask, id, destination, year));
        page.doc.sensitive |= is_health(ask.classes);
        let (recipient, agreement, link) = match ask.recipient.clone() {
            Recipient::Partner {
                hospital,
                agreement,
            } => (Some(hospital), Some(agreement), None),
            Recipient::Doctor { link, .. } => (None, None, Some(link)),
        };
        page.doc.entries.push(LedgerEntry {
            custodian: ask.custodian.clone(),
            exporter: exporter.to_owned(),
            destination: destination.to_owned(),
            recipient,
            patient: ask.patient.clone(),
            case: ask.case.clone(),
            agreement,
            link,
            consent: ask.consent.clone(),
            purpose,
            classes: ask.classes,
            at: cx.now,
            year,
        });
        docs::put(batch, &page)
    }

    /// The ledger of one calendar year, for administrators.
    pub async fn border_ledger(&self, cx: &Cx, year: i16) -> Result<LedgerView, AppError> {
        let hospital = cx.require(Role::Administrator)?.clone();
        let exporter = self
            .hospital(&hospital)
            .map(|h| h.jurisdiction.clone())
            .unwrap_or_default();
        let permit = self.system(SystemPurpose::Decision);
        let by = vec![Lookup::new("year", year.to_string())];
        let counts = self
            .find::<YearCount>(&permit, Some(&hospital), by.clone(), None, 500, false)
            .await?;
        let in_all = counts
            .iter()
            .find(|c| c.doc.destination == ALL)
            .map(|c| c.doc.counts)
            .unwrap_or_default();
        let destinations = counts
            .iter()
            .filter(|c| c.doc.destination != ALL)
            .map(|c| DestinationView {
                destination: c.doc.destination.clone(),
                counts: c.doc.counts,
                notices: border::thresholds(&exporter, &c.doc.destination, c.doc.counts, in_all),
            })
            .collect();
        let pages = self
            .find::<LedgerPage>(&permit, Some(&hospital), by, None, 2_000, true)
            .await?;
        let mut entries: Vec<_> = pages.into_iter().flat_map(|p| p.doc.entries).collect();
        entries.sort_by_key(|e| std::cmp::Reverse(e.at));
        Ok(LedgerView {
            year,
            exporter,
            destinations,
            entries,
        })
    }

    /// Where one patient's data went (the accounting of disclosures of 45 CFR 164.528), newest first.
    pub async fn disclosures(
        &self,
        cx: &Cx,
        custodian: &HospitalId,
        patient: &ResourceId,
    ) -> Result<Vec<LedgerEntry>, AppError> {
        self.may_see_access(cx, custodian, patient).await?;
        let permit = self.system(SystemPurpose::Decision);
        let by = vec![Lookup::new("patient", patient.as_str())];
        let pages = self
            .find::<LedgerPage>(&permit, Some(custodian), by, None, 500, true)
            .await?;
        let mut entries: Vec<_> = pages.into_iter().flat_map(|p| p.doc.entries).collect();
        entries.sort_by_key(|e| std::cmp::Reverse(e.at));
        Ok(entries)
    }
}

/// Health data of any kind: everything that is not directory, administration or who someone is.
fn is_health(classes: ClassSet) -> bool {
    classes.iter().any(|c| {
        !matches!(
            c,
            RecordClass::Directory | RecordClass::Administrative | RecordClass::Demographics
        )
    })
}

/// Names the page by a hash: ids of patients may be as long as an id may be.
fn page_id(year: i16, destination: &str, patient: &ResourceId) -> Result<ResourceId, AppError> {
    let digest = Sha256::digest(format!("{year}/{destination}/{patient}"));
    let hex: String = digest.iter().map(|b| format!("{b:02x}")).collect();
    Ok(ResourceId::new(hex)?)
}

fn problem(r: &Refusal) -> FieldProblem {
    let (field, text) = match r {
        Refusal::NoPurpose => ("purpose", "a purpose is needed".to_owned()),
        Refusal::NoSeparateConsent { law } => ("consent", (*law).to_owned()),
        Refusal::NotMinimal { class } => ("classes", class.to_string()),
    };
    FieldProblem::new(field, r.key(), text)
}
