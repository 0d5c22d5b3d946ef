//! Telling a host what happened: one POST to a place that a tenant has named.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use tieline_core::endpoint;
use tokio::time::{Instant, timeout_at};
use url::Url;

use crate::edge::Edge;
use crate::egress::EgressRefusal;
use crate::endpoints::{Endpoint, NamedBy};
use crate::reach::{Unreached, in_words};

/// The longest URL of a place, in bytes.
const LONGEST_URL: usize = 2_048;
/// As much of an answer is read, so that whoever gives it isn't cut off; none of it is kept.
const ANSWER_LIMIT: usize = 4_096;

/// Why a host can't be told at such a place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlaceProblem {
    /// It is no URL that may be one.
    #[error(
        "the URL is not an https URL of at most {LONGEST_URL} bytes without fragment, user and password; give one like \
         https://host.example/told"
    )]
    NotUrl,
    /// Plain `http`, elsewhere than at home.
    #[error(
        "the URL has http, and what is sent there could be read and changed on the way: give one with https"
    )]
    NotTls,
    /// It is at an address that must not be connected to.
    #[error(
        "{host} is at no address that a webhook may be at: only public ones may, and those that the operator opens to webhooks"
    )]
    Address {
        /// The host.
        host: String,
    },
}

/// An answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Posted {
    /// Its status. Redirects are not followed.
    pub status: StatusCode,
}

impl Edge {
    /// Whether a tenant may be told at a URL, as far as the URL tells: names are judged each time they are resolved.
    ///
    /// `https`; plain `http` only to a loopback address, where the operator opens those to webhooks.
    ///
    /// # Errors
    /// When it may not.
    pub fn place(&self, url: &str) -> Result<Endpoint, PlaceProblem> {
        let parsed = Url::parse(url).ok().filter(|parsed| {
            let is_web = matches!(parsed.scheme(), "http" | "https");
            let has_user = !parsed.username().is_empty() || parsed.password().is_some();
            is_web && parsed.has_host() && !has_user && parsed.fragment().is_none()
        });
        let url = parsed
            .filter(|parsed| parsed.as_str().len() <= LONGEST_URL)
            .ok_or(PlaceProblem::NotUrl)?;
        let stays_home = endpoint::is_loopback(&url) && self.egress().webhooks_stay_home();
        if url.scheme() == "http" && !stays_home {
            return Err(PlaceProblem::NotTls);
        }
        let endpoint = Endpoint {
            url,
            named_by: NamedBy::Tenant,
        };
        match self.egress().check(&endpoint) {
            Ok(()) => Ok(endpoint),
            Err(EgressRefusal { host }) => Err(PlaceProblem::Address { host }),
        }
    }

    /// Posts a body to a place, once. Whatever is answered is `Ok`.
    ///
    /// # Errors
    /// Says at which step it ended: address rules, name resolution, connection, TLS, or no answer in time.
    pub async fn post(
        &self,
        place: &Endpoint,
        headers: HeaderMap,
        body: Bytes,
        within: Duration,
    ) -> Result<Posted, Unreached> {
        let client = self
            .back_channel_for(place)
            .map_err(|refusal| Unreached(refusal.to_string()))?;
        let deadline = Instant::now() + within;
        let request = client.post(place.url.clone()).headers(headers).body(body);
        let mut answer = match timeout_at(deadline, request.send()).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => return Err(Unreached(in_words(&error))),
            Err(_) => {
                let seconds = within.as_secs();
                return Err(Unreached(format!("no answer within {seconds} s")));
            }
        };
        let mut read = 0;
        while read < ANSWER_LIMIT {
            match timeout_at(deadline, answer.chunk()).await {
                Ok(Ok(Some(chunk))) => read += chunk.len(),
                _ => break,
            }
        }
        Ok(Posted {
            status: answer.status(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{EdgeOptions, Egress};

    fn edge(webhooks: &[&str]) -> Edge {
        let webhooks = webhooks.iter().map(|range| range.parse().unwrap());
        let egress = Egress {
            webhooks: webhooks.collect(),
            ..Egress::default()
        };
        let options = EdgeOptions {
            egress,
            ..EdgeOptions::default()
        };
        Edge::new(options).unwrap()
    }

    #[test]
    fn a_place_is_public_and_its_way_is_sealed() {
        let closed = edge(&[]);
        for good in [
            "https://host.example/told?x=1",
            "https://1.1.1.1:8443/",
            "https://[2606:4700::1111]/",
        ] {
            assert!(closed.place(good).is_ok(), "{good}");
        }
        let long = format!("https://host.example/{}", "x".repeat(LONGEST_URL));
        for bad in [
            "",
            "/told",
            "host.example",
            "ftp://host.example/",
            "file:///etc/passwd",
            "https://user@host.example/",
            "https://user:password@host.example/",
            "https://:password@host.example/",
            "https://host.example/#fragment",
            &long,
        ] {
            assert_eq!(closed.place(bad), Err(PlaceProblem::NotUrl), "{bad}");
        }
        for bad in [
            "http://host.example/",
            "http://127.0.0.1/",
            "http://1.1.1.1/",
        ] {
            assert_eq!(closed.place(bad), Err(PlaceProblem::NotTls), "{bad}");
        }
        for bad in [
            "https://127.0.0.1/",
            "https://127.1/",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://169.254.169.254/latest/meta-data",
            "https://[::1]/",
            "https://[::ffff:10.0.0.1]/",
            "https://10.1.2.3/",
            "https://0.0.0.0/",
        ] {
            let problem = closed.place(bad).unwrap_err();
            assert!(matches!(problem, PlaceProblem::Address { .. }), "{bad}");
        }
    }

    #[test]
    fn plain_http_stays_at_home_and_only_where_that_is_open() {
        let open = edge(&["127.0.0.0/8"]);
        for good in [
            "http://127.0.0.1:8000/told",
            "http://localhost:8000/told",
            "https://127.0.0.1/",
        ] {
            assert!(open.place(good).is_ok(), "{good}");
        }
        let abroad = open.place("http://host.example/");
        assert_eq!(abroad, Err(PlaceProblem::NotTls));
        let other = open.place("http://[::1]/").unwrap_err();
        assert!(matches!(other, PlaceProblem::Address { .. }), "{other}");
        let private = edge(&["10.0.0.0/8"]);
        assert!(private.place("https://10.1.2.3/").is_ok());
        let plain = private.place("http://10.1.2.3/");
        assert_eq!(plain, Err(PlaceProblem::NotTls));
    }

    #[tokio::test]
    async fn a_name_that_leads_home_is_not_followed() {
        let closed = edge(&[]);
        let place = closed.place("https://localhost:1/").unwrap();
        let within = Duration::from_secs(10);
        let posted = closed.post(&place, HeaderMap::new(), Bytes::new(), within);
        let refused = posted.await.unwrap_err().to_string();
        assert!(refused.contains("no address that may be"), "{refused}");
    }
}
