use proptest::prelude::*;
use serde_json::Value;

use super::*;

fn fails(text: &[u8]) -> &'static str {
    parse(text).expect_err("refused").what
}

#[test]
fn what_is_not_strict_json_is_refused() {
    assert_eq!(fails(b""), "a value is expected");
    assert_eq!(fails(b"{\"a\":1}x"), "text after the end");
    assert_eq!(fails(b"{\"a\":1,\"a\":2}"), "a name is given twice");
    assert_eq!(fails(b"{\"\\u0061\":2}"), "an escape in a member name");
    assert_eq!(fails(b"[01]"), "a number begins with zero");
    assert_eq!(fails(b"[1.]"), "a digit is expected");
    assert_eq!(fails(b"[1,]"), "a value is expected");
    assert_eq!(fails(b"{\"a\"}"), "a colon is expected");
    assert_eq!(fails(b"[\"\\ud800\"]"), "half of a surrogate pair");
    assert_eq!(fails(b"[\"\\x\"]"), "an unknown escape");
    assert_eq!(fails(b"[\"a\nb\"]"), "a control character in a string");
    assert_eq!(fails(b"[NaN]"), "a value is expected");
    assert_eq!(fails(b"[\"\xff\"]"), "not valid UTF-8");
    assert_eq!(fails(b"\xef\xbb\xbf{}"), "a value is expected");
    assert_eq!(fails(b"[\"\\u12"), "four hexadecimal digits are expected");
}

#[test]
fn many_names_are_checked_too() {
    let mut members: Vec<String> = (0..40).map(|i| format!("\"m{i}\":{i}")).collect();
    assert!(parse(format!("{{{}}}", members.join(",")).as_bytes()).is_ok());
    members.push("\"m7\":0".to_owned());
    assert_eq!(
        fails(format!("{{{}}}", members.join(",")).as_bytes()),
        "a name is given twice"
    );
}

#[test]
fn nesting_is_bounded() {
    let nested = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
    let most = kernel::limits::JSON_DEPTH_MAX;
    assert!(parse(nested(most).as_bytes()).is_ok());
    assert_eq!(fails(nested(most + 1).as_bytes()), "nested too deep");
}

#[test]
fn an_error_says_where() {
    let e = parse(br#"{"name":[{"family":tru}]}"#).unwrap_err();
    assert_eq!((e.path.as_str(), e.offset), ("name.family", 19));
}

fn spliced(text: &str) -> String {
    let at = "2026-01-02T03:04:05.678901Z".parse().unwrap();
    String::from_utf8(splice_meta(text.as_bytes(), "x", "3", at)).unwrap()
}

#[test]
fn splicing_changes_nothing_else() {
    let meta = r#""versionId":"3","lastUpdated":"2026-01-02T03:04:05.678901Z""#;
    assert_eq!(
        spliced(r#"{ "resourceType" : "Observation", "valueDecimal": 1.10 }"#),
        format!(
            r#"{{ "resourceType" : "Observation","id":"x","meta":{{{meta}}}, "valueDecimal": 1.10 }}"#
        )
    );
    assert_eq!(
        spliced(
            r#"{"id":"old","resourceType":"P","meta":{"tag":[{"code":"}"}],"versionId":"1","profile":["u"]}}"#
        ),
        r#"{"id":"x","resourceType":"P","meta":{"lastUpdated":"2026-01-02T03:04:05.678901Z","tag":[{"code":"}"}],"versionId":"3","profile":["u"]}}"#
    );
    assert_eq!(
        spliced(r#"{"resourceType":"P","meta":{}}"#),
        format!(r#"{{"resourceType":"P","id":"x","meta":{{{meta}}}}}"#)
    );
    assert_eq!(spliced("{}"), format!(r#"{{"id":"x","meta":{{{meta}}}}}"#));
    assert_eq!(
        spliced(r#"{"a":1}"#),
        format!(r#"{{"id":"x","meta":{{{meta}}},"a":1}}"#)
    );
}

/// The first member of `meta` is replaced at the very place where the missing one is put in.
#[test]
fn one_of_the_two_at_the_front_of_meta_is_replaced_and_the_other_put_before_it() {
    assert_eq!(
        spliced(r#"{"resourceType":"P","id":"a","meta":{"lastUpdated":"2020-01-01T00:00:00Z"}}"#),
        r#"{"resourceType":"P","id":"x","meta":{"versionId":"3","lastUpdated":"2026-01-02T03:04:05.678901Z"}}"#
    );
    assert_eq!(
        spliced(r#"{"meta":{"versionId":"1"},"id":"a"}"#),
        r#"{"meta":{"lastUpdated":"2026-01-02T03:04:05.678901Z","versionId":"3"},"id":"x"}"#
    );
}

#[test]
fn a_spliced_resource_is_peeked_back() {
    let found = peek(spliced(r#"{"name":[{"id":"no"}],"resourceType":"P"}"#).as_bytes());
    assert_eq!(found.resource_type.as_deref(), Some("P"));
    assert_eq!(
        (found.id.as_deref(), found.version.as_deref()),
        (Some("x"), Some("3"))
    );
    assert_eq!(
        found.last_updated.as_deref(),
        Some("2026-01-02T03:04:05.678901Z")
    );
    assert_eq!(peek(b"[1]"), Peek::default());
}

#[test]
fn links_are_rewritten_and_names_are_not() {
    let text = r#"{"subject":{"reference":"urn:uuid:1"},"x":[ "urn:uuid:1" , 1.10],"identifier":[{"value":"urn:uuid:1"}],"note":"see urn:uuid:1"}"#;
    let out = rewrite_references(text.as_bytes(), |r| {
        (r == "urn:uuid:1").then(|| "Patient/9".to_owned())
    })
    .unwrap();
    assert_eq!(
        String::from_utf8(out).unwrap(),
        r#"{"subject":{"reference":"Patient/9"},"x":[ "Patient/9" , 1.10],"identifier":[{"value":"urn:uuid:1"}],"note":"see urn:uuid:1"}"#
    );
}

#[test]
fn chosen_elements_are_kept_with_what_the_standard_requires() {
    let text = r#"{"resourceType":"Patient","id":"1","meta":{"versionId":"2"},"text":{"status":"empty"},"active":true,"birthDate":"1990"}"#;
    let kept = |name: &str| matches!(name, "resourceType" | "id" | "meta" | "birthDate");
    assert_eq!(
        String::from_utf8(subset(text.as_bytes(), kept)).unwrap(),
        r#"{"resourceType":"Patient","id":"1","meta":{"tag":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationValue","code":"SUBSETTED"}],"versionId":"2"},"birthDate":"1990"}"#
    );
    let tagged = r#"{"resourceType":"Patient","meta":{"tag":[{"code":"a"}]},"active":true}"#;
    let out = String::from_utf8(subset(tagged.as_bytes(), kept)).unwrap();
    assert!(out.contains(r#""tag":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationValue","code":"SUBSETTED"},{"code":"a"}]"#), "{out}");
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        any::<char>().prop_map(|c| Value::from(c.to_string())),
    ];
    leaf.prop_recursive(5, 48, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec(("[a-zA-Z_]{1,8}", inner), 0..6)
                .prop_map(|m| Value::Object(m.into_iter().collect())),
        ]
    })
}

fn same<'a>(node: Node<'a>, value: &'a Value) -> bool {
    match value {
        Value::Null => node.shape() == Shape::Null,
        Value::Bool(b) => node.boolean() == Some(*b),
        Value::Number(n) => node.number().as_deref() == Some(n.to_string().as_str()),
        Value::String(s) => node.text() == Some(s),
        Value::Array(a) => {
            node.is_array()
                && node.items().count() == a.len()
                && node.items().zip(a).all(|(n, v)| same(n, v))
        }
        Value::Object(o) => {
            node.is_object()
                && node.members().count() == o.len()
                && node
                    .members()
                    .zip(o)
                    .all(|((k, n), (key, v))| k == key && same(n, v))
        }
    }
}

proptest! {
    #[test]
    fn every_json_text_reads_as_serde_json_reads_it(value in json(), pretty in any::<bool>()) {
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
        let doc = parse(text.as_bytes()).unwrap();
        prop_assert!(same(doc.root(), &value));
    }

    #[test]
    fn any_bytes_are_read_or_refused_as_serde_json_does(bytes in prop::collection::vec(prop::sample::select(b"{}[]\",:0.1e-\\untrfalse \xc3".to_vec()), 0..40)) {
        if parse(&bytes).is_ok() {
            prop_assert!(serde_json::from_slice::<Value>(&bytes).is_ok());
        }
        peek(&bytes);
        splice_meta(&bytes, "x", "1", kernel::Instant::UNIX_EPOCH);
    }

    #[test]
    fn splicing_only_adds_id_and_meta(value in json()) {
        let Value::Object(mut object) = value else { return Ok(()) };
        object.remove("id");
        object.remove("meta");
        let text = Value::Object(object.clone()).to_string();
        let out = splice_meta(text.as_bytes(), "x", "7", kernel::Instant::UNIX_EPOCH);
        let mut back: serde_json::Map<String, Value> = serde_json::from_slice(&out).unwrap();
        prop_assert_eq!(back.remove("id"), Some(Value::from("x")));
        prop_assert_eq!(&back.remove("meta").unwrap()["versionId"], "7");
        prop_assert_eq!(back, object);
    }
}
