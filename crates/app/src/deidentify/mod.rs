//! Copies of studies without identity (PS3.15 Annex E), for teaching and research: a zip, or a study of a patient made for
//! teaching. A project has one secret, so that one patient gets one pseudonym, one shift of dates and one set of UIDs in it,
//! and another in every other project.
//!
//! What cannot be cleaned is refused and named; nothing is left out but by the word of whoever asks, or where an agreement lets
//! images cross without identity alone.

mod copy;
mod crossing;
mod make;
mod project;
mod sizes;
mod work;

use std::sync::Arc;

use bytes::Bytes;
use imaging::deidentify::{Dates, Profile, Rectangle, Refused};
use imaging::{Limits, Object, tags};
use serde::{Deserialize, Serialize};

use crate::AppError;
pub use copy::{CopyAsk, Judged};
pub use project::{NewProject, ProjectLine, Use};
pub(crate) use project::{Project, secret_context};
pub use sizes::SizeLine;
pub(crate) use work::CopyWork;
pub use work::{CopyLine, CopyState};

/// Projects of one hospital.
pub const PROJECTS_MAX: u32 = 200;
/// Rules of one project, and rectangles of one rule or request.
pub const RULES_MAX: usize = 100;
/// Objects of a study that are copied to a teaching patient.
pub const COPY_MAX: usize = 5_000;

/// What becomes of dates; words under `dates-*`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DateRule {
    Remove,
    #[default]
    Shift,
    Keep,
}

impl DateRule {
    pub const ALL: &'static [Self] = &[Self::Shift, Self::Remove, Self::Keep];
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Remove => "remove",
            Self::Shift => "shift",
            Self::Keep => "keep",
        }
    }
}

/// The options of the profile that a project chose (PS3.15 E.3); words under `option-*`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Options {
    pub dates: DateRule,
    pub characteristics: bool,
    pub device: bool,
    pub institution: bool,
    pub descriptions: bool,
    pub structured: bool,
    pub graphics: bool,
    pub safe_private: bool,
}

impl Options {
    /// The options that are yes or no, by their words.
    pub const NAMES: [&'static str; 7] = [
        "characteristics",
        "device",
        "institution",
        "descriptions",
        "structured",
        "graphics",
        "safe-private",
    ];

    pub fn is_on(&self, name: &str) -> bool {
        match name {
            "characteristics" => self.characteristics,
            "device" => self.device,
            "institution" => self.institution,
            "descriptions" => self.descriptions,
            "structured" => self.structured,
            "graphics" => self.graphics,
            "safe-private" => self.safe_private,
            _ => false,
        }
    }

    /// Turns an option on by its word; an unknown word changes nothing.
    pub fn turn_on(&mut self, name: &str) {
        match name {
            "characteristics" => self.characteristics = true,
            "device" => self.device = true,
            "institution" => self.institution = true,
            "descriptions" => self.descriptions = true,
            "structured" => self.structured = true,
            "graphics" => self.graphics = true,
            "safe-private" => self.safe_private = true,
            _ => {}
        }
    }

    fn profile(self, blank: Option<Vec<Rectangle>>) -> Profile {
        Profile {
            retain_uids: false,
            retain_device: self.device,
            retain_institution: self.institution,
            retain_characteristics: self.characteristics,
            dates: match self.dates {
                DateRule::Remove => Dates::Remove,
                DateRule::Shift => Dates::Shift,
                DateRule::Keep => Dates::Keep,
            },
            clean_descriptions: self.descriptions,
            clean_structured: self.structured,
            clean_graphics: self.graphics,
            blank,
            retain_safe_private: self.safe_private,
        }
    }
}

/// A part of an image, in its own pixels: left, top, width, height.
pub type Part = [u32; 4];

fn rectangle([left, top, width, height]: Part) -> Rectangle {
    Rectangle {
        left,
        top,
        width,
        height,
    }
}

/// A part to be blanked on images of one size, or of every size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Region {
    /// Columns and rows; none: every size.
    pub size: Option<[u32; 2]>,
    pub part: Part,
}

impl Region {
    /// On images of every size.
    pub const fn everywhere(part: Part) -> Self {
        Self { size: None, part }
    }
    fn is_for(&self, object: &Object) -> bool {
        let data = object.dataset();
        let is = |tag, side: u32| data.int(tag) == Some(i64::from(side));
        self.size
            .is_none_or(|[columns, rows]| is(tags::COLUMNS, columns) && is(tags::ROWS, rows))
    }
}

/// Where a kind of machine writes on its images.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceRule {
    /// Modality (0008,0060).
    pub modality: String,
    /// Manufacturer's Model Name (0008,1090) as it is written; empty: any.
    pub model: String,
    pub parts: Vec<Part>,
}

impl DeviceRule {
    fn is_for(&self, object: &Object) -> bool {
        let data = object.dataset();
        let model = data.text(tags::MANUFACTURER_MODEL_NAME).unwrap_or_default();
        data.plain(tags::MODALITY) == Some(self.modality.as_str())
            && (self.model.is_empty() || self.model.eq_ignore_ascii_case(model.trim()))
    }
}

/// Why an object cannot be cleaned; words under `unclean-*`.
fn reason(refused: &Refused) -> &'static str {
    match refused {
        Refused::BurnedIn => "burned-in",
        Refused::Document => "document",
        Refused::Report => "report",
        Refused::UnknownClass => "unknown-class",
        Refused::Pixels => "pixels",
        Refused::Object(_) => "damaged",
    }
}

/// All that is needed to clean objects one after the other.
#[derive(Clone)]
pub(crate) struct Cleaning(Arc<Rules>);

struct Rules {
    options: Options,
    /// What somebody who looked at the images said is to be blanked; empty: nothing.
    parts: Option<Vec<Region>>,
    devices: Vec<DeviceRule>,
    secret: Vec<u8>,
    /// Objects that cannot be cleaned stay behind instead of ending all.
    leave_out: bool,
}

impl Cleaning {
    pub(crate) fn leaves_out(&self) -> bool {
        self.0.leave_out
    }

    fn profile_for(&self, object: &Object) -> Profile {
        let rules = &self.0;
        let rule = || rules.devices.iter().find(|r| r.is_for(object));
        let drawn = rules.parts.as_ref().map(|all| {
            let here = all.iter().filter(|r| r.is_for(object));
            here.map(|r| r.part).collect::<Vec<Part>>()
        });
        let parts = drawn.or_else(|| rule().map(|r| r.parts.clone()));
        rules
            .options
            .profile(parts.map(|all| all.into_iter().map(rectangle).collect()))
    }

    /// Why the object cannot be cleaned, by its word; none where it can.
    async fn judge(&self, file: Bytes) -> Result<Option<&'static str>, AppError> {
        let this = self.clone();
        let judge = move || {
            let judged = Object::read(file, &Limits::default())
                .map_err(Refused::from)
                .and_then(|o| imaging::deidentify::judge(&o, &this.profile_for(&o)));
            judged.err().as_ref().map(reason)
        };
        tokio::task::spawn_blocking(judge)
            .await
            .map_err(|_| AppError::Internal("judging an image was broken off".into()))
    }

    /// The copy. Works hard on one thread: called where that is expected.
    fn cleaned(&self, file: Bytes) -> Result<Bytes, Refused> {
        let object = Object::read(file, &Limits::default())?;
        let profile = self.profile_for(&object);
        imaging::deidentify::deidentify(&object, &profile, &self.0.secret)
    }

    /// The copy of an object; refused with the reason.
    pub(crate) async fn clean(&self, file: Bytes) -> Result<Bytes, AppError> {
        let this = self.clone();
        tokio::task::spawn_blocking(move || this.cleaned(file))
            .await
            .map_err(|_| AppError::Internal("cleaning an image was broken off".into()))?
            .map_err(|r| AppError::rejected(format!("unclean-{}", reason(&r)), r.to_string()))
    }
}
