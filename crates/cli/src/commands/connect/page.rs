//! The local end of the front channel: one page that receives the callback and shows how it ended.

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderName, Method, StatusCode, Uri, header};
use axum::response::{Html, IntoResponse, Response};
use tieline::core::random;
use tokio::net::TcpListener;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::JoinHandle;
use url::{Host, Url};

/// How the authorization ended, for the page; an error's text holds no secret.
type Ending = Result<(), String>;

/// A callback that came in, and where its ending is to be told.
pub(super) struct Arrived {
    pub(super) query: String,
    pub(super) answer: Answer,
}

/// Lets the browser go on.
pub(super) struct Answer {
    ending: oneshot::Sender<Ending>,
    shown: Shown,
}

/// Tells when the browser has been given the last page of one callback.
pub(super) struct Shown(Arc<Notify>);

/// Listens at the redirect URI.
pub(super) struct CallbackListener {
    #[cfg(test)]
    pub(super) address: SocketAddr,
    arrivals: mpsc::Receiver<Arrived>,
    stop: oneshot::Sender<()>,
    server: JoinHandle<io::Result<()>>,
}

#[derive(Clone)]
struct Pages {
    /// The path of the redirect URI, as text: a router would read patterns into it.
    callback: Arc<str>,
    arrivals: mpsc::Sender<Arrived>,
    /// By path. Each callback has a page of its own, so that a stranger's ending is nobody else's.
    last: Arc<Mutex<HashMap<String, LastPage>>>,
}

struct LastPage {
    ending: Ending,
    shown: Arc<Notify>,
}

/// How long the browser gets to fetch the last page before the program ends.
const TIME_TO_SHOW: Duration = Duration::from_secs(2);

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
    pub(super) fn finish(self, ending: Ending) -> Shown {
        // The browser may have gone away meanwhile; the terminal tells the ending too.
        let _ = self.ending.send(ending);
        self.shown
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
        let (stop, stopped) = oneshot::channel();
        let router = Router::new().fallback(serve).with_state(Pages {
            callback: redirect_uri.path().into(),
            arrivals: sender,
            last: Arc::default(),
        });
        let serving = axum::serve(socket, router).with_graceful_shutdown(async {
            // A listener that is gone is no reason to stay either.
            let _ = stopped.await;
        });
        let server = tokio::spawn(async move { serving.await });
        Ok(Self {
            #[cfg(test)]
            address,
            arrivals,
            stop,
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
    pub(super) async fn close(self, shown: Shown) {
        let Self {
            stop, mut server, ..
        } = self;
        let last_page = async {
            shown.0.notified().await;
            let _ = stop.send(());
            let _ = (&mut server).await;
        };
        let _ = tokio::time::timeout(TIME_TO_SHOW, last_page).await;
        server.abort();
    }
}

async fn serve(
    State(pages): State<Pages>,
    method: Method,
    uri: Uri,
    RawQuery(query): RawQuery,
) -> Response {
    if method != Method::GET {
        return (StatusCode::METHOD_NOT_ALLOWED, HEADERS).into_response();
    }
    if uri.path() == &*pages.callback {
        return callback(pages, query.unwrap_or_default()).await;
    }
    let last = pages.last.lock().unwrap_or_else(PoisonError::into_inner);
    match last.get(uri.path()) {
        Some(page) => {
            page.shown.notify_one();
            (HEADERS, Html(last_page(&page.ending))).into_response()
        }
        None => (StatusCode::NOT_FOUND, HEADERS).into_response(),
    }
}

/// Takes the query, and sends the browser on to an address without code and state.
async fn callback(pages: Pages, query: String) -> Response {
    let Ok(name) = random::context() else {
        return (StatusCode::INTERNAL_SERVER_ERROR, HEADERS).into_response();
    };
    let path = format!("/{name}");
    let shown = Arc::new(Notify::new());
    let (sender, ending) = oneshot::channel();
    let arrived = Arrived {
        query,
        answer: Answer {
            ending: sender,
            shown: Shown(Arc::clone(&shown)),
        },
    };
    let ending = match pages.arrivals.send(arrived).await {
        Ok(()) => ending
            .await
            .unwrap_or_else(|_| Err("the command was ended".to_owned())),
        Err(_) => Err("nobody is waiting for a callback any more".to_owned()),
    };
    pages
        .last
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .insert(path.clone(), LastPage { ending, shown });
    (StatusCode::SEE_OTHER, HEADERS, [(header::LOCATION, path)]).into_response()
}

fn last_page(ending: &Ending) -> String {
    match ending {
        Ok(()) => html(
            "Connected",
            "You can close this page and go back to your terminal.",
        ),
        Err(error) => html("Not connected", error),
    }
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
pub(super) mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpStream;

    use super::*;

    /// What a browser gets for a path.
    pub(in super::super) async fn get(address: SocketAddr, path: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request =
            format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    /// Where a redirect leads.
    pub(in super::super) fn location(redirect: &str) -> String {
        assert!(redirect.starts_with("HTTP/1.1 303 "), "{redirect}");
        let line = redirect
            .lines()
            .find_map(|line| line.strip_prefix("location: "));
        line.unwrap().to_owned()
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
                let page = get(address, &location(&redirect)).await;
                (redirect, page)
            });
            let arrived = listener.next().await.unwrap();
            assert_eq!(arrived.query, "code=CANARY&state=s");
            let shown = arrived.answer.finish(ending);
            listener.close(shown).await;
            let (redirect, page) = browser.await.unwrap();
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
    async fn only_the_last_page_of_our_own_callback_ends_the_listening() {
        let mut listener = listener().await;
        let address = listener.address;
        let stranger = tokio::spawn(async move { get(address, "/callback?state=x").await });
        let arrived = listener.next().await.unwrap();
        let _ = arrived.answer.finish(Err("unknown".to_owned()));
        let strangers_page = location(&stranger.await.unwrap());
        assert!(get(address, &strangers_page).await.contains("unknown"));

        let ours = tokio::spawn(async move { get(address, "/callback?state=s").await });
        let arrived = listener.next().await.unwrap();
        let shown = arrived.answer.finish(Ok(()));
        let mut closing = std::pin::pin!(listener.close(shown));
        tokio::select! {
            biased;
            () = &mut closing => panic!("closed before the browser was given the last page"),
            () = std::future::ready(()) => {}
        }
        let page = location(&ours.await.unwrap());
        assert!(get(address, &strangers_page).await.contains("unknown"));
        let (page, ()) = tokio::join!(get(address, &page), closing);
        assert!(page.contains("<h1>Connected</h1>"), "{page}");
    }

    #[tokio::test]
    async fn a_path_is_a_text_and_no_pattern() {
        for path in ["/", "/:x", "/*", "/{y}", "/{*z}/a", "/a%20b"] {
            let url = format!("http://127.0.0.1:0{path}");
            let mut listener = CallbackListener::bind(&Url::parse(&url).unwrap())
                .await
                .unwrap();
            let address = listener.address;
            let at = Url::parse(&url).unwrap().path().to_owned();
            let browser = tokio::spawn(async move {
                let elsewhere = get(address, "/elsewhere").await;
                (elsewhere, get(address, &format!("{at}?code=c")).await)
            });
            let arrived = listener.next().await.unwrap();
            assert_eq!(arrived.query, "code=c", "{path}");
            let _ = arrived.answer.finish(Ok(()));
            let (elsewhere, redirect) = browser.await.unwrap();
            assert!(
                elsewhere.starts_with("HTTP/1.1 404 "),
                "{path}: {elsewhere}"
            );
            location(&redirect);
        }
    }

    #[tokio::test]
    async fn a_command_that_was_ended_says_so_in_the_browser() {
        let mut listener = listener().await;
        let address = listener.address;
        let browser = tokio::spawn(async move { get(address, "/callback?code=x").await });
        drop(listener.next().await.unwrap());
        let page = location(&browser.await.unwrap());
        assert!(get(address, &page).await.contains("the command was ended"));
    }
}
