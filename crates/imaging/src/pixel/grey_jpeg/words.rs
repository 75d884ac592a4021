//! Coefficients as Huffman codes (T.81 F.1.2) of the tables that annex K gives for luminance.

use super::ZIGZAG;

/// How many codes there are of each length from 1 to 16, and what they stand for (tables K.3 and K.5).
pub(super) const DC_LENGTHS: [u8; 16] = [0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0];
pub(super) const DC_VALUES: [u8; 12] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];
pub(super) const AC_LENGTHS: [u8; 16] = [0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 0x7d];
pub(super) const AC_VALUES: [u8; 162] = [
    0x01, 0x02, 0x03, 0x00, 0x04, 0x11, 0x05, 0x12, 0x21, 0x31, 0x41, 0x06, 0x13, 0x51, 0x61, 0x07,
    0x22, 0x71, 0x14, 0x32, 0x81, 0x91, 0xa1, 0x08, 0x23, 0x42, 0xb1, 0xc1, 0x15, 0x52, 0xd1, 0xf0,
    0x24, 0x33, 0x62, 0x72, 0x82, 0x09, 0x0a, 0x16, 0x17, 0x18, 0x19, 0x1a, 0x25, 0x26, 0x27, 0x28,
    0x29, 0x2a, 0x34, 0x35, 0x36, 0x37, 0x38, 0x39, 0x3a, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49,
    0x4a, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59, 0x5a, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69,
    0x6a, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7a, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89,
    0x8a, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9a, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7,
    0xa8, 0xa9, 0xaa, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6, 0xb7, 0xb8, 0xb9, 0xba, 0xc2, 0xc3, 0xc4, 0xc5,
    0xc6, 0xc7, 0xc8, 0xc9, 0xca, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xd9, 0xda, 0xe1, 0xe2,
    0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9, 0xea, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8,
    0xf9, 0xfa,
];

/// Some bits, the last ones of `bits`.
#[derive(Clone, Copy)]
struct Word {
    bits: u32,
    length: u32,
}

impl Word {
    const NONE: Self = Self { bits: 0, length: 0 };

    /// The code of a category, then the value within it (F.1.2.1.1).
    const fn of(code: Self, value: i32) -> Self {
        let length = category(value);
        let low = if value < 0 { value - 1 } else { value } as u32 & ((1 << length) - 1);
        Self {
            bits: code.bits << length | low,
            length: code.length + length,
        }
    }
}

/// How many bits a value takes.
const fn category(value: i32) -> u32 {
    32 - value.unsigned_abs().leading_zeros()
}

/// Codes by what they stand for (annex C).
const fn codes<const N: usize>(lengths: &[u8; 16], values: &[u8; N]) -> [Word; 256] {
    let mut codes = [Word::NONE; 256];
    let (mut bits, mut at, mut length) = (0, 0, 0);
    while length < 16 {
        let mut n = 0;
        while n < lengths[length] {
            codes[values[at] as usize] = Word {
                bits,
                length: length as u32 + 1,
            };
            bits += 1;
            at += 1;
            n += 1;
        }
        bits <<= 1;
        length += 1;
    }
    codes
}

const DC: [Word; 256] = codes(&DC_LENGTHS, &DC_VALUES);
static AC: [Word; 256] = codes(&AC_LENGTHS, &AC_VALUES);
/// Sixteen zeros, and nothing but zeros to the end.
const ZEROS: usize = 0xf0;
const END: usize = 0;

/// Values from `-SMALL` to `SMALL - 1`.
const SMALL: i32 = 64;
/// Small values after up to fifteen zeros: five bits of length below the bits.
static SHORT: [[u32; 2 * SMALL as usize]; 16] = short();

const fn short() -> [[u32; 2 * SMALL as usize]; 16] {
    let codes = codes(&AC_LENGTHS, &AC_VALUES);
    let mut all = [[0; 2 * SMALL as usize]; 16];
    let mut run = 0;
    while run < 16 {
        let mut value = -SMALL;
        while value < SMALL {
            if value != 0 {
                let code = codes[run << 4 | category(value) as usize];
                let word = Word::of(code, value);
                all[run][(value + SMALL) as usize] = word.bits << 5 | word.length;
            }
            value += 1;
        }
        run += 1;
    }
    all
}

/// Which places in the order of writing the bits of a row of the block are.
static PLACES: [[u64; 256]; 8] = places();

const fn places() -> [[u64; 256]; 8] {
    let mut place = [0; 64];
    let mut at = 0;
    while at < 64 {
        place[ZIGZAG[at] as usize] = at;
        at += 1;
    }
    let mut all = [[0; 256]; 8];
    let mut row = 0;
    while row < 8 {
        let mut bits = 0;
        while bits < 256 {
            let mut column = 0;
            while column < 8 {
                if bits >> column & 1 == 1 {
                    all[row][bits] |= 1 << place[row * 8 + column];
                }
                column += 1;
            }
            bits += 1;
        }
        row += 1;
    }
    all
}

/// Bits on their way into bytes.
pub(super) struct Words {
    out: Vec<u8>,
    /// The last `waiting` bits wait; fewer than 32 between calls.
    bits: u64,
    waiting: u32,
}

impl Words {
    /// Goes on behind these bytes.
    pub fn after(out: Vec<u8>) -> Self {
        Self {
            out,
            bits: 0,
            waiting: 0,
        }
    }

    #[inline(always)]
    fn put(&mut self, word: Word) {
        self.bits = self.bits << word.length | u64::from(word.bits);
        self.waiting += word.length;
        if self.waiting >= 32 {
            self.waiting -= 32;
            self.bytes((self.bits >> self.waiting) as u32);
        }
    }

    #[inline(always)]
    fn bytes(&mut self, word: u32) {
        // No byte of ones among them: those are followed by a zero (B.1.1.5).
        if word & 0x8080_8080 & !word.wrapping_add(0x0101_0101) == 0 {
            self.out.extend_from_slice(&word.to_be_bytes());
        } else {
            self.stuffed(&word.to_be_bytes());
        }
    }

    #[cold]
    fn stuffed(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.out.push(*byte);
            if *byte == 0xff {
                self.out.push(0);
            }
        }
    }

    /// A block, by its coefficients in rows and the first one of the block before.
    #[inline(always)]
    pub fn block(&mut self, coefficients: &[i16; 64], before: i16) {
        let step = i32::from(coefficients[0]) - i32::from(before);
        self.put(Word::of(DC[category(step) as usize & 15], step));
        let (mut left, mut last) = (others(coefficients), 0);
        while left != 0 {
            let at = left.trailing_zeros();
            left &= left - 1;
            let mut run = (at - last - 1) as usize;
            last = at;
            while run > 15 {
                self.put(AC[ZEROS]);
                run -= 16;
            }
            let place = usize::from(ZIGZAG[at as usize & 63]) & 63;
            let value = i32::from(coefficients[place]);
            let short = SHORT[run & 15].get(value.wrapping_add(SMALL) as usize);
            self.put(match short {
                Some(word) => Word {
                    bits: word >> 5,
                    length: word & 31,
                },
                None => Word::of(AC[(run << 4 | category(value) as usize) & 255], value),
            });
        }
        if last < 63 {
            self.put(AC[END]);
        }
    }

    /// The bytes, filled up with ones (F.1.2.3).
    pub fn end(mut self) -> Vec<u8> {
        let more = self.waiting.next_multiple_of(8) - self.waiting;
        let bits = (self.bits << more) as u32 | ((1 << more) - 1);
        let count = (self.waiting + more) / 8;
        let bytes = bits.to_be_bytes();
        self.stuffed(&bytes[4 - count as usize..]);
        self.out
    }
}

/// The places of all coefficients but the first that are not zero, in the order of writing.
#[inline(always)]
fn others(coefficients: &[i16; 64]) -> u64 {
    let mut there = [0_u8; 64];
    for (there, value) in there.iter_mut().zip(coefficients) {
        *there = u8::from(*value != 0);
    }
    let mut all = 0;
    for (row, there) in there.as_chunks::<8>().0.iter().enumerate() {
        // The lowest bits of eight bytes, side by side.
        let bits = u64::from_le_bytes(*there).wrapping_mul(0x0102_0408_1020_4080) >> 56;
        all |= PLACES[row & 7][bits as usize & 255];
    }
    all & !1
}
