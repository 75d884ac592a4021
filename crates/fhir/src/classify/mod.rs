//! Which class of the record a resource belongs to: what an agreement's data scope is said in.
//!
//! The class follows from sensitivity labels on the resource and sensitive codes in it, else from its category and its
//! type. What can't be told is `unclassified`, and that is shared only when someone chooses it one by one. The words are
//! those of `agreements::RecordClass`.

mod sensitive;

use crate::json::Json;

/// The class of a resource of type `kind`.
///
/// A resource of several sensitive classes belongs to the weightiest (safeguarding, then sexual health, genetics, mental
/// health, substance use, reproductive health): whoever may read that one may read it, nobody else.
pub fn classify<'a, J: Json<'a>>(kind: &str, resource: J) -> &'static str {
    let mut found = sensitive::from_labels(resource);
    found.merge(&sensitive::from_codes(kind, resource));
    // What is carried along is no less sensitive than on its own. A frozen document is what its Composition says.
    let carried = resource.list("contained").chain(collected(kind, resource));
    for inner in carried {
        let name = inner.str_at("resourceType").unwrap_or_default();
        for class in [
            sensitive::from_labels(inner),
            sensitive::from_codes(name, inner),
        ] {
            found.merge(&class);
        }
    }
    found.verdict().unwrap_or_else(|| by_type(kind, resource))
}

/// Whether the resource is what staff work with among themselves, in the patient's record but not for the patient: a
/// request or hand-over that is still being written, a message between those who treat, and whatever is labelled not to
/// be disclosed to the patient without its provider (v3-ActCode `NOPAT`).
pub fn is_among_staff<'a, J: Json<'a>>(kind: &str, resource: J) -> bool {
    sensitive::is_withheld(resource)
        || match kind {
            "ServiceRequest" | "Task" | "RequestGroup" => {
                resource.str_at("status") == Some("draft")
            }
            "Communication" | "CommunicationRequest" => !is_with_patient(resource),
            "ImagingStudy" => is_copy(resource),
            _ => false,
        }
}

/// A copy without identity, made by Karez for another hospital: its tag can be written by nobody else.
fn is_copy<'a, J: Json<'a>>(study: J) -> bool {
    let tags = study.get("meta").into_iter().flat_map(|m| m.list("tag"));
    tags.filter(|t| t.str_at("system") == Some("urn:karez:copy"))
        .any(|t| t.str_at("code") == Some("without-identity"))
}

/// Written by the patient or somebody of theirs, or to them; a case marks its own messages by category.
fn is_with_patient<'a, J: Json<'a>>(message: J) -> bool {
    let theirs = |reference: &str| {
        let mut parts = reference.rsplit('/').skip(1);
        matches!(parts.next(), Some("Patient" | "RelatedPerson"))
    };
    message
        .get("sender")
        .into_iter()
        .chain(message.list("recipient"))
        .any(|who| who.str_at("reference").is_some_and(theirs))
        || codings(message.get("category")).any(|(system, code)| {
            system == "urn:karez:case-status" && matches!(code, "to-patient" | "from-patient")
        })
}

/// The entries of a Bundle that is no document.
fn collected<'a, J: Json<'a>>(kind: &str, resource: J) -> impl Iterator<Item = J> {
    let is_collection = kind == "Bundle" && resource.str_at("type") != Some("document");
    let entries = is_collection.then(|| resource.list("entry").filter_map(|e| e.get("resource")));
    entries.into_iter().flatten()
}

fn by_type<'a, J: Json<'a>>(kind: &str, resource: J) -> &'static str {
    match kind {
        "Patient" | "RelatedPerson" | "Person" => "demographics",
        "Condition" | "ClinicalImpression" | "DetectedIssue" | "RiskAssessment" | "Flag"
        | "AdverseEvent" | "BodyStructure" => "problems",
        "AllergyIntolerance" => "allergies",
        "Medication"
        | "MedicationRequest"
        | "MedicationStatement"
        | "MedicationAdministration"
        | "MedicationDispense" => "medications",
        "Immunization" | "ImmunizationEvaluation" | "ImmunizationRecommendation" => "immunizations",
        "Observation" => observation(resource),
        "DiagnosticReport" => report(resource),
        "Specimen" => "laboratory",
        "ImagingStudy" if is_copy(resource) => "images-without-identity",
        "ImagingStudy" => "imaging",
        "MolecularSequence" => "genetics",
        "Procedure" => "procedures",
        "Encounter" | "EpisodeOfCare" => "encounters",
        "CarePlan" | "Goal" | "CareTeam" | "NutritionOrder" | "VisionPrescription" => "care-plans",
        "FamilyMemberHistory" => "family-history",
        "Device" | "DeviceMetric" | "DeviceRequest" | "DeviceUseStatement" | "SupplyRequest"
        | "SupplyDelivery" => "devices",
        "Communication" | "CommunicationRequest" => "messages",
        "ServiceRequest" | "Task" | "RequestGroup" => "cases",
        "DocumentReference" | "Composition" | "DocumentManifest" => document(resource),
        "Bundle" => bundle(resource),
        "Appointment"
        | "AppointmentResponse"
        | "Coverage"
        | "Account"
        | "Invoice"
        | "PaymentNotice"
        | "PaymentReconciliation"
        | "EnrollmentRequest"
        | "EnrollmentResponse"
        | "Consent"
        | "Contract"
        | "Provenance"
        | "AuditEvent" => "administrative",
        // Bills say what someone was treated for: not for administrators, and not part of a record that is shared.
        "Claim"
        | "ClaimResponse"
        | "ExplanationOfBenefit"
        | "ChargeItem"
        | "CoverageEligibilityRequest"
        | "CoverageEligibilityResponse" => "unclassified",
        "Practitioner"
        | "PractitionerRole"
        | "Organization"
        | "OrganizationAffiliation"
        | "Location"
        | "HealthcareService"
        | "Endpoint"
        | "InsurancePlan"
        | "Schedule"
        | "Slot"
        | "Substance"
        | "MedicationKnowledge"
        | "DeviceDefinition"
        | "ActivityDefinition"
        | "PlanDefinition"
        | "Questionnaire"
        | "CodeSystem"
        | "ValueSet"
        | "ConceptMap"
        | "NamingSystem"
        | "StructureDefinition"
        | "StructureMap"
        | "SearchParameter"
        | "OperationDefinition"
        | "CapabilityStatement"
        | "CompartmentDefinition"
        | "ImplementationGuide"
        | "Library"
        | "ObservationDefinition"
        | "SpecimenDefinition" => "directory",
        _ => "unclassified",
    }
}

/// The (system, code) pairs of a CodeableConcept, or of each of a list of them.
fn codings<'a, J: Json<'a>>(concepts: Option<J>) -> impl Iterator<Item = (&'a str, &'a str)> {
    let (one, many) = match concepts {
        Some(c) if c.is_array() => (None, Some(c)),
        other => (other, None),
    };
    one.into_iter()
        .chain(many.into_iter().flat_map(J::items))
        .flat_map(|c| c.list("coding"))
        .map(|c| {
            (
                c.str_at("system").unwrap_or_default(),
                c.str_at("code").unwrap_or_default(),
            )
        })
}

/// Vital signs by LOINC code, for observations that name no category.
const VITALS: &[&str] = &[
    "85353-1", "85354-9", "8480-6", "8462-4", "8867-4", "9279-1", "8310-5", "2708-6", "59408-5",
    "29463-7", "8302-2", "39156-5", "9843-4", "8287-5", "8478-0",
];

fn observation<'a, J: Json<'a>>(o: J) -> &'static str {
    for (_, code) in codings(o.get("category")) {
        match code {
            "vital-signs" | "activity" => return "vitals",
            "laboratory" => return "laboratory",
            "imaging" => return "imaging",
            "procedure" | "therapy" => return "procedures",
            "exam" | "social-history" => return "problems",
            _ => {}
        }
    }
    if o.get("category").is_some() {
        // An answer to a questionnaire, or a category of someone's own, may say anything.
        return "unclassified";
    }
    let is_vital = |(system, code)| system == "http://loinc.org" && VITALS.contains(&code);
    if codings(o.get("code")).any(is_vital) {
        "vitals"
    } else if o.get("specimen").is_some() {
        "laboratory"
    } else {
        "unclassified"
    }
}

fn report<'a, J: Json<'a>>(r: J) -> &'static str {
    // HL7 v2 table 0074 and the LOINC parts that R4 and US Core use for the same.
    for (_, code) in codings(r.get("category")) {
        match code {
            "LAB" | "CH" | "HM" | "MB" | "IMM" | "SR" | "BLB" | "TX" | "VR" | "MCB"
            | "LP29708-2" | "laboratory" | "26436-6" => return "laboratory",
            "RAD" | "RX" | "CT" | "CUS" | "MR" | "NMR" | "NMS" | "US" | "OUS" | "VUS" | "XRC"
            | "CTH" | "EC" | "LP29684-5" | "imaging" | "18748-4" => return "imaging",
            "PAT" | "SP" | "CP" | "CY" | "PHY" | "LP7839-6" | "11526-1" => return "pathology",
            "GE" => return "genetics",
            _ => {}
        }
    }
    match document_class(codings(r.get("code"))) {
        Some(class) => class,
        None if r.list("imagingStudy").next().is_some() => "imaging",
        None if r.list("specimen").next().is_some() => "laboratory",
        // Synthea and small laboratories give results and no category.
        None if r.list("result").next().is_some() => "laboratory",
        None => "unclassified",
    }
}

/// LOINC document types that say more than "a document".
fn document_class<'a>(codes: impl Iterator<Item = (&'a str, &'a str)>) -> Option<&'static str> {
    codes
        .filter(|(system, _)| *system == "http://loinc.org")
        .find_map(|(_, code)| match code {
            "11502-2" | "26436-6" => Some("laboratory"),
            "18748-4" | "18726-0" | "24604-1" | "18782-3" | "18760-9" | "25045-6" | "24590-2"
            | "30746-2" => Some("imaging"),
            "11526-1" | "60567-5" | "60568-3" | "22637-3" => Some("pathology"),
            "51969-4" | "81247-9" | "55233-1" => Some("genetics"),
            "34788-0" | "34112-3" | "28635-4" => Some("mental-health"),
            _ => None,
        })
}

fn document<'a, J: Json<'a>>(d: J) -> &'static str {
    let class = document_class(codings(d.get("type")))
        .or_else(|| document_class(codings(d.get("category"))));
    let labelled = codings(d.get("type"))
        .chain(codings(d.get("category")))
        .any(|(_, code)| !code.is_empty());
    class.unwrap_or(if labelled {
        "documents"
    } else {
        "unclassified"
    })
}

fn bundle<'a, J: Json<'a>>(b: J) -> &'static str {
    if b.str_at("type") != Some("document") {
        return "unclassified";
    }
    match b.list("entry").next().and_then(|e| e.get("resource")) {
        Some(first) if first.str_at("resourceType") == Some("Composition") => {
            classify("Composition", first)
        }
        _ => "unclassified",
    }
}

#[cfg(test)]
mod tests;
