//! TLS: trusted as the operating system trusts, and nothing is sent to anyone else.

use std::net::SocketAddr;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tieline_sandbox::Sandbox;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::home::{Home, INFUSIONSOFT};

/// TLS in front of the sandbox, with a certificate of an authority that only this test knows.
struct Front {
    address: SocketAddr,
    authority: String,
}

impl Front {
    async fn of(sandbox: &Sandbox) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec!["localhost".to_owned()])
            .unwrap()
            .signed_by(&key, &authority)
            .unwrap();
        let config =
            ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_no_client_auth()
                .with_single_cert(
                    vec![certificate.der().clone()],
                    PrivateKeyDer::Pkcs8(key.serialize_der().into()),
                )
                .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let behind = sandbox
            .base_url()
            .strip_prefix("http://")
            .unwrap()
            .to_owned();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (acceptor, behind) = (acceptor.clone(), behind.clone());
                tokio::spawn(async move {
                    // A client that does not trust us hangs up here.
                    if let Ok(mut client) = acceptor.accept(client).await {
                        let mut server = TcpStream::connect(behind).await.unwrap();
                        let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
                    }
                });
            }
        });
        Self {
            address,
            authority: authority.pem(),
        }
    }
}

/// The vendor, reached under whatever name the certificate has.
fn at_any_host() -> String {
    let mut rules: serde_json::Value = serde_json::from_str(INFUSIONSOFT).unwrap();
    for part in ["authorization", "token", "api"] {
        rules[part].as_object_mut().unwrap().remove("host");
    }
    rules.to_string()
}

#[tokio::test]
async fn a_trusted_server_is_talked_to_and_another_one_is_sent_nothing() {
    let (mut home, sandbox) = Home::with_sandbox_of(&at_any_host()).await;
    let front = Front::of(&sandbox).await;
    for (name, path) in [("OAUTH_TOKEN_URL", "/token"), ("BASE_URL", "/crm/rest")] {
        home.set(
            &format!("INFUSIONSOFT_{name}"),
            &format!("https://localhost:{}{path}", front.address.port()),
        );
    }

    let refused = home
        .connect(&[], async |url| sandbox.consent(&url).await.unwrap())
        .await;
    assert_eq!(refused.code, 5, "{refused:?}");
    assert_eq!(sandbox.ledger().token_requests("authorization_code"), 0);

    let authority = home.path().join("authority.pem");
    std::fs::write(&authority, &front.authority).unwrap();
    home.set("SSL_CERT_FILE", authority.to_str().unwrap());
    let id = home.connected(&sandbox).await;
    home.run(&["instances", "check", &id]).await.ok();
    assert_eq!(sandbox.ledger().exchanges(), 1);
}
