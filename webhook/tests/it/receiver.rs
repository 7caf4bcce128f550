//! A receiver: hears what is posted to it and answers as it is told.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use kit_log::eventually;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

/// Places for more requests than any test makes.
const ENOUGH: usize = 10_000;

/// One that listens on this machine.
#[derive(Clone)]
pub struct Receiver {
    pub url: String,
    shared: Arc<Shared>,
}

struct Shared {
    heard: Mutex<Vec<Heard>>,
    /// What is answered next; the last one again and again.
    answers: Mutex<VecDeque<Said>>,
    /// A place for each request that may be answered.
    answering: Semaphore,
}

/// What is answered.
#[derive(Clone)]
pub struct Said(pub StatusCode, pub Vec<(&'static str, &'static str)>, pub &'static str);

/// Something that was posted.
#[derive(Clone, Debug)]
pub struct Heard {
    pub path: String,
    pub headers: HeaderMap,
    pub body: String,
}

impl Heard {
    pub fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    pub fn event(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

impl Receiver {
    /// One that takes everything.
    pub async fn listen() -> Self {
        Self::that_says([Said(StatusCode::NO_CONTENT, vec![], "")]).await
    }

    /// One that says this, one after the other, and the last from then on.
    pub async fn that_says(answers: impl IntoIterator<Item = Said>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hooks", listener.local_addr().unwrap());
        let shared = Arc::new(Shared {
            heard: Mutex::default(),
            answers: Mutex::new(answers.into_iter().collect()),
            answering: Semaphore::new(ENOUGH),
        });
        let router = Router::new().fallback(hear).with_state(shared.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, shared }
    }

    /// From now on it says something else.
    pub fn says(&self, answer: Said) {
        *self.shared.answers.lock().unwrap() = [answer].into();
    }

    /// Answers nobody until it is told to.
    pub fn falls_silent(&self) {
        self.shared.answering.forget_permits(ENOUGH);
    }

    pub fn speaks_again(&self) {
        self.shared.answering.add_permits(ENOUGH);
    }

    pub fn heard(&self) -> Vec<Heard> {
        self.shared.heard.lock().unwrap().clone()
    }

    /// Waits until it has heard so many.
    pub async fn hears(&self, count: usize) -> Vec<Heard> {
        eventually("it hears", async || self.heard().len() >= count).await;
        self.heard()
    }
}

async fn hear(
    State(shared): State<Arc<Shared>>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let body = String::from_utf8(body.to_vec()).unwrap();
    shared.heard.lock().unwrap().push(Heard { path: uri.path().to_owned(), headers, body });
    let _place = shared.answering.acquire().await.unwrap();
    let mut answers = shared.answers.lock().unwrap();
    let next = if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() };
    let Said(status, headers, body) = next.unwrap();
    let mut answer = (status, body).into_response();
    for (name, value) in headers {
        answer.headers_mut().insert(name, value.parse().unwrap());
    }
    answer
}
