//! API keys: for whom they speak, how soon they stop, and that they are in nobody's hands but their holder's.

use std::fs;
use std::path::Path;
use std::time::Duration;

use proptest::prelude::*;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions as _, Connection as _};
use tieline_core::Secret;
use tieline_engine::{CreatedApiKey, Engine, EngineError, KeyHolder, NewApiKey};
use tieline_store::{ApiKey, Permission, Permissions, StoreError};
use tieline_tests::stage::{Stage, eventually};

/// As long as an engine believes what it has looked up.
const BELIEVED: Duration = Duration::from_secs(2);
const MILLISECOND: Duration = Duration::from_millis(1);

fn may(permissions: &[Permission]) -> Permissions {
    permissions.iter().copied().collect()
}

async fn key_for(engine: &Engine, tenant: &str) -> CreatedApiKey {
    let new = NewApiKey {
        tenant: Some(tenant.to_owned()),
        name: Some("crm".to_owned()),
        permissions: may(&[Permission::Read, Permission::Admin]),
    };
    engine.create_api_key(new).await.unwrap()
}

async fn holder(engine: &Engine, key: &Secret) -> Option<KeyHolder> {
    engine.authenticate(key).await.unwrap()
}

/// Another engine on the same store: what another process would be, that shares a database.
fn beside(stage: &Stage) -> Engine {
    let engine = &stage.engine;
    let another = Engine::builder(engine.registry().clone(), engine.store().clone());
    another.clock(stage.clock.clone()).build().unwrap()
}

async fn stored(stage: &Stage, key: &CreatedApiKey) -> ApiKey {
    let all = stage.engine.api_keys(None, None, 100).await.unwrap();
    let mut all = all.into_iter();
    all.find(|one| one.id == key.api_key.id).unwrap()
}

#[tokio::test]
async fn a_key_speaks_for_its_tenant_until_it_is_revoked() {
    let stage = Stage::acme().await;
    let engine = &stage.engine;
    engine.create_tenant("acme", None).await.unwrap();
    let (mine, theirs) = (
        key_for(engine, "default").await,
        key_for(engine, "acme").await,
    );
    let found = holder(engine, &theirs.key).await.unwrap();
    assert_eq!(
        found,
        KeyHolder {
            id: theirs.api_key.id,
            tenant: "acme".to_owned(),
            permissions: may(&[Permission::Admin, Permission::Read]),
        }
    );
    assert!(!found.is_operator());
    assert!(holder(engine, &mine.key).await.unwrap().is_operator());

    // One that looks like a key and is none.
    let mut nobodys = theirs.key.expose().to_owned();
    let last = nobodys.pop().unwrap();
    nobodys.push(if last == 'A' { 'B' } else { 'A' });
    assert_eq!(holder(engine, &Secret::new(nobodys)).await, None);

    engine.revoke_api_key(theirs.api_key.id).await.unwrap();
    assert_eq!(holder(engine, &theirs.key).await, None, "at once");
    assert!(holder(engine, &mine.key).await.is_some());
    let stage = stage.reopened().await;
    assert_eq!(holder(&stage.engine, &theirs.key).await, None);
    assert!(holder(&stage.engine, &mine.key).await.is_some());
}

#[tokio::test]
async fn a_key_that_another_process_revokes_stops_within_two_seconds() {
    let stage = Stage::acme().await;
    let (here, there) = (&stage.engine, beside(&stage));
    let made = key_for(here, "default").await;
    assert!(holder(here, &made.key).await.is_some());
    there.revoke_api_key(made.api_key.id).await.unwrap();
    assert_eq!(holder(&there, &made.key).await, None);
    stage.clock.advance(BELIEVED - MILLISECOND);
    assert!(holder(here, &made.key).await.is_some(), "believed so long");
    stage.clock.advance(MILLISECOND);
    assert_eq!(holder(here, &made.key).await, None);
}

#[tokio::test]
async fn a_key_stops_with_its_tenant() {
    let stage = Stage::acme().await;
    let (here, there) = (&stage.engine, beside(&stage));
    here.create_tenant("acme", None).await.unwrap();
    let made = key_for(here, "acme").await;
    for engine in [here, &there] {
        assert!(holder(engine, &made.key).await.is_some());
    }
    here.delete_tenant("acme").await.unwrap();
    assert_eq!(holder(here, &made.key).await, None);
    stage.clock.advance(BELIEVED);
    assert_eq!(holder(&there, &made.key).await, None);
}

/// A store that is closed fails whoever asks it.
#[tokio::test]
async fn a_request_costs_a_look_into_the_database_every_two_seconds() {
    let stage = Stage::acme().await;
    let engine = &stage.engine;
    let made = key_for(engine, "default").await;
    let other = key_for(engine, "default").await;
    assert!(holder(engine, &made.key).await.is_some());
    engine.store().close().await;
    for _ in 0..2 {
        assert!(holder(engine, &made.key).await.is_some());
        stage.clock.advance(BELIEVED / 2);
    }
    for key in [&made.key, &other.key] {
        let unknown = engine.authenticate(key).await;
        assert!(
            matches!(unknown, Err(EngineError::Store(StoreError::Closed))),
            "{unknown:?}"
        );
    }
}

/// Texts of every kind, most of which come close to a key.
fn nearly_keys() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "tieline_[A-Za-z0-9_-]{0,42}",
        "tieline_[A-Za-z0-9_-]{44,300}",
        "tieline_[A-Za-z0-9_-]{20}[^A-Za-z0-9_-][A-Za-z0-9_-]{22}",
        "(Tieline_|tieline|tieline-|TIELINE_|[^t]ieline_)[A-Za-z0-9_-]{43}",
        "[ \t\n\u{0}]tieline_[A-Za-z0-9_-]{43}",
        "tieline_[A-Za-z0-9_-]{43}[ =\r\n\u{0}ä]",
    ]
}

#[test]
fn what_does_not_look_like_a_key_is_never_looked_up() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let stage = runtime.block_on(Stage::acme());
    let engine = &stage.engine;
    let made = runtime.block_on(key_for(engine, "default"));
    runtime.block_on(engine.store().close());
    // This would be, and then the store says that it is closed.
    assert!(runtime.block_on(engine.authenticate(&made.key)).is_err());
    proptest!(|(text in nearly_keys())| {
        let found = runtime.block_on(engine.authenticate(&Secret::new(text)));
        prop_assert!(matches!(found, Ok(None)), "{found:?}");
    });
}

#[tokio::test]
async fn nobody_waits_until_a_use_is_written_down() {
    let stage = Stage::acme().await;
    let made = key_for(&stage.engine, "default").await;
    let file = stage.folder.path().join("data/store.db");
    let mut writer = options(&file).connect().await.unwrap();
    run(&mut writer, "BEGIN IMMEDIATE").await;
    // Nobody else can write now.
    let found = tokio::time::timeout(Duration::from_secs(5), holder(&stage.engine, &made.key));
    assert!(found.await.expect("does not wait").is_some());
    assert_eq!(stored(&stage, &made).await.last_used_at, None);
    run(&mut writer, "ROLLBACK").await;
    writer.close().await.unwrap();
    eventually("it is written down", async || {
        stored(&stage, &made).await.last_used_at.is_some()
    })
    .await;
}

fn options(file: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new().filename(file)
}

async fn run(connection: &mut SqliteConnection, statement: &'static str) {
    sqlx::raw_sql(statement).execute(connection).await.unwrap();
}

#[tokio::test]
async fn a_use_is_written_down_once_an_hour_and_refuses_nobody() {
    let mut stage = Stage::acme().await;
    let made = key_for(&stage.engine, "default").await;
    let mut noted = Vec::new();
    for minutes in [0, 30, 29, 1] {
        stage.clock.advance(Duration::from_secs(minutes * 60));
        assert!(holder(&stage.engine, &made.key).await.is_some());
        // Shutting down waits for what is being written.
        stage = stage.reopened().await;
        noted.push(stored(&stage, &made).await.last_used_at.unwrap());
    }
    assert_eq!((noted[0], noted[0]), (noted[1], noted[2]));
    assert_eq!(noted[3].duration_since(noted[0]).as_secs(), 60 * 60);

    stage
        .execute(
            "CREATE TRIGGER broken BEFORE UPDATE ON api_keys BEGIN SELECT RAISE(ABORT, 'broken on purpose'); END",
        )
        .await;
    stage.clock.advance(Duration::from_secs(2 * 60 * 60));
    assert!(holder(&stage.engine, &made.key).await.is_some());
    let stage = stage.reopened().await;
    assert_eq!(stored(&stage, &made).await.last_used_at, Some(noted[3]));
}

#[tokio::test]
async fn tenants_see_and_touch_no_keys_but_their_own() {
    let stage = Stage::acme().await;
    let operator = &stage.engine;
    for id in ["acme", "other"] {
        operator.create_tenant(id, None).await.unwrap();
    }
    let [own, others, theirs] = [
        key_for(operator, "default").await,
        key_for(operator, "other").await,
        key_for(&operator.for_tenant("acme"), "acme").await,
    ];
    let acme = operator.for_tenant("acme");
    let seen = acme.api_keys(None, None, 10).await.unwrap();
    let ids: Vec<_> = seen.iter().map(|key| key.id).collect();
    assert_eq!(ids, [theirs.api_key.id]);
    for foreign in [&own, &others] {
        let refused = acme.revoke_api_key(foreign.api_key.id).await;
        assert!(
            matches!(refused, Err(EngineError::NoSuchApiKey(_))),
            "{refused:?}"
        );
        assert!(holder(operator, &foreign.key).await.is_some());
    }
    let for_other = NewApiKey {
        tenant: Some("other".to_owned()),
        permissions: may(&[Permission::Read]),
        ..NewApiKey::default()
    };
    let refusals = [
        acme.create_api_key(for_other).await.map(|_| ()),
        acme.api_keys(Some("other"), None, 10).await.map(|_| ()),
        acme.api_keys(Some("nobody"), None, 10).await.map(|_| ()),
        acme.create_tenant("third", None).await.map(|_| ()),
        acme.tenants(None, 10).await.map(|_| ()),
        acme.tenant_by_id("acme").await.map(|_| ()),
        acme.rename_tenant("acme", None).await.map(|_| ()),
        acme.delete_tenant("other").await,
    ];
    for refused in refusals {
        assert!(
            matches!(refused, Err(EngineError::NotTheOperator)),
            "{refused:?}"
        );
    }
    acme.revoke_api_key(theirs.api_key.id).await.unwrap();

    let all = operator.api_keys(None, None, 10).await.unwrap();
    assert_eq!(all.len(), 3);
    operator.revoke_api_key(others.api_key.id).await.unwrap();
    assert_eq!(holder(operator, &others.key).await, None);
    let unknown = NewApiKey {
        tenant: Some("nobody".to_owned()),
        permissions: may(&[Permission::Read]),
        ..NewApiKey::default()
    };
    let listed = operator.api_keys(Some("nobody"), None, 10).await;
    assert!(
        matches!(&listed, Err(EngineError::NoSuchTenant(id)) if id == "nobody"),
        "{listed:?}"
    );
    let refused = operator.create_api_key(unknown).await;
    assert!(
        matches!(&refused, Err(EngineError::NoSuchTenant(id)) if id == "nobody"),
        "{refused:?}"
    );
}

#[tokio::test]
async fn events_name_who_did_it() {
    let stage = Stage::acme().await;
    let owner = stage.engine.acting_as(tieline_engine::OWNER);
    owner.create_tenant("acme", None).await.unwrap();
    let made = key_for(&owner, "acme").await;
    let found = holder(&stage.engine, &made.key).await.unwrap();
    let acme = stage.engine.for_tenant(&found.tenant);
    let acme = acme.acting_as(&found.actor());
    acme.revoke_api_key(made.api_key.id).await.unwrap();
    let key = format!("api-key:{}", made.api_key.id);
    assert_eq!(
        told(&acme).await,
        [
            ("api_key.created".to_owned(), Some("owner".to_owned())),
            ("api_key.revoked".to_owned(), Some(key.clone())),
        ]
    );
    owner.delete_tenant("acme").await.unwrap();

    let app = stage.app().await;
    let by_key = stage.engine.acting_as(&key);
    by_key.change_app_parameters(&app, [].into()).await.unwrap();
    let instance = stage.connect().await;
    by_key
        .instance(instance.id)
        .disconnect(false)
        .await
        .unwrap();
    owner.delete_app(app.id).await.unwrap();
    let told = told(&stage.engine).await;
    let told: Vec<_> = told
        .iter()
        .map(|(kind, actor)| (&**kind, actor.as_deref()))
        .collect();
    assert_eq!(
        told,
        [
            ("tenant.created", Some("owner")),
            ("tenant.deleted", Some("owner")),
            ("app.created", None),
            ("app.changed", Some(&*key)),
            ("instance.connected", None),
            ("instance.deleted", Some(&*key)),
            ("app.deleted", Some("owner")),
        ]
    );
}

/// Kind and actor of the tenant's events, the oldest first.
async fn told(engine: &Engine) -> Vec<(String, Option<String>)> {
    let events = engine.events(100).await.unwrap().into_iter().rev();
    events.map(|event| (event.kind, event.actor)).collect()
}

#[tokio::test]
async fn a_key_is_kept_by_nobody_but_its_holder() {
    let stage = Stage::acme().await;
    let made = key_for(&stage.engine, "default").await;
    let found = holder(&stage.engine, &made.key).await;
    let stored = stored(&stage, &made).await;
    let json = serde_json::to_string(&stored).unwrap();
    let printed = format!("{made:?} {found:?} {stored:?} {json} {:?}", stage.engine);
    // All but its prefix and what is shown of it.
    let text = made.key.expose();
    let secret = &text["tieline_".len()..text.len() - 4];
    assert!(printed.contains(&text[text.len() - 4..]), "the hint");
    assert!(!printed.contains(secret), "{printed}");

    let backup = stage.folder.path().join("backup.db");
    stage.engine.store().backup(&backup).await.unwrap();
    for when in ["while open", "after closing"] {
        let files = files_below(stage.folder.path());
        assert!(files.len() > 3, "{files:?}");
        let all: Vec<Vec<u8>> = files.iter().map(|file| fs::read(file).unwrap()).collect();
        assert!(all.iter().any(|bytes| holds(bytes, "api_key.created")));
        for (file, bytes) in files.iter().zip(&all) {
            assert!(!holds(bytes, secret), "{when}: {}", file.display());
        }
        stage.engine.shutdown().await;
    }
}

fn holds(bytes: &[u8], text: &str) -> bool {
    let mut windows = bytes.windows(text.len());
    windows.any(|window| window == text.as_bytes())
}

fn files_below(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_below(&path));
        } else if path.is_file() {
            found.push(path);
        }
    }
    found
}
