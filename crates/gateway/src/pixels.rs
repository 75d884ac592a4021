//! Pixels on their way out: in another transfer syntax, or for eyes. Everything here works hard on one thread: call it where
//! that is expected.

use bytes::Bytes;
use imaging::pixel::{self, Crop, Description, Look, Wanted, Window};
use imaging::{ImagingError, Limits, Object};

/// Quality of JPEG when none is asked for.
pub const QUALITY: u8 = 90;
/// The longer side of a thumbnail.
pub const THUMBNAIL: u32 = 128;

/// The file in another transfer syntax; none when it cannot be brought into it.
pub fn transcoded(file: &Bytes, transfer_syntax: &str) -> Option<Bytes> {
    let object = Object::read(file.clone(), &Limits::default()).ok()?;
    pixel::transcode(&object, transfer_syntax, QUALITY).ok()
}

/// Frames of a file, counted from 0, in a transfer syntax.
pub fn frames(
    file: &Bytes,
    wanted: &[u32],
    transfer_syntax: &str,
) -> Result<Vec<Bytes>, ImagingError> {
    let object = Object::read(file.clone(), &Limits::default())?;
    if !imaging::syntax::of(transfer_syntax).encapsulated() {
        return wanted.iter().map(|n| uncompressed(&object, *n)).collect();
    }
    let file = pixel::transcode(&object, transfer_syntax, QUALITY)?;
    let object = Object::read(file, &Limits::default())?;
    let frame = |n: &u32| Ok(Bytes::from(pixel::frame_bytes(&object, *n)?.0.into_owned()));
    wanted.iter().map(frame).collect()
}

/// What a rendering is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Picture {
    Jpeg { quality: u8 },
    Png,
}

/// A frame for eyes.
pub fn rendered(
    object: &Object,
    frame: u32,
    wanted: &Wanted,
    picture: Picture,
) -> Result<Vec<u8>, ImagingError> {
    let description = Description::of(object.dataset())?;
    let decoded = pixel::decode(object, frame)?;
    let look = Look::of(object.dataset(), &description, frame);
    let overlays = if wanted.overlays {
        pixel::overlays(object, frame)
    } else {
        Vec::new()
    };
    let image = pixel::render(&decoded, &description, &look, &overlays, wanted)?;
    match picture {
        Picture::Jpeg { quality } => image.jpeg(quality),
        Picture::Png => image.png(),
    }
}

/// A frame of an object, uncompressed in little endian.
pub fn uncompressed(object: &Object, frame: u32) -> Result<Bytes, ImagingError> {
    let description = Description::of(object.dataset())?;
    Ok(Bytes::from(
        pixel::decode(object, frame)?.to_native(&description),
    ))
}

/// Reads `window`, `viewport`, `quality` and `annotation` (PS3.18 §8.3.5.1). The error names the parameter.
pub fn parameters(given: &[(String, String)]) -> Result<(Wanted, u8), &'static str> {
    let mut wanted = Wanted {
        overlays: true,
        ..Wanted::default()
    };
    let mut quality = QUALITY;
    for (name, value) in given {
        match name.as_str() {
            "window" => wanted.window = Some(window(value).ok_or("window")?),
            "viewport" => viewport(value, &mut wanted).ok_or("viewport")?,
            "quality" => {
                quality = value
                    .parse()
                    .ok()
                    .filter(|q| (1..=100).contains(q))
                    .ok_or("quality")?;
            }
            _ => {}
        }
    }
    Ok((wanted, quality))
}

/// `center,width,function`
fn window(text: &str) -> Option<Window> {
    use pixel::Function;
    let parts: Vec<&str> = text.split(',').map(str::trim).collect();
    let [centre, width, more @ ..] = &parts[..] else {
        return None;
    };
    let function = match more {
        [] => Function::Linear,
        [function] => match function.to_ascii_lowercase().as_str() {
            "linear" => Function::Linear,
            "linear-exact" | "linear_exact" => Function::LinearExact,
            "sigmoid" => Function::Sigmoid,
            _ => return None,
        },
        _ => return None,
    };
    let number = |text: &str| text.parse::<f64>().ok().filter(|n| n.is_finite());
    let (centre, width) = (number(centre)?, number(width)?);
    let least = if function == Function::Linear {
        1.0
    } else {
        f64::MIN_POSITIVE
    };
    (width >= least).then(|| Window {
        centre,
        width,
        function,
        name: String::new(),
    })
}

/// Sides of a picture that is asked for.
const SIDE_MAX: f64 = 16_384.0;

/// `vw,vh` or `vw,vh,sx,sy,sw,sh`; a negative width or height turns the part over.
fn viewport(text: &str, wanted: &mut Wanted) -> Option<()> {
    let number = |text: &str| match text.trim() {
        "" => Some(None),
        text => text.parse::<f64>().ok().filter(|n| n.is_finite()).map(Some),
    };
    let numbers: Vec<Option<f64>> = text.split(',').map(number).collect::<Option<_>>()?;
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // bounded before
    let whole = |n: f64| (0.0..=f64::from(u32::MAX)).contains(&n).then_some(n as u32);
    let [Some(width), Some(height), part @ ..] = &numbers[..] else {
        return None;
    };
    let side = |n: f64| (1.0..=SIDE_MAX).contains(&n).then(|| whole(n)).flatten();
    wanted.size = Some((side(*width)?, side(*height)?));
    match part {
        [] => Some(()),
        [left, top, Some(width), Some(height)] => {
            wanted.mirror = *width < 0.0;
            wanted.flip = *height < 0.0;
            wanted.crop = Some(Crop {
                left: whole(left.unwrap_or(0.0))?,
                top: whole(top.unwrap_or(0.0))?,
                width: whole(width.abs())?,
                height: whole(height.abs())?,
            });
            Some(())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, value: &str) -> Result<(Wanted, u8), &'static str> {
        parameters(&[(name.to_owned(), value.to_owned())])
    }

    #[test]
    fn parameters_of_rendering_are_read_and_wrong_ones_named() {
        let (wanted, _) = read("window", "40,400,sigmoid").unwrap();
        assert_eq!(wanted.window.unwrap().function, pixel::Function::Sigmoid);
        let (wanted, _) = read("viewport", "512,256,10,20,-100,50").unwrap();
        assert_eq!(wanted.size, Some((512, 256)));
        assert!(wanted.mirror && !wanted.flip);
        assert_eq!(wanted.crop.unwrap().width, 100);
        assert_eq!(read("quality", "80").unwrap().1, 80);
        for (name, value) in [
            ("window", "40"),
            ("window", "40,0"),
            ("window", "nan,400"),
            ("viewport", "0,5"),
            ("viewport", "99999999,5"),
            ("viewport", "1,2,3"),
            ("quality", "101"),
        ] {
            assert_eq!(read(name, value).unwrap_err(), name, "{value}");
        }
    }
}
