//! Where people may be sent: open redirects are refused at the start, and what is not refused leads where it says.

use fastrand::Rng;
use serde_json::{Value, json};
use tieline_store::Permission;
use url::Url;

use crate::scene::Scene;

const NASTY: &[&str] = &[
    "",
    " ",
    "settings",
    "//evil.example",
    "///evil.example",
    "////evil.example",
    "/\\evil.example",
    "\\/evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "\t//evil.example",
    "/\n/evil.example",
    "/\r\n//evil.example",
    " //evil.example",
    "\u{0}//evil.example",
    "/x\r\nset-cookie: a=b",
    "/\u{a0}/evil.example",
    "/ü",
    "/a b",
    "\u{feff}/",
    "?x",
    "#x",
    ".",
    "../",
    "evil.example",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "java\nscript:alert(1)",
    "javascript://host.example/%0aalert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:x",
    "file:///etc/passwd",
    "blob:https://host.example/x",
    "filesystem:https://host.example/x",
    "ftp://host.example/",
    "http://host.example/",
    "ws://host.example/",
    "https:host.example",
    "https:/host.example",
    "https:\\\\host.example",
    "https:///host.example",
    "https:////host.example",
    "https:/\\host.example",
    " https://host.example/",
    "https://host.example/ ",
    "https://host.example\t/",
    "https://host.example/\\evil.example",
    "https://host.example.evil.example/",
    "https://host.example@evil.example/",
    "https://host.example:pw@evil.example/",
    "https://evil.example\\@host.example/",
    "https://evil.example\\.host.example/",
    "https://user@host.example/",
    "https://user:pw@host.example/",
    "https://@evil.example/",
    "https://host.example:8443/",
    "https://host.example./",
    "https://sub.host.example/",
    "https://xhost.example/",
    "https://evil.example/https://host.example/",
    "https://evil.example/?https://host.example",
    "https://evil.example#@host.example/",
    "https://evil.example?@host.example/",
    "https://host.example%2eevil.example/",
    "https://host.example%00.evil.example/",
    "https://host。example/",
    "https://ｈost.example/",
    "https://host.examp\u{ad}le/",
    "https://[::1]/",
    "https://",
    "https",
    "//",
    "//host.example/",
];

const FINE: &[&str] = &[
    "/",
    "/settings",
    "/settings?tab=accounts#top",
    "/a//b",
    "/%2f%2fevil.example",
    "/@evil.example",
    "/?next=//evil.example",
    "/.well-known/x",
    "https://host.example",
    "https://host.example/",
    "https://host.example:443/",
    "https://HOST.example/settings?x=https://evil.example#y",
    "HTTPS://host.example/",
];

#[tokio::test]
async fn no_return_to_leads_to_a_stranger() {
    let scene = Scene::new().await;
    let try_both = async |return_to: &str| {
        let body = json!({ "user": "ada", "return_to": return_to });
        let started = scene.host.start(scene.app.id, body.clone()).await;
        let mut link = body;
        link["app"] = json!(scene.app.id);
        (started, scene.host.post("links", &link).await)
    };
    let long = format!("/{}", "a".repeat(2_048));
    for nasty in NASTY.iter().copied().chain([&*long]) {
        let (started, link) = try_both(nasty).await;
        for refused in [started, link] {
            let told = (refused.status, refused.problem());
            if nasty.contains('\0') {
                // No field takes it, this one included.
                assert_eq!(
                    told,
                    (400, "bad-request".to_owned()),
                    "{nasty:?}: {refused:?}"
                );
                continue;
            }
            assert_eq!(told, (422, "unusable".to_owned()), "{nasty:?}: {refused:?}");
            assert!(refused.body.contains("return_to"), "{refused:?}");
        }
    }
    for fine in FINE {
        let (started, link) = try_both(fine).await;
        assert_eq!(
            (started.status, link.status),
            (201, 201),
            "{fine}: {started:?} {link:?}"
        );
    }
    // At another app, whose host registered nothing, even a fine page is a stranger's.
    let (other, host) = scene.malicious_app("evil", &scene.evil).await;
    let refused = host
        .start(
            other.id,
            json!({ "user": "x", "return_to": "https://host.example/" }),
        )
        .await;
    assert_eq!(refused.problem(), "unusable");
    scene.nothing_came_of_it().await;
}

#[tokio::test]
async fn what_is_taken_comes_back_byte_for_byte_and_only_after_the_confirmation() {
    let scene = Scene::new().await;
    for fine in FINE {
        let body = json!({ "user": "ada", "return_to": fine });
        let begun = scene.host.begin(scene.app.id, body).await;
        let callback = scene.sandbox.consent(&begun.url).await.unwrap();
        let at_host = scene.open(&callback).await;
        assert!(
            at_host
                .location()
                .starts_with("https://host.example/confirm?"),
            "{fine}"
        );
        let confirmed = scene.host.confirm(begun.id, &at_host.ticket(), "ada").await;
        assert_eq!(confirmed.json()["return_to"], *fine);
    }
}

/// As a browser would follow it, from Tieline's page and from the host's.
fn leads_to(return_to: &str, from: &str) -> String {
    let url = Url::parse(from).unwrap().join(return_to);
    url.map_or_else(
        |_| "nowhere".to_owned(),
        |url| url.origin().ascii_serialization(),
    )
}

fn made_up(random: &mut Rng) -> String {
    const PARTS: [&str; 26] = [
        "/",
        "//",
        "\\",
        ":",
        "@",
        "?",
        "#",
        ".",
        "..",
        "%2f",
        "%5c",
        "\t",
        "\n",
        "\r",
        " ",
        "https:",
        "http:",
        "HTTPS://",
        "javascript:",
        "host.example",
        "evil.example",
        "a",
        "\u{0}",
        "ü",
        "[",
        "]",
    ];
    (0..random.usize(1..8))
        .map(|_| PARTS[random.usize(..PARTS.len())])
        .collect()
}

#[expect(clippy::print_stdout, reason = "a failed test tells its seed")]
#[tokio::test]
async fn no_made_up_return_to_leads_to_a_stranger() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = Rng::with_seed(seed);
    let scene = Scene::new().await;
    let mut taken = 0;
    for _ in 0..1_500 {
        let return_to = made_up(&mut random);
        let started = scene
            .host
            .start(
                scene.app.id,
                json!({ "user": "ada", "return_to": return_to }),
            )
            .await;
        if started.status == 422 || (started.status == 400 && return_to.contains('\0')) {
            continue;
        }
        assert_eq!(
            started.status, 201,
            "seed {seed}: {return_to:?}: {started:?}"
        );
        taken += 1;
        for from in [
            &*scene.base,
            "https://host.example/confirm",
            "https://connect.example/x/y",
        ] {
            let own = Url::parse(from).unwrap().origin().ascii_serialization();
            let to = leads_to(&return_to, from);
            assert!(
                to == own || to == "https://host.example",
                "seed {seed}: {return_to:?} leads to {to}"
            );
        }
    }
    assert!(taken > 0, "seed {seed}: a test of nothing");
}

#[tokio::test]
async fn a_confirm_url_and_return_origins_are_where_a_browser_may_be_sent() {
    let scene = Scene::new().await;
    let admin = scene.another_host("default", Permission::ALL).await;
    let set = async |field: &str, value: Value| {
        let url = format!("{}/v1/apps/{}", scene.base, scene.app.id);
        let patch = scene
            .request(http::Method::PATCH, &url)
            .header("content-type", "application/merge-patch+json")
            .bearer_auth(admin.key());
        scene
            .send(patch.body(json!({ field: value }).to_string()))
            .await
    };
    let long = format!("https://host.example/{}", "a".repeat(2_048));
    for nasty in [
        "",
        "/confirm",
        "//host.example/confirm",
        "http://host.example/confirm",
        "javascript:alert(1)",
        "data:text/html,x",
        "https://user:pw@host.example/",
        "https://user@host.example/",
        "https://host.example/#x",
        "https://",
        "ftp://host.example/",
        "host.example/confirm",
        "https://host.example/?ticket=mine",
        "https://host.example/?authorization=1",
        "https://host.example/?a=b&error=x",
        &long,
    ] {
        let refused = set("confirm_url", json!(nasty)).await;
        assert_eq!(
            (refused.status, refused.problem().as_str()),
            (422, "unusable"),
            "{nasty}: {refused:?}"
        );
    }
    for nasty in [
        "",
        "*",
        "https://*",
        "https://*.example",
        "null",
        "host.example",
        "http://host.example",
        "https://host.example/x",
        "https://host.example/?x",
        "https://a@host.example",
        "javascript:",
        "https://host.example/#",
    ] {
        let refused = set("return_origins", json!([nasty])).await;
        let told = (refused.status, refused.problem());
        assert_eq!(told, (422, "unusable".to_owned()), "{nasty}: {refused:?}");
    }
    for fine in [
        "https://host.example/confirm",
        "http://127.0.0.1:3000/x?y=1",
        "http://localhost/",
    ] {
        assert_eq!(set("confirm_url", json!(fine)).await.status, 200, "{fine}");
    }
    scene.nothing_came_of_it().await;
}
