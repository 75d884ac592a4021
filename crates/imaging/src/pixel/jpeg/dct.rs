//! Sequential DCT of 8 and 12 bits (ISO 10918-1 Annexes A and F).

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

/// The inverse cosine transform (A.3.3), rows then columns. Rows without coefficients, most of them, cost nothing.
fn inverse(coefficients: &[f32; 64]) -> [f32; 64] {
    let basis = basis();
    if coefficients[1..].iter().all(|c| *c == 0.0) {
        return [coefficients[0] / 8.0; 64];
    }
    let mut half = [[0_f32; 8]; 8];
    let mut filled = [false; 8];
    for (row, line) in coefficients.as_chunks::<8>().0.iter().enumerate() {
        for (coefficient, wave) in line.iter().zip(basis).filter(|(c, _)| **c != 0.0) {
            filled[row] = true;
            half[row]
                .iter_mut()
                .zip(wave)
                .for_each(|(sum, w)| *sum += w * coefficient);
        }
    }
    let mut out = [0_f32; 64];
    for (y, line) in out.as_chunks_mut::<8>().0.iter_mut().enumerate() {
        for (v, sums) in half.iter().enumerate().filter(|(v, _)| filled[*v]) {
            let weight = basis[v][y];
            line.iter_mut()
                .zip(sums)
                .for_each(|(sum, s)| *sum += weight * s);
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

/// Planes as pixels; components of less density are interpolated between the centres of their samples.
pub(super) fn assemble(head: &FrameHeader, planes: Vec<Vec<u16>>, lossless: bool) -> Decoded {
    let (rows, columns) = (head.rows as usize, head.columns as usize);
    let (h, v) = densest(head);
    let components = planes.len();
    let mut samples = vec![0; rows * columns * components];
    for (index, plane) in planes.into_iter().enumerate() {
        let c = head.components[index];
        let stride = if lossless {
            columns
        } else {
            blocks(head, index).0 * 8
        };
        let wide = (columns * c.horizontal).div_ceil(h);
        let high = (rows * c.vertical).div_ceil(v);
        let mut lines: Vec<Vec<u16>> = plane
            .chunks(stride)
            .take(high)
            .map(|line| stretched(&line[..wide.min(line.len())], h / c.horizontal, columns))
            .collect();
        if c.vertical < v {
            lines = between(&lines, v / c.vertical, rows);
        }
        for (line, out) in lines.iter().zip(samples.chunks_mut(columns * components)) {
            for (value, place) in line
                .iter()
                .zip(out.iter_mut().skip(index).step_by(components))
            {
                *place = *value;
            }
        }
    }
    Decoded {
        rows: head.rows,
        columns: head.columns,
        components,
        precision: head.precision,
        samples,
    }
}

/// A line of `most` samples where each stands for `times`: the nearer neighbour counts three times the other.
fn stretched(line: &[u16], times: usize, most: usize) -> Vec<u16> {
    if times == 2 && line.len() > 1 {
        let at = |n: usize| u32::from(line[n.min(line.len() - 1)]);
        return (0..most)
            .map(|x| {
                let near = at(x / 2);
                if x % 2 == 0 {
                    ((3 * near + at((x / 2).saturating_sub(1)) + 1) / 4) as u16
                } else {
                    ((3 * near + at(x / 2 + 1) + 2) / 4) as u16
                }
            })
            .collect();
    }
    let last = line.len().saturating_sub(1);
    (0..most)
        .map(|x| {
            line.get((x / times.max(1)).min(last))
                .copied()
                .unwrap_or_default()
        })
        .collect()
}

/// The same from line to line.
fn between(lines: &[Vec<u16>], times: usize, most: usize) -> Vec<Vec<u16>> {
    let last = lines.len().saturating_sub(1);
    let line = |n: usize| lines.get(n.min(last)).map_or(&[][..], Vec::as_slice);
    (0..most)
        .map(|y| {
            let near = line(y / times.max(1));
            if times != 2 {
                return near.to_vec();
            }
            let (other, more) = if y % 2 == 0 {
                (line((y / 2).saturating_sub(1)), 1)
            } else {
                (line(y / 2 + 1), 2)
            };
            near.iter()
                .zip(other)
                .map(|(a, b)| ((3 * u32::from(*a) + u32::from(*b) + more) / 4) as u16)
                .collect()
        })
        .collect()
}
