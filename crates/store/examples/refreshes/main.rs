//! How many durable refreshes the store makes in a second: lease and intent, 20 ms at a provider, new tokens.
//!
//! `cargo run --release -p tieline-store --example refreshes [seconds] [stored instances]`, each number of callers with commits that are
//! shared and with one commit for each write, in turn: a disk is not as fast one minute as it is the next.
//!
//! With the address of an empty PostgreSQL database as the third argument, and the feature `postgres`, there instead.

#![expect(clippy::print_stdout, reason = "it is what an example is for")]

pub mod refreshing;

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use refreshing::{Refreshing, TENANT};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};
use tieline_core::{Secret, SystemClock};
use tieline_store::{MasterKey, Store, StoreError, StoreOptions, StorePlace};

type Failure = Box<dyn Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let seconds = arguments.next().map_or(Ok(5), |text| text.parse())?;
    let stored: i64 = arguments.next().map_or(Ok(0), |text| text.parse())?;
    let address = arguments.next();
    let home = tempfile::tempdir()?;
    let store = open(home.path(), address.as_deref()).await?;
    let mut refreshing = Refreshing::fill(store, 2_000).await?;
    if stored > 0 {
        refreshing.store.close().await;
        multiply(&home.path().join("data/store.db"), stored).await?;
        let before = Instant::now();
        refreshing.store = open(home.path(), None).await?;
        println!("{stored} more instances: opened in {:?}", before.elapsed());
        let before = Instant::now();
        refreshing.store.instance(TENANT, refreshing.ids[0]).await?;
        println!(
            "one of them read in {:?}, {}",
            before.elapsed(),
            resident()?
        );
    }
    for callers in [1, 200, 2_000] {
        for batch in [512, 1] {
            if batch == 1 && refreshing.store.is_shared() {
                continue;
            }
            let time = Duration::from_secs(seconds);
            let (took, elapsed) = refreshing.run(callers, batch, time).await?;
            let rate = rate(took, elapsed);
            println!("{callers} callers, at most {batch} writes in a commit: {rate}");
        }
    }
    println!("{}", resident()?);
    refreshing.store.close().await;
    Ok(())
}

fn rate(mut took: Vec<Duration>, elapsed: Duration) -> String {
    let rate = took.len() as f64 / elapsed.as_secs_f64();
    took.sort();
    let middle = took.get(took.len() / 2).copied().unwrap_or_default();
    let late = took.get(took.len() * 99 / 100).copied().unwrap_or_default();
    format!("{rate:.0} refreshes/s, half within {middle:.0?}, 99 % within {late:.0?}")
}

async fn open(home: &Path, address: Option<&str>) -> Result<Store, StoreError> {
    let place = match address {
        Some(address) => StorePlace::Postgres(Secret::new(address)),
        None => StorePlace::Folder(home.join("data")),
    };
    Store::open(StoreOptions {
        place,
        master_key: MasterKey::load_or_create(&home.join("master.key"))?.0,
        deployment: "bench".to_owned(),
        clock: Arc::new(SystemClock),
    })
    .await
}

/// Copies of one row under other ids. Their blobs don't open, which nobody tries.
async fn multiply(database: &Path, count: i64) -> Result<(), Failure> {
    let mut connection = SqliteConnectOptions::new()
        .filename(database)
        .connect()
        .await?;
    sqlx::query(
        "WITH RECURSIVE n (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM n WHERE n < $1) \
         INSERT INTO instances (id, tenant, app, provider, status, status_since, generation, access_token, refresh_token, \
         scopes, captures, parameters, created_at, refreshed_at) \
         SELECT n.n, tenant, app, provider, status, status_since, generation, access_token, refresh_token, scopes, captures, \
         parameters, created_at, refreshed_at FROM n, (SELECT * FROM instances LIMIT 1)",
    )
    .bind(count)
    .execute(&mut connection)
    .await?;
    connection.close().await?;
    Ok(())
}

fn resident() -> Result<String, Failure> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmRSS"));
    Ok(line.unwrap_or_default().to_owned())
}
