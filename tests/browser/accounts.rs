//! Many accounts, and those that need somebody.

use tieline_engine::AuthorizeOptions;
use tieline_store::Purpose;
use tieline_tests::chromium::in_every_mode;

use crate::scene::Scene;

/// More than a page of the list has.
const MANY: usize = 53;

#[tokio::test]
async fn many_accounts_are_paged_and_those_that_need_somebody_come_first() {
    let scene = Scene::new().await;
    let stage = &scene.house.stage;
    for number in 0..MANY {
        let options = AuthorizeOptions {
            instance_name: Some(format!("account {number}")),
            tags: vec![format!("shop-{}", number % 2)],
            ..AuthorizeOptions::LOCAL
        };
        let (arrival, query) = stage.consented(options).await;
        stage.engine.call_back(&arrival, &query).await.unwrap();
    }
    let lost = stage.instances().await.remove(0);
    let token = stage.engine.store().refresh_token(&lost, Purpose::Check);
    let token = token.await.unwrap().unwrap();
    stage.sandbox.revoke_grant(token.expose());
    stage.engine.instance(lost.id).refresh().await.unwrap_err();

    in_every_mode(async |window| {
        scene.enter(window, "/").await;
        window.see("What needs somebody now").await;
        window.see("has withdrawn the consent").await;
        window.look("home-needs").await;
        window.follow("Accounts").await;
        window.look("accounts-many").await;
        window.follow("Next page").await;
        window.look("accounts-last").await;
        assert_eq!(window.links("Next page").await, 0);
        window.fill("Tag", "shop-0").await;
        window.press("Show").await;
        window.look("accounts-tagged").await;
        assert_eq!(window.links("Next page").await, 0);
        window.follow("Home").await;
        window.follow("Connect it again").await;
        window.see("Must be connected again").await;
        window.look("account-needs").await;
        window.follow("Connect it again").await;
        window.press("Continue to Acme Inc").await;
        window.press("Deny").await;
        window.see("Access was denied").await;
    })
    .await;
}
