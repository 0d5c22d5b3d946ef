//! One request to a provider's API, with an access token: the one home of what calls carry.

use async_trait::async_trait;
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_LENGTH};
use http::request::Parts;
use http::{HeaderValue, Request, Response};
use tieline_core::Secret;
use tieline_core::http::{ProviderHttp, ProviderHttpError};
use tieline_oauth::{ApiRequest, CallBody, Edge, PieceStream};

use crate::body::gather;
use crate::headers::{announced_length, passed_on};
use crate::target::Target;

/// Sends requests with one access token.
pub(crate) struct ApiCaller<'a> {
    pub(crate) edge: &'a Edge,
    pub(crate) target: &'a Target,
    pub(crate) access_token: &'a Secret,
}

impl ApiCaller<'_> {
    /// Sends a request whose URI is a path relative to the API's base.
    pub(crate) async fn stream(
        &self,
        head: &Parts,
        body: CallBody,
    ) -> Result<Response<PieceStream>, ProviderHttpError> {
        let url = self.target.url_of(&head.uri)?;
        let mut headers = passed_on(&head.headers);
        if let CallBody::Stream(_) = body
            && let Some(length) = announced_length(&head.headers)
        {
            // The connection is cut where fewer come, and no more than these are sent.
            headers.insert(CONTENT_LENGTH, length.into());
        }
        let (name, value) = self
            .target
            .placement
            .header(self.access_token)
            .map_err(|unfit| ProviderHttpError::permanent(unfit.to_string()))?;
        headers.insert(name, value);
        headers
            .entry(ACCEPT)
            .or_insert(HeaderValue::from_static("application/json"));
        let method = head.method.clone();
        let request = ApiRequest {
            method,
            url,
            headers,
            body,
        };
        self.edge.call(&self.target.base, request).await
    }
}

#[async_trait]
impl ProviderHttp for ApiCaller<'_> {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, ProviderHttpError> {
        let (head, body) = request.into_parts();
        let (head, pieces) = self.stream(&head, body.into()).await?.into_parts();
        Ok(Response::from_parts(head, gather(pieces).await?))
    }
}
