//! A host: its users connect accounts of theirs, and it calls the API for them.
//!
//! It runs against a sandbox that plays GitHub, and keeps nothing. Without arguments it serves a browser at
//! <http://127.0.0.1:8080/sign-in/ada>; with `--once` it plays the browser itself and ends.

#![expect(
    clippy::print_stdout,
    reason = "an example speaks to the person who runs it"
)]

mod browser;
mod host;
mod page;
mod played;
mod session;

use std::error::Error;

use axum::routing::get;
use tieline::Registry;
use tieline::engine::{Engine, NewApp};
use tieline::store::{MasterKey, Store, StoreOptions};
use tokio::net::TcpListener;

const HOST: &str = "127.0.0.1:8080";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // Yours: a folder that stays, a master key that is kept elsewhere, and `Configuration::load(None)?`.
    let sandbox = played::github().await?;
    let folder = tempfile::tempdir()?;
    let (master_key, _) = MasterKey::load_or_create(&folder.path().join("master.key"))?;
    let configuration = played::configuration(&sandbox)?;

    let store = Store::open(StoreOptions::new(folder.path().join("data"), master_key)).await?;
    let engine = Engine::builder(Registry::discover()?, store)
        .configuration(configuration)
        .public_url(format!("http://{HOST}/tieline").parse()?)
        .build()?;
    engine.start_upkeep();
    let app = match engine.app_named("github", "github").await? {
        Some(app) => app,
        None => {
            let provider = "github".to_owned();
            let new = NewApp {
                provider,
                ..NewApp::default()
            };
            engine.create_app(new).await?
        }
    };
    let router = host::router(engine.clone(), app);

    if std::env::args().any(|argument| argument == "--once") {
        browser::connects(router, &sandbox).await?;
    } else {
        let router = router.route("/sign-in/{user}", get(session::sign_in));
        let listener = TcpListener::bind(HOST).await?;
        println!("Open http://{HOST}/sign-in/ada; Ctrl-C ends it.");
        axum::serve(listener, router)
            .with_graceful_shutdown(async { _ = tokio::signal::ctrl_c().await })
            .await?;
    }
    // A refresh that is under way ends first: cut off, it could cost an account.
    engine.shutdown().await;
    Ok(())
}
