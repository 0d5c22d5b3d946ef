//! Connections that are killed in the middle of writes: the error says to try again, and trying again finds everything whole.

use futures_util::FutureExt as _;
use tieline_core::InstanceId;
use tieline_store::{Begun, Committed, Store, StoreError};

use crate::home::{Home, TENANT, again, app, begin, commit, instance, opened, taken};

const KILL: &str = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
    WHERE datname = current_database() AND application_name = 'tieline'";

/// As the engine does: again and again, as long as the error says so.
async fn until_done<T, C: Future<Output = Result<T, StoreError>>>(
    mut call: impl FnMut() -> C,
) -> (T, u32) {
    let mut broken = 0;
    loop {
        match call().await {
            Ok(done) => return (done, broken),
            Err(error) => {
                assert!(error.is_transient(), "{error:?}");
                assert!(matches!(error, StoreError::Unreachable { .. }), "{error:?}");
                broken += 1;
            }
        }
    }
}

async fn refresh(store: &Store, id: InstanceId, generation: i64) -> u32 {
    let (begun, one) = until_done(|| store.begin_refresh(begin(id, generation, generation))).await;
    assert!(matches!(begun, Begun::Taken(_)), "{begun:?}");
    let next = commit(id, generation, generation, "next");
    let (committed, two) = until_done(|| store.commit_refresh(&next)).await;
    match committed {
        Committed::Done(instance) => assert_eq!(instance.generation, generation + 1),
        other => panic!("{other:?}"),
    }
    one + two
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn killed_connections_lose_nothing_and_do_nothing_twice() {
    let home = Home::new().await;
    let (store, _) = opened(&home).await;
    let main = app(&store, TENANT, "many").await;
    let mut tasks = Vec::new();
    for n in 0..8 {
        let (store, made) = (store.clone(), instance(&store, &main, &n.to_string()).await);
        tasks.push(tokio::spawn(async move {
            let mut broken = 0;
            for generation in 1..=20 {
                broken += refresh(&store, made.id, generation).await;
            }
            (made, broken)
        }));
    }
    let mut database = home.database().await;
    while tasks.iter().any(|task| !task.is_finished()) {
        database.run(KILL, &[]).await;
        // So that something is done between two blows.
        for _ in 0..200 {
            database.run("SELECT 1", &[]).await;
        }
    }
    let mut broken = 0;
    for task in tasks {
        let (made, times) = task.await.unwrap();
        broken += times;
        let (found, _) = until_done(|| store.instance(TENANT, made.id)).await;
        assert_eq!(found.unwrap().generation, 21);
        let (events, _) = until_done(|| store.events(TENANT, Some(made.id), 200)).await;
        let refreshed = events
            .iter()
            .filter(|event| event.kind == "instance.refreshed");
        assert_eq!(refreshed.count(), 20, "an event for each, and one only");
    }
    assert!(broken > 0, "nothing was broken");
}

#[tokio::test]
async fn a_caller_that_goes_away_leaves_nothing_half_done() {
    let home = Home::new().await;
    let (store, a) = opened(&home).await;
    for generation in 1..=50 {
        // Given up at some point of the way, a little later each time.
        let mut given_up = Box::pin(store.leave_uncertain(a.id, generation, generation, "cut"));
        taken(
            store
                .begin_refresh(begin(a.id, generation, generation))
                .await
                .unwrap(),
        );
        for _ in 0..generation {
            if (&mut given_up).now_or_never().is_some() {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(given_up);
        let next = commit(a.id, generation, generation, "next");
        let committed = store.commit_refresh(&next).await.unwrap();
        assert!(matches!(committed, Committed::Done(_)), "{committed:?}");
    }
    let found = again(&store, &a).await;
    assert_eq!((found.generation, found.uncertain), (51, false));
    let mut database = home.database().await;
    let open = "SELECT count(*) FROM pg_stat_activity \
        WHERE datname = current_database() AND state LIKE 'idle in transaction%'";
    while database.number(open, &[]).await > 0 {
        tokio::task::yield_now().await;
    }
}
