//! One refresh at a time, and an attempt that was begun is never forgotten.

use std::time::Duration;

use futures_util::future::join_all;
use tieline_core::{Clock as _, InstanceId, Secret};
use tieline_store::{Begun, Cause, Instance, Purpose, Status, StoreError};

use crate::home::{Home, Value, access, again, begin, commit, done, moved_on, opened, taken};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_beginners_exactly_one_gets_the_lease() {
    let home = Home::new().await;
    let (store, a) = opened(&home).await;
    let now = home.clock.now();
    let tries = (1..=40).map(|attempt| {
        let store = store.clone();
        tokio::spawn(async move { store.begin_refresh(begin(a.id, 1, attempt)).await.unwrap() })
    });
    let begun: Vec<Begun> = join_all(tries)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    let winners: Vec<&Instance> = begun
        .iter()
        .filter_map(|begun| {
            if let Begun::Taken(instance) = begun {
                Some(instance)
            } else {
                None
            }
        })
        .collect();
    assert_eq!(winners.len(), 1);
    let leased = begun.iter().filter(|begun| matches!(begun, Begun::Leased(instance) if instance.lease.as_ref().unwrap().until.as_second() == now.as_second() + 60));
    assert_eq!(leased.count(), 39);
    let stored = again(&store, winners[0]).await;
    assert_eq!(stored.intent, winners[0].intent);
    assert_eq!(
        stored.lease.unwrap().owner,
        format!("owner-{}", stored.intent.unwrap().attempt)
    );
    store.close().await;
}

#[tokio::test]
async fn beginning_for_an_old_generation_or_a_gone_instance_takes_nothing() {
    let home = Home::new().await;
    let (store, a) = opened(&home).await;
    done(
        store
            .commit_refresh(&commit(a.id, 1, 7, "second"))
            .await
            .unwrap(),
    );
    match store.begin_refresh(begin(a.id, 1, 8)).await.unwrap() {
        Begun::Moved(current) => assert_eq!((current.generation, current.intent), (2, None)),
        other => panic!("{other:?}"),
    }
    assert!(matches!(
        store
            .begin_refresh(begin(InstanceId(1), 1, 8))
            .await
            .unwrap(),
        Begun::Gone
    ));
    store.close().await;
}

#[tokio::test]
async fn a_lease_that_ran_out_is_taken_over_and_its_intent_remembered() {
    let home = Home::new().await;
    let (store, a) = opened(&home).await;
    taken(store.begin_refresh(begin(a.id, 1, 7)).await.unwrap());
    home.pass(&store, Duration::from_secs(59), &["owner-7"])
        .await;
    assert!(matches!(
        store.begin_refresh(begin(a.id, 1, 8)).await.unwrap(),
        Begun::Leased(_)
    ));
    home.pass(&store, Duration::from_secs(1), &["owner-7"])
        .await;
    let second = taken(store.begin_refresh(begin(a.id, 1, 8)).await.unwrap());
    assert!(
        second.uncertain && second.intent.unwrap().uncertain,
        "what attempt 7 did is not known"
    );

    // The first holder was only slow: it commits, and the second is told.
    let first = done(
        store
            .commit_refresh(&commit(a.id, 1, 7, "first"))
            .await
            .unwrap(),
    );
    assert_eq!(
        first.intent.unwrap().attempt,
        8,
        "the other attempt's intent is not this one's to clear"
    );
    let current = moved_on(
        store
            .commit_refresh(&commit(a.id, 1, 8, "second"))
            .await
            .unwrap(),
    );
    assert_eq!(
        (current.generation, current.intent, current.lease),
        (2, None, None)
    );
    assert!(!current.uncertain, "that was another generation");
    assert_eq!(
        access(&store, &again(&store, &a).await).await,
        Secret::new("access-first")
    );
    store.close().await;
}

#[tokio::test]
async fn an_abandoned_attempt_leaves_no_trace_and_an_uncertain_one_does() {
    let home = Home::new().await;
    let (store, a) = opened(&home).await;
    taken(store.begin_refresh(begin(a.id, 1, 7)).await.unwrap());
    store.abandon_refresh(a.id, 6).await.unwrap();
    assert!(
        again(&store, &a).await.lease.is_some(),
        "somebody else's attempt"
    );
    store.abandon_refresh(a.id, 7).await.unwrap();
    let clean = again(&store, &a).await;
    assert_eq!(
        (clean.intent, clean.lease, clean.uncertain),
        (None, None, false)
    );

    taken(store.begin_refresh(begin(a.id, 1, 8)).await.unwrap());
    store
        .leave_uncertain(a.id, 8, 1, "the answer was cut")
        .await
        .unwrap();
    let uncertain = again(&store, &a).await;
    assert_eq!(uncertain.lease, None);
    let intent = uncertain.intent.unwrap();
    assert!(intent.uncertain && intent.attempt == 8 && uncertain.uncertain);

    // A replay that was never sent does not make the first attempt's outcome known.
    assert!(taken(store.begin_refresh(begin(a.id, 1, 9)).await.unwrap()).uncertain);
    store.abandon_refresh(a.id, 9).await.unwrap();
    let after = again(&store, &a).await;
    assert_eq!((after.intent, after.uncertain), (None, true));
    store.close().await;
}

#[tokio::test]
async fn an_unreadable_instance_is_not_refreshed() {
    let home = Home::new().await;
    let (store, a) = opened(&home).await;
    let mut database = home.database().await;
    database
        .run(
            "UPDATE instances SET refresh_token = $1",
            &[Value::Blob(vec![1, 1])],
        )
        .await;
    database.close().await;
    let broken = again(&store, &a).await;
    let error = store
        .refresh_token(&broken, Purpose::Refresh)
        .await
        .unwrap_err();
    assert!(
        matches!(
            error,
            StoreError::Unreadable {
                column: "refresh_token",
                ..
            }
        ),
        "{error}"
    );
    match store.begin_refresh(begin(a.id, 1, 7)).await.unwrap() {
        Begun::Moved(current) => {
            assert_eq!((current.status, current.intent), (Status::Unreadable, None))
        }
        other => panic!("{other:?}"),
    }
    store.close().await;
}

#[tokio::test]
async fn an_attempt_is_unsettled_for_its_own_holder_and_for_those_who_outlive_it() {
    let home = Home::new().await;
    let (store, a) = opened(&home).await;
    taken(store.begin_refresh(begin(a.id, 1, 7)).await.unwrap());
    let ids = async |owner: &str| {
        let found = store.unsettled(owner, InstanceId(0), 10).await.unwrap();
        found.into_iter().map(|found| found.id).collect::<Vec<_>>()
    };
    assert_eq!(ids("owner-8").await, []);
    assert_eq!(
        ids("owner-7").await,
        [a.id],
        "what it began and does not do is its own to settle"
    );
    let after = store.unsettled("owner-7", a.id, 10).await.unwrap();
    assert!(after.is_empty());
    store.close().await;
}

#[tokio::test]
async fn nobody_is_asked_to_reconnect_while_another_attempt_is_under_way() {
    let home = Home::new().await;
    let (store, a) = opened(&home).await;
    taken(store.begin_refresh(begin(a.id, 1, 7)).await.unwrap());
    let late = store
        .require_reconnect(a.id, 1, Some(6), Cause::Revoked)
        .await;
    assert_eq!(late.unwrap().unwrap().status, Status::Ok);
    let own = store
        .require_reconnect(a.id, 1, Some(7), Cause::Revoked)
        .await;
    assert_eq!(own.unwrap().unwrap().cause, Some(Cause::Revoked));
    store.close().await;
}
