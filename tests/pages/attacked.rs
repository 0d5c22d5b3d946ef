//! What others try on pages, and what keys may not.

use http::StatusCode;
use tieline_store::Permission;
use tieline_tests::browser::raw_client;

use crate::visitor::{House, filled};
use crate::{account, app, token_requests};

#[tokio::test]
async fn whoever_signs_in_is_led_nowhere_else() {
    let house = House::new().await;
    let key = house.key(None, Permission::ALL).await;
    for next in [
        "//evil.example",
        "/\t/evil.example",
        "/\\evil.example",
        "https://evil.example",
    ] {
        let visitor = house.visitor();
        let signed_in = visitor.sign_in(&key, next).await;
        assert_eq!(
            (signed_in.status, &*signed_in.location),
            (StatusCode::SEE_OTHER, "/"),
            "{next:?}"
        );
    }
}

#[tokio::test]
async fn nobody_is_signed_in_by_another_site() {
    let house = House::new().await;
    let key = house.key(None, Permission::ALL).await;
    let base = house.base.as_str();
    let from = async |headers: &[(&str, &str)]| {
        let mut request = raw_client()
            .unwrap()
            .post(format!("{}/sign-in", house.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = filled(request, &[("key", &key)]).send().await.unwrap();
        (
            answer.status().as_u16(),
            answer.headers().contains_key("set-cookie"),
        )
    };
    for headers in [
        &[("sec-fetch-site", "cross-site")][..],
        &[("sec-fetch-site", "same-site"), ("origin", base)],
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
    ] {
        assert_eq!(from(headers).await, (403, false), "{headers:?}");
    }
    for headers in [
        &[][..],
        &[("origin", base)],
        &[("sec-fetch-site", "same-origin")],
    ] {
        assert_eq!(from(headers).await, (303, true), "{headers:?}");
    }
}

#[tokio::test]
async fn whose_key_was_revoked_on_the_way_connects_nothing() {
    let house = House::new().await;
    let visitor = house.signed_in(Permission::ALL).await;
    let app = app(&visitor).await;
    let sent = visitor.fill(&app, &[("action", "connect")]).await;
    let callback = house.stage.sandbox.consent(&sent.location).await.unwrap();
    let engine = &house.stage.engine;
    for key in engine.api_keys(None, None, 10).await.unwrap() {
        engine.revoke_api_key(key.id).await.unwrap();
    }
    let refused = visitor.open(&callback).await;
    assert!(refused.status.is_client_error(), "{refused:?}");
    assert_eq!(token_requests(&house), 0);
    assert!(house.stage.instances().await.is_empty());
}

#[tokio::test]
async fn a_key_sees_no_page_of_what_it_may_not_do() {
    let house = House::new().await;
    let admin = house.signed_in(Permission::ALL).await;
    let app = app(&admin).await;
    let account = account(&house, &admin, &app).await;
    let asking = [
        format!("{app}/delete"),
        format!("{account}/reconnect"),
        format!("{account}/disconnect"),
    ];
    for may in [
        &[Permission::Read][..],
        &[Permission::Call],
        &[Permission::Connect],
    ] {
        let visitor = house.signed_in(may).await;
        for path in &asking {
            let refused = visitor.open(path).await;
            assert_eq!(refused.status, 403, "{path} {may:?}");
            refused.hides("ada@example.com");
        }
    }
    // It may call, and may not look: what comes of a call would be a page of the account.
    let caller = house.signed_in(&[Permission::Call]).await;
    let word = caller.open("/").await.word();
    let form = [
        ("_word", word.as_str()),
        ("action", "call"),
        ("path", "/v1/me"),
    ];
    let refused = caller.send(&account, &form).await;
    assert_eq!(refused.status, 403);
    refused.hides("ada@example.com");
}

#[tokio::test]
async fn what_ails_the_store_is_told_to_nobody() {
    let house = House::new().await;
    let visitor = house.signed_in(Permission::ALL).await;
    house
        .stage
        .execute("ALTER TABLE sessions RENAME TO elsewhere")
        .await;
    let refused = visitor.open("/").await;
    assert!(refused.status.is_server_error(), "{refused:?}");
    refused
        .shows("reads in its log why")
        .hides("sessions")
        .hides("store.db");
}

#[tokio::test]
async fn who_is_known_to_the_host_too_connects_in_their_own_browser() {
    let house = House::in_a_host_of("ada").await;
    let visitor = house.signed_in(Permission::ALL).await;
    let app = app(&visitor).await;
    account(&house, &visitor, &app).await;
    // In another browser of the same user it is not theirs.
    let sent = visitor.fill(&app, &[("action", "connect")]).await;
    let callback = house.stage.sandbox.consent(&sent.location).await.unwrap();
    let refused = house.visitor().open(&callback).await;
    assert!(refused.status.is_client_error(), "{refused:?}");
    assert_eq!(house.stage.instances().await.len(), 1);
}
