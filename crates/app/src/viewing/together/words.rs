//! What people who look at a study together say to one another, and what nodes tell each other of it. Places and numbers
//! alone: no pixels, no text about a patient.

use kernel::{AccountId, HospitalId};
use serde::{Deserialize, Serialize};

use crate::viewing::Figure;
use crate::{AppError, Cx};

const UID_BYTES_MAX: usize = 64;
const ID_BYTES_MAX: usize = 64;
const POINTS_MAX: usize = 8;
/// Structure sets and doses over a picture, regions of one that are hidden, isodose levels.
const OVERLAYS_MAX: usize = 16;
const REGIONS_MAX: usize = 200;
const LEVELS_MAX: usize = 16;
/// The farthest a picture is magnified, and the farthest a number lies from zero.
const NUMBER_MAX: f64 = 1e7;
/// Sayings in one request.
pub const SAYINGS_MAX: usize = 32;

/// What the picture of the one who leads shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Glance {
    /// Series Instance UID.
    pub series: String,
    /// SOP Instance UID; empty for a plane through a volume.
    pub sop: String,
    /// From 0.
    pub frame: u32,
    /// Width and centre in the image's values.
    pub window: Option<[f64; 2]>,
    /// Degrees.
    pub turned: f64,
    /// Mirrored left and right, top and bottom.
    pub flipped: [bool; 2],
    pub invert: bool,
    /// Against the picture as it fits the screen.
    pub zoom: f64,
    /// What lies in the middle of the screen, in the patient's millimetres (PS3.3 C.7.6.2).
    pub centre: [f64; 3],
    /// `axial`, `sagittal`, `coronal`; none for an image as it came.
    pub plane: Option<Plane>,
    /// What lies over the pictures.
    #[serde(default)]
    pub over: Option<Overlaid>,
    /// What it is compared with.
    #[serde(default)]
    pub beside: Option<Box<Beside>>,
}

/// Structure sets and dose over the pictures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Overlaid {
    /// Series that are shown, each with the numbers of its regions that are not (PS3.3 C.8.8.5: ROI Number).
    pub shown: Vec<(String, Vec<u32>)>,
    /// What isodose levels are percentages of.
    pub reference: f64,
    pub wash: bool,
    pub lines: bool,
    /// Percent.
    pub levels: Vec<u16>,
}

/// An image of an earlier study beside.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Beside {
    /// Who keeps it.
    pub hospital: HospitalId,
    /// Study Instance UID.
    pub study: String,
    pub series: String,
    pub sop: String,
    pub frame: u32,
    pub window: Option<[f64; 2]>,
}

/// How the one who leads reads a waveform object, in place of pictures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Traces {
    pub series: String,
    /// Multiplex group, from 0.
    pub group: u32,
    /// The first second that is shown.
    pub from: f64,
    /// Millimetres a second, and a millivolt.
    pub speed: f64,
    pub gain: f64,
    /// The usual sheet of twelve leads; else one under the other.
    pub standard: bool,
    /// Channel and sample of the cursor, and of the mark it measures from.
    pub cursor: Option<[u32; 2]>,
    pub mark: Option<[u32; 2]>,
}

/// What the one who leads shows.
#[derive(Debug, Clone, PartialEq)]
pub enum Shown {
    Picture(Glance),
    Traces(Traces),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Plane {
    Axial,
    Sagittal,
    Coronal,
}

/// Where somebody points.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pointed {
    pub sop: String,
    pub frame: u32,
    pub at: [f64; 3],
}

/// A figure somebody drew. What it measures is worked out where it is shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Drawn {
    pub id: String,
    pub tool: Figure,
    pub sop: String,
    pub frame: u32,
    pub points: Vec<[f64; 3]>,
}

/// One thing said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Say {
    /// The one who leads shows this; none: something the others do not share.
    Look(Option<Glance>),
    /// The one who leads shows waveforms.
    Traces(Traces),
    Point(Option<Pointed>),
    Draw(Drawn),
    Erase(String),
    /// Takes the lead, or lays it down.
    Lead(bool),
}

fn uid(text: &str) -> bool {
    text.len() <= UID_BYTES_MAX && text.bytes().all(|b| b.is_ascii_digit() || b == b'.')
}

fn id(text: &str) -> bool {
    (1..=ID_BYTES_MAX).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b))
}

fn numbers<'a>(all: impl IntoIterator<Item = &'a f64>) -> bool {
    all.into_iter()
        .all(|n| n.is_finite() && n.abs() <= NUMBER_MAX)
}

impl Glance {
    fn fits(&self) -> bool {
        uid(&self.series)
            && uid(&self.sop)
            && numbers(self.window.iter().flatten())
            && numbers(&[self.turned, self.zoom])
            && self.zoom > 0.0
            && numbers(&self.centre)
            && self.over.as_ref().is_none_or(Overlaid::fits)
            && self.beside.as_ref().is_none_or(|b| b.fits())
    }
}

impl Overlaid {
    fn fits(&self) -> bool {
        let series = |(s, off): &(String, Vec<u32>)| uid(s) && off.len() <= REGIONS_MAX;
        self.shown.len() <= OVERLAYS_MAX
            && self.shown.iter().all(series)
            && self.levels.len() <= LEVELS_MAX
            && numbers(&[self.reference])
    }
}

impl Beside {
    fn fits(&self) -> bool {
        [&self.study, &self.series, &self.sop]
            .into_iter()
            .all(|u| uid(u))
            && numbers(self.window.iter().flatten())
    }
}

impl Say {
    /// Bounds, and numbers that are numbers.
    pub fn check(&self) -> Result<(), AppError> {
        let fits = match self {
            Self::Look(None) | Self::Point(None) | Self::Lead(_) => true,
            Self::Look(Some(g)) => g.fits(),
            Self::Traces(t) => uid(&t.series) && numbers(&[t.from, t.speed, t.gain]),
            Self::Point(Some(p)) => uid(&p.sop) && numbers(&p.at),
            Self::Draw(d) => {
                id(&d.id)
                    && uid(&d.sop)
                    && (2..=POINTS_MAX).contains(&d.points.len())
                    && numbers(d.points.iter().flatten())
            }
            Self::Erase(gone) => id(gone),
        };
        if fits {
            Ok(())
        } else {
            Err(AppError::Malformed("what is said to the others".into()))
        }
    }
}

/// Somebody who looks with others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    pub account: AccountId,
    pub name: String,
    pub hospital: HospitalId,
}

impl Person {
    pub(crate) fn of(cx: &Cx) -> Result<Self, AppError> {
        Ok(Self {
            account: cx.actor.account.clone(),
            name: cx.name.chars().take(200).collect(),
            hospital: cx.require_clinical()?.clone(),
        })
    }
}

/// What one node tells the others of one seat.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Wire {
    /// `hospital/id` of the study.
    pub room: String,
    pub seat: String,
    pub account: AccountId,
    pub word: Word,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Word {
    /// Sits here; with the count of the lead where this seat has it.
    Here {
        person: Person,
        lead: Option<u64>,
    },
    /// Has just come: whoever else is here says so.
    Who,
    Left,
    Said(Say),
}
