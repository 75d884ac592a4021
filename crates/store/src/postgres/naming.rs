//! Giving numbers to names that are met for the first time. It is done before a group begins: a number is given for
//! good, also when nothing is written with it.

use kernel::{HospitalId, Kind};
use tokio_postgres::Client;

use super::values::int;
use crate::StoreError;
use crate::prepare::{Content, Prepared};
use crate::sql::names::{Names, Table};

/// The number of a hospital.
pub(crate) async fn hospital(
    client: &Client,
    names: &Names,
    id: &HospitalId,
) -> Result<i64, StoreError> {
    if let Some(n) = names.hospital(id.as_str()) {
        return Ok(n);
    }
    give(client, names, Table::Hospital, id.as_str()).await
}

async fn give(client: &Client, names: &Names, table: Table, name: &str) -> Result<i64, StoreError> {
    let text = match table {
        Table::Hospital => {
            "INSERT INTO hospital (name) VALUES ($1) ON CONFLICT (name) DO UPDATE SET name = excluded.name RETURNING num"
        }
        Table::Param => {
            "INSERT INTO param (code) VALUES ($1) ON CONFLICT (code) DO UPDATE SET code = excluded.code RETURNING num"
        }
        // Positive for FHIR types, negative for documents of our own. Two nodes that give the same number at once
        // meet at the key, and one tries again.
        Table::Kind if name.starts_with(|c: char| c.is_ascii_uppercase()) => {
            "INSERT INTO kind (num, name) SELECT greatest(coalesce(max(num), 0), 0) + 1, $1 FROM kind \
             ON CONFLICT (name) DO UPDATE SET name = excluded.name RETURNING num"
        }
        Table::Kind => {
            "INSERT INTO kind (num, name) SELECT least(coalesce(min(num), 0), 0) - 1, $1 FROM kind \
             ON CONFLICT (name) DO UPDATE SET name = excluded.name RETURNING num"
        }
    };
    let mut tries = 0;
    let row = loop {
        match client.query_one(text, &[&name]).await {
            Ok(row) => break row,
            Err(e)
                if tries < 20
                    && e.code() == Some(&tokio_postgres::error::SqlState::UNIQUE_VIOLATION) =>
            {
                tries += 1;
            }
            Err(e) => return Err(e.into()),
        }
    };
    let n = int(&row, 0)?;
    names.learn(table, name.to_owned(), n);
    Ok(n)
}

/// Gives numbers to all names that the batches use.
pub(crate) async fn name(
    client: &Client,
    names: &Names,
    batches: &[Prepared],
) -> Result<(), StoreError> {
    let mut wanted = Wanted {
        names,
        missing: Vec::new(),
    };
    for batch in batches {
        wanted.of(batch);
    }
    for (table, name) in wanted.missing {
        if names.get(table, &name).is_none() {
            give(client, names, table, &name).await?;
        }
    }
    Ok(())
}

/// Gives numbers to what an erasure names.
pub(crate) async fn keys(
    client: &Client,
    names: &Names,
    what: &crate::blob_index::ToErase,
) -> Result<(), StoreError> {
    hospital(client, names, &what.hospital).await?;
    for key in &what.records {
        hospital(client, names, &key.hospital).await?;
        if names.kind(key.kind.as_str()).is_none() {
            give(client, names, Table::Kind, key.kind.as_str()).await?;
        }
    }
    Ok(())
}

struct Wanted<'a> {
    names: &'a Names,
    missing: Vec<(Table, String)>,
}

impl Wanted<'_> {
    fn want(&mut self, table: Table, name: &str) {
        if self.names.get(table, name).is_none() {
            self.missing.push((table, name.to_owned()));
        }
    }
    fn hospital(&mut self, id: &HospitalId) {
        self.want(Table::Hospital, id.as_str());
    }
    fn kind(&mut self, kind: &Kind) {
        self.want(Table::Kind, kind.as_str());
    }

    fn of(&mut self, batch: &Prepared) {
        for w in &batch.writes {
            self.hospital(&w.key.hospital);
            self.kind(&w.key.kind);
            if let Content::Record { index, .. } = &w.content {
                for e in index {
                    self.want(Table::Param, e.param.code());
                }
            }
            for blob in &w.blobs {
                self.hospital(&blob.hospital);
            }
        }
        for change in &batch.images {
            self.hospital(&change.study().hospital);
            self.kind(&change.study().kind);
        }
        for draft in &batch.audit {
            self.hospital(&draft.chain);
        }
        for e in &batch.events {
            self.hospital(&e.hospital);
            self.hospital(&e.subject.hospital);
            self.kind(&e.subject.kind);
        }
        for p in &batch.projections {
            self.policy(p);
        }
    }

    fn policy(&mut self, p: &agreements::Projection) {
        use agreements::{Projection, ShareItem};
        match p {
            Projection::Grants { rows, .. } => {
                for row in rows {
                    self.hospital(&row.custodian);
                    self.hospital(&row.grantee);
                }
            }
            Projection::Consents {
                custodian, rows, ..
            } => {
                self.hospital(custodian);
                for grantee in rows.iter().filter_map(|r| r.grantee.as_ref()) {
                    self.hospital(grantee);
                }
            }
            Projection::Shares {
                custodian, rows, ..
            } => {
                self.hospital(custodian);
                for row in rows {
                    self.hospital(&row.grantee);
                    if let ShareItem::Entry { kind, .. } = &row.item {
                        self.kind(kind);
                    }
                }
            }
            Projection::Emergency { row } => {
                self.hospital(&row.hospital);
                self.hospital(&row.custodian);
            }
        }
    }
}
