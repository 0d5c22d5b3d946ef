//! The life of a connector instance: authorize → call back → exchange → store → refresh → call → leave.
//!
//! Read along the way a token takes: [`authorize`] starts the front channel, [`callback`], `exchange` and `connect` bring
//! an account in (`device` and `give` do where there is no browser), `refresh` keeps it alive (`lease` → one request →
//! `commit`, or else `settle`), [`call`] uses it (`hot` has ready what it needs, `limits` and `bulkhead` hold it back, `api`
//! sends it, `replay` sends it once more), `leave` revokes it. [`due`] says when a token needs a
//! refresh, and `upkeep` is what an engine does by itself; `webhooks` tell hosts what happened, `authenticate` says for whom
//! a host's request speaks; everything that can go wrong is an [`EngineError`].
//!
//! Deliberately absent: SQL (the store's), the shape of OAuth requests (tieline-oauth's), HTTP servers and terminals
//! (the host's).

mod account;
mod addresses;
mod api;
mod api_key_text;
mod api_keys;
mod apps;
mod authenticate;
pub mod authorize;
mod beside;
mod body;
mod breaker;
mod bulkhead;
pub mod call;
pub mod callback;
mod commit;
mod confirm;
mod connect;
mod device;
mod doctor;
pub mod due;
mod engine;
mod error;
mod error_about;
mod error_kind;
mod error_name;
mod exchange;
mod flights;
mod forget;
mod give;
mod headers;
mod heartbeat;
mod held_back;
mod hot;
mod import;
mod instance;
mod known_keys;
mod label;
mod lease;
mod leave;
mod limiter;
mod limits;
mod link;
mod lookup_hash;
mod measure;
mod once;
mod patience;
mod quota;
mod recovery;
mod refresh;
mod rejected;
mod replay;
#[cfg(feature = "failpoints")]
mod sabotage;
mod sessions;
mod settle;
mod target;
mod tasks;
mod tenants;
mod trusted;
mod try_app;
mod upkeep;
mod wait;
mod webhooks;
mod windows;

pub use api_keys::{CreatedApiKey, NewApiKey};
pub use apps::{AppChanges, Changes, NewApp};
pub use authenticate::KeyHolder;
pub use authorize::{AuthorizeOptions, BoundTo, Started};
pub use body::AnswerBody;
pub use call::{CallOptions, NotReplayed};
pub use callback::{Arrival, Browser, Received, Visitor};
pub use confirm::{Confirmed, TIME_TO_CONFIRM};
pub use device::{DevicePolled, DeviceStarted};
pub use doctor::{Area, Examination, Finding, State};
pub use engine::{Engine, EngineBuilder, OWNER};
pub use error::EngineError;
pub use error_kind::Kind;
pub use give::GiveOptions;
pub use held_back::HeldBack;
pub use import::ImportOptions;
pub use instance::{AccessToken, InstanceHandle};
pub use leave::{Disconnected, Revocation};
pub use limits::LimitUse;
pub use link::{LINK_LIFETIME, LONGEST_LINK_LIFETIME, LinkOptions, Linked, NewlyLinked};
pub use once::{ANSWERS_KEPT, KeptAnswer, Once};
pub use sessions::{NewSession, SESSION_LIFETIME};
pub use try_app::Tried;
pub use upkeep::Round;
pub use webhooks::{NewWebhook, Tested};
pub use windows::WindowUse;
// What an [`EngineError`] may hold: a host that matches on it needs no other crate.
pub use tieline_oauth::{
    ByteStream, CallBody, CallbackRefusal, DeviceRefusal, EdgeOptions, Egress, FailureDetails,
    Outcome, PlaceProblem, Reason, RevokeFailure, TokenFailure, TurnedAway, check_redirect_uri,
};
