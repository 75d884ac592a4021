//! What each part of the node says of itself. Each part adds its own lines; one that is not configured says so.

use agreements::SystemPurpose;
use store::Lookup;

use super::{Fact, FactState, Part};
use crate::notices::{MailState, Notice};
use crate::opinions::WAITING_FOR_STAMP;
use crate::{App, AppError};

impl App {
    /// Everything the parts say now. A part that cannot be asked says that.
    pub async fn part_facts(&self) -> Vec<Fact> {
        let mut facts = vec![self.store_fact().await];
        facts.extend(self.disk_fact());
        facts.push(self.files_fact().await);
        facts.extend(self.backup_facts());
        facts.push(self.scrub_fact().await);
        facts.push(self.clock_fact());
        facts.push(self.time_stamp_fact().await);
        facts.push(self.mail_fact().await);
        facts
    }

    async fn store_fact(&self) -> Fact {
        match self.health().await {
            Ok(()) => Fact::new(Part::Store, FactState::Ok, "store-serves"),
            Err(error) => {
                Fact::new(Part::Store, FactState::Stop, "store-stopped").with("why", error)
            }
        }
    }

    /// Room for data, log and files; none where the store keeps nothing on this machine.
    fn disk_fact(&self) -> Option<Fact> {
        let room = self.store.room()?;
        let (state, code) = match room.free_bytes {
            _ if self.store.is_read_only() => (FactState::Stop, "disk-read-only"),
            0..DISK_STOP_BYTES => (FactState::Stop, "disk-full"),
            DISK_STOP_BYTES..DISK_WARN_BYTES => (FactState::Warn, "disk-low"),
            _ => (FactState::Ok, "disk-room"),
        };
        let fact = Fact::new(Part::Disk, state, code)
            .with("free_bytes", room.free_bytes)
            .with("database_bytes", room.database_bytes)
            .with("log_bytes", room.log_bytes);
        Some(fact)
    }

    async fn files_fact(&self) -> Fact {
        match self.store.files_health().await {
            Ok(()) => Fact::new(Part::Files, FactState::Ok, "files-answer"),
            Err(error) => {
                Fact::new(Part::Files, FactState::Stop, "files-stopped").with("why", error)
            }
        }
    }

    /// The backup that follows the log: its newest whole copy, and how far behind the log at the place is.
    fn backup_facts(&self) -> Vec<Fact> {
        let Some(ship) = self.store.ship_status() else {
            return vec![Fact::new(Part::Backup, FactState::Absent, "backup-none")];
        };
        let base = match ship.base_at {
            Some(at) => Fact::new(Part::Backup, FactState::Ok, "backup-taken")
                .with("base_at", at)
                .with("place", &ship.place),
            None => Fact::new(Part::Backup, FactState::Warn, "backup-not-yet")
                .with("place", &ship.place),
        };
        let behind = ship
            .safe_at
            .map(|at| self.now().duration_since(at).as_secs().max(0));
        let shipping = match (&ship.trouble, behind) {
            (Some(why), _) => Fact::new(Part::Shipping, FactState::Warn, "shipping-trouble")
                .with("why", why)
                .with("waiting_bytes", ship.waiting_bytes),
            (None, Some(behind)) if behind <= BEHIND_WARN_S => {
                Fact::new(Part::Shipping, FactState::Ok, "shipping-close").with("seconds", behind)
            }
            (None, _) => Fact::new(Part::Shipping, FactState::Warn, "shipping-behind")
                .with("waiting_bytes", ship.waiting_bytes),
        };
        vec![base, shipping]
    }

    /// What reading every file from end to end found: the pass under way where it found something, else the last.
    async fn scrub_fact(&self) -> Fact {
        told(Part::Scrub, self.scrub_state().await, |state| {
            let faulty = state.now.as_ref().filter(|p| p.faulty > 0);
            match (faulty.or(state.last.as_ref()), &state.now) {
                (Some(pass), _) if pass.faulty > 0 => {
                    Fact::new(Part::Scrub, FactState::Stop, "scrub-faulty")
                        .with("n", pass.faulty)
                        .with("files", pass.files)
                }
                (Some(pass), _) => Fact::new(Part::Scrub, FactState::Ok, "scrub-whole")
                    .with("files", pass.files)
                    .with("ended_at", pass.ended.unwrap_or(pass.began)),
                (None, Some(now)) => Fact::new(Part::Scrub, FactState::Ok, "scrub-under-way")
                    .with("files", now.files),
                (None, None) => Fact::new(Part::Scrub, FactState::Ok, "scrub-not-yet"),
            }
        })
    }

    /// Whether the machine's clock leapt since this process began.
    fn clock_fact(&self) -> Fact {
        match self.clock_jump() {
            None => Fact::new(Part::Clock, FactState::Ok, "clock-steady"),
            Some(jump) => Fact::new(Part::Clock, FactState::Warn, "clock-jumped")
                .with("seconds", jump.by_ms / 1_000)
                .with("jumped_at", jump.at),
        }
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

/// Below this nothing more is taken safely, bytes.
const DISK_STOP_BYTES: u64 = 64 << 20;
/// Below this somebody should make room, bytes.
const DISK_WARN_BYTES: u64 = 2 << 30;
/// Further behind than this the log at the backup place is named, seconds.
const BEHIND_WARN_S: i64 = 30;
/// What waits is counted so far; more is as bad.
const COUNT_MAX: u32 = 1_000;

fn told<T>(part: Part, asked: Result<T, AppError>, say: impl FnOnce(T) -> Fact) -> Fact {
    match asked {
        Ok(value) => say(value),
        Err(_) => Fact::new(part, FactState::Warn, "not-known"),
    }
}
