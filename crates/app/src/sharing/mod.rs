//! A study handed to a doctor who has no account: a link, a PIN told apart from it, an end.
//!
//! The patient makes one by right, of their own study and its final report. A clinician of the hospital that keeps the
//! study makes one while a consent of the patient stands that names no hospital and covers the study, and says in which
//! country the doctor works: what leaves the jurisdiction passes the border's rules, as a case does, and is in its ledger.
//!
//! A link opens what is named in it and nothing else ([`agreements::Linked::only`]), and only while whoever made it could
//! still read the study themselves: a consent that is withdrawn, a membership or an account that ends, ends it at once.

mod doc;
mod make;
mod open;
pub mod view;

use kernel::{HospitalId, ResourceId};

pub(crate) use doc::ImageLink;
pub use make::NewLink;
pub use open::{Guest, Opened};
pub use view::{LinkEnd, LinkLine, MadeLink, SharingGround};

/// The cookie of an opening; a browser sends it to the pages of its link alone.
pub const COOKIE: &str = "karez-shared";

/// `Set-Cookie` for an opening; with an empty token the browser forgets it.
pub fn set_cookie(hospital: &HospitalId, link: &ResourceId, token: &str, secure: bool) -> String {
    let mark = if secure { "; Secure" } else { "" };
    let age = match token {
        "" => "; Max-Age=0".to_owned(),
        _ => format!("; Max-Age={OPENING_S}"),
    };
    format!(
        "{COOKIE}={token}; Path=/shared/{hospital}/{link}; HttpOnly; SameSite=Strict{age}{mark}"
    )
}

/// How long a link may be good for, hours; the first is what is offered.
pub const LINK_HOURS: [u32; 4] = [72, 24, 7 * 24, 30 * 24];
/// Links of one study that are good at once.
pub const LINKS_MAX: usize = 20;
/// Wrong PINs after which a link is good no more.
pub const PIN_FAILURES_MAX: u32 = 8;
/// Digits of a PIN.
pub const PIN_DIGITS: usize = 6;
/// How long one opening lasts, seconds.
pub const OPENING_S: i64 = 4 * 3600;
/// Openings of one link that last at once; the oldest gives way.
const OPENINGS_AT_ONCE: usize = 10;
/// Characters of what a link is called.
const NAME_CHARS_MAX: usize = 120;
