//! Where people sign in and guests get their token, and where keys are published. One line a route,
//! with who may call it.
//!
//! * `people`: registering, signing in and out, sessions; `guests`: who has not; `published`: what
//!   others verify tokens with; [`described`]: what all of them are asked and answer.

pub mod described;
mod guests;
mod people;
mod published;

use axum::http::{HeaderValue, StatusCode, header};
use axum::routing::{MethodRouter, delete, get, post};
use axum::{Router, middleware};
use service::Problem;
use sqlx::PgPool;

use crate::access::Access::{self, Anyone, SignedIn};
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
        ("/v1/guests", Anyone, post(guests::welcome)),
        ("/v1/people", Anyone, post(people::register)),
        ("/v1/sessions", Anyone, post(people::sign_in)),
        ("/v1/sessions/refresh", Anyone, post(people::refresh)),
        ("/v1/sessions/end", Anyone, post(people::sign_out)),
        ("/v1/people/me/sessions", SignedIn, get(people::sessions)),
        ("/v1/people/me/sessions/{id}", SignedIn, delete(people::end_session)),
        ("/v1/people/me/password", SignedIn, post(people::change_password)),
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
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "no_issuer", detail)
        })
    }
}

/// What holds a token is for nobody's cache.
const NO_STORE: [(header::HeaderName, HeaderValue); 1] =
    [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];

/// What must not go wrong and did.
fn broken(error: impl std::error::Error + 'static) -> Problem {
    tracing::error!(error = &error as &dyn std::error::Error, "no token can be given out");
    Problem::internal()
}
