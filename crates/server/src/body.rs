//! Bodies that are read into memory: whole, neither too long nor too slow.

use std::error::Error as _;
use std::time::Duration;

use axum::RequestExt as _;
use axum::body::Body;
use axum::extract::Request;
use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt as _, LengthLimitError};

use crate::Problem;

/// How long a body may take in all. Whoever sent it was let in before: no longer than this ago.
const LONGEST: Duration = Duration::from_secs(30);

/// The whole body, up to the limit that the route sets.
///
/// # Errors
/// When it is too long or too slow, or breaks off.
pub(crate) async fn whole(request: Request) -> Result<Bytes, Problem> {
    read(request.into_limited_body()).await
}

/// The whole of a body whose length is known to be bearable.
///
/// # Errors
/// When it is too slow, or breaks off.
pub(crate) async fn read(mut body: Body) -> Result<Bytes, Problem> {
    let whole = async {
        let mut whole = BytesMut::new();
        while let Some(frame) = body.frame().await {
            if let Ok(data) = frame.map_err(|error| broken(&error))?.into_data() {
                whole.extend_from_slice(&data);
            }
        }
        Ok(whole.freeze())
    };
    let read = tokio::time::timeout(LONGEST, whole).await;
    read.unwrap_or_else(|_| Err(Problem::too_slow()))
}

fn broken(error: &axum::Error) -> Problem {
    match error.source() {
        Some(source) if source.is::<LengthLimitError>() => Problem::too_long(),
        _ => Problem::bad_request("the body can't be read to its end"),
    }
}

#[cfg(test)]
mod tests {
    use axum::extract::{DefaultBodyLimit, FromRequest};
    use axum::routing::post;
    use axum::{Router, response::IntoResponse};
    use futures_util::stream;

    use super::*;

    struct Whole(Bytes);

    impl<S: Send + Sync> FromRequest<S> for Whole {
        type Rejection = Problem;

        async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
            whole(request).await.map(Self)
        }
    }

    /// What a server with a limit of eight bytes makes of a body.
    async fn answer(body: Body) -> (u16, String) {
        let length = |Whole(bytes): Whole| async move { bytes.len().to_string().into_response() };
        let router = Router::new()
            .route("/", post(length))
            .layer(DefaultBodyLimit::max(8));
        let request = Request::post("/").body(body).unwrap();
        let router = router.into_service::<Body>();
        let response = tower_service::Service::call(&mut { router }, request);
        let (parts, body) = response.await.unwrap().into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        (
            parts.status.as_u16(),
            String::from_utf8(body.to_vec()).unwrap(),
        )
    }

    #[tokio::test]
    async fn a_body_has_a_longest_length() {
        assert_eq!(answer(Body::from("12345678")).await, (200, "8".to_owned()));
        let (status, text) = answer(Body::from("123456789")).await;
        assert_eq!(status, 413);
        assert!(text.contains("body-too-long"), "{text}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_stops_coming_is_not_waited_for() {
        let first = stream::iter([Ok::<_, std::io::Error>(Bytes::from_static(b"1"))]);
        let endless = futures_util::StreamExt::chain(first, stream::pending());
        let before = tokio::time::Instant::now();
        let (status, text) = answer(Body::from_stream(endless)).await;
        assert_eq!(status, 408);
        assert!(text.contains("body-too-slow"), "{text}");
        assert_eq!(before.elapsed().as_secs(), 30);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_comes_drop_by_drop_is_not_waited_for_either() {
        let drops = stream::unfold((), |()| async {
            tokio::time::sleep(Duration::from_secs(20)).await;
            Some((Ok::<_, std::io::Error>(Bytes::from_static(b"1")), ()))
        });
        let before = tokio::time::Instant::now();
        assert_eq!(answer(Body::from_stream(drops)).await.0, 408);
        assert_eq!(before.elapsed().as_secs(), 30);
    }
}
