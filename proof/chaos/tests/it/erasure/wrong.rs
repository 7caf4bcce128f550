//! Requests of all sorts that are refused, with what must not come back in what refuses them.

use reqwest::Method;
use serde_json::json;

use super::markers::unmistakable;
use super::shop::{Person, Shop};

impl Shop {
    /// Requests of all sorts that are refused, with what must not come back in what refuses them.
    pub async fn ask_wrongly(&mut self, person: &Person) {
        let word = self.personal.add("word of a wrong request", unmistakable("Mistaken"));
        for path in [
            format!("/v1/orders/{word}"),
            format!("/v1/{word}"),
            format!("/{word}/{word}"),
            format!("/v1/orders?status={word}"),
            format!("/v1/orders?other={word}&limit={word}"),
            format!("/v1/orders?cursor={word}"),
            format!("/v1/search?limit={word}"),
            format!("/v1/stock/{word}"),
            format!("/v1/carts/{word}?min_position={word}"),
            format!("/v1/events?after={word}"),
            format!("/v1/events?types={word}"),
            format!("/v1/streams/{word}/{word}"),
            format!("/v1/streams/order/{word}"),
            format!("/v1/addresses/{word}"),
            format!("/v1/addresses?owner_id={word}"),
            format!("/v1/products?ids={word}"),
            format!("/v1/locations/{word}"),
        ] {
            for url in [self.commands(&path), self.stack.query.url(&path)] {
                for token in [&self.owner, &word] {
                    self.send(self.client.get(&url).bearer_auth(token)).await;
                }
                let known = self.client.get(&url).bearer_auth(&person.token);
                self.send(known.header("Guest-Token", &word).header("Log-Id", &word)).await;
            }
        }
        for (path, body) in wrong_bodies(&word, person) {
            let post = self.client.post(self.commands(&path)).bearer_auth(&self.owner);
            let post = post.header("Content-Type", "application/json");
            self.send(post.body(body)).await;
        }
        let order = format!("/v1/orders/{}/cancel", person.orders[0]);
        let cancel = self.client.post(self.commands(&order)).bearer_auth(&self.owner);
        let long = word.repeat(40);
        for (name, value) in [
            ("If-Match", &word),
            ("Idempotency-Key", &long),
            ("Content-Type", &word),
            ("Prefer", &word),
            ("Accept", &word),
            ("User-Agent", &word),
            ("X-Forwarded-For", &word),
            ("traceparent", &word),
            ("Cookie", &word),
            ("Referer", &word),
            ("Authorization", &word),
            ("X-Request-Id", &long),
        ] {
            let cancel = cancel.try_clone().unwrap().header(name, value);
            self.send(cancel.body(format!("{{\"{word}")).header("Origin", &word)).await;
        }
        let patch = self.client.request(Method::PATCH, self.commands("/v1/orders"));
        self.send(patch.query(&[("q", &word)]).body(word.clone())).await;
    }
}

/// Bodies that are wrong in every way there is.
fn wrong_bodies(word: &str, person: &Person) -> Vec<(String, String)> {
    let Person { email, password, .. } = person;
    let wrong = json!({"email": email, "password": [password], "totp": {"a": word}}).to_string();
    let mistaken = json!({"email": email, "password": format!("{password}, not")}).to_string();
    let address = json!({"address": {"name": word, "lines": word, "city": [word],
                         "country": word, "phone": word, "email": word, "locale": word}});
    let start = json!({"order_id": word, "method": word, "token": {"card": word}, "gateway": word});
    [
        ("/v1/sessions", wrong.clone()),
        ("/v1/sessions", mistaken),
        ("/v1/people", wrong.clone()),
        ("/v1/people", json!({"email": word, "password": "short"}).to_string()),
        ("/v1/sessions/refresh", json!({"refresh_token": word}).to_string()),
        ("/v1/people/verify", json!({"code": word, "password": password}).to_string()),
        ("/v1/people/reset/confirm", json!({"code": word, "password": word}).to_string()),
        ("/v1/addresses", address.to_string()),
        ("/v1/payments", start.to_string()),
        ("/v1/staff", json!({"email": word, "role": word}).to_string()),
        ("/v1/api-keys", json!({"name": [word], "role": word, "scopes": word}).to_string()),
        ("/v1/webhooks", json!({"url": word, "event_types": [word]}).to_string()),
        ("/v1/products", json!({"title": {"a": word}, "variants": word}).to_string()),
        ("/v1/products", format!("{{\"title\": \"{word}\", {word}")),
        ("/v1/carts", json!({"currency": word}).to_string()),
        ("/v1/carts", format!("\"{word}\"")),
        ("/v1/batch", format!("{{\"command\":\"{word}\",\"id\":\"{word}\"}}\n")),
        ("/v1/gateways/stripe/events", json!({"id": word}).to_string()),
    ]
    .map(|(path, body)| (path.to_owned(), body))
    .into()
}
