//! Pages that say why not, and what helps.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use http::{StatusCode, header};
use tieline_engine::EngineError;
use tieline_store::Permission;

use super::Pages;
use super::frame::{Frame, Room, shown};
use super::session::Signed;
use super::words::{in_plain_words, sentence, to_anybody};
use crate::Problem;

/// A page with one thing to say, and one way on.
#[derive(Template)]
#[template(path = "told.html")]
struct ToldPage {
    frame: Frame,
    text: String,
    /// Where to go on, and what that is called.
    next: (String, &'static str),
}

/// Says one thing to somebody who may be signed in or not.
pub(crate) fn told(pages: &Pages, status: StatusCode, title: &str, text: &str) -> Response {
    let frame = Frame::open(&pages.base, title);
    page(pages, status, frame, text)
}

/// Says what an error says to somebody who is not signed in.
pub(crate) fn refused_to_anybody(pages: &Pages, error: &EngineError) -> Response {
    let (status, title, _) = said(error);
    told(pages, status, title, &to_anybody(error))
}

/// Says what an error says.
pub(crate) fn refused(signed: &Signed, error: &EngineError) -> Response {
    let (status, title, text) = said(error);
    let frame = Frame::of(signed, Room::Elsewhere, title);
    page(&signed.pages, status, frame, &text)
}

/// Says that this key may not do that.
pub(crate) fn not_permitted(signed: &Signed, permission: Permission) -> Response {
    let text = format!(
        "The API key that you are signed in with has not the permission “{}”. Sign out, and sign in with one that has it; \
         tieline api-keys create makes one.",
        permission.as_str()
    );
    let frame = Frame::of(signed, Room::Elsewhere, "Not permitted");
    page(&signed.pages, StatusCode::FORBIDDEN, frame, &text)
}

/// What the framework refuses in its own words, in ours.
pub(super) async fn as_a_page(State(pages): State<Pages>, response: Response) -> Response {
    let kind = response.headers().get(header::CONTENT_TYPE);
    let is_ours = kind.is_some_and(|kind| !kind.as_bytes().starts_with(b"text/plain"));
    if is_ours || !response.status().is_client_error() {
        return response;
    }
    let text =
        "There is no such page here, or it takes no such request. Start again where you came from.";
    told(&pages, response.status(), "Not there", text)
}

fn said(error: &EngineError) -> (StatusCode, &'static str, String) {
    let problem = Problem::told(error);
    tracing::info!(kind = problem.name(), "a page was refused: {error}");
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::BAD_REQUEST);
    let title = match status {
        StatusCode::NOT_FOUND => "Not there",
        _ => "That did not work",
    };
    let text = in_plain_words(error).unwrap_or_else(|| sentence(&problem.detail));
    (status, title, text)
}

/// Says that a form was not sent from one of these pages; back to the one it belongs to.
pub(super) fn from_elsewhere(pages: &Pages, path: &str) -> Response {
    let page = ToldPage {
        frame: Frame::open(&pages.base, "Nothing was done"),
        text: "This was sent from another page, or from one that you had open before you signed in. Open the page again, and send it \
               from there."
            .to_owned(),
        next: (pages.path(path), "Open the page again"),
    };
    shown(StatusCode::FORBIDDEN, &page)
}

fn page(pages: &Pages, status: StatusCode, frame: Frame, text: &str) -> Response {
    let page = ToldPage {
        frame,
        text: text.to_owned(),
        next: (pages.path("/"), "Go to the start"),
    };
    shown(status, &page)
}
