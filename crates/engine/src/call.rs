//! The authenticated call.

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use http::{HeaderValue, Request, Response, StatusCode, header};
use serde_json::Value;
use tieline_core::http::{ProviderHttp, ProviderHttpError};
use tieline_core::{ProviderDescriptor, Secret};
use tieline_oauth::Edge;
use tieline_store::{Cause, Instance, Purpose};

use crate::due::is_renewable;
use crate::target::{Target, passes};
use crate::{EngineError, InstanceHandle, measure};

/// The longest answer that is read into memory: 32 MiB.
pub const LONGEST_ANSWER: usize = 32 << 20;

/// Sends requests with one access token.
pub(crate) struct ApiCaller<'a> {
    pub(crate) edge: &'a Edge,
    pub(crate) target: &'a Target,
    pub(crate) access_token: &'a Secret,
}

impl InstanceHandle {
    /// Calls the provider's API: the request's URI is a path relative to the API's base, and the access token is added.
    ///
    /// An answer of 401, or what the provider says instead, forces one refresh of the token that was used, and one
    /// replay. What can't be refreshed is asked after once, by the health check where the provider has one: if that is
    /// refused as well, a person must reconnect the account. Whatever else is answered is handed on: any status is `Ok`.
    /// The caller's own `Authorization`, cookies and hop-by-hop headers are dropped, and redirects are not followed.
    ///
    /// # Errors
    /// When a person must reconnect the account, the path leaves the API, or the provider can't be reached.
    pub async fn call(&self, request: Request<Bytes>) -> Result<Response<Bytes>, EngineError> {
        let instance = self.ready().await?;
        let response = self.call_with(&instance, &request).await?;
        let provider = self.engine.provider(&instance.provider)?;
        if !tells_dead_token(provider.descriptor(), &response) {
            return Ok(response);
        }
        if !is_renewable(provider.descriptor(), &instance) {
            self.give_up_if_dead(&instance).await?;
            return Ok(response);
        }
        tracing::info!(instance = %self.id, generation = instance.generation, "the access token is refused: refreshing");
        let instance = self.engine.refresh_if_rested(&instance).await?;
        self.call_with(&instance, &request).await
    }

    /// One call may be refused for what the account may not do; the health check is refused to the dead alone.
    async fn give_up_if_dead(&self, instance: &Instance) -> Result<(), EngineError> {
        let provider = self.engine.provider(&instance.provider)?;
        let (target, access_token) = self.call_parts(instance).await?;
        let caller = ApiCaller {
            edge: &self.engine.shared.edge,
            target: &target,
            access_token: &access_token,
        };
        match provider.account(&caller, &instance.captures).await {
            Err(error) if error.tells_dead_token(provider.descriptor()) => {
                self.engine.give_up(instance, None, Cause::Revoked).await
            }
            _ => Ok(()),
        }
    }

    async fn call_with(
        &self,
        instance: &Instance,
        request: &Request<Bytes>,
    ) -> Result<Response<Bytes>, EngineError> {
        let (target, access_token) = self.call_parts(instance).await?;
        let caller = ApiCaller {
            edge: &self.engine.shared.edge,
            target: &target,
            access_token: &access_token,
        };
        let answer = caller.send(request.clone()).await;
        let provider = self.engine.provider(&instance.provider)?;
        measure::call(provider.descriptor().id, &answer);
        answer.map_err(|error| EngineError::Call {
            provider: instance.provider.clone(),
            error,
        })
    }

    /// Where this instance's calls go, and what they carry.
    async fn call_parts(&self, instance: &Instance) -> Result<(Target, Secret), EngineError> {
        let engine = &self.engine;
        let provider = engine.provider(&instance.provider)?;
        let parameters = engine.instance_parameters(instance).await?;
        let target = Target::of(provider, &parameters, &instance.captures)?;
        let store = &engine.shared.store;
        Ok((target, store.access_token(instance, Purpose::Call).await?))
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

#[async_trait]
impl ProviderHttp for ApiCaller<'_> {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, ProviderHttpError> {
        let (parts, body) = request.into_parts();
        let path = parts.uri.path_and_query().map_or("", |path| path.as_str());
        if parts.uri.authority().is_some() {
            return Err(ProviderHttpError::permanent(
                "only paths relative to the API's base are called",
            ));
        }
        let url = self.target.url(path)?;
        let mut headers = parts.headers;
        for name in headers
            .keys()
            .filter(|name| !passes(name))
            .cloned()
            .collect::<Vec<_>>()
        {
            headers.remove(name);
        }
        let (name, value) = self
            .target
            .placement
            .header(self.access_token)
            .map_err(|unfit| ProviderHttpError::permanent(unfit.to_string()))?;
        headers.insert(name, value);
        headers
            .entry(header::ACCEPT)
            .or_insert(HeaderValue::from_static("application/json"));
        let client = self
            .edge
            .api_for(&self.target.base)
            .map_err(|refusal| ProviderHttpError::permanent(refusal.to_string()))?;
        let sent = client
            .request(parts.method, url)
            .headers(headers)
            .body(body)
            .send()
            .await;
        read(sent.map_err(|error| transport_error(&error))?).await
    }
}

/// Whether an answer says that the access token is not taken: 401, or what this provider says under a status of success.
fn tells_dead_token(descriptor: &ProviderDescriptor, response: &Response<Bytes>) -> bool {
    if response.status() == StatusCode::UNAUTHORIZED {
        return true;
    }
    let Some(masked) = descriptor.api.masked_errors else {
        return false;
    };
    response.status().is_success()
        && serde_json::from_slice(response.body())
            .is_ok_and(|body: Value| masked.tells_dead_token(&body))
}

async fn read(mut response: reqwest::Response) -> Result<Response<Bytes>, ProviderHttpError> {
    let mut body = BytesMut::new();
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|error| transport_error(&error))?
    {
        if body.len() + chunk.len() > LONGEST_ANSWER {
            return Err(ProviderHttpError::permanent(
                "the answer is longer than 32 MiB",
            ));
        }
        body.extend_from_slice(&chunk);
    }
    let (parts, _) = Response::<reqwest::Body>::from(response).into_parts();
    Ok(Response::from_parts(parts, body.freeze()))
}

/// Without the URL: its query may hold what only the caller should see.
fn transport_error(error: &reqwest::Error) -> ProviderHttpError {
    ProviderHttpError::transient(if error.is_timeout() {
        "the provider's API did not answer in time; try again"
    } else if error.is_connect() {
        "the provider's API can't be reached; check the network and the provider's status page"
    } else {
        "the connection to the provider's API broke off; whether the call took effect is unknown"
    })
}
