//! The statements that write what a group decided about images.

use std::collections::HashMap;

use bytes::Bytes;

use super::{Altered, NewObject};
use crate::images::{NO_NUMBER, Standing};
use crate::postgres::rows::Holds::{Bytes as Bin, Int, Text};
use crate::postgres::rows::{Bulk, Cell, Rows};
use crate::postgres::values::indexed;
use crate::sql::signed;

/// Texts of these stand in an index.
fn found(t: &str) -> Cell {
    Cell::Text(indexed(t).into_owned())
}

/// The statements that write the objects, in the order in which they must run.
pub(crate) fn statements(new: &[NewObject<'_>], altered: &[Altered], out: &mut Vec<Bulk>) {
    out.extend(studies(new));
    series(new, out);
    out.extend(blobs(new));
    out.extend(instances(new));
    let mut last: HashMap<i64, (i64, i64)> = HashMap::new();
    for n in new {
        let at = last.entry(n.study).or_insert((n.hospital, n.at));
        at.1 = at.1.max(n.at);
    }
    let mut arrivals = Rows::new(&[("study", Int), ("hospital", Int), ("at", Int)]);
    for (study, (hospital, at)) in last {
        arrivals.push([study.into(), hospital.into(), at.into()]);
    }
    out.extend(Bulk::insert(
        "dicom_arrival",
        arrivals,
        "ON CONFLICT (study) DO UPDATE SET at = greatest(dicom_arrival.at, excluded.at)",
    ));
    for a in altered {
        alter(a, out);
    }
}

fn studies(new: &[NewObject<'_>]) -> Option<Bulk> {
    let mut rows = Rows::new(&[
        ("study", Int),
        ("hospital", Int),
        ("record", Int),
        ("uid", Text),
        ("patient_id", Text),
        ("issuer", Text),
        ("name", Text),
        ("ideographic", Text),
        ("phonetic", Text),
        ("words", Text),
        ("birth_date", Text),
        ("sex", Text),
        ("date", Text),
        ("time", Text),
        ("accession", Text),
        ("number", Text),
        ("description", Text),
        ("referring", Text),
        ("waiting", Int),
        ("attributes", Bin),
    ]);
    for n in new {
        let Some(record) = n.new_study else { continue };
        let r = &n.write.study_row;
        rows.push([
            n.study.into(),
            n.hospital.into(),
            record.into(),
            found(&r.uid),
            found(&r.patient_id),
            found(&r.issuer),
            found(&r.name),
            found(&r.ideographic),
            found(&r.phonetic),
            found(&r.words),
            found(&r.birth_date),
            found(&r.sex),
            found(&r.date),
            found(&r.time),
            found(&r.accession),
            found(&r.number),
            found(&r.description),
            found(&r.referring),
            i64::from(r.waiting).into(),
            r.attributes.clone().into(),
        ]);
    }
    Bulk::insert("dicom_study", rows, "")
}

/// New series with no objects, then the counts of all.
fn series(new: &[NewObject<'_>], out: &mut Vec<Bulk>) {
    let mut rows = Rows::new(&[
        ("series", Int),
        ("hospital", Int),
        ("study", Int),
        ("uid", Text),
        ("modality", Text),
        ("number", Int),
        ("description", Text),
        ("body_part", Text),
        ("instances", Int),
        ("bytes", Int),
        ("attributes", Bin),
    ]);
    let mut counts: HashMap<i64, (i64, i64)> = HashMap::new();
    for n in new {
        if n.standing == Standing::Shown {
            let c = counts.entry(n.series).or_default();
            c.0 += 1;
            c.1 += signed(n.write.blob.size);
        }
        if !n.new_series {
            continue;
        }
        let r = &n.write.series_row;
        rows.push([
            n.series.into(),
            n.hospital.into(),
            n.study.into(),
            found(&r.uid),
            found(&r.modality),
            r.number.unwrap_or(NO_NUMBER).into(),
            found(&r.description),
            found(&r.body_part),
            Cell::Int(0),
            Cell::Int(0),
            r.attributes.clone().into(),
        ]);
    }
    out.extend(Bulk::insert("dicom_series", rows, ""));
    let mut rows = Rows::new(&[("series", Int), ("instances", Int), ("bytes", Int)]);
    for (series, (count, bytes)) in counts {
        rows.push([series.into(), count.into(), bytes.into()]);
    }
    if !rows.is_empty() {
        out.push(Bulk {
            text: format!(
                "UPDATE dicom_series q SET instances = q.instances + k.instances, bytes = q.bytes + k.bytes \
                 FROM {} AS k(series, instances, bytes) WHERE q.series = k.series",
                rows.unnest()
            ),
            rows,
        });
    }
}

fn blobs(new: &[NewObject<'_>]) -> Option<Bulk> {
    let mut rows = Rows::new(&[
        ("hospital", Int),
        ("address", Text),
        ("patient", Text),
        ("size", Int),
        ("media_type", Text),
        ("stored_at", Int),
        ("erased", Int),
    ]);
    for n in new {
        let b = &n.write.blob;
        rows.push([
            n.hospital.into(),
            b.address.as_str().into(),
            b.patient.as_ref().map(AsRef::<str>::as_ref).into(),
            signed(b.size).into(),
            b.media_type.as_str().into(),
            n.at.into(),
            Cell::Int(0),
        ]);
    }
    Bulk::insert(
        "blob",
        rows,
        "ON CONFLICT (hospital, address) DO UPDATE SET erased = 0, stored_at = excluded.stored_at",
    )
}

fn instances(new: &[NewObject<'_>]) -> Option<Bulk> {
    let mut rows = Rows::new(&[
        ("instance", Int),
        ("hospital", Int),
        ("study", Int),
        ("series", Int),
        ("uid", Text),
        ("standing", Int),
        ("number", Int),
        ("sop_class", Text),
        ("transfer_syntax", Text),
        ("height", Int),
        ("width", Int),
        ("frames", Int),
        ("size", Int),
        ("digest", Bin),
        ("address", Text),
        ("sender", Text),
        ("stored_at", Int),
        ("attributes", Bin),
        ("layout", Bin),
        ("meta", Bin),
    ]);
    for n in new {
        let i = &n.write.instance;
        rows.push([
            n.instance.into(),
            n.hospital.into(),
            n.study.into(),
            n.series.into(),
            found(&i.uid),
            n.standing.number().into(),
            i.number.unwrap_or(NO_NUMBER).into(),
            found(&i.sop_class),
            found(&i.transfer_syntax),
            i.height.map(i64::from).into(),
            i.width.map(i64::from).into(),
            i64::from(i.frames).into(),
            signed(n.write.blob.size).into(),
            Bytes::copy_from_slice(&i.digest).into(),
            n.write.blob.address.as_str().into(),
            i.sender.as_str().into(),
            n.at.into(),
            i.attributes.clone().into(),
            i.layout.clone().into(),
            i.meta.clone().into(),
        ]);
    }
    Bulk::insert("dicom_instance", rows, "")
}

fn alter(a: &Altered, out: &mut Vec<Bulk>) {
    match a {
        Altered::Quiet { record, at } => {
            let mut rows = Rows::new(&[("record", Int), ("at", Int)]);
            rows.push([(*record).into(), (*at).into()]);
            out.push(Bulk {
                text: format!(
                    "DELETE FROM dicom_arrival a USING {} AS k(record, at), dicom_study s \
                     WHERE s.record = k.record AND a.study = s.study AND a.at <= k.at",
                    rows.unnest()
                ),
                rows,
            });
        }
        Altered::Waiting { record, waiting } => {
            let mut rows = Rows::new(&[("record", Int), ("waiting", Int)]);
            rows.push([(*record).into(), i64::from(*waiting).into()]);
            out.push(Bulk {
                text: format!(
                    "UPDATE dicom_study s SET waiting = k.waiting FROM {} AS k(record, waiting) \
                     WHERE s.record = k.record",
                    rows.unnest()
                ),
                rows,
            });
        }
        Altered::Stand {
            record,
            instance,
            standing,
        } => stand(*record, *instance, *standing, out),
    }
}

/// Moves an object in or out of what is shown: the one that stands in its place goes, the counts of the series follow.
fn stand(record: i64, instance: i64, standing: i64, out: &mut Vec<Bulk>) {
    let rows = || {
        let mut rows = Rows::new(&[("record", Int), ("instance", Int), ("standing", Int)]);
        rows.push([record.into(), instance.into(), standing.into()]);
        rows
    };
    let mut add = |text: String| out.push(Bulk { text, rows: rows() });
    let k = format!("{} AS k(record, instance, standing)", rows().unnest());
    if standing == Standing::Shown.number() {
        add(format!(
            "UPDATE dicom_instance o SET standing = 1 FROM {k}, dicom_instance i, dicom_study s \
             WHERE i.instance = k.instance AND s.study = i.study AND s.record = k.record \
             AND o.hospital = i.hospital AND o.uid = i.uid AND o.standing = 0 AND o.instance <> i.instance"
        ));
    }
    add(format!(
        "UPDATE dicom_instance i SET standing = k.standing FROM {k}, dicom_study s \
         WHERE i.instance = k.instance AND s.study = i.study AND s.record = k.record"
    ));
    // The objects of one UID may lie in several series.
    add(format!(
        "UPDATE dicom_series q SET \
         instances = (SELECT count(*) FROM dicom_instance c WHERE c.series = q.series AND c.standing = 0), \
         bytes = (SELECT coalesce(sum(c.size), 0) FROM dicom_instance c WHERE c.series = q.series AND c.standing = 0) \
         WHERE q.series IN (SELECT o.series FROM {k} JOIN dicom_instance i ON i.instance = k.instance \
         JOIN dicom_instance o ON o.hospital = i.hospital AND o.uid = i.uid)"
    ));
    add(format!(
        "INSERT INTO dicom_arrival (study, hospital, at) SELECT s.study, s.hospital, 0 FROM {k} \
         JOIN dicom_study s ON s.record = k.record ON CONFLICT DO NOTHING"
    ));
}
