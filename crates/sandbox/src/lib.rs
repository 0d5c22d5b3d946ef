//! An authorization server and a small REST API on loopback, with a ledger of what really happened and a script per request.
//!
//! It is the other side of every test: it plays a provider from a file of that provider's facts
//! ([`VendorRules`]), strictly, and knows nothing of any client. Its [`Ledger`] says what the server
//! committed, also when the answer was lost on the way, which a client can never know by itself.
//!
//! A vendor's hosts are names only: a request goes to the sandbox's own address, where everything is, and may name
//! one of them as its host; then it finds there what the vendor has there.
//!
//! It speaks HTTP/1.1 without TLS, one request to a connection, and listens where it is told to: never expose it.

mod api;
mod authorize;
mod browser;
mod callback;
mod client_auth;
mod credential;
mod device;
mod form;
mod grants;
mod hosts;
mod in_flight;
mod ledger;
mod limits;
mod page;
mod pkce;
mod reply;
mod revoke;
mod rules;
mod sandbox;
mod scopes;
mod script;
mod seen;
mod server;
mod template;
mod token;
mod vendor;
mod wire;

pub use browser::ConsentError;
pub use client_auth::ClientAuth;
pub use ledger::{Delivery, Ledger, Outcome, Request};
pub use rules::{RulesError, VendorRules};
pub use sandbox::Sandbox;
pub use script::{Act, Endpoint, Gate};
