//! The local end of the front channel: one page that receives the callback and shows how it ended.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::{Notify, mpsc, oneshot};
use url::{Host, Url};

/// How the authorization ended, for the page; an error's text holds no secret.
type Ending = Result<(), String>;

/// A callback that came in, and where its ending is to be told.
pub(super) struct Arrived {
    pub(super) query: String,
    pub(super) answer: Answer,
}

/// Lets the browser go on.
pub(super) struct Answer(oneshot::Sender<Ending>);

/// Listens at the redirect URI.
pub(super) struct CallbackListener {
    #[cfg(test)]
    address: SocketAddr,
    arrivals: mpsc::Receiver<Arrived>,
    shown: Arc<Notify>,
    server: tokio::task::JoinHandle<io::Result<()>>,
}

#[derive(Clone)]
struct Page {
    arrivals: mpsc::Sender<Arrived>,
    ending: Arc<Mutex<Option<Ending>>>,
    shown: Arc<Notify>,
}

/// How long the browser gets to fetch the last page before the program ends.
const LAST_PAGE: Duration = Duration::from_secs(2);
const DONE: &str = "/connected";

/// What RFC 9700 section 4.2.4 asks of a page that has seen a code, and nothing that loads anything.
const HEADERS: [(HeaderName, &str); 4] = [
    (header::CACHE_CONTROL, "no-store"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    ),
];

impl Answer {
    pub(super) fn finish(self, ending: Ending) {
        // The browser may have gone away meanwhile; the terminal tells the ending too.
        let _ = self.0.send(ending);
    }
}

impl CallbackListener {
    /// Listens on the host and port of the redirect URI, which are this machine's.
    pub(super) async fn bind(redirect_uri: &Url) -> io::Result<Self> {
        let port = redirect_uri.port_or_known_default().unwrap_or(80);
        let address = match redirect_uri.host() {
            Some(Host::Ipv4(address)) => SocketAddr::from((address, port)),
            Some(Host::Ipv6(address)) => SocketAddr::from((address, port)),
            _ => SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
        };
        let socket = match TcpListener::bind(address).await {
            Err(_) if redirect_uri.host_str() == Some("localhost") => {
                TcpListener::bind(SocketAddr::from((Ipv6Addr::LOCALHOST, port))).await?
            }
            bound => bound?,
        };
        #[cfg(test)]
        let address = socket.local_addr()?;
        let (sender, arrivals) = mpsc::channel(8);
        let shown = Arc::new(Notify::new());
        let page = Page {
            arrivals: sender,
            ending: Arc::default(),
            shown: Arc::clone(&shown),
        };
        let router = Router::new()
            .route(redirect_uri.path(), get(callback))
            .route(DONE, get(connected))
            .with_state(page);
        let server = tokio::spawn(async move { axum::serve(socket, router).await });
        Ok(Self {
            #[cfg(test)]
            address,
            arrivals,
            shown,
            server,
        })
    }

    /// The next callback, whoever sends it.
    pub(super) async fn next(&mut self) -> io::Result<Arrived> {
        self.arrivals
            .recv()
            .await
            .ok_or_else(|| io::Error::other("the callback page stopped"))
    }

    /// Lets the browser fetch the last page, then stops.
    pub(super) async fn close(self) {
        let _ = tokio::time::timeout(LAST_PAGE, self.shown.notified()).await;
        self.server.abort();
    }
}

/// Takes the query, and sends the browser on to an address without code and state.
async fn callback(State(page): State<Page>, RawQuery(query): RawQuery) -> Response {
    let (sender, ending) = oneshot::channel();
    let arrived = Arrived {
        query: query.unwrap_or_default(),
        answer: Answer(sender),
    };
    let ending = match page.arrivals.send(arrived).await {
        Ok(()) => ending
            .await
            .unwrap_or_else(|_| Err("the command was ended".to_owned())),
        Err(_) => Err("nobody is waiting for a callback any more".to_owned()),
    };
    *page.ending.lock().unwrap_or_else(PoisonError::into_inner) = Some(ending);
    (StatusCode::SEE_OTHER, HEADERS, [(header::LOCATION, DONE)]).into_response()
}

async fn connected(State(page): State<Page>) -> Response {
    let ending = page
        .ending
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    let (title, text) = match ending {
        Some(Ok(())) => (
            "Connected",
            "You can close this page and go back to your terminal.".to_owned(),
        ),
        Some(Err(error)) => ("Not connected", error),
        None => ("Nothing to see", "No callback has arrived here.".to_owned()),
    };
    page.shown.notify_one();
    (HEADERS, Html(html(title, &text))).into_response()
}

fn html(title: &str, text: &str) -> String {
    let text = text
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('\n', "<br>");
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{title}</title><style>:root{{color-scheme:light dark}}body{{font:1.1rem/1.5 system-ui,sans-serif;\
         max-width:34rem;margin:18vh auto;padding:0 1.5rem}}h1{{font-size:1.6rem}}</style><h1>{title}</h1><p>{text}</p>"
    )
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpStream;

    use super::*;

    /// What a browser gets for a path.
    async fn get(address: SocketAddr, path: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request =
            format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    async fn listener() -> CallbackListener {
        CallbackListener::bind(&Url::parse("http://127.0.0.1:0/callback").unwrap())
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn the_browser_leaves_the_code_behind_and_learns_the_ending() {
        for (ending, title) in [
            (Ok(()), "<h1>Connected</h1>"),
            (
                Err("acme said <no> & left".to_owned()),
                "<p>acme said &lt;no&gt; &amp; left",
            ),
        ] {
            let mut listener = listener().await;
            let address = listener.address;
            let browser = tokio::spawn(async move {
                let redirect = get(address, "/callback?code=CANARY&state=s").await;
                (redirect, get(address, DONE).await)
            });
            let arrived = listener.next().await.unwrap();
            assert_eq!(arrived.query, "code=CANARY&state=s");
            arrived.answer.finish(ending);
            let (redirect, page) = browser.await.unwrap();
            listener.close().await;
            assert!(
                redirect.starts_with("HTTP/1.1 303 ")
                    && redirect.contains("location: /connected\r\n"),
                "{redirect}"
            );
            assert!(!redirect.contains("CANARY") && !page.contains("CANARY"));
            for answer in [&redirect, &page] {
                for header in [
                    "cache-control: no-store",
                    "referrer-policy: no-referrer",
                    "frame-ancestors 'none'",
                ] {
                    assert!(answer.contains(header), "{header} is missing: {answer}");
                }
            }
            assert!(page.contains(title), "{page}");
        }
    }

    #[tokio::test]
    async fn a_command_that_was_ended_says_so_in_the_browser() {
        let mut listener = listener().await;
        let address = listener.address;
        let browser = tokio::spawn(async move { get(address, "/callback?code=x").await });
        drop(listener.next().await.unwrap());
        assert!(browser.await.unwrap().contains("303"));
        assert!(get(address, DONE).await.contains("the command was ended"));
    }
}
