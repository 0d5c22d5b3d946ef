//! Rows about the requests that we make.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD as BASE64, URL_SAFE_NO_PAD};
use sha2::Digest as _;
use tieline_core::descriptor::{ClientAuthentication, OAuth2, TokenRequest};
use tieline_oauth::{
    Authorization, AuthorizationError, AuthorizationRequestOptions, Outcome, authorization,
};

use crate::acme::{Acme, Bench, CODE, REDIRECT_URI, STANDARD, VERIFIER, edge, parameters, secret};
use crate::responder::{Received, Responder};

const TOKEN: &[u8] = br#"{"access_token":"a","token_type":"bearer"}"#;

async fn exchange(oauth2: OAuth2, id: &str, client_secret: Option<&str>) -> Received {
    let responder = Responder::answering(200, &[("content-type", "application/json")], TOKEN).await;
    let bench = Bench::with_credentials(oauth2, &responder.origin, &edge(), id, client_secret);
    let tokens = bench
        .client()
        .exchange(&secret(CODE), REDIRECT_URI, Some(&secret(VERIFIER)))
        .await
        .unwrap();
    assert_eq!(tokens.set.access_token.expose(), "a");
    responder.only()
}

fn start(oauth2: OAuth2) -> Result<Authorization, AuthorizationError> {
    let provider = Acme::with(oauth2);
    let options = AuthorizationRequestOptions {
        redirect_uri: REDIRECT_URI,
        scopes: None,
    };
    authorization(
        &provider,
        &parameters(&provider, "key", Some("secret"), &[]),
        options,
    )
}

fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

#[tokio::test]
async fn q02_id_and_secret_are_form_encoded_before_basic() {
    let sent = exchange(STANDARD, "aaa/;&", Some("bbb/;&")).await;
    assert_eq!(
        sent.header("authorization"),
        Some("Basic YWFhJTJGJTNCJTI2OmJiYiUyRiUzQiUyNg==")
    );
}

#[tokio::test]
async fn q03_any_id_decodes_to_the_same_bytes() {
    let id = "client %&+-_.!~*'()";
    let sent = exchange(STANDARD, id, Some("s")).await;
    let basic = sent
        .header("authorization")
        .unwrap()
        .strip_prefix("Basic ")
        .unwrap();
    let decoded = String::from_utf8(BASE64.decode(basic).unwrap()).unwrap();
    let (user, _) = decoded.split_once(':').unwrap();
    let form: Vec<_> = url::form_urlencoded::parse(user.as_bytes())
        .into_owned()
        .collect();
    assert_eq!(form, [pair(id, "")]);
}

#[tokio::test]
async fn q05_a_public_client_names_itself_and_proves_nothing() {
    let public = OAuth2 {
        exchange: TokenRequest::with(ClientAuthentication::Public),
        ..STANDARD
    };
    for (oauth2, client_secret) in [(STANDARD, None), (public, None), (public, Some("s3cr3t"))] {
        let sent = exchange(oauth2, "key", client_secret).await;
        assert_eq!(sent.header("authorization"), None);
        assert!(
            sent.form().contains(&pair("client_id", "key")),
            "{}",
            sent.body
        );
        assert!(
            !sent.body.contains("client_secret") && !sent.body.contains("s3cr3t"),
            "{}",
            sent.body
        );
    }
}

#[test]
fn q06_the_endpoints_query_is_kept_and_its_fragment_refused() {
    let started = start(OAuth2 {
        authorization_endpoint: "https://as.example/auth?tenant=1",
        ..STANDARD
    })
    .unwrap();
    assert!(
        started
            .url
            .as_str()
            .starts_with("https://as.example/auth?tenant=1&response_type=code&"),
        "{}",
        started.url
    );
    let refused = start(OAuth2 {
        authorization_endpoint: "https://as.example/auth?tenant=1#x",
        ..STANDARD
    });
    assert!(matches!(refused, Err(AuthorizationError::Endpoint(_))));
}

#[tokio::test]
async fn q08_the_challenge_is_the_hash_of_the_verifier_that_is_sent() {
    let started = start(STANDARD).unwrap();
    let verifier = started.code_verifier.unwrap();
    assert!((43..=128).contains(&verifier.len()));
    let query = |name| {
        started
            .url
            .query_pairs()
            .find(|(key, _)| key == name)
            .unwrap()
            .1
            .into_owned()
    };
    assert_eq!(query("code_challenge_method"), "S256");
    // RFC 7636 appendix B gives the only verifier whose hash is known beforehand: it proves the hash used here.
    let s256 = |verifier: &str| URL_SAFE_NO_PAD.encode(sha2::Sha256::digest(verifier));
    assert_eq!(
        s256(VERIFIER),
        "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    );
    assert_eq!(query("code_challenge"), s256(verifier.expose()));
    assert!(
        exchange(STANDARD, "key", None)
            .await
            .form()
            .contains(&pair("code_verifier", VERIFIER))
    );
}

#[tokio::test]
async fn q09_the_exchange_holds_what_the_rfc_asks_for_and_one_client_authentication() {
    let sent = exchange(STANDARD, "key", Some("s3cr3t")).await;
    let standard = [
        pair("grant_type", "authorization_code"),
        pair("code", CODE),
        pair("code_verifier", VERIFIER),
        pair("redirect_uri", REDIRECT_URI),
    ];
    assert_eq!(sent.line, "POST /token HTTP/1.1");
    assert_eq!(sent.form(), standard);
    assert_eq!(sent.header("authorization"), Some("Basic a2V5OnMzY3IzdA=="));
    for (name, value) in [
        ("accept", "application/json"),
        ("accept-encoding", "identity"),
        ("content-type", "application/x-www-form-urlencoded"),
    ] {
        assert_eq!(sent.header(name), Some(value), "{name}");
    }

    let in_body = exchange(
        OAuth2 {
            exchange: TokenRequest::BODY,
            ..STANDARD
        },
        "key",
        Some("s3cr3t"),
    )
    .await;
    assert_eq!(in_body.header("authorization"), None);
    let mut form = in_body.form();
    form.sort();
    let mut expected: Vec<_> = standard.into_iter().collect();
    expected.extend([pair("client_id", "key"), pair("client_secret", "s3cr3t")]);
    expected.sort();
    assert_eq!(form, expected);
}

#[tokio::test]
async fn q09_each_step_is_written_in_its_own_way() {
    let responder = Responder::answering(200, &[], TOKEN).await;
    let oauth2 = OAuth2 {
        exchange: TokenRequest::BODY,
        refresh: TokenRequest::BASIC,
        ..STANDARD
    };
    let bench = Bench::new(oauth2, &responder.origin, &edge());
    bench
        .client()
        .exchange(&secret(CODE), REDIRECT_URI, None)
        .await
        .unwrap();
    bench.client().refresh(&secret("R0")).await.unwrap();
    let [exchange, refresh] = <[Received; 2]>::try_from(responder.received()).unwrap();
    assert!(
        exchange.header("authorization").is_none()
            && exchange.body.contains("client_secret=acme-s3cr3t")
    );
    assert!(!exchange.body.contains("code_verifier"));
    assert!(refresh.header("authorization").is_some());
    assert_eq!(
        refresh.form(),
        [
            pair("grant_type", "refresh_token"),
            pair("refresh_token", "R0")
        ]
    );
}

#[tokio::test]
async fn q10_a_refusal_is_not_answered_with_another_attempt() {
    let edge = edge();
    for status in [400, 401, 500, 503] {
        let responder =
            Responder::answering(status, &[("content-type", "application/json")], b"{}").await;
        let bench = Bench::new(STANDARD, &responder.origin, &edge);
        let failure = bench
            .client()
            .exchange(&secret(CODE), REDIRECT_URI, None)
            .await
            .unwrap_err();
        assert!(!matches!(failure.outcome, Outcome::NotSent), "{failure}");
        responder.only();
    }
}
