//! A connection's whole life on the wire, for people to review: connect, check, refresh, revoke. What is random or secret
//! is masked, each by what it is.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tieline_core::Secret;
use tieline_core::descriptor::{Revocable, Stated};
use tieline_oauth::{RevokeFailure, TokenTypeHint};
use url::form_urlencoded;

use crate::findings::Stuck;
use crate::stage::{Connection, Stage};
use crate::stand_in::Exchange;

/// Headers of answers that say nothing about the vendor.
const OUR_OWN: &[&str] = &["connection", "content-length", "date"];

/// What was heard, and what must not be shown of it.
pub(crate) struct Transcript {
    /// Where the person was sent and what they came back with, one parameter a line.
    browser: Vec<String>,
    heard: Vec<Exchange>,
    masks: Masks,
}

/// Texts and what stands in their place, longest first.
#[derive(Default)]
struct Masks(Vec<(String, String)>);

impl Transcript {
    /// Plays a connection from beginning to end.
    pub(crate) async fn play(stage: &Stage) -> Result<Self, Stuck> {
        let mut masks = Masks::default();
        let (id, secret) = stage.sandbox.client();
        masks.add("client_id", id);
        masks.add("client_secret", secret);
        let connection = stage.connect().await?;
        let browser = browser(&connection, &mut masks);
        masks.add_tokens("1", &connection);
        let account = stage.account(&connection).await?;
        account.map_err(|error| format!("the health check fails: {error}"))?;
        let given = stage.provider.descriptor().authentication.is_given();
        if !given {
            leave(stage, &connection, &mut masks).await?;
        }
        Ok(Self {
            browser,
            heard: stage.front.heard(),
            masks,
        })
    }

    /// The transcript as text.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        for line in &self.browser {
            text.push_str(&self.masks.hide(line));
            text.push('\n');
        }
        for exchange in &self.heard {
            let request = self.message("> ", &exchange.request, &[]);
            let answer = self.message("< ", &exchange.answer, OUR_OWN);
            text.push_str(&format!("\n{request}\n{answer}"));
        }
        text
    }

    fn message(&self, mark: &str, bytes: &[u8], hidden: &[&str]) -> String {
        let message = String::from_utf8_lossy(bytes);
        let (head, body) = message.split_once("\r\n\r\n").unwrap_or((&message, ""));
        let is_shown = |line: &&str| {
            let name = line.split_once(':').map_or("", |(name, _)| name);
            !hidden.contains(&name.to_ascii_lowercase().as_str())
        };
        let mut lines: Vec<String> = head
            .split("\r\n")
            .filter(is_shown)
            .map(|line| self.header(line))
            .collect();
        if !body.is_empty() {
            lines.push(String::new());
            lines.push(self.masks.hide(&pretty(body)));
        }
        let lines = lines.iter().flat_map(|line| line.split('\n'));
        lines
            .map(|line| format!("{mark}{line}").trim_end().to_owned() + "\n")
            .collect()
    }

    /// One line of a head. HTTP Basic is shown as what it says, and our own version not at all.
    fn header(&self, line: &str) -> String {
        let lower = line.to_ascii_lowercase();
        if lower.starts_with("user-agent: tieline/") {
            return "user-agent: tieline/[version]".to_owned();
        }
        if let Some(encoded) = lower
            .starts_with("authorization: basic ")
            .then(|| line.rsplit_once(' '))
            .flatten()
            .and_then(|(_, encoded)| STANDARD.decode(encoded).ok())
        {
            let pair = String::from_utf8_lossy(&encoded).into_owned();
            return format!("authorization: Basic base64({})", self.masks.hide(&pair));
        }
        self.masks.hide(line)
    }
}

/// Refreshes, where there is something to refresh with, and ends what can be ended.
async fn leave(stage: &Stage, connection: &Connection, masks: &mut Masks) -> Result<(), Stuck> {
    let mut last = None;
    if let Some(refresh_token) = stage.refresh_token(connection)? {
        let refreshed = stage.refresh(refresh_token).await?;
        masks.add_set("2", &refreshed.set);
        last = Some(refreshed.set);
    }
    let oauth2 = stage.provider.descriptor().oauth2();
    if !matches!(oauth2.revocation_endpoint, Stated::Known(_)) {
        return Ok(());
    }
    let set = last.as_ref().unwrap_or(&connection.tokens.set);
    let (token, hint) = match &set.refresh_token {
        Some(token) if oauth2.revocable == Revocable::Both => (token, TokenTypeHint::RefreshToken),
        _ => (&set.access_token, TokenTypeHint::AccessToken),
    };
    let client = stage.client_with(&connection.parameters);
    match client.revoke(token, hint).await {
        Ok(()) | Err(RevokeFailure::UnsupportedTokenType(_)) => Ok(()),
        Err(failure) => Err(format!("the revocation fails: {failure}")),
    }
}

/// The authorization URL and the callback.
fn browser(connection: &Connection, masks: &mut Masks) -> Vec<String> {
    let Some(consent) = &connection.consent else {
        return Vec::new();
    };
    let started = &consent.started;
    masks.add("state", started.state.expose());
    masks.add("code", consent.callback.code.expose());
    if let Some(verifier) = &started.code_verifier {
        masks.add("code_verifier", verifier.expose());
    }
    let mut endpoint = started.url.clone();
    endpoint.set_query(None);
    let mut lines = vec![format!("the person is sent to {endpoint}")];
    for (name, value) in started.url.query_pairs() {
        let value = if name == "code_challenge" {
            "[code_challenge]".into()
        } else {
            value
        };
        lines.push(format!("  {name}={value}"));
    }
    lines.push("and comes back with".to_owned());
    let signature = connection
        .parameters
        .descriptor()
        .oauth2()
        .callback
        .signature;
    for (name, value) in consent.query.pairs() {
        let is_signature = signature.is_some_and(|signature| signature.parameter == name);
        let value = if is_signature { "[signature]" } else { value };
        lines.push(format!("  {name}={value}"));
    }
    lines
}

/// JSON a member a line; anything else as it is.
fn pretty(body: &str) -> String {
    let json: Result<serde_json::Value, _> = serde_json::from_str(body);
    match json {
        Ok(json @ serde_json::Value::Object(_)) => {
            serde_json::to_string_pretty(&json).unwrap_or_else(|_| body.to_owned())
        }
        _ => body.replace('&', "\n&"),
    }
}

impl Masks {
    fn add(&mut self, name: &str, text: &str) {
        let encoded: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
        for form in [text.to_owned(), encoded] {
            if !form.is_empty() && self.0.iter().all(|(known, _)| *known != form) {
                self.0.push((form, format!("[{name}]")));
            }
        }
        self.0
            .sort_by_key(|(form, _)| std::cmp::Reverse(form.len()));
    }

    fn add_tokens(&mut self, number: &str, connection: &Connection) {
        self.add_set(number, &connection.tokens.set);
    }

    fn add_set(&mut self, number: &str, set: &tieline_core::TokenSet) {
        let mut add = |name: &str, token: Option<&Secret>| {
            if let Some(token) = token {
                self.add(&format!("{name} {number}"), token.expose());
            }
        };
        add("access_token", Some(&set.access_token));
        add("refresh_token", set.refresh_token.as_ref());
        if let Some(user) = &set.user {
            add("user's access_token", Some(&user.access_token));
            add("user's refresh_token", user.refresh_token.as_ref());
        }
    }

    fn hide(&self, text: &str) -> String {
        let mut hidden = text.to_owned();
        for (secret, mask) in &self.0 {
            hidden = hidden.replace(secret, mask);
        }
        hidden
    }
}
