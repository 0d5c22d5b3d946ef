//! What a webhook does not take is told again, at its time, until it is taken or given up.

use std::time::Duration;

use tieline_core::Clock as _;
use tieline_engine::{Engine, Round};
use tieline_store::{WaitingDelivery, Webhook, WebhookChanges};
use tieline_tests::stage::Stage;

use crate::receiver::{Act, Receiver};
use crate::webhooks::webhook;

const SECRET: &str = "whsec_dGhlIGNhbmFyeSBzaW5ncyBpbiB0aGUgbWluZSwgbG91ZGx5";
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

async fn waiting(engine: &Engine, webhook: &Webhook) -> Vec<WaitingDelivery> {
    engine.waiting_deliveries(webhook.id, 100).await.unwrap()
}

async fn look_after(stage: &Stage) -> (u64, u64) {
    let Round { told, failed, .. } = stage.engine.look_after().await.unwrap();
    (told, failed)
}

#[tokio::test]
async fn what_is_not_taken_comes_again_at_its_time() {
    let stage = Stage::acme().await;
    let receiver = Receiver::start().await;
    let one = webhook(&stage.engine, &receiver, &[]).await;
    let elsewhere = Receiver::start().await;
    receiver.script([
        Act::Answer(500),
        Act::Reset,
        Act::Redirect(elsewhere.url.clone()),
        Act::Answer(404),
        Act::Answer(429),
    ]);
    let began = stage.clock.now().as_second();
    stage.connect().await;
    assert_eq!(look_after(&stage).await, (0, 1));
    let results = [
        "answered 500",
        "the connection broke before an answer came",
        "answered 307, and redirects are not followed",
        "answered 404",
        "answered 429",
    ];
    let pauses = [5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR];
    for (attempts, (pause, result)) in (1..).zip(pauses.into_iter().zip(results)) {
        let waits = waiting(&stage.engine, &one).await;
        assert_eq!((waits.len(), waits[0].attempts), (1, attempts));
        assert_eq!(waits[0].last.as_deref(), Some(result));
        stage.clock.advance(pause - Duration::from_millis(1));
        assert_eq!(look_after(&stage).await, (0, 0), "{attempts}: too early");
        stage.clock.advance(pause / 10 + Duration::from_millis(1));
        let came = look_after(&stage).await;
        assert_eq!(came.0 + came.1, 1, "{attempts}: in time");
    }
    assert!(waiting(&stage.engine, &one).await.is_empty());
    let told = receiver.told();
    assert_eq!(told.len(), 6);
    // One message, signed at the time of each attempt.
    for told in &told {
        assert_eq!(
            (told.id(), &told.raw),
            (receiver.told()[0].id(), &receiver.told()[0].raw)
        );
        assert!(told.is_signed_with(SECRET));
    }
    assert_eq!(told[0].sent_at(), began);
    assert!(
        told.windows(2)
            .all(|two| two[0].sent_at() < two[1].sent_at())
    );
    assert_eq!(elsewhere.connections(), 0);
    let found = stage.engine.webhook(one.id).await.unwrap();
    assert_eq!(found.failing_since, None);
}

#[tokio::test]
async fn one_that_is_silent_holds_up_no_other_and_is_not_waited_for_forever() {
    let stage = Stage::acme().await;
    let (silent, well) = (Receiver::start().await, Receiver::start().await);
    let stuck = webhook(&stage.engine, &silent, &[]).await;
    webhook(&stage.engine, &well, &[]).await;
    silent.script([Act::Silence]);
    stage.connect().await;
    let engine = stage.engine.clone();
    let round = tokio::spawn(async move { engine.look_after().await.unwrap() });
    silent.arrived().await;
    well.arrived().await;
    stage.connect().await;
    // Another round goes to the one that is free, and not to the other.
    assert_eq!(look_after(&stage).await, (1, 0));
    assert_eq!((well.told().len(), silent.told().len()), (2, 1));
    tokio::time::pause();
    tokio::time::advance(15 * SECOND).await;
    tokio::time::resume();
    assert_eq!(round.await.unwrap().failed, 1);
    let waits = waiting(&stage.engine, &stuck).await;
    let first = waits.iter().find(|waits| waits.attempts == 1).unwrap();
    assert_eq!(first.last.as_deref(), Some("no answer within 15 s"));
    stage.clock.advance(6 * SECOND);
    assert_eq!(look_after(&stage).await, (2, 0));
}

#[tokio::test]
async fn an_answer_without_end_is_an_answer() {
    let stage = Stage::acme().await;
    let receiver = Receiver::start().await;
    let one = webhook(&stage.engine, &receiver, &[]).await;
    receiver.script([Act::Babble]);
    stage.connect().await;
    assert_eq!(look_after(&stage).await, (1, 0));
    assert!(waiting(&stage.engine, &one).await.is_empty());
}

#[tokio::test]
async fn gone_is_gone() {
    let stage = Stage::acme().await;
    let (gone, other) = (Receiver::start().await, Receiver::start().await);
    let left = webhook(&stage.engine, &gone, &[]).await;
    webhook(&stage.engine, &other, &["webhook.disabled"]).await;
    gone.script([Act::Answer(410)]);
    stage.connect().await;
    // The other one is told of it in the same round.
    assert_eq!(look_after(&stage).await, (1, 1));
    let found = stage.engine.webhook(left.id).await.unwrap();
    assert_eq!(found.disabled_why.as_deref(), Some("answered 410"));
    stage.connect().await;
    stage.clock.advance(DAY);
    assert_eq!(look_after(&stage).await, (0, 0));
    assert_eq!(gone.told().len(), 1);
    let told = &other.told()[0].body()["data"];
    assert_eq!(told["detail"]["webhook"], left.id.0);
    assert_eq!(told["detail"]["why"], "answered 410");
    assert!(waiting(&stage.engine, &left).await.is_empty());
}

#[tokio::test]
async fn after_five_days_it_is_given_up_and_not_before() {
    let stage = Stage::acme().await;
    let receiver = Receiver::start().await;
    let one = webhook(&stage.engine, &receiver, &[]).await;
    receiver.always(Act::Answer(503));
    let began = stage.clock.now();
    stage.connect().await;
    look_after(&stage).await;
    stage.clock.advance(4 * DAY);
    stage.connect().await;
    let given_up = async || {
        let found = stage.engine.webhook(one.id).await.unwrap();
        found
            .disabled_at
            .map(|at| at.duration_since(began).as_hours())
    };
    let mut hours = 0;
    while given_up().await.is_none() {
        look_after(&stage).await;
        stage.clock.advance(HOUR);
        hours += 1;
        assert!(hours < 100, "never");
    }
    let after = given_up().await.unwrap();
    assert!((120..132).contains(&after), "after {after} hours");
    assert!(waiting(&stage.engine, &one).await.is_empty());
    let events = stage.engine.events(5).await.unwrap();
    assert_eq!(events[0].kind, "webhook.disabled");
    let attempts = receiver.told().len();
    stage.connect().await;
    stage.clock.advance(DAY);
    look_after(&stage).await;
    assert_eq!(receiver.told().len(), attempts);
    // Its owner has mended it.
    receiver.always(Act::Answer(200));
    let enabled = WebhookChanges {
        enabled: Some(true),
        ..WebhookChanges::default()
    };
    let changed = stage.engine.change_webhook(one.id, enabled).await.unwrap();
    assert_eq!((changed.disabled_at, changed.failing_since), (None, None));
    stage.connect().await;
    assert_eq!(look_after(&stage).await, (1, 0));
}

#[tokio::test]
async fn one_event_that_is_never_taken_is_given_up_and_keeps_no_other() {
    let stage = Stage::acme().await;
    let receiver = Receiver::start().await;
    let one = webhook(&stage.engine, &receiver, &[]).await;
    stage.connect().await;
    receiver.script([Act::Answer(500)]);
    look_after(&stage).await;
    let id = receiver.told()[0].id();
    receiver.refuse(&id);
    let mut rounds = 0;
    while !waiting(&stage.engine, &one).await.is_empty() {
        stage.clock.advance(11 * HOUR);
        stage.connect().await;
        // At the same time, or the other one a rest later.
        let (taken, failed) = look_after(&stage).await;
        stage.clock.advance(10 * SECOND);
        let (later, none) = look_after(&stage).await;
        assert_eq!((taken + later, failed, none), (1, 1, 0));
        rounds += 1;
        assert!(rounds < 40, "never");
    }
    let told = receiver.told();
    let attempts = told.iter().filter(|told| told.id() == id).count();
    assert_eq!((attempts, told.len()), (17, 17 + rounds));
    let found = stage.engine.webhook(one.id).await.unwrap();
    assert_eq!((found.disabled_at, found.failing_since), (None, None));
}

#[tokio::test]
async fn one_that_fails_is_not_flooded_with_what_waits_for_it() {
    let stage = Stage::acme().await;
    let receiver = Receiver::start().await;
    webhook(&stage.engine, &receiver, &[]).await;
    receiver.always(Act::Answer(500));
    for _ in 0..20 {
        stage.connect().await;
    }
    for _ in 0..3 {
        look_after(&stage).await;
    }
    assert_eq!(receiver.told().len(), 4, "a few at once, and then a rest");
    let mut one_by_one = 4;
    for rest in [5, 10, 20, 40] {
        stage.clock.advance(rest * SECOND);
        look_after(&stage).await;
        look_after(&stage).await;
        one_by_one += 1;
        assert_eq!(receiver.told().len(), one_by_one, "after {rest} s");
    }
    receiver.always(Act::Answer(200));
    stage.clock.advance(6 * MINUTE);
    assert_eq!(look_after(&stage).await, (20, 0));
}
