//! Serves a router on a socket for as long as it has to hold: slow, greedy and broken clients cost others nothing.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::serve::{Listener, ListenerExt as _};
use hyper::server::conn::http1::Builder;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio_io_timeout::TimeoutWriter;

/// How much of a server's patience a client may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Sockets that are open at once; the next waits until one is closed. Default: 10,000.
    pub sockets: usize,
    /// How long the head of a request may take, and how long a connection may stand idle before it. Default: ten seconds.
    pub time_for_head: Duration,
    /// How long an answer may stand still because nobody reads it. What is behind it, such as a call to a provider, is held up
    /// as long. Default: 30 seconds.
    pub time_unread: Duration,
    /// The longest head, in bytes. Default: 64 KiB.
    pub longest_head: usize,
    /// Header fields in it. Default: 100.
    pub headers: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            sockets: 10_000,
            time_for_head: Duration::from_secs(10),
            time_unread: Duration::from_secs(30),
            longest_head: 64 << 10,
            headers: 100,
        }
    }
}

/// Serves on a TCP socket until `stop` is there; then takes nothing new, and ends when what is under way is answered.
pub async fn serve_tcp(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    stop: impl Future<Output = ()> + Send,
) {
    let listener = listener.tap_io(|socket| {
        // Without it, answers are only later.
        let _ = socket.set_nodelay(true);
    });
    serve(listener, router, limits, stop).await;
}

/// As [`serve_tcp`], on whatever can be listened on.
pub async fn serve<L: Listener>(
    mut listener: L,
    router: Router,
    limits: Limits,
    stop: impl Future<Output = ()> + Send,
) {
    let places = Arc::new(Semaphore::new(limits.sockets));
    let (open, closing) = watch::channel(());
    let mut sockets = JoinSet::new();
    let mut stop = pin!(stop);
    loop {
        let next = async {
            let place = Arc::clone(&places).acquire_owned().await;
            (place, listener.accept().await)
        };
        let (place, (socket, _)) = tokio::select! {
            next = next => next,
            () = &mut stop => break,
            // Those that have ended are not kept.
            Some(_) = sockets.join_next() => continue,
        };
        let (router, closing) = (router.clone(), closing.clone());
        sockets.spawn(async move {
            let _place = place;
            converse(socket, router, limits, closing).await;
        });
    }
    drop(listener);
    drop(open);
    while sockets.join_next().await.is_some() {}
}

/// Request after request of one socket.
async fn converse<L>(socket: L, router: Router, limits: Limits, mut closing: watch::Receiver<()>)
where
    L: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let mut builder = Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(limits.time_for_head)
        .max_header_size(limits.longest_head)
        .max_headers(limits.headers);
    let service = TowerToHyperService::new(router);
    let mut socket = TimeoutWriter::new(socket);
    socket.set_timeout(Some(limits.time_unread));
    let socket = TokioIo::new(Box::pin(socket));
    let mut conversation = pin!(builder.serve_connection(socket, service));
    let ended = tokio::select! {
        ended = conversation.as_mut() => ended,
        // Nobody sends: the other end is gone.
        _ = closing.changed() => {
            conversation.as_mut().graceful_shutdown();
            conversation.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!("a socket was closed: {error}");
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::future::pending;
    use std::net::SocketAddr;

    use axum::body::Body;
    use axum::routing::{get, post};
    use futures_util::stream;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
    use tokio::net::TcpStream;
    use tokio::sync::{mpsc, oneshot};
    use tokio::time::Instant;

    use super::*;

    const WHOLE: &str = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\nab";

    /// Sockets that are made in memory, so that the time can stand still.
    struct Made(mpsc::UnboundedReceiver<DuplexStream>);

    impl Listener for Made {
        type Io = DuplexStream;
        type Addr = ();

        async fn accept(&mut self) -> (DuplexStream, ()) {
            match self.0.recv().await {
                Some(socket) => (socket, ()),
                None => pending().await,
            }
        }

        fn local_addr(&self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// Tells when it is dropped.
    struct Ended(mpsc::UnboundedSender<()>);

    impl Drop for Ended {
        fn drop(&mut self) {
            let _ = self.0.send(());
        }
    }

    fn echo() -> Router {
        Router::new().route("/", post(|body: String| async move { body }))
    }

    /// What connects to a server with these limits.
    fn served(limits: Limits) -> impl FnMut() -> DuplexStream {
        let (sender, receiver) = mpsc::unbounded_channel();
        tokio::spawn(serve(Made(receiver), echo(), limits, pending()));
        move || {
            let (ours, theirs) = tokio::io::duplex(1 << 20);
            sender.send(theirs).unwrap();
            ours
        }
    }

    /// All that is answered, until the server closes.
    async fn answered(mut socket: DuplexStream, sent: &str) -> String {
        socket.write_all(sent.as_bytes()).await.unwrap();
        let mut answer = String::new();
        let read = socket.read_to_string(&mut answer);
        let closed = tokio::time::timeout(Duration::from_secs(60), read).await;
        closed.expect("the server closes").unwrap();
        answer
    }

    #[tokio::test(start_paused = true)]
    async fn half_a_head_is_not_waited_for() {
        let mut connect = served(Limits::default());
        for (sent, answers) in [
            ("", 0),
            ("POST / HTTP/1.1\r\nhost: a\r\ncont", 0),
            // After a whole request, too.
            (&*format!("{WHOLE}POST / HT"), 1),
            (WHOLE, 1),
        ] {
            let before = Instant::now();
            let answer = answered(connect(), sent).await;
            assert_eq!(answer.matches("HTTP/1.1 200").count(), answers, "{answer}");
            assert_eq!(before.elapsed().as_secs(), 10, "{sent}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_two_could_read_differently_ends_the_connection() {
        // RFC 9112 section 6.1: what has a length and chunks is answered, and is the last on its connection.
        let mut connect = served(Limits::default());
        let smuggled = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 8\r\n\r\nsmuggled";
        let chunks = "0\r\n\r\n";
        for (headers, body, status) in [
            (
                "content-length: 5\r\ntransfer-encoding: chunked\r\n",
                chunks,
                200,
            ),
            (
                "transfer-encoding: chunked\r\ncontent-length: 5\r\n",
                chunks,
                200,
            ),
            ("content-length: 2\r\ncontent-length: 3\r\n", "ab", 400),
            ("content-length: 2, 3\r\n", "ab", 400),
            ("content-length: +2\r\n", "ab", 400),
            ("transfer-encoding: chunked, identity\r\n", chunks, 400),
            ("transfer-encoding: gzip\r\n", chunks, 400),
            ("transfer-encoding : chunked\r\n", chunks, 400),
        ] {
            let before = Instant::now();
            let sent = format!("POST / HTTP/1.1\r\nhost: a\r\n{headers}\r\n{body}{smuggled}");
            let answer = answered(connect(), &sent).await;
            assert!(
                answer.starts_with(&format!("HTTP/1.1 {status} ")),
                "{headers}: {answer}"
            );
            assert_eq!(
                answer.matches("HTTP/1.1 ").count(),
                1,
                "{headers}: {answer}"
            );
            assert_eq!(before.elapsed(), Duration::ZERO, "{headers}: it waits");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_nobody_reads_is_given_up() {
        let (ended, mut ends) = mpsc::unbounded_channel();
        let flood = move || {
            let ended = Ended(ended.clone());
            let endless = stream::repeat_with(move || {
                let _until_it_ends = &ended;
                Ok::<_, Infallible>("flood ".repeat(1_000))
            });
            async { Body::from_stream(endless) }
        };
        let router = Router::new().route("/", get(flood));
        let (sender, receiver) = mpsc::unbounded_channel();
        tokio::spawn(serve(Made(receiver), router, Limits::default(), pending()));
        let (mut ours, theirs) = tokio::io::duplex(64 << 10);
        sender.send(theirs).unwrap();
        let request = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n";
        ours.write_all(request).await.unwrap();
        // Whoever reads now and then is only slow.
        let mut some = vec![0; 64 << 10];
        for _ in 0..3 {
            tokio::time::sleep(Duration::from_secs(29)).await;
            ours.read_exact(&mut some).await.unwrap();
        }
        let before = Instant::now();
        let end = tokio::time::timeout(Duration::from_secs(60), ends.recv()).await;
        assert_eq!(end, Ok(Some(())));
        assert_eq!(before.elapsed().as_secs(), 30);
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_has_a_longest_length() {
        let mut connect = served(Limits::default());
        let long = "a".repeat(70_000);
        let many = "a: b\r\n".repeat(101);
        for sent in [
            format!("POST /{long} HTTP/1.1\r\nhost: a\r\n\r\n"),
            format!("POST / HTTP/1.1\r\nhost: a\r\na: {long}\r\n\r\n"),
            format!("POST / HTTP/1.1\r\nhost: a\r\n{many}\r\n"),
        ] {
            let answer = answered(connect(), &sent).await;
            let refused = ["HTTP/1.1 431 ", "HTTP/1.1 414 "];
            assert!(refused.iter().any(|it| answer.starts_with(it)), "{answer}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn of_too_many_sockets_the_last_waits() {
        let mut connect = served(Limits {
            sockets: 2,
            ..Limits::default()
        });
        let (first, _second) = (connect(), connect());
        let last = tokio::spawn(answered(connect(), WHOLE));
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert!(!last.is_finished());
        drop(first);
        let answer = last.await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }

    #[tokio::test]
    async fn what_is_under_way_is_answered_and_nothing_else_is() {
        let (arrived, mut arrivals) = mpsc::unbounded_channel();
        let (release, released) = oneshot::channel::<()>();
        let released = Arc::new(tokio::sync::Mutex::new(Some(released)));
        let slow = move || {
            arrived.send(()).unwrap();
            let released = Arc::clone(&released);
            async move {
                let released = released.lock().await.take().unwrap();
                released.await.unwrap();
                "done"
            }
        };
        let router = Router::new().route("/", post(slow));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address: SocketAddr = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        // Nobody is closed for being slow.
        let limits = Limits {
            time_for_head: Duration::from_secs(600),
            ..Limits::default()
        };
        let serving = tokio::spawn(serve_tcp(listener, router, limits, async {
            let _ = stopped.await;
        }));
        let mut idle = TcpStream::connect(address).await.unwrap();
        let mut socket = TcpStream::connect(address).await.unwrap();
        socket.write_all(WHOLE.as_bytes()).await.unwrap();
        arrivals.recv().await.unwrap();
        stop.send(()).unwrap();
        // It closes what stands idle first, and then waits.
        let mut byte = [0];
        let closed = tokio::time::timeout(Duration::from_secs(30), idle.read(&mut byte)).await;
        assert_eq!(closed.expect("it is closed").unwrap(), 0);
        assert!(TcpStream::connect(address).await.is_err());
        assert!(!serving.is_finished());
        release.send(()).unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.unwrap();
        assert!(answer.ends_with("done"), "{answer}");
        serving.await.unwrap();
    }
}
