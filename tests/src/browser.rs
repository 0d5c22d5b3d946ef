//! A browser for one origin, small enough to read: cookies, redirects, and the anchors' sign-in and consent forms.

use std::{fmt, time::Duration};

use http::{StatusCode, header};
use url::{Url, form_urlencoded};

const MOST_PAGES: usize = 20;

/// A client over plain HTTP that keeps no state, follows no redirect and uses no proxy.
///
/// # Errors
/// When the client can't be built.
#[expect(
    clippy::disallowed_methods,
    reason = "the other side of a test must not share the product's client"
)]
pub fn raw_client() -> Result<reqwest::Client, BrowserError> {
    // An error says that a provider is installed already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Ok(reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .timeout(Duration::from_secs(60))
        .build()?)
}

/// A browser with an empty cookie jar that leaves its origin only to tell where it was sent.
#[derive(Debug)]
pub struct Browser {
    client: reqwest::Client,
    origin: url::Origin,
    cookies: Vec<Cookie>,
}

impl Browser {
    /// A browser for the origin of this URL.
    ///
    /// # Errors
    /// When the HTTP client can't be built.
    pub fn new(home: &Url) -> Result<Self, BrowserError> {
        Ok(Self {
            client: raw_client()?,
            origin: home.origin(),
            cookies: Vec::new(),
        })
    }

    /// Opens the URL, signs in and consents; returns the first URL of another origin.
    ///
    /// # Errors
    /// When a page is neither a form nor a redirect.
    pub async fn consent(&mut self, start: Url) -> Result<Url, BrowserError> {
        self.walk(start, |page| filled_in(page, true)).await
    }

    /// Opens the URL, signs in if need be and cancels; returns the first URL of another origin.
    ///
    /// # Errors
    /// When a page is neither a form nor a redirect.
    pub async fn deny(&mut self, start: Url) -> Result<Url, BrowserError> {
        self.walk(start, |page| {
            let link = page
                .split("<a ")
                .skip(1)
                .find_map(|link| attribute_after(link, "", "href"));
            link.map(|address| (address, None))
                .or_else(|| filled_in(page, false))
        })
        .await
    }

    /// Follows redirects and does `on_page` (an address, and a form's body to post there) until the origin is left.
    async fn walk(
        &mut self,
        start: Url,
        on_page: impl Fn(&str) -> Option<(String, Option<String>)>,
    ) -> Result<Url, BrowserError> {
        let mut url = start;
        let mut form = None;
        for _ in 0..MOST_PAGES {
            if url.origin() != self.origin {
                return Ok(url);
            }
            let response = self.open(&url, form.take()).await?;
            let status = response.status();
            if let Some(location) = response.headers().get(header::LOCATION) {
                url = url.join(&String::from_utf8_lossy(location.as_bytes()))?;
                continue;
            }
            let page = response.text().await?;
            let next = (status == StatusCode::OK).then(|| on_page(&page)).flatten();
            let Some((address, body)) = next else {
                return Err(BrowserError::Page { url, status, page });
            };
            url = url.join(&address)?;
            form = body;
        }
        Err(BrowserError::Lost { url })
    }

    async fn open(
        &mut self,
        url: &Url,
        form: Option<String>,
    ) -> Result<reqwest::Response, BrowserError> {
        let request = match form {
            Some(form) => self
                .client
                .post(url.clone())
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(form),
            None => self.client.get(url.clone()),
        };
        let response = request
            .header(header::ACCEPT, "text/html")
            .header(header::COOKIE, self.cookies_for(url.path()))
            .send()
            .await?;
        for cookie in response.headers().get_all(header::SET_COOKIE) {
            self.keep(&String::from_utf8_lossy(cookie.as_bytes()));
        }
        Ok(response)
    }

    fn cookies_for(&self, path: &str) -> String {
        let matching: Vec<_> = self
            .cookies
            .iter()
            .filter(|cookie| cookie.is_for(path))
            .map(|cookie| format!("{}={}", cookie.name, cookie.value))
            .collect();
        matching.join("; ")
    }

    /// Keeps a `Set-Cookie` (RFC 6265); an empty value deletes the cookie.
    fn keep(&mut self, set_cookie: &str) {
        let mut parts = set_cookie.split(';').map(str::trim);
        let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else {
            return;
        };
        let path = parts
            .filter_map(|part| part.split_once('='))
            .find_map(|(key, value)| key.eq_ignore_ascii_case("path").then_some(value));
        let cookie = Cookie {
            name: name.to_owned(),
            value: value.to_owned(),
            path: path.unwrap_or("/").to_owned(),
        };
        self.cookies
            .retain(|kept| (&kept.name, &kept.path) != (&cookie.name, &cookie.path));
        if !cookie.value.is_empty() {
            self.cookies.push(cookie);
        }
    }
}

/// Why the browser did not arrive.
#[derive(thiserror::Error)]
pub enum BrowserError {
    /// The server could not be reached, or broke off.
    #[error("the browser's request failed: {0}")]
    Http(#[from] reqwest::Error),
    /// A link or redirect is no URL.
    #[error("the browser was sent to something that is no URL: {0}")]
    Url(#[from] url::ParseError),
    /// A page that a person could not get past either.
    #[error("{url} answered {status} with a page that leads nowhere: {page}")]
    Page {
        /// The page's address.
        url: Url,
        /// Its status.
        status: StatusCode,
        /// Its body.
        page: String,
    },
    /// Redirects or forms without end.
    #[error("still not sent back after {MOST_PAGES} pages; the last one was {url}")]
    Lost {
        /// The last address.
        url: Url,
    },
}

/// As for people: it is what `unwrap` shows in a failed test.
impl fmt::Debug for BrowserError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[derive(Debug)]
struct Cookie {
    name: String,
    value: String,
    path: String,
}

impl Cookie {
    /// RFC 6265, section 5.1.4.
    fn is_for(&self, path: &str) -> bool {
        path.strip_prefix(&self.path).is_some_and(|rest| {
            rest.is_empty() || rest.starts_with('/') || self.path.ends_with('/')
        })
    }
}

/// Where the page's form goes, and what it sends when it is filled in by somebody who agrees to it or does not.
fn filled_in(page: &str, agrees: bool) -> Option<(String, Option<String>)> {
    let (_, form) = page.split_once("<form")?;
    // A form without an action goes to its own page.
    let action = attribute_after(form.split_once('>')?.0, "", " action").unwrap_or_default();
    let mut filled = form_urlencoded::Serializer::new(String::new());
    let inputs = form.split("<input").skip(1);
    for input in inputs.filter_map(|rest| Some(rest.split_once('>')?.0)) {
        let Some(name) = attribute_after(input, "", " name") else {
            continue;
        };
        let typed = match name.as_str() {
            "allow" if !agrees => continue,
            "login" | "username" => "ada".to_owned(),
            "password" => "any".to_owned(),
            _ => attribute_after(input, "", " value").unwrap_or_default(),
        };
        filled.append_pair(&name, &typed);
    }
    Some((action, Some(filled.finish())))
}

/// The value of the first such attribute after `marker`, with its character references resolved.
fn attribute_after(page: &str, marker: &str, attribute: &str) -> Option<String> {
    let (_, rest) = page.split_once(marker)?;
    let (_, rest) = rest.split_once(&format!("{attribute}=\""))?;
    let (value, _) = rest.split_once('"')?;
    let value = value.replace("&lt;", "<").replace("&gt;", ">");
    let value = value.replace("&quot;", "\"").replace("&#x27;", "'");
    Some(value.replace("&amp;", "&"))
}
