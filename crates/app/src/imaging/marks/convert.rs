//! Between what the viewer says and what the documents say.

use std::collections::BTreeMap;

use imaging::sr::{self, Derivation, ImageRef, Measurement, Quantity, Shape};
use sha2::{Digest as _, Sha256};
use store::ImageLine;

use super::{Kept, Marked, MarkedNumber, Marks};
use crate::viewing::{Figure, KeyImage, Measure, Statistics};
use crate::{AppError, Cx};

/// A UID from a UUID (PS3.5 §B.2); from any other name one that follows from it.
pub(super) fn uid_of(name: &str) -> String {
    let number = uuid::Uuid::parse_str(name).map_or_else(
        |_| {
            let digest = Sha256::digest(name.as_bytes());
            let mut bytes = [0; 16];
            bytes.copy_from_slice(&digest[..16]);
            uuid::Builder::from_custom_bytes(bytes)
                .into_uuid()
                .as_u128()
        },
        |u| u.as_u128(),
    );
    format!("2.25.{number}")
}

fn reference(
    sop: &str,
    frame: u32,
    images: &BTreeMap<String, ImageLine>,
) -> Result<ImageRef, AppError> {
    let line = images
        .get(sop)
        .filter(|l| frame < l.frames.max(1))
        .ok_or_else(|| AppError::Malformed("an image that is not part of the study".into()))?;
    Ok(ImageRef {
        class: line.sop_class.clone(),
        sop: line.uid.clone(),
        series: line.series_uid.clone(),
        frame: (line.frames > 1).then_some(frame + 1),
    })
}

/// Those of images of this study. What is marked in an earlier study beside it is not this study's.
pub(super) fn measurements(
    all: &[Measure],
    images: &BTreeMap<String, ImageLine>,
) -> Result<Vec<Measurement>, AppError> {
    all.iter()
        .filter(|m| images.contains_key(&m.sop))
        .enumerate()
        .map(|(n, m)| measurement(m, n, images))
        .collect()
}

pub(super) fn selection(
    all: &[KeyImage],
    images: &BTreeMap<String, ImageLine>,
) -> Result<Vec<ImageRef>, AppError> {
    all.iter()
        .filter(|k| images.contains_key(&k.sop))
        .map(|k| reference(&k.sop, k.frame, images))
        .collect()
}

fn measurement(
    m: &Measure,
    n: usize,
    images: &BTreeMap<String, ImageLine>,
) -> Result<Measurement, AppError> {
    let malformed = || AppError::Malformed("measurements".into());
    let image = reference(&m.sop, m.frame, images)?;
    let (shape, name, points) = match m.tool {
        Figure::Length => (Shape::Length, "Length", 2),
        Figure::Angle => (Shape::Angle, "Angle", 3),
        Figure::Rectangle => (Shape::Rectangle, "Rectangle", 4),
        Figure::Ellipse => (Shape::Ellipse, "Ellipse", 4),
    };
    if m.image.len() != points {
        return Err(malformed());
    }
    let unit = match m.unit.as_str() {
        "px" | "px2" => "{pixels}",
        unit @ ("mm" | "mm2" | "deg") => unit,
        _ => return Err(malformed()),
    };
    let quantity = match shape {
        Shape::Length => Quantity::Length,
        Shape::Angle => Quantity::Angle,
        _ => Quantity::Area,
    };
    let mut numbers = vec![sr::Number {
        quantity,
        derivation: None,
        value: m.value,
        unit: unit.to_owned(),
    }];
    if let Some(statistics) = &m.statistics {
        numbers.extend(of_values(statistics));
    }
    Ok(Measurement {
        name: format!("{name} {}", n + 1),
        uid: uid_of(&m.id),
        shape,
        image,
        points: m.image.clone(),
        numbers,
        basis: m.basis.clone(),
    })
}

fn of_values(s: &Statistics) -> impl Iterator<Item = sr::Number> {
    let (quantity, unit) = match s.unit.as_str() {
        "HU" => (Quantity::Attenuation, "[hnsf'U]"),
        "MR" => (Quantity::Signal, "1"),
        _ => (Quantity::Pixel, "1"),
    };
    [
        (Derivation::Mean, s.mean),
        (Derivation::StandardDeviation, s.sd),
        (Derivation::Minimum, s.min),
        (Derivation::Maximum, s.max),
    ]
    .map(|(derivation, value)| sr::Number {
        quantity: quantity.clone(),
        derivation: Some(derivation),
        value,
        unit: unit.to_owned(),
    })
    .into_iter()
}

pub(super) fn marks(cx: &Cx, kept: &Kept) -> Marks {
    let d = &kept.document;
    Marks {
        uid: d.uid.clone(),
        own: kept.line.sender == cx.actor.account.to_string(),
        author: d.author.shown(),
        organization: d.organization.clone(),
        at: kept.line.at,
        measures: d.measurements.iter().map(marked).collect(),
        keys: d
            .keys
            .iter()
            .map(|k| KeyImage {
                sop: k.sop.clone(),
                frame: k.frame.map_or(0, |n| n - 1),
            })
            .collect(),
    }
}

fn marked(m: &Measurement) -> Marked {
    Marked {
        id: m.uid.clone(),
        tool: match m.shape {
            Shape::Length => Some(Figure::Length),
            Shape::Angle => Some(Figure::Angle),
            Shape::Rectangle => Some(Figure::Rectangle),
            Shape::Ellipse => Some(Figure::Ellipse),
            Shape::Other => None,
        },
        name: m.name.clone(),
        sop: m.image.sop.clone(),
        frame: m.image.frame.map_or(0, |n| n - 1),
        image: m.points.clone(),
        numbers: m
            .numbers
            .iter()
            .map(|n| MarkedNumber {
                what: match &n.quantity {
                    Quantity::Length => "length".to_owned(),
                    Quantity::Angle => "angle".to_owned(),
                    Quantity::Area => "area".to_owned(),
                    Quantity::Attenuation | Quantity::Signal | Quantity::Pixel => {
                        "value".to_owned()
                    }
                    Quantity::Other(name) => name.clone(),
                },
                how: n.derivation.map(|d| match d {
                    Derivation::Mean => "mean",
                    Derivation::StandardDeviation => "sd",
                    Derivation::Minimum => "min",
                    Derivation::Maximum => "max",
                }),
                value: n.value,
                unit: n.unit.clone(),
            })
            .collect(),
    }
}
