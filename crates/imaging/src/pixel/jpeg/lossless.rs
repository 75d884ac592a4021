//! Lossless processes (ISO 10918-1 Annex H): each sample is predicted from its neighbours.

use super::entropy::Bits;
use super::{FrameHeader, Scan, State, damaged};
use crate::error::ImagingError;

/// A plane for each component. Components of different density do not occur in DICOM.
pub(super) fn planes(head: &FrameHeader) -> Result<Vec<Vec<u16>>, ImagingError> {
    if head
        .components
        .iter()
        .any(|c| c.horizontal != 1 || c.vertical != 1)
        && head.components.len() > 1
    {
        return Err(ImagingError::Unsupported(
            "lossless JPEG with subsampled components".to_owned(),
        ));
    }
    let size = head.rows as usize * head.columns as usize;
    Ok(vec![vec![0; size]; head.components.len()])
}

/// Decodes a scan, says how many bytes it took.
pub(super) fn scan(
    head: &FrameHeader,
    state: &State,
    scan: &Scan<'_>,
    planes: &mut [Vec<u16>],
) -> Result<usize, ImagingError> {
    if !(1..=7).contains(&scan.selection) || scan.low >= head.precision {
        return Err(damaged("predictor"));
    }
    let columns = head.columns as usize;
    let origin = 1_i32 << (head.precision - scan.low - 1);
    let mut tables = Vec::new();
    for (index, dc, _) in &scan.parts {
        tables.push((
            *index,
            state.dc[*dc]
                .as_ref()
                .ok_or_else(|| damaged("no Huffman table"))?,
        ));
    }
    let mut bits = Bits::new(scan.bytes);
    let mut since = 0;
    // After a restart the first row's rules hold for the row in which it falls (H.1.1).
    let mut first_row = true;
    for row in 0..head.rows as usize {
        for column in 0..columns {
            if state.restart > 0 && since == state.restart {
                bits.restart()?;
                since = 0;
                first_row = true;
            }
            let fresh = since == 0;
            for (index, table) in &tables {
                let plane = &mut planes[*index];
                let at = row * columns + column;
                let prediction = if fresh {
                    origin
                } else if first_row {
                    if column > 0 {
                        i32::from(plane[at - 1])
                    } else {
                        origin
                    }
                } else if column == 0 {
                    i32::from(plane[at - columns])
                } else {
                    let a = i32::from(plane[at - 1]);
                    let b = i32::from(plane[at - columns]);
                    let c = i32::from(plane[at - columns - 1]);
                    match scan.selection {
                        1 => a,
                        2 => b,
                        3 => c,
                        4 => a + b - c,
                        5 => a + ((b - c) >> 1),
                        6 => b + ((a - c) >> 1),
                        _ => (a + b) >> 1,
                    }
                };
                let category = bits.symbol(table)?;
                let difference = match category {
                    16 => 32_768,
                    0..=15 => bits.signed(u32::from(category))?,
                    _ => return Err(damaged("difference")),
                };
                plane[at] = (prediction + difference) as u16;
            }
            since += 1;
        }
        if since >= columns {
            first_row = false;
        }
    }
    if scan.low > 0 {
        for (index, _) in &tables {
            planes[*index].iter_mut().for_each(|v| *v <<= scan.low);
        }
    }
    Ok(bits.end())
}
