//! The authenticated call through the server: bodies pass in pieces there too, and what is ours and what the provider's is
//! told apart.

use http::Response;
use tieline::server::{ANSWER_HEAD, answer_of, control};
use tieline_sandbox::Endpoint;
use tieline_store::Instance;
use tieline_tests::stage::Stage;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::call_streaming::{head, with_own_api};

const PIECE: usize = 1 << 20;

/// A connection to a server of the stage's engine.
async fn served(stage: &Stage) -> TcpStream {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = control(stage.engine.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    TcpStream::connect(address).await.unwrap()
}

fn request(instance: &Instance, line: &str, headers: &str) -> String {
    let (method, path) = line.split_once(' ').unwrap();
    let path = format!("/v1/instances/{}/call{path}", instance.id);
    format!("{method} {path} HTTP/1.1\r\nhost: tieline\r\n{headers}\r\n")
}

/// The head of an answer, read as a client would.
async fn answered(stream: &mut TcpStream) -> (Response<()>, Vec<u8>) {
    let (head, body) = head(stream).await;
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap();
    let mut response = Response::builder().status(status);
    for line in lines.take_while(|line| !line.is_empty()) {
        let (name, value) = line.split_once(": ").unwrap();
        response = response.header(name, value);
    }
    (response.body(()).unwrap(), body)
}

async fn take(stream: &mut TcpStream, count: usize) {
    let mut left = vec![0; count];
    stream.read_exact(&mut left).await.unwrap();
}

#[tokio::test]
async fn both_bodies_pass_in_pieces() {
    let (stage, api, instance) = with_own_api().await;
    let mut client = served(&stage).await;
    let headers = format!("content-length: {}\r\ntieline-patience: 5\r\n", 4 * PIECE);
    let begin = request(&instance, "POST /files?name=a%2Fb", &headers);
    client.write_all(begin.as_bytes()).await.unwrap();
    client.write_all(&vec![b'x'; PIECE]).await.unwrap();
    // The provider has the first piece before the next is sent.
    let (mut provider, _) = api.accept().await.unwrap();
    let (begun, came) = head(&mut provider).await;
    assert!(
        begun.starts_with("POST /base/files?name=a%2Fb HTTP/1.1\r\n"),
        "{begun}"
    );
    assert!(
        begun.contains(&format!("content-length: {}\r\n", 4 * PIECE)),
        "{begun}"
    );
    assert!(!begun.contains("tieline-patience"), "{begun}");
    take(&mut provider, PIECE - came.len()).await;
    for _ in 1..4 {
        client.write_all(&vec![b'x'; PIECE]).await.unwrap();
        take(&mut provider, PIECE).await;
    }
    let answer = "HTTP/1.1 201 Made\r\ntransfer-encoding: chunked\r\nconnection: x-hop\r\nx-hop: 1\r\n\r\n5\r\nfirst\r\n";
    provider.write_all(answer.as_bytes()).await.unwrap();
    let (answer, mut came) = answered(&mut client).await;
    assert_eq!(answer.status(), 201);
    assert!(!answer.headers().contains_key("x-hop"));
    let theirs = answer_of(answer.map(|()| Default::default())).unwrap();
    assert_eq!(theirs.headers()["x-hop"], "1");
    while !came.ends_with(b"5\r\nfirst\r\n") {
        assert_ne!(client.read_buf(&mut came).await.unwrap(), 0);
    }
    // The client has the first piece before the next is sent.
    provider.write_all(b"4\r\nlast\r\n0\r\n\r\n").await.unwrap();
    while !came.ends_with(b"4\r\nlast\r\n0\r\n\r\n") {
        assert_ne!(client.read_buf(&mut came).await.unwrap(), 0);
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_never_looks_whole() {
    let (stage, api, instance) = with_own_api().await;
    let mut client = served(&stage).await;
    let begin = request(&instance, "GET /files", "");
    client.write_all(begin.as_bytes()).await.unwrap();
    let (mut provider, _) = api.accept().await.unwrap();
    head(&mut provider).await;
    let answer = "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf";
    provider.write_all(answer.as_bytes()).await.unwrap();
    drop(provider);
    let (_, mut came) = answered(&mut client).await;
    while let Ok(1..) = client.read_buf(&mut came).await {}
    assert!(!came.ends_with(b"0\r\n\r\n"), "it looks whole");
}

#[tokio::test]
async fn a_401_that_can_not_be_replayed_says_what_to_do() {
    let stage = Stage::acme().await;
    let instance = stage.connect().await;
    stage.sandbox.expire_access_tokens();
    let mut client = served(&stage).await;
    for (status, is_noted) in [(401, true), (200, false)] {
        let headers = format!("content-length: {PIECE}\r\n");
        let begin = request(&instance, "POST /echo", &headers);
        client.write_all(begin.as_bytes()).await.unwrap();
        client.write_all(&vec![b'x'; PIECE]).await.unwrap();
        let (answer, _) = answered(&mut client).await;
        assert_eq!(answer.status(), status);
        let note = answer.headers().get("tieline-not-replayed");
        assert_eq!(note.is_some(), is_noted, "{note:?}");
        assert!(answer.headers().contains_key(ANSWER_HEAD));
        assert_eq!(stage.sandbox.ledger().refreshes(), 1);
        client = served(&stage).await;
    }
}

#[tokio::test]
async fn a_short_body_is_sent_twice_if_need_be_and_a_bad_patience_not_at_all() {
    let stage = Stage::acme().await;
    let instance = stage.connect().await;
    stage.sandbox.expire_access_tokens();
    let before = stage.sandbox.ledger().requests_to(Endpoint::Api).count();
    let sent = || stage.sandbox.ledger().requests_to(Endpoint::Api).count() - before;
    for (patience, status, calls) in [("soon", 400, 0), ("30", 200, 2)] {
        let mut client = served(&stage).await;
        let headers = format!("content-length: 5\r\ntieline-patience: {patience}\r\n");
        let begin = request(&instance, "POST /echo", &headers);
        client
            .write_all(format!("{begin}hello").as_bytes())
            .await
            .unwrap();
        let (answer, _) = answered(&mut client).await;
        assert_eq!((answer.status().as_u16(), sent()), (status, calls));
        assert_eq!(answer.headers().contains_key(ANSWER_HEAD), status == 200);
    }
}
