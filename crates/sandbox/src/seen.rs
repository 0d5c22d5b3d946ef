//! A request, read whole: where it went, and what it says.

use axum::extract::Request as HttpRequest;
use http::header::HOST;
use http::{HeaderMap, Method};
use tieline_core::Timestamp;

use crate::client_auth::Presented;
use crate::form::Form;
use crate::hosts::Site;
use crate::ledger::{Delivery, Outcome, Request, printable};
use crate::rules::BodyFormat;
use crate::script::Endpoint;
use crate::vendor::Vendor;

/// Larger bodies are answered 413 and not looked at.
const MAX_BODY: usize = 16 << 20;

/// A request, read whole.
pub(crate) struct Seen {
    pub(crate) endpoint: Endpoint,
    pub(crate) method: Method,
    pub(crate) site: Site,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    /// `None` when it is not UTF-8.
    pub(crate) query: Option<Form>,
    /// `None` when it is not UTF-8; empty when the body is not in the format that the endpoint takes.
    pub(crate) form: Option<Form>,
    pub(crate) client: Presented,
    pub(crate) body: Vec<u8>,
}

impl Seen {
    /// `None` when the body is too large or does not arrive.
    pub(crate) async fn read(vendor: &Vendor, request: HttpRequest) -> Option<Self> {
        let (parts, body) = request.into_parts();
        let body = axum::body::to_bytes(body, MAX_BODY).await.ok()?.to_vec();
        let path = parts.uri.path().to_owned();
        let endpoint = vendor.endpoint_at(&path);
        let form = match (endpoint, &vendor.rules.revocation) {
            (Endpoint::Revocation, Some(rules)) if rules.body == BodyFormat::Json => {
                Form::of_json_body(&parts.headers, &body)
            }
            _ => Form::of_body(&parts.headers, &body),
        };
        let none = Form::default();
        Some(Self {
            endpoint,
            method: parts.method,
            site: Site::read(&parts.headers, vendor),
            path,
            query: Form::parse(parts.uri.query().unwrap_or_default().as_bytes()),
            client: Presented::read(&parts.headers, form.as_ref().unwrap_or(&none)),
            form,
            headers: parts.headers,
            body,
        })
    }

    /// How it stands in the ledger.
    pub(crate) fn entry(
        &self,
        at: Timestamp,
        outcome: Outcome,
        status: Option<u16>,
        delivery: Delivery,
    ) -> Request {
        let params = [&self.query, &self.form]
            .into_iter()
            .flatten()
            .flat_map(Form::names);
        let host = self.headers.get(HOST).map(|host| host.to_str());
        let grant_type = self.form.as_ref().and_then(|form| form.get("grant_type"));
        Request {
            at,
            endpoint: self.endpoint,
            method: printable(self.method.as_str()),
            // What is no text is withheld, too.
            host: host.map_or_else(String::new, |host| printable(host.unwrap_or(" "))),
            path: self
                .path
                .split('/')
                .map(printable)
                .collect::<Vec<_>>()
                .join("/"),
            headers: self
                .headers
                .keys()
                .map(|name| printable(name.as_str()))
                .collect(),
            params: params.map(printable).collect(),
            grant_type: grant_type.map(printable),
            client_auth: self.client.style,
            body_bytes: self.body.len(),
            outcome,
            status,
            delivery,
        }
    }
}
