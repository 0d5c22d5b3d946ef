//! Who speaks to Tieline from outside, and what they are answered.

use http::HeaderMap;
use serde_json::{Value, json};
use tieline_core::AppId;
use tieline_sandbox::{Endpoint, Sandbox};
use url::Url;

/// Whoever holds an API key.
#[derive(Clone)]
pub(crate) struct Host {
    pub(crate) base: String,
    pub(crate) key: String,
    pub(crate) client: reqwest::Client,
}

/// What a request was answered with.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

/// An authorization that a host has started.
#[derive(Debug, Clone)]
pub(crate) struct Begun {
    pub(crate) id: i64,
    pub(crate) url: String,
}

impl Host {
    /// `POST /v1/authorizations`.
    pub(crate) async fn start(&self, app: AppId, mut body: Value) -> Answer {
        body["app"] = json!(app);
        self.post("authorizations", &body).await
    }

    /// As [`start`](Self::start), where nothing is wrong.
    pub(crate) async fn begin(&self, app: AppId, body: Value) -> Begun {
        let answer = self.start(app, body).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        let told = answer.json();
        Begun {
            id: number(&told["id"]),
            url: told["authorization_url"].as_str().unwrap().to_owned(),
        }
    }

    /// `POST /v1/links`: the link's address.
    pub(crate) async fn link(&self, app: AppId, mut body: Value) -> String {
        body["app"] = json!(app);
        let answer = self.post("links", &body).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.json()["url"].as_str().unwrap().to_owned()
    }

    /// `POST /v1/authorizations/{id}/confirm`.
    pub(crate) async fn confirm(&self, id: i64, ticket: &str, user: &str) -> Answer {
        let body = json!({ "ticket": ticket, "user": user });
        self.post(&format!("authorizations/{id}/confirm"), &body)
            .await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.post_text(path, body.to_string()).await
    }

    pub(crate) async fn post_text(&self, path: &str, body: String) -> Answer {
        let request = self.client.post(format!("{}/v1/{path}", self.base));
        let request = request
            .bearer_auth(&self.key)
            .header("content-type", "application/json");
        Answer::of(request.body(body)).await
    }

    /// The key, to look for it.
    pub(crate) fn key(&self) -> &str {
        &self.key
    }
}

impl Answer {
    pub(crate) async fn of(request: reqwest::RequestBuilder) -> Self {
        let answer = request.send().await.unwrap();
        Self {
            status: answer.status().as_u16(),
            headers: answer.headers().clone(),
            body: answer.text().await.unwrap(),
        }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// The stable name of a problem; of a redirect to the host the error that it is told.
    pub(crate) fn problem(&self) -> String {
        if self.status == 303 {
            return parameter(&self.location(), "error").unwrap_or_else(|| panic!("{self:?}"));
        }
        let told = self.json();
        let name = told["type"]
            .as_str()
            .and_then(|name| name.rsplit(':').next());
        name.unwrap_or_else(|| panic!("{self:?}")).to_owned()
    }

    /// Where it leads.
    pub(crate) fn location(&self) -> String {
        assert_eq!(self.status, 303, "{self:?}");
        self.headers["location"].to_str().unwrap().to_owned()
    }

    /// The ticket of a redirect to the host.
    pub(crate) fn ticket(&self) -> String {
        parameter(&self.location(), "ticket").unwrap_or_else(|| panic!("{self:?}"))
    }

    /// Whether it is a page that says no.
    pub(crate) fn is_a_refusing_page(&self) -> bool {
        let html = self
            .headers
            .get("content-type")
            .is_some_and(|kind| kind == "text/html; charset=utf-8");
        (400..500).contains(&self.status) && html && self.body.contains("<h1>Not connected</h1>")
    }
}

/// A parameter of an address.
pub(crate) fn parameter(url: &str, name: &str) -> Option<String> {
    let url = Url::parse(url).unwrap();
    let mut pairs = url.query_pairs();
    pairs
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

/// The address with another value of a parameter, or without it.
pub(crate) fn with(url: &str, name: &str, value: Option<&str>) -> String {
    let mut url = Url::parse(url).unwrap();
    let others: Vec<(String, String)> = url
        .query_pairs()
        .into_owned()
        .filter(|(key, _)| key != name)
        .collect();
    url.query_pairs_mut()
        .clear()
        .extend_pairs(others)
        .extend_pairs(value.map(|value| (name, value)));
    url.into()
}

/// Requests that may have brought a code.
pub(crate) fn token_requests(sandbox: &Sandbox) -> usize {
    sandbox.ledger().requests_to(Endpoint::Token).count()
}

fn number(id: &Value) -> i64 {
    id.as_i64().or_else(|| id.as_str()?.parse().ok()).unwrap()
}
