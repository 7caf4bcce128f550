//! Mails from being written down to a mail server, over a database of its own per test.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use kit_mail::{Inbox, settings};
use mail::letter::Template;
use mail::{Letter, Post, Settings};
use serde_json::json;
use service::config::Secret;
use service::paging::Limit;
use sqlx::PgPool;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use vault::{DataSubject, Email, Master, Vault, VaultError};

const ANN: DataSubject = DataSubject(Uuid::from_u128(1));

fn post(db: &PgPool) -> (Vault, Post) {
    let master = Master::read(&Secret::from(Master::generate().as_str())).unwrap();
    let vault = Vault::new(db.clone(), Arc::new(master));
    (vault.clone(), Post::new(vault))
}

fn letter() -> Letter {
    let to = Email::try_from("ann@mail.example".to_owned()).unwrap();
    let about = json!({ "code": "c0de", "hours": 24 });
    let locale = Some("de-AT".to_owned().try_into().unwrap());
    Letter { to, locale, template: Template::VerifyAddress, about }
}

/// Somebody who sends what waits.
struct Carrying {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

fn carry(settings: &Settings, post: &Post) -> Carrying {
    let (carrier, stop) = (settings.carrier().unwrap().unwrap(), CancellationToken::new());
    let task = tokio::spawn(carrier.run(post.clone(), stop.clone()));
    Carrying { stop, task }
}

impl Carrying {
    async fn stop(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }
}

/// Waits until the mail is in this state, and gives how often it was tried and what was said of it.
async fn becomes(db: &PgPool, state: &str, attempts: i32) -> Option<String> {
    loop {
        let found = "SELECT last_error FROM mails WHERE state = $1 AND attempts >= $2
                     AND leased_until IS NULL";
        let found: Option<Option<String>> =
            sqlx::query_scalar(found).bind(state).bind(attempts).fetch_optional(db).await.unwrap();
        match found {
            Some(said) => return said,
            None => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

async fn send(post: &Post, id: u128, now: DateTime<Utc>) -> Result<(), VaultError> {
    post.send(Uuid::from_u128(id), ANN, &letter(), now).await
}

#[sqlx::test(migrations = "../migrations")]
async fn a_mail_is_sent_once_and_forgotten(db: PgPool) {
    let (mut inbox, (_, post)) = (Inbox::open().await, post(&db));
    let carrying = carry(&inbox.settings(), &post);
    for _ in 0..3 {
        send(&post, 7, Utc::now()).await.unwrap();
    }
    let mail = inbox.next().await;
    assert_eq!(mail.to, "ann@mail.example");
    assert_eq!(mail.subject, "Ist das Ihre Adresse? (Totes)");
    assert_eq!(mail.code(), "c0de");
    let whole = mail.whole.to_string();
    assert!(whole.contains("<00000000-0000-0000-0000-000000000007@totes.example>"), "{whole}");
    assert!(whole.contains("auto-generated") && whole.contains("multipart/alternative"), "{whole}");
    send(&post, 7, Utc::now()).await.unwrap();
    while !post
        .list("sent", None, Limit::default())
        .await
        .unwrap()
        .iter()
        .any(|mail| mail.attempts == 1)
    {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    carrying.stop().await;
    assert!(inbox.is_empty());
    let sealed: Option<Vec<u8>> =
        sqlx::query_scalar("SELECT sealed FROM mails").fetch_one(&db).await.unwrap();
    assert_eq!(sealed, None);
}

/// A server that is away is tried again, and what is said of it names nobody.
#[sqlx::test(migrations = "../migrations")]
async fn a_server_that_is_away_is_tried_again(db: PgPool) {
    let (port, (_, post)) = (harness::free_port().unwrap(), post(&db));
    let carrying = carry(&settings(port), &post);
    send(&post, 7, Utc::now()).await.unwrap();
    let said = becomes(&db, "waiting", 1).await;
    assert_eq!(said.as_deref(), Some("the server cannot be reached"));
    let due: DateTime<Utc> =
        sqlx::query_scalar("SELECT due_at FROM mails").fetch_one(&db).await.unwrap();
    assert!(due > Utc::now());
    let mut inbox = Inbox::open_at(port).await;
    sqlx::query("UPDATE mails SET due_at = now()").execute(&db).await.unwrap();
    assert_eq!(inbox.next().await.code(), "c0de");
    carrying.stop().await;
}

/// What the server will never take is given up, seen, and tried again when somebody says so.
#[sqlx::test(migrations = "../migrations")]
async fn what_is_refused_for_good_is_given_up(db: PgPool) {
    let (_, post) = post(&db);
    let port = refusing("550 5.1.1 <ann@mail.example>: nobody of that name").await;
    let carrying = carry(&settings(port), &post);
    send(&post, 7, Utc::now()).await.unwrap();
    let said = becomes(&db, "failed", 1).await.unwrap();
    assert!(said.contains("550") && !said.contains("ann"), "{said}");
    let failed = post.list("failed", None, Limit::default()).await.unwrap();
    assert_eq!(
        failed.iter().map(|mail| mail.template.as_str()).collect::<Vec<_>>(),
        ["verify_address"]
    );
    assert!(post.list("failed", Some(failed[0].id), Limit::default()).await.unwrap().is_empty());
    assert!(post.retry(failed[0].id, Utc::now()).await.unwrap());
    becomes(&db, "failed", 1).await;
    assert!(!post.retry(Uuid::nil(), Utc::now()).await.unwrap());
    carrying.stop().await;
}

/// One that is put off for the last time is given up too.
#[sqlx::test(migrations = "../migrations")]
async fn what_is_put_off_for_days_is_given_up(db: PgPool) {
    let (_, post) = post(&db);
    let port = refusing("451 4.7.1 come back later").await;
    send(&post, 7, Utc::now()).await.unwrap();
    sqlx::query("UPDATE mails SET attempts = 10").execute(&db).await.unwrap();
    let carrying = carry(&settings(port), &post);
    assert!(becomes(&db, "waiting", 11).await.unwrap().contains("451"));
    sqlx::query("UPDATE mails SET due_at = now()").execute(&db).await.unwrap();
    becomes(&db, "failed", 12).await;
    carrying.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn who_was_forgotten_is_not_written_to(db: PgPool) {
    let (mut inbox, (vault, post)) = (Inbox::open().await, post(&db));
    send(&post, 7, Utc::now()).await.unwrap();
    vault.erase(ANN, Utc::now()).await.unwrap();
    assert!(matches!(send(&post, 8, Utc::now()).await, Err(VaultError::Erased)));
    let bob = DataSubject(Uuid::from_u128(2));
    post.send(Uuid::from_u128(9), bob, &letter(), Utc::now()).await.unwrap();
    let carrying = carry(&inbox.settings(), &post);
    let mail = inbox.next().await;
    assert!(mail.whole.to_string().contains("000000000009@"), "the other's alone");
    carrying.stop().await;
    assert!(inbox.is_empty());
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM mails").fetch_one(&db).await.unwrap();
    assert_eq!(left, 1);
}

/// Strangers cannot have somebody's inbox filled.
#[sqlx::test(migrations = "../migrations")]
async fn there_is_a_bound_to_what_strangers_have_sent(db: PgPool) {
    let ((_, post), now) = (post(&db), Utc::now());
    for id in 1..=9 {
        send(&post, id, now).await.unwrap();
    }
    let count = async || {
        let count = "SELECT count(*) FROM mails";
        sqlx::query_scalar::<_, i64>(count).fetch_one(&db).await.unwrap()
    };
    assert_eq!(count().await, 5);
    send(&post, 10, now + TimeDelta::hours(2)).await.unwrap();
    assert_eq!(count().await, 6);
    for id in 11..=16 {
        let placed = Letter { template: Template::OrderPlaced, ..letter() };
        post.send(Uuid::from_u128(id), ANN, &placed, now).await.unwrap();
    }
    assert_eq!(count().await, 12);
    // To one address it is as many, from whosever account.
    let (now, bob) = (now + TimeDelta::hours(4), DataSubject(Uuid::from_u128(77)));
    for (id, whose) in (21..).zip([ANN, ANN, ANN, ANN, bob, bob, bob]) {
        post.send(Uuid::from_u128(id), whose, &letter(), now).await.unwrap();
    }
    assert_eq!(count().await, 17);
    // And to which is known for as long as it is counted.
    let known = "SELECT count(*) FROM mails WHERE recipient IS NOT NULL";
    assert_eq!(sqlx::query_scalar::<_, i64>(known).fetch_one(&db).await.unwrap(), 5);
}

#[tokio::test]
async fn half_of_what_is_needed_is_refused() {
    let wrong = |change: fn(&mut Settings)| {
        let mut settings = settings(1);
        change(&mut settings);
        settings.carrier().map(drop).map_err(|wrong| wrong.to_string())
    };
    assert_eq!(wrong(|_| ()), Ok(()));
    assert!(wrong(|it| it.from = None).unwrap_err().starts_with("MAIL_FROM"));
    assert!(wrong(|it| it.from = Some("nobody".into())).unwrap_err().starts_with("MAIL_FROM"));
    let not_smtp = wrong(|it| it.smtp = Some("https://hunter2@mail.example".into()));
    let said = not_smtp.unwrap_err();
    assert!(said.starts_with("SMTP_URL") && !said.contains("hunter2"), "{said}");
    assert!(wrong(|it| it.templates = Some("/no/such/folder".into())).is_err());
    assert!(settings(1).smtp.is_some());
    assert!(Settings::default().carrier().unwrap().is_none());
}

/// A server that refuses every recipient in these words.
async fn refusing(words: &'static str) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (read, mut write) = stream.into_split();
                let mut lines = BufReader::new(read).lines();
                write.write_all(b"220 refusing.example\r\n").await.ok();
                while let Ok(Some(line)) = lines.next_line().await {
                    let answer = match line.split(' ').next() {
                        Some("RCPT") => words,
                        Some("QUIT") => "221 bye",
                        _ => "250 ok",
                    };
                    write.write_all(format!("{answer}\r\n").as_bytes()).await.ok();
                }
            });
        }
    });
    port
}
