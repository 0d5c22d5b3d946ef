//! `/callback/{context}` and `/connect/{token}`: where browsers come, which hold no API key.
//!
//! Whatever comes of it, the browser leaves for an address without code, state and token, or sees a page that sends nobody
//! anything of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{DefaultBodyLimit, Path, RawQuery, Request, State};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::head;
use http::header::{self, HeaderName};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode};
use tieline_core::Secret;
use tieline_core::http::CallbackQuery;
use tieline_engine::{Browser, Engine, EngineError, Received, Visitor};
use tieline_store::Permission;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::pages::door::{self, ConnectPage};
use crate::pages::{
    Field, Known, Pages, Signed, When, asset_tag, connected as connected_page, not_connected,
    shown, to_anybody,
};
use crate::{Problem, body};

/// Who is signed in at the host, in the browser that sent this request; `None` = nobody. Where a host embeds the routes, it says
/// so itself.
pub type SignedIn = Arc<dyn Fn(&Parts) -> Option<String> + Send + Sync>;

/// What the routes of the front door share.
#[derive(Clone)]
pub(crate) struct FrontDoor {
    pub(crate) engine: Engine,
    pub(crate) signed_in: Option<SignedIn>,
    pub(crate) pages: Pages,
    /// Whether people sign in to pages of ours.
    pub(crate) has_pages: bool,
}

pub(crate) fn routes(door: FrontDoor) -> Router {
    let (routes, _) = documented_routes().split_for_parts();
    routes
        .method_not_allowed_fallback(no_such_method)
        .layer(DefaultBodyLimit::max(LONGEST_FORM))
        .layer(map_response(guarded))
        .with_state(door)
}

pub(crate) fn documented_routes() -> OpenApiRouter<FrontDoor> {
    OpenApiRouter::default()
        .routes(routes!(call_back))
        // Programs that look ahead ask with HEAD: that must not use up a state.
        .route("/callback/{context}", head(no_such_method))
        .routes(routes!(show, follow))
        .routes(routes!(connected))
}

/// The longest form that is read: 64 KiB.
const LONGEST_FORM: usize = 1 << 16;

/// Takes a browser back from the provider.
///
/// Of the address, nothing but its query is looked at: never `Host`.
#[utoipa::path(
    get,
    path = "/callback/{context}",
    operation_id = "callBack",
    tag = "front door",
    params(("context" = String, Path, description = "The last part of the app's redirect URI.")),
    responses((status = 303, description = "The browser goes on to the host."))
)]
async fn call_back(
    State(door): State<FrontDoor>,
    context: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
    parts: Parts,
) -> Response {
    let Ok(Path(context)) = context else {
        return door.failed(&EngineError::UnknownState);
    };
    let user = door.signed_in.as_ref().and_then(|who| who(&parts));
    // Whoever has signed out since, or whose key was revoked, is nobody any more.
    let signed = door.signed(&parts.headers).await;
    let holder = signed.as_ref().filter(|it| it.may(Permission::Connect));
    let actor = holder.map(Signed::actor);
    let visitor = Visitor {
        user: user.as_deref(),
        browser: holder.zip(actor.as_deref()).map(|(signed, actor)| Browser {
            holds: &signed.session,
            actor,
        }),
    };
    let query = Secret::new(query.unwrap_or_default());
    let received = door.engine.receive_callback(&context, visitor, query);
    match received.await {
        Ok(Received::ToHost { address }) => see_other(address.expose()),
        Ok(Received::Connected {
            instance,
            return_to,
            is_browsers,
        }) => see_other(&match return_to {
            Some(return_to) => return_to,
            None if is_browsers => connected_page(&door.pages, &instance),
            None => own(&door.engine, "/connected"),
        }),
        Ok(Received::ToStarter) => door.to_the_terminal(),
        Err(error) => match &signed {
            Some(signed) => door.not_connected(signed, &context, &error).await,
            None => door.failed(&error),
        },
    }
}

/// Shows what a link is for.
///
/// Looking at it uses nothing up: messengers look at links before people do.
#[utoipa::path(
    get,
    path = "/connect/{token}",
    operation_id = "showLink",
    tag = "front door",
    params(("token" = String, Path, description = "Of the link.")),
    responses(
        (status = 200, description = "A page with a form.", body = String, content_type = "text/html"),
    )
)]
async fn show(
    State(door): State<FrontDoor>,
    token: Result<Path<String>, PathRejection>,
) -> Response {
    let Ok(Path(token)) = token else {
        return door.failed(&EngineError::UnknownLink);
    };
    match door.page(&Secret::new(token), None).await {
        Ok(page) => shown(StatusCode::OK, &page),
        Err(error) => door.failed(&error),
    }
}

/// Sends the person on to the provider.
#[utoipa::path(
    post,
    path = "/connect/{token}",
    operation_id = "followLink",
    tag = "front door",
    params(("token" = String, Path, description = "Of the link.")),
    request_body(
        content = BTreeMap<String, String>,
        content_type = "application/x-www-form-urlencoded",
        description = "What the account's owner gives, by parameter key."
    ),
    responses((status = 303, description = "The browser goes on to the provider."))
)]
async fn follow(
    State(door): State<FrontDoor>,
    token: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response {
    let Ok(Path(token)) = token else {
        return door.failed(&EngineError::UnknownLink);
    };
    if !is_a_form(request.headers()) {
        return door.unreadable_form();
    }
    let Ok(form) = body::whole(request).await else {
        return door.unreadable_form();
    };
    let token = Secret::new(token);
    let typed: BTreeMap<String, String> = form_urlencoded::parse(&form)
        .filter(|(_, value)| !value.is_empty())
        .map(|(key, value)| (key.into_owned(), value.into_owned()))
        .collect();
    let filled = typed.iter();
    let filled = filled.map(|(key, value)| (key.clone(), Secret::new(value.clone())));
    match door.engine.follow_link(&token, filled.collect()).await {
        Ok(started) => see_other(&started.authorization_url),
        Err(error @ EngineError::Parameters(_)) => {
            match door.page(&token, Some((typed, &error))).await {
                Ok(page) => shown(StatusCode::UNPROCESSABLE_ENTITY, &page),
                Err(error) => door.failed(&error),
            }
        }
        Err(error) => door.failed(&error),
    }
}

/// Where a person ends who goes nowhere else. An app that has no page of its own to confirm at may name this one, to try things
/// out: then what stands in the address says how far it is.
#[utoipa::path(
    get,
    path = "/connected",
    operation_id = "connected",
    tag = "front door",
    responses((status = 200, description = "A page.", body = String, content_type = "text/html"))
)]
async fn connected(State(door): State<FrontDoor>, RawQuery(query): RawQuery) -> Response {
    let query = CallbackQuery::parse(query.as_deref().unwrap_or_default());
    if query.has("ticket") {
        let text = "The account is not connected yet. Whoever runs the application confirms within a minute that it was you: with \
                    the ticket in this page's address.";
        return door.told(StatusCode::OK, "One step to go", text);
    }
    if query.has("error") {
        let text = "Nothing was connected. Start again where you began.";
        return door.told(StatusCode::OK, "Not connected", text);
    }
    let text = "Your account is connected. You can close this window.";
    door.told(StatusCode::OK, "Connected", text)
}

fn is_a_form(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE);
    kind.is_some_and(|kind| {
        kind.as_bytes()
            .starts_with(b"application/x-www-form-urlencoded")
    })
}

async fn no_such_method(State(door): State<FrontDoor>) -> Response {
    let text = "This address takes other requests than that; open the link again where you got it.";
    door.told(StatusCode::METHOD_NOT_ALLOWED, "Not connected", text)
}

/// Where nothing is, such as at a redirect URI that was registered with a slash too many: its query may hold a code.
pub(crate) async fn nothing_here() -> Response {
    guarded(Problem::not_found().into_response()).await
}

impl FrontDoor {
    async fn page(
        &self,
        token: &Secret,
        failed: Option<(BTreeMap<String, String>, &EngineError)>,
    ) -> Result<ConnectPage, EngineError> {
        let linked = self.engine.link(token).await?;
        let provider = self.engine.registry().provider(&linked.app.provider)?;
        let descriptor = provider.descriptor();
        let mut known = Known::default();
        let problem = failed.and_then(|(typed, error)| {
            known.typed = typed;
            known.learn(error, descriptor)
        });
        let rows = descriptor.end_user_parameters();
        let wanted: Vec<_> = rows
            .filter(|row| linked.wanted.contains(&row.parameter))
            .map(|row| Field {
                kept: None,
                ..Field::of(row, &known)
            })
            .collect();
        Ok(ConnectPage {
            base: self.pages.path(""),
            tag: asset_tag(),
            title: format!("Connect {}", descriptor.name),
            provider: descriptor.name.to_owned(),
            // An app that nobody has named is called after the provider, who asks for nothing.
            asker: Some(linked.app.name).filter(|name| name != descriptor.id),
            vendor: descriptor.vendor.to_owned(),
            scopes: linked.scopes,
            problem: problem.or_else(|| known.left_over(&wanted)),
            wanted,
            expires: When::of(linked.expires_at, self.engine.now()),
        })
    }

    /// Whoever is signed in to pages of ours, as far as can be told now.
    async fn signed(&self, headers: &HeaderMap) -> Option<Signed> {
        let signed = Signed::of(&self.pages, headers).await;
        signed.ok().flatten().filter(|_| self.has_pages)
    }

    /// Says all of it to whoever can mend it.
    async fn not_connected(&self, signed: &Signed, context: &str, error: &EngineError) -> Response {
        match not_connected(signed, context, error).await {
            Ok(Some(page)) => page,
            Ok(None) | Err(_) => self.failed(error),
        }
    }

    fn failed(&self, error: &EngineError) -> Response {
        let problem = Problem::told(error);
        tracing::info!(kind = problem.name(), "a browser was turned away: {error}");
        let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::BAD_REQUEST);
        self.told(status, "Not connected", &to_anybody(error))
    }

    /// The callback stays in the browser's address bar: only whoever made its state can follow it.
    fn to_the_terminal(&self) -> Response {
        let text = "This was started in a terminal, which waits for it: copy the whole address of this page from the address bar of \
                    your browser, paste it into that terminal and press Enter. Show it to nobody else.";
        self.told(StatusCode::OK, "One step more", text)
    }

    fn unreadable_form(&self) -> Response {
        let text = "What was sent is not the form of this page; open the link again.";
        self.told(StatusCode::BAD_REQUEST, "Not connected", text)
    }

    fn told(&self, status: StatusCode, title: &str, text: &str) -> Response {
        door::told(&self.pages.path(""), status, title, text, None)
    }
}

fn own(engine: &Engine, path: &str) -> String {
    format!("{}{path}", engine.public_url().unwrap_or_default())
}

/// RFC 9700 section 4.11: 303, so that no browser sends a form on.
fn see_other(address: &str) -> Response {
    let Ok(location) = HeaderValue::from_str(address) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response()
}

/// Whatever the front door answers, and whoever in it does.
async fn guarded(mut response: Response) -> Response {
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
                "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'",
            ),
        ),
    ]
}
