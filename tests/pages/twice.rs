//! Forms that arrive twice: people press twice, and browsers send what nobody waits for any more.

use tieline_store::Permission;
use tieline_tests::keyed::{KEYS, keyed};

use crate::visitor::House;
use crate::{account, app};

#[tokio::test]
async fn an_app_is_created_once() {
    let house = House::new().await;
    let visitor = house.signed_in(Permission::ALL).await;
    let create = || visitor.fill("/providers/acme", &[("name", "crm")]);
    let (first, second) = tokio::join!(create(), create());
    let path = |location: &str| location.split('?').next().unwrap().to_owned();
    assert_eq!(path(&first.location), path(&second.location));
    assert!(first.location.starts_with("/apps/"), "{first:?}");
    assert_eq!(house.stage.engine.apps().await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_account_with_a_key_is_connected_once() {
    let house = House::of(keyed().await).await;
    let visitor = house.signed_in(Permission::ALL).await;
    let app = app(&visitor).await;
    let page = visitor.open(&app).await;
    let (word, once) = (page.word(), page.hidden("_once"));
    let form = |key| {
        [
            ("_word", word.as_str()),
            ("_once", once.as_str()),
            ("action", "connect"),
            ("api.key", key),
        ]
    };
    let refused = visitor.send(&app, &form("wrong")).await;
    refused.shows("doesn&#39;t take").hides("value=\"wrong\"");
    let right = form(KEYS[0]);
    let (first, second) = tokio::join!(visitor.send(&app, &right), visitor.send(&app, &right));
    assert!(first.location.ends_with("?done=connected"), "{first:?}");
    assert_eq!(first.location, second.location);
    assert_eq!(house.stage.instances().await.len(), 1);
    // The page that is shown anew is for another account, if somebody wants that.
    let another = visitor.fill(&app, &[("action", "connect"), ("api.key", KEYS[2])]);
    another.await;
    assert_eq!(house.stage.instances().await.len(), 2);
}

#[tokio::test]
async fn an_account_is_refreshed_and_disconnected_without_harm() {
    let house = House::new().await;
    let visitor = house.signed_in(Permission::ALL).await;
    let app = app(&visitor).await;
    let account = account(&house, &visitor, &app).await;
    let refresh = || visitor.fill(&account, &[("action", "refresh")]);
    let (first, second) = tokio::join!(refresh(), refresh());
    assert!(first.location.ends_with("?done=refreshed"), "{first:?}");
    assert!(second.location.ends_with("?done=refreshed"), "{second:?}");
    let word = visitor.open(&account).await.word();
    let form = [("_word", word.as_str()), ("action", "disconnect")];
    let disconnect = || visitor.send(&account, &form);
    let (first, second) = tokio::join!(disconnect(), disconnect());
    for answer in [&first, &second] {
        let ends = ["/instances?done=disconnected", "/instances?done=gone"];
        assert!(ends.contains(&&*answer.location), "{answer:?}");
    }
    assert!(house.stage.instances().await.is_empty());
    let ledger = house.stage.sandbox.ledger();
    assert_eq!(ledger.grants_alive(), 0);
}
