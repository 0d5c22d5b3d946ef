//! Calls keep to the provider's limits: several windows at once, what its headers say, and the pauses that it asks for.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use tieline_core::Clock as _;
use tieline_core::prelude::*;
use tieline_engine::{
    AnswerBody, CallOptions, EngineError, HeldBack, InstanceHandle, Kind, LimitUse,
};
use tieline_sandbox::{Act, Endpoint, Outcome};
use tieline_store::Instance;
use tieline_tests::script::come_back_in;
use tieline_tests::stage::{Stage, eventually, get};
use tokio::task::{JoinHandle, JoinSet};

const SECOND: Duration = Duration::from_secs(1);

async fn limited_to(limits: &'static [RateLimit]) -> Stage {
    Stage::acme_with(|descriptor| ProviderDescriptor {
        rate_limits: Stated::Known(limits),
        ..descriptor
    })
    .await
}

fn calls(stage: &Stage) -> usize {
    stage.sandbox.ledger().requests_to(Endpoint::Api).count()
}

async fn call(
    handle: &InstanceHandle,
    patience: Duration,
) -> Result<Response<AnswerBody>, EngineError> {
    let request: Request<Bytes> = get("/me");
    let options = CallOptions { patience };
    handle
        .call_streaming(request.map(Into::into), options)
        .await
}

fn spawned(
    stage: &Stage,
    instance: &Instance,
    patience: Duration,
) -> JoinHandle<Result<Response<AnswerBody>, EngineError>> {
    let handle = stage.engine.instance(instance.id);
    tokio::spawn(async move { call(&handle, patience).await })
}

async fn limits(stage: &Stage) -> Vec<LimitUse> {
    let app = stage.app().await;
    stage.engine.limits(app.id).await.unwrap()
}

async fn waiting(stage: &Stage, count: u32) {
    eventually("so many wait", async || {
        limits(stage)
            .await
            .iter()
            .map(|limit| limit.waiting)
            .sum::<u32>()
            == count
    })
    .await;
}

fn held_back(error: &EngineError) -> &HeldBack {
    assert_eq!(error.kind(), Kind::Unavailable, "{error}");
    let EngineError::HeldBack(held_back) = error else {
        panic!("{error}");
    };
    held_back
}

#[tokio::test]
async fn every_window_holds_calls_back_until_it_has_room_or_their_patience_ends() {
    const LIMITS: &[RateLimit] = &[
        RateLimit::new(3, seconds(1), "app", "docs"),
        RateLimit::new(5, minutes(1), "app", "docs"),
        RateLimit::new(1, minutes(1), "app", "elsewhere").told(),
    ];
    let stage = limited_to(LIMITS).await;
    let instance = stage.connect().await;
    let before = calls(&stage);
    let handle = stage.engine.instance(instance.id);
    for _ in 0..3 {
        assert_eq!(handle.call(get("/me")).await.unwrap().status(), 200);
    }
    let (fourth, fifth) = (
        spawned(&stage, &instance, SECOND),
        spawned(&stage, &instance, SECOND),
    );
    waiting(&stage, 2).await;
    assert_eq!(calls(&stage) - before, 3);
    stage.clock.advance(SECOND);
    assert_eq!(fourth.await.unwrap().unwrap().status(), 200);
    assert_eq!(fifth.await.unwrap().unwrap().status(), 200);
    // Nobody waits who would wait in vain.
    let refused = call(&handle, 30 * SECOND).await.unwrap_err();
    let expected = HeldBack::OverLimit {
        provider: "acme".to_owned(),
        calls: 5,
        per: 60 * SECOND,
        retry_after: 59 * SECOND,
    };
    assert_eq!(held_back(&refused), &expected);
    assert_eq!(refused.retry_after(), Some(59 * SECOND));
    let told = "acme: the 5 calls that it takes in 60 s are used up; there is room again in 59 s";
    assert_eq!(refused.to_string(), told);
    assert_eq!(calls(&stage) - before, 5);
    let known = limits(&stage).await;
    let used: Vec<_> = known[0]
        .windows
        .iter()
        .map(|it| (it.calls, it.used))
        .collect();
    assert_eq!((known.len(), used), (1, vec![(3, 2), (5, 5)]));
    stage.clock.advance(59 * SECOND);
    assert_eq!(call(&handle, Duration::ZERO).await.unwrap().status(), 200);
}

#[tokio::test]
async fn accounts_are_counted_together_or_apart_as_the_provider_does() {
    const TOGETHER: &[RateLimit] = &[RateLimit::new(1, minutes(1), "app", "docs")];
    const APART: &[RateLimit] = &[RateLimit::new(1, minutes(1), "user", "docs").of_account()];
    const BY_PATH: &[RateLimit] = &[RateLimit::new(1, minutes(1), "method", "docs").of_method()];
    for (limits, of_another, of_the_same) in [
        (TOGETHER, false, false),
        (APART, true, false),
        (BY_PATH, true, true),
    ] {
        let stage = limited_to(limits).await;
        let (one, other) = (stage.connect().await, stage.connect().await);
        let [one, other] = [one, other].map(|it| stage.engine.instance(it.id));
        assert!(call(&one, Duration::ZERO).await.is_ok());
        assert_eq!(call(&other, Duration::ZERO).await.is_ok(), of_another);
        assert_eq!(call(&one, Duration::ZERO).await.is_ok(), of_the_same);
    }
}

/// The provider lets no more through than it says, and we never find that out by a 429: Keap's windows, two thousand calls at
/// once, and a clock that goes on whenever all wait.
#[tokio::test]
async fn infusionsoft_never_has_to_say_no() {
    let stage = Stage::infusionsoft().await;
    let instance = stage.connect().await;
    stage.sandbox.enforce_limits();
    stage.clock.advance(SECOND);
    let started = stage.clock.now();
    let mut all = JoinSet::new();
    for _ in 0..200 {
        let handle = stage.engine.instance(instance.id);
        all.spawn(async move {
            let path = get("/v1/oauth/connect/userinfo").map(Into::into);
            let options = CallOptions {
                patience: 600 * SECOND,
            };
            handle.call_streaming(path, options).await.unwrap().status()
        });
    }
    let mut done = 0;
    while done < 200 {
        tokio::select! {
            biased;
            Some(status) = all.join_next() => {
                assert_eq!(status.unwrap(), 200);
                done += 1;
            }
            () = tokio::task::yield_now() => {
                let known = limits(&stage).await;
                let is_still = |it: &LimitUse| it.under_way == 0 && it.waiting as usize + done == 200;
                if known.first().is_some_and(is_still) {
                    stage.clock.advance(SECOND / 10);
                }
            }
        }
    }
    let ledger = stage.sandbox.ledger();
    assert_eq!(ledger.count(Outcome::Throttled), 0);
    let took = stage.clock.now().duration_since(started);
    assert!((7..=9).contains(&took.as_secs()), "{took:?}");
}

#[tokio::test]
async fn what_the_headers_say_counts_also_for_calls_that_others_made() {
    const LIMITS: &[RateLimit] =
        &[
            RateLimit::new(1_000, minutes(1), "app", "docs").in_headers(QuotaHeaders::new(
                "x-ratelimit-limit",
                "x-ratelimit-remaining",
            )),
        ];
    let stage = Stage::edited(
        |rules| rules["api"]["limits"]["minute"]["limit"] = 6.into(),
        |descriptor| ProviderDescriptor {
            rate_limits: Stated::Known(LIMITS),
            ..descriptor
        },
    )
    .await;
    let instance = stage.connect().await;
    stage.sandbox.enforce_limits();
    let handle = stage.engine.instance(instance.id);
    // Connecting has used one, and nobody here has counted that.
    assert_eq!(handle.call(get("/me")).await.unwrap().status(), 200);
    let window = limits(&stage).await[0].windows[0];
    assert_eq!((window.calls, window.used, window.left), (6, 1, Some(4)));
    for _ in 0..4 {
        assert_eq!(call(&handle, Duration::ZERO).await.unwrap().status(), 200);
    }
    let refused = call(&handle, Duration::ZERO).await.unwrap_err();
    assert_eq!(refused.retry_after(), Some(10 * SECOND), "{refused}");
    assert_eq!(stage.sandbox.ledger().count(Outcome::Throttled), 0);
}

fn busy(status: u16, retry_after: &str) -> Act {
    Act::Answer {
        status,
        headers: vec![("retry-after".to_owned(), retry_after.to_owned())],
        body: b"busy".to_vec(),
    }
}

#[tokio::test]
async fn a_pause_that_the_provider_asks_for_is_kept_whatever_its_form() {
    // The stage's clock begins in the morning of 2026-01-01, a Thursday.
    for (status, retry_after) in [
        (429, "30"),
        (503, "30"),
        (503, "29.2"),
        (429, "Thu, 01 Jan 2026 00:00:30 GMT"),
        (503, "Thursday, 01-Jan-26 00:00:30 GMT"),
        (429, "Thu Jan  1 00:00:30 2026"),
    ] {
        let stage = Stage::acme().await;
        let instance = stage.connect().await;
        let handle = stage.engine.instance(instance.id);
        stage
            .sandbox
            .script(Endpoint::Api, busy(status, retry_after));
        let answer = handle.call(get("/me")).await.unwrap();
        assert_eq!(
            (answer.status().as_u16(), &answer.body()[..]),
            (status, &b"busy"[..])
        );
        let before = calls(&stage);
        let refused = call(&handle, 29 * SECOND).await.unwrap_err();
        let paused = HeldBack::Paused {
            provider: "acme".to_owned(),
            retry_after: 30 * SECOND,
        };
        assert_eq!(held_back(&refused), &paused, "{retry_after}");
        let patient = spawned(&stage, &instance, 30 * SECOND);
        waiting(&stage, 1).await;
        stage.clock.advance(29 * SECOND);
        waiting(&stage, 1).await;
        assert_eq!(calls(&stage), before, "{retry_after}");
        stage.clock.advance(SECOND);
        assert_eq!(patient.await.unwrap().unwrap().status(), 200);
    }
}

#[tokio::test]
async fn what_is_no_request_for_a_pause_pauses_nothing() {
    let stage = Stage::acme().await;
    let instance = stage.connect().await;
    let handle = stage.engine.instance(instance.id);
    for scripted in [
        busy(429, "soon"),
        busy(429, "-5"),
        busy(500, "30"),
        busy(200, "30"),
    ] {
        stage.sandbox.script(Endpoint::Api, scripted);
        handle.call(get("/me")).await.unwrap();
        assert_eq!(call(&handle, Duration::ZERO).await.unwrap().status(), 200);
    }
}

#[tokio::test]
async fn a_pause_holds_for_all_accounts_where_they_are_counted_together_and_for_one_elsewhere() {
    const TOGETHER: &[RateLimit] = &[RateLimit::new(100, minutes(1), "app", "docs")];
    const APART: &[RateLimit] = &[RateLimit::new(100, minutes(1), "user", "docs").of_account()];
    for (limits, another_goes) in [(TOGETHER, false), (APART, true), (&[], true)] {
        let stage = limited_to(limits).await;
        let (one, other) = (stage.connect().await, stage.connect().await);
        let [one, other] = [one, other].map(|it| stage.engine.instance(it.id));
        stage.sandbox.script(Endpoint::Api, come_back_in(429, 30));
        call(&one, Duration::ZERO).await.unwrap();
        assert!(call(&one, Duration::ZERO).await.is_err());
        assert_eq!(call(&other, Duration::ZERO).await.is_ok(), another_goes);
    }
}

#[tokio::test]
async fn whoever_was_held_back_carries_what_is_valid_then() {
    const LIMITS: &[RateLimit] = &[RateLimit::new(1, minutes(1), "app", "docs")];
    let stage = limited_to(LIMITS).await;
    let (instance, gone) = (stage.connect().await, stage.connect().await);
    call(&stage.engine.instance(instance.id), SECOND)
        .await
        .unwrap();
    let held = spawned(&stage, &instance, 120 * SECOND);
    waiting(&stage, 1).await;
    let held_for_nothing = spawned(&stage, &gone, 120 * SECOND);
    waiting(&stage, 2).await;
    stage.engine.instance(instance.id).refresh().await.unwrap();
    stage
        .engine
        .instance(gone.id)
        .disconnect(true)
        .await
        .unwrap();
    stage.clock.advance(60 * SECOND);
    assert_eq!(held.await.unwrap().unwrap().status(), 200);
    stage.clock.advance(60 * SECOND);
    let refused = held_for_nothing.await.unwrap().unwrap_err();
    assert!(
        matches!(refused, EngineError::NoSuchInstance(_)),
        "{refused}"
    );
    assert_eq!(
        stage.sandbox.ledger().refreshes(),
        1,
        "it carried the new token"
    );
}
