//! What whoever comes to the front door sees: they hold no API key, and may never have heard of this.

use askama::Template;
use axum::response::Response;
use http::StatusCode;

use super::fields::Field;
use super::frame::{shown, tag};
use super::when::When;

/// A page with one thing to say, and one way on, where there is one.
#[derive(Template)]
#[template(path = "message.html")]
pub(crate) struct MessagePage {
    base: String,
    tag: &'static str,
    title: String,
    text: String,
    /// Where to go on, and what that is called.
    next: Option<(String, String)>,
}

/// Where a connect link leads: who asks for what.
#[derive(Template)]
#[template(path = "connect.html")]
pub(crate) struct ConnectPage {
    pub(crate) base: String,
    pub(crate) tag: &'static str,
    pub(crate) title: String,
    pub(crate) provider: String,
    /// Who asks.
    pub(crate) asker: Option<String>,
    pub(crate) vendor: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) wanted: Vec<Field>,
    pub(crate) problem: Option<String>,
    pub(crate) expires: When,
}

/// Says one thing.
pub(crate) fn told(
    base: &str,
    status: StatusCode,
    title: &str,
    text: &str,
    next: Option<(String, String)>,
) -> Response {
    let page = MessagePage {
        base: base.to_owned(),
        tag: tag(),
        title: title.to_owned(),
        text: text.to_owned(),
        next,
    };
    shown(status, &page)
}
