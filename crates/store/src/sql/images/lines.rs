//! The objects of one study, and one of them.

use agreements::Permit;
use kernel::{HospitalId, RecordKey};

use crate::images::ImageAsk;
use crate::sql::permit::{CURRENT, condition_at};
use crate::sql::{Dialect, Statement};

const COLUMNS: &str = "r.id, r.patient, r.class, s.uid, q.uid, i.uid, i.sop_class, i.transfer_syntax, i.number, \
     i.height, i.width, i.frames, i.size, i.digest, i.sender, i.standing, i.stored_at, q.number, q.series, i.instance";

/// Objects of one study in the order of series and numbers.
pub(crate) fn images(
    dialect: &Dialect,
    permit: &Permit,
    hospital: &HospitalId,
    ask: &ImageAsk,
) -> Statement {
    let mut binds = dialect.binds();
    let join = dialect.join();
    let h = binds.hospital(hospital.as_str());
    let meta = if ask.meta { "i.meta" } else { "NULL" };
    let files = match ask.files {
        true => "i.address, i.layout",
        false => "NULL, NULL",
    };
    let from = if ask.instance.is_some() {
        format!(
            "dicom_instance i {join} dicom_series q ON q.series = i.series {join} dicom_study s ON s.study = q.study \
             {join} record r ON r.record = s.record"
        )
    } else {
        format!(
            "dicom_study s {join} record r ON r.record = s.record {join} dicom_series q ON q.study = s.study \
             {join} dicom_instance i ON i.series = q.series"
        )
    };
    let mut all = vec![
        format!("s.hospital = {h}"),
        format!("s.uid = {}", binds.bind(ask.study.as_str())),
    ];
    if let Some(series) = &ask.series {
        all.push(format!("q.uid = {}", binds.bind(series.as_str())));
    }
    if let Some(instance) = &ask.instance {
        all.push(format!("i.hospital = {h}"));
        all.push(format!("i.uid = {}", binds.bind(instance.as_str())));
    }
    all.push(
        if ask.aside {
            "i.standing > 0"
        } else {
            "i.standing = 0"
        }
        .to_owned(),
    );
    if let Some(p) = &ask.after {
        // The first part is what an index can begin at.
        let (n, q) = (binds.bind(p.series.0), binds.bind(p.series.1));
        let (m, i) = (binds.bind(p.instance.0), binds.bind(p.instance.1));
        all.push(format!(
            "q.number >= {n} AND (q.number > {n} OR q.series > {q} \
             OR (q.series = {q} AND (i.number > {m} OR (i.number = {m} AND i.instance > {i}))))"
        ));
    }
    all.push("r.deleted = 0".to_owned());
    all.push(condition_at(permit, hospital, CURRENT, &mut binds));
    let text = format!(
        "SELECT {COLUMNS}, {meta}, {files} FROM {from} WHERE {} \
         ORDER BY q.number, q.series, i.number, i.instance LIMIT {}",
        all.join(" AND "),
        ask.limit,
    );
    binds.statement(text)
}

/// Where one object's bytes lie: address, size and layout.
pub(crate) fn image(
    dialect: &Dialect,
    permit: &Permit,
    study: &RecordKey,
    instance: i64,
) -> Statement {
    let mut binds = dialect.binds();
    let join = dialect.join();
    let text = format!(
        "SELECT i.address, i.size, i.layout FROM record r {join} dicom_study s ON s.record = r.record \
         {join} dicom_instance i ON i.study = s.study \
         WHERE r.hospital = {} AND r.kind = {} AND r.id = {} AND r.deleted = 0 AND i.instance = {} AND {}",
        binds.hospital(study.hospital.as_str()),
        binds.kind(study.kind.as_str()),
        binds.bind(study.id.as_str()),
        binds.bind(instance),
        condition_at(permit, &study.hospital, CURRENT, &mut binds),
    );
    binds.statement(text)
}
