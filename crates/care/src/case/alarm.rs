//! Warnings and escalations: who is told when nobody accepts, answers, reads, supplies or follows up in time.

use kernel::Instant;
use serde::{Deserialize, Serialize};

use super::clock::later;
use super::{Case, Status, Urgency};

/// What has not happened in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AlarmKind {
    /// Nobody at the answering hospital has taken the case.
    NotAccepted,
    /// Taken, and not answered yet.
    NotAnswered,
    /// The answer has not been opened.
    Unread,
    /// What was asked for has not come.
    NotSupplied,
    /// Cut off or declined, and nothing has been done about it.
    LeftAlone,
    /// Nobody has said how it turned out.
    OutcomeDue,
}

impl AlarmKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotAccepted => "not-accepted",
            Self::NotAnswered => "not-answered",
            Self::Unread => "unread",
            Self::NotSupplied => "not-supplied",
            Self::LeftAlone => "left-alone",
            Self::OutcomeDue => "outcome-due",
        }
    }
}

/// One warning or escalation; a higher level reaches further.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Alarm {
    pub kind: AlarmKind,
    /// Counted from 1.
    pub level: u8,
}

/// Who is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Audience {
    Referrer,
    /// Every clinician of the referring hospital.
    ReferringClinicians,
    ReferringAdministrators,
    Coordinators,
    Consultant,
    CoSigner,
    AnsweringAdministrators,
}

impl Alarm {
    pub const fn new(kind: AlarmKind, level: u8) -> Self {
        Self { kind, level }
    }

    /// Who is told at this level.
    pub const fn audience(self) -> &'static [Audience] {
        use Audience as A;
        match (self.kind, self.level) {
            (AlarmKind::NotAccepted, 0..=1) => &[A::Coordinators],
            (AlarmKind::NotAccepted, 2) => &[A::Coordinators, A::Referrer],
            (AlarmKind::NotAccepted, _) => {
                &[A::Coordinators, A::Referrer, A::AnsweringAdministrators]
            }
            (AlarmKind::NotAnswered, 0..=1) => &[A::Consultant, A::CoSigner],
            (AlarmKind::NotAnswered, 2) => &[A::Consultant, A::CoSigner, A::Coordinators],
            (AlarmKind::NotAnswered, 3) => {
                &[A::Consultant, A::CoSigner, A::Coordinators, A::Referrer]
            }
            (AlarmKind::NotAnswered, _) => {
                &[A::Coordinators, A::Referrer, A::AnsweringAdministrators]
            }
            (AlarmKind::NotSupplied, 0..=1) | (AlarmKind::OutcomeDue, 0..=1) => &[A::Referrer],
            (AlarmKind::NotSupplied, _) => &[A::Referrer, A::Coordinators],
            (AlarmKind::Unread | AlarmKind::LeftAlone, 0..=1) => &[A::Referrer],
            (AlarmKind::Unread | AlarmKind::LeftAlone, 2) | (AlarmKind::OutcomeDue, _) => {
                &[A::Referrer, A::ReferringClinicians]
            }
            (AlarmKind::Unread | AlarmKind::LeftAlone, _) => &[
                A::Referrer,
                A::ReferringClinicians,
                A::ReferringAdministrators,
            ],
        }
    }
}

/// Seconds in which somebody should have taken a case: a twelfth of the time to an answer, 20 minutes of 4 hours.
pub const fn accept_s(response_s: i64) -> i64 {
    response_s / 12
}

/// Seconds in which an answer should be opened, by urgency.
pub const fn read_s(urgency: Urgency) -> i64 {
    match urgency {
        Urgency::Emergency => 10 * 60,
        Urgency::Urgent => 3600,
        Urgency::Soon => 8 * 3600,
        Urgency::Routine => 24 * 3600,
    }
}

/// Seconds after acting on an answer when its outcome is asked for: four weeks.
pub const OUTCOME_S: i64 = 28 * 24 * 3600;

impl Case {
    /// Every alarm of the present status with the moment it is due, raised ones included, soonest first.
    pub fn alarm_times(&self) -> Vec<(Instant, Alarm)> {
        let at = |kind, level, when| (when, Alarm::new(kind, level));
        let urgency = self.request.urgency.unwrap_or(Urgency::Routine);
        let since = |kind, seconds: i64, levels: &[(u8, i64)]| -> Vec<(Instant, Alarm)> {
            levels
                .iter()
                .map(|(level, times)| at(kind, *level, later(self.since, seconds * times)))
                .collect()
        };
        let mut list = match self.status {
            Status::Requested => self.running(|c| {
                let accept = |times: i64| {
                    let s = accept_s(c.response_s) * times + c.paused_s;
                    later(c.started, s)
                };
                vec![
                    at(AlarmKind::NotAccepted, 1, accept(1)),
                    at(AlarmKind::NotAccepted, 2, accept(2)),
                    at(AlarmKind::NotAccepted, 3, accept(4)),
                    at(AlarmKind::NotAnswered, 3, c.at_percent(100)),
                    at(AlarmKind::NotAnswered, 4, c.at_percent(150)),
                ]
            }),
            Status::Accepted | Status::Allocated => self.running(|c| {
                [(1, 50), (2, 75), (3, 100), (4, 150)]
                    .into_iter()
                    .map(|(level, p)| at(AlarmKind::NotAnswered, level, c.at_percent(p)))
                    .collect()
            }),
            Status::MoreInformation => {
                let s = self
                    .clock
                    .as_ref()
                    .map_or(read_s(urgency), |c| c.response_s);
                since(AlarmKind::NotSupplied, s, &[(1, 1), (2, 2)])
            }
            Status::Answered => since(
                AlarmKind::Unread,
                read_s(urgency),
                &[(1, 1), (2, 2), (3, 4)],
            ),
            Status::Suspended | Status::Declined => since(
                AlarmKind::LeftAlone,
                read_s(urgency),
                &[(1, 1), (2, 2), (3, 4)],
            ),
            Status::Acted if self.outcome.is_none() => {
                since(AlarmKind::OutcomeDue, OUTCOME_S, &[(1, 1), (2, 2)])
            }
            Status::Read => {
                // Read and nothing said about it: asked about like an outcome, sooner.
                since(AlarmKind::LeftAlone, read_s(urgency) * 7, &[(1, 1), (2, 2)])
            }
            Status::Draft | Status::Acted | Status::Closed | Status::Cancelled => Vec::new(),
        };
        list.sort();
        list
    }

    fn running(
        &self,
        alarms: impl FnOnce(&super::CaseClock) -> Vec<(Instant, Alarm)>,
    ) -> Vec<(Instant, Alarm)> {
        match &self.clock {
            Some(clock) if clock.is_running() => alarms(clock),
            _ => Vec::new(),
        }
    }

    /// Alarms that are due now and were not raised.
    pub fn alarms_due(&self, now: Instant) -> Vec<Alarm> {
        self.alarm_times()
            .into_iter()
            .filter(|(when, alarm)| *when <= now && !self.alarms.contains(alarm))
            .map(|(_, alarm)| alarm)
            .collect()
    }

    /// When this case next needs a look from the clock job.
    pub fn next_alarm(&self) -> Option<Instant> {
        self.alarm_times()
            .into_iter()
            .find(|(_, alarm)| !self.alarms.contains(alarm))
            .map(|(when, _)| when)
    }
}
