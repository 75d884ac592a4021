//! Code extensions after ISO 2022 (PS3.5 §6.1.2.4 and 6.1.2.5).

use encoding_rs::Encoding;

use super::Sink;

/// What a code element (G0, below 0x80; G1, above) may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Register {
    Ascii,
    /// JIS X 0201 romaji.
    Romaji,
    /// JIS X 0201 half-width katakana.
    Katakana,
    /// JIS X 0208, two bytes.
    Kanji,
    /// JIS X 0212, two bytes.
    KanjiMore,
    /// KS X 1001, two bytes.
    Korean,
    /// GB 2312, two bytes.
    Chinese,
    Latin1,
    /// The upper half of an encoding of one byte a character.
    Upper(&'static Encoding),
}

impl Register {
    pub fn is_multi(self) -> bool {
        matches!(
            self,
            Register::Kanji | Register::KanjiMore | Register::Korean | Register::Chinese
        )
    }
}

/// What a defined term designates, by its number in the register.
fn registers(term: &str) -> Option<(Register, Option<Register>)> {
    use Register::{Ascii, Chinese, Kanji, KanjiMore, Katakana, Korean, Latin1, Romaji, Upper};
    let number = term
        .strip_prefix("ISO 2022 IR ")
        .or_else(|| term.strip_prefix("ISO_IR "))
        .unwrap_or(term);
    Some(match number {
        "" | "6" => (Ascii, None),
        "100" => (Ascii, Some(Latin1)),
        "101" => (Ascii, Some(Upper(encoding_rs::ISO_8859_2))),
        "109" => (Ascii, Some(Upper(encoding_rs::ISO_8859_3))),
        "110" => (Ascii, Some(Upper(encoding_rs::ISO_8859_4))),
        "144" => (Ascii, Some(Upper(encoding_rs::ISO_8859_5))),
        "127" => (Ascii, Some(Upper(encoding_rs::ISO_8859_6))),
        "126" => (Ascii, Some(Upper(encoding_rs::ISO_8859_7))),
        "138" => (Ascii, Some(Upper(encoding_rs::ISO_8859_8))),
        "148" => (Ascii, Some(Upper(encoding_rs::WINDOWS_1254))),
        "203" => (Ascii, Some(Upper(encoding_rs::ISO_8859_15))),
        "166" => (Ascii, Some(Upper(encoding_rs::WINDOWS_874))),
        "13" => (Romaji, Some(Katakana)),
        "87" => (Kanji, None),
        "159" => (KanjiMore, None),
        "149" => (Ascii, Some(Korean)),
        "58" => (Ascii, Some(Chinese)),
        _ => return None,
    })
}

pub fn is_known(term: &str) -> bool {
    registers(term).is_some()
}

/// G0 at the beginning of a value. A repertoire of two bytes is never there before its escape.
pub fn first_g0(term: &str) -> Register {
    match registers(term) {
        Some((Register::Romaji, _)) => Register::Romaji,
        _ => Register::Ascii,
    }
}

/// G1 at the beginning of a value.
pub fn first_g1(term: &str) -> Option<Register> {
    registers(term).and_then(|(_, g1)| g1)
}

/// The escape at the head of `bytes`: whether it sets G1, what, and its length.
fn escape(bytes: &[u8]) -> Option<(bool, Register, usize)> {
    use Register::{Ascii, Chinese, Kanji, KanjiMore, Katakana, Korean, Latin1, Romaji, Upper};
    Some(match bytes {
        [0x1b, b'(', b'B', ..] => (false, Ascii, 3),
        [0x1b, b'(', b'J', ..] => (false, Romaji, 3),
        [0x1b, b')', b'I', ..] => (true, Katakana, 3),
        [0x1b, b'$', b'B' | b'@', ..] => (false, Kanji, 3),
        [0x1b, b'$', b'(', b'D', ..] => (false, KanjiMore, 4),
        [0x1b, b'$', b')', b'C', ..] => (true, Korean, 4),
        [0x1b, b'$', b')', b'A', ..] => (true, Chinese, 4),
        [0x1b, b'-', b'A', ..] => (true, Latin1, 3),
        [0x1b, b'-', b'B', ..] => (true, Upper(encoding_rs::ISO_8859_2), 3),
        [0x1b, b'-', b'C', ..] => (true, Upper(encoding_rs::ISO_8859_3), 3),
        [0x1b, b'-', b'D', ..] => (true, Upper(encoding_rs::ISO_8859_4), 3),
        [0x1b, b'-', b'L', ..] => (true, Upper(encoding_rs::ISO_8859_5), 3),
        [0x1b, b'-', b'G', ..] => (true, Upper(encoding_rs::ISO_8859_6), 3),
        [0x1b, b'-', b'F', ..] => (true, Upper(encoding_rs::ISO_8859_7), 3),
        [0x1b, b'-', b'H', ..] => (true, Upper(encoding_rs::ISO_8859_8), 3),
        [0x1b, b'-', b'M', ..] => (true, Upper(encoding_rs::WINDOWS_1254), 3),
        [0x1b, b'-', b'b', ..] => (true, Upper(encoding_rs::ISO_8859_15), 3),
        [0x1b, b'-', b'T', ..] => (true, Upper(encoding_rs::WINDOWS_874), 3),
        _ => return None,
    })
}

/// Decodes text with code extensions. The registers go back to those of the beginning at each delimiter.
pub fn decode_extended(
    bytes: &[u8],
    g0: Register,
    g1: Option<Register>,
    names: bool,
    sink: &mut Sink,
) {
    let (mut low, mut high) = (g0, g1);
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if let Some((is_high, register, length)) = escape(&bytes[at..]) {
            if is_high {
                high = Some(register);
            } else {
                low = register;
            }
            at += length;
            continue;
        }
        let control = byte < 0x20;
        // In a two-byte G0 the delimiters' codes are halves of characters, but for those that end a line.
        let delimiter = control && byte != 0x1b
            || !low.is_multi() && (byte == b'\\' || names && matches!(byte, b'^' | b'='));
        if delimiter {
            (low, high) = (g0, g1);
        }
        let register = if byte < 0x80 { Some(low) } else { high };
        let pair = bytes.get(at + 1).copied();
        at += match register {
            _ if control || byte == b' ' => ascii(byte, sink),
            Some(register) => character(register, byte, pair, sink),
            None => {
                sink.octal(byte);
                1
            }
        };
    }
}

fn ascii(byte: u8, sink: &mut Sink) -> usize {
    if byte == 0x1b {
        sink.octal(byte);
    } else {
        sink.text(char::from(byte).encode_utf8(&mut [0; 4]));
    }
    1
}

/// Writes one character, says how many bytes it took.
fn character(register: Register, byte: u8, pair: Option<u8>, sink: &mut Sink) -> usize {
    let high = |b: u8| b | 0x80;
    let (text, length) = match register {
        Register::Ascii => return ascii(byte, sink),
        Register::Romaji => match byte {
            // The value delimiter keeps its meaning; the overline does not occur in names.
            0x7e => (Some("\u{203e}".to_owned()), 1),
            _ => return ascii(byte, sink),
        },
        Register::Latin1 => ((byte >= 0xa0).then(|| char::from(byte).to_string()), 1),
        Register::Katakana => (decode(encoding_rs::SHIFT_JIS, &[byte]), 1),
        Register::Upper(encoding) => (
            (byte >= 0xa0).then(|| decode(encoding, &[byte])).flatten(),
            1,
        ),
        Register::Kanji | Register::KanjiMore | Register::Korean | Register::Chinese => {
            let Some(second) = pair else {
                sink.octal(byte);
                return 1;
            };
            let two = [high(byte), high(second)];
            let text = match register {
                Register::Kanji => decode(encoding_rs::EUC_JP, &two),
                Register::KanjiMore => decode(encoding_rs::EUC_JP, &[0x8f, two[0], two[1]]),
                Register::Korean => decode(encoding_rs::EUC_KR, &two),
                _ => decode(encoding_rs::GBK, &two),
            };
            (text, 2)
        }
    };
    match (text, pair) {
        (Some(text), _) => sink.text(&text),
        (None, Some(second)) if length == 2 => {
            sink.octal(byte);
            sink.octal(second);
        }
        (None, _) => sink.octal(byte),
    }
    length
}

fn decode(encoding: &'static Encoding, bytes: &[u8]) -> Option<String> {
    encoding
        .decode_without_bom_handling_and_without_replacement(bytes)
        .map(std::borrow::Cow::into_owned)
}
