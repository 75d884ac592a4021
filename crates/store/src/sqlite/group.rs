//! One group of writes, committed together: all in one transaction, or, when one of them fails, each in a savepoint of its
//! own, so that it does not touch its neighbours.

use super::session::Session;
use crate::StoreError;

/// How one job ended.
pub(crate) type Outcome = Result<(), StoreError>;

/// Work for the writer.
pub(crate) trait Job: Send {
    /// Whether it needs no transaction around it.
    fn alone(&self) -> bool {
        false
    }
    /// Inside a transaction that may be undone; then it runs again.
    fn run(&mut self, session: &mut Session) -> Result<(), StoreError>;
    /// After the group is on disk, or has failed.
    fn answer(self: Box<Self>, outcome: Result<(), StoreError>);
}

/// Writes the group; gives the position after it and how each job ended. An error means that nothing of it is on disk.
pub(crate) fn commit(
    s: &mut Session,
    group: &mut [Box<dyn Job>],
) -> Result<(u64, Vec<Outcome>), StoreError> {
    match together(s, group)? {
        None => Ok((s.position, group.iter().map(|_| Ok(())).collect())),
        Some(refused) if group.len() == 1 => Ok((s.position, vec![Err(refused)])),
        Some(_) => each_by_itself(s, group),
    }
}

/// The whole group in one transaction; a job that fails undoes it, and is why it is given back. Most groups hold none, and
/// are spared the savepoints, which keep a copy of every page they touch.
fn together(s: &mut Session, group: &mut [Box<dyn Job>]) -> Result<Option<StoreError>, StoreError> {
    begin(s)?;
    let before = s.position;
    for job in group {
        match job.run(s) {
            Ok(()) => {}
            Err(e) if is_of_the_disk(&e) => return Err(e),
            Err(e) => {
                if s.conn.is_autocommit() {
                    // SQLite ended the transaction by itself.
                    return Err(e);
                }
                s.conn.prepare_cached("ROLLBACK")?.execute([])?;
                s.position = before;
                s.forget();
                return Ok(Some(e));
            }
        }
    }
    end(s, before)?;
    Ok(None)
}

/// As [`together`], each job in a savepoint of its own: one that fails does not touch its neighbours.
fn each_by_itself(
    s: &mut Session,
    group: &mut [Box<dyn Job>],
) -> Result<(u64, Vec<Outcome>), StoreError> {
    begin(s)?;
    let before = s.position;
    let mut outcomes = Vec::with_capacity(group.len());
    for job in group {
        outcomes.push(in_savepoint(s, job.as_mut())?);
    }
    end(s, before)?;
    Ok((s.position, outcomes))
}

fn begin(s: &mut Session) -> Result<(), StoreError> {
    s.conn.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
    s.refresh()
}

fn end(s: &mut Session, before: u64) -> Result<(), StoreError> {
    if s.position != before {
        s.write_position()?;
    }
    s.conn.prepare_cached("COMMIT")?.execute([])?;
    s.publish();
    Ok(())
}

/// The disk, not the job, is at fault: it sinks the whole group.
const fn is_of_the_disk(e: &StoreError) -> bool {
    matches!(
        e,
        StoreError::Unavailable(_) | StoreError::Damaged(_) | StoreError::Full(_)
    )
}

/// The outer error sinks the whole group.
fn in_savepoint(s: &mut Session, job: &mut dyn Job) -> Result<Outcome, StoreError> {
    let position = s.position;
    s.conn.prepare_cached("SAVEPOINT job")?.execute([])?;
    let outcome = job.run(s);
    match outcome {
        Ok(()) => {
            s.conn.prepare_cached("RELEASE job")?.execute([])?;
            Ok(Ok(()))
        }
        Err(e) if is_of_the_disk(&e) => Err(e),
        Err(e) => {
            if s.conn.is_autocommit() {
                // SQLite ended the transaction by itself: the others of the group are gone too.
                return Err(e);
            }
            s.conn.prepare_cached("ROLLBACK TO job")?.execute([])?;
            s.conn.prepare_cached("RELEASE job")?.execute([])?;
            s.position = position;
            s.forget();
            Ok(Err(e))
        }
    }
}
