//! Plays the user's browser: opens an authorization URL over HTTP and submits the consent form.

use std::io;

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

/// Opens `url`, and on the consent page decides. A redirect at once, which carries an error, is the result too.
pub(crate) async fn decide(
    base_url: &str,
    url: &str,
    decision: &str,
    account: Option<&str>,
) -> Result<String, ConsentError> {
    let elsewhere = || ConsentError::Elsewhere {
        base_url: base_url.to_owned(),
    };
    let url = Url::parse(url).map_err(|_| elsewhere())?;
    let base = Url::parse(base_url).map_err(|_| elsewhere())?;
    if url.origin() != base.origin() {
        return Err(elsewhere());
    }
    let authority = base.authority();
    let target = url.query().map_or_else(
        || url.path().to_owned(),
        |query| format!("{}?{query}", url.path()),
    );
    let page = fetch(authority, "GET", &target, "").await?;
    let Some(ticket) = between(&page.body, "name=\"ticket\" value=\"", "\"") else {
        return page.location();
    };
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("ticket", ticket)
        .append_pair("decision", decision)
        .extend_pairs(account.map(|account| ("account", account)))
        .finish();
    fetch(authority, "POST", url.path(), &form)
        .await?
        .location()
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

async fn fetch(authority: &str, method: &str, target: &str, form: &str) -> io::Result<Page> {
    let request = format!(
        "{method} {target} HTTP/1.1\r\nhost: {authority}\r\nconnection: close\r\naccept: text/html\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{form}",
        form.len(),
    );
    let mut stream = TcpStream::connect(authority).await?;
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
