//! A form that somebody has sent from one of these pages, and from nowhere else.

use std::collections::BTreeMap;

use axum::extract::Request;
use axum::response::Response;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use sha2::{Digest as _, Sha256};
use tieline_core::Secret;

use super::Pages;
use super::refused::{from_elsewhere, told};
use super::session::Signed;
use crate::body;

/// What was filled in, by the field's name.
pub(crate) struct Form(BTreeMap<String, Secret>);

/// The field that holds the form's word.
pub(crate) const WORD: &str = "_word";

impl Form {
    /// Reads a form of somebody who is signed in.
    pub(crate) async fn of(signed: &Signed, request: Request) -> Result<Self, Response> {
        let path = request.uri().path().to_owned();
        let form = Self::read(&signed.pages, request).await?;
        if form.text(WORD) != signed.word {
            return Err(from_elsewhere(&signed.pages, &path));
        }
        Ok(form)
    }

    /// Reads a form of one of these pages.
    pub(crate) async fn read(pages: &Pages, request: Request) -> Result<Self, Response> {
        if !is_from_here(pages, request.headers()) {
            return Err(from_elsewhere(pages, request.uri().path()));
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

/// Browsers say where a request comes from: by Fetch metadata to hosts that they trust, else by the origin of the page, which is
/// ours or that of the very address they ask. What is no browser says neither, and is held by the cookie and the form's word.
fn is_from_here(pages: &Pages, headers: &HeaderMap) -> bool {
    if let Some(site) = headers.get("sec-fetch-site") {
        return site == "same-origin" || site == "none";
    }
    let Some(origin) = headers.get(header::ORIGIN) else {
        return true;
    };
    let asked = headers.get(header::HOST).map(HeaderValue::as_bytes);
    let is_asked = |origin: &str| {
        let host = origin.split_once("://").map(|(_, host)| host.as_bytes());
        host.is_some() && host == asked
    };
    let origin = origin.to_str().unwrap_or_default();
    pages.origin.as_deref() == Some(origin) || is_asked(origin)
}

fn is_a_form(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE);
    kind.is_some_and(|kind| {
        kind.as_bytes()
            .starts_with(b"application/x-www-form-urlencoded")
    })
}
