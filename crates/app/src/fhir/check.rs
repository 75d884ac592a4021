//! What a resource must be before it is stored.

use agreements::{ActorKind, RecordClass, Role, SystemPurpose};
use fhir::json::Json;
use fhir::raw::{self, JsonError, Node};
use kernel::{HospitalId, RecordKey, ResourceId, limits};

use super::{local_patient, problems};
use crate::{App, AppError, Cx};

/// Systems, tags and extensions that only Karez writes: they mark what it has made or sealed.
const MARK: &str = "urn:karez:";

/// What checking found out.
#[derive(Debug, Clone)]
pub(super) struct Checked {
    /// The patient it is about, in the own hospital.
    pub patient: Option<ResourceId>,
}

/// JSON that cannot be read, as a refusal.
pub(super) fn unreadable(kind: &str, e: &JsonError) -> AppError {
    let path = if e.path.is_empty() {
        kind.to_owned()
    } else {
        format!("{kind}.{}", e.path)
    };
    AppError::invalid(path, "structure", e.to_string())
}

/// Checks the base rules of R4 alone: what a concept's command is read from.
pub(super) fn base(kind: &str, body: &[u8]) -> Result<(), AppError> {
    let doc = raw::parse(body).map_err(|e| unreadable(kind, &e))?;
    let issues = fhir::validate::validate_as(kind, doc.root());
    if issues.is_empty() {
        Ok(())
    } else {
        Err(problems(issues))
    }
}

/// Checks the base rules, who may write this class, and that the resource does not pass for one of Karez's own.
pub(super) fn content(
    app: &App,
    cx: &Cx,
    hospital: &HospitalId,
    kind: &str,
    body: &[u8],
) -> Result<Checked, AppError> {
    if body.len() > limits::RESOURCE_BYTES_MAX {
        return Err(AppError::TooMuch("bytes in one resource"));
    }
    let doc = raw::parse(body).map_err(|e| unreadable(kind, &e))?;
    let root = doc.root();
    let issues = fhir::validate::validate_as(kind, root);
    if !issues.is_empty() {
        return Err(problems(issues));
    }
    not_marked(kind, root)?;
    let class: RecordClass = fhir::classify(kind, root)
        .parse()
        .unwrap_or(RecordClass::Unclassified);
    may_write(cx, class)?;
    let patient =
        fhir::patient_of(kind, root).and_then(|p| local_patient(&p, &app.fhir_base(hospital)));
    Ok(Checked {
        patient: patient.filter(|_| kind != "Patient"),
    })
}

/// Refuses what passes for something that Karez has written.
pub(super) fn unmarked(kind: &str, body: &[u8]) -> Result<(), AppError> {
    let doc = raw::parse(body).map_err(|e| unreadable(kind, &e))?;
    not_marked(kind, doc.root())
}

fn not_marked(kind: &str, root: Node<'_>) -> Result<(), AppError> {
    if is_marked(root) {
        return Err(AppError::invalid(
            kind,
            "business-rule",
            "urn:karez: names what Karez itself has written",
        ));
    }
    Ok(())
}

/// Clinical staff and machine clients keep the record; administrators keep the directory; nobody else writes.
pub(super) fn may_write(cx: &Cx, class: RecordClass) -> Result<(), AppError> {
    let actor = &cx.actor;
    if actor.kind == ActorKind::Patient {
        return Err(AppError::denied("staff-only"));
    }
    if actor.is_clinical() || actor.has(Role::Machine) {
        return Ok(());
    }
    if actor.has(Role::Administrator) && class == RecordClass::Directory {
        return Ok(());
    }
    Err(AppError::denied("clinical-role-missing"))
}

/// Whether the resource carries a mark of Karez on itself: an identifier, a label, a profile or an extension.
pub(super) fn is_marked(root: Node<'_>) -> bool {
    let marked = |text: Option<&str>| text.is_some_and(|t| t.starts_with(MARK));
    // An identifier may stand alone (Bundle, Composition) or in a list.
    let identifiers = root
        .get("identifier")
        .into_iter()
        .chain(root.list("identifier"));
    let meta = root.get("meta");
    let labels = ["tag", "security"]
        .into_iter()
        .flat_map(|k| meta.into_iter().flat_map(move |m| m.list(k)));
    identifiers.map(|i| i.str_at("system")).any(marked)
        || labels.map(|l| l.str_at("system")).any(marked)
        || meta
            .into_iter()
            .flat_map(|m| m.list("profile"))
            .map(Json::text)
            .any(marked)
        || root.list("extension").map(|e| e.str_at("url")).any(marked)
}

impl App {
    /// Refuses a resource about a patient this hospital does not have.
    pub(super) async fn patient_exists(
        &self,
        hospital: &HospitalId,
        patient: &ResourceId,
        expression: &str,
    ) -> Result<(), AppError> {
        let key = RecordKey::parse(hospital.as_str(), "Patient", patient.as_str())?;
        let permit = self.system(SystemPurpose::Decision);
        match self.store.get(&permit, &key, None).await? {
            Some(stored) if !stored.deleted => Ok(()),
            _ => Err(AppError::invalid(
                expression,
                "not-found",
                "there is no such patient here",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(json: &str) -> bool {
        is_marked(raw::parse(json.as_bytes()).unwrap().root())
    }

    #[test]
    fn marks_are_seen_wherever_they_stand() {
        assert!(marked(
            r#"{"identifier":[{"system":"urn:karez:case-number"}]}"#
        ));
        assert!(marked(r#"{"identifier":{"system":"urn:karez:opinion"}}"#));
        assert!(marked(
            r#"{"meta":{"tag":[{"system":"urn:karez:sealed"}]}}"#
        ));
        assert!(marked(r#"{"meta":{"profile":["urn:karez:opinion"]}}"#));
        assert!(marked(r#"{"extension":[{"url":"urn:karez:zone"}]}"#));
        assert!(!marked(
            r#"{"identifier":[{"system":"urn:other"}],"note":[{"text":"urn:karez:"}]}"#
        ));
    }
}
