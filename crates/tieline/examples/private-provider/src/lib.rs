//! Acme's internal CRM.

use tieline_core::prelude::*;

/// Acme's CRM over OAuth 2.0, authorization code grant.
#[derive(Debug)]
pub struct Acme;

static DESCRIPTOR: ProviderDescriptor = ProviderDescriptor {
    vendor: "Acme & Co",
    aliases: &["acme-crm"],
    category: Category::Crm,
    authentication: Authentication::AuthorizationCode(OAuth2 {
        authorization_endpoint: "https://crm.acme.example/oauth/authorize",
        token_endpoint: "https://crm.acme.example/oauth/token",
        scopes: &["contacts.read"],
        ..OAuth2::DEFAULT
    }),
    api: Api {
        base: "https://crm.acme.example/api",
        ..Api::DEFAULT
    },
    ..ProviderDescriptor::new(
        "acme",
        "Acme CRM",
        &[
            ParameterMapping::api_key("Consumer Key"),
            ParameterMapping::api_secret("Consumer Secret"),
            ParameterMapping::callback_url("Redirect URL"),
        ],
    )
};

impl ProviderSetup for Acme {
    fn descriptor(&self) -> &'static ProviderDescriptor {
        &DESCRIPTOR
    }
}

register_provider!(Acme);
