//! A data set in memory: elements in the order of their tags, values as slices of the object's bytes.

use std::sync::Arc;

use bytes::Bytes;
use dicom_core::{Tag, VR};
use dicom_dictionary_std::tags;

use crate::charset::{Charset, Cut};
use crate::layout::Span;
use crate::name::PersonName;

/// The value of an element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Data {
    /// Values as PS3.5 §6.2 encodes them, numbers little endian.
    Bytes(Bytes),
    /// The items of a sequence.
    Items(Vec<Dataset>),
    /// Encapsulated pixel data: the offset table first, then fragments (PS3.5 A.4).
    Fragments(Vec<Bytes>),
    /// A large value of an object that was read where it lies ([`crate::Object::outline`]).
    Away(Box<Away>),
}

/// What was left where it lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Away {
    /// A value.
    Value {
        /// Where.
        span: Span,
        /// Its bytes, of a table that says where others are.
        held: Bytes,
    },
    /// Encapsulated pixel data.
    Fragments {
        /// The offset table.
        table: Bytes,
        /// The fragments behind it.
        fragments: Vec<Fragment>,
    },
}

/// A fragment of encapsulated pixel data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fragment {
    /// Where.
    pub span: Span,
    /// Whether it begins as a code stream begins.
    pub begins: bool,
}

/// One data element (PS3.5 §7.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Element {
    /// Its tag.
    pub tag: Tag,
    /// Its value representation.
    pub vr: VR,
    /// Its value.
    pub data: Data,
}

/// A data set or an item of a sequence.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dataset {
    elements: Vec<Element>,
    charset: Arc<Charset>,
}

impl Dataset {
    /// An empty data set whose text is UTF-8, as it says itself.
    pub fn new() -> Dataset {
        let mut new = Dataset {
            elements: Vec::new(),
            charset: Arc::new(Charset::utf8()),
        };
        new.put_text(tags::SPECIFIC_CHARACTER_SET, VR::CS, "ISO_IR 192");
        new
    }

    /// An empty item of a data set: it has its repertoire.
    pub fn item_of(parent: &Dataset) -> Dataset {
        Dataset {
            elements: Vec::new(),
            charset: parent.charset.clone(),
        }
    }

    pub(crate) fn from_parts(mut elements: Vec<Element>, charset: Arc<Charset>) -> Dataset {
        if !elements.is_sorted_by(|a, b| a.tag < b.tag) {
            elements.sort_by_key(|e| e.tag);
            elements.dedup_by_key(|e| e.tag);
        }
        Dataset { elements, charset }
    }

    /// What its text is written in.
    pub fn charset(&self) -> &Arc<Charset> {
        &self.charset
    }

    /// Its elements in the order of their tags.
    pub fn elements(&self) -> &[Element] {
        &self.elements
    }

    /// The element of a tag.
    pub fn get(&self, tag: Tag) -> Option<&Element> {
        let at = self.elements.binary_search_by_key(&tag, |e| e.tag).ok()?;
        self.elements.get(at)
    }

    /// The bytes of an element's value, if it has any.
    pub fn bytes(&self, tag: Tag) -> Option<&Bytes> {
        match &self.get(tag)?.data {
            Data::Bytes(bytes) if !bytes.is_empty() => Some(bytes),
            Data::Away(away) => match &**away {
                Away::Value { held, .. } if !held.is_empty() => Some(held),
                _ => None,
            },
            _ => None,
        }
    }

    /// The values of an element as text, padding off; none if it is absent or empty.
    pub fn texts(&self, tag: Tag) -> Vec<String> {
        let Some(element) = self.get(tag) else {
            return Vec::new();
        };
        let values = element.texts(&self.charset).0;
        if values.iter().all(String::is_empty) {
            Vec::new()
        } else {
            values
        }
    }

    /// The first value of an element as text, if it has one.
    pub fn text(&self, tag: Tag) -> Option<String> {
        self.texts(tag).into_iter().next().filter(|t| !t.is_empty())
    }

    /// The first value of an element of plain letters (UI, CS, DA, TM, DT …) without copying it.
    pub fn plain(&self, tag: Tag) -> Option<&str> {
        let text = std::str::from_utf8(self.bytes(tag)?).ok()?;
        let first = text.split('\\').next().unwrap_or_default();
        Some(first.trim_matches(['\0', ' '])).filter(|t| !t.is_empty())
    }

    /// The first value of an element that is a person's name.
    pub fn person(&self, tag: Tag) -> Option<PersonName> {
        self.text(tag).map(|t| PersonName::parse(&t))
    }

    /// The values of an element that are whole numbers.
    pub fn ints(&self, tag: Tag) -> Vec<i64> {
        self.get(tag).map_or_else(Vec::new, Element::ints)
    }

    /// The first value of an element as a whole number.
    pub fn int(&self, tag: Tag) -> Option<i64> {
        self.ints(tag).first().copied()
    }

    /// The values of an element that are numbers.
    pub fn floats(&self, tag: Tag) -> Vec<f64> {
        self.get(tag).map_or_else(Vec::new, Element::floats)
    }

    /// The first value of an element as a number.
    pub fn float(&self, tag: Tag) -> Option<f64> {
        self.floats(tag).first().copied()
    }

    /// The items of a sequence; none if it is absent.
    pub fn items(&self, tag: Tag) -> &[Dataset] {
        match self.get(tag).map(|e| &e.data) {
            Some(Data::Items(items)) => items,
            _ => &[],
        }
    }

    /// The first item of a sequence.
    pub fn item(&self, tag: Tag) -> Option<&Dataset> {
        self.items(tag).first()
    }

    /// Puts an element, in place of that of the same tag.
    pub fn put(&mut self, element: Element) {
        match self.elements.binary_search_by_key(&element.tag, |e| e.tag) {
            Ok(at) => self.elements[at] = element,
            Err(at) => self.elements.insert(at, element),
        }
    }

    /// Puts an element of text, written in the data set's repertoire. What the repertoire cannot say is written as `?`.
    pub fn put_text(&mut self, tag: Tag, vr: VR, text: &str) {
        let bytes = self.charset.encode(text).unwrap_or_else(|| {
            let plain: String = text
                .chars()
                .map(|c| if c.is_ascii() { c } else { '?' })
                .collect();
            plain.into_bytes()
        });
        let data = Data::Bytes(padded(bytes, vr));
        self.put(Element { tag, vr, data });
    }

    /// Puts a sequence.
    pub fn put_items(&mut self, tag: Tag, items: Vec<Dataset>) {
        let data = Data::Items(items);
        self.put(Element {
            tag,
            vr: VR::SQ,
            data,
        });
    }

    /// Puts one unsigned 16-bit number.
    pub fn put_u16(&mut self, tag: Tag, value: u16) {
        let data = Data::Bytes(Bytes::copy_from_slice(&value.to_le_bytes()));
        self.put(Element {
            tag,
            vr: VR::US,
            data,
        });
    }

    /// Takes an element out.
    pub fn remove(&mut self, tag: Tag) -> Option<Element> {
        let at = self.elements.binary_search_by_key(&tag, |e| e.tag).ok()?;
        Some(self.elements.remove(at))
    }

    /// Keeps the elements a rule wants, changed as it likes.
    pub fn retain_mut(&mut self, rule: impl FnMut(&mut Element) -> bool) {
        self.elements.retain_mut(rule);
    }

    /// Says that text is now written in another repertoire, and writes all text anew in it.
    pub(crate) fn rewrite_text(&mut self, charset: &Arc<Charset>) {
        let from = std::mem::replace(&mut self.charset, charset.clone());
        for element in &mut self.elements {
            match &mut element.data {
                Data::Items(items) => items.iter_mut().for_each(|i| i.rewrite_text(charset)),
                Data::Bytes(bytes)
                    if has_repertoire(element.vr)
                        && !bytes.iter().all(|b| b.is_ascii() && *b != 0x1b) =>
                {
                    let (values, _) = from.decode(bytes, cut_of(element.vr));
                    let text = values.join("\\");
                    let encoded = charset.encode(&text).unwrap_or_else(|| text.into_bytes());
                    *bytes = padded(encoded, element.vr);
                }
                _ => {}
            }
        }
    }
}

/// Bytes of even length (PS3.5 §6.2: UI and OB are padded with zero, text with a blank).
pub(crate) fn padded(mut bytes: Vec<u8>, vr: VR) -> Bytes {
    if bytes.len() % 2 == 1 {
        bytes.push(if matches!(vr, VR::UI | VR::OB | VR::UN) {
            0
        } else {
            b' '
        });
    }
    Bytes::from(bytes)
}

/// Whether (0008,0005) speaks of values of this representation (PS3.5 §6.1.2.2).
pub(crate) fn has_repertoire(vr: VR) -> bool {
    matches!(
        vr,
        VR::SH | VR::LO | VR::ST | VR::LT | VR::UC | VR::UT | VR::PN
    )
}

/// Whether values are written in letters.
pub(crate) fn is_text(vr: VR) -> bool {
    has_repertoire(vr)
        || matches!(
            vr,
            VR::AE | VR::AS | VR::CS | VR::DA | VR::DS | VR::DT | VR::IS | VR::TM | VR::UI | VR::UR
        )
}

pub(crate) fn cut_of(vr: VR) -> Cut {
    match vr {
        VR::ST | VR::LT | VR::UT | VR::UR => Cut::Whole,
        VR::PN => Cut::Names,
        _ => Cut::Values,
    }
}

impl Element {
    /// The values as text without padding, and whether every byte was explained by the repertoire.
    pub fn texts(&self, charset: &Charset) -> (Vec<String>, bool) {
        let Data::Bytes(bytes) = &self.data else {
            return (Vec::new(), true);
        };
        if bytes.is_empty() || !is_text(self.vr) {
            return (Vec::new(), true);
        }
        let ascii = Charset::default();
        let charset = if has_repertoire(self.vr) {
            charset
        } else {
            &ascii
        };
        let (mut values, explained) = charset.decode(bytes, cut_of(self.vr));
        for value in &mut values {
            let kept = match self.vr {
                // Leading blanks are part of a text.
                VR::ST | VR::LT | VR::UT | VR::UC | VR::UR => value.trim_end_matches([' ', '\0']),
                _ => value.trim_matches([' ', '\0']),
            };
            if kept.len() != value.len() {
                *value = kept.to_owned();
            }
        }
        (values, explained)
    }

    /// The values that are whole numbers, of binary representations, IS, and DS without a fraction.
    pub fn ints(&self) -> Vec<i64> {
        let Data::Bytes(bytes) = &self.data else {
            return Vec::new();
        };
        match self.vr {
            VR::US | VR::OW => words(bytes, |w: [u8; 2]| i64::from(u16::from_le_bytes(w))),
            VR::SS => words(bytes, |w: [u8; 2]| i64::from(i16::from_le_bytes(w))),
            VR::UL | VR::OL => words(bytes, |w: [u8; 4]| i64::from(u32::from_le_bytes(w))),
            VR::SL => words(bytes, |w: [u8; 4]| i64::from(i32::from_le_bytes(w))),
            VR::SV => words(bytes, i64::from_le_bytes),
            VR::UV | VR::OV => words(bytes, |w| {
                i64::try_from(u64::from_le_bytes(w)).unwrap_or(i64::MAX)
            }),
            VR::IS => numbers(bytes).filter_map(|t| t.parse().ok()).collect(),
            VR::DS => numbers(bytes)
                .filter_map(|t| t.parse::<f64>().ok())
                .filter(|f| f.fract() == 0.0 && f.abs() < 9e15)
                .map(|f| f as i64)
                .collect(),
            // Written without a representation that is known: Rows, Columns and their like are two bytes.
            VR::UN if bytes.len() == 2 => {
                words(bytes, |w: [u8; 2]| i64::from(u16::from_le_bytes(w)))
            }
            _ => Vec::new(),
        }
    }

    /// The values that are numbers.
    pub fn floats(&self) -> Vec<f64> {
        let Data::Bytes(bytes) = &self.data else {
            return Vec::new();
        };
        match self.vr {
            VR::FL | VR::OF => words(bytes, |w| f64::from(f32::from_le_bytes(w))),
            VR::FD | VR::OD => words(bytes, f64::from_le_bytes),
            VR::DS | VR::IS => numbers(bytes)
                .filter_map(|t| t.parse().ok())
                .filter(|f: &f64| f.is_finite())
                .collect(),
            _ => self.ints().into_iter().map(|i| i as f64).collect(),
        }
    }

    /// The values that are tags (AT).
    pub fn tags(&self) -> Vec<Tag> {
        let Data::Bytes(bytes) = &self.data else {
            return Vec::new();
        };
        words(bytes, |[a, b, c, d]: [u8; 4]| {
            Tag(u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d]))
        })
    }

    /// Whether it has no value.
    pub fn is_empty(&self) -> bool {
        match &self.data {
            Data::Bytes(bytes) => bytes.is_empty(),
            Data::Items(items) => items.is_empty(),
            Data::Fragments(fragments) => fragments.is_empty(),
            Data::Away(away) => match &**away {
                Away::Value { span, .. } => span.length == 0,
                // The table is one.
                Away::Fragments { .. } => false,
            },
        }
    }
}

fn numbers(bytes: &[u8]) -> impl Iterator<Item = &str> {
    let text = std::str::from_utf8(bytes).unwrap_or_default();
    text.split('\\').map(|t| t.trim_matches([' ', '\0']))
}

fn words<const N: usize, T>(bytes: &[u8], of: impl Fn([u8; N]) -> T) -> Vec<T> {
    bytes.as_chunks::<N>().0.iter().map(|w| of(*w)).collect()
}
