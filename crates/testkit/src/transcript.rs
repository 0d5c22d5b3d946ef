//! A connection's whole life on the wire, for people to review: connect, check, refresh, revoke. What is random or secret
//! is masked, each by what it is.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tieline_core::Secret;
use tieline_core::descriptor::{Revocable, Stated, Step};
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
        let browser = browser(stage, &connection, &mut masks);
        masks.add_tokens("1", &connection);
        let account = stage.account(&connection).await?;
        account.map_err(|error| stage.explain_call(&error))?;
        let given = stage.provider.descriptor().authentication.is_given();
        if !given {
            leave(stage, &connection, &mut masks).await?;
        }
        let heard = stage.front.heard();
        for exchange in &heard {
            masks.add_device_codes(exchange);
        }
        // What nobody found where it belongs is no less secret.
        for secret in stage.sandbox.ledger().secrets() {
            masks.add("secret", secret);
        }
        Ok(Self {
            browser,
            heard,
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
        Err(RevokeFailure::Failed(failure)) => Err(stage.explain(Step::Revoke, &failure)),
        Err(failure) => Err(failure.to_string()),
    }
}

/// The authorization URL and the callback.
fn browser(stage: &Stage, connection: &Connection, masks: &mut Masks) -> Vec<String> {
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
    let signature = stage
        .vendor
        .at("authorization.callback_signature.parameter");
    for (name, value) in consent.query.pairs() {
        let value = if signature == name.as_str() {
            "[signature]"
        } else {
            value
        };
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
        let in_json = serde_json::Value::from(text).to_string();
        let in_json = in_json.trim_matches('"').to_owned();
        for form in [text.to_owned(), encoded, in_json] {
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

    /// Those of RFC 8628 section 3.2, by the names that it gives them.
    fn add_device_codes(&mut self, exchange: &Exchange) {
        let answer = String::from_utf8_lossy(&exchange.answer);
        let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        let body: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
        for name in ["device_code", "user_code"] {
            self.add(name, body[name].as_str().unwrap_or_default());
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

#[cfg(test)]
mod tests {
    use tieline_core::prelude::*;

    use super::*;
    use crate::subject::Subject;

    #[derive(Debug)]
    struct Played(ProviderDescriptor);

    impl ProviderSetup for Played {
        fn descriptor(&self) -> &'static ProviderDescriptor {
            // A test's.
            Box::leak(Box::new(self.0))
        }
    }

    const ACME: OAuth2 = OAuth2 {
        issuer: Some("https://acme.example"),
        authorization_endpoint: "https://acme.example/oauth/authorize",
        token_endpoint: "https://acme.example/oauth/token",
        revocation_endpoint: Stated::Known("https://acme.example/oauth/revoke"),
        authorization_response_iss_parameter_supported: true,
        scopes: &["read", "offline_access"],
        rotation: Rotation {
            rotates: Rotates::Always,
            ..Rotation::UNKNOWN
        },
        ..OAuth2::DEFAULT
    };

    /// What Acme's transcript looks like, and every secret that there was.
    async fn played(oauth2: OAuth2) -> (String, Vec<String>) {
        const MAPPINGS: &[ParameterMapping] = &[
            ParameterMapping::api_key("Key"),
            ParameterMapping::api_secret("Secret"),
            ParameterMapping::callback_url("Callback URL"),
        ];
        let provider = Box::leak(Box::new(Played(ProviderDescriptor {
            authentication: Authentication::AuthorizationCode(oauth2),
            api: Api {
                base: "https://acme.example/api",
                health_check: Stated::Known(HealthCheck {
                    path: "/me",
                    account_id: AccountFact::Field("sub"),
                    account_label: AccountFact::Field("email"),
                }),
                ..Api::DEFAULT
            },
            ..ProviderDescriptor::new("acme", "Acme", MAPPINGS)
        })));
        let subject = Subject::new(provider, env!("CARGO_MANIFEST_DIR"), "tieline-acme");
        let stage = Stage::set(&subject).await.unwrap();
        let text = Transcript::play(&stage).await.unwrap().text();
        let ledger = stage.sandbox.ledger();
        assert_eq!((ledger.exchanges(), ledger.refreshes()), (1, 1));
        (text, ledger.secrets().map(str::to_owned).collect())
    }

    #[tokio::test]
    async fn no_secret_stands_in_a_transcript_and_each_is_told_by_what_it_is() {
        for exchange in [TokenRequest::BASIC, TokenRequest::BODY] {
            let (text, secrets) = played(OAuth2 { exchange, ..ACME }).await;
            // The client's, a code, and two of each kind of token.
            assert!(secrets.len() >= 6, "{}", secrets.len());
            for secret in secrets {
                let encoded: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
                assert!(
                    !text.contains(&secret) && !text.contains(&encoded),
                    "{text}"
                );
            }
            for mask in ["client_secret", "code", "access_token 2", "refresh_token 2"] {
                assert!(text.contains(&format!("[{mask}]")), "{mask}: {text}");
            }
            assert!(!text.contains("[secret]"), "{text}");
        }
    }

    #[test]
    fn a_text_is_hidden_in_every_form_and_the_longest_first() {
        let mut masks = Masks::default();
        masks.add("short", "a b");
        masks.add("long", "a b\"c");
        assert_eq!(
            masks.hide(r#"a b, a+b, a b"c, a+b%22c, a b\"c"#),
            "[short], [short], [long], [long], [long]"
        );
    }
}
