//! Connections that can be reset on purpose, and that end when the sandbox does.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use axum::body::Body;
use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use futures_util::stream::{self, StreamExt as _};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::script;

/// Accepts [`Wire`]s until `stop` is raised.
pub(crate) struct Wires {
    pub(crate) listener: TcpListener,
    pub(crate) stop: Arc<watch::Sender<bool>>,
}

/// A TCP connection with a fuse.
pub(crate) struct Wire {
    stream: TcpStream,
    fuse: Fuse,
    stopped: Pin<Box<dyn Future<Output = ()> + Send>>,
}

/// Burns one connection: nothing more is written to it, and it ends with a TCP reset.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fuse(Arc<AtomicBool>);

impl Fuse {
    pub(crate) fn blow(&self) {
        self.0.store(true, Ordering::Release);
    }

    fn blown(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// The first `after` bytes of a body, given time to leave, and then an error that ends the connection.
pub(crate) fn cut(mut body: Vec<u8>, after: usize) -> Body {
    body.truncate(after);
    let end = async {
        // A body that is not ready makes hyper flush what it has.
        tokio::task::yield_now().await;
        Err(io::Error::from(io::ErrorKind::ConnectionAborted))
    };
    let start = stream::iter((!body.is_empty()).then_some(Ok(body)));
    Body::from_stream(start.chain(stream::once(end)))
}

impl Listener for Wires {
    type Io = Wire;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Wire, SocketAddr) {
        let (stream, peer) = Listener::accept(&mut self.listener).await;
        let stop = Arc::clone(&self.stop);
        let stopped = Box::pin(async move { script::wait(&stop).await });
        (
            Wire {
                stream,
                fuse: Fuse::default(),
                stopped,
            },
            peer,
        )
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

impl Connected<IncomingStream<'_, Wires>> for Fuse {
    fn connect_info(stream: IncomingStream<'_, Wires>) -> Self {
        stream.io().fuse.clone()
    }
}

impl Wire {
    fn intact(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        if self.fuse.blown() {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        if self.stopped.as_mut().poll(cx).is_ready() {
            self.fuse.blow();
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        Ok(())
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        if self.fuse.blown() {
            // Should it fail, the client sees an ordinary end without an answer.
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.intact(cx)?;
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.intact(cx)?;
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.intact(cx)?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.fuse.blown() {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wire")
            .field("fuse", &self.fuse)
            .finish_non_exhaustive()
    }
}
