//! What events only name, as it lies sealed: for whose it is, and for the shop. A shopper is told
//! of what is somebody else's that there is none.

use axum::extract::State;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{MethodRouter, get};
use axum::{Json, Router, middleware};
use domain::PaymentId;
use domain::text::{MediaUrl, Note};
use identity::{Access, Guard, Principal, guard};
use schemars::JsonSchema;
use serde::Serialize;
use service::extract::Path;
use service::openapi::{Description, Endpoint};
use service::problem::Problem;
use uuid::Uuid;
use vault::notes::NoteReaders;
use vault::records::KeptRecord;
use vault::{Vault, VaultError};

use crate::{people, problem};

/// Where a shopper confirms that they pay.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "PaymentAction")]
struct Action {
    /// The page of their bank, with what lets them in there.
    action_url: MediaUrl,
}

/// What somebody wrote.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SealedNote")]
struct Written {
    id: Uuid,
    text: Note,
}

/// Every route, and who may call it. Nothing is sealed where there is no vault.
pub fn all() -> Vec<(&'static str, Access, MethodRouter<Option<Vault>>)> {
    vec![
        ("/v1/payments/{id}/action", Access::Shopper, get(action)),
        ("/v1/notes/{id}", Access::Shopper, get(note)),
    ]
}

/// All of them, each for those who may.
pub fn router(vault: Option<Vault>, guard: &Guard) -> Router {
    let mut router = Router::new();
    for (path, access, route) in all() {
        let admit = middleware::from_fn_with_state((guard.clone(), access), guard::admit);
        router = router.route(path, route.route_layer(admit));
    }
    router.with_state(vault)
}

/// Describes them.
pub fn describe(document: &mut Description) {
    document.tag("note", "What people wrote, which the log only names.");
    let id = serde_json::json!({ "type": "string", "format": "uuid" });
    let of = |path: &str, name: &str, tag: &'static str| -> Endpoint {
        let (method, access) = (axum::http::Method::GET, Access::Shopper);
        identity::routes::described::operation(method, path, name, tag, access)
            .path("id", "Which.", &id)
            .refused(&[400])
            .refuses(["not_found", "erased"])
    };
    let action = document.output::<Action>();
    document.add(
        of("/v1/payments/{id}/action", "payment.action", "payment")
            .text("Where a shopper confirms a payment at their bank: once it `requires_action`.")
            .answer(200, "The page.", Some(("application/json", &action)), &["Cache-Control"]),
    );
    let note = document.output::<Written>();
    let text = "What somebody wrote, where a document or an event has `vault:` and an id as a \
                reason or note. For whom it is about, and the shop; what the shop wrote for itself \
                for the shop alone. Of who was forgotten it is gone.";
    document.add(of("/v1/notes/{id}", "note.read", "note").text(text).answer(
        200,
        "The words.",
        Some(("application/json", &note)),
        &["Cache-Control"],
    ));
}

/// `GET /v1/payments/{id}/action`
async fn action(
    State(vault): State<Option<Vault>>,
    principal: Principal,
    Path(id): Path<PaymentId>,
) -> Result<Response, Problem> {
    let none = || problem::not_found("nothing of such a payment is to be confirmed");
    let vault = vault.ok_or_else(none)?;
    let found = reactor::actions::open(&vault, id).await;
    let found = shown(&vault, principal, found).await?.ok_or_else(none)?;
    Ok(([NO_STORE], Json(Action { action_url: found.plain })).into_response())
}

/// `GET /v1/notes/{id}`
async fn note(
    State(vault): State<Option<Vault>>,
    principal: Principal,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let none = || problem::not_found("there is no such note");
    let vault = vault.ok_or_else(none)?;
    let mut found = vault.note(NoteReaders::Both, id).await;
    if matches!(found, Ok(None)) && people::shopper(principal).is_none() {
        found = vault.note(NoteReaders::Shop, id).await;
    }
    let found = shown(&vault, principal, found).await?.ok_or_else(none)?;
    Ok(([NO_STORE], Json(Written { id, text: found.plain })).into_response())
}

/// What was found, if it is for who asks.
async fn shown<T>(
    vault: &Vault,
    principal: Principal,
    found: Result<Option<KeptRecord<T>>, VaultError>,
) -> Result<Option<KeptRecord<T>>, Problem> {
    let me = people::shopper(principal);
    let found = match found {
        // Nobody's any more, so no shopper's.
        Err(VaultError::Erased) if me.is_some() => None,
        other => other.map_err(people::failed)?,
    };
    let (Some(record), Some(me)) = (&found, me) else { return Ok(found) };
    let is_mine = vault.is_of(record.subject, me).await?;
    Ok(found.filter(|_| is_mine))
}

const NO_STORE: (axum::http::HeaderName, &str) = (CACHE_CONTROL, "no-store");
