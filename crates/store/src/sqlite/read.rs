//! Reading records and documents: by key, by version, by lookup.

use agreements::Permit;
use bytes::Bytes;
use kernel::{HospitalId, Kind, Phi, RecordKey, ResourceId, limits};
use rusqlite::{Connection, Row, params_from_iter};

use super::permit_sql::{CURRENT, VERSION, condition};
use super::sql::{Binds, instant, signed, unsigned};
use crate::{DocQuery, HistoryPage, StoreError, Stored, classes, present};

/// What `stored` reads, from `version AS v`.
pub(crate) const COLUMNS: &str = "v.version, v.at, v.deleted, v.class, v.patient, v.body";

/// One version from a row that begins with [`COLUMNS`].
pub(crate) fn stored(key: RecordKey, r: &Row<'_>) -> Result<Stored, StoreError> {
    let version = unsigned(r.get(0)?);
    let at = instant(r.get(1)?);
    let deleted: bool = r.get(2)?;
    let patient: Option<String> = r.get(4)?;
    let original = Bytes::from(r.get::<_, Vec<u8>>(5)?);
    let body = if deleted || !key.kind.is_fhir() {
        original.clone()
    } else {
        present::with_meta(&original, &key.id, version, at)?
    };
    Ok(Stored {
        version,
        at,
        deleted,
        class: classes::from_number(r.get(3)?),
        patient: patient
            .map(ResourceId::new)
            .transpose()
            .map_err(|_| StoreError::Damaged("a record names no valid patient id".into()))?,
        body: Phi::new(body),
        original: Phi::new(original),
        key,
    })
}

/// `record AS r` by key, under the permit.
fn keyed(permit: &Permit, key: &RecordKey, binds: &mut Binds) -> String {
    format!(
        "r.hospital = {} AND r.kind = {} AND r.id = {} AND {}",
        binds.hospital(key.hospital.as_str()),
        binds.kind(key.kind.as_str()),
        binds.bind(key.id.as_str().to_owned()),
        condition(permit, CURRENT, binds),
    )
}

pub(crate) fn get(
    conn: &Connection,
    permit: &Permit,
    key: &RecordKey,
    version: Option<u64>,
) -> Result<Option<Stored>, StoreError> {
    let mut binds = Binds::default();
    let which = keyed(permit, key, &mut binds);
    let text = match version {
        None => format!(
            "SELECT {COLUMNS} FROM record r CROSS JOIN version v ON v.row = r.current WHERE {which}"
        ),
        Some(n) => format!(
            "SELECT {COLUMNS} FROM record r CROSS JOIN version v ON v.record = r.record AND v.version = {} \
             WHERE {which} AND {}",
            binds.bind(signed(n)),
            condition(permit, VERSION, &mut binds),
        ),
    };
    let mut st = conn.prepare_cached(&text)?;
    let mut rows = st.query(params_from_iter(binds.0))?;
    rows.next()?.map(|r| stored(key.clone(), r)).transpose()
}

pub(crate) fn get_many(
    conn: &Connection,
    permit: &Permit,
    keys: &[RecordKey],
) -> Result<Vec<Stored>, StoreError> {
    let mut out = Vec::with_capacity(keys.len());
    for key in keys {
        out.extend(get(conn, permit, key, None)?);
    }
    Ok(out)
}

/// The cursor is the number of the last version shown.
pub(crate) fn history(
    conn: &Connection,
    permit: &Permit,
    key: &RecordKey,
    after: Option<&str>,
    limit: u32,
) -> Result<HistoryPage, StoreError> {
    let limit = limit.clamp(1, limits::PAGE_SIZE_MAX) as usize;
    let below: i64 = match after {
        None => i64::MAX,
        Some(text) => text.parse().map_err(|_| StoreError::Cursor)?,
    };
    let mut binds = Binds::default();
    let text = format!(
        "SELECT {COLUMNS} FROM record r CROSS JOIN version v ON v.record = r.record \
         WHERE {} AND {} AND v.version < {} ORDER BY v.version DESC LIMIT {}",
        keyed(permit, key, &mut binds),
        condition(permit, VERSION, &mut binds),
        binds.bind(below),
        binds.bind(signed(limit as u64 + 1)),
    );
    let mut st = conn.prepare_cached(&text)?;
    let mut rows = st.query(params_from_iter(binds.0))?;
    let mut page = HistoryPage::default();
    while let Some(r) = rows.next()? {
        if page.versions.len() == limit {
            page.next = page.versions.last().map(|v| v.version.to_string());
            break;
        }
        page.versions.push(stored(key.clone(), r)?);
    }
    Ok(page)
}

/// Everything current about one patient.
pub(crate) fn records_of(
    conn: &Connection,
    permit: &Permit,
    hospital: &HospitalId,
    patient: &ResourceId,
    kinds: &[Kind],
    limit: u32,
) -> Result<Vec<Stored>, StoreError> {
    let mut binds = Binds::default();
    let h = binds.hospital(hospital.as_str());
    let p = binds.bind(patient.as_str().to_owned());
    let among = if kinds.is_empty() {
        "r.kind > 0".to_owned()
    } else {
        let list: Vec<String> = kinds.iter().map(|k| binds.kind(k.as_str())).collect();
        format!("r.kind IN ({})", list.join(", "))
    };
    let text = format!(
        "SELECT {COLUMNS}, k.name, r.id FROM record r CROSS JOIN version v ON v.row = r.current \
         CROSS JOIN kind k ON k.num = r.kind \
         WHERE r.hospital = {h} AND r.patient = {p} AND {among} AND r.deleted = 0 AND {} \
         ORDER BY r.kind, r.id LIMIT {}",
        condition(permit, CURRENT, &mut binds),
        binds.bind(i64::from(limit)),
    );
    let mut st = conn.prepare_cached(&text)?;
    let mut rows = st.query(params_from_iter(binds.0))?;
    let mut out = Vec::new();
    while let Some(r) = rows.next()? {
        let kind = r.get_ref(6)?.as_str().map_err(rusqlite::Error::from)?;
        let id = r.get_ref(7)?.as_str().map_err(rusqlite::Error::from)?;
        let bad = |_| StoreError::Damaged("a record's key is not valid".into());
        let key = RecordKey::new(
            hospital.clone(),
            Kind::new(kind).map_err(bad)?,
            ResourceId::new(id).map_err(bad)?,
        );
        out.push(stored(key, r)?);
    }
    Ok(out)
}

/// Documents of our own. A page over all hospitals ends with every document of its last id, so that going on
/// after that id passes none over.
pub(crate) fn documents(
    conn: &Connection,
    permit: &Permit,
    query: &DocQuery,
) -> Result<Vec<Stored>, StoreError> {
    if query.kind.is_fhir() {
        return Err(StoreError::Internal(
            "documents are not FHIR resources".into(),
        ));
    }
    let limit = query.limit.clamp(1, 10_000);
    let mut found = page(conn, permit, query, limit)?;
    if query.hospital.is_none()
        && found.len() == limit as usize
        && let Some(last) = found.last().map(|s| s.key.id.clone())
    {
        let mut same = DocQuery {
            after: None,
            ..query.clone()
        };
        same.limit = 10_000;
        found.retain(|s| s.key.id != last);
        found.extend(with_id(conn, permit, &same, &last)?);
    }
    Ok(found)
}

fn page(
    conn: &Connection,
    permit: &Permit,
    query: &DocQuery,
    limit: u32,
) -> Result<Vec<Stored>, StoreError> {
    let mut binds = Binds::default();
    let mut text = select(permit, query, &mut binds);
    let (op, order) = if query.descending {
        ("<", "DESC")
    } else {
        (">", "ASC")
    };
    if let Some(after) = &query.after {
        text.push_str(&format!(
            " AND r.id {op} {}",
            binds.bind(after.as_str().to_owned())
        ));
    }
    text.push_str(&format!(
        " ORDER BY r.id {order}, r.hospital LIMIT {}",
        binds.bind(i64::from(limit))
    ));
    run(conn, query, &text, binds)
}

fn with_id(
    conn: &Connection,
    permit: &Permit,
    query: &DocQuery,
    id: &ResourceId,
) -> Result<Vec<Stored>, StoreError> {
    let mut binds = Binds::default();
    let mut text = select(permit, query, &mut binds);
    text.push_str(&format!(
        " AND r.id = {} ORDER BY r.hospital",
        binds.bind(id.as_str().to_owned())
    ));
    run(conn, query, &text, binds)
}

fn select(permit: &Permit, query: &DocQuery, binds: &mut Binds) -> String {
    let hospitals = match &query.hospital {
        Some(h) => format!("= {}", binds.hospital(h.as_str())),
        None => "IN (SELECT num FROM hospital)".to_owned(),
    };
    let kind = binds.kind(query.kind.as_str());
    let mut from = String::new();
    let mut on = format!("r.hospital {hospitals} AND r.kind = {kind} AND r.deleted = 0");
    for (i, l) in query.lookups.iter().enumerate() {
        let (name, value) = (binds.bind(l.name.clone()), binds.bind(l.value.clone()));
        from.push_str(&format!("lookup l{i} CROSS JOIN "));
        on.push_str(&format!(
            " AND l{i}.hospital {hospitals} AND l{i}.kind = {kind} AND l{i}.name = {name} AND l{i}.value = {value} \
             AND l{i}.record = r.record"
        ));
        if i > 0 {
            on.push_str(&format!(" AND l{i}.record = l0.record"));
        }
    }
    format!(
        "SELECT {COLUMNS}, h.name, r.id FROM {from}record r \
         CROSS JOIN version v ON v.row = r.current CROSS JOIN hospital h ON h.num = r.hospital \
         WHERE {on} AND {}",
        condition(permit, CURRENT, binds),
    )
}

fn run(
    conn: &Connection,
    query: &DocQuery,
    text: &str,
    binds: Binds,
) -> Result<Vec<Stored>, StoreError> {
    let mut st = conn.prepare_cached(text)?;
    let mut rows = st.query(params_from_iter(binds.0))?;
    let mut out = Vec::new();
    while let Some(r) = rows.next()? {
        let hospital = r.get_ref(6)?.as_str().map_err(rusqlite::Error::from)?;
        let id = r.get_ref(7)?.as_str().map_err(rusqlite::Error::from)?;
        let bad = |_| StoreError::Damaged("a record's key is not valid".into());
        let key = RecordKey::new(
            HospitalId::new(hospital).map_err(bad)?,
            query.kind.clone(),
            ResourceId::new(id).map_err(bad)?,
        );
        out.push(stored(key, r)?);
    }
    Ok(out)
}
