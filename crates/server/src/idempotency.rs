//! `Idempotency-Key` on whatever makes something (draft-ietf-httpapi-idempotency-key-header): sent twice, done once.

use axum::body::{Body, Bytes};
use axum::extract::{Extension, Request};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tieline_core::Secret;
use tieline_engine::{EngineError, KeptAnswer, Once};
use tieline_store::Permissions;
use tracing::Instrument as _;

use crate::caller::Caller;
use crate::{Problem, body};

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
/// The longest key, in bytes.
pub(crate) const LONGEST_KEY: usize = 255;

/// What makes something. Elsewhere the header means nothing: what is passed to a provider is passed on with it.
const MAKES_SOMETHING: [&str; 8] = [
    "/api-keys",
    "/apps",
    "/authorizations",
    "/device-authorizations",
    "/instances",
    "/links",
    "/tenants",
    "/webhooks",
];

/// Whether a request below `/v1` makes something.
pub(crate) fn makes_something(method: &Method, path: &str) -> bool {
    method == Method::POST && MAKES_SOMETHING.contains(&path)
}

/// Does a request with a key once, and answers the same to whoever sends it again.
pub(crate) async fn once(
    Extension(caller): Extension<Caller>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    if !makes_something(request.method(), request.uri().path()) {
        return Ok(next.run(request).await);
    }
    let Some(key) = key(request.headers())? else {
        return Ok(next.run(request).await);
    };
    let (parts, whole) = request.into_parts();
    let head = Request::from_parts(parts.clone(), whole);
    let bytes = body::whole(head).await?;
    let request = Request::from_parts(parts, Body::from(bytes.clone()));
    let hash = hash(&request, &bytes, caller.permissions());
    let work = async move { kept(next.run(request).await).await };
    let once = caller.engine().once(&key, hash, work.in_current_span());
    match once.await? {
        Once::Done(response) => Ok(response),
        Once::Again(answer) => Ok(replayed(&answer)),
    }
}

/// The key, if there is one.
fn key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut all = headers.get_all(KEY).iter();
    let (key, second) = (all.next(), all.next());
    let Some(key) = key else {
        return Ok(None);
    };
    let visible = key.as_bytes().iter().all(u8::is_ascii_graphic);
    let fits = (1..=LONGEST_KEY).contains(&key.len());
    match key.to_str() {
        Ok(text) if visible && fits && second.is_none() => Ok(Some(text.to_owned())),
        _ => Err(Problem::bad_request(
            "idempotency-key is one text of 1 to 255 visible ASCII characters: a UUID will do",
        )),
    }
}

/// What makes it this request. An API key that may do less must not be told what another was answered.
fn hash(request: &Request, body: &[u8], permissions: Permissions) -> [u8; 32] {
    let mut hash = Sha256::new();
    let words: Vec<_> = permissions.iter().map(|it| it.as_str()).collect();
    let uri = request.uri().to_string();
    for part in [request.method().as_str(), &uri, &words.join(" ")] {
        hash.update(part.len().to_be_bytes());
        hash.update(part);
    }
    hash.update(Sha256::digest(body));
    hash.finalize().into()
}

/// What is kept of an answer, beside its status.
#[derive(Serialize, Deserialize)]
struct Kept {
    content_type: Option<String>,
    cache_control: Option<String>,
    body: String,
}

/// The answer, and what is kept of it: nothing where the same request may fare better another time; and where nobody knows
/// whether it was done, that.
async fn kept(response: Response) -> (Response, Option<KeptAnswer>) {
    let problem = response.extensions().get::<Problem>();
    if problem.is_some_and(|problem| problem.is_in_doubt) {
        let unknown = Problem::from(EngineError::RequestOutcomeUnknown);
        let (_, unknown) = read(unknown.into_response()).await;
        return (response, unknown);
    }
    let passes =
        response.status().is_server_error() || response.headers().contains_key(RETRY_AFTER);
    let (response, answer) = read(response).await;
    (response, answer.filter(|_| !passes))
}

/// A response, as it is and as it is kept.
async fn read(response: Response) -> (Response, Option<KeptAnswer>) {
    let (parts, body) = response.into_parts();
    // It is in memory already.
    let bytes = axum::body::to_bytes(body, usize::MAX).await;
    let bytes: Bytes = bytes.unwrap_or_default();
    let text = |name| Some(parts.headers.get(name)?.to_str().ok()?.to_owned());
    let kept = Kept {
        content_type: text(CONTENT_TYPE),
        cache_control: text(CACHE_CONTROL),
        body: String::from_utf8_lossy(&bytes).into_owned(),
    };
    let answer = serde_json::to_string(&kept).ok().map(|text| KeptAnswer {
        status: parts.status.as_u16(),
        text: Secret::new(text),
    });
    (Response::from_parts(parts, Body::from(bytes)), answer)
}

fn replayed(answer: &KeptAnswer) -> Response {
    let Ok(kept) = serde_json::from_str::<Kept>(answer.text.expose()) else {
        return Problem::unreadable_answer().into_response();
    };
    let mut response = match serde_json::from_str::<Problem>(&kept.body) {
        // With an id of this request.
        Ok(problem) => problem.into_response(),
        Err(_) => Response::new(Body::from(kept.body)),
    };
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or_default();
    let headers = response.headers_mut();
    for (name, text) in [
        (CONTENT_TYPE, kept.content_type),
        (CACHE_CONTROL, kept.cache_control),
    ] {
        if let Some(value) = text.and_then(|text| HeaderValue::from_str(&text).ok()) {
            headers.insert(name, value);
        }
    }
    headers.insert(REPLAYED, HeaderValue::from_static("true"));
    response
}

#[cfg(test)]
mod tests {
    use tieline_store::StoreError;

    use super::*;

    #[test]
    fn a_key_is_one_short_visible_text() {
        let found = |values: &[&[u8]]| {
            let values = values
                .iter()
                .filter_map(|it| HeaderValue::from_bytes(it).ok());
            key(&values.map(|value| (KEY, value)).collect()).map_err(|problem| problem.status)
        };
        assert_eq!(found(&[]), Ok(None));
        assert_eq!(found(&[b"a-1"]), Ok(Some("a-1".to_owned())));
        assert_eq!(found(&[&[b'a'; 255]]), Ok(Some("a".repeat(255))));
        assert_eq!(found(&[&[b'a'; 256]]), Err(400));
        assert_eq!(found(&[b""]), Err(400));
        assert_eq!(found(&[b"a b"]), Err(400));
        assert_eq!(found(&[b"\xfc"]), Err(400));
        assert_eq!(found(&[b"a", b"a"]), Err(400));
    }

    #[tokio::test]
    async fn an_outcome_in_doubt_is_kept_as_that() {
        let told = async |error: StoreError| {
            let (_, answer) = kept(Problem::from(error).into_response()).await;
            answer.map(|answer| (answer.status, answer.text.expose().contains("is there")))
        };
        let unreachable = |sent| StoreError::Unreachable {
            place: "postgres://db".into(),
            why: "the connection broke".to_owned(),
            sent,
        };
        assert_eq!(told(unreachable(true)).await, Some((409, true)));
        // These did nothing.
        assert_eq!(told(unreachable(false)).await, None);
        assert_eq!(told(StoreError::Busy).await, None);
        let conflict = StoreError::Conflict("there is one".to_owned());
        assert_eq!(told(conflict).await, Some((409, false)));
    }
}
