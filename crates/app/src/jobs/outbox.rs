//! The mail of notices: kept with the notice until the relay has taken it, tried again with growing pauses.

use agreements::SystemPurpose;
use jiff::SignedDuration;
use kernel::{HospitalId, Instant, Phi};
use store::{Batch, Lookup};

use crate::docs;
use crate::notices::mail::{self, Mail, MailError, Mailer, SmtpMailer};
use crate::notices::{MailState, Notice};
use crate::{App, AppError};

/// Mails looked at in one run.
const AT_ONCE: u32 = 100;
/// After this many tries a mail is given up; the notice stays in the page.
const TRIES_MAX: u32 = 8;
/// First pause after a failure, seconds; it doubles with each.
const PAUSE_S: i64 = 30;

impl App {
    /// Sends the mails that are due through the relay of the settings. Gives how many it took.
    pub async fn send_mail(&self) -> Result<usize, AppError> {
        let Some(smtp) = &self.settings.smtp else {
            return Ok(0);
        };
        let mailer =
            SmtpMailer::new(smtp).map_err(|_| AppError::Unavailable("mail relay".into()))?;
        self.send_mail_by(&mailer).await
    }

    /// Like [`App::send_mail`], through any mailer.
    pub async fn send_mail_by(&self, mailer: &dyn Mailer) -> Result<usize, AppError> {
        let now = self.now();
        let permit = self.system(SystemPurpose::Job);
        let lookups = vec![Lookup::new("mail", "waiting")];
        let network = HospitalId::network();
        let waiting = self
            .find::<Notice>(&permit, Some(&network), lookups, None, AT_ONCE, false)
            .await?;
        let mut sent = 0;
        for mut notice in waiting {
            let tries = match notice.doc.mail {
                MailState::Waiting { next, tries } if next <= now => tries,
                _ => continue,
            };
            notice.doc.mail = self.try_mail(mailer, &notice.doc, tries, now).await?;
            sent += usize::from(matches!(notice.doc.mail, MailState::Sent { .. }));
            let mut batch = Batch::new(now);
            docs::put(&mut batch, &notice)?;
            match self.store.commit(batch).await {
                // Read in the page meanwhile: its mail is no longer waited for.
                Ok(_) | Err(store::StoreError::Precondition { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(sent)
    }

    async fn try_mail(
        &self,
        mailer: &dyn Mailer,
        notice: &Notice,
        tries: u32,
        now: Instant,
    ) -> Result<MailState, AppError> {
        if notice.read.is_some() {
            return Ok(MailState::None);
        }
        let person = self.person(&notice.to).await?;
        let Some((language, to)) = person.and_then(|p| Some((p.language, p.email?))) else {
            return Ok(MailState::None);
        };
        let (subject, body) = mail::words(notice, language, &self.settings.base_url);
        let mail = Mail {
            to: Phi::new(to),
            subject,
            body,
        };
        Ok(after(mailer.send(&mail).await, tries, now))
    }
}

/// Where the mail stands after a try.
fn after(outcome: Result<(), MailError>, tries: u32, now: Instant) -> MailState {
    match outcome {
        Ok(()) => MailState::Sent { at: now },
        Err(MailError::Transient) if tries + 1 < TRIES_MAX => {
            let pause = SignedDuration::from_secs(PAUSE_S << tries.min(16));
            MailState::Waiting {
                next: now.saturating_add(pause).unwrap_or(now),
                tries: tries + 1,
            }
        }
        Err(error) => MailState::Failed {
            at: now,
            why: error.to_string(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_end() {
        let now = Instant::UNIX_EPOCH;
        let mut last = 0;
        for tries in 0..TRIES_MAX - 1 {
            let MailState::Waiting { next, .. } = after(Err(MailError::Transient), tries, now)
            else {
                panic!("given up too early")
            };
            assert!(next.as_second() > last);
            last = next.as_second();
        }
        let given_up = after(Err(MailError::Transient), TRIES_MAX - 1, now);
        assert!(matches!(given_up, MailState::Failed { .. }));
        let refused = after(Err(MailError::Permanent), 0, now);
        assert!(matches!(refused, MailState::Failed { .. }));
    }
}
