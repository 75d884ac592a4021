//! A frame as a picture.

use super::colour::rgb;
use super::description::Description;
use super::image::{Image, Wanted};
use super::look::{Choice, Look};
use super::overlay::Overlay;
use super::values::{Frame, Values};
use crate::error::ImagingError;

/// Shows a frame: modality, VOI and presentation transformations (PS3.4 N.2), then crop, turn and scale
/// (PS3.18 §8.3.5.1.3), overlays if they are given.
///
/// # Errors
/// A palette image without palette, a crop outside the image.
pub fn render(
    frame: &Frame,
    description: &Description,
    look: &Look,
    overlays: &[Overlay],
    wanted: &Wanted,
) -> Result<Image, ImagingError> {
    let mut image = if frame.photometric.is_grey() {
        Image {
            width: frame.columns,
            height: frame.rows,
            channels: 1,
            data: grey(
                frame,
                look,
                &look.choice(wanted.window.as_ref(), &frame.values),
            ),
        }
    } else {
        Image {
            width: frame.columns,
            height: frame.rows,
            channels: 3,
            data: rgb(frame, description, look.palette.as_ref())?,
        }
    };
    if wanted.overlays {
        overlays.iter().for_each(|o| draw(&mut image, o));
    }
    if let Some(crop) = wanted.crop {
        image = image.cropped(crop)?;
    }
    image = image.turned(wanted.mirror, wanted.flip);
    if let Some((width, height)) = wanted.size {
        image = image.scaled(width, height);
    }
    Ok(image)
}

/// Grey values, by a table where there are more pixels than values.
fn grey(frame: &Frame, look: &Look, choice: &Choice) -> Vec<u8> {
    let one = |v: f64| look.grey(v, choice);
    match &frame.values {
        Values::U8(v) => {
            let table: [u8; 256] = std::array::from_fn(|n| one(n as f64));
            v.iter().map(|n| table[usize::from(*n)]).collect()
        }
        Values::U16(v) => {
            let (least, most) = ends(v, u16::MIN);
            let table = table((least..=most).map(|n| (n, one(f64::from(n)))));
            v.iter().map(|n| table[usize::from(*n)]).collect()
        }
        Values::I16(v) => {
            let (least, most) = ends(v, 0);
            let table = table((least..=most).map(|n| (n as u16, one(f64::from(n)))));
            v.iter().map(|n| table[usize::from(*n as u16)]).collect()
        }
        Values::U32(v) => v.iter().map(|n| one(f64::from(*n))).collect(),
        Values::I32(v) => v.iter().map(|n| one(f64::from(*n))).collect(),
        Values::F32(v) => v.iter().map(|n| one(f64::from(*n))).collect(),
        Values::F64(v) => v.iter().map(|n| one(*n)).collect(),
    }
}

/// The least and the most of some values.
fn ends<T: Copy + Ord>(values: &[T], none: T) -> (T, T) {
    let first = values.first().copied().unwrap_or(none);
    values.iter().fold((first, first), |(least, most), v| {
        (least.min(*v), most.max(*v))
    })
}

/// What each word of sixteen bits stands for: one look for a pixel, none of them beyond the end.
fn table(entries: impl Iterator<Item = (u16, u8)>) -> Box<[u8; 1 << 16]> {
    let mut table = Box::new([0; 1 << 16]);
    for (word, shown) in entries {
        table[usize::from(word)] = shown;
    }
    table
}

fn draw(image: &mut Image, overlay: &Overlay) {
    let (top, left) = (overlay.origin.0 - 1, overlay.origin.1 - 1);
    for (at, _) in overlay
        .bits
        .iter()
        .enumerate()
        .filter(|(_, bit)| **bit == 1)
    {
        let row = top + (at / overlay.columns as usize) as i64;
        let column = left + (at % overlay.columns as usize) as i64;
        if (0..i64::from(image.height)).contains(&row)
            && (0..i64::from(image.width)).contains(&column)
        {
            let place = (row as usize * image.width as usize + column as usize) * image.channels;
            image.data[place..place + image.channels].fill(u8::MAX);
        }
    }
}
