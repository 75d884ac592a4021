//! The pages, one file per topic, each with its `routes()`.

pub mod agreements;
pub mod audit;
pub mod cases;
pub mod consents;
pub mod deidentify;
pub mod downtime;
pub mod entry;
pub mod home;
pub mod hospital;
pub mod images;
pub mod import;
pub mod keeping;
pub mod lines;
pub mod look;
pub mod notices;
pub mod operator;
pub mod orders;
pub mod patient;
pub mod patient_account;
pub mod patient_portal;
pub mod patients;
pub mod people;
pub mod permission;
pub mod profile;
pub mod readings;
pub mod search;
pub mod sharing;
pub mod sign_in;
pub mod styleguide;
pub mod verify;
pub mod view;
pub mod why;

use crate::frame::{RouteSpec, live};

/// Every route of the site, in one list: what the router is built from and what the access test walks.
pub fn routes() -> Vec<RouteSpec> {
    [
        import::routes(),
        home::routes(),
        look::routes(),
        notices::routes(),
        live::routes(),
        sign_in::routes(),
        profile::routes(),
        people::routes(),
        hospital::routes(),
        keeping::routes(),
        operator::routes(),
        styleguide::routes(),
        verify::routes(),
        patients::routes(),
        patient::routes(),
        patient_account::routes(),
        entry::routes(),
        cases::routes(),
        images::routes(),
        readings::routes(),
        sharing::routes(),
        orders::routes(),
        deidentify::routes(),
        agreements::routes(),
        consents::routes(),
        downtime::routes(),
        audit::routes(),
        patient_portal::routes(),
    ]
    .concat()
}
