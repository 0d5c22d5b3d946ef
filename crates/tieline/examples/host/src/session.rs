//! Who is signed in: whoever the cookie `user` names. Your own session takes this file's place; this one believes everybody.

use axum::extract::{FromRequestParts, Path};
use axum::http::StatusCode;
use axum::http::header::{COOKIE, SET_COOKIE};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect};

/// Whoever is signed in; nobody else is let in.
pub(crate) struct User(pub(crate) String);

/// What Tieline asks for each browser that comes back from a provider. It doesn't wait: where a session is looked up in a
/// database, a layer in front of all routes does that and leaves what it found in the request's extensions.
pub(crate) fn signed_in(parts: &Parts) -> Option<String> {
    let cookies = parts.headers.get(COOKIE)?.to_str().ok()?;
    let mut cookies = cookies.split("; ");
    cookies.find_map(|cookie| Some(cookie.strip_prefix("user=")?.to_owned()))
}

impl<S: Sync> FromRequestParts<S> for User {
    type Rejection = (StatusCode, &'static str);

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let refusal = (StatusCode::UNAUTHORIZED, "sign in first: /sign-in/ada\n");
        signed_in(parts).map(Self).ok_or(refusal)
    }
}

/// Signs anybody in. The cookie is `Lax`: a `Strict` one would not come along when the provider sends the browser back.
pub(crate) async fn sign_in(Path(user): Path<String>) -> impl IntoResponse {
    let user = user.replace(|c: char| !c.is_ascii_alphanumeric(), "");
    let cookie = format!("user={user}; Path=/; HttpOnly; SameSite=Lax");
    ([(SET_COOKIE, cookie)], Redirect::to("/"))
}
