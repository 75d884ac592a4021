//! The discrete cosine transform of a block (T.81 A.3.3) and the division by steps (A.3.4), eight columns at once. The order of
//! all operations is fixed, so that every processor comes to the same.

use std::f64::consts::{FRAC_1_SQRT_2, PI, SQRT_2};

use fearless_simd::prelude::*;
use fearless_simd::{Simd, f32x8};

use super::SIDE;

/// What the results are multiplied by, and the waves across a row.
pub(super) struct Factors {
    waves: [[f32; SIDE]; SIDE],
    steps: [[f32; SIDE]; SIDE],
}

/// What the fast transform of a column leaves to be divided by, beside the root of eight (Arai, Agui, Nakajima 1988).
const COLUMN: [f64; SIDE] = [
    1.0,
    1.387_039_845_322_148,
    1.306_562_964_876_377,
    1.175_875_602_419_359,
    1.0,
    0.785_694_958_387_102,
    0.541_196_100_146_197,
    0.275_899_379_282_943,
];

impl Factors {
    pub fn of(steps: &[u8; 64]) -> Self {
        let wave = |x: usize, u: usize| {
            let height = if u == 0 { FRAC_1_SQRT_2 / 2.0 } else { 0.5 };
            (height * (PI * (2 * x + 1) as f64 * u as f64 / 16.0).cos()) as f32
        };
        let step = |v: usize, u: usize| {
            let step = f64::from(steps[v * SIDE + u]);
            (1.0 / (COLUMN[v] * 2.0 * SQRT_2 * step)) as f32
        };
        let table = |of: &dyn Fn(usize, usize) -> f32| {
            std::array::from_fn(|a| std::array::from_fn(|b| of(a, b)))
        };
        Self {
            waves: table(&wave),
            steps: table(&step),
        }
    }
}

/// Added to a number below 2²², this leaves the nearest whole number in the low bits.
const WHOLE: f32 = 12_582_912.0;

/// The coefficients of a block divided by their steps, row after row.
#[inline(always)]
pub(super) fn quantised<S: Simd>(simd: S, block: &[u8; 64], factors: &Factors) -> [i16; 64] {
    let mut rows = [[0_f32; SIDE]; SIDE];
    for (row, pixels) in rows.iter_mut().zip(block.as_chunks::<SIDE>().0) {
        for (value, pixel) in row.iter_mut().zip(pixels) {
            *value = f32::from(*pixel) - 128.0;
        }
    }
    let columns = columns(rows.map(|row| f32x8::from_slice(simd, &row)));
    let waves = factors
        .waves
        .each_ref()
        .map(|wave| f32x8::from_slice(simd, wave));
    let mut out = [0; 64];
    for v in 0..SIDE {
        let mut row = [0_f32; SIDE];
        columns[v].store_slice(&mut row);
        let mut sum = waves[0] * row[0];
        for x in 1..SIDE {
            sum += waves[x] * row[x];
        }
        let whole = sum * f32x8::from_slice(simd, &factors.steps[v]) + WHOLE;
        let mut bits = [0_f32; SIDE];
        whole.store_slice(&mut bits);
        for (value, bits) in out[v * SIDE..(v + 1) * SIDE].iter_mut().zip(bits) {
            *value = bits.to_bits() as i16;
        }
    }
    out
}

/// The transform down each column, but for factors of each row.
#[inline(always)]
fn columns<S: Simd>(d: [f32x8<S>; SIDE]) -> [f32x8<S>; SIDE] {
    const HALF_ROOT: f32 = FRAC_1_SQRT_2 as f32;
    let (s0, d0) = (d[0] + d[7], d[0] - d[7]);
    let (s1, d1) = (d[1] + d[6], d[1] - d[6]);
    let (s2, d2) = (d[2] + d[5], d[2] - d[5]);
    let (s3, d3) = (d[3] + d[4], d[3] - d[4]);

    let (a, b) = (s0 + s3, s0 - s3);
    let (e, f) = (s1 + s2, s1 - s2);
    let turned = (f + b) * HALF_ROOT;

    let (x, y, z) = (d3 + d2, d2 + d1, d1 + d0);
    let both = (x - z) * 0.382_683_43;
    let low = x * 0.541_196_1 + both;
    let high = z * 1.306_563 + both;
    let middle = y * HALF_ROOT;
    let (p, m) = (d0 + middle, d0 - middle);
    [
        a + e,
        p + high,
        b + turned,
        m - low,
        a - e,
        m + low,
        b - turned,
        p - high,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use fearless_simd::{Level, dispatch};

    #[test]
    fn coefficients_are_those_of_the_definition() {
        let mut seed = 5_u32;
        let block: [u8; 64] = std::array::from_fn(|_| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 24) as u8
        });
        let factors = Factors::of(&[1; 64]);
        let found = dispatch!(Level::new(), simd => quantised(simd, &block, &factors));
        for v in 0..SIDE {
            for u in 0..SIDE {
                let c = |k: usize| if k == 0 { FRAC_1_SQRT_2 } else { 1.0 };
                let wave = |at: usize, k: usize| (PI * (2 * at + 1) as f64 * k as f64 / 16.0).cos();
                let all = block.iter().enumerate().map(|(n, pixel)| {
                    (f64::from(*pixel) - 128.0) * wave(n % SIDE, u) * wave(n / SIDE, v)
                });
                let right = 0.25 * c(u) * c(v) * all.sum::<f64>();
                let off = (f64::from(found[v * SIDE + u]) - right).abs();
                assert!(off < 0.501, "{v} {u}: {right}");
            }
        }
    }
}
