//! Reading studies: the worklist, one reading with its editor, signed reports, and critical findings at the side that
//! treats.

mod acts;
mod editor;
mod list;
mod one;
mod phrases;
pub mod report;

use app::Role;
use kernel::RecordKey;

use crate::frame::route::CLINICAL;
use crate::frame::{PageError, RouteSpec, Who, get, post};

pub use list::critical_note;
pub use report::entry_reports;

const READER: Who = Who::Roles(&[Role::Consultant]);
const TREATING: Who = Who::Roles(&[Role::Clinician]);

pub fn routes() -> Vec<RouteSpec> {
    vec![
        get("/readings", READER, list::worklist),
        post("/readings/open", READER, acts::open),
        get(phrases::PHRASES, READER, phrases::page),
        post(phrases::PHRASES, READER, phrases::keep),
        post("/readings/phrases/drop", READER, phrases::drop),
        get("/readings/{hospital}/{id}", CLINICAL, one::page),
        post("/readings/{hospital}/{id}/claim", READER, acts::claim),
        post("/readings/{hospital}/{id}/release", READER, acts::release),
        post("/readings/{hospital}/{id}/urgency", READER, acts::urgency),
        post("/readings/{hospital}/{id}/draft", READER, editor::keep),
        get("/readings/{hospital}/{id}/sign", READER, editor::sign_page),
        post("/readings/{hospital}/{id}/sign", READER, editor::sign),
        post("/readings/{hospital}/{id}/critical", READER, acts::raise),
        post(
            "/readings/{hospital}/{id}/critical/{critical}",
            TREATING,
            acts::acknowledge,
        ),
        post("/readings/{hospital}/{id}/second", READER, acts::ask_second),
        post("/readings/{hospital}/{id}/judge", READER, acts::judge),
        post("/readings/{hospital}/{id}/judged", READER, acts::seen),
        get("/critical", CLINICAL, list::critical),
        get("/reports/{report}", CLINICAL, report::page),
        get("/reports/{report}/pdf/{language}", CLINICAL, report::pdf),
        get("/reports/{report}/file", CLINICAL, report::file),
    ]
}

/// `/readings/{hospital}/{id}`.
pub fn reading_address(key: &RecordKey) -> String {
    format!("/readings/{}/{}", key.hospital, key.id)
}

fn key(hospital: &str, id: &str) -> Result<RecordKey, PageError> {
    Ok(app::readings::reading_key(hospital, id)?)
}
