//! A case as FHIR R4: ServiceRequest (the question), Task (the hand-over, statuses after BSeR and 360X) and
//! Communication (the messages), and back: a write of one of them is read as the command it stands for.

mod read;
mod write;

pub use read::{Forged, Intent, message, read_service_request, read_task};
pub use write::{Urls, communication, service_request, task};

use super::Status;

/// Code system of [`Status`] in `Task.businessStatus`.
pub const STATUS: &str = "urn:karez:case-status";
/// Code system of the reasons in `Task.statusReason`.
pub const REASON: &str = "urn:karez:case-reason";
/// Identifier system of case numbers.
pub const NUMBER: &str = "urn:karez:case-number";
/// Identifier system of accounts.
pub const ACCOUNT: &str = "urn:karez:account";
/// Identifier system of hospitals.
pub const HOSPITAL: &str = "urn:karez:hospital";
/// Code system of services.
pub const SERVICE: &str = "urn:karez:service";
/// Code system of specialties.
pub const SPECIALTY: &str = "urn:karez:specialty";
/// Extension: the agreement a case is asked under.
pub const AGREEMENT: &str = "urn:karez:agreement";
/// Code system of record classes.
pub const RECORD_CLASS: &str = "urn:karez:record-class";

/// `Task.status` of a case's status.
pub const fn task_status(status: Status) -> &'static str {
    match status {
        Status::Draft => "draft",
        Status::Requested => "requested",
        Status::MoreInformation | Status::Suspended => "on-hold",
        Status::Accepted => "accepted",
        Status::Allocated => "in-progress",
        Status::Answered | Status::Read | Status::Acted | Status::Closed => "completed",
        Status::Declined => "rejected",
        Status::Cancelled => "cancelled",
    }
}

/// `ServiceRequest.status` of a case's status.
pub const fn request_status(status: Status) -> &'static str {
    match status {
        Status::Draft => "draft",
        Status::Suspended => "on-hold",
        Status::Declined | Status::Cancelled => "revoked",
        Status::Closed => "completed",
        Status::Requested
        | Status::MoreInformation
        | Status::Accepted
        | Status::Allocated
        | Status::Answered
        | Status::Read
        | Status::Acted => "active",
    }
}

#[cfg(test)]
mod tests;
