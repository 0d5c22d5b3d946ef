//! Whose turn it is after an error, and when.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tieline_oauth::{CallbackRefusal, Outcome, TokenFailure};
use tieline_store::StoreError;

use crate::EngineError;

/// What kind of trouble it is, for exit codes and statuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Kind {
    /// What was asked for does not exist or can't be done.
    Failure,
    /// The operator must change something.
    Configuration,
    /// A person must consent again.
    Reconnect,
    /// The provider, or the store, is not available now.
    Unavailable,
}

impl EngineError {
    /// What kind of trouble it is.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Shared(error) => error.kind(),
            Self::Configuration(_)
            | Self::Parameters(_)
            | Self::UnknownProvider(_)
            | Self::EndpointsChanged { .. }
            | Self::Endpoint(_)
            | Self::Authorization(_)
            | Self::NotTaken { .. }
            | Self::NowhereToConfirm { .. }
            | Self::Unfit { .. } => Kind::Configuration,
            Self::Store(
                StoreError::BadPath { .. }
                | StoreError::MasterKeyInvalid { .. }
                | StoreError::MasterKeyMissing { .. }
                | StoreError::WrongMasterKey { .. }
                | StoreError::NewerSchema { .. }
                | StoreError::NotADatabase { .. }
                | StoreError::NotAFolder { .. }
                | StoreError::Pragma { .. }
                | StoreError::Unwritable { .. }
                | StoreError::AdoptionRequired(_)
                | StoreError::DatabaseRefused { .. }
                | StoreError::BadAddress { .. }
                | StoreError::WithoutPostgres
                | StoreError::BackupElsewhere,
            ) => Kind::Configuration,
            Self::Callback(CallbackRefusal::ProviderError { .. }) => Kind::Configuration,
            Self::ReconnectRequired { .. } => Kind::Reconnect,
            Self::Token(failure) => match failure.outcome {
                Outcome::AppRefused => Kind::Configuration,
                Outcome::Dead => Kind::Reconnect,
                Outcome::NotSent | Outcome::Busy { .. } | Outcome::OutcomeUnknown { .. } => {
                    Kind::Unavailable
                }
                Outcome::Rejected => Kind::Failure,
            },
            _ if self.is_transient() => Kind::Unavailable,
            _ => Kind::Failure,
        }
    }

    /// Whether what was asked of the store may have been done all the same.
    pub fn leaves_in_doubt(&self) -> bool {
        match self {
            Self::Shared(error) => error.leaves_in_doubt(),
            Self::Store(error) => {
                matches!(
                    error,
                    StoreError::Unreachable { sent: true, .. } | StoreError::Io { .. }
                )
            }
            _ => false,
        }
    }

    /// How long to wait before the same request makes sense again, where anybody says so.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Shared(error) => error.retry_after(),
            Self::RefreshInProgress { retry_after, .. }
            | Self::RejectedLately { retry_after, .. }
            | Self::RequestUnderWay { retry_after } => Some(*retry_after),
            Self::HeldBack(held_back) => held_back.retry_after(),
            Self::Token(TokenFailure {
                outcome: Outcome::Busy { retry_after },
                ..
            }) => *retry_after,
            _ => None,
        }
    }

    /// Whether a refresh that failed like this is not to be tried again at once.
    pub(crate) fn is_worth_resting(&self) -> bool {
        matches!(self, Self::Token(_))
    }

    /// Whether the same request may succeed later without anybody changing anything.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Shared(error) => error.is_transient(),
            Self::Store(error) => error.is_transient(),
            Self::Token(failure) => failure.is_transient(),
            Self::Revoke { error } => error.is_transient(),
            Self::Call { error, .. } => error.is_transient(),
            Self::Account { error, .. } => error.is_transient(),
            Self::RefreshInProgress { .. }
            | Self::RejectedLately { .. }
            | Self::HeldBack(_)
            | Self::RequestUnderWay { .. }
            | Self::NotKnownAlive
            | Self::NotWrittenYet { .. }
            | Self::BrokeOff
            | Self::ShuttingDown => true,
            _ => false,
        }
    }
}
