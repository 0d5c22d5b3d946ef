//! No secret in the clear: not in any file of the data folder, open or closed, not in a backup, not in a log at TRACE, not in `Debug`.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests; the lint only knows test functions"
)]

use std::fs;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

use tempfile::TempDir;
use tieline_core::{ManualClock, Secret, Timestamp, TokenSet, UserTokens};
use tieline_store::{
    BeginRefresh, Binding, CommitRefresh, MasterKey, NewApp, NewAuthorization, NewInstance,
    NewQuarantine, Purpose, QuarantineKind, Store, StoreOptions,
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
        access_token: secret(&format!("access-{name}")),
        refresh_token: Some(secret(&format!("refresh-{name}"))),
        expires_at: None,
        refresh_expires_at: None,
        scopes: Vec::new(),
        user: Some(UserTokens {
            access_token: secret(&format!("user-access-{name}")),
            refresh_token: Some(secret(&format!("user-refresh-{name}"))),
        }),
        captures: [("plain".to_owned(), "visible".to_owned())].into(),
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_is_ever_in_the_clear() {
    let log = Log::default();
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(log.clone())
        .init();
    let home = TempDir::new().unwrap();
    let (data, key_file) = (home.path().join("data"), home.path().join("master.key"));
    let open = || async {
        let options = StoreOptions {
            data_dir: data.clone(),
            master_key: MasterKey::load_or_create(&key_file).unwrap().0,
            deployment: "default".to_owned(),
            clock: Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH)),
        };
        assert!(!holds(
            format!("{options:?}").as_bytes(),
            &master_text(&key_file)
        ));
        Store::open(options).await.unwrap()
    };
    tracing::trace!("every level is recorded");
    let store = open().await;
    let app = store
        .create_app(NewApp {
            tenant: "default".to_owned(),
            provider: "acme".to_owned(),
            name: "visible".to_owned(),
            redirect_uri: None,
            endpoints: [].into(),
            parameters: [("oauth.api.secret".to_owned(), secret("parameter"))].into(),
        })
        .await
        .unwrap();
    let mut debug = format!("{store:?} {app:?}");
    let new = NewInstance {
        tenant: "default".to_owned(),
        app: app.id,
        provider: "acme".to_owned(),
        name: None,
        account_id: None,
        account_label: None,
        tokens: tokens("first"),
    };
    debug += &format!("{new:?}");
    let instance = store.insert_instance(new).await.unwrap();
    let new = NewAuthorization {
        tenant: "default".to_owned(),
        app: app.id,
        state_hash: [1; 32],
        verifier: Some(secret("verifier")),
        redirect_uri: "visible".to_owned(),
        scopes: Vec::new(),
        binding: Binding::Local,
        user: None,
        instance: None,
        instance_name: None,
        expires_at: Timestamp::UNIX_EPOCH,
    };
    debug += &format!("{new:?}");
    store.start_authorization(new).await.unwrap();
    let begin = BeginRefresh {
        id: instance.id,
        generation: 1,
        owner: "owner".to_owned(),
        attempt: 7,
        token_hash: [7; 32],
        lease_until: Timestamp::MAX,
        now: Timestamp::UNIX_EPOCH,
    };
    debug += &format!("{:?}", store.begin_refresh(begin).await.unwrap());
    let commit = CommitRefresh {
        id: instance.id,
        generation: 1,
        attempt: 7,
        tokens: tokens("second"),
        now: Timestamp::UNIX_EPOCH,
    };
    debug += &format!(
        "{commit:?} {:?}",
        store.commit_refresh(&commit).await.unwrap()
    );
    let record = NewQuarantine {
        instance: instance.id,
        tenant: "default".to_owned(),
        generation: 1,
        kind: QuarantineKind::Conflict,
        blob: secret("answer"),
        now: Timestamp::UNIX_EPOCH,
    };
    debug += &format!("{record:?}");
    store.quarantine(record).await.unwrap();

    let found = store
        .instance("default", instance.id)
        .await
        .unwrap()
        .unwrap();
    debug += &format!("{found:?} {}", serde_json::to_string(&found).unwrap());
    assert_eq!(
        store.access_token(&found, Purpose::Reveal).await.unwrap(),
        secret("access-second")
    );
    debug += &format!(
        "{:?}",
        store.user_tokens(&found, Purpose::Reveal).await.unwrap()
    );
    debug += &format!("{:?}", store.app_parameters(&app).await.unwrap());
    store.rotate_data_key(&mut |_| ()).await.unwrap();
    store
        .backup(&home.path().join("data/backups/one.db"))
        .await
        .unwrap();

    let (all, found_in) = files_with(home.path(), CANARY);
    for name in ["store.db", "store.db-wal", "store.db-shm", "one.db"] {
        assert!(
            all.iter().any(|file| file == name),
            "{name} is not among {all:?}"
        );
    }
    assert!(found_in.is_empty(), "while open: {found_in:?}");
    // The net does catch: what is not secret is found.
    assert!(
        files_with(home.path(), "visible")
            .1
            .contains(&"one.db".to_owned())
    );

    debug += &format!(
        "{:?}",
        store.take_authorization(&[1; 32]).await.unwrap().unwrap()
    );
    store.close().await;
    let store = open().await;
    let found = store
        .instance("default", instance.id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        store
            .refresh_token(&found, Purpose::Check)
            .await
            .unwrap()
            .unwrap(),
        secret("refresh-second")
    );
    store.close().await;
    let (_, found_in) = files_with(home.path(), CANARY);
    assert!(found_in.is_empty(), "after closing: {found_in:?}");

    let log = log.0.lock().unwrap().clone();
    assert!(
        holds(&log, "sealed blob opened") && holds(&log, "every level is recorded"),
        "{}",
        String::from_utf8_lossy(&log)
    );
    for bytes in [log.as_slice(), debug.as_bytes()] {
        assert!(!holds(bytes, CANARY), "{}", String::from_utf8_lossy(bytes));
        assert!(!holds(bytes, &master_text(&key_file)));
    }
    assert_eq!(
        files_with(&data, &master_text(&key_file)).1,
        Vec::<String>::new(),
        "the master key lies in the data folder"
    );
}

/// The secret part of the master key file.
fn master_text(file: &Path) -> String {
    let text = fs::read_to_string(file).unwrap();
    text.trim().rsplit(':').next().unwrap().to_owned()
}
