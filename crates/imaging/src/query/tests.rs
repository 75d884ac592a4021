use super::*;
use crate::dataset::Dataset;
use crate::syntax;
use dicom_dictionary_std::tags;

fn study(name: &str, date: &str, time: &str) -> Dataset {
    let mut data = Dataset::new();
    data.put_text(tags::PATIENT_NAME, VR::PN, name);
    data.put_text(tags::STUDY_DATE, VR::DA, date);
    data.put_text(tags::STUDY_TIME, VR::TM, time);
    data.put_text(tags::STUDY_INSTANCE_UID, VR::UI, "1.2.3");
    data.put_text(tags::MODALITIES_IN_STUDY, VR::CS, "CT\\SR");
    data
}

fn asks(parameters: &[(&str, &str)]) -> Query {
    from_qido(Level::Study, None, None, parameters).unwrap()
}

#[test]
fn names_match_in_any_writing() {
    let data = study("Wang^XiaoDong=王^小东", "20240131", "1030");
    for wanted in [
        "wang*",
        "WANG^XIAODONG",
        "王*",
        "*小东",
        "=王^*",
        "Wang^Xiao?ong",
        "*",
    ] {
        assert!(
            matches(&asks(&[("PatientName", wanted)]), &data),
            "{wanted}"
        );
    }
    for wanted in ["xiaodong*", "wang", "=李*", "Wang^Xiao?dong", "小"] {
        assert!(
            !matches(&asks(&[("PatientName", wanted)]), &data),
            "{wanted}"
        );
    }
}

#[test]
fn fuzzy_names_match_by_the_beginnings_of_words() {
    let data = study("Wang^XiaoDong=王^小东", "20240131", "1030");
    for wanted in ["xiaodong wang", "xiao", "WANG", "小东"] {
        let query = asks(&[("PatientName", wanted), ("fuzzymatching", "true")]);
        assert!(matches(&query, &data), "{wanted}");
    }
    assert!(!matches(
        &asks(&[("PatientName", "dong"), ("fuzzymatching", "true")]),
        &data
    ));
}

#[test]
fn date_and_time_are_one_moment() {
    let query = asks(&[
        ("StudyDate", "20240130-20240131"),
        ("StudyTime", "1800-0600"),
    ]);
    assert_eq!(query.keys.len(), 1);
    assert!(matches(&query, &study("A", "20240130", "1830")));
    assert!(matches(&query, &study("A", "20240131", "0559")));
    assert!(!matches(&query, &study("A", "20240130", "1730")));
    assert!(!matches(&query, &study("A", "20240131", "0700")));
    assert!(
        matches(&query, &study("A", "20240130", "")),
        "a study without a time may have been then"
    );
}

#[test]
fn ranges_are_open_at_either_end_and_include_their_ends() {
    for (wanted, yes, no) in [
        ("20240131-", "20240131", "20240130"),
        ("-20240131", "20240131", "20240201"),
        ("20240131", "20240131", "20240201"),
        ("2024.01.31", "20240131", "20240201"),
    ] {
        assert!(
            matches(&asks(&[("StudyDate", wanted)]), &study("A", yes, "")),
            "{wanted}"
        );
        assert!(
            !matches(&asks(&[("StudyDate", wanted)]), &study("A", no, "")),
            "{wanted}"
        );
    }
    let hour = asks(&[("StudyTime", "10")]);
    assert!(matches(&hour, &study("A", "20240131", "105959.9")));
    assert!(!matches(&hour, &study("A", "20240131", "11")));
}

#[test]
fn moments_keep_their_own_hyphens() {
    assert_eq!(
        complete_moment("20240131-0500", false).as_deref(),
        Some("20240131000000.000000")
    );
    assert_eq!(
        complete_moment("202402", true).as_deref(),
        Some("20240229235959.999999")
    );
    assert_eq!(complete_moment("20240131103", true), None);
    let query = asks(&[("AcquisitionDateTime", "20240131-0500-20240201-0500")]);
    assert_eq!(
        query.keys[0].matching,
        Match::Range(
            Some("20240131000000.000000".into()),
            Some("20240201235959.999999".into())
        )
    );
}

#[test]
fn what_cannot_be_asked_is_refused_by_name() {
    for (name, value) in [
        ("StudyDate", "20241301"),
        ("StudyDate", "20240201-20240131"),
        ("StudyInstanceUID", "1.2.x"),
        ("limit", "-1"),
        ("offset", "many"),
        ("fuzzymatching", "maybe"),
        ("SeriesNumber", "one"),
        ("RequestAttributesSequence", "x"),
        ("PixelData", "x"),
    ] {
        let parameters = [(name, value)];
        match from_qido(Level::Study, None, None, &parameters) {
            Err(crate::ImagingError::Query { parameter, .. }) => assert_eq!(parameter, name),
            other => panic!("{name}={value}: {other:?}"),
        }
    }
    let long = "x".repeat(2_000);
    assert!(from_qido(Level::Study, None, None, &[("PatientID", long)]).is_err());
    assert_eq!(asks(&[("shoe-size", "44")]).ignored, ["shoe-size"]);
}

#[test]
fn sequences_match_within_one_item() {
    let query = asks(&[
        ("RequestAttributesSequence.RequestedProcedureID", "P1"),
        ("00400275.00400009", "S1"),
    ]);
    assert_eq!(query.keys.len(), 1);
    let item = |procedure: &str, step: &str| {
        let mut item = Dataset::new();
        item.put_text(tags::REQUESTED_PROCEDURE_ID, VR::SH, procedure);
        item.put_text(tags::SCHEDULED_PROCEDURE_STEP_ID, VR::SH, step);
        item
    };
    let mut data = study("A", "20240131", "");
    data.put_items(
        tags::REQUEST_ATTRIBUTES_SEQUENCE,
        vec![item("P1", "S2"), item("P2", "S1")],
    );
    assert!(!matches(&query, &data), "both must be in one item");
    data.put_items(
        tags::REQUEST_ATTRIBUTES_SEQUENCE,
        vec![item("P2", "S2"), item("P1", "S1")],
    );
    assert!(matches(&query, &data));
}

#[test]
fn identifiers_and_codes_match_as_they_stand() {
    let mut data = study("A", "20240131", "");
    data.put_text(tags::PATIENT_ID, VR::LO, "ab_1%");
    assert!(matches(&asks(&[("PatientID", "ab_1%")]), &data));
    assert!(!matches(&asks(&[("PatientID", "AB_1%")]), &data));
    assert!(matches(&asks(&[("PatientID", "ab*")]), &data));
    assert!(
        matches(&asks(&[("ModalitiesInStudy", "SR")]), &data),
        "one of several values"
    );
    assert!(matches(&asks(&[("ModalitiesInStudy", "MR\\CT")]), &data));
    assert!(!matches(&asks(&[("ModalitiesInStudy", "MR")]), &data));
    assert!(!matches(&asks(&[("AccessionNumber", "7")]), &data));
    assert!(matches(&asks(&[("AccessionNumber", "\"\"")]), &data));
    assert_eq!(like("a*b?c%_\\"), "a%b_c\\%\\_\\\\");
}

#[test]
fn wildcards_of_many_stars_end_in_time() {
    let text = "a".repeat(1_000);
    assert!(!wildcard(&("*a".repeat(500) + "b"), &text));
    assert!(wildcard("*a*", &text));
    assert!(wildcard("", ""));
    assert!(!wildcard("?", ""));
}

fn identifier(level: &str) -> Dataset {
    let mut asked = Dataset::new();
    asked.put_text(tags::SPECIFIC_CHARACTER_SET, VR::CS, "GB18030");
    asked.put_text(tags::QUERY_RETRIEVE_LEVEL, VR::CS, level);
    asked.put_text(tags::PATIENT_NAME, VR::PN, "W*");
    asked.put_text(tags::STUDY_INSTANCE_UID, VR::UI, "");
    asked.put_text(tags::STUDY_DESCRIPTION, VR::LO, "");
    asked
}

#[test]
fn an_identifier_asks_and_its_answer_has_exactly_its_keys() {
    for syntax in [syntax::IMPLICIT_LITTLE, syntax::EXPLICIT_LITTLE] {
        let bytes = crate::write(&identifier("STUDY"), syntax == syntax::EXPLICIT_LITTLE);
        let query = from_identifier(Model::StudyRoot, &bytes, syntax, false).unwrap();
        assert_eq!((query.level, query.keys.len()), (Level::Study, 1));
        let row = crate::json::of(&study("Wang^XiaoDong=王^小东", "20240131", ""));
        assert!(matches(
            &query,
            &crate::json::parse(&row, &|_| None).unwrap()
        ));
        let answer = to_dataset(&row, &query, syntax).unwrap();
        let answer =
            crate::Object::read_dataset(answer, syntax, &crate::Limits::default()).unwrap();
        let data = answer.dataset();
        assert_eq!(
            data.text(tags::PATIENT_NAME).unwrap(),
            "Wang^XiaoDong=王^小东"
        );
        assert_eq!(
            data.text(tags::SPECIFIC_CHARACTER_SET).unwrap(),
            "GB18030",
            "the asker's own repertoire"
        );
        assert_eq!(data.text(tags::STUDY_INSTANCE_UID).unwrap(), "1.2.3");
        assert!(data.get(tags::STUDY_DESCRIPTION).unwrap().is_empty());
        assert!(data.get(tags::STUDY_DATE).is_none(), "was not asked for");
        assert_eq!(data.text(tags::QUERY_RETRIEVE_LEVEL).unwrap(), "STUDY");
    }
}

#[test]
fn what_the_asker_s_repertoire_cannot_say_comes_in_utf8() {
    let mut asked = Dataset::new();
    asked.put_text(tags::SPECIFIC_CHARACTER_SET, VR::CS, "ISO_IR 100");
    asked.put_text(tags::QUERY_RETRIEVE_LEVEL, VR::CS, "STUDY");
    asked.put_text(tags::PATIENT_NAME, VR::PN, "");
    let query = from_identifier(
        Model::StudyRoot,
        &crate::write(&asked, true),
        syntax::EXPLICIT_LITTLE,
        false,
    )
    .unwrap();
    for (name, charset) in [("王^小东", "ISO_IR 192"), ("Müller", "ISO_IR 100")] {
        let row = crate::json::of(&study(name, "20240131", ""));
        let answer = to_dataset(&row, &query, syntax::EXPLICIT_LITTLE).unwrap();
        let answer =
            crate::Object::read_dataset(answer, syntax::EXPLICIT_LITTLE, &crate::Limits::default())
                .unwrap();
        assert_eq!(
            answer.dataset().text(tags::SPECIFIC_CHARACTER_SET).unwrap(),
            charset
        );
        assert_eq!(answer.dataset().text(tags::PATIENT_NAME).unwrap(), name);
    }
}

#[test]
fn an_identifier_must_name_what_is_above_its_level() {
    let bytes = crate::write(&identifier("SERIES"), true);
    assert_eq!(
        from_identifier(Model::StudyRoot, &bytes, syntax::EXPLICIT_LITTLE, false),
        Err(crate::ImagingError::Missing(tags::STUDY_INSTANCE_UID))
    );
    let bytes = crate::write(&identifier("PATIENT"), true);
    assert!(from_identifier(Model::StudyRoot, &bytes, syntax::EXPLICIT_LITTLE, false).is_err());
    assert!(from_identifier(Model::PatientRoot, &bytes, syntax::EXPLICIT_LITTLE, false).is_ok());
    assert!(from_identifier(Model::StudyRoot, &[], syntax::EXPLICIT_LITTLE, false).is_err());
}

#[test]
fn answers_of_qido_have_what_the_level_gives_and_what_was_asked() {
    let mut data = study("A^B", "20240131", "1030");
    data.put_text(tags::PATIENT_COMMENTS, VR::LT, "x");
    data.put_text(tags::OCCUPATION, VR::SH, "y");
    let row = crate::json::of(&data);
    let answer = to_json(&row, &asks(&[("includefield", "Occupation")])).unwrap();
    let answer: serde_json::Value = serde_json::from_slice(&answer).unwrap();
    assert!(answer.get("00102180").is_some());
    assert!(answer.get("00104000").is_none());
    assert!(answer.get("0020000D").is_some());
    assert_eq!(
        to_json(&row, &asks(&[("includefield", "all")])).unwrap(),
        row
    );
}

#[test]
fn what_stands_within_texts_does_not_end_a_value() {
    let row = br#"{"00081030":{"vr":"LO","Value":["a\"},{\\"]},"00102180":{"vr":"SH","Value":["x"]},"0020000D":{"vr":"UI","Value":["1.2"]}}"#;
    let answer = to_json(row, &asks(&[])).unwrap();
    let answer: serde_json::Value = serde_json::from_slice(&answer).unwrap();
    assert_eq!(answer["00081030"]["Value"][0], "a\"},{\\");
    assert_eq!(answer["0020000D"]["Value"][0], "1.2");
    assert_eq!(answer.as_object().unwrap().len(), 2);
    assert_eq!(to_json(b"{}", &asks(&[])).unwrap(), b"{}");
    for end in 1..row.len() {
        assert!(to_json(&row[..end], &asks(&[])).is_err(), "{end}");
    }
    assert!(to_json(br#"{"0020000D":{"vr":"UI"},}"#, &asks(&[])).is_err());
}

#[test]
fn a_row_with_bulk_data_is_answered_without_them() {
    let bytes = crate::write(&identifier("STUDY"), true);
    let query = from_identifier(Model::StudyRoot, &bytes, syntax::EXPLICIT_LITTLE, false).unwrap();
    let row = br#"{"0020000D":{"vr":"UI","Value":["1.2.3"]},"7FE00010":{"vr":"OW","BulkDataURI":"bulkdata/7FE00010"}}"#;
    assert!(to_dataset(row, &query, syntax::EXPLICIT_LITTLE).is_ok());
}

#[test]
fn letters_that_are_no_digits_are_no_time() {
    assert!(from_qido(Level::Study, None, None, &[("StudyTime", "1\u{20ac}22")]).is_err());
}
