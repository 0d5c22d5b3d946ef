//! A network that fails on purpose: a TCP proxy between a client and a server, with one fault a connection.

use std::collections::VecDeque;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// The longest head of a request.
const LONGEST_HEAD: usize = 64 << 10;

/// What happens to one connection. Where the answer is what suffers, the server has given all of it by then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The request is forwarded and the answer read; then the client's connection is reset without a byte of it.
    DropAnswer,
    /// The client's connection is reset after so many bytes of the answer.
    CutAfter(usize),
    /// After so many bytes of the answer the proxy closes its end in good order.
    HalfClose(usize),
    /// Each byte of the answer is sent by itself.
    Drip,
    /// The answer comes whole, this much later.
    Latency(Duration),
    /// The client's connection is reset when it has sent the head of its request, and nothing is forwarded.
    RefuseRequest,
}

/// The proxy, listening on a loopback port of its own until it is dropped.
///
/// It carries one HTTP/1 request a connection: it asks the server to close after its answer, so that the next request has
/// a connection, and a fault, of its own.
#[derive(Debug)]
pub struct FaultProxy {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    accepting: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct State {
    connections: usize,
    queued: VecDeque<Fault>,
    done: Vec<Fault>,
}

impl FaultProxy {
    /// Starts to listen, and to forward to the target.
    ///
    /// # Errors
    /// When there is no port to listen on.
    pub async fn start(target: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let (address, state) = (listener.local_addr()?, Arc::default());
        let accepting = tokio::spawn(accept(listener, target, Arc::clone(&state)));
        Ok(Self {
            address,
            state,
            accepting,
        })
    }

    /// Where clients go in the target's place.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The fault of the next connection that has none yet.
    pub fn next(&self, fault: Fault) {
        lock(&self.state).queued.push_back(fault);
    }

    /// How many connections there have been.
    #[must_use]
    pub fn connections(&self) -> usize {
        lock(&self.state).connections
    }

    /// How often this very fault has been done: a fault whose connection ended before its turn came is not counted.
    #[must_use]
    pub fn count(&self, fault: Fault) -> usize {
        let state = lock(&self.state);
        state.done.iter().filter(|done| **done == fault).count()
    }
}

/// The connections end with the proxy.
impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn accept(listener: TcpListener, target: SocketAddr, state: Arc<Mutex<State>>) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        let fault = {
            let mut state = lock(&state);
            state.connections += 1;
            state.queued.pop_front()
        };
        let state = Arc::clone(&state);
        connections.spawn(async move {
            // A side that breaks off is the business of the other side.
            let _ = carry(client, target, fault, &state).await;
        });
    }
}

/// One connection: a request there, an answer back, and the fault.
async fn carry(
    mut client: TcpStream,
    target: SocketAddr,
    fault: Option<Fault>,
    state: &Mutex<State>,
) -> io::Result<()> {
    let (head, rest) = request_head(&mut client).await?;
    let done = || lock(state).done.extend(fault);
    if fault == Some(Fault::RefuseRequest) {
        done();
        return reset(client);
    }
    let mut server = TcpStream::connect(target).await?;
    server.write_all(&closing(&head, target)).await?;
    server.write_all(&rest).await?;
    let answer = answer(&mut client, &mut server).await?;
    done();
    give(client, &answer, fault).await
}

async fn give(mut client: TcpStream, answer: &[u8], fault: Option<Fault>) -> io::Result<()> {
    let first = |length: usize| &answer[..length.min(answer.len())];
    match fault {
        None => client.write_all(answer).await?,
        Some(Fault::DropAnswer | Fault::RefuseRequest) => return reset(client),
        Some(Fault::CutAfter(length)) => {
            client.write_all(first(length)).await?;
            return reset(client);
        }
        Some(Fault::HalfClose(length)) => client.write_all(first(length)).await?,
        Some(Fault::Drip) => {
            client.set_nodelay(true)?;
            for byte in answer {
                client.write_all(&[*byte]).await?;
                client.flush().await?;
                tokio::task::yield_now().await;
            }
        }
        Some(Fault::Latency(latency)) => {
            tokio::time::sleep(latency).await;
            client.write_all(answer).await?;
        }
    }
    client.shutdown().await?;
    // Until the client has closed too: what it still sends would else reset the connection.
    tokio::io::copy(&mut client, &mut tokio::io::sink()).await?;
    Ok(())
}

/// Closes with RST in place of FIN.
fn reset(client: TcpStream) -> io::Result<()> {
    client.set_zero_linger()
}

/// The head of a request up to its empty line, and what came after it.
async fn request_head(client: &mut TcpStream) -> io::Result<(Vec<u8>, Vec<u8>)> {
    let mut head = Vec::new();
    while head.len() < LONGEST_HEAD {
        if let Some(end) = head.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            let rest = head.split_off(end + 4);
            return Ok((head, rest));
        }
        if client.read_buf(&mut head).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Err(io::ErrorKind::InvalidData.into())
}

/// The head, for the target by its own name, with the wish that it close after its answer.
fn closing(head: &[u8], target: SocketAddr) -> Vec<u8> {
    let lines = head.split_inclusive(|byte| *byte == b'\n');
    let kept = lines.filter(|line| {
        let name = line.split(|byte| *byte == b':').next();
        let is_ours = |name: &[u8]| {
            name.eq_ignore_ascii_case(b"connection") || name.eq_ignore_ascii_case(b"host")
        };
        !name.is_some_and(is_ours) && *line != b"\r\n"
    });
    let mut closing = kept.collect::<Vec<_>>().concat();
    closing.extend(format!("host: {target}\r\nconnection: close\r\n\r\n").bytes());
    closing
}

/// Forwards the rest of the request until the server has given its whole answer and closed.
async fn answer(client: &mut TcpStream, server: &mut TcpStream) -> io::Result<Vec<u8>> {
    let (mut from_client, _) = client.split();
    let (mut from_server, mut to_server) = server.split();
    let mut answer = Vec::new();
    tokio::select! {
        read = from_server.read_to_end(&mut answer) => read?,
        // However the request ends, the answer is still to come.
        never = async {
            let _ = tokio::io::copy(&mut from_client, &mut to_server).await;
            std::future::pending().await
        } => never,
    };
    Ok(answer)
}

#[cfg(test)]
mod tests;
