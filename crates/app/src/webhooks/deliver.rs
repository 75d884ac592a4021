//! Sending: one event after the other for each webhook, each try signed anew, pauses that grow.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use agreements::{Role, SystemPurpose};
use jiff::SignedDuration;
use kernel::{HospitalId, Instant, RecordKey, ResourceId};
use openidconnect::http;
use seal::{Wrapped, b64, webhook};
use store::{Batch, Event, Lookup, Precondition, StoreError};

use super::{Answer, Delivery, HookState, Place, Webhook, secret_context};
use crate::docs::{self, Versioned};
use crate::notices::Draft;
use crate::outbound::OutboundError;
use crate::{App, AppError};

/// Pauses between tries, seconds; the last repeats.
const PAUSES_S: [i64; 8] = [5, 30, 120, 600, 1_800, 3_600, 3 * 3_600, 6 * 3_600];
/// A webhook that has failed for so long is given up, seconds.
const GIVEN_UP_S: i64 = 3 * 24 * 3_600;
/// Events looked at in one go.
const EVENTS_AT_ONCE: u32 = 200;
/// Events sent in one turn of one webhook.
const SENT_AT_ONCE: usize = 50;
/// Places passed over without a write.
const PASSED_MAX: u64 = 1_000;
/// How long deliveries are kept for the administrator, seconds.
const KEPT_S: i64 = 30 * 24 * 3_600;

/// Webhooks that this process is sending to.
#[derive(Debug, Default)]
pub struct Hooks(Mutex<HashSet<RecordKey>>);

/// One turn at a webhook; ends when dropped.
struct Turn(Arc<Hooks>, RecordKey);

impl Drop for Turn {
    fn drop(&mut self) {
        let mut all = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.remove(&self.1);
    }
}

impl Hooks {
    fn turn(self: &Arc<Self>, key: &RecordKey) -> Option<Turn> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(key.clone())
            .then(|| Turn(Arc::clone(self), key.clone()))
    }
}

/// The name of a message: the same for every try and every node (`webhook-id`).
pub(super) fn message_id(hook: &ResourceId, place: Place) -> String {
    format!("msg_{hook}_{}_{}", place.position, place.ordinal)
}

pub(super) fn delivery_id(hook: &ResourceId, place: Place) -> Result<ResourceId, AppError> {
    let digest = crate::tokens::digest(&[&message_id(hook, place)]);
    // Newest first by id: the place stands before the digest.
    let name = format!(
        "{:016x}-{:04x}-{}",
        place.position,
        place.ordinal,
        &digest[..16]
    );
    Ok(ResourceId::new(name)?)
}

/// What is sent (Standard Webhooks, "Payload structure").
fn body(topic: &str, at: Instant, subject: &RecordKey) -> Vec<u8> {
    serde_json::json!({
        "type": topic,
        "timestamp": at.to_string(),
        "data": {
            "hospital": subject.hospital.as_str(),
            "kind": subject.kind.as_str(),
            "id": subject.id.as_str(),
        },
    })
    .to_string()
    .into_bytes()
}

const fn word(error: OutboundError) -> &'static str {
    match error {
        OutboundError::Scheme | OutboundError::Form => "address",
        OutboundError::Private => "private",
        OutboundError::Timeout => "timeout",
        OutboundError::Unreachable => "unreachable",
        // What was answered is of no interest; that so much was is.
        OutboundError::TooLong => "too-long",
    }
}

impl App {
    /// Begins a turn for every webhook that is due, each on its own, so that a slow receiver holds up no other. Gives how
    /// many were begun.
    pub(crate) async fn begin_webhooks(&self) -> Result<usize, AppError> {
        let due = self.webhooks_due().await?;
        let begun = due.len();
        for hook in due {
            let app = self.clone();
            tokio::spawn(async move {
                if let Err(error) = app.webhook_turn(hook).await {
                    tracing::warn!(error = %error, "a webhook could not be sent to");
                }
            });
        }
        Ok(begun)
    }

    /// Gives every webhook that is due its turn, and waits for all of them. Gives how many events were taken.
    pub async fn deliver_webhooks(&self) -> Result<usize, AppError> {
        let due = self.webhooks_due().await?;
        let turns = due.into_iter().map(|hook| self.webhook_turn(hook));
        let mut taken = 0;
        for turn in futures::future::join_all(turns).await {
            taken += turn?;
        }
        Ok(taken)
    }

    async fn webhooks_due(&self) -> Result<Vec<Versioned<Webhook>>, AppError> {
        let now = self.now();
        let permit = self.system(SystemPurpose::Job);
        let lookups = vec![Lookup::new("state", "active")];
        let mut all = self
            .find::<Webhook>(&permit, None, lookups, None, 1_000, false)
            .await?;
        let newest = *self.watch().borrow();
        all.retain(|h| h.doc.next <= now && h.doc.done.position < newest);
        Ok(all)
    }

    async fn webhook_turn(&self, mut hook: Versioned<Webhook>) -> Result<usize, AppError> {
        let Some(_turn) = self.hooks.turn(&hook.key) else {
            return Ok(0);
        };
        let mut sent = 0;
        while sent < SENT_AT_ONCE {
            let (event, passed) = self.next_event(&hook).await?;
            let Some(event) = event else {
                if passed.position > hook.doc.done.position + PASSED_MAX {
                    hook.doc.done = passed;
                    self.keep_hook(&mut hook, Batch::new(self.now())).await?;
                }
                break;
            };
            if !self.send_event(&mut hook, &event).await? {
                break;
            }
            sent += 1;
        }
        Ok(sent)
    }

    /// The next event of the feed that the webhook wants, or how far there is none.
    async fn next_event(
        &self,
        hook: &Versioned<Webhook>,
    ) -> Result<(Option<Event>, Place), AppError> {
        let mut passed = hook.doc.done;
        loop {
            let permit = self.system(SystemPurpose::Job);
            // The commit that was reached may hold more events than were sent.
            let after = passed.position.saturating_sub(1);
            let events = self.store.events(&permit, after, EVENTS_AT_ONCE).await?;
            let full = events.len() == EVENTS_AT_ONCE as usize;
            let before = passed;
            for event in events {
                let place = Place {
                    position: event.position,
                    ordinal: event.ordinal,
                };
                if place <= passed {
                    continue;
                }
                if hook.doc.wants(&hook.key.hospital, &event) {
                    return Ok((Some(event), place));
                }
                passed = place;
            }
            if !full || passed == before {
                return Ok((None, passed));
            }
        }
    }

    /// One try. True when it was taken and the next one may follow.
    async fn send_event(
        &self,
        hook: &mut Versioned<Webhook>,
        event: &Event,
    ) -> Result<bool, AppError> {
        let place = Place {
            position: event.position,
            ordinal: event.ordinal,
        };
        let id = message_id(&hook.key.id, place);
        let content = body(&event.topic, event.at, &event.subject);
        let answer = self.post(hook, &id, content).await?;
        let now = self.now();
        let tries = hook.doc.tries + 1;
        let mut batch = Batch::new(now);
        let delivery = Versioned {
            key: self.doc_key::<Delivery>(&hook.key.hospital, &delivery_id(&hook.key.id, place)?),
            version: 0,
            doc: Delivery {
                hook: hook.key.id.clone(),
                place,
                topic: event.topic.clone(),
                subject: event.subject.clone(),
                at: event.at,
                tries,
                last: now,
                answer: answer.clone(),
            },
        };
        put_any(&mut batch, &delivery)?;
        let taken = answer.is_taken();
        if taken {
            hook.doc.done = place;
            hook.doc.tries = 0;
            hook.doc.next = now;
            hook.doc.failing_since = None;
        } else {
            self.after_failure(hook, &mut batch, &answer, now).await?;
        }
        // When somebody changed the webhook meanwhile the event is sent again: at least once.
        Ok(self.keep_hook(hook, batch).await? && taken)
    }

    async fn after_failure(
        &self,
        hook: &mut Versioned<Webhook>,
        batch: &mut Batch,
        answer: &Answer,
        now: Instant,
    ) -> Result<(), AppError> {
        let doc = &mut hook.doc;
        let pause = PAUSES_S[usize::try_from(doc.tries)
            .unwrap_or(usize::MAX)
            .min(PAUSES_S.len() - 1)];
        doc.tries += 1;
        doc.next = now
            .saturating_add(SignedDuration::from_secs(pause))
            .unwrap_or(now);
        let since = *doc.failing_since.get_or_insert(now);
        if answer == &Answer::Status(410) {
            doc.state = HookState::Gone { at: now };
        } else if since.duration_until(now).as_secs() >= GIVEN_UP_S {
            doc.state = HookState::Failed { at: now };
        } else {
            return Ok(());
        }
        let hospital = &hook.key.hospital;
        let administrators = self.people_at(hospital, Some(Role::Administrator)).await?;
        let drafts = administrators.into_iter().map(|person| Draft {
            to: person.account,
            hospital: hospital.clone(),
            what: "webhook-ended".into(),
            subject: hook.key.clone(),
            number: hook.doc.name.clone(),
            urgent: false,
        });
        self.notify(batch, drafts.collect())?;
        batch.event("webhook.ended", &hook.key, "{}");
        Ok(())
    }

    /// Writes where the webhook stands. False when somebody else changed it meanwhile.
    async fn keep_hook(
        &self,
        hook: &mut Versioned<Webhook>,
        mut batch: Batch,
    ) -> Result<bool, AppError> {
        docs::put(&mut batch, hook)?;
        match self.store.commit(batch).await {
            Ok(done) => {
                hook.version = done.versions.last().copied().unwrap_or(hook.version + 1);
                Ok(true)
            }
            Err(StoreError::Precondition { .. }) => Ok(false),
            Err(e) => Err(e.into()),
        }
    }

    /// Sends one message with its signatures.
    pub(super) async fn post(
        &self,
        hook: &Versioned<Webhook>,
        id: &str,
        content: Vec<u8>,
    ) -> Result<Answer, AppError> {
        let now = self.now();
        let fault = || AppError::Internal("secret of a webhook".into());
        let mut signatures = Vec::new();
        let living = |until: Option<Instant>| until.is_none_or(|until| now < until);
        for secret in hook.doc.secrets.iter().filter(|s| living(s.until)) {
            let bytes = b64::decode(&secret.wrapped, "secret").map_err(|_| fault())?;
            let secret = self
                .node_key
                .unwrap_secret(&secret_context(&hook.key), &Wrapped(bytes))
                .map_err(|_| fault())?;
            signatures.push(webhook::sign(&secret, id, now, &content));
        }
        let request = http::Request::post(&hook.doc.url)
            .header("content-type", "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", now.as_second())
            .header("webhook-signature", signatures.join(" "))
            .body(content);
        let Ok(request) = request else {
            return Ok(Answer::None("address".into()));
        };
        Ok(match self.outbound.send(request).await {
            Ok(answer) => Answer::Status(answer.status().as_u16()),
            Err(error) => Answer::None(word(error).into()),
        })
    }

    /// Sends a delivery once more, out of turn, under the same id. Gives what was answered.
    pub(super) async fn post_again(
        &self,
        hook: &Versioned<Webhook>,
        delivery: &mut Versioned<Delivery>,
    ) -> Result<Answer, AppError> {
        let d = &delivery.doc;
        let id = message_id(&hook.key.id, d.place);
        let content = body(&d.topic, d.at, &d.subject);
        let answer = self.post(hook, &id, content).await?;
        delivery.doc.tries += 1;
        delivery.doc.last = self.now();
        delivery.doc.answer = answer.clone();
        Ok(answer)
    }

    /// Forgets deliveries of long ago.
    pub async fn forget_deliveries(&self) -> Result<usize, AppError> {
        let now = self.now();
        let permit = self.system(SystemPurpose::Job);
        let mut batch = Batch::new(now);
        let all = self
            .find::<Delivery>(&permit, None, Vec::new(), None, 1_000, false)
            .await?;
        for old in all {
            if old.doc.last.duration_until(now).as_secs() > KEPT_S {
                batch.delete(old.key, Precondition::Any);
            }
        }
        let count = batch.writes.len();
        if count > 0 {
            self.store.commit(batch).await?;
        }
        Ok(count)
    }

    /// Where a new webhook begins: with what is committed from now on.
    pub(super) fn place_now(&self) -> Place {
        Place {
            position: *self.watch().borrow(),
            ordinal: u32::MAX,
        }
    }

    pub(super) async fn stored_webhook(
        &self,
        hospital: &HospitalId,
        id: &ResourceId,
    ) -> Result<Versioned<Webhook>, AppError> {
        let permit = self.system(SystemPurpose::Decision);
        self.need(&permit, hospital, id).await
    }
}

/// A delivery is our own bookkeeping: the last try is what counts.
pub(super) fn put_any(batch: &mut Batch, delivery: &Versioned<Delivery>) -> Result<(), AppError> {
    docs::put(batch, delivery)?;
    if let Some(write) = batch.writes.last_mut() {
        write.expect = Precondition::Any;
    }
    Ok(())
}
