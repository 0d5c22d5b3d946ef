//! An invented provider, and answers to be judged, for the unit tests of this crate.

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use tieline_core::descriptor::{Api, Authentication, OAuth2, ProviderDescriptor, Step};
use tieline_core::{Configuration, ParameterMapping, Parameters, ProviderSetup, Secret, Timestamp};

use crate::edge::Answer;
use crate::judge::Judge;
use crate::outcome::TokenFailure;
use crate::token::Tokens;

#[derive(Debug)]
pub(crate) struct Acme(&'static ProviderDescriptor);

impl Acme {
    pub(crate) fn with(oauth2: OAuth2) -> Self {
        const MAPPINGS: &[ParameterMapping] = &[
            ParameterMapping::api_key("Consumer Key"),
            ParameterMapping {
                required: false,
                ..ParameterMapping::api_secret("Consumer Secret")
            },
            ParameterMapping::callback_url("Redirect URL"),
        ];
        Self(Box::leak(Box::new(ProviderDescriptor {
            authentication: Authentication::AuthorizationCode(oauth2),
            api: Api {
                base: "https://api.acme.example",
                ..Api::DEFAULT
            },
            ..ProviderDescriptor::new("acme", "Acme", MAPPINGS)
        })))
    }

    pub(crate) fn oauth2(&self) -> &'static OAuth2 {
        self.0.oauth2()
    }
}

pub(crate) fn acme() -> Acme {
    Acme::with(OAuth2 {
        authorization_endpoint: "https://acme.example/authorize",
        token_endpoint: "https://acme.example/token",
        ..OAuth2::DEFAULT
    })
}

impl ProviderSetup for Acme {
    fn descriptor(&self) -> &'static ProviderDescriptor {
        self.0
    }
}

/// Id `key`, secret `secret` and a redirect URI, unless `more` says otherwise; an empty value takes one away.
pub(crate) fn parameters(provider: &Acme, more: &[(&str, &str)]) -> Parameters {
    let mut values = vec![
        ("oauth.api.key", "key"),
        ("oauth.api.secret", "secret"),
        ("oauth.callback.url", "https://host.example/callback"),
    ];
    values.retain(|(name, _)| more.iter().all(|(other, _)| other != name));
    values.extend(more.iter().copied().filter(|(_, value)| !value.is_empty()));
    let environment = values.iter().map(|(name, value)| {
        (
            format!("ACME_{}", name.to_ascii_uppercase().replace('.', "_")),
            (*value).to_owned(),
        )
    });
    let configuration = Configuration::from_parts(None, environment).unwrap();
    configuration
        .resolve(provider, &std::iter::empty::<(String, Secret)>().collect())
        .unwrap()
}

pub(crate) fn answer(status: u16, body: &str) -> Answer {
    let status = StatusCode::from_u16(status).unwrap();
    Answer {
        status,
        headers: HeaderMap::new(),
        body: Bytes::copy_from_slice(body.as_bytes()),
        cut: None,
    }
}

pub(crate) fn judge(provider: &Acme, step: Step, answer: &Answer) -> Result<Tokens, TokenFailure> {
    let spent = Secret::new("R0-spent");
    let host = "acme.example".to_owned();
    let sent = vec![spent.expose()];
    Judge {
        provider,
        step,
        host,
        now: Timestamp::UNIX_EPOCH,
        spent: &spent,
        sent,
    }
    .tokens(answer)
}
