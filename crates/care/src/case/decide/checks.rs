//! Checks that several acts share.

use std::collections::BTreeSet;

use kernel::limits;

use super::ITEMS_MAX;
use crate::case::{Case, Command, Edit, Rejection, RejectionCode, Status, Terms};

/// A signed opinion waits for its second signature: the case is settled by that first.
pub(super) fn not_while_signing(case: &Case, command: &Command) -> Result<(), Rejection> {
    match case.awaiting_co_signature() {
        Some(_) => {
            Err(Rejection::status(case.status, command.word()).with("awaiting", "co-signature"))
        }
        None => Ok(()),
    }
}

pub(super) fn only_in(
    case: &Case,
    command: &Command,
    statuses: &[Status],
) -> Result<(), Rejection> {
    if statuses.contains(&case.status) {
        Ok(())
    } else {
        Err(Rejection::status(case.status, command.word()))
    }
}

pub(super) fn check_edit(edit: &Edit) -> Result<(), Rejection> {
    for (field, text) in [
        ("question", &edit.question),
        ("background", &edit.background),
        ("call_back", &edit.call_back),
    ] {
        if let Some(text) = text {
            check_text(field, text.reveal(), false)?;
        }
    }
    check_count("items", edit.items.as_ref().map_or(0, Vec::len), ITEMS_MAX)?;
    check_count(
        "files",
        edit.files.as_ref().map_or(0, Vec::len),
        limits::CASE_FILES_MAX,
    )
}

pub(super) fn check_text(field: &str, text: &str, needed: bool) -> Result<(), Rejection> {
    if needed && text.trim().is_empty() {
        return Err(Rejection::new(RejectionCode::Empty).with("field", field));
    }
    if text.chars().count() > limits::TEXT_CHARS_MAX {
        return Err(Rejection::new(RejectionCode::TooMuch)
            .with("field", field)
            .with("limit", limits::TEXT_CHARS_MAX));
    }
    Ok(())
}

pub(super) fn check_count(field: &str, count: usize, limit: usize) -> Result<(), Rejection> {
    if count > limit {
        return Err(Rejection::new(RejectionCode::TooMuch)
            .with("field", field)
            .with("limit", limit));
    }
    Ok(())
}

pub(super) fn check_classes(classes: &BTreeSet<String>, terms: &Terms) -> Result<(), Rejection> {
    match classes.iter().find(|c| !terms.classes.contains(*c)) {
        Some(class) => Err(Rejection::new(RejectionCode::ClassNotShared).with("class", class)),
        None => Ok(()),
    }
}
