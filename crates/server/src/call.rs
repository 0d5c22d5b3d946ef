//! `ANY /v1/instances/{id}/call/{path}`: the authenticated call, handed on as it is, both bodies in pieces as they come.

use std::io;
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody as _};
use axum::extract::Request;
use axum::response::Response;
use futures_util::StreamExt as _;
use http::Uri;
use http::header::{CONNECTION, HeaderMap, HeaderName, HeaderValue};
use tieline_core::InstanceId;
use tieline_engine::{AnswerBody, CallBody, CallOptions, NotReplayed};

use crate::asked::Id;
use crate::caller::Calling;
use crate::{Problem, body};

/// Tells the provider's answer from ours: JSON pairs of all its headers, byte for byte, each byte a character. HTTP lets no
/// server hand on those that speak for a connection, and servers add some of their own.
pub const ANSWER_HEAD: HeaderName = HeaderName::from_static("tieline-answer-head");

/// In an answer that refused the access token: what became of that, and what to do now.
const NOT_REPLAYED: HeaderName = HeaderName::from_static("tieline-not-replayed");

/// In a request: for how many seconds it may be held back. It is not passed on.
const PATIENCE: HeaderName = HeaderName::from_static("tieline-patience");

/// The longest patience, in seconds.
pub(crate) const LONGEST_PATIENCE: u64 = 600;

/// A body that announces no more than this is read before it is sent on, so that it can be sent twice.
const SHORT: u64 = 64 << 10;

pub(crate) async fn call(
    Calling(engine): Calling,
    Id(id): Id<InstanceId>,
    request: Request,
) -> Result<Response, Problem> {
    let (mut parts, body) = request.into_parts();
    parts.uri = path_of_call(&parts.uri, id)
        .ok_or_else(|| Problem::bad_request("what follows /call is not a path"))?;
    let options = options(parts.headers.remove(PATIENCE))?;
    let mut request = http::Request::new(in_pieces(body).await?);
    *request.method_mut() = parts.method;
    *request.uri_mut() = parts.uri;
    *request.headers_mut() = parts.headers;
    let answer = engine.instance(id).call_streaming(request, options).await?;
    Ok(handed_on(answer))
}

fn options(patience: Option<HeaderValue>) -> Result<CallOptions, Problem> {
    let Some(patience) = patience else {
        return Ok(CallOptions::default());
    };
    let seconds = patience.to_str().ok().and_then(|text| text.parse().ok());
    match seconds {
        Some(seconds) if seconds <= LONGEST_PATIENCE => Ok(CallOptions {
            patience: Duration::from_secs(seconds),
        }),
        _ => Err(Problem::bad_request(
            "tieline-patience is the number of seconds, 600 at most, that the call may be held back",
        )),
    }
}

async fn in_pieces(body: Body) -> Result<CallBody, Problem> {
    if body.size_hint().upper().is_none_or(|most| most > SHORT) {
        let pieces = body.into_data_stream();
        let pieces = pieces.map(|piece| piece.map_err(io::Error::other));
        return Ok(CallBody::Stream(Box::pin(pieces)));
    }
    Ok(CallBody::Bytes(body::read(body).await?))
}

/// What follows `/call`, as it was written: the provider may tell `%2F` from a slash.
fn path_of_call(uri: &Uri, id: InstanceId) -> Option<Uri> {
    let whole = uri.path_and_query()?.as_str();
    let (_, path) = whole.split_once(&format!("/instances/{id}/call"))?;
    path.parse().ok()
}

fn handed_on(answer: http::Response<AnswerBody>) -> Response {
    let (parts, body) = answer.into_parts();
    let not_replayed = parts.extensions.get::<NotReplayed>().copied();
    let mut response = Response::new(Body::from_stream(body));
    *response.status_mut() = parts.status;
    *response.headers_mut() = of_our_connection(parts.headers);
    if let Some(note) = not_replayed.and_then(|note| HeaderValue::from_str(&note.to_string()).ok())
    {
        response.headers_mut().insert(NOT_REPLAYED, note);
    }
    response
}

/// The provider's headers but those that speak for its connection, and all of them in one.
fn of_our_connection(mut headers: HeaderMap) -> HeaderMap {
    let head = head(&headers);
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named.iter().chain(&SPEAK_FOR_A_CONNECTION) {
        headers.remove(name);
    }
    if let Some(head) = head {
        headers.insert(ANSWER_HEAD, head);
    }
    headers
}

/// RFC 9110 section 7.6.1, and the length of a body, which an answer to HEAD has not.
const SPEAK_FOR_A_CONNECTION: [HeaderName; 8] = [
    http::header::CONNECTION,
    http::header::CONTENT_LENGTH,
    http::header::TE,
    http::header::TRAILER,
    http::header::TRANSFER_ENCODING,
    http::header::UPGRADE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
];

fn head(headers: &HeaderMap) -> Option<HeaderValue> {
    let pairs: Vec<(&str, String)> = headers
        .iter()
        .map(|(name, value)| {
            let text = value.as_bytes().iter().map(|byte| char::from(*byte));
            (name.as_str(), text.collect())
        })
        .collect();
    let json = serde_json::to_vec(&pairs).ok()?;
    HeaderValue::from_bytes(&json).ok()
}

/// The provider's answer as it came to the server; `None` where this is an answer of the server itself.
pub fn answer_of(response: http::Response<Bytes>) -> Option<http::Response<Bytes>> {
    let head = response.headers().get(ANSWER_HEAD)?;
    let pairs: Vec<(String, String)> = serde_json::from_slice(head.as_bytes()).ok()?;
    let mut headers = HeaderMap::new();
    for (name, text) in pairs {
        let bytes = text.chars().map(|byte| u8::try_from(u32::from(byte)));
        let bytes: Vec<u8> = bytes.collect::<Result<_, _>>().ok()?;
        let name: HeaderName = name.parse().ok()?;
        headers.append(name, HeaderValue::from_bytes(&bytes).ok()?);
    }
    let (mut parts, body) = response.into_parts();
    parts.headers = headers;
    Some(http::Response::from_parts(parts, body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_handed_on_as_it_was_written() {
        for (path, expected) in [
            (
                "/v1/instances/7/call/a%2Fb/../c?q=%20&r",
                "/a%2Fb/../c?q=%20&r",
            ),
            ("/v1/instances/7/call/", "/"),
            (
                "/instances/7/call/x/instances/7/call/y",
                "/x/instances/7/call/y",
            ),
        ] {
            let found = path_of_call(&path.parse().unwrap(), InstanceId(7));
            assert_eq!(found.unwrap().to_string(), expected);
        }
    }

    #[test]
    fn patience_is_a_number_of_seconds() {
        let given = |text| options(Some(HeaderValue::from_static(text))).map(|it| it.patience);
        assert_eq!(options(None).unwrap(), CallOptions::default());
        assert_eq!(given("0").unwrap(), Duration::ZERO);
        assert_eq!(given("600").unwrap(), Duration::from_secs(600));
        for bad in ["", "601", "-1", "1.5", "soon"] {
            assert_eq!(given(bad).unwrap_err().status, 400, "{bad}");
        }
    }

    #[test]
    fn an_answer_arrives_as_the_provider_gave_it() {
        let given = http::Response::builder()
            .status(418)
            .header("x-first", "1")
            .header("transfer-encoding", "chunked")
            .header("connection", "close, X-Hop")
            .header("x-hop", "1")
            .header("set-cookie", "a")
            .header("set-cookie", HeaderValue::from_bytes(b"\xfc\"b").unwrap())
            .body(Bytes::from_static(b"{}"))
            .unwrap();
        let (status, headers) = (given.status(), given.headers().clone());
        let (mut parts, body) = given.into_parts();
        parts.headers = of_our_connection(parts.headers);
        for gone in ["transfer-encoding", "connection", "x-hop"] {
            assert!(!parts.headers.contains_key(gone), "{gone}");
        }
        parts.headers.insert("date", HeaderValue::from_static("x"));
        let arrived = answer_of(http::Response::from_parts(parts, body)).unwrap();
        assert_eq!((arrived.status(), arrived.headers()), (status, &headers));
        assert_eq!(arrived.body(), "{}");
        assert!(answer_of(http::Response::new(Bytes::new())).is_none());
    }
}
