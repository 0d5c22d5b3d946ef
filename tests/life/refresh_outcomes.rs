//! What comes of a refresh is one of a closed list, and each has its one consequence.

use std::time::Duration;

use tieline_engine::{AuthorizeOptions, EngineError, Kind};
use tieline_sandbox::{Act, Endpoint};
use tieline_store::{Cause, Instance, Status};
use tieline_tests::script::{answer, come_back_in, json};
use tieline_tests::stage::{Stage, get};

const HOURS: Duration = Duration::from_secs(2 * 60 * 60);
/// After a failure nobody waits longer than this before the next try.
const LONGEST_REST: Duration = Duration::from_secs(5 * 60);

/// A connected account whose access token has expired, and what its refresh comes to under a script.
async fn refreshed_under(script: Act) -> (Stage, Instance, EngineError) {
    let stage = Stage::acme().await;
    let instance = stage.connect().await;
    stage.clock.advance(HOURS);
    stage.sandbox.script(Endpoint::Token, script);
    let error = stage
        .engine
        .instance(instance.id)
        .access_token()
        .await
        .unwrap_err();
    (stage, instance, error)
}

/// Nothing was spent: the next caller refreshes as if nothing had been.
async fn assert_recovers(stage: &Stage, instance: &Instance) {
    assert_eq!(stage.load(instance).await.status, Status::Ok);
    stage.clock.advance(LONGEST_REST);
    let token = stage
        .engine
        .instance(instance.id)
        .access_token()
        .await
        .unwrap();
    assert!(
        stage
            .sandbox
            .ledger()
            .is_live_access_token(token.token.expose())
    );
    assert!(stage.holds_the_current_refresh_token(instance).await);
}

#[tokio::test]
async fn busy_leaves_the_instance_alone_and_says_when() {
    for status in [429, 503] {
        let script = come_back_in(status, 120);
        let (stage, instance, error) = refreshed_under(script).await;
        assert_eq!(error.kind(), Kind::Unavailable, "{error}");
        assert!(error.to_string().contains("120"), "{error}");
        let stored = stage.load(&instance).await;
        assert_eq!((stored.intent, stored.uncertain), (None, false));
        assert_recovers(&stage, &instance).await;
    }
}

#[tokio::test]
async fn a_server_that_is_down_was_sent_nothing() {
    let stage = Stage::acme().await;
    let instance = stage.connect().await;
    stage.clock.advance(HOURS);
    let Stage {
        sandbox, engine, ..
    } = stage;
    sandbox.stop().await;
    let error = engine
        .instance(instance.id)
        .access_token()
        .await
        .unwrap_err();
    assert_eq!(error.kind(), Kind::Unavailable, "{error}");
    let stored = engine.instance(instance.id).load().await.unwrap();
    assert_eq!(
        (stored.status, stored.intent, stored.uncertain),
        (Status::Ok, None, false)
    );
}

#[tokio::test]
async fn the_apps_trouble_is_not_the_instances() {
    for script in [
        json(401, r#"{"error":"invalid_client"}"#),
        json(400, r#"{"error":"unauthorized_client"}"#),
        answer(404, "text/html", "<h1>Not here</h1>"),
        Act::Answer {
            status: 302,
            headers: vec![("location".into(), "https://evil.example/token".into())],
            body: vec![],
        },
    ] {
        let (stage, instance, error) = refreshed_under(script).await;
        assert_eq!(error.kind(), Kind::Configuration, "{error}");
        assert_eq!(
            stage.sandbox.ledger().token_requests("refresh_token"),
            1,
            "no second request: {error}"
        );
        assert_recovers(&stage, &instance).await;
    }
}

#[tokio::test]
async fn a_dead_refresh_token_needs_a_person_and_says_so_once() {
    for spelling in [0, 1] {
        let stage = Stage::infusionsoft().await;
        let instance = stage.connect().await;
        stage.sandbox.set_dead_token_spelling(spelling);
        let (_, refresh_token) = stage.tokens(&instance).await;
        stage.sandbox.revoke_grant(&refresh_token.unwrap());
        stage.clock.advance(25 * HOURS);
        for _ in 0..3 {
            let error = stage
                .engine
                .instance(instance.id)
                .access_token()
                .await
                .unwrap_err();
            assert_eq!(error.kind(), Kind::Reconnect, "{error}");
            assert!(error.to_string().contains(&format!(
                "tieline connect infusionsoft --instance {}",
                instance.id
            )));
        }
        let stored = stage.load(&instance).await;
        assert_eq!(
            (stored.status, stored.cause),
            (Status::ReconnectRequired, Some(Cause::Revoked))
        );
        assert_eq!(
            stage.sandbox.ledger().token_requests("refresh_token"),
            1,
            "a dead token is not tried again"
        );
        let events = stage.engine.instance(instance.id).events(50).await.unwrap();
        let told: Vec<_> = events
            .iter()
            .filter(|event| event.kind == "instance.reconnect_required")
            .collect();
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].detail["cause"], "revoked");
    }
}

#[tokio::test]
async fn an_instance_that_needs_a_person_is_brought_back_by_one() {
    let stage = Stage::acme().await;
    let instance = stage.connect().await;
    let (_, refresh_token) = stage.tokens(&instance).await;
    stage.sandbox.revoke_grant(&refresh_token.unwrap());
    stage.clock.advance(HOURS);
    stage
        .engine
        .instance(instance.id)
        .access_token()
        .await
        .unwrap_err();

    let again = AuthorizeOptions {
        instance: Some(instance.id),
        ..AuthorizeOptions::LOCAL
    };
    let (arrival, callback) = stage.consented(again).await;
    let back = stage.engine.call_back(&arrival, &callback).await.unwrap();
    assert_eq!(
        (back.id, back.status, back.cause),
        (instance.id, Status::Ok, None)
    );
    assert_eq!(
        stage
            .engine
            .instance(instance.id)
            .call(get("/me"))
            .await
            .unwrap()
            .status(),
        200
    );
}

#[tokio::test]
async fn any_other_refusal_changes_no_status() {
    let (stage, instance, error) = refreshed_under(json(403, "{}")).await;
    assert_eq!(error.kind(), Kind::Failure, "{error}");
    stage.clock.advance(Duration::from_secs(15 * 60));
    assert_recovers(&stage, &instance).await;
}

#[tokio::test]
async fn an_unknown_outcome_stays_on_disk_and_the_answer_in_quarantine() {
    for (script, unreadable) in [
        (answer(500, "text/plain", "oops"), false),
        (Act::ResetBeforeWork, false),
        (
            answer(200, "text/html", "<html>Welcome CANARY</html>"),
            true,
        ),
        (json(200, "[]"), true),
        (json(200, ""), false),
        (answer(200, "application/json", vec![b' '; 10 << 20]), true),
    ] {
        let (stage, instance, error) = refreshed_under(script).await;
        assert_eq!(error.kind(), Kind::Unavailable, "{error}");
        assert!(!error.to_string().contains("CANARY"), "{error}");
        let stored = stage.load(&instance).await;
        assert!(
            stored.uncertain && stored.intent.is_some_and(|intent| intent.uncertain),
            "{error}"
        );
        assert_eq!((stored.status, stored.lease), (Status::Ok, None));
        let kept = stage
            .engine
            .store()
            .quarantined("default")
            .await
            .unwrap()
            .len();
        assert_eq!(
            kept == 1,
            unreadable,
            "{error}: {kept} answers in quarantine"
        );
        // Nothing had been spent, so the replay of the old token brings the instance back.
        assert_recovers(&stage, &instance).await;
        assert!(!stage.load(&instance).await.uncertain);
    }
}

#[tokio::test]
async fn a_lost_answer_is_told_apart_from_a_revocation() {
    for script in [Act::CommitThenReset, Act::CommitThenCut { after: 10 }] {
        let (stage, instance, error) = refreshed_under(script).await;
        assert_eq!(error.kind(), Kind::Unavailable, "{error}");
        assert_eq!(
            stage.sandbox.ledger().refreshes(),
            1,
            "the server has spent the token"
        );
        stage.clock.advance(LONGEST_REST);
        let error = stage
            .engine
            .instance(instance.id)
            .access_token()
            .await
            .unwrap_err();
        assert_eq!(error.kind(), Kind::Reconnect, "{error}");
        assert_eq!(stage.load(&instance).await.cause, Some(Cause::LostResponse));
    }
}

#[tokio::test]
async fn a_server_that_revokes_on_reuse_is_left_alone_while_the_token_lives() {
    let stage = Stage::acme().await;
    let instance = stage.connect().await;
    // Five minutes before its end the token is due; the refresh's answer is lost.
    stage.clock.advance(Duration::from_secs(55 * 60));
    stage.sandbox.script(Endpoint::Token, Act::ResetBeforeWork);
    let error = stage
        .engine
        .instance(instance.id)
        .refresh()
        .await
        .unwrap_err();
    assert_eq!(error.kind(), Kind::Unavailable, "{error}");
    for _ in 0..3 {
        stage.clock.advance(Duration::from_secs(60));
        assert_eq!(
            stage
                .engine
                .instance(instance.id)
                .access_token()
                .await
                .unwrap()
                .generation,
            1
        );
    }
    // A restart waits for whatever was started meanwhile.
    let stage = stage.reopened().await;
    assert_eq!(
        stage.sandbox.ledger().token_requests("refresh_token"),
        1,
        "no replay while the old token works"
    );
    stage.clock.advance(Duration::from_secs(5 * 60));
    assert_eq!(
        stage
            .engine
            .instance(instance.id)
            .access_token()
            .await
            .unwrap()
            .generation,
        2
    );
}

#[tokio::test]
async fn a_live_token_is_served_while_the_provider_is_down() {
    let stage = Stage::acme().await;
    let instance = stage.connect().await;
    stage.clock.advance(Duration::from_secs(55 * 60));
    for _ in 0..5 {
        stage
            .sandbox
            .script(Endpoint::Token, answer(500, "text/plain", "oops"));
        let served = stage
            .engine
            .instance(instance.id)
            .call(get("/me"))
            .await
            .unwrap();
        assert_eq!(served.status(), 200);
    }
    assert_eq!(stage.load(&instance).await.status, Status::Ok);
}

#[tokio::test]
async fn an_apps_endpoints_never_change() {
    let stage = Stage::acme().await;
    let instance = stage.connect().await;
    let other = Stage::acme().await;
    stage.clock.advance(HOURS);
    let stage = stage.facing(&other.sandbox).await;
    let error = stage
        .engine
        .instance(instance.id)
        .access_token()
        .await
        .unwrap_err();
    assert_eq!(error.kind(), Kind::Configuration);
    assert!(
        error.to_string().contains("endpoints never change"),
        "{error}"
    );
    assert_eq!(
        other.sandbox.ledger().requests().len(),
        0,
        "another server is sent nothing"
    );
}
