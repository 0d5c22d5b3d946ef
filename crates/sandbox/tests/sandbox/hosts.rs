//! Hosts: each account's own, and what is refused at another's.

use crate::client::{ACME, Answer, Auth, CALLBACK, Played, acme_but, exchange_form, pair, query};
use serde_json::Value;
use tieline_sandbox::{ConsentError, Endpoint};

const ADA: &str = "ada.acme.example";
const GRACE: &str = "grace.acme.example";

fn tenants() -> String {
    acme_but(|rules| {
        for part in ["authorization", "token", "revocation", "api"] {
            rules[part]["host"] = "{account.tenant}.acme.example".into();
        }
    })
}

/// The authorization URL at one of the vendor's hosts.
fn url_at(acme: &Played, host: &str) -> String {
    let url = acme.authorization_url(&[]);
    url.replace(acme.sandbox.base_url(), &format!("https://{host}"))
}

async fn code_at(acme: &Played, host: &str) -> String {
    let callback = acme.sandbox.consent(&url_at(acme, host)).await.unwrap();
    query(&callback, "code").unwrap()
}

#[tokio::test]
async fn the_browser_goes_to_an_accounts_host_and_finds_that_account() {
    let mut acme = Played::start(&tenants()).await;
    let code = code_at(&acme, GRACE).await;
    let (access, _) = pair(&acme.exchange(&code).await.unwrap());
    let me = acme.call("/me", &access).await.unwrap();
    assert_eq!(me.json()["sub"], "u-1002", "grace, though ada is the first");
    let ledger = acme.sandbox.ledger();
    let hosts: Vec<_> = ledger
        .requests()
        .iter()
        .map(|request| request.host.as_str())
        .collect();
    assert_eq!(
        hosts,
        [GRACE, GRACE, acme.host.as_str(), acme.host.as_str()]
    );
    let named = acme.sandbox.consent_as(&url_at(&acme, GRACE), "ada").await;
    assert!(
        matches!(&named, Err(ConsentError::Refused { status: 400, says }) if says == "nobody has this account"),
        "{named:?}"
    );
    let denied = acme.sandbox.deny(&url_at(&acme, ADA)).await.unwrap();
    assert!(
        denied.starts_with(CALLBACK) && query(&denied, "error").unwrap() == "access_denied",
        "{denied}"
    );
    acme.host = ADA.to_owned();
    let page = acme
        .send("GET", &acme.authorization_url(&[]), &[], b"")
        .await
        .unwrap();
    assert!(page.text().contains("<option>ada"), "{page:?}");
    assert!(!page.text().contains("<option>grace"), "{page:?}");
}

#[tokio::test]
async fn the_browser_goes_nowhere_else() {
    let acme = Played::start(&tenants()).await;
    let https = url_at(&acme, ADA);
    for url in [
        https.replace("https", "http"),
        https.replace(ADA, "ada.acme.example:8443"),
        https.replace(ADA, "evil.example"),
        https.replace(ADA, "ada.acme.example.evil.example"),
    ] {
        let gone = acme.sandbox.consent(&url).await;
        assert!(
            matches!(gone, Err(ConsentError::Elsewhere { .. })),
            "{url} {gone:?}"
        );
    }
    assert!(acme.sandbox.ledger().requests().is_empty());
    let without = Played::start(ACME).await;
    let gone = without.sandbox.consent(&url_at(&without, ADA)).await;
    assert!(matches!(gone, Err(ConsentError::Elsewhere { .. })));
}

#[tokio::test]
async fn a_page_is_answered_where_it_was_shown() {
    let mut acme = Played::start(&tenants()).await;
    let endpoint = acme.sandbox.authorization_endpoint();
    acme.host = "evil.example".to_owned();
    let url = acme.authorization_url(&[]);
    let page = acme.send("GET", &url, &[], b"").await.unwrap();
    assert_eq!(page.status, 404);
    assert_eq!(acme.reason(), "nothing of the vendor is at this host");
    acme.host = ADA.to_owned();
    let page = acme.send("GET", &url, &[], b"").await.unwrap();
    let page = page.text();
    let (_, rest) = page.split_once("name=\"ticket\" value=\"").unwrap();
    let ticket = rest.split('"').next().unwrap();
    let form = [("ticket", ticket), ("decision", "approve")];
    acme.host = GRACE.to_owned();
    let answer = acme.post(&endpoint, Auth::None, &form).await.unwrap();
    assert_eq!(answer.status, 400, "another account would approve it");
    acme.host = ADA.to_owned();
    let answer = acme.post(&endpoint, Auth::None, &form).await.unwrap();
    assert_eq!(answer.status, 303, "and it still can be answered");
}

#[tokio::test]
async fn a_code_and_a_refresh_token_are_good_at_their_accounts_host() {
    let mut acme = Played::start(&tenants()).await;
    let code = code_at(&acme, ADA).await;
    for (host, reason) in [
        (GRACE, "the host is another account's"),
        ("evil.example", "nothing of the vendor is at this host"),
        ("acme.example", "nothing of the vendor is at this host"),
        ("", "nothing of the vendor is at this host"),
    ] {
        acme.host = host.to_owned();
        let lost = acme.exchange(&code).await.unwrap();
        let error: Value = lost.json();
        assert_eq!((lost.status, &error["error"]), (404, &"not_found".into()));
        assert_eq!(acme.reason(), reason, "{host}");
    }
    acme.host = "ADA.acme.example:443".to_owned();
    let (_, refresh) = pair(&acme.exchange(&code).await.unwrap());
    let ledger = acme.sandbox.ledger();
    let last = ledger.requests_to(Endpoint::Token).last().unwrap();
    assert_eq!(last.host, "ADA.acme.example:443");
    acme.host = GRACE.to_owned();
    assert_eq!(acme.refresh(&refresh).await.unwrap().status, 404);
    assert_eq!(acme.reason(), "the host is another account's");
    acme.host = ADA.to_owned();
    let (_, refresh) = pair(&acme.refresh(&refresh).await.unwrap());
    acme.host = acme.sandbox.address().to_string();
    pair(&acme.refresh(&refresh).await.unwrap());
}

#[tokio::test]
async fn a_token_is_good_at_its_accounts_host() {
    let mut acme = Played::start(&tenants()).await;
    let code = code_at(&acme, ADA).await;
    let (access, refresh) = pair(&acme.exchange(&code).await.unwrap());
    let revocation = acme.sandbox.revocation_endpoint().unwrap();
    acme.host = GRACE.to_owned();
    let refused = acme.call("/me", &access).await.unwrap();
    assert_eq!(
        (refused.status, refused.field("error").as_str()),
        (401, "invalid_token")
    );
    assert_eq!(acme.reason(), "the host is another account's");
    let form = [("token", refresh.as_str())];
    let lost = acme.post(&revocation, Auth::Basic, &form).await.unwrap();
    assert_eq!(lost.status, 404);
    assert_eq!(acme.reason(), "the host is another account's");
    acme.host = "evil.example".to_owned();
    assert_eq!(acme.call("/me", &access).await.unwrap().status, 404);
    assert_eq!(acme.reason(), "nothing of the vendor is at this host");
    let lost = acme.post(&revocation, Auth::Basic, &form).await.unwrap();
    assert_eq!(lost.status, 404);
    acme.host = ADA.to_owned();
    assert_eq!(acme.call("/me", &access).await.unwrap().status, 200);
    let ended = acme.post(&revocation, Auth::Basic, &form).await.unwrap();
    assert_eq!(ended.status, 200);
    assert_eq!(acme.sandbox.ledger().revocations(), 1);
}

#[tokio::test]
async fn one_host_for_all_has_all_accounts_and_no_host_takes_any() {
    let rules = acme_but(|rules| {
        rules["authorization"]["host"] = "login.acme.example".into();
        rules["token"].as_object_mut().unwrap().remove("host");
    });
    let mut acme = Played::start(&rules).await;
    let url = url_at(&acme, "login.acme.example");
    let callback = acme.sandbox.consent_as(&url, "grace").await.unwrap();
    acme.host = "whatever.example".to_owned();
    let code = query(&callback, "code").unwrap();
    pair(&acme.token(Auth::Body, &exchange_form(&code)).await.unwrap());
}

#[tokio::test]
async fn two_hosts_are_no_host() {
    let acme = Played::start(&tenants()).await;
    let request = format!("GET /api/me HTTP/1.1\r\nhost: {ADA}\r\nhost: {ADA}\r\n\r\n");
    let answer = Answer::parse(&acme.raw(request.as_bytes()).await.unwrap());
    assert_eq!(answer.status, 404, "{answer:?}");
}
