//! A host with an API key, a real server in front of an engine, and HTTP between them.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Mutex, OnceLock};

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde_json::{Value, json};
use tieline_engine::{NewApiKey, OWNER};
use tieline_server::{ApiOptions, Limits, Metrics, api, serve_tcp};
use tieline_store::Permission;
use tieline_tests::stage::Stage;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::contract;

/// One for the whole process, as it has to be.
static METRICS: OnceLock<Metrics> = OnceLock::new();

pub(crate) struct Host {
    pub(crate) stage: Stage,
    pub(crate) key: String,
    /// What was answered to whatever was sent to an operation of the document: its id and the status, or `default`.
    pub(crate) seen: Mutex<BTreeSet<(String, String)>>,
    address: SocketAddr,
}

#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Host {
    /// The API of an engine with the invented provider, and a key that may do everything.
    pub(crate) async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::serving(listener, Stage::acme().await).await
    }

    /// The API of a stage's engine, reached by browsers too.
    pub(crate) async fn with_a_front_door(stage: Stage) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let public_url = format!("http://{}", listener.local_addr().unwrap());
        let stage = stage.reached_at(&public_url).await;
        Self::serving(listener, stage).await
    }

    async fn serving(listener: TcpListener, stage: Stage) -> Self {
        let address = listener.local_addr().unwrap();
        let options = ApiOptions {
            metrics: Some(METRICS.get_or_init(|| Metrics::install().unwrap()).clone()),
            ..ApiOptions::default()
        };
        let router = api(stage.engine.clone(), options);
        let forever = std::future::pending();
        tokio::spawn(serve_tcp(listener, router, Limits::default(), forever));
        let mut host = Self {
            stage,
            key: String::new(),
            seen: Mutex::default(),
            address,
        };
        host.key = host.another_key(None, Permission::ALL).await;
        host
    }

    /// Another API key, of a tenant.
    pub(crate) async fn another_key(&self, tenant: Option<&str>, may: &[Permission]) -> String {
        let new = NewApiKey {
            tenant: tenant.map(str::to_owned),
            permissions: may.iter().copied().collect(),
            ..NewApiKey::default()
        };
        let engine = self.stage.engine.acting_as(OWNER);
        let created = engine.create_api_key(new).await.unwrap();
        created.key.expose().to_owned()
    }

    /// An app that says where the host confirms.
    pub(crate) async fn app(&self, name: &str) -> Value {
        let new = json!({ "provider": "acme", "name": name, "confirm_url": "https://host.example/confirm" });
        let answer = self.post("/v1/apps", &[], &new).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.json()["id"].clone()
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], "").await
    }

    pub(crate) async fn post(&self, path: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
        let headers = [&[("content-type", "application/json")], headers].concat();
        self.send("POST", path, &headers, &body.to_string()).await
    }

    /// One request with the key, unless the headers have another.
    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let mut request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-length: {}\r\n",
            self.address,
            body.len()
        );
        if !headers.iter().any(|(name, _)| *name == "authorization") {
            request += &format!("authorization: Bearer {}\r\n", self.key);
        }
        for (name, value) in headers {
            request += &format!("{name}: {value}\r\n");
        }
        let answer = self.raw(&format!("{request}\r\n{body}")).await;
        let seen = contract::hold(method, path, &answer);
        self.seen.lock().unwrap().extend(seen);
        answer
    }

    /// Whatever is sent, and the one answer to it.
    pub(crate) async fn raw(&self, request: &str) -> Answer {
        let mut socket = TcpStream::connect(self.address).await.unwrap();
        // A server may answer and close before it has read everything.
        let _ = socket.write_all(request.as_bytes()).await;
        let mut answer = Vec::new();
        let _ = socket.read_to_end(&mut answer).await;
        Answer::read(&String::from_utf8(answer).unwrap())
    }

    /// Begins a request and goes away.
    pub(crate) async fn send_and_leave(&self, request: &str) {
        let mut socket = TcpStream::connect(self.address).await.unwrap();
        socket.write_all(request.as_bytes()).await.unwrap();
    }
}

impl Answer {
    fn read(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").expect("a whole answer");
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1));
        let headers = lines.map(|line| {
            let (name, value) = line.split_once(": ").unwrap();
            let name: HeaderName = name.parse().unwrap();
            (name, HeaderValue::from_str(value).unwrap())
        });
        Self {
            status: status.unwrap().parse().unwrap(),
            headers: headers.collect(),
            text: body.to_owned(),
        }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    /// The detail of a problem of this status.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16) -> String {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.headers["content-type"], "application/problem+json");
        let problem = self.json();
        assert_eq!(
            problem["request_id"],
            self.headers["x-request-id"].to_str().unwrap()
        );
        problem["detail"].as_str().unwrap().to_owned()
    }
}
