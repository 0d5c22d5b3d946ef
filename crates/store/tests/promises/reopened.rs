//! One process at a time has a folder: whoever opens it knows that all leases are dead.

use crate::home::{Home, again, begin, opened, taken};

#[tokio::test]
async fn a_reopened_store_shows_the_intent_and_frees_the_lease() {
    let home = Home::new().await;
    let (store, a) = opened(&home).await;
    taken(store.begin_refresh(begin(a.id, 1, 7)).await.unwrap());
    store.close().await;

    let store = home.open().await;
    let found = again(&store, &a).await;
    assert_eq!((found.generation, &found.lease), (1, &None));
    let intent = found.intent.unwrap();
    assert_eq!((intent.attempt, intent.uncertain), (7, false));
    assert!(taken(store.begin_refresh(begin(a.id, 1, 8)).await.unwrap()).uncertain);
    store.close().await;
}
