//! Connecting: callback URLs, what is pasted, and reconnecting in place.

use crate::home::Home;

const LOCAL: &str = "https://localhost:8917/callback";

/// The callback URL that the only app has of its own.
async fn callback_url(home: &Home) -> String {
    let apps = home.run(&["apps", "list", "--json"]).await.ok().json();
    let id = apps[0]["id"].to_string();
    let app = home.run(&["apps", "show", &id, "--json"]).await.ok().json();
    app["parameters"]["oauth.callback.url"]
        .as_str()
        .unwrap_or("none")
        .to_owned()
}

#[tokio::test]
async fn a_callback_url_that_the_provider_would_refuse_is_not_kept() {
    let (home, sandbox) = Home::with_sandbox().await;
    home.connected(&sandbox).await;
    for url in [
        "http://localhost:8917/callback",
        "nowhere",
        "https://a@b.example/",
    ] {
        let refused = home
            .run(&["connect", "infusionsoft", "--callback-url", url])
            .await;
        assert_eq!(refused.code, 2, "{refused:?}");
        for word in ["an absolute https URL", url, "--set oauth.callback.url="] {
            assert!(refused.stderr.contains(word), "{word}: {}", refused.stderr);
        }
        assert_eq!(callback_url(&home).await, LOCAL);
    }
    home.connected(&sandbox).await;
}

#[tokio::test]
async fn a_stored_callback_url_that_cannot_be_used_says_how_to_change_it() {
    let (home, sandbox) = Home::with_sandbox().await;
    let created = ["apps", "create", "infusionsoft", "--json", "--set"];
    let created = [&created[..], &["oauth.callback.url=http://127.0.0.1:1/"]].concat();
    let app = home.run(&created).await.ok().json()["id"].to_string();
    let refused = home.run(&["connect", "infusionsoft"]).await;
    assert_eq!(refused.code, 3, "{refused:?}");
    let cure = format!("`tieline apps set {app} --set oauth.callback.url=…`");
    assert!(refused.stderr.contains(&cure), "{}", refused.stderr);
    let set = ["apps", "set", &app, "--set"];
    home.run(&[&set[..], &["oauth.callback.url=https://acme.example/back"]].concat())
        .await
        .ok();
    home.connected(&sandbox).await;
    assert_eq!(callback_url(&home).await, "https://acme.example/back");
}

#[tokio::test]
async fn a_mistyped_address_can_be_pasted_again() {
    let (home, sandbox) = Home::with_sandbox().await;
    let ran = home
        .connect(&[], async |url| {
            let callback = sandbox.consent(&url).await.unwrap();
            let elsewhere = callback.replace("localhost", "evil.localhost");
            format!(
                "https://localhost:8917/call\n{LOCAL}?code=x&state=older\n{elsewhere}\n{callback}"
            )
        })
        .await
        .ok();
    assert_eq!(
        ran.stderr.matches("Paste the whole address again:").count(),
        3,
        "{}",
        ran.stderr
    );
    let (home, sandbox) = Home::with_sandbox().await;
    let endless = home
        .connect(&[], async |url| {
            let callback = sandbox.consent(&url).await.unwrap();
            format!("1\n2\n3\n4\n5\n{callback}")
        })
        .await;
    assert_eq!(endless.code, 2, "five tries are enough: {endless:?}");
    let nothing = home.run(&["connect", "infusionsoft", "--no-browser"]).await;
    assert_eq!(nothing.code, 2, "{nothing:?}");
    assert!(
        nothing.stderr.contains("no address was pasted"),
        "{}",
        nothing.stderr
    );
    assert_eq!(sandbox.ledger().exchanges(), 0);
}

#[tokio::test]
async fn reconnecting_takes_no_options_that_it_would_ignore() {
    let (home, sandbox) = Home::with_sandbox().await;
    let id = home.connected(&sandbox).await;
    for option in ["--app", "--name"] {
        let refused = home
            .run(&["connect", "infusionsoft", "--instance", &id, option, "x"])
            .await;
        assert_eq!(refused.code, 2, "{refused:?}");
        assert!(
            refused.stderr.contains("cannot be used with"),
            "{}",
            refused.stderr
        );
    }
    let again = home
        .connect(
            &["--instance", &id, "--callback-port", "9000"],
            async |url| {
                assert!(url.contains("localhost%3A9000"), "{url}");
                sandbox.consent(&url).await.unwrap()
            },
        )
        .await
        .ok();
    assert!(again.stdout.contains(&id), "{}", again.stdout);
    assert_eq!(callback_url(&home).await, "https://localhost:9000/callback");
    let kept = home
        .connect(&["--instance", &id], async |url| {
            sandbox.consent(&url).await.unwrap()
        })
        .await
        .ok();
    assert!(kept.stderr.contains("https://localhost:9000/callback"));
}

#[tokio::test]
async fn a_port_that_would_change_nothing_is_refused() {
    let (mut home, _sandbox) = Home::with_sandbox().await;
    let connect = ["connect", "infusionsoft", "--callback-port", "9000"];
    let both = [&connect[..], &["--callback-url", LOCAL]].concat();
    let both = home.run(&both).await;
    assert!(
        both.code == 2 && both.stderr.contains("cannot be used with"),
        "{both:?}"
    );

    home.set("INFUSIONSOFT_OAUTH_CALLBACK_URL", LOCAL);
    let configured = home.run(&connect).await;
    assert_eq!(configured.code, 2, "{configured:?}");
    insta::assert_snapshot!(configured.stderr.lines().last().unwrap(), @"error: infusionsoft: --callback-port does nothing here, since oauth.callback.url is configured (environment variable INFUSIONSOFT_OAUTH_CALLBACK_URL): change it there, or give --callback-url");

    home.variables.remove("INFUSIONSOFT_OAUTH_CALLBACK_URL");
    let create = ["apps", "create", "infusionsoft", "--json", "--set"];
    let create = [
        &create[..],
        &["oauth.callback.url=https://acme.example/back"],
    ]
    .concat();
    let app = home.run(&create).await.ok().json()["id"].to_string();
    let stored = home.run(&connect).await;
    assert_eq!(stored.code, 2, "{stored:?}");
    insta::assert_snapshot!(stored.stderr.replace(&app, "ID").trim_end(), @"error: infusionsoft: --callback-port does nothing here, since the app ID has the callback URL https://acme.example/back: change it with `tieline apps set ID --set oauth.callback.url=…`, or give --callback-url");
}

#[tokio::test]
async fn an_option_that_means_nothing_at_this_provider_is_refused_before_anything_is_made() {
    let home = Home::new();
    let refused = home.run(&["connect", "infusionsoft", "--device"]).await;
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(
        refused.stderr.contains("--device does nothing here"),
        "{}",
        refused.stderr
    );
    let apps = home.run(&["apps", "list", "--json"]).await.ok();
    assert_eq!(apps.json(), serde_json::json!([]));
}
