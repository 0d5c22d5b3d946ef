//! A vendor's rules: how one provider's authorization server and API behave, read from a file of facts.

mod api;
mod authorization;
mod check;
mod revocation;
mod token;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::template::{Values, fill_text};

pub(crate) use self::api::{ApiRules, TokenPlace};
pub(crate) use self::authorization::{AuthorizationRules, DeviceRules, PkceMethod, Reuse};
pub(crate) use self::revocation::{BodyFormat, RevocationRules, TokenKind};
pub(crate) use self::token::{StepRules, TokenErrors, TokenRules};

/// How one provider behaves towards a client.
///
/// Written from the provider's own documents and from what others measured, never from the description
/// that a client has of it: the two must be able to disagree.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VendorRules {
    pub(crate) id: String,
    pub(crate) title: String,
    /// For the reader: what is certain, what is the stricter of two readings, what nobody verified.
    #[serde(rename = "about")]
    _about: Vec<String>,
    #[serde(rename = "sources")]
    _sources: Vec<Source>,
    /// For the reader: the paths of facts that are played although nobody verified them.
    #[serde(default, rename = "unverified")]
    _unverified: Vec<String>,
    /// Who can log in and consent; the first one does unless another is named.
    pub(crate) accounts: Vec<Account>,
    /// For the reader: what is given to connect an account, by the client's own name for it, as templates over `{account.…}`.
    #[serde(default, rename = "given")]
    _given: BTreeMap<String, String>,
    /// `null` = nobody consents in a browser.
    pub(crate) authorization: Option<AuthorizationRules>,
    /// `null` = the provider issues no tokens: accounts have keys.
    pub(crate) token: Option<TokenRules>,
    /// Absent = there is no device authorization.
    pub(crate) device: Option<DeviceRules>,
    /// `null` = the provider has no revocation endpoint.
    pub(crate) revocation: Option<RevocationRules>,
    pub(crate) api: ApiRules,
}

/// A fact and where it is from.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Source {
    #[serde(rename = "fact")]
    _fact: String,
    #[serde(rename = "source")]
    _source: String,
}

/// Somebody who can consent. `facts` are what templates call `{account.…}`.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Account {
    pub(crate) name: String,
    #[serde(flatten)]
    pub(crate) facts: Map<String, Value>,
}

/// An answer as a template.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Value,
}

/// Why a file of rules can't be played.
#[derive(Debug, thiserror::Error)]
pub enum RulesError {
    /// Not JSON, a missing or an unknown field.
    #[error("the vendor file is not understood: {0}")]
    Format(#[from] serde_json::Error),
    /// A template asks for something that nobody will ever fill in.
    #[error("vendor {vendor}: {place} has a placeholder {{{name}}} that has no value there")]
    Placeholder {
        /// The vendor's id.
        vendor: String,
        /// The template's place in the file.
        place: String,
        /// The placeholder's name.
        name: String,
    },
    /// Something that must have a certain shape has another.
    #[error("vendor {vendor}: {place} {what}")]
    Invalid {
        /// The vendor's id.
        vendor: String,
        /// The value's place in the file.
        place: String,
        /// What it must be.
        what: &'static str,
    },
}

impl VendorRules {
    /// Reads and checks a vendor file.
    ///
    /// # Errors
    /// When it is not JSON, has unknown or missing fields, a template with a placeholder that has no
    /// value there, a path without a leading slash, an impossible status, or nobody who could consent.
    pub fn from_json(text: &str) -> Result<Self, RulesError> {
        let rules: Self = serde_json::from_str(text)?;
        rules.check()?;
        Ok(rules)
    }

    /// The vendor's id, for example `acme`.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The accounts' keys, in the accounts' order; none where the vendor has none.
    pub(crate) fn keys(&self) -> impl Iterator<Item = String> {
        let key = self.api.key.iter();
        key.flat_map(|key| {
            self.accounts
                .iter()
                .map(|account| fill_text(key, &account.values()))
        })
    }

    /// The host of every part for every account, lower-case.
    pub(crate) fn hosts(&self) -> impl Iterator<Item = String> {
        self.host_templates().into_iter().flat_map(|(_, host)| {
            self.accounts
                .iter()
                .map(move |account| fill_text(host, &account.values()).to_ascii_lowercase())
        })
    }

    /// What the file says of hosts, by place.
    fn host_templates(&self) -> Vec<(&'static str, &str)> {
        let hosts = [
            (
                "authorization.host",
                self.authorization
                    .as_ref()
                    .and_then(|part| part.host.as_deref()),
            ),
            (
                "token.host",
                self.token.as_ref().and_then(|part| part.host.as_deref()),
            ),
            (
                "device.host",
                self.device.as_ref().and_then(|part| part.host.as_deref()),
            ),
            (
                "revocation.host",
                self.revocation
                    .as_ref()
                    .and_then(|part| part.host.as_deref()),
            ),
            ("api.host", self.api.host.as_deref()),
        ];
        hosts
            .into_iter()
            .filter_map(|(place, host)| Some((place, host?)))
            .collect()
    }

    /// The vendor's name as people know it.
    pub fn title(&self) -> &str {
        &self.title
    }
}

fn space() -> String {
    " ".to_owned()
}

impl Account {
    /// What templates know of it.
    pub(crate) fn values(&self) -> Values {
        let facts = self.facts.iter();
        facts
            .map(|(name, value)| (format!("account.{name}"), value.clone()))
            .collect()
    }
}
