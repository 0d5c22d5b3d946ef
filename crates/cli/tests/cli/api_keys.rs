//! Tenants and API keys: on the command line, and as the control socket has them.

use serde_json::Value;

use crate::home::Home;
use crate::serve::stopped;
use crate::through_the_socket::{asked, exchanged, posted, typed};

/// Who may work through a server, and for whom.
pub(crate) async fn keys_and_tenants(home: &Home, all: &mut String) {
    for arguments in [
        &["tenants", "create", "acme", "--name", "Acme & Co"][..],
        &["tenants", "create", "acme"],
        &["tenants", "create", "Acme", "--json"],
        &["tenants", "rename", "acme", "Acme & Sons"],
        &["tenants", "rename", "acme"],
        &["tenants", "rename", "acme", "Acme & Co", "--json"],
        &["tenants", "rename", "emca", "Emca"],
        &["tenants", "list"],
        &["tenants", "list", "--json"],
        &["api-keys", "list"],
        &["api-keys", "create", "--tenant", "nobody"],
        &["api-keys", "create", "--permission", "everything"],
        &["api-keys", "create", "--tenant", "acme", "--name", "crm"],
        &["api-keys", "list"],
        &["api-keys", "list", "--tenant", "default"],
        &["api-keys", "revoke", "4711"],
        &["tenants", "delete", "default"],
        &["tenants", "delete", "a/ü +b"],
        &["tenants", "delete", ""],
    ] {
        typed(home, all, arguments).await;
    }
    let create = [
        "api-keys",
        "create",
        "--json",
        "--permission",
        "token,admin",
    ];
    let made = typed(
        home,
        all,
        &[&create[..], &["--permission", "read"]].concat(),
    )
    .await;
    let made: Value = serde_json::from_str(&made).unwrap();
    let id = &made["api_key"]["id"].to_string();
    for arguments in [
        &["api-keys", "revoke", id][..],
        &["api-keys", "revoke", id, "--json"],
        &["api-keys", "list", "--tenant", "default", "--json"],
        &["tenants", "delete", "acme", "--json"],
        &["tenants", "delete", "acme"],
        &["api-keys", "list", "--tenant", "acme"],
    ] {
        typed(home, all, arguments).await;
    }
}

/// The JSON of an answer.
fn body(answer: &str) -> Value {
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    serde_json::from_str(body).unwrap_or_else(|_| panic!("no JSON: {answer}"))
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap()
}

#[tokio::test]
async fn a_key_is_answered_once_and_kept_by_no_cache() {
    let home = Home::new();
    let (server, ready) = home.serve(&[]).await;
    let socket = ready["socket"].as_str().unwrap();
    let made = posted(socket, "/v1/api-keys", "{}").await;
    assert_eq!(status(&made), "201", "{made}");
    assert!(made.contains("cache-control: no-store\r\n"), "{made}");
    let made = body(&made);
    let usual = serde_json::json!(["read", "connect", "call"]);
    assert_eq!(made["api_key"]["permissions"], usual);
    let key = made["key"].as_str().unwrap();
    let more = r#"{"name": "a", "tenant": "default", "permissions": ["token"]}"#;
    let more = body(&posted(socket, "/v1/api-keys", more).await);

    let mut pages = Vec::new();
    let mut path = "/v1/api-keys?limit=1".to_owned();
    loop {
        let answer = asked(socket, &path).await;
        assert!(!answer.contains(key), "{answer}");
        let page = body(&answer);
        pages.extend(page["api_keys"].as_array().unwrap().clone());
        let Some(cursor) = page.get("cursor") else {
            break;
        };
        path = format!("/v1/api-keys?limit=1&cursor={cursor}");
    }
    let mut expected = [made["api_key"].clone(), more["api_key"].clone()];
    expected.sort_by_key(|key| key["id"].as_i64());
    assert_eq!(pages, expected);

    for (wrong, code) in [
        (r#"{"permissions": []}"#, "400"),
        (r#"{"permissions": ["all"]}"#, "400"),
        (r#"{"permission": ["read"]}"#, "400"),
        (r#"{"tenant": "nobody"}"#, "404"),
    ] {
        let refused = posted(socket, "/v1/api-keys", wrong).await;
        assert_eq!(status(&refused), code, "{refused}");
    }
    let id = &made["api_key"]["id"];
    for (path, code) in [
        (format!("/v1/api-keys/{id}"), "204"),
        ("/v1/api-keys/4711".to_owned(), "404"),
        ("/v1/api-keys/x".to_owned(), "400"),
    ] {
        let request = format!("DELETE {path} HTTP/1.1\r\n");
        let answer = exchanged(socket, &request, "").await;
        assert_eq!(status(&answer), code, "{answer}");
    }
    let events = body(&asked(socket, "/v1/events").await);
    let last = &events["events"][0];
    assert_eq!(
        (&last["kind"], &last["actor"], &last["detail"]["api_key"]),
        (&"api_key.revoked".into(), &"owner".into(), id)
    );
    stopped(server).await;
}

#[tokio::test]
async fn a_tenant_is_made_read_renamed_and_deleted() {
    let home = Home::new();
    let (server, ready) = home.serve(&[]).await;
    let socket = ready["socket"].as_str().unwrap();
    let made = posted(socket, "/v1/tenants", r#"{"id": "acme"}"#).await;
    assert_eq!(status(&made), "201", "{made}");
    let patch = async |body: &str| {
        let length = body.len();
        let head = format!(
            "PATCH /v1/tenants/acme HTTP/1.1\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n"
        );
        exchanged(socket, &head, body).await
    };
    for (change, code, name) in [
        (r#"{"name": "Acme"}"#, "200", Value::from("Acme")),
        ("{}", "400", Value::from("Acme")),
        (r#"{"name": null}"#, "200", Value::Null),
    ] {
        let changed = patch(change).await;
        assert_eq!(status(&changed), code, "{changed}");
        let found = body(&asked(socket, "/v1/tenants/acme").await);
        assert_eq!(found["name"], name, "{change}");
    }
    let first = body(&asked(socket, "/v1/tenants?limit=1").await);
    assert_eq!(first["tenants"][0]["id"], "acme", "{first}");
    let rest = "/v1/tenants?limit=2&cursor=acme";
    let rest = body(&asked(socket, rest).await);
    assert_eq!(rest["tenants"][0]["id"], "default", "{rest}");
    assert_eq!(rest.get("cursor"), None, "{rest}");
    for (path, code) in [
        ("/v1/tenants/default", "409"),
        ("/v1/tenants/acme", "204"),
        ("/v1/tenants/acme", "404"),
        ("/v1/tenants/a%00", "400"),
    ] {
        let request = format!("DELETE {path} HTTP/1.1\r\n");
        let answer = exchanged(socket, &request, "").await;
        assert_eq!(status(&answer), code, "{answer}");
    }
    stopped(server).await;
}
