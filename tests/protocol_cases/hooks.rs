//! A provider's hooks: what they may change, and when.

use bytes::Bytes;
use serde_json::{Map, Value};
use tieline_core::descriptor::{ProviderDescriptor, Step};
use tieline_core::http::CallbackQuery;
use tieline_core::provider::HookRefusal;
use tieline_core::{Parameters, ProviderSetup, SystemClock};
use tieline_oauth::{
    AuthorizationRequestOptions, CallbackRefusal, Outcome, Reason, TokenClient, authorization,
    check_callback,
};

use crate::acme::{Acme, CODE, REDIRECT_URI, STANDARD, edge, parameters, secret};
use crate::responder::Responder;

/// Changes everything that a hook can change, and once more than it may: its refresh goes to another host.
#[derive(Debug)]
struct Hooked(Acme);

impl ProviderSetup for Hooked {
    fn descriptor(&self) -> &'static ProviderDescriptor {
        self.0.descriptor()
    }

    fn verify_callback(&self, query: &CallbackQuery, _: &Parameters) -> Result<(), HookRefusal> {
        match query.get("signature") {
            Some("good") => Ok(()),
            _ => Err(HookRefusal("the signature is wrong".to_owned())),
        }
    }

    fn amend_authorization(&self, query: &mut Vec<(String, String)>, _: &Parameters) {
        query.push(("nonce".to_owned(), "7".to_owned()));
    }

    fn amend_token_request(
        &self,
        step: Step,
        request: &mut http::Request<Bytes>,
        _: &Parameters,
    ) -> Result<(), HookRefusal> {
        match step {
            Step::Exchange => request
                .headers_mut()
                .insert("x-signed", http::HeaderValue::from_static("yes")),
            Step::Refresh => {
                *request.uri_mut() = http::Uri::from_static("https://evil.example/token");
                None
            }
            Step::Revoke => return Err(HookRefusal("nothing can be revoked today".to_owned())),
            Step::ClientCredentials | Step::DeviceAuthorization | Step::DeviceToken => None,
        };
        Ok(())
    }

    fn amend_token_answer(&self, _: Step, answer: &mut Map<String, Value>) {
        if let Some(token) = answer.remove("the_token") {
            answer.insert("access_token".to_owned(), token);
        }
    }
}

#[tokio::test]
async fn hooks_amend_requests_and_answers_but_move_nothing_elsewhere() {
    let responder = Responder::answering(200, &[], br#"{"the_token":"a"}"#).await;
    let provider = Hooked(Acme::with(STANDARD));
    let urls = ["token", "revoke"].map(|name| format!("{}/{name}", responder.origin));
    let overrides = [
        ("oauth.token.url", &*urls[0]),
        ("oauth.token.revoke_url", &*urls[1]),
    ];
    let parameters = parameters(&provider.0, "key", Some("secret"), &overrides);
    let edge = edge();
    let client = TokenClient::new(&provider, &parameters, &edge, &SystemClock);

    let tokens = client
        .exchange(&secret(CODE), REDIRECT_URI, None)
        .await
        .unwrap();
    assert_eq!(tokens.set.access_token.expose(), "a");
    assert_eq!(responder.only().header("x-signed"), Some("yes"));

    let failure = client.refresh(&secret("R0")).await.unwrap_err();
    assert!(matches!(failure.outcome, Outcome::AppRefused), "{failure}");
    assert!(
        matches!(failure.details.reason, Reason::NotAllowed(_)),
        "{failure}"
    );
    let failure = client
        .revoke(&secret("R0"), tieline_oauth::TokenTypeHint::RefreshToken)
        .await
        .unwrap_err();
    assert!(
        failure.to_string().contains("nothing can be revoked today"),
        "{failure}"
    );
    responder.only();
}

#[test]
fn hooks_amend_the_authorization_and_check_the_callback() {
    let provider = Hooked(Acme::with(STANDARD));
    let parameters = parameters(&provider.0, "key", Some("secret"), &[]);
    let options = AuthorizationRequestOptions {
        redirect_uri: REDIRECT_URI,
        scopes: None,
    };
    let started = authorization(&provider, &parameters, options).unwrap();
    assert_eq!(
        started.url.query_pairs().last(),
        Some(("nonce".into(), "7".into()))
    );

    let check = |query: &str| check_callback(&provider, &parameters, &CallbackQuery::parse(query));
    assert!(check("?code=a&state=xyz&signature=good").is_ok());
    let refusal = check("?code=a&state=xyz&signature=bad").unwrap_err();
    assert!(
        matches!(&refusal, CallbackRefusal::Hook { .. }),
        "{refusal}"
    );
    assert_eq!(refusal.to_string(), "acme: the signature is wrong");
}
