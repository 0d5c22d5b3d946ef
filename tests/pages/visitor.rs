//! A browser, as far as these tests need one: it holds a cookie, sends the forms that it was shown, and goes where it is sent.

use std::ops::Deref;
use std::sync::{Arc, Mutex};

use http::StatusCode;
use http::request::Parts;
use tieline_store::Permission;
use tieline_tests::browser::raw_client;
use tieline_tests::stage::Stage;

/// A server with pages, whom nobody visits yet.
pub(crate) struct House(tieline_tests::house::House);

/// But for its visitors, it is as others.
impl Deref for House {
    type Target = tieline_tests::house::House;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl House {
    pub(crate) async fn new() -> Self {
        Self::of(Stage::acme().await).await
    }

    pub(crate) async fn of(stage: Stage) -> Self {
        Self(tieline_tests::house::House::of(stage).await)
    }

    /// In a host that takes everybody for this user.
    pub(crate) async fn in_a_host_of(user: &'static str) -> Self {
        let signed_in = Arc::new(move |_: &Parts| Some(user.to_owned()));
        let stage = Stage::acme().await;
        Self(tieline_tests::house::House::in_a_host(stage, Some(signed_in)).await)
    }

    pub(crate) fn visitor(&self) -> Visitor {
        Visitor {
            base: self.base.clone(),
            client: raw_client().unwrap(),
            cookie: Mutex::default(),
        }
    }

    /// Somebody who is signed in with a fresh key.
    pub(crate) async fn signed_in(&self, may: &[Permission]) -> Visitor {
        let visitor = self.visitor();
        let key = self.key(None, may).await;
        let answer = visitor.sign_in(&key, "/").await;
        assert_eq!(answer.status, 303, "{answer:?}");
        visitor
    }
}

pub(crate) struct Visitor {
    pub(crate) base: String,
    client: reqwest::Client,
    /// What it holds for this origin.
    pub(crate) cookie: Mutex<Option<String>>,
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) status: StatusCode,
    pub(crate) location: String,
    pub(crate) set_cookie: String,
    pub(crate) body: String,
}

impl Page {
    /// The word that its forms hold.
    pub(crate) fn word(&self) -> String {
        self.hidden("_word")
    }

    /// What a hidden field of its forms holds.
    pub(crate) fn hidden(&self, name: &str) -> String {
        let field = format!("name=\"{name}\" value=\"");
        let rest = self.body.split(&field).nth(1).unwrap();
        rest.split('"').next().unwrap().to_owned()
    }

    #[track_caller]
    pub(crate) fn shows(&self, text: &str) -> &Self {
        assert!(self.body.contains(text), "{text:?} is not in {self:?}");
        self
    }

    #[track_caller]
    pub(crate) fn hides(&self, text: &str) -> &Self {
        assert!(!self.body.contains(text), "{text:?} is in {self:?}");
        self
    }
}

impl Visitor {
    pub(crate) async fn sign_in(&self, key: &str, next: &str) -> Page {
        self.send("/sign-in", &[("key", key), ("next", next)]).await
    }

    /// An address, with what it holds; `path` may be a whole address of this origin.
    pub(crate) async fn open(&self, path: &str) -> Page {
        self.ask(self.client.get(self.address(path))).await
    }

    /// A form, with what it holds.
    pub(crate) async fn send(&self, path: &str, form: &[(&str, &str)]) -> Page {
        let request = self.client.post(self.address(path));
        self.ask(filled(request, form)).await
    }

    /// A form of a page that it has open.
    pub(crate) async fn fill(&self, path: &str, form: &[(&str, &str)]) -> Page {
        let word = self.open(path).await.word();
        let mut whole = vec![("_word", word.as_str())];
        whole.extend(form);
        self.send(path, &whole).await
    }

    async fn ask(&self, request: reqwest::RequestBuilder) -> Page {
        let held = self.cookie.lock().unwrap().clone();
        let request = match held {
            Some(cookie) => request.header("cookie", cookie),
            None => request,
        };
        let answer = request.send().await.unwrap();
        let header = |name| {
            let value = answer.headers().get(name);
            value.map_or("", |value| value.to_str().unwrap()).to_owned()
        };
        let page = Page {
            status: answer.status(),
            location: header("location"),
            set_cookie: header("set-cookie"),
            body: answer.text().await.unwrap(),
        };
        if let Some((pair, _)) = page.set_cookie.split_once(';') {
            let held = (!pair.ends_with('=')).then(|| pair.to_owned());
            *self.cookie.lock().unwrap() = held;
        }
        page
    }

    fn address(&self, path: &str) -> String {
        match path.starts_with('/') {
            true => format!("{}{path}", self.base),
            false => path.to_owned(),
        }
    }
}

/// A request with a form.
pub(crate) fn filled(
    request: reqwest::RequestBuilder,
    form: &[(&str, &str)],
) -> reqwest::RequestBuilder {
    let body = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(form)
        .finish();
    request
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body)
}
