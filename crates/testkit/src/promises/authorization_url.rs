//! The authorization request holds what it must, nothing else and no secret, and looks as it was reviewed.

use tieline_core::descriptor::{CodeChallenge, Extra};
use tieline_core::{Parameters, ProviderSetup, template};
use tieline_oauth::{Authorization, AuthorizationRequestOptions, authorization};
use url::form_urlencoded;

use crate::findings::{Findings, Stuck};
use crate::parameters::{self, REDIRECT_URI};
use crate::snapshot;
use crate::subject::Subject;
use crate::vendor::Vendor;

const CLIENT_ID: &str = "the-client-id";
const CLIENT_SECRET: &str = "the-client-secret";

type Pairs = Vec<(String, String)>;

/// What the URL is made of.
struct Request {
    started: Authorization,
    /// Without the query.
    endpoint: String,
    pairs: Pairs,
    /// What stands in `code_challenge`.
    challenge: Option<String>,
}

pub(crate) fn examine(subject: &Subject, findings: &mut Findings) -> Result<(), Stuck> {
    let provider = subject.provider;
    let vendor = Vendor::of(subject)?;
    let parameters = parameters::resolve(provider, (CLIENT_ID, CLIENT_SECRET), &vendor.given(0)?)?;
    let request = Request::new(provider, &parameters)?;
    let other = Request::new(provider, &parameters)?;
    request.check_parameters(provider, &parameters, findings)?;
    request.check_state(&other, findings);
    check_scopes(provider, &vendor, findings);
    request.check_challenge(provider, &vendor, findings);
    request.check_secrets(findings);
    if findings.is_empty() {
        // What is wrong already is not worth a review, and not to be written.
        snapshot::compare(subject, "authorization_url", &request.masked())?;
    }
    Ok(())
}

fn check_scopes(provider: &dyn ProviderSetup, vendor: &Vendor, findings: &mut Findings) {
    let known = vendor.texts("authorization.scopes");
    for scope in provider
        .descriptor()
        .oauth2()
        .scopes
        .iter()
        .filter(|scope| !known.contains(scope))
    {
        findings.add(format!(
            "the vendor has no scope {scope:?}; look at `scopes`"
        ));
    }
}

impl Request {
    fn new(provider: &dyn ProviderSetup, parameters: &Parameters) -> Result<Self, Stuck> {
        let options = AuthorizationRequestOptions {
            redirect_uri: REDIRECT_URI,
            scopes: None,
        };
        let started =
            authorization(provider, parameters, options).map_err(|error| error.to_string())?;
        let pairs: Pairs = started.url.query_pairs().into_owned().collect();
        let name = declared_name(provider, "code_challenge");
        let challenge = pairs
            .iter()
            .find(|(given, _)| given == name)
            .map(|(_, value)| value.clone());
        let mut endpoint = started.url.clone();
        endpoint.set_query(None);
        Ok(Self {
            endpoint: endpoint.into(),
            started,
            pairs,
            challenge,
        })
    }

    /// The endpoint of the descriptor, and exactly what the RFC and the descriptor ask for.
    fn check_parameters(
        &self,
        provider: &dyn ProviderSetup,
        parameters: &Parameters,
        findings: &mut Findings,
    ) -> Result<(), Stuck> {
        let own = provider.descriptor().oauth2().authorization_endpoint;
        let mut own = template::url(own, |name| parameters.in_template(name))
            .map_err(|problem| format!("`authorization_endpoint` {own:?}: {problem}"))?;
        let mut expected: Pairs = own.query_pairs().into_owned().collect();
        own.set_query(None);
        findings.expect(self.endpoint == own.as_str(), || {
            format!(
                "the user is sent to {}, `authorization_endpoint` is {own}",
                self.endpoint
            )
        });
        expected.extend(self.expected(provider, parameters));
        let mut found = self.pairs.clone();
        expected.sort();
        found.sort();
        let told = |(name, value): &(String, String)| format!("{name}={}", self.mask(value));
        for pair in expected.iter().filter(|pair| !found.contains(pair)) {
            findings.add(format!(
                "the URL lacks {}; look at `authorization`",
                told(pair)
            ));
        }
        for pair in found.iter().filter(|pair| !expected.contains(pair)) {
            findings.add(format!(
                "the URL holds {}; look at `authorization`",
                told(pair)
            ));
        }
        for twice in found.windows(2).filter(|pair| pair[0].0 == pair[1].0) {
            findings.add(format!(
                "the URL holds {} twice; look at `authorization`",
                twice[0].0
            ));
        }
        Ok(())
    }

    /// What RFC 6749 section 4.1.1 and RFC 7636 section 4.3 ask for, in the provider's words.
    fn expected(&self, provider: &dyn ProviderSetup, parameters: &Parameters) -> Pairs {
        let oauth2 = provider.descriptor().oauth2();
        let mut standard = vec![
            ("response_type", "code".to_owned()),
            ("client_id", CLIENT_ID.to_owned()),
            ("redirect_uri", REDIRECT_URI.to_owned()),
            ("state", self.started.state.expose().to_owned()),
        ];
        if !oauth2.scopes.is_empty() {
            standard.push(("scope", oauth2.scopes.join(oauth2.scope_separator)));
        }
        let challenge = || self.challenge.clone().unwrap_or_default();
        match oauth2.code_challenge {
            CodeChallenge::Refused(_) => {}
            CodeChallenge::S256 => standard.extend([
                ("code_challenge", challenge()),
                ("code_challenge_method", "S256".to_owned()),
            ]),
            CodeChallenge::Plain => standard.extend([
                ("code_challenge", challenge()),
                ("code_challenge_method", "plain".to_owned()),
            ]),
        }
        let declared = &oauth2.authorization;
        standard.retain(|(name, _)| {
            !declared.omit.contains(name) && declared.extra.iter().all(|(extra, _)| extra != name)
        });
        standard.extend(
            declared
                .extra
                .iter()
                .filter_map(|(name, value)| match value {
                    Extra::Fixed(text) => Some((*name, (*text).to_owned())),
                    Extra::Parameter(key) => Some((*name, parameters.get(*key)?.to_owned())),
                    Extra::Scopes(key) => {
                        let scopes: Vec<_> = parameters.get(*key)?.split(' ').collect();
                        Some((*name, scopes.join(oauth2.scope_separator)))
                    }
                }),
        );
        let mut pairs: Pairs = standard
            .into_iter()
            .map(|(name, value)| (declared_name(provider, name).to_owned(), value))
            .collect();
        provider.amend_authorization(&mut pairs, parameters);
        pairs
    }

    /// 256 random bits: 43 characters of base64url, and others the next time.
    fn check_state(&self, other: &Self, findings: &mut Findings) {
        let (state, next) = (self.started.state.expose(), other.started.state.expose());
        findings.expect(
            is_random(state) && state != next,
            || "the state is not 256 random bits in base64url; look at `amend_authorization`",
        );
    }

    /// Whether the challenge proves the verifier is the sandbox's to say, at the exchange.
    fn check_challenge(
        &self,
        provider: &dyn ProviderSetup,
        vendor: &Vendor,
        findings: &mut Findings,
    ) {
        let methods = vendor.texts("authorization.pkce.methods");
        let verifier = self
            .started
            .code_verifier
            .as_ref()
            .map(|verifier| verifier.expose());
        match (provider.descriptor().oauth2().code_challenge, self.challenge.as_deref()) {
            (CodeChallenge::S256, Some(challenge)) => findings.expect(
                is_random(challenge) && verifier.is_some_and(|verifier| verifier != challenge),
                || "the code_challenge is no SHA-256 in base64url; look at `amend_authorization`",
            ),
            (CodeChallenge::Plain, _) => findings.expect(!methods.contains(&"S256"), || {
                "the vendor takes S256, the descriptor says plain; look at `code_challenge`"
            }),
            (CodeChallenge::Refused(_), _) => findings.expect(methods.is_empty(), || {
                "the vendor takes PKCE, the descriptor says that it is refused; look at `code_challenge`"
            }),
            // Told by the parameters.
            (CodeChallenge::S256, None) => {}
        }
    }

    fn check_secrets(&self, findings: &mut Findings) {
        let url = self.started.url.as_str();
        let is_shown = |secret: &str| {
            url.contains(secret) || self.pairs.iter().any(|(_, value)| value.contains(secret))
        };
        findings.expect(!is_shown(CLIENT_SECRET), || {
            "the client secret stands in the URL; look at `authorization.extra` and `amend_authorization`"
        });
        let verifier = self
            .started
            .code_verifier
            .as_ref()
            .map(|verifier| verifier.expose());
        let is_plain = verifier == self.challenge.as_deref();
        findings.expect(
            is_plain || !verifier.is_some_and(is_shown),
            || "the code verifier stands in the URL; look at `amend_authorization`",
        );
    }

    /// The URL for people: one parameter a line, and what is random masked.
    fn masked(&self) -> String {
        let lines = self.pairs.iter().map(|(name, value)| {
            let value = match self.mask(value) {
                mask if mask != value => mask.to_owned(),
                value => form_urlencoded::byte_serialize(value.as_bytes()).collect(),
            };
            format!("  {name}={value}\n")
        });
        std::iter::once(format!("{}\n", self.endpoint))
            .chain(lines)
            .collect()
    }

    fn mask<'a>(&self, value: &'a str) -> &'a str {
        if value == self.started.state.expose() {
            "[state]"
        } else if Some(value) == self.challenge.as_deref() {
            "[challenge]"
        } else {
            value
        }
    }
}

/// What the provider calls a standard parameter.
fn declared_name<'a>(provider: &dyn ProviderSetup, standard: &'a str) -> &'a str {
    let names = provider.descriptor().oauth2().authorization.names;
    names
        .iter()
        .find(|(name, _)| *name == standard)
        .map_or(standard, |(_, theirs)| theirs)
}

fn is_random(text: &str) -> bool {
    text.len() >= 43
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}
