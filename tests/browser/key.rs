//! An account whose owner gives a key: nobody is sent anywhere.

use tieline_tests::chromium::in_every_mode;
use tieline_tests::keyed::KEYS;

use crate::scene::Scene;

#[tokio::test]
async fn an_account_is_connected_by_its_key_and_given_another() {
    in_every_mode(async |window| {
        let scene = Scene::keyed().await;
        scene.enter(window, "/providers/acme").await;
        window.look("key-provider").await;
        window.fill("Name of the app", "crm").await;
        window.press("Create an app").await;
        window.see("Connect an account").await;
        window.look("key-app").await;
        window.press("Connect").await;
        window.see("This is needed").await;
        window.fill("Personal key", "no key of theirs").await;
        window.press("Connect").await;
        window.see("doesn't take").await;
        window.look("key-refused").await;
        assert_eq!(window.value("Personal key").await, "", "a secret");
        window.fill("Personal key", KEYS[0]).await;
        window.press_twice("Connect").await;
        window.see("The account is connected.").await;
        window.see("ada@example.com").await;
        window.look("key-account").await;
        assert_eq!(scene.house.stage.instances().await.len(), 1);

        window.follow("Connect again").await;
        window.look("key-again").await;
        window.fill("Personal key", KEYS[2]).await;
        window.press("Connect").await;
        window.see("grace@example.com").await;
        window.look("key-of-another").await;
        window.fill("Personal key", KEYS[1]).await;
        window.press("Connect").await;
        window.see("The account is connected again.").await;
        let instances = scene.house.stage.instances().await;
        let token = scene.house.stage.tokens(&instances[0]).await.0;
        assert_eq!(token, KEYS[1]);
        let shown = window.source().await;
        assert!(KEYS.iter().all(|key| !shown.contains(key)), "{shown}");
    })
    .await;
}
