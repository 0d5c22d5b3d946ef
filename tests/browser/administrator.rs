//! An administrator sets an app up, connects an account, uses it and disconnects it: with nothing but the pages.

use tieline_tests::chromium::{Window, in_every_mode};

use crate::scene::{Scene, consent};

#[tokio::test]
async fn an_administrator_comes_from_nothing_to_a_connected_account_and_back() {
    in_every_mode(async |window| {
        let scene = Scene::without_credentials().await;
        sign_in(&scene, window).await;
        choose(window).await;
        create(&scene, window).await;
        type_credentials(&scene, window).await;
        connect(&scene, window).await;
        put_to_use(window).await;
        list(window).await;
        reconnect(&scene, window).await;
        disconnect(&scene, window).await;
        window.press("Sign out").await;
        window.see("tieline api-keys create").await;
    })
    .await;
}

async fn sign_in(scene: &Scene, window: &Window) {
    window.goto(&scene.address("/")).await;
    window.see("Sign in").await;
    window.look("sign-in").await;
    window.fill("API key", "tieline_of-somebody-else").await;
    window.press("Sign in").await;
    window.see("That is no API key").await;
    assert_eq!(window.value("API key").await, "");
    window.look("sign-in-refused").await;
    window.fill("API key", &scene.key).await;
    window.press("Sign in").await;
    window.see("Nothing is set up yet").await;
    window.look("home-new").await;
}

/// The search finds while one types, or when it is sent.
async fn choose(window: &Window) {
    window.follow("Choose a provider").await;
    window.see("Whose accounts can be connected").await;
    window.look("providers").await;
    for (wanted, links) in [("nobody's", 0), ("aCm", 1)] {
        window.fill("Search", wanted).await;
        if !window.mode().scripts {
            window.press("Search").await;
        }
        window
            .wait(&format!("{links} found"), async || {
                window.links("Acme").await == links
            })
            .await;
        if links == 0 {
            window.see("Nothing is called that").await;
            window.look("providers-none").await;
        }
    }
    window.follow("Acme").await;
    window.see("Which credential is which parameter").await;
    window.look("provider").await;
}

async fn create(scene: &Scene, window: &Window) {
    window.fill("Name of the app", "crm").await;
    window.press("Create an app").await;
    window.see("Register its callback URL next").await;
    window.look("app-new").await;
    let callback_url = window.value("Callback URL").await;
    assert!(
        callback_url.starts_with(&scene.address("/callback/")),
        "{callback_url}"
    );
    if window.mode().scripts {
        window.press("Copy").await;
        window.see("Copied").await;
    } else {
        assert_eq!(window.buttons("Copy").await, 0, "it would do nothing");
    }
    assert_eq!(window.buttons("Continue to Acme Inc").await, 0);
}

async fn type_credentials(scene: &Scene, window: &Window) {
    let (id, secret) = scene.house.stage.sandbox.client();
    let padded = format!(" {id}");
    window.fill("Consumer Key", &padded).await;
    if window.mode().scripts {
        // On leaving the field, before anything is sent.
        window.tab().await;
        window.see("starts or ends with white space").await;
    }
    window.fill("Consumer Secret", "not the secret").await;
    window.press("Save and test").await;
    window.see("starts or ends with white space").await;
    window.look("app-malformed").await;
    assert_eq!(window.value("Consumer Key").await, padded);
    assert_eq!(window.value("Consumer Secret").await, "", "a secret");

    window.fill("Consumer Key", id).await;
    window.fill("Consumer Secret", "not the secret").await;
    window.press("Save and test").await;
    window
        .see("Acme Inc doesn't take the app's credentials: it answers “invalid_client”")
        .await;
    window.look("app-refused").await;
    assert_eq!(window.focus().await, "heading Credentials");
    assert_eq!(window.value("Consumer Key").await, id);
    window.fill("Consumer Secret", secret).await;

    window.press("More settings").await;
    let scope = "oauth.scope (optional)";
    window.fill(scope, "read everything").await;
    window.press("Save and test").await;
    window
        .see("turns people away who come to connect. It says: “invalid_scope")
        .await;
    window.look("app-turned-away").await;
    window.fill(scope, "").await;
    window.press("Save and test").await;
    window.see("Connect an account to see the rest").await;
    window.look("app-taken").await;
    assert!(!window.source().await.contains(secret), "it is shown");
}

async fn connect(scene: &Scene, window: &Window) {
    window.fill("What to call it (optional)", "books").await;
    window.press("Continue to Acme Inc").await;
    consent(window, "grace").await;
    window.see("The account is connected.").await;
    window.see("grace@example.com").await;
    window.look("account").await;
    assert_eq!(scene.exchanges(), 1);
    // Nothing of what led here is done again.
    window.reload().await;
    window.see("The account is connected.").await;
    window.back().await;
    window.see("A sandbox that plays").await;
    window.forward().await;
    window.see("grace@example.com").await;
    assert_eq!(scene.exchanges(), 1);
}

async fn put_to_use(window: &Window) {
    window.press("Check").await;
    window.see("The provider has answered").await;
    window.press("Refresh now").await;
    window.see("The tokens are refreshed").await;
    window.fill("GET", "me").await;
    window.press("Call").await;
    window
        .see("Only paths relative to the API's base are called")
        .await;
    window.look("account-no-path").await;
    window.fill("GET", "/me").await;
    window.press("Call").await;
    window.see("The answer 200").await;
    window.look("account-called").await;
    window.press("Take out of use").await;
    window.see("The account is out of use").await;
    window.look("account-out-of-use").await;
    window.press("Take into use").await;
    window.see("The account is in use again").await;
}

async fn list(window: &Window) {
    window.follow("Accounts").await;
    window.see("grace@example.com").await;
    window.look("accounts").await;
    window.choose("Status", "disconnecting").await;
    window.press("Show").await;
    window.see("No account is like that").await;
    window.look("accounts-filtered").await;
    window.follow("Show all").await;
    window.follow("Home").await;
    window.see("Tokens are kept valid without you").await;
    window.look("home").await;
}

async fn reconnect(scene: &Scene, window: &Window) {
    window.follow("Accounts").await;
    window.follow("grace@example.com").await;
    window.follow("Connect again").await;
    window.see("Connect grace@example.com again").await;
    window.look("reconnect").await;
    window.press("Continue to Acme Inc").await;
    consent(window, "ada").await;
    window.see("Not connected").await;
    window.see("This is the account of ada@example.com").await;
    window.look("other-account").await;
    window.follow("Back to crm").await;
    window.follow("its accounts").await;
    window.follow("grace@example.com").await;
    window.follow("Connect again").await;
    window.press("Continue to Acme Inc").await;
    consent(window, "grace").await;
    window.see("The account is connected again.").await;
    assert_eq!(scene.exchanges(), 3);
}

async fn disconnect(scene: &Scene, window: &Window) {
    window.follow("Disconnect …").await;
    window.see("Disconnect grace@example.com?").await;
    window.look("disconnect").await;
    window.follow("No, go back").await;
    window.follow("Disconnect …").await;
    window.press("Disconnect").await;
    window.see("The account is disconnected.").await;
    window.see("No account yet").await;
    window.look("accounts-none").await;
    let ledger = scene.house.stage.sandbox.ledger();
    assert!(ledger.revocations() >= 1);
    // The grant that was replaced and that of the other account are left: at many providers, to end them ends all of a person's.
    assert_eq!(ledger.grants_alive(), 2);
}
