//! Meilisearch holds what the read model holds: the same documents, whole, no more and no fewer.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::Value;

use super::{Evidence, Verdict};

/// Documents on one page.
const PAGE: usize = 1_000;
/// Documents compared; a shop of a round has a few hundred.
const DOCUMENTS_MAX: usize = 200_000;
/// How long the last changes may take to be sent and taken.
const TRIES: u32 = 60;
const PAUSE: Duration = Duration::from_millis(500);

type Documents = BTreeMap<String, Value>;

pub(super) async fn check(at: &Evidence<'_>) -> anyhow::Result<Verdict> {
    let mut verdict = Verdict::new("Meilisearch holds what the read model holds");
    let mut differences = vec!["it was never clean".to_owned()];
    let mut count = 0;
    // What is appended meanwhile (the reactor never rests) may make a look worthless.
    for _ in 0..TRIES {
        if is_clean(at).await? {
            let (wanted, found) = (wanted(at).await?, found(at).await?);
            count = wanted.len();
            differences = compare(&wanted, &found);
            if differences.is_empty() {
                break;
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
    for difference in differences {
        verdict.broken(difference);
    }
    Ok(verdict.covers(format!("{count} documents")))
}

async fn is_clean(at: &Evidence<'_>) -> anyhow::Result<bool> {
    let dirty: i64 = sqlx::query_scalar("SELECT count(*) FROM search_documents WHERE dirty")
        .fetch_one(&at.db)
        .await?;
    Ok(dirty == 0)
}

async fn wanted(at: &Evidence<'_>) -> anyhow::Result<Documents> {
    let rows: Vec<(String, Value, Vec<String>)> = sqlx::query_as(
        "SELECT id::text, document, ARRAY(SELECT key FROM unnest(keys) AS key
                                          WHERE starts_with(key, 'variant'))
         FROM search_documents WHERE listed AND refused IS NULL",
    )
    .fetch_all(&at.db)
    .await?;
    let sent = |(id, mut document, variant_keys): (String, Value, Vec<String>)| {
        if !variant_keys.is_empty() {
            document["variant_keys"] = variant_keys.into();
        }
        (id, document)
    };
    Ok(rows.into_iter().map(sent).collect())
}

async fn found(at: &Evidence<'_>) -> anyhow::Result<Documents> {
    let mut found = Documents::new();
    let base = format!("{}/indexes/{}", at.addresses.meilisearch, at.addresses.search_index);
    for offset in (0..DOCUMENTS_MAX).step_by(PAGE) {
        let url = format!("{base}/documents?limit={PAGE}&offset={offset}");
        let answer = at.http.get(&url).bearer_auth(&at.addresses.meilisearch_key).send().await?;
        ensure!(answer.status().is_success(), "{url}: {}", answer.status());
        let mut page: Value = answer.json().await?;
        let documents = page["results"].as_array_mut().context("no documents")?;
        if documents.is_empty() {
            break;
        }
        for document in std::mem::take(documents) {
            let id = document["id"].as_str().unwrap_or_default().to_owned();
            found.insert(id, document);
        }
    }
    Ok(found)
}

fn compare(wanted: &Documents, found: &Documents) -> Vec<String> {
    let mut differences = Vec::new();
    for (id, wanted) in wanted {
        match found.get(id) {
            None => differences.push(format!("it lacks {id}")),
            Some(found) if !same(wanted, found) => {
                differences.push(format!("it holds {found}, the read model {wanted}"));
            }
            Some(_) => {}
        }
    }
    let more = found.keys().filter(|id| !wanted.contains_key(*id));
    differences.extend(more.map(|id| format!("it holds {id}, which is not to be found")));
    differences
}

/// Whether both are the same JSON; 5 and 5.0 are the same number.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one.as_f64() == other.as_f64(),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            let found = |(name, one): (&String, &Value)| {
                other.get(name).is_some_and(|other| same(one, other))
            };
            one.len() == other.len() && one.iter().all(found)
        }
        (one, other) => one == other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn one_too_few_one_too_many_and_one_that_is_old() {
        let of = |documents: &[(&str, Value)]| -> Documents {
            documents.iter().map(|(id, value)| ((*id).to_owned(), value.clone())).collect()
        };
        let wanted = of(&[("a", json!({"price": {"EUR": 5}})), ("b", json!([1, "x"]))]);
        let found = of(&[("a", json!({"price": {"EUR": 5.0}})), ("b", json!([1, "x"]))]);
        assert!(compare(&wanted, &found).is_empty());
        assert_eq!(compare(&wanted, &of(&[("a", json!({"price": {"EUR": 5.0}}))])).len(), 1);
        assert_eq!(compare(&of(&[]), &found).len(), 2);
        let old = of(&[("a", json!({"price": {"EUR": 4.0}})), ("b", json!([1, "y"]))]);
        assert_eq!(compare(&wanted, &old).len(), 2);
    }
}
