//! Finding studies, series and objects (PS3.4 §C.4.1, PS3.18 §10.6).

use agreements::Permit;
use kernel::HospitalId;

use super::compare::test;
use crate::images::{ImageColumn, ImageLevel, ImageQuery, ImageTest};
use crate::sql::permit::{CURRENT, condition_at};
use crate::sql::{Binds, Dialect, Statement};

/// Columns of every row; what a level has not is NULL.
const STUDY: &str = "r.id, r.patient, s.uid, s.attributes, s.waiting";
/// Of all rows of a study the same: told only where they are asked for.
const NO_COUNTS: &str = "0, 0, NULL";
const COUNTS: &str = "\
     (SELECT count(*) FROM dicom_series m WHERE m.study = s.study AND m.instances > 0), \
     (SELECT coalesce(sum(m.instances), 0) FROM dicom_series m WHERE m.study = s.study)";
const SERIES: &str = "q.uid, q.attributes, q.instances";
const NO_SERIES: &str = "NULL, NULL, NULL";
const INSTANCE: &str = "i.uid, i.attributes";
const NO_INSTANCE: &str = "NULL, NULL";

pub(crate) fn find(
    dialect: &Dialect,
    permit: &Permit,
    hospital: &HospitalId,
    query: &ImageQuery,
) -> Statement {
    let mut binds = dialect.binds();
    let from = from(dialect, query);
    let holds = holds(permit, hospital, query, &mut binds);
    let counts = match query.counts {
        true => format!("{COUNTS}, {}", modalities(dialect)),
        false => NO_COUNTS.to_owned(),
    };
    let study = format!("{STUDY}, {counts}, {}", aside(query));
    let (columns, below) = match query.level {
        ImageLevel::Patient | ImageLevel::Study => {
            (format!("{study}, {NO_SERIES}, {NO_INSTANCE}"), "")
        }
        ImageLevel::Series => (
            format!("{study}, {SERIES}, {NO_INSTANCE}"),
            ", q.number, q.series",
        ),
        ImageLevel::Instance => (
            format!("{study}, {SERIES}, {INSTANCE}"),
            ", q.number, q.series, i.number, i.instance",
        ),
    };
    let order = format!("{} DESC, s.study DESC{below}", date(dialect, query));
    let page = format!("LIMIT {} OFFSET {}", query.limit, query.offset);
    let text = if query.level == ImageLevel::Patient {
        let join = dialect.join();
        format!(
            "SELECT {columns} FROM dicom_study s {join} record r ON r.record = s.record WHERE s.study IN \
             (SELECT max(s.study) FROM {from} WHERE {holds} GROUP BY s.patient_id, s.issuer) ORDER BY {order} {page}"
        )
    } else {
        format!("SELECT {columns} FROM {from} WHERE {holds} ORDER BY {order} {page}")
    };
    binds.statement(text)
}

/// What studies are sorted by. Where a few are named, SQLite must not walk all of them by date to spare the sorting.
fn date(dialect: &Dialect, query: &ImageQuery) -> &'static str {
    let few = [
        ImageColumn::StudyUid,
        ImageColumn::PatientId,
        ImageColumn::Accession,
    ];
    match dialect {
        Dialect::Sqlite | Dialect::SqliteKnowing(_)
            if few.into_iter().any(|column| named(query, column)) =>
        {
            "+s.date"
        }
        _ => "s.date",
    }
}

/// The modalities of the study's series, with commas between.
const fn modalities(dialect: &Dialect) -> &'static str {
    match dialect {
        Dialect::Sqlite | Dialect::SqliteKnowing(_) => {
            "(SELECT group_concat(DISTINCT m.modality) FROM dicom_series m \
             WHERE m.study = s.study AND m.instances > 0 AND m.modality <> '')"
        }
        Dialect::Postgres(_) => {
            "(SELECT string_agg(DISTINCT m.modality, ',') FROM dicom_series m \
             WHERE m.study = s.study AND m.instances > 0 AND m.modality <> '')"
        }
    }
}

/// How many objects wait.
const fn aside(query: &ImageQuery) -> &'static str {
    if query.waiting {
        "(SELECT count(*) FROM dicom_instance a WHERE a.study = s.study AND a.standing > 0)"
    } else {
        "0"
    }
}

/// Whether a condition names one of a few values of a column, so that its index leads.
fn named(query: &ImageQuery, column: ImageColumn) -> bool {
    query.conditions.iter().any(|any| match any.as_slice() {
        [(c, ImageTest::In(_))] => *c == column,
        _ => false,
    })
}

/// The tables in the order in which they are read.
fn from(dialect: &Dialect, query: &ImageQuery) -> String {
    let join = dialect.join();
    let record = format!("{join} record r ON r.record = s.record");
    let study_named = named(query, ImageColumn::StudyUid);
    match query.level {
        ImageLevel::Patient | ImageLevel::Study => format!("dicom_study s {record}"),
        ImageLevel::Instance if named(query, ImageColumn::InstanceUid) => format!(
            "dicom_instance i {join} dicom_series q ON q.series = i.series \
             {join} dicom_study s ON s.study = q.study {record}"
        ),
        ImageLevel::Series | ImageLevel::Instance => {
            let objects = match query.level {
                ImageLevel::Instance => format!(" {join} dicom_instance i ON i.series = q.series"),
                _ => String::new(),
            };
            if named(query, ImageColumn::SeriesUid) && !study_named {
                format!(
                    "dicom_series q {join} dicom_study s ON s.study = q.study {record}{objects}"
                )
            } else {
                format!(
                    "dicom_study s {record} {join} dicom_series q ON q.study = s.study{objects}"
                )
            }
        }
    }
}

fn holds(permit: &Permit, hospital: &HospitalId, query: &ImageQuery, binds: &mut Binds) -> String {
    let h = binds.hospital(hospital.as_str());
    let mut all = vec![format!("s.hospital = {h}")];
    let shown = match query.level {
        ImageLevel::Patient | ImageLevel::Study => {
            "EXISTS (SELECT 1 FROM dicom_series m WHERE m.study = s.study AND m.instances > 0)"
        }
        ImageLevel::Series => "q.instances > 0",
        ImageLevel::Instance => "i.standing = 0",
    };
    if query.waiting {
        all.push(
            "(s.waiting = 1 OR EXISTS (SELECT 1 FROM dicom_instance a WHERE a.study = s.study AND a.standing > 0))"
                .to_owned(),
        );
    } else {
        all.push(shown.to_owned());
    }
    if query.level == ImageLevel::Instance && named(query, ImageColumn::InstanceUid) {
        all.push(format!("i.hospital = {h}"));
    }
    if matches!(query.level, ImageLevel::Series | ImageLevel::Instance)
        && named(query, ImageColumn::SeriesUid)
    {
        all.push(format!("q.hospital = {h}"));
    }
    for any in &query.conditions {
        let tests: Vec<String> = any.iter().map(|(c, t)| test(*c, t, binds)).collect();
        all.push(match tests.as_slice() {
            [] => "FALSE".to_owned(),
            [one] => one.clone(),
            _ => format!("({})", tests.join(" OR ")),
        });
    }
    all.push("r.deleted = 0".to_owned());
    all.push(condition_at(permit, hospital, CURRENT, binds));
    all.join(" AND ")
}
