//! No secret in the clear: not in any file of the data folder, open or closed, not in a backup, not in a log at TRACE, not in `Debug`.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests; the lint only knows test functions"
)]

use std::fs;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tempfile::TempDir;
use tieline_core::{AppId, InstanceId, ManualClock, Secret, Timestamp, TokenSet};
use tieline_store::{
    App, BeginRefresh, Begun, Binding, CommitRefresh, Instance, MasterKey, NewApp,
    NewAuthorization, NewInstance, NewQuarantine, Purpose, QuarantineKind, Store, StoreOptions,
};
use tracing_subscriber::fmt::MakeWriter;

/// Marks every secret of this test.
const CANARY: &str = "cAnArY";

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

fn secret(name: &str) -> Secret {
    Secret::new(format!("{CANARY}-{name}"))
}

fn tokens(name: &str) -> TokenSet {
    TokenSet {
        refresh_token: Some(secret(&format!("refresh-{name}"))),
        captures: [("plain".to_owned(), "visible".to_owned())].into(),
        ..TokenSet::of(secret(&format!("access-{name}")))
    }
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes
        .windows(text.len())
        .any(|window| window == text.as_bytes())
}

/// Every file below `folder`, and how many hold `text`.
fn files_with(folder: &Path, text: &str) -> (Vec<String>, Vec<String>) {
    let (mut all, mut found) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            let (below, below_found) = files_with(&path, text);
            all.extend(below);
            found.extend(below_found);
        } else {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            if holds(&fs::read(&path).unwrap(), text) {
                found.push(name.clone());
            }
            all.push(name);
        }
    }
    (all, found)
}

async fn open(home: &Path) -> Store {
    let options = StoreOptions {
        place: home.join("data").into(),
        master_key: MasterKey::load_or_create(&home.join("master.key"))
            .unwrap()
            .0,
        deployment: "default".to_owned(),
        clock: Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH)),
    };
    assert!(!format!("{options:?}").contains(&master_text(home)));
    Store::open(options).await.unwrap()
}

async fn create_app(store: &Store) -> App {
    let new = NewApp {
        tenant: "default".to_owned(),
        provider: "acme".to_owned(),
        name: "visible".to_owned(),
        redirect_uri: None,
        endpoints: [].into(),
        context: tieline_core::random::context().unwrap(),
        confirm_url: None,
        return_origins: Vec::new(),
        parameters: [("oauth.api.secret".to_owned(), secret("parameter"))].into(),
    };
    assert!(!format!("{new:?}").contains(CANARY));
    store.create_app(new).await.unwrap()
}

async fn authorize(store: &Store, app: &App) {
    let new = NewAuthorization {
        tenant: "default".to_owned(),
        app: app.id,
        state_hash: [1; 32],
        verifier: Some(secret("verifier")),
        redirect_uri: "visible".to_owned(),
        scopes: Vec::new(),
        binding: Binding::Local,
        user: None,
        browser_hash: None,
        instance: None,
        instance_name: None,
        tags: Vec::new(),
        return_to: None,
        parameters: std::collections::BTreeMap::new(),
        expires_at: Timestamp::UNIX_EPOCH,
    };
    assert!(!format!("{new:?}").contains(CANARY));
    store.start_authorization(new).await.unwrap();
}

async fn connect_and_refresh(store: &Store, app: &App) -> Instance {
    let new = NewInstance {
        id: InstanceId::random().unwrap(),
        tenant: "default".to_owned(),
        app: app.id,
        provider: "acme".to_owned(),
        name: None,
        user: None,
        tags: Vec::new(),
        account_id: None,
        account_label: None,
        parameters: std::collections::BTreeMap::new(),
        beside: None,
        tokens: tokens("first"),
        keep_alive_at: None,
    };
    assert!(!format!("{new:?}").contains(CANARY));
    let instance = store.insert_instance(&new).await.unwrap();
    let begin = BeginRefresh {
        id: instance.id,
        generation: 1,
        owner: "owner".to_owned(),
        attempt: 7,
        token_hash: [7; 32],
        lease: Duration::MAX,
        in_doubt: true,
        seen: None,
    };
    let begun = store.begin_refresh(begin).await.unwrap();
    assert!(matches!(begun, Begun::Taken(_)), "{begun:?}");
    let commit = CommitRefresh {
        id: instance.id,
        generation: 1,
        attempt: 7,
        begun: None,
        tokens: tokens("second"),
        keep_alive_at: None,
        now: Timestamp::UNIX_EPOCH,
    };
    let committed = store.commit_refresh(&commit).await.unwrap();
    assert!(!format!("{commit:?} {committed:?}").contains(CANARY));
    store
        .instance("default", instance.id)
        .await
        .unwrap()
        .unwrap()
}

async fn quarantine(store: &Store, instance: &Instance) {
    let record = NewQuarantine {
        instance: instance.id,
        tenant: "default".to_owned(),
        app: AppId(1),
        generation: 1,
        kind: QuarantineKind::Conflict,
        blob: secret("answer"),
        now: Timestamp::UNIX_EPOCH,
    };
    assert!(!format!("{record:?}").contains(CANARY));
    store.quarantine(record).await.unwrap();
}

/// Opens everything that can be, and returns all that can be printed of it.
async fn reveal(store: &Store, app: &App, instance: &Instance) -> String {
    let access = store.access_token(instance, Purpose::Reveal).await.unwrap();
    assert_eq!(access, secret("access-second"));
    let parameters = store.app_parameters(app).await.unwrap();
    let json = serde_json::to_string(&(app, instance)).unwrap();
    format!("{store:?} {app:?} {instance:?} {access:?} {parameters:?} {json}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_is_ever_in_the_clear() {
    let log = Log::default();
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(log.clone())
        .init();
    tracing::trace!("every level is recorded");
    let home = TempDir::new().unwrap();
    let home = home.path();

    let store = open(home).await;
    let app = create_app(&store).await;
    authorize(&store, &app).await;
    let instance = connect_and_refresh(&store, &app).await;
    quarantine(&store, &instance).await;
    let mut printed = reveal(&store, &app, &instance).await;
    store.rotate_data_key(&mut |_| ()).await.unwrap();
    store
        .backup(&home.join("data/backups/one.db"))
        .await
        .unwrap();

    let (all, found_in) = files_with(home, CANARY);
    for name in ["store.db", "store.db-wal", "store.db-shm", "one.db"] {
        assert!(
            all.iter().any(|file| file == name),
            "{name} is not among {all:?}"
        );
    }
    assert!(found_in.is_empty(), "while open: {found_in:?}");
    // The net does catch: what is not secret is found.
    assert!(files_with(home, "visible").1.contains(&"one.db".to_owned()));

    printed += &format!(
        "{:?}",
        store.take_authorization(&[1; 32]).await.unwrap().unwrap()
    );
    store.close().await;
    let (_, found_in) = files_with(home, CANARY);
    assert!(found_in.is_empty(), "after closing: {found_in:?}");
    open(home).await.close().await;

    let log = log.0.lock().unwrap().clone();
    assert!(holds(&log, "every level is recorded") && holds(&log, "sealed blob opened"));
    for bytes in [log.as_slice(), printed.as_bytes()] {
        assert!(!holds(bytes, CANARY), "{}", String::from_utf8_lossy(bytes));
        assert!(!holds(bytes, &master_text(home)));
    }
    assert_eq!(
        files_with(&home.join("data"), &master_text(home)).1,
        Vec::<String>::new()
    );
}

/// The secret part of the master key file.
fn master_text(home: &Path) -> String {
    let text = fs::read_to_string(home.join("master.key")).unwrap();
    text.trim().rsplit(':').next().unwrap().to_owned()
}
