//! Lease, intent and generation: who comes late is told, and nothing is overwritten.

use std::time::Duration;

use futures_util::future::join_all;
use tieline_core::{Clock as _, InstanceId, Secret};
use tieline_store::{
    Begun, Cause, Committed, Instance, Purpose, ReplaceTokens, Status, Store, StoreError,
};

use crate::home::{Home, TENANT, again, app, begin, commit, instance, tokens};

async fn opened(home: &Home) -> (Store, Instance) {
    let store = home.open().await;
    let instance = instance(&store, &app(&store, TENANT, "main").await, "a").await;
    (store, instance)
}

async fn access(store: &Store, instance: &Instance) -> Secret {
    store.access_token(instance, Purpose::Check).await.unwrap()
}

fn taken(begun: Begun) -> Instance {
    match begun {
        Begun::Taken(instance) => instance,
        other => panic!("not taken: {other:?}"),
    }
}

fn done(committed: Committed) -> Instance {
    match committed {
        Committed::Done(instance) => instance,
        other => panic!("not done: {other:?}"),
    }
}

fn moved_on(committed: Committed) -> Instance {
    match committed {
        Committed::MovedOn(instance) => instance,
        other => panic!("not moved on: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_beginners_exactly_one_gets_the_lease() {
    let home = Home::new();
    let (store, a) = opened(&home).await;
    let now = home.clock.now();
    let tries = (1..=40).map(|attempt| {
        let store = store.clone();
        tokio::spawn(async move {
            store
                .begin_refresh(begin(a.id, 1, attempt, now))
                .await
                .unwrap()
        })
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
    let leased = begun.iter().filter(|begun| matches!(begun, Begun::Leased { until } if until.as_second() == now.as_second() + 60));
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
async fn a_commit_moves_the_generation_once() {
    let home = Home::new();
    let (store, a) = opened(&home).await;
    let begun = taken(
        store
            .begin_refresh(begin(a.id, 1, 7, home.clock.now()))
            .await
            .unwrap(),
    );
    let intent = begun.intent.unwrap();
    assert_eq!(
        (
            intent.attempt,
            intent.generation,
            intent.uncertain,
            intent.token_hash
        ),
        (7, 1, false, [7; 32])
    );
    assert!(!begun.uncertain);

    let second = done(
        store
            .commit_refresh(&commit(a.id, 1, 7, "second"))
            .await
            .unwrap(),
    );
    assert_eq!(
        (
            second.generation,
            second.status,
            &second.intent,
            &second.lease
        ),
        (2, Status::Ok, &None, &None)
    );
    assert_eq!(access(&store, &second).await, Secret::new("access-second"));
    let refresh = store
        .refresh_token(&second, Purpose::Refresh)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(refresh, Secret::new("refresh-second"));

    // The same attempt again, as after an error that left open whether it was committed.
    let same = done(
        store
            .commit_refresh(&commit(a.id, 1, 7, "not stored"))
            .await
            .unwrap(),
    );
    assert_eq!(access(&store, &same).await, Secret::new("access-second"));

    // Another attempt of the old generation: too late.
    let current = moved_on(
        store
            .commit_refresh(&commit(a.id, 1, 8, "late"))
            .await
            .unwrap(),
    );
    assert_eq!(current.generation, 2);
    assert_eq!(
        access(&store, &again(&store, &a).await).await,
        Secret::new("access-second")
    );

    // And a generation that is not there yet.
    assert_eq!(
        moved_on(
            store
                .commit_refresh(&commit(a.id, 3, 9, "early"))
                .await
                .unwrap()
        )
        .generation,
        2
    );
    assert!(matches!(
        store
            .commit_refresh(&commit(InstanceId(1), 1, 9, "none"))
            .await
            .unwrap(),
        Committed::Gone
    ));
    store.close().await;
}

#[tokio::test]
async fn beginning_for_an_old_generation_or_a_gone_instance_takes_nothing() {
    let home = Home::new();
    let (store, a) = opened(&home).await;
    done(
        store
            .commit_refresh(&commit(a.id, 1, 7, "second"))
            .await
            .unwrap(),
    );
    let now = home.clock.now();
    match store.begin_refresh(begin(a.id, 1, 8, now)).await.unwrap() {
        Begun::Moved(current) => assert_eq!((current.generation, current.intent), (2, None)),
        other => panic!("{other:?}"),
    }
    assert!(matches!(
        store
            .begin_refresh(begin(InstanceId(1), 1, 8, now))
            .await
            .unwrap(),
        Begun::Gone
    ));
    store.close().await;
}

#[tokio::test]
async fn a_lease_that_ran_out_is_taken_over_and_its_intent_remembered() {
    let home = Home::new();
    let (store, a) = opened(&home).await;
    taken(
        store
            .begin_refresh(begin(a.id, 1, 7, home.clock.now()))
            .await
            .unwrap(),
    );
    home.clock.advance(Duration::from_secs(59));
    assert!(matches!(
        store
            .begin_refresh(begin(a.id, 1, 8, home.clock.now()))
            .await
            .unwrap(),
        Begun::Leased { .. }
    ));
    home.clock.advance(Duration::from_secs(1));
    let second = taken(
        store
            .begin_refresh(begin(a.id, 1, 8, home.clock.now()))
            .await
            .unwrap(),
    );
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
    let home = Home::new();
    let (store, a) = opened(&home).await;
    let now = home.clock.now();
    taken(store.begin_refresh(begin(a.id, 1, 7, now)).await.unwrap());
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

    taken(store.begin_refresh(begin(a.id, 1, 8, now)).await.unwrap());
    store.leave_uncertain(a.id, 8, 1).await.unwrap();
    let uncertain = again(&store, &a).await;
    assert_eq!(uncertain.lease, None);
    let intent = uncertain.intent.unwrap();
    assert!(intent.uncertain && intent.attempt == 8 && uncertain.uncertain);

    // A replay that was never sent does not make the first attempt's outcome known.
    assert!(taken(store.begin_refresh(begin(a.id, 1, 9, now)).await.unwrap()).uncertain);
    store.abandon_refresh(a.id, 9).await.unwrap();
    let after = again(&store, &a).await;
    assert_eq!((after.intent, after.uncertain), (None, true));
    store.close().await;
}

#[tokio::test]
async fn a_reopened_store_shows_the_intent_and_frees_the_lease() {
    let home = Home::new();
    let (store, a) = opened(&home).await;
    taken(
        store
            .begin_refresh(begin(a.id, 1, 7, home.clock.now()))
            .await
            .unwrap(),
    );
    store.close().await;

    let store = home.open().await;
    let found = again(&store, &a).await;
    assert_eq!((found.generation, &found.lease), (1, &None));
    let intent = found.intent.unwrap();
    assert_eq!((intent.attempt, intent.uncertain), (7, true));
    assert!(
        taken(
            store
                .begin_refresh(begin(a.id, 1, 8, home.clock.now()))
                .await
                .unwrap()
        )
        .uncertain
    );
    store.close().await;
}

#[tokio::test]
async fn a_reconnect_is_required_of_the_generation_that_failed_only() {
    let home = Home::new();
    let (store, a) = opened(&home).await;
    done(
        store
            .commit_refresh(&commit(a.id, 1, 7, "second"))
            .await
            .unwrap(),
    );
    let current = store
        .require_reconnect(a.id, 1, Cause::Revoked)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (current.status, current.generation, current.cause),
        (Status::Ok, 2, None)
    );

    let now = home.clock.now();
    taken(store.begin_refresh(begin(a.id, 2, 8, now)).await.unwrap());
    let current = store
        .require_reconnect(a.id, 2, Cause::LostResponse)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (current.status, current.cause),
        (Status::ReconnectRequired, Some(Cause::LostResponse))
    );
    assert_eq!((current.intent, current.lease), (None, None));
    match store.begin_refresh(begin(a.id, 2, 9, now)).await.unwrap() {
        Begun::Moved(current) => assert_eq!(current.status, Status::ReconnectRequired),
        other => panic!("{other:?}"),
    }

    // An answer that arrives after all is worth more than the status.
    let third = done(
        store
            .commit_refresh(&commit(a.id, 2, 8, "third"))
            .await
            .unwrap(),
    );
    assert_eq!(
        (third.status, third.cause, third.generation),
        (Status::Ok, None, 3)
    );
    assert!(
        store
            .require_reconnect(InstanceId(1), 1, Cause::Revoked)
            .await
            .unwrap()
            .is_none()
    );
    store.close().await;
}

#[tokio::test]
async fn a_refresh_in_flight_sees_that_its_instance_is_being_deleted() {
    let home = Home::new();
    let (store, a) = opened(&home).await;
    let now = home.clock.now();
    taken(store.begin_refresh(begin(a.id, 1, 7, now)).await.unwrap());
    assert!(store.begin_delete("other", a.id).await.unwrap().is_none());
    assert!(
        !store.delete_instance(a.id).await.unwrap(),
        "not marked yet"
    );
    assert_eq!(
        store
            .begin_delete(TENANT, a.id)
            .await
            .unwrap()
            .unwrap()
            .status,
        Status::Deleting
    );

    let fresh = done(
        store
            .commit_refresh(&commit(a.id, 1, 7, "fresh"))
            .await
            .unwrap(),
    );
    assert_eq!((fresh.status, fresh.generation), (Status::Deleting, 2));
    assert_eq!(
        access(&store, &fresh).await,
        Secret::new("access-fresh"),
        "to be revoked"
    );
    assert!(matches!(
        store.begin_refresh(begin(a.id, 2, 8, now)).await.unwrap(),
        Begun::Gone
    ));
    let current = store
        .require_reconnect(a.id, 2, Cause::Revoked)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(current.status, Status::Deleting);
    let replace = ReplaceTokens {
        id: a.id,
        generation: 2,
        tokens: tokens("new"),
        account_id: None,
        account_label: None,
    };
    assert_eq!(
        moved_on(store.replace_tokens(replace).await.unwrap()).status,
        Status::Deleting
    );

    assert!(store.delete_instance(a.id).await.unwrap());
    assert!(store.instance(TENANT, a.id).await.unwrap().is_none());
    assert!(matches!(
        store
            .commit_refresh(&commit(a.id, 2, 8, "late"))
            .await
            .unwrap(),
        Committed::Gone
    ));
    store.close().await;
}

#[tokio::test]
async fn a_new_authorization_overtakes_a_refresh_in_flight() {
    let home = Home::new();
    let (store, a) = opened(&home).await;
    taken(
        store
            .begin_refresh(begin(a.id, 1, 7, home.clock.now()))
            .await
            .unwrap(),
    );
    let replace = ReplaceTokens {
        id: a.id,
        generation: 1,
        tokens: tokens("reauthorized"),
        account_id: Some("2".to_owned()),
        account_label: Some("Acme Inc.".to_owned()),
    };
    let replaced = done(store.replace_tokens(replace).await.unwrap());
    assert_eq!(
        (replaced.generation, &replaced.intent, &replaced.lease),
        (2, &None, &None)
    );
    assert_eq!(
        (
            replaced.account_id.as_deref(),
            replaced.account_label.as_deref()
        ),
        (Some("2"), Some("Acme Inc."))
    );

    let current = moved_on(
        store
            .commit_refresh(&commit(a.id, 1, 7, "late"))
            .await
            .unwrap(),
    );
    assert_eq!(
        access(&store, &current).await,
        Secret::new("access-reauthorized")
    );
    let late = ReplaceTokens {
        id: a.id,
        generation: 1,
        tokens: tokens("late"),
        account_id: None,
        account_label: None,
    };
    assert_eq!(
        moved_on(store.replace_tokens(late).await.unwrap()).generation,
        2
    );
    store.close().await;
}

#[tokio::test]
async fn a_refresh_keeps_scopes_and_captures_that_its_answer_leaves_out() {
    let home = Home::new();
    let store = home.open().await;
    let app = app(&store, TENANT, "main").await;
    let mut first = crate::home::new_instance(TENANT, app.id, "a");
    first.tokens.captures = [("host", "eu1"), ("kept", "yes")]
        .map(|(k, v)| (k.to_owned(), v.to_owned()))
        .into();
    let a = store.insert_instance(first).await.unwrap();

    let mut answer = commit(a.id, 1, 7, "second");
    answer.tokens.scopes = Vec::new();
    answer.tokens.captures = [("host".to_owned(), "eu2".to_owned())].into();
    let second = done(store.commit_refresh(&answer).await.unwrap());
    assert_eq!(second.scopes, ["full"]);
    assert_eq!(
        second.captures,
        [("host", "eu2"), ("kept", "yes")]
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .into()
    );
    store.close().await;
}

#[tokio::test]
async fn an_unreadable_instance_is_not_refreshed() {
    let home = Home::new();
    let (store, a) = opened(&home).await;
    let mut database = home.database().await;
    database
        .run(sqlx::query("UPDATE instances SET refresh_token = x'0101'"))
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
    match store
        .begin_refresh(begin(a.id, 1, 7, home.clock.now()))
        .await
        .unwrap()
    {
        Begun::Moved(current) => {
            assert_eq!((current.status, current.intent), (Status::Unreadable, None))
        }
        other => panic!("{other:?}"),
    }
    store.close().await;
}
