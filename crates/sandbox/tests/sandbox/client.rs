//! A minimal client over bare sockets, and a vendor being played with a clock that stands still.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tieline_core::{ManualClock, Timestamp};
use tieline_sandbox::{Outcome, Sandbox, VendorRules};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use url::Url;

pub(crate) const ACME: &str = include_str!("../../../../tests/vendors/acme.json");
pub(crate) const GITHUB: &str = include_str!("../../../../tests/vendors/github.json");
pub(crate) const INFUSIONSOFT: &str = include_str!("../../../../tests/vendors/infusionsoft.json");
pub(crate) const CALLBACK: &str = "https://host.example/callback?from=a%20b";
pub(crate) const VERIFIER: &str = "abcdefghijklmnopqrstuvwxyz-0123456789-._~ABCD";

/// One answer off the wire.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn parse(bytes: &[u8]) -> Self {
        let end = bytes
            .windows(4)
            .position(|window| window == b"\r\n\r\n")
            .expect("a head");
        let head = std::str::from_utf8(&bytes[..end]).unwrap();
        let mut lines = head.split("\r\n");
        let status = lines
            .next()
            .unwrap()
            .split(' ')
            .nth(1)
            .unwrap()
            .parse()
            .unwrap();
        let headers = lines.map(|line| line.split_once(':').unwrap());
        let headers = headers
            .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
            .collect();
        Self {
            status,
            headers,
            body: bytes[end + 4..].to_vec(),
        }
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .iter()
            .find(|(given, _)| given == name)
            .map_or("(none)", |(_, value)| value)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn field(&self, name: &str) -> String {
        self.json()[name]
            .as_str()
            .unwrap_or_else(|| panic!("{name} in {self:?}"))
            .to_owned()
    }

    /// `status error/error_description`.
    pub(crate) fn error(&self) -> String {
        let json = self.json();
        format!(
            "{} {}/{}",
            self.status,
            json["error"].as_str().unwrap(),
            json["error_description"].as_str().unwrap_or("-")
        )
    }
}

/// Where client credentials stand in a token request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Auth {
    None,
    Id,
    Body,
    Basic,
    BasicAndId,
    Both,
}

pub(crate) struct Played {
    pub(crate) sandbox: Sandbox,
    pub(crate) clock: Arc<ManualClock>,
    /// What requests name as their host: the sandbox's address, until a test says otherwise.
    pub(crate) host: String,
}

/// `acme`, changed. Its accounts have a `tenant` besides: `ada` and `grace`.
pub(crate) fn acme_but(edit: impl FnOnce(&mut Value)) -> String {
    let mut rules: Value = serde_json::from_str(ACME).unwrap();
    for account in rules["accounts"].as_array_mut().unwrap() {
        account["tenant"] = account["name"].clone();
    }
    edit(&mut rules);
    rules.to_string()
}

impl Played {
    pub(crate) async fn start(rules: &str) -> Self {
        let clock = Arc::new(ManualClock::new(
            Timestamp::from_second(1_800_000_000).unwrap(),
        ));
        let sandbox = Sandbox::start(VendorRules::from_json(rules).unwrap(), clock.clone())
            .await
            .unwrap();
        let host = sandbox.address().to_string();
        Self {
            sandbox,
            clock,
            host,
        }
    }

    pub(crate) fn later(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// Sends bytes and reads until the server closes.
    pub(crate) async fn raw(&self, bytes: &[u8]) -> io::Result<Vec<u8>> {
        raw(self.sandbox.base_url(), bytes).await
    }

    pub(crate) async fn send(
        &self,
        method: &str,
        url: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> io::Result<Answer> {
        let target = url.strip_prefix(self.sandbox.base_url()).unwrap();
        let mut request = format!(
            "{method} {target} HTTP/1.1\r\nhost: {}\r\ncontent-length: {}\r\n",
            self.host,
            body.len()
        );
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        let mut request = [request.as_bytes(), b"\r\n"].concat();
        request.extend_from_slice(body);
        self.raw(&request).await.map(|bytes| Answer::parse(&bytes))
    }

    /// An authorization URL; a parameter given again replaces, with an empty value it removes.
    pub(crate) fn authorization_url(&self, changes: &[(&str, &str)]) -> String {
        let scope = match self.sandbox.rules().id() {
            "acme" => "read write",
            "github" => "repo user:email",
            _ => "full",
        };
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER));
        let mut parameters = vec![
            ("client_id", self.sandbox.client().0),
            ("redirect_uri", CALLBACK),
            ("response_type", "code"),
            ("scope", scope),
            ("state", "st&te"),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        parameters.retain(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
        parameters.extend(changes.iter().filter(|(_, value)| !value.is_empty()));
        Url::parse_with_params(&self.sandbox.authorization_endpoint(), parameters)
            .unwrap()
            .into()
    }

    pub(crate) async fn code(&self) -> String {
        let callback = self
            .sandbox
            .consent(&self.authorization_url(&[]))
            .await
            .unwrap();
        query(&callback, "code").unwrap()
    }

    pub(crate) async fn token(&self, auth: Auth, form: &[(&str, &str)]) -> io::Result<Answer> {
        self.post(&self.sandbox.token_endpoint(), auth, form).await
    }

    pub(crate) async fn post(
        &self,
        url: &str,
        auth: Auth,
        form: &[(&str, &str)],
    ) -> io::Result<Answer> {
        let (id, secret) = self.sandbox.client();
        self.post_as((id, secret), url, auth, form).await
    }

    pub(crate) async fn post_as(
        &self,
        (id, secret): (&str, &str),
        url: &str,
        auth: Auth,
        form: &[(&str, &str)],
    ) -> io::Result<Answer> {
        let mut form = form.to_vec();
        if matches!(auth, Auth::Id | Auth::Body | Auth::Both | Auth::BasicAndId) {
            form.push(("client_id", id));
        }
        if matches!(auth, Auth::Body | Auth::Both) {
            form.push(("client_secret", secret));
        }
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        let encode =
            |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let basic = format!(
            "Basic {}",
            STANDARD.encode(format!("{}:{}", encode(id), encode(secret)))
        );
        let mut headers = vec![("content-type", "application/x-www-form-urlencoded")];
        if matches!(auth, Auth::Basic | Auth::Both | Auth::BasicAndId) {
            headers.push(("authorization", &basic));
        }
        self.send("POST", url, &headers, body.as_bytes()).await
    }

    pub(crate) async fn exchange(&self, code: &str) -> io::Result<Answer> {
        self.token(Auth::Body, &exchange_form(code)).await
    }

    pub(crate) async fn refresh(&self, refresh_token: &str) -> io::Result<Answer> {
        self.token(
            Auth::Basic,
            &[
                ("grant_type", "refresh_token"),
                ("refresh_token", refresh_token),
            ],
        )
        .await
    }

    /// The first access and refresh token of a new grant.
    pub(crate) async fn connect(&self) -> (String, String) {
        pair(&self.exchange(&self.code().await).await.unwrap())
    }

    /// Why the last request was refused.
    pub(crate) fn reason(&self) -> &'static str {
        match self.sandbox.ledger().requests().last().unwrap().outcome {
            Outcome::Refused { reason } => reason,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn call(&self, path: &str, token: &str) -> io::Result<Answer> {
        let url = format!("{}{path}", self.sandbox.api_base());
        self.send(
            "GET",
            &url,
            &[("authorization", &format!("Bearer {token}"))],
            b"",
        )
        .await
    }
}

pub(crate) fn exchange_form(code: &str) -> [(&str, &str); 4] {
    [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ]
}

pub(crate) fn pair(answer: &Answer) -> (String, String) {
    assert_eq!(answer.status, 200, "{answer:?}");
    (answer.field("access_token"), answer.field("refresh_token"))
}

pub(crate) fn query(url: &str, name: &str) -> Option<String> {
    let url = Url::parse(url).unwrap();
    url.query_pairs()
        .find(|(given, _)| given == name)
        .map(|(_, value)| value.into_owned())
}

/// Sends bytes and reads until the server closes. The limit only turns a hang into a failure.
pub(crate) async fn raw(base_url: &str, bytes: &[u8]) -> io::Result<Vec<u8>> {
    let talk = async {
        let mut stream = TcpStream::connect(base_url.strip_prefix("http://").unwrap()).await?;
        stream.write_all(bytes).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        Ok(answer)
    };
    tokio::time::timeout(Duration::from_secs(30), talk)
        .await
        .expect("the server closes the connection")
}
