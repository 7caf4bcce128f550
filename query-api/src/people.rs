//! Finding the records of people by words about them, for the back office. Who finds reads nothing:
//! this process has the key of the index alone, and neither the words nor what is found of them
//! stands in a log, a metric or a trace.

use std::borrow::Cow;

use axum::http::StatusCode;
use service::Problem;
use service::health::Health;
use sqlx::PgConnection;
use uuid::Uuid;
use vault::check;
use vault::index::{Word, WordIndex};
use vault::records::Kind;
use vault::{Email, Phone};

use crate::app::App;
use crate::queue::Who;

/// The most records that words may be in: who finds more has to say more.
pub const FOUND_MAX: usize = 10_000;

/// What is said of a key that finds nobody.
const ANOTHER: &str = "INDEX_KEY is not the one by which this database finds people: \
                       `command-api index-key` prints it";

/// What somebody is looked for by.
#[derive(Default)]
pub struct PersonWanted {
    /// Words of a name, in any order.
    pub name: Option<String>,
    /// A whole address.
    pub email: Option<Email>,
    /// A number, however it is written.
    pub phone: Option<Phone>,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    /// Records of where something goes.
    pub addresses: Vec<Uuid>,
    /// Records of who somebody is, which have the ids of customers.
    pub profiles: Vec<Uuid>,
}

impl PersonWanted {
    /// Whether anybody is looked for.
    pub fn is_some(&self) -> bool {
        self.name.is_some() || self.email.is_some() || self.phone.is_some()
    }

    /// The words of each parameter, by its name.
    fn words(&self) -> Result<Vec<(&'static str, Vec<Word>)>, Problem> {
        let name = self.name.as_deref().map(Word::name);
        if name.as_ref().is_some_and(Vec::is_empty) {
            return Err(refused("name", "invalid_value", "has no word in it"));
        }
        let email = self.email.as_ref().map(|email| vec![Word::email(email)]);
        let phone = self.phone.as_ref().map(|phone| vec![Word::phone(phone)]);
        let all = [("name", name), ("email", email), ("phone", phone)];
        Ok(all.into_iter().filter_map(|(name, words)| Some((name, words?))).collect())
    }
}

/// For each of what is wanted, the records that have it: the e-mail of an order may be its
/// customer's where the name is that of whom it goes to.
///
/// # Errors
/// 503 `no_index_key` or `wrong_index_key` where this process cannot look; 400 where what is wanted
/// says nothing, or is in more than [`FOUND_MAX`] records.
pub async fn find(app: &App, wanted: &PersonWanted) -> Result<Vec<Found>, Problem> {
    let index = app.index_key.as_deref().ok_or_else(no_index_key)?;
    let words = wanted.words()?;
    let mut db = app.queue.connection(Who::Newcomer).await?;
    if !check::finds(&mut *db, index).await? {
        let code = "wrong_index_key";
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, code, ANOTHER).until_set_up());
    }
    let mut all = Vec::with_capacity(words.len());
    for (name, words) in words {
        all.push(with_all_of(&mut db, index, name, &words).await?);
    }
    Ok(all)
}

/// The records that have all of these words, which a parameter of that name wants.
async fn with_all_of(
    db: &mut PgConnection,
    index: &WordIndex,
    name: &'static str,
    words: &[Word],
) -> Result<Found, Problem> {
    let (digests, numbers) = digests(index, words);
    let rows = sqlx::query!(
        r#"SELECT id, kind FROM vault_records
           WHERE kind IN ($4, $5) AND id IN (
               SELECT i.record_id FROM unnest($1::bytea[], $2::int[]) AS w (digest, word)
               JOIN vault_index i ON i.digest = w.digest
               GROUP BY i.record_id HAVING count(DISTINCT w.word) = $3)
           LIMIT $6"#,
        &digests,
        &numbers,
        numbers.last().map_or(0, |last| i64::from(*last) + 1),
        Kind::Address.name(),
        Kind::Profile.name(),
        i64::try_from(FOUND_MAX + 1).unwrap_or(i64::MAX),
    );
    let rows = rows.fetch_all(db).await?;
    if rows.len() > FOUND_MAX {
        let detail = format!("more than {FOUND_MAX} records have that: say more of whom you mean");
        return Err(refused(name, "too_many", detail));
    }
    let mut found = Found::default();
    for row in rows {
        let is_address = row.kind == Kind::Address.name();
        if is_address { &mut found.addresses } else { &mut found.profiles }.push(row.id);
    }
    Ok(found)
}

/// Under what each word may stand, with the number of the word. The same word twice has one number.
fn digests(index: &WordIndex, words: &[Word]) -> (Vec<Vec<u8>>, Vec<i32>) {
    let mut different: Vec<&Word> = Vec::new();
    for word in words {
        if !different.contains(&word) {
            different.push(word);
        }
    }
    let numbered = (0..).zip(different);
    let all = numbered.flat_map(|(n, word)| index.found(word).into_iter().map(move |d| (d, n)));
    all.unzip()
}

/// Has the health of a process say, as `index_key`, whether it finds people by the key it was told.
#[must_use]
pub fn watch(health: Health, app: &App) -> Health {
    if app.index_key.is_none() {
        return health;
    }
    let app = app.clone();
    health.prefers("index_key", move || {
        let app = app.clone();
        async move { fits(&app).await }
    })
}

async fn fits(app: &App) -> Result<(), String> {
    let Some(index) = app.index_key.as_deref() else { return Ok(()) };
    match check::finds(&app.db, index).await {
        Ok(true) => Ok(()),
        Ok(false) => Err(ANOTHER.to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

fn no_index_key() -> Problem {
    let detail = "nobody is found by what is known of them: this process was told no INDEX_KEY";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "no_index_key", detail).until_set_up()
}

fn refused(
    name: &'static str,
    code: &'static str,
    detail: impl Into<Cow<'static, str>>,
) -> Problem {
    let problem = "a parameter of the query is wrong";
    Problem::new(StatusCode::BAD_REQUEST, "invalid_query", problem).parameter(name, code, detail)
}
