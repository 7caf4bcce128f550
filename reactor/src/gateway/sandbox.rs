//! The built-in gateway: no money moves, but it keeps books as a real one does, in a table of its
//! own, and answers by token.
//!
//! | token | what happens |
//! |---|---|
//! | `tok_success` | all succeeds |
//! | `tok_decline` | the authorisation is declined |
//! | `tok_capture_decline` | the authorisation succeeds, every capture is declined |
//! | `tok_action` | the customer must confirm first; then all succeeds |
//! | `tok_timeout` | the first answer to each request is lost, though it was done |
//! | any other | declined as unknown |

use chrono::{TimeDelta, Utc};
use domain::command::payment::Verdict;
use domain::payment::Operation;
use domain::text::{MediaUrl, Note, Token};
use sqlx::PgPool;

use super::{Call, Gateway};

/// How long an authorisation of the sandbox holds.
const AUTHORIZATION_DAYS: i64 = 7;

/// The built-in gateway.
#[derive(Clone, Debug)]
pub struct Sandbox {
    books: PgPool,
}

impl Sandbox {
    /// Enters the call into the books; false if it stood there already.
    async fn enter(&self, call: &Call, declined: Option<&str>) -> sqlx::Result<bool> {
        let done = sqlx::query!(
            "INSERT INTO sandbox_gateway (key, operation, amount, currency, declined)
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT (key) DO NOTHING",
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
}

impl Gateway for Sandbox {
    fn new(db: &PgPool) -> Self {
        Self { books: db.clone() }
    }

    async fn perform(&self, call: &Call) -> Verdict {
        let token = call.token.as_ref().map_or("", Token::as_str);
        let declined = decline(token, call.operation);
        let action = token == "tok_action" && call.request == 1;
        if action {
            let page = format!("https://sandbox.invalid/confirm/{}", call.payment_id);
            return page
                .parse()
                .map_or(Verdict::Unknown, |url: MediaUrl| Verdict::ActionRequired(url));
        }
        let Ok(first) = self.enter(call, declined).await else { return Verdict::Unknown };
        if token == "tok_timeout" && first {
            return Verdict::Unknown;
        }
        match declined {
            Some(reason) => {
                Note::try_from(reason.to_owned()).map_or(Verdict::Unknown, Verdict::Declined)
            }
            None => {
                format!("sandbox:{}", call.key()).parse().map_or(Verdict::Unknown, |reference| {
                    let expires_at = Utc::now() + TimeDelta::days(AUTHORIZATION_DAYS);
                    Verdict::Succeeded { reference, expires_at }
                })
            }
        }
    }
}

fn decline(token: &str, operation: Operation) -> Option<&'static str> {
    let known = ["tok_success", "tok_decline", "tok_capture_decline", "tok_action", "tok_timeout"];
    match (operation, token) {
        (Operation::Authorize, "tok_decline") => Some("the card was declined"),
        (Operation::Authorize, token) if !known.contains(&token) => Some("the token is not known"),
        (Operation::Capture, "tok_capture_decline") => Some("the capture was declined"),
        _ => None,
    }
}
