//! Hosts: under which name a request came to the sandbox, and whom it concerns there.

use http::HeaderMap;
use http::header::HOST;
use serde_json::json;

use crate::ledger::Outcome;
use crate::reply::{Done, Failure, Reply};
use crate::template::fill_text;
use crate::vendor::Vendor;

/// Nobody's host.
pub(crate) const UNKNOWN_HOST: &str = "nothing of the vendor is at this host";
/// A host, but not the one at which this account is served.
pub(crate) const OTHER_HOST: &str = "the host is another account's";

/// The host that a request names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Site {
    /// The sandbox's own address, at which it has everything.
    Own,
    /// Any other: lower-case, without a port; blank when there is none, or more than one.
    Named(String),
}

impl Site {
    pub(crate) fn read(headers: &HeaderMap, vendor: &Vendor) -> Self {
        let mut hosts = headers.get_all(HOST).iter();
        let (Some(host), None) = (hosts.next(), hosts.next()) else {
            return Self::Named(String::new());
        };
        let host = host.to_str().unwrap_or_default().to_ascii_lowercase();
        if host == vendor.address.to_string() {
            return Self::Own;
        }
        match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => {
                Self::Named(name.to_owned())
            }
            _ => Self::Named(host),
        }
    }
}

impl Vendor {
    /// Whether what stands at the host `template` is, for this account, where a request came to. Without a
    /// template any host will do.
    pub(crate) fn is_at(&self, site: &Site, template: Option<&str>, account: usize) -> bool {
        match (site, template) {
            (Site::Own, _) | (_, None) => true,
            (Site::Named(name), Some(template)) => {
                *name == fill_text(template, &self.account_values(account)).to_ascii_lowercase()
            }
        }
    }

    /// The accounts for which it is there.
    pub(crate) fn accounts_at(&self, site: &Site, template: Option<&str>) -> Vec<usize> {
        (0..self.rules.accounts.len())
            .filter(|account| self.is_at(site, template, *account))
            .collect()
    }
}

/// The answer to a request that came to the wrong host, of whatever endpoint.
pub(crate) fn elsewhere(reason: &'static str) -> Failure {
    let body = json!({ "error": "not_found", "error_description": reason });
    Failure::Refused(Done {
        reply: Reply::new(404, "application/json", body.to_string()),
        outcome: Outcome::Refused { reason },
    })
}
