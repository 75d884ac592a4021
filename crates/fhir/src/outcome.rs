//! OperationOutcome (FHIR R4 §2.29): why something was refused, as bytes.

use serde_json::{Value, json};

/// How grave an issue is (value set issue-severity).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Severity {
    Fatal,
    Error,
    Warning,
    Information,
}

impl Severity {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fatal => "fatal",
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Information => "information",
        }
    }
}

/// One thing that is to be said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    pub severity: Severity,
    /// Value set issue-type: `invalid`, `required`, `not-found`, …
    pub code: &'static str,
    /// In words, without patient data.
    pub diagnostics: String,
    /// Where: a FHIRPath such as `Observation.status`, or `http.` and the name of a parameter or header.
    pub expression: Option<String>,
}

impl Issue {
    /// An error.
    pub fn error(code: &'static str, diagnostics: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            code,
            diagnostics: diagnostics.into(),
            expression: None,
        }
    }
    /// A warning.
    pub fn warning(code: &'static str, diagnostics: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(code, diagnostics)
        }
    }
    /// Something to know, such as that all went well.
    pub fn information(code: &'static str, diagnostics: impl Into<String>) -> Self {
        Self {
            severity: Severity::Information,
            ..Self::error(code, diagnostics)
        }
    }
    #[must_use]
    pub fn at(mut self, expression: impl Into<String>) -> Self {
        self.expression = Some(expression.into());
        self
    }

    fn to_json(&self) -> Value {
        let mut issue = json!({
            "severity": self.severity.as_str(),
            "code": self.code,
            "diagnostics": self.diagnostics,
        });
        if let Some(expression) = &self.expression {
            issue["expression"] = json!([expression]);
        }
        issue
    }
}

/// The resource that says these issues. Without any it says that nothing is wrong, for the standard wants one.
pub fn operation_outcome(issues: &[Issue]) -> Vec<u8> {
    let ok = [Issue::information("informational", "All OK")];
    let issues = if issues.is_empty() { &ok[..] } else { issues };
    let issues: Vec<Value> = issues.iter().map(Issue::to_json).collect();
    json!({"resourceType": "OperationOutcome", "issue": issues})
        .to_string()
        .into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issue_says_what_and_where() {
        let bytes = operation_outcome(&[
            Issue::error("required", "a status is needed").at("Observation.status")
        ]);
        assert_eq!(
            String::from_utf8(bytes).unwrap(),
            r#"{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"required","diagnostics":"a status is needed","expression":["Observation.status"]}]}"#
        );
    }

    #[test]
    fn there_is_always_an_issue() {
        assert!(
            String::from_utf8(operation_outcome(&[]))
                .unwrap()
                .contains("informational")
        );
    }
}
