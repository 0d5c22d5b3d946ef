//! The harness itself: what it promises of a window holds, and it notices what it is there to notice.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::response::Html;
use axum::routing::get;
use http::header::{self, HeaderMap};
use tieline_tests::chromium::{Chromium, Mode, Scheme, Width, in_every_mode, in_modes};
use tokio::net::TcpListener;

/// A page that tells how it is seen, and that tries in each way it knows to run a script.
const TELLING: &str = r#"<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Still</title>
<link rel="icon" href="data:,"><style>
  .dark, .narrow { display: none }
  @media (prefers-color-scheme: dark) { body { background: #000; color: #fff } .dark { display: block } .light { display: none } }
  @media (max-width: 700px) { .narrow { display: block } .wide { display: none } }
</style></head>
<body onload="fetch('/ran')" onfocusin="fetch('/ran')"><main><h1>A page</h1>
<p class="dark">it is dark</p><p class="light">it is light</p><p class="narrow">it is narrow</p><p class="wide">it is wide</p>
<noscript><p>no scripts</p></noscript>
<p><label>Name <input onchange="left.textContent = 'left with ' + value"></label> <output id="left"></output></p>
<script>document.title = 'ran'; fetch('/ran'); setInterval(() => fetch('/ran'), 10); Promise.resolve().then(() => fetch('/ran'))</script>
</main></body></html>"#;

/// What is wrong with a page, and what the harness is to say of it.
const WRONG: &[(&str, &str)] = &[
    ("<input>", "label (critical)"),
    (
        "<p style='color: #999; background: #fff'>pale</p>",
        "color-contrast (serious)",
    ),
    (
        "<button style='width: 9px; height: 9px; padding: 0' aria-label=One></button><button style='width: 9px; height: 9px; padding: 0' aria-label=Two></button>",
        "target-size (serious)",
    ),
];

/// Serves pages; the number of times that a script of one ran.
async fn serve() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let ran = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&ran);
    let mut router = Router::new()
        .route("/", get(async || Html(TELLING)))
        .route(
            "/ran",
            get(async move || {
                counted.fetch_add(1, Ordering::SeqCst);
            }),
        )
        .route(
            "/forbidden",
            get(async || {
                let policy = [(header::CONTENT_SECURITY_POLICY, "style-src 'none'")];
                (policy, Html(page("<p style='color: red'>red</p>")))
            }),
        )
        .route(
            "/broken",
            get(async || Html(page("<script>nowhere.at.all()</script>"))),
        )
        .route(
            "/lost",
            get(async || Html(page("<img alt=lost src=/none>"))),
        )
        .route(
            "/wide",
            get(async || Html(page("<p style='width: 1400px'>wide</p>"))),
        )
        .route(
            "/cookie",
            get(async |headers: HeaderMap| {
                let brought = headers.get(header::COOKIE).is_some();
                let told = if brought {
                    "welcome back"
                } else {
                    "who are you"
                };
                (
                    [(header::SET_COOKIE, "known=yes; HttpOnly")],
                    Html(page(told)),
                )
            }),
        );
    for (number, (body, _)) in WRONG.iter().enumerate() {
        router = router.route(&format!("/wrong/{number}"), get(async || Html(page(body))));
    }
    tokio::spawn(async move { axum::serve(listener, router).await });
    (base, ran)
}

fn page(body: &str) -> String {
    format!(
        "<!doctype html><html lang=en><head><meta name=viewport content='width=device-width'><title>A page</title>\
         <link rel=icon href='data:,'></head><body><main><h1>A page</h1>{body}</main></body></html>"
    )
}

#[tokio::test]
async fn a_window_is_what_its_mode_says() {
    in_every_mode(async |window| {
        let ((base, ran), (elsewhere, _)) = (serve().await, serve().await);
        let mode = window.mode();
        let [width, scheme] = [
            match mode.width {
                Width::Narrow => "it is narrow",
                Width::Wide => "it is wide",
            },
            match mode.scheme {
                Scheme::Light => "it is light",
                Scheme::Dark => "it is dark",
            },
        ];
        for address in [&base, &elsewhere, &base] {
            window.goto(address).await;
            let text = window.text().await;
            let told = text.lines().filter(|line| line.starts_with("it is"));
            let told: Vec<_> = told.collect();
            assert_eq!(told, [scheme, width], "{mode}: {text}");
            assert_eq!(text.contains("no scripts"), !mode.scripts, "{mode}: {text}");
        }
        window.fill("Name", "Ada").await;
        assert_eq!(window.value("Name").await, "Ada");
        window.tab().await;
        if mode.scripts {
            window.see("left with Ada").await;
        }
        window.look("harness").await;
        window.reload().await;
        window.look("harness").await;
        // Scripts would have run in all that time: once a hundredth of a second.
        let (title, ran) = (window.title().await, ran.load(Ordering::SeqCst));
        if mode.scripts {
            assert_eq!(title, "ran", "{mode}");
            assert!(ran > 3, "{mode}: {ran}");
        } else {
            assert_eq!((title.as_str(), ran), ("Still", 0), "{mode}");
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_wrong_with_a_page_is_noticed() {
    let with_and_without_scripts = [true, false].map(|scripts| Mode {
        scripts,
        ..Mode::WIDE
    });
    in_modes(&with_and_without_scripts, async |window| {
        let (base, _) = serve().await;
        let mode = window.mode();
        for (number, (_, expected)) in WRONG.iter().enumerate() {
            window.goto(&format!("{base}/wrong/{number}")).await;
            let told = window.axe().await;
            assert_eq!(told.len(), 1, "{mode}: {told:?}");
            assert!(told[0].starts_with(expected), "{mode}: {told:?}");
            window.no_console_errors().await;
        }
        for (path, expected, by_script) in [
            ("/forbidden", "Content Security Policy", false),
            ("/broken", "nowhere is not defined", true),
            ("/lost", "404", false),
        ] {
            window.goto(&format!("{base}{path}")).await;
            let told = window.console().await;
            if by_script && !mode.scripts {
                assert_eq!(told, Vec::<String>::new(), "{mode}");
                continue;
            }
            assert_eq!(told.len(), 1, "{mode}: {told:?}");
            assert!(told[0].contains(expected), "{mode}: {told:?}");
        }
    })
    .await;
}

#[tokio::test]
#[should_panic(expected = "is 14")]
async fn a_page_that_does_not_fit_is_noticed() {
    let (base, _) = serve().await;
    in_modes(&[Mode::WIDE], async |window| {
        window.goto(&format!("{base}/wide")).await;
        window.must_fit().await;
    })
    .await;
}

#[tokio::test]
async fn browsers_know_nothing_of_each_other() {
    let (base, _) = serve().await;
    let cookie = format!("{base}/cookie");
    in_modes(&[Mode::WIDE], async |window| {
        let another = window.another().await;
        window.goto(&cookie).await;
        window.see("who are you").await;
        window.reload().await;
        window.see("welcome back").await;
        another.goto(&cookie).await;
        another.see("who are you").await;
        another.close().await;
    })
    .await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn nothing_stays_behind() {
    let chromium = Chromium::start().await;
    let window = chromium.open(Mode::WIDE).await;
    let folder = chromium.folder().to_owned();
    let running = running(&folder);
    assert!(running > 2, "the driver, its browser and more: {running}");
    // Neither is asked to end.
    drop((window, chromium));
    assert_eq!(self::running(&folder), 0);
    assert!(!folder.exists());
}

#[cfg(target_os = "linux")]
/// How many processes know of a folder by their environment. A dead one has none.
fn running(folder: &Path) -> usize {
    let told = format!("TMPDIR={}", folder.display());
    let processes = std::fs::read_dir("/proc").unwrap();
    let environments = processes.filter_map(|process| {
        let path = process.ok()?.path().join("environ");
        std::fs::read(path).ok()
    });
    let theirs = environments.filter(|text| {
        let mut variables = text.split(|byte| *byte == 0);
        variables.any(|variable| variable == told.as_bytes())
    });
    theirs.count()
}
