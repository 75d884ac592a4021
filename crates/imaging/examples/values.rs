//! Writes the stored values of each frame of a DICOM file, so that the interoperability tests can hold them against those
//! of other software: `values FILE` gives a line of JSON, then the values as little endian; with `--as UID` the file is
//! written in another transfer syntax first, with `--png` the first frame as it is shown. With `--report` or `--keys` it
//! writes a measurement report or a selection of key images about the file.
#![allow(clippy::print_stderr)]

use std::io::Write;
use std::process::ExitCode;

use karez_imaging::name::PersonName;
use karez_imaging::pixel::{self, Description, Look, Values, Wanted};
use karez_imaging::sr::{self, Derivation, Head, ImageRef, Measurement, Number, Quantity, Shape};
use karez_imaging::{Limits, Object};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<(), Box<dyn std::error::Error>> {
    let path = arguments.first().ok_or("name a file")?;
    let limits = Limits::default();
    let mut object = Object::read(std::fs::read(path)?, &limits)?;
    if let [_, option, uid] = arguments
        && option == "--as"
    {
        object = Object::read(pixel::transcode(&object, uid, 90)?, &limits)?;
    }
    let mut out = std::io::stdout().lock();
    if let Some(what @ ("--report" | "--keys")) = arguments.get(1).map(String::as_str) {
        out.write_all(&document(&object, what == "--keys")?)?;
        return Ok(());
    }
    let description = Description::of(object.dataset())?;
    if arguments.get(1).is_some_and(|a| a == "--png") {
        let frame = pixel::decode(&object, 0)?;
        let look = Look::of(object.dataset(), &description, 0);
        let overlays = pixel::overlays(&object, 0);
        let image = pixel::render(&frame, &description, &look, &overlays, &Wanted::default())?;
        out.write_all(&image.png()?)?;
        return Ok(());
    }
    let frames = match object.layout().frame_count() {
        0 => description.frames,
        count => count.min(description.frames),
    };
    let mut body = Vec::new();
    let mut kind = "";
    for index in 0..frames {
        let frame = pixel::decode(&object, index)?;
        kind = write(&frame.values, &mut body);
    }
    let head = serde_json::json!({
        "frames": frames,
        "rows": description.rows,
        "columns": description.columns,
        "samples": description.samples,
        "type": kind,
    });
    writeln!(out, "{head}")?;
    out.write_all(&body)?;
    Ok(())
}

/// A document about an image: a length, an angle and an ellipse with statistics, or the image as a key image.
fn document(object: &Object, keys: bool) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    let facts = object.facts()?;
    let image = ImageRef {
        class: facts.instance.class.clone(),
        sop: facts.instance.uid.clone(),
        series: facts.series.uid.clone(),
        frame: (facts.instance.frames > 1).then_some(1),
    };
    let author = PersonName::parse("Sun^Min=孙^敏");
    let head = Head {
        study: object.dataset(),
        uid: "2.25.314159",
        series: "2.25.271828",
        series_number: 9001,
        number: 1,
        author: &author,
        organization: "Qumtagh Hospital",
        date: "20261102",
        time: "093000",
        zone: "+0800",
        predecessors: &[],
    };
    if keys {
        return Ok(sr::key_images(&head, &[image]).to_vec());
    }
    let number = |quantity, derivation, value, unit: &str| Number {
        quantity,
        derivation,
        value,
        unit: unit.into(),
    };
    let of_values =
        |derivation, value| number(Quantity::Attenuation, Some(derivation), value, "[hnsf'U]");
    let measurement = |n: u8, shape, points: &[[f64; 2]], numbers| Measurement {
        name: format!("Measure {n}"),
        uid: format!("2.25.{n}"),
        shape,
        image: image.clone(),
        points: points.to_vec(),
        numbers,
        basis: None,
    };
    let all = [
        measurement(
            1,
            Shape::Length,
            &[[24.5, 64.5], [104.5, 64.5]],
            vec![number(Quantity::Length, None, 64.0, "mm")],
        ),
        measurement(
            2,
            Shape::Angle,
            &[[1.0, 2.0], [3.0, 4.0], [5.0, 2.0]],
            vec![number(Quantity::Angle, None, 90.0, "deg")],
        ),
        measurement(
            3,
            Shape::Ellipse,
            &[[0.0, 5.0], [10.0, 5.0], [5.0, 3.0], [5.0, 7.0]],
            vec![
                number(Quantity::Area, None, 31.4, "mm2"),
                of_values(Derivation::Mean, 40.5),
                of_values(Derivation::StandardDeviation, 1.0 / 3.0),
                of_values(Derivation::Minimum, -3.0),
                of_values(Derivation::Maximum, 140.0),
            ],
        ),
    ];
    Ok(sr::measurements(&head, &all).to_vec())
}

/// Appends values, says their type as numpy calls it.
fn write(values: &Values, out: &mut Vec<u8>) -> &'static str {
    match values {
        Values::U8(v) => {
            out.extend_from_slice(v);
            "<u1"
        }
        Values::U16(v) => {
            out.extend(v.iter().flat_map(|n| n.to_le_bytes()));
            "<u2"
        }
        Values::I16(v) => {
            out.extend(v.iter().flat_map(|n| n.to_le_bytes()));
            "<i2"
        }
        Values::U32(v) => {
            out.extend(v.iter().flat_map(|n| n.to_le_bytes()));
            "<u4"
        }
        Values::I32(v) => {
            out.extend(v.iter().flat_map(|n| n.to_le_bytes()));
            "<i4"
        }
        Values::F32(v) => {
            out.extend(v.iter().flat_map(|n| n.to_le_bytes()));
            "<f4"
        }
        Values::F64(v) => {
            out.extend(v.iter().flat_map(|n| n.to_le_bytes()));
            "<f8"
        }
    }
}
