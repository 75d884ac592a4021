//! Mail: the number of a case and an address to sign in at, in the reader's language; never a patient's data.

use async_trait::async_trait;
use kernel::Phi;
use lettre::message::header::ContentType;
use lettre::transport::smtp::authentication::Credentials;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};

use super::Notice;
use crate::cx::Language;
use crate::settings::Smtp;

/// One mail.
#[derive(Clone, PartialEq, Eq)]
pub struct Mail {
    pub to: Phi<String>,
    pub subject: String,
    pub body: String,
}

impl std::fmt::Debug for Mail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Mail")
    }
}

/// Why a mail did not go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    /// The address or the relay's answer says it never will.
    #[error("refused for good")]
    Permanent,
    /// Worth another try.
    #[error("not now")]
    Transient,
}

/// Sends mail.
#[async_trait]
pub trait Mailer: Send + Sync + 'static {
    async fn send(&self, mail: &Mail) -> Result<(), MailError>;
}

/// Sends through an SMTP relay (RFC 5321), with STARTTLS (RFC 3207) or TLS from the first byte as configured.
pub struct SmtpMailer {
    from: String,
    relay: AsyncSmtpTransport<Tokio1Executor>,
}

impl SmtpMailer {
    /// Fails when the relay's name cannot be used for TLS.
    pub fn new(smtp: &Smtp) -> Result<Self, MailError> {
        type Relay = AsyncSmtpTransport<Tokio1Executor>;
        let builder = if smtp.starttls {
            Relay::starttls_relay(&smtp.host)
        } else if matches!(smtp.host.as_str(), "127.0.0.1" | "::1" | "localhost") {
            // A relay on the machine itself: nothing leaves it unencrypted.
            Ok(Relay::builder_dangerous(&smtp.host))
        } else {
            Relay::relay(&smtp.host)
        }
        .map_err(|_| MailError::Permanent)?;
        let mut builder = builder.port(smtp.port);
        if let (Some(user), Some(password)) = (&smtp.username, &smtp.password) {
            builder =
                builder.credentials(Credentials::new(user.clone(), password.reveal().clone()));
        }
        Ok(Self {
            from: smtp.from.clone(),
            relay: builder.build(),
        })
    }
}

#[async_trait]
impl Mailer for SmtpMailer {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        let message = Message::builder()
            .from(self.from.parse().map_err(|_| MailError::Permanent)?)
            .to(mail.to.reveal().parse().map_err(|_| MailError::Permanent)?)
            .subject(&mail.subject)
            .header(ContentType::TEXT_PLAIN)
            .body(mail.body.clone())
            .map_err(|_| MailError::Permanent)?;
        match self.relay.send(message).await {
            Ok(_) => Ok(()),
            Err(e) if e.is_permanent() => Err(MailError::Permanent),
            Err(_) => Err(MailError::Transient),
        }
    }
}

/// What a notice says by mail. The word of the notice is left out on purpose: that a case was declined or an answer
/// came says something of the patient to whoever reads the mailbox.
pub(crate) fn words(notice: &Notice, language: Language, base_url: &str) -> (String, String) {
    let (number, urgent) = (&notice.number, notice.urgent);
    match language {
        Language::English => (
            format!(
                "{}{number} needs you in Karez",
                if urgent { "Urgent: " } else { "" }
            ),
            format!(
                "{number} needs you in Karez.\n\nSign in to see it: {base_url}{}\n\nThis mail says no more on purpose.\n",
                notice.href()
            ),
        ),
        Language::Chinese => (
            format!(
                "{}Karez 中的 {number} 需要您处理",
                if urgent { "紧急：" } else { "" }
            ),
            format!(
                "Karez 中的 {number} 需要您处理。\n\n请登录查看：{base_url}{}\n\n为保护隐私，邮件不含更多内容。\n",
                notice.href()
            ),
        ),
    }
}
