//! One consistent copy of the whole database in a file, and putting it back into an empty one.
//!
//! The file: a line of JSON that says what it is, then each table as its name, its columns, and what `COPY … (FORMAT
//! binary)` gives, in pieces led by their length; a piece of no bytes ends a table.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, BufWriter, Read, Write};
use std::path::Path;

use bytes::Bytes;
use futures::{SinkExt as _, StreamExt as _};
use serde::{Deserialize, Serialize};
use tokio_postgres::Client;

use super::connect::Server;
use super::migrate;
use crate::StoreError;
use crate::backup::Reach;
use crate::sql::{instant, unsigned};

/// What is not copied: bookkeeping of the schema, and marks of writers that are gone.
const LEFT_OUT: [&str; 2] = ["refinery_schema_history", "writer_mark"];

#[derive(Serialize, Deserialize)]
struct Head {
    engine: String,
    format: u32,
    schema: i64,
}

fn disk(e: io::Error) -> StoreError {
    StoreError::Unavailable(format!("the copy: {e}"))
}

fn damaged() -> StoreError {
    StoreError::Damaged("the copy of the database is not what it says".into())
}

struct Table {
    name: String,
    /// Quoted and separated by commas.
    columns: String,
    walled: bool,
}

async fn tables(client: &Client) -> Result<Vec<Table>, StoreError> {
    let rows = client
        .query(
            "SELECT c.relname::text, c.relforcerowsecurity, \
             (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) FROM pg_attribute a \
              WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) \
             FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
             WHERE n.nspname = current_schema() AND c.relkind = 'r' ORDER BY c.relname",
            &[],
        )
        .await?;
    let mut out = Vec::with_capacity(rows.len());
    for row in rows {
        let name: String = row.try_get(0)?;
        if !LEFT_OUT.contains(&name.as_str()) {
            out.push(Table {
                name,
                walled: row.try_get(1)?,
                columns: row.try_get(2)?,
            });
        }
    }
    Ok(out)
}

async fn schema(client: &Client) -> Result<i64, StoreError> {
    let row = client
        .query_one(
            "SELECT coalesce(max(version), 0)::int8 FROM refinery_schema_history",
            &[],
        )
        .await?;
    Ok(row.try_get(0)?)
}

fn piece(out: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    let len = u32::try_from(bytes.len()).map_err(io::Error::other)?;
    out.write_all(&len.to_be_bytes())?;
    out.write_all(bytes)
}

fn next_piece(input: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut len = [0; 4];
    match input.read_exact(&mut len) {
        Ok(()) => {}
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(e) => return Err(e),
    }
    let mut bytes = vec![0; u32::from_be_bytes(len) as usize];
    input.read_exact(&mut bytes)?;
    Ok(Some(bytes))
}

/// Writes every table as one snapshot sees it, while others read and write.
pub(super) async fn write(server: &Server, file: &Path) -> Result<Reach, StoreError> {
    let client = server.connect().await?;
    client
        .batch_execute(
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SELECT set_config('karez.system', 'on', true)",
        )
        .await?;
    let row = client
        .query_one(
            "SELECT (SELECT value::int8 FROM counter WHERE name = 'position'), \
             (extract(epoch FROM now()) * 1000000)::int8",
            &[],
        )
        .await?;
    let reach = Reach {
        position: unsigned(row.try_get(0)?),
        at: instant(row.try_get(1)?),
    };
    let mut out = BufWriter::new(File::create_new(file).map_err(disk)?);
    let head = Head {
        engine: "postgres".into(),
        format: 1,
        schema: schema(&client).await?,
    };
    let line = serde_json::to_string(&head).map_err(|_| damaged())?;
    writeln!(out, "{line}").map_err(disk)?;
    for table in tables(&client).await? {
        piece(&mut out, table.name.as_bytes()).map_err(disk)?;
        piece(&mut out, table.columns.as_bytes()).map_err(disk)?;
        let text = format!(
            "COPY {} ({}) TO STDOUT (FORMAT binary)",
            table.name, table.columns
        );
        let mut rows = Box::pin(client.copy_out(&text).await?);
        while let Some(bytes) = rows.next().await {
            let bytes = bytes?;
            if !bytes.is_empty() {
                piece(&mut out, &bytes).map_err(disk)?;
            }
        }
        piece(&mut out, &[]).map_err(disk)?;
    }
    client.batch_execute("COMMIT").await?;
    let file = out.into_inner().map_err(|e| disk(e.into_error()))?;
    file.sync_all().map_err(disk)?;
    Ok(reach)
}

/// Fills an empty database from a copy, in one transaction. Refuses one that holds records.
pub(crate) async fn load(url: &str, file: &Path) -> Result<(), StoreError> {
    let server = Server::parse(url)?;
    let mut client = server.connect().await?;
    super::connect::check(&client).await?;
    migrate(&mut client).await?;
    let mut input = BufReader::new(File::open(file).map_err(disk)?);
    let mut line = String::new();
    input.read_line(&mut line).map_err(disk)?;
    let head: Head = serde_json::from_str(&line).map_err(|_| damaged())?;
    let here = schema(&client).await?;
    if head.engine != "postgres" || head.format != 1 || head.schema != here {
        return Err(StoreError::Invalid(format!(
            "the copy is of schema {}, this Karez writes schema {here}; restore it with the version that took it",
            head.schema
        )));
    }
    client
        .batch_execute("BEGIN; SELECT set_config('karez.system', 'on', true)")
        .await?;
    let row = client
        .query_one(
            "SELECT count(*)::int8 FROM (SELECT 1 FROM record LIMIT 1) r",
            &[],
        )
        .await?;
    if row.try_get::<_, i64>(0)? > 0 {
        return Err(StoreError::Invalid(
            "the database holds records already".into(),
        ));
    }
    let known = tables(&client).await?;
    while let Some(name) = next_piece(&mut input).map_err(disk)? {
        let name = String::from_utf8(name).map_err(|_| damaged())?;
        let columns = next_piece(&mut input).map_err(disk)?.ok_or_else(damaged)?;
        let columns = String::from_utf8(columns).map_err(|_| damaged())?;
        let table = known
            .iter()
            .find(|t| t.name == name && t.columns == columns)
            .ok_or_else(damaged)?;
        fill(&client, table, &mut input).await?;
    }
    client.batch_execute("COMMIT").await?;
    Ok(())
}

/// The owner steps before the wall for as long as the rows are put in: `COPY FROM` does not pass row-level security.
async fn fill(client: &Client, table: &Table, input: &mut impl Read) -> Result<(), StoreError> {
    let Table {
        name,
        columns,
        walled,
    } = table;
    if *walled {
        client
            .batch_execute(&format!("ALTER TABLE {name} NO FORCE ROW LEVEL SECURITY"))
            .await?;
    }
    client.batch_execute(&format!("TRUNCATE {name}")).await?;
    let sink = client
        .copy_in::<_, Bytes>(&format!(
            "COPY {name} ({columns}) FROM STDIN (FORMAT binary)"
        ))
        .await?;
    let mut sink = Box::pin(sink);
    loop {
        let bytes = next_piece(input).map_err(disk)?.ok_or_else(damaged)?;
        if bytes.is_empty() {
            break;
        }
        sink.send(Bytes::from(bytes)).await?;
    }
    sink.as_mut().finish().await?;
    if *walled {
        client
            .batch_execute(&format!("ALTER TABLE {name} FORCE ROW LEVEL SECURITY"))
            .await?;
    }
    // Numbers that the server gives go on after those that were put in.
    for column in columns.split(", ") {
        let plain = column.trim_matches('"');
        let row = client
            .query_one("SELECT pg_get_serial_sequence($1, $2)", &[name, &plain])
            .await?;
        if let Some(sequence) = row.try_get::<_, Option<String>>(0)? {
            client
                .batch_execute(&format!(
                    "SELECT setval('{sequence}', coalesce((SELECT max({column}) FROM {name}), 0) + 1, false)"
                ))
                .await?;
        }
    }
    Ok(())
}
