//! The HTTP edge: one place where sockets are opened, with limits on time, size and addresses, and nothing re-sent.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode};
use reqwest::Client;
use reqwest::dns::Resolve;
use rustls::ClientConfig;
use rustls_platform_verifier::BuilderVerifierExt as _;
use tieline_core::failpoint;
use tokio::time::{Instant, timeout_at};

use crate::egress::{CheckedResolver, Egress, EgressRefusal};
use crate::endpoints::{Endpoint, NamedBy};

/// How long connecting may take, name resolution and TLS included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The longest answer of a token endpoint that is read, in bytes.
const BODY_LIMIT: usize = 1 << 20;
/// The most headers an answer may have.
const HEADER_LIMIT: usize = 100;

/// The one protocol that is spoken (RFC 7301 section 6).
pub(crate) const HTTP_1_1: &[u8] = b"http/1.1";

/// Sends requests. Cheap to clone.
#[derive(Clone)]
pub struct Edge {
    shared: Arc<Shared>,
}

struct Shared {
    options: EdgeOptions,
    token: Clients,
    api: Clients,
}

/// A client for each kind of word that may name an endpoint: they differ in which addresses a name may resolve to.
struct Clients {
    anyone: Client,
    operator: Client,
    tenant: Client,
}

/// The limits of an edge.
#[derive(Debug, Clone)]
pub struct EdgeOptions {
    /// Which non-public addresses may be connected to.
    pub egress: Egress,
    /// How long one request of the back channel may take, from the first byte of name resolution to the last byte of
    /// the answer; for calls, how long the other side may be silent. Default: 30 s.
    pub deadline: Duration,
}

/// The edge can't be built: the system's CA certificates can't be read, or no HTTP client with the TLS made of them.
#[derive(Debug, thiserror::Error)]
#[error(
    "can't set up TLS: {0}; install the system's CA certificates (the package ca-certificates)"
)]
pub struct EdgeError(#[source] pub(crate) Box<dyn Error + Send + Sync>);

/// An answer of a token endpoint.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// As much as was read.
    pub(crate) body: Bytes,
    /// Why the body is not the whole of it.
    pub(crate) cut: Option<&'static str>,
}

/// Why no answer came.
#[derive(Debug)]
pub(crate) enum SendError {
    /// Not a byte of the request was sent, and none will be to this address.
    Refused(EgressRefusal),
    /// Not a byte of the request was sent; says what failed.
    NotSent(&'static str),
    /// Some or all of it may have been sent; says what failed.
    Unknown(&'static str),
}

impl Default for EdgeOptions {
    fn default() -> Self {
        Self {
            egress: Egress::default(),
            deadline: Duration::from_secs(30),
        }
    }
}

impl Edge {
    /// An edge with these limits.
    ///
    /// # Errors
    /// When TLS can't be set up, as on a machine without CA certificates.
    pub fn new(options: EdgeOptions) -> Result<Self, EdgeError> {
        let tls = tls().map_err(|error| EdgeError(error.into()))?;
        let egress = Arc::new(options.egress.clone());
        Self::build(options, &tls, &|named_by| CheckedResolver {
            egress: egress.clone(),
            named_by,
        })
    }

    /// An edge with its own TLS and its own way to find hosts.
    pub(crate) fn build<R: Resolve + 'static>(
        options: EdgeOptions,
        tls: &ClientConfig,
        resolver: &dyn Fn(NamedBy) -> R,
    ) -> Result<Self, EdgeError> {
        let token = Clients::build(resolver, tls, |builder| {
            // An idle connection may be closed under a request that is just being written, and both reqwest and hyper
            // would send it again on another.
            builder
                .pool_max_idle_per_host(0)
                .http1_max_headers(HEADER_LIMIT)
        })?;
        // How long the other side may be silent is measured by `call`, which knows what is still being sent.
        let api = Clients::build(resolver, tls, |builder| builder)?;
        Ok(Self {
            shared: Arc::new(Shared {
                options,
                token,
                api,
            }),
        })
    }

    /// How long the other side of a call may be silent.
    pub(crate) fn longest_silence(&self) -> Duration {
        self.shared.options.deadline
    }

    /// The client for authenticated calls below `base`: no redirects, retries, proxies or cookies; names resolve to
    /// public addresses only, unless the operator named the base.
    ///
    /// # Errors
    /// When the host is an address that may not be connected to.
    pub(crate) fn api_for(&self, base: &Endpoint) -> Result<&Client, EgressRefusal> {
        self.shared.options.egress.check(base)?;
        Ok(self.shared.api.named_by(base.named_by))
    }

    /// The client for what goes to an endpoint of the back channel, as [`api_for`](Self::api_for) has it.
    pub(crate) fn back_channel_for(&self, endpoint: &Endpoint) -> Result<&Client, EgressRefusal> {
        self.shared.options.egress.check(endpoint)?;
        Ok(self.shared.token.named_by(endpoint.named_by))
    }

    pub(crate) fn egress(&self) -> &Egress {
        &self.shared.options.egress
    }

    /// Sends one request of the back channel, once.
    ///
    /// The error types of reqwest hold URLs, and a URL may hold secrets: none of them leaves this function.
    pub(crate) async fn send(
        &self,
        endpoint: &Endpoint,
        request: http::Request<Bytes>,
    ) -> Result<Answer, SendError> {
        let client = self
            .back_channel_for(endpoint)
            .map_err(SendError::Refused)?;
        let request = reqwest::Request::try_from(request)
            .map_err(|_| SendError::NotSent("the request is malformed"))?;
        let deadline = Instant::now() + self.shared.options.deadline;
        match timeout_at(deadline, client.execute(request)).await {
            Ok(Ok(response)) => {
                failpoint::hit("after-send");
                Ok(read(response, deadline).await)
            }
            Ok(Err(error)) => Err(SendError::of(&error)),
            Err(_) => Err(SendError::Unknown("no answer within the deadline")),
        }
    }
}

/// Reads the body up to the limit. Dropping a response that is not read to its end drops its connection.
async fn read(mut response: reqwest::Response, deadline: Instant) -> Answer {
    let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
    let mut body = BytesMut::new();
    let cut = loop {
        match timeout_at(deadline, response.chunk()).await {
            Ok(Ok(Some(chunk))) => {
                let room = BODY_LIMIT - body.len();
                body.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
                if chunk.len() > room {
                    break Some("the answer is longer than 1 MiB");
                }
            }
            Ok(Ok(None)) => break None,
            Ok(Err(_)) => break Some("the answer was cut short"),
            Err(_) => break Some("no whole answer within the deadline"),
        }
    };
    Answer {
        status,
        headers,
        body: body.freeze(),
        cut,
    }
}

impl SendError {
    fn of(error: &reqwest::Error) -> Self {
        if let Some(refusal) = EgressRefusal::behind(error) {
            return Self::Refused(refusal.clone());
        }
        match error {
            error if error.is_dns() => Self::NotSent("the host's name can't be resolved"),
            error if error.is_connect() && error.is_timeout() => {
                Self::NotSent("connecting took too long")
            }
            error if error.is_connect() => {
                Self::NotSent("the connection was refused, or TLS failed")
            }
            error if error.is_builder() => Self::NotSent("the request is malformed"),
            _ => Self::Unknown("the connection broke before an answer came"),
        }
    }
}

/// TLS as the operating system trusts it. Read once for all clients, and given to them rather than installed for the
/// whole process, which is the host's to decide.
fn tls() -> Result<ClientConfig, rustls::Error> {
    let cryptography = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(cryptography)
        .with_safe_default_protocol_versions()?
        .with_platform_verifier()?
        .with_no_client_auth();
    config.alpn_protocols = vec![HTTP_1_1.to_vec()];
    Ok(config)
}

impl Clients {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one home of HTTP clients"
    )]
    fn build<R: Resolve + 'static>(
        resolver: &dyn Fn(NamedBy) -> R,
        tls: &ClientConfig,
        amend: impl Fn(reqwest::ClientBuilder) -> reqwest::ClientBuilder,
    ) -> Result<Self, EdgeError> {
        let build = |named_by| {
            let builder = Client::builder()
                .user_agent(concat!("tieline/", env!("CARGO_PKG_VERSION")))
                .redirect(reqwest::redirect::Policy::none())
                .referer(false)
                .retry(reqwest::retry::never())
                .no_proxy()
                .http1_only()
                .tls_backend_preconfigured(tls.clone())
                .connect_timeout(CONNECT_TIMEOUT)
                .dns_resolver(resolver(named_by));
            amend(builder)
                .build()
                .map_err(|error| EdgeError(error.into()))
        };
        Ok(Self {
            anyone: build(NamedBy::Anyone)?,
            operator: build(NamedBy::Operator)?,
            tenant: build(NamedBy::Tenant)?,
        })
    }

    fn named_by(&self, named_by: NamedBy) -> &Client {
        match named_by {
            NamedBy::Anyone => &self.anyone,
            NamedBy::Operator => &self.operator,
            NamedBy::Tenant => &self.tenant,
        }
    }
}

impl fmt::Debug for Edge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Edge")
            .field("options", &self.shared.options)
            .finish_non_exhaustive()
    }
}
