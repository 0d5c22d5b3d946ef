//! Plays the browsers of two users, step by step, and lets the sandbox's ledger have the last word.

use std::error::Error;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::header::{COOKIE, LOCATION};
use axum::http::{Method, Request, StatusCode, Uri};
use tieline_sandbox::{Outcome, Sandbox};
use tower::ServiceExt as _;

type Failed = Box<dyn Error>;

/// Ada connects an account, has its API called, and disconnects it. Grace can't finish what Ada began.
pub(crate) async fn connects(router: Router, sandbox: &Sandbox) -> Result<(), Failed> {
    let ada = Browser {
        user: "ada",
        router,
    };
    let grace = Browser {
        user: "grace",
        router: ada.router.clone(),
    };

    let consented = sandbox
        .consent(&ada.post("/connect").await?.location)
        .await?;
    println!(
        "Grace comes back from Ada's consent: {}",
        grace.get(&consented).await?.status
    );

    let consented = sandbox
        .consent(&ada.post("/connect").await?.location)
        .await?;
    let home = ada.get(&consented).await?.location;
    println!("Ada comes back from her own, and lands at {home}");
    let page = ada.get(&home).await?.text;
    let (_, id) = page
        .split_once("/accounts/")
        .ok_or("no account is connected")?;
    let (id, _) = id.split_once('/').ok_or("no account is connected")?;

    let profile = format!("/accounts/{id}/profile");
    println!("Ada's profile: {}", ada.get(&profile).await?.text.trim());
    println!("Grace asks for it: {}", grace.get(&profile).await?.status);
    let disconnect = format!("/accounts/{id}/disconnect");
    println!("Ada disconnects: {}", ada.post(&disconnect).await?.status);

    let ledger = sandbox.ledger();
    println!(
        "The sandbox's ledger: {} consents, {} exchange, {} calls, {} revocation",
        ledger.count(Outcome::Approved),
        ledger.exchanges(),
        ledger.served(),
        ledger.revocations()
    );
    Ok(())
}

/// In which one user is signed in.
struct Browser {
    user: &'static str,
    router: Router,
}

/// What it is answered.
struct Answer {
    status: StatusCode,
    location: String,
    text: String,
}

impl Browser {
    async fn get(&self, address: &str) -> Result<Answer, Failed> {
        self.ask(Method::GET, address).await
    }

    async fn post(&self, address: &str) -> Result<Answer, Failed> {
        self.ask(Method::POST, address).await
    }

    /// Asks the host, whose address needs no socket here.
    async fn ask(&self, method: Method, address: &str) -> Result<Answer, Failed> {
        let path = address
            .parse::<Uri>()?
            .path_and_query()
            .map(ToString::to_string);
        let request = Request::builder()
            .method(method)
            .uri(path.unwrap_or_default())
            .header(COOKIE, format!("user={}", self.user))
            .body(Body::empty())?;
        let answer = self.router.clone().oneshot(request).await?;
        let location = answer
            .headers()
            .get(LOCATION)
            .map(|to| to.to_str())
            .transpose()?;
        Ok(Answer {
            status: answer.status(),
            location: location.unwrap_or_default().to_owned(),
            text: String::from_utf8(to_bytes(answer.into_body(), usize::MAX).await?.into())?,
        })
    }
}
