//! What an examination finds, of what is wrong and of what is still to be done, and that it tells no secret.

use std::time::Duration;

use tieline_core::{Clock as _, SystemClock};
use tieline_engine::{Area, Examination, Finding, Kind, NewApp, State};
use tieline_sandbox::{Act, Endpoint};
use tieline_store::Status;
use tieline_tests::script::{come_back_in, json};
use tieline_tests::stage::Stage;

const HOUR: Duration = Duration::from_secs(60 * 60);
const MINUTE: Duration = Duration::from_secs(60);

/// Examines, and makes sure that nothing secret is told and nothing is lost where it is written down and read.
async fn examined(stage: &Stage, online: bool) -> Examination {
    let examination = stage.engine.examine(online).await;
    let text = serde_json::to_string(&examination).unwrap();
    for secret in stage.sandbox.ledger().secrets() {
        assert!(!text.contains(secret), "{text}");
    }
    let read: Examination = serde_json::from_str(&text).unwrap();
    assert_eq!(read, examination);
    read
}

/// What is not as it should be.
fn unwell(examination: &Examination) -> Vec<&Finding> {
    let findings = examination.findings.iter();
    findings.filter(|it| it.state != State::Fine).collect()
}

/// What is wrong without anybody being asked: area, what, cure.
async fn wrong(stage: &Stage) -> Vec<(Area, String, String)> {
    let examination = examined(stage, false).await;
    let wrong = examination.findings.into_iter();
    let wrong = wrong.filter(|it| it.state == State::Wrong);
    wrong
        .map(|it| (it.area, it.what, it.cure.unwrap_or_default()))
        .collect()
}

/// The notice about instances, the only one.
async fn notice(stage: &Stage) -> (String, String) {
    let examination = examined(stage, false).await;
    assert_eq!(examination.trouble, None, "{examination:?}");
    let unwell = unwell(&examination);
    let mut of_instances = unwell.iter().filter(|it| it.area == Area::Instance);
    let found = of_instances.next().unwrap();
    assert!(of_instances.next().is_none(), "{examination:?}");
    (found.what.clone(), found.cure.clone().unwrap())
}

#[tokio::test]
async fn where_all_is_well_nobody_is_told_anything_secret_and_no_token_is_spent() {
    let stage = Stage::acme().await;
    stage.clock.set(SystemClock.now());
    stage.connect().await;
    let examination = examined(&stage, true).await;
    assert_eq!(unwell(&examination), Vec::<&Finding>::new());
    assert_eq!(examination.trouble, None);
    let areas: Vec<Area> = examination.findings.iter().map(|it| it.area).collect();
    for area in [
        Area::Store,
        Area::Keys,
        Area::Clock,
        Area::Provider,
        Area::App,
    ] {
        assert!(areas.contains(&area), "{areas:?}");
    }
    let ledger = stage.sandbox.ledger();
    assert_eq!(ledger.token_requests("refresh_token"), 0);
    let offline = examined(&stage, false).await;
    assert_eq!(offline.trouble, None);
    let unwell = unwell(&offline);
    assert_eq!((unwell.len(), unwell[0].area), (1, Area::Provider));
}

#[tokio::test]
async fn a_clock_that_is_wrong_is_told_by_providers_and_by_what_happened() {
    let stage = Stage::acme().await;
    stage.clock.set(SystemClock.now());
    stage.clock.advance(5 * MINUTE);
    let instance = stage.connect().await;
    stage.engine.instance(instance.id).refresh().await.unwrap();
    let ahead = examined(&stage, true).await;
    assert_eq!(ahead.trouble, Some(Kind::Failure));
    assert!(
        ahead.findings[0].what.contains("s ahead of 127.0.0.1:"),
        "{ahead:?}"
    );
    stage.clock.set(SystemClock.now());
    let wrong = wrong(&stage).await;
    assert_eq!((wrong.len(), wrong[0].0), (1, Area::Clock), "{wrong:?}");
    assert!(wrong[0].1.contains("in the future"), "{wrong:?}");
    assert!(wrong[0].2.contains("NTP"), "{wrong:?}");
}

#[tokio::test]
async fn a_store_that_cannot_be_written_or_is_damaged_or_closed() {
    let stage = Stage::acme().await;
    stage.connect().await;
    let refuse = "CREATE TRIGGER broken BEFORE INSERT ON marks BEGIN SELECT RAISE(ABORT, 'broken on purpose'); END";
    stage.execute(refuse).await;
    let found = wrong(&stage).await;
    assert_eq!((found.len(), found[0].0), (1, Area::Store), "{found:?}");
    assert!(found[0].2.contains("broken on purpose"), "{found:?}");
    stage.execute("DROP TRIGGER broken").await;
    // Two tables in one place.
    stage
        .execute(
            "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET rootpage = \
             (SELECT rootpage FROM sqlite_schema WHERE name = 'events') WHERE name = 'authorizations'",
        )
        .await;
    let stage = stage.reopened().await;
    let found = wrong(&stage).await;
    assert_eq!(found[0].1, "the database is damaged", "{found:?}");
    assert!(found[0].2.contains("restore a backup"), "{found:?}");
    stage.engine.shutdown().await;
    let found = wrong(&stage).await;
    assert!(
        !found.is_empty() && found.iter().all(|it| it.2.contains("closed")),
        "{found:?}"
    );
}

#[tokio::test]
async fn a_restored_copy_and_a_rotation_that_is_not_finished() {
    let stage = Stage::acme().await;
    stage.connect().await;
    let stage = stage.restored().await;
    let found = wrong(&stage).await;
    assert!(found[0].1.contains("restored from a backup"), "{found:?}");
    assert!(found[0].2.contains("`tieline adopt`"), "{found:?}");
    stage.engine.store().adopt().await.unwrap();
    assert_eq!(wrong(&stage).await, []);
    // What does not open keeps the key that nobody needs any more.
    stage
        .execute("INSERT INTO keyring SELECT 9, wrapped, check_value, master, 'retired', created_at FROM keyring")
        .await;
    let examination = examined(&stage, false).await;
    let notice = unwell(&examination);
    assert_eq!(notice[0].area, Area::Keys);
    assert!(notice[0].what.contains("not finished"), "{notice:?}");
}

#[tokio::test]
async fn apps_that_are_refused_lack_something_or_face_another_server() {
    let stage = Stage::acme().await;
    let instance = stage.connect().await;
    let other = NewApp {
        provider: "acme".to_owned(),
        ..NewApp::default()
    };
    let other = stage.engine.for_tenant("other").create_app(other).await;
    let other = other.unwrap();
    let examination = examined(&stage, false).await;
    let found = unwell(&examination);
    let found = found.iter().find(|it| it.area == Area::App).unwrap();
    assert_eq!(
        (found.app, found.state),
        (Some(other.id), State::Notice),
        "without instances"
    );
    assert!(found.what.contains("of tenant \"other\""), "{found:?}");

    let stage = stage.with_secret("not the secret").await;
    stage.clock.advance(2 * HOUR);
    let handle = stage.engine.instance(instance.id);
    handle.access_token().await.unwrap_err();
    let examination = examined(&stage, false).await;
    assert_eq!(examination.trouble, Some(Kind::Configuration));
    let refused = &examination.findings[0];
    assert_eq!(refused.app, Some(instance.app));
    assert!(refused.what.contains("Consumer Secret"), "{refused:?}");

    let elsewhere = Stage::acme().await;
    let stage = stage.facing(&elsewhere.sandbox).await;
    let found = wrong(&stage).await;
    assert!(found[1].1.contains("made for other endpoints"), "{found:?}");
}

#[tokio::test]
async fn however_many_need_a_person_twenty_are_named() {
    let stage = Stage::acme().await;
    let first = stage.connect().await;
    // Copies of a row, which need not open to be counted.
    stage
        .execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 249) \
             INSERT INTO instances (id, tenant, app, provider, status, cause, status_since, generation, access_token, \
             scopes, captures, created_at, refreshed_at) \
             SELECT i, tenant, app, provider, 'reconnect_required', 'expired', status_since, 1, access_token, \
             scopes, captures, created_at, refreshed_at FROM n, instances",
        )
        .await;
    let examination = examined(&stage, false).await;
    assert_eq!(examination.trouble, Some(Kind::Reconnect));
    let wrong = examination.findings.iter();
    let wrong: Vec<_> = wrong.filter(|it| it.state == State::Wrong).collect();
    assert_eq!(wrong.len(), 21);
    assert_eq!(
        wrong[0].what,
        "acme: instance 1 must be reconnected, since its tokens have expired"
    );
    assert_eq!(
        wrong[0].cure.as_deref(),
        Some("`tieline connect acme --instance 1`")
    );
    assert_eq!(wrong[20].what, "229 more instances are reconnect_required");
    assert_eq!(stage.load(&first).await.status, Status::Ok);

    stage
        .execute(
            "UPDATE instances SET status = 'ok', cause = NULL, rejections = 2, rejected_at = 0",
        )
        .await;
    let examination = examined(&stage, false).await;
    let found = unwell(&examination);
    let found: Vec<_> = found
        .iter()
        .filter(|it| it.area == Area::Instance)
        .collect();
    assert_eq!((found.len(), examination.trouble), (21, None));
    assert!(found[20].what.starts_with("230 more "), "{found:?}");
}

#[tokio::test]
async fn what_is_still_to_be_done_by_itself() {
    let stage = Stage::acme().await;
    let instance = stage.connect().await;
    let handle = stage.engine.instance(instance.id);
    stage.sandbox.script(Endpoint::Token, json(403, "{}"));
    handle.refresh().await.unwrap_err();
    let (what, cure) = notice(&stage).await;
    assert!(what.contains("was rejected once"), "{what}");
    assert!(
        cure.contains("tried again at 2026-01-01T00:15:00Z"),
        "{cure}"
    );

    handle.refresh().await.unwrap();
    stage.sandbox.script(Endpoint::Token, Act::CommitThenReset);
    handle.refresh().await.unwrap_err();
    let (what, cure) = notice(&stage).await;
    assert!(what.contains("is not known since 2026-01-01"), "{what}");
    assert!(cure.contains("access token is used until"), "{cure}");

    let stage = Stage::acme().await;
    let instance = stage.connect().await;
    let handle = stage.engine.instance(instance.id);
    stage
        .sandbox
        .script(Endpoint::Revocation, come_back_in(503, 30));
    handle.disconnect(false).await.unwrap_err();
    assert_eq!(unwell(&examined(&stage, false).await).len(), 1, "under way");
    stage.clock.advance(2 * MINUTE);
    let (what, cure) = notice(&stage).await;
    assert!(what.contains("has not confirmed"), "{what}");
    assert!(cure.contains("--force"), "{cure}");
}

#[tokio::test]
async fn answers_in_quarantine_are_told_and_not_shown() {
    let stage = Stage::acme().await;
    let instance = stage.connect().await;
    stage.clock.advance(2 * HOUR);
    tieline_tests::provider::panic_at_the_next_answer();
    let handle = stage.engine.instance(instance.id);
    handle.access_token().await.unwrap_err();
    let examination = examined(&stage, false).await;
    let found = examination.findings.iter();
    let mut found = found.filter(|it| it.what.contains("quarantine"));
    let found = found.next().unwrap();
    assert_eq!(
        (found.instance, found.state),
        (Some(instance.id), State::Notice)
    );
    assert!(
        found.what.contains("1 answer in quarantine (undecodable)"),
        "{found:?}"
    );
}
