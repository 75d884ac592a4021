//! What a group asks of the database before it is decided: the turn of all nodes, the counters, and the current
//! state of everything its batches name. One round trip.

use std::collections::{HashMap, HashSet};

use super::group::{Key, Known, State, Unique};
use super::images::Asked;
use super::line::{Failed, Line};
use super::pipeline::{self, Sent};
use super::read;
use super::rows::{Bulk, Cell, Holds, Rows};
use super::session::Reach;
use super::values::{int, maybe_text, text};
use crate::StoreError;
use crate::prepare::{Content, Current, Prepared};
use crate::sql::names::Names;
use crate::sql::policy::Numbers as _;
use crate::sql::{Value, unsigned};

use Holds::{Int, Text};

#[derive(Debug, Default)]
pub(crate) struct Questions {
    keys: HashSet<Key>,
    uniques: HashSet<Unique>,
    blobs: HashSet<(i64, String)>,
    chains: HashSet<i64>,
    images: Asked,
}

impl Questions {
    pub fn of(batches: &[Prepared], names: &Names) -> Result<Self, StoreError> {
        let mut known = Known(names);
        let mut out = Self::default();
        for batch in batches {
            for w in &batch.writes {
                let key = known.key(&w.key)?;
                if let Content::Record { lookups, .. } = &w.content {
                    for l in lookups.iter().filter(|l| l.unique) {
                        let unique = (key.0, key.1, l.name.clone(), l.value.clone());
                        out.uniques.insert(unique);
                    }
                }
                out.keys.insert(key);
                for blob in &w.blobs {
                    let hospital = known.hospital(&blob.hospital)?;
                    out.blobs.insert((hospital, blob.address.clone()));
                }
            }
            out.images.of(batch, &mut known)?;
            for change in &batch.images {
                out.keys.insert(known.key(change.study())?);
            }
            for draft in &batch.audit {
                out.chains.insert(known.hospital(&draft.chain)?);
            }
        }
        Ok(out)
    }

    fn records(&self) -> Bulk {
        let mut rows = Rows::new(&[("hospital", Int), ("kind", Int), ("id", Text)]);
        for (hospital, kind, id) in &self.keys {
            rows.push([(*hospital).into(), (*kind).into(), id.as_str().into()]);
        }
        Bulk {
            text: format!(
                "SELECT r.hospital, r.kind, r.id, r.record, r.version, r.deleted, r.class, r.patient \
                 FROM {} AS k(hospital, kind, id) \
                 JOIN record r ON r.hospital = k.hospital AND r.kind = k.kind AND r.id = k.id",
                rows.unnest()
            ),
            rows,
        }
    }

    fn holders(&self) -> Bulk {
        let mut rows = Rows::new(&[
            ("hospital", Int),
            ("kind", Int),
            ("name", Text),
            ("value", Text),
            ("nth", Int),
        ]);
        for (nth, (hospital, kind, name, value)) in (0..).zip(&self.uniques) {
            rows.push([
                (*hospital).into(),
                (*kind).into(),
                Value::from(name.as_str()).into(),
                Value::from(value.as_str()).into(),
                Cell::Int(nth),
            ]);
        }
        Bulk {
            text: format!(
                "SELECT k.nth, l.record FROM {} AS k(hospital, kind, name, value, nth) \
                 JOIN lookup l ON l.hospital = k.hospital AND l.kind = k.kind AND l.name = k.name \
                 AND l.value = k.value AND l.\"only\" = 1",
                rows.unnest()
            ),
            rows,
        }
    }

    fn put(&self) -> Bulk {
        let mut rows = Rows::new(&[("hospital", Int), ("address", Text)]);
        for (hospital, address) in &self.blobs {
            rows.push([(*hospital).into(), address.as_str().into()]);
        }
        Bulk {
            text: format!(
                "SELECT b.hospital, b.address FROM {} AS k(hospital, address) \
                 JOIN blob b ON b.hospital = k.hospital AND b.address = k.address AND b.erased = 0",
                rows.unnest()
            ),
            rows,
        }
    }

    fn heads(&self) -> Bulk {
        let mut rows = Rows::new(&[("chain", Int)]);
        for chain in &self.chains {
            rows.push([Cell::Int(*chain)]);
        }
        Bulk {
            text: format!(
                "SELECT a.number, a.at, a.hash, a.chain FROM {} AS k(chain) JOIN audit_head a ON a.chain = k.chain",
                rows.unnest()
            ),
            rows,
        }
    }

    /// Begins the transaction and waits for the turn.
    pub async fn ask(&self, line: &mut Line) -> Result<State, Failed> {
        let nothing = Bulk {
            text: "SELECT name, value FROM counter ORDER BY name FOR UPDATE".to_owned(),
            rows: Rows::new(&[]),
        };
        let [studies, series, instances] = self.images.questions();
        let bulks = [
            nothing,
            self.records(),
            self.holders(),
            self.put(),
            self.heads(),
            studies,
            series,
            instances,
        ];
        let asked: Vec<&Bulk> = bulks
            .iter()
            .enumerate()
            .filter(|(n, b)| *n == 0 || !b.rows.is_empty())
            .map(|(_, b)| b)
            .collect();
        let prepared = line.prepare(asked.iter().map(|b| b.text.as_str())).await?;
        let begin = format!("BEGIN; {}", Reach::System.enter());
        let params: Vec<_> = asked.iter().map(|b| b.rows.params()).collect();
        let client = &line.client;
        let mut sent: Vec<Sent<'_, Result<Vec<tokio_postgres::Row>, tokio_postgres::Error>>> =
            vec![Box::pin(async {
                client.batch_execute(&begin).await.map(|()| Vec::new())
            })];
        for (statement, params) in prepared.iter().zip(&params) {
            sent.push(Box::pin(client.query(statement, params)));
        }
        let mut answers = pipeline::all(sent).await.into_iter().skip(1);
        let mut next = |asked: bool| match asked.then(|| answers.next()).flatten() {
            Some(answer) => answer.map_err(Failed::from),
            None => Ok(Vec::new()),
        };
        let mut state = State::default();
        for r in &next(true)? {
            let value = int(r, 1)?;
            match text(r, 0)? {
                "position" => state.position = unsigned(value),
                "record" => state.last_record = value,
                _ => state.last_row = value,
            }
        }
        for r in &next(!self.keys.is_empty())? {
            let key = (int(r, 0)?, int(r, 1)?, text(r, 2)?.to_owned());
            let current = Current {
                record: int(r, 3)?,
                version: unsigned(int(r, 4)?),
                deleted: int(r, 5)? != 0,
                class: int(r, 6)?,
                patient: maybe_text(r, 7)?,
            };
            state.records.insert(key, current);
        }
        let uniques: HashMap<i64, &Unique> = (0..).zip(&self.uniques).collect();
        for r in &next(!self.uniques.is_empty())? {
            if let Some(unique) = uniques.get(&int(r, 0)?) {
                state.holders.insert((*unique).clone(), int(r, 1)?);
            }
        }
        for r in &next(!self.blobs.is_empty())? {
            state.blobs.insert((int(r, 0)?, text(r, 1)?.to_owned()));
        }
        for r in &next(!self.chains.is_empty())? {
            state.heads.insert(int(r, 3)?, read::head(r)?);
        }
        let asked = !self.images.is_empty();
        state.images.take_studies(&next(asked)?)?;
        state.images.take_series(&next(asked)?)?;
        state.images.take_instances(&next(asked)?)?;
        Ok(state)
    }
}
