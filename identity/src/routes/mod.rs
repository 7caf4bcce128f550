//! Where people sign in and guests get their token, and where keys are published. One line a route,
//! with who may call it.
//!
//! * `people`: registering, signing in and out, sessions; `accounts`: what else they do with
//!   theirs; `second_factor`: what is shown besides; `addresses`: where their orders go; `guests`:
//!   who has not signed in;
//! * `customers`: as the back office sees to them; `staff`, `api_keys`: people and programs that
//!   work here, as the owner does;
//! * `sign_ins`: who signed in, and who tried; `origin`: from where;
//! * `mails`: what became of those to them; `published`: what others verify tokens with;
//! * [`described`]: what all of them are asked and answer.

mod accounts;
mod addresses;
mod api_keys;
mod aside;
mod caller;
mod customers;
pub mod described;
mod guests;
mod mails;
mod origin;
mod people;
mod problem;
mod published;
mod second_factor;
mod sign_ins;
mod staff;

use axum::http::{HeaderValue, StatusCode, header};
use axum::routing::{MethodRouter, delete, get, post, put};
use axum::{Router, middleware};
use futures::future::BoxFuture;
use service::Problem;
use sqlx::PgPool;
use uuid::Uuid;

use crate::access::Access::{self, Accounts, Anyone, Enrol, Ops, Owner, Shopper, SignedIn};
use crate::guard::{self, Guard};
use crate::issuer::Issuer;
use crate::people::People;

/// A route, and who may call it.
pub type Door = (&'static str, Access, MethodRouter<Identity>);

/// What the routes need.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Where the keys are.
    pub db: PgPool,
    /// Who gives tokens out, and to whom; nobody, where no master key was told.
    pub desk: Option<Desk>,
    /// What others know.
    pub beyond: Beyond,
}

/// Finds which orders of these people, or to these addresses, somebody still waits for.
pub type OrdersUnderWay =
    fn(&PgPool, Vec<Uuid>, Vec<Uuid>) -> BoxFuture<'static, sqlx::Result<Vec<Uuid>>>;

/// What is to be known here of what others know: routes and orders.
#[derive(Clone, Copy, Debug)]
pub struct Beyond {
    /// The first words of all paths there are, those of the reads too: what keys may be for.
    pub resources: &'static [&'static str],
    /// Who still waits for something is not forgotten without another word.
    pub orders_under_way: OrdersUnderWay,
}

/// Who gives tokens out, and to whom.
#[derive(Clone, Debug)]
pub struct Desk {
    /// Who signs them.
    pub issuer: Issuer,
    /// Who signs in.
    pub people: People,
}

/// Every route, and who may call it.
pub fn all() -> Vec<Door> {
    vec![
        ("/.well-known/jwks.json", Anyone, get(published::keys)),
        ("/.well-known/oauth-authorization-server", Anyone, get(published::metadata)),
        ("/.well-known/openid-configuration", Anyone, get(published::metadata)),
        ("/v1/guests", Anyone, post(guests::welcome)),
        ("/v1/guests/end", Shopper, post(guests::leave)),
        ("/v1/people", Anyone, post(people::register)),
        ("/v1/sessions", Anyone, post(people::sign_in)),
        ("/v1/sessions/refresh", Anyone, post(people::refresh)),
        ("/v1/sessions/end", Anyone, post(people::sign_out)),
        ("/v1/people/me/sessions", SignedIn, get(people::sessions)),
        ("/v1/people/me/sign-ins", SignedIn, get(sign_ins::own)),
        ("/v1/sign-ins", Ops, get(sign_ins::list)),
        ("/v1/people/me/sessions/{id}", SignedIn, delete(people::end_session)),
        ("/v1/people/me/password", SignedIn, post(people::change_password)),
        ("/v1/people/me/email", SignedIn, post(accounts::change_email)),
        ("/v1/people/me", SignedIn, get(accounts::me).put(accounts::say)),
        ("/v1/people/me/export", Shopper, get(accounts::export)),
        ("/v1/people/me/forget", Shopper, post(accounts::forget_me)),
        ("/v1/people/verify", Anyone, post(accounts::verify)),
        ("/v1/people/verify/again", SignedIn, post(accounts::verify_again)),
        ("/v1/people/reset", Anyone, post(accounts::forgot)),
        ("/v1/people/reset/confirm", Anyone, post(accounts::reset)),
        ("/v1/people/{id}/forget", Accounts, post(accounts::forget)),
        ("/v1/addresses", Shopper, get(addresses::list).post(addresses::add)),
        ("/v1/addresses/{id}", Shopper, get(addresses::one).delete(addresses::remove)),
        ("/v1/mails", Ops, get(mails::list)),
        ("/v1/mails/{id}/retry", Ops, post(mails::retry)),
        ("/v1/people/me/totp", Enrol, post(second_factor::enrol)),
        ("/v1/people/me/totp/confirm", Enrol, post(second_factor::confirm)),
        ("/v1/people/me/totp/remove", SignedIn, post(second_factor::remove)),
        ("/v1/staff", Owner, get(staff::list).post(staff::invite)),
        ("/v1/staff/join", Anyone, post(staff::join)),
        ("/v1/people/{id}/totp", Accounts, delete(second_factor::rescue)),
        ("/v1/people/{id}/disable", Accounts, post(customers::disable)),
        ("/v1/people/{id}/enable", Accounts, post(customers::enable)),
        ("/v1/people/{id}/sessions", Accounts, delete(customers::send_away)),
        ("/v1/staff/{id}", Owner, delete(staff::forget)),
        ("/v1/staff/{id}/invite", Owner, post(staff::invite_again)),
        ("/v1/staff/{id}/role", Owner, put(staff::set_role)),
        ("/v1/staff/{id}/disable", Owner, post(staff::disable)),
        ("/v1/staff/{id}/enable", Owner, post(staff::enable)),
        ("/v1/staff/{id}/sessions", Owner, delete(staff::send_away)),
        ("/v1/staff/{id}/totp", Owner, delete(staff::forget_second_factor)),
        ("/v1/api-keys", Owner, get(api_keys::list).post(api_keys::make)),
        ("/v1/api-keys/{id}", Owner, delete(api_keys::revoke)),
        ("/v1/api-keys/{id}/rotate", Owner, post(api_keys::rotate)),
    ]
}

/// All of them, each for those who may.
pub fn router(identity: Identity, guard: &Guard) -> Router {
    let add = |router: Router<Identity>, (path, access, route): Door| {
        let admit = middleware::from_fn_with_state((guard.clone(), access), guard::admit);
        router.route(path, route.route_layer(admit))
    };
    all().into_iter().fold(Router::new(), add).with_state(identity)
}

impl Identity {
    fn desk(&self) -> Result<&Desk, Problem> {
        self.desk.as_ref().ok_or_else(|| {
            let detail = "this service gives no tokens out: it was told no MASTER_KEY";
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "no_issuer", detail).until_set_up()
        })
    }
}

/// What holds a token is for nobody's cache.
const NO_STORE: [(header::HeaderName, HeaderValue); 1] =
    [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];

fn not_found(detail: &'static str) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "not_found", detail)
}

/// What must not go wrong and did.
fn broken(error: impl std::error::Error + 'static) -> Problem {
    tracing::error!(error = &error as &dyn std::error::Error, "no token can be given out");
    Problem::internal()
}
