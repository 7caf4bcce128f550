//! Another master key, while everything runs.

use chrono::Utc;
use sqlx::PgPool;
use uuid::Uuid;
use vault::address::Profile;
use vault::index::Word;
use vault::records::{Kind, Record};
use vault::{DataSubject, Master, Vault};

use crate::vault;

const ANN: DataSubject = DataSubject(Uuid::from_u128(1));

async fn name(vault: &Vault) -> Option<String> {
    let kept = vault.kept::<Profile>(Kind::Profile, ANN.0).await.ok()??;
    kept.plain.name.map(|name| name.as_str().to_owned())
}

async fn written(db: &PgPool) -> Vec<Vec<u8>> {
    sqlx::query_scalar("SELECT digest FROM vault_index").fetch_all(db).await.unwrap()
}

#[sqlx::test(migrations = "../migrations")]
async fn a_new_master_key_takes_the_place_of_the_old_one(db: PgPool) {
    let (old_key, new_key) = (Master::generate(), Master::generate());
    let (old, new) = (vault(&db, &old_key), vault(&db, &new_key));
    let both = vault(&db, &format!("{new_key},{old_key}"));
    let plain = Profile { name: Some("Ann".parse().unwrap()), ..Profile::default() };
    let (id, kind) = (ANN.0, Kind::Profile);
    let record = Record { id, subject: ANN, kind, lasting: true, plain: &plain };
    old.keep(record, &plain.words(), Utc::now()).await.unwrap();
    assert_eq!(name(&both).await.as_deref(), Some("Ann"));
    let found = both.master().index().found(&plain.words()[0]);
    assert!(found.contains(&written(&db).await[0]), "until then it is found as it was written");
    assert_eq!(name(&new).await, None);
    vault::operations::reseal(&both).await.unwrap();
    assert_eq!(name(&new).await.as_deref(), Some("Ann"));
    assert_eq!(name(&old).await, None);
    let word = &Word::name("Ann")[0];
    assert_eq!(written(&db).await, [new.master().index().written(word)]);
    // A second time there is nothing to do.
    vault::operations::reseal(&new).await.unwrap();
    assert_eq!(name(&new).await.as_deref(), Some("Ann"));
}
