//! Sorting and grouping.

use super::{Entry, Gap};

/// One line of a time line.
#[derive(Debug, Clone, PartialEq)]
pub enum Line {
    Entry(Box<Entry>),
    Gap(Gap),
}

/// The lines of one year, newest first.
#[derive(Debug, Clone, PartialEq)]
pub struct Year {
    /// None: undated.
    pub year: Option<i16>,
    pub lines: Vec<Line>,
}

/// Entries by the year of their clinical time, newest year first, undated entries last. Gaps stand at the top of the
/// newest year: what is missing may be the newest of all.
pub fn by_year(mut entries: Vec<Entry>, gaps: Vec<Gap>) -> Vec<Year> {
    entries.sort_by(|a, b| {
        let key = |e: &Entry| e.when.as_ref().map(|w| w.start);
        key(b)
            .cmp(&key(a))
            .then_with(|| b.recorded.cmp(&a.recorded))
            .then_with(|| a.source.cmp(&b.source))
    });
    let mut years: Vec<Year> = Vec::new();
    for entry in entries {
        let year = entry.when.as_ref().and_then(super::When::year);
        let line = Line::Entry(Box::new(entry));
        match years.last_mut() {
            Some(last) if last.year == year => last.lines.push(line),
            _ => years.push(Year {
                year,
                lines: vec![line],
            }),
        }
    }
    let gap_lines: Vec<_> = gaps.into_iter().map(Line::Gap).collect();
    match years.first_mut() {
        Some(first) => {
            first.lines.splice(0..0, gap_lines);
        }
        None if !gap_lines.is_empty() => years.push(Year {
            year: None,
            lines: gap_lines,
        }),
        None => {}
    }
    years
}
