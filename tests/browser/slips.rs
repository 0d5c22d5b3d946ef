//! What people do by mistake, and what time does to them: nothing is done twice, nothing is lost.

use tieline_tests::chromium::in_every_mode;

use crate::scene::{Scene, consent, sign_in};

#[tokio::test]
async fn what_is_pressed_twice_is_done_once() {
    in_every_mode(async |window| {
        let scene = Scene::new().await;
        scene.enter(window, "/providers/acme").await;
        window.press("Create an app").await;
        window.see("This is needed: it says who asks").await;
        window.look("provider-no-name").await;
        window.fill("Name of the app", "crm").await;
        window.press_twice("Create an app").await;
        window.see("Register this callback URL").await;
        assert_eq!(scene.house.stage.engine.apps().await.unwrap().len(), 1);
        window.press_twice("Continue to Acme Inc").await;
        window.see("A sandbox that plays").await;
        window.choose("Account", "ada").await;
        window.press_twice("Approve").await;
        // The sandbox answers a page once, and says so the second time: what came of the first is there all the same.
        window
            .see_one_of(&["is connected", "was answered before"])
            .await;
        window
            .wait("one exchange", async || scene.exchanges() == 1)
            .await;
        window.goto(&scene.address("/instances")).await;
        window.follow("ada@example.com").await;
        window.press_twice("Refresh now").await;
        window.see("The tokens are refreshed").await;
        let ledger = scene.house.stage.sandbox.ledger();
        assert!(ledger.refreshes() <= 2 && ledger.grants_alive() == 1);
        window.follow("Disconnect …").await;
        window.press_twice("Disconnect").await;
        window
            .wait("no account", async || {
                scene.house.stage.instances().await.is_empty()
            })
            .await;
        let ledger = scene.house.stage.sandbox.ledger();
        assert!(ledger.revocations() >= 1 && ledger.grants_alive() == 0);
    })
    .await;
}

#[tokio::test]
async fn whoever_was_signed_out_comes_back_to_where_they_were() {
    in_every_mode(async |window| {
        let scene = Scene::new().await;
        let app = scene.app().await;
        let path = format!("/apps/{}", app.id);
        scene.enter(window, &path).await;
        window.see("Register this callback URL").await;
        window.forget_cookies().await;
        window.fill("What to call it (optional)", "books").await;
        window.press("Continue to Acme Inc").await;
        window.see("Sign in").await;
        window.look("signed-out").await;
        sign_in(window, &scene.key).await;
        window.see("Register this callback URL").await;
        assert_eq!(window.url().await.path(), path);

        // Signed out on the way to the provider, nobody is connected, and the way on is clear.
        window.press("Continue to Acme Inc").await;
        window.see("A sandbox that plays").await;
        window.forget_cookies().await;
        consent(window, "ada").await;
        window.see("Not connected").await;
        window.look("signed-out-on-the-way").await;
        assert_eq!(scene.token_requests(), 0);
    })
    .await;
}

#[tokio::test]
async fn whoever_says_no_is_led_back_to_the_app() {
    in_every_mode(async |window| {
        let scene = Scene::new().await;
        let app = scene.app().await;
        scene.enter(window, &format!("/apps/{}", app.id)).await;
        window.press("Continue to Acme Inc").await;
        window.press("Deny").await;
        window.see("Access was denied").await;
        window.look("denied-to-administrator").await;
        window.follow("Back to acme").await;
        window.see("Register this callback URL").await;
    })
    .await;
}

#[tokio::test]
async fn an_app_that_is_refused_says_so_everywhere_until_it_is_mended() {
    in_every_mode(async |window| {
        let scene = Scene::new().await;
        let app = scene.app().await;
        scene.house.stage.connect().await;
        let path = format!("/apps/{}", app.id);
        scene.enter(window, &path).await;
        window
            .fill("Consumer Secret", "rotated at the provider")
            .await;
        window.press("Save").await;
        window.see("Saved.").await;
        window.press("Continue to Acme Inc").await;
        consent(window, "ada").await;
        window.see("doesn't take the app's credentials").await;
        window.look("app-refused-at-callback").await;
        window.follow("Back to acme").await;
        window.follow("its accounts").await;
        window.follow("ada@example.com").await;
        window.press("Refresh now").await;
        window.see("doesn't take the app's credentials").await;
        window.look("account-of-a-refused-app").await;
        window.follow("Home").await;
        window.see("The app acme is refused").await;
        window.look("home-app-refused").await;
        window.follow("Look at its credentials").await;
        window.see("Acme Inc refuses this app").await;
        window.look("app-trouble").await;
        window.tick("Forget the one that is set").await;
        window.press("Save and test").await;
        window.see("Connect an account to see the rest").await;
        window.follow("Home").await;
        window.see("Tokens are kept valid without you").await;
        window.goto(&scene.address(&path)).await;
        assert_eq!(window.value("Consumer Secret").await, "");
    })
    .await;
}

#[tokio::test]
async fn an_app_that_has_no_account_is_deleted() {
    in_every_mode(async |window| {
        let scene = Scene::new().await;
        let app = scene.app().await;
        scene.enter(window, &format!("/apps/{}", app.id)).await;
        window.follow("Delete this app").await;
        window.see("its callback URL stops working").await;
        window.look("app-delete").await;
        window.follow("No, go back").await;
        window.follow("Delete this app").await;
        window.press("Delete the app").await;
        window.see("The app is deleted.").await;
        assert!(scene.house.stage.engine.apps().await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_wrong_address_of_the_application_is_told_beside_it() {
    in_every_mode(async |window| {
        let scene = Scene::new().await;
        let app = scene.app().await;
        scene.enter(window, &format!("/apps/{}", app.id)).await;
        let [confirm_url, origins] = ["Confirm URL (optional)", "Return origins (optional)"];
        let typed = "https://app.example/welcome\nhttps://*.example";
        window.fill(confirm_url, "http://app.example/confirm").await;
        window.fill(origins, typed).await;
        window.press("Save addresses").await;
        window
            .see("confirm_url is an absolute https URL without fragment")
            .await;
        assert_eq!(window.value(origins).await, typed);
        window
            .fill(confirm_url, "https://app.example/confirm")
            .await;
        window.press("Save addresses").await;
        window.see("return_origins are origins such as").await;
        window.look("app-wrong-addresses").await;
        assert_eq!(window.focus().await, "heading Your application");
        window.fill(origins, "https://app.example").await;
        window.press("Save addresses").await;
        window.see("Saved.").await;
        let saved = scene.house.stage.engine.app(app.id).await.unwrap();
        assert_eq!(
            saved.confirm_url.as_deref(),
            Some("https://app.example/confirm")
        );
        assert_eq!(saved.return_origins, ["https://app.example"]);
    })
    .await;
}

#[tokio::test]
async fn a_key_that_may_only_look_is_told_what_it_may_not() {
    in_every_mode(async |window| {
        let scene = Scene::new().await;
        let app = scene.app().await;
        let reader = scene
            .house
            .key(None, &[tieline_store::Permission::Read])
            .await;
        window
            .goto(&scene.address(&format!("/apps/{}", app.id)))
            .await;
        sign_in(window, &reader).await;
        window.see("may not change apps").await;
        window.look("app-for-a-reader").await;
        assert_eq!(window.buttons("Save and test").await, 0);
        assert_eq!(window.buttons("Continue to Acme Inc").await, 0);
        window.goto(&scene.address("/instances/7")).await;
        window.see("Not there").await;
        window.look("not-there").await;
    })
    .await;
}
