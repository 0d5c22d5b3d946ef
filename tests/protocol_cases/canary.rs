//! No secret is ever shown: not in an error, not in a log, whatever the other side answers.

use std::fmt::Write as _;
use std::io;
use std::sync::{Arc, Mutex};

use tieline_core::descriptor::{BodyFormat, ClientAuthentication, OAuth2, TokenRequest};
use tieline_oauth::TokenTypeHint;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::acme::{Bench, REDIRECT_URI, STANDARD, edge, secret};
use crate::responder::{Act, Responder};

const CLIENT_SECRET: &str = "canary-client-secret";
const CODE: &str = "canary-code";
const VERIFIER: &str = "canary-verifier-canary-verifier-canary-verifier";
const REFRESH_TOKEN: &str = "canary-refresh-token";

/// Everything that is logged, by us and by the libraries below.
#[derive(Debug, Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Answers of every kind, some of which repeat a secret that they were sent.
fn answers(sent: &str) -> Vec<Act> {
    let answer = |status: u16, body: &str| {
        let head = format!(
            "HTTP/1.1 {status} {sent}\r\nx-echo: {sent}\r\nwww-authenticate: Bearer error=\"{sent}\""
        );
        let frame = format!(
            "content-type: text/plain; x={sent}\r\ncontent-length: {}",
            body.len()
        );
        Act::Answer(format!("{head}\r\n{frame}\r\n\r\n{body}").into_bytes())
    };
    vec![
        answer(
            200,
            r#"{"access_token":"canary-access-token","refresh_token":"canary-new-token","expires_in":"canary"}"#,
        ),
        answer(
            200,
            r#"{"access_token":"canary-access-token\n","token_type":"canary-type"}"#,
        ),
        answer(200, "canary-body"),
        answer(200, r#"{"access_token":"canary-access-token"#),
        answer(
            200,
            &format!(r#"{{"error":"{sent}","error_description":"canary-description"}}"#),
        ),
        answer(
            200,
            "access_token=canary-access-token&access_token=canary-access-token%0a",
        ),
        answer(
            400,
            &format!(
                r#"{{"error":"no such token {sent}","error_description":"canary-description"}}"#
            ),
        ),
        answer(
            400,
            r#"{"error":"invalid_grant","error_description":"canary-description"}"#,
        ),
        answer(401, ""),
        answer(307, "canary-body"),
        answer(503, "<canary-body>"),
        answer(500, "canary-body"),
        Act::Answer(b"canary-protocol\r\n\r\n".to_vec()),
        Act::Answer(
            b"HTTP/1.1 200 OK\r\ncontent-length: 90\r\n\r\n{\"access_token\":\"canary-access-token"
                .to_vec(),
        ),
        Act::Reset,
    ]
}

/// Whatever can be printed of every step against every answer.
async fn everything_printable() -> String {
    let edge = edge();
    let query = TokenRequest {
        body: BodyFormat::Query,
        ..TokenRequest::BODY
    };
    let bearer = TokenRequest::with(ClientAuthentication::BearerSecret);
    let mut printed = String::new();
    for style in [TokenRequest::BASIC, TokenRequest::BODY, query, bearer] {
        let oauth2 = OAuth2 {
            exchange: style,
            refresh: style,
            revoke: style,
            ..STANDARD
        };
        for origin in ["https://127.0.0.1:1", "https://nowhere.invalid"] {
            let bench = Bench::with_credentials(oauth2, origin, &edge, "key", Some(CLIENT_SECRET));
            exchange(&bench, &mut printed).await;
            refresh_and_revoke(&bench, &mut printed).await;
        }
        for sent in [CODE, VERIFIER, REFRESH_TOKEN, CLIENT_SECRET] {
            for act in answers(sent) {
                let responder = Responder::start(act).await;
                let bench = Bench::with_credentials(
                    oauth2,
                    &responder.origin,
                    &edge,
                    "key",
                    Some(CLIENT_SECRET),
                );
                if sent != REFRESH_TOKEN {
                    exchange(&bench, &mut printed).await;
                }
                if sent == REFRESH_TOKEN || sent == CLIENT_SECRET {
                    refresh_and_revoke(&bench, &mut printed).await;
                }
            }
        }
    }
    printed
}

async fn exchange(bench: &Bench, printed: &mut String) {
    let exchanged = bench
        .client()
        .exchange(&secret(CODE), REDIRECT_URI, Some(&secret(VERIFIER)))
        .await;
    if let Err(failure) = &exchanged {
        writeln!(printed, "{failure}").unwrap();
    }
    writeln!(printed, "{exchanged:?} {bench:?} {:?}", bench.client()).unwrap();
}

async fn refresh_and_revoke(bench: &Bench, printed: &mut String) {
    let refreshed = bench.client().refresh(&secret(REFRESH_TOKEN)).await;
    if let Err(failure) = &refreshed {
        writeln!(printed, "{failure}").unwrap();
    }
    let revoked = bench
        .client()
        .revoke(&secret(REFRESH_TOKEN), TokenTypeHint::RefreshToken)
        .await;
    if let Err(failure) = &revoked {
        writeln!(printed, "{failure}").unwrap();
    }
    writeln!(printed, "{refreshed:?} {revoked:?}").unwrap();
}

#[tokio::test]
async fn no_secret_is_shown_or_logged() {
    let log = Log::default();
    // For the whole process: records of the `log` crate go to the global subscriber alone.
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(log.clone())
        .finish()
        .init();
    let printed = everything_printable().await;
    let logged = String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();

    assert!(
        printed.contains("outcome unknown") && printed.contains("[redacted]"),
        "nothing was printed"
    );
    assert!(
        logged.contains("token request: acme: refresh at 127.0.0.1"),
        "our own events are not in the log"
    );
    assert!(
        logged.contains("reqwest"),
        "the libraries' records are not in the log"
    );
    for (name, text) in [("printed", &printed), ("logged", &logged)] {
        let shown: Vec<_> = text
            .lines()
            .filter(|line| line.contains("canary"))
            .take(3)
            .collect();
        assert!(shown.is_empty(), "{name}: {shown:#?}");
    }
}
