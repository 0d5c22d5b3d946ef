//! Every write of tokens is conditional on the generation: who comes late is told, and nothing is overwritten.

use std::collections::BTreeMap;

use tieline_core::{InstanceId, Secret};
use tieline_store::{BeginRefresh, Begun, Cause, Committed, Purpose, ReplaceTokens, Status};

use crate::home::{
    Home, TENANT, access, again, app, begin, commit, done, moved_on, opened, taken, tokens,
};

#[tokio::test]
async fn a_commit_moves_the_generation_once() {
    let home = Home::new().await;
    let (store, a) = opened(&home).await;
    let begun = taken(store.begin_refresh(begin(a.id, 1, 7)).await.unwrap());
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
async fn a_reconnect_is_required_of_the_generation_that_failed_only() {
    let home = Home::new().await;
    let (store, a) = opened(&home).await;
    done(
        store
            .commit_refresh(&commit(a.id, 1, 7, "second"))
            .await
            .unwrap(),
    );
    let current = store
        .require_reconnect(a.id, 1, None, Cause::Revoked)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (current.status, current.generation, current.cause),
        (Status::Ok, 2, None)
    );

    taken(store.begin_refresh(begin(a.id, 2, 8)).await.unwrap());
    let current = store
        .require_reconnect(a.id, 2, None, Cause::LostResponse)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (current.status, current.cause),
        (Status::ReconnectRequired, Some(Cause::LostResponse))
    );
    assert_eq!((current.intent, current.lease), (None, None));
    match store.begin_refresh(begin(a.id, 2, 9)).await.unwrap() {
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
            .require_reconnect(InstanceId(1), 1, None, Cause::Revoked)
            .await
            .unwrap()
            .is_none()
    );
    store.close().await;
}

#[tokio::test]
async fn a_generation_that_another_attempt_overtook_is_contested() {
    let home = Home::new().await;
    let (store, a) = opened(&home).await;
    // The first one was taken for dead, and had its answer all the same.
    let first = begin(a.id, 1, 7);
    let second = BeginRefresh {
        owner: first.owner.clone(),
        ..begin(a.id, 1, 8)
    };
    taken(store.begin_refresh(first).await.unwrap());
    taken(store.begin_refresh(second).await.unwrap());
    assert!(!store.is_contested(a.id).await.unwrap());
    let commit_first = commit(a.id, 1, 7, "first");
    done(store.commit_refresh(&commit_first).await.unwrap());
    assert!(store.is_contested(a.id).await.unwrap());

    // What comes after it is not.
    let third = BeginRefresh {
        owner: "owner-8".to_owned(),
        ..begin(a.id, 2, 9)
    };
    store.abandon_refresh(a.id, 8).await.unwrap();
    taken(store.begin_refresh(third).await.unwrap());
    let commit_third = commit(a.id, 2, 9, "third");
    done(store.commit_refresh(&commit_third).await.unwrap());
    assert!(!store.is_contested(a.id).await.unwrap());
    store.close().await;
}

#[tokio::test]
async fn what_is_in_doubt_is_begun_only_by_whoever_says_so() {
    let home = Home::new().await;
    let (store, a) = opened(&home).await;
    let careful = |attempt| BeginRefresh {
        in_doubt: false,
        ..begin(a.id, 1, attempt)
    };
    taken(store.begin_refresh(careful(7)).await.unwrap());
    // Its lease is alive: whoever has it is at work.
    let leased = store.begin_refresh(careful(8)).await.unwrap();
    assert!(matches!(leased, Begun::Leased(_)), "{leased:?}");
    let own = BeginRefresh {
        owner: "owner-7".to_owned(),
        ..careful(9)
    };
    let begun = store.begin_refresh(own).await.unwrap();
    let Begun::InDoubt(doubtful) = begun else {
        panic!("{begun:?}");
    };
    let intent = doubtful.intent.as_ref().unwrap();
    assert_eq!((intent.attempt, doubtful.uncertain), (7, false));
    assert_eq!(doubtful.doubtful_since(), Some(intent.at));

    // It is called uncertain, once, and nobody's lease is taken away.
    for _ in 0..2 {
        store.call_uncertain(a.id, 7, 1, "why").await.unwrap();
    }
    let doubtful = again(&store, &a).await;
    assert!(doubtful.uncertain && doubtful.lease.is_some());
    let events = store.events(TENANT, Some(a.id), 10).await.unwrap();
    let told = events
        .iter()
        .filter(|it| it.kind == "instance.refresh_uncertain");
    assert_eq!(told.count(), 1);
    store.abandon_refresh(a.id, 7).await.unwrap();
    let begun = store.begin_refresh(careful(10)).await.unwrap();
    assert!(matches!(begun, Begun::InDoubt(_)), "{begun:?}");
    let knowing = taken(store.begin_refresh(begin(a.id, 1, 11)).await.unwrap());
    assert!(knowing.intent.unwrap().uncertain);
    store.close().await;
}

#[tokio::test]
async fn a_refresh_in_flight_sees_that_its_instance_is_being_deleted() {
    let home = Home::new().await;
    let (store, a) = opened(&home).await;
    taken(store.begin_refresh(begin(a.id, 1, 7)).await.unwrap());
    assert!(store.begin_delete("other", a.id).await.unwrap().is_none());
    assert!(
        !store.delete_instance(a.id, "revoked").await.unwrap(),
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
        store.begin_refresh(begin(a.id, 2, 8)).await.unwrap(),
        Begun::Gone
    ));
    let current = store
        .require_reconnect(a.id, 2, None, Cause::Revoked)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(current.status, Status::Deleting);
    let replace = ReplaceTokens {
        id: a.id,
        generation: 2,
        tokens: tokens("new"),
        keep_alive_at: None,
        parameters: BTreeMap::new(),
        account_id: None,
        account_label: None,
    };
    assert_eq!(
        moved_on(store.replace_tokens(&replace).await.unwrap()).status,
        Status::Deleting
    );

    assert!(store.delete_instance(a.id, "revoked").await.unwrap());
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
    let home = Home::new().await;
    let (store, a) = opened(&home).await;
    taken(store.begin_refresh(begin(a.id, 1, 7)).await.unwrap());
    let replace = ReplaceTokens {
        id: a.id,
        generation: 1,
        tokens: tokens("reauthorized"),
        keep_alive_at: None,
        parameters: BTreeMap::new(),
        account_id: Some("2".to_owned()),
        account_label: Some("Acme Inc.".to_owned()),
    };
    let replaced = done(store.replace_tokens(&replace).await.unwrap());
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
    let unnamed = ReplaceTokens {
        id: a.id,
        generation: 2,
        tokens: tokens("reauthorized"),
        keep_alive_at: None,
        parameters: BTreeMap::new(),
        account_id: None,
        account_label: None,
    };
    let unnamed = done(store.replace_tokens(&unnamed).await.unwrap());
    assert_eq!(
        (unnamed.account_id, unnamed.account_label),
        (replaced.account_id, replaced.account_label)
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
        keep_alive_at: None,
        parameters: BTreeMap::new(),
        account_id: None,
        account_label: None,
    };
    assert_eq!(
        moved_on(store.replace_tokens(&late).await.unwrap()).generation,
        3
    );
    store.close().await;
}

#[tokio::test]
async fn a_refresh_keeps_scopes_and_captures_that_its_answer_leaves_out() {
    let home = Home::new().await;
    let store = home.open().await;
    let app = app(&store, TENANT, "main").await;
    let mut first = crate::home::new_instance(TENANT, app.id, "a");
    first.tokens.captures = [("host", "eu1"), ("kept", "yes")]
        .map(|(k, v)| (k.to_owned(), v.to_owned()))
        .into();
    let a = store.insert_instance(&first).await.unwrap();

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
