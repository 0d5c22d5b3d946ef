//! Bodies pass in pieces, as they come, and are sent twice only where all of them is still there.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::{Request, StatusCode};
use tieline_engine::call::LONGEST_ANSWER;
use tieline_engine::{CallBody, CallOptions, NotReplayed};
use tieline_sandbox::Endpoint;
use tieline_tests::stage::Stage;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

const PIECE: usize = 1 << 20;

fn pieces(count: usize, length: usize) -> CallBody {
    let piece = Bytes::from(vec![b'x'; length]);
    let pieces = stream::repeat(piece).take(count).map(io::Result::Ok);
    CallBody::Stream(Box::pin(pieces))
}

/// A stage whose API is a port that the test itself answers at, with a connected account.
pub(crate) async fn with_own_api() -> (Stage, TcpListener, tieline_store::Instance) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/base", listener.local_addr().unwrap());
    let stage = Stage::acme().await.calling(&base, 10).await;
    let (instance, ()) = tokio::join!(stage.connect(), async {
        let (mut stream, _) = listener.accept().await.unwrap();
        head(&mut stream).await;
        let me = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 16\r\n\r\n{\"sub\":\"u-1001\"}";
        stream.write_all(me.as_bytes()).await.unwrap();
    });
    (stage, listener, instance)
}

#[tokio::test]
async fn every_path_below_the_base_arrives_as_it_was_written() {
    let (stage, listener, instance) = with_own_api().await;
    let handle = stage.engine.instance(instance.id);
    for path in [
        "/a%2Fb",
        "/@evil.example",
        "/..a/b..",
        "/%2e%2ehidden",
        "/a;b=1?q=/../",
    ] {
        let request = Request::get(path).body(Bytes::new()).unwrap();
        let (answer, head) = tokio::join!(handle.call(request), async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let (head, _) = head(&mut stream).await;
            let answer = "HTTP/1.1 204 Done\r\nconnection: close\r\n\r\n";
            stream.write_all(answer.as_bytes()).await.unwrap();
            head
        });
        assert_eq!(answer.unwrap().status(), 204);
        assert!(
            head.starts_with(&format!("GET /base{path} HTTP/1.1\r\n")),
            "{head}"
        );
    }
}

/// The head of a request, and what came of the body with it.
pub(crate) async fn head(stream: &mut TcpStream) -> (String, Vec<u8>) {
    let mut heard = Vec::new();
    loop {
        let end = heard.windows(4).position(|four| four == b"\r\n\r\n");
        if let Some(end) = end {
            let body = heard.split_off(end + 4);
            return (String::from_utf8(heard).unwrap(), body);
        }
        assert_ne!(stream.read_buf(&mut heard).await.unwrap(), 0);
    }
}

#[tokio::test]
async fn an_upload_goes_on_piece_by_piece_and_so_does_what_comes_back() {
    const COUNT: usize = 48;
    let (stage, listener, instance) = with_own_api().await;
    let (heard, mut hears) = mpsc::channel::<()>(1);
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let (head, body) = head(&mut stream).await;
        assert!(
            head.contains(&format!("content-length: {}\r\n", COUNT * PIECE)),
            "{head}"
        );
        let (mut came, mut told) = (body.len(), 0);
        let mut buffer = vec![0; 64 << 10];
        while came < COUNT * PIECE {
            came += stream.read(&mut buffer).await.unwrap();
            // The next piece is only made when the one before is here.
            while told < came / PIECE {
                heard.send(()).await.unwrap();
                told += 1;
            }
        }
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n",
            COUNT * PIECE
        );
        stream.write_all(answer.as_bytes()).await.unwrap();
        stream
    });
    let body = stream::unfold(0, move |made| {
        // The sender is gone with the last piece.
        let piece = (made < COUNT).then(|| Ok(Bytes::from(vec![b'x'; PIECE])));
        async move { Some((piece?, made + 1)) }
    });
    let body = body.then(move |piece| {
        let piece: io::Result<Bytes> = piece;
        async move { piece }
    });
    let (made, mut makes) = mpsc::channel(1);
    let feeding = tokio::spawn(async move {
        let mut body = Box::pin(body);
        while let Some(piece) = body.next().await {
            made.send(piece).await.unwrap();
            hears.recv().await.unwrap();
        }
    });
    let body = stream::poll_fn(move |context| makes.poll_recv(context));
    let request = Request::post("/files")
        .header("content-length", COUNT * PIECE)
        .body(CallBody::Stream(Box::pin(body)))
        .unwrap();
    let handle = stage.engine.instance(instance.id);
    let answer = handle.call_streaming(request, CallOptions::default()).await;
    let mut answer = answer.unwrap();
    feeding.await.unwrap();
    let mut stream = server.await.unwrap();
    // And back: longer than anything that is read into memory, one piece in hand before the next is made.
    const { assert!(COUNT * PIECE > LONGEST_ANSWER) };
    for _ in 0..COUNT {
        let piece = vec![b'y'; PIECE];
        let (_, came) = tokio::join!(async { stream.write_all(&piece).await.unwrap() }, async {
            let mut came = 0;
            while came < PIECE {
                came += answer.body_mut().next().await.unwrap().unwrap().len();
            }
            came
        });
        assert_eq!(came, PIECE);
    }
    assert!(answer.body_mut().next().await.is_none());
}

#[tokio::test]
async fn an_answer_that_is_too_long_for_memory_is_refused_there_and_handed_on_otherwise() {
    let (stage, listener, instance) = with_own_api().await;
    tokio::spawn(async move {
        for _ in 0..2 {
            let (mut stream, _) = listener.accept().await.unwrap();
            head(&mut stream).await;
            let answer = format!(
                "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
                LONGEST_ANSWER + 1
            );
            stream.write_all(answer.as_bytes()).await.unwrap();
            let piece = vec![b'y'; LONGEST_ANSWER + 1];
            // Whoever has had enough goes away.
            let _ = stream.write_all(&piece).await;
        }
    });
    let handle = stage.engine.instance(instance.id);
    let refused = handle.call(tieline_tests::stage::get("/big")).await;
    let refused = refused.unwrap_err();
    assert!(
        refused.to_string().contains("longer than 32 MiB"),
        "{refused}"
    );
    let request = tieline_tests::stage::get("/big").map(Into::into);
    let answer = handle.call_streaming(request, CallOptions::default()).await;
    let lengths = answer
        .unwrap()
        .into_body()
        .map(|piece| piece.unwrap().len());
    let length = lengths
        .fold(0, |sum, length| async move { sum + length })
        .await;
    assert_eq!(length, LONGEST_ANSWER + 1);
}

/// Statuses of the calls of a path.
fn statuses(stage: &Stage, path: &str) -> Vec<Option<u16>> {
    let ledger = stage.sandbox.ledger();
    let calls = ledger
        .requests_to(Endpoint::Api)
        .filter(|call| call.path == path);
    calls.map(|call| call.status).collect()
}

#[tokio::test]
async fn a_short_body_in_pieces_is_sent_again_after_a_401() {
    let stage = Stage::acme().await;
    let instance = stage.connect().await;
    stage.sandbox.expire_access_tokens();
    let request = Request::post("/echo").body(pieces(8, 8 << 10)).unwrap();
    let handle = stage.engine.instance(instance.id);
    let answer = handle.call_streaming(request, CallOptions::default()).await;
    let answer = answer.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.extensions().get::<NotReplayed>(), None);
    assert_eq!(answer.into_body().bytes().await.unwrap().len(), 64 << 10);
    assert_eq!(statuses(&stage, "/api/echo"), [Some(401), Some(200)]);
    assert_eq!(stage.sandbox.ledger().refreshes(), 1);
}

#[tokio::test]
async fn a_long_body_in_pieces_is_not_but_the_token_is_refreshed_and_the_401_says_so() {
    let stage = Stage::acme().await;
    let instance = stage.connect().await;
    stage.sandbox.expire_access_tokens();
    let handle = stage.engine.instance(instance.id);
    let call = async || {
        let request = Request::post("/echo").body(pieces(16, PIECE / 2)).unwrap();
        handle.call_streaming(request, CallOptions::default()).await
    };
    let answer = call().await.unwrap();
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(answer.extensions().get::<NotReplayed>(), Some(&NotReplayed));
    let body = answer.into_body().bytes().await.unwrap();
    assert!(String::from_utf8_lossy(&body).contains("invalid_token"));
    assert_eq!(statuses(&stage, "/api/echo"), [Some(401)]);
    assert_eq!(stage.sandbox.ledger().refreshes(), 1);
    assert!(stage.holds_the_current_refresh_token(&instance).await);
    let answer = call().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.into_body().bytes().await.unwrap().len(), 8 * PIECE);
    assert_eq!(stage.sandbox.ledger().refreshes(), 1);
}

#[tokio::test]
async fn a_long_body_that_was_hardly_begun_is_sent_again_from_its_beginning() {
    let (stage, listener, instance) = with_own_api().await;
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        head(&mut stream).await;
        let refusal = "HTTP/1.1 401 No\r\ncontent-length: 0\r\n\r\n";
        stream.write_all(refusal.as_bytes()).await.unwrap();
        let (mut again, _) = listener.accept().await.unwrap();
        let (_, mut body) = head(&mut again).await;
        while body.len() < 3 * PIECE + 5 {
            assert_ne!(again.read_buf(&mut body).await.unwrap(), 0);
        }
        let answer = "HTTP/1.1 204 Done\r\n\r\n";
        again.write_all(answer.as_bytes()).await.unwrap();
        assert!(body.starts_with(b"begun"));
        body.len()
    });
    // It goes on only when the refresh is done.
    let (sandbox_refreshed, waits) = tokio::sync::oneshot::channel::<()>();
    let begun = stream::iter([io::Result::Ok(Bytes::from_static(b"begun"))]);
    let rest = stream::once(async move {
        waits.await.unwrap();
        Ok(Bytes::from(vec![b'x'; 3 * PIECE]))
    });
    let request = Request::post("/files")
        .header("content-length", 3 * PIECE + 5)
        .body(CallBody::Stream(Box::pin(begun.chain(rest))))
        .unwrap();
    let handle = stage.engine.instance(instance.id);
    let call =
        tokio::spawn(async move { handle.call_streaming(request, CallOptions::default()).await });
    tieline_tests::stage::eventually("the token is refreshed", async || {
        stage.load(&instance).await.generation == 2
    })
    .await;
    sandbox_refreshed.send(()).unwrap();
    assert_eq!(call.await.unwrap().unwrap().status(), 204);
    assert_eq!(server.await.unwrap(), 3 * PIECE + 5);
}

#[tokio::test]
async fn a_body_that_breaks_off_never_arrives_as_a_whole_one() {
    let (stage, listener, instance) = with_own_api().await;
    let (arrives, arrived) = tokio::sync::oneshot::channel::<()>();
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let (head, mut body) = head(&mut stream).await;
        assert!(head.contains("transfer-encoding: chunked"), "{head}");
        arrives.send(()).unwrap();
        // To the end of the connection: reset or closed.
        while let Ok(1..) = stream.read_buf(&mut body).await {}
        body
    });
    let begun = stream::iter([Ok(Bytes::from_static(b"half"))]);
    let rest = stream::once(async move {
        arrived.await.unwrap();
        Err(io::Error::other("gone"))
    });
    let body = CallBody::Stream(Box::pin(begun.chain(rest)));
    let request = Request::post("/files").body(body).unwrap();
    let handle = stage.engine.instance(instance.id);
    let call = handle.call_streaming(request, CallOptions::default());
    let broken = tokio::time::timeout(Duration::from_secs(20), call).await;
    let broken = broken.unwrap().unwrap_err();
    assert!(
        broken.to_string().contains("broke off before its end"),
        "{broken}"
    );
    let body = server.await.unwrap();
    assert!(!body.ends_with(b"0\r\n\r\n"), "it looks whole");
}
