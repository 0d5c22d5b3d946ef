//! A clock that is set, forwards or back, while tokens are refreshed: nothing is lost by it.

use std::time::Duration;

use tieline_core::Clock as _;
use tieline_tests::stage::Stage;

const DAY: i64 = 24 * 60 * 60;

async fn jump(stage: &Stage, seconds: i64) {
    let now = stage.clock.now();
    stage.clock.set(
        now.checked_add(jiff::SignedDuration::from_secs(seconds))
            .unwrap(),
    );
}

#[tokio::test]
async fn a_jump_in_the_middle_of_a_refresh_changes_nothing() {
    for seconds in [-20 * DAY, -DAY, -30, 30, DAY, 20 * DAY] {
        let stage = Stage::acme().await;
        let instance = stage.connect().await;
        let (gate, refresh) = stage.held_refresh(&instance).await;
        jump(&stage, seconds).await;
        // Whoever looks after things meanwhile finds an attempt that is under way, and leaves it alone.
        let round = stage.engine.look_after();
        let (round, ()) = tokio::join!(round, async { gate.release() });
        round.unwrap();
        assert_eq!(refresh.await.unwrap().unwrap().generation, 2, "{seconds}");
        assert_eq!(stage.sandbox.ledger().token_requests("refresh_token"), 1);
        assert!(stage.holds_the_current_refresh_token(&instance).await);
    }
}

#[tokio::test]
async fn after_a_jump_back_a_token_is_used_and_then_refreshed_by_the_401() {
    let stage = Stage::acme().await;
    jump(&stage, DAY).await;
    let instance = stage.connect().await;
    jump(&stage, -DAY).await;
    let handle = stage.engine.instance(instance.id);
    assert_eq!(handle.access_token().await.unwrap().generation, 1);
    stage.sandbox.expire_access_tokens();
    let answer = handle.call(tieline_tests::stage::get("/me")).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(stage.load(&instance).await.generation, 2);
    assert!(stage.holds_the_current_refresh_token(&instance).await);
}

#[tokio::test]
async fn after_a_jump_forward_tokens_are_refreshed_once_and_no_oftener() {
    let stage = Stage::acme().await;
    let instance = stage.connect().await;
    jump(&stage, 2 * DAY).await;
    let handle = stage.engine.instance(instance.id);
    for _ in 0..5 {
        handle.access_token().await.unwrap();
        stage.clock.advance(Duration::from_secs(1));
    }
    assert_eq!(stage.sandbox.ledger().token_requests("refresh_token"), 1);
}
