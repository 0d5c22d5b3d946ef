//! The vendor being played: its rules, and what is fixed when the sandbox starts.

use std::net::SocketAddr;

use serde_json::Value;

use crate::client_auth::Client;
use crate::rules::{RevocationRules, VendorRules};
use crate::script::Endpoint;
use crate::template::{Values, fill_text};

/// What never changes while the sandbox runs.
pub(crate) struct Vendor {
    pub(crate) rules: VendorRules,
    pub(crate) client: Client,
    pub(crate) address: SocketAddr,
    pub(crate) base_url: String,
}

impl Vendor {
    /// What templates know of an account.
    pub(crate) fn account_values(&self, account: usize) -> Values {
        let account = self.rules.accounts.get(account);
        account.map_or_else(Values::new, |account| account.values())
    }

    /// The one of these accounts that has this name; the first when there is none.
    pub(crate) fn account_named(&self, accounts: &[usize], name: Option<&str>) -> Option<usize> {
        let named = |account: &usize| {
            let account = self.rules.accounts.get(*account);
            account.is_some_and(|account| name.is_none_or(|name| name == account.name))
        };
        accounts.iter().copied().find(named)
    }

    /// Which endpoint has this path; the API has every other.
    pub(crate) fn endpoint_at(&self, path: &str) -> Endpoint {
        let rules = &self.rules;
        let paths = [
            (
                Endpoint::Authorization,
                rules.authorization.as_ref().map(|rules| rules.path.clone()),
            ),
            (
                Endpoint::Token,
                rules.token.as_ref().map(|rules| rules.path.clone()),
            ),
            (
                Endpoint::Device,
                rules.device.as_ref().map(|rules| rules.path.clone()),
            ),
            (
                Endpoint::Revocation,
                rules
                    .revocation
                    .as_ref()
                    .map(|rules| self.revocation_path(rules)),
            ),
        ];
        let found = paths
            .into_iter()
            .find(|(_, known)| known.as_deref() == Some(path));
        found.map_or(Endpoint::Api, |(endpoint, _)| endpoint)
    }

    /// The path with the client's id in its place.
    pub(crate) fn revocation_path(&self, rules: &RevocationRules) -> String {
        let id = ("client_id".to_owned(), Value::from(self.client.id.as_str()));
        fill_text(&rules.path, &Values::from_iter([id]))
    }
}
