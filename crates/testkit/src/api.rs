//! Authenticated calls, as a provider's health check makes them.

use std::sync::Mutex;

use bytes::Bytes;
use tieline_core::http::{ProviderHttp, ProviderHttpError};
use tieline_core::prelude::async_trait;
use tieline_core::{ProviderDescriptor, Secret};
use tieline_oauth::{Edge, Endpoint};

/// Calls below the API's base with one access token.
pub(crate) struct Api<'a> {
    pub(crate) descriptor: &'static ProviderDescriptor,
    pub(crate) edge: &'a Edge,
    pub(crate) base: Endpoint,
    pub(crate) access_token: &'a Secret,
    /// The answer of the last call.
    pub(crate) last: Mutex<Option<http::Response<Bytes>>>,
}

#[async_trait]
impl ProviderHttp for Api<'_> {
    async fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Bytes>, ProviderHttpError> {
        let permanent =
            |what: &dyn std::fmt::Display| ProviderHttpError::permanent(what.to_string());
        let client = self
            .edge
            .api_for(&self.base)
            .map_err(|error| permanent(&error))?;
        let (parts, body) = request.into_parts();
        let url = format!(
            "{}{}",
            self.base.url.as_str().trim_end_matches('/'),
            parts.uri
        );
        let placement = self.descriptor.api.token_placement;
        let (name, value) = placement
            .header(self.access_token)
            .map_err(|unfit| permanent(&unfit))?;
        let request = client
            .request(parts.method, url)
            .headers(parts.headers)
            .header(http::header::ACCEPT, "application/json")
            .header(name, value)
            .body(body);
        let answer = request
            .send()
            .await
            .map_err(|error| permanent(&error.without_url()))?;
        let mut response = http::Response::new(Bytes::new());
        *response.status_mut() = answer.status();
        *response.headers_mut() = answer.headers().clone();
        *response.body_mut() = answer
            .bytes()
            .await
            .map_err(|error| permanent(&error.without_url()))?;
        if let Ok(mut last) = self.last.lock() {
            *last = Some(response.clone());
        }
        Ok(response)
    }
}
