//! The rows of a folder of cases: each is played over a socket, and what came of it is judged.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::{Map, Value};
use tieline_core::{Clock as _, Secret, Timestamp};
use tieline_oauth::{Edge, Outcome, Reason, TokenFailure, Tokens};

use crate::acme::{Bench, CODE, REDIRECT_URI, VERIFIER, secret};
use crate::responder::Responder;
use crate::words;

/// No more rows than this may be judged by `ours` rather than `want`.
const MOST_DISAGREEMENTS: usize = 3;

/// One row, as the file has it.
#[derive(Debug, Deserialize)]
struct Case {
    id: String,
    context: String,
    status: Option<u16>,
    #[serde(default)]
    headers: BTreeMap<String, Texts>,
    #[serde(default)]
    body: Value,
    #[serde(default)]
    descriptor: Map<String, Value>,
    current_refresh_token: Option<String>,
    want: Map<String, Value>,
    /// What we do instead of `want`, and `reason`.
    ours: Option<Map<String, Value>>,
}

/// One text, or several of the same name.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Texts {
    One(String),
    Many(Vec<String>),
}

/// What was run.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) run: usize,
    /// What came out otherwise than wanted.
    pub(crate) failures: Vec<String>,
    pub(crate) disagreements: Vec<String>,
    pub(crate) not_executable: Vec<String>,
}

/// Runs every row about the token endpoint that a machine can play.
///
/// Rows about the callback, requests, devices and revocation have a test each, named after them. Metadata (M) and
/// introspection (V05) come later, with the steps that they are about.
pub(crate) async fn run(folder: &Path, edge: &Edge) -> Run {
    let path = folder.join("protocol-cases.json");
    let file = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let cases: Vec<Case> =
        serde_json::from_str(&file).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut run = Run {
        run: 0,
        failures: Vec::new(),
        disagreements: Vec::new(),
        not_executable: Vec::new(),
    };
    for case in cases {
        let (Some(status), Some(body)) = (case.status, case.bytes()) else {
            run.not_executable.push(case.id);
            continue;
        };
        run.failures.extend(case.play(status, &body, edge).await);
        run.run += 1;
        if case.ours.is_some() {
            run.disagreements.push(case.id);
        }
    }
    assert!(
        run.disagreements.len() <= MOST_DISAGREEMENTS,
        "too many disagreements: {:?}",
        run.disagreements
    );
    run
}

impl Case {
    /// The answer's body, if this is a row about the token endpoint that a machine can make.
    fn bytes(&self) -> Option<Vec<u8>> {
        let object = match &self.body {
            _ if !self.id.starts_with('T') => return None,
            Value::Null => return Some(Vec::new()),
            Value::String(text) => return Some(text.clone().into_bytes()),
            Value::Object(object) if object.len() == 1 => object,
            other => panic!("{}: a body that is not understood: {other}", self.id),
        };
        let (word, value) = object.iter().next().unwrap();
        match (word.as_str(), value) {
            ("describe", _) => None,
            ("bytes_hex", Value::String(digits)) => {
                Some(hex(digits).unwrap_or_else(|| panic!("{}: not hex", self.id)))
            }
            ("generate", Value::Object(what)) if what.len() == 1 => {
                let (what, size) = what.iter().next().unwrap();
                Some(self.generate(what, usize::try_from(size.as_u64().unwrap()).unwrap()))
            }
            _ => panic!("{}: a body that is not understood: {word}", self.id),
        }
    }

    fn generate(&self, what: &str, size: usize) -> Vec<u8> {
        let text = match what {
            "access_token_bytes" => format!(
                r#"{{"access_token":"{}","token_type":"bearer"}}"#,
                "a".repeat(size)
            ),
            "json_bytes" => {
                let frame = r#"{"access_token":"a","token_type":"bearer","padding":""}"#;
                frame.replace(
                    r#":""}"#,
                    &format!(r#":"{}"}}"#, "x".repeat(size - frame.len())),
                )
            }
            _ => panic!("{}: unknown word under generate: {what}", self.id),
        };
        text.into_bytes()
    }

    /// Plays the row in each of its contexts; returns what came out otherwise than wanted.
    async fn play(&self, status: u16, body: &[u8], edge: &Edge) -> Vec<String> {
        let mut failures = Vec::new();
        let headers: Vec<(&str, &str)> = self
            .headers
            .iter()
            .flat_map(|(name, texts)| {
                let texts = match texts {
                    Texts::One(text) => std::slice::from_ref(text),
                    Texts::Many(texts) => texts,
                };
                texts.iter().map(move |text| (name.as_str(), text.as_str()))
            })
            .collect();
        let contexts: &[&str] = match self.context.as_str() {
            "code" | "exchange" => &["code"],
            "cc" => &["cc"],
            "refresh" => &["refresh"],
            "any" => &["code", "refresh"],
            other => panic!("{}: unknown context: {other}", self.id),
        };
        for context in contexts {
            let responder = Responder::answering(status, &headers, body).await;
            let bench = Bench::new(
                words::oauth2(&self.id, &self.descriptor),
                &responder.origin,
                edge,
            );
            let client = bench.client();
            let result = match *context {
                "refresh" => {
                    client
                        .refresh(&secret(
                            self.current_refresh_token.as_deref().unwrap_or("R0"),
                        ))
                        .await
                }
                "cc" => client.client_credentials().await,
                _ => {
                    client
                        .exchange(&secret(CODE), REDIRECT_URI, Some(&secret(VERIFIER)))
                        .await
                }
            };
            if responder.received().len() != 1 {
                failures.push(format!(
                    "{}: {} requests were sent",
                    self.id,
                    responder.received().len()
                ));
            }
            failures.extend(self.judge(&result, bench.clock.now()));
        }
        failures
    }

    fn judge(&self, result: &Result<Tokens, TokenFailure>, now: Timestamp) -> Vec<String> {
        let mut failures = Vec::new();
        for (word, want) in &self.want {
            let want = self
                .ours
                .as_ref()
                .and_then(|ours| ours.get(word))
                .unwrap_or(want);
            let holds = match (word.as_str(), result) {
                ("outcome", result) => is_outcome(result, want.as_str().unwrap()),
                (word, Ok(tokens)) => tokens_hold(tokens, word, want, now),
                (word, Err(failure)) => failure_holds(failure, word, want, now),
            };
            match holds {
                Some(true) => {}
                Some(false) => failures.push(format!(
                    "{}: {word} is not {want}: {}",
                    self.id,
                    describe(result)
                )),
                None => failures.push(format!(
                    "{}: under want, {word} {want} means nothing",
                    self.id
                )),
            }
        }
        failures
    }
}

/// Whether this came out; `None` for an unknown word.
///
/// `rejected` lies between three words: an error that the provider names but that speaks of neither app nor token leaves
/// the instance alone and waits for the operator (`config`); one that it doesn't name is tried again (`transient`), and
/// in the end a person is asked (`reauth`).
fn is_outcome(result: &Result<Tokens, TokenFailure>, word: &str) -> Option<bool> {
    let (outcome, reason, is_named) = match result {
        Ok(_) => (None, None, false),
        Err(failure) => {
            let details = &failure.details;
            (
                Some(&failure.outcome),
                Some(&details.reason),
                details.error_code.is_some(),
            )
        }
    };
    let is_mismatch = reason == Some(&Reason::IssuerMismatch);
    Some(match (word, outcome) {
        ("ok", outcome) => outcome.is_none(),
        ("mismatch", _) => is_mismatch,
        ("malformed", Some(Outcome::OutcomeUnknown { .. })) => {
            matches!(reason, Some(Reason::Unreadable(_)))
        }
        ("config" | "refused", Some(Outcome::AppRefused)) => !is_mismatch,
        ("config", Some(Outcome::Rejected)) => is_named,
        ("reauth", Some(Outcome::Dead)) => true,
        ("reauth" | "transient", Some(Outcome::Rejected)) => !is_named,
        ("transient", Some(outcome)) => outcome.is_transient(),
        ("malformed" | "config" | "refused" | "reauth" | "transient", _) => false,
        _ => return None,
    })
}

/// Whether what is wanted holds; `None` for an unknown word.
fn tokens_hold(tokens: &Tokens, word: &str, want: &Value, now: Timestamp) -> Option<bool> {
    let set = &tokens.set;
    let is_text =
        |secret: Option<&Secret>, want: &Value| secret.map(Secret::expose) == want.as_str();
    let is_after = |at: Option<Timestamp>| at.map(|at| (at - now).get_seconds()) == want.as_i64();
    let is_at = |at: Option<Timestamp>| at == want.as_str().map(|text| text.parse().unwrap());
    Some(match word {
        "access_token" => is_text(Some(&set.access_token), want),
        "access_token_length" => want.as_u64() == u64::try_from(set.access_token.len()).ok(),
        "refresh_token" => is_text(set.refresh_token.as_ref(), want),
        "expires_in" => is_after(set.expires_at),
        "expires_at" => is_at(set.expires_at),
        "refresh_token_expires_in" => is_after(set.refresh_expires_at),
        "refresh_token_expires_at" => is_at(set.refresh_expires_at),
        "scopes" => Value::from(set.scopes.clone()) == *want,
        "warning" => match want.as_str() {
            None => tokens.warnings.is_empty(),
            Some(field) => tokens.warnings.iter().any(|warning| warning.field == field),
        },
        "token_type" => want
            .as_str()
            .is_some_and(|kind| kind.eq_ignore_ascii_case("bearer")),
        "error" => want.is_null(),
        "user" => match (&set.user, want) {
            (None, Value::Null) => true,
            (Some(user), Value::Object(want)) => {
                want.iter().all(|(word, want)| match word.as_str() {
                    "access_token" => is_text(Some(&user.access_token), want),
                    "refresh_token" => is_text(user.refresh_token.as_ref(), want),
                    _ => panic!("unknown word under user: {word}"),
                })
            }
            _ => false,
        },
        _ => return None,
    })
}

/// Whether what is wanted holds; `None` for an unknown word.
fn failure_holds(failure: &TokenFailure, word: &str, want: &Value, now: Timestamp) -> Option<bool> {
    let details = &failure.details;
    let wait = match failure.outcome {
        Outcome::Busy { retry_after } => {
            retry_after.map(|wait| i64::try_from(wait.as_secs()).unwrap())
        }
        _ => None,
    };
    Some(match word {
        "error" => [&details.error_code, &details.provider_code]
            .iter()
            .any(|code| code.as_deref() == want.as_str()),
        "status" => {
            details
                .answer
                .as_ref()
                .map(|answer| u64::from(answer.status))
                == want.as_u64()
        }
        "retry_after" => wait == want.as_i64(),
        "retry_at" => {
            wait.and_then(|wait| Timestamp::from_second(now.as_second() + wait).ok())
                == want.as_str().map(|text| text.parse().unwrap())
        }
        // Of tokens, a failure has none.
        "access_token" | "refresh_token" | "expires_in" | "expires_at" | "user" => want.is_null(),
        _ => return None,
    })
}

fn describe(result: &Result<Tokens, TokenFailure>) -> String {
    match result {
        Ok(tokens) => format!(
            "access token {:?}, refresh token {:?}, {tokens:?}",
            tokens
                .set
                .access_token
                .expose()
                .get(..40)
                .unwrap_or(tokens.set.access_token.expose()),
            tokens.set.refresh_token.as_ref().map(Secret::expose),
        ),
        Err(failure) => failure.to_string(),
    }
}

fn hex(digits: &str) -> Option<Vec<u8>> {
    (0..digits.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok())
        .collect()
}

#[test]
fn an_unknown_word_is_never_taken_for_agreement() {
    let result = std::panic::catch_unwind(|| {
        words::oauth2("X1", &Map::from_iter([("surprise".into(), Value::Null)]))
    });
    assert!(result.is_err());
    let case: Case = serde_json::from_value(serde_json::json!({
        "id": "X1", "context": "code", "status": 200, "body": "", "want": { "outcome": "ok", "surprise": 1 },
    }))
    .unwrap();
    let set = tieline_core::TokenSet {
        access_token: secret("a"),
        refresh_token: None,
        expires_at: None,
        refresh_expires_at: None,
        scopes: Vec::new(),
        user: None,
        captures: BTreeMap::new(),
    };
    let tokens = Ok(Tokens {
        set,
        warnings: Vec::new(),
    });
    assert_eq!(
        case.judge(&tokens, Timestamp::UNIX_EPOCH),
        ["X1: under want, surprise 1 means nothing"]
    );
}
