//! Sends what waits in the outbox. Several processes may: a claim is a lease. SMTP knows no "once":
//! whoever dies between the server's yes and writing it down leaves a mail that comes twice, under
//! one `Message-ID`.

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use vault::VaultError;

use crate::letter::Letter;
use crate::outbox::{Claimed, Post};
use crate::render::{RenderError, Templates};

/// Mails claimed at once, which are sent one after the other.
const CLAIMED_MAX: i64 = 16;
/// How long one may take; then it is tried again.
const TIME_MAX: Duration = Duration::from_secs(30);
/// How long a claim is good: for all that were claimed together.
const LEASE: TimeDelta = TimeDelta::minutes(10);
/// How often the outbox is looked at without a reason.
const POLL: Duration = Duration::from_secs(5);
/// Mails counted for the metrics, at the most.
const COUNTED_MAX: i64 = 10_000;

/// Who takes mails to the server.
#[derive(Debug)]
pub struct Carrier {
    smtp: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    templates: Templates,
}

/// Why a mail was not sent.
#[derive(Debug, thiserror::Error)]
enum SendError {
    #[error(transparent)]
    Vault(#[from] VaultError),
    #[error(transparent)]
    Render(#[from] RenderError),
    #[error("the address is none")]
    Address(#[from] lettre::address::AddressError),
    #[error("the mail cannot be put together")]
    Message(#[from] lettre::error::Error),
    #[error("the server did not take it")]
    Smtp(#[from] smtp::Error),
    #[error("the server took too long")]
    TooLong,
}

impl SendError {
    /// What is said of it: servers repeat the address in what they say.
    fn told(&self) -> String {
        match self {
            Self::Smtp(error) => match error.status() {
                Some(code) => format!("the server answered {code}"),
                None => "the server cannot be reached".to_owned(),
            },
            error => error.to_string(),
        }
    }

    /// Whether another try comes to the same.
    fn is_for_good(&self) -> bool {
        match self {
            Self::Smtp(error) => error.is_permanent(),
            Self::Address(_) | Self::Message(_) => true,
            // Who has mended a template, or brought a key back, has it tried again.
            Self::Vault(_) | Self::Render(_) | Self::TooLong => false,
        }
    }
}

impl Carrier {
    pub(crate) fn new(
        smtp: AsyncSmtpTransport<Tokio1Executor>,
        from: Mailbox,
        templates: Templates,
    ) -> Self {
        Self { smtp, from, templates }
    }

    /// Sends what is due until told to stop; the mail under way is finished first.
    pub async fn run(self, post: Post, stop: CancellationToken) {
        describe_metrics();
        while !stop.is_cancelled() {
            let claimed = post.claim(CLAIMED_MAX, LEASE, Utc::now()).await;
            let claimed = claimed.unwrap_or_else(|error| {
                tracing::debug!(%error, "the outbox cannot be looked at");
                Vec::new()
            });
            if claimed.is_empty() {
                observe(&post).await;
                let _ = stop.run_until_cancelled(post.more(POLL)).await;
            }
            for mail in claimed {
                // Those that are left are somebody's again when their lease ends.
                if stop.is_cancelled() {
                    return;
                }
                if let Err(error) = self.deliver(&post, &mail).await {
                    tracing::warn!(%error, id = %mail.id, "what became of a mail is not known");
                }
            }
        }
    }

    async fn deliver(&self, post: &Post, mail: &Claimed) -> sqlx::Result<()> {
        let outcome = match tokio::time::timeout(TIME_MAX, self.attempt(post, mail)).await {
            Ok(outcome) => outcome,
            Err(_elapsed) => Err(SendError::TooLong),
        };
        let (id, template) = (mail.id, &mail.template);
        match outcome {
            Ok(()) => {
                count("sent");
                tracing::debug!(%id, template, "mail sent");
                post.sent(id, Utc::now()).await
            }
            Err(SendError::Vault(VaultError::Erased)) => post.forget(id).await,
            Err(error) => {
                let (why, in_vain) = (error.told(), error.is_for_good());
                let again = post.not_sent(mail, &why, in_vain, Utc::now()).await?;
                count(if again { "postponed" } else { "failed" });
                if again {
                    tracing::warn!(%id, template, why, "a mail will be tried again");
                } else {
                    tracing::error!(%id, template, why, "a mail was given up");
                }
                Ok(())
            }
        }
    }

    async fn attempt(&self, post: &Post, mail: &Claimed) -> Result<(), SendError> {
        let letter = post.read(mail).await?;
        let message = self.message(mail.id, &letter)?;
        self.smtp.send(message).await?;
        Ok(())
    }

    fn message(&self, id: Uuid, letter: &Letter) -> Result<Message, SendError> {
        let words = self.templates.words(letter)?;
        let to: Address = letter.to.deliverable().parse()?;
        let id = format!("<{id}@{}>", self.from.email.domain());
        // No vacation answers it (RFC 3834).
        let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
        let automatic = HeaderValue::new(automatic, "auto-generated".to_owned());
        let body = MultiPart::alternative_plain_html(words.text, words.html);
        let message = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(words.subject)
            .message_id(Some(id))
            .raw_header(automatic);
        Ok(message.multipart(body)?)
    }
}

fn describe_metrics() {
    metrics::describe_counter!("mail_attempts_total", "Mails given to the server, by outcome");
    metrics::describe_gauge!("mails_waiting", "Mails that wait to be sent, up to 10,000");
    metrics::describe_gauge!("mails_failed", "Mails that were given up, up to 10,000");
    for outcome in ["sent", "postponed", "failed"] {
        metrics::counter!("mail_attempts_total", "outcome" => outcome).absolute(0);
    }
}

fn count(outcome: &'static str) {
    metrics::counter!("mail_attempts_total", "outcome" => outcome).increment(1);
}

async fn observe(post: &Post) {
    if let Ok((waiting, failed)) = post.counts(COUNTED_MAX).await {
        metrics::gauge!("mails_waiting").set(waiting as f64);
        metrics::gauge!("mails_failed").set(failed as f64);
    }
}
