//! `ANY /v1/instances/{id}/call/{path}`: the authenticated call, handed on as it is.

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::response::Response;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::{Method, Uri};
use tieline_core::InstanceId;

use crate::Problem;
use crate::asked::Id;
use crate::caller::Calling;

/// Tells the provider's answer from ours: JSON pairs of all its headers, byte for byte, each byte a character. HTTP lets no
/// server hand on those that speak for a connection, and servers add some of their own.
pub const ANSWER_HEAD: HeaderName = HeaderName::from_static("tieline-answer-head");

pub(crate) async fn call(
    Calling(engine): Calling,
    Id(id): Id<InstanceId>,
    request: Request,
) -> Result<Response, Problem> {
    let (mut parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX)
        .await
        .map_err(|_| Problem::bad_request("the body can't be read to its end"))?;
    parts.uri = path_of_call(&parts.uri, id)
        .ok_or_else(|| Problem::bad_request("what follows /call is not a path"))?;
    let mut request = http::Request::new(body);
    *request.method_mut() = std::mem::replace(&mut parts.method, Method::GET);
    *request.uri_mut() = parts.uri;
    *request.headers_mut() = parts.headers;
    let answer = engine.instance(id).call(request).await?;
    Ok(handed_on(answer))
}

/// What follows `/call`, as it was written: the provider may tell `%2F` from a slash.
fn path_of_call(uri: &Uri, id: InstanceId) -> Option<Uri> {
    let whole = uri.path_and_query()?.as_str();
    let (_, path) = whole.split_once(&format!("/instances/{id}/call"))?;
    path.parse().ok()
}

fn handed_on(answer: http::Response<Bytes>) -> Response {
    let (mut parts, body) = answer.into_parts();
    let head = head(&parts.headers);
    for name in &SPEAK_FOR_A_CONNECTION {
        parts.headers.remove(name);
    }
    if let Some(head) = head {
        parts.headers.insert(ANSWER_HEAD, head);
    }
    Response::from_parts(parts, Body::from(body))
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

    #[tokio::test]
    async fn an_answer_arrives_as_the_provider_gave_it() {
        let given = http::Response::builder()
            .status(418)
            .header("x-first", "1")
            .header("transfer-encoding", "chunked")
            .header("set-cookie", "a")
            .header("set-cookie", HeaderValue::from_bytes(b"\xfc\"b").unwrap())
            .body(Bytes::from_static(b"{}"))
            .unwrap();
        let (status, headers) = (given.status(), given.headers().clone());
        let (mut parts, body) = handed_on(given).into_parts();
        assert!(!parts.headers.contains_key("transfer-encoding"));
        parts.headers.insert("date", HeaderValue::from_static("x"));
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let arrived = answer_of(http::Response::from_parts(parts, body)).unwrap();
        assert_eq!((arrived.status(), arrived.headers()), (status, &headers));
        assert_eq!(arrived.body(), "{}");
        assert!(answer_of(http::Response::new(Bytes::new())).is_none());
    }
}
