//! A DICOM query as a search of the store. What the store has no column for is compared here, attribute by attribute.

use agreements::Permit;
use bytes::Bytes;
use imaging::name::PersonName;
use imaging::query::{Answered, Key, Level, Match, Query, fold, is_folded, matches};
use imaging::{Tag, VR, json, tags};
use kernel::{HospitalId, limits};
use store::{ImageColumn as C, ImageLevel, ImageQuery, ImageRow, ImageTest as T};

use super::{Found, pieces};
use crate::{App, AppError, Cx};

/// Rows read at once while attributes without a column are compared, and how many in all.
const COMPARED_AT_ONCE: u32 = 1_000;
const COMPARED_MAX: u64 = 200_000;

/// A query as the store takes it, and whether rows have to be compared once more.
pub(super) struct Asked {
    pub query: ImageQuery,
    pub compare: bool,
}

type Conditions = Vec<Vec<(C, T)>>;

pub(super) fn asked(query: &Query) -> Asked {
    let mut conditions = Conditions::new();
    for (column, uids) in [
        (C::StudyUid, &query.study),
        (C::SeriesUid, &query.series),
        (C::InstanceUid, &query.instance),
    ] {
        if !uids.is_empty() {
            conditions.push(vec![(column, T::In(uids.clone()))]);
        }
    }
    let mut compare = false;
    for key in &query.keys {
        match condition(key, query) {
            Some(more) => conditions.extend(more),
            None => compare = true,
        }
    }
    let limit = query.limit.unwrap_or(limits::IMAGE_QUERY_LIMIT_MAX);
    Asked {
        query: ImageQuery {
            level: match query.level {
                Level::Patient => ImageLevel::Patient,
                // A query above its UIDs' level is asked where they stand.
                Level::Study => ImageLevel::Study,
                Level::Series => ImageLevel::Series,
                Level::Instance => ImageLevel::Instance,
            },
            conditions,
            waiting: false,
            counts: compare || counts(query),
            offset: u64::from(query.offset),
            limit: limit.min(limits::IMAGE_QUERY_LIMIT_MAX),
        },
        compare,
    }
}

/// Whether answers tell what is computed from all rows of a study.
fn counts(query: &Query) -> bool {
    let of_study = [
        tags::MODALITIES_IN_STUDY,
        tags::NUMBER_OF_STUDY_RELATED_SERIES,
        tags::NUMBER_OF_STUDY_RELATED_INSTANCES,
    ];
    match &query.include.exactly {
        Some(keys) => keys.iter().any(|k| of_study.contains(&k.tag)),
        None => {
            let answered = Answered::of(query);
            of_study.into_iter().any(|tag| answered.has(tag))
        }
    }
}

/// The column of an attribute that is compared as it stands or folded, from the level given.
fn column(tag: Tag, level: Level) -> Option<C> {
    let of_study = match tag {
        tags::PATIENT_ID => Some(C::PatientId),
        tags::PATIENT_SEX => Some(C::Sex),
        tags::ACCESSION_NUMBER => Some(C::Accession),
        tags::STUDY_ID => Some(C::StudyNumber),
        tags::STUDY_DESCRIPTION => Some(C::StudyDescription),
        tags::MODALITIES_IN_STUDY => Some(C::ModalityInStudy),
        tags::SOP_CLASSES_IN_STUDY => Some(C::SopClassInStudy),
        _ => None,
    };
    let of_series = match tag {
        tags::MODALITY => Some(C::Modality),
        tags::SERIES_DESCRIPTION => Some(C::SeriesDescription),
        tags::BODY_PART_EXAMINED => Some(C::BodyPart),
        _ => None,
    };
    let of_instance = match tag {
        tags::SOP_CLASS_UID => Some(C::SopClass),
        _ => None,
    };
    of_study
        .or(of_series.filter(|_| matches!(level, Level::Series | Level::Instance)))
        .or(of_instance.filter(|_| level == Level::Instance))
}

/// What must hold of columns for a key to match; none where no column has it.
fn condition(key: &Key, query: &Query) -> Option<Conditions> {
    if matches!(key.matching, Match::Universal) {
        return Some(Vec::new());
    }
    match key.tag {
        tags::PATIENT_NAME => return name(key, query),
        tags::STUDY_DATE | tags::PATIENT_BIRTH_DATE | tags::STUDY_TIME => return moment(key),
        tags::SERIES_NUMBER if matches!(query.level, Level::Series | Level::Instance) => {
            return number(key, C::SeriesNumber);
        }
        tags::INSTANCE_NUMBER if query.level == Level::Instance => {
            return number(key, C::InstanceNumber);
        }
        _ => {}
    }
    let column = column(key.tag, query.level)?;
    let written = |v: &str| match is_folded(key.tag, key.vr) {
        true => fold(v),
        false => v.to_owned(),
    };
    let one = |v: &str| text(column, &written(v));
    let any = match &key.matching {
        // What is computed from many rows is never without a value.
        Match::Empty if column == C::ModalityInStudy || column == C::SopClassInStudy => {
            return None;
        }
        Match::Empty => vec![(column, T::In(vec![String::new()]))],
        Match::Single(v) | Match::Wildcard(v) => vec![one(v)?],
        Match::List(all) => all.iter().map(|v| one(v)).collect::<Option<_>>()?,
        _ => return None,
    };
    Some(vec![any])
}

/// A value or pattern of one column. What matches even an absent value is left to the comparison.
fn text(column: C, value: &str) -> Option<(C, T)> {
    if value.chars().all(|c| c == '*') {
        return None;
    }
    Some(if value.contains(['*', '?']) {
        (column, T::Like(value.to_owned()))
    } else {
        (column, T::In(vec![value.to_owned()]))
    })
}

/// A name: any of its groups matches, or with fuzzy matching each word begins one of its words.
fn name(key: &Key, query: &Query) -> Option<Conditions> {
    let groups = [C::Name, C::Ideographic, C::Phonetic];
    let (Match::Single(value) | Match::Wildcard(value)) = &key.matching else {
        return None;
    };
    let pattern = fold(value);
    if pattern.contains('=') || pattern.chars().count() > 100 {
        return None;
    }
    let plain: Vec<(C, T)> = groups
        .into_iter()
        .map(|c| text(c, &pattern))
        .collect::<Option<_>>()?;
    if pattern.contains('?') || pattern.trim_end_matches('*').contains('*') {
        // It may match across the groups of a name.
        return None;
    }
    if !query.fuzzy {
        return Some(vec![plain]);
    }
    let bare: String = value.chars().filter(|c| !matches!(c, '*' | '?')).collect();
    let words = PersonName::parse(&bare).words();
    if words.is_empty() {
        return Some(vec![plain]);
    }
    Some(
        words
            .into_iter()
            .map(|w| {
                let mut any = plain.clone();
                any.push((C::Words, T::Contains(format!(" {w}"))));
                any
            })
            .collect(),
    )
}

fn moment(key: &Key) -> Option<Conditions> {
    let column = match key.tag {
        tags::STUDY_DATE => C::StudyDate,
        tags::STUDY_TIME => C::StudyTime,
        _ => C::BirthDate,
    };
    let test = match &key.matching {
        Match::Empty => T::In(vec![String::new()]),
        Match::Range(from, until) if key.vr == VR::TM => T::Time(from.clone(), until.clone()),
        Match::Range(from, until) => T::Range(from.clone(), until.clone()),
        Match::Moment {
            time: tags::STUDY_TIME,
            from,
            to,
        } if column == C::StudyDate => T::Moment(C::StudyTime, from.clone(), to.clone()),
        _ => return None,
    };
    Some(vec![vec![(column, test)]])
}

fn number(key: &Key, column: C) -> Option<Conditions> {
    let values: &[String] = match &key.matching {
        Match::Single(v) => std::slice::from_ref(v),
        Match::List(all) => all,
        _ => return None,
    };
    let numbers: Vec<i64> = values
        .iter()
        .map(|v| v.trim().parse().ok())
        .collect::<Option<_>>()?;
    Some(vec![vec![(column, T::Number(numbers))]])
}

impl App {
    /// What matches, under the permit. The reading is audited before this returns.
    pub async fn image_find(
        &self,
        cx: &Cx,
        hospital: &HospitalId,
        query: &Query,
    ) -> Result<Found, AppError> {
        let base = self.dicom_web_base(hospital);
        self.image_find_at(cx, hospital, query, &base).await
    }

    /// As [`App::image_find`], asked at a DICOMweb service that begins with `base`: rows say there where to retrieve from.
    pub async fn image_find_at(
        &self,
        cx: &Cx,
        hospital: &HospitalId,
        query: &Query,
        base: &str,
    ) -> Result<Found, AppError> {
        self.known(hospital)?;
        let permit = cx.permit();
        let (found, more) = self.matching(&permit, hospital, query).await?;
        self.images_seen(
            cx,
            hospital,
            found.iter().map(|r| (&r.study, r.patient.as_ref())),
            "imaging.searched",
        )
        .await?;
        let rows = found
            .iter()
            .map(|r| row(r, base))
            .collect::<Result<_, _>>()?;
        Ok(Found {
            rows,
            more,
            fuzzy: query.fuzzy,
        })
    }

    /// Rows that match, and whether there are more.
    async fn matching(
        &self,
        permit: &Permit,
        hospital: &HospitalId,
        query: &Query,
    ) -> Result<(Vec<ImageRow>, bool), AppError> {
        let Asked {
            query: ask,
            compare,
        } = asked(query);
        let images = self.store.images();
        let limit = ask.limit as usize;
        if !compare {
            let mut ask = ask;
            ask.limit += 1;
            let mut found = images.find_images(permit, hospital, &ask).await?;
            let more = found.len() > limit;
            found.truncate(limit);
            return Ok((found, more));
        }
        let mut skip = ask.offset;
        let mut found = Vec::new();
        let mut ask = ImageQuery {
            offset: 0,
            limit: COMPARED_AT_ONCE,
            ..ask
        };
        loop {
            let page = images.find_images(permit, hospital, &ask).await?;
            let full = page.len() == COMPARED_AT_ONCE as usize;
            for r in page {
                let data = json::parse(&row(&r, "")?, &|_| None).map_err(super::object::refused)?;
                if !matches(query, &data) {
                    continue;
                }
                if skip > 0 {
                    skip -= 1;
                } else if found.len() == limit {
                    return Ok((found, true));
                } else {
                    found.push(r);
                }
            }
            ask.offset += u64::from(COMPARED_AT_ONCE);
            if !full {
                return Ok((found, false));
            }
            if ask.offset >= COMPARED_MAX {
                return Err(AppError::TooMuch("images compared for one query"));
            }
        }
    }
}

/// A row as one DICOM JSON object, with what is told of the archive itself.
pub(super) fn row(r: &ImageRow, base: &str) -> Result<Bytes, AppError> {
    let mut told = Vec::with_capacity(512);
    let mut tell = |tag: &str, value: &str| pieces::add(&mut told, tag, value);
    let number = |n: u64| format!(r#"{{"vr":"IS","Value":[{n}]}}"#);
    tell("00080056", r#"{"vr":"CS","Value":["ONLINE"]}"#)?;
    if r.series.is_none() && !r.modalities.is_empty() {
        let all = serde_json::json!({"vr": "CS", "Value": r.modalities});
        tell("00080061", &all.to_string())?;
    }
    if !base.is_empty() {
        let mut url = format!("{base}/studies/{}", r.study_uid);
        if let Some(series) = &r.series {
            url.push_str("/series/");
            url.push_str(&series.uid);
        }
        if let Some(instance) = &r.instance {
            url.push_str("/instances/");
            url.push_str(&instance.uid);
        }
        let url = serde_json::Value::from(url);
        tell("00081190", &format!(r#"{{"vr":"UR","Value":[{url}]}}"#))?;
    }
    if r.series_count > 0 {
        tell("00201206", &number(r.series_count))?;
        tell("00201208", &number(r.instance_count))?;
    }
    if let Some(series) = &r.series {
        tell("00201209", &number(series.instance_count))?;
    }
    let none: &[u8] = &[];
    pieces::join(&[
        &r.study_attributes,
        r.series.as_ref().map_or(none, |s| &s.attributes),
        r.instance.as_ref().map_or(none, |i| &i.attributes),
        &told,
    ])
}
