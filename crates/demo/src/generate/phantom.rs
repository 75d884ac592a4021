//! Pictures that look like what they stand for and show nobody: drawn from a few ellipses and noise, written as
//! PNG (W3C PNG, third edition).

use std::io::Write;

use flate2::write::ZlibEncoder;
use flate2::{Compression, Crc};

use super::dice::Dice;

/// What a picture shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phantom {
    ChestCtNodule,
    ChestXray,
    HeadCtClear,
    HeadCtSubdural,
    LiverCyst,
    Ecg,
    Retina,
    KneeXray,
    SkinLesion,
    Cells,
}

const SIDE: usize = 288;

/// A grey ellipse: centre, half axes, added brightness; coordinates from -1 to 1.
struct Ellipse(f64, f64, f64, f64, f64);

/// Draws and encodes the picture.
pub fn png(phantom: Phantom, dice: &mut Dice) -> Vec<u8> {
    match phantom {
        Phantom::ChestCtNodule => grey(
            &[
                Ellipse(0.0, 0.0, 0.92, 0.68, 130.0),
                Ellipse(0.0, 0.0, 0.86, 0.62, -20.0),
                Ellipse(-0.42, -0.02, 0.34, 0.5, -95.0),
                Ellipse(0.42, -0.02, 0.34, 0.5, -95.0),
                Ellipse(0.08, -0.08, 0.2, 0.24, 25.0),
                Ellipse(0.0, 0.5, 0.1, 0.1, 120.0),
                Ellipse(-0.52, -0.22, 0.05, 0.05, 120.0),
                Ellipse(-0.52, -0.22, 0.09, 0.08, 30.0),
            ],
            10,
            dice,
        ),
        Phantom::ChestXray => grey(
            &[
                Ellipse(0.0, 0.1, 0.95, 0.98, 150.0),
                Ellipse(-0.4, -0.05, 0.3, 0.6, -85.0),
                Ellipse(0.4, -0.05, 0.28, 0.6, -85.0),
                Ellipse(0.12, 0.25, 0.28, 0.3, 60.0),
                Ellipse(0.0, 0.0, 0.06, 0.95, 50.0),
                Ellipse(-0.45, -0.45, 0.12, 0.09, 45.0),
            ],
            8,
            dice,
        ),
        Phantom::HeadCtClear => grey(&head(), 7, dice),
        Phantom::HeadCtSubdural => {
            let mut shapes = head();
            shapes.push(Ellipse(0.5, -0.05, 0.1, 0.46, -28.0));
            shapes.push(Ellipse(0.12, 0.0, 0.05, 0.16, -20.0));
            grey(&shapes, 7, dice)
        }
        Phantom::LiverCyst => grey(
            &[
                Ellipse(0.0, 0.0, 0.93, 0.7, 95.0),
                Ellipse(-0.3, -0.05, 0.52, 0.46, 55.0),
                Ellipse(-0.34, -0.06, 0.26, 0.25, -95.0),
                Ellipse(-0.28, -0.02, 0.07, 0.07, 35.0),
                Ellipse(-0.43, -0.12, 0.06, 0.05, 35.0),
                Ellipse(0.0, 0.48, 0.12, 0.12, 110.0),
                Ellipse(0.5, 0.1, 0.16, 0.2, 45.0),
            ],
            12,
            dice,
        ),
        Phantom::KneeXray => grey(
            &[
                Ellipse(0.0, 0.0, 0.5, 1.3, 60.0),
                Ellipse(0.0, -0.7, 0.22, 0.75, 95.0),
                Ellipse(0.0, -0.14, 0.34, 0.16, 60.0),
                Ellipse(0.0, 0.7, 0.2, 0.7, 95.0),
                Ellipse(0.0, 0.16, 0.33, 0.12, 70.0),
                Ellipse(0.14, 0.19, 0.015, 0.14, -90.0),
            ],
            9,
            dice,
        ),
        Phantom::Ecg => ecg(),
        Phantom::Retina => retina(dice),
        Phantom::SkinLesion => skin(dice),
        Phantom::Cells => cells(dice),
    }
}

fn head() -> Vec<Ellipse> {
    vec![
        Ellipse(0.0, 0.0, 0.68, 0.86, 230.0),
        Ellipse(0.0, 0.0, 0.62, 0.8, -130.0),
        Ellipse(-0.13, -0.05, 0.06, 0.22, -45.0),
        Ellipse(0.13, -0.05, 0.06, 0.22, -45.0),
        Ellipse(0.0, 0.0, 0.012, 0.76, 18.0),
    ]
}

fn coordinate(index: usize) -> f64 {
    (index as f64) / (SIDE as f64) * 2.0 - 1.0
}

fn byte(value: f64) -> u8 {
    value.clamp(0.0, 255.0) as u8
}

/// True inside the ellipse round (cx, cy) with half axes (rx, ry).
fn inside(x: f64, y: f64, cx: f64, cy: f64, rx: f64, ry: f64) -> bool {
    let (dx, dy) = ((x - cx) / rx, (y - cy) / ry);
    dx * dx + dy * dy < 1.0
}

fn grey(shapes: &[Ellipse], noise: i64, dice: &mut Dice) -> Vec<u8> {
    let mut pixels = Vec::with_capacity(SIDE * SIDE);
    for row in 0..SIDE {
        for column in 0..SIDE {
            let (x, y) = (coordinate(column), coordinate(row));
            let mut value = 6.0;
            for Ellipse(cx, cy, rx, ry, add) in shapes {
                if inside(x, y, *cx, *cy, *rx, *ry) {
                    value += add;
                }
            }
            // Two steps of noise are enough to the eye and compress well.
            value += dice.between(-1, 1) as f64 * noise as f64 / 2.0;
            pixels.push(byte(value));
        }
    }
    encode(0, SIDE, SIDE, &pixels)
}

fn colour(mut at: impl FnMut(f64, f64) -> [f64; 3]) -> Vec<u8> {
    let mut pixels = Vec::with_capacity(SIDE * SIDE * 3);
    for row in 0..SIDE {
        for column in 0..SIDE {
            pixels.extend(at(coordinate(column), coordinate(row)).map(byte));
        }
    }
    encode(2, SIDE, SIDE, &pixels)
}

fn retina(dice: &mut Dice) -> Vec<u8> {
    let spots: Vec<(f64, f64)> = (0..14)
        .map(|_| (dice.unit() * 1.2 - 0.6, dice.unit() * 1.2 - 0.6))
        .collect();
    colour(|x, y| {
        if !inside(x, y, 0.0, 0.0, 0.95, 0.95) {
            return [4.0, 4.0, 6.0];
        }
        if inside(x, y, 0.45, 0.0, 0.13, 0.15) {
            return [248.0, 214.0, 150.0];
        }
        if spots
            .iter()
            .any(|(sx, sy)| inside(x, y, *sx, *sy, 0.025, 0.025))
        {
            return [110.0, 20.0, 15.0];
        }
        let vessel = ((y.abs() - 0.1 - 0.5 * (0.45 - x).max(0.0).sqrt()).abs() < 0.018) && x < 0.45;
        if vessel {
            [140.0, 40.0, 25.0]
        } else {
            [206.0 - 40.0 * (x * x + y * y), 92.0, 44.0]
        }
    })
}

fn skin(dice: &mut Dice) -> Vec<u8> {
    colour(|x, y| {
        let edge = 0.42 + 0.05 * (6.0 * y.atan2(x)).sin();
        let grain = dice.between(-3, 3) as f64 * 2.0;
        if (x * x + y * y).sqrt() < edge {
            [176.0 + grain, 88.0 + grain, 84.0 + grain]
        } else {
            [224.0 + grain, 184.0 + grain, 156.0 + grain]
        }
    })
}

fn cells(dice: &mut Dice) -> Vec<u8> {
    let nuclei: Vec<(f64, f64, f64)> = (0..90)
        .map(|_| {
            (
                dice.unit() * 2.0 - 1.0,
                dice.unit() * 2.0 - 1.0,
                0.025 + dice.unit() * 0.03,
            )
        })
        .collect();
    colour(|x, y| {
        let near = nuclei
            .iter()
            .map(|(cx, cy, r)| (((x - cx).powi(2) + (y - cy).powi(2)).sqrt() / r, *r));
        let closest = near.fold(9.0_f64, |a, (d, _)| a.min(d));
        if closest < 1.0 {
            [92.0, 52.0, 132.0]
        } else if closest < 1.9 {
            [214.0, 150.0, 190.0]
        } else {
            [244.0, 226.0, 236.0]
        }
    })
}

/// Twelve-lead paper in short: three strips at 25 mm/s with depressed ST segments.
fn ecg() -> Vec<u8> {
    const WIDTH: usize = 640;
    const HEIGHT: usize = 300;
    let mut pixels = vec![255u8; WIDTH * HEIGHT * 3];
    let mut set = |x: usize, y: usize, rgb: [u8; 3]| {
        if x < WIDTH && y < HEIGHT {
            pixels[(y * WIDTH + x) * 3..][..3].copy_from_slice(&rgb);
        }
    };
    for y in 0..HEIGHT {
        for x in 0..WIDTH {
            if x % 20 == 0 || y % 20 == 0 {
                set(x, y, [240, 170, 170]);
            } else if x % 4 == 0 || y % 4 == 0 {
                set(x, y, [252, 226, 226]);
            }
        }
    }
    for strip in 0..3 {
        let middle = 50.0 + 100.0 * f64::from(strip);
        let mut last = middle;
        for x in 0..WIDTH {
            let phase = (x % 86) as f64 / 86.0;
            let wave = |centre: f64, width: f64, height: f64| {
                height * (-((phase - centre) / width).powi(2)).exp()
            };
            let level = wave(0.18, 0.03, 6.0) - wave(0.28, 0.008, 7.0) + wave(0.3, 0.01, 42.0)
                - wave(0.33, 0.01, 12.0)
                - if (0.35..0.48).contains(&phase) {
                    7.0
                } else {
                    0.0
                }
                + wave(0.58, 0.05, 8.0);
            let y = middle - level;
            let (from, to) = if y < last { (y, last) } else { (last, y) };
            for row in (from as usize)..=(to as usize) {
                set(x, row, [20, 20, 30]);
            }
            last = y;
        }
    }
    encode(2, WIDTH, HEIGHT, &pixels)
}

/// 8 bits a sample; colour type 0 (grey) or 2 (RGB).
fn encode(colour_type: u8, width: usize, height: usize, pixels: &[u8]) -> Vec<u8> {
    let samples = if colour_type == 2 { 3 } else { 1 };
    let mut raw = Vec::with_capacity(pixels.len() + height);
    for row in pixels.chunks(width * samples) {
        raw.push(0);
        raw.extend_from_slice(row);
    }
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::fast());
    // Writing to memory cannot fail.
    let packed = zlib
        .write_all(&raw)
        .and_then(|()| zlib.finish())
        .unwrap_or_default();

    let size = |n: usize| u32::try_from(n).unwrap_or(u32::MAX).to_be_bytes();
    let mut header = Vec::with_capacity(13);
    header.extend(size(width));
    header.extend(size(height));
    header.extend([8, colour_type, 0, 0, 0]);

    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    for (name, data) in [
        (b"IHDR", header.as_slice()),
        (b"IDAT", &packed),
        (b"IEND", &[]),
    ] {
        let mut crc = Crc::new();
        crc.update(name);
        crc.update(data);
        file.extend(size(data.len()));
        file.extend(name);
        file.extend(data);
        file.extend(crc.sum().to_be_bytes());
    }
    file
}
