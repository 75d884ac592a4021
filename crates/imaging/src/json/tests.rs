use super::*;
use crate::limits::Limits;
use crate::syntax;
use bytes::Bytes;
use serde_json::{Value, json};

fn read(data: &Dataset) -> Object {
    Object::read_dataset(
        crate::write(data, true),
        syntax::EXPLICIT_LITTLE,
        &Limits::default(),
    )
    .unwrap()
}

fn sample() -> Dataset {
    let mut data = Dataset::new();
    data.put_text(tags::SOP_INSTANCE_UID, VR::UI, "1.2.3");
    data.put_text(tags::PATIENT_NAME, VR::PN, "Wang^XiaoDong=王^小东");
    data.put_text(tags::PATIENT_WEIGHT, VR::DS, "70.50");
    data.put_text(tags::SERIES_NUMBER, VR::IS, "+4");
    data.put_text(tags::IMAGE_COMMENTS, VR::LT, "<b>\"a\\b\"\r\n");
    data.put_text(tags::IMAGE_TYPE, VR::CS, "ORIGINAL\\\\AXIAL");
    data.put_text(tags::PIXEL_SPACING, VR::DS, "0.5\\n/a");
    data.put_u16(tags::ROWS, 512);
    let put = |data: &mut Dataset, tag, vr, bytes: &[u8]| {
        data.put(Element {
            tag,
            vr,
            data: Data::Bytes(Bytes::copy_from_slice(bytes)),
        });
    };
    put(
        &mut data,
        tags::RECOMMENDED_DISPLAY_FRAME_RATE_IN_FLOAT,
        VR::FL,
        &0.1_f32.to_le_bytes(),
    );
    put(
        &mut data,
        tags::DOPPLER_CORRECTION_ANGLE,
        VR::FD,
        &f64::NAN.to_le_bytes(),
    );
    put(
        &mut data,
        tags::FRAME_INCREMENT_POINTER,
        VR::AT,
        &[0x18, 0, 0x63, 0x10],
    );
    put(&mut data, tags::ICC_PROFILE, VR::OB, &[1, 2, 3, 4]);
    put(&mut data, Tag(0x0009, 0x1001), VR::UN, &[5, 6]);
    put(&mut data, tags::PIXEL_DATA, VR::OW, &[0; 8]);
    data.put_text(Tag(0x0009, 0x0010), VR::LO, "KAREZ TEST");
    let mut item = Dataset::item_of(&data);
    item.put_text(tags::CODE_MEANING, VR::LO, "头部");
    put(&mut item, tags::ENCAPSULATED_DOCUMENT, VR::OB, &[7; 4_000]);
    data.put_items(
        tags::PROCEDURE_CODE_SEQUENCE,
        vec![item, Dataset::item_of(&data)],
    );
    data
}

#[test]
fn the_model_of_the_standard() {
    let json: Value = serde_json::from_slice(&metadata(&read(&sample()))).unwrap();
    assert_eq!(json["00080005"], json!({"vr":"CS","Value":["ISO_IR 192"]}));
    assert_eq!(
        json["00100010"],
        json!({"vr":"PN","Value":[{"Alphabetic":"Wang^XiaoDong","Ideographic":"王^小东"}]})
    );
    assert!(
        String::from_utf8(metadata(&read(&sample())))
            .unwrap()
            .contains("[70.50]"),
        "the digits as they were"
    );
    assert_eq!(json["00200011"], json!({"vr":"IS","Value":[4]}));
    assert_eq!(
        json["00204000"],
        json!({"vr":"LT","Value":["<b>\"a\\b\"\r\n"]})
    );
    assert_eq!(
        json["00080008"],
        json!({"vr":"CS","Value":["ORIGINAL", null, "AXIAL"]})
    );
    assert_eq!(json["00280030"], json!({"vr":"DS","Value":[0.5, "n/a"]}));
    assert_eq!(json["00280010"], json!({"vr":"US","Value":[512]}));
    assert_eq!(json["00089459"]["Value"][0].to_string(), "0.1");
    assert_eq!(json["00186034"], json!({"vr":"FD","Value":["NaN"]}));
    assert_eq!(json["00280009"], json!({"vr":"AT","Value":["00181063"]}));
    assert_eq!(
        json["00282000"],
        json!({"vr":"OB","InlineBinary":"AQIDBA=="})
    );
    assert_eq!(json["00091001"], json!({"vr":"UN","InlineBinary":"BQY="}));
    assert_eq!(
        json["7FE00010"],
        json!({"vr":"OW","BulkDataURI":"bulkdata/7FE00010"})
    );
    let items = &json["00081032"]["Value"];
    assert_eq!(items[0]["00080104"], json!({"vr":"LO","Value":["头部"]}));
    assert_eq!(
        items[0]["00420011"]["BulkDataURI"],
        "bulkdata/00081032/0/00420011"
    );
    assert_eq!(items[1], json!({}));
}

#[test]
fn bulk_data_lie_where_the_layout_says() {
    let object = read(&sample());
    let layout = object.layout();
    assert_eq!(layout.bulk.len(), 2);
    let (path, span) = &layout.bulk[0];
    assert_eq!(path, "00081032/0/00420011");
    let at = span.offset as usize;
    assert_eq!(object.bytes()[at..at + span.length as usize], [7; 4_000]);
    assert_eq!(
        crate::Layout::from_bytes(&layout.to_bytes()).unwrap(),
        layout
    );
}

#[test]
fn bulk_uris_are_made_absolute_and_nothing_else() {
    let mut data = sample();
    data.put_text(
        tags::IMAGE_COMMENTS,
        VR::LT,
        "\"BulkDataURI\":\"bulkdata/x\"",
    );
    let json = with_bulk_base(&metadata(&read(&data)), "https://h/dicomweb/");
    let json: Value = serde_json::from_slice(&json).unwrap();
    assert_eq!(
        json["7FE00010"]["BulkDataURI"],
        "https://h/dicomweb/bulkdata/7FE00010"
    );
    assert_eq!(
        json["00204000"]["Value"][0],
        "\"BulkDataURI\":\"bulkdata/x\""
    );
}

#[test]
fn what_is_written_is_read_again() {
    let object = read(&sample());
    let layout = object.layout();
    let bulk = |uri: &str| {
        let path = uri.strip_prefix(BULK_HEAD)?;
        let (_, span) = layout.bulk.iter().find(|(p, _)| p == path)?;
        let at = span.offset as usize;
        Some(object.bytes().slice(at..at + span.length as usize))
    };
    let again = parse(&metadata(&object), &bulk).unwrap();
    let value = |object: &Object| serde_json::from_slice::<Value>(&metadata(object)).unwrap();
    assert_eq!(value(&read(&again)), value(&object));
    assert_eq!(
        again.text(tags::PATIENT_NAME),
        object.dataset().text(tags::PATIENT_NAME)
    );
    assert!(
        parse(&metadata(&object), &|_| None).is_err(),
        "bulk data that are not there"
    );
}

#[test]
fn levels_have_no_key_in_common() {
    let object = read(&sample());
    let keys = |level_| {
        let json: Value = serde_json::from_slice(&level(&object, level_)).unwrap();
        json.as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect::<Vec<_>>()
    };
    assert_eq!(keys(Level::Study), ["00081032", "00100010", "00101030"]);
    assert_eq!(keys(Level::Series), ["00200011"]);
    assert_eq!(keys(Level::Instance), ["00080008", "00080018", "00280010"]);
    for (index, tag) in STUDY.iter().chain(SERIES).chain(INSTANCE).enumerate() {
        assert!(
            !STUDY
                .iter()
                .chain(SERIES)
                .chain(INSTANCE)
                .skip(index + 1)
                .any(|t| t == tag),
            "{tag}"
        );
    }
}

#[test]
fn what_is_no_dicom_json_is_refused() {
    for text in [
        "",
        "[]x",
        "1",
        "{\"00100010\":1}",
        "{\"x\":{}}",
        "{\"00100010\":{}}",
        "{\"00100010\":{\"vr\":\"ZZ\"}}",
        "{\"00100010\":{\"vr\":\"PN\",\"Value\":1}}",
        "{\"00280010\":{\"vr\":\"US\",\"Value\":[70000]}}",
        "{\"00280010\":{\"vr\":\"US\",\"Value\":[\"x\"]}}",
        "{\"00282000\":{\"vr\":\"OB\",\"InlineBinary\":\"*\"}}",
        "{\"00081032\":{\"vr\":\"SQ\",\"Value\":[1]}}",
    ] {
        assert!(parse_many(text.as_bytes(), &|_| None).is_err(), "{text}");
    }
    let deep = "{\"00081032\":{\"vr\":\"SQ\",\"Value\":[".repeat(40) + "{}" + &"]}}".repeat(40);
    assert!(parse(deep.as_bytes(), &|_| None).is_err());
}
