//! The npm package `oidc-provider` as the other side.

use http::{StatusCode, header};
use serde_json::Value;
use tieline_tests::{
    anchor::{OidcProvider, OidcProviderOptions, RegisteredClient},
    browser,
};
use url::{Url, form_urlencoded};

const CALLBACK: &str = "http://127.0.0.1:8917/callback";
/// The pair of RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// What every other test here relies on: the referee itself, without any of our code between.
#[tokio::test]
async fn the_referee_rotates() {
    let server = OidcProvider::start(OidcProviderOptions::default())
        .await
        .unwrap();
    let client = server.client("client_secret_basic").unwrap();
    let url = authorization_url(&server, client);

    let callback = server.consent(&url).await.unwrap();
    assert!(callback.as_str().starts_with(CALLBACK), "{callback}");
    assert_eq!(query(&callback, "state").as_deref(), Some("a state"));
    assert_eq!(query(&callback, "iss").as_deref(), Some(server.issuer()));
    let code = query(&callback, "code").unwrap();

    let exchange = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    let (status, exchanged) = post(&server, client, &exchange).await;
    assert_eq!(status, StatusCode::OK, "{exchanged}");
    let first = exchanged["refresh_token"].as_str().unwrap();

    let (status, refreshed) = refresh(&server, client, first).await;
    assert_eq!(status, StatusCode::OK, "{refreshed}");
    let second = refreshed["refresh_token"].as_str().unwrap();
    assert_ne!(first, second, "the refresh token was not rotated");

    let (status, reused) = refresh(&server, client, first).await;
    assert_eq!(
        (status, &reused["error"]),
        (StatusCode::BAD_REQUEST, &"invalid_grant".into())
    );
    let (status, dead) = refresh(&server, client, second).await;
    assert_eq!(
        (status, &dead["error"]),
        (StatusCode::BAD_REQUEST, &"invalid_grant".into()),
        "reuse must revoke the whole grant"
    );

    let told: Vec<_> = server
        .log()
        .await
        .unwrap()
        .iter()
        .map(|entry| (text(entry, "event"), text(entry, "grant_type")))
        .collect();
    let told: Vec<_> = told.iter().map(|(e, g)| (e.as_str(), g.as_str())).collect();
    assert_eq!(
        told,
        [
            ("authorization.started", ""),
            ("authorization.success", ""),
            ("grant.success", "authorization_code"),
            ("refresh_token.consumed", ""),
            ("grant.success", "refresh_token"),
            ("grant.revoked", ""),
            ("refresh_token.reused", "refresh_token"),
            ("grant.error", "refresh_token"),
            ("grant.error", "refresh_token"),
        ]
    );
    let refreshes = server.count("grant.success", Some("refresh_token")).await;
    assert_eq!(refreshes.unwrap(), 1);
}

#[tokio::test]
async fn the_referee_lets_a_person_say_no() {
    let server = OidcProvider::start(OidcProviderOptions::default())
        .await
        .unwrap();
    let url = authorization_url(&server, server.client("client_secret_post").unwrap());

    let callback = server.deny(&url).await.unwrap();

    assert_eq!(query(&callback, "error").as_deref(), Some("access_denied"));
    assert_eq!(query(&callback, "state").as_deref(), Some("a state"));
    assert_eq!(server.count("authorization.error", None).await.unwrap(), 1);
    assert_eq!(server.count("grant.success", None).await.unwrap(), 0);
}

fn authorization_url(server: &OidcProvider, client: &RegisteredClient) -> String {
    let parameters = [
        ("response_type", "code"),
        ("client_id", &client.client_id),
        ("redirect_uri", CALLBACK),
        ("scope", "openid offline_access"),
        ("prompt", "consent"),
        ("state", "a state"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    let url = Url::parse_with_params(&server.endpoint("/auth"), parameters);
    url.unwrap().into()
}

async fn refresh(
    server: &OidcProvider,
    client: &RegisteredClient,
    refresh_token: &str,
) -> (StatusCode, Value) {
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh_token),
    ];
    post(server, client, &form).await
}

async fn post(
    server: &OidcProvider,
    client: &RegisteredClient,
    form: &[(&str, &str)],
) -> (StatusCode, Value) {
    let encoded =
        |text: &str| -> String { form_urlencoded::byte_serialize(text.as_bytes()).collect() };
    let body = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(form)
        .finish();
    let response = browser::raw_client()
        .unwrap()
        .post(server.endpoint("/token"))
        .basic_auth(
            encoded(&client.client_id),
            Some(encoded(&client.client_secret)),
        )
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(body)
        .send()
        .await
        .unwrap();
    let status = response.status();
    let answer = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
    (status, answer)
}

fn query(url: &Url, name: &str) -> Option<String> {
    let mut pairs = url.query_pairs();
    pairs.find_map(|(key, value)| (key == name).then(|| value.into_owned()))
}

fn text(entry: &Value, field: &str) -> String {
    entry[field].as_str().unwrap_or_default().to_owned()
}
