//! The address holds a password: no error, no `Debug` and no log repeats it.

use std::io;
use std::sync::{Arc, Mutex};

use tieline_core::Secret;
use tieline_store::{Store, StoreError, StoreOptions, StorePlace};
use tracing_subscriber::fmt::MakeWriter;

use crate::home::{Home, TENANT, app, instance};

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

fn options(home: &Home, address: Secret) -> StoreOptions {
    StoreOptions {
        place: StorePlace::Postgres(address),
        master_key: home.master_key(),
        deployment: "default".to_owned(),
        clock: home.clock.clone(),
    }
}

#[tokio::test]
async fn the_password_is_shown_nowhere() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(log.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    tracing::trace!("every level is recorded");
    let home = Home::new().await;
    let right = home.address();
    let mut shown = format!("{:?}", options(&home, home.address()));

    let store = Store::open(options(&home, home.address())).await.unwrap();
    instance(&store, &app(&store, TENANT, "main").await, "a").await;
    shown += &format!("{store:?} {:?}", store.data_dir());
    store.close().await;

    let port = home.database.get_port();
    for (address, cure) in [
        (home.address_with("wrong-cAnArY"), "password"),
        (
            Secret::new(right.expose().replace(&format!(":{port}/"), ":1/")),
            "cannot be reached",
        ),
        (
            Secret::new(right.expose().replace("127.0.0.1", "nowhere.invalid")),
            "cannot be reached",
        ),
        (
            Secret::new(format!("{}no", right.expose())),
            "does not exist",
        ),
        (
            Secret::new(right.expose().replace("postgres:", "mysql:")),
            "postgres://",
        ),
        (
            Secret::new(format!("{}?sslmode=verify-full", right.expose())),
            "TLS",
        ),
    ] {
        let error = Store::open(options(&home, address)).await.unwrap_err();
        assert!(error.to_string().contains(cure), "{error:?}");
        shown += &format!("{error} {error:?}");
    }
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("every level is recorded"));
    for text in [shown, log] {
        assert!(
            !text.contains(&home.password()) && !text.contains("cAnArY"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn whether_to_try_again_is_told() {
    let home = Home::new().await;
    let refused = Store::open(options(&home, home.address_with("wrong")))
        .await
        .unwrap_err();
    assert!(
        matches!(refused, StoreError::DatabaseRefused { .. }) && !refused.is_transient(),
        "{refused:?}"
    );
    let nowhere = Secret::new("postgres://ada:secret@127.0.0.1:1/books");
    let unreachable = Store::open(options(&home, nowhere)).await.unwrap_err();
    assert!(
        matches!(unreachable, StoreError::Unreachable { .. }) && unreachable.is_transient(),
        "{unreachable:?}"
    );
    assert!(
        unreachable
            .to_string()
            .contains("postgres://127.0.0.1:1/books"),
        "{unreachable}"
    );
}
