//! The directory of a file-set on media (DICOMDIR: PS3.3 Annex F, PS3.10 §8; PS3.11 Annex D, general purpose).
//!
//! Files keep the transfer syntax they were sent in, which the directory names file by file. A profile that wants explicit
//! VR little endian alone is met where the files are written so.

use bytes::Bytes;
use dicom_core::{Tag, VR};
use dicom_dictionary_std::tags;

use crate::dataset::{Data, Dataset, Element};
use crate::error::ImagingError;
use crate::file;
use crate::syntax;
use crate::write::write;

/// Media Storage Directory Storage.
const DIRECTORY_CLASS: &str = "1.2.840.10008.1.3.10";
/// Bytes before the value of a sequence, and before the content of an item, in explicit VR (PS3.5 §7.1.2, §7.5).
const SEQUENCE_HEAD: usize = 12;
const ITEM_HEAD: usize = 8;
/// The record is in use (PS3.3 F.3.2.2).
const IN_USE: u16 = 0xffff;

/// The name of a file in the file-set: components of at most eight capitals, digits and underscores (PS3.10 §8.2, §8.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileId(Vec<String>);

impl FileId {
    /// From at most eight components; none where one is not allowed.
    pub fn new<T: Into<String>>(components: impl IntoIterator<Item = T>) -> Option<FileId> {
        let all: Vec<String> = components.into_iter().map(Into::into).collect();
        let letter = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
        let good = |c: &String| (1..=8).contains(&c.len()) && c.bytes().all(letter);
        let fits = (1..=8).contains(&all.len()) && all.iter().all(good);
        fits.then_some(FileId(all))
    }

    /// As a path with slashes.
    pub fn path(&self) -> String {
        self.0.join("/")
    }
}

/// A record with what lies below it.
#[derive(Debug, Default)]
struct Node {
    key: String,
    record: Dataset,
    below: Vec<Node>,
}

impl Node {
    /// The node of this key below, made where there is none.
    fn below(&mut self, key: &str, make: impl FnOnce(usize) -> Dataset) -> &mut Node {
        let at = self.below.iter().position(|n| n.key == key);
        let at = at.unwrap_or_else(|| {
            let record = make(self.below.len() + 1);
            self.below.push(Node {
                key: key.to_owned(),
                record,
                below: Vec::new(),
            });
            self.below.len() - 1
        });
        &mut self.below[at]
    }
}

/// A directory in the making: patients, studies, series and the files of each.
#[derive(Debug, Default)]
pub struct Directory {
    root: Node,
}

impl Directory {
    /// Adds a file: its name, its transfer syntax, and its attributes, bulk data or not.
    ///
    /// # Errors
    /// [`ImagingError::Missing`] where it does not say what it is or where it belongs.
    pub fn add(
        &mut self,
        file: &FileId,
        transfer_syntax: &str,
        data: &Dataset,
    ) -> Result<(), ImagingError> {
        let uid = |tag| data.plain(tag).ok_or(ImagingError::Missing(tag));
        let class = uid(tags::SOP_CLASS_UID)?;
        let instance = uid(tags::SOP_INSTANCE_UID)?;
        let study = uid(tags::STUDY_INSTANCE_UID)?;
        let series = uid(tags::SERIES_INSTANCE_UID)?;
        let patient = data.text(tags::PATIENT_ID).unwrap_or_default();
        let patient = self
            .root
            .below(&patient, |_| record("PATIENT", data, PATIENT));
        let study = patient.below(study, |n| {
            let mut record = record("STUDY", data, STUDY);
            number(&mut record, tags::STUDY_ID, VR::SH, n);
            record
        });
        let series = study.below(series, |n| {
            let mut record = record("SERIES", data, SERIES);
            number(&mut record, tags::SERIES_NUMBER, VR::IS, n);
            record
        });
        let (kind, keys) = kind(class);
        let at = series.below.len() + 1;
        let mut of = record(kind, data, keys);
        number(&mut of, tags::INSTANCE_NUMBER, VR::IS, at);
        of.put_text(tags::REFERENCED_FILE_ID, VR::CS, &file.0.join("\\"));
        of.put_text(tags::REFERENCED_SOP_CLASS_UID_IN_FILE, VR::UI, class);
        of.put_text(tags::REFERENCED_SOP_INSTANCE_UID_IN_FILE, VR::UI, instance);
        let syntax = tags::REFERENCED_TRANSFER_SYNTAX_UID_IN_FILE;
        of.put_text(syntax, VR::UI, transfer_syntax);
        series.below.push(Node {
            key: instance.to_owned(),
            record: of,
            below: Vec::new(),
        });
        Ok(())
    }

    /// The file, in explicit VR little endian (PS3.10 §8.6). `uid` names the directory itself, `name` the file-set.
    pub fn finish(self, uid: &str, name: &str) -> Bytes {
        let mut flat = Vec::new();
        flatten(self.root.below, &mut flat);
        let mut data = Dataset::new();
        data.put_text(tags::FILE_SET_ID, VR::CS, name);
        // Both are filled in below: their size does not change.
        put_u32(&mut data, FIRST, 0);
        put_u32(&mut data, LAST, 0);
        data.put_u16(tags::FILE_SET_CONSISTENCY_FLAG, 0);
        data.remove(tags::SPECIFIC_CHARACTER_SET);
        let head = file::head(DIRECTORY_CLASS, uid, syntax::EXPLICIT_LITTLE, None);
        let mut at = head.len() + write(&data, true).len() + SEQUENCE_HEAD;
        let mut places = Vec::with_capacity(flat.len());
        for node in &flat {
            places.push(u32::try_from(at).unwrap_or(u32::MAX));
            at += ITEM_HEAD + write(&node.record, true).len();
        }
        let place = |n: Option<usize>| n.and_then(|n| places.get(n)).copied().unwrap_or(0);
        put_u32(&mut data, FIRST, place((!flat.is_empty()).then_some(0)));
        let last = flat.iter().rposition(|n| n.depth == 0);
        put_u32(&mut data, LAST, place(last));
        let items = flat
            .iter()
            .map(|node| {
                let mut record = node.record.clone();
                put_u32(&mut record, NEXT, place(node.next));
                put_u32(&mut record, LOWER, place(node.lower));
                record
            })
            .collect();
        data.put_items(tags::DIRECTORY_RECORD_SEQUENCE, items);
        let body = write(&data, true);
        file::wrap(&body, DIRECTORY_CLASS, uid, syntax::EXPLICIT_LITTLE, None)
    }
}

const FIRST: Tag = tags::OFFSET_OF_THE_FIRST_DIRECTORY_RECORD_OF_THE_ROOT_DIRECTORY_ENTITY;
const LAST: Tag = tags::OFFSET_OF_THE_LAST_DIRECTORY_RECORD_OF_THE_ROOT_DIRECTORY_ENTITY;
const NEXT: Tag = tags::OFFSET_OF_THE_NEXT_DIRECTORY_RECORD;
const LOWER: Tag = tags::OFFSET_OF_REFERENCED_LOWER_LEVEL_DIRECTORY_ENTITY;

/// A record in the order of the file, with the places of its next sibling and its first child.
struct Flat {
    record: Dataset,
    depth: usize,
    next: Option<usize>,
    lower: Option<usize>,
}

fn flatten(nodes: Vec<Node>, out: &mut Vec<Flat>) {
    fn walk(nodes: Vec<Node>, depth: usize, out: &mut Vec<Flat>) {
        let mut before: Option<usize> = None;
        for node in nodes {
            let here = out.len();
            if let Some(before) = before.and_then(|b| out.get_mut(b)) {
                before.next = Some(here);
            }
            before = Some(here);
            out.push(Flat {
                record: node.record,
                depth,
                next: None,
                lower: (!node.below.is_empty()).then_some(here + 1),
            });
            walk(node.below, depth + 1, out);
        }
    }
    walk(nodes, 0, out);
}

fn put_u32(data: &mut Dataset, tag: Tag, value: u32) {
    data.put(Element {
        tag,
        vr: VR::UL,
        data: Data::Bytes(Bytes::copy_from_slice(&value.to_le_bytes())),
    });
}

/// A record of a type with the keys that the object has; those without a value are empty.
fn record(kind: &str, data: &Dataset, keys: &[(Tag, VR)]) -> Dataset {
    let mut out = Dataset::new();
    put_u32(&mut out, NEXT, 0);
    out.put_u16(tags::RECORD_IN_USE_FLAG, IN_USE);
    put_u32(&mut out, LOWER, 0);
    out.put_text(tags::DIRECTORY_RECORD_TYPE, VR::CS, kind);
    for (tag, vr) in keys {
        if *vr == VR::SQ {
            if let Some(found) = data.get(*tag) {
                out.put(found.clone());
            }
            continue;
        }
        // Text of the object may be in any repertoire; the directory is Unicode.
        out.put_text(*tag, *vr, &data.texts(*tag).join("\\"));
    }
    out
}

/// A number that a record must have (PS3.3 F.5): the object's, or its place where the object has none.
fn number(record: &mut Dataset, tag: Tag, vr: VR, place: usize) {
    if record.text(tag).is_none() {
        record.put_text(tag, vr, &place.to_string());
    }
}

const PATIENT: &[(Tag, VR)] = &[
    (tags::PATIENT_NAME, VR::PN),
    (tags::PATIENT_ID, VR::LO),
    (tags::PATIENT_BIRTH_DATE, VR::DA),
    (tags::PATIENT_SEX, VR::CS),
];
const STUDY: &[(Tag, VR)] = &[
    (tags::STUDY_DATE, VR::DA),
    (tags::STUDY_TIME, VR::TM),
    (tags::ACCESSION_NUMBER, VR::SH),
    (tags::STUDY_DESCRIPTION, VR::LO),
    (tags::STUDY_INSTANCE_UID, VR::UI),
    (tags::STUDY_ID, VR::SH),
];
const SERIES: &[(Tag, VR)] = &[
    (tags::MODALITY, VR::CS),
    (tags::SERIES_DESCRIPTION, VR::LO),
    (tags::SERIES_INSTANCE_UID, VR::UI),
    (tags::SERIES_NUMBER, VR::IS),
];
const NUMBER: (Tag, VR) = (tags::INSTANCE_NUMBER, VR::IS);
const MADE: [(Tag, VR); 2] = [(tags::CONTENT_DATE, VR::DA), (tags::CONTENT_TIME, VR::TM)];
const CONCEPT: (Tag, VR) = (tags::CONCEPT_NAME_CODE_SEQUENCE, VR::SQ);

/// The type of the record of a class, and its keys (PS3.3 F.4, F.5).
fn kind(class: &str) -> (&'static str, &'static [(Tag, VR)]) {
    const STORAGE: &str = "1.2.840.10008.5.1.4.1.1.";
    let Some(of) = class.strip_prefix(STORAGE) else {
        return ("IMAGE", &[NUMBER]);
    };
    let within = |family: &str| of.strip_prefix(family).is_some_and(|r| r.starts_with('.'));
    match of {
        "88.59" => ("KEY OBJECT DOC", &[NUMBER, MADE[0], MADE[1], CONCEPT]),
        "481.2" => ("RT DOSE", &[NUMBER, (tags::DOSE_SUMMATION_TYPE, VR::CS)]),
        "481.3" => (
            "RT STRUCTURE SET",
            &[
                NUMBER,
                (tags::STRUCTURE_SET_LABEL, VR::SH),
                (tags::STRUCTURE_SET_DATE, VR::DA),
                (tags::STRUCTURE_SET_TIME, VR::TM),
            ],
        ),
        "481.5" | "481.8" => (
            "RT PLAN",
            &[
                NUMBER,
                (tags::RT_PLAN_LABEL, VR::SH),
                (tags::RT_PLAN_DATE, VR::DA),
                (tags::RT_PLAN_TIME, VR::TM),
            ],
        ),
        "66" => ("RAW DATA", &[NUMBER, MADE[0], MADE[1]]),
        "66.1" | "66.3" => ("REGISTRATION", &[NUMBER, MADE[0], MADE[1]]),
        _ if within("88") => (
            "SR DOCUMENT",
            &[
                NUMBER,
                MADE[0],
                MADE[1],
                (tags::COMPLETION_FLAG, VR::CS),
                (tags::VERIFICATION_FLAG, VR::CS),
                CONCEPT,
            ],
        ),
        _ if within("11") => (
            "PRESENTATION",
            &[
                NUMBER,
                (tags::PRESENTATION_CREATION_DATE, VR::DA),
                (tags::PRESENTATION_CREATION_TIME, VR::TM),
                (tags::CONTENT_LABEL, VR::CS),
                (tags::CONTENT_DESCRIPTION, VR::LO),
                (tags::CONTENT_CREATOR_NAME, VR::PN),
                (tags::REFERENCED_SERIES_SEQUENCE, VR::SQ),
            ],
        ),
        _ if within("9") => ("WAVEFORM", &[NUMBER, MADE[0], MADE[1]]),
        _ if within("104") => (
            "ENCAP DOC",
            &[
                NUMBER,
                MADE[0],
                MADE[1],
                (tags::DOCUMENT_TITLE, VR::ST),
                (tags::MIME_TYPE_OF_ENCAPSULATED_DOCUMENT, VR::LO),
                CONCEPT,
            ],
        ),
        _ => ("IMAGE", &[NUMBER]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limits, Object};

    fn object(patient: &str, study: &str, series: &str, n: u32) -> Dataset {
        let mut d = Dataset::new();
        d.put_text(tags::SOP_CLASS_UID, VR::UI, "1.2.840.10008.5.1.4.1.1.2");
        d.put_text(tags::SOP_INSTANCE_UID, VR::UI, &format!("{series}.{n}"));
        d.put_text(tags::PATIENT_NAME, VR::PN, "Wang^Xiaoming=王^小明");
        d.put_text(tags::PATIENT_ID, VR::LO, patient);
        d.put_text(tags::STUDY_INSTANCE_UID, VR::UI, study);
        d.put_text(tags::SERIES_INSTANCE_UID, VR::UI, series);
        d.put_text(tags::MODALITY, VR::CS, "CT");
        d.put_text(tags::INSTANCE_NUMBER, VR::IS, &n.to_string());
        d
    }

    fn offset(d: &Dataset, tag: Tag) -> usize {
        usize::try_from(d.int(tag).unwrap()).unwrap()
    }

    #[test]
    fn names_are_those_that_media_allow() {
        let id = FileId::new(["DICOM", "SE000001", "IM000001"]).unwrap();
        assert_eq!(id.path(), "DICOM/SE000001/IM000001");
        for wrong in [
            vec!["lower"],
            vec!["TOOLONGNAME"],
            vec!["A.B"],
            vec![""],
            vec!["A"; 9],
        ] {
            assert!(FileId::new(wrong.clone()).is_none(), "{wrong:?}");
        }
        assert!(FileId::new(Vec::<String>::new()).is_none());
    }

    #[test]
    fn offsets_lead_from_record_to_record() {
        let mut directory = Directory::default();
        let places = [
            ("p1", "1.1", "1.1.1", 2),
            ("p1", "1.1", "1.1.2", 1),
            ("p2", "1.2", "1.2.1", 3),
        ];
        let mut n = 0;
        for (patient, study, series, count) in places {
            for i in 1..=count {
                n += 1;
                let file = FileId::new(["DICOM".to_owned(), format!("IM{n:06}")]).unwrap();
                let data = object(patient, study, series, i);
                directory.add(&file, "1.2.840.10008.1.2.1", &data).unwrap();
            }
        }
        let bytes = directory.finish("2.25.1", "KAREZ");
        let read = Object::read(bytes.clone(), &Limits::default()).unwrap();
        let data = read.dataset();
        let items = data.items(tags::DIRECTORY_RECORD_SEQUENCE);
        // Two patients, two studies, three series, six images.
        assert_eq!(items.len(), 13);
        // Where each item begins: the tag of an item stands at every offset that is named.
        let item_at = |at: usize| &bytes[at..at + 4] == b"\xfe\xff\x00\xe0";
        let mut types = Vec::new();
        let mut named = vec![offset(data, FIRST), offset(data, LAST)];
        for item in items {
            types.push(item.plain(tags::DIRECTORY_RECORD_TYPE).unwrap());
            named.extend([offset(item, NEXT), offset(item, LOWER)]);
        }
        assert!(named.iter().filter(|at| **at > 0).all(|at| item_at(*at)));
        // Every record but the first is reached once from another.
        let mut reached: Vec<usize> = named[2..].iter().copied().filter(|at| *at > 0).collect();
        reached.sort_unstable();
        reached.dedup();
        assert_eq!(reached.len(), items.len() - 1);
        assert_eq!(&types[..4], ["PATIENT", "STUDY", "SERIES", "IMAGE"]);
        let name = items[0].person(tags::PATIENT_NAME).unwrap();
        assert_eq!(name.ideographic, "王^小明");
        assert_eq!(items[3].plain(tags::REFERENCED_FILE_ID), Some("DICOM"));
        assert_eq!(items[1].plain(tags::STUDY_ID), Some("1"));
    }

    #[test]
    fn what_does_not_say_where_it_belongs_is_refused() {
        let mut data = object("p", "1.1", "1.1.1", 1);
        data.remove(tags::SERIES_INSTANCE_UID);
        let file = FileId::new(["IM1"]).unwrap();
        let refused = Directory::default().add(&file, "1.2.840.10008.1.2.1", &data);
        assert_eq!(
            refused,
            Err(ImagingError::Missing(tags::SERIES_INSTANCE_UID))
        );
    }
}
