//! Grey pictures as baseline JPEG (ITU-T T.81): what is asked for most, and most of the time that drawing one takes. Eight
//! columns are worked on at once, and most coefficients are written by one look into a table.

mod transform;
mod words;

use fearless_simd::{Level, Simd, dispatch};

use transform::Factors;
use words::{AC_LENGTHS, AC_VALUES, DC_LENGTHS, DC_VALUES, Words};

/// Sides of a block.
const SIDE: usize = 8;

/// Where the coefficients stand in a block, in the order in which they are written (T.81 figure A.6).
const ZIGZAG: [u8; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20,
    13, 6, 7, 14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59,
    52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
];

/// Steps of luminance (T.81 table K.1).
const STEPS: [u16; 64] = [
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56,
    14, 17, 22, 29, 51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113,
    92, 49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
];

/// A picture of `width` × `height` pixels, row after row, with a quality from 1 to 100: the steps of annex K, scaled as the
/// Independent JPEG Group does. None when there are not as many pixels as that, or none.
pub(super) fn encode(pixels: &[u8], width: u16, height: u16, quality: u8) -> Option<Vec<u8>> {
    let picture = Picture {
        pixels,
        width: usize::from(width),
        height: usize::from(height),
    };
    if pixels.is_empty() || pixels.len() != picture.width * picture.height {
        return None;
    }
    let steps = steps(quality);
    let mut out = Vec::with_capacity(1_024 + pixels.len() / 2);
    head(&mut out, width, height, &steps);
    let (factors, mut words) = (Factors::of(&steps), Words::after(out));
    dispatch!(Level::new(), simd => scan(simd, &picture, &factors, &mut words));
    let mut out = words.end();
    out.extend_from_slice(&[0xff, 0xd9]);
    Some(out)
}

struct Picture<'a> {
    pixels: &'a [u8],
    width: usize,
    height: usize,
}

impl Picture<'_> {
    /// The block that begins there; beyond the edges the last row and column go on.
    #[inline(always)]
    fn block(&self, left: usize, top: usize) -> [u8; 64] {
        let mut block = [0; 64];
        let within = left + SIDE <= self.width && top + SIDE <= self.height;
        for (y, row) in block.chunks_exact_mut(SIDE).enumerate() {
            if within {
                let at = (top + y) * self.width + left;
                row.copy_from_slice(&self.pixels[at..at + SIDE]);
                continue;
            }
            let at = (top + y).min(self.height - 1) * self.width;
            for (x, pixel) in row.iter_mut().enumerate() {
                *pixel = self.pixels[at + (left + x).min(self.width - 1)];
            }
        }
        block
    }
}

/// Every block, from left to right and top to bottom.
#[inline(always)]
fn scan<S: Simd>(simd: S, picture: &Picture<'_>, factors: &Factors, words: &mut Words) {
    let mut before = 0;
    for top in (0..picture.height).step_by(SIDE) {
        for left in (0..picture.width).step_by(SIDE) {
            let block = picture.block(left, top);
            let coefficients = transform::quantised(simd, &block, factors);
            words.block(&coefficients, before);
            before = coefficients[0];
        }
    }
}

fn steps(quality: u8) -> [u8; 64] {
    let quality = u32::from(quality.clamp(1, 100));
    let scale = if quality < 50 {
        5_000 / quality
    } else {
        200 - quality * 2
    };
    STEPS.map(|step| ((u32::from(step) * scale + 50) / 100).clamp(1, 255) as u8)
}

/// All that stands before the coefficients (T.81 annex B; JFIF 1.02).
fn head(out: &mut Vec<u8>, width: u16, height: u16, steps: &[u8; 64]) {
    out.extend_from_slice(&[0xff, 0xd8]);
    segment(out, 0xe0, &[b"JFIF\0\x01\x02\0\0\x01\0\x01\0\0"]);
    let steps = ZIGZAG.map(|at| steps[usize::from(at)]);
    segment(out, 0xdb, &[&[0], &steps]);
    let [h, w] = [height.to_be_bytes(), width.to_be_bytes()];
    segment(out, 0xc0, &[&[8], &h, &w, &[1, 1, 0x11, 0]]);
    segment(out, 0xc4, &[&[0x00], &DC_LENGTHS, &DC_VALUES]);
    segment(out, 0xc4, &[&[0x10], &AC_LENGTHS, &AC_VALUES]);
    segment(out, 0xda, &[&[1, 1, 0x00, 0, 63, 0]]);
}

fn segment(out: &mut Vec<u8>, marker: u8, parts: &[&[u8]]) {
    let length = 2 + parts.iter().map(|p| p.len()).sum::<usize>();
    out.extend_from_slice(&[0xff, marker]);
    out.extend_from_slice(&u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes());
    parts.iter().for_each(|part| out.extend_from_slice(part));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(count: usize, mut seed: u32, spread: u32) -> Vec<u8> {
        let mut next = || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 16) % spread
        };
        (0..count)
            .map(|n| (n % 97 + next() as usize) as u8)
            .collect()
    }

    fn decoded(file: &[u8]) -> (u16, u16, Vec<u8>) {
        let mut decoder = jpeg_decoder::Decoder::new(file);
        let pixels = decoder.decode().unwrap();
        let info = decoder.info().unwrap();
        (info.width, info.height, pixels)
    }

    /// What another encoder writes with the same steps.
    fn other(pixels: &[u8], width: u16, height: u16, quality: u8) -> Vec<u8> {
        let mut out = Vec::new();
        jpeg_encoder::Encoder::new(&mut out, quality)
            .encode(pixels, width, height, jpeg_encoder::ColorType::Luma)
            .unwrap();
        out
    }

    #[test]
    fn pictures_of_any_size_and_quality_decode_to_what_they_show() {
        for (width, height) in [(1, 1), (7, 9), (8, 8), (64, 16), (33, 65), (256, 3)] {
            let pixels = noise(usize::from(width) * usize::from(height), 7, 60);
            for quality in [1, 30, 50, 75, 90, 100] {
                let file = encode(&pixels, width, height, quality).unwrap();
                let (w, h, shown) = decoded(&file);
                assert_eq!((w, h, shown.len()), (width, height, pixels.len()));
                let theirs = other(&pixels, width, height, quality);
                let (.., theirs) = decoded(&theirs);
                let off = |shown: &[u8]| -> f64 {
                    let each = shown.iter().zip(&pixels);
                    let squares = each.map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2));
                    (squares.sum::<f64>() / pixels.len() as f64).sqrt()
                };
                let (ours, theirs) = (off(&shown), off(&theirs));
                assert!(
                    ours <= theirs * 1.02 + 0.1,
                    "{width}×{height} at {quality}: {ours} and {theirs}"
                );
                if quality == 100 {
                    assert!(ours < 0.6, "{ours}");
                }
            }
        }
    }

    #[test]
    fn the_hardest_edges_are_within_what_can_be_written() {
        let mut patterns: Vec<Vec<u8>> = vec![vec![0; 64], vec![255; 64]];
        for step in [1, 2, 4, 8, 16, 9, 27] {
            patterns.push(
                (0..64)
                    .map(|n| if n / step % 2 == 0 { 0 } else { 255 })
                    .collect(),
            );
        }
        // The sign of each wave there is: as far as a coefficient can go.
        for v in 0..8 {
            for u in 0..8 {
                let wave = |at: usize, k: usize| {
                    (std::f64::consts::PI * (2 * at + 1) as f64 * k as f64 / 16.0).cos()
                };
                let sign = |n: usize| wave(n % 8, u) * wave(n / 8, v) >= 0.0;
                patterns.push((0..64).map(|n| if sign(n) { 255 } else { 0 }).collect());
            }
        }
        let mut all = Vec::new();
        for pattern in &patterns {
            let (.., shown) = decoded(&encode(pattern, 8, 8, 100).unwrap());
            assert!(shown.iter().zip(pattern).all(|(a, b)| a.abs_diff(*b) <= 2));
            all.extend_from_slice(pattern);
        }
        let height = u16::try_from(8 * patterns.len()).unwrap();
        let (.., shown) = decoded(&encode(&all, 8, height, 100).unwrap());
        assert!(shown.iter().zip(&all).all(|(a, b)| a.abs_diff(*b) <= 2));
    }

    #[test]
    fn every_kind_of_processor_writes_the_same() {
        let pixels = noise(64 * 64, 3, 200);
        let file = encode(&pixels, 64, 64, 90).unwrap();
        let steps = steps(90);
        let picture = Picture {
            pixels: &pixels,
            width: 64,
            height: 64,
        };
        let mut out = Vec::new();
        head(&mut out, 64, 64, &steps);
        let mut words = Words::after(out);
        let factors = Factors::of(&steps);
        dispatch!(Level::baseline(), simd => scan(simd, &picture, &factors, &mut words));
        let plain = words.end();
        assert_eq!(plain, file[..file.len() - 2]);
    }

    #[test]
    fn too_few_pixels_are_no_picture() {
        assert_eq!(encode(&[0; 63], 8, 8, 90), None);
        assert_eq!(encode(&[], 0, 8, 90), None);
    }
}
