//! How many durable refreshes the store makes in a second: lease and intent, 20 ms at a provider, new tokens.
//!
//! `cargo run --release -p tieline-store --example refreshes [seconds] [stored instances]`, each number of callers with commits that are
//! shared and with one commit for each write, in turn: a disk is not as fast one minute as it is the next.
//!
//! With the address of an empty PostgreSQL database as the third argument, and the feature `postgres`, there instead.

#![expect(clippy::print_stdout, reason = "it is what an example is for")]

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};
use tieline_core::{InstanceId, Secret, SystemClock, Timestamp, TokenSet, random};
use tieline_store::{
    BeginRefresh, Begun, CommitRefresh, Committed, Instance, MasterKey, NewApp, NewInstance, Store,
    StoreError, StoreOptions, StorePlace,
};
use tokio::task::JoinSet;

type Failure = Box<dyn Error + Send + Sync>;

const PROVIDER: Duration = Duration::from_millis(20);

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let seconds = arguments.next().map_or(Ok(5), |text| text.parse())?;
    let stored: i64 = arguments.next().map_or(Ok(0), |text| text.parse())?;
    let address = arguments.next();
    let home = tempfile::tempdir()?;
    let store = open(home.path(), address.as_deref()).await?;
    let instances = fill(&store, 2_000).await?;
    let mut store = store;
    if stored > 0 {
        store.close().await;
        multiply(&home.path().join("data/store.db"), stored).await?;
        let before = Instant::now();
        store = open(home.path(), None).await?;
        println!("{stored} more instances: opened in {:?}", before.elapsed());
        let before = Instant::now();
        store.instance("bench", instances[0].id).await?;
        println!(
            "one of them read in {:?}, {}",
            before.elapsed(),
            resident()?
        );
    }
    for callers in [1, 200, 2_000] {
        for batch in [512, 1] {
            if batch == 1 && store.is_shared() {
                continue;
            }
            store.set_batch_size(batch);
            let chosen = instances.iter().take(callers).map(|instance| instance.id);
            let rate = run(&store, chosen.collect(), Duration::from_secs(seconds)).await?;
            println!("{callers} callers, at most {batch} writes in a commit: {rate}");
        }
    }
    println!("{}", resident()?);
    store.close().await;
    Ok(())
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

fn tokens() -> TokenSet {
    TokenSet {
        refresh_token: Some(Secret::new("r".repeat(400))),
        captures: BTreeMap::from([("realm".to_owned(), "1".to_owned())]),
        ..TokenSet::of(Secret::new("a".repeat(800)))
    }
}

async fn fill(store: &Store, count: usize) -> Result<Vec<Instance>, Failure> {
    let app = NewApp {
        tenant: "bench".to_owned(),
        provider: "acme".to_owned(),
        name: "main".to_owned(),
        redirect_uri: None,
        endpoints: BTreeMap::new(),
        context: random::context()?,
        confirm_url: None,
        return_origins: Vec::new(),
        parameters: BTreeMap::new(),
    };
    let app = store.create_app(app).await?.id;
    let mut instances = Vec::with_capacity(count);
    for _ in 0..count {
        let new = NewInstance {
            id: InstanceId::random()?,
            tenant: "bench".to_owned(),
            app,
            provider: "acme".to_owned(),
            name: None,
            user: None,
            tags: Vec::new(),
            account_id: None,
            account_label: None,
            parameters: BTreeMap::new(),
            tokens: tokens(),
            keep_alive_at: None,
        };
        instances.push(store.insert_instance(&new).await?);
    }
    Ok(instances)
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

/// Each caller refreshes an instance of its own, again and again.
async fn run(store: &Store, ids: Vec<InstanceId>, time: Duration) -> Result<String, Failure> {
    let start = Instant::now();
    let mut callers = JoinSet::new();
    for id in ids {
        let store = store.clone();
        callers.spawn(async move {
            let mut took = Vec::new();
            while start.elapsed() < time {
                took.push(refresh(&store, id).await?);
            }
            Ok::<_, Failure>(took)
        });
    }
    let mut took = Vec::new();
    while let Some(caller) = callers.join_next().await {
        took.extend(caller??);
    }
    let rate = took.len() as f64 / start.elapsed().as_secs_f64();
    took.sort();
    let middle = took.get(took.len() / 2).copied().unwrap_or_default();
    let late = took.get(took.len() * 99 / 100).copied().unwrap_or_default();
    Ok(format!(
        "{rate:.0} refreshes/s, half within {middle:.0?}, 99 % within {late:.0?}"
    ))
}

async fn refresh(store: &Store, id: InstanceId) -> Result<Duration, Failure> {
    let start = Instant::now();
    let attempt = random::id()?;
    let seen = store.instance("bench", id).await?.ok_or("it is gone")?;
    let generation = seen.generation;
    let begin = BeginRefresh {
        id,
        generation,
        owner: "bench".to_owned(),
        attempt,
        token_hash: [0; 32],
        lease: Duration::from_secs(60),
        seen: Some(seen),
    };
    let Begun::Taken(begun) = store.begin_refresh(begin).await? else {
        return Err("somebody else refreshes it".into());
    };
    tokio::time::sleep(PROVIDER).await;
    let commit = CommitRefresh {
        id,
        generation,
        attempt,
        begun: Some(begun),
        tokens: tokens(),
        keep_alive_at: None,
        now: Timestamp::UNIX_EPOCH,
    };
    let Committed::Done(_) = store.commit_refresh(&commit).await? else {
        return Err("somebody else was faster".into());
    };
    Ok(start.elapsed())
}

fn resident() -> Result<String, Failure> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmRSS"));
    Ok(line.unwrap_or_default().to_owned())
}
