//! Fuzz targets for all that reads what others wrote: objects, DICOM JSON, queries, code streams. The plain run asks a
//! bounded number of cases from a fixed seed; `KAREZ_TEST_FULL=1` a hundred times as many. What was found stands as plain
//! tests beside the rule.
#![allow(clippy::unwrap_used)]

use bytes::Bytes;
use karez_imaging::deidentify::{Profile, deidentify};
use karez_imaging::pixel::{self, Description, Look, Wanted};
use karez_imaging::query::{self, Level, Model};
use karez_imaging::{
    Data, Dataset, Element, Layout, Limits, Object, Tag, VR, file, json, syntax, tags, write,
};

const CT: &str = "1.2.840.10008.5.1.4.1.1.2";

/// One change: a place (as a part of 65,536 of the length), what is done there, and with what.
type Edit = (u16, u8, u8);
type Case = (u8, Vec<Edit>);

fn cases(normally: usize) -> usize {
    let full = std::env::var("KAREZ_TEST_FULL").is_ok_and(|v| v == "1");
    if full { normally * 100 } else { normally }
}

/// What readers look for: lengths at their bounds, tags of items, markers of code streams.
const WORDS: &[&[u8]] = &[
    b"\xff\xff\xff\xff",
    b"\xfe\xff\xff\xff",
    b"\0\0\0\0",
    b"\xff\xff",
    b"\0\0\0\x80",
    b"\xfe\xff\0\xe0\xff\xff\xff\xff",
    b"\xfe\xff\0\xe0\0\0\0\0",
    b"\xfe\xff\x0d\xe0\0\0\0\0",
    b"\xfe\xff\xdd\xe0\0\0\0\0",
    b"\x08\0\x40\x11SQ\0\0\xff\xff\xff\xff",
    b"UN\0\0\xff\xff\xff\xff",
    b"OB\0\0\xff\xff\xff\xff",
    b"\x08\0\x05\0CS\x10\0\\ISO 2022 IR 87 ",
    b"\x1b$B",
    b"\x1b$)C",
    b"\x28\0\x10\0US\x02\0\xff\xff",
    b"\xff\xd8\xff\xc3",
    b"\xff\xd0",
    b"\xff\xda",
    b"\xff\xc4\0\x14",
    b"\\",
    b"^=",
    b"\xe4",
];

/// `from` with the changes made to it, one after another.
fn mutate(from: &[u8], edits: &[Edit]) -> Vec<u8> {
    let mut out = from.to_vec();
    for (place, what, with) in edits.iter().take(64) {
        let at = usize::from(*place) * (out.len() + 1) / 65_536;
        let end = (at + 1 + usize::from(*with)).min(out.len());
        let word = WORDS[usize::from(*with) % WORDS.len()];
        match what % 7 {
            0 if at < out.len() => out[at] ^= 1 << (with % 8),
            1 if at < out.len() => out[at] = *with,
            2 => drop(out.drain(at..end)),
            3 => {
                let again = out[at..end].to_vec();
                out.splice(at..at, again);
            }
            4 => drop(out.splice(at..at, word.iter().copied())),
            5 => drop(out.splice(at..(at + word.len()).min(out.len()), word.iter().copied())),
            6 if *with < 32 => out.truncate(at),
            _ => {}
        }
    }
    out
}

fn image(samples: u16, bits: u16, count: usize) -> Dataset {
    let mut data = Dataset::new();
    for (tag, vr, text) in [
        (tags::SOP_CLASS_UID, VR::UI, CT),
        (tags::SOP_INSTANCE_UID, VR::UI, "1.2.3.4.5"),
        (tags::STUDY_INSTANCE_UID, VR::UI, "1.2.3"),
        (tags::SERIES_INSTANCE_UID, VR::UI, "1.2.3.4"),
        (tags::STUDY_DATE, VR::DA, "20240131"),
        (tags::STUDY_TIME, VR::TM, "103005.25"),
        (tags::PATIENT_NAME, VR::PN, "Wang^XiaoDong=王^小东"),
        (tags::PATIENT_ID, VR::LO, "0012"),
        (tags::RESCALE_INTERCEPT, VR::DS, "-1024"),
        (tags::WINDOW_CENTER, VR::DS, "40"),
        (tags::WINDOW_WIDTH, VR::DS, "400"),
    ] {
        data.put_text(tag, vr, text);
    }
    let term = if samples == 3 { "RGB" } else { "MONOCHROME2" };
    data.put_text(tags::PHOTOMETRIC_INTERPRETATION, VR::CS, term);
    for (tag, value) in [
        (tags::SAMPLES_PER_PIXEL, samples),
        (tags::ROWS, 16),
        (tags::COLUMNS, 16),
        (tags::BITS_ALLOCATED, bits),
        (tags::BITS_STORED, bits),
        (tags::HIGH_BIT, bits - 1),
        (tags::PIXEL_REPRESENTATION, 0),
    ] {
        data.put_u16(tag, value);
    }
    let mut item = Dataset::item_of(&data);
    item.put_text(tags::CODE_MEANING, VR::LO, "头部");
    data.put_items(tags::PROCEDURE_CODE_SEQUENCE, vec![item]);
    for (element, value) in [(0x0010, 16), (0x0011, 16), (0x0100, 16), (0x0102, 15)] {
        data.put_u16(Tag(0x6000, element), value);
    }
    let pixels: Vec<u8> = (0..count).map(|n| (n * 7 / 3) as u8).collect();
    let value = Data::Bytes(Bytes::from(pixels));
    data.put(Element {
        tag: tags::PIXEL_DATA,
        vr: VR::OW,
        data: value,
    });
    data
}

/// The same images in every syntax that is written here.
fn objects() -> Vec<Bytes> {
    let mut all = Vec::new();
    for data in [image(1, 16, 512), image(3, 8, 768), image(1, 8, 256)] {
        let plain = Object::made(data, syntax::of(syntax::EXPLICIT_LITTLE));
        let plain = Object::read(file::of(&plain), &Limits::default()).unwrap();
        for to in [
            syntax::EXPLICIT_LITTLE,
            syntax::IMPLICIT_LITTLE,
            syntax::DEFLATED,
            syntax::RLE,
            syntax::JPEG_LS,
            syntax::JPEG_BASELINE,
        ] {
            all.extend(pixel::transcode(&plain, to, 90));
        }
        // Explicit big endian in name: every length is then a lie.
        all.push(file::wrap(
            &write(plain.dataset(), true),
            CT,
            "1.2",
            syntax::EXPLICIT_BIG,
            None,
        ));
    }
    all
}

fn limits() -> Limits {
    Limits {
        inflated_bytes: 1 << 20,
        elements: 10_000,
        fragments: 1_000,
        frames: 100,
        ..Limits::default()
    }
}

#[test]
fn objects_are_read_or_refused_and_all_that_works_on_them_holds() {
    let objects = objects();
    assert!(objects.len() >= 18);
    bolero::check!()
        .with_iterations(cases(3_000))
        .with_type::<Case>()
        .for_each(|(which, edits)| {
            let from = &objects[usize::from(*which) % objects.len()];
            let Ok(object) = Object::read(mutate(from, edits), &limits()) else {
                return;
            };
            let layout = object.layout();
            assert_eq!(Layout::from_bytes(&layout.to_bytes()).unwrap(), layout);
            for index in 0..layout.frame_count().min(3) {
                for span in layout.frame(index).unwrap_or_default() {
                    assert!(span.offset + span.length <= object.bytes().len() as u64);
                }
            }
            let _ = object.facts();
            // What is written is JSON whatever the bytes were, and is read again.
            let meta = json::metadata(&object);
            let again = json::parse(&meta, &|_| Some(Bytes::new())).unwrap();
            let _ = write(&again, true);
            let _ = deidentify(&object, &Profile::default(), b"key");
        });
}

#[test]
fn pixels_are_decoded_or_refused() {
    let objects = objects();
    bolero::check!()
        .with_iterations(cases(2_000))
        .with_type::<Case>()
        .for_each(|(which, edits)| {
            let from = Object::read(
                objects[usize::from(*which) % objects.len()].clone(),
                &limits(),
            );
            let Ok(from) = from else { return };
            let Ok((bytes, bit)) = pixel::frame_bytes(&from, 0) else {
                return;
            };
            let d = Description::of(from.dataset()).unwrap();
            let Ok(frame) = pixel::decode_frame(&d, from.syntax(), &mutate(&bytes, edits), bit)
            else {
                return;
            };
            assert_eq!(frame.values.len(), d.count());
            let look = Look::of(from.dataset(), &d, 0);
            let image = pixel::render(
                &frame,
                &d,
                &look,
                &[],
                &Wanted {
                    size: Some((7, 9)),
                    ..Wanted::default()
                },
            );
            image.unwrap().png().unwrap();
        });
}

#[test]
fn headers_that_lie_about_pixels_are_refused() {
    let objects = objects();
    bolero::check!()
        .with_iterations(cases(1_500))
        .with_type::<(u8, [u16; 7])>()
        .for_each(|(which, numbers)| {
            let from = Object::read(
                objects[usize::from(*which) % objects.len()].clone(),
                &limits(),
            );
            let Ok(from) = from else { return };
            let mut data = from.dataset().clone();
            let attributes = [
                tags::ROWS,
                tags::COLUMNS,
                tags::SAMPLES_PER_PIXEL,
                tags::BITS_ALLOCATED,
                tags::BITS_STORED,
                tags::HIGH_BIT,
                tags::PIXEL_REPRESENTATION,
            ];
            for (at, (tag, number)) in attributes.into_iter().zip(numbers).enumerate() {
                // Most stay, or nothing would get as far as a decoder.
                if (usize::from(*which) >> 4) % 7 == at || number % 5 == 0 {
                    data.put_u16(
                        tag,
                        if number % 2 == 0 {
                            *number
                        } else {
                            number % 33
                        },
                    );
                }
            }
            let lying = file::of(&Object::made(data, from.syntax()));
            let Ok(lying) = Object::read(lying, &limits()) else {
                return;
            };
            let _ = pixel::overlays(&lying, 0);
            let _ = pixel::decode(&lying, 0);
        });
}

#[test]
fn dicom_json_is_read_or_refused() {
    let plain = Object::read(objects()[0].clone(), &limits()).unwrap();
    let text = json::metadata(&plain);
    bolero::check!()
        .with_iterations(cases(3_000))
        .with_type::<Vec<Edit>>()
        .for_each(|edits| {
            let Ok(data) = json::parse(&mutate(&text, edits), &|_| {
                Some(Bytes::from_static(&[1, 2]))
            }) else {
                return;
            };
            let _ = json::of(&data);
            let _ = Object::read_dataset(write(&data, true), syntax::EXPLICIT_LITTLE, &limits());
        });
}

#[test]
fn queries_are_understood_or_refused() {
    let mut asked = Dataset::new();
    asked.put_text(tags::QUERY_RETRIEVE_LEVEL, VR::CS, "STUDY");
    asked.put_text(tags::PATIENT_NAME, VR::PN, "W*=王?");
    asked.put_text(tags::STUDY_DATE, VR::DA, "20240101-20241231");
    asked.put_text(tags::STUDY_TIME, VR::TM, "10-");
    asked.put_text(tags::STUDY_INSTANCE_UID, VR::UI, "1.2.3\\1.2.4");
    let identifier = write(&asked, true);
    let plain = Object::read(objects()[0].clone(), &limits()).unwrap();
    let row = json::metadata(&plain);
    bolero::check!()
        .with_iterations(cases(3_000))
        .with_type::<(Vec<Edit>, String, String)>()
        .for_each(|(edits, name, value)| {
            let bytes = mutate(&identifier, edits);
            if let Ok(query) =
                query::from_identifier(Model::StudyRoot, &bytes, syntax::EXPLICIT_LITTLE, true)
            {
                let _ = query::matches(&query, plain.dataset());
                query::to_dataset(&row, &query, syntax::EXPLICIT_LITTLE).unwrap();
            }
            for name in [
                name.as_str(),
                "PatientName",
                "StudyDate",
                "StudyTime",
                "AcquisitionDateTime",
                "includefield",
            ] {
                if let Ok(query) = query::from_qido(Level::Instance, None, None, &[(name, value)]) {
                    let _ = query::matches(&query, plain.dataset());
                    query::to_json(&row, &query).unwrap();
                }
            }
        });
}
