//! A stable name for everything that can go wrong, for faces that speak to programs.

use tieline_oauth::{CallbackRefusal, DeviceRefusal, Outcome};
use tieline_store::StoreError;

use crate::EngineError;

impl EngineError {
    /// What kind of error it is, in a word that stays the same from release to release: lower case, with dashes.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Shared(error) => error.name(),
            Self::Store(error) => of_store(error),
            Self::Callback(refusal) => of_callback(refusal),
            Self::Device(refusal) => of_device(refusal),
            Self::Token(failure) => of_outcome(&failure.outcome),
            Self::UnknownProvider(_) => "unknown-provider",
            Self::Configuration(_) => "configuration",
            Self::Parameters(_) => "parameters",
            Self::Edge(_) => "http-edge",
            Self::NoRandomness(_) => "no-randomness",
            Self::NoSuchApp(_) => "no-such-app",
            Self::NoSuchInstance(_) => "no-such-instance",
            Self::NoSuchApiKey(_) => "no-such-api-key",
            Self::NoSuchTenant(_) => "no-such-tenant",
            Self::NotTheOperator => "not-the-operator",
            Self::NoSuchWebhook(_) => "no-such-webhook",
            Self::Place(_) => "webhook-place",
            Self::UnknownEventKind { .. } => "unknown-event-kind",
            Self::UnfitSecret => "webhook-secret",
            Self::EndpointsChanged { .. } => "endpoints-changed",
            Self::Endpoint(_) => "endpoint",
            Self::Authorization(_) => "authorization",
            Self::UnknownState => "unknown-state",
            Self::AuthorizationExpired { .. } => "authorization-expired",
            Self::NotYours { .. } => "not-yours",
            Self::NowhereToConfirm { .. } => "nowhere-to-confirm",
            Self::UnknownTicket => "unknown-ticket",
            Self::UnknownLink => "unknown-link",
            Self::Unusable { .. } => "unusable",
            Self::Disabled(_) => "disabled",
            Self::OtherWay { .. } => "other-way",
            Self::Unfit { .. } => "unfit-credential",
            Self::DeviceOver { .. } => "device-over",
            Self::DifferentAccount { .. } => "different-account",
            Self::DifferentTenant { .. } => "different-tenant",
            Self::NotTaken { .. } => "credential-not-taken",
            Self::Revoke { .. } => "not-revoked",
            Self::ReconnectRequired { .. } => "reconnect-required",
            Self::Leaving(_) => "leaving",
            Self::Unreadable(_) => "unreadable",
            Self::RefreshInProgress { .. } => "refresh-in-progress",
            Self::RejectedLately { .. } => "rejected-lately",
            Self::NotKnownAlive => "not-known-alive",
            Self::ShuttingDown => "shutting-down",
            Self::BrokeOff => "broke-off",
            Self::NotWrittenYet { .. } => "not-written-yet",
            Self::RequestUnderWay { .. } => "request-under-way",
            Self::RequestOutcomeUnknown => "request-outcome-unknown",
            Self::OtherRequest => "other-request",
            Self::NotRefreshable { .. } => "not-refreshable",
            Self::Call { .. } => "call-failed",
            Self::HeldBack(held_back) => held_back.name(),
            Self::Account { .. } => "account-unknown",
        }
    }
}

fn of_store(error: &StoreError) -> &'static str {
    match error {
        StoreError::NotFound { .. } => "not-found",
        StoreError::Conflict(_) => "conflict",
        StoreError::Invalid(_) => "invalid",
        StoreError::Exists { .. } => "exists",
        StoreError::Unreadable { .. } => "unreadable",
        StoreError::AdoptionRequired(_) => "adoption-required",
        StoreError::Full { .. } => "no-space",
        StoreError::Busy => "store-busy",
        StoreError::Closed => "shutting-down",
        _ => "store",
    }
}

fn of_callback(refusal: &CallbackRefusal) -> &'static str {
    match refusal {
        CallbackRefusal::StateMissing => "callback-without-state",
        CallbackRefusal::Repeated { .. } => "callback-repeated",
        CallbackRefusal::NotAskedFor { .. } => "callback-not-asked-for",
        CallbackRefusal::Denied { .. } => "denied",
        CallbackRefusal::ProviderError { .. } => "authorization-refused",
        _ => "callback-refused",
    }
}

fn of_device(refusal: &DeviceRefusal) -> &'static str {
    match refusal {
        DeviceRefusal::Denied { .. } => "denied",
        DeviceRefusal::Expired { .. } => "device-expired",
        DeviceRefusal::Failed(failure) => of_outcome(&failure.outcome),
    }
}

/// The words of the closed list of outcomes.
pub(crate) fn of_outcome(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::NotSent => "provider-not-reached",
        Outcome::Busy { .. } => "provider-busy",
        Outcome::AppRefused => "app-refused",
        Outcome::Dead => "dead-token",
        Outcome::Rejected => "rejected",
        Outcome::OutcomeUnknown { .. } => "outcome-unknown",
    }
}
