//! OAuth 2.0 spoken to one provider, statelessly: the authorization URL, the callback, and the steps of the back channel
//! (exchange, refresh, revocation, client credentials, device authorization).
//!
//! A reader can follow the protocol file by file: [`mod@authorization`] → [`callback`] → [`token`], and [`device`] for
//! those who consent elsewhere. A request of the back
//! channel is built by the `oauth2` crate, re-shaped as the descriptor says, sent once through the [`edge`], decoded
//! tolerantly and judged; every failure is one of a closed list of [`Outcome`]s.
//!
//! Deliberately absent: state, retries, and any notion of an instance. Types of the `oauth2` crate never leave the
//! functions that use them, since they serialise secrets.

mod adapter;
mod api_call;
pub mod authorization;
pub mod callback;
mod codes;
mod decode;
pub mod device;
pub mod edge;
pub mod egress;
pub mod endpoints;
mod error_answer;
mod failure;
mod judge;
pub mod outcome;
mod page_text;
pub mod post;
pub mod reach;
mod request;
mod retry_after;
mod signature;
#[cfg(feature = "stand-in")]
pub mod stand_in;
#[cfg(test)]
mod testing;
pub mod token;
pub mod welcome;

pub use api_call::{ApiRequest, ByteStream, CallBody, PieceStream};
pub use authorization::{
    Authorization, AuthorizationError, AuthorizationRequestOptions, authorization,
    check_redirect_uri,
};
pub use callback::{Callback, CallbackRefusal, check_callback, state_of};
pub use decode::Warning;
pub use device::{DeviceAuthorization, DeviceRefusal, Poll};
pub use edge::{Edge, EdgeError, EdgeOptions};
pub use egress::{Egress, EgressRefusal};
pub use endpoints::{Endpoint, EndpointProblem, NamedBy, api_base};
pub use ipnet::IpNet;
pub use outcome::{FailureDetails, Outcome, Reason, RevokeFailure, TokenFailure};
pub use post::{PlaceProblem, Posted};
pub use reach::{Reached, Unreached};
pub use retry_after::retry_after;
#[cfg(feature = "stand-in")]
pub use stand_in::StandIn;
pub use token::{TokenClient, TokenTypeHint, Tokens};
pub use welcome::{NoWelcome, TurnedAway};
