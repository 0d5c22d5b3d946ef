//! What surrounds every page: who is signed in, where they are, what came of what they did; and the headers that guard it.

use askama::Template;
use axum::response::{IntoResponse as _, Response};
use http::header::{self, HeaderName};
use http::{HeaderValue, StatusCode};

pub(crate) use super::assets::tag;
use super::session::Signed;

/// The room of the house that a page is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Room {
    Home,
    Providers,
    Instances,
    /// None of those that the header names.
    Elsewhere,
}

/// What the layout shows.
pub(crate) struct Frame {
    pub(crate) title: String,
    pub(crate) base: String,
    /// What tells one release of the assets from another.
    pub(crate) tag: &'static str,
    pub(crate) room: Room,
    /// Nobody = the header has no rooms.
    pub(crate) who: Option<Who>,
    /// What forms hold.
    pub(crate) word: String,
    /// What came of what was done before.
    pub(crate) done: Option<&'static str>,
}

/// Somebody who is signed in.
pub(crate) struct Who {
    pub(crate) tenant: String,
    pub(crate) key: String,
}

impl Frame {
    pub(crate) fn of(signed: &Signed, room: Room, title: impl Into<String>) -> Self {
        let key = &signed.key;
        Self {
            title: title.into(),
            base: signed.pages.base.to_string(),
            tag: tag(),
            room,
            who: Some(Who {
                tenant: key.tenant.clone(),
                key: match &key.name {
                    Some(name) => name.clone(),
                    None => format!("key …{}", key.hint),
                },
            }),
            word: signed.word.clone(),
            done: None,
        }
    }

    /// For whoever is not signed in.
    pub(crate) fn open(base: &str, title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            base: base.to_owned(),
            tag: tag(),
            room: Room::Elsewhere,
            who: None,
            word: String::new(),
            done: None,
        }
    }

    /// With what was done before, as the address says: one of a closed list.
    pub(crate) fn after(self, done: Option<&str>) -> Self {
        let done = DONE.iter().find(|(word, _)| Some(*word) == done);
        Self {
            done: done.map(|(_, text)| *text),
            ..self
        }
    }

    pub(crate) fn is_in(&self, room: &str) -> bool {
        room == match self.room {
            Room::Home => "home",
            Room::Providers => "providers",
            Room::Instances => "instances",
            Room::Elsewhere => "",
        }
    }
}

/// What can have been done before a page is shown.
const DONE: [(&str, &str); 15] = [
    (
        "created",
        "The app is created. Register its callback URL next.",
    ),
    ("made", "The app is created."),
    ("there", "There is an app of this name already: this one."),
    ("saved", "Saved."),
    (
        "taken",
        "Saved. The provider takes the app as far as can be told before anybody consents. Connect an account to see the rest.",
    ),
    (
        "untried",
        "Saved. There is nothing to test before an account is connected.",
    ),
    ("deleted", "The app is deleted."),
    ("connected", "The account is connected."),
    ("reconnected", "The account is connected again."),
    ("checked", "The provider has answered: the account works."),
    ("refreshed", "The tokens are refreshed."),
    ("enabled", "The account is in use again."),
    (
        "disabled",
        "The account is out of use. It is kept alive all the same.",
    ),
    ("disconnected", "The account is disconnected."),
    ("gone", "The account isn't there any more."),
];

/// A page.
pub(crate) fn shown(status: StatusCode, page: &impl Template) -> Response {
    // A template that can't be written has an error of its own, which no page of ours has.
    let html = page.render().unwrap_or_default();
    let html_type = HeaderValue::from_static("text/html; charset=utf-8");
    (status, [(header::CONTENT_TYPE, html_type)], html).into_response()
}

/// Another page: asked for with GET, so that no browser sends a form twice.
pub(crate) fn see_other(address: &str) -> Response {
    match HeaderValue::from_str(address) {
        Ok(location) => (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// Nothing of an address goes on to others, nothing is kept, nobody frames the page, and what it loads is its own.
pub(crate) async fn guarded(mut response: Response) -> Response {
    response.headers_mut().extend(of_pages());
    response
}

fn of_pages() -> [(HeaderName, HeaderValue); 6] {
    let fixed = HeaderValue::from_static;
    [
        (header::CACHE_CONTROL, fixed("no-store")),
        // With none at all, browsers would not say where a form comes from either.
        (header::REFERRER_POLICY, fixed("same-origin")),
        (header::X_CONTENT_TYPE_OPTIONS, fixed("nosniff")),
        (header::X_FRAME_OPTIONS, fixed("DENY")),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            fixed("same-origin"),
        ),
        (
            header::CONTENT_SECURITY_POLICY,
            // No form-action: browsers hold redirects of a form to it, and some forms lead to the provider.
            fixed(
                "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; \
                 frame-ancestors 'none'",
            ),
        ),
    ]
}
