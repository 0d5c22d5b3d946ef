//! Sound descriptors of vendors that each depart from the RFCs in ways of their own: the house's providers.

use tieline_core::prelude::*;
use tieline_github::Github;
use tieline_infusionsoft::Infusionsoft;
use tieline_quickbooks::Quickbooks;
use tieline_shopify::Shopify;
use tieline_slack::Slack;

use super::providers::changed;

/// Names Shopify's tenants.
pub(crate) const SITE_ADDRESS: ParameterKey = ParameterKey::new("shopify.site.address");

/// Single-use refresh tokens, and client authentication that differs between the steps.
pub(crate) fn strict(
    change: impl FnOnce(&mut ProviderDescriptor, &mut OAuth2),
) -> ProviderDescriptor {
    of(&Infusionsoft, change)
}

/// No refresh tokens, which are told under a status of success; devices; revocation of its own.
pub(crate) fn unrefreshed(
    change: impl FnOnce(&mut ProviderDescriptor, &mut OAuth2),
) -> ProviderDescriptor {
    of(&Github, change)
}

/// Two sets of tokens, errors under every status, refresh tokens for those who ask.
pub(crate) fn two_sets(
    change: impl FnOnce(&mut ProviderDescriptor, &mut OAuth2),
) -> ProviderDescriptor {
    of(&Slack, change)
}

/// A host for each tenant, and signed callbacks.
pub(crate) fn per_tenant(
    change: impl FnOnce(&mut ProviderDescriptor, &mut OAuth2),
) -> ProviderDescriptor {
    of(&Shopify, change)
}

/// Refresh tokens that are replaced now and then.
pub(crate) fn sometimes(
    change: impl FnOnce(&mut ProviderDescriptor, &mut OAuth2),
) -> ProviderDescriptor {
    of(&Quickbooks, change)
}

fn of(
    provider: &dyn ProviderSetup,
    change: impl FnOnce(&mut ProviderDescriptor, &mut OAuth2),
) -> ProviderDescriptor {
    let descriptor = *provider.descriptor();
    changed(descriptor, *descriptor.oauth2(), change)
}
