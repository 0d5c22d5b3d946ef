//! What an error is about: the provider and the instance, for faces that say so apart.

use tieline_core::InstanceId;

use crate::EngineError;

impl EngineError {
    /// The id of the provider that it is about, where it is about one.
    pub fn provider(&self) -> Option<&str> {
        match self {
            Self::Shared(error) => error.provider(),
            Self::EndpointsChanged { provider, .. }
            | Self::AuthorizationExpired { provider }
            | Self::NotYours { provider }
            | Self::NowhereToConfirm { provider, .. }
            | Self::OtherWay { provider, .. }
            | Self::Unfit { provider, .. }
            | Self::DeviceOver { provider }
            | Self::DifferentAccount { provider, .. }
            | Self::DifferentTenant { provider, .. }
            | Self::NotTaken { provider, .. }
            | Self::ReconnectRequired { provider, .. }
            | Self::RejectedLately { provider, .. }
            | Self::NotRefreshable { provider, .. }
            | Self::Call { provider, .. }
            | Self::Account { provider, .. } => Some(provider),
            _ => None,
        }
    }

    /// The instance that it is about, where it is about one.
    pub fn instance(&self) -> Option<InstanceId> {
        match self {
            Self::Shared(error) => error.instance(),
            Self::NoSuchInstance(instance)
            | Self::Leaving(instance)
            | Self::Unreadable(instance)
            | Self::Disabled(instance)
            | Self::DifferentAccount { instance, .. }
            | Self::DifferentTenant { instance, .. }
            | Self::ReconnectRequired { instance, .. }
            | Self::RefreshInProgress { instance, .. }
            | Self::RejectedLately { instance, .. }
            | Self::NotWrittenYet { instance, .. }
            | Self::NotRefreshable { instance, .. } => Some(*instance),
            _ => None,
        }
    }
}
