//! Whose account is it?

use std::collections::BTreeMap;
use std::fmt;

use tieline_core::descriptor::{Account, AccountFact};
use tieline_core::{Parameters, ProviderDescriptor, ProviderSetup, Secret};
use tieline_store::Instance;

use crate::api::ApiCaller;
use crate::target::Target;
use crate::{Engine, EngineError};

/// An account as a person would name it.
struct AccountIdentity<'a> {
    id: Option<&'a str>,
    label: Option<&'a str>,
}

impl<'a> AccountIdentity<'a> {
    fn of_instance(instance: &'a Instance) -> Self {
        Self {
            id: instance.account_id.as_deref(),
            label: instance.account_label.as_deref(),
        }
    }

    fn of_account(account: &'a Account) -> Self {
        Self {
            id: account.id.as_deref(),
            label: account.label.as_deref(),
        }
    }
}

impl fmt::Display for AccountIdentity<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.label, self.id) {
            (Some(label), Some(id)) if label != id => write!(f, "{label} ({id})"),
            (Some(name), _) | (None, Some(name)) => f.write_str(name),
            (None, None) => f.write_str("an unknown account"),
        }
    }
}

/// An instance speaks for one account all its life: what it is known to be may not become something else, nor unknown.
pub(crate) fn refuse_another_account(
    instance: &Instance,
    found: &Account,
) -> Result<(), EngineError> {
    match &instance.account_id {
        Some(expected) if found.id.as_ref() != Some(expected) => {
            Err(EngineError::DifferentAccount {
                provider: instance.provider.clone(),
                instance: instance.id,
                expected: AccountIdentity::of_instance(instance).to_string(),
                found: AccountIdentity::of_account(found).to_string(),
            })
        }
        _ => Ok(()),
    }
}

impl Engine {
    /// Asks the provider with a token that no instance holds yet. If it does not tell, what came with the tokens may
    /// still tell whose account it is; what came through the browser may not, since anybody can have written that.
    pub(crate) async fn ask_account(
        &self,
        provider: &dyn ProviderSetup,
        parameters: &Parameters,
        access_token: &Secret,
        captures: &BTreeMap<String, String>,
    ) -> Result<Account, EngineError> {
        let target = Target::of(provider, parameters, captures)?;
        let caller = ApiCaller {
            edge: &self.shared.edge,
            target: &target,
            access_token,
        };
        let descriptor = provider.descriptor();
        let error = match provider.account(&caller, captures).await {
            Ok(account) => return Ok(account),
            Err(error) => error,
        };
        match told_with_tokens(descriptor, captures) {
            Some(id) if !error.tells_dead_token(descriptor) => {
                tracing::warn!(
                    provider = descriptor.id,
                    "what to call the account stays unknown: {error}"
                );
                let id = Some(id.to_owned());
                Ok(Account { id, label: None })
            }
            _ => Err(EngineError::Account {
                provider: descriptor.id.to_owned(),
                error,
            }),
        }
    }
}

/// The account's id, where it is a fact that came with the tokens, straight from the provider.
fn told_with_tokens<'c>(
    descriptor: &ProviderDescriptor,
    captures: &'c BTreeMap<String, String>,
) -> Option<&'c str> {
    let check = descriptor.api.health_check.known()?;
    let AccountFact::Capture(name) = check.account_id else {
        return None;
    };
    let answer = descriptor.oauth2().answer;
    let is_theirs = answer.captures.iter().any(|capture| capture.name == name);
    captures.get(name).filter(|_| is_theirs).map(String::as_str)
}
