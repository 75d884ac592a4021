//! Reading documents, our own and others'.

use dicom_dictionary_std::tags;

use super::codes;
use super::{Document, ImageRef, KEY_OBJECTS, Measurement, Number, Quantity, Shape, is_document};
use crate::dataset::Dataset;
use crate::object::Object;

/// Content items below each other that are followed.
const DEPTH_MAX: usize = 12;
/// Measurements and key images that are taken from one document.
const FOUND_MAX: usize = 1_000;
/// Points of one place.
const POINTS_MAX: usize = 1_000;

/// What a structured report or key object selection says of measurements and key images; none for other objects. What is
/// measured without a place on an image is left out.
pub fn document(object: &Object) -> Option<Document> {
    let data = object.dataset();
    let class = data.plain(tags::SOP_CLASS_UID)?.to_owned();
    if !is_document(&class) {
        return None;
    }
    let text = |tag| data.text(tag).unwrap_or_default();
    let mut found = Document {
        uid: data.plain(tags::SOP_INSTANCE_UID)?.to_owned(),
        series: data.plain(tags::SERIES_INSTANCE_UID)?.to_owned(),
        date: text(tags::CONTENT_DATE),
        time: text(tags::CONTENT_TIME),
        zone: text(tags::TIMEZONE_OFFSET_FROM_UTC),
        organization: text(tags::INSTITUTION_NAME),
        predecessors: objects_of(data.items(tags::PREDECESSOR_DOCUMENTS_SEQUENCE))
            .map(|i| i.sop)
            .collect(),
        class,
        ..Document::default()
    };
    if let Some(author) = data
        .item(tags::AUTHOR_OBSERVER_SEQUENCE)
        .and_then(|o| o.person(tags::PERSON_NAME))
    {
        found.author = author;
    }
    let evidence: Vec<ImageRef> =
        objects_of(data.items(tags::CURRENT_REQUESTED_PROCEDURE_EVIDENCE_SEQUENCE)).collect();
    let mut walk = Walk { found, evidence };
    walk.context(data);
    if walk.found.class == KEY_OBJECTS {
        walk.keys(data);
    } else {
        walk.groups(data, 0);
    }
    Some(walk.found)
}

/// Objects of a sequence by study and series (PS3.3 table 10-11).
fn objects_of(studies: &[Dataset]) -> impl Iterator<Item = ImageRef> + '_ {
    let series = studies
        .iter()
        .flat_map(|s| s.items(tags::REFERENCED_SERIES_SEQUENCE));
    series.flat_map(|s| {
        let uid = s
            .plain(tags::SERIES_INSTANCE_UID)
            .unwrap_or_default()
            .to_owned();
        s.items(tags::REFERENCED_SOP_SEQUENCE)
            .iter()
            .filter_map(referenced)
            .map(move |image| ImageRef {
                series: uid.clone(),
                ..image
            })
    })
}

fn referenced(item: &Dataset) -> Option<ImageRef> {
    Some(ImageRef {
        class: item
            .plain(tags::REFERENCED_SOP_CLASS_UID)
            .unwrap_or_default()
            .to_owned(),
        sop: item.plain(tags::REFERENCED_SOP_INSTANCE_UID)?.to_owned(),
        series: String::new(),
        frame: item
            .int(tags::REFERENCED_FRAME_NUMBER)
            .and_then(|n| u32::try_from(n).ok())
            .filter(|n| *n > 0),
    })
}

fn kind(item: &Dataset) -> &str {
    item.plain(tags::VALUE_TYPE).unwrap_or_default()
}

fn children(item: &Dataset) -> &[Dataset] {
    item.items(tags::CONTENT_SEQUENCE)
}

fn name(item: &Dataset) -> Option<&Dataset> {
    item.item(tags::CONCEPT_NAME_CODE_SEQUENCE)
}

struct Walk {
    found: Document,
    evidence: Vec<ImageRef>,
}

/// A place on an image.
struct Place {
    kind: String,
    points: Vec<[f64; 2]>,
    image: ImageRef,
}

impl Walk {
    /// The image with the series that the evidence names.
    fn image(&self, item: &Dataset) -> Option<ImageRef> {
        let mut image = referenced(item.item(tags::REFERENCED_SOP_SEQUENCE)?)?;
        if let Some(known) = self.evidence.iter().find(|e| e.sop == image.sop) {
            image.series.clone_from(&known.series);
        }
        Some(image)
    }

    /// Who observed, where the content says it and the head does not.
    fn context(&mut self, data: &Dataset) {
        for item in children(data) {
            if codes::is(name(item), codes::OBSERVER) && self.found.author.is_empty() {
                self.found.author = item.person(tags::PERSON_NAME).unwrap_or_default();
            } else if codes::is(name(item), codes::ORGANIZATION)
                && self.found.organization.is_empty()
            {
                self.found.organization = item.text(tags::TEXT_VALUE).unwrap_or_default();
            }
        }
    }

    fn keys(&mut self, data: &Dataset) {
        let images: Vec<ImageRef> = children(data)
            .iter()
            .filter(|i| kind(i) == "IMAGE")
            .filter_map(|i| self.image(i))
            .take(FOUND_MAX)
            .collect();
        self.found.keys = images;
    }

    fn groups(&mut self, item: &Dataset, depth: usize) {
        if depth > DEPTH_MAX {
            return;
        }
        for child in children(item).iter().filter(|c| kind(c) == "CONTAINER") {
            if codes::is(name(child), codes::GROUP) {
                self.group(child);
            } else {
                self.groups(child, depth + 1);
            }
        }
    }

    fn group(&mut self, group: &Dataset) {
        let said = |code| {
            children(group)
                .iter()
                .find(|i| codes::is(name(i), code))
                .and_then(|i| i.text(tags::TEXT_VALUE).or_else(|| i.text(tags::UID)))
                .unwrap_or_default()
        };
        let (title, uid) = (said(codes::TRACKING), said(codes::TRACKING_UID));
        let of_group = children(group).iter().find_map(|i| self.place(i));
        let mut of_region = Vec::new();
        let mut basis = None;
        for item in children(group).iter().filter(|i| kind(i) == "NUM") {
            let Some((number, rests_on)) = number(item) else {
                continue;
            };
            basis = basis.or(rests_on.clone());
            match children(item).iter().find_map(|i| self.place(i)) {
                Some(place) => self.add(&title, &uid, place, vec![number], rests_on),
                None => of_region.push(number),
            }
        }
        if let Some(place) = of_group
            && !of_region.is_empty()
        {
            self.add(&title, &uid, place, of_region, basis);
        }
    }

    fn add(
        &mut self,
        name: &str,
        uid: &str,
        place: Place,
        numbers: Vec<Number>,
        basis: Option<String>,
    ) {
        if self.found.measurements.len() >= FOUND_MAX {
            return;
        }
        let (shape, points) = shape_of(&place, &numbers);
        self.found.measurements.push(Measurement {
            name: name.to_owned(),
            uid: uid.to_owned(),
            shape,
            image: place.image,
            points,
            numbers,
            basis,
        });
    }

    fn place(&self, item: &Dataset) -> Option<Place> {
        if kind(item) != "SCOORD" {
            return None;
        }
        let image = children(item).iter().find(|i| kind(i) == "IMAGE")?;
        let numbers = item.floats(tags::GRAPHIC_DATA);
        let points: Vec<[f64; 2]> = numbers
            .chunks_exact(2)
            .take(POINTS_MAX)
            .map(|p| [p[0], p[1]])
            .collect();
        let all_finite = points.iter().flatten().all(|n| n.is_finite());
        (!points.is_empty() && all_finite).then_some(Place {
            kind: item.plain(tags::GRAPHIC_TYPE)?.to_owned(),
            points,
            image: self.image(image)?,
        })
    }
}

fn number(item: &Dataset) -> Option<(Number, Option<String>)> {
    let measured = item.item(tags::MEASURED_VALUE_SEQUENCE)?;
    let value = measured
        .float(tags::FLOATING_POINT_VALUE)
        .or_else(|| measured.float(tags::NUMERIC_VALUE))
        .filter(|v| v.is_finite())?;
    let unit = measured
        .item(tags::MEASUREMENT_UNITS_CODE_SEQUENCE)
        .and_then(|u| u.text(tags::CODE_VALUE))
        .unwrap_or_else(|| "1".to_owned());
    let modifier = |code| {
        children(item)
            .iter()
            .find(|i| codes::is(name(i), code))
            .and_then(|i| i.item(tags::CONCEPT_CODE_SEQUENCE))
    };
    let rests_on = modifier(codes::METHOD)
        .and_then(|m| m.text(tags::CODE_VALUE))
        .filter(|value| codes::basis(value).is_some());
    let number = Number {
        quantity: codes::quantity_of(name(item)?),
        derivation: modifier(codes::DERIVATION).and_then(codes::derivation_of),
        value,
        unit,
    };
    Some((number, rests_on))
}

/// What is drawn, by the kind of the place and what was measured; a region's closing point goes.
fn shape_of(place: &Place, numbers: &[Number]) -> (Shape, Vec<[f64; 2]>) {
    let mut points = place.points.clone();
    let measures = |q: &Quantity| numbers.iter().any(|n| n.quantity == *q);
    let shape = match (place.kind.as_str(), points.len()) {
        ("ELLIPSE", 4) => Shape::Ellipse,
        ("POLYLINE", 2) if !measures(&Quantity::Area) => Shape::Length,
        ("POLYLINE", 3) if measures(&Quantity::Angle) => Shape::Angle,
        ("POLYLINE", n) if n > 3 && points.first() == points.last() => {
            points.pop();
            if is_rectangle(&points) {
                Shape::Rectangle
            } else {
                Shape::Other
            }
        }
        _ => Shape::Other,
    };
    (shape, points)
}

/// Four corners whose diagonals halve each other and are equally long, within a hundredth of a pixel.
fn is_rectangle(points: &[[f64; 2]]) -> bool {
    let [a, b, c, d] = points else {
        return false;
    };
    let near = |x: f64, y: f64| (x - y).abs() < 0.01;
    let length = |p: &[f64; 2], q: &[f64; 2]| (p[0] - q[0]).hypot(p[1] - q[1]);
    near(a[0] + c[0], b[0] + d[0])
        && near(a[1] + c[1], b[1] + d[1])
        && near(length(a, c), length(b, d))
}
