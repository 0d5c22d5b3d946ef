//! Scripts: what the wire shows, and what the ledger says really happened.

use std::io::ErrorKind;
use std::sync::Arc;

use crate::client::{ACME, INFUSIONSOFT, Played, pair};
use tieline_sandbox::{Act, Delivery, Endpoint, Gate, Outcome};

/// The parts of the last ledger entry that a script decides.
fn last(played: &Played) -> (Outcome, Option<u16>, Delivery) {
    let ledger = played.sandbox.ledger();
    let request = ledger.requests().last().unwrap();
    (request.outcome, request.status, request.delivery)
}

#[tokio::test]
async fn a_commit_whose_answer_is_lost_stands_in_the_ledger() {
    let acme = Played::start(ACME).await;
    let (access, refresh) = acme.connect().await;
    acme.sandbox.script(Endpoint::Token, Act::CommitThenReset);
    let error = acme.refresh(&refresh).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    assert_eq!(
        last(&acme),
        (Outcome::Refreshed, Some(200), Delivery::Reset)
    );
    let ledger = acme.sandbox.ledger();
    assert_eq!((ledger.refreshes(), ledger.grants_alive()), (1, 1));
    assert!(!ledger.is_current_refresh_token(&refresh) && !ledger.is_live_access_token(&access));
    assert!(
        acme.refresh(&refresh)
            .await
            .unwrap()
            .error()
            .starts_with("400 invalid_grant"),
        "it is spent"
    );
}

#[tokio::test]
async fn a_lost_exchange_spends_the_code() {
    let keap = Played::start(INFUSIONSOFT).await;
    let code = keap.code().await;
    keap.sandbox.script(Endpoint::Token, Act::CommitThenReset);
    assert!(keap.exchange(&code).await.is_err());
    assert_eq!(keap.sandbox.ledger().exchanges(), 1);
    assert!(
        keap.exchange(&code)
            .await
            .unwrap()
            .error()
            .starts_with("400 invalid_grant")
    );
}

#[tokio::test]
async fn a_reset_before_work_spends_nothing() {
    let acme = Played::start(ACME).await;
    let (_, refresh) = acme.connect().await;
    acme.sandbox.script(Endpoint::Token, Act::ResetBeforeWork);
    assert_eq!(
        acme.refresh(&refresh).await.unwrap_err().kind(),
        ErrorKind::ConnectionReset
    );
    assert_eq!(last(&acme), (Outcome::Dropped, None, Delivery::Reset));
    assert_eq!(acme.sandbox.ledger().refreshes(), 0);
    pair(&acme.refresh(&refresh).await.unwrap());
}

#[tokio::test]
async fn an_answer_is_cut_where_the_script_says() {
    let acme = Played::start(ACME).await;
    let (_, mut refresh) = acme.connect().await;
    for after in [0, 1, 40] {
        acme.sandbox
            .script(Endpoint::Token, Act::CommitThenCut { after });
        let answer = acme.refresh(&refresh).await.unwrap();
        assert_eq!((answer.status, answer.body.len()), (200, after));
        assert!(
            answer.header("content-length").parse::<usize>().unwrap() > 100,
            "the length of the whole"
        );
        assert_eq!(
            last(&acme),
            (Outcome::Refreshed, Some(200), Delivery::Cut { after })
        );
        refresh = acme.connect().await.1;
    }
    acme.sandbox
        .script(Endpoint::Token, Act::CommitThenCut { after: 1 << 20 });
    pair(&acme.refresh(&refresh).await.unwrap());
}

#[tokio::test]
async fn a_scripted_answer_replaces_the_work() {
    let acme = Played::start(ACME).await;
    let (_, refresh) = acme.connect().await;
    let headers = vec![
        ("Retry-After".to_owned(), "7".to_owned()),
        ("content-length".to_owned(), "1".to_owned()),
    ];
    acme.sandbox.script(
        Endpoint::Token,
        Act::Answer {
            status: 503,
            headers,
            body: b"<html>".to_vec(),
        },
    );
    acme.sandbox.script(
        Endpoint::Token,
        Act::Answer {
            status: 200,
            headers: vec![],
            body: vec![b' '; 10 << 20],
        },
    );
    acme.sandbox.script(
        Endpoint::Token,
        Act::Answer {
            status: 7,
            headers: vec![],
            body: vec![],
        },
    );
    let first = acme.refresh(&refresh).await.unwrap();
    assert_eq!(
        (
            first.status,
            first.header("retry-after"),
            first.text().as_str()
        ),
        (503, "7", "<html>")
    );
    assert_eq!(first.header("content-type"), "(none)");
    assert_eq!(acme.refresh(&refresh).await.unwrap().body.len(), 10 << 20);
    assert_eq!(
        acme.refresh(&refresh).await.unwrap().status,
        500,
        "a status that HTTP doesn't have"
    );
    assert_eq!(acme.sandbox.ledger().count(Outcome::Scripted), 3);
    pair(&acme.refresh(&refresh).await.unwrap());
}

#[tokio::test]
async fn scripts_wait_in_line_by_endpoint() {
    let acme = Played::start(ACME).await;
    let (access, refresh) = acme.connect().await;
    let answer = |status| Act::Answer {
        status,
        headers: vec![],
        body: vec![],
    };
    acme.sandbox.script(Endpoint::Token, answer(500));
    acme.sandbox.script(Endpoint::Api, answer(502));
    acme.sandbox.script(Endpoint::Token, answer(503));
    assert_eq!(acme.call("/me", &access).await.unwrap().status, 502);
    assert_eq!(acme.refresh(&refresh).await.unwrap().status, 500);
    assert_eq!(acme.refresh(&refresh).await.unwrap().status, 503);
    assert_eq!(acme.call("/me", &access).await.unwrap().status, 200);
    pair(&acme.refresh(&refresh).await.unwrap());
}

#[tokio::test]
async fn a_held_request_goes_on_when_released() {
    let acme = Played::start(ACME).await;
    let (_, refresh) = acme.connect().await;
    let gate = Gate::new();
    acme.sandbox
        .script(Endpoint::Token, Act::Hold(gate.clone()));
    let (answer, ()) = tokio::join!(acme.refresh(&refresh), async {
        gate.reached().await;
        assert_eq!(acme.sandbox.ledger().refreshes(), 0, "no work yet");
        gate.release();
    });
    pair(&answer.unwrap());
    assert_eq!(acme.sandbox.ledger().refreshes(), 1);
}

#[tokio::test]
async fn work_is_done_before_a_held_answer() {
    let acme = Played::start(ACME).await;
    let (_, refresh) = acme.connect().await;
    let gate = Gate::new();
    acme.sandbox
        .script(Endpoint::Token, Act::CommitThenHold(gate.clone()));
    let (answer, ()) = tokio::join!(acme.refresh(&refresh), async {
        gate.reached().await;
        assert_eq!(
            acme.sandbox.ledger().refreshes(),
            1,
            "committed, not answered"
        );
        gate.release();
    });
    let (_, refresh) = pair(&answer.unwrap());
    assert!(acme.sandbox.ledger().is_current_refresh_token(&refresh));
}

#[tokio::test]
async fn a_held_request_is_worked_on_even_if_its_client_left() {
    let acme = Arc::new(Played::start(ACME).await);
    let (_, refresh) = acme.connect().await;
    let gate = Gate::new();
    acme.sandbox
        .script(Endpoint::Token, Act::Hold(gate.clone()));
    let (client, token) = (Arc::clone(&acme), refresh.clone());
    let request = tokio::spawn(async move { client.refresh(&token).await });
    gate.reached().await;
    request.abort();
    assert!(request.await.unwrap_err().is_cancelled());

    // A second request behind the first shows that both were at the server at once.
    let behind = Gate::new();
    acme.sandbox
        .script(Endpoint::Token, Act::CommitThenHold(behind.clone()));
    let (answer, ()) = tokio::join!(acme.refresh(&refresh), async {
        behind.reached().await;
        gate.release();
        while acme.sandbox.ledger().token_requests("refresh_token") < 2 {
            tokio::task::yield_now().await;
        }
        behind.release();
    });
    pair(&answer.unwrap());
    let ledger = acme.sandbox.ledger();
    assert_eq!(
        (ledger.refreshes(), ledger.grants_alive()),
        (1, 0),
        "the late one was a reuse"
    );
    assert_eq!(
        (
            ledger.max_in_flight(&refresh),
            ledger.max_in_flight_of_any(),
            ledger.max_in_flight_overall()
        ),
        (2, 2, 2)
    );
}

#[tokio::test]
async fn requests_one_after_another_are_never_in_flight_together() {
    let acme = Played::start(ACME).await;
    let (_, mut refresh) = acme.connect().await;
    let first = refresh.clone();
    for _ in 0..5 {
        refresh = pair(&acme.refresh(&refresh).await.unwrap()).1;
    }
    for _ in 0..2 {
        assert_eq!(acme.refresh(&first).await.unwrap().status, 400);
    }
    let ledger = acme.sandbox.ledger();
    assert_eq!(
        (
            ledger.max_in_flight(&first),
            ledger.max_in_flight("never sent"),
            ledger.max_in_flight_overall()
        ),
        (1, 0, 1)
    );
}

#[tokio::test]
async fn a_consent_page_can_be_scripted_too() {
    let acme = Played::start(ACME).await;
    acme.sandbox
        .script(Endpoint::Authorization, Act::ResetBeforeWork);
    assert!(
        acme.sandbox
            .consent(&acme.authorization_url(&[]))
            .await
            .is_err()
    );
    assert!(
        acme.sandbox
            .consent(&acme.authorization_url(&[]))
            .await
            .is_ok()
    );
}
