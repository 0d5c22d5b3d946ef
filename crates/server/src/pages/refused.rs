//! Pages that say why not, and what helps.

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use tieline_engine::EngineError;
use tieline_store::Permission;

use super::Pages;
use super::frame::{Frame, shown};
use super::session::Signed;
use super::words::sentence;
use crate::Problem;

/// A page with one thing to say, and one way on.
#[derive(Template)]
#[template(path = "told.html")]
pub(crate) struct ToldPage {
    pub(crate) frame: Frame,
    pub(crate) text: String,
    /// Where to go on, and what that is called.
    pub(crate) next: Option<(String, String)>,
}

/// Says one thing to whoever is there.
pub(crate) fn told(pages: &Pages, status: StatusCode, title: &str, text: &str) -> Response {
    let page = ToldPage {
        frame: Frame::open(&pages.base, title),
        text: text.to_owned(),
        next: Some((pages.path("/"), "Go to the start".to_owned())),
    };
    shown(status, &page)
}

/// Says what an error says.
pub(crate) fn refused(pages: &Pages, error: &EngineError) -> Response {
    let problem = Problem::told(error);
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::BAD_REQUEST);
    let title = match status {
        StatusCode::NOT_FOUND => "Not there",
        _ => "That did not work",
    };
    told(pages, status, title, &sentence(&problem.detail))
}

/// Says that this key may not do that.
pub(crate) fn not_permitted(signed: &Signed, permission: Permission) -> Response {
    let text = format!(
        "The API key that you are signed in with has not the permission “{}”. Sign out, and sign in with one that has it; \
         `tieline api-keys create` makes one.",
        permission.as_str()
    );
    told(&signed.pages, StatusCode::FORBIDDEN, "Not permitted", &text)
}
