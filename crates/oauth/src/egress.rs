//! Which addresses may be connected to: public ones; for endpoints that the operator names, loopback and configured ranges;
//! and for webhooks, which tenants name, the ranges that the operator opens to them.

use std::error::Error;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use ipnet::IpNet;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::Host;

use crate::endpoints::{Endpoint, NamedBy};

/// Which non-public addresses may be connected to.
#[derive(Debug, Clone, Default)]
pub struct Egress {
    /// For endpoints that the operator names, beside loopback: further ranges, such as `10.1.0.0/16`. Default: none.
    pub allow: Vec<IpNet>,
    /// For webhooks: ranges, such as `127.0.0.0/8` where the host is on the same machine. Every tenant may then have what it is
    /// told sent there. Default: none.
    pub webhooks: Vec<IpNet>,
}

/// A host at addresses that must not be connected to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{host} is at no address that may be connected to: only public ones may, unless the operator names the endpoint"
)]
pub struct EgressRefusal {
    /// The host.
    pub host: String,
}

impl EgressRefusal {
    /// The refusal that is behind an error of an HTTP client, if one is.
    pub(crate) fn behind<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e Self> {
        let mut source = Some(error);
        while let Some(inner) = source {
            if let Some(refusal) = inner.downcast_ref::<Self>() {
                return Some(refusal);
            }
            source = inner.source();
        }
        None
    }
}

impl Egress {
    /// Whether an endpoint may be connected to as far as its URL tells. Names are judged when they are resolved.
    ///
    /// # Errors
    /// When its host is an address that may not be connected to.
    pub fn check(&self, endpoint: &Endpoint) -> Result<(), EgressRefusal> {
        let address = match endpoint.url.host() {
            Some(Host::Ipv4(address)) => IpAddr::V4(address),
            Some(Host::Ipv6(address)) => IpAddr::V6(address),
            Some(Host::Domain(_)) => return Ok(()),
            None => {
                return Err(EgressRefusal {
                    host: String::new(),
                });
            }
        };
        if self.permits(address, endpoint.named_by) {
            Ok(())
        } else {
            Err(EgressRefusal {
                host: address.to_string(),
            })
        }
    }

    fn permits(&self, address: IpAddr, named_by: NamedBy) -> bool {
        let address = address.to_canonical();
        let within = |ranges: &[IpNet]| ranges.iter().any(|range| range.contains(&address));
        is_public(address)
            || match named_by {
                NamedBy::Anyone => false,
                NamedBy::Operator => address.is_loopback() || within(&self.allow),
                NamedBy::Tenant => within(&self.webhooks),
            }
    }

    /// Whether any webhook may be at a loopback address.
    pub(crate) fn webhooks_stay_home(&self) -> bool {
        let loopback = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
        loopback
            .iter()
            .any(|address| self.permits(*address, NamedBy::Tenant))
    }
}

/// Resolves names with the system's resolver and keeps the addresses that may be connected to. What is connected to is
/// what was checked.
#[derive(Clone)]
pub(crate) struct CheckedResolver {
    pub(crate) egress: Arc<Egress>,
    pub(crate) named_by: NamedBy,
}

impl Resolve for CheckedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let resolver = self.clone();
        Box::pin(async move {
            let host = name.as_str();
            let found = tokio::net::lookup_host((host, 0)).await?;
            let checked: Vec<SocketAddr> = found
                .filter(|address| resolver.egress.permits(address.ip(), resolver.named_by))
                .collect();
            if checked.is_empty() {
                return Err(EgressRefusal {
                    host: host.to_owned(),
                }
                .into());
            }
            Ok(Box::new(checked.into_iter()) as Addrs)
        })
    }
}

/// Whether an address is meant for the public internet, after IANA's special-purpose address registries.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || a == 0
        || (a == 100 && (b & 0xC0) == 64)
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (b & 0xFE) == 18)
        || a >= 224)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    match address.segments() {
        // NAT64 (RFC 6052): what counts is the address behind it.
        [0x64, 0xFF9B, 0, 0, 0, 0, high, low] => is_public_v4(Ipv4Addr::from_bits(
            (u32::from(high) << 16) | u32::from(low),
        )),
        // Protocol assignments, documentation, 6to4.
        [0x2001, second, ..] if second < 0x200 || second == 0xDB8 => false,
        [0x2002, ..] => false,
        [0x3FFF, second, ..] if second < 0x1000 => false,
        [first, ..] => (first & 0xE000) == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use url::Url;

    fn endpoint(url: &str, named_by: NamedBy) -> Endpoint {
        Endpoint {
            url: Url::parse(url).unwrap(),
            named_by,
        }
    }

    #[test]
    fn special_addresses_are_not_public() {
        let special = [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "172.31.0.1",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.19.0.1",
            "198.51.100.1",
            "203.0.113.9",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
            "5f00::1",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ];
        for text in special {
            assert!(
                !Egress::default().permits(text.parse().unwrap(), NamedBy::Anyone),
                "{text}"
            );
        }
        for text in [
            "1.1.1.1",
            "100.128.0.1",
            "172.32.0.1",
            "198.20.0.1",
            "2606:4700::1111",
            "64:ff9b::101:101",
            "::ffff:1.1.1.1",
        ] {
            assert!(
                Egress::default().permits(text.parse().unwrap(), NamedBy::Anyone),
                "{text}"
            );
        }
    }

    #[test]
    fn only_the_operator_may_name_loopback_and_configured_ranges() {
        let egress = Egress {
            allow: vec!["10.1.0.0/16".parse().unwrap()],
            ..Egress::default()
        };
        for (url, operator) in [
            ("https://127.0.0.1/", true),
            ("https://[::1]/", true),
            ("https://[::ffff:127.0.0.1]/", true),
            ("https://10.1.2.3/", true),
            ("https://10.2.2.3/", false),
            ("https://169.254.169.254/", false),
            ("https://2130706433/", true),
        ] {
            assert_eq!(
                egress.check(&endpoint(url, NamedBy::Operator)).is_ok(),
                operator,
                "{url}"
            );
            assert!(
                egress.check(&endpoint(url, NamedBy::Anyone)).is_err(),
                "{url}"
            );
        }
        assert!(
            egress
                .check(&endpoint("https://1.1.1.1/", NamedBy::Anyone))
                .is_ok()
        );
    }

    #[test]
    fn webhooks_have_ranges_of_their_own() {
        let opened = Egress {
            allow: vec!["10.1.0.0/16".parse().unwrap()],
            webhooks: vec!["10.2.0.0/16".parse().unwrap()],
        };
        assert!(!opened.webhooks_stay_home());
        for (url, closed_too, permitted) in [
            ("https://1.1.1.1/", true, true),
            ("https://10.2.2.3/", false, true),
            ("https://10.1.2.3/", false, false),
            ("https://127.0.0.1/", false, false),
            ("https://[::1]/", false, false),
            ("https://[::ffff:127.0.0.1]/", false, false),
            ("https://169.254.169.254/", false, false),
        ] {
            let endpoint = endpoint(url, NamedBy::Tenant);
            assert_eq!(opened.check(&endpoint).is_ok(), permitted, "{url}");
            let closed = Egress::default();
            assert_eq!(closed.check(&endpoint).is_ok(), closed_too, "{url}");
        }
    }

    #[tokio::test]
    async fn names_are_judged_by_what_they_resolve_to() {
        let resolve = |named_by| {
            let resolver = CheckedResolver {
                egress: Arc::default(),
                named_by,
            };
            async move {
                resolver
                    .resolve("localhost".parse().unwrap())
                    .await
                    .map(Iterator::count)
            }
        };
        assert!(resolve(NamedBy::Operator).await.unwrap() > 0);
        for named_by in [NamedBy::Anyone, NamedBy::Tenant] {
            let refused = resolve(named_by).await.unwrap_err();
            assert!(
                refused.downcast_ref::<EgressRefusal>().is_some(),
                "{refused}"
            );
        }
    }
}
