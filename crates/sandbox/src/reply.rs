//! What goes back to the client, before the wire has its say.

use serde_json::{Map, Value};
use tieline_core::random::NoRandomness;

use crate::ledger::Outcome;
use crate::rules::Answer;
use crate::template::{Values, fill, fill_text};

/// An answer ready to be sent.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// Work that was done, and how the ledger will call it.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) reply: Reply,
    pub(crate) outcome: Outcome,
}

/// Why work was not done.
#[derive(Debug)]
pub(crate) enum Failure {
    Refused(Done),
    NoRandomness(NoRandomness),
}

impl Reply {
    pub(crate) fn new(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            headers: vec![("content-type".to_owned(), content_type.to_owned())],
            body: body.into(),
        }
    }

    /// A vendor's answer with its placeholders filled; JSON unless its body is a bare text.
    pub(crate) fn fill(answer: &Answer, values: &Values) -> Self {
        let (content_type, body) = match fill(&answer.body, values) {
            Value::String(text) => ("text/plain;charset=utf-8", text),
            body => ("application/json", body.to_string()),
        };
        let mut headers: Vec<_> = answer
            .headers
            .iter()
            .map(|(name, text)| (name.clone(), fill_text(text, values)))
            .collect();
        if !headers
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case("content-type"))
        {
            headers.push(("content-type".to_owned(), content_type.to_owned()));
        }
        Self {
            status: answer.status,
            headers,
            body: body.into_bytes(),
        }
    }

    /// The same answer as a form, if it is a JSON object of scalars.
    pub(crate) fn turn_into_form(&mut self) {
        let Ok(fields) = serde_json::from_slice::<Map<String, Value>>(&self.body) else {
            return;
        };
        let text = |value: Value| match value {
            Value::String(text) => text,
            other => other.to_string(),
        };
        let pairs = fields.into_iter().map(|(name, value)| (name, text(value)));
        self.body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(pairs)
            .finish()
            .into_bytes();
        self.headers
            .retain(|(name, _)| !name.eq_ignore_ascii_case("content-type"));
        let content_type = "application/x-www-form-urlencoded; charset=utf-8";
        self.headers
            .push(("content-type".to_owned(), content_type.to_owned()));
    }

    pub(crate) fn method_not_allowed(allow: &str) -> Failure {
        let mut reply = Self::new(405, "text/plain;charset=utf-8", "method not allowed");
        reply.headers.push(("allow".to_owned(), allow.to_owned()));
        Failure::Refused(Done {
            reply,
            outcome: Outcome::Refused {
                reason: "method not allowed",
            },
        })
    }
}

/// The vendor's answer for a refusal.
pub(crate) fn refuse(answer: &Answer, reason: &'static str) -> Failure {
    let values = Values::from_iter([("reason".to_owned(), Value::from(reason))]);
    Failure::Refused(Done {
        reply: Reply::fill(answer, &values),
        outcome: Outcome::Refused { reason },
    })
}

impl From<NoRandomness> for Failure {
    fn from(error: NoRandomness) -> Self {
        Self::NoRandomness(error)
    }
}

impl Failure {
    pub(crate) fn into_done(self) -> Done {
        match self {
            Self::Refused(done) => done,
            Self::NoRandomness(error) => Done {
                reply: Reply::new(500, "text/plain;charset=utf-8", error.to_string()),
                outcome: Outcome::Refused {
                    reason: "no random bytes",
                },
            },
        }
    }
}
