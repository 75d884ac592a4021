//! How values become what is seen: modality, VOI and presentation (PS3.3 C.11, PS3.4 N.2), per frame where an enhanced
//! object says so (C.7.6.16).

use dicom_core::Tag;
use dicom_dictionary_std::tags;

use super::description::{Description, Photometric};
use super::lut::{Palette, Table};
use super::values::Values;
use crate::dataset::Dataset;

/// The function of a window (C.11.2.1.2, C.11.2.1.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Function {
    /// LINEAR.
    #[default]
    Linear,
    /// LINEAR_EXACT.
    LinearExact,
    /// SIGMOID.
    Sigmoid,
}

/// A window on values of the modality.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Window {
    /// Window Center.
    pub centre: f64,
    /// Window Width; at least 1 for LINEAR, above 0 for the others.
    pub width: f64,
    /// Its function.
    pub function: Function,
    /// Its explanation (`LUNG`), as given.
    pub name: String,
}

impl Window {
    /// Where a value lies between black (0) and white (1).
    pub fn at(&self, x: f64) -> f64 {
        let (c, w) = (self.centre, self.width);
        match self.function {
            Function::Linear if w <= 1.0 => f64::from(u8::from(x > c - 0.5)),
            Function::Linear => ((x - (c - 0.5)) / (w - 1.0) + 0.5).clamp(0.0, 1.0),
            Function::LinearExact => ((x - c) / w + 0.5).clamp(0.0, 1.0),
            Function::Sigmoid => 1.0 / (1.0 + (-4.0 * (x - c) / w).exp()),
        }
    }
}

/// How the values of one frame become what is seen.
#[derive(Debug, Clone)]
pub struct Look {
    modality: Modality,
    /// The windows the object offers, the first being its own choice.
    pub windows: Vec<Window>,
    voi: Option<Table>,
    inverse: bool,
    padding: Option<(f64, f64)>,
    pub(super) palette: Option<Palette>,
}

#[derive(Debug, Clone)]
enum Modality {
    Rescale { slope: f64, intercept: f64 },
    Table(Table),
}

impl Look {
    /// From the attributes of an object, for the frame counted from 0.
    pub fn of(data: &Dataset, description: &Description, frame: u32) -> Look {
        let groups = Groups::of(data, frame);
        let transformation = groups
            .item(tags::PIXEL_VALUE_TRANSFORMATION_SEQUENCE)
            .unwrap_or(data);
        let table = data
            .item(tags::MODALITY_LUT_SEQUENCE)
            .and_then(|item| Table::of_item(item, description.signed));
        let modality = match table {
            Some(table) => Modality::Table(table),
            None => Modality::Rescale {
                slope: transformation
                    .float(tags::RESCALE_SLOPE)
                    .filter(|s| *s != 0.0)
                    .unwrap_or(1.0),
                intercept: transformation.float(tags::RESCALE_INTERCEPT).unwrap_or(0.0),
            },
        };
        let voi = groups.item(tags::FRAME_VOILUT_SEQUENCE).unwrap_or(data);
        // Values that a VOI LUT maps are those of the modality, which may be negative after a rescale (C.11.2.1.1).
        let negative = match &modality {
            Modality::Rescale { intercept, .. } => description.signed || *intercept < 0.0,
            Modality::Table(_) => false,
        };
        let shape = data.plain(tags::PRESENTATION_LUT_SHAPE);
        Look {
            modality,
            windows: windows(voi),
            voi: data
                .item(tags::VOILUT_SEQUENCE)
                .and_then(|item| Table::of_item(item, negative)),
            inverse: description.photometric == Photometric::Monochrome1
                || (description.photometric == Photometric::Monochrome2
                    && shape == Some("INVERSE")),
            padding: padding(data, description),
            palette: (description.photometric == Photometric::Palette)
                .then(|| Palette::of(data, description.signed))
                .flatten(),
        }
    }

    /// The value of the modality (Hounsfield units …) of a stored value.
    pub fn modality_value(&self, stored: f64) -> f64 {
        match &self.modality {
            Modality::Rescale { slope, intercept } => stored * slope + intercept,
            Modality::Table(table) => f64::from(table.at(stored)),
        }
    }

    /// Whether a stored value is padding (C.7.5.1.1.2).
    pub fn is_padding(&self, stored: f64) -> bool {
        self.padding
            .is_some_and(|(low, high)| (low..=high).contains(&stored))
    }

    /// Grey from 0 (black) to 255 of a stored value, through the given window or what the object itself wants.
    pub(super) fn grey(&self, stored: f64, chosen: &Choice) -> u8 {
        if self.is_padding(stored) {
            return 0;
        }
        let x = self.modality_value(stored);
        let part = match chosen {
            Choice::Window(window) => window.at(x),
            Choice::Table(table) => f64::from(table.at(x)) / table.most(),
        };
        let part = if self.inverse { 1.0 - part } else { part };
        (part.clamp(0.0, 1.0) * 255.0).round() as u8
    }

    /// What to look through: what was asked for, else the object's VOI LUT or first window, else all values of the frame.
    pub(super) fn choice(&self, asked: Option<&Window>, values: &Values) -> Choice {
        if let Some(window) = asked {
            return Choice::Window(window.clone());
        }
        if let Some(table) = &self.voi {
            return Choice::Table(table.clone());
        }
        match self.windows.first() {
            Some(window) => Choice::Window(window.clone()),
            None => Choice::Window(self.whole(values)),
        }
    }

    fn whole(&self, values: &Values) -> Window {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for at in 0..values.len() {
            let Some(stored) = values
                .get(at)
                .filter(|v| v.is_finite() && !self.is_padding(*v))
            else {
                continue;
            };
            (low, high) = (low.min(stored), high.max(stored));
        }
        if low > high {
            (low, high) = (0.0, 1.0);
        }
        let (a, b) = (self.modality_value(low), self.modality_value(high));
        let (low, high) = (a.min(b), a.max(b));
        Window {
            centre: f64::midpoint(low, high),
            width: (high - low).max(f64::MIN_POSITIVE),
            function: Function::LinearExact,
            name: String::new(),
        }
    }
}

/// What is looked through.
pub(super) enum Choice {
    Window(Window),
    Table(Table),
}

fn windows(data: &Dataset) -> Vec<Window> {
    let centres = data.floats(tags::WINDOW_CENTER);
    let widths = data.floats(tags::WINDOW_WIDTH);
    let names = data.texts(tags::WINDOW_CENTER_WIDTH_EXPLANATION);
    let function = match data.plain(tags::VOILUT_FUNCTION) {
        Some("LINEAR_EXACT") => Function::LinearExact,
        Some("SIGMOID") => Function::Sigmoid,
        _ => Function::Linear,
    };
    let least = if function == Function::Linear {
        1.0
    } else {
        f64::MIN_POSITIVE
    };
    centres
        .into_iter()
        .zip(widths)
        .enumerate()
        .filter(|(_, (_, width))| *width >= least)
        .map(|(at, (centre, width))| Window {
            centre,
            width,
            function,
            name: names.get(at).cloned().unwrap_or_default(),
        })
        .collect()
}

fn padding(data: &Dataset, description: &Description) -> Option<(f64, f64)> {
    let number = |tag| {
        let bytes = data.bytes(tag)?.get(..2)?;
        let word = [bytes[0], bytes[1]];
        // The representation follows the pixels', whatever a writer has put.
        Some(if description.signed {
            f64::from(i16::from_le_bytes(word))
        } else {
            f64::from(u16::from_le_bytes(word))
        })
    };
    let value = number(tags::PIXEL_PADDING_VALUE)?;
    let limit = number(tags::PIXEL_PADDING_RANGE_LIMIT).unwrap_or(value);
    Some((value.min(limit), value.max(limit)))
}

/// Functional groups of a frame: its own before those that all share.
struct Groups<'a> {
    own: Option<&'a Dataset>,
    shared: Option<&'a Dataset>,
}

impl<'a> Groups<'a> {
    fn of(data: &'a Dataset, frame: u32) -> Groups<'a> {
        Groups {
            own: data
                .items(tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE)
                .get(frame as usize),
            shared: data.item(tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE),
        }
    }

    fn item(&self, tag: Tag) -> Option<&'a Dataset> {
        [self.own, self.shared]
            .into_iter()
            .flatten()
            .find_map(|group| group.item(tag))
    }
}

/// Position, orientation and spacing of a frame (C.7.6.2, C.7.6.16.2.3, .4, .1), for those who order by geometry.
pub fn plane(data: &Dataset, frame: u32) -> Option<([f64; 3], [f64; 6], [f64; 2])> {
    let groups = Groups::of(data, frame);
    let numbers = |sequence: Tag, tag: Tag| groups.item(sequence).unwrap_or(data).floats(tag);
    let position = numbers(tags::PLANE_POSITION_SEQUENCE, tags::IMAGE_POSITION_PATIENT);
    let orientation = numbers(
        tags::PLANE_ORIENTATION_SEQUENCE,
        tags::IMAGE_ORIENTATION_PATIENT,
    );
    let spacing = numbers(tags::PIXEL_MEASURES_SEQUENCE, tags::PIXEL_SPACING);
    Some((
        position.try_into().ok()?,
        orientation.try_into().ok()?,
        spacing.try_into().ok()?,
    ))
}
