//! Refusals in FHIR's own words: an HTTP status and the issues of an OperationOutcome.

use fhir::outcome::Issue;
use kernel::ErrorCode;

use crate::AppError;

/// Value set issue-type (FHIR R4 §2.29.1): codes of problems that are in it are kept.
const ISSUE_TYPES: &[&str] = &[
    "invalid",
    "structure",
    "required",
    "value",
    "invariant",
    "security",
    "login",
    "unknown",
    "expired",
    "forbidden",
    "suppressed",
    "processing",
    "not-supported",
    "duplicate",
    "multiple-matches",
    "not-found",
    "deleted",
    "too-long",
    "code-invalid",
    "extension",
    "too-costly",
    "business-rule",
    "conflict",
    "transient",
    "lock-error",
    "no-store",
    "exception",
    "timeout",
    "incomplete",
    "throttled",
    "informational",
];

/// The status (RFC 9110 §15) and issues for an error. `at` is where the request stands, for errors that name no element
/// of their own: a type, `Bundle.entry[3]` or `http.…`. Nothing internal and no patient data is said.
pub fn explain(error: &AppError, at: &str) -> (u16, Vec<Issue>) {
    let code = error.code();
    let issue = |text: String| vec![Issue::error(code.fhir_issue(), text).at(place(code, at))];
    let issues = match error {
        AppError::Invalid(problems) => problems
            .iter()
            .map(|p| {
                let code = if ISSUE_TYPES.contains(&p.code) {
                    p.code
                } else {
                    "invalid"
                };
                let field = if p.field.is_empty() { at } else { &p.field };
                Issue::error(code, p.text.clone()).at(field)
            })
            .collect(),
        AppError::Rejected { code, text } => {
            vec![Issue::error("business-rule", format!("{text} ({code})")).at(at)]
        }
        AppError::Denied(denial) => {
            let args: Vec<String> = denial
                .args
                .iter()
                .map(|(k, v)| format!("{k}: {v}"))
                .collect();
            let args = if args.is_empty() {
                String::new()
            } else {
                format!(" ({})", args.join(", "))
            };
            issue(format!("not permitted: {}{args}", denial.reason))
        }
        AppError::NotFound => {
            issue("there is no such resource, or it is not for you to know".into())
        }
        AppError::Gone => issue("this resource has been deleted".into()),
        AppError::Unauthenticated => issue("a valid bearer token is needed".into()),
        AppError::Reauthenticate => issue("authenticate again on the pages".into()),
        AppError::Conflict => {
            issue("the state has changed, or other records stand in the way".into())
        }
        AppError::PreconditionFailed => {
            issue("the version or condition given does not hold".into())
        }
        AppError::Malformed(what) => issue(format!("cannot be understood: {what}")),
        AppError::NotAllowed(why) => issue(why.clone()),
        AppError::TooMuch(what) => issue(format!("too much: {what}")),
        AppError::RateLimited { retry_after_s } => {
            issue(format!("too many requests; again in {retry_after_s} s"))
        }
        AppError::Unavailable(_) => issue("the server cannot do this now".into()),
        AppError::Full(_) => issue("the server has no room to keep this now".into()),
        AppError::KeyToken(_) => issue(error.to_string()),
        AppError::Internal(_) => issue("a fault of the server".into()),
    };
    (status(error), issues)
}

/// Faults of the query are 400, of the content 422.
fn status(error: &AppError) -> u16 {
    match error {
        AppError::Invalid(problems)
            if problems.iter().all(|p| {
                p.field.starts_with("http.") || matches!(p.code, "structure" | "not-supported")
            }) =>
        {
            400
        }
        other => other.code().http_status(),
    }
}

fn place(code: ErrorCode, at: &str) -> String {
    match code {
        ErrorCode::Unauthenticated => "http.Authorization".into(),
        ErrorCode::PreconditionFailed if !at.starts_with("Bundle.") => "http.If-Match".into(),
        _ => at.into(),
    }
}

/// Moves a problem of one entry's resource to its place in the bundle: `Observation.status` in entry 3 becomes
/// `Bundle.entry[3].resource.status`.
pub(super) fn within_entry(error: AppError, index: usize) -> AppError {
    let AppError::Invalid(mut problems) = error else {
        return error;
    };
    for p in &mut problems {
        let rest = p.field.find(['.', '[']).map_or("", |i| &p.field[i..]);
        let inside = !p.field.starts_with("http.") && !p.field.starts_with("Bundle.entry");
        if inside {
            p.field = format!("Bundle.entry[{index}].resource{rest}");
        } else if p.field.starts_with("http.") {
            p.field = format!("Bundle.entry[{index}].request");
        }
    }
    AppError::Invalid(problems)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_moves_to_its_entry() {
        let moved = within_entry(AppError::invalid("Observation.status", "required", "x"), 3);
        let (status, issues) = explain(&moved, "Bundle");
        assert_eq!(
            (status, issues[0].expression.as_deref()),
            (422, Some("Bundle.entry[3].resource.status"))
        );
    }

    #[test]
    fn a_bad_query_is_400_and_bad_content_422() {
        assert_eq!(
            explain(&AppError::invalid("http.name", "value", "x"), "Patient").0,
            400
        );
        assert_eq!(
            explain(&AppError::invalid("Patient.name", "value", "x"), "Patient").0,
            422
        );
    }

    #[test]
    fn inner_faults_are_not_told() {
        let (_, issues) = explain(&AppError::Internal("secret path".into()), "Patient");
        assert!(!issues[0].diagnostics.contains("secret"));
    }
}
