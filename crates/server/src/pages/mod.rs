//! Pages for people, rendered here: they work without scripts, and better with the little one there is.
//!
//! Whoever runs this signs in with an API key ([`sign_in`]), and sees what that key may see: [`home`], the [`catalogue`] of
//! providers, a provider's [`setup`], an [`app`], the accounts ([`instances`]) and one of them ([`instance`]). Everybody else comes
//! by a connect link, to the pages of the front door ([`door`]).

mod act;
mod app;
mod asked;
mod assets;
mod catalogue;
pub(crate) mod door;
mod fields;
mod form;
mod frame;
mod gauge;
mod give;
mod home;
mod instance;
mod instances;
mod markup;
mod not_connected;
mod refused;
mod session;
mod setup;
mod sign_in;
mod when;
mod words;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{map_response, map_response_with_state};
use axum::routing::{get, post};
use tieline_engine::Engine;
use url::Url;

pub(crate) use act::connected;
pub(crate) use assets::{routes as assets, tag as asset_tag};
pub(crate) use fields::{Field, Known};
pub(crate) use frame::shown;
pub(crate) use not_connected::not_connected;
pub(crate) use session::Signed;
pub(crate) use when::When;
pub(crate) use words::to_anybody;

/// What pages share.
#[derive(Clone)]
pub(crate) struct Pages {
    engine: Engine,
    /// What all paths begin with: that of the public URL, without a slash at its end.
    base: Arc<str>,
    /// Whether browsers come by `https`, so that cookies must.
    is_secure: bool,
    /// That of the public URL, as browsers write it.
    origin: Option<Arc<str>>,
}

impl Pages {
    pub(crate) fn new(engine: Engine) -> Self {
        let public_url = engine.public_url().and_then(|url| Url::parse(url).ok());
        let base = public_url.as_ref().map_or("", Url::path);
        Self {
            base: base.trim_end_matches('/').into(),
            is_secure: public_url
                .as_ref()
                .is_some_and(|url| url.scheme() == "https"),
            origin: public_url.map(|url| url.origin().ascii_serialization().into()),
            engine,
        }
    }

    /// A path as browsers see it.
    pub(crate) fn path(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }
}

/// The longest form that is read: 64 KiB.
const LONGEST_FORM: usize = 1 << 16;

/// The pages for whoever signs in.
pub(crate) fn routes(pages: Pages) -> Router {
    Router::new()
        .route("/", get(home::show))
        .route("/sign-in", get(sign_in::show).post(sign_in::sign_in))
        .route("/sign-out", post(sign_in::sign_out))
        .route("/providers", get(catalogue::show))
        .route("/providers/{id}", get(setup::show).post(setup::create))
        .route("/apps/{id}", get(app::show).post(act::on_app))
        .route("/apps/{id}/check", post(app::check))
        .route("/apps/{id}/delete", get(app::ask_to_delete))
        .route("/instances", get(instances::show))
        .route(
            "/instances/{id}",
            get(instance::show).post(act::on_instance),
        )
        .route("/instances/{id}/reconnect", get(instance::ask_to_reconnect))
        .route(
            "/instances/{id}/disconnect",
            get(instance::ask_to_disconnect),
        )
        .layer(DefaultBodyLimit::max(LONGEST_FORM))
        .layer(map_response_with_state(pages.clone(), refused::as_a_page))
        .layer(map_response(frame::guarded))
        .with_state(pages)
}
