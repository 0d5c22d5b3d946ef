//! What a request asks for: its path, its query and its JSON, with problems instead of a framework's own words.

use std::str::FromStr;

use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use serde::de::DeserializeOwned;
use tieline_core::InvalidId;

use crate::{Problem, body, refusal};

/// As many rows as a page has where nobody says.
const PAGE: u32 = 100;
/// As many as it has at most.
const LONGEST_PAGE: u32 = 1_000;

/// How many rows a page has. A page of none would look like the last one.
pub(crate) fn page_size(limit: Option<u32>) -> Result<u32, Problem> {
    let limit = limit.unwrap_or(PAGE);
    if (1..=LONGEST_PAGE).contains(&limit) {
        return Ok(limit);
    }
    Err(Problem::bad_request("`limit` is 1 to 1,000"))
}

/// The id in the path.
pub(crate) struct Id<T>(pub(crate) T);

/// The name in the path.
pub(crate) struct Name(pub(crate) String);

/// The query.
pub(crate) struct Asked<T>(pub(crate) T);

/// The body, read as JSON.
pub(crate) struct Given<T>(pub(crate) T);

impl<S: Send + Sync, T: FromStr<Err = InvalidId>> FromRequestParts<S> for Id<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        Ok(Self(first(parts, state).await?.parse()?))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Name {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let name = first(parts, state).await?;
        if name.contains(char::is_control) {
            return Err(Problem::bad_request(
                "there is a control character in the path",
            ));
        }
        Ok(Self(name))
    }
}

/// There may be more than one thing in the path: it comes first.
async fn first<S: Send + Sync>(parts: &mut Parts, state: &S) -> Result<String, Problem> {
    let all = Path::<Vec<(String, String)>>::from_request_parts(parts, state).await;
    let Path(all) = all.map_err(|_| Problem::bad_request("the path is not UTF-8"))?;
    let first = all.into_iter().next();
    Ok(first.map_or_else(String::new, |(_, text)| text))
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = parts.uri.query().unwrap_or_default();
        let asked = refusal::from_query(query).map_err(Problem::bad_request)?;
        Ok(Self(asked))
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Given<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            return Err(Problem::not_json());
        }
        let body = body::whole(request).await?;
        let given = refusal::from_json(&body).map_err(Problem::bad_request)?;
        Ok(Self(given))
    }
}

/// `application/json`, with whatever parameters, or a kind of JSON (RFC 6839 section 3.1).
fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|it| it.to_str().ok());
    let kind = kind.unwrap_or_default().split(';').next();
    let kind = kind.unwrap_or_default().trim().to_ascii_lowercase();
    kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn json_is_told_by_its_type() {
        for (kind, is) in [
            ("application/json", true),
            ("Application/JSON; charset=utf-8", true),
            ("application/merge-patch+json", true),
            ("application/x-www-form-urlencoded", false),
            ("text/json", false),
            ("application/jsonl", false),
            ("", false),
        ] {
            let kind_of = (CONTENT_TYPE, HeaderValue::from_static(kind));
            assert_eq!(is_json(&HeaderMap::from_iter([kind_of])), is, "{kind}");
        }
        assert!(!is_json(&HeaderMap::new()));
    }
}
