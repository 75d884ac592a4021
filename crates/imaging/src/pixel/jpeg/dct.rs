//! Sequential DCT of 12 bits (ISO 10918-1 Annexes A and F).

use super::entropy::Bits;
use super::{Decoded, FrameHeader, Scan, State, damaged};
use crate::error::ImagingError;

/// The order in which coefficients are written (figure A.6).
const ZIGZAG: [usize; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20,
    13, 6, 7, 14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59,
    52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
];

/// Most samples of a component in either direction relative to others.
fn densest(head: &FrameHeader) -> (usize, usize) {
    let of = |f: fn(&super::Component) -> usize| head.components.iter().map(f).max().unwrap_or(1);
    (of(|c| c.horizontal), of(|c| c.vertical))
}

/// Blocks of a component across and down, filled up to whole units of all components.
fn blocks(head: &FrameHeader, component: usize) -> (usize, usize) {
    let (h, v) = densest(head);
    let c = head.components[component];
    let across = (head.columns as usize).div_ceil(8 * h) * c.horizontal;
    let down = (head.rows as usize).div_ceil(8 * v) * c.vertical;
    (across, down)
}

/// A plane of whole blocks for each component.
pub(super) fn planes(head: &FrameHeader) -> Vec<Vec<u16>> {
    (0..head.components.len())
        .map(|index| {
            let (across, down) = blocks(head, index);
            vec![0; across * down * 64]
        })
        .collect()
}

/// Decodes a scan, says how many bytes it took.
pub(super) fn scan(
    head: &FrameHeader,
    state: &State,
    scan: &Scan<'_>,
    planes: &mut [Vec<u16>],
) -> Result<usize, ImagingError> {
    let (h, v) = densest(head);
    let mut bits = Bits::new(scan.bytes);
    let mut last = [0_i32; 4];
    let alone = scan.parts.len() == 1;
    let (across, down) = if alone {
        // A scan of one component has as many units as the component has blocks (A.2.2).
        let c = head.components[scan.parts[0].0];
        let width = (head.columns as usize * c.horizontal).div_ceil(h);
        let height = (head.rows as usize * c.vertical).div_ceil(v);
        (width.div_ceil(8), height.div_ceil(8))
    } else {
        (
            (head.columns as usize).div_ceil(8 * h),
            (head.rows as usize).div_ceil(8 * v),
        )
    };
    for unit in 0..across * down {
        if state.restart > 0 && unit > 0 && unit % state.restart == 0 {
            bits.restart()?;
            last = [0; 4];
        }
        let (x, y) = (unit % across, unit / across);
        for (slot, (index, dc, ac)) in scan.parts.iter().enumerate() {
            let c = head.components[*index];
            let (wide, high) = if alone {
                (1, 1)
            } else {
                (c.horizontal, c.vertical)
            };
            for part in 0..wide * high {
                let place = (x * wide + part % wide, y * high + part / wide);
                let block = block(state, (*dc, *ac), c.table, &mut last[slot], &mut bits)?;
                let stride = blocks(head, *index).0 * 8;
                put(&mut planes[*index], &block, place, stride, head.precision);
            }
        }
    }
    Ok(bits.end())
}

fn block(
    state: &State,
    (dc, ac): (usize, usize),
    quantisation: usize,
    last: &mut i32,
    bits: &mut Bits<'_>,
) -> Result<[f32; 64], ImagingError> {
    let missing = || damaged("no table");
    let dc = state.dc[dc].as_ref().ok_or_else(missing)?;
    let ac = state.ac[ac].as_ref().ok_or_else(missing)?;
    let steps = state.quantisation[quantisation]
        .as_ref()
        .ok_or_else(missing)?;
    let mut out = [0_f32; 64];
    let category = bits.symbol(dc)?;
    if category > 16 {
        return Err(damaged("coefficient"));
    }
    *last = last.wrapping_add(bits.signed(u32::from(category))?);
    out[0] = *last as f32 * f32::from(steps[0]);
    let mut at = 1;
    while at < 64 {
        let symbol = bits.symbol(ac)?;
        let (run, size) = (usize::from(symbol >> 4), u32::from(symbol & 15));
        if size == 0 {
            if run < 15 {
                break;
            }
            at += 16;
            continue;
        }
        at += run;
        let place = *ZIGZAG.get(at).ok_or_else(|| damaged("coefficient"))?;
        out[place] = bits.signed(size)? as f32 * f32::from(steps[at]);
        at += 1;
    }
    Ok(inverse(&out))
}

/// The inverse cosine transform (A.3.3), rows then columns.
fn inverse(coefficients: &[f32; 64]) -> [f32; 64] {
    let basis = basis();
    let mut half = [0_f32; 64];
    for row in 0..8 {
        for x in 0..8 {
            half[row * 8 + x] = (0..8)
                .map(|u| basis[u][x] * coefficients[row * 8 + u])
                .sum();
        }
    }
    let mut out = [0_f32; 64];
    for y in 0..8 {
        for x in 0..8 {
            out[y * 8 + x] = (0..8).map(|v| basis[v][y] * half[v * 8 + x]).sum();
        }
    }
    out
}

fn basis() -> &'static [[f32; 8]; 8] {
    static BASIS: std::sync::OnceLock<[[f32; 8]; 8]> = std::sync::OnceLock::new();
    BASIS.get_or_init(|| {
        std::array::from_fn(|u| {
            std::array::from_fn(|x| {
                let scale = if u == 0 { (0.125_f64).sqrt() } else { 0.5 };
                let angle = (2.0 * x as f64 + 1.0) * u as f64 * std::f64::consts::PI / 16.0;
                (scale * angle.cos()) as f32
            })
        })
    })
}

fn put(plane: &mut [u16], block: &[f32; 64], (x, y): (usize, usize), stride: usize, precision: u8) {
    let (middle, most) = (
        (1_i32 << (precision - 1)) as f32,
        ((1_i32 << precision) - 1) as f32,
    );
    for row in 0..8 {
        let from = (y * 8 + row) * stride + x * 8;
        let Some(places) = plane.get_mut(from..from + 8) else {
            return;
        };
        for (place, value) in places.iter_mut().zip(&block[row * 8..row * 8 + 8]) {
            *place = (value + middle).round().clamp(0.0, most) as u16;
        }
    }
}

/// Planes as pixels; components of less density are repeated.
pub(super) fn assemble(head: &FrameHeader, mut planes: Vec<Vec<u16>>, lossless: bool) -> Decoded {
    let (rows, columns) = (head.rows as usize, head.columns as usize);
    let (h, v) = densest(head);
    let single = planes.len() == 1 && (lossless || blocks(head, 0).0 * 8 == columns);
    let samples = if single {
        let mut only = planes.swap_remove(0);
        only.truncate(rows * columns);
        only
    } else {
        let mut out = Vec::with_capacity(rows * columns * planes.len());
        for row in 0..rows {
            for column in 0..columns {
                for (index, plane) in planes.iter().enumerate() {
                    let c = head.components[index];
                    let stride = if lossless {
                        columns
                    } else {
                        blocks(head, index).0 * 8
                    };
                    let at = (row * c.vertical / v) * stride + column * c.horizontal / h;
                    out.push(plane.get(at).copied().unwrap_or_default());
                }
            }
        }
        out
    };
    Decoded {
        rows: head.rows,
        columns: head.columns,
        components: head.components.len(),
        precision: head.precision,
        samples,
    }
}
