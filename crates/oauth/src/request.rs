//! Re-shapes a request that follows the RFC into what the provider wants, step by step.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request};
use serde_json::{Map, Value};
use tieline_core::descriptor::{
    BodyFormat, ClientAuthentication, Extra, Method as DeclaredMethod, TokenRequest,
};
use tieline_core::{OAuthField, Parameters};
use url::Url;

const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// The request can't be written as the descriptor wants it.
#[derive(Debug, thiserror::Error)]
#[error("the request can't be written as the provider's descriptor wants it: {0}")]
pub(crate) struct Unwritable(&'static str);

/// How a list of parameters departs from the RFC.
pub(crate) struct Amendments {
    pub(crate) names: &'static [(&'static str, &'static str)],
    pub(crate) extra: &'static [(&'static str, Extra)],
    pub(crate) omit: &'static [&'static str],
}

/// How the `oauth2` crate has to authenticate the client, if that is a way it knows.
pub(crate) fn is_known_to_oauth2(authentication: ClientAuthentication) -> bool {
    matches!(
        authentication,
        ClientAuthentication::Basic | ClientAuthentication::Body
    )
}

/// Re-shapes a form POST: names, extras, omissions, client authentication, format, method and headers.
pub(crate) fn shape(
    standard: &Request<Vec<u8>>,
    endpoint: &Url,
    style: &TokenRequest,
    parameters: &Parameters,
) -> Result<Request<Bytes>, Unwritable> {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, JSON);
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    let mut pairs: Vec<(String, String)> = form_urlencoded::parse(standard.body())
        .into_owned()
        .collect();
    let authentication = style.client_authentication;
    if let Some(value) = authorization(standard, authentication, parameters, &mut pairs)? {
        headers.insert(AUTHORIZATION, value);
    }
    let amendments = Amendments {
        names: style.names,
        extra: style.extra,
        omit: style.omit,
    };
    amend(&mut pairs, &amendments, parameters);

    let mut url = endpoint.clone();
    let (method, format) = match style.method {
        DeclaredMethod::Post => (Method::POST, style.body),
        DeclaredMethod::Get => (Method::GET, BodyFormat::Query),
        DeclaredMethod::Delete => (Method::DELETE, style.body),
    };
    let body = match format {
        // Secrets included: only a descriptor whose provider takes them nowhere else says so. No URL is ever logged.
        BodyFormat::Query => {
            url.query_pairs_mut().extend_pairs(pairs);
            Bytes::new()
        }
        BodyFormat::Form => {
            headers.insert(CONTENT_TYPE, FORM);
            form_urlencoded::Serializer::new(String::new())
                .extend_pairs(pairs)
                .finish()
                .into()
        }
        BodyFormat::Json => {
            headers.insert(CONTENT_TYPE, JSON);
            let pairs = pairs.into_iter();
            let object: Map<_, _> = pairs.map(|(name, value)| (name, value.into())).collect();
            Value::Object(object).to_string().into()
        }
    };
    for (name, value) in style.headers {
        let name =
            HeaderName::try_from(*name).map_err(|_| Unwritable("a header's name is malformed"))?;
        headers.insert(name, HeaderValue::from_static(value));
    }
    let mut request = Request::builder()
        .method(method)
        .uri(url.as_str())
        .body(body)
        .map_err(|_| Unwritable("the endpoint's URL is malformed"))?;
    *request.headers_mut() = headers;
    Ok(request)
}

/// Omits standard parameters, adds extras in place of the standard ones of the same name, and gives all the provider's
/// names.
pub(crate) fn amend(
    pairs: &mut Vec<(String, String)>,
    amendments: &Amendments,
    parameters: &Parameters,
) {
    pairs.retain(|(name, _)| !amendments.omit.contains(&name.as_str()));
    for (name, value) in amendments.extra {
        let Some(value) = value_of(*value, parameters) else {
            continue;
        };
        match pairs.iter_mut().find(|(standard, _)| standard == name) {
            Some((_, standard)) => *standard = value,
            None => pairs.push(((*name).to_owned(), value)),
        }
    }
    for (name, _) in pairs {
        let renamed = amendments.names.iter();
        if let Some((_, theirs)) = renamed.into_iter().find(|(standard, _)| standard == name) {
            (*theirs).clone_into(name);
        }
    }
}

/// The text of an extra parameter; `None` where the app has none.
fn value_of(extra: Extra, parameters: &Parameters) -> Option<String> {
    match extra {
        Extra::Fixed(text) => Some(text.to_owned()),
        Extra::Parameter(key) => parameters.get(key).map(str::to_owned),
        Extra::Scopes(key) => {
            let separator = parameters.descriptor().oauth2().scope_separator;
            let scopes: Vec<_> = parameters.get(key)?.split_whitespace().collect();
            Some(scopes.join(separator))
        }
    }
}

/// The one client authentication of the request: a header, or what stands among the parameters already. Without a
/// secret there is nothing to prove, and the id goes among the parameters.
fn authorization(
    standard: &Request<Vec<u8>>,
    authentication: ClientAuthentication,
    parameters: &Parameters,
    pairs: &mut Vec<(String, String)>,
) -> Result<Option<HeaderValue>, Unwritable> {
    let id = parameters.field(OAuthField::ClientId).unwrap_or_default();
    let text = match (authentication, parameters.field(OAuthField::ClientSecret)) {
        (ClientAuthentication::BasicRaw, Some(secret)) => {
            format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")))
        }
        (ClientAuthentication::BearerSecret, Some(secret)) => format!("Bearer {secret}"),
        (ClientAuthentication::Basic, Some(secret)) => {
            match standard.headers().get(AUTHORIZATION) {
                Some(header) => return Ok(Some(sensitive(header.clone()))),
                // `oauth2` has no part in the device grant.
                None => format!("Basic {}", STANDARD.encode(encoded(id, secret))),
            }
        }
        (ClientAuthentication::Body | ClientAuthentication::Public, _) | (_, None) => {
            return Ok(None);
        }
    };
    pairs.retain(|(name, _)| name != "client_id");
    let header = HeaderValue::from_str(&text)
        .map_err(|_| Unwritable("the client secret does not fit a header"))?;
    Ok(Some(sensitive(header)))
}

/// Id and secret, encoded first (RFC 6749 section 2.3.1).
fn encoded(id: &str, secret: &str) -> String {
    let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    format!("{}:{}", encode(id), encode(secret))
}

/// Kept out of `Debug` output.
fn sensitive(mut header: HeaderValue) -> HeaderValue {
    header.set_sensitive(true);
    header
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{acme, parameters};
    use tieline_core::ParameterKey;

    const CODE: &str = "grant_type=authorization_code&code=c%2Fd&redirect_uri=https%3A%2F%2Fh.example%2F&client_id=key";

    /// What `oauth2` writes, shaped in this style: method, URL, authorization, content type, body.
    fn shaped(
        style: &TokenRequest,
        more: &[(&str, &str)],
    ) -> (Method, String, Option<String>, Option<String>, String) {
        let provider = acme();
        let mut standard = Request::post("https://acme.example/token");
        if style.client_authentication == ClientAuthentication::Basic {
            standard = standard.header(AUTHORIZATION, "Basic from-oauth2");
        }
        let standard = standard.body(CODE.as_bytes().to_vec()).unwrap();
        let endpoint = Url::parse("https://acme.example/token?tenant=1").unwrap();
        let request = shape(&standard, &endpoint, style, &parameters(&provider, more)).unwrap();
        assert_eq!(request.headers()[ACCEPT], "application/json");
        assert_eq!(request.headers()[ACCEPT_ENCODING], "identity");
        let header = |name| {
            request
                .headers()
                .get(name)
                .map(|value| value.to_str().unwrap().to_owned())
        };
        let (authorization, content_type) = (header(AUTHORIZATION), header(CONTENT_TYPE));
        let body = String::from_utf8(request.body().to_vec()).unwrap();
        (
            request.method().clone(),
            request.uri().to_string(),
            authorization,
            content_type,
            body,
        )
    }

    #[test]
    fn where_oauth2_has_no_part_id_and_secret_are_encoded_here() {
        let provider = acme();
        let parameters = parameters(&provider, &[("oauth.api.secret", "a b/c")]);
        let standard = Request::new(CODE.as_bytes().to_vec());
        let endpoint = Url::parse("https://acme.example/token").unwrap();
        let request = shape(&standard, &endpoint, &TokenRequest::BASIC, &parameters).unwrap();
        let expected = format!("Basic {}", STANDARD.encode("key:a+b%2Fc"));
        assert_eq!(request.headers()[AUTHORIZATION], *expected);
        assert!(!String::from_utf8_lossy(request.body()).contains("client_id"));
    }

    #[test]
    fn exactly_one_client_authentication() {
        let without_id = CODE.strip_suffix("&client_id=key").unwrap();
        for (way, more, authorization, body) in [
            (
                ClientAuthentication::Basic,
                &[][..],
                Some("Basic from-oauth2"),
                CODE,
            ),
            (
                ClientAuthentication::BasicRaw,
                &[("oauth.api.secret", "a/b")],
                Some("Basic a2V5OmEvYg=="),
                without_id,
            ),
            (
                ClientAuthentication::BearerSecret,
                &[],
                Some("Bearer secret"),
                without_id,
            ),
            (ClientAuthentication::Body, &[], None, CODE),
            (ClientAuthentication::Public, &[], None, CODE),
            (
                ClientAuthentication::BasicRaw,
                &[("oauth.api.secret", "")],
                None,
                CODE,
            ),
            (
                ClientAuthentication::BearerSecret,
                &[("oauth.api.secret", "")],
                None,
                CODE,
            ),
        ] {
            let (_, _, sent, _, form) = shaped(&TokenRequest::with(way), more);
            assert_eq!((sent.as_deref(), &*form), (authorization, body), "{way:?}");
        }
    }

    #[test]
    fn forms_json_query_and_get() {
        let form = TokenRequest::BODY;
        let (method, url, _, content_type, body) = shaped(&form, &[]);
        assert_eq!(
            (method, &*url, &*body),
            (Method::POST, "https://acme.example/token?tenant=1", CODE)
        );
        assert_eq!(
            content_type.as_deref(),
            Some("application/x-www-form-urlencoded")
        );

        let (_, url, _, content_type, body) = shaped(
            &TokenRequest {
                body: BodyFormat::Json,
                ..form
            },
            &[],
        );
        assert_eq!(
            (&*url, content_type.as_deref()),
            (
                "https://acme.example/token?tenant=1",
                Some("application/json")
            )
        );
        let expected = serde_json::json!({
            "grant_type": "authorization_code", "code": "c/d", "redirect_uri": "https://h.example/", "client_id": "key",
        });
        assert_eq!(serde_json::from_str::<Value>(&body).unwrap(), expected);

        let in_query = format!("https://acme.example/token?tenant=1&{CODE}");
        let (method, url, _, content_type, body) = shaped(
            &TokenRequest {
                body: BodyFormat::Query,
                ..form
            },
            &[],
        );
        assert_eq!(
            (method, url, content_type, &*body),
            (Method::POST, in_query.clone(), None, "")
        );
        let (method, url, _, _, body) = shaped(
            &TokenRequest {
                method: DeclaredMethod::Get,
                ..form
            },
            &[],
        );
        assert_eq!((method, url, &*body), (Method::GET, in_query, ""));
    }

    #[test]
    fn names_extras_omissions_and_headers() {
        let style = TokenRequest {
            names: &[("client_id", "client_key"), ("type", "kind")],
            extra: &[
                ("grant_type", Extra::Fixed("other")),
                ("type", Extra::Fixed("web_server")),
                (
                    "callback",
                    Extra::Parameter(ParameterKey::OAUTH_CALLBACK_URL),
                ),
                ("absent", Extra::Parameter(ParameterKey::OAUTH_SCOPE)),
            ],
            omit: &["redirect_uri", "type"],
            headers: &[
                ("x-acme-version", "7"),
                ("accept", "application/vnd.acme+json"),
            ],
            ..TokenRequest::BODY
        };
        let provider = acme();
        let standard = Request::post("https://acme.example/")
            .body(CODE.as_bytes().to_vec())
            .unwrap();
        let endpoint = Url::parse("https://acme.example/token").unwrap();
        let request = shape(&standard, &endpoint, &style, &parameters(&provider, &[])).unwrap();
        assert_eq!(
            std::str::from_utf8(request.body()).unwrap(),
            "grant_type=other&code=c%2Fd&client_key=key&kind=web_server&callback=https%3A%2F%2Fhost.example%2Fcallback"
        );
        assert_eq!(request.headers()["x-acme-version"], "7");
        assert_eq!(request.headers()[ACCEPT], "application/vnd.acme+json");
    }
}
