//! The provider: npm's oidc-provider, in a process of its own, with keys in a file.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use identity::Guard;
use identity::oidc::{self, Provider as Trusted};
use reqwest::{Client, Response, header, redirect};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// As which tokens name this shop.
pub const AUDIENCE: &str = "urn:commerce";
const REDIRECT: &str = "http://127.0.0.1:9/cb";
const VERIFIER: &str = "a-verifier-that-is-long-enough-to-be-one-0123456789";

/// A provider that runs until it is dropped.
pub struct Provider {
    child: Child,
    port: u16,
    pub keys: PathBuf,
    algorithm: &'static str,
    client: Client,
}

impl Provider {
    /// One that is new, with a key of its own.
    pub fn start(algorithm: &'static str) -> Self {
        Self::run(0, algorithm)
    }

    fn run(port: u16, algorithm: &'static str) -> Self {
        let modules = std::env::var("OIDC_PROVIDER").expect("cargo xtask test says where it is");
        let keys = std::env::temp_dir().join(format!("oidc-keys-{}.json", Uuid::now_v7()));
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/oidc/provider.mjs");
        let mut command = Command::new("node");
        command.env("OIDC_PROVIDER", modules).arg(script).arg(port.to_string());
        command.arg(&keys).arg(algorithm).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("node runs");
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let port = line.trim().strip_prefix("port ").expect("it says its port").parse().unwrap();
        let client = Client::builder().no_proxy().redirect(redirect::Policy::none()).build();
        Self { child, port, keys, algorithm, client: client.unwrap() }
    }

    /// Ends, and begins again at the same place with another key.
    pub fn restart(&mut self) {
        self.stop();
        let _one_before = std::mem::replace(self, Self::run(self.port, self.algorithm));
    }

    pub fn stop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub fn issuer(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// As a shop would say that it trusts this one.
    pub fn setting(&self) -> Value {
        json!({"issuer": self.issuer(), "audience": AUDIENCE, "roles_claim": "roles",
               "roles": {"shop-clerk": "staff", "storefront": "service"}, "customers": true})
    }

    /// Who trusts this provider alone, as far as a setting says.
    pub fn guard(&self, change: impl FnOnce(&mut Value)) -> Guard {
        let mut setting = self.setting();
        change(&mut setting);
        let trusted = oidc::read(&json!([setting]).to_string()).unwrap();
        let providers = trusted.into_iter().map(|it| Trusted::start(it).unwrap()).collect();
        Guard::with_providers(None, false, None, providers)
    }

    /// What no honest provider would sign.
    pub async fn sign(&self, header: Value, claims: &Value, secret: Option<&str>) -> String {
        let mut what = json!({"header": header, "claims": claims});
        if let Some(secret) = secret {
            what["secret"] = json!(secret);
        }
        let url = format!("{}/_sign", self.issuer());
        self.client.post(url).json(&what).send().await.unwrap().text().await.unwrap()
    }

    /// The key as everybody can read it.
    pub async fn public_key(&self) -> Value {
        let url = format!("{}/jwks", self.issuer());
        let set: Value = self.client.get(url).send().await.unwrap().json().await.unwrap();
        set["keys"][0].clone()
    }

    async fn post(&self, client: &str, body: &[(&str, &str)]) -> Value {
        let url = format!("{}/token", self.issuer());
        let sent = self.client.post(url).basic_auth(client, Some("s3cret")).form(body).send();
        sent.await.unwrap().json().await.unwrap()
    }

    /// A program says who it is, and for whom the token shall be.
    pub async fn client_credentials(&self, resource: &str) -> Value {
        let body = [("grant_type", "client_credentials"), ("resource", resource)];
        self.post("storefront", &body).await
    }

    pub async fn refresh(&self, token: &str) -> Value {
        let body = [("grant_type", "refresh_token"), ("refresh_token", token)];
        self.post("console", &body).await
    }

    /// Somebody signs in, in a browser, with a code and PKCE.
    pub async fn sign_in(&self, who: &str) -> Value {
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER));
        let asked = [
            ("client_id", "console"),
            ("response_type", "code"),
            ("scope", "openid offline_access"),
            ("redirect_uri", REDIRECT),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
            ("nonce", "n1"),
            ("prompt", "consent"),
        ];
        let mut browser = Browser { provider: self, cookies: BTreeMap::new() };
        let url = format!("{}/auth", self.issuer());
        let url = reqwest::Url::parse_with_params(&url, asked).unwrap();
        let mut page = browser.go(self.client.get(url)).await;
        for form in [
            &[("prompt", "login"), ("login", who), ("password", "x")][..],
            &[("prompt", "consent")],
        ] {
            let Ok(html) = page else { break };
            let (_, action) = html.split_once("action=\"").expect("a form");
            let (action, _) = action.split_once('"').unwrap();
            page = browser.go(self.client.post(self.absolute(action)).form(form)).await;
        }
        let back = page.expect_err("it leads back");
        let back = reqwest::Url::parse(&back).unwrap();
        let code = back.query_pairs().find(|(name, _)| name == "code").expect("a code").1;
        let body = [
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", REDIRECT),
            ("code_verifier", VERIFIER),
        ];
        self.post("console", &body).await
    }

    fn absolute(&self, place: &str) -> String {
        if place.starts_with("http") { place.to_owned() } else { self.issuer() + place }
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _ended = self.child.wait();
        let _none = std::fs::remove_file(&self.keys);
    }
}

/// What keeps cookies and follows, until it is led back to the shop.
struct Browser<'a> {
    provider: &'a Provider,
    cookies: BTreeMap<String, String>,
}

impl Browser<'_> {
    /// The page in the end, or where it leads back to.
    async fn go(&mut self, request: reqwest::RequestBuilder) -> Result<String, String> {
        let mut answer = self.send(request).await;
        while answer.status().is_redirection() {
            let place = answer.headers()[header::LOCATION].to_str().unwrap().to_owned();
            if place.starts_with(REDIRECT) {
                return Err(place);
            }
            let place = self.provider.absolute(&place);
            answer = self.send(self.provider.client.get(place)).await;
        }
        Ok(answer.text().await.unwrap())
    }

    async fn send(&mut self, request: reqwest::RequestBuilder) -> Response {
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let answer = request.header(header::COOKIE, cookies.join("; ")).send().await.unwrap();
        for cookie in answer.headers().get_all(header::SET_COOKIE) {
            let (pair, _) = cookie.to_str().unwrap().split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        answer
    }
}
