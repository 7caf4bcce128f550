//! From which network a request comes, for what is written down of it.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use service::rates::{self, Proxies};

use crate::people::sign_ins::Network;

/// None where that is not known.
pub(super) struct Origin(pub(super) Option<Network>);

impl<S: Send + Sync> FromRequestParts<S> for Origin {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let proxies = parts.extensions.get().map_or(0, |Proxies(count)| usize::from(*count));
        let address = rates::came_from(&parts.headers, &parts.extensions, proxies);
        Ok(Self(address.map(Network::of)))
    }
}
