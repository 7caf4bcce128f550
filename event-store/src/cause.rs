//! An error with all that caused it, in one line: a log in JSON shows the first of them alone.

use std::error::Error;
use std::iter::from_fn;
use std::time::Duration;

use sqlx::error::DatabaseError;
use sqlx::{ConnectOptions as _, PgPool};

/// How long a connection may take that is tried to hear why there is none.
const TRY_MAX: Duration = Duration::from_secs(5);

/// The error and its causes, the outermost first.
pub fn causes(error: &(dyn Error + 'static)) -> String {
    let refusal = chain(error).find_map(refusal);
    let mut texts: Vec<String> = Vec::new();
    for error in chain(error) {
        let text = match &refusal {
            Some(refusal) => without_source_line(error.to_string(), refusal),
            None => error.to_string(),
        };
        // Some say what their cause says.
        if texts.last() != Some(&text) {
            texts.push(text);
        }
    }
    texts.join(": ")
}

/// The same of a failure that may be the database's. A pool that waited for a connection in vain
/// does not say why there is none: one is tried, to hear it.
pub async fn heard(db: &PgPool, error: &(dyn Error + Send + Sync + 'static)) -> String {
    let said = causes(error);
    if !in_vain(error) {
        return said;
    }
    match tokio::time::timeout(TRY_MAX, db.connect_options().connect()).await {
        Ok(Ok(_)) => said,
        Ok(Err(refused)) => causes(&refused),
        Err(_silent) => format!("{said}: the database does not answer"),
    }
}

fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    let mut next = Some(error);
    from_fn(move || {
        let error = next?;
        next = error.source();
        Some(error)
    })
}

fn in_vain(error: &(dyn Error + 'static)) -> bool {
    chain(error).any(|error| matches!(error.downcast_ref(), Some(sqlx::Error::PoolTimedOut)))
}

/// What Postgres said, where it is Postgres that said no.
fn refusal(error: &(dyn Error + 'static)) -> Option<String> {
    if let Some(sqlx::Error::Database(refusal)) = error.downcast_ref() {
        return Some(refusal.message().to_owned());
    }
    error.downcast_ref::<Box<dyn DatabaseError>>().map(|refusal| refusal.message().to_owned())
}

/// Postgres' own words alone: sqlx adds the line of its C source in which it says them.
fn without_source_line(text: String, refusal: &str) -> String {
    match text.split_once(refusal) {
        Some((before, _)) => {
            let before = before.trim_end_matches("error returned from database: ");
            format!("{before}{refusal}")
        }
        None => text,
    }
}
