//! A machine that stands in for every host there is, so that a provider can be examined under its own URLs.
//!
//! Nothing is switched off: TLS is verified, against the one certificate authority that the stand-in's own is of. Only
//! where names lead is different. For conformance tests; a host program has no use for it.

use std::net::SocketAddr;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};

use crate::edge::{Edge, EdgeError, EdgeOptions, HTTP_1_1};

/// Where every name leads, and whom to trust there.
#[derive(Debug, Clone)]
pub struct StandIn {
    /// The machine.
    pub address: SocketAddr,
    /// The certificate authority of its certificates, in DER.
    pub authority: Vec<u8>,
}

impl Edge {
    /// An edge whose connections all lead to one machine.
    ///
    /// # Errors
    /// When the authority is no certificate, or the HTTP clients can't be built.
    pub fn standing_in(options: EdgeOptions, stand_in: &StandIn) -> Result<Self, EdgeError> {
        let tls = trusting(&stand_in.authority).map_err(|error| EdgeError(error.into()))?;
        let address = stand_in.address;
        Self::build(options, &tls, &|_| OneAddress(address))
    }
}

fn trusting(authority: &[u8]) -> Result<ClientConfig, rustls::Error> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(authority.to_vec()))?;
    let cryptography = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(cryptography)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![HTTP_1_1.to_vec()];
    Ok(config)
}

/// Every name is at this address, whatever port the URL says.
#[derive(Clone, Copy)]
struct OneAddress(SocketAddr);

impl Resolve for OneAddress {
    fn resolve(&self, _name: Name) -> Resolving {
        let address = self.0;
        Box::pin(async move { Ok(Box::new(std::iter::once(address)) as Addrs) })
    }
}
