use super::*;

fn names(terms: &[&str], bytes: &[u8]) -> Vec<String> {
    Charset::of(terms).decode(bytes, Cut::Names).0
}

// The examples of PS3.5 Annex H, I, J and K.
#[test]
fn japanese_with_code_extensions() {
    let bytes =
        b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B";
    assert_eq!(
        names(&["", "ISO 2022 IR 87"], bytes),
        ["Yamada^Tarou=山田^太郎=やまだ^たろう"]
    );
}

#[test]
fn japanese_with_half_width_katakana() {
    let bytes = b"\xd4\xcf\xc0\xde^\xc0\xdb\xb3=\x1b$B;3ED\x1b(J^\x1b$BB@O:\x1b(J=\x1b$B$d$^$@\x1b(J^\x1b$B$?$m$&\x1b(J";
    assert_eq!(
        names(&["ISO 2022 IR 13", "ISO 2022 IR 87"], bytes),
        ["ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう"]
    );
}

#[test]
fn korean_with_code_extensions() {
    let bytes = b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7=\x1b$)C\xc8\xab^\x1b$)C\xb1\xe6\xb5\xbf";
    assert_eq!(
        names(&["", "ISO 2022 IR 149"], bytes),
        ["Hong^Gildong=洪^吉洞=홍^길동"]
    );
}

#[test]
fn chinese_with_code_extensions() {
    let bytes = b"Zhang^XiaoDong=\x1b$)A\xd5\xc5^\x1b$)A\xd0\xa1\xb6\xab=";
    assert_eq!(
        names(&["", "ISO 2022 IR 58"], bytes),
        ["Zhang^XiaoDong=张^小东="]
    );
}

#[test]
fn chinese_without_code_extensions() {
    assert_eq!(
        names(&["GB18030"], b"Wang^XiaoDong=\xcd\xf5^\xd0\xa1\xb6\xab="),
        ["Wang^XiaoDong=王^小东="]
    );
    assert_eq!(names(&["GBK"], b"\xcd\xf5^\xd0\xa1\xb6\xab"), ["王^小东"]);
    assert_eq!(names(&["ISO_IR 192"], "王^小東".as_bytes()), ["王^小東"]);
}

#[test]
fn the_second_half_of_a_character_is_no_delimiter() {
    // 0x8151 0x815C ("乗" family) end in a byte that is a backslash in ASCII.
    let bytes = encoding_rs::GBK.encode("乗誠\\b").0.into_owned();
    assert_eq!(
        Charset::of(&["GBK"]).decode(&bytes, Cut::Values).0,
        ["乗誠", "b"]
    );
    let kanji = b"\x1b$B%\\\x1b(B\\b";
    assert_eq!(
        Charset::of(&["", "ISO 2022 IR 87"])
            .decode(kanji, Cut::Values)
            .0,
        ["ボ", "b"]
    );
}

#[test]
fn one_byte_repertoires() {
    assert_eq!(names(&["ISO_IR 100"], b"Buc^J\xe9r\xf4me"), ["Buc^Jérôme"]);
    assert_eq!(names(&["ISO_IR 144"], b"\xbb\xee\xda"), ["Люк"]);
    assert_eq!(names(&["ISO_IR 127"], b"\xe2\xc8\xc7\xe6\xea"), ["قباني"]);
    assert_eq!(names(&["ISO_IR 126"], b"\xc4\xe9\xef"), ["Διο"]);
    assert_eq!(names(&["ISO_IR 138"], b"\xf9\xf8\xe5\xef"), ["שרון"]);
    assert_eq!(names(&["ISO_IR 166"], b"\xb9\xd2"), ["นา"]);
    assert_eq!(
        names(
            &["ISO 2022 IR 100", "ISO 2022 IR 144"],
            b"J\xe9=\x1b-L\xbb\xee\xda^\xe9"
        ),
        ["Jé=Люк^é"]
    );
}

#[test]
fn what_cannot_be_decoded_is_kept_and_said() {
    for (terms, bytes) in [
        (vec![], &b"M\xfcller"[..]),
        (vec!["ISO_IR 192"], &b"M\xfcller"[..]),
        (vec!["ISO_IR 999"], &b"M\xfcller"[..]),
        (vec!["", "ISO 2022 IR 87"], &b"M\xfcller"[..]),
    ] {
        let (values, explained) = Charset::of(&terms).decode(bytes, Cut::Names);
        assert_eq!(values, ["M\\374ller"], "{terms:?}");
        assert!(!explained);
    }
    assert!(Charset::of(&["ISO_IR 999"]).is_unknown());
    // A cut character at the end.
    let (values, explained) = Charset::of(&["GB18030"]).decode(b"\xcd\xf5\xcd", Cut::Names);
    assert_eq!((values[0].as_str(), explained), ("王\\315", false));
}

#[test]
fn written_as_it_was_declared() {
    for (term, text) in [
        ("GB18030", "王^小东"),
        ("ISO_IR 100", "Jérôme"),
        ("ISO_IR 192", "پاتىگۈل"),
    ] {
        let charset = Charset::of(&[term]);
        let bytes = charset.encode(text).unwrap();
        assert_eq!(
            charset.decode(&bytes, Cut::Names),
            (vec![text.to_owned()], true)
        );
    }
    assert_eq!(Charset::of(&["ISO_IR 100"]).encode("王"), None);
    assert_eq!(Charset::default().encode("é"), None);
}
