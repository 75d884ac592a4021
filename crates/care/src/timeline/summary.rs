//! The summary a reader wants first: problems, allergies and medication that matter now.

use serde::{Deserialize, Serialize};

use super::{Entry, Source, When};

/// An allergy or intolerance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Allergy {
    pub source: Source,
    pub substance: String,
    /// Reaction and severity, as written.
    pub detail: Option<String>,
    /// `high`, `low`, `unable-to-assess`.
    pub criticality: Option<String>,
    pub when: Option<When>,
}

/// A problem that is not resolved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Problem {
    pub source: Source,
    pub title: String,
    pub since: Option<When>,
}

/// Medication in use.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Medication {
    pub source: Source,
    pub title: String,
    pub dose: Option<String>,
    pub since: Option<When>,
}

/// What matters now.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    pub allergies: Vec<Allergy>,
    pub problems: Vec<Problem>,
    pub medications: Vec<Medication>,
    /// A source states that no allergy is known.
    pub no_known_allergy: bool,
}

/// Gathers what is active from the entries of a time line.
pub fn summarise(entries: &[Entry]) -> Summary {
    let mut summary = Summary::default();
    for entry in entries {
        let status = entry.status.as_deref();
        if matches!(
            status,
            Some("entered-in-error" | "refuted" | "resolved" | "inactive" | "remission")
        ) {
            continue;
        }
        let title = entry
            .written
            .as_ref()
            .unwrap_or(&entry.title)
            .to_lowercase();
        let is_allergy = entry.source.kind == "AllergyIntolerance";
        // Also where the source wrote it in words alone. Only a statement about every allergy counts as one.
        if entry.negated || (is_allergy && title.starts_with("no known")) {
            summary.no_known_allergy |= is_allergy && title.starts_with("no known allerg");
            continue;
        }
        let source = entry.source.clone();
        match entry.source.kind.as_str() {
            "AllergyIntolerance" => {
                summary.allergies.push(Allergy {
                    source,
                    substance: entry.title.clone(),
                    detail: entry.detail.clone(),
                    criticality: entry
                        .measures
                        .iter()
                        .find(|m| m.name.as_deref() == Some("criticality"))
                        .map(|m| m.value.clone()),
                    when: entry.when.clone(),
                });
            }
            "Condition" => summary.problems.push(Problem {
                source,
                title: entry.title.clone(),
                since: entry.when.clone(),
            }),
            "MedicationRequest" | "MedicationStatement" if status == Some("active") => {
                summary.medications.push(Medication {
                    source,
                    title: entry.title.clone(),
                    dose: entry.detail.clone(),
                    since: entry.when.clone(),
                });
            }
            _ => {}
        }
    }
    summary
}
