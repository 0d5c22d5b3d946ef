use super::*;

const REQUEST: &[u8] =
    b"POST /token HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\nContent-Length: 4\r\n\r\nbody";
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// A server that closes after its answer if it is asked to, and keeps what it was sent.
async fn server() -> (SocketAddr, Arc<Mutex<Vec<Vec<u8>>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, requests) = (listener.local_addr().unwrap(), Arc::default());
    let kept: Arc<Mutex<Vec<Vec<u8>>>> = Arc::clone(&requests);
    tokio::spawn(async move {
        loop {
            let (mut client, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            while !request.ends_with(b"body") {
                assert_ne!(client.read_buf(&mut request).await.unwrap(), 0);
            }
            let asked = request
                .windows(19)
                .any(|part| part == b"connection: close\r\n");
            assert!(asked, "the server was not asked to close");
            kept.lock().unwrap().push(request);
            client.write_all(ANSWER).await.unwrap();
        }
    });
    (address, requests)
}

/// What a client gets, each read by itself, and how it ends.
async fn get(proxy: &FaultProxy) -> (Vec<Vec<u8>>, io::Result<()>) {
    let mut client = TcpStream::connect(proxy.address()).await.unwrap();
    client.write_all(REQUEST).await.unwrap();
    let mut reads = Vec::new();
    loop {
        let mut read = vec![0; 1024];
        match client.read(&mut read).await {
            Ok(0) => return (reads, Ok(())),
            Ok(length) => reads.push(read[..length].to_vec()),
            Err(error) => return (reads, Err(error)),
        }
    }
}

/// What comes of a fault, and how many requests the server has seen by then.
async fn suffer(fault: Fault) -> (Vec<Vec<u8>>, Option<io::ErrorKind>, usize) {
    let (target, requests) = server().await;
    let proxy = FaultProxy::start(target).await.unwrap();
    proxy.next(fault);
    let (reads, end) = get(&proxy).await;
    let seen = requests.lock().unwrap().len();
    assert_eq!((proxy.connections(), proxy.count(fault)), (1, 1));
    let (after, _) = get(&proxy).await;
    assert_eq!(after.concat(), ANSWER, "the next connection has no fault");
    assert_eq!((proxy.connections(), proxy.count(fault)), (2, 1));
    (reads, end.err().map(|error| error.kind()), seen)
}

#[tokio::test]
async fn without_a_fault_everything_arrives() {
    let (target, requests) = server().await;
    let proxy = FaultProxy::start(target).await.unwrap();
    let (reads, end) = get(&proxy).await;
    end.unwrap();
    assert_eq!(reads.concat(), ANSWER);
    let expected = format!(
        "POST /token HTTP/1.1\r\nContent-Length: 4\r\nhost: {target}\r\nconnection: close\r\n\r\nbody"
    );
    assert_eq!(*requests.lock().unwrap(), [expected.into_bytes()]);
}

#[tokio::test]
async fn an_answer_is_dropped_after_the_server_gave_it() {
    let (reads, end, seen) = suffer(Fault::DropAnswer).await;
    assert_eq!((reads.concat(), seen), (vec![], 1));
    assert_eq!(end, Some(io::ErrorKind::ConnectionReset));
}

#[tokio::test]
async fn an_answer_is_cut_off() {
    let (reads, end, seen) = suffer(Fault::CutAfter(12)).await;
    assert_eq!((reads.concat().as_slice(), seen), (&ANSWER[..12], 1));
    assert_eq!(end, Some(io::ErrorKind::ConnectionReset));
}

#[tokio::test]
async fn an_answer_ends_early_in_good_order() {
    let (reads, end, seen) = suffer(Fault::HalfClose(12)).await;
    assert_eq!((reads.concat().as_slice(), seen), (&ANSWER[..12], 1));
    assert_eq!(end, None);
}

#[tokio::test]
async fn an_answer_drips() {
    let (reads, end, _) = suffer(Fault::Drip).await;
    assert_eq!(reads.concat(), ANSWER);
    assert!(reads.len() > 1, "it came at once");
    assert_eq!(end, None);
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_late() {
    let (latency, before) = (Duration::from_secs(60), tokio::time::Instant::now());
    let (reads, end, _) = suffer(Fault::Latency(latency)).await;
    assert_eq!((reads.concat().as_slice(), end), (ANSWER, None));
    assert!(before.elapsed() >= latency);
}

#[tokio::test]
async fn a_request_is_refused_before_the_server_hears_of_it() {
    let (reads, end, seen) = suffer(Fault::RefuseRequest).await;
    assert_eq!((reads.concat(), seen), (vec![], 0));
    assert_eq!(end, Some(io::ErrorKind::ConnectionReset));
}

#[tokio::test]
async fn faults_are_done_in_their_order() {
    let (target, _) = server().await;
    let proxy = FaultProxy::start(target).await.unwrap();
    proxy.next(Fault::CutAfter(1));
    proxy.next(Fault::HalfClose(2));
    let mut lengths = Vec::new();
    for _ in 0..3 {
        lengths.push(get(&proxy).await.0.concat().len());
    }
    assert_eq!(lengths, [1, 2, ANSWER.len()]);
}
