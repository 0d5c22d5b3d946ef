//! Whether the hosts of providers can be reached: of each provider with an app, the one that tokens come from.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use tieline_core::descriptor::Authentication;
use tieline_core::parameters::State;
use tieline_core::{Format, ParameterKey, ProviderSetup, Timestamp, template};
use tieline_oauth::{Endpoint, NamedBy, Reached, Unreached};
use url::Url;

use super::{Area, Finding};
use crate::Engine;

/// How long a host has to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Hosts that are asked at once.
const AT_ONCE: usize = 4;

/// What came of asking.
#[derive(Debug, Default)]
pub(super) struct Asked {
    pub(super) findings: Vec<Finding>,
    pub(super) clocks: Vec<ProvidersClock>,
}

/// What a provider's clock showed, and what ours showed then.
#[derive(Debug)]
pub(super) struct ProvidersClock {
    pub(super) host: String,
    pub(super) there: Timestamp,
    pub(super) here: Timestamp,
}

/// Where a provider's tokens come from.
enum Place {
    At(Endpoint),
    /// Each account has a host of its own.
    Accounts,
    /// What is configured can't be one.
    Nowhere,
}

impl Engine {
    pub(super) async fn ask_providers(
        &self,
        providers: Vec<&'static dyn ProviderSetup>,
        online: bool,
    ) -> Asked {
        let mut asked = Asked::default();
        if !online {
            asked.findings.push(Finding::notice(
                Area::Provider,
                "the providers were not asked whether they can be reached",
                "leave out `--offline` to ask them",
            ));
            return asked;
        }
        let questions = providers.into_iter();
        let questions: Vec<_> = questions.map(|provider| self.ask_host(provider)).collect();
        // In their order, whoever answers first.
        let answers = stream::iter(questions).buffered(AT_ONCE);
        let answers: Vec<_> = answers.collect().await;
        for (finding, clock) in answers {
            asked.findings.push(finding);
            asked.clocks.extend(clock);
        }
        asked
    }

    async fn ask_host(
        &self,
        provider: &'static dyn ProviderSetup,
    ) -> (Finding, Option<ProvidersClock>) {
        let id = provider.descriptor().id;
        let about = |finding| Finding {
            provider: Some(id.to_owned()),
            ..finding
        };
        let endpoint = match self.token_host(provider) {
            Place::At(endpoint) => endpoint,
            Place::Accounts => {
                let what = format!("{id}: the host depends on the account, so none was asked");
                return (about(Finding::fine(Area::Provider, what)), None);
            }
            Place::Nowhere => {
                let what = format!("{id}: its endpoint is not a URL that can be asked");
                let cure = format!("`tieline config explain {id}` shows what is set");
                return (about(Finding::wrong(Area::App, what, cure)), None);
            }
        };
        let host = host_of(&endpoint.url);
        let reached = self.shared.edge.reach(&endpoint, PATIENCE).await;
        let here = self.shared.clock.now();
        match reached {
            Ok(Reached { date }) => {
                let finding = Finding::fine(Area::Provider, format!("{id}: {host} answers"));
                let clock = date.map(|there| ProvidersClock { host, there, here });
                (about(finding), clock)
            }
            Err(why) => (about(unreached(id, &host, &why)), None),
        }
    }

    /// The operator's endpoint, else the descriptor's own, with what is configured in the places of its host. A provider
    /// without OAuth has its API alone.
    fn token_host(&self, provider: &'static dyn ProviderSetup) -> Place {
        let descriptor = provider.descriptor();
        let (key, own) = match descriptor.authentication {
            Authentication::ApiKey | Authentication::Basic => {
                (ParameterKey::BASE_URL, descriptor.api.base)
            }
            _ => (
                ParameterKey::OAUTH_TOKEN_URL,
                descriptor.oauth2().token_endpoint,
            ),
        };
        let configured = self.configured(provider);
        let (text, named_by) = match configured.get(key.as_str()) {
            Some(text) => (text.clone(), NamedBy::Operator),
            None => {
                let host = own.split_once("://").map_or(own, |(_, rest)| rest);
                let host = host.split('/').next().unwrap_or(host);
                let value = |name: &str| configured.get(name).map(String::as_str);
                match template::host(host, value) {
                    Ok(host) => (format!("https://{host}/"), NamedBy::Anyone),
                    Err(_) => return Place::Accounts,
                }
            }
        };
        match Url::parse(&text) {
            Ok(url) if url.has_host() => Place::At(Endpoint { url, named_by }),
            _ => Place::Nowhere,
        }
    }

    /// What the operator has configured, as it stands in templates. Secrets stand there redacted, and never in a host.
    fn configured(&self, provider: &dyn ProviderSetup) -> BTreeMap<String, String> {
        let rows = self.shared.configuration.explain(provider).into_iter();
        let set = rows.filter_map(|row| {
            let State::Set { value, .. } = row.state else {
                return None;
            };
            let format = provider.descriptor().parameter(row.parameter)?.format;
            let value = match format {
                Format::OneOf(words) => {
                    let word = words.iter().find(|(word, _)| *word == value)?;
                    word.1.to_owned()
                }
                Format::Text | Format::Url | Format::HostLabel => value,
            };
            Some((row.parameter.to_string(), value))
        });
        set.collect()
    }
}

fn unreached(id: &str, host: &str, why: &Unreached) -> Finding {
    Finding::wrong(
        Area::Provider,
        format!("{id}: {host} can't be reached: {why}"),
        "check this machine's network, name resolution and firewall, and the provider's status page; `--offline` leaves \
         providers out",
    )
}

fn host_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port()
        .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}
