//! Who is signed in, in the browser that asks.
//!
//! The browser holds a session in a cookie that no script reads, that other sites' forms don't bring, and that, over `https`, no
//! other host can set. Forms hold a word made of it besides, which nobody else can make.

use axum::extract::FromRequestParts;
use axum::response::Response;
use http::header::{COOKIE, HeaderMap};
use http::request::Parts;
use http::{HeaderValue, Method};
use sha2::{Digest as _, Sha256};
use tieline_core::Secret;
use tieline_engine::{Engine, EngineError, SESSION_LIFETIME};
use tieline_store::{ApiKey, Permission};

use super::frame::see_other;
use super::refused::{not_permitted, refused_to_anybody};
use super::{Pages, sign_in};

/// Somebody who is signed in; who asks for a page of theirs may read.
pub(crate) struct Signed {
    /// That of their tenant, which notes that they act.
    pub(crate) engine: Engine,
    pub(crate) key: ApiKey,
    /// What their forms hold.
    pub(crate) word: String,
    /// What their browser holds.
    pub(crate) session: Secret,
    pub(crate) pages: Pages,
}

impl Signed {
    /// Whoever is signed in, in the browser that sent these headers.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn of(
        pages: &Pages,
        headers: &HeaderMap,
    ) -> Result<Option<Self>, EngineError> {
        let Some(session) = held(pages, headers) else {
            return Ok(None);
        };
        let key = pages.engine.session(&session).await?;
        Ok(key.map(|key| Self {
            engine: pages.engine.for_tenant(&key.tenant).acting_as(&actor(&key)),
            key,
            word: word_of(&session),
            session,
            pages: pages.clone(),
        }))
    }

    /// As whom they act.
    pub(crate) fn actor(&self) -> String {
        actor(&self.key)
    }

    pub(crate) fn may(&self, permission: Permission) -> bool {
        self.key.permissions.contains(permission)
    }
}

fn actor(key: &ApiKey) -> String {
    format!("api-key:{}", key.id)
}

impl FromRequestParts<Pages> for Signed {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, pages: &Pages) -> Result<Self, Response> {
        let signed = Self::of(pages, &parts.headers).await;
        let signed = signed.map_err(|error| refused_to_anybody(pages, &error))?;
        let Some(signed) = signed else {
            // Back to where they were: a page is shown there to whoever sends a form to it.
            let path = parts.uri.path_and_query();
            let path = path.filter(|_| matches!(parts.method, Method::GET | Method::POST));
            return Err(see_other(&sign_in::address(pages, path)));
        };
        // Whatever comes of what is done on a page is shown there.
        if signed.may(Permission::Read) {
            Ok(signed)
        } else {
            Err(not_permitted(&signed, Permission::Read))
        }
    }
}

/// The name of the cookie. With the prefix `__Host-` browsers take it from this very host alone, and want `Secure` and no narrower
/// path. Where that is so, no other name is taken: anybody could have set that.
fn name(pages: &Pages) -> &'static str {
    if pages.is_secure && pages.base.is_empty() {
        "__Host-tieline"
    } else {
        "tieline"
    }
}

/// The session that a browser holds.
pub(crate) fn held(pages: &Pages, headers: &HeaderMap) -> Option<Secret> {
    only(headers, name(pages))
}

/// The cookie of this name. Of two, somebody else has set one.
fn only(headers: &HeaderMap, name: &str) -> Option<Secret> {
    let cookies = headers.get_all(COOKIE).iter();
    let texts = cookies.filter_map(|cookie| cookie.to_str().ok());
    let mut own = texts
        .flat_map(|text| text.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(found, _)| *found == name);
    match (own.next(), own.next()) {
        (Some((_, value)), None) => Some(Secret::new(value.to_owned())),
        _ => None,
    }
}

/// What forms hold: made of the session, and telling nothing of it.
pub(crate) fn word_of(session: &Secret) -> String {
    let mut hash = Sha256::new();
    hash.update(b"a form of ");
    hash.update(session.expose());
    hash.finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// The header that gives a browser its session, or takes it away.
pub(crate) fn cookie(pages: &Pages, session: Option<&Secret>) -> Option<HeaderValue> {
    let (value, seconds) = match session {
        Some(session) => (session.expose(), SESSION_LIFETIME.as_secs()),
        None => ("", 0),
    };
    let name = name(pages);
    let path = if pages.base.is_empty() {
        "/"
    } else {
        &*pages.base
    };
    let secure = if pages.is_secure { "; Secure" } else { "" };
    let text =
        format!("{name}={value}; Path={path}; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
    let mut header = HeaderValue::from_str(&text).ok()?;
    header.set_sensitive(true);
    Some(header)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(cookies: &[&str]) -> Option<String> {
        let headers = cookies
            .iter()
            .map(|cookie| (COOKIE, HeaderValue::from_str(cookie).unwrap()));
        let headers: HeaderMap = headers.collect();
        only(&headers, "tieline").map(|session| session.expose().to_owned())
    }

    #[test]
    fn one_session_is_held_and_two_are_none() {
        assert_eq!(found(&["a=b; tieline=x; c=d"]).as_deref(), Some("x"));
        assert_eq!(
            found(&["tieline=x", "__Host-tieline=y"]).as_deref(),
            Some("x")
        );
        assert_eq!(found(&["tieline=x; tieline=y"]), None);
        assert_eq!(found(&["tielin=x"]), None);
        assert_eq!(found(&[]), None);
    }

    #[test]
    fn the_word_of_a_form_is_not_the_session() {
        let (one, two) = (Secret::from("one"), Secret::from("two"));
        assert_ne!(word_of(&one), word_of(&two));
        assert_eq!(word_of(&one).len(), 64);
    }
}
