//! A provider without one of the facts that its descriptor states.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::{Map, Value};
use tieline_core::descriptor::{
    Account, Api, Authentication, OAuth2, ProviderDescriptor, SetupGuide, Stated, Step,
};
use tieline_core::http::{CallbackQuery, ProviderHttp};
use tieline_core::prelude::async_trait;
use tieline_core::provider::{AccountError, HookRefusal};
use tieline_core::{Parameters, ProviderSetup};

/// Puts one field back to what it is when nobody says anything.
pub(crate) type Remove = fn(&mut ProviderDescriptor);

/// `a.b` of the OAuth 2.0 facts, put back to its default.
macro_rules! oauth2 {
    ($first:ident $(. $rest:ident)*) => {
        (
            concat!(stringify!($first) $(, ".", stringify!($rest))*),
            |descriptor| {
                if let Some(oauth2) = oauth2_of(descriptor) {
                    oauth2.$first $(. $rest)* = OAuth2::DEFAULT.$first $(. $rest)*;
                }
            },
        )
    };
}

/// `api.a`, put back to its default.
macro_rules! api {
    ($field:ident) => {
        (concat!("api.", stringify!($field)), |descriptor| {
            descriptor.api.$field = Api::DEFAULT.$field;
        })
    };
}

/// `guide.a`, put back to its default.
macro_rules! guide {
    ($field:ident) => {
        (concat!("guide.", stringify!($field)), |descriptor| {
            descriptor.guide.$field = SetupGuide::DEFAULT.$field;
        })
    };
}

/// Every field that can be taken away, by its name in the descriptor.
pub(crate) const REMOVALS: &[(&str, Remove)] = &[
    oauth2!(issuer),
    oauth2!(authorization_endpoint),
    oauth2!(token_endpoint),
    oauth2!(refresh_endpoint),
    oauth2!(revocation_endpoint),
    oauth2!(revocable),
    oauth2!(dead_at_revocation),
    oauth2!(device),
    oauth2!(authorization_response_iss_parameter_supported),
    oauth2!(code_challenge),
    oauth2!(scopes),
    oauth2!(scope_separator),
    oauth2!(https_redirect_uri_only),
    oauth2!(authorization.names),
    oauth2!(authorization.extra),
    oauth2!(authorization.omit),
    oauth2!(callback.code_parameter),
    oauth2!(callback.captures),
    oauth2!(callback.host),
    oauth2!(callback.signature),
    oauth2!(exchange.method),
    oauth2!(exchange.body),
    oauth2!(exchange.client_authentication),
    oauth2!(exchange.names),
    oauth2!(exchange.extra),
    oauth2!(exchange.omit),
    oauth2!(exchange.headers),
    oauth2!(refresh.method),
    oauth2!(refresh.body),
    oauth2!(refresh.client_authentication),
    oauth2!(refresh.names),
    oauth2!(refresh.extra),
    oauth2!(refresh.omit),
    oauth2!(refresh.headers),
    oauth2!(revoke.method),
    oauth2!(revoke.body),
    oauth2!(revoke.client_authentication),
    oauth2!(revoke.names),
    oauth2!(revoke.extra),
    oauth2!(revoke.omit),
    oauth2!(revoke.headers),
    oauth2!(answer.path),
    oauth2!(answer.user_path),
    oauth2!(answer.fields),
    oauth2!(answer.scope_separator),
    oauth2!(answer.scope_ends_at),
    oauth2!(answer.token_type_means_bearer),
    oauth2!(answer.expires_in_unit),
    oauth2!(answer.expires_in_format),
    oauth2!(answer.default_expires_in),
    oauth2!(answer.error_path),
    oauth2!(answer.errors),
    oauth2!(answer.error_when),
    oauth2!(answer.dead_code),
    oauth2!(answer.dead_refresh_token),
    oauth2!(answer.requires),
    oauth2!(answer.captures),
    oauth2!(rotation.rotates),
    oauth2!(rotation.reuse_window),
    oauth2!(rotation.on_reuse),
    oauth2!(rotation.old_access_token_dies),
    oauth2!(rotation.access_token_lifetime),
    oauth2!(rotation.refresh_token_lifetime),
    oauth2!(rotation.idle_limit),
    oauth2!(rotation.opt_in),
    api!(base),
    api!(origins),
    api!(base_capture),
    api!(token_placement),
    api!(health_check),
    api!(masked_errors),
    guide!(developer_portal),
    guide!(locate_credentials),
    guide!(create_application),
    guide!(troubleshooting),
    ("rate_limits", |descriptor| {
        descriptor.rate_limits = Stated::Unknown;
    }),
    ("sources", |descriptor| descriptor.sources = &[]),
];

fn oauth2_of(descriptor: &mut ProviderDescriptor) -> Option<&mut OAuth2> {
    match &mut descriptor.authentication {
        Authentication::AuthorizationCode(oauth2)
        | Authentication::DeviceAuthorization(oauth2)
        | Authentication::ClientCredentials(oauth2) => Some(oauth2),
        Authentication::ApiKey | Authentication::Basic => None,
    }
}

/// A provider with another descriptor and its own hooks.
#[derive(Debug)]
pub(crate) struct Without {
    provider: &'static dyn ProviderSetup,
    descriptor: &'static ProviderDescriptor,
}

impl Without {
    /// Lives as long as the program: a test's.
    pub(crate) fn of(
        provider: &'static dyn ProviderSetup,
        remove: Remove,
    ) -> &'static dyn ProviderSetup {
        let mut descriptor = *provider.descriptor();
        remove(&mut descriptor);
        let descriptor = Box::leak(Box::new(descriptor));
        Box::leak(Box::new(Self {
            provider,
            descriptor,
        }))
    }
}

#[async_trait]
impl ProviderSetup for Without {
    fn descriptor(&self) -> &'static ProviderDescriptor {
        self.descriptor
    }

    fn verify_callback(
        &self,
        query: &CallbackQuery,
        parameters: &Parameters,
    ) -> Result<(), HookRefusal> {
        self.provider.verify_callback(query, parameters)
    }

    fn amend_authorization(&self, query: &mut Vec<(String, String)>, parameters: &Parameters) {
        self.provider.amend_authorization(query, parameters);
    }

    fn amend_token_request(
        &self,
        step: Step,
        request: &mut http::Request<Bytes>,
        parameters: &Parameters,
    ) -> Result<(), HookRefusal> {
        self.provider.amend_token_request(step, request, parameters)
    }

    fn amend_token_answer(&self, step: Step, answer: &mut Map<String, Value>) {
        self.provider.amend_token_answer(step, answer);
    }

    async fn account(
        &self,
        http: &dyn ProviderHttp,
        captures: &BTreeMap<String, String>,
    ) -> Result<Account, AccountError> {
        tieline_core::provider::health_check(self.descriptor, http, captures).await
    }
}
