//! `/callback/{context}` and `/connect/{token}`: where browsers come, which hold no API key.
//!
//! Whatever comes of it, the browser leaves for an address without code, state and token, or sees a page that sends nobody
//! anything of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Form, RawQuery, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header::{self, HeaderName};
use http::request::Parts;
use http::{HeaderValue, StatusCode};
use tieline_core::Secret;
use tieline_engine::{Engine, EngineError, Kind, Received};

use crate::Problem;
use crate::asked::Name;
use crate::pages::{ConnectPage, MessagePage, Wanted};

/// Who is signed in at the host, in the browser that sent this request; `None` = nobody. Where a host embeds the routes, it says
/// so itself.
pub type SignedIn = Arc<dyn Fn(&Parts) -> Option<String> + Send + Sync>;

/// What the routes of the front door share.
#[derive(Clone)]
pub(crate) struct FrontDoor {
    pub(crate) engine: Engine,
    pub(crate) signed_in: Option<SignedIn>,
}

pub(crate) fn routes(door: FrontDoor) -> Router {
    Router::new()
        .route("/callback/{context}", get(call_back))
        .route("/connect/{token}", get(show).post(follow))
        .route("/connected", get(connected))
        .with_state(door)
}

/// The provider sends the browser back. Of the address, nothing but its query is looked at: never `Host`.
async fn call_back(
    State(door): State<FrontDoor>,
    Name(context): Name,
    RawQuery(query): RawQuery,
    parts: Parts,
) -> Response {
    let user = door.signed_in.as_ref().and_then(|who| who(&parts));
    let query = Secret::new(query.unwrap_or_default());
    let received = door
        .engine
        .receive_callback(&context, user.as_deref(), query);
    match received.await {
        Ok(Received::ToHost { address }) => see_other(address.expose()),
        Ok(Received::Connected { return_to, .. }) => {
            see_other(&return_to.unwrap_or_else(|| own(&door.engine, "/connected")))
        }
        Err(error) => failed(&error),
    }
}

/// What the link is for. Looking at it uses nothing up: messengers look at links before people do.
async fn show(State(door): State<FrontDoor>, Name(token): Name) -> Response {
    match page(&door.engine, &Secret::new(token), None).await {
        Ok(page) => shown(StatusCode::OK, &page),
        Err(error) => failed(&error),
    }
}

/// The person goes on to the provider.
async fn follow(
    State(door): State<FrontDoor>,
    Name(token): Name,
    Form(given): Form<BTreeMap<String, String>>,
) -> Response {
    let token = Secret::new(token);
    let filled = given
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(key, value)| (key, Secret::new(value)))
        .collect();
    match door.engine.follow_link(&token, filled).await {
        Ok(started) => see_other(&started.authorization_url),
        Err(error @ EngineError::Parameters(_)) => {
            match page(&door.engine, &token, Some(&error)).await {
                Ok(page) => shown(StatusCode::UNPROCESSABLE_ENTITY, &page),
                Err(error) => failed(&error),
            }
        }
        Err(error) => failed(&error),
    }
}

async fn connected() -> Response {
    let page = MessagePage {
        title: "Connected".to_owned(),
        text: "Your account is connected. You can close this window.".to_owned(),
    };
    shown(StatusCode::OK, &page)
}

async fn page(
    engine: &Engine,
    token: &Secret,
    problem: Option<&EngineError>,
) -> Result<ConnectPage, EngineError> {
    let linked = engine.link(token).await?;
    let descriptor = engine
        .registry()
        .provider(&linked.app.provider)?
        .descriptor();
    let wanted = linked.wanted.iter().filter_map(|key| {
        let row = descriptor.parameter(*key)?;
        Some(Wanted {
            key: key.to_string(),
            credential: row.credential.to_owned(),
        })
    });
    Ok(ConnectPage {
        provider: descriptor.name.to_owned(),
        vendor: descriptor.vendor.to_owned(),
        wanted: wanted.collect(),
        problem: problem.map(ToString::to_string),
    })
}

fn own(engine: &Engine, path: &str) -> String {
    format!("{}{path}", engine.public_url().unwrap_or_default())
}

fn failed(error: &EngineError) -> Response {
    let problem = Problem::told(error);
    tracing::info!(kind = problem.name(), "a browser was turned away: {error}");
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::BAD_REQUEST);
    let text = match error.kind() {
        // What the operator has to mend is not the visitor's.
        Kind::Configuration => {
            "This can't be done now: whoever sent you here has to change something first."
                .to_owned()
        }
        _ => error.to_string(),
    };
    let page = MessagePage {
        title: "Not connected".to_owned(),
        text,
    };
    shown(status, &page)
}

fn shown(status: StatusCode, page: &impl askama::Template) -> Response {
    // A template that can't be written has an error of its own, which no page of ours has.
    let html = page.render().unwrap_or_default();
    let html_type = HeaderValue::from_static("text/html; charset=utf-8");
    let mut response = (status, [(header::CONTENT_TYPE, html_type)], html).into_response();
    response.headers_mut().extend(of_pages());
    response
}

/// RFC 9700 section 4.11: 303, so that no browser sends a form on.
fn see_other(address: &str) -> Response {
    let Ok(location) = HeaderValue::from_str(address) else {
        return failed(&EngineError::BrokeOff);
    };
    let mut response = (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response();
    response.headers_mut().extend(of_pages());
    response
}

/// Nothing of an address goes on to others, nothing is kept, and nobody frames the page.
fn of_pages() -> [(HeaderName, HeaderValue); 5] {
    [
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (
            header::REFERRER_POLICY,
            HeaderValue::from_static("no-referrer"),
        ),
        (
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ),
        (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
        (
            header::CONTENT_SECURITY_POLICY,
            // No form-action: browsers hold redirects of a form to it, and this form leads to the provider.
            HeaderValue::from_static(
                "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'",
            ),
        ),
    ]
}
