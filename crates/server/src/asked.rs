//! What a request asks for: its path, its query and its JSON, with problems instead of a framework's own words.

use std::str::FromStr;

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use http::request::Parts;
use serde::de::DeserializeOwned;
use tieline_core::InvalidId;

use crate::Problem;

/// The id in the path.
pub(crate) struct Id<T>(pub(crate) T);

/// The query.
pub(crate) struct Asked<T>(pub(crate) T);

/// The body, read as JSON.
pub(crate) struct Given<T>(pub(crate) T);

impl<S: Send + Sync, T: FromStr<Err = InvalidId>> FromRequestParts<S> for Id<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        // There may be more than the id in the path: it comes first.
        let Path(all) = Path::<Vec<(String, String)>>::from_request_parts(parts, state)
            .await
            .map_err(|refusal| Problem::bad_request(refusal.body_text()))?;
        let id = all.first().map_or("", |(_, text)| text);
        Ok(Self(id.parse()?))
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let query = Query::<T>::from_request_parts(parts, state).await;
        let Query(asked) = query.map_err(|refusal| Problem::bad_request(refusal.body_text()))?;
        Ok(Self(asked))
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Given<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(|_| Problem::bad_request("the body can't be read to its end"))?;
        // The reader's own words may hold what stands there, and that may be a secret.
        let given = serde_json::from_slice(&bytes).map_err(|error| {
            Problem::bad_request(format!(
                "the body is not the JSON that is asked for here: look at line {}, column {}",
                error.line(),
                error.column()
            ))
        })?;
        Ok(Self(given))
    }
}
