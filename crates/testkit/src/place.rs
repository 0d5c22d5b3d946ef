//! Where the vendor's parts stand, and what is said of a request that went elsewhere.

use serde_json::Value;
use tieline_core::descriptor::{OAuth2, Step};
use tieline_core::provider::AccountError;
use tieline_sandbox::Endpoint;

use crate::findings::Stuck;
use crate::stage::Stage;
use crate::vendor::Vendor;

/// The descriptor's field that says how the requests of a step are written.
pub(crate) fn request_field(step: Step) -> &'static str {
    match step {
        Step::Exchange | Step::ClientCredentials => "exchange",
        Step::Refresh => "refresh",
        Step::Revoke => "revoke",
        Step::DeviceAuthorization => "device.request",
        Step::DeviceToken => "device.token",
    }
}

/// The descriptor's field that says where the requests of a step go.
pub(crate) fn endpoint_field(step: Step, oauth2: &OAuth2) -> &'static str {
    match step {
        Step::Refresh if oauth2.refresh_endpoint.is_some() => "refresh_endpoint",
        Step::Exchange | Step::Refresh | Step::ClientCredentials | Step::DeviceToken => {
            "token_endpoint"
        }
        Step::Revoke => "revocation_endpoint",
        Step::DeviceAuthorization => "device.endpoint",
    }
}

/// What stands where the requests of a step go.
pub(crate) fn endpoint_of(step: Step) -> Endpoint {
    match step {
        Step::Exchange | Step::Refresh | Step::ClientCredentials | Step::DeviceToken => {
            Endpoint::Token
        }
        Step::Revoke => Endpoint::Revocation,
        Step::DeviceAuthorization => Endpoint::Device,
    }
}

impl Vendor {
    /// The host of a part, for each account; none where any host will do.
    pub(crate) fn hosts(&self, part: &str) -> Vec<String> {
        let Some(template) = self.at(&format!("{part}.host")).as_str() else {
            return Vec::new();
        };
        let accounts = self.at("accounts").as_array().into_iter().flatten();
        accounts.map(|account| filled(template, account)).collect()
    }
}

fn filled(template: &str, account: &Value) -> String {
    let facts = account.as_object().into_iter().flatten();
    facts.fold(template.to_owned(), |text, (name, fact)| {
        let fact = fact.as_str().unwrap_or_default();
        text.replace(&format!("{{account.{name}}}"), fact)
    })
}

impl Stage {
    /// What to say of the last request, which was answered, if the vendor has no such endpoint where it went.
    pub(crate) fn astray(&self, endpoint: Endpoint, host: &str, field: &str) -> Option<Stuck> {
        let ledger = self.sandbox.ledger();
        let last = ledger.requests().last()?;
        let part = match endpoint {
            Endpoint::Authorization => "authorization",
            Endpoint::Token => "token",
            Endpoint::Revocation => "revocation",
            Endpoint::Device => "device",
            Endpoint::Api => "api",
        };
        let hosts = self.vendor.hosts(part);
        let is_there = hosts.is_empty() || hosts.iter().any(|known| known == host);
        (last.endpoint != endpoint || !is_there).then(|| {
            format!(
                "the request went to {host}{}, and the vendor has nothing of the kind there; look at `{field}`",
                last.path
            )
        })
    }

    /// Why a call failed, as both sides tell it, and where to look.
    pub(crate) fn explain_call(&self, error: &AccountError) -> Stuck {
        let heard = self.front.heard();
        let host = heard.last().map(|last| last.host()).unwrap_or_default();
        let why = self.refusal(Endpoint::Api).unwrap_or_default();
        self.astray(Endpoint::Api, &host, "api.base")
            .unwrap_or_else(|| {
                format!("{error}{why}; look at `api.base`, `api.health_check.path` and `api.token_placement`")
            })
    }
}
