//! Huffman codes and the bits of a scan (ISO 10918-1 Annexes C and F).

use super::damaged;
use crate::error::ImagingError;

/// How many bits are looked up at once.
const AHEAD: u32 = 9;

/// A Huffman table.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    /// By the next nine bits: length of the code (0 if it is longer) and value.
    quick: Vec<(u8, u8)>,
    /// By length: the largest code, one past it as a left-aligned 16-bit number.
    end: [u32; 17],
    /// By length: what to add to a code to find its value's place.
    shift: [i32; 17],
    values: Vec<u8>,
}

impl Table {
    pub fn new(counts: &[u8], values: &[u8]) -> Option<Table> {
        let mut table = Table {
            quick: vec![(0, 0); 1 << AHEAD],
            end: [0; 17],
            shift: [0; 17],
            values: values.to_vec(),
        };
        let (mut code, mut place) = (0_u32, 0_usize);
        for length in 1..=16_u32 {
            let count = u32::from(*counts.get(length as usize - 1)?);
            table.shift[length as usize] = place as i32 - code as i32;
            for _ in 0..count {
                if code >= 1 << length {
                    return None;
                }
                if length <= AHEAD {
                    let from = (code << (AHEAD - length)) as usize;
                    let value = *values.get(place)?;
                    table.quick[from..from + (1 << (AHEAD - length))].fill((length as u8, value));
                }
                code += 1;
                place += 1;
            }
            table.end[length as usize] = code << (16 - length);
            code <<= 1;
        }
        Some(table)
    }
}

/// Bits of entropy-coded data: stuffed zeros go, a marker ends them.
pub(crate) struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
    hold: u64,
    count: u32,
    /// Bits that were made up after the end.
    beyond: u32,
}

impl<'a> Bits<'a> {
    pub fn new(bytes: &'a [u8]) -> Bits<'a> {
        Bits {
            bytes,
            at: 0,
            hold: 0,
            count: 0,
            beyond: 0,
        }
    }

    fn fill(&mut self) {
        while self.count <= 48 {
            let byte = match (self.bytes.get(self.at), self.bytes.get(self.at + 1)) {
                (Some(0xff), Some(0)) => {
                    self.at += 2;
                    0xff
                }
                (Some(0xff), _) | (None, _) => {
                    self.beyond += 8;
                    0
                }
                (Some(byte), _) => {
                    self.at += 1;
                    *byte
                }
            };
            self.hold = (self.hold << 8) | u64::from(byte);
            self.count += 8;
        }
    }

    fn peek(&self, bits: u32) -> u32 {
        ((self.hold >> (self.count - bits)) & ((1 << bits) - 1)) as u32
    }

    /// The next bits as a number; at most sixteen.
    pub fn take(&mut self, bits: u32) -> Result<u32, ImagingError> {
        if bits == 0 {
            return Ok(0);
        }
        if self.count < bits {
            self.fill();
        }
        let value = self.peek(bits);
        self.count -= bits;
        // Some writers leave out the last bits; more than that is a stream that was cut.
        if self.beyond > self.count + 64 {
            return Err(damaged("cut code stream"));
        }
        Ok(value)
    }

    /// The next Huffman-coded value.
    pub fn symbol(&mut self, table: &Table) -> Result<u8, ImagingError> {
        if self.count < 16 {
            self.fill();
        }
        let (length, value) = table.quick[self.peek(AHEAD) as usize];
        if length > 0 {
            self.take(u32::from(length))?;
            return Ok(value);
        }
        let ahead = self.peek(16);
        for length in AHEAD + 1..=16 {
            if ahead < table.end[length as usize] {
                let code = self.take(length)?;
                let place = code as i32 + table.shift[length as usize];
                return usize::try_from(place)
                    .ok()
                    .and_then(|p| table.values.get(p).copied())
                    .ok_or_else(|| damaged("code"));
            }
        }
        Err(damaged("code"))
    }

    /// A number of a category: `bits` more bits, small ones negative (F.2.2.1).
    pub fn signed(&mut self, bits: u32) -> Result<i32, ImagingError> {
        if bits == 0 {
            return Ok(0);
        }
        let value = self.take(bits)? as i32;
        Ok(if value < 1 << (bits - 1) {
            value - (1 << bits) + 1
        } else {
            value
        })
    }

    /// Passes over a restart marker.
    pub fn restart(&mut self) -> Result<(), ImagingError> {
        (self.hold, self.count, self.beyond) = (0, 0, 0);
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let step = rest
            .windows(2)
            .position(|w| w[0] == 0xff && matches!(w[1], 0xd0..=0xd7))
            .ok_or_else(|| damaged("restart marker"))?;
        self.at += step + 2;
        Ok(())
    }

    /// Where the next marker begins.
    pub fn end(&self) -> usize {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let step = rest
            .windows(2)
            .position(|w| w[0] == 0xff && !matches!(w[1], 0 | 0xd0..=0xd7 | 0xff));
        self.at + step.unwrap_or(rest.len())
    }
}
