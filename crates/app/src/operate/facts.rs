//! What each part of the node says of itself: what was measured for `/readyz` too (`crate::durability`), and what only
//! the operator's page shows. A part that is not configured says so.

use agreements::SystemPurpose;
use store::{Bus, Lookup};

use super::{Fact, FactState, Part};
use crate::durability::{BackupState, DiskState, Durability, ScrubFound};
use crate::notices::{MailState, Notice};
use crate::opinions::WAITING_FOR_STAMP;
use crate::{App, AppError};

impl App {
    /// Everything the parts say now. A part that cannot be asked says that.
    pub async fn part_facts(&self) -> Vec<Fact> {
        let mut facts = measured(&self.durability().await);
        facts.push(self.time_stamp_fact().await);
        facts.push(self.mail_fact().await);
        facts
    }

    async fn time_stamp_fact(&self) -> Fact {
        if self.settings.time_stamp.is_none() {
            return Fact::new(Part::TimeStamps, FactState::Absent, "time-stamps-none");
        }
        let counted = self.waiting_for_stamp().await;
        told(Part::TimeStamps, counted, |waiting| match waiting {
            0 => Fact::new(Part::TimeStamps, FactState::Ok, "time-stamps-ok"),
            n => Fact::new(Part::TimeStamps, FactState::Warn, "time-stamps-waiting").with("n", n),
        })
    }

    async fn waiting_for_stamp(&self) -> Result<usize, AppError> {
        let permit = self.system(SystemPurpose::Operator);
        let lookups = vec![Lookup::new("stamp", WAITING_FOR_STAMP)];
        let query = store::DocQuery {
            hospital: None,
            kind: crate::records::kind("opinion"),
            lookups,
            after: None,
            limit: COUNT_MAX,
            descending: false,
        };
        Ok(self.store.documents(&permit, &query).await?.len())
    }

    async fn mail_fact(&self) -> Fact {
        let Some(smtp) = &self.settings.smtp else {
            return Fact::new(Part::Mail, FactState::Absent, "mail-none");
        };
        let relay = format!("{}:{}", smtp.host, smtp.port);
        let counted = self.mail_behind().await;
        told(Part::Mail, counted, |behind| match behind {
            0 => Fact::new(Part::Mail, FactState::Ok, "mail-ok").with("relay", &relay),
            n => Fact::new(Part::Mail, FactState::Warn, "mail-behind")
                .with("relay", &relay)
                .with("n", n),
        })
    }

    /// Mails that the relay has refused at least once and that still wait.
    async fn mail_behind(&self) -> Result<usize, AppError> {
        let permit = self.system(SystemPurpose::Operator);
        let network = kernel::HospitalId::network();
        let lookups = vec![Lookup::new("mail", "waiting")];
        let waiting = self
            .find::<Notice>(&permit, Some(&network), lookups, None, COUNT_MAX, false)
            .await?;
        let behind = waiting
            .iter()
            .filter(|n| matches!(n.doc.mail, MailState::Waiting { tries: 1.., .. }));
        Ok(behind.count())
    }
}

/// What waits is counted so far; more is as bad.
const COUNT_MAX: u32 = 1_000;

fn told<T>(part: Part, asked: Result<T, AppError>, say: impl FnOnce(T) -> Fact) -> Fact {
    match asked {
        Ok(value) => say(value),
        Err(_) => not_known(part),
    }
}

fn not_known(part: Part) -> Fact {
    Fact::new(part, FactState::Warn, "not-known")
}

/// The measurements in words for people.
pub(super) fn measured(d: &Durability) -> Vec<Fact> {
    let mut facts = vec![store(d), schema(d), disk(d), files(d)];
    facts.extend(backup(d));
    facts.extend([scrub(d), clock(d), bus(d), keys(d)]);
    facts
}

fn store(d: &Durability) -> Fact {
    match &d.store {
        None => Fact::new(Part::Store, FactState::Ok, "store-serves"),
        Some((_, why)) => Fact::new(Part::Store, FactState::Stop, "store-stopped").with("why", why),
    }
}

/// Another version is that of a newer Karez, which brought it forward while this one serves on.
fn schema(d: &Durability) -> Fact {
    let Some(schema) = d.schema else {
        return not_known(Part::Schema);
    };
    let (state, code) = if schema.applied == schema.known {
        (FactState::Ok, "schema-current")
    } else {
        (FactState::Stop, "schema-other")
    };
    Fact::new(Part::Schema, state, code)
        .with("product", schema.product)
        .with("applied", schema.applied)
        .with("known", schema.known)
}

/// Room for data, log and files.
fn disk(d: &Durability) -> Fact {
    let Some(room) = d.room else {
        return not_known(Part::Disk);
    };
    // A database on a server of its own takes nothing here.
    let here = room.database_bytes > 0;
    let (state, code) = match (d.disk(), here) {
        (DiskState::ReadOnly, _) => (FactState::Stop, "disk-read-only"),
        (DiskState::Full, _) => (FactState::Stop, "disk-full"),
        (DiskState::Low, true) => (FactState::Warn, "disk-low"),
        (DiskState::Low, false) => (FactState::Warn, "disk-low-alone"),
        (DiskState::Ok | DiskState::Unknown, true) => (FactState::Ok, "disk-room"),
        (DiskState::Ok | DiskState::Unknown, false) => (FactState::Ok, "disk-room-alone"),
    };
    Fact::new(Part::Disk, state, code)
        .with("free_bytes", room.free_bytes)
        .with("database_bytes", room.database_bytes)
        .with("log_bytes", room.log_bytes)
}

fn files(d: &Durability) -> Fact {
    match &d.files {
        None => Fact::new(Part::Files, FactState::Ok, "files-answer"),
        Some(why) => Fact::new(Part::Files, FactState::Stop, "files-stopped").with("why", why),
    }
}

/// The backup that follows the log: its newest whole copy, and how far behind the log at the place is.
fn backup(d: &Durability) -> [Fact; 2] {
    let Some(ship) = &d.shipping else {
        return [
            Fact::new(Part::Backup, FactState::Absent, "backup-none"),
            Fact::new(Part::Shipping, FactState::Absent, "not-configured"),
        ];
    };
    let base = match ship.base_at {
        Some(at) => Fact::new(Part::Backup, FactState::Ok, "backup-taken").with("base_at", at),
        None => Fact::new(Part::Backup, FactState::Warn, "backup-not-yet"),
    };
    let shipping = match (&ship.trouble, d.backup(), d.behind_s()) {
        (Some(why), ..) => Fact::new(Part::Shipping, FactState::Warn, "shipping-trouble")
            .with("why", why)
            .with("waiting_bytes", ship.waiting_bytes),
        (None, BackupState::Ok, Some(s)) => {
            Fact::new(Part::Shipping, FactState::Ok, "shipping-close").with("seconds", s)
        }
        _ => Fact::new(Part::Shipping, FactState::Warn, "shipping-behind")
            .with("waiting_bytes", ship.waiting_bytes),
    };
    [base.with("place", &ship.place), shipping]
}

fn scrub(d: &Durability) -> Fact {
    let fact = |state, code| Fact::new(Part::Scrub, state, code);
    match d.scrubbed() {
        ScrubFound::Unknown => not_known(Part::Scrub),
        ScrubFound::Faulty(pass) => fact(FactState::Stop, "scrub-faulty")
            .with("n", pass.faulty)
            .with("files", pass.files),
        ScrubFound::Whole(pass) => fact(FactState::Ok, "scrub-whole")
            .with("files", pass.files)
            .with("ended_at", pass.ended.unwrap_or(pass.began)),
        ScrubFound::NotYet(Some(now)) => {
            fact(FactState::Ok, "scrub-under-way").with("files", now.files)
        }
        ScrubFound::NotYet(None) => fact(FactState::Ok, "scrub-not-yet"),
    }
}

/// Whether the machine's clock leapt lately.
fn clock(d: &Durability) -> Fact {
    match d.jumped() {
        None => Fact::new(Part::Clock, FactState::Ok, "clock-steady"),
        Some(jump) => Fact::new(Part::Clock, FactState::Warn, "clock-jumped")
            .with("seconds", jump.by_ms / 1_000)
            .with("jumped_at", jump.at),
    }
}

fn bus(d: &Durability) -> Fact {
    let (state, code) = match d.bus {
        Bus::Alone => (FactState::Absent, "bus-alone"),
        Bus::Polling => (FactState::Absent, "bus-none"),
        Bus::Connected => (FactState::Ok, "bus-connected"),
        Bus::Away => (FactState::Warn, "bus-away"),
    };
    Fact::new(Part::Bus, state, code)
}

fn keys(d: &Durability) -> Fact {
    match &d.token {
        None => Fact::new(Part::Keys, FactState::Ok, "keys-in-node"),
        Some(Ok(())) => Fact::new(Part::Keys, FactState::Ok, "keys-token"),
        Some(Err(why)) => {
            Fact::new(Part::Keys, FactState::Stop, "keys-token-away").with("why", why)
        }
    }
}

#[cfg(test)]
mod tests;
