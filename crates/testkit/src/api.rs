//! Authenticated calls, as a provider's health check makes them.

use std::sync::Mutex;

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use http::header::{ACCEPT, HeaderValue};
use tieline_core::http::{ProviderHttp, ProviderHttpError};
use tieline_core::prelude::async_trait;
use tieline_core::{ProviderDescriptor, Secret};
use tieline_oauth::{ApiRequest, Edge, Endpoint};

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
        let mut headers = parts.headers;
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(name, value);
        let request = ApiRequest {
            method: parts.method,
            url: url.parse().map_err(|error| permanent(&error))?,
            headers,
            body: body.into(),
        };
        let (head, pieces) = self.edge.call(&self.base, request).await?.into_parts();
        let pieces: Vec<Bytes> = pieces.try_collect().await?;
        let response = http::Response::from_parts(head, Bytes::from(pieces.concat()));
        if let Ok(mut last) = self.last.lock() {
            *last = Some(response.clone());
        }
        Ok(response)
    }
}
