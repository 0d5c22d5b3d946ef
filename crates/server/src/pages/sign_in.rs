//! `/sign-in`: an API key becomes a session.

use askama::Template;
use axum::extract::{Request, State};
use axum::response::Response;
use http::uri::PathAndQuery;
use http::{StatusCode, header};
use serde::Deserialize;
use tieline_core::Secret;

use super::Pages;
use super::asked::Asked;
use super::form::{Form, WORD};
use super::frame::{Frame, see_other, shown};
use super::refused::refused_to_anybody;
use super::session::{Signed, cookie, held, word_of};

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage {
    frame: Frame,
    /// Where to go then.
    next: String,
    problem: Option<&'static str>,
}

/// The address of this page, for whoever wanted to see another.
pub(super) fn address(pages: &Pages, wanted: Option<&PathAndQuery>) -> String {
    let wanted = wanted.map_or("/", PathAndQuery::as_str);
    let next: String = form_urlencoded::byte_serialize(wanted.as_bytes()).collect();
    match wanted {
        "/" => pages.path("/sign-in"),
        _ => format!("{}?next={next}", pages.path("/sign-in")),
    }
}

#[derive(Default, Deserialize)]
pub(super) struct Wanted {
    next: Option<String>,
}

pub(super) async fn show(State(pages): State<Pages>, Asked(wanted): Asked<Wanted>) -> Response {
    let next = wanted.next.as_deref().unwrap_or("/");
    page(&pages, StatusCode::OK, next, None)
}

pub(super) async fn sign_in(State(pages): State<Pages>, request: Request) -> Response {
    let form = match Form::read(&pages, request).await {
        Ok(form) => form,
        Err(refused) => return refused,
    };
    let next = form.text("next").to_owned();
    // Copied with a line break, it is still the key.
    let key = Secret::new(form.text("key").trim().to_owned());
    let session = match pages.engine.sign_in(&key).await {
        Ok(Some(session)) => session,
        Ok(None) => {
            let problem = "That is no API key, or one that was revoked. Paste the whole key: it begins with tieline_.";
            return page(
                &pages,
                StatusCode::UNPROCESSABLE_ENTITY,
                &next,
                Some(problem),
            );
        }
        Err(error) => return refused_to_anybody(&pages, &error),
    };
    let mut response = see_other(&pages.path(own_path(&next)));
    if let Some(cookie) = cookie(&pages, Some(&session.token)) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

pub(super) async fn sign_out(State(pages): State<Pages>, request: Request) -> Response {
    let session = held(&pages, request.headers());
    let form = match Form::read(&pages, request).await {
        Ok(form) => form,
        Err(refused) => return refused,
    };
    if let Some(session) = session.filter(|session| form.text(WORD) == word_of(session))
        && let Err(error) = pages.engine.sign_out(&session).await
    {
        return refused_to_anybody(&pages, &error);
    }
    let mut response = see_other(&pages.path("/sign-in"));
    if let Some(cookie) = cookie(&pages, None) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

/// A path of these pages: whatever else somebody has written into a link leads to the start. Browsers drop tabs and newlines, trim
/// spaces, and take a backslash for a slash; two slashes begin another origin.
fn own_path(next: &str) -> &str {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && byte != b'\\';
    let is_path = next.starts_with('/') && !next.starts_with("//") && next.bytes().all(is_plain);
    if is_path { next } else { "/" }
}

fn page(pages: &Pages, status: StatusCode, next: &str, problem: Option<&'static str>) -> Response {
    let page = SignInPage {
        frame: Frame::open(&pages.base, "Sign in"),
        next: own_path(next).to_owned(),
        problem,
    };
    shown(status, &page)
}

impl Signed {
    /// What the browser holds, for what is bound to it.
    pub(super) fn browser(&self) -> &Secret {
        &self.session
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_led_elsewhere() {
        assert_eq!(
            own_path("/instances/7?done=saved"),
            "/instances/7?done=saved"
        );
        for elsewhere in [
            "//evil.example",
            "https://evil.example",
            "/\\evil.example",
            "\\\\evil",
            "javascript:alert(1)",
            "",
            "/a\r\nset-cookie: b",
            "/\t/evil.example",
            "/ /evil.example",
            "/\u{0}/evil.example",
        ] {
            assert_eq!(own_path(elsewhere), "/", "{elsewhere:?}");
        }
    }
}
