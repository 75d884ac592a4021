//! JPEG (ISO 10918-1): sequential DCT of 8 and 12 bits and the lossless processes here, since components are wanted as they
//! are coded and 12 bits are; progressive ones by the `jpeg-decoder` crate.

mod dct;
mod entropy;
mod lossless;

use crate::error::ImagingError;
use entropy::Table;

/// Samples of a code stream, components of a pixel together.
#[derive(Debug)]
pub(crate) struct Decoded {
    pub rows: u32,
    pub columns: u32,
    pub components: usize,
    pub precision: u8,
    pub samples: Vec<u16>,
}

pub(crate) fn damaged(what: &str) -> ImagingError {
    ImagingError::Pixels(format!("JPEG: {what}"))
}

/// One component of the frame header.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Component {
    id: u8,
    horizontal: usize,
    vertical: usize,
    table: usize,
}

/// The frame header (B.2.2).
#[derive(Debug, Clone)]
pub(crate) struct FrameHeader {
    /// The kind of process: the low byte of its marker.
    pub process: u8,
    pub precision: u8,
    pub rows: u32,
    pub columns: u32,
    pub components: Vec<Component>,
}

/// Tables and frame header as the markers before a scan have set them.
#[derive(Debug, Default)]
pub(crate) struct State {
    quantisation: [Option<[u16; 64]>; 4],
    dc: [Option<Table>; 4],
    ac: [Option<Table>; 4],
    restart: usize,
}

/// The frame header of a code stream, without decoding anything.
pub(crate) fn header(bytes: &[u8]) -> Result<FrameHeader, ImagingError> {
    let mut at = 2;
    if !bytes.starts_with(&[0xff, 0xd8]) {
        return Err(damaged("no code stream"));
    }
    while let Some((marker, body, next)) = segment(bytes, at) {
        if is_frame(marker) {
            return frame_header(marker, body);
        }
        at = next;
    }
    Err(damaged("no frame header"))
}

fn is_frame(marker: u8) -> bool {
    matches!(marker, 0xc0..=0xcf) && !matches!(marker, 0xc4 | 0xc8 | 0xcc)
}

/// The marker segment at a place: its marker, its content, where the next begins.
fn segment(bytes: &[u8], at: usize) -> Option<(u8, &[u8], usize)> {
    let mut at = at;
    while bytes.get(at) == Some(&0xff) && bytes.get(at + 1) == Some(&0xff) {
        at += 1;
    }
    let [0xff, marker] = bytes.get(at..at + 2)? else {
        return None;
    };
    if matches!(marker, 0xd0..=0xd9 | 0x01) {
        return Some((*marker, &[], at + 2));
    }
    let length = usize::from(u16::from_be_bytes(
        bytes.get(at + 2..at + 4)?.try_into().ok()?,
    ));
    let body = bytes.get(at + 4..at + 2 + length)?;
    Some((*marker, body, at + 2 + length))
}

fn frame_header(marker: u8, body: &[u8]) -> Result<FrameHeader, ImagingError> {
    let [precision, h1, h2, w1, w2, count, rest @ ..] = body else {
        return Err(damaged("frame header"));
    };
    let components: Vec<Component> = rest
        .as_chunks::<3>()
        .0
        .iter()
        .map(|[id, sampling, table]| Component {
            id: *id,
            horizontal: usize::from(sampling >> 4),
            vertical: usize::from(sampling & 15),
            table: usize::from(*table),
        })
        .collect();
    let fine = components.len() == usize::from(*count)
        && (1..=4).contains(&components.len())
        && components.iter().all(|c| {
            (1..=4).contains(&c.horizontal) && (1..=4).contains(&c.vertical) && c.table < 4
        });
    let (rows, columns) = (
        u16::from_be_bytes([*h1, *h2]),
        u16::from_be_bytes([*w1, *w2]),
    );
    if !fine || rows == 0 || columns == 0 || !(2..=16).contains(precision) {
        return Err(damaged("frame header"));
    }
    Ok(FrameHeader {
        process: marker,
        precision: *precision,
        rows: u32::from(rows),
        columns: u32::from(columns),
        components,
    })
}

/// Decodes a code stream whose size was already held against what is described.
pub(crate) fn decode(bytes: &[u8]) -> Result<Decoded, ImagingError> {
    let head = header(bytes)?;
    match (head.process, head.precision) {
        (0xc0 | 0xc1, 8 | 12) => scans(bytes, &head, false),
        (0xc2, 8) => progressive(bytes, &head),
        (0xc3, _) => scans(bytes, &head, true),
        _ => Err(ImagingError::Unsupported(
            "a JPEG process that is not decoded here".to_owned(),
        )),
    }
}

/// Progressive streams are of retired transfer syntaxes, but are met with under those of today.
fn progressive(bytes: &[u8], head: &FrameHeader) -> Result<Decoded, ImagingError> {
    if head
        .components
        .iter()
        .any(|c| (c.horizontal, c.vertical) != (1, 1))
        && head.components.len() > 1
    {
        return Err(ImagingError::Unsupported(
            "progressive JPEG with subsampled components".to_owned(),
        ));
    }
    let mut decoder = jpeg_decoder::Decoder::new(bytes);
    // The meaning of the components is the photometric interpretation's to say.
    decoder.set_color_transform(jpeg_decoder::ColorTransform::None);
    decoder.set_max_decoding_buffer_size(kernel::limits::IMAGE_FRAME_BYTES_MAX);
    let samples = decoder
        .decode()
        .map_err(|_| damaged("damaged code stream"))?;
    let components = head.components.len();
    if samples.len() != head.rows as usize * head.columns as usize * components {
        return Err(damaged("size"));
    }
    Ok(Decoded {
        rows: head.rows,
        columns: head.columns,
        components,
        precision: 8,
        samples: samples.into_iter().map(u16::from).collect(),
    })
}

/// What a scan header says (B.2.3).
pub(crate) struct Scan<'a> {
    /// Component of the frame, its DC and AC table.
    parts: Vec<(usize, usize, usize)>,
    /// Predictor, or start of the spectrum.
    selection: u8,
    /// Point transform.
    low: u8,
    /// The entropy-coded bytes and all that follows.
    bytes: &'a [u8],
}

/// Reads markers, decodes each scan.
fn scans(bytes: &[u8], head: &FrameHeader, lossless: bool) -> Result<Decoded, ImagingError> {
    let mut state = State::default();
    let mut planes = if lossless {
        lossless::planes(head)?
    } else {
        dct::planes(head)
    };
    let mut at = 2;
    let mut seen = 0;
    while let Some((marker, body, next)) = segment(bytes, at) {
        at = next;
        match marker {
            0xc4 => state.huffman(body)?,
            0xdb => state.quantisation(body)?,
            0xdd => {
                let interval = body.try_into().map(u16::from_be_bytes);
                state.restart = usize::from(interval.map_err(|_| damaged("restart interval"))?);
            }
            0xda => {
                let scan = scan(head, body, bytes.get(next..).unwrap_or_default())?;
                seen += scan.parts.len();
                let used = if lossless {
                    lossless::scan(head, &state, &scan, &mut planes)?
                } else {
                    dct::scan(head, &state, &scan, &mut planes)?
                };
                at = next + used;
                if seen >= head.components.len() {
                    break;
                }
            }
            0xd9 => break,
            _ => {}
        }
    }
    if seen < head.components.len() {
        return Err(damaged("missing scans"));
    }
    Ok(dct::assemble(head, planes, lossless))
}

fn scan<'a>(head: &FrameHeader, body: &[u8], bytes: &'a [u8]) -> Result<Scan<'a>, ImagingError> {
    let wrong = || damaged("scan header");
    let (count, rest) = body.split_first().ok_or_else(wrong)?;
    let count = usize::from(*count);
    let (parts, tail) = rest.split_at_checked(count * 2).ok_or_else(wrong)?;
    let [selection, _, approximation] = tail else {
        return Err(wrong());
    };
    let parts: Option<Vec<_>> = parts
        .as_chunks::<2>()
        .0
        .iter()
        .map(|[id, tables]| {
            let index = head.components.iter().position(|c| c.id == *id)?;
            let (dc, ac) = (usize::from(tables >> 4), usize::from(tables & 15));
            (dc < 4 && ac < 4).then_some((index, dc, ac))
        })
        .collect();
    let parts = parts
        .filter(|p| !p.is_empty() && p.len() <= 4)
        .ok_or_else(wrong)?;
    Ok(Scan {
        parts,
        selection: *selection,
        low: approximation & 15,
        bytes,
    })
}

impl State {
    fn huffman(&mut self, mut body: &[u8]) -> Result<(), ImagingError> {
        while let [kind, rest @ ..] = body {
            let (counts, rest) = rest
                .split_at_checked(16)
                .ok_or_else(|| damaged("Huffman table"))?;
            let total = counts.iter().map(|c| usize::from(*c)).sum();
            let (values, rest) = rest
                .split_at_checked(total)
                .ok_or_else(|| damaged("Huffman table"))?;
            let table = Table::new(counts, values).ok_or_else(|| damaged("Huffman table"))?;
            let tables = if kind >> 4 == 0 {
                &mut self.dc
            } else {
                &mut self.ac
            };
            let place = tables.get_mut(usize::from(kind & 15));
            *place.ok_or_else(|| damaged("Huffman table"))? = Some(table);
            body = rest;
        }
        Ok(())
    }

    fn quantisation(&mut self, mut body: &[u8]) -> Result<(), ImagingError> {
        let wrong = || damaged("quantisation table");
        while let [kind, rest @ ..] = body {
            let wide = kind >> 4 == 1;
            let (numbers, rest) = rest
                .split_at_checked(if wide { 128 } else { 64 })
                .ok_or_else(wrong)?;
            let mut table = [0; 64];
            for (at, place) in table.iter_mut().enumerate() {
                *place = if wide {
                    u16::from_be_bytes([numbers[at * 2], numbers[at * 2 + 1]])
                } else {
                    u16::from(numbers[at])
                };
            }
            *self
                .quantisation
                .get_mut(usize::from(kind & 15))
                .ok_or_else(wrong)? = Some(table);
            body = rest;
        }
        Ok(())
    }
}
