//! How a client authenticates: which style a request shows, and whether its credentials are right.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use serde::{Deserialize, Serialize};
use tieline_core::Secret;

use crate::form::Form;

/// The style of client authentication that a request shows (RFC 6749, section 2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuth {
    /// Nothing at all.
    None,
    /// `client_id` in the body and no secret anywhere: a public client.
    Id,
    /// `client_secret` in the body and no `Authorization` header.
    Body,
    /// HTTP Basic and no credentials in the body.
    Basic,
    /// HTTP Basic, and `client_id` again in the body.
    BasicAndId,
    /// `client_secret` in the body *and* an `Authorization` header.
    Both,
    /// An `Authorization` header of another scheme, repeated, or not decodable.
    Other,
}

/// What a request says about the client.
pub(crate) struct Presented {
    pub(crate) style: ClientAuth,
    id: Option<String>,
    secret: Option<Secret>,
    body_id: Option<String>,
}

/// The client that is registered with the vendor.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) id: String,
    pub(crate) secret: Secret,
}

impl Presented {
    pub(crate) fn read(headers: &HeaderMap, form: &Form) -> Self {
        let body_id = form.get("client_id").map(str::to_owned);
        let body_secret = form.get("client_secret").map(Secret::from);
        let mut headers = headers.get_all(AUTHORIZATION).iter();
        let (style, id, secret) = match (headers.next(), headers.next(), body_secret) {
            (None, _, Some(secret)) => (ClientAuth::Body, body_id.clone(), Some(secret)),
            (None, _, None) if body_id.is_some() => (ClientAuth::Id, body_id.clone(), None),
            (None, _, None) => (ClientAuth::None, None, None),
            (Some(_), _, Some(_)) => (ClientAuth::Both, None, None),
            (Some(header), None, None) => match header.to_str().ok().and_then(basic) {
                Some((id, secret)) if body_id.is_some() => {
                    (ClientAuth::BasicAndId, Some(id), Some(secret))
                }
                Some((id, secret)) => (ClientAuth::Basic, Some(id), Some(secret)),
                None => (ClientAuth::Other, None, None),
            },
            (Some(_), Some(_), None) => (ClientAuth::Other, None, None),
        };
        Self {
            style,
            id,
            secret,
            body_id,
        }
    }

    /// Whether it is `client`: the id wherever it stands, and the secret unless the style has none. A request
    /// that shows nothing could be anybody's.
    pub(crate) fn is(&self, client: &Client) -> bool {
        if self.style == ClientAuth::None {
            return true;
        }
        let secret = match self.style {
            ClientAuth::Id => true,
            _ => self.secret.as_ref() == Some(&client.secret),
        };
        let body = self.body_id.as_ref().is_none_or(|id| *id == client.id);
        secret && body && self.id.as_ref() == Some(&client.id)
    }
}

/// Id and secret out of HTTP Basic, each form-decoded (RFC 6749, section 2.3.1).
fn basic(header: &str) -> Option<(String, Secret)> {
    let (scheme, encoded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = pair.split_once(':')?;
    Some((form_decode(id)?, Secret::new(form_decode(secret)?)))
}

/// `None` when it is not the form-encoding of one text.
fn form_decode(text: &str) -> Option<String> {
    let mut pairs = form_urlencoded::parse(text.as_bytes());
    let (decoded, value) = pairs.next().unwrap_or_default();
    (pairs.next().is_none() && value.is_empty() && !text.contains(['=', '&']))
        .then(|| decoded.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn presented(authorization: &[&str], body: &str) -> Presented {
        let mut headers = HeaderMap::new();
        for value in authorization {
            headers.append(AUTHORIZATION, HeaderValue::from_str(value).unwrap());
        }
        Presented::read(&headers, &Form::parse(body.as_bytes()).unwrap())
    }

    #[test]
    fn tells_the_styles_apart() {
        for (authorization, body, style) in [
            (&[][..], "", ClientAuth::None),
            (&[], "client_id=a", ClientAuth::Id),
            (&[], "client_id=a&client_secret=b", ClientAuth::Body),
            (&["Basic YTpi"], "", ClientAuth::Basic),
            (&["basic YTpi"], "client_id=a", ClientAuth::BasicAndId),
            (&["Basic YTpi"], "client_secret=b", ClientAuth::Both),
            (&["Bearer x"], "", ClientAuth::Other),
            (&["Basic"], "", ClientAuth::Other),
            (&["Basic YWI="], "", ClientAuth::Other),
            (&["Basic *"], "", ClientAuth::Other),
            (&["Basic YTpi", "Basic YTpi"], "", ClientAuth::Other),
        ] {
            assert_eq!(
                presented(authorization, body).style,
                style,
                "{authorization:?} {body}"
            );
        }
    }

    #[test]
    fn basic_is_form_decoded_and_nothing_else() {
        let client = Client {
            id: "a".into(),
            secret: Secret::from("&+ %41:="),
        };
        let basic = |pair: &str| format!("Basic {}", STANDARD.encode(pair));
        assert!(presented(&[&basic("a:%26%2B+%2541%3A%3D")], "").is(&client));
        assert!(
            !presented(&[&basic("a:&+ %41:=")], "").is(&client),
            "not encoded at all"
        );
        assert!(
            !presented(&[&basic("a:%26%2B+%41%3A%3D")], "").is(&client),
            "percent sign not encoded"
        );
        assert!(
            !presented(&[&basic("b:%26%2B+%2541%3A%3D")], "").is(&client),
            "another id"
        );
        assert!(
            !presented(&[&basic("a:%26%2B+%2541%3A%3D")], "client_id=b").is(&client),
            "two ids"
        );
    }
}
