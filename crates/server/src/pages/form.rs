//! A form that somebody has sent from one of these pages, and from nowhere else.

use std::collections::BTreeMap;

use axum::extract::Request;
use axum::response::Response;
use http::{HeaderMap, StatusCode, header};
use sha2::{Digest as _, Sha256};
use tieline_core::Secret;

use super::Pages;
use super::refused::told;
use super::session::Signed;
use crate::body;

/// What was filled in, by the field's name.
pub(crate) struct Form(BTreeMap<String, Secret>);

/// The field that holds the form's word.
pub(crate) const WORD: &str = "_word";

impl Form {
    /// Reads a form of somebody who is signed in.
    pub(crate) async fn of(signed: &Signed, request: Request) -> Result<Self, Response> {
        let form = Self::read(&signed.pages, request).await?;
        if form.text(WORD) != signed.word {
            return Err(elsewhere(&signed.pages));
        }
        Ok(form)
    }

    /// Reads a form of one of these pages.
    pub(crate) async fn read(pages: &Pages, request: Request) -> Result<Self, Response> {
        if !is_from_here(request.headers()) {
            return Err(elsewhere(pages));
        }
        let unreadable = || {
            let text = "What was sent is no form of this page. Go back, and send it again.";
            told(pages, StatusCode::BAD_REQUEST, "Nothing was done", text)
        };
        if !is_a_form(request.headers()) {
            return Err(unreadable());
        }
        let bytes = body::whole(request).await.map_err(|_| unreadable())?;
        let pairs = form_urlencoded::parse(&bytes);
        let pairs = pairs.map(|(name, value)| (name.into_owned(), Secret::new(value)));
        Ok(Self(pairs.collect()))
    }

    /// What tells it from every other form.
    pub(crate) fn hash(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        for text in self
            .0
            .iter()
            .flat_map(|(name, value)| [name, value.expose()])
        {
            hash.update(text.len().to_be_bytes());
            hash.update(text);
        }
        hash.finalize().into()
    }

    /// Whether there is such a field.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// What a field holds; nothing where there is no such field.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.0.get(name).map_or("", Secret::expose)
    }

    /// What a field holds, without white space around it, if that is anything.
    pub(crate) fn filled(&self, name: &str) -> Option<String> {
        let text = self.text(name).trim();
        (!text.is_empty()).then(|| text.to_owned())
    }
}

/// Browsers say where a request comes from: by Fetch metadata to hosts that they trust, else by the origin of the page. What is no
/// browser says neither, and is held by the cookie and the form's word.
fn is_from_here(headers: &HeaderMap) -> bool {
    if let Some(site) = headers.get("sec-fetch-site") {
        return site == "same-origin" || site == "none";
    }
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    match (headers.get(header::ORIGIN), text(header::HOST)) {
        (None, _) => true,
        // The address that the browser has asked, whatever a proxy makes of it before it is here.
        (Some(_), Some(host)) => text(header::ORIGIN)
            .and_then(|origin| origin.split_once("://"))
            .is_some_and(|(_, origin)| origin == host),
        (Some(_), None) => false,
    }
}

fn is_a_form(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE);
    kind.is_some_and(|kind| {
        kind.as_bytes()
            .starts_with(b"application/x-www-form-urlencoded")
    })
}

fn elsewhere(pages: &Pages) -> Response {
    let text = "This was sent from another page, or from one that you had open before you signed in. Open the page again, and \
                send it from there.";
    told(pages, StatusCode::FORBIDDEN, "Nothing was done", text)
}
