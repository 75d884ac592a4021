//! What people who look at a study together say to one another, and what nodes tell each other of it. Places and numbers
//! alone: no pixels, no text about a patient.

use kernel::{AccountId, HospitalId};
use serde::{Deserialize, Serialize};

use crate::viewing::Figure;
use crate::{AppError, Cx};

const UID_BYTES_MAX: usize = 64;
const ID_BYTES_MAX: usize = 64;
const POINTS_MAX: usize = 8;
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

impl Say {
    /// Bounds, and numbers that are numbers.
    pub fn check(&self) -> Result<(), AppError> {
        let fits = match self {
            Self::Look(None) | Self::Point(None) | Self::Lead(_) => true,
            Self::Look(Some(g)) => {
                uid(&g.series)
                    && uid(&g.sop)
                    && numbers(g.window.iter().flatten())
                    && numbers(&[g.turned, g.zoom])
                    && g.zoom > 0.0
                    && numbers(&g.centre)
            }
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
