//! Rows about the wire itself, and about answers that must be built.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tieline_core::descriptor::OAuth2;
use tieline_core::{Secret, SystemClock};
use tieline_oauth::{EdgeOptions, Outcome, Reason, TokenClient};
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpSocket};

use crate::acme::{Acme, Bench, STANDARD, edge, parameters, secret};
use crate::responder::{Act, Responder};

fn answer_with_id_token(issuer: &str) -> String {
    let part = |json: String| URL_SAFE_NO_PAD.encode(json);
    let id_token = format!(
        "{}.{}.c2ln",
        part(r#"{"alg":"RS256"}"#.to_owned()),
        part(format!(r#"{{"iss":"{issuer}","sub":"1"}}"#))
    );
    format!(r#"{{"access_token":"a","token_type":"bearer","id_token":"{id_token}"}}"#)
}

#[tokio::test]
async fn t59_an_answer_with_an_id_token_of_another_issuer_is_not_used() {
    let edge = edge();
    for (issuer, taken) in [
        ("https://acme.example", true),
        ("https://evil.example", false),
        ("https://acme.example/", false),
    ] {
        let body = answer_with_id_token(issuer);
        let responder = Responder::answering(
            200,
            &[("content-type", "application/json")],
            body.as_bytes(),
        )
        .await;
        let oauth2 = OAuth2 {
            issuer: Some("https://acme.example"),
            ..STANDARD
        };
        let bench = Bench::new(oauth2, &responder.origin, &edge);
        match bench.client().refresh(&secret("R0")).await {
            Ok(_) => assert!(taken, "{issuer}"),
            Err(failure) => {
                assert!(!taken, "{issuer}: {failure}");
                assert_eq!(failure.details.reason, Reason::IssuerMismatch);
                // The refresh token may be spent, and the next one stands nowhere else.
                let Outcome::OutcomeUnknown { unreadable } = &failure.outcome else {
                    panic!("{failure}")
                };
                assert_eq!(unreadable.as_ref().map(Secret::expose), Some(&*body));
            }
        }
        // A code is spent whatever comes of it.
        match bench
            .client()
            .exchange(&secret("code"), "https://host.example/callback", None)
            .await
        {
            Ok(_) => assert!(taken, "{issuer}"),
            Err(failure) => {
                assert!(!taken, "{issuer}: {failure}");
                assert_eq!(failure.details.reason, Reason::IssuerMismatch);
                assert!(matches!(failure.outcome, Outcome::AppRefused), "{failure}");
            }
        }
    }
}

#[tokio::test]
async fn t98_a_reset_after_the_request_leaves_the_outcome_unknown() {
    let responder = Responder::start(Act::Reset).await;
    let bench = Bench::new(STANDARD, &responder.origin, &edge());
    let failure = bench.client().refresh(&secret("R0")).await.unwrap_err();
    assert!(
        matches!(
            failure.outcome,
            Outcome::OutcomeUnknown { unreadable: None }
        ),
        "{failure}"
    );
    assert!(failure.is_transient());
    // Sent, and sent once.
    assert!(responder.only().body.contains("refresh_token=R0"));
}

#[tokio::test]
async fn t98_an_answer_that_is_cut_short_is_kept_as_far_as_it_came() {
    let cut = b"HTTP/1.1 200 X\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{\"access_token\":\"half";
    let responder = Responder::start(Act::Answer(cut.to_vec())).await;
    let bench = Bench::new(STANDARD, &responder.origin, &edge());
    let failure = bench.client().refresh(&secret("R0")).await.unwrap_err();
    let Outcome::OutcomeUnknown {
        unreadable: Some(kept),
    } = &failure.outcome
    else {
        panic!("{failure}")
    };
    assert_eq!(kept.expose(), r#"{"access_token":"half"#);
    responder.only();
}

#[tokio::test]
async fn t99_nothing_is_sent_where_nobody_listens() {
    // Bound and not listening: nobody else can take the port meanwhile.
    let taken = TcpSocket::new_v4().unwrap();
    taken.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let origin = format!("http://{}", taken.local_addr().unwrap());
    let edge = edge();
    for origin in [&*origin, "https://nowhere.invalid"] {
        let bench = Bench::new(STANDARD, origin, &edge);
        let failure = bench.client().refresh(&secret("R0")).await.unwrap_err();
        assert!(matches!(failure.outcome, Outcome::NotSent), "{failure}");
        assert!(failure.is_transient());
    }
}

#[tokio::test]
async fn t99_nothing_is_sent_without_tls_where_tls_is_due() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("https://{}", listener.local_addr().unwrap());
    let bench = Bench::new(STANDARD, &origin, &edge());
    let (client, token) = (bench.client(), secret("R0"));
    let speaks_no_tls = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"HTTP/1.1 400 X\r\n\r\n").await.unwrap();
    };
    let (refreshed, ()) = tokio::join!(client.refresh(&token), speaks_no_tls);
    let failure = refreshed.unwrap_err();
    assert!(matches!(failure.outcome, Outcome::NotSent), "{failure}");
}

#[tokio::test]
async fn too_many_headers_leave_the_outcome_unknown() {
    let header = |at: usize| format!("x-{at}: y\r\n");
    let headers: String = (0..200).map(header).collect();
    let bytes =
        format!("HTTP/1.1 200 X\r\n{headers}content-length: 20\r\n\r\n{{\"access_token\":\"a\"}}");
    let responder = Responder::start(Act::Answer(bytes.into_bytes())).await;
    let bench = Bench::new(STANDARD, &responder.origin, &edge());
    let failure = bench.client().refresh(&secret("R0")).await.unwrap_err();
    assert!(
        matches!(failure.outcome, Outcome::OutcomeUnknown { .. }),
        "{failure}"
    );
}

#[tokio::test]
async fn t87_a_redirect_is_not_followed_even_where_it_could_be() {
    let home = Responder::answering(200, &[], br#"{"access_token":"a"}"#).await;
    let edge = edge();
    for status in [301, 302, 303, 307, 308] {
        let location = format!("{}/token", home.origin);
        let responder = Responder::answering(status, &[("location", &location)], b"").await;
        let bench = Bench::new(STANDARD, &responder.origin, &edge);
        let failure = bench.client().refresh(&secret("R0")).await.unwrap_err();
        assert_eq!(failure.details.reason, Reason::Redirect, "{failure}");
        responder.only();
    }
    assert!(home.received().is_empty());
}

#[tokio::test]
async fn what_takes_longer_than_the_deadline_may_have_been_sent() {
    let responder = Responder::start(Act::Silence).await;
    let bench = Bench::new(STANDARD, &responder.origin, &edge());
    let (client, token) = (bench.client(), secret("R0"));
    let deadline_passes = async {
        responder.arrived().await;
        tokio::time::pause();
        tokio::time::advance(EdgeOptions::default().deadline).await;
    };
    let (refreshed, ()) = tokio::join!(client.refresh(&token), deadline_passes);
    let failure = refreshed.unwrap_err();
    assert!(
        matches!(
            failure.outcome,
            Outcome::OutcomeUnknown { unreadable: None }
        ),
        "{failure}"
    );
    responder.only();
}

#[tokio::test]
async fn a_descriptor_cannot_reach_into_the_operators_network() {
    let responder = Responder::answering(200, &[], br#"{"access_token":"a"}"#).await;
    let port = responder.origin.rsplit(':').next().unwrap();
    let edge = edge();
    for host in ["127.0.0.1", "localhost", "[::1]", "2130706433"] {
        let token_endpoint: &'static str =
            Box::leak(format!("https://{host}:{port}/token").into_boxed_str());
        let provider = Acme::with(OAuth2 {
            token_endpoint,
            ..STANDARD
        });
        let parameters = parameters(&provider, "key", Some("secret"), &[]);
        let client = TokenClient::new(&provider, &parameters, &edge, &SystemClock);
        let failure = client.refresh(&secret("R0")).await.unwrap_err();
        assert!(matches!(failure.outcome, Outcome::AppRefused), "{failure}");
        assert!(
            matches!(failure.details.reason, Reason::NotAllowed(_)),
            "{failure}"
        );
    }
    assert!(responder.received().is_empty());
}

/// The refresh of an instance runs as a task of its own.
#[test]
fn requests_can_be_sent_from_any_thread() {
    fn is_send<T: Send>(_: &T) {}
    let bench = Bench::new(STANDARD, "http://127.0.0.1:1", &edge());
    let (client, token) = (bench.client(), secret("R0"));
    is_send(&client.refresh(&token));
    is_send(&client.exchange(&token, "https://host.example/", None));
    is_send(&client.revoke(&token, tieline_oauth::TokenTypeHint::AccessToken));
}
