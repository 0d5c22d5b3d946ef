//! The pages, as a browser without scripts meets them: signing in, setting up, connecting, and what others try.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests; the lints only know test functions"
)]

mod attacked;
mod kept;
mod twice;
mod visitor;

use std::time::Duration;

use tieline_sandbox::Endpoint;
use tieline_store::Permission;
use tieline_tests::stage::query;

use visitor::{House, Visitor, filled};

/// Creates an app on the pages; the path of its page.
async fn app(visitor: &Visitor) -> String {
    let created = visitor.fill("/providers/acme", &[("name", "crm")]).await;
    assert_eq!(created.status, 303, "{created:?}");
    created.location.split('?').next().unwrap().to_owned()
}

/// Connects an account of an app on the pages; the path of its page.
async fn account(house: &House, visitor: &Visitor, app: &str) -> String {
    let sent = visitor
        .fill(app, &[("action", "connect"), ("name", "books")])
        .await;
    let callback = house.stage.sandbox.consent(&sent.location).await.unwrap();
    let back = visitor.open(&callback).await;
    assert_eq!(back.status, 303, "{back:?}");
    assert!(back.location.ends_with("?done=connected"), "{back:?}");
    back.location.split('?').next().unwrap().to_owned()
}

fn token_requests(house: &House) -> usize {
    let ledger = house.stage.sandbox.ledger();
    ledger.requests_to(Endpoint::Token).count()
}

#[tokio::test]
async fn from_signing_in_to_a_connected_account_that_is_called_and_disconnected() {
    let house = House::new().await;
    let visitor = house.signed_in(Permission::ALL).await;
    visitor.open("/").await.shows("Begin here");
    visitor
        .open("/providers?q=aCmE")
        .await
        .shows("/providers/acme");
    visitor
        .open("/providers?q=nobody")
        .await
        .hides("/providers/acme");

    let app = app(&visitor).await;
    let page = visitor.open(&app).await;
    page.shows(&format!("{}/callback/", house.base));
    page.shows("Consumer Key");
    let account = account(&house, &visitor, &app).await;
    visitor
        .open(&account)
        .await
        .shows("ada@example.com")
        .shows("Connected");
    let called = visitor
        .fill(&account, &[("action", "call"), ("path", "/v1/me")])
        .await;
    called.shows("The answer");
    for action in ["check", "refresh", "disable", "enable"] {
        let done = visitor.fill(&account, &[("action", action)]).await;
        assert_eq!(done.status, 303, "{action}: {done:?}");
    }
    visitor
        .open(&account)
        .await
        .shows("generation 2")
        .shows("Taken out of use");
    visitor
        .open("/instances?status=ok")
        .await
        .shows("ada@example.com");
    visitor
        .open("/instances?status=deleting")
        .await
        .hides("ada@example.com");
    let sure = visitor.open(&format!("{account}/disconnect")).await;
    sure.shows("Disconnect ada@example.com?");
    let gone = visitor.fill(&account, &[("action", "disconnect")]).await;
    assert_eq!(gone.location, "/instances?done=disconnected");
    assert_eq!(visitor.open(&account).await.status, 404);
    let ledger = house.stage.sandbox.ledger();
    assert_eq!((ledger.revocations(), ledger.grants_alive()), (1, 0));
}

#[tokio::test]
async fn what_is_wrong_with_credentials_is_told_beside_them() {
    let house = House::new().await;
    let visitor = house.signed_in(Permission::ALL).await;
    let app = app(&visitor).await;
    let wrong = [("action", "try"), ("oauth.api.secret", "not the secret")];
    let refused = visitor.fill(&app, &wrong).await;
    assert_eq!(refused.status, 422);
    refused
        .shows("invalid_client")
        .shows("Consumer Secret")
        .hides("not the secret");
    let padded = [
        ("action", "save"),
        ("oauth.api.key", " key"),
        ("oauth.api.secret", "s3cret"),
    ];
    let refused = visitor.fill(&app, &padded).await;
    assert_eq!(refused.status, 422);
    refused
        .shows("starts or ends with white space")
        .shows("value=\" key\"")
        .hides("s3cret");

    let (id, secret) = house.stage.sandbox.client();
    let right = [
        ("action", "try"),
        ("oauth.api.key", id),
        ("oauth.api.secret", secret),
    ];
    let taken = visitor.fill(&app, &right).await;
    assert!(taken.location.ends_with("?done=taken"), "{taken:?}");
    let shown = visitor.open(&taken.location).await;
    shown
        .shows("takes the app as far as can be told")
        .shows(id)
        .hides(secret);
    // A secret that nobody typed again stays.
    let saved = visitor
        .fill(&app, &[("action", "try"), ("oauth.api.key", id)])
        .await;
    assert!(saved.location.ends_with("?done=taken"), "{saved:?}");
    assert_eq!(
        house.stage.instances().await.len(),
        0,
        "nothing was connected"
    );
}

#[tokio::test]
async fn a_link_is_made_where_the_host_confirms() {
    let house = House::new().await;
    let visitor = house.signed_in(Permission::ALL).await;
    let app = app(&visitor).await;
    let link = [("action", "link"), ("user", "ada <b>")];
    let refused = visitor.fill(&app, &link).await;
    assert_eq!(refused.status, 422);
    refused.shows("has no confirm URL yet").hides("<b>");
    let wrong = [
        ("action", "host"),
        ("confirm_url", "http://host.example/confirm"),
    ];
    let refused = visitor.fill(&app, &wrong).await;
    assert_eq!(refused.status, 422);
    refused
        .shows("confirm_url is an absolute https URL")
        .shows("http://host.example/confirm");
    let right = [
        ("action", "host"),
        ("confirm_url", "https://host.example/confirm"),
        ("return_origins", " https://host.example \n\n"),
    ];
    assert_eq!(visitor.fill(&app, &right).await.status, 303);
    let made = visitor.fill(&app, &link).await;
    assert_eq!(made.status, 201);
    let rest = made
        .body
        .split(&format!("{}/connect/", house.base))
        .nth(1)
        .unwrap();
    let path = format!("/connect/{}", rest.split('"').next().unwrap());
    let stranger = house.visitor();
    stranger
        .open(&path)
        .await
        .shows("<strong>crm</strong> asks");
    let sent = stranger.send(&path, &[]).await;
    let callback = house.stage.sandbox.consent(&sent.location).await.unwrap();
    let back = stranger.open(&callback).await;
    assert!(
        back.location.starts_with("https://host.example/confirm?"),
        "{back:?}"
    );
    stranger.open(&path).await.shows("used already");
    assert_eq!(token_requests(&house), 0, "nobody has confirmed");
}

#[tokio::test]
async fn a_callback_in_another_browser_connects_nothing() {
    let house = House::new().await;
    let attacker = house.signed_in(Permission::ALL).await;
    let app = app(&attacker).await;
    for victim in [house.visitor(), house.signed_in(Permission::ALL).await] {
        let sent = attacker.fill(&app, &[("action", "connect")]).await;
        let callback = house.stage.sandbox.consent(&sent.location).await.unwrap();
        let refused = victim.open(&callback).await;
        assert!(refused.status.is_client_error(), "{refused:?}");
        // The state is used up: it is of no use to its own browser either.
        assert!(attacker.open(&callback).await.status.is_client_error());
    }
    assert_eq!(token_requests(&house), 0);
    assert!(house.stage.instances().await.is_empty());
}

#[tokio::test]
async fn a_form_from_elsewhere_does_nothing() {
    let house = House::new().await;
    let visitor = house.signed_in(Permission::ALL).await;
    let other = house.signed_in(Permission::ALL).await;
    let app = app(&visitor).await;
    let foreign = other.open("/").await.word();
    for word in ["", "guessed", &foreign] {
        let refused = visitor
            .send(&app, &[("_word", word), ("action", "delete")])
            .await;
        assert_eq!(refused.status, 403, "{refused:?}");
        refused.shows(&format!("href=\"{app}\">Open the page again"));
    }
    let own = visitor.open(&app).await.word();
    let client = tieline_tests::browser::raw_client().unwrap();
    for site in ["cross-site", "same-site"] {
        let request = client
            .post(format!("{}{app}", house.base))
            .header("sec-fetch-site", site)
            .header("cookie", visitor.cookie.lock().unwrap().clone().unwrap());
        let request = filled(request, &[("_word", own.as_str()), ("action", "delete")]);
        assert_eq!(request.send().await.unwrap().status(), 403, "{site}");
    }
    assert_eq!(visitor.open(&app).await.status, 200, "it is still there");
}

#[tokio::test]
async fn a_session_ends_and_leads_back_to_where_one_was() {
    let house = House::new().await;
    let key = house.key(None, Permission::ALL).await;
    let visitor = house.visitor();
    let asked = visitor.open("/instances?status=ok").await;
    assert_eq!(asked.location, "/sign-in?next=%2Finstances%3Fstatus%3Dok");
    visitor
        .open(&asked.location)
        .await
        .shows("value=\"/instances?status=ok\"");
    let wrong = visitor.sign_in("tieline_nonsense", "/instances").await;
    assert_eq!(
        (wrong.status.as_u16(), wrong.set_cookie.as_str()),
        (422, "")
    );
    let signed_in = visitor
        .sign_in(&format!(" {key}\n"), "/instances?status=ok")
        .await;
    assert_eq!(signed_in.location, "/instances?status=ok");
    assert!(
        signed_in.set_cookie.contains("; HttpOnly; SameSite=Lax"),
        "{signed_in:?}"
    );
    assert!(!signed_in.set_cookie.contains(&key), "{signed_in:?}");
    assert_eq!(visitor.sign_in(&key, "//evil.example").await.location, "/");

    house.stage.clock.advance(Duration::from_secs(12 * 60 * 60));
    assert_eq!(visitor.open("/").await.location, "/sign-in");
    visitor.sign_in(&key, "/").await;
    let kept = visitor.cookie.lock().unwrap().clone();
    let word = visitor.open("/").await.word();
    visitor.send("/sign-out", &[("_word", &word)]).await;
    assert_eq!(visitor.open("/").await.location, "/sign-in");
    // Not only the browser has forgotten it.
    *visitor.cookie.lock().unwrap() = kept;
    assert_eq!(visitor.open("/").await.location, "/sign-in");
}

#[tokio::test]
async fn a_page_allows_what_the_key_allows() {
    let house = House::new().await;
    let admin = house.signed_in(Permission::ALL).await;
    let app = app(&admin).await;
    let account = account(&house, &admin, &app).await;
    let reader = house.signed_in(&[Permission::Read]).await;
    reader
        .open(&account)
        .await
        .shows("ada@example.com")
        .hides("Disconnect …");
    reader
        .open(&app)
        .await
        .hides("Save and test")
        .hides("Make a link");
    for (path, action) in [
        (&app, "save"),
        (&app, "delete"),
        (&app, "connect"),
        (&app, "link"),
        (&account, "check"),
        (&account, "call"),
        (&account, "reconnect"),
        (&account, "disconnect"),
    ] {
        let refused = reader.fill(path, &[("action", action)]).await;
        assert_eq!(refused.status, 403, "{action}: {refused:?}");
    }
    let blind = house.signed_in(&[Permission::Call]).await;
    for path in ["/", "/providers", "/instances", &app, &account] {
        assert_eq!(blind.open(path).await.status, 403, "{path}");
    }
    // What is another tenant's is not there.
    house
        .stage
        .engine
        .create_tenant("other", None)
        .await
        .unwrap();
    let stranger = house.visitor();
    let key = house.key(Some("other"), Permission::ALL).await;
    stranger.sign_in(&key, "/").await;
    for path in [&app, &account] {
        assert_eq!(stranger.open(path).await.status, 404, "{path}");
    }
    stranger.open("/instances").await.hides("ada@example.com");
}

#[tokio::test]
async fn an_account_is_connected_again_in_place() {
    let house = House::new().await;
    let visitor = house.signed_in(Permission::ALL).await;
    let app = app(&visitor).await;
    let account = account(&house, &visitor, &app).await;
    let id = account.rsplit('/').next().unwrap().parse().unwrap();
    let instance = house.stage.engine.instance(id).load().await.unwrap();
    let (_, refresh_token) = house.stage.tokens(&instance).await;
    house.stage.sandbox.revoke_grant(&refresh_token.unwrap());
    let refused = visitor.fill(&account, &[("action", "refresh")]).await;
    assert_eq!(refused.status, 422);
    refused.shows("connect again");
    visitor
        .open("/")
        .await
        .shows("Connect it again")
        .shows("withdrawn the consent");
    let word = visitor.open(&format!("{account}/reconnect")).await.word();
    let form = [("_word", word.as_str()), ("action", "reconnect")];
    let sent = visitor.send(&account, &form).await;
    let callback = house.stage.sandbox.consent(&sent.location).await.unwrap();
    let back = visitor.open(&callback).await;
    assert_eq!(back.location, format!("{account}?done=reconnected"));
    visitor
        .open("/")
        .await
        .shows("Nothing. Tokens are kept valid");
    assert!(query(&callback).has("code"));
}
