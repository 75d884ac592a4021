//! RLE (PS3.5 Annex G): each byte of each sample is a plane of its own, written in runs.

use super::description::Description;
use crate::error::ImagingError;

fn damaged() -> ImagingError {
    ImagingError::Pixels("damaged RLE".to_owned())
}

/// The uncompressed bytes of a frame, samples of a pixel together, little endian.
pub(crate) fn decode(bytes: &[u8], d: &Description) -> Result<Vec<u8>, ImagingError> {
    let word = |at: usize| {
        let four = bytes.get(at * 4..at * 4 + 4)?;
        Some(u32::from_le_bytes(four.try_into().ok()?) as usize)
    };
    let width = usize::from(d.allocated / 8);
    let samples = usize::from(d.samples);
    if width == 0 || word(0) != Some(width * samples) || width * samples > 15 {
        return Err(damaged());
    }
    let pixels = d.pixels();
    let mut planes = Vec::with_capacity(width * samples);
    for index in 0..width * samples {
        let start = word(1 + index).ok_or_else(damaged)?;
        let end = match index + 1 < width * samples {
            true => word(2 + index).ok_or_else(damaged)?,
            false => bytes.len(),
        };
        let segment = bytes.get(start..end.min(bytes.len())).ok_or_else(damaged)?;
        planes.push(segment_bytes(segment, pixels)?);
    }
    let mut out = vec![0; pixels * samples * width];
    for (index, plane) in planes.iter().enumerate() {
        // The most significant byte comes first (PS3.5 G.2).
        let (sample, byte) = (index / width, width - 1 - index % width);
        let places = out[sample * width + byte..]
            .iter_mut()
            .step_by(samples * width);
        for (place, value) in places.zip(plane) {
            *place = *value;
        }
    }
    Ok(out)
}

fn segment_bytes(segment: &[u8], pixels: usize) -> Result<Vec<u8>, ImagingError> {
    let mut out = Vec::new();
    let mut at = 0;
    while out.len() < pixels {
        let control = *segment.get(at).ok_or_else(damaged)? as i8;
        at += 1;
        if control >= 0 {
            let length = control as usize + 1;
            out.extend_from_slice(segment.get(at..at + length).ok_or_else(damaged)?);
            at += length;
        } else if control != i8::MIN {
            let byte = *segment.get(at).ok_or_else(damaged)?;
            out.extend(std::iter::repeat_n(
                byte,
                1 + usize::from(control.unsigned_abs()),
            ));
            at += 1;
        }
    }
    out.truncate(pixels);
    Ok(out)
}

/// Writes a frame of uncompressed bytes (samples of a pixel together, little endian).
pub(crate) fn encode(native: &[u8], d: &Description) -> Vec<u8> {
    let width = usize::from(d.allocated / 8).max(1);
    let samples = usize::from(d.samples);
    let columns = d.columns as usize;
    let mut head = [0_u32; 16];
    head[0] = (width * samples) as u32;
    let mut body = Vec::new();
    for sample in 0..samples {
        for byte in (0..width).rev() {
            if let Some(place) = head.get_mut(1 + sample * width + (width - 1 - byte)) {
                *place = 64 + body.len() as u32;
            }
            let plane: Vec<u8> = native
                .iter()
                .skip(sample * width + byte)
                .step_by(samples * width)
                .copied()
                .collect();
            // Rows are written by themselves (PS3.5 G.3.1).
            for row in plane.chunks(columns.max(1)) {
                encode_row(row, &mut body);
            }
            if body.len() % 2 == 1 {
                body.push(0);
            }
        }
    }
    let mut out: Vec<u8> = head.iter().flat_map(|n| n.to_le_bytes()).collect();
    out.append(&mut body);
    out
}

fn encode_row(row: &[u8], out: &mut Vec<u8>) {
    let mut at = 0;
    while at < row.len() {
        let run = row[at..]
            .iter()
            .take(128)
            .take_while(|b| **b == row[at])
            .count();
        if run >= 3 || run == row.len() - at && run > 1 {
            out.push((1 - run as i32) as i8 as u8);
            out.push(row[at]);
            at += run;
            continue;
        }
        let start = at;
        while at < row.len() && at - start < 128 {
            let repeats = row[at..].len() >= 3 && row[at] == row[at + 1] && row[at] == row[at + 2];
            if repeats {
                break;
            }
            at += 1;
        }
        out.push((at - start - 1) as u8);
        out.extend_from_slice(&row[start..at]);
    }
}
