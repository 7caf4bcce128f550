//! Acts about those who work for the shop: people with a second factor, programs with a key, and
//! those outside who are told, by webhook or by mail.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail, ensure};
use reqwest::Method;
use ring::hmac::{HMAC_SHA1_FOR_LEGACY_USE_ONLY, Key, sign};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::people::answered;
use super::{BAG, MUG, deliver_all};
use crate::caller::Caller;
use crate::ledger::{Ledger, Truth};
use crate::receiver::Receiver;
use crate::shop::{Shop, give};

/// How long a token or key may be believed that is none any more.
const PATIENCE: Duration = Duration::from_mins(3);
/// The pause between two looks.
const POLL: Duration = Duration::from_millis(200);
/// Of a code, seconds.
const STEP: u64 = 30;

/// Somebody is invited, signs in with a second factor, works, and is disabled.
pub async fn second_factor(shop: &Shop) -> Result<()> {
    let (stranger, proprietor) = (shop.stranger(), shop.proprietor());
    let (email, password) = ("packer@shop.example", "a parcel a minute");
    let newcomer = json!({"email": email, "role": "staff"});
    let refused = shop.clerk().send(Method::POST, "/v1/staff", &newcomer).await?;
    answered(403, refused, "/v1/staff")?;
    let invited = give(&proprietor, "/v1/staff", &newcomer).await?;
    shop.inbox.has(email, "You are invited").await?;
    let join = json!({"invitation": invited["invitation"], "password": password});
    give(&stranger, "/v1/staff/join", &join).await?;
    let mut login = json!({"email": email, "password": password});
    let packer = shop.with(text(&give(&stranger, "/v1/sessions", &login).await?, "/token")?);
    let enrol = json!({"password": password});
    let secret = give(&packer, "/v1/people/me/totp", &enrol).await?;
    let secret = text(&secret, "/secret")?;
    let step = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs() / STEP;
    let first = json!({"totp": code(secret, step)?});
    let codes = give(&packer, "/v1/people/me/totp/confirm", &first).await?;
    stranger.refused("/v1/sessions", login.clone(), "totp_required").await?;
    // A code is good once.
    login["totp"] = first["totp"].clone();
    stranger.refused("/v1/sessions", login.clone(), "wrong_totp").await?;
    login["totp"] = json!(code(secret, step + 1)?);
    let packer = shop.with(text(&give(&stranger, "/v1/sessions", &login).await?, "/token")?);
    packer.read("/v1/orders").await?;
    login["totp"] = codes["recovery_codes"][0].clone();
    give(&stranger, "/v1/sessions", &login).await?;
    stranger.refused("/v1/sessions", login.clone(), "wrong_totp").await?;
    let disable = format!("/v1/staff/{}/disable", text(&invited, "/id")?);
    give(&proprietor, &disable, &json!({})).await?;
    until_nobody(&packer, "/v1/orders").await
}

/// A program has a key, which is good for what it is for, until it is revoked.
pub async fn key(shop: &Shop, ledger: &mut Ledger) -> Result<()> {
    let wanted = json!({"name": "The warehouse", "role": "service", "scopes": ["/v1/stock"]});
    let refused = shop.clerk().send(Method::POST, "/v1/api-keys", &wanted).await?;
    answered(403, refused, "/v1/api-keys")?;
    let made = give(&shop.proprietor(), "/v1/api-keys", &wanted).await?;
    let program = shop.with(text(&made, "/key")?);
    let (stock, receive) = (format!("/v1/stock/{MUG}"), format!("/v1/stock/{MUG}/receive"));
    let unit = json!({"location": "main", "quantity": 1});
    program.ask(&receive, unit.clone()).await?;
    ledger.stock(MUG, 1);
    program.read(&stock).await?;
    answered(403, program.look("/v1/orders").await?, "/v1/orders")?;
    let hat = program.send(Method::POST, "/v1/products", &json!({"title": "Hat"})).await?;
    answered(403, hat, "/v1/products")?;
    let revoke = format!("/v1/api-keys/{}", text(&made, "/id")?);
    let (status, answer) = shop.proprietor().send(Method::DELETE, &revoke, &json!({})).await?;
    ensure!((200..300).contains(&status), "{revoke}: {status} {answer}");
    until_nobody(&program, &stock).await?;
    // Command-api forgets in its own time. Where it does not yet, this is refused for its location,
    // so that no unit comes that the ledger does not know.
    let nowhere = json!({"location": "nowhere", "quantity": 1});
    let deadline = Instant::now() + PATIENCE;
    while program.send(Method::POST, &receive, &nowhere).await?.0 != 401 {
        ensure!(Instant::now() < deadline, "command-api believes a revoked key");
        sleep(POLL).await;
    }
    answered(401, program.send(Method::POST, &receive, &unit).await?, &receive)
}

/// Who subscribed is told of an order, and its customer is mailed about it.
pub async fn told(shop: &Shop, ledger: &mut Ledger) -> Result<()> {
    let receiver = Receiver::listen().await?;
    let wanted = json!({"url": receiver.url, "event_types": ["order.placed"]});
    let refused = shop.clerk().send(Method::POST, "/v1/webhooks", &wanted).await?;
    answered(403, refused, "/v1/webhooks")?;
    let made = give(&shop.ops(), "/v1/webhooks", &wanted).await?;
    let (id, secret) = (text(&made, "/id")?, text(&made, "/secret")?);
    let customer = shop.welcome(true).await?;
    let order = shop.buy_as(&customer, &[(BAG, 1)]).await?;
    let event = receiver.hears_of(&format!("order-{order}"), secret).await?;
    ensure!(event["type"] == "order.placed", "another event is told: {event}");
    let payment = shop.pay(&order, "pm_card_visa").await?;
    deliver_all(shop, &order).await?;
    shop.payment_is(&payment, "captured").await?;
    let credentials = customer.credentials.clone().unwrap_or_default();
    let email = text(&credentials, "/email")?;
    for subject in ["We have your order", "is certain", "is on its way"] {
        shop.inbox.has(email, subject).await?;
    }
    let failed = "/v1/mails?state=failed";
    let (status, mails) = shop.ops().send(Method::GET, failed, &json!({})).await?;
    ensure!(status == 200 && mails["items"] == json!([]), "{failed}: {status} {mails}");
    let path = format!("/v1/webhooks/{id}");
    let (status, answer) = shop.ops().send(Method::DELETE, &path, &json!({})).await?;
    ensure!((200..300).contains(&status), "{path}: {status} {answer}");
    let (gross, owed, paid) = (40_00, 40_00, 40_00);
    ledger.order(Truth { act: "told", order, status: "completed", gross, owed, paid });
    ledger.stock(BAG, -1);
    Ok(())
}

/// Waits until who asks is nobody any more: each process believes for a while what it knew.
async fn until_nobody(caller: &Caller<'_>, path: &str) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let (status, answer) = caller.look(path).await?;
        match status {
            401 => return Ok(()),
            200 if Instant::now() < deadline => sleep(POLL).await,
            _ => bail!("{path} is answered {status}, not 401: {answer}"),
        }
    }
}

fn text<'a>(of: &'a Value, pointer: &str) -> Result<&'a str> {
    let text = of.pointer(pointer).and_then(Value::as_str);
    text.with_context(|| format!("an answer without {pointer}"))
}

/// What an app shows that was told this secret (RFC 6238).
fn code(secret: &str, step: u64) -> Result<String> {
    let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let (mut bytes, mut bits, mut held) = (Vec::new(), 0_u32, 0);
    for letter in secret.chars() {
        let value = letters.find(letter).context("a secret in other letters")?;
        (bits, held) = ((bits << 5) | u32::try_from(value)?, held + 5);
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from((bits >> held) & 0xff)?);
        }
    }
    let key = Key::new(HMAC_SHA1_FOR_LEGACY_USE_ONLY, &bytes);
    let tag = sign(&key, &step.to_be_bytes());
    let from = usize::from(tag.as_ref()[19] & 15);
    let four: [u8; 4] = tag.as_ref()[from..from + 4].try_into()?;
    Ok(format!("{:06}", (u32::from_be_bytes(four) & 0x7fff_ffff) % 1_000_000))
}
