//! Transfer syntaxes (PS3.5 Annex A, PS3.6 Annex A): how a data set and its pixels are written.

/// How pixel data are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Codec {
    /// Not at all: samples as they are.
    Native,
    /// PS3.5 Annex G.
    Rle,
    /// ISO 10918-1: baseline, extended (8 and 12 bit) and lossless processes.
    Jpeg,
    /// ISO 14495-1.
    JpegLs,
    /// ISO 15444-1, and ISO 15444-15 (high throughput).
    Jpeg2000,
    /// ISO 18181.
    JpegXl,
    /// Each frame by itself with deflate (PS3.5 A.4.13).
    DeflatedFrame,
    /// MPEG-2, MPEG-4 AVC, HEVC: kept and handed out, not decoded.
    Video,
    /// A transfer syntax that is not known here: kept and handed out, not decoded.
    Unknown,
}

/// One transfer syntax.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TransferSyntax {
    /// Its UID; of an unknown one the UID stands in [`crate::Object::transfer_syntax`] only.
    pub uid: &'static str,
    /// Its name in PS3.6.
    pub name: &'static str,
    /// Whether elements say their value representation.
    pub explicit: bool,
    /// Whether numbers are big endian.
    pub big: bool,
    /// Whether the whole data set is deflated.
    pub deflated: bool,
    /// How pixels are compressed.
    pub codec: Codec,
    /// Whether the pixels' values are exactly those that were made. What allows both counts as lossy.
    pub lossless: bool,
}

const fn with(
    uid: &'static str,
    name: &'static str,
    codec: Codec,
    lossless: bool,
) -> TransferSyntax {
    TransferSyntax {
        uid,
        name,
        explicit: true,
        big: false,
        deflated: false,
        codec,
        lossless,
    }
}

/// Implicit VR Little Endian, the default transfer syntax.
pub const IMPLICIT_LITTLE: &str = "1.2.840.10008.1.2";
/// Explicit VR Little Endian.
pub const EXPLICIT_LITTLE: &str = "1.2.840.10008.1.2.1";
/// Deflated Explicit VR Little Endian.
pub const DEFLATED: &str = "1.2.840.10008.1.2.1.99";
/// Explicit VR Big Endian (retired).
pub const EXPLICIT_BIG: &str = "1.2.840.10008.1.2.2";
/// RLE Lossless.
pub const RLE: &str = "1.2.840.10008.1.2.5";
/// JPEG Baseline, 8 bit.
pub const JPEG_BASELINE: &str = "1.2.840.10008.1.2.4.50";
/// JPEG-LS Lossless.
pub const JPEG_LS: &str = "1.2.840.10008.1.2.4.80";
/// JPEG 2000, lossless only.
pub const JPEG_2000_LOSSLESS: &str = "1.2.840.10008.1.2.4.90";

use Codec::{DeflatedFrame, Jpeg, Jpeg2000, JpegLs, JpegXl, Native, Rle, Unknown, Video};

/// Every transfer syntax that is known by name.
pub static KNOWN: &[TransferSyntax] = &[
    TransferSyntax {
        explicit: false,
        ..with(IMPLICIT_LITTLE, "Implicit VR Little Endian", Native, true)
    },
    with(EXPLICIT_LITTLE, "Explicit VR Little Endian", Native, true),
    with(
        "1.2.840.10008.1.2.1.98",
        "Encapsulated Uncompressed Explicit VR Little Endian",
        Native,
        true,
    ),
    TransferSyntax {
        deflated: true,
        ..with(DEFLATED, "Deflated Explicit VR Little Endian", Native, true)
    },
    TransferSyntax {
        big: true,
        ..with(EXPLICIT_BIG, "Explicit VR Big Endian", Native, true)
    },
    with(RLE, "RLE Lossless", Rle, true),
    with(JPEG_BASELINE, "JPEG Baseline (Process 1)", Jpeg, false),
    with(
        "1.2.840.10008.1.2.4.51",
        "JPEG Extended (Process 2 and 4)",
        Jpeg,
        false,
    ),
    with(
        "1.2.840.10008.1.2.4.57",
        "JPEG Lossless (Process 14)",
        Jpeg,
        true,
    ),
    with(
        "1.2.840.10008.1.2.4.70",
        "JPEG Lossless, First-Order Prediction (Process 14 [Selection Value 1])",
        Jpeg,
        true,
    ),
    with(JPEG_LS, "JPEG-LS Lossless", JpegLs, true),
    with(
        "1.2.840.10008.1.2.4.81",
        "JPEG-LS Lossy (Near-Lossless)",
        JpegLs,
        false,
    ),
    with(
        JPEG_2000_LOSSLESS,
        "JPEG 2000 (Lossless Only)",
        Jpeg2000,
        true,
    ),
    with("1.2.840.10008.1.2.4.91", "JPEG 2000", Jpeg2000, false),
    with(
        "1.2.840.10008.1.2.4.92",
        "JPEG 2000 Part 2 Multi-component (Lossless Only)",
        Unknown,
        true,
    ),
    with(
        "1.2.840.10008.1.2.4.93",
        "JPEG 2000 Part 2 Multi-component",
        Unknown,
        false,
    ),
    with("1.2.840.10008.1.2.4.94", "JPIP Referenced", Unknown, false),
    with(
        "1.2.840.10008.1.2.4.100",
        "MPEG2 Main Profile / Main Level",
        Video,
        false,
    ),
    with(
        "1.2.840.10008.1.2.4.100.1",
        "Fragmentable MPEG2 Main Profile / Main Level",
        Video,
        false,
    ),
    with(
        "1.2.840.10008.1.2.4.101",
        "MPEG2 Main Profile / High Level",
        Video,
        false,
    ),
    with(
        "1.2.840.10008.1.2.4.101.1",
        "Fragmentable MPEG2 Main Profile / High Level",
        Video,
        false,
    ),
    with(
        "1.2.840.10008.1.2.4.102",
        "MPEG-4 AVC/H.264 High Profile / Level 4.1",
        Video,
        false,
    ),
    with(
        "1.2.840.10008.1.2.4.102.1",
        "Fragmentable MPEG-4 AVC/H.264 High Profile / Level 4.1",
        Video,
        false,
    ),
    with(
        "1.2.840.10008.1.2.4.103",
        "MPEG-4 AVC/H.264 BD-compatible High Profile / Level 4.1",
        Video,
        false,
    ),
    with(
        "1.2.840.10008.1.2.4.103.1",
        "Fragmentable MPEG-4 AVC/H.264 BD-compatible High Profile / Level 4.1",
        Video,
        false,
    ),
    with(
        "1.2.840.10008.1.2.4.104",
        "MPEG-4 AVC/H.264 High Profile / Level 4.2 For 2D Video",
        Video,
        false,
    ),
    with(
        "1.2.840.10008.1.2.4.104.1",
        "Fragmentable MPEG-4 AVC/H.264 High Profile / Level 4.2 For 2D Video",
        Video,
        false,
    ),
    with(
        "1.2.840.10008.1.2.4.105",
        "MPEG-4 AVC/H.264 High Profile / Level 4.2 For 3D Video",
        Video,
        false,
    ),
    with(
        "1.2.840.10008.1.2.4.105.1",
        "Fragmentable MPEG-4 AVC/H.264 High Profile / Level 4.2 For 3D Video",
        Video,
        false,
    ),
    with(
        "1.2.840.10008.1.2.4.106",
        "MPEG-4 AVC/H.264 Stereo High Profile / Level 4.2",
        Video,
        false,
    ),
    with(
        "1.2.840.10008.1.2.4.106.1",
        "Fragmentable MPEG-4 AVC/H.264 Stereo High Profile / Level 4.2",
        Video,
        false,
    ),
    with(
        "1.2.840.10008.1.2.4.107",
        "HEVC/H.265 Main Profile / Level 5.1",
        Video,
        false,
    ),
    with(
        "1.2.840.10008.1.2.4.108",
        "HEVC/H.265 Main 10 Profile / Level 5.1",
        Video,
        false,
    ),
    with("1.2.840.10008.1.2.4.110", "JPEG XL Lossless", JpegXl, true),
    with(
        "1.2.840.10008.1.2.4.111",
        "JPEG XL JPEG Recompression",
        JpegXl,
        false,
    ),
    with("1.2.840.10008.1.2.4.112", "JPEG XL", JpegXl, false),
    with(
        "1.2.840.10008.1.2.4.201",
        "High-Throughput JPEG 2000 (Lossless Only)",
        Jpeg2000,
        true,
    ),
    with(
        "1.2.840.10008.1.2.4.202",
        "High-Throughput JPEG 2000 with RPCL Options (Lossless Only)",
        Jpeg2000,
        true,
    ),
    with(
        "1.2.840.10008.1.2.4.203",
        "High-Throughput JPEG 2000",
        Jpeg2000,
        false,
    ),
    with(
        "1.2.840.10008.1.2.8.1",
        "Deflated Image Frame Compression",
        DeflatedFrame,
        true,
    ),
];

/// What is assumed of one that is not known: all that encapsulate are explicit VR little endian (PS3.5 A.4).
pub static UNKNOWN: TransferSyntax = with("", "unknown", Unknown, false);

/// The transfer syntax of a UID; [`UNKNOWN`] where it is none of ours.
pub fn of(uid: &str) -> &'static TransferSyntax {
    KNOWN.iter().find(|t| t.uid == uid).unwrap_or(&UNKNOWN)
}

impl TransferSyntax {
    /// Whether pixel data come in fragments (PS3.5 A.4).
    pub fn encapsulated(&self) -> bool {
        self.codec != Native || self.uid == "1.2.840.10008.1.2.1.98"
    }
}
