//! A person connects an account by a link.

use http::StatusCode;
use tieline_tests::chromium::in_every_mode;

use crate::scene::{MARKUP, Scene};

#[tokio::test]
async fn a_person_connects_an_account() {
    in_every_mode(async |window| {
        let scene = Scene::new().await;
        let link = scene.link("ada").await;
        window.goto(&link).await;
        window.look("link").await;
        window.reload().await;
        window.press("Continue to Acme Inc").await;

        window.see("A sandbox that plays Acme").await;
        window.look("consent").await;
        window.choose("Account", "grace").await;
        window.press("Approve").await;

        window.see("One step to go").await;
        window.look("one-step-to-go").await;
        assert_eq!(scene.sandbox.ledger().exchanges(), 0, "nobody confirmed");
        let address = window.url().await;
        let (status, confirmed) = scene.confirm(&address, "ada").await;
        assert_eq!(status, StatusCode::OK, "{confirmed}");
        assert_eq!(confirmed["instance"]["account_id"], "u-1002", "{confirmed}");
        assert_eq!(scene.sandbox.ledger().exchanges(), 1);

        window.goto(&format!("{}/connected", scene.base)).await;
        window.see("Your account is connected").await;
        window.look("connected").await;
    })
    .await;
}

#[tokio::test]
async fn a_link_that_was_used_says_so() {
    in_every_mode(async |window| {
        let scene = Scene::new().await;
        let link = scene.link("ada").await;
        window.goto(&link).await;
        window.press("Continue to Acme Inc").await;
        window.see("A sandbox that plays Acme").await;

        // Browsers keep the page as it was.
        window.back().await;
        window.press("Continue to Acme Inc").await;
        window.see("this link was used already").await;
        window.look("link-used").await;
        assert_eq!(window.buttons("Continue to Acme Inc").await, 0);
        let another = window.another().await;
        another.goto(&link).await;
        another.see("this link was used already").await;
        another.close().await;
        assert_eq!(scene.token_requests(), 0);
    })
    .await;
}

#[tokio::test]
async fn a_person_who_says_no_is_told_that_nothing_was_connected() {
    in_every_mode(async |window| {
        let scene = Scene::new().await;
        window.goto(&scene.link("ada").await).await;
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
async fn markup_in_names_is_text() {
    in_every_mode(async |window| {
        let scene = Scene::with_markup().await;
        window.goto(&scene.link("<u>ada</u>").await).await;
        window.see(&format!("Connect {MARKUP}")).await;
        window.look("markup").await;
        window.fill("Shop <i>name</i>", "evil.example/").await;
        window.press("Continue to <em>Acme</em> Inc").await;

        window.see("acme.shop").await;
        assert_eq!(window.title().await, format!("Connect {MARKUP}"));
        window.look("markup-refused").await;
        assert!(!window.text().await.contains("evil.example"));
        window.fill("Shop <i>name</i>", "<i>ada</i>").await;
        window.press("Continue to <em>Acme</em> Inc").await;
        window.see("acme.shop").await;
        window.fill("Shop <i>name</i>", "ada").await;
        window.press("Continue to <em>Acme</em> Inc").await;

        window.see(&format!("A sandbox that plays {MARKUP}")).await;
        window.look("markup-consent").await;
        window.press("Approve").await;
        window.see("One step to go").await;
    })
    .await;
}
