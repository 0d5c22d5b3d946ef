//! The vendor `github`: forms, errors under 200, no refresh tokens, and what else its facts say that others' do not.

use std::collections::BTreeMap;

use crate::client::{Answer, CALLBACK, GITHUB, Played, VERIFIER, exchange_form};
use tieline_sandbox::{Act, Endpoint, Outcome};

const FORM: &str = "application/x-www-form-urlencoded; charset=utf-8";

/// A token request with these headers besides its content type.
async fn token(github: &Played, headers: &[(&str, &str)], form: &[(&str, &str)]) -> Answer {
    let (id, secret) = github.sandbox.client();
    let body = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(form)
        .extend_pairs([("client_id", id), ("client_secret", secret)])
        .finish();
    let content_type = ("content-type", "application/x-www-form-urlencoded");
    let headers = [&[content_type], headers].concat();
    let endpoint = github.sandbox.token_endpoint();
    let sent = github.send("POST", &endpoint, &headers, body.as_bytes());
    sent.await.unwrap()
}

async fn in_json(github: &Played, form: &[(&str, &str)]) -> Answer {
    token(github, &[("accept", "application/json")], form).await
}

fn fields(answer: &Answer) -> BTreeMap<String, String> {
    assert_eq!(answer.header("content-type"), FORM, "{answer:?}");
    form_urlencoded::parse(&answer.body).into_owned().collect()
}

async fn call(github: &Played, path: &str, token: &str, agent: Option<&str>) -> Answer {
    let bearer = format!("Bearer {token}");
    let mut headers = vec![("authorization", bearer.as_str())];
    headers.extend(agent.map(|agent| ("user-agent", agent)));
    let url = format!("{}{path}", github.sandbox.api_base());
    github.send("GET", &url, &headers, b"").await.unwrap()
}

#[tokio::test]
async fn the_whole_story() {
    let github = Played::start(GITHUB).await;
    let answer = in_json(&github, &exchange_form(&github.code().await)).await;
    let json = answer.json();
    assert_eq!(
        (&json["scope"], &json["token_type"]),
        (&"repo,user:email".into(), &"bearer".into())
    );
    assert_eq!(
        json.as_object().unwrap().len(),
        3,
        "neither expiry nor refresh token"
    );
    assert_eq!(
        answer.header("content-type"),
        "application/json; charset=utf-8"
    );
    let access = answer.field("access_token");
    github.later(20 * 365 * 24 * 60 * 60);
    let me = call(&github, "/user", &access, Some("tests")).await;
    assert_eq!((me.status, &me.json()["id"]), (200, &1_815_121.into()));
    assert_eq!(me.header("x-ratelimit-remaining"), "4999");
    let ledger = github.sandbox.ledger();
    assert!(ledger.is_live_access_token(&access));
    assert_eq!(ledger.secrets().count(), 3, "client secret, code and token");
    github.sandbox.expire_access_tokens();
    let dead = call(&github, "/user", &access, Some("tests")).await;
    assert_eq!(
        (dead.status, &dead.json()["message"]),
        (401, &"Bad credentials".into())
    );
}

#[tokio::test]
async fn a_form_unless_json_is_accepted() {
    let github = Played::start(GITHUB).await;
    for accept in [
        &[][..],
        &[("accept", "*/*")],
        &[("accept", "application/xml")],
        &[("accept", "application/json-seq")],
    ] {
        let answer = token(&github, accept, &exchange_form(&github.code().await)).await;
        let fields = fields(&answer);
        assert_eq!(fields["scope"], "repo,user:email", "{accept:?}");
        assert!(
            github
                .sandbox
                .ledger()
                .is_live_access_token(&fields["access_token"])
        );
        assert_eq!(answer.header("cache-control"), "no-store");
    }
    for accept in [
        &[("accept", "application/json")][..],
        &[("accept", "text/html, Application/JSON;q=0.9")],
        &[("accept", "text/html"), ("accept", "application/json")],
    ] {
        let answer = token(&github, accept, &exchange_form(&github.code().await)).await;
        assert_eq!(answer.field("token_type"), "bearer", "{accept:?}");
    }
    let scripted = Act::Answer {
        status: 200,
        headers: Vec::new(),
        body: b"{}".to_vec(),
    };
    github.sandbox.script(Endpoint::Token, scripted);
    let answer = token(&github, &[], &exchange_form("x")).await;
    assert_eq!(answer.text(), "{}", "a script is sent as it is");
}

#[tokio::test]
async fn errors_come_with_success() {
    let github = Played::start(GITHUB).await;
    let code = github.code().await;
    let other = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", "https://host.example/"),
        ("code_verifier", VERIFIER),
    ];
    let json = in_json(&github, &other).await;
    assert!(
        json.error().starts_with("200 redirect_uri_mismatch/"),
        "{json:?}"
    );
    in_json(&github, &exchange_form(&code))
        .await
        .field("access_token");
    for dead in [code.as_str(), "never-issued"] {
        let answer = token(&github, &[], &exchange_form(dead)).await;
        let fields = fields(&answer);
        assert_eq!(
            (answer.status, fields["error"].as_str()),
            (200, "bad_verification_code")
        );
        assert_eq!(
            fields["error_description"],
            "The code passed is incorrect or expired."
        );
    }
    let stranger = exchange_form("x");
    let stranger: Vec<_> = stranger
        .iter()
        .chain(&[("client_id", "other")])
        .copied()
        .collect();
    let twice = in_json(&github, &stranger).await;
    assert!(twice.error().starts_with("200 "), "{twice:?}");
    let (id, _) = github.sandbox.client();
    let body = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(exchange_form("x"))
        .extend_pairs([("client_id", id), ("client_secret", "wrong")])
        .finish();
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let endpoint = github.sandbox.token_endpoint();
    let wrong = github
        .send("POST", &endpoint, &headers, body.as_bytes())
        .await
        .unwrap();
    assert_eq!(fields(&wrong)["error"], "incorrect_client_credentials");
    assert_eq!(github.sandbox.ledger().exchanges(), 1);
}

#[tokio::test]
async fn nothing_refreshes() {
    let github = Played::start(GITHUB).await;
    let answer = in_json(&github, &exchange_form(&github.code().await)).await;
    let access = answer.field("access_token");
    for refresh_token in [access.as_str(), "x"] {
        let form = [
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh_token),
        ];
        let refused = in_json(&github, &form).await;
        assert!(
            refused.error().starts_with("200 unsupported_grant_type"),
            "{refused:?}"
        );
    }
    let ledger = github.sandbox.ledger();
    assert_eq!((ledger.refreshes(), ledger.grants_alive()), (0, 0));
    assert!(ledger.is_live_access_token(&access));
    assert!(!ledger.is_current_refresh_token(&access));
}

#[tokio::test]
async fn pkce_is_optional_and_binding() {
    let github = Played::start(GITHUB).await;
    let without = [("code_challenge", ""), ("code_challenge_method", "")];
    let url = github.authorization_url(&without);
    let callback = github.sandbox.consent(&url).await.unwrap();
    let code = crate::client::query(&callback, "code").unwrap();
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", CALLBACK),
    ];
    in_json(&github, &form).await.field("access_token");
    let code = github.code().await;
    let form = [form[0], ("code", code.as_str()), form[2]];
    let unproven = in_json(&github, &form).await;
    assert!(
        unproven.error().starts_with("200 bad_verification_code"),
        "{unproven:?}"
    );
    let plain = github.authorization_url(&[("code_challenge_method", "plain")]);
    let callback = github.sandbox.consent(&plain).await.unwrap();
    assert!(callback.contains("error=invalid_request"), "{callback}");
}

#[tokio::test]
async fn whoever_does_not_say_who_it_is_is_forbidden() {
    let github = Played::start(GITHUB).await;
    let answer = in_json(&github, &exchange_form(&github.code().await)).await;
    let access = answer.field("access_token");
    for (token, path, agent) in [
        (access.as_str(), "/user", None),
        (&access, "/user", Some(" ")),
        ("dead", "/user", None),
        (&access, "/nowhere", None),
    ] {
        let refused = call(&github, path, token, agent).await;
        assert_eq!(refused.status, 403, "{path} {agent:?}");
        assert!(refused.text().contains("User-Agent"), "{refused:?}");
    }
    let ledger = github.sandbox.ledger();
    let refused = Outcome::Refused {
        reason: "no User-Agent header",
    };
    assert_eq!((ledger.served(), ledger.count(refused)), (0, 4));
    assert_eq!(
        call(&github, "/nowhere", &access, Some("t")).await.status,
        404
    );
    assert_eq!(call(&github, "/user", &access, Some("t")).await.status, 200);
}
