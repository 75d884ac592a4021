//! JPEG XL (ISO 18181) by jxl-oxide.

use jxl_oxide::{AllocTracker, EnumColourEncoding, JxlImage, JxlThreadPool, RenderingIntent};
use kernel::limits;

use super::description::Description;
use super::values::Values;
use super::{fits, room};
use crate::error::ImagingError;

fn damaged() -> ImagingError {
    ImagingError::Pixels("damaged JPEG XL".to_owned())
}

pub(super) fn decode(bytes: &[u8], d: &Description) -> Result<Values, ImagingError> {
    let mut image = JxlImage::builder()
        .pool(JxlThreadPool::none())
        .alloc_tracker(AllocTracker::with_limit(8 * limits::IMAGE_FRAME_BYTES_MAX))
        .read(bytes)
        .map_err(|_| damaged())?;
    let channels = if image.pixel_format().is_grayscale() {
        1
    } else {
        3
    };
    fits(d, (image.height(), image.width()), channels)?;
    let header = image.image_header();
    let bits = header.metadata.bit_depth.bits_per_sample();
    let transformed = header.metadata.xyb_encoded;
    room(d, bits)?;
    if transformed {
        image.request_color_encoding(match channels {
            1 => EnumColourEncoding::gray_srgb(RenderingIntent::Relative),
            _ => EnumColourEncoding::srgb(RenderingIntent::Relative),
        });
    }
    let render = image.render_frame(0).map_err(|_| damaged())?;
    let mut stream = render.stream_no_alpha();
    if (stream.height(), stream.width()) != (d.rows, d.columns) {
        return Err(damaged());
    }
    let mut buffer = vec![0_f32; d.count()];
    if stream.channels() as usize != channels || stream.write_to_buffer(&mut buffer) != buffer.len()
    {
        return Err(damaged());
    }
    let most = ((1_u64 << bits) - 1) as f64;
    let values = buffer.into_iter().map(|v| {
        let value = (f64::from(v) * most).round().clamp(0.0, most) as i64;
        if d.signed {
            (value << (64 - bits)) >> (64 - bits)
        } else {
            value
        }
    });
    Ok(Values::from_whole(values, d))
}
