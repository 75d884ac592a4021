//! Which of the topics a live page watches were touched by commits after a position. Topics carry no data: a page that is
//! woken asks for its part again, under its permit.
//!
//! `{kind}-{id}` of what an event is about (`case-…`, `agreement-…`), `inbox-{hospital}` for cases on their way to or from
//! a hospital, `person-{account}` for notices.

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
}

fn topics_of(event: &Event) -> Vec<String> {
    let data: Data = serde_json::from_str(&event.data).unwrap_or_default();
    let mut topics = vec![format!("{}-{}", event.subject.kind, event.subject.id)];
    if event.topic.starts_with("case.") {
        topics.push(format!("inbox-{}", event.subject.hospital));
        topics.extend(data.answering.map(|h| format!("inbox-{h}")));
    }
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
        let woken = topics
            .iter()
            .filter(|t| touched.contains(*t))
            .cloned()
            .collect();
        // What is committed while this is read comes with the next question.
        let last = events.last().map_or(after, |e| e.position).max(after);
        Ok((last, woken))
    }
}
