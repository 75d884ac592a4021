use serde_json::json;

use super::*;

fn person(ids: &[(&str, &str)], names: &[&str], born: &str, sex: &str) -> Person {
    let patient = json!({
        "resourceType": "Patient",
        "identifier": ids.iter().map(|(s, v)| json!({"system": s, "value": v})).collect::<Vec<_>>(),
        "name": names.iter().map(|n| json!({"text": n})).collect::<Vec<_>>(),
        "birthDate": born,
        "gender": sex,
    });
    Person::read(&patient)
}

#[test]
fn two_identifiers_with_issuer_are_certain() {
    let a = person(
        &[("urn:yq", "48213"), ("urn:nid", "11 0101-1968")],
        &["Patigul Memet"],
        "1968-03-14",
        "female",
    );
    let b = person(
        &[("urn:nid", "1101011968"), ("urn:yq", "48213")],
        &["帕提古丽·买买提"],
        "1968-03-14",
        "female",
    );
    let m = compare(&a, &b);
    assert_eq!(m.grade, Grade::Certain, "{:?}", m.reasons);
}

#[test]
fn two_identifiers_with_a_contradiction_are_for_a_person_to_judge() {
    let a = person(
        &[("urn:yq", "1"), ("urn:nid", "2")],
        &["Patigul Memet"],
        "1968-03-14",
        "female",
    );
    let b = person(
        &[("urn:yq", "1"), ("urn:nid", "2")],
        &["Patigul Memet"],
        "1998-07-01",
        "female",
    );
    let m = compare(&a, &b);
    assert_eq!(m.grade, Grade::Probable);
    assert!(m.reasons.contains(&Reason::OtherBirthDate));
}

#[test]
fn the_same_number_of_another_issuer_is_no_match() {
    let a = person(&[("urn:yq", "48213")], &["Li Wei"], "1970-01-01", "male");
    let b = person(
        &[("urn:qr", "48213")],
        &["Zhang Min"],
        "1950-05-05",
        "female",
    );
    assert_eq!(compare(&a, &b).grade, Grade::No);
}

#[test]
fn name_and_birth_date_alone_are_possible() {
    let a = person(&[], &["王小明"], "1980-05-02", "male");
    let b = person(&[], &["Wang Xiaoming"], "1980-05-02", "male");
    let m = compare(&a, &b);
    assert_eq!(m.grade, Grade::Possible);
    assert!(m.reasons.contains(&Reason::SameName));
}

#[test]
fn names_meet_across_scripts() {
    let same = [
        ("王小明", "Wang Xiaoming"),
        ("Сергей Игнатьев", "Ignatev Sergei"),
        ("پاتىگۈل مەمەت", "Patigul Memet"),
        ("Ғалым Ермеков", "Galym Ermekov"),
        ("Treviño", "trevino"),
        ("Khasan", "Xasan"),
    ];
    for (x, y) in same {
        let (a, b) = (person(&[], &[x], "", ""), person(&[], &[y], "", ""));
        assert_eq!(
            name::compare(&a.names, &b.names),
            Some(NameMatch::Same),
            "{x} {y}"
        );
    }
    let similar = [
        ("帕提古丽·买买提", "Patigul Memet"),
        ("Сергей", "Sergey"),
        ("Игнатьев", "Ignatyev"),
    ];
    for (x, y) in similar {
        let (a, b) = (person(&[], &[x], "", ""), person(&[], &[y], "", ""));
        assert_ne!(
            name::compare(&a.names, &b.names),
            Some(NameMatch::Other),
            "{x} {y}"
        );
    }
    let (a, b) = (
        person(&[], &["王伟"], "", ""),
        person(&[], &["李娜"], "", ""),
    );
    assert_eq!(name::compare(&a.names, &b.names), Some(NameMatch::Other));
}

#[test]
fn a_different_number_of_one_issuer_speaks_against() {
    let a = person(
        &[("urn:nid", "1"), ("urn:yq", "7")],
        &["Li Wei"],
        "1970-01-01",
        "male",
    );
    let b = person(
        &[("urn:nid", "2"), ("urn:yq", "7")],
        &["Li Wei"],
        "1970-01-01",
        "male",
    );
    let m = compare(&a, &b);
    assert_eq!(m.grade, Grade::Possible);
    assert!(
        m.reasons
            .contains(&Reason::OtherIdentifier("urn:nid".into()))
    );
}

#[test]
fn comparing_is_symmetric() {
    let people = [
        person(&[("urn:nid", "1")], &["王小明"], "1980-05-02", "male"),
        person(&[("urn:nid", "1")], &["Wang Xiaoming"], "1980", "male"),
        person(
            &[("urn:nid", "2"), ("urn:yq", "7")],
            &["Wang"],
            "1980-02-05",
            "female",
        ),
        person(&[], &[], "", ""),
    ];
    for a in &people {
        for b in &people {
            assert_eq!(compare(a, b).grade, compare(b, a).grade);
        }
    }
}
