//! What one object may ask of the machine. The numbers stand in `kernel::limits`.

use kernel::limits;

/// Bounds on reading one object. The defaults are the system's; tests and fuzzing take smaller ones.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The object as sent.
    pub bytes: usize,
    /// The data set of a deflated object once inflated.
    pub inflated_bytes: usize,
    /// Attributes without large values, of an object that is read where it lies.
    pub attribute_bytes: usize,
    /// Elements and items together, at all depths.
    pub elements: usize,
    /// Sequences within sequences.
    pub depth: usize,
    /// Fragments of encapsulated pixel data.
    pub fragments: usize,
    /// Frames that are laid out.
    pub frames: usize,
    /// Bytes of one decoded frame.
    pub frame_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            bytes: limits::IMAGE_BYTES_MAX,
            inflated_bytes: limits::IMAGE_INFLATED_BYTES_MAX,
            attribute_bytes: limits::IMAGE_ATTRIBUTE_BYTES_MAX,
            elements: limits::IMAGE_ELEMENTS_MAX,
            depth: limits::IMAGE_DEPTH_MAX,
            fragments: limits::IMAGE_FRAGMENTS_MAX,
            frames: limits::IMAGE_FRAMES_MAX,
            frame_bytes: limits::IMAGE_FRAME_BYTES_MAX,
        }
    }
}
