//! A host's own receiver of webhooks: a socket on loopback that checks signatures by itself, and fails as it is told to.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha2::Sha256;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// What the receiver does with a request; with those that are not scripted: it answers 204.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    Answer(u16),
    /// Points elsewhere.
    Redirect(String),
    /// Resets the connection, after it has read everything.
    Reset,
    /// Says nothing and keeps the connection.
    Silence,
    /// Answers 200, and then a body without end.
    Babble,
}

/// A request as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    pub(crate) line: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) raw: String,
}

/// Listens until it is dropped.
#[derive(Debug)]
pub(crate) struct Receiver {
    pub(crate) url: String,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Shared {
    script: Mutex<VecDeque<Act>>,
    always: Mutex<Option<Act>>,
    refused: Mutex<Option<String>>,
    told: Mutex<Vec<Told>>,
    connections: Mutex<u32>,
    arrived: Notify,
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/told?by=tieline", listener.local_addr().unwrap());
        let shared = Arc::new(Shared::default());
        let serving = Arc::clone(&shared);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                *serving.connections.lock().unwrap() += 1;
                tokio::spawn(serve(Arc::clone(&serving), stream));
            }
        });
        Self { url, shared, task }
    }

    pub(crate) fn port(&self) -> u16 {
        self.url.parse::<url::Url>().unwrap().port().unwrap()
    }

    /// The next requests are met so, one each.
    pub(crate) fn script(&self, acts: impl IntoIterator<Item = Act>) {
        self.shared.script.lock().unwrap().extend(acts);
    }

    /// All requests beyond the script are met so.
    pub(crate) fn always(&self, act: Act) {
        *self.shared.always.lock().unwrap() = Some(act);
    }

    /// A message with this id is never taken.
    pub(crate) fn refuse(&self, id: &str) {
        *self.shared.refused.lock().unwrap() = Some(id.to_owned());
    }

    /// All requests so far, in the order of their arrival.
    pub(crate) fn told(&self) -> Vec<Told> {
        self.shared.told.lock().unwrap().clone()
    }

    /// The kinds of what it was told, by event.
    pub(crate) fn kinds(&self) -> Vec<String> {
        let mut told = self.told();
        told.sort_by_key(|told| told.body()["data"]["event"].as_i64());
        let kinds = told.iter().map(Told::kind);
        kinds.collect()
    }

    /// How many connections were made.
    pub(crate) fn connections(&self) -> u32 {
        *self.shared.connections.lock().unwrap()
    }

    /// Waits for a request.
    pub(crate) async fn arrived(&self) {
        self.shared.arrived.notified().await;
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Told {
    pub(crate) fn header(&self, name: &str) -> &str {
        let mut found = self.headers.iter().filter(|(key, _)| key == name);
        let (only, another) = (found.next(), found.next());
        assert!(another.is_none(), "{name} twice in {:?}", self.headers);
        only.map_or("", |(_, value)| value.as_str())
    }

    pub(crate) fn id(&self) -> String {
        self.header("webhook-id").to_owned()
    }

    pub(crate) fn body(&self) -> Value {
        serde_json::from_str(&self.raw).unwrap()
    }

    pub(crate) fn kind(&self) -> String {
        self.body()["type"].as_str().unwrap().to_owned()
    }

    pub(crate) fn sent_at(&self) -> i64 {
        self.header("webhook-timestamp").parse().unwrap()
    }

    /// As the specification tells receivers to check it.
    pub(crate) fn is_signed_with(&self, secret: &str) -> bool {
        let (id, at) = (self.id(), self.header("webhook-timestamp"));
        let expected = signature(secret, &id, at, &self.raw);
        let signatures = self.header("webhook-signature");
        signatures.split(' ').any(|given| given == expected)
    }
}

fn signature(secret: &str, id: &str, at: &str, body: &str) -> String {
    let key = STANDARD
        .decode(secret.strip_prefix("whsec_").unwrap())
        .unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    mac.update(format!("{id}.{at}.{body}").as_bytes());
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

async fn serve(shared: Arc<Shared>, mut stream: TcpStream) {
    let Some(told) = read(&mut stream).await else {
        return;
    };
    let is_refused = shared.refused.lock().unwrap().as_ref() == Some(&told.id());
    shared.told.lock().unwrap().push(told);
    let scripted = shared.script.lock().unwrap().pop_front();
    let always = || shared.always.lock().unwrap().clone();
    let act = match is_refused {
        true => Act::Answer(500),
        false => scripted.or_else(always).unwrap_or(Act::Answer(204)),
    };
    shared.arrived.notify_one();
    let head = |status: u16, more: &str| format!("HTTP/1.1 {status} X\r\n{more}\r\n\r\n");
    let answer = match act {
        Act::Answer(status) => head(status, "content-length: 0"),
        Act::Redirect(to) => head(307, &format!("location: {to}\r\ncontent-length: 0")),
        Act::Reset => return stream.set_zero_linger().unwrap(),
        Act::Silence => return std::future::pending().await,
        Act::Babble => {
            let head = head(200, "transfer-encoding: chunked");
            let mut written = stream.write_all(head.as_bytes()).await;
            let chunk = format!("400\r\n{}\r\n", "x".repeat(0x400));
            while written.is_ok() {
                written = stream.write_all(chunk.as_bytes()).await;
            }
            return;
        }
    };
    let _ = stream.write_all(answer.as_bytes()).await;
    let _ = stream.shutdown().await;
}

async fn read(stream: &mut TcpStream) -> Option<Told> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let mut lines = head.lines();
            let line = lines.next()?.to_owned();
            let headers: Vec<_> = lines
                .filter_map(|line| line.split_once(": "))
                .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
                .collect();
            let told = Told {
                line,
                headers,
                raw: body.to_owned(),
            };
            if body.len() >= told.header("content-length").parse().unwrap_or(0) {
                return Some(told);
            }
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}

#[test]
fn the_receiver_checks_as_the_specification_does() {
    let signed = signature(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "1614265330",
        r#"{"test": 2432232314}"#,
    );
    let expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    assert_eq!(signed, expected);
}
