//! Values over time, per LOINC code.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Entry, Flag, Range, Source, When};

/// One point of a trend.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Point {
    pub source: Source,
    pub when: When,
    /// In the trend's unit.
    pub number: f64,
    /// As written by the source.
    pub value: String,
    pub unit: Option<String>,
    pub flag: Option<Flag>,
}

/// One measured quantity over time, oldest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trend {
    pub loinc: String,
    pub title: String,
    /// The unit of the newest value; all points are in it.
    pub unit: Option<String>,
    pub range: Option<Range>,
    pub points: Vec<Point>,
}

/// Trends of every LOINC code measured at least twice in units that convert into each other.
pub fn trends(entries: &[Entry]) -> Vec<Trend> {
    let mut series: BTreeMap<&str, Vec<(&Entry, &super::Measure)>> = BTreeMap::new();
    for entry in entries {
        if entry.status.as_deref() == Some("entered-in-error") || entry.when.is_none() {
            continue;
        }
        for measure in &entry.measures {
            if let (Some(loinc), Some(_)) = (&measure.loinc, measure.number) {
                series
                    .entry(crate::units::series(loinc))
                    .or_default()
                    .push((entry, measure));
            }
        }
    }
    let mut trends: Vec<_> = series
        .into_iter()
        .filter_map(|(loinc, mut list)| {
            list.sort_by_key(|(e, _)| e.when.as_ref().map(|w| w.start));
            let (newest, last) = list.last()?;
            let unit = last.ucum.clone().or_else(|| last.unit.clone());
            let points: Vec<_> = list
                .iter()
                .filter_map(|(entry, m)| point(loinc, entry, m, unit.as_deref()))
                .collect();
            (points.len() > 1).then(|| Trend {
                loinc: loinc.to_owned(),
                title: last.name.clone().unwrap_or_else(|| newest.title.clone()),
                unit: last.unit.clone(),
                range: last.range.clone(),
                points,
            })
        })
        .collect();
    trends.sort_by(|a, b| {
        b.points
            .len()
            .cmp(&a.points.len())
            .then_with(|| a.title.cmp(&b.title))
    });
    trends
}

fn point(loinc: &str, entry: &Entry, m: &super::Measure, unit: Option<&str>) -> Option<Point> {
    let own = m.ucum.as_deref().or(m.unit.as_deref());
    let number = if own == unit {
        m.number?
    } else {
        crate::units::convert_to(loinc, m.number?, own?, unit?)?
    };
    Some(Point {
        source: entry.source.clone(),
        when: entry.when.clone()?,
        number,
        value: m.value.clone(),
        unit: m.unit.clone(),
        flag: m.flag,
    })
}
