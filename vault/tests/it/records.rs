//! Kept, found, read by those who may, and forgotten.

use chrono::{TimeDelta, Utc};
use serde_json::json;
use sqlx::PgPool;
use uuid::Uuid;
use vault::address::PostalAddress;
use vault::index::Word;
use vault::records::{Kind, RECORDS_MAX, Record};
use vault::{DataSubject, Master, Vault, VaultError};

use crate::{everything, vault};

const ANN: DataSubject = DataSubject(Uuid::from_u128(1));
const BOB: DataSubject = DataSubject(Uuid::from_u128(2));

fn address(name: &str) -> PostalAddress {
    let address = json!({"name": name, "lines": ["Sesame Street 1"], "city": "Springfield",
                         "country": "US", "phone": "+1 555 0100 123",
                         "email": "ann.lee@shop.example"});
    serde_json::from_value(address).unwrap()
}

async fn keep(
    vault: &Vault,
    id: u128,
    subject: DataSubject,
    lasting: bool,
) -> Result<(), VaultError> {
    let plain = address("Ann Lee-Müller");
    let (id, kind) = (Uuid::from_u128(id), Kind::Address);
    let record = Record { id, subject, kind, lasting, plain: &plain };
    vault.keep(record, &plain.words(), Utc::now()).await
}

async fn kept(vault: &Vault, id: u128) -> Result<Option<PostalAddress>, VaultError> {
    let kept = vault.kept::<PostalAddress>(Kind::Address, Uuid::from_u128(id)).await?;
    Ok(kept.map(|kept| kept.plain))
}

async fn found(db: &PgPool, vault: &Vault, word: &Word) -> Vec<Uuid> {
    let digests = vault.master().index().found(word);
    let found = "SELECT record_id FROM vault_index WHERE digest = ANY($1) ORDER BY 1";
    sqlx::query_scalar(found).bind(digests).fetch_all(db).await.unwrap()
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_kept_is_read_again_and_stands_nowhere(db: PgPool) {
    let vault = vault(&db, &Master::generate());
    keep(&vault, 10, ANN, true).await.unwrap();
    assert_eq!(kept(&vault, 10).await.unwrap(), Some(address("Ann Lee-Müller")));
    assert_eq!(kept(&vault, 11).await.unwrap(), None);
    let other_kind = vault.kept::<PostalAddress>(Kind::Profile, Uuid::from_u128(10)).await;
    assert!(other_kind.unwrap().is_none());
    let everything = everything(&db).await;
    for word in ["Ann", "Lee", "Sesame", "Springfield", "shop.example", "0100"] {
        let hex = word.bytes().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
        assert!(!everything.contains(word) && !everything.contains(&hex), "{word}");
    }
    for name in ["lee", "MULLER", "Müller"] {
        let word = &Word::name(name)[0];
        assert_eq!(found(&db, &vault, word).await, [Uuid::from_u128(10)], "{name}");
    }
    let phone = Word::phone(&"0555-0100123".to_owned().try_into().unwrap());
    assert_eq!(found(&db, &vault, &phone).await, [Uuid::from_u128(10)]);
    assert!(found(&db, &vault, &Word::name("Le")[0]).await.is_empty());
}

/// What an order may refer to is what it was when it was placed.
#[sqlx::test(migrations = "../migrations")]
async fn what_is_in_use_stays_as_it_is(db: PgPool) {
    let vault = vault(&db, &Master::generate());
    keep(&vault, 10, ANN, true).await.unwrap();
    assert!(matches!(keep(&vault, 10, BOB, true).await, Err(VaultError::NotTheirs)));
    keep(&vault, 10, ANN, true).await.unwrap();
    let id = Uuid::from_u128(10);
    assert_eq!(vault.take_into_use(Kind::Address, id).await.unwrap(), Some(ANN));
    assert!(keep(&vault, 10, ANN, true).await.is_err());
    // It leaves the list, and is read with its order all the same.
    assert!(!vault.let_go(Kind::Address, id, BOB).await.unwrap());
    assert!(vault.let_go(Kind::Address, id, ANN).await.unwrap());
    assert!(vault.all::<PostalAddress>(Kind::Address, ANN, true).await.unwrap().is_empty());
    assert_eq!(vault.all::<PostalAddress>(Kind::Address, ANN, false).await.unwrap().len(), 1);
    assert!(kept(&vault, 10).await.unwrap().is_some());
    keep(&vault, 11, ANN, true).await.unwrap();
    assert!(vault.let_go(Kind::Address, Uuid::from_u128(11), ANN).await.unwrap());
    assert!(kept(&vault, 11).await.unwrap().is_none());
}

#[sqlx::test(migrations = "../migrations")]
async fn who_is_forgotten_is_forgotten_everywhere(db: PgPool) {
    let vault = vault(&db, &Master::generate());
    let guest = DataSubject(Uuid::from_u128(3));
    for (id, subject) in [(10, ANN), (11, guest), (12, BOB)] {
        keep(&vault, id, subject, true).await.unwrap();
    }
    vault.unite(guest, ANN).await.unwrap();
    assert!(vault.is_of(guest, ANN).await.unwrap() && !vault.is_of(guest, BOB).await.unwrap());
    // Who was a guest is nobody else's from then on.
    vault.unite(guest, BOB).await.unwrap();
    assert!(!vault.is_of(guest, BOB).await.unwrap());
    let sealed = vault.seal(ANN, b"letter\0", b"dear Ann").await.unwrap();
    assert!(vault.erase(ANN, Utc::now()).await.unwrap());
    for id in [10, 11] {
        assert!(matches!(kept(&vault, id).await, Err(VaultError::Erased)), "{id}");
    }
    assert!(matches!(vault.open(ANN, b"letter\0", &sealed).await, Err(VaultError::Erased)));
    assert!(matches!(keep(&vault, 13, ANN, true).await, Err(VaultError::Erased)));
    assert!(kept(&vault, 12).await.unwrap().is_some());
    assert_eq!(found(&db, &vault, &Word::name("Lee")[0]).await, [Uuid::from_u128(12)]);
    // Once more does nothing, and is nothing new.
    assert!(!vault.erase(ANN, Utc::now()).await.unwrap());
    let erased = vault.erased(Uuid::nil(), 10).await.unwrap();
    assert_eq!(erased.iter().map(|one| one.subject).collect::<Vec<_>>(), [ANN.0, guest.0]);
}

/// Who was united with a customer before anything was known of them is forgotten with them too.
#[sqlx::test(migrations = "../migrations")]
async fn what_a_guest_says_later_is_the_customers(db: PgPool) {
    let vault = vault(&db, &Master::generate());
    let (guest, customer) = (BOB, ANN);
    vault.unite(guest, customer).await.unwrap();
    assert!(vault.is_of(guest, customer).await.unwrap());
    keep(&vault, 10, guest, true).await.unwrap();
    assert_eq!(vault.all::<PostalAddress>(Kind::Address, customer, true).await.unwrap().len(), 1);
    assert!(vault.erase(customer, Utc::now()).await.unwrap());
    assert!(matches!(kept(&vault, 10).await, Err(VaultError::Erased)));
    assert!(matches!(vault.unite(guest, customer).await, Err(VaultError::Erased)));
    assert!(matches!(keep(&vault, 11, guest, true).await, Err(VaultError::Erased)));
}

/// Nobody is found to be who was forgotten: nothing could forget them then.
#[sqlx::test(migrations = "../migrations")]
async fn who_was_forgotten_is_nobody_any_more(db: PgPool) {
    let vault = vault(&db, &Master::generate());
    keep(&vault, 10, BOB, true).await.unwrap();
    vault.erase(ANN, Utc::now()).await.unwrap();
    assert!(matches!(vault.unite(BOB, ANN).await, Err(VaultError::Erased)));
    assert!(!vault.is_of(BOB, ANN).await.unwrap() && kept(&vault, 10).await.unwrap().is_some());
}

/// Many who write about one of whom nothing was known: all is sealed under one key.
#[sqlx::test(migrations = "../migrations")]
async fn whoever_is_first_makes_the_key(db: PgPool) {
    let vault = vault(&db, &Master::generate());
    let all = (10..30).map(|id| keep(&vault, id, ANN, true));
    for kept in futures::future::join_all(all).await {
        kept.unwrap();
    }
    let all = vault.all::<PostalAddress>(Kind::Address, ANN, true).await.unwrap();
    assert_eq!(all.len(), 20);
}

/// What a guest began to say and left is swept; what an order needs, and address books, are not.
#[sqlx::test(migrations = "../migrations")]
async fn what_nobody_needs_is_swept(db: PgPool) {
    let vault = vault(&db, &Master::generate());
    for (id, lasting) in [(10, false), (11, false), (12, true)] {
        keep(&vault, id, ANN, lasting).await.unwrap();
    }
    // Nobody's, but who is in it.
    let nobody = DataSubject(Uuid::from_u128(14));
    keep(&vault, 14, nobody, false).await.unwrap();
    vault.take_into_use(Kind::Address, Uuid::from_u128(11)).await.unwrap();
    let in_a_month = Utc::now() + TimeDelta::days(31);
    let mut left = Vec::new();
    for now in [Utc::now(), in_a_month] {
        assert!(!vault.let_go_of_unused(now).await.unwrap());
        for id in [10, 11, 12, 14] {
            left.push(kept(&vault, id).await.unwrap().is_some());
        }
    }
    assert_eq!(left, [true, true, true, true, false, true, true, false]);
    let keys: Vec<Uuid> = sqlx::query_scalar("SELECT subject FROM vault_keys ORDER BY subject")
        .fetch_all(&db)
        .await
        .unwrap();
    assert_eq!(keys, [ANN.0]);
}

#[sqlx::test(migrations = "../migrations")]
async fn nobody_fills_the_vault(db: PgPool) {
    let vault = vault(&db, &Master::generate());
    keep(&vault, 10, ANN, true).await.unwrap();
    let fill = "INSERT INTO vault_records (id, subject, kind, sealed, created_at, changed_at)
                SELECT gen_random_uuid(), $1, 'address', '', now(), now()
                FROM generate_series(2, $2)";
    sqlx::query(fill).bind(ANN.0).bind(RECORDS_MAX).execute(&db).await.unwrap();
    assert!(matches!(keep(&vault, 11, ANN, true).await, Err(VaultError::TooMuch)));
    keep(&vault, 10, ANN, true).await.unwrap();
    keep(&vault, 12, BOB, true).await.unwrap();
}
