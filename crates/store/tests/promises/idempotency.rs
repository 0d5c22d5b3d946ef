//! A request with a key is done once; its answer is kept, sealed, for whoever sends it again.

use std::time::Duration;

use futures_util::future::join_all;
use tieline_core::Secret;
use tieline_store::{Claimed, ClaimedRequest, RepeatableRequest, Store};

use crate::home::{Home, TENANT, at};

const REQUEST: RepeatableRequest<'_> = RepeatableRequest {
    tenant: TENANT,
    key_hash: [1; 32],
    request_hash: [2; 32],
};
/// Nothing is forgotten yet.
const START: i64 = 1_800_000_000;

async fn claim(store: &Store, request: &RepeatableRequest<'_>, forgotten_before: i64) -> Claimed {
    let claimed = store.claim_request(request, at(forgotten_before));
    claimed.await.unwrap()
}

fn first(claimed: Claimed) -> ClaimedRequest {
    match claimed {
        Claimed::First(request) => request,
        other => panic!("not the first: {other:?}"),
    }
}

#[tokio::test]
async fn of_many_at_once_one_is_the_first() {
    let home = Home::new().await;
    let store = home.open().await;
    let claims = (0..50).map(|_| claim(&store, &REQUEST, START));
    let claimed = join_all(claims).await;
    let firsts = claimed
        .iter()
        .filter(|claimed| matches!(claimed, Claimed::First(_)));
    assert_eq!(firsts.count(), 1);
    let waiting = claimed
        .iter()
        .filter(|claimed| matches!(claimed, Claimed::UnderWay { since } if *since == at(START)));
    assert_eq!(waiting.count(), 49);
    store.close().await;
}

#[tokio::test]
async fn the_answer_outlives_a_restart_and_a_new_data_key() {
    let home = Home::new().await;
    let store = home.open().await;
    let request = first(claim(&store, &REQUEST, START).await);
    for text in ["the-answer", "another"] {
        let answer = Secret::new(text);
        store.keep_answer(&request, 201, &answer).await.unwrap();
    }
    store.release_request(&request).await.unwrap();
    let report = store.rotate_data_key(&mut |_| {}).await.unwrap();
    assert_eq!((report.resealed, report.unreadable), (1, 0));
    store.close().await;

    let store = home.open().await;
    let Claimed::Answered { status, answer } = claim(&store, &REQUEST, START).await else {
        panic!("it was answered");
    };
    assert_eq!((status, answer.expose()), (201, "the-answer"));
    store.close().await;
}

#[tokio::test]
async fn another_request_and_another_tenant_are_told_apart() {
    let home = Home::new().await;
    let store = home.open().await;
    first(claim(&store, &REQUEST, START).await);
    let other = RepeatableRequest {
        request_hash: [9; 32],
        ..REQUEST
    };
    let claimed = claim(&store, &other, START).await;
    assert!(matches!(claimed, Claimed::OtherRequest), "{claimed:?}");
    for elsewhere in [
        RepeatableRequest {
            tenant: "other",
            ..REQUEST
        },
        RepeatableRequest {
            key_hash: [9; 32],
            ..REQUEST
        },
    ] {
        first(claim(&store, &elsewhere, START).await);
    }
    store.close().await;
}

#[tokio::test]
async fn what_was_released_or_forgotten_is_the_first_again() {
    let home = Home::new().await;
    let store = home.open().await;
    let request = first(claim(&store, &REQUEST, START).await);
    store.release_request(&request).await.unwrap();
    let request = first(claim(&store, &REQUEST, START).await);
    let answer = Secret::new("old");
    store.keep_answer(&request, 201, &answer).await.unwrap();
    home.clock.advance(Duration::from_secs(10));

    let request = first(claim(&store, &REQUEST, START + 1).await);
    let claimed = claim(&store, &REQUEST, START + 1).await;
    assert!(
        matches!(claimed, Claimed::UnderWay { since } if since == at(START + 10)),
        "{claimed:?}"
    );
    assert_eq!(store.purge_requests(at(START + 10)).await.unwrap(), 0);
    assert_eq!(store.purge_requests(at(START + 11)).await.unwrap(), 1);
    // Whoever was at work too long answers nobody.
    store.keep_answer(&request, 201, &answer).await.unwrap();
    first(claim(&store, &REQUEST, START).await);
    store.close().await;
}
