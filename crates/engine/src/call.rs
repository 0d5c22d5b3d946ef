//! The authenticated call.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream;
use http::request::Parts;
use http::{Request, Response, StatusCode};
use serde_json::Value;
use tieline_core::clock::saturating_add;
use tieline_core::http::{ProviderHttp, ProviderHttpError};
use tieline_core::{ProviderDescriptor, Timestamp};
use tieline_oauth::{CallBody, PieceStream};
use tieline_store::{Cause, Purpose};

use crate::api::ApiCaller;
use crate::body::{Ahead, AnswerBody, read_ahead};
use crate::bulkhead::Seat;
use crate::due::is_renewable;
use crate::held_back::HeldBack;
use crate::hot::Ready;
use crate::limits::{Limited, Passed};
use crate::replay::Replayable;
use crate::target::Target;
use crate::{EngineError, InstanceHandle, measure};

/// The longest answer that is read into memory: 32 MiB. One that is handed on in pieces may be of any length.
pub const LONGEST_ANSWER: usize = 32 << 20;

/// So much of an answer of success is read ahead where the provider may tell failures there: 64 KiB. No failure is longer.
const READ_AHEAD: usize = 64 << 10;

/// Whoever was held back for so long may have lost the token meanwhile, or the account.
const LONG_WAIT: Duration = Duration::from_secs(1);

/// How a call is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallOptions {
    /// How long it may be held back before it is sent: by the provider's rate limits, by a pause that the provider asked for,
    /// or by too many calls under way. Default: 30 s.
    pub patience: Duration,
}

/// An extension of an answer that refused the access token: the token was refreshed, but the request could not be sent again,
/// since its body is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotReplayed;

impl Default for CallOptions {
    fn default() -> Self {
        Self {
            patience: Duration::from_secs(30),
        }
    }
}

impl fmt::Display for NotReplayed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "the access token was refused and has been refreshed; the body was too long to be kept: send the request again",
        )
    }
}

impl InstanceHandle {
    /// As [`call_streaming`](Self::call_streaming) with the usual options, with both bodies in memory.
    ///
    /// # Errors
    /// As there; also when the answer is longer than [`LONGEST_ANSWER`], or breaks off.
    pub async fn call(&self, request: Request<Bytes>) -> Result<Response<Bytes>, EngineError> {
        let request = request.map(CallBody::Bytes);
        let answer = self.call_streaming(request, CallOptions::default()).await?;
        let (head, body) = answer.into_parts();
        let provider = body.provider();
        let body = body.bytes().await.map_err(failed(provider))?;
        Ok(Response::from_parts(head, body))
    }

    /// Calls the provider's API: the request's URI is a path relative to the API's base, and the access token is added. Bodies
    /// pass in pieces, as they come.
    ///
    /// An answer of 401, or what the provider says instead, forces one refresh of the token that was used, and one replay. A
    /// body in pieces of which more than 64 KiB are gone can't be sent again: then the answer is handed on with the extension
    /// [`NotReplayed`]. What can't be refreshed is asked after once, by the health check where the provider has one: if that is
    /// refused as well, a person must reconnect the account. Whatever else is answered is handed on: any status is `Ok`.
    ///
    /// The call is held back while the provider's rate limits have no room for it, while the provider has asked for a pause
    /// (429 or 503 with `Retry-After`), and while too many calls to it are under way.
    ///
    /// The caller's own `Authorization`, cookies and hop-by-hop headers are dropped, and redirects are not followed.
    ///
    /// # Errors
    /// When a person must reconnect the account, the path leaves the API, the provider can't be reached, or the call could not
    /// be sent within its patience.
    pub async fn call_streaming(
        &self,
        request: Request<CallBody>,
        options: CallOptions,
    ) -> Result<Response<AnswerBody>, EngineError> {
        let clock = &self.engine.shared.clock;
        let deadline = saturating_add(clock.now(), options.patience);
        let (head, body) = request.into_parts();
        let body = Replayable::of(body);
        let ready = self.ready(Purpose::Call).await?;
        let heard = self.attempt(ready, &head, body.first(), deadline).await?;
        if !heard.tells_dead_token {
            return Ok(heard.answer);
        }
        let Heard {
            mut answer, ready, ..
        } = heard;
        let instance = &ready.instance;
        let descriptor = self.engine.provider(&instance.provider)?.descriptor();
        if !is_renewable(descriptor, instance) {
            self.give_up_if_dead(&ready).await?;
            return Ok(answer);
        }
        tracing::info!(instance = %self.id, generation = instance.generation, "the access token is refused: refreshing");
        let Some(body) = body.again() else {
            self.engine.refresh_if_rested(instance).await?;
            tracing::warn!(instance = %self.id, "{NotReplayed}");
            answer.extensions_mut().insert(NotReplayed);
            return Ok(answer);
        };
        // What it holds is for the replay.
        drop(answer);
        let ready = self.refreshed(&ready, Purpose::Call).await?;
        Ok(self.attempt(ready, &head, body, deadline).await?.answer)
    }

    /// One request, as soon as there is room for it.
    async fn attempt(
        &self,
        mut ready: Arc<Ready>,
        head: &Parts,
        body: CallBody,
        deadline: Timestamp,
    ) -> Result<Heard, EngineError> {
        let shared = &self.engine.shared;
        let provider = self.engine.provider(&ready.instance.provider)?;
        let descriptor = provider.descriptor();
        let mut target = ready.target(&self.engine).await?;
        // What can't be sent need not wait.
        target.url_of(&head.uri).map_err(failed(descriptor.id))?;
        let begun = shared.clock.now();
        let limited = shared
            .limits
            .of(descriptor, &ready.instance, head.uri.path(), begun);
        let (mut passed, seat) = self.admitted(&limited, &ready, &target, deadline).await?;
        if shared.clock.now() >= saturating_add(begun, LONG_WAIT) {
            ready = self.ready(Purpose::Call).await?;
            target = ready.target(&self.engine).await?;
        }
        let caller = ApiCaller {
            edge: &shared.edge,
            target: &target,
            access_token: &ready.access_token,
        };
        passed.go();
        let answer = caller.stream(head, body).await;
        drop(passed);
        measure::call(descriptor.id, &answer);
        let answer = answer.map_err(failed(descriptor.id))?;
        limited.hear(answer.status(), answer.headers(), shared.clock.now());
        let (answer, tells_dead_token) = judged(descriptor, answer)
            .await
            .map_err(failed(descriptor.id))?;
        Ok(Heard {
            answer: answer.map(|pieces| AnswerBody::new(pieces, seat, descriptor.id)),
            tells_dead_token,
            ready,
        })
    }

    /// Waits until the call may be sent: until the rate limits have room for it, and one of the seats is free.
    async fn admitted(
        &self,
        limited: &Limited,
        ready: &Ready,
        target: &Target,
        deadline: Timestamp,
    ) -> Result<(Passed, Seat), EngineError> {
        let shared = &self.engine.shared;
        let (app, provider) = (ready.instance.app, &ready.instance.provider);
        let (clock, origin) = (&*shared.clock, target.base.url.origin());
        loop {
            let passed = limited.pass(clock, deadline).await;
            let passed = passed.map_err(|full| self.engine.over_limit(provider, full))?;
            if let Some(seat) = shared.bulkheads.try_enter(app, &origin) {
                return Ok((passed, seat));
            }
            // What waits for a seat takes no room of those who have one.
            drop(passed);
            let seat = shared.bulkheads.enter(app, &origin, clock, deadline).await;
            let seat = seat.ok_or_else(|| HeldBack::TooManyCalls {
                provider: provider.clone(),
                most: shared.bulkheads.at_once(),
            })?;
            if let Ok(passed) = limited.try_pass(clock.now()) {
                return Ok((passed, seat));
            }
        }
    }

    /// One call may be refused for what the account may not do; the health check is refused to the dead alone.
    async fn give_up_if_dead(&self, ready: &Ready) -> Result<(), EngineError> {
        let instance = &ready.instance;
        let provider = self.engine.provider(&instance.provider)?;
        let caller = ApiCaller {
            edge: &self.engine.shared.edge,
            target: &*ready.target(&self.engine).await?,
            access_token: &ready.access_token,
        };
        match provider.account(&caller, &instance.captures).await {
            Err(error) if error.tells_dead_token(provider.descriptor()) => {
                self.engine.give_up(instance, None, Cause::Revoked).await
            }
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl ProviderHttp for InstanceHandle {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, ProviderHttpError> {
        self.call(request).await.map_err(|error| match error {
            EngineError::Call { error, .. } => error,
            error if error.is_transient() => ProviderHttpError::transient(error.to_string()),
            error => ProviderHttpError::permanent(error.to_string()),
        })
    }
}

/// An answer, and what it was asked for with.
struct Heard {
    answer: Response<AnswerBody>,
    tells_dead_token: bool,
    ready: Arc<Ready>,
}

fn failed(provider: &str) -> impl Fn(ProviderHttpError) -> EngineError {
    let provider = provider.to_owned();
    move |error| EngineError::Call {
        provider: provider.clone(),
        error,
    }
}

/// Whether an answer says that the access token is not taken: 401, or what this provider says under a status of success. Only
/// for that its body is read ahead.
async fn judged(
    descriptor: &ProviderDescriptor,
    answer: Response<PieceStream>,
) -> Result<(Response<PieceStream>, bool), ProviderHttpError> {
    let status = answer.status();
    let masked = match descriptor.api.masked_errors {
        Some(masked) if status.is_success() => masked,
        _ => return Ok((answer, status == StatusCode::UNAUTHORIZED)),
    };
    let (head, pieces) = answer.into_parts();
    let (pieces, is_dead): (PieceStream, bool) = match read_ahead(pieces, READ_AHEAD).await? {
        Ahead::More(pieces) => (pieces, false),
        Ahead::Whole(body) => {
            let is_dead = serde_json::from_slice(&body)
                .is_ok_and(|body: Value| masked.tells_dead_token(&body));
            let whole = stream::iter((!body.is_empty()).then_some(Ok(body)));
            (Box::pin(whole), is_dead)
        }
    };
    Ok((Response::from_parts(head, pieces), is_dead))
}
