use super::*;
use crate::dataset::{Data, Element};
use crate::{Limits, Tag, write};

const CT: &str = "1.2.840.10008.5.1.4.1.1.2";
const SECRET: &[u8] = b"a key of the hospital";

fn slice(class: &str, instance: &str) -> Dataset {
    let mut data = Dataset::new();
    for (tag, vr, text) in [
        (tags::SOP_CLASS_UID, VR::UI, class),
        (tags::SOP_INSTANCE_UID, VR::UI, instance),
        (tags::STUDY_INSTANCE_UID, VR::UI, "1.3.99.1"),
        (tags::SERIES_INSTANCE_UID, VR::UI, "1.3.99.2"),
        (tags::FRAME_OF_REFERENCE_UID, VR::UI, "1.3.99.3"),
        (tags::STUDY_DATE, VR::DA, "20240131"),
        (tags::SERIES_DATE, VR::DA, "20240201"),
        (tags::STUDY_TIME, VR::TM, "103005"),
        (tags::ACQUISITION_DATE_TIME, VR::DT, "20240131103005.5+0600"),
        (tags::ACCESSION_NUMBER, VR::SH, "ACC778"),
        (tags::PATIENT_NAME, VR::PN, "Memet^Patigul=王^小东"),
        (tags::PATIENT_ID, VR::LO, "HN00123"),
        (tags::PATIENT_BIRTH_DATE, VR::DA, "19800517"),
        (tags::PATIENT_SEX, VR::CS, "F"),
        (tags::PATIENT_AGE, VR::AS, "043Y"),
        (tags::INSTITUTION_NAME, VR::LO, "Yarqum County Hospital"),
        (tags::REFERRING_PHYSICIAN_NAME, VR::PN, "Tursun^Ali"),
        (tags::STATION_NAME, VR::SH, "SCANNER7"),
        (
            tags::STUDY_DESCRIPTION,
            VR::LO,
            "Thorax of Patigul, Dr. Tursun, 王小东 tel 0998555123",
        ),
        (tags::IMAGE_COMMENTS, VR::LT, "Patigul moved"),
        (tags::KVP, VR::DS, "120"),
        (tags::CONVOLUTION_KERNEL, VR::SH, "B30f"),
        (tags::FILTER_TYPE, VR::SH, "Memet"),
        (tags::MODALITY, VR::CS, "CT"),
        (tags::PHOTOMETRIC_INTERPRETATION, VR::CS, "MONOCHROME2"),
        (Tag(0x0019, 0x0010), VR::LO, "SIEMENS MR HEADER"),
        (Tag(0x0019, 0x100c), VR::IS, "1000"),
        (Tag(0x0019, 0x1099), VR::LO, "Patigul"),
    ] {
        data.put_text(tag, vr, text);
    }
    for (tag, value) in [
        (tags::SAMPLES_PER_PIXEL, 1),
        (tags::ROWS, 4),
        (tags::COLUMNS, 4),
        (tags::BITS_ALLOCATED, 8),
        (tags::BITS_STORED, 8),
        (tags::HIGH_BIT, 7),
        (tags::PIXEL_REPRESENTATION, 0),
    ] {
        data.put_u16(tag, value);
    }
    let mut nested = Dataset::item_of(&data);
    nested.put_text(tags::REFERENCED_SOP_INSTANCE_UID, VR::UI, "1.3.99.4.1");
    nested.put_text(tags::REFERENCED_SOP_CLASS_UID, VR::UI, CT);
    nested.put_text(tags::PATIENT_NAME, VR::PN, "Memet^Patigul");
    let mut deeper = Dataset::item_of(&data);
    deeper.put_text(tags::OPERATORS_NAME, VR::PN, "Tursun^Ali");
    deeper.put_text(tags::CODE_MEANING, VR::LO, "seen by Patigul");
    nested.put_items(tags::PURPOSE_OF_REFERENCE_CODE_SEQUENCE, vec![deeper]);
    data.put_items(tags::SOURCE_IMAGE_SEQUENCE, vec![nested]);
    let raw = |bytes: &[u8]| Data::Bytes(Bytes::copy_from_slice(bytes));
    data.put(Element {
        tag: Tag(0x6000, 0x3000),
        vr: VR::OW,
        data: raw(&[255; 2]),
    });
    data.put(Element {
        tag: tags::PIXEL_DATA,
        vr: VR::OB,
        data: raw(&[9; 16]),
    });
    data
}

fn object(data: &Dataset) -> Object {
    let class = data.plain(tags::SOP_CLASS_UID).unwrap();
    let bytes = file::wrap(
        &write(data, true),
        class,
        "1.3.99.4.1",
        syntax::EXPLICIT_LITTLE,
        Some("SCANNER7"),
    );
    Object::read(bytes, &Limits::default()).unwrap()
}

fn done(data: &Dataset, profile: &Profile) -> (Object, Bytes) {
    let bytes = deidentify(&object(data), profile, SECRET).unwrap();
    (
        Object::read(bytes.clone(), &Limits::default()).unwrap(),
        bytes,
    )
}

fn tells(bytes: &[u8], word: &str) -> bool {
    bytes
        .windows(word.len())
        .any(|w| w.eq_ignore_ascii_case(word.as_bytes()))
}

const IDENTITY: &[&str] = &[
    "Patigul",
    "Memet",
    "Tursun",
    "小东",
    "HN00123",
    "ACC778",
    "1.3.99.",
    "19800517",
    "0998555123",
];

#[test]
fn nothing_says_who_with_the_basic_profile() {
    let (after, bytes) = done(&slice(CT, "1.3.99.4.1"), &Profile::default());
    for word in IDENTITY
        .iter()
        .chain(&["Yarqum", "SCANNER7", "2024", "103005", "Thorax"])
    {
        assert!(!tells(&bytes, word), "{word}");
    }
    let data = after.dataset();
    assert!(data.text(tags::PATIENT_ID).unwrap().starts_with("ANON-"));
    assert_eq!(data.text(tags::PATIENT_IDENTITY_REMOVED).unwrap(), "YES");
    assert_eq!(
        data.text(tags::LONGITUDINAL_TEMPORAL_INFORMATION_MODIFIED)
            .unwrap(),
        "REMOVED"
    );
    assert_eq!(
        data.items(tags::DEIDENTIFICATION_METHOD_CODE_SEQUENCE)
            .len(),
        1
    );
    assert!(
        data.elements()
            .iter()
            .all(|e| e.tag.0 % 2 == 0 && e.tag.0 & 0xff00 != 0x6000)
    );
    // What is no identity stays.
    assert_eq!(data.text(tags::KVP).unwrap(), "120");
    assert_eq!(data.text(tags::CONVOLUTION_KERNEL).unwrap(), "B30f");
    assert_eq!(data.bytes(tags::PIXEL_DATA).unwrap().as_ref(), [9; 16]);
    assert_eq!(data.plain(tags::SOP_CLASS_UID), Some(CT));
    assert!(after.facts().is_ok());
}

#[test]
fn uids_are_replaced_alike_everywhere() {
    let (a, _) = done(&slice(CT, "1.3.99.4.1"), &Profile::default());
    let (b, _) = done(&slice(CT, "1.3.99.4.2"), &Profile::default());
    let uid = |o: &Object, tag| o.dataset().plain(tag).unwrap().to_owned();
    assert_eq!(
        uid(&a, tags::STUDY_INSTANCE_UID),
        uid(&b, tags::STUDY_INSTANCE_UID)
    );
    assert_ne!(
        uid(&a, tags::SOP_INSTANCE_UID),
        uid(&b, tags::SOP_INSTANCE_UID)
    );
    assert!(uid(&a, tags::STUDY_INSTANCE_UID).starts_with("2.25."));
    assert!(uid(&a, tags::STUDY_INSTANCE_UID).len() <= 64);
    let referenced = b.dataset().item(tags::SOURCE_IMAGE_SEQUENCE).unwrap();
    assert_eq!(
        referenced.plain(tags::REFERENCED_SOP_INSTANCE_UID).unwrap(),
        uid(&a, tags::SOP_INSTANCE_UID),
        "a reference still points at what it did"
    );
    assert_eq!(referenced.plain(tags::REFERENCED_SOP_CLASS_UID), Some(CT));
    let other = deidentify(
        &object(&slice(CT, "1.3.99.4.1")),
        &Profile::default(),
        b"another key",
    )
    .unwrap();
    let other = Object::read(other, &Limits::default()).unwrap();
    assert_ne!(
        uid(&a, tags::STUDY_INSTANCE_UID),
        uid(&other, tags::STUDY_INSTANCE_UID)
    );
    assert_ne!(
        a.dataset().text(tags::PATIENT_ID),
        other.dataset().text(tags::PATIENT_ID)
    );
}

#[test]
fn dates_shift_together_and_stay_apart_as_they_were() {
    let profile = Profile {
        dates: Dates::Shift,
        ..Profile::default()
    };
    let (after, bytes) = done(&slice(CT, "1.3.99.4.1"), &profile);
    assert!(!tells(&bytes, "20240131"));
    let data = after.dataset();
    let (study, series) = (
        data.text(tags::STUDY_DATE).unwrap(),
        data.text(tags::SERIES_DATE).unwrap(),
    );
    assert!(
        crate::facts::is_date(&study) && study.as_str() < "20240131" && study.as_str() > "20131231"
    );
    assert_eq!(data.text(tags::STUDY_TIME).unwrap(), "103005");
    assert_eq!(
        data.text(tags::ACQUISITION_DATE_TIME).unwrap(),
        format!("{study}103005.5+0600")
    );
    assert!(study < series, "still a day later");
    let keep = Profile {
        dates: Dates::Keep,
        ..Profile::default()
    };
    assert_eq!(
        done(&slice(CT, "1.3.99.4.1"), &keep)
            .0
            .dataset()
            .text(tags::STUDY_DATE)
            .unwrap(),
        "20240131"
    );
}

#[test]
fn options_keep_what_they_say_and_no_more() {
    let profile = Profile {
        retain_uids: true,
        retain_device: true,
        retain_institution: true,
        retain_characteristics: true,
        clean_descriptions: true,
        retain_safe_private: true,
        ..Profile::default()
    };
    let (after, bytes) = done(&slice(CT, "1.3.99.4.1"), &profile);
    let data = after.dataset();
    assert_eq!(data.plain(tags::STUDY_INSTANCE_UID), Some("1.3.99.1"));
    assert_eq!(data.text(tags::STATION_NAME).unwrap(), "SCANNER7");
    assert_eq!(
        data.text(tags::INSTITUTION_NAME).unwrap(),
        "Yarqum County Hospital"
    );
    assert_eq!(data.text(tags::PATIENT_AGE).unwrap(), "043Y");
    assert_eq!(data.text(tags::PATIENT_SEX).unwrap(), "F");
    assert_eq!(
        data.int(Tag(0x0019, 0x100c)),
        Some(1000),
        "a b value tells nobody's name"
    );
    assert!(data.get(Tag(0x0019, 0x1099)).is_none());
    let description = data.text(tags::STUDY_DESCRIPTION).unwrap();
    assert!(description.starts_with("Thorax of …"), "{description}");
    for word in [
        "Patigul",
        "Memet",
        "Tursun",
        "小东",
        "HN00123",
        "ACC778",
        "0998555123",
        "19800517",
    ] {
        assert!(!tells(&bytes, word), "{word}");
    }
    assert_eq!(
        data.items(tags::DEIDENTIFICATION_METHOD_CODE_SEQUENCE)
            .len(),
        7
    );
}

#[test]
fn what_cannot_be_cleaned_is_refused() {
    let refusal =
        |data: &Dataset, profile: &Profile| deidentify(&object(data), profile, SECRET).unwrap_err();
    let basic = Profile::default();
    for (class, why) in [
        ("1.2.840.10008.5.1.4.1.1.104.1", Refused::Document),
        ("1.2.840.10008.5.1.4.1.1.88.33", Refused::Report),
        ("1.2.840.10008.5.1.4.1.1.66", Refused::UnknownClass),
        ("1.3.12.2.1107.5.9.1", Refused::UnknownClass),
        ("1.2.840.10008.5.1.4.1.1.7", Refused::BurnedIn),
    ] {
        assert_eq!(refusal(&slice(class, "1.2"), &basic), why, "{class}");
    }
    let mut burned = slice(CT, "1.2");
    burned.put_text(tags::BURNED_IN_ANNOTATION, VR::CS, "YES");
    assert_eq!(refusal(&burned, &basic), Refused::BurnedIn);
    let cleaned = Profile {
        clean_structured: true,
        ..Profile::default()
    };
    assert!(
        deidentify(
            &object(&slice("1.2.840.10008.5.1.4.1.1.88.33", "1.2")),
            &cleaned,
            SECRET
        )
        .is_ok()
    );
    let mut capture = slice("1.2.840.10008.5.1.4.1.1.7", "1.2");
    capture.put_text(tags::BURNED_IN_ANNOTATION, VR::CS, "NO");
    assert!(deidentify(&object(&capture), &basic, SECRET).is_ok());
}

#[test]
fn parts_that_are_named_are_blanked() {
    let mut burned = slice(CT, "1.2");
    burned.put_text(tags::BURNED_IN_ANNOTATION, VR::CS, "YES");
    let top = Rectangle {
        left: 0,
        top: 0,
        width: 4,
        height: 1,
    };
    let profile = Profile {
        blank: Some(vec![top]),
        ..Profile::default()
    };
    let (after, _) = done(&burned, &profile);
    let expected = [[0; 4], [9; 4], [9; 4], [9; 4]].concat();
    assert_eq!(
        after.dataset().bytes(tags::PIXEL_DATA).unwrap().as_ref(),
        expected
    );
    assert_eq!(
        after.dataset().plain(tags::BURNED_IN_ANNOTATION),
        Some("NO")
    );
}

#[test]
fn ultrasound_keeps_only_its_own_regions() {
    let mut data = slice("1.2.840.10008.5.1.4.1.1.6.1", "1.2");
    data.put_text(tags::MODALITY, VR::CS, "US");
    assert_eq!(
        deidentify(&object(&data), &Profile::default(), SECRET),
        Err(Refused::BurnedIn)
    );
    let mut region = Dataset::item_of(&data);
    for (tag, value) in [
        (tags::REGION_LOCATION_MIN_X0, 1_u32),
        (tags::REGION_LOCATION_MIN_Y0, 2),
        (tags::REGION_LOCATION_MAX_X1, 2),
        (tags::REGION_LOCATION_MAX_Y1, 3),
    ] {
        let data = Data::Bytes(Bytes::copy_from_slice(&value.to_le_bytes()));
        region.put(Element {
            tag,
            vr: VR::UL,
            data,
        });
    }
    data.put_items(tags::SEQUENCE_OF_ULTRASOUND_REGIONS, vec![region]);
    let (after, _) = done(&data, &Profile::default());
    let expected = [[0, 0, 0, 0], [0, 0, 0, 0], [0, 9, 9, 0], [0, 9, 9, 0]].concat();
    assert_eq!(
        after.dataset().bytes(tags::PIXEL_DATA).unwrap().as_ref(),
        expected
    );
}

#[test]
fn the_table_is_whole() {
    assert_eq!(rules::count(), 617);
    assert_eq!(
        rules::action(tags::PATIENT_NAME, &Profile::default()),
        Some(rules::Action::Dummy)
    );
    assert_eq!(rules::action(tags::KVP, &Profile::default()), None);
}
