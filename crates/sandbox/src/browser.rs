//! Plays the user's browser: opens an authorization URL over HTTP and submits the consent form.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use url::Url;

/// Why no callback came of an authorization URL.
#[derive(Debug, thiserror::Error)]
pub enum ConsentError {
    /// The URL leads elsewhere.
    #[error("the authorization URL doesn't lead to the sandbox at {base_url}")]
    Elsewhere {
        /// Where the sandbox is.
        base_url: String,
    },
    /// Nobody can decide for a device.
    #[error("the device can't be decided on: {says}")]
    Device {
        /// What is wrong.
        says: &'static str,
    },
    /// The request got no whole answer.
    #[error("the sandbox gave no answer: {0}")]
    NoAnswer(#[from] io::Error),
    /// The sandbox showed a page with an error, or answered something that is neither a page nor a redirect.
    #[error("the sandbox refused with status {status}: {says}")]
    Refused {
        /// The status.
        status: u16,
        /// What the page says is wrong, if it does.
        says: String,
    },
}

/// Where the sandbox is, and which hosts it stands in for.
pub(crate) struct Destination<'a> {
    pub(crate) base_url: &'a str,
    pub(crate) address: SocketAddr,
    /// Reached at the same address, and opened with https.
    pub(crate) hosts: Vec<String>,
}

/// Opens `url`, and on the consent page decides. A redirect at once, which carries an error, is the result too.
pub(crate) async fn decide(
    to: &Destination<'_>,
    url: &str,
    decision: &str,
    account: Option<&str>,
) -> Result<String, ConsentError> {
    let url = Url::parse(url).ok();
    let (url, host) = url
        .and_then(|url| to.host(&url).map(|host| (url, host)))
        .ok_or_else(|| ConsentError::Elsewhere {
            base_url: to.base_url.to_owned(),
        })?;
    let target = url.query().map_or_else(
        || url.path().to_owned(),
        |query| format!("{}?{query}", url.path()),
    );
    let page = fetch(to.address, &host, "GET", &target, "").await?;
    let Some(ticket) = between(&page.body, "name=\"ticket\" value=\"", "\"") else {
        return page.location();
    };
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("ticket", ticket)
        .append_pair("decision", decision)
        .extend_pairs(account.map(|account| ("account", account)))
        .finish();
    fetch(to.address, &host, "POST", url.path(), &form)
        .await?
        .location()
}

impl Destination<'_> {
    /// What stands in the `Host` header of a request for `url`; `None` when that leads elsewhere.
    fn host(&self, url: &Url) -> Option<String> {
        let base = Url::parse(self.base_url).ok()?;
        if url.origin() == base.origin() {
            return Some(base.authority().to_owned());
        }
        let host = url.host_str()?;
        let is_ours = url.scheme() == "https"
            && url.port().is_none()
            && self.hosts.iter().any(|known| known == host);
        is_ours.then(|| host.to_owned())
    }
}

struct Page {
    status: u16,
    location: Option<String>,
    body: String,
}

impl Page {
    fn location(self) -> Result<String, ConsentError> {
        match self.location {
            Some(location) if (300..400).contains(&self.status) => Ok(location),
            _ => {
                let says = between(&self.body, "<strong>", "</strong>")
                    .unwrap_or_default()
                    .to_owned();
                Err(ConsentError::Refused {
                    status: self.status,
                    says,
                })
            }
        }
    }
}

async fn fetch(
    address: SocketAddr,
    host: &str,
    method: &str,
    target: &str,
    form: &str,
) -> io::Result<Page> {
    let request = format!(
        "{method} {target} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\naccept: text/html\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{form}",
        form.len(),
    );
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    parse(&String::from_utf8_lossy(&answer)).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}

/// `None` unless it is a whole answer.
fn parse(answer: &str) -> Option<Page> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers: Vec<_> = lines.filter_map(|line| line.split_once(':')).collect();
    let header = |name: &str| {
        headers
            .iter()
            .find(|(given, _)| given.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim().to_owned())
    };
    let length: usize = header("content-length")?.parse().ok()?;
    (body.len() >= length).then(|| Page {
        status,
        location: header("location"),
        body: body.to_owned(),
    })
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    rest.split_once(after).map(|(inner, _)| inner)
}
