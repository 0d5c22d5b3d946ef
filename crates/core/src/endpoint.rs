//! Which URLs may stand where a provider's endpoints stand.

use url::{Host, Url};

/// Whether `text` is an absolute `https` URL without fragment, user and password; plain `http` only to a loopback
/// address. Whether an address may be *connected to* is decided anew when it is resolved.
pub fn is_endpoint(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| {
        url.has_host()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none()
            && (url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url)))
    })
}

/// Whether the URL's host is this machine: `localhost`, or a loopback address.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn https_anywhere_and_http_only_at_home() {
        for good in [
            "https://acme.example/cb?x=1",
            "http://127.0.0.1:8917/callback",
            "http://[::1]/",
            "http://localhost:1/",
        ] {
            assert!(is_endpoint(good), "{good}");
        }
        for bad in [
            "http://acme.example/",
            "https://a@acme.example/",
            "https://acme.example/#x",
            "/callback",
            "ftp://localhost/",
            "",
            "http://localhost.evil.example/",
        ] {
            assert!(!is_endpoint(bad), "{bad}");
        }
    }
}
