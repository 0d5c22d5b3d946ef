//! Whatever somebody calls something: markup in it is text, and nothing is pushed off the page.

use tieline_tests::chromium::in_every_mode;

use crate::scene::{MARKUP, Scene, consent};

#[tokio::test]
async fn markup_in_names_is_text_for_the_person_who_connects() {
    in_every_mode(async |window| {
        let scene = Scene::with_markup().await;
        let link = scene.link(&scene.app().await, "<u>ada</u>").await;
        window.goto(&link).await;
        window.see(&format!("Connect {MARKUP}")).await;
        window.look("markup").await;
        window.fill("Shop <i>name</i>", "evil.example/").await;
        window.press("Continue to <em>Acme</em> Inc").await;

        window.see("acme.shop").await;
        assert_eq!(window.title().await, format!("Connect {MARKUP}"));
        window.look("markup-refused").await;
        assert_eq!(window.value("Shop <i>name</i>").await, "evil.example/");
        window.fill("Shop <i>name</i>", "ada").await;
        window.press("Continue to <em>Acme</em> Inc").await;

        window.see(&format!("A sandbox that plays {MARKUP}")).await;
        window.look("markup-consent").await;
        window.press("Approve").await;
        window.see("One step to go").await;
    })
    .await;
}

#[tokio::test]
async fn markup_and_long_names_are_text_for_the_administrator() {
    in_every_mode(async |window| {
        let scene = Scene::with_markup().await;
        scene.enter(window, "/providers").await;
        window.look("names-providers").await;
        window.follow(MARKUP).await;
        let long = format!("{MARKUP} {}", "verylongname".repeat(12));
        window.fill("Name of the app", &long).await;
        window.press("Create an app").await;
        window.see("Register its callback URL next").await;
        assert_eq!(window.title().await, format!("{MARKUP}: {long} · Tieline"));
        window.look("names-app").await;
        window.fill("Shop <i>name</i>", "ada").await;
        let name = format!("<s>{}</s>", "books ".repeat(20));
        window.fill("What to call it (optional)", &name).await;
        window.press("Continue to <em>Acme</em> Inc").await;
        consent(window, "ada").await;
        window.see("The account is connected.").await;
        window.see("<s>books").await;
        window.look("names-account").await;
        window.follow("Accounts").await;
        window.see("<s>books").await;
        window.look("names-accounts").await;
        window.follow("Home").await;
        window.look("names-home").await;
    })
    .await;
}
