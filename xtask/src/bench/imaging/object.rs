//! Made-up CT slices in explicit VR little endian, with the attributes that scanners send. Written by hand, so that making
//! one takes the load generator some microseconds.

use std::sync::Arc;

use super::super::record;

/// CT Image Storage.
pub const CT: &str = "1.2.840.10008.5.1.4.1.1.2";
/// Multi-frame Grayscale Word Secondary Capture Image Storage.
pub const MULTI_FRAME: &str = "1.2.840.10008.5.1.4.1.1.7.3";
pub const EXPLICIT_LITTLE: &str = "1.2.840.10008.1.2.1";
/// Rows and columns of a slice as it is measured: 133 KB with its attributes.
pub const SIDE: u16 = 256;
/// Rows and columns of what only fills an index.
pub const TINY_SIDE: u16 = 8;

/// Which slice of which series of which study; all counted from 1.
#[derive(Clone, Copy)]
pub struct Place {
    pub study: usize,
    pub series: usize,
    pub image: usize,
}

pub fn study_uid(study: usize) -> String {
    uid(study, 0, 0)
}

pub fn series_uid(study: usize, series: usize) -> String {
    uid(study, series, 0)
}

/// Under the root for UUIDs (PS3.5 §B.2), of one length.
fn uid(study: usize, series: usize, image: usize) -> String {
    format!("2.25.1{study:08}{series:04}{image:07}")
}

impl Place {
    pub fn uid(self) -> String {
        uid(self.study, self.series, self.image)
    }

    /// Four studies of each patient.
    pub fn patient(self) -> usize {
        self.study / 4
    }
}

/// One object: its attributes, and its frames, which are all the same.
pub struct Object {
    pub class: &'static str,
    pub uid: String,
    /// The data set up to the value of its pixel data.
    pub head: Vec<u8>,
    frame: Arc<[u8]>,
    frames: usize,
}

impl Object {
    /// Bytes of the data set.
    pub fn len(&self) -> usize {
        self.head.len() + self.frame.len() * self.frames
    }

    /// The data set, piece by piece.
    pub fn pieces(&self) -> impl Iterator<Item = &[u8]> {
        std::iter::once(&self.head[..]).chain(std::iter::repeat_n(&self.frame[..], self.frames))
    }

    /// What a file has before the data set (PS3.10 §7.1).
    pub fn file_head(&self) -> Vec<u8> {
        let mut meta = Elements::default();
        meta.bytes(0x0002_0001, b"OB", &[0, 1]);
        meta.text(0x0002_0002, b"UI", self.class);
        meta.text(0x0002_0003, b"UI", &self.uid);
        meta.text(0x0002_0010, b"UI", EXPLICIT_LITTLE);
        meta.text(0x0002_0012, b"UI", "2.25.1");
        let mut length = Elements::default();
        let bytes = u32::try_from(meta.0.len()).unwrap_or_default();
        length.bytes(0x0002_0000, b"UL", &bytes.to_le_bytes());
        let mut file = vec![0; 128];
        file.extend_from_slice(b"DICM");
        file.extend(length.0);
        file.extend(meta.0);
        file
    }
}

/// Makes objects of one size.
pub struct Maker {
    side: u16,
    frame: Arc<[u8]>,
}

impl Maker {
    pub fn new(side: u16) -> Self {
        Self {
            side,
            frame: pixels(side),
        }
    }

    pub fn slice(&self, at: Place) -> Object {
        self.object(CT, at, 1)
    }

    pub fn multi_frame(&self, at: Place, frames: usize) -> Object {
        self.object(MULTI_FRAME, at, frames)
    }

    fn object(&self, class: &'static str, at: Place, frames: usize) -> Object {
        let uid = at.uid();
        let mut e = Elements(Vec::with_capacity(4 << 10));
        e.general(class, &uid, at);
        e.acquisition(at);
        e.relationship(at);
        e.image(self.side, frames);
        let length = u32::try_from(self.frame.len() * frames).unwrap_or(u32::MAX);
        e.long_head(0x7fe0_0010, b"OW", length);
        Object {
            class,
            uid,
            head: e.0,
            frame: Arc::clone(&self.frame),
            frames,
        }
    }
}

/// A body in air with noise, in Hounsfield units from -1024 on: what compression and windowing meet in practice.
fn pixels(side: u16) -> Arc<[u8]> {
    let (mut seed, middle) = (0x2545_f491_u32, i32::from(side) / 2);
    let mut out = Vec::with_capacity(usize::from(side) * usize::from(side) * 2);
    for y in 0..i32::from(side) {
        for x in 0..i32::from(side) {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let noise = (seed >> 27) as u16;
            let (dx, dy) = (x - middle, (y - middle) * 4 / 3);
            let from_middle = dx * dx + dy * dy;
            let tissue = match from_middle * 16 / (middle * middle).max(1) {
                0..=1 => 1_060,
                2..=8 => 1_010 + u16::try_from(x & 31).unwrap_or_default(),
                9..=11 => 1_400,
                _ => 16,
            };
            out.extend_from_slice(&(tissue + noise).to_le_bytes());
        }
    }
    out.into()
}

/// Elements in explicit VR little endian (PS3.5 §7.1.2), in order of their tags.
#[derive(Default)]
struct Elements(Vec<u8>);

impl Elements {
    fn tag(&mut self, tag: u32, vr: &[u8; 2]) {
        let [g1, g0, e1, e0] = tag.to_be_bytes();
        self.0.extend_from_slice(&[g0, g1, e0, e1, vr[0], vr[1]]);
    }

    fn long_head(&mut self, tag: u32, vr: &[u8; 2], length: u32) {
        self.tag(tag, vr);
        self.0.extend_from_slice(&[0, 0]);
        self.0.extend_from_slice(&length.to_le_bytes());
    }

    fn bytes(&mut self, tag: u32, vr: &[u8; 2], value: &[u8]) {
        let even = value.len() + value.len() % 2;
        if matches!(vr, b"OB" | b"OW" | b"SQ" | b"UN" | b"UT") {
            self.long_head(tag, vr, u32::try_from(even).unwrap_or_default());
        } else {
            self.tag(tag, vr);
            let length = u16::try_from(even).unwrap_or_default();
            self.0.extend_from_slice(&length.to_le_bytes());
        }
        self.0.extend_from_slice(value);
        if value.len() % 2 == 1 {
            self.0.push(if vr == b"UI" { 0 } else { b' ' });
        }
    }

    fn text(&mut self, tag: u32, vr: &[u8; 2], value: &str) {
        self.bytes(tag, vr, value.as_bytes());
    }

    fn short(&mut self, tag: u32, value: u16) {
        self.bytes(tag, b"US", &value.to_le_bytes());
    }

    /// A sequence of one coded item.
    fn code(&mut self, tag: u32, value: &str, scheme: &str, meaning: &str) {
        let mut item = Self::default();
        item.text(0x0008_0100, b"SH", value);
        item.text(0x0008_0102, b"SH", scheme);
        item.text(0x0008_0104, b"LO", meaning);
        let length = u32::try_from(item.0.len()).unwrap_or_default();
        self.long_head(tag, b"SQ", length + 8);
        self.0.extend_from_slice(&[0xfe, 0xff, 0x00, 0xe0]);
        self.0.extend_from_slice(&length.to_le_bytes());
        self.0.extend(item.0);
    }

    fn general(&mut self, class: &str, uid: &str, at: Place) {
        let (day, minute) = (1 + at.study % 28, at.study / 28 % 60);
        let date = format!(
            "20{:02}{:02}{day:02}",
            10 + at.study / 336 % 16,
            1 + at.study / 28 % 12
        );
        let time = format!("08{minute:02}00.000000");
        let taken = format!(
            "08{minute:02}{:02}.{:06}",
            at.image / 10 % 60,
            at.image % 10 * 100_000
        );
        self.text(0x0008_0005, b"CS", "ISO_IR 192");
        self.text(0x0008_0008, b"CS", "ORIGINAL\\PRIMARY\\AXIAL\\CT_SOM5 SPI");
        self.text(0x0008_0012, b"DA", &date);
        self.text(0x0008_0013, b"TM", &taken);
        self.text(0x0008_0016, b"UI", class);
        self.text(0x0008_0018, b"UI", uid);
        self.text(0x0008_0020, b"DA", &date);
        self.text(0x0008_0021, b"DA", &date);
        self.text(0x0008_0022, b"DA", &date);
        self.text(0x0008_0023, b"DA", &date);
        self.text(0x0008_0030, b"TM", &time);
        self.text(0x0008_0031, b"TM", &time);
        self.text(0x0008_0032, b"TM", &taken);
        self.text(0x0008_0033, b"TM", &taken);
        self.text(0x0008_0050, b"SH", &format!("A{:09}", at.study));
        self.text(0x0008_0060, b"CS", if class == CT { "CT" } else { "OT" });
        self.text(0x0008_0070, b"LO", "Maker of scanners");
        self.text(0x0008_0080, b"LO", "Yarqum County Hospital");
        self.text(0x0008_0081, b"ST", "1 Canal Road, Yarqum");
        self.text(0x0008_0090, b"PN", "Tursun^Alim^^Dr.");
        self.text(0x0008_1010, b"SH", "CT01");
        self.text(0x0008_1030, b"LO", "CT chest with contrast");
        self.code(
            0x0008_1032,
            "CTCHESTW",
            "99YARQUM",
            "CT chest with contrast",
        );
        self.text(0x0008_103e, b"LO", "Thorax 1.0 B31f");
        self.text(0x0008_1040, b"LO", "Radiology");
        self.text(0x0008_1050, b"PN", "Sokolova^Vera");
        self.text(0x0008_1070, b"PN", "Bekov^Ilyas");
        self.text(0x0008_1090, b"LO", "Scanner 64");
        let patient = at.patient();
        let families = ["Ablimit", "Sokolova", "Tursun", "Wang", "Bekov", "Rahimova"];
        let given = [
            "Gulnar", "Aigul", "Mehmet", "Li", "Ivan", "Dilnoza", "Qadir",
        ];
        let name = format!("{}^{} {patient}", families[patient % 6], given[patient % 7]);
        self.text(0x0010_0010, b"PN", &name);
        self.text(0x0010_0020, b"LO", &record::number(patient));
        let born = format!(
            "{}{:02}{:02}",
            1940 + patient % 80,
            1 + patient % 12,
            1 + patient % 28
        );
        self.text(0x0010_0030, b"DA", &born);
        self.text(
            0x0010_0040,
            b"CS",
            if patient.is_multiple_of(2) { "F" } else { "M" },
        );
        self.text(0x0010_1010, b"AS", "054Y");
        self.text(0x0010_1030, b"DS", "72");
    }

    fn acquisition(&mut self, at: Place) {
        self.text(0x0018_0010, b"LO", "Iohexol 350");
        self.text(0x0018_0015, b"CS", "CHEST");
        self.text(0x0018_0022, b"CS", "HELIX");
        self.text(0x0018_0050, b"DS", "1");
        self.text(0x0018_0060, b"DS", "120");
        self.text(0x0018_0090, b"DS", "350");
        self.text(0x0018_1000, b"LO", "60021");
        self.text(0x0018_1020, b"LO", "syngo CT 2012B");
        self.text(0x0018_1030, b"LO", "Thorax routine");
        self.text(0x0018_1100, b"DS", "350");
        self.text(0x0018_1110, b"DS", "1040");
        self.text(0x0018_1111, b"DS", "570");
        self.text(0x0018_1120, b"DS", "0");
        self.text(0x0018_1130, b"DS", "146.5");
        self.text(0x0018_1140, b"CS", "CW");
        self.text(0x0018_1150, b"IS", "500");
        self.text(0x0018_1151, b"IS", &(180 + at.image % 60).to_string());
        self.text(0x0018_1152, b"IS", "112");
        self.text(0x0018_1160, b"SH", "0");
        self.text(0x0018_1170, b"IS", "26");
        self.text(0x0018_1190, b"DS", "1.2");
        self.text(0x0018_1210, b"SH", "B31f");
        self.text(0x0018_5100, b"CS", "HFS");
    }

    fn relationship(&mut self, at: Place) {
        self.text(0x0020_000d, b"UI", &study_uid(at.study));
        self.text(0x0020_000e, b"UI", &series_uid(at.study, at.series));
        self.text(0x0020_0010, b"SH", &at.study.to_string());
        self.text(0x0020_0011, b"IS", &at.series.to_string());
        self.text(0x0020_0012, b"IS", "2");
        self.text(0x0020_0013, b"IS", &at.image.to_string());
        let z = format!("{:.1}", -120.5 - at.image as f64);
        self.text(
            0x0020_0032,
            b"DS",
            &format!("-174.658203125\\-320.658203125\\{z}"),
        );
        self.text(0x0020_0037, b"DS", "1\\0\\0\\0\\1\\0");
        self.text(0x0020_0052, b"UI", &uid(at.study, 999, 0));
        self.text(0x0020_1040, b"LO", "");
        self.text(0x0020_1041, b"DS", &z);
    }

    fn image(&mut self, side: u16, frames: usize) {
        self.short(0x0028_0002, 1);
        self.text(0x0028_0004, b"CS", "MONOCHROME2");
        if frames > 1 {
            self.text(0x0028_0008, b"IS", &frames.to_string());
        }
        self.short(0x0028_0010, side);
        self.short(0x0028_0011, side);
        self.text(0x0028_0030, b"DS", "0.68359375\\0.68359375");
        self.short(0x0028_0100, 16);
        self.short(0x0028_0101, 12);
        self.short(0x0028_0102, 11);
        self.short(0x0028_0103, 0);
        self.short(0x0028_0106, 0);
        self.short(0x0028_0107, 3_071);
        self.text(0x0028_1050, b"DS", "40");
        self.text(0x0028_1051, b"DS", "400");
        self.text(0x0028_1052, b"DS", "-1024");
        self.text(0x0028_1053, b"DS", "1");
        self.text(0x0028_1055, b"LO", "WINDOW1");
        self.text(0x0032_1032, b"PN", "Tursun^Alim");
        self.text(0x0032_1060, b"LO", "CT chest with contrast");
        self.text(0x0040_0244, b"DA", "20260301");
        self.text(0x0040_0245, b"TM", "080000");
        self.text(0x0040_0253, b"SH", "4711");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_stand_in_order_and_fill_the_head() {
        let object = Maker::new(TINY_SIDE).slice(Place {
            study: 3,
            series: 1,
            image: 2,
        });
        let (mut at, mut last) = (0, 0);
        while at < object.head.len() {
            let head = &object.head[at..];
            let tag = u32::from(head[1]) << 24
                | u32::from(head[0]) << 16
                | u32::from(head[3]) << 8
                | u32::from(head[2]);
            assert!(tag > last, "{tag:08x} after {last:08x}");
            last = tag;
            if matches!(&head[4..6], b"OW" | b"SQ") {
                let length = u32::from_le_bytes([head[8], head[9], head[10], head[11]]) as usize;
                at += 12;
                if tag != 0x7fe0_0010 {
                    at += length;
                } else {
                    assert_eq!(object.len(), at + length);
                }
            } else {
                at += 8 + usize::from(u16::from_le_bytes([head[6], head[7]]));
            }
        }
        assert_eq!((at, last), (object.head.len(), 0x7fe0_0010));
        let whole: usize = object.pieces().map(<[u8]>::len).sum();
        assert_eq!(whole, object.len());
    }
}
