//! Everything that can go wrong in the life of an instance, and what kind of trouble it is.

use std::sync::Arc;
use std::time::Duration;

use tieline_core::descriptor::Authentication;
use tieline_core::http::ProviderHttpError;
use tieline_core::parameters::{ConfigurationError, ParameterProblems};
use tieline_core::provider::AccountError;
use tieline_core::random::NoRandomness;
use tieline_core::registry::UnknownProvider;
use tieline_core::{ApiKeyId, AppId, InstanceId, ParameterKey, ProviderDescriptor, WebhookId};
use tieline_oauth::{
    AuthorizationError, CallbackRefusal, DeviceRefusal, EdgeError, EndpointProblem, PlaceProblem,
    RevokeFailure, TokenFailure,
};
use tieline_store::{Cause, StoreError};

use crate::held_back::HeldBack;

/// Why the engine could not do what was asked. Never contains a secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// No such provider.
    #[error(transparent)]
    UnknownProvider(#[from] UnknownProvider),
    /// The configuration can't be used.
    #[error(transparent)]
    Configuration(#[from] ConfigurationError),
    /// Parameters are missing or wrong.
    #[error(transparent)]
    Parameters(#[from] ParameterProblems),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The HTTP edge can't be built.
    #[error(transparent)]
    Edge(#[from] EdgeError),
    /// The operating system has no random bytes.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    /// No such app of this tenant.
    #[error("there is no app {0}: `tieline apps list` shows them")]
    NoSuchApp(AppId),
    /// No such instance of this tenant.
    #[error("there is no instance {0}: `tieline instances list` shows them")]
    NoSuchInstance(InstanceId),
    /// No such API key of this tenant.
    #[error("there is no API key {0}: `tieline api-keys list` shows them")]
    NoSuchApiKey(ApiKeyId),
    /// No such tenant.
    #[error(
        "there is no tenant {0:?}: `tieline tenants create` makes one, `tieline tenants list` shows them"
    )]
    NoSuchTenant(String),
    /// It is for the operator alone.
    #[error(
        "other tenants and their API keys are the operator's to manage: that takes an API key of the tenant `default` with \
         the permission admin"
    )]
    NotTheOperator,
    /// No such webhook of this tenant.
    #[error("there is no webhook {0}: `GET /v1/webhooks` shows them")]
    NoSuchWebhook(WebhookId),
    /// A webhook can't be there.
    #[error(transparent)]
    Place(#[from] PlaceProblem),
    /// No event is of this kind.
    #[error("there is no kind of event {kind:?}{}", nearest.map_or_else(String::new, |nearest| format!("; did you mean {nearest}?")))]
    UnknownEventKind {
        /// What was asked for.
        kind: String,
        /// What may have been meant.
        nearest: Option<&'static str>,
    },
    /// Nothing can be signed with this.
    #[error(
        "a webhook's secret is `whsec_` and after it 24 to 64 bytes in base64; leave it out, and one is made"
    )]
    UnfitSecret,
    /// The configuration now names other endpoints than those the app was made for.
    #[error(
        "{provider}: app {app} was registered for {was}, the configuration now says {now}: an app's endpoints never \
         change; take the override back, or register another app with `tieline apps create {provider} --name …`"
    )]
    EndpointsChanged {
        /// The provider.
        provider: String,
        /// The app.
        app: AppId,
        /// The overrides it was made with.
        was: String,
        /// The overrides that hold now.
        now: String,
    },
    /// One of the provider's endpoints can't be used.
    #[error(transparent)]
    Endpoint(#[from] EndpointProblem),
    /// The authorization request can't be made.
    #[error(transparent)]
    Authorization(#[from] AuthorizationError),
    /// What came back through the browser is not followed.
    #[error(transparent)]
    Callback(#[from] CallbackRefusal),
    /// The state is unknown: made up, used already, or forgotten.
    #[error(
        "this callback belongs to no authorization that is under way: it was used already, started elsewhere or made \
         up; start again"
    )]
    UnknownState,
    /// The callback came too late.
    #[error("{provider}: the authorization was started more than ten minutes ago; start again")]
    AuthorizationExpired {
        /// The provider.
        provider: String,
    },
    /// The callback arrived somewhere else, or with someone else, than where and with whom it started.
    #[error(
        "{provider}: the authorization was started by someone else or for another app; nothing was exchanged"
    )]
    NotYours {
        /// The provider.
        provider: String,
    },
    /// An app whose host has nowhere to confirm.
    #[error(
        "{provider}: app {app} has no confirm_url, to which the browser brings what your host confirms: set one on the app"
    )]
    NowhereToConfirm {
        /// The provider.
        provider: String,
        /// The app.
        app: AppId,
    },
    /// A ticket that confirms nothing.
    #[error(
        "this ticket confirms nothing: it was used already, is older than a minute, belongs to another authorization or was \
         made up; start again"
    )]
    UnknownTicket,
    /// A link that leads nowhere.
    #[error(
        "this link was used already, is too old, or was made up; ask for a new one where you got it"
    )]
    UnknownLink,
    /// Something that is given can't be used.
    #[error("{field} {why}")]
    Unusable {
        /// What.
        field: &'static str,
        /// What it must be.
        why: String,
    },
    /// The instance was taken out of use.
    #[error("instance {0} is disabled: enable it to use it again")]
    Disabled(InstanceId),
    /// Accounts of this provider are connected in another way.
    #[error("{provider}: accounts are not connected so: {way}")]
    OtherWay {
        /// The provider.
        provider: String,
        /// The way to connect one.
        way: &'static str,
    },
    /// Such a credential can't be sent (RFC 7617 section 2, RFC 9110 section 5.5).
    #[error("{provider}: {parameter} {why}; copy it again")]
    Unfit {
        /// The provider.
        provider: String,
        /// What can't be sent.
        parameter: ParameterKey,
        /// Why not.
        why: &'static str,
    },
    /// A device authorization came to nothing.
    #[error(transparent)]
    Device(DeviceRefusal),
    /// A device authorization that has come to its end already.
    #[error("{provider}: this code has been used, and nothing came of it; start again")]
    DeviceOver {
        /// The provider.
        provider: String,
    },
    /// Re-authorization brought another account than the instance's.
    #[error(
        "{provider}: instance {instance} is connected to {expected}, this authorization is for {found}; nothing was \
         changed. Sign in to {expected}, or connect {found} as an instance of its own"
    )]
    DifferentAccount {
        /// The provider.
        provider: String,
        /// The instance.
        instance: InstanceId,
        /// Its account.
        expected: String,
        /// The account that consented.
        found: String,
    },
    /// What is given leads to another tenant's hosts than the instance's.
    #[error(
        "{provider}: instance {instance} is connected to {parameter} = {expected}, and stays so; leave {parameter} out, or \
         connect another as an instance of its own"
    )]
    DifferentTenant {
        /// The provider.
        provider: String,
        /// The instance.
        instance: InstanceId,
        /// The parameter that names the tenant.
        parameter: ParameterKey,
        /// What it is for this instance.
        expected: String,
    },
    /// The provider doesn't take the credential that the account's owner gave.
    #[error("{provider}: {vendor} doesn't take what was given; check {given}")]
    NotTaken {
        /// The provider.
        provider: String,
        /// Who doesn't.
        vendor: &'static str,
        /// What was given, in the provider's words and in ours.
        given: String,
    },
    /// A token request failed.
    #[error(transparent)]
    Token(#[from] TokenFailure),
    /// The provider could not be asked to revoke.
    #[error(
        "{error}; the instance stays, marked as leaving: try again, or delete it without the provider's word"
    )]
    Revoke {
        /// What happened.
        #[from]
        error: RevokeFailure,
    },
    /// Only a person can bring the instance back.
    #[error(
        "{provider}: instance {instance} must be reconnected{}: `tieline connect {provider} --instance {instance}`",
        explain(*.cause)
    )]
    ReconnectRequired {
        /// The provider.
        provider: String,
        /// The instance.
        instance: InstanceId,
        /// Why.
        cause: Option<Cause>,
    },
    /// The instance is being disconnected.
    #[error("instance {0} is being disconnected")]
    Leaving(InstanceId),
    /// The instance's tokens don't open.
    #[error(
        "the tokens of instance {0} can't be read: restore a backup with its master key, or reconnect it"
    )]
    Unreadable(InstanceId),
    /// Somebody else refreshes right now.
    #[error("instance {instance} is being refreshed by another process; try again in {} s", .retry_after.as_secs().max(1))]
    RefreshInProgress {
        /// The instance.
        instance: InstanceId,
        /// When to ask again.
        retry_after: Duration,
    },
    /// The provider rejected the last tries, and it is too early for the next.
    #[error(
        "{provider} has rejected the refresh of instance {instance} {rejections} times without a reason that is known; it \
         is tried again in {} s, and `tieline instances refresh {instance}` tries now", .retry_after.as_secs().max(1)
    )]
    RejectedLately {
        /// The provider.
        provider: String,
        /// The instance.
        instance: InstanceId,
        /// How often.
        rejections: i64,
        /// When the next try is made.
        retry_after: Duration,
    },
    /// The store has not acknowledged lately that this engine is alive: another process may refresh in its place.
    #[error("the database has not heard from this engine lately, so nothing was sent; try again")]
    NotKnownAlive,
    /// The engine is shutting down.
    #[error("the engine is shutting down")]
    ShuttingDown,
    /// The task that did it ended without a word.
    #[error("the work broke off; what had been sent is on record, try again")]
    BrokeOff,
    /// The provider has answered a refresh, and the store can't be written.
    #[error(
        "the new tokens of instance {instance} can't be written yet: {reason}; they are kept and tried again"
    )]
    NotWrittenYet {
        /// The instance.
        instance: InstanceId,
        /// Why, in the store's words.
        reason: String,
    },
    /// A request with this idempotency key is being worked on.
    #[error("a request with this idempotency key is being worked on: send it again in a moment")]
    RequestUnderWay {
        /// When to ask again.
        retry_after: Duration,
    },
    /// Whoever worked on it ended without a word, or did not hear what the store did.
    #[error(
        "a request with this idempotency key was begun, and nobody knows whether it was done: look whether what it asked for \
         is there, and send it with another key if it isn't"
    )]
    RequestOutcomeUnknown,
    /// The key stands for another request.
    #[error(
        "this idempotency key came with another request before, or from an API key with other permissions: take a new key \
         for each request, and the same key only for the same request"
    )]
    OtherRequest,
    /// The provider gave no refresh token.
    #[error(
        "{provider}: instance {instance} has nothing to refresh: what it has is used until the provider takes it no longer; \
         then `tieline connect {provider} --instance {instance}` helps"
    )]
    NotRefreshable {
        /// The provider.
        provider: String,
        /// The instance.
        instance: InstanceId,
    },
    /// The same failure, seen by everyone who waited for one refresh.
    #[error(transparent)]
    Shared(Arc<EngineError>),
    /// The provider's API could not be called.
    #[error("{provider}: {error}")]
    Call {
        /// The provider.
        provider: String,
        /// What happened.
        error: ProviderHttpError,
    },
    /// The call could not be sent within its patience.
    #[error(transparent)]
    HeldBack(#[from] HeldBack),
    /// The account could not be asked for.
    #[error("{provider}: {error}")]
    Account {
        /// The provider.
        provider: String,
        /// What happened.
        error: AccountError,
    },
}

impl From<DeviceRefusal> for EngineError {
    fn from(error: DeviceRefusal) -> Self {
        match error {
            DeviceRefusal::Failed(failure) => failure.into(),
            over => Self::Device(over),
        }
    }
}

impl EngineError {
    /// How accounts of this provider are connected instead.
    pub(crate) fn other_way(descriptor: &ProviderDescriptor) -> Self {
        let way = match descriptor.authentication {
            Authentication::AuthorizationCode(_) => "a person consents in a browser",
            Authentication::DeviceAuthorization(_) => "a person types a code on another device",
            Authentication::ClientCredentials(_) => "the app's own credentials are the account",
            Authentication::ApiKey | Authentication::Basic => {
                "the account's owner gives the credential"
            }
        };
        Self::OtherWay {
            provider: descriptor.id.to_owned(),
            way,
        }
    }
}

/// What follows "must be reconnected".
pub(crate) fn explain(cause: Option<Cause>) -> &'static str {
    match cause {
        Some(Cause::Revoked) => ", since the provider no longer takes its credential",
        Some(Cause::Expired) => ", since its tokens have expired",
        Some(Cause::Rejected) => ", since the provider keeps rejecting its refresh",
        Some(Cause::LostResponse) => ", since the answer to a refresh was lost on the way",
        Some(Cause::Conflict) => ", since two refreshes contradict each other",
        None => "",
    }
}
