//! Bad input: a clear error that names provider, parameter and cure, the right exit code, and nothing lost.

use tieline_sandbox::{Act, Endpoint};

use crate::home::{Home, Ran, files};

/// An error as a person reads it, without what differs from run to run.
fn shown(home: &Home, ran: &Ran) -> String {
    let text = ran.stderr.replace(home.path().to_str().unwrap(), "~");
    let mut masked = String::new();
    let mut digits = String::new();
    for c in text.chars().chain(['\n']) {
        if c.is_ascii_digit() {
            digits.push(c);
            continue;
        }
        masked.push_str(if digits.len() > 4 { "NUMBER" } else { &digits });
        digits.clear();
        masked.push(c);
    }
    format!("exit code {}\n{}", ran.code, masked.trim_end())
}

#[tokio::test]
async fn parameters_missing_empty_unknown_and_misspelt() {
    let mut home = Home::new();
    insta::assert_snapshot!(
        "nothing_configured",
        shown(&home, &home.run(&["connect", "infusionsoft"]).await)
    );
    std::fs::write(
        home.path().join("tieline.toml"),
        "[providers.infusionsoft]\n\"oauth.api.key\" = \"\"\n\"oauth.api.secert\" = \"CANARY\"\nclient_id = \"x\"\n",
    )
    .unwrap();
    home.set("INFUSIONSOFT_OAUTH_API_SECRET", "CANARY\nCANARY");
    let ran = home.run(&["connect", "infusionsoft"]).await;
    assert!(!ran.stderr.contains("CANARY"), "{}", ran.stderr);
    insta::assert_snapshot!("everything_wrong", shown(&home, &ran));
    std::fs::write(
        home.path().join("tieline.toml"),
        "[providers.infusionsfot]\n",
    )
    .unwrap();
    insta::assert_snapshot!(
        "unknown_provider_table",
        shown(&home, &home.run(&["apps", "list"]).await)
    );
    std::fs::write(
        home.path().join("tieline.toml"),
        "[providers.infusionsoft\n",
    )
    .unwrap();
    insta::assert_snapshot!("not_toml", shown(&home, &home.run(&["apps", "list"]).await));
    insta::assert_snapshot!(
        "no_such_config",
        shown(
            &home,
            &home
                .run(&["--config", "nowhere.toml", "apps", "list"])
                .await
        )
    );
}

#[tokio::test]
async fn what_is_wrong_with_app_and_account_is_told_at_once() {
    let home = Home::new();
    let ran = home
        .run(&[
            "connect",
            "shopify",
            "--set",
            "shopify.site.address=evil.com/x",
        ])
        .await;
    insta::assert_snapshot!("app_and_account", shown(&home, &ran));
}

#[tokio::test]
async fn names_and_ids_that_lead_nowhere() {
    let home = Home::new();
    insta::assert_snapshot!(
        "unknown_provider",
        shown(
            &home,
            &home.run(&["providers", "show", "infusionsfot"]).await
        )
    );
    insta::assert_snapshot!(
        "no_such_instance",
        shown(&home, &home.run(&["instances", "token", "4711"]).await)
    );
    insta::assert_snapshot!(
        "no_id",
        shown(&home, &home.run(&["instances", "token", "abc"]).await)
    );
}

#[tokio::test]
async fn the_provider_refuses() {
    let (mut home, sandbox) = Home::with_sandbox().await;
    let denied = home
        .connect(&[], async |url| sandbox.deny(&url).await.unwrap())
        .await;
    assert_eq!(denied.code, 1, "{denied:?}");
    assert!(
        denied.stderr.contains("access was denied"),
        "{}",
        denied.stderr
    );

    let foreign = home
        .connect(&[], async |_| {
            "https://localhost:8917/callback?code=x&state=made-up".into()
        })
        .await;
    assert!(
        foreign.code == 1 && foreign.stderr.contains("belongs to no authorization"),
        "{foreign:?}"
    );
    let pasted = home.connect(&[], async |_| "not an address".into()).await;
    assert_eq!(pasted.code, 2, "{pasted:?}");

    home.set("INFUSIONSOFT_OAUTH_API_SECRET", "wrong-CANARY");
    let wrong = home
        .connect(&[], async |url| sandbox.consent(&url).await.unwrap())
        .await;
    assert_eq!(wrong.code, 3, "{wrong:?}");
    for word in ["infusionsoft", "client_secret", "oauth.api.secret"] {
        assert!(wrong.stderr.contains(word), "{word}: {}", wrong.stderr);
    }
    assert!(!wrong.stderr.contains("CANARY"), "{}", wrong.stderr);
    let listed = home.run(&["instances", "list"]).await.ok();
    assert!(
        listed.stdout.contains("No instance yet"),
        "{}",
        listed.stdout
    );
}

#[tokio::test]
async fn the_provider_is_down_or_talks_nonsense() {
    let (home, sandbox) = Home::with_sandbox().await;
    let id = home.connected(&sandbox).await;
    let html = |status| Act::Answer {
        status,
        headers: vec![("content-type".into(), "text/html".into())],
        body: b"<h1>CANARY</h1>".to_vec(),
    };
    let redirect = Act::Answer {
        status: 302,
        headers: vec![("location".into(), "/".into())],
        body: vec![],
    };
    let huge = Act::Answer {
        status: 200,
        headers: vec![],
        body: vec![b'{'; 10 << 20],
    };
    // Where nobody knows what came of it, this provider may be asked once more.
    for (act, times, code) in [
        (html(503), 1, 5),
        (html(500), 2, 5),
        (html(200), 2, 5),
        (redirect, 1, 3),
        (huge, 2, 5),
    ] {
        for _ in 0..times {
            sandbox.script(Endpoint::Token, act.clone());
        }
        let ran = home.run(&["instances", "refresh", &id]).await;
        assert_eq!(ran.code, code, "{ran:?}");
        assert!(
            ran.stderr.contains("infusionsoft") && !ran.stderr.contains("CANARY"),
            "{}",
            ran.stderr
        );
    }
    home.run(&["instances", "refresh", &id]).await.ok();
    sandbox.stop().await;
    let down = home.run(&["instances", "refresh", &id]).await;
    assert_eq!(down.code, 5, "{down:?}");
    let call = home
        .run(&["instances", "call", &id, "/v1/account/profile"])
        .await;
    assert_eq!(call.code, 5, "{call:?}");
    let listed = home.run(&["instances", "list", "--json"]).await.ok();
    assert_eq!(listed.json()[0]["status"], "ok", "nothing is lost");
}

#[tokio::test]
async fn a_dead_token_says_who_must_do_what() {
    let (home, sandbox) = Home::with_sandbox().await;
    let id = home.connected(&sandbox).await;
    sandbox.script(
        Endpoint::Token,
        Act::Answer {
            status: 400,
            headers: vec![("content-type".into(), "application/json".into())],
            body: br#"{"error":"invalid_request","error_description":"Invalid Refresh Token"}"#
                .to_vec(),
        },
    );
    let dead = home.run(&["instances", "refresh", &id]).await;
    assert_eq!(dead.code, 4, "{dead:?}");
    insta::assert_snapshot!(shown(&home, &home.run(&["instances", "token", &id]).await));
    let again = home
        .connect(&["--instance", &id, "--json"], async |url| {
            sandbox.consent(&url).await.unwrap()
        })
        .await
        .ok();
    assert_eq!(again.last_line()["id"].to_string(), id, "the id stays");
    home.run(&["instances", "check", &id]).await.ok();
}

#[tokio::test]
async fn a_data_folder_that_cannot_be_used() {
    let home = Home::new();
    std::fs::write(home.path().join("file"), "").unwrap();
    let ran = home.run(&["--data-dir", "file", "apps", "list"]).await;
    insta::assert_snapshot!("data_dir_is_a_file", shown(&home, &ran));
    let ran = home
        .run(&["--data-dir", "/proc/nowhere", "apps", "list"])
        .await;
    assert!(
        ran.code != 0 && ran.stderr.contains("/proc/nowhere"),
        "{ran:?}"
    );

    home.run(&["apps", "list"]).await.ok();
    let before: Vec<_> = files(&home.data_dir())
        .iter()
        .map(|file| std::fs::read(file).unwrap())
        .collect();
    let key = std::fs::read(home.master_key()).unwrap();
    std::fs::remove_file(home.master_key()).unwrap();
    insta::assert_snapshot!(
        "master_key_is_gone",
        shown(&home, &home.run(&["apps", "list"]).await)
    );
    assert!(
        !home.master_key().exists(),
        "a new key would open nothing, so none is made"
    );
    let other = Home::new();
    other.run(&["apps", "list"]).await.ok();
    std::fs::copy(other.master_key(), home.master_key()).unwrap();
    let wrong = home.run(&["apps", "list"]).await;
    assert!(
        wrong.code != 0 && wrong.stderr.contains("master key"),
        "{wrong:?}"
    );
    let after: Vec<_> = files(&home.data_dir())
        .iter()
        .map(|file| std::fs::read(file).unwrap())
        .collect();
    assert!(before == after, "a refused start changes nothing");
    std::fs::remove_file(home.master_key()).unwrap();
    std::fs::write(home.master_key(), key).unwrap();
    home.run(&["apps", "list"]).await.ok();
}

#[tokio::test]
async fn a_store_in_use_names_who_uses_it() {
    let (home, sandbox) = Home::with_sandbox().await;
    home.connect(&[], async |url| {
        let second = home.run(&["apps", "list"]).await;
        assert_eq!(second.code, 1, "{second:?}");
        assert!(second.stderr.contains("is in use by"), "{}", second.stderr);
        sandbox.consent(&url).await.unwrap()
    })
    .await
    .ok();
}
