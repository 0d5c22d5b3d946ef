//! A person connects an account by a link, who holds no key and has heard of nothing.

use http::StatusCode;
use tieline_tests::chromium::in_every_mode;

use crate::scene::{Scene, consent};

#[tokio::test]
async fn a_person_connects_an_account() {
    in_every_mode(async |window| {
        let scene = Scene::new().await;
        let link = scene.link(&scene.app().await, "ada").await;
        window.goto(&link).await;
        window.look("link").await;
        window.reload().await;
        window.press("Continue to Acme Inc").await;
        window.see("A sandbox that plays Acme").await;
        window.look("consent").await;
        consent(window, "grace").await;

        window.see("One step to go").await;
        window.look("one-step-to-go").await;
        assert_eq!(scene.exchanges(), 0, "nobody confirmed");
        let address = window.url().await;
        let (status, confirmed) = scene.confirm(&address, "ada").await;
        assert_eq!(status, StatusCode::OK, "{confirmed}");
        assert_eq!(confirmed["instance"]["account_id"], "u-1002", "{confirmed}");
        assert_eq!(scene.exchanges(), 1);

        window.goto(&scene.address("/connected")).await;
        window.see("Your account is connected").await;
        window.look("connected").await;
    })
    .await;
}

#[tokio::test]
async fn a_link_that_was_used_says_so() {
    in_every_mode(async |window| {
        let scene = Scene::new().await;
        let link = scene.link(&scene.app().await, "ada").await;
        window.goto(&link).await;
        window.press("Continue to Acme Inc").await;
        window.see("A sandbox that plays Acme").await;

        // Browsers keep the page as it was.
        window.back().await;
        window.press("Continue to Acme Inc").await;
        window.see("This link was used already").await;
        window.look("link-used").await;
        assert_eq!(window.buttons("Continue to Acme Inc").await, 0);
        let another = window.another().await;
        another.goto(&link).await;
        another.see("This link was used already").await;
        another.close().await;
        assert_eq!(scene.token_requests(), 0);
    })
    .await;
}

#[tokio::test]
async fn a_person_who_says_no_is_told_that_nothing_was_connected() {
    in_every_mode(async |window| {
        let scene = Scene::new().await;
        let link = scene.link(&scene.app().await, "ada").await;
        window.goto(&link).await;
        assert_eq!(window.tab().await, "button Continue to Acme Inc");
        window.enter().await;
        window.see("A sandbox that plays Acme").await;
        window.press("Deny").await;
        window.see("Nothing was connected").await;
        window.look("denied").await;
        assert_eq!(scene.token_requests(), 0);
    })
    .await;
}

#[tokio::test]
async fn a_link_that_has_ended_says_so() {
    in_every_mode(async |window| {
        let scene = Scene::new().await;
        let link = scene.link(&scene.app().await, "ada").await;
        scene
            .house
            .stage
            .clock
            .advance(tieline_engine::LINK_LIFETIME * 2);
        window.goto(&link).await;
        window.see("Not connected").await;
        window.look("link-ended").await;
        assert_eq!(window.buttons("Continue to Acme Inc").await, 0);
    })
    .await;
}
