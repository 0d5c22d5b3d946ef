//! A window: where it is, and what it shows.

use std::time::Duration;

use fantoccini::error::CmdError;
use fantoccini::{Client, Locator};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};
use url::Url;

use super::driver::{LAST_RESORT, connect};
use super::mode::{Mode, Width};
use super::vendor;

/// So long something may take to appear, on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(20);

const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

/// What a page is told by, when a step fails.
const TELLING_ROLES: &[&str] = &[
    "alert", "button", "checkbox", "combobox", "heading", "link", "radio", "status", "textbox",
];

/// A window of a browser of its own, with its own cookies.
///
/// Its methods are a person's steps. They panic where the person would get no further.
#[derive(Debug)]
pub struct Window {
    pub(super) client: Client,
    pub(super) mode: Mode,
    /// The driver's.
    address: String,
}

impl Window {
    pub(super) async fn open(address: &str, mode: Mode) -> Self {
        let window = Self {
            client: connect(address).await,
            mode,
            address: address.to_owned(),
        };
        let (width, narrow) = (mode.width.pixels(), mode.width == Width::Narrow);
        let size =
            json!({ "width": width, "height": 800, "deviceScaleFactor": 1, "mobile": narrow });
        let command = "Emulation.setDeviceMetricsOverride";
        window.devtools(command, size).await;
        let scheme = json!({ "name": "prefers-color-scheme", "value": mode.scheme.name() });
        let command = "Emulation.setEmulatedMedia";
        window
            .devtools(command, json!({ "features": [scheme] }))
            .await;
        window.run_scripts(mode.scripts).await;
        window
    }

    /// A window of another browser, which knows nothing of this one.
    pub async fn another(&self) -> Self {
        Self::open(&self.address, self.mode).await
    }

    /// How it shows pages.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Opens an address, and waits until its page is loaded.
    pub async fn goto(&self, address: &str) {
        done(self.client.goto(address).await);
    }

    /// Goes back, as with the browser's button.
    pub async fn back(&self) {
        done(self.client.back().await);
    }

    /// Goes forward again.
    pub async fn forward(&self) {
        done(self.client.forward().await);
    }

    /// Forgets all cookies, as when they have ended.
    pub async fn forget_cookies(&self) {
        done(self.client.delete_all_cookies().await);
    }

    /// Loads the page again.
    pub async fn reload(&self) {
        done(self.client.refresh().await);
    }

    /// What the address bar shows.
    pub async fn url(&self) -> Url {
        done(self.client.current_url().await)
    }

    /// The page's title.
    pub async fn title(&self) -> String {
        done(self.client.title().await)
    }

    /// The page's markup.
    pub async fn source(&self) -> String {
        done(self.client.source().await)
    }

    /// The text that can be seen.
    pub async fn text(&self) -> String {
        done(self.try_text().await)
    }

    /// Waits until this text can be seen.
    pub async fn see(&self, text: &str) {
        self.see_one_of(&[text]).await;
    }

    /// Waits until one of these texts can be seen.
    pub async fn see_one_of(&self, texts: &[&str]) {
        self.until(&format!("one of the texts {texts:?}"), async || {
            let seen = self.try_text().await?;
            Ok(texts.iter().any(|text| seen.contains(text)).then_some(()))
        })
        .await;
    }

    /// Waits until something holds that is not on the page.
    pub async fn wait(&self, what: &str, holds: impl AsyncFn() -> bool) {
        self.until(what, async || Ok(holds().await.then_some(())))
            .await;
    }

    /// The WebDriver, for what no other method does.
    #[must_use]
    pub fn driver(&self) -> &Client {
        &self.client
    }

    /// Ends the browser.
    pub async fn close(self) {
        done(self.client.close().await);
    }

    /// Waits until there is something.
    pub(super) async fn until<T>(
        &self,
        wanted: &str,
        look: impl AsyncFn() -> Result<Option<T>, CmdError>,
    ) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            // A page that is going away may have half of it.
            let why = match look().await {
                Ok(Some(found)) => return found,
                Ok(None) => String::new(),
                Err(error) => format!(": {error}"),
            };
            if Instant::now() >= deadline {
                panic!("there is not {wanted}{why}\n{}", self.told().await);
            }
            sleep(BETWEEN_LOOKS).await;
        }
    }

    /// What the page is, for whoever wonders.
    pub(super) async fn told(&self) -> String {
        let url = match self.client.current_url().await {
            Ok(url) => url.to_string(),
            Err(error) => return format!("and the browser is gone: {error}"),
        };
        let tree = vendor::devtools(&self.client, "Accessibility.getFullAXTree", json!({})).await;
        let nodes = tree.unwrap_or_default();
        let nodes = nodes["nodes"].as_array().into_iter().flatten();
        let outline = nodes.filter_map(|node| {
            let role = node["role"]["value"].as_str()?;
            let name = node["name"]["value"].as_str()?;
            let tells = TELLING_ROLES.contains(&role);
            tells.then(|| format!("  {role} {name:?}\n"))
        });
        let outline: String = outline.collect();
        let text = self.try_text().await.unwrap_or_default();
        format!("in {} at {url} there is\n{outline}{text}", self.mode)
    }

    pub(super) async fn devtools(&self, command: &str, parameters: Value) -> Value {
        let answer = vendor::devtools(&self.client, command, parameters);
        let answer = timeout(LAST_RESORT, answer).await;
        done(answer.unwrap_or_else(|_| panic!("the browser does not answer to {command}")))
    }

    /// Whether scripts of pages run from now on.
    pub(super) async fn run_scripts(&self, run: bool) {
        let disabled = json!({ "value": !run });
        let command = "Emulation.setScriptExecutionDisabled";
        self.devtools(command, disabled).await;
    }

    async fn try_text(&self) -> Result<String, CmdError> {
        self.client.find(Locator::Css("body")).await?.text().await
    }
}

/// What the driver was asked for.
pub(super) fn done<T>(answer: Result<T, CmdError>) -> T {
    answer.unwrap_or_else(|error| panic!("the browser can't: {error}"))
}
