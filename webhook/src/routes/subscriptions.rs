//! Who is told of what: making a subscription, looking at it, changing it, its secret, and whether
//! its receiver is there.

use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use chrono::{DateTime, Utc};
use domain::text::{breaks_line, holds_card_number};
use event_store::read::log;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use service::Problem;
use service::extract::{Path, Query};
use service::json::Json;
use service::paging::{Page, PageQuery};
use service::unheeded::{NoParameters, Unkeyed};
use tokio::time::Instant;
use uuid::Uuid;

use super::{NO_STORE, invalid_body, no_subscription};
use crate::event_types::EVENT_TYPES_MAX;
use crate::signing::SigningSecret;
use crate::subscriptions::{self as kept, Change, New, SUBSCRIPTIONS_MAX, Subscription};
use crate::target::{NOT_PUBLIC, Target, URL_BYTES_MAX};
use crate::{Dispatcher, cloud_event, event_types};

/// The longest description, in characters.
const DESCRIPTION_CHARS_MAX: usize = 500;
/// What it is made of.
const PRINTS: &str = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*$";
/// Somebody who listens.
const RECEIVER: &str = "https://shop.example/hooks";

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewWebhook")]
pub(super) struct Wanted {
    /// Where the receiver listens: an https URL that leads to an address of the internet.
    #[schemars(length(min = 1, max = URL_BYTES_MAX), extend("examples" = [RECEIVER]))]
    url: String,
    /// Of what it is told: names of events, or all of a kind, as `order.*`.
    #[schemars(length(min = 1, max = EVENT_TYPES_MAX), extend("examples" = [["order.*"]]))]
    event_types: Vec<String>,
    /// What for.
    #[serde(default)]
    #[schemars(length(max = DESCRIPTION_CHARS_MAX), regex(pattern = PRINTS))]
    description: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "WebhookChange")]
pub(super) struct Changed {
    #[schemars(length(min = 1, max = URL_BYTES_MAX), extend("examples" = [RECEIVER]))]
    url: Option<String>,
    #[schemars(length(min = 1, max = EVENT_TYPES_MAX), extend("examples" = [["order.*"]]))]
    event_types: Option<Vec<String>>,
    #[schemars(length(max = DESCRIPTION_CHARS_MAX), regex(pattern = PRINTS))]
    description: Option<String>,
    state: Option<Wish>,
}

/// What somebody can make of a subscription's state.
#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "WebhookWish")]
enum Wish {
    Active,
    Paused,
}

/// A subscription with its secret, which is shown this once.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "WebhookWithSecret")]
pub(super) struct Told {
    #[serde(flatten)]
    subscription: Subscription,
    secret: String,
}

/// What a receiver said to a test.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "WebhookTested")]
pub(super) struct Tested {
    delivered: bool,
    status: Option<u16>,
    /// How its answer began.
    answer: Option<String>,
    /// Why there is none.
    error: Option<String>,
    took_ms: u128,
    at: DateTime<Utc>,
}

/// `POST /v1/webhooks`
pub(super) async fn create(
    dispatcher: Dispatcher,
    _: Unkeyed,
    Json(Wanted { url, event_types, description }): Json<Wanted>,
) -> Result<Response, Problem> {
    dispatcher.check_url(&url).await?;
    let event_types = event_types::known(&event_types)?;
    let description = described(description)?;
    let (id, secret) = (Uuid::now_v7(), SigningSecret::generate());
    let sealed = secret.seal(&dispatcher.master, id);
    let new = New { id, url, event_types, description, sealed };
    if !kept::create(&dispatcher.db, &new).await? {
        let detail = format!("there may be {SUBSCRIPTIONS_MAX} webhooks: delete one");
        return Err(Problem::new(StatusCode::CONFLICT, "too_many_webhooks", detail));
    }
    let subscription = dispatcher.subscription(id).await?;
    let location = [(header::LOCATION, format!("/v1/webhooks/{id}"))];
    let told = Json(Told { subscription, secret: secret.told() });
    Ok((StatusCode::CREATED, location, NO_STORE, told).into_response())
}

/// `GET /v1/webhooks`
pub(super) async fn list(
    dispatcher: Dispatcher,
    Query(paging): Query<PageQuery>,
    uri: Uri,
) -> Result<Response, Problem> {
    let all = kept::read(&dispatcher.db, None).await?;
    Ok(Page::within(all, paging, "webhooks", |webhook| webhook.id)?.respond(&uri))
}

/// `GET /v1/webhooks/{id}`
pub(super) async fn read(
    dispatcher: Dispatcher,
    _: Query<NoParameters>,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    Ok((NO_STORE, Json(dispatcher.subscription(id).await?)).into_response())
}

/// `PATCH /v1/webhooks/{id}`: what is not named stays. One that is `active` again goes on where it
/// stopped.
pub(super) async fn change(
    dispatcher: Dispatcher,
    Path(id): Path<Uuid>,
    Json(Changed { url, event_types, description, state }): Json<Changed>,
) -> Result<Response, Problem> {
    if let Some(url) = &url {
        dispatcher.check_url(url).await?;
    }
    let event_types = event_types.map(|wanted| event_types::known(&wanted)).transpose()?;
    let description = description.map(described).transpose()?;
    let state = state.map(|wish| match wish {
        Wish::Active => "active",
        Wish::Paused => "paused",
    });
    let change = Change { url, event_types, description, state };
    if !kept::change(&dispatcher.db, id, &change).await? {
        return Err(no_subscription());
    }
    Ok((NO_STORE, Json(dispatcher.subscription(id).await?)).into_response())
}

/// `DELETE /v1/webhooks/{id}`
pub(super) async fn remove(
    dispatcher: Dispatcher,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, Problem> {
    if kept::delete(&dispatcher.db, id).await? {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(no_subscription())
}

/// `POST /v1/webhooks/{id}/rotate-secret`: another secret, beside which the one before it signs for
/// a day.
pub(super) async fn rotate_secret(
    dispatcher: Dispatcher,
    _: Unkeyed,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let secret = SigningSecret::generate();
    let sealed = secret.seal(&dispatcher.master, id);
    if !kept::rotate(&dispatcher.db, id, &sealed).await? {
        return Err(no_subscription());
    }
    let subscription = dispatcher.subscription(id).await?;
    let told = Told { subscription, secret: secret.told() };
    Ok((NO_STORE, Json(told)).into_response())
}

/// `POST /v1/webhooks/{id}/test`: sends something now, whatever the state of the subscription.
pub(super) async fn test(
    dispatcher: Dispatcher,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let address = kept::address(&dispatcher.db, id).await?.ok_or_else(no_subscription)?;
    let (ping, at, begun) = (Uuid::now_v7(), Utc::now(), Instant::now());
    let body = cloud_event::ping(ping, id, log(&dispatcher.db).await?.id, at);
    let said = dispatcher.post(id, &address, &ping.to_string(), body, at).await;
    let took_ms = begun.elapsed().as_millis();
    let tested = match said {
        Ok(answer) => Tested {
            delivered: (200..300).contains(&answer.status),
            status: Some(answer.status),
            answer: Some(answer.excerpt),
            error: None,
            took_ms,
            at,
        },
        Err(silence) => Tested {
            delivered: false,
            status: None,
            answer: None,
            error: Some(silence.to_string()),
            took_ms,
            at,
        },
    };
    Ok((NO_STORE, Json(tested)).into_response())
}

impl Dispatcher {
    /// Refuses a URL that nothing may be sent to.
    async fn check_url(&self, url: &str) -> Result<(), Problem> {
        let refused = |why| invalid_body().pointer("/url", "invalid_value", why);
        let target = Target::read(url, self.wire.reach()).map_err(refused)?;
        if self.wire.leads_where_it_may(&target).await { Ok(()) } else { Err(refused(NOT_PUBLIC)) }
    }
}

fn described(text: String) -> Result<String, Problem> {
    let fits = text.chars().count() <= DESCRIPTION_CHARS_MAX;
    if fits && !text.contains(breaks_line) && !holds_card_number(&text) {
        return Ok(text);
    }
    let rule = "all of which print, and no card number";
    let detail = format!("has at most {DESCRIPTION_CHARS_MAX} characters, {rule}");
    Err(invalid_body().pointer("/description", "invalid_value", detail))
}
