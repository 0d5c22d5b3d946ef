//! Rows about connecting on another device (RFC 8628).

use std::time::Duration;

use tieline_core::Clock as _;
use tieline_core::descriptor::{DeviceAuthorization as DeclaredDevice, OAuth2};
use tieline_oauth::{
    DeviceAuthorization, DeviceRefusal, EdgeOptions, Outcome, Poll, Reason, TokenFailure,
};

use crate::acme::{Bench, STANDARD, edge};
use crate::responder::{Act, Responder};

/// A provider where devices can ask.
const WITH_DEVICES: OAuth2 = OAuth2 {
    device: Some(DeclaredDevice::new("https://acme.example/device")),
    scopes: &["read", "write"],
    ..STANDARD
};
const JSON: &[(&str, &str)] = &[("content-type", "application/json")];
const CODES: &str = r#"{"device_code":"12345","verification_uri":"https://verify/here","user_code":"abcde","expires_in":300}"#;
const FIVE: Duration = Duration::from_secs(5);

/// How long to wait before the next poll, when none of the code's time is over.
fn waits(device: &DeviceAuthorization) -> Duration {
    device.wait(device.expires_at - Duration::from_secs(300))
}

/// What comes of asking for codes, when this is the answer.
async fn asked(body: &str) -> (Responder, Bench, Result<DeviceAuthorization, TokenFailure>) {
    let responder = Responder::answering(200, JSON, body.as_bytes()).await;
    let bench = Bench::new(WITH_DEVICES, &responder.origin, &edge());
    let device = bench.client().device_authorization().await;
    (responder, bench, device)
}

/// A device with its codes, and what comes of one poll that is answered with an error.
async fn polled(error: &str) -> (DeviceAuthorization, Result<Poll, DeviceRefusal>) {
    let (_, _, device) = asked(CODES).await;
    let mut device = device.unwrap();
    let polled = poll_again(&mut device, error).await;
    (device, polled)
}

async fn poll_again(device: &mut DeviceAuthorization, error: &str) -> Result<Poll, DeviceRefusal> {
    let body = format!(r#"{{"error":"{error}"}}"#);
    let responder = Responder::answering(400, JSON, body.as_bytes()).await;
    let bench = Bench::new(WITH_DEVICES, &responder.origin, &edge());
    let polled = bench.client().poll_device(device).await;
    let request = responder.only();
    assert!(request.line.starts_with("POST /token "), "{}", request.line);
    assert_eq!(
        request.form(),
        [
            ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
            ("device_code", "12345"),
            ("client_id", "acme-key"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
    );
    assert_eq!(request.header("authorization"), None, "a public client");
    polled
}

#[tokio::test]
async fn d01_five_seconds_lie_between_two_polls_unless_told() {
    let (responder, bench, device) = asked(CODES).await;
    let device = device.unwrap();
    assert_eq!(waits(&device), FIVE);
    assert_eq!(
        (&*device.user_code, &*device.verification_uri),
        ("abcde", "https://verify/here")
    );
    assert_eq!(device.verification_uri_complete, None);
    let lifetime = device.expires_at - bench.clock.now();
    assert_eq!(lifetime.get_seconds(), 300);
    let request = responder.only();
    assert!(
        request.line.starts_with("POST /device "),
        "{}",
        request.line
    );
    assert_eq!(
        request.form(),
        [("scope", "read write"), ("client_id", "acme-key")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
    );

    let (_, _, told) = asked(&CODES.replace("300", r#"300,"interval":7"#)).await;
    assert_eq!(waits(&told.unwrap()), Duration::from_secs(7));
}

#[tokio::test]
async fn d02_an_interval_of_null_is_none_told() {
    let (_, _, device) = asked(&CODES.replace("300", r#"300,"interval":null"#)).await;
    assert_eq!(waits(&device.unwrap()), FIVE);
}

#[tokio::test]
async fn d04_without_a_device_code_there_is_nothing_to_poll_with() {
    let row = r#"{"user_code":"u","verification_uri":"v","expires_in":300}"#;
    let otherwise_whole = row.replace(r#""v""#, r#""https://verify/here""#);
    for (body, lacks) in [
        (row, "verification_uri"),
        (&*otherwise_whole, "device_code"),
        (&*CODES.replace("12345", ""), "device_code"),
        (&*CODES.replace(r#""user_code":"abcde","#, ""), "user_code"),
    ] {
        let (responder, _, device) = asked(body).await;
        let failure = device.unwrap_err();
        let Reason::Unreadable(why) = &failure.details.reason else {
            panic!("{failure}")
        };
        assert!(why.starts_with(&format!("{lacks}:")), "{body}: {failure}");
        responder.only();
    }
}

#[tokio::test]
async fn d06_slow_down_counts_for_this_poll_and_all_later_ones() {
    let (mut device, polled) = polled("slow_down").await;
    assert!(matches!(polled, Ok(Poll::Pending)), "{polled:?}");
    assert_eq!(waits(&device), 2 * FIVE);
    let later = poll_again(&mut device, "authorization_pending").await;
    assert!(matches!(later, Ok(Poll::Pending)), "{later:?}");
    assert_eq!(waits(&device), 2 * FIVE, "it stays slower");
    poll_again(&mut device, "slow_down").await.unwrap();
    assert_eq!(waits(&device), 3 * FIVE);
}

#[tokio::test]
async fn d07_a_code_that_nobody_typed_in_time_is_the_end() {
    let (_, polled) = polled("expired_token").await;
    let told = polled.unwrap_err();
    assert!(matches!(told, DeviceRefusal::Expired { .. }), "{told}");
    assert_eq!(
        told.to_string(),
        "acme: nobody typed the code in time; start again"
    );
}

#[tokio::test]
async fn d07_after_its_time_nobody_is_asked() {
    let (_, _, device) = asked(CODES).await;
    let mut device = device.unwrap();
    let responder = Responder::answering(400, JSON, b"{}").await;
    let bench = Bench::new(WITH_DEVICES, &responder.origin, &edge());
    bench.clock.advance(Duration::from_secs(300));
    let told = bench.client().poll_device(&mut device).await.unwrap_err();
    assert!(matches!(told, DeviceRefusal::Expired { .. }), "{told}");
    assert!(responder.received().is_empty());
}

#[tokio::test]
async fn d08_a_denial_is_the_end() {
    let (_, polled) = polled("access_denied").await;
    let told = polled.unwrap_err();
    assert!(matches!(told, DeviceRefusal::Denied { .. }), "{told}");
    assert_eq!(
        told.to_string(),
        "acme: access was denied; start again if that was a mistake"
    );
}

#[tokio::test]
async fn d09_whoever_does_not_answer_is_asked_half_as_often() {
    let (_, _, device) = asked(CODES).await;
    let mut device = device.unwrap();
    for (act, interval) in [(Act::Reset, 2 * FIVE), (Act::Silence, 4 * FIVE)] {
        let is_silent = matches!(act, Act::Silence);
        let responder = Responder::start(act).await;
        let bench = Bench::new(WITH_DEVICES, &responder.origin, &edge());
        let client = bench.client();
        let deadline_passes = async {
            responder.arrived().await;
            if is_silent {
                tokio::time::pause();
                tokio::time::advance(EdgeOptions::default().deadline).await;
            }
        };
        let (polled, ()) = tokio::join!(client.poll_device(&mut device), deadline_passes);
        assert!(matches!(polled, Ok(Poll::Pending)), "{polled:?}");
        assert_eq!(waits(&device), interval);
        responder.only();
    }
    poll_again(&mut device, "authorization_pending")
        .await
        .unwrap();
    assert_eq!(waits(&device), FIVE, "it answers again");
}

/// What comes of one poll that is answered with a success.
async fn granted(body: &str) -> Result<Poll, DeviceRefusal> {
    let (_, _, device) = asked(CODES).await;
    let responder = Responder::answering(200, JSON, body.as_bytes()).await;
    let bench = Bench::new(WITH_DEVICES, &responder.origin, &edge());
    bench.client().poll_device(&mut device.unwrap()).await
}

#[tokio::test]
async fn a_grant_is_taken_and_one_that_can_not_be_read_ends_the_polling() {
    let polled = granted(r#"{"access_token":"a","refresh_token":"r","token_type":"bearer"}"#).await;
    let Ok(Poll::Granted(tokens)) = polled else {
        panic!("{polled:?}")
    };
    assert_eq!(tokens.set.access_token.expose(), "a");

    // Asked again, the code would be spent.
    let told = granted(r#"{"token_type":"bearer"}"#).await.unwrap_err();
    let DeviceRefusal::Failed(failure) = &told else {
        panic!("{told}")
    };
    assert!(
        matches!(failure.details.reason, Reason::Unreadable(_)),
        "{failure}"
    );
}

#[tokio::test]
async fn any_other_refusal_ends_the_polling_too() {
    let (_, refused) = polled("invalid_grant").await;
    let told = refused.unwrap_err();
    let DeviceRefusal::Failed(failure) = &told else {
        panic!("{told}")
    };
    assert!(matches!(failure.outcome, Outcome::Dead), "{failure}");
}
