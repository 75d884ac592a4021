//! What the attributes of an image say of its pixels (PS3.3 C.7.6.3).

use dicom_dictionary_std::tags;
use kernel::limits;

use crate::dataset::Dataset;
use crate::error::ImagingError;

/// What samples mean (PS3.3 C.7.6.3.1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Photometric {
    /// The smallest value is white.
    Monochrome1,
    /// The smallest value is black.
    Monochrome2,
    /// A sample is an index of three tables.
    Palette,
    /// Red, green, blue.
    Rgb,
    /// Luma and two chromas, all values.
    YbrFull,
    /// The same, chroma of every second column.
    YbrFull422,
    /// JPEG 2000's irreversible transform: the decoder gives red, green, blue.
    YbrIct,
    /// JPEG 2000's reversible transform: the decoder gives red, green, blue.
    YbrRct,
    /// JPEG XL's: the decoder gives red, green, blue.
    Xyb,
}

impl Photometric {
    fn of(term: &str) -> Option<Photometric> {
        Some(match term {
            "MONOCHROME1" => Photometric::Monochrome1,
            "MONOCHROME2" => Photometric::Monochrome2,
            "PALETTE COLOR" => Photometric::Palette,
            "RGB" => Photometric::Rgb,
            "YBR_FULL" => Photometric::YbrFull,
            "YBR_FULL_422" => Photometric::YbrFull422,
            "YBR_ICT" => Photometric::YbrIct,
            "YBR_RCT" => Photometric::YbrRct,
            "XYB" => Photometric::Xyb,
            _ => return None,
        })
    }

    /// The defined term.
    pub fn term(self) -> &'static str {
        match self {
            Photometric::Monochrome1 => "MONOCHROME1",
            Photometric::Monochrome2 => "MONOCHROME2",
            Photometric::Palette => "PALETTE COLOR",
            Photometric::Rgb => "RGB",
            Photometric::YbrFull => "YBR_FULL",
            Photometric::YbrFull422 => "YBR_FULL_422",
            Photometric::YbrIct => "YBR_ICT",
            Photometric::YbrRct => "YBR_RCT",
            Photometric::Xyb => "XYB",
        }
    }

    /// Whether a pixel is one grey value.
    pub fn is_grey(self) -> bool {
        matches!(self, Photometric::Monochrome1 | Photometric::Monochrome2)
    }
}

/// What numbers are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Number {
    /// Whole numbers (Pixel Data).
    Whole,
    /// Floating point, 32 bits (Float Pixel Data).
    Float,
    /// Floating point, 64 bits (Double Float Pixel Data).
    Double,
}

/// Pixels as their attributes describe them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Description {
    /// Rows.
    pub rows: u32,
    /// Columns.
    pub columns: u32,
    /// Samples a pixel: 1 or 3.
    pub samples: u16,
    /// Bits a sample takes: 1, 8, 16, 32, 64.
    pub allocated: u16,
    /// Bits of a sample that are its value.
    pub stored: u16,
    /// The highest of them.
    pub high: u16,
    /// Two's complement.
    pub signed: bool,
    /// What samples mean.
    pub photometric: Photometric,
    /// All of one sample first, then all of the next.
    pub planar: bool,
    /// Frames.
    pub frames: u32,
    /// What numbers are.
    pub number: Number,
}

impl Description {
    /// From the attributes of an image.
    ///
    /// # Errors
    /// Attributes that are missing, contradict each other, or ask for a frame of more than
    /// [`limits::IMAGE_FRAME_BYTES_MAX`].
    pub fn of(data: &Dataset) -> Result<Description, ImagingError> {
        let small = |tag| data.int(tag).and_then(|n| u16::try_from(n).ok());
        let need = |tag| small(tag).ok_or(ImagingError::Missing(tag));
        let number = if data.get(tags::FLOAT_PIXEL_DATA).is_some() {
            Number::Float
        } else if data.get(tags::DOUBLE_FLOAT_PIXEL_DATA).is_some() {
            Number::Double
        } else {
            Number::Whole
        };
        let allocated = need(tags::BITS_ALLOCATED)?;
        let stored = small(tags::BITS_STORED).unwrap_or(allocated);
        let samples = small(tags::SAMPLES_PER_PIXEL).unwrap_or(1);
        let term = data.plain(tags::PHOTOMETRIC_INTERPRETATION);
        let photometric = match term {
            Some(term) => Photometric::of(term).ok_or_else(|| {
                ImagingError::Unsupported(
                    "a photometric interpretation that is not shown".to_owned(),
                )
            })?,
            None if samples == 1 => Photometric::Monochrome2,
            None => Photometric::Rgb,
        };
        let description = Description {
            rows: u32::from(need(tags::ROWS)?),
            columns: u32::from(need(tags::COLUMNS)?),
            samples,
            allocated,
            stored,
            high: small(tags::HIGH_BIT).unwrap_or(stored.wrapping_sub(1)),
            signed: small(tags::PIXEL_REPRESENTATION) == Some(1),
            photometric,
            planar: small(tags::PLANAR_CONFIGURATION) == Some(1) && samples > 1,
            frames: data
                .int(tags::NUMBER_OF_FRAMES)
                .and_then(|n| u32::try_from(n).ok())
                .unwrap_or(1)
                .max(1),
            number,
        };
        description.check()?;
        Ok(description)
    }

    fn check(&self) -> Result<(), ImagingError> {
        let wrong = |what: &str| Err(ImagingError::Pixels(what.to_owned()));
        let bits = match self.number {
            Number::Whole => matches!(self.allocated, 1 | 8 | 16 | 32),
            Number::Float => self.allocated == 32,
            Number::Double => self.allocated == 64,
        };
        if !bits {
            return wrong("bits allocated that are not understood");
        }
        if self.rows == 0 || self.columns == 0 {
            return wrong("no rows or no columns");
        }
        if self.stored == 0
            || self.stored > self.allocated
            || self.high >= self.allocated
            || self.high + 1 < self.stored
        {
            return wrong("bits stored, high bit and bits allocated contradict each other");
        }
        let samples = if self.photometric.is_grey() || self.photometric == Photometric::Palette {
            1
        } else {
            3
        };
        if self.samples != samples {
            return wrong("samples per pixel and photometric interpretation contradict each other");
        }
        if self.samples == 3 && self.allocated == 1 {
            return wrong("colour of one bit");
        }
        if self.value_bytes() > limits::IMAGE_FRAME_BYTES_MAX as u64 {
            return Err(ImagingError::TooMuch("bytes of a frame"));
        }
        Ok(())
    }

    /// Pixels of a frame.
    pub fn pixels(&self) -> usize {
        self.rows as usize * self.columns as usize
    }

    /// Samples of a frame.
    pub fn count(&self) -> usize {
        self.pixels() * usize::from(self.samples)
    }

    fn value_bytes(&self) -> u64 {
        let bytes = u64::from(self.allocated.div_ceil(8));
        u64::from(self.rows) * u64::from(self.columns) * u64::from(self.samples) * bytes
    }
}
