//! Writes the stored values of each frame of a DICOM file, so that the interoperability tests can hold them against those
//! of other software: `values FILE` gives a line of JSON, then the values as little endian; with `--as UID` the file is
//! written in another transfer syntax first, with `--png` the first frame as it is shown.
#![allow(clippy::print_stderr)]

use std::io::Write;
use std::process::ExitCode;

use karez_imaging::pixel::{self, Description, Look, Values, Wanted};
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
    let description = Description::of(object.dataset())?;
    let mut out = std::io::stdout().lock();
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
