//! What went wrong, as RFC 9457 has it.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use tieline_core::parameters::{ParameterProblem, ParameterProblems};
use tieline_core::registry::UnknownProvider;
use tieline_core::{InstanceId, InvalidId};
use tieline_engine::{EngineError, Kind};
use tieline_store::{Binding, Permission, StoreError};
use utoipa::ToSchema;

/// What the type of every problem begins with; what follows is the error's stable name.
const TYPE: &str = "urn:tieline:problem:";

/// A problem, `application/problem+json` (RFC 9457). Never contains a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// `urn:tieline:problem:` and the error's stable name.
    #[serde(rename = "type")]
    pub kind_of_problem: String,
    /// The status that it is answered with.
    pub status: u16,
    /// What happened and what helps, for a person.
    pub detail: String,
    /// What kind of trouble it is.
    pub kind: Kind,
    /// The instance that it is about, if it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance_id: Option<InstanceId>,
    /// The provider that it is about, if it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// The request that it answers, as in the log; absent on the control socket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// Seconds after which the same request makes sense again, where anybody says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
    /// Each parameter that is missing or wrong.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<ParameterProblem>,
    /// Whether what was asked for may have been done all the same.
    #[serde(skip)]
    pub(crate) is_in_doubt: bool,
}

impl Problem {
    fn new(name: &str, status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            kind_of_problem: format!("{TYPE}{name}"),
            status: status.as_u16(),
            detail: detail.into(),
            kind: Kind::Failure,
            instance_id: None,
            provider: None,
            request_id: None,
            retry_after: None,
            problems: Vec::new(),
            is_in_doubt: false,
        }
    }

    /// The error's stable name.
    pub fn name(&self) -> &str {
        let kind = &self.kind_of_problem;
        kind.strip_prefix(TYPE).unwrap_or(kind)
    }

    pub(crate) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new("bad-request", StatusCode::BAD_REQUEST, detail)
    }

    pub(crate) fn too_long() -> Self {
        let detail = "the body is longer than the 1 MiB that is taken here";
        Self::new("body-too-long", StatusCode::PAYLOAD_TOO_LARGE, detail)
    }

    pub(crate) fn too_slow() -> Self {
        let detail = "nothing more of the body came for 30 seconds: send it in one go";
        Self::new("body-too-slow", StatusCode::REQUEST_TIMEOUT, detail)
    }

    pub(crate) fn not_json() -> Self {
        let detail =
            "the body is JSON here: send it with the header `content-type: application/json`";
        Self::new("not-json", StatusCode::UNSUPPORTED_MEDIA_TYPE, detail)
    }

    pub(crate) fn unreadable_answer() -> Self {
        let detail = "what was answered to a request with this idempotency key can't be read any more: look whether what it asked \
                      for is there, and send it with another key if it isn't";
        Self::new("request-outcome-unknown", StatusCode::CONFLICT, detail)
    }

    pub(crate) fn unauthenticated() -> Self {
        let detail =
            "send one API key, as `Authorization: Bearer …`; `tieline api-keys create` makes one";
        Self::new("unauthenticated", StatusCode::UNAUTHORIZED, detail)
    }

    pub(crate) fn not_permitted(permission: Permission) -> Self {
        let detail = format!(
            "this API key has not the permission `{}`: use another, or make one with it",
            permission.as_str()
        );
        Self::new("not-permitted", StatusCode::FORBIDDEN, detail)
    }

    pub(crate) fn no_such_binding(bindings: &[Binding]) -> Self {
        let words: Vec<_> = bindings.iter().map(|binding| binding.as_str()).collect();
        let detail = format!("binding is one of {} here", words.join(", "));
        Self::new("unusable", StatusCode::UNPROCESSABLE_ENTITY, detail)
    }

    pub(crate) fn no_public_url() -> Self {
        let detail = "no public URL is configured, so there is no address for a link: set TIELINE_PUBLIC_URL";
        Self {
            kind: Kind::Configuration,
            ..Self::new("no-public-url", StatusCode::UNPROCESSABLE_ENTITY, detail)
        }
    }

    pub(crate) fn not_ready() -> Self {
        let detail = "the store does not answer; the log says why";
        Self {
            kind: Kind::Unavailable,
            ..Self::new("not-ready", StatusCode::SERVICE_UNAVAILABLE, detail)
        }
    }

    pub(crate) fn says_nothing_here(member: &str, instead: &str) -> Self {
        let detail = format!("{member} says nothing here: {instead}");
        Self::new("unusable", StatusCode::UNPROCESSABLE_ENTITY, detail)
    }

    pub(crate) fn not_found() -> Self {
        let detail = "there is nothing at this path";
        Self::new("no-such-path", StatusCode::NOT_FOUND, detail)
    }

    pub(crate) fn method_not_allowed() -> Self {
        let detail = "this path takes other methods than that";
        Self::new("no-such-method", StatusCode::METHOD_NOT_ALLOWED, detail)
    }
}

impl Problem {
    /// What an error tells, its parameters apart.
    pub(crate) fn told(error: &EngineError) -> Self {
        let (name, kind) = (error.name(), error.kind());
        Self {
            kind,
            instance_id: error.instance(),
            provider: error.provider().map(str::to_owned),
            retry_after: error.retry_after().map(|wait| wait.as_secs().max(1)),
            is_in_doubt: error.leaves_in_doubt(),
            ..Self::new(name, status(name, kind), error.to_string())
        }
    }
}

impl From<EngineError> for Problem {
    fn from(error: EngineError) -> Self {
        let problem = Self::told(&error);
        match error {
            EngineError::Parameters(ParameterProblems(problems)) => Self {
                problems,
                ..problem
            },
            _ => problem,
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        EngineError::from(error).into()
    }
}

impl From<UnknownProvider> for Problem {
    fn from(error: UnknownProvider) -> Self {
        EngineError::from(error).into()
    }
}

/// Of a request that a host makes for an instance.
impl From<http::Error> for Problem {
    fn from(error: http::Error) -> Self {
        Self::bad_request(error.to_string())
    }
}

impl From<InvalidId> for Problem {
    fn from(error: InvalidId) -> Self {
        Self::bad_request(error.to_string())
    }
}

pub(crate) fn status(name: &str, kind: Kind) -> StatusCode {
    match (name, kind) {
        (
            "unknown-provider" | "no-such-app" | "no-such-instance" | "no-such-api-key"
            | "no-such-tenant" | "no-such-webhook" | "not-found" | "unknown-ticket"
            | "unknown-link" | "unknown-state",
            _,
        ) => StatusCode::NOT_FOUND,
        ("not-the-operator" | "not-yours", _) => StatusCode::FORBIDDEN,
        ("unusable" | "other-request", _) => StatusCode::UNPROCESSABLE_ENTITY,
        (
            "conflict"
            | "exists"
            | "leaving"
            | "disabled"
            | "request-under-way"
            | "request-outcome-unknown",
            _,
        )
        | (_, Kind::Reconnect) => StatusCode::CONFLICT,
        // Nothing that another request would mend.
        ("http-edge" | "no-randomness" | "store" | "unreadable", Kind::Failure) => {
            StatusCode::INTERNAL_SERVER_ERROR
        }
        (_, Kind::Failure) => StatusCode::BAD_REQUEST,
        (_, Kind::Configuration) => StatusCode::UNPROCESSABLE_ENTITY,
        (_, Kind::Unavailable) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status);
        let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        // All of it is text and numbers, which always can be written.
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let kind = HeaderValue::from_static("application/problem+json");
        let mut response = (status, [(header::CONTENT_TYPE, kind)], body).into_response();
        if let Some(seconds) = self.retry_after {
            let headers = response.headers_mut();
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        if self.status == 401 {
            let bearer = HeaderValue::from_static("Bearer");
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, bearer);
        }
        // Whoever gave the request its id writes it in.
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_tells_what_the_engine_tells() {
        let problem = Problem::from(EngineError::NoSuchInstance(InstanceId(7)));
        assert_eq!((problem.status, problem.kind), (404, Kind::Failure));
        assert_eq!(problem.name(), "no-such-instance");
        assert_eq!(
            problem.detail,
            "there is no instance 7: `tieline instances list` shows them"
        );
        let waits = Problem::from(EngineError::RefreshInProgress {
            instance: InstanceId(7),
            retry_after: std::time::Duration::from_millis(200),
        });
        assert_eq!((waits.status, waits.retry_after), (503, Some(1)));
        let response = waits.clone().into_response();
        assert_eq!(response.headers()[header::RETRY_AFTER], "1");
        let text = serde_json::to_string(&waits).unwrap();
        assert_eq!(serde_json::from_str::<Problem>(&text).unwrap(), waits);
    }
}
