//! The machine that stands in for every host of the vendor: it speaks TLS in their names, hands what it hears to the
//! sandbox, and writes down both sides of every exchange.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ServerConfig, crypto::ring};
use tieline_oauth::StandIn;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::findings::Stuck;

/// Longer requests are none that a provider's setup makes.
const LONGEST: usize = 1 << 20;

/// One request and its answer, byte for byte as they were on the wire.
#[derive(Debug, Clone)]
pub(crate) struct Exchange {
    pub(crate) request: Vec<u8>,
    pub(crate) answer: Vec<u8>,
}

impl Exchange {
    /// The host that the request names.
    pub(crate) fn host(&self) -> String {
        let text = String::from_utf8_lossy(&self.request);
        let mut headers = text.split("\r\n").filter_map(|line| line.split_once(':'));
        let host = headers.find(|(name, _)| name.eq_ignore_ascii_case("host"));
        host.map_or_else(String::new, |(_, host)| host.trim().to_owned())
    }
}

/// The machine. It is gone when dropped.
pub(crate) struct Front {
    address: SocketAddr,
    authority: Vec<u8>,
    heard: Arc<Mutex<Vec<Exchange>>>,
    accepting: JoinHandle<()>,
}

impl Front {
    /// Listens on loopback, and hands everything to `sandbox`.
    pub(crate) async fn before(sandbox: SocketAddr) -> Result<Self, Stuck> {
        Self::listen(sandbox)
            .await
            .map_err(|error| format!("nothing can stand in for the vendor's hosts: {error}"))
    }

    async fn listen(sandbox: SocketAddr) -> io::Result<Self> {
        let authority = Authority::new().map_err(io::Error::other)?;
        let der = authority.issuer.der().to_vec();
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(authority));
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let heard = Arc::new(Mutex::new(Vec::new()));
        let written = Arc::clone(&heard);
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, heard) = (acceptor.clone(), Arc::clone(&written));
                tokio::spawn(async move {
                    // What breaks off on one side breaks off on the other.
                    let _ = carry(&acceptor, stream, sandbox, &heard).await;
                });
            }
        });
        Ok(Self {
            address,
            authority: der,
            heard,
            accepting,
        })
    }

    /// Where to connect to, and whom to trust there.
    pub(crate) fn stand_in(&self) -> StandIn {
        StandIn {
            address: self.address,
            authority: self.authority.clone(),
        }
    }

    /// All exchanges so far, in the order in which they ended.
    pub(crate) fn heard(&self) -> Vec<Exchange> {
        self.heard
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// One request there, one answer back: the sandbox closes after each.
async fn carry(
    acceptor: &TlsAcceptor,
    stream: TcpStream,
    sandbox: SocketAddr,
    heard: &Mutex<Vec<Exchange>>,
) -> io::Result<()> {
    let mut client = acceptor.accept(stream).await?;
    let mut request = Vec::new();
    while !is_whole(&request) && request.len() < LONGEST {
        if client.read_buf(&mut request).await? == 0 {
            return Ok(());
        }
    }
    let mut server = TcpStream::connect(sandbox).await?;
    server.write_all(&request).await?;
    let mut answer = Vec::new();
    let read = server.read_to_end(&mut answer).await;
    heard
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(Exchange {
            request,
            answer: answer.clone(),
        });
    client.write_all(&answer).await?;
    client.flush().await?;
    read?;
    client.shutdown().await
}

/// Whether these bytes are a whole request: its head, and as much body as that announces.
fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, _)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head.split("\r\n").filter_map(|line| line.split_once(':'));
    let length = length
        .filter(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .find_map(|(_, value)| value.trim().parse::<usize>().ok());
    let body = request.len().saturating_sub(head.len() + 4);
    body >= length.unwrap_or_default()
}

/// Signs a certificate for whatever name is asked for.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Result<Self, rcgen::Error> {
        let mut params = CertificateParams::new(Vec::new())?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Ok(Self {
            issuer: CertifiedIssuer::self_signed(params, KeyPair::generate()?)?,
        })
    }

    fn certify(&self, name: &str) -> Option<CertifiedKey> {
        let key = KeyPair::generate().ok()?;
        let params = CertificateParams::new(vec![name.to_owned()]).ok()?;
        let certificate = params.signed_by(&key, &self.issuer).ok()?;
        let signer =
            ring::sign::any_supported_type(&PrivateKeyDer::try_from(key.serialize_der()).ok()?);
        Some(CertifiedKey::new(
            vec![CertificateDer::from(certificate.der().to_vec())],
            signer.ok()?,
        ))
    }
}

impl ResolvesServerCert for Authority {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.certify(hello.server_name()?).map(Arc::new)
    }
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Authority")
    }
}
