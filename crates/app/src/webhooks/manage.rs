//! What a hospital's administrator does with webhooks.

use agreements::{Role, SystemPurpose};
use jiff::SignedDuration;
use kernel::{Instant, Phi, RecordKey, ResourceId};
use seal::{Secret, b64, webhook};
use store::{Batch, Lookup, Precondition};
use url::Url;

use super::deliver::put_any;
use super::{
    Answer, Delivery, HookSecret, HookState, SECRET_OVERLAP_S, TOPICS, WEBHOOKS_MAX, Webhook,
    secret_context,
};
use crate::accounts::invite::check_name;
use crate::audit_entry::{Entry, Verb};
use crate::docs::{self, Versioned};
use crate::{App, AppError, Cx};

/// Deliveries shown.
const SHOWN: u32 = 50;

/// A webhook to register.
#[derive(Debug, Clone)]
pub struct NewWebhook {
    pub name: String,
    pub url: String,
    /// Of [`TOPICS`].
    pub topics: Vec<String>,
}

/// A webhook in the administrator's list.
#[derive(Debug, Clone)]
pub struct WebhookLine {
    pub id: ResourceId,
    pub name: String,
    pub url: String,
    pub topics: Vec<String>,
    pub state: HookState,
    pub failing_since: Option<Instant>,
}

/// One webhook with its last deliveries, newest first.
#[derive(Debug, Clone)]
pub struct WebhookView {
    pub line: WebhookLine,
    pub created: Instant,
    /// The next try, while one waits.
    pub next: Option<Instant>,
    /// Until when the secret before the last still signs.
    pub old_secret_until: Option<Instant>,
    pub deliveries: Vec<DeliveryLine>,
}

#[derive(Debug, Clone)]
pub struct DeliveryLine {
    pub id: ResourceId,
    pub topic: String,
    pub subject: RecordKey,
    pub at: Instant,
    pub last: Instant,
    pub tries: u32,
    pub answer: Answer,
}

fn line(hook: &Versioned<Webhook>) -> WebhookLine {
    WebhookLine {
        id: hook.key.id.clone(),
        name: hook.doc.name.clone(),
        url: hook.doc.url.clone(),
        topics: hook.doc.topics.clone(),
        state: hook.doc.state.clone(),
        failing_since: hook.doc.failing_since,
    }
}

impl App {
    pub async fn webhooks(&self, cx: &Cx) -> Result<Vec<WebhookLine>, AppError> {
        let hospital = cx.require(Role::Administrator)?;
        let permit = self.system(SystemPurpose::Decision);
        let found = self
            .find::<Webhook>(&permit, Some(hospital), Vec::new(), None, 1_000, false)
            .await?;
        Ok(found.iter().map(line).collect())
    }

    pub async fn webhook(&self, cx: &Cx, id: &ResourceId) -> Result<WebhookView, AppError> {
        let hospital = cx.require(Role::Administrator)?;
        let hook = self.stored_webhook(hospital, id).await?;
        let permit = self.system(SystemPurpose::Decision);
        let lookups = vec![Lookup::new("hook", id.as_str())];
        let deliveries = self
            .find::<Delivery>(&permit, Some(hospital), lookups, None, SHOWN, true)
            .await?;
        let old = hook.doc.secrets.iter().filter_map(|s| s.until).max();
        Ok(WebhookView {
            line: line(&hook),
            created: hook.doc.created,
            next: (hook.doc.tries > 0).then_some(hook.doc.next),
            old_secret_until: old.filter(|until| cx.now < *until),
            deliveries: deliveries
                .into_iter()
                .map(|d| DeliveryLine {
                    id: d.key.id,
                    topic: d.doc.topic,
                    subject: d.doc.subject,
                    at: d.doc.at,
                    last: d.doc.last,
                    tries: d.doc.tries,
                    answer: d.doc.answer,
                })
                .collect(),
        })
    }

    /// Registers a webhook. Gives its id and its secret, shown this once.
    pub async fn add_webhook(
        &self,
        cx: &Cx,
        new: NewWebhook,
    ) -> Result<(ResourceId, Phi<String>), AppError> {
        let hospital = cx.require(Role::Administrator)?.clone();
        check_name(&new.name)?;
        let url = Url::parse(new.url.trim())
            .map_err(|_| AppError::invalid("url", "hook-url", "not an address"))?;
        self.outbound
            .check(&url)
            .map_err(|e| AppError::invalid("url", "hook-url", e.to_string()))?;
        let known = |t: &String| TOPICS.contains(&t.as_str());
        if new.topics.is_empty() || !new.topics.iter().all(known) {
            return Err(AppError::invalid("topics", "missing", "at least one topic"));
        }
        if self.webhooks(cx).await?.len() >= WEBHOOKS_MAX {
            return Err(AppError::TooMuch("webhooks"));
        }
        let key = self.doc_key::<Webhook>(&hospital, &self.new_id());
        let (secret, shown) = self.new_hook_secret(&key)?;
        let hook = Versioned {
            key,
            version: 0,
            doc: Webhook {
                name: new.name.trim().to_owned(),
                url: url.into(),
                topics: new.topics,
                secrets: vec![secret],
                created: cx.now,
                state: HookState::Active,
                done: self.place_now(),
                tries: 0,
                next: cx.now,
                failing_since: None,
            },
        };
        self.commit_hook(cx, &hook, "webhook.added").await?;
        Ok((hook.key.id, shown))
    }

    /// A new secret; the one before still signs for a day, so that the receiver can change over.
    pub async fn rotate_webhook_secret(
        &self,
        cx: &Cx,
        id: &ResourceId,
    ) -> Result<Phi<String>, AppError> {
        let hospital = cx.require(Role::Administrator)?.clone();
        let mut hook = self.stored_webhook(&hospital, id).await?;
        let (secret, shown) = self.new_hook_secret(&hook.key)?;
        // Two are valid at once, never three.
        let newest = hook.doc.secrets.pop();
        hook.doc.secrets.clear();
        if let Some(mut before) = newest {
            before.until = cx
                .now
                .checked_add(SignedDuration::from_secs(SECRET_OVERLAP_S))
                .ok();
            hook.doc.secrets.push(before);
        }
        hook.doc.secrets.push(secret);
        self.commit_hook(cx, &hook, "webhook.secret-rotated")
            .await?;
        Ok(shown)
    }

    /// Pauses a webhook, or lets it go on where it stopped; what happened meanwhile is sent then.
    pub async fn pause_webhook(
        &self,
        cx: &Cx,
        id: &ResourceId,
        pause: bool,
    ) -> Result<(), AppError> {
        let hospital = cx.require(Role::Administrator)?.clone();
        let mut hook = self.stored_webhook(&hospital, id).await?;
        if pause {
            hook.doc.state = HookState::Paused;
        } else {
            hook.doc.state = HookState::Active;
            hook.doc.tries = 0;
            hook.doc.next = cx.now;
            hook.doc.failing_since = None;
        }
        let action = if pause {
            "webhook.paused"
        } else {
            "webhook.resumed"
        };
        self.commit_hook(cx, &hook, action).await
    }

    pub async fn remove_webhook(&self, cx: &Cx, id: &ResourceId) -> Result<(), AppError> {
        let hospital = cx.require(Role::Administrator)?.clone();
        let hook = self.stored_webhook(&hospital, id).await?;
        let mut batch = Batch::new(cx.now);
        batch.delete(hook.key.clone(), Precondition::Any);
        self.audit_hook(cx, &mut batch, &hook.key, "webhook.removed");
        self.store.commit(batch).await?;
        Ok(())
    }

    /// Sends a delivery once more, out of turn, under the same id. True when it was taken.
    pub async fn resend_delivery(
        &self,
        cx: &Cx,
        id: &ResourceId,
        delivery: &ResourceId,
    ) -> Result<bool, AppError> {
        let hospital = cx.require(Role::Administrator)?.clone();
        let hook = self.stored_webhook(&hospital, id).await?;
        let permit = self.system(SystemPurpose::Decision);
        let mut found: Versioned<Delivery> = self.need(&permit, &hospital, delivery).await?;
        if &found.doc.hook != id {
            return Err(AppError::NotFound);
        }
        let answer = self.post_again(&hook, &mut found).await?;
        let mut batch = Batch::new(cx.now);
        put_any(&mut batch, &found)?;
        self.audit_hook(cx, &mut batch, &hook.key, "webhook.resent");
        self.store.commit(batch).await?;
        Ok(answer.is_taken())
    }

    fn new_hook_secret(&self, key: &RecordKey) -> Result<(HookSecret, Phi<String>), AppError> {
        let secret = Secret::generate(&*self.entropy);
        let wrapped = self
            .node_key
            .wrap(&secret_context(key), secret.expose(), &*self.entropy)
            .map_err(|_| AppError::Internal("secret of a webhook".into()))?;
        let stored = HookSecret {
            wrapped: b64::encode(wrapped.0),
            until: None,
        };
        Ok((stored, Phi::new(webhook::secret_text(&secret))))
    }

    async fn commit_hook(
        &self,
        cx: &Cx,
        hook: &Versioned<Webhook>,
        action: &str,
    ) -> Result<(), AppError> {
        let mut batch = Batch::new(cx.now);
        docs::put(&mut batch, hook)?;
        self.audit_hook(cx, &mut batch, &hook.key, action);
        self.store.commit(batch).await?;
        Ok(())
    }

    fn audit_hook(&self, cx: &Cx, batch: &mut Batch, key: &RecordKey, action: &str) {
        batch
            .audit
            .push(cx.audit(&key.hospital, &Entry::of(Verb::Update, action, key)));
    }
}
