//! The built-in gateway: no money moves, but it keeps books as a real one does, in a table of its
//! own, and answers by token.
//!
//! | token | what happens |
//! |---|---|
//! | `tok_success` | all succeeds |
//! | `tok_decline` | the authorisation is declined |
//! | `tok_capture_decline` | the authorisation succeeds, every capture is declined |
//! | `tok_refund_decline` | the first refund is declined, later ones succeed |
//! | `tok_action` | the customer must confirm first; then all succeeds |
//! | `tok_timeout` | the first answer to each request is lost, though it was done |
//! | any other | declined as unknown |

use chrono::{TimeDelta, Utc};
use domain::command::payment::Verdict;
use domain::payment::Operation;
use domain::text::{MediaUrl, Note, Token};
use sqlx::PgPool;
use uuid::Uuid;

use super::{Call, Gateway};

/// How long an authorisation of the sandbox holds.
const AUTHORIZATION_DAYS: i64 = 7;

/// The built-in gateway.
#[derive(Clone, Debug)]
pub struct Sandbox {
    books: PgPool,
}

impl Sandbox {
    pub(super) fn new(db: &PgPool) -> Self {
        Self { books: db.clone() }
    }

    /// Enters the call into the books; false if it stood there already. What a gateway has answered
    /// it knows after a power cut too, also on a server that is set not to wait for its disk.
    async fn enter(&self, call: &Call, declined: Option<&str>) -> sqlx::Result<bool> {
        let done = sqlx::query!(
            "INSERT INTO sandbox_gateway (key, operation, amount, currency, declined)
             SELECT $1, $2, $3, $4, $5
             FROM current_setting('synchronous_commit') AS told (setting),
                  set_config('synchronous_commit',
                             CASE setting WHEN 'off' THEN 'on' ELSE setting END, true)
             ON CONFLICT (key) DO NOTHING",
            call.key(),
            format!("{:?}", call.operation).to_lowercase(),
            call.amount.amount(),
            call.amount.currency().code(),
            declined,
        )
        .execute(&self.books)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// What the books say of the call: nothing if it is not in them, else why it was declined, if
    /// it was.
    async fn entry(&self, call: &Call) -> sqlx::Result<Option<Option<String>>> {
        let row =
            sqlx::query!("SELECT declined FROM sandbox_gateway WHERE key = $1", call.key());
        Ok(row.fetch_optional(&self.books).await?.map(|row| row.declined))
    }

    /// Whether a refund of the payment was declined before.
    async fn has_declined_refund(&self, call: &Call) -> sqlx::Result<bool> {
        sqlx::query_scalar!(
            r#"SELECT EXISTS (
                   SELECT FROM sandbox_gateway
                   WHERE starts_with(key, $1) AND key <> $2
                     AND operation = 'refund' AND declined IS NOT NULL) AS "exists!""#,
            format!("{}:", call.payment_id),
            call.key(),
        )
        .fetch_one(&self.books)
        .await
    }

    async fn decline(&self, call: &Call, token: &str) -> sqlx::Result<Option<&'static str>> {
        Ok(match (call.operation, token) {
            (Operation::Authorize, "tok_decline") => Some("the card was declined"),
            (Operation::Authorize, token) if !KNOWN.contains(&token) => {
                Some("the token is not known")
            }
            (Operation::Capture, "tok_capture_decline") => Some("the capture was declined"),
            (Operation::Refund, "tok_refund_decline") if !self.has_declined_refund(call).await? => {
                Some("the refund was declined")
            }
            _ => None,
        })
    }
}

const KNOWN: [&str; 6] = [
    "tok_success",
    "tok_decline",
    "tok_capture_decline",
    "tok_refund_decline",
    "tok_action",
    "tok_timeout",
];

impl Gateway for Sandbox {
    const NAME: &'static str = "sandbox";
    const ONCE: bool = false;

    async fn perform(&self, call: &Call) -> Verdict {
        let token = call.token.as_ref().map_or("", Token::as_str);
        let begun = call.reference.is_some();
        if token == "tok_action" && call.operation == Operation::Authorize && !begun {
            return confirm_first(call).unwrap_or(Verdict::Unknown);
        }
        let Ok(declined) = self.decline(call, token).await else { return Verdict::Unknown };
        let Ok(first) = self.enter(call, declined).await else { return Verdict::Unknown };
        match declined {
            _ if token == "tok_timeout" && first => Verdict::Unknown,
            _ if !first => self.find(call).await.unwrap_or(Verdict::Unknown),
            Some(reason) => told(reason.to_owned()),
            None => done(call).unwrap_or(Verdict::Unknown),
        }
    }

    async fn find(&self, call: &Call) -> Option<Verdict> {
        let Ok(entry) = self.entry(call).await else { return Some(Verdict::Unknown) };
        Some(match entry? {
            Some(reason) => told(reason),
            None => done(call).unwrap_or(Verdict::Unknown),
        })
    }
}

fn told(reason: String) -> Verdict {
    Note::try_from(reason).map_or(Verdict::Unknown, Verdict::Declined)
}

/// As with the true ones, who knows the whole address is let in there.
fn confirm_first(call: &Call) -> Option<Verdict> {
    let id = call.payment_id;
    let secret = Uuid::new_v5(&id.0, b"sandbox").simple();
    let page = format!("https://sandbox.invalid/confirm/{id}?client_secret={secret}");
    let url: MediaUrl = page.parse().ok()?;
    let reference = format!("sandbox:{}", call.payment_id).parse().ok();
    Some(Verdict::ActionRequired { reference, url })
}

fn done(call: &Call) -> Option<Verdict> {
    let reference: Token = format!("sandbox:{}", call.key()).parse().ok()?;
    Some(match call.operation {
        Operation::Authorize => {
            let expires_at = Utc::now() + TimeDelta::days(AUTHORIZATION_DAYS);
            Verdict::Authorized { reference, expires_at }
        }
        Operation::Capture => {
            Verdict::Captured { reference: Some(reference), amount: None, fee: None }
        }
        Operation::Void => Verdict::Voided,
        Operation::Refund => Verdict::Refunded { reference: Some(reference), amount: None },
    })
}
