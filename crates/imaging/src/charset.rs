//! Character repertoires (PS3.5 §6.1, PS3.3 C.12.1.1.2): bytes of text to Unicode and back.
//!
//! A byte that the declared repertoires cannot explain is written as `\nnn`, octal, as PS3.5 §6.1.2.3 recommends: what
//! was sent stays visible, and two different names never become equal.

mod iso2022;

use encoding_rs::{DecoderResult, Encoding};
use iso2022::{Register, decode_extended};

/// How text is to be cut into values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// Not: a backslash is a character (ST, LT, UT).
    Whole,
    /// At each backslash.
    Values,
    /// At each backslash; code extensions also end at `^` and `=` (PN).
    Names,
}

/// What (0008,0005) declares.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Charset {
    kind: Kind,
    /// The declared terms, for writing them back.
    terms: Vec<String>,
    /// A declared term is not known here.
    unknown: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
enum Kind {
    /// ISO IR 6 only.
    #[default]
    Ascii,
    /// One repertoire without code extensions.
    One(Single),
    /// Code extensions: what G0 and G1 hold at the beginning.
    Extended { g0: Register, g1: Option<Register> },
}

/// A repertoire that needs no escapes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Single {
    /// One byte a character, the upper half as that of an encoding.
    Latin1,
    Encoding(&'static Encoding),
}

impl Charset {
    /// From the values of Specific Character Set. Unknown terms are noted, see [`Charset::is_unknown`].
    pub fn of<S: AsRef<str>>(terms: &[S]) -> Charset {
        let terms: Vec<String> = terms.iter().map(|t| t.as_ref().trim().to_owned()).collect();
        let first = terms.first().map_or("", String::as_str);
        let mut unknown = false;
        let kind = if terms.len() > 1 || first.starts_with("ISO 2022") {
            unknown = terms.iter().any(|t| !iso2022::is_known(t));
            Kind::Extended {
                g0: iso2022::first_g0(first),
                g1: iso2022::first_g1(first),
            }
        } else {
            match single(first) {
                Ok(kind) => kind,
                Err(()) => {
                    unknown = true;
                    Kind::Ascii
                }
            }
        };
        Charset {
            kind,
            terms,
            unknown,
        }
    }

    /// UTF-8 (`ISO_IR 192`), what is written here.
    pub fn utf8() -> Charset {
        Charset::of(&["ISO_IR 192"])
    }

    /// Whether a declared term is none that is known.
    pub fn is_unknown(&self) -> bool {
        self.unknown
    }

    /// The declared terms as values of (0008,0005).
    pub fn terms(&self) -> &[String] {
        &self.terms
    }

    /// The text of the bytes in values, and whether every byte was explained.
    pub fn decode(&self, bytes: &[u8], cut: Cut) -> (Vec<String>, bool) {
        let mut sink = Sink::new(cut);
        if bytes.iter().all(|b| *b < 0x80 && *b != 0x1b) && self.is_ascii_below() {
            sink.text(std::str::from_utf8(bytes).unwrap_or_default());
            return sink.end();
        }
        match &self.kind {
            Kind::Ascii => ascii(bytes, &mut sink),
            Kind::One(Single::Latin1) => latin1(bytes, &mut sink),
            Kind::One(Single::Encoding(encoding)) => decode_with(encoding, bytes, &mut sink),
            Kind::Extended { g0, g1 } => {
                decode_extended(bytes, *g0, *g1, cut == Cut::Names, &mut sink)
            }
        }
        sink.end()
    }

    /// The bytes of a text, or nothing where the repertoire cannot say it (or needs code extensions, which are not written).
    pub fn encode(&self, text: &str) -> Option<Vec<u8>> {
        if text.is_ascii() {
            return Some(text.as_bytes().to_vec());
        }
        match &self.kind {
            Kind::One(Single::Latin1) => text
                .chars()
                .map(|c| u8::try_from(u32::from(c)).ok())
                .collect(),
            Kind::One(Single::Encoding(encoding)) => {
                let mut encoder = encoding.new_encoder();
                let most = encoder.max_buffer_length_from_utf8_if_no_unmappables(text.len())?;
                let mut out = vec![0; most + 16];
                let (result, read, written) =
                    encoder.encode_from_utf8_without_replacement(text, &mut out, true);
                (result == encoding_rs::EncoderResult::InputEmpty && read == text.len()).then(
                    || {
                        out.truncate(written);
                        out
                    },
                )
            }
            Kind::Ascii | Kind::Extended { .. } => None,
        }
    }

    fn is_ascii_below(&self) -> bool {
        !matches!(self.kind, Kind::Extended { g0, .. } if g0.is_multi())
    }
}

fn single(term: &str) -> Result<Kind, ()> {
    Ok(Kind::One(Single::Encoding(match term {
        "" | "ISO_IR 6" | "ISO 2022 IR 6" | "ISO_IR_6" => return Ok(Kind::Ascii),
        "ISO_IR 100" => return Ok(Kind::One(Single::Latin1)),
        "ISO_IR 101" => encoding_rs::ISO_8859_2,
        "ISO_IR 109" => encoding_rs::ISO_8859_3,
        "ISO_IR 110" => encoding_rs::ISO_8859_4,
        "ISO_IR 144" => encoding_rs::ISO_8859_5,
        "ISO_IR 127" => encoding_rs::ISO_8859_6,
        "ISO_IR 126" => encoding_rs::ISO_8859_7,
        "ISO_IR 138" => encoding_rs::ISO_8859_8,
        "ISO_IR 148" => encoding_rs::WINDOWS_1254,
        "ISO_IR 203" => encoding_rs::ISO_8859_15,
        "ISO_IR 13" => encoding_rs::SHIFT_JIS,
        "ISO_IR 166" => encoding_rs::WINDOWS_874,
        "ISO_IR 192" => encoding_rs::UTF_8,
        "GB18030" => encoding_rs::GB18030,
        "GBK" => encoding_rs::GBK,
        _ => return Err(()),
    })))
}

/// Takes text and unexplained bytes, gives values.
pub(crate) struct Sink {
    cut: Cut,
    values: Vec<String>,
    now: String,
    explained: bool,
}

impl Sink {
    fn new(cut: Cut) -> Sink {
        Sink {
            cut,
            values: Vec::new(),
            now: String::new(),
            explained: true,
        }
    }

    pub(crate) fn text(&mut self, text: &str) {
        if self.cut == Cut::Whole {
            self.now.push_str(text);
            return;
        }
        let mut parts = text.split('\\');
        self.now.push_str(parts.next().unwrap_or_default());
        for part in parts {
            self.values.push(std::mem::take(&mut self.now));
            self.now.push_str(part);
        }
    }

    pub(crate) fn octal(&mut self, byte: u8) {
        self.explained = false;
        self.now.push('\\');
        for shift in [6, 3, 0] {
            self.now.push(char::from(b'0' + ((byte >> shift) & 7)));
        }
    }

    fn end(mut self) -> (Vec<String>, bool) {
        self.values.push(self.now);
        (self.values, self.explained)
    }
}

fn ascii(bytes: &[u8], sink: &mut Sink) {
    for chunk in bytes.chunk_by(|a, b| a.is_ascii() == b.is_ascii()) {
        match std::str::from_utf8(chunk) {
            Ok(text) if text.is_ascii() => sink.text(text),
            _ => chunk.iter().for_each(|b| sink.octal(*b)),
        }
    }
}

fn latin1(bytes: &[u8], sink: &mut Sink) {
    let mut buffer = [0; 4];
    for byte in bytes {
        if (0x80..0xa0).contains(byte) {
            sink.octal(*byte);
        } else {
            sink.text(char::from(*byte).encode_utf8(&mut buffer));
        }
    }
}

/// Decodes with one encoding; what is malformed is written octal.
pub(crate) fn decode_with(encoding: &'static Encoding, bytes: &[u8], sink: &mut Sink) {
    let mut decoder = encoding.new_decoder_without_bom_handling();
    let mut at = 0;
    let mut out = String::with_capacity(bytes.len() * 3 + 16);
    loop {
        let (result, read) =
            decoder.decode_to_string_without_replacement(&bytes[at..], &mut out, true);
        at += read;
        sink.text(&out);
        out.clear();
        match result {
            DecoderResult::InputEmpty => return,
            DecoderResult::OutputFull => {
                if read == 0 {
                    return;
                }
            }
            DecoderResult::Malformed(length, extra) => {
                let end = at.saturating_sub(usize::from(extra));
                let start = end.saturating_sub(usize::from(length));
                bytes[start..end].iter().for_each(|b| sink.octal(*b));
                decoder = encoding.new_decoder_without_bom_handling();
                at = end.max(at.saturating_sub(usize::from(extra)));
                if at >= bytes.len() {
                    return;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
