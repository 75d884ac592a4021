//! Writing a zip file from front to back (APPNOTE 6.3.10): nothing is compressed, since images already are or hardly get
//! smaller; sizes and checks are known before each file begins, so that every reader takes it; files and archives beyond
//! 4 GiB in the 64-bit form (§4.3.14, §4.5.3).

use jiff::civil::DateTime;

const LOCAL: u32 = 0x0403_4b50;
const CENTRAL: u32 = 0x0201_4b50;
const END: u32 = 0x0605_4b50;
const END_64: u32 = 0x0606_4b50;
const LOCATOR_64: u32 = 0x0706_4b50;
/// Version needed: 2.0, or 4.5 for the 64-bit form.
const PLAIN: u16 = 20;
const LARGE: u16 = 45;
/// What stands where a number is in the 64-bit field instead.
const ELSEWHERE_32: u32 = u32::MAX;
const ELSEWHERE_16: u16 = u16::MAX;
/// Tag of the 64-bit field.
const EXTRA_64: u16 = 1;
/// Names are UTF-8.
const UTF8: u16 = 1 << 11;

#[derive(Debug)]
struct Listed {
    name: String,
    size: u64,
    crc: u32,
    at: u64,
}

/// An archive in the making: what has been written is counted, not kept.
#[derive(Debug)]
pub(super) struct Zip {
    listed: Vec<Listed>,
    at: u64,
    time: u16,
    date: u16,
}

impl Zip {
    /// Every file bears this time.
    pub(super) fn new(made: DateTime) -> Self {
        let year = u16::try_from(made.year()).unwrap_or(1980);
        let part = |n: i8| u16::try_from(n).unwrap_or(0);
        Self {
            listed: Vec::new(),
            at: 0,
            // Two seconds to a step.
            time: (part(made.hour()) << 11)
                | (part(made.minute()) << 5)
                | (part(made.second()) / 2),
            date: (year.saturating_sub(1980).min(127) << 9)
                | (part(made.month()) << 5)
                | part(made.day()),
        }
    }

    /// The head of a file, after which exactly `size` bytes follow.
    pub(super) fn begin(&mut self, name: &str, size: u64, crc: u32) -> Vec<u8> {
        let large = size >= u64::from(ELSEWHERE_32);
        let mut out = Vec::with_capacity(64 + name.len());
        put32(&mut out, LOCAL);
        put16(&mut out, if large { LARGE } else { PLAIN });
        self.common(&mut out, crc, size, large);
        put16(&mut out, length(name));
        put16(&mut out, if large { 20 } else { 0 });
        out.extend_from_slice(name.as_bytes());
        if large {
            put16(&mut out, EXTRA_64);
            put16(&mut out, 16);
            put64(&mut out, size);
            put64(&mut out, size);
        }
        self.listed.push(Listed {
            name: name.to_owned(),
            size,
            crc,
            at: self.at,
        });
        self.at += out.len() as u64 + size;
        out
    }

    /// What local and central head have in common: flags to sizes.
    fn common(&self, out: &mut Vec<u8>, crc: u32, size: u64, large: bool) {
        put16(out, UTF8);
        put16(out, 0);
        put16(out, self.time);
        put16(out, self.date);
        put32(out, crc);
        let size = if large { ELSEWHERE_32 } else { low(size) };
        put32(out, size);
        put32(out, size);
    }

    /// The list of files and the end.
    pub(super) fn end(self) -> Vec<u8> {
        let mut out = Vec::new();
        for file in &self.listed {
            let large = file.size >= u64::from(ELSEWHERE_32);
            let far = file.at >= u64::from(ELSEWHERE_32);
            let extra = u16::from(large) * 16 + u16::from(far) * 8;
            put32(&mut out, CENTRAL);
            put16(&mut out, LARGE);
            put16(&mut out, if extra > 0 { LARGE } else { PLAIN });
            self.common(&mut out, file.crc, file.size, large);
            put16(&mut out, length(&file.name));
            put16(&mut out, if extra > 0 { extra + 4 } else { 0 });
            for _ in 0..3 {
                put16(&mut out, 0); // comment, disk, internal attributes
            }
            put32(&mut out, 0);
            put32(&mut out, if far { ELSEWHERE_32 } else { low(file.at) });
            out.extend_from_slice(file.name.as_bytes());
            if extra > 0 {
                put16(&mut out, EXTRA_64);
                put16(&mut out, extra);
                if large {
                    put64(&mut out, file.size);
                    put64(&mut out, file.size);
                }
                if far {
                    put64(&mut out, file.at);
                }
            }
        }
        let (count, size) = (self.listed.len() as u64, out.len() as u64);
        let large = count >= u64::from(ELSEWHERE_16)
            || size >= u64::from(ELSEWHERE_32)
            || self.at >= u64::from(ELSEWHERE_32);
        if large {
            put32(&mut out, END_64);
            put64(&mut out, 44);
            put16(&mut out, LARGE);
            put16(&mut out, LARGE);
            put32(&mut out, 0);
            put32(&mut out, 0);
            put64(&mut out, count);
            put64(&mut out, count);
            put64(&mut out, size);
            put64(&mut out, self.at);
            put32(&mut out, LOCATOR_64);
            put32(&mut out, 0);
            put64(&mut out, self.at + size);
            put32(&mut out, 1);
        }
        put32(&mut out, END);
        put16(&mut out, 0);
        put16(&mut out, 0);
        let few = u16::try_from(count).unwrap_or(ELSEWHERE_16);
        put16(&mut out, few);
        put16(&mut out, few);
        put32(&mut out, low(size));
        put32(&mut out, low(self.at));
        put16(&mut out, 0);
        out
    }
}

fn low(n: u64) -> u32 {
    u32::try_from(n).unwrap_or(ELSEWHERE_32)
}

fn length(name: &str) -> u16 {
    u16::try_from(name.len()).unwrap_or(ELSEWHERE_16)
}

fn put16(out: &mut Vec<u8>, n: u16) {
    out.extend_from_slice(&n.to_le_bytes());
}
fn put32(out: &mut Vec<u8>, n: u32) {
    out.extend_from_slice(&n.to_le_bytes());
}
fn put64(out: &mut Vec<u8>, n: u64) {
    out.extend_from_slice(&n.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zip() -> Zip {
        Zip::new("2026-11-22T18:30:20".parse().unwrap())
    }

    #[test]
    fn a_small_archive_is_what_the_note_says() {
        let mut z = zip();
        let mut out = z.begin("A.TXT", 2, 0x1234_5678);
        out.extend_from_slice(b"hi");
        let directory = out.len();
        out.extend(z.end());
        assert_eq!(&out[..4], b"PK\x03\x04");
        assert_eq!(&out[30..37], b"A.TXThi");
        assert_eq!(&out[directory..directory + 4], b"PK\x01\x02");
        let end = &out[out.len() - 22..];
        assert_eq!(&end[..4], b"PK\x05\x06");
        assert_eq!(
            u32::from_le_bytes(end[16..20].try_into().unwrap()) as usize,
            directory
        );
        // 2026-11-22, 18:30:20
        assert_eq!(
            u16::from_le_bytes(out[12..14].try_into().unwrap()),
            46 << 9 | 11 << 5 | 22
        );
        assert_eq!(
            u16::from_le_bytes(out[10..12].try_into().unwrap()),
            18 << 11 | 30 << 5 | 10
        );
    }

    #[test]
    fn what_lies_beyond_four_gibibytes_is_listed_in_64_bits() {
        let mut z = zip();
        let five = 5u64 << 30;
        let first = z.begin("BIG", five, 1);
        assert_eq!(u16::from_le_bytes(first[28..30].try_into().unwrap()), 20);
        let second_at = first.len() as u64 + five;
        z.begin("FAR", 1, 2);
        let end = z.end();
        // The 64-bit field of the second file holds its place alone.
        let at = end.windows(8).any(|w| w == second_at.to_le_bytes());
        assert!(at);
        assert!(end.windows(4).any(|w| w == END_64.to_le_bytes()));
        assert!(end.windows(4).any(|w| w == LOCATOR_64.to_le_bytes()));
    }
}
