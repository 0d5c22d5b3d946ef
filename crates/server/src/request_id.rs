//! Each request has an id: the caller's own, or one of ours. It stands in the answer's headers, in the log, and in a problem's body.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderName, HeaderValue};
use tieline_core::random;
use tracing::Instrument as _;

use crate::Problem;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The longest id of a caller's that is taken, in bytes.
const LONGEST: usize = 64;

/// Gives the request its id.
pub(crate) async fn request_id(mut request: Request, next: Next) -> Response {
    let id = match request.headers().get(REQUEST_ID).and_then(own) {
        Some(id) => id,
        // Without randomness nothing else works either.
        None => random::context().unwrap_or_default(),
    };
    let span = tracing::info_span!("request", id);
    let value = HeaderValue::from_str(&id).ok();
    if let Some(value) = &value {
        request.headers_mut().insert(REQUEST_ID, value.clone());
    }
    let mut response = next.run(request).instrument(span).await;
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        let headers = std::mem::take(response.headers_mut());
        let problem = Problem {
            request_id: Some(id),
            ..problem
        };
        response = problem.into_response();
        for (name, header) in &headers {
            if !response.headers().contains_key(name) {
                response.headers_mut().append(name, header.clone());
            }
        }
    }
    if let Some(value) = value {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

/// A caller's own id, if it can stand in a log.
fn own(value: &HeaderValue) -> Option<String> {
    let text = value.to_str().ok()?;
    let fits = (1..=LONGEST).contains(&text.len());
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (fits && text.bytes().all(plain)).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_ids_are_taken_over() {
        let own = |text: &str| own(&HeaderValue::from_str(text).unwrap());
        assert_eq!(own("a-b_c.9").as_deref(), Some("a-b_c.9"));
        assert_eq!(own(""), None);
        assert_eq!(own("a b"), None);
        assert_eq!(own(&"a".repeat(65)), None);
    }
}
