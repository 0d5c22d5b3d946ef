//! What is kept of an app when somebody tries things, and what is not.

use tieline_core::prelude::*;
use tieline_store::Permission;
use tieline_tests::keyed::keyed;
use tieline_tests::provider::MAPPINGS;
use tieline_tests::stage::Stage;

use crate::visitor::{House, Visitor};
use crate::{account, app, token_requests};

async fn own(house: &House, app: &str, key: &str) -> Option<String> {
    let id = app.rsplit('/').next().unwrap().parse().unwrap();
    let engine = &house.stage.engine;
    let found = engine.app(id).await.unwrap();
    let own = engine.app_own_parameters(&found).await.unwrap();
    own.get(key).map(|value| value.expose().to_owned())
}

async fn with_credentials(house: &House, visitor: &Visitor) -> String {
    let app = app(visitor).await;
    let (id, secret) = house.stage.sandbox.client();
    let right = [
        ("action", "try"),
        ("oauth.api.key", id),
        ("oauth.api.secret", secret),
        ("oauth.scope", "read"),
    ];
    let taken = visitor.fill(&app, &right).await;
    assert!(taken.location.ends_with("?done=taken"), "{taken:?}");
    app
}

#[tokio::test]
async fn credentials_that_are_refused_replace_none_that_work() {
    let house = House::new().await;
    let visitor = house.signed_in(Permission::ALL).await;
    let app = with_credentials(&house, &visitor).await;
    let account = account(&house, &visitor, &app).await;
    let wrong = [("action", "try"), ("oauth.api.secret", "mistyped")];
    let refused = visitor.fill(&app, &wrong).await;
    refused.shows("Nothing is saved.");
    let secret = house.stage.sandbox.client().1.to_owned();
    assert_eq!(own(&house, &app, "oauth.api.secret").await, Some(secret));
    let refreshed = visitor.fill(&account, &[("action", "refresh")]).await;
    assert!(
        refreshed.location.ends_with("?done=refreshed"),
        "{refreshed:?}"
    );
    // Whoever knows better saves without a test.
    let saved = visitor
        .fill(&app, &[("action", "save"), ("oauth.api.secret", "new")])
        .await;
    assert!(saved.location.ends_with("?done=saved"), "{saved:?}");
    let stored = own(&house, &app, "oauth.api.secret").await;
    assert_eq!(stored.as_deref(), Some("new"));
}

#[tokio::test]
async fn only_what_a_form_says_is_changed() {
    let house = House::new().await;
    let visitor = house.signed_in(Permission::ALL).await;
    let app = with_credentials(&house, &visitor).await;
    let left = [&[("action", "nonsense")][..], &[("action", "save")]];
    for form in left {
        visitor.fill(&app, form).await;
        let id = own(&house, &app, "oauth.api.key").await;
        assert_eq!(
            id.as_deref(),
            Some(house.stage.sandbox.client().0),
            "{form:?}"
        );
        assert_eq!(
            own(&house, &app, "oauth.scope").await.as_deref(),
            Some("read")
        );
    }
    let form = [
        ("action", "save"),
        ("oauth.scope", ""),
        ("_forget.oauth.api.secret", "yes"),
    ];
    visitor.open(&app).await.shows("_forget.oauth.api.secret");
    visitor.fill(&app, &form).await;
    assert_eq!(own(&house, &app, "oauth.scope").await, None);
    assert_eq!(own(&house, &app, "oauth.api.secret").await, None);
    visitor.open(&app).await.hides("_forget.oauth.api.secret");
}

#[tokio::test]
async fn an_app_has_a_name_that_people_can_be_told() {
    let house = House::new().await;
    let visitor = house.signed_in(Permission::ALL).await;
    for (name, told) in [
        ("", "This is needed: it says who asks."),
        (&"n".repeat(201), "1 to 200 characters"),
        ("a\u{7}b", "1 to 200 characters"),
    ] {
        let refused = visitor.fill("/providers/acme", &[("name", name)]).await;
        assert_eq!(refused.status, 422, "{name:?}");
        refused.shows(told);
    }
    assert!(house.stage.engine.apps().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_name_that_is_refused_is_kept_beside_what_is_wrong() {
    let house = House::new().await;
    let visitor = house.signed_in(Permission::ALL).await;
    let app = app(&visitor).await;
    let name = "n".repeat(201);
    let refused = visitor
        .fill(&app, &[("action", "connect"), ("name", &name)])
        .await;
    refused
        .shows(&format!("value=\"{name}\""))
        .shows("id=\"name-wrong\" role=\"alert\">Name is 1 to 200");
}

#[tokio::test]
async fn what_nobody_can_try_is_not_called_wrong() {
    let stage = Stage::acme_with(|descriptor| {
        let shop = ParameterKey::new("acme.shop");
        let shop = ParameterMapping::host_label("Shop", shop);
        let Authentication::AuthorizationCode(mut oauth2) = descriptor.authentication else {
            panic!("acme has another authentication");
        };
        oauth2.authorization_endpoint = "https://{acme.shop}.acme.example/authorize";
        oauth2.token_endpoint = "https://{acme.shop}.acme.example/token";
        ProviderDescriptor {
            mappings: [MAPPINGS, &[shop]].concat().leak(),
            authentication: Authentication::AuthorizationCode(oauth2),
            ..descriptor
        }
    });
    // The operator sends it to the sandbox otherwise.
    let stage = stage
        .await
        .without(ParameterKey::OAUTH_AUTHORIZATION_URL)
        .await;
    let house = House::of(stage.without(ParameterKey::OAUTH_TOKEN_URL).await).await;
    let visitor = house.signed_in(Permission::ALL).await;
    let app = app(&visitor).await;
    let tried = visitor.fill(&app, &[("action", "try")]).await;
    assert!(tried.location.ends_with("?done=untried"), "{tried:?}");
    assert_eq!(token_requests(&house), 0);
}

#[tokio::test]
async fn where_nobody_is_sent_anywhere_no_callback_url_is_spoken_of() {
    let house = House::of(keyed().await).await;
    let visitor = house.signed_in(Permission::ALL).await;
    let page = visitor.open("/providers/acme").await;
    page.hides("callback URL");
    let created = visitor.fill("/providers/acme", &[("name", "crm")]).await;
    let page = visitor.open(&created.location).await;
    page.shows("The app is created.")
        .hides("allback URL")
        .hides("Save and test");
}

#[tokio::test]
async fn what_is_no_page_is_told_on_one() {
    let house = House::new().await;
    let visitor = house.signed_in(Permission::ALL).await;
    let long = "x".repeat(70_000);
    for answer in [
        visitor.open("/sign-out").await,
        visitor.open("/providers/%FF").await,
        visitor.send("/sign-in", &[("key", &long)]).await,
    ] {
        assert!(answer.status.is_client_error(), "{answer:?}");
        answer.shows("<!doctype html>").shows("Go to the start");
    }
}

#[tokio::test]
async fn a_callback_url_that_the_provider_takes_from_nobody_is_not_recommended() {
    let stage = Stage::acme_with(|descriptor| {
        let Authentication::AuthorizationCode(mut oauth2) = descriptor.authentication else {
            panic!("acme has another authentication");
        };
        oauth2.https_redirect_uri_only = true;
        ProviderDescriptor {
            authentication: Authentication::AuthorizationCode(oauth2),
            ..descriptor
        }
    });
    let house = House::of(stage.await).await;
    let visitor = house.signed_in(Permission::ALL).await;
    let page = visitor.open(&app(&visitor).await).await;
    page.shows("it must begin with https");
}
