//! An imaging order written over FHIR: the same order as a page places, by the same rules. The resource is kept as it came,
//! with what the worklist needs of it added.

use agreements::{ActorKind, Role, SystemPurpose};
use care::case::Urgency;
use kernel::{HospitalId, Phi, RecordKey, ResourceId};
use serde_json::{Value, json};
use store::{Batch, Precondition};

use super::{AE_TITLE, Given, ImagingOrder, NewOrder, OrderState, request_key};
use crate::audit_entry::Verb;
use crate::imaging::worklist::{self, list, text};
use crate::records::patient_key;
use crate::{App, AppError, Cx, FieldProblem};

/// Characters of an accession number (SH, PS3.5 §6.2).
const ACCESSION_CHARS_MAX: usize = 16;
/// Diagnostic services (HL7 v2 table 0074) and the modality each means.
const SERVICES: [(&str, &str); 5] = [
    ("CT", "CT"),
    ("NMR", "MR"),
    ("RUS", "US"),
    ("CUS", "US"),
    ("NMS", "NM"),
];

/// Clinicians order for the patients of their hospital; so does its order-entry system, which names the doctor.
fn may_order(cx: &Cx, hospital: &HospitalId) -> Result<(), AppError> {
    if cx.hospital()? != hospital {
        return Err(AppError::denied("write-across"));
    }
    let machine = cx.actor.kind == ActorKind::Machine && cx.actor.has(Role::Machine);
    if machine || cx.actor.has(Role::Clinician) {
        Ok(())
    } else {
        Err(AppError::denied_role(Role::Clinician))
    }
}

fn problem(element: &str, text: &str) -> AppError {
    AppError::invalid(format!("ServiceRequest.{element}"), "business-rule", text)
}

/// The field of a form as the element it stands for.
fn as_element(problem: FieldProblem) -> FieldProblem {
    let element = match problem.field.as_str() {
        "modality" => "orderDetail",
        "procedure" => "code",
        "body-part" => "bodySite",
        "reason" => "reasonCode",
        "urgency" => "priority",
        "station" => "performer",
        "accession" => "identifier",
        other => other,
    };
    FieldProblem {
        field: format!("ServiceRequest.{element}"),
        ..problem
    }
}

fn in_elements(e: AppError) -> AppError {
    match e {
        AppError::Invalid(all) => AppError::Invalid(all.into_iter().map(as_element).collect()),
        other => other,
    }
}

/// What a concept says in words: its text, else what a code is called, else the code.
fn said(concept: &Value) -> &str {
    let coding = |name: &'static str| list(concept, "coding").map(move |c| c.get(name));
    let all = [concept.get("text")].into_iter();
    all.chain(coding("display"))
        .chain(coding("code"))
        .flatten()
        .filter_map(Value::as_str)
        .find(|t| !t.trim().is_empty())
        .unwrap_or_default()
}

/// The modality: named by its DICOM code, else the diagnostic service that the category names.
fn modality(order: &Value) -> Option<&str> {
    let named = list(order, "orderDetail")
        .chain(order.get("code"))
        .flat_map(|c| list(c, "coding"))
        .find(|c| text(c, "/system") == worklist::DCM);
    let service = || {
        let codes = list(order, "category").flat_map(|c| list(c, "coding"));
        codes.map(|c| text(c, "/code")).find_map(|code| {
            let found = SERVICES.iter().find(|(service, _)| *service == code);
            found.map(|(_, modality)| *modality)
        })
    };
    named.map(|c| text(c, "/code")).or_else(service)
}

fn urgency(order: &Value) -> Urgency {
    match text(order, "/priority") {
        "stat" => Urgency::Emergency,
        "asap" => Urgency::Urgent,
        "urgent" => Urgency::Soon,
        _ => Urgency::Routine,
    }
}

/// The order that a ServiceRequest (R4) of category imaging asks for.
fn read(order: &Value) -> NewOrder {
    let reasons: Vec<&str> = list(order, "reasonCode")
        .map(said)
        .chain(list(order, "note").map(|n| text(n, "/text")))
        .filter(|t| !t.is_empty())
        .collect();
    let station = list(order, "performer")
        .filter_map(|p| p.get("identifier"))
        .find(|i| text(i, "/system") == AE_TITLE)
        .map(|i| text(i, "/value").to_owned());
    let at = ["/occurrenceDateTime", "/occurrencePeriod/start"]
        .into_iter()
        .find_map(|p| text(order, p).parse().ok());
    NewOrder {
        modality: modality(order).unwrap_or_default().to_owned(),
        procedure: order.get("code").map(said).unwrap_or_default().to_owned(),
        body_part: list(order, "bodySite")
            .map(said)
            .next()
            .unwrap_or_default()
            .to_owned(),
        reason: Phi::new(reasons.join("\n")),
        urgency: Some(urgency(order)),
        station,
        at,
        case: None,
    }
}

/// The resource with what the worklist reads and the order knows; nothing that was said is changed.
pub(super) fn completed(mut order: Value, doc: &ImagingOrder) -> Value {
    let numbered = worklist::accession_in(&order).is_some();
    let detailed = list(&order, "orderDetail")
        .chain(order.get("code"))
        .flat_map(|c| list(c, "coding"))
        .any(|c| text(c, "/system") == worklist::DCM);
    let Some(map) = order.as_object_mut() else {
        return order;
    };
    let mut add = |name: &str, item: Value| match map.get_mut(name).and_then(Value::as_array_mut) {
        Some(list) => list.push(item),
        None => {
            map.insert(name.to_owned(), json!([item]));
        }
    };
    if !numbered {
        add("identifier", super::accession_identifier(&doc.accession));
    }
    if !detailed {
        add(
            "orderDetail",
            json!({"coding": [{"system": worklist::DCM, "code": doc.modality}]}),
        );
    }
    map.entry("authoredOn")
        .or_insert_with(|| doc.ordered.to_string().into());
    map.entry("requester")
        .or_insert_with(|| json!({"display": doc.by_name}));
    order
}

impl App {
    /// A create (`id` none) or update of a ServiceRequest of category imaging. Gives the resource's key.
    ///
    /// An update says what is asked for anew while nothing has come of it, or takes the order back (`revoked`,
    /// `entered-in-error`). That an order is done, its study says.
    pub(crate) async fn fhir_write_order(
        &self,
        cx: &Cx,
        hospital: &HospitalId,
        id: Option<&ResourceId>,
        body: &[u8],
    ) -> Result<RecordKey, AppError> {
        may_order(cx, hospital)?;
        let resource: Value =
            serde_json::from_slice(body).map_err(|e| AppError::Malformed(e.to_string()))?;
        let patient = self.ordered_for(hospital, &resource)?;
        if !matches!(
            text(&resource, "/intent"),
            "order" | "original-order" | "reflex-order" | "filler-order" | "instance-order"
        ) {
            return Err(problem("intent", "an order is expected"));
        }
        match id {
            None => self.fhir_new_order(cx, hospital, &patient, resource).await,
            Some(id) => {
                self.fhir_change_order(cx, hospital, id, &patient, resource)
                    .await
            }
        }
    }

    /// The patient of the hospital that the order is for.
    fn ordered_for(&self, hospital: &HospitalId, order: &Value) -> Result<RecordKey, AppError> {
        let reference = text(order, "/subject/reference");
        let base = self.fhir_base(hospital);
        let id = crate::fhir::local_patient(reference, &base);
        let id = id.ok_or_else(|| problem("subject", "a patient of this hospital is expected"))?;
        Ok(patient_key(hospital, &id))
    }

    async fn fhir_new_order(
        &self,
        cx: &Cx,
        hospital: &HospitalId,
        patient: &RecordKey,
        resource: Value,
    ) -> Result<RecordKey, AppError> {
        if text(&resource, "/status") != "active" {
            return Err(problem("status", "an order is placed active"));
        }
        let mut new = read(&resource);
        new.case = self.case_asking(hospital, &resource).await?;
        let accession = worklist::accession_in(&resource).map(str::to_owned);
        if accession
            .as_ref()
            .is_some_and(|a| a.len() > ACCESSION_CHARS_MAX || !a.is_ascii())
        {
            return Err(problem(
                "identifier",
                "an accession number has at most 16 characters",
            ));
        }
        let machine = cx.actor.kind == ActorKind::Machine;
        let requester = text(&resource, "/requester/display").to_owned();
        if machine && requester.is_empty() {
            return Err(problem(
                "requester",
                "the doctor who asks is named (requester.display)",
            ));
        }
        let given = Given {
            accession,
            requester: machine.then_some(requester),
            resource: Some(resource),
        };
        let id = self
            .place_order(cx, hospital, patient, new, given)
            .await
            .map_err(|e| match e {
                AppError::NotFound => problem("subject", "there is no such patient here"),
                e => in_elements(e),
            })?;
        Ok(RecordKey::new(
            hospital.clone(),
            crate::records::kind("ServiceRequest"),
            id,
        ))
    }

    /// The case among what an order is based on.
    async fn case_asking(
        &self,
        hospital: &HospitalId,
        order: &Value,
    ) -> Result<Option<ResourceId>, AppError> {
        let permit = self.system(SystemPurpose::Decision);
        let base = self.fhir_base(hospital);
        for reference in list(order, "basedOn").map(|r| text(r, "/reference")) {
            let local = reference.strip_prefix(&base).unwrap_or(reference);
            let id = local
                .trim_start_matches('/')
                .strip_prefix("ServiceRequest/");
            let Some(id) = id.and_then(|id| ResourceId::new(id).ok()) else {
                continue;
            };
            let key = self.case_key(hospital, &id);
            if self.store.get(&permit, &key, None).await?.is_some() {
                return Ok(Some(id));
            }
        }
        Ok(None)
    }

    async fn fhir_change_order(
        &self,
        cx: &Cx,
        hospital: &HospitalId,
        id: &ResourceId,
        patient: &RecordKey,
        resource: Value,
    ) -> Result<RecordKey, AppError> {
        let permit = self.system(SystemPurpose::Decision);
        let found = self.load::<ImagingOrder>(&permit, hospital, id).await?;
        let mut order = found.ok_or_else(|| {
            AppError::NotAllowed("ServiceRequest: this one is no order of imaging".into())
        })?;
        if order.doc.patient != patient.id {
            return Err(problem(
                "subject",
                "an order stays its patient's: take it back and place another",
            ));
        }
        let key = request_key(&order);
        match text(&resource, "/status") {
            "revoked" | "entered-in-error" => {
                self.take_order_back(cx, order).await?;
                return Ok(key);
            }
            "active" if order.doc.state == OrderState::Waiting => {}
            "active" => return Err(AppError::rejected("order-over", "the order is over")),
            _ => {
                let why = "an order is active or revoked; that it is done, its study says";
                return Err(problem("status", why));
            }
        }
        if worklist::accession_in(&resource).is_some_and(|a| a != order.doc.accession) {
            return Err(problem("identifier", "an accession number stays"));
        }
        let new = read(&resource);
        order.doc.urgency = self
            .order_urgency(hospital, &new)
            .await
            .map_err(in_elements)?;
        order.doc.modality = new.modality;
        order.doc.procedure = Phi::new(new.procedure.trim().to_owned());
        order.doc.body_part = new.body_part.trim().to_uppercase();
        order.doc.station = new.station;
        order.doc.at = new.at;
        let stored = self.store.get(&permit, &key, None).await?;
        let version = stored.ok_or(AppError::NotFound)?.version;
        let mut batch = Batch::new(cx.now);
        let resource = completed(resource, &order.doc);
        let expect = Precondition::Version(version);
        batch.put_fhir(key.clone(), expect, resource.to_string());
        self.put_order(
            cx,
            &mut batch,
            &order,
            "imaging.order.changed",
            Verb::Update,
        )?;
        self.store.commit(batch).await?;
        Ok(key)
    }
}
