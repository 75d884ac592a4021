//! Comparisons of columns.

use crate::images::{ImageColumn, ImageTest};
use crate::sql::{Binds, Dialect};

/// Where a column stands: in the study `s`, its record `r`, the series `q` or the object `i`.
pub(super) const fn column(c: ImageColumn) -> &'static str {
    use ImageColumn as C;
    match c {
        C::StudyUid => "s.uid",
        C::PatientId => "s.patient_id",
        C::Issuer => "s.issuer",
        C::Name => "s.name",
        C::Ideographic => "s.ideographic",
        C::Phonetic => "s.phonetic",
        C::Words => "s.words",
        C::BirthDate => "s.birth_date",
        C::Sex => "s.sex",
        C::StudyDate => "s.date",
        C::StudyTime => "s.time",
        C::Accession => "s.accession",
        C::StudyNumber => "s.number",
        C::StudyDescription => "s.description",
        C::Referring => "s.referring",
        C::ModalityInStudy => "m.modality",
        C::SopClassInStudy => "n.sop_class",
        C::SeriesUid => "q.uid",
        C::Modality => "q.modality",
        C::SeriesNumber => "q.number",
        C::SeriesDescription => "q.description",
        C::BodyPart => "q.body_part",
        C::InstanceUid => "i.uid",
        C::SopClass => "i.sop_class",
        C::TransferSyntax => "i.transfer_syntax",
        C::InstanceNumber => "i.number",
        C::Patient => "r.patient",
        C::Record => "r.id",
    }
}

/// One test of one column.
pub(super) fn test(c: ImageColumn, t: &ImageTest, binds: &mut Binds) -> String {
    let compared = compare(column(c), t, binds);
    match c {
        ImageColumn::ModalityInStudy => format!(
            "EXISTS (SELECT 1 FROM dicom_series m WHERE m.study = s.study AND m.instances > 0 AND {compared})"
        ),
        ImageColumn::SopClassInStudy => format!(
            "EXISTS (SELECT 1 FROM dicom_series m JOIN dicom_instance n ON n.series = m.series \
             WHERE m.study = s.study AND n.standing = 0 AND {compared})"
        ),
        _ => compared,
    }
}

fn compare(column: &str, t: &ImageTest, binds: &mut Binds) -> String {
    match t {
        ImageTest::In(values) if values.is_empty() => "FALSE".to_owned(),
        ImageTest::In(values) => {
            let all: Vec<String> = values.iter().map(|v| binds.bind(v.as_str())).collect();
            match all.as_slice() {
                [one] => format!("{column} = {one}"),
                _ => format!("{column} IN ({})", all.join(", ")),
            }
        }
        ImageTest::Number(values) if values.is_empty() => "FALSE".to_owned(),
        ImageTest::Number(values) => {
            let all: Vec<String> = values.iter().map(|v| binds.bind(*v)).collect();
            format!("{column} IN ({})", all.join(", "))
        }
        ImageTest::Range(from, until) => {
            let mut text = format!("({column} <> ''");
            if let Some(from) = from {
                text.push_str(&format!(" AND {column} >= {}", binds.bind(from.as_str())));
            }
            if let Some(until) = until {
                text.push_str(&format!(" AND {column} <= {}", binds.bind(until.as_str())));
            }
            text.push(')');
            text
        }
        ImageTest::Time(from, until) => {
            let (low, high) = ends(column);
            format!(
                "({column} <> ''{})",
                between(&low, &high, from, until, binds)
            )
        }
        ImageTest::Moment(time, from, until) => {
            let (low, high) = ends(self::column(*time));
            let (low, high) = (format!("{column} || {low}"), format!("{column} || {high}"));
            format!(
                "({column} <> ''{})",
                between(&low, &high, from, until, binds)
            )
        }
        ImageTest::Like(pattern) => like(column, pattern, binds),
        ImageTest::Contains(part) => {
            let part = binds.bind(part.as_str());
            binds.dialect.contains(column, &part)
        }
    }
}

/// The first and the last moment that a time may mean: what is missing of it is filled up.
fn ends(time: &str) -> (String, String) {
    let filled = |by: &str| format!("({time} || substr('{by}', length({time}) + 1))");
    (filled("000000.000000"), filled("235959.999999"))
}

fn between(
    low: &str,
    high: &str,
    from: &Option<String>,
    until: &Option<String>,
    binds: &mut Binds,
) -> String {
    let mut text = String::new();
    if let Some(from) = from {
        text.push_str(&format!(" AND {high} >= {}", binds.bind(from.as_str())));
    }
    if let Some(until) = until {
        text.push_str(&format!(" AND {low} <= {}", binds.bind(until.as_str())));
    }
    text
}

/// What begins the pattern narrows by an index; the rest is compared one by one. A pattern of `*` alone holds of
/// everything that has a value.
fn like(column: &str, pattern: &str, binds: &mut Binds) -> String {
    let stem: String = pattern
        .chars()
        .take_while(|c| !matches!(c, '*' | '?'))
        .collect();
    let mut text = format!("({column} <> ''");
    if !stem.is_empty() {
        text.push_str(&format!(" AND {column} >= {}", binds.bind(stem.as_str())));
        if let Some(end) = after(&stem) {
            text.push_str(&format!(" AND {column} < {}", binds.bind(end)));
        }
    }
    let written = match &binds.dialect {
        Dialect::Sqlite | Dialect::SqliteKnowing(_) => glob(pattern),
        Dialect::Postgres(_) => escaped(pattern),
    };
    let bound = binds.bind(written);
    match &binds.dialect {
        Dialect::Sqlite | Dialect::SqliteKnowing(_) => {
            text.push_str(&format!(" AND {column} GLOB {bound})"));
        }
        Dialect::Postgres(_) => text.push_str(&format!(" AND {column} LIKE {bound})")),
    }
    text
}

/// The first text after all that begin with `stem`, by the order of code points; none where there is no such text.
fn after(stem: &str) -> Option<String> {
    let mut chars: Vec<char> = stem.chars().collect();
    while let Some(last) = chars.pop() {
        let next = match last {
            '\u{d7ff}' => Some('\u{e000}'),
            c => char::from_u32(u32::from(c) + 1),
        };
        if let Some(next) = next {
            chars.push(next);
            return Some(chars.into_iter().collect());
        }
    }
    None
}

/// A pattern of SQLite's GLOB, which has `[` beside `*` and `?`.
fn glob(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len());
    for c in pattern.chars() {
        if c == '[' {
            out.push_str("[[]");
        } else {
            out.push(c);
        }
    }
    out
}

/// A pattern of LIKE.
fn escaped(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len());
    for c in pattern.chars() {
        match c {
            '*' => out.push('%'),
            '?' => out.push('_'),
            '%' | '_' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_begins_with_a_stem_ends_before_the_next_one() {
        assert_eq!(after("ab").as_deref(), Some("ac"));
        assert_eq!(after("a\u{10ffff}").as_deref(), Some("b"));
        assert_eq!(after("\u{d7ff}").as_deref(), Some("\u{e000}"));
        assert_eq!(after("\u{10ffff}"), None);
    }

    #[test]
    fn signs_of_the_other_language_of_patterns_stand_for_themselves() {
        assert_eq!(glob("a[b*?"), "a[[]b*?");
        assert_eq!(escaped("10%_*?\\"), "10\\%\\_%_\\\\");
    }
}
