//! Imaging that a clinician asks for: a ServiceRequest of the own hospital, which is what the modality worklist reads, and
//! beside it who asked, with which number, and which study came of it. The page and a FHIR write place the same order.

mod done;
mod from_fhir;

use agreements::{Role, SystemPurpose};
use care::case::Urgency;
use kernel::{AccountId, HospitalId, Instant, Phi, RecordKey, ResourceId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::{Batch, Lookup, Precondition, StoreError};

use super::entities::Entity;
use super::{Service, worklist};
use crate::audit_entry::{Entry, Verb};
use crate::docs::{self, Document, Versioned};
use crate::records::{kind, patient_key};
use crate::{App, AppError, Cx, FieldProblem};

/// Orders of one patient that are listed.
const LISTED_MAX: u32 = 200;
const PROCEDURE_CHARS_MAX: usize = 64;
const REASON_CHARS_MAX: usize = 2_000;
const PART_CHARS_MAX: usize = 40;
/// Whether a category (system, code) makes a ServiceRequest an order of imaging.
pub(crate) fn is_imaging(system: &str, code: &str) -> bool {
    worklist::is_imaging(system, code)
}

/// System of the titles of application entities.
pub(super) const AE_TITLE: &str = "urn:karez:ae-title";

/// What a scanner can be asked for (PS3.3 C.7.3.1.1.1); words under `modality-*`.
pub const MODALITIES: [&str; 10] = ["CT", "MR", "DX", "CR", "US", "MG", "NM", "PT", "XA", "RF"];

/// What is asked for.
#[derive(Debug, Clone, Default)]
pub struct NewOrder {
    /// One of [`MODALITIES`].
    pub modality: String,
    pub procedure: String,
    pub body_part: String,
    pub reason: Phi<String>,
    pub urgency: Option<Urgency>,
    /// Title of the station it is meant for; none: any.
    pub station: Option<String>,
    /// When it is to be done; none: as soon as may be.
    pub at: Option<Instant>,
    /// The case that asks for it.
    pub case: Option<ResourceId>,
}

/// What an order that was written elsewhere brings with it.
#[derive(Default)]
struct Given {
    accession: Option<String>,
    requester: Option<String>,
    /// The ServiceRequest as it came.
    resource: Option<Value>,
}

/// How far an order has come; words under `order-state-*`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OrderState {
    Waiting,
    /// This study came of it.
    Done(ResourceId),
    Cancelled,
}

impl OrderState {
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Done(_) => "done",
            Self::Cancelled => "cancelled",
        }
    }
}

/// What is kept beside the ServiceRequest of the same id.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ImagingOrder {
    pub patient: ResourceId,
    pub hospital: HospitalId,
    pub accession: String,
    pub modality: String,
    pub procedure: Phi<String>,
    pub body_part: String,
    pub urgency: Urgency,
    pub station: Option<String>,
    pub at: Option<Instant>,
    pub case: Option<ResourceId>,
    pub by: AccountId,
    pub by_name: String,
    pub ordered: Instant,
    pub state: OrderState,
}

impl Document for ImagingOrder {
    const KIND: &'static str = "imaging-order";
    fn lookups(&self) -> Vec<Lookup> {
        vec![
            Lookup::unique("accession", &self.accession),
            Lookup::new(
                "patient",
                format!("{}/Patient/{}", self.hospital, self.patient),
            ),
        ]
    }
}

/// An order in a list.
#[derive(Debug, Clone)]
pub struct OrderLine {
    pub id: ResourceId,
    pub accession: String,
    pub modality: String,
    pub procedure: Phi<String>,
    pub body_part: String,
    pub urgency: Urgency,
    pub station: Option<String>,
    pub at: Option<Instant>,
    pub by: String,
    pub ordered: Instant,
    pub state: OrderState,
}

/// A station that asks for the worklist: its title, and what people call it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Station {
    pub title: String,
    pub name: String,
}

impl App {
    /// The own hospital's stations that imaging can be scheduled at.
    pub async fn stations(&self, cx: &Cx) -> Result<Vec<Station>, AppError> {
        self.stations_of(cx.require_clinical()?).await
    }

    async fn stations_of(&self, own: &HospitalId) -> Result<Vec<Station>, AppError> {
        let permit = self.system(SystemPurpose::Decision);
        let found = self
            .find::<Entity>(&permit, Some(own), Vec::new(), None, 1_000, false)
            .await?;
        let mut all: Vec<Station> = found
            .into_iter()
            .filter(|e| e.doc.withdrawn.is_none() && e.doc.may.contains(&Service::Worklist))
            .map(|e| Station {
                title: e.doc.title,
                name: e.doc.name,
            })
            .collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(all)
    }

    /// Asks for imaging of a patient of the own hospital. It is on the worklist when this returns.
    pub async fn order_imaging(
        &self,
        cx: &Cx,
        patient: &RecordKey,
        new: NewOrder,
    ) -> Result<ResourceId, AppError> {
        let own = cx.require(Role::Clinician)?.clone();
        let order = self.place_order(cx, &own, patient, new, Given::default());
        order.await
    }

    /// Places an order of one who may.
    async fn place_order(
        &self,
        cx: &Cx,
        own: &HospitalId,
        patient: &RecordKey,
        new: NewOrder,
        given: Given,
    ) -> Result<ResourceId, AppError> {
        if patient.hospital != *own {
            return Err(AppError::denied("other-hospital"));
        }
        let who = patient_key(own, &patient.id);
        let found = self.store.get(&cx.permit(), &who, None).await?;
        if found.is_none_or(|s| s.deleted) {
            return Err(AppError::NotFound);
        }
        let urgency = self.order_urgency(own, &new).await?;
        if let Some(case) = &new.case {
            let key = RecordKey::new(own.clone(), kind("case"), case.clone());
            let case = self.case_doc(cx, &key).await?.doc.case;
            if case.hospital != *own || case.patient != patient.id {
                return Err(AppError::NotFound);
            }
        }
        let accession = given.accession;
        let order = Versioned {
            key: self.doc_key::<ImagingOrder>(own, &self.new_id()),
            version: 0,
            doc: ImagingOrder {
                patient: patient.id.clone(),
                accession: accession.unwrap_or_else(|| self.new_accession(own, cx.now)),
                modality: new.modality,
                procedure: Phi::new(new.procedure.trim().to_owned()),
                body_part: new.body_part.trim().to_uppercase(),
                urgency,
                station: new.station,
                at: new.at,
                case: new.case,
                by: cx.actor.account.clone(),
                by_name: given.requester.unwrap_or_else(|| cx.name.clone()),
                ordered: cx.now,
                state: OrderState::Waiting,
                hospital: own.clone(),
            },
        };
        let mut batch = Batch::new(cx.now);
        let reason = new.reason.reveal().trim();
        let resource = match given.resource {
            Some(given) => from_fhir::completed(given, &order.doc),
            None => service_request(&order.doc, reason),
        };
        batch.put_fhir(
            request_key(&order),
            Precondition::Absent,
            resource.to_string(),
        );
        self.put_order(cx, &mut batch, &order, "imaging.ordered", Verb::Create)?;
        match self.store.commit(batch).await {
            Ok(_) => Ok(order.key.id),
            Err(StoreError::Duplicate { .. }) => Err(AppError::invalid(
                "accession",
                "order-number",
                "another order has this accession number",
            )),
            Err(e) => Err(e.into()),
        }
    }

    async fn order_urgency(&self, own: &HospitalId, new: &NewOrder) -> Result<Urgency, AppError> {
        let mut problems = Vec::new();
        let mut say = |field: &str, code: &'static str| {
            problems.push(FieldProblem::new(
                field,
                code,
                "missing or not one of those offered",
            ));
        };
        let long = |t: &str, most: usize| t.chars().count() > most;
        if !MODALITIES.contains(&new.modality.as_str()) {
            say("modality", "missing");
        }
        if new.procedure.trim().is_empty() {
            say("procedure", "missing");
        } else if long(&new.procedure, PROCEDURE_CHARS_MAX) {
            say("procedure", "too-long");
        }
        if long(&new.body_part, PART_CHARS_MAX) {
            say("body-part", "too-long");
        }
        if new.reason.reveal().trim().is_empty() {
            say("reason", "missing");
        } else if long(new.reason.reveal(), REASON_CHARS_MAX) {
            say("reason", "too-long");
        }
        if new.urgency.is_none() {
            say("urgency", "missing");
        }
        if let Some(title) = &new.station
            && !self
                .stations_of(own)
                .await?
                .iter()
                .any(|s| s.title == *title)
        {
            say("station", "missing");
        }
        match new.urgency {
            Some(urgency) if problems.is_empty() => Ok(urgency),
            _ => Err(AppError::Invalid(problems)),
        }
    }

    /// A number that no other order of the hospital has (SH, at most 16 characters): its tile, the year, ten digits.
    fn new_accession(&self, hospital: &HospitalId, now: Instant) -> String {
        let mut bytes = [0; 8];
        self.entropy.fill(&mut bytes);
        let n = u64::from_be_bytes(bytes) % 10_000_000_000;
        let home = self.hospital(hospital);
        let zone = home
            .as_ref()
            .map_or(jiff::tz::TimeZone::UTC, |h| h.time_zone());
        let tile: String = home
            .map(|h| h.tile.clone())
            .unwrap_or_default()
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .take(2)
            .collect();
        format!("{tile}{:02}{n:010}", now.to_zoned(zone).year() % 100)
    }

    fn put_order(
        &self,
        cx: &Cx,
        batch: &mut Batch,
        order: &Versioned<ImagingOrder>,
        action: &str,
        verb: Verb,
    ) -> Result<(), AppError> {
        docs::put(batch, order)?;
        let hospital = &order.doc.hospital;
        let request = request_key(order);
        let entry = Entry {
            patient: Some((hospital, &order.doc.patient)),
            ..Entry::of(verb, action, &request)
        };
        batch.audit.push(cx.audit(hospital, &entry));
        batch.event(action, &patient_key(hospital, &order.doc.patient), "{}");
        Ok(())
    }

    /// The orders of a patient of the own hospital, newest first. The reading is audited before this returns.
    pub async fn imaging_orders(
        &self,
        cx: &Cx,
        patient: &RecordKey,
    ) -> Result<Vec<OrderLine>, AppError> {
        let own = cx.require_clinical()?;
        if patient.hospital != *own {
            return Ok(Vec::new());
        }
        let readable = self.store.get(&cx.permit(), patient, None).await?;
        if readable.is_none_or(|s| s.deleted) {
            return Err(AppError::NotFound);
        }
        let permit = self.system(SystemPurpose::Decision);
        let by = vec![Lookup::new(
            "patient",
            format!("{own}/Patient/{}", patient.id),
        )];
        let found = self
            .find::<ImagingOrder>(&permit, Some(own), by, None, LISTED_MAX, true)
            .await?;
        if !found.is_empty() {
            let subjects: Vec<RecordKey> = found.iter().map(request_key).collect();
            self.audit_read(cx, patient, &subjects, "imaging.orders.read")
                .await?;
        }
        Ok(found
            .into_iter()
            .map(|o| OrderLine {
                id: o.key.id,
                accession: o.doc.accession,
                modality: o.doc.modality,
                procedure: o.doc.procedure,
                body_part: o.doc.body_part,
                urgency: o.doc.urgency,
                station: o.doc.station,
                at: o.doc.at,
                by: o.doc.by_name,
                ordered: o.doc.ordered,
                state: o.doc.state,
            })
            .collect())
    }

    /// Takes an order back that nothing has come of.
    pub async fn cancel_order(
        &self,
        cx: &Cx,
        patient: &RecordKey,
        order: &ResourceId,
    ) -> Result<(), AppError> {
        let own = cx.require(Role::Clinician)?.clone();
        let permit = self.system(SystemPurpose::Decision);
        let found = self.need::<ImagingOrder>(&permit, &own, order).await?;
        if found.doc.patient != patient.id || patient.hospital != own {
            return Err(AppError::NotFound);
        }
        self.take_order_back(cx, found).await
    }

    async fn take_order_back(
        &self,
        cx: &Cx,
        mut found: Versioned<ImagingOrder>,
    ) -> Result<(), AppError> {
        if found.doc.state != OrderState::Waiting {
            return Err(AppError::rejected("order-over", "the order is over"));
        }
        found.doc.state = OrderState::Cancelled;
        let mut batch = Batch::new(cx.now);
        self.put_status(&mut batch, &found, "revoked").await?;
        self.put_order(
            cx,
            &mut batch,
            &found,
            "imaging.order.cancelled",
            Verb::Update,
        )?;
        self.store.commit(batch).await?;
        Ok(())
    }
}

/// The request has the id of the order.
fn request_key(order: &Versioned<ImagingOrder>) -> RecordKey {
    RecordKey::new(
        order.doc.hospital.clone(),
        kind("ServiceRequest"),
        order.key.id.clone(),
    )
}

fn accession_identifier(number: &str) -> Value {
    json!({
        "type": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "ACSN"}]},
        "value": number,
    })
}

/// ServiceRequest (R4) of category imaging.
fn service_request(order: &ImagingOrder, reason: &str) -> Value {
    let priority = match order.urgency {
        Urgency::Emergency => "stat",
        Urgency::Urgent => "asap",
        Urgency::Soon => "urgent",
        Urgency::Routine => "routine",
    };
    let mut out = json!({
        "resourceType": "ServiceRequest",
        "identifier": [accession_identifier(&order.accession)],
        "status": "active",
        "intent": "order",
        "category": [{"coding": [{"system": "http://snomed.info/sct", "code": "363679005", "display": "Imaging"}]}],
        "priority": priority,
        "code": {"text": order.procedure.reveal()},
        "orderDetail": [{"coding": [{"system": worklist::DCM, "code": order.modality}]}],
        "subject": {"reference": format!("Patient/{}", order.patient)},
        "authoredOn": order.ordered.to_string(),
        "requester": {"display": order.by_name},
        "reasonCode": [{"text": reason}],
    });
    let Some(map) = out.as_object_mut() else {
        return out;
    };
    if let Some(at) = order.at {
        map.insert("occurrenceDateTime".into(), at.to_string().into());
    }
    if !order.body_part.is_empty() {
        map.insert("bodySite".into(), json!([{"text": order.body_part}]));
    }
    if let Some(station) = &order.station {
        let who = json!([{"type": "Device", "identifier": {"system": AE_TITLE, "value": station}}]);
        map.insert("performer".into(), who);
    }
    if let Some(case) = &order.case {
        let request = format!("ServiceRequest/{case}");
        map.insert("basedOn".into(), json!([{"reference": request}]));
    }
    out
}
