//! The id under which one request is found again: in its answer, in the log, in the events it made.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName};
use uuid::Uuid;

use crate::traced::Trace;

/// The header that carries it, both ways.
pub const HEADER: HeaderName = HeaderName::from_static("x-request-id");
/// The longest that a caller may give, in bytes; another is given for a longer one.
pub const TEXT_BYTES_MAX: usize = 128;

/// Of the UUIDs that stand for ids that are none.
const NAMESPACE: Uuid = Uuid::from_u128(0x7c1f_0d3e_52a6_4b8b_9a55_3b6c_0e4d_91f7);

/// The id of the request: the caller's `X-Request-Id`, else that of the trace it belongs to, else a
/// new one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId {
    text: Arc<str>,
    uuid: Uuid,
}

impl RequestId {
    /// The id that the headers give, or the trace, or a new one.
    pub fn of(headers: &HeaderMap, trace: Trace) -> Self {
        given(headers)
            .or_else(|| trace.0.map(|trace| Uuid::from_u128(trace.trace()).into()))
            .unwrap_or_else(|| Uuid::now_v7().into())
    }

    /// As it stands in the answer and in the log: the caller's own text, where it is one of visible
    /// ASCII characters.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// As it stands in events. For a text that is no UUID, the UUID of version 5 made of it.
    pub fn uuid(&self) -> Uuid {
        self.uuid
    }
}

impl From<Uuid> for RequestId {
    fn from(uuid: Uuid) -> Self {
        let text = uuid.hyphenated();
        Self { text: (&*text.encode_lower(&mut Uuid::encode_buffer())).into(), uuid }
    }
}

fn given(headers: &HeaderMap) -> Option<RequestId> {
    let text = headers.get(HEADER)?.to_str().ok()?;
    if let Ok(uuid) = text.parse::<Uuid>() {
        return Some(uuid.into());
    }
    let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
    (is_plain && text.len() <= TEXT_BYTES_MAX)
        .then(|| RequestId { text: text.into(), uuid: Uuid::new_v5(&NAMESPACE, text.as_bytes()) })
}

/// Never fails: outside the shell, as in a test of one handler, the id is read from the headers.
impl<S: Send + Sync> FromRequestParts<S> for RequestId {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let id = parts.extensions.get().cloned();
        Ok(id.unwrap_or_else(|| Self::of(&parts.headers, Trace::of(&parts.headers))))
    }
}
