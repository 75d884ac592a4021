//! Which of the topics a live page watches were touched by commits after a position. Topics carry no data: a page that is
//! woken asks for its part again, under its permit.
//!
//! `{kind}-{id}` of what an event is about (`case-…`, `agreement-…`), `inbox-{hospital}` for cases on their way to or from
//! a hospital, `images-{hospital}` for studies that come and are read, `person-{account}` for notices.

use std::collections::BTreeSet;

use agreements::SystemPurpose;
use serde::Deserialize;
use store::Event;

use crate::{App, AppError, Cx};

/// Events looked at in one go; a page further behind is woken for everything it watches.
const EVENTS_MAX: u32 = 500;

#[derive(Deserialize, Default)]
struct Data {
    answering: Option<String>,
    person: Option<String>,
    patient: Option<String>,
    /// The hospital that reads a study of another.
    reading: Option<String>,
    /// The ImagingStudy an event is also about.
    study: Option<String>,
}

/// Events after which somebody may have lost or gained access.
const ACCESS_EVENTS: [&str; 4] = ["agreement.", "consent.", "break-glass.", "correction."];
/// Topics of pages that rest on an agreement, a consent or a break-glass.
const ACCESS_TOPICS: [&str; 3] = ["case-", "patient-", "record-"];

fn changes_access(event: &Event) -> bool {
    ACCESS_EVENTS.iter().any(|e| event.topic.starts_with(e))
}

fn topics_of(event: &Event) -> Vec<String> {
    let data: Data = serde_json::from_str(&event.data).unwrap_or_default();
    let mut topics = vec![format!("{}-{}", event.subject.kind, event.subject.id)];
    topics.extend(data.patient.map(|p| format!("patient-{p}")));
    if event.topic.starts_with("case.") {
        topics.push(format!("inbox-{}", event.subject.hospital));
        topics.extend(data.answering.map(|h| format!("inbox-{h}")));
    }
    if event.topic.starts_with("imaging.") || event.topic.starts_with("reading.") {
        topics.push(format!("images-{}", event.subject.hospital));
        topics.extend(data.reading.map(|h| format!("images-{h}")));
    }
    topics.extend(data.study.map(|s| format!("ImagingStudy-{s}")));
    topics.extend(data.person.map(|p| format!("person-{p}")));
    topics
}

impl App {
    /// The position of the last event looked at, and the watched topics that commits after `after` touched.
    pub async fn live_since(
        &self,
        cx: &Cx,
        after: u64,
        topics: &[String],
    ) -> Result<(u64, Vec<String>), AppError> {
        let permit = agreements::Permit::system(SystemPurpose::Decision, cx.now);
        let events = self.store.events(&permit, after, EVENTS_MAX).await?;
        if events.len() == EVENTS_MAX as usize {
            let newest = *self.watch().borrow();
            return Ok((newest, topics.to_vec()));
        }
        let touched: BTreeSet<String> = events.iter().flat_map(topics_of).collect();
        let access = events.iter().any(changes_access);
        let woken = topics
            .iter()
            .filter(|t| {
                touched.contains(*t) || (access && ACCESS_TOPICS.iter().any(|a| t.starts_with(a)))
            })
            .cloned()
            .collect();
        // What is committed while this is read comes with the next question.
        let last = events.last().map_or(after, |e| e.position).max(after);
        Ok((last, woken))
    }
}

#[cfg(test)]
mod tests {
    use kernel::{Instant, RecordKey};

    use super::*;

    fn event(topic: &str, kind: &str, id: &str, data: &str) -> Event {
        let subject = RecordKey::parse("yarqum", kind, id).unwrap();
        Event {
            position: 1,
            ordinal: 0,
            at: Instant::UNIX_EPOCH,
            hospital: subject.hospital.clone(),
            topic: topic.into(),
            subject,
            data: data.into(),
        }
    }

    #[test]
    fn a_case_wakes_its_page_and_both_inboxes() {
        let topics = topics_of(&event(
            "case.sent",
            "case",
            "c1",
            r#"{"answering":"qumtagh"}"#,
        ));
        assert_eq!(topics, ["case-c1", "inbox-yarqum", "inbox-qumtagh"]);
    }

    #[test]
    fn the_end_of_an_agreement_or_consent_changes_access_and_a_message_does_not() {
        assert!(changes_access(&event(
            "agreement.ended",
            "agreement",
            "a1",
            "{}"
        )));
        assert!(changes_access(&event(
            "consent.withdrawn",
            "consent",
            "x",
            "{}"
        )));
        assert!(!changes_access(&event("case.message", "case", "c1", "{}")));
    }
}
