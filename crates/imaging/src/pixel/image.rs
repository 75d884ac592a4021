//! Pictures for a screen: eight bits, grey or colour, cropped, turned, scaled, written as JPEG or PNG.

use jpeg_encoder::{ColorType, Encoder};

use super::grey_jpeg;
use super::look::Window;
use crate::error::ImagingError;

/// A part of the image in its own pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crop {
    /// First column, counted from 0.
    pub left: u32,
    /// First row, counted from 0.
    pub top: u32,
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

/// How a frame is to be shown (PS3.18 §8.3.5.1).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Wanted {
    /// Through this window, instead of the object's own.
    pub window: Option<Window>,
    /// At most so large; the ratio of the sides stays.
    pub size: Option<(u32, u32)>,
    /// Only this part.
    pub crop: Option<Crop>,
    /// Left and right changed.
    pub mirror: bool,
    /// Top and bottom changed.
    pub flip: bool,
    /// Draw the object's graphic overlays.
    pub overlays: bool,
}

/// A picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// 1 grey, 3 red, green and blue.
    pub channels: usize,
    /// Pixel after pixel.
    pub data: Vec<u8>,
}

impl Image {
    /// The part, if there is any of it.
    pub(super) fn cropped(self, crop: Crop) -> Result<Image, ImagingError> {
        let fits = crop
            .left
            .checked_add(crop.width)
            .is_some_and(|right| right <= self.width)
            && crop
                .top
                .checked_add(crop.height)
                .is_some_and(|bottom| bottom <= self.height);
        if !fits || crop.width == 0 || crop.height == 0 {
            return Err(ImagingError::Query {
                parameter: "viewport".to_owned(),
                reason: "not within the image",
            });
        }
        let row = self.width as usize * self.channels;
        let (from, length) = (
            crop.left as usize * self.channels,
            crop.width as usize * self.channels,
        );
        let rows = self
            .data
            .chunks(row)
            .skip(crop.top as usize)
            .take(crop.height as usize);
        Ok(Image {
            width: crop.width,
            height: crop.height,
            channels: self.channels,
            data: rows
                .flat_map(|r| &r[from..from + length])
                .copied()
                .collect(),
        })
    }

    pub(super) fn turned(mut self, mirror: bool, flip: bool) -> Image {
        let row = self.width as usize * self.channels;
        if mirror {
            for line in self.data.chunks_mut(row) {
                line.reverse();
                // Reversing bytes has reversed the channels as well.
                line.chunks_mut(self.channels).for_each(<[u8]>::reverse);
            }
        }
        if flip {
            self.data = self.data.chunks(row).rev().flatten().copied().collect();
        }
        self
    }

    /// Scaled to fit within a size, the ratio of the sides kept; smaller by averages, larger by interpolation.
    pub fn scaled(self, width: u32, height: u32) -> Image {
        let ratio = (f64::from(width) / f64::from(self.width))
            .min(f64::from(height) / f64::from(self.height));
        let side =
            |n: u32, most: u32| ((f64::from(n) * ratio).round() as u32).clamp(1, most.max(1));
        let (w, h) = (side(self.width, width), side(self.height, height));
        if (w, h) == (self.width, self.height) {
            return self;
        }
        let across = weights(self.width as usize, w as usize);
        let down = weights(self.height as usize, h as usize);
        let (from, channels) = (self.width as usize, self.channels);
        let mut narrow = vec![0_f32; w as usize * self.height as usize * channels];
        for (line, out) in self
            .data
            .chunks(from * channels)
            .zip(narrow.chunks_mut(w as usize * channels))
        {
            for (x, (start, parts)) in across.iter().enumerate() {
                for channel in 0..channels {
                    let sum = parts
                        .iter()
                        .enumerate()
                        .map(|(n, part)| part * f32::from(line[(start + n) * channels + channel]));
                    out[x * channels + channel] = sum.sum();
                }
            }
        }
        let row = w as usize * channels;
        let mut data = Vec::with_capacity(row * h as usize);
        let mut sums = vec![0_f32; row];
        for (start, parts) in &down {
            sums.fill(0.0);
            for (n, part) in parts.iter().enumerate() {
                let line = &narrow[(start + n) * row..(start + n + 1) * row];
                sums.iter_mut()
                    .zip(line)
                    .for_each(|(sum, v)| *sum += part * v);
            }
            data.extend(sums.iter().map(|v| v.round().clamp(0.0, 255.0) as u8));
        }
        Image {
            width: w,
            height: h,
            channels,
            data,
        }
    }

    /// As JPEG of a quality from 1 to 100.
    ///
    /// # Errors
    /// A picture of more than 65,535 rows or columns.
    pub fn jpeg(&self, quality: u8) -> Result<Vec<u8>, ImagingError> {
        let wrong = || ImagingError::Unsupported("a picture too large for JPEG".to_owned());
        let (w, h) = (
            u16::try_from(self.width).map_err(|_| wrong())?,
            u16::try_from(self.height).map_err(|_| wrong())?,
        );
        if self.channels == 1 {
            return grey_jpeg::encode(&self.data, w, h, quality).ok_or_else(wrong);
        }
        let mut out = Vec::new();
        Encoder::new(&mut out, quality.clamp(1, 100))
            .encode(&self.data, w, h, ColorType::Rgb)
            .map_err(|_| wrong())?;
        Ok(out)
    }

    /// As PNG.
    ///
    /// # Errors
    /// What the encoder refuses.
    pub fn png(&self) -> Result<Vec<u8>, ImagingError> {
        let wrong = |_| ImagingError::Unsupported("a picture that PNG cannot hold".to_owned());
        let mut out = Vec::new();
        let mut encoder = png::Encoder::new(&mut out, self.width, self.height);
        encoder.set_color(if self.channels == 1 {
            png::ColorType::Grayscale
        } else {
            png::ColorType::Rgb
        });
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_compression(png::Compression::Fast);
        let mut writer = encoder.write_header().map_err(wrong)?;
        writer.write_image_data(&self.data).map_err(wrong)?;
        drop(writer);
        Ok(out)
    }
}

/// For each new sample where its old ones begin and how much each counts.
fn weights(from: usize, to: usize) -> Vec<(usize, Vec<f32>)> {
    let ratio = from as f64 / to as f64;
    (0..to)
        .map(|at| {
            if ratio > 1.0 {
                let (low, high) = (at as f64 * ratio, (at + 1) as f64 * ratio);
                let first = low as usize;
                let last = (high.ceil() as usize).min(from);
                let part =
                    |n: usize| (high.min((n + 1) as f64) - low.max(n as f64)).max(0.0) / ratio;
                (first, (first..last).map(|n| part(n) as f32).collect())
            } else {
                let middle = ((at as f64 + 0.5) * ratio - 0.5).clamp(0.0, (from - 1) as f64);
                let first = (middle as usize).min(from.saturating_sub(2));
                let part = (middle - first as f64) as f32;
                if from == 1 {
                    (0, vec![1.0])
                } else {
                    (first, vec![1.0 - part, part])
                }
            }
        })
        .collect()
}
