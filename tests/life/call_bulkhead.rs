//! A provider that hangs holds up its own calls, and those of no other.

use std::sync::Arc;
use std::time::Duration;

use tieline_core::prelude::*;
use tieline_core::{Configuration, ManualClock};
use tieline_engine::{
    Arrival, AuthorizeOptions, CallOptions, Engine, EngineError, HeldBack, Kind, NewApp,
};
use tieline_sandbox::{Act, Endpoint, Gate, Sandbox};
use tieline_store::Instance;
use tieline_tests::provider::{acme, provider};
use tieline_tests::sides::{environment, try_open_store};
use tieline_tests::stage::{Stage, eventually, get, query};

const SECOND: Duration = Duration::from_secs(1);

/// Two providers and one engine, which makes two calls of an app to one origin at once.
struct Both {
    engine: Engine,
    clock: Arc<ManualClock>,
    hanging: (Sandbox, Instance),
    answering: (Sandbox, Instance),
    _folder: tempfile::TempDir,
}

async fn both() -> Both {
    let (first, second) = (Stage::acme().await, Stage::acme().await);
    for stage in [&first, &second] {
        stage.engine.shutdown().await;
    }
    let (clock, folder) = (Arc::clone(&first.clock), tempfile::tempdir().unwrap());
    let (hanging, answering) = (first.sandbox, second.sandbox);
    let a = provider(acme(hanging.base_url()));
    let b = provider(ProviderDescriptor {
        id: "bolt",
        ..acme(answering.base_url())
    });
    let environment = [(a, &hanging), (b, &answering)].map(|(provider, sandbox)| {
        let named = environment(sandbox, provider, sandbox.client().1);
        let id = provider.descriptor().id;
        named
            .into_iter()
            .map(|(key, value)| (key.environment_name(id), value))
    });
    let configuration = Configuration::from_parts(None, environment.into_iter().flatten());
    let store = try_open_store(folder.path(), &clock).await.unwrap();
    let registry = Registry::builder().with(a).with(b).build().unwrap();
    let engine = Engine::builder(registry, store)
        .configuration(configuration.unwrap())
        .calls_at_once(2)
        .clock(Arc::clone(&clock) as _)
        .build()
        .unwrap();
    let of_a = connect(&engine, "acme", &hanging).await;
    let of_b = connect(&engine, "bolt", &answering).await;
    Both {
        engine,
        clock,
        hanging: (hanging, of_a),
        answering: (answering, of_b),
        _folder: folder,
    }
}

async fn connect(engine: &Engine, provider: &str, sandbox: &Sandbox) -> Instance {
    let new = NewApp {
        provider: provider.to_owned(),
        ..NewApp::default()
    };
    let app = engine.create_app(new).await.unwrap();
    let started = engine
        .authorize(&app, AuthorizeOptions::LOCAL)
        .await
        .unwrap();
    let callback = sandbox.consent(&started.authorization_url).await.unwrap();
    let arrival = Arrival::Local(started.id);
    engine.call_back(&arrival, &query(&callback)).await.unwrap()
}

#[tokio::test]
async fn calls_to_one_that_hangs_wait_for_each_other_and_nobody_else_for_them() {
    let both = both().await;
    let (hanging, instance) = &both.hanging;
    let before = hanging.ledger().requests_to(Endpoint::Api).count();
    let under_way = || hanging.ledger().requests_to(Endpoint::Api).count() - before;
    let call = |patience| {
        let handle = both.engine.instance(instance.id);
        let options = CallOptions { patience };
        tokio::spawn(async move {
            let answer = handle
                .call_streaming(get("/me").map(Into::into), options)
                .await?;
            assert!(!answer.into_body().bytes().await.unwrap().is_empty());
            Ok::<_, EngineError>(())
        })
    };
    let gates = [Gate::new(), Gate::new()];
    for gate in &gates {
        hanging.script(Endpoint::Api, Act::Hold(gate.clone()));
    }
    let first = [call(30 * SECOND), call(30 * SECOND)];
    for gate in &gates {
        gate.reached().await;
    }
    // No seat, and no patience.
    let refused = call(Duration::ZERO).await.unwrap().unwrap_err();
    let EngineError::HeldBack(HeldBack::TooManyCalls { most: 2, .. }) = refused else {
        panic!("{refused}");
    };
    assert_eq!(refused.kind(), Kind::Unavailable);
    let (patient, third) = (call(30 * SECOND), call(10 * SECOND));
    // The other one answers, and this one's tokens are refreshed, all the while.
    let (_, of_other) = &both.answering;
    for _ in 0..5 {
        let answer = both
            .engine
            .instance(of_other.id)
            .call(get("/me"))
            .await
            .unwrap();
        assert_eq!(answer.status(), 200);
    }
    both.engine.instance(instance.id).refresh().await.unwrap();
    both.clock.advance(10 * SECOND);
    let refused = third.await.unwrap().unwrap_err();
    assert_eq!(refused.name(), "too-many-calls");
    assert!(!patient.is_finished());
    gates[0].release();
    patient.await.unwrap().unwrap();
    gates[1].release();
    for done in first {
        done.await.unwrap().unwrap();
    }
    // The refresh has ended the tokens that the first two carried: they were sent twice, and the patient one once.
    assert_eq!(under_way(), 5, "those that were refused were never sent");
}

#[tokio::test]
async fn a_call_is_under_way_until_its_body_is_read_or_dropped() {
    let both = both().await;
    let handle = both.engine.instance(both.hanging.1.id);
    let options = CallOptions {
        patience: Duration::ZERO,
    };
    let call = async || {
        handle
            .call_streaming(get("/me").map(Into::into), options)
            .await
    };
    let (first, second) = (call().await.unwrap(), call().await.unwrap());
    assert!(call().await.is_err());
    first.into_body().bytes().await.unwrap();
    let third = call().await.unwrap();
    assert!(call().await.is_err());
    drop((second, third));
    eventually("there is room again", async || call().await.is_ok()).await;
}
