//! The sandbox's host application: a shop with one user, Ada, whose account gets connected. It does what a real host does, and no
//! more: it makes a link, and confirms that it was its own user who came back.

use axum::Router;
use axum::extract::{Query, State};
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use http::HeaderMap;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, COOKIE, REFERRER_POLICY, SET_COOKIE};
use serde::Deserialize;
use tieline::Secret;
use tieline::engine::{Engine, EngineError, LinkOptions};
use tieline::store::App;

/// Its only user.
const USER: &str = "ada";

#[derive(Clone)]
struct Host {
    engine: Engine,
    app: App,
}

pub(super) fn routes(engine: Engine, app: App) -> Router {
    Router::new()
        .route("/host", get(shop))
        .route("/host/connect", post(connect))
        .route("/host/confirm", get(confirm))
        .with_state(Host {
            engine: engine.acting_as("the shop"),
            app,
        })
}

/// Signs whoever comes here in as Ada: a real shop would ask for a password.
async fn shop(State(host): State<Host>) -> Response {
    let base = host.engine.public_url().unwrap_or_default().to_owned();
    let text = format!(
        "<p>This plays a shop of yours. You are signed in as <strong>Ada</strong>, a customer. The shop would like to use her \
         Infusionsoft account.</p><form method=\"post\" action=\"{base}/host/connect\"><button class=\"first\">Connect \
         Infusionsoft</button></form>"
    );
    let mut response = page(&base, "The shop", &text);
    if let Ok(cookie) = format!("host={USER}; HttpOnly; SameSite=Lax; Path=/").parse() {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    response
}

async fn connect(State(host): State<Host>, headers: HeaderMap) -> Response {
    let base = host.engine.public_url().unwrap_or_default().to_owned();
    let Some(user) = user(&headers) else {
        return Redirect::to(&format!("{base}/host")).into_response();
    };
    let options = LinkOptions {
        user: user.to_owned(),
        ..LinkOptions::default()
    };
    match host.engine.create_link(&host.app, options).await {
        Ok(link) => {
            Redirect::to(&format!("{base}/connect/{}", link.token.expose())).into_response()
        }
        Err(error) => failed(&base, &error),
    }
}

#[derive(Deserialize)]
struct Back {
    authorization: String,
    ticket: Option<Secret>,
}

/// The browser is back: whoever is signed in here, now, must be who began.
async fn confirm(
    State(host): State<Host>,
    headers: HeaderMap,
    Query(back): Query<Back>,
) -> Response {
    let base = host.engine.public_url().unwrap_or_default().to_owned();
    let (Some(user), Some(ticket), Ok(id)) =
        (user(&headers), &back.ticket, back.authorization.parse())
    else {
        let text = format!("<p>Nothing was connected.</p>{}", again(&base));
        return page(&base, "Not connected", &text);
    };
    match host.engine.confirm(id, ticket, user).await {
        Ok(confirmed) => {
            let text = format!(
                "<p>The shop may use Ada's account now, until she or you disconnect it.</p><p><a class=\"button first\" \
                 href=\"{base}/instances/{}\">See the account</a></p>",
                confirmed.instance.id
            );
            page(&base, "Connected", &text)
        }
        Err(error) => failed(&base, &error),
    }
}

fn user(headers: &HeaderMap) -> Option<&'static str> {
    let cookies = headers.get(COOKIE)?.to_str().ok()?;
    let mut pairs = cookies.split(';').map(str::trim);
    pairs.any(|pair| pair == "host=ada").then_some(USER)
}

fn failed(base: &str, error: &EngineError) -> Response {
    let told = error.to_string().replace('&', "&amp;").replace('<', "&lt;");
    page(
        base,
        "Not connected",
        &format!("<p>{told}</p>{}", again(base)),
    )
}

fn again(base: &str) -> String {
    format!("<p><a class=\"button first\" href=\"{base}/host\">Back to the shop</a></p>")
}

fn page(base: &str, title: &str, text: &str) -> Response {
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, \
         initial-scale=1\"><meta name=\"color-scheme\" content=\"light dark\"><link rel=\"icon\" type=\"image/svg+xml\" \
         href=\"{base}/assets/tieline.svg\"><title>{title}</title><link rel=\"stylesheet\" href=\"{base}/assets/tieline.css\"></head><body><main \
         class=\"door\"><div class=\"card\"><h1>{title}</h1>{text}</div></main></body></html>"
    );
    let headers = [
        (CACHE_CONTROL, "no-store"),
        (REFERRER_POLICY, "no-referrer"),
        (
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'",
        ),
    ];
    (headers, Html(html)).into_response()
}
