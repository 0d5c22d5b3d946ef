//! Whether the authorization endpoint lets people in, found out as a browser would, before anybody signs in.

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, LOCATION};
use http::{HeaderValue, Method};
use serde_json::Value;
use tieline_core::{OAuthField, Parameters, ProviderSetup};
use url::Url;

use crate::authorization::Authorization;
use crate::edge::{Answer, SendError};
use crate::endpoints::Source;
use crate::failure::in_both_words;
use crate::page_text::page_text;
use crate::reach::Unreached;
use crate::{Edge, EndpointProblem};

/// Statuses that are an answer to what was asked. Others (403, 429, 5xx) may be to who asked, or to when.
const REFUSALS: [u16; 4] = [400, 401, 404, 422];

/// As much is told of what the provider says, in characters.
const LONGEST: usize = 240;

/// How people would be turned away who come to consent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TurnedAway {
    /// The provider's words: not ours, and to be shown as text only.
    pub said: String,
    /// What to do about it, naming parameters in the provider's words and in ours.
    pub cure: String,
}

/// Why nobody knows.
#[derive(Debug, thiserror::Error)]
pub enum NoWelcome {
    /// The authorization endpoint must not be used, or depends on the connection.
    #[error(transparent)]
    Endpoint(#[from] EndpointProblem),
    /// It doesn't answer.
    #[error("the authorization endpoint can't be reached: {0}")]
    Unreached(Unreached),
}

impl Edge {
    /// Opens the authorization's URL as a browser would, once, without following where it leads; nothing comes of it at the
    /// provider before somebody signs in.
    ///
    /// `None`: whoever comes is let in, as far as can be told before that. An error is either sent back at once, or shown: nobody is
    /// sent back to a redirect URI that isn't registered, or for a client that isn't known (RFC 6749 section 4.1.2.1).
    ///
    /// # Errors
    /// When the endpoint must not be used, or doesn't answer.
    pub async fn welcome(
        &self,
        provider: &dyn ProviderSetup,
        parameters: &Parameters,
        authorization: &Authorization,
    ) -> Result<Option<TurnedAway>, NoWelcome> {
        let source = Source {
            provider,
            parameters,
        };
        let mut endpoint = source.authorization()?;
        endpoint.url = authorization.url.clone();
        let mut request = http::Request::new(Bytes::new());
        *request.method_mut() = Method::GET;
        let uri = endpoint.url.as_str().parse();
        *request.uri_mut() = uri.map_err(|_| SendError::NotSent("the request is malformed"))?;
        let html = HeaderValue::from_static("text/html");
        request.headers_mut().insert(ACCEPT, html);
        let answer = self.send(&endpoint, request).await?;
        let told = sent_back(&answer, authorization).or_else(|| shown(&answer));
        Ok(told.map(|(code, said)| TurnedAway {
            cure: cure(provider, code.as_deref()),
            // Nobody has use for it.
            said: cut(&said.replace(authorization.state.expose(), "…")),
        }))
    }
}

/// The error with which people are sent back, and what is said of it.
fn sent_back(answer: &Answer, authorization: &Authorization) -> Option<(Option<String>, String)> {
    let location = answer.headers.get(LOCATION)?.to_str().ok()?;
    let location = authorization.url.join(location).ok()?;
    let home = Url::parse(&authorization.redirect_uri).ok()?;
    let is_home = location.origin() == home.origin() && location.path() == home.path();
    let told = |name: &str| {
        let mut pairs = location.query_pairs();
        let (_, value) = pairs.find(|(key, _)| key == name)?;
        Some(value.into_owned())
    };
    let code = told("error").filter(|_| is_home)?;
    let said = match told("error_description") {
        Some(description) => format!("{code}: {description}"),
        None => code.clone(),
    };
    Some((Some(code), said))
}

/// What an error page says.
fn shown(answer: &Answer) -> Option<(Option<String>, String)> {
    let status = answer.status.as_u16();
    if !REFUSALS.contains(&status) {
        return None;
    }
    let media_type = answer.headers.get(CONTENT_TYPE);
    let is_json = media_type.is_some_and(|it| it.as_bytes().starts_with(b"application/json"));
    let body = String::from_utf8_lossy(&answer.body);
    let said = match serde_json::from_str::<Value>(&body) {
        Ok(told) if is_json => in_json(&told),
        _ => page_text(&body),
    };
    let said = match said.is_empty() {
        true => format!("status {status}"),
        false => said,
    };
    Some((None, said))
}

fn in_json(told: &Value) -> String {
    let texts = ["error", "error_description", "message"];
    let texts = texts.iter().filter_map(|name| told.get(name)?.as_str());
    texts.collect::<Vec<_>>().join(": ")
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{} …", text.get(..end).unwrap_or_default().trim_end()),
        None => text.to_owned(),
    }
}

fn cure(provider: &dyn ProviderSetup, code: Option<&str>) -> String {
    let descriptor = provider.descriptor();
    let (vendor, word) = (descriptor.vendor, |field| in_both_words(descriptor, field));
    match code {
        Some("invalid_scope") => {
            let scope = word(OAuthField::Scope);
            format!("allow the app these scopes at {vendor}, or ask for others: {scope}")
        }
        Some("unauthorized_client" | "unsupported_response_type") => {
            let id = word(OAuthField::ClientId);
            format!("allow the app the authorization code grant at {vendor}, or check {id}")
        }
        Some(_) => format!("look it up in the documentation of {vendor}"),
        None => {
            let [redirect_uri, id] = [OAuthField::RedirectUri, OAuthField::ClientId].map(word);
            format!("register {redirect_uri} at {vendor} exactly as it stands here, and check {id}")
        }
    }
}

impl From<SendError> for NoWelcome {
    fn from(error: SendError) -> Self {
        Self::Unreached(Unreached(match error {
            SendError::Refused(refusal) => refusal.to_string(),
            SendError::NotSent(what) | SendError::Unknown(what) => what.to_owned(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, StatusCode};
    use tieline_core::Secret;

    use super::*;

    const REDIRECT_URI: &str = "https://host.example/callback/7";

    fn authorization() -> Authorization {
        Authorization {
            url: "https://acme.example/authorize?client_id=shop"
                .parse()
                .unwrap(),
            state: Secret::from("state-of-one"),
            code_verifier: None,
            redirect_uri: REDIRECT_URI.to_owned(),
            scopes: Vec::new(),
        }
    }

    fn answer(status: u16, header: (http::HeaderName, &str), body: &str) -> Answer {
        let (name, value) = header;
        Answer {
            status: StatusCode::from_u16(status).unwrap(),
            headers: HeaderMap::from_iter([(name, value.parse().unwrap())]),
            body: Bytes::copy_from_slice(body.as_bytes()),
            cut: None,
        }
    }

    #[test]
    fn an_error_counts_where_it_is_sent_home() {
        for (location, expected) in [
            (
                format!(
                    "{REDIRECT_URI}?error=invalid_scope&error_description=no+such+scope&state=s"
                ),
                Some("invalid_scope: no such scope"),
            ),
            (
                format!("{REDIRECT_URI}?error=access_denied"),
                Some("access_denied"),
            ),
            // People go on to sign in, and what that page says of errors is about them.
            ("/sign-in?error=session_expired".to_owned(), None),
            (
                "https://elsewhere.example/callback/7?error=invalid_scope".to_owned(),
                None,
            ),
            (
                "https://host.example/callback/8?error=invalid_scope".to_owned(),
                None,
            ),
            (format!("{REDIRECT_URI}?code=1"), None),
            ("https://[".to_owned(), None),
        ] {
            let told = sent_back(&answer(302, (LOCATION, &location), ""), &authorization());
            let told = told.map(|(_, said)| said);
            assert_eq!(told.as_deref(), expected, "{location}");
        }
    }

    #[test]
    fn an_error_is_read_as_it_is_shown() {
        const JSON: &str = "application/json; charset=utf-8";
        const HTML: &str = "text/html";
        let json = r#"{"error":"invalid_client","error_description":"no such app"}"#;
        for (status, media_type, body, expected) in [
            (400, JSON, json, Some("invalid_client: no such app")),
            (401, JSON, r#"{"message":7}"#, Some("status 401")),
            (400, JSON, "no JSON", Some("no JSON")),
            (
                400,
                HTML,
                "<title>x</title><h1>Oops</h1><p>redirect_uri differs",
                Some("Oops redirect_uri differs"),
            ),
            (404, HTML, "", Some("status 404")),
            // To sign in, to wait, to be somebody else: nothing is known by it.
            (200, HTML, "<h1>Sign in</h1>", None),
            (403, HTML, "<h1>No robots</h1>", None),
            (429, JSON, json, None),
            (503, HTML, "<h1>Soon back</h1>", None),
        ] {
            let told = shown(&answer(status, (CONTENT_TYPE, media_type), body));
            assert_eq!(told.map(|(_, said)| said).as_deref(), expected, "{body}");
        }
    }

    #[test]
    fn what_is_long_is_cut_between_characters() {
        assert_eq!(cut("short"), "short");
        let long = cut(&"ü".repeat(LONGEST + 1));
        assert_eq!(long, format!("{} …", "ü".repeat(LONGEST)));
        assert_eq!(cut(&"ü".repeat(LONGEST)), "ü".repeat(LONGEST));
    }
}
