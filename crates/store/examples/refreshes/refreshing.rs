//! Callers who refresh again and again, with a provider that takes 20 ms: shared with `cargo xtask bench`.

use std::collections::BTreeMap;
use std::error::Error;
use std::time::{Duration, Instant};

use tieline_core::{InstanceId, Secret, Timestamp, TokenSet, random};
use tieline_store::{BeginRefresh, Begun, CommitRefresh, Committed, NewApp, NewInstance, Store};
use tokio::task::JoinSet;

type Failure = Box<dyn Error + Send + Sync>;

/// Whose instances they are.
pub const TENANT: &str = "bench";

const PROVIDER: Duration = Duration::from_millis(20);

/// A store, and the instances that are refreshed there.
#[derive(Debug, Clone)]
pub struct Refreshing {
    /// The store.
    pub store: Store,
    /// The instances.
    pub ids: Vec<InstanceId>,
}

impl Refreshing {
    /// Puts so many instances into an empty store.
    ///
    /// # Errors
    /// When it can't be written.
    pub async fn fill(store: Store, count: usize) -> Result<Self, Failure> {
        let ids = fill(&store, count).await?;
        Ok(Self { store, ids })
    }

    /// So many callers, each of whom refreshes an instance of its own for so long, with at most so many writes in a commit.
    /// Returns how long each refresh took, and how long all of it.
    ///
    /// # Errors
    /// When a refresh is not stored.
    pub async fn run(
        &self,
        callers: usize,
        batch: usize,
        time: Duration,
    ) -> Result<(Vec<Duration>, Duration), Failure> {
        self.store.set_batch_size(batch);
        let start = Instant::now();
        let mut running = JoinSet::new();
        for id in self.ids.iter().take(callers).copied() {
            let store = self.store.clone();
            running.spawn(async move {
                let mut took = Vec::new();
                while start.elapsed() < time {
                    took.push(refresh(&store, id).await?);
                }
                Ok::<_, Failure>(took)
            });
        }
        let mut took = Vec::new();
        while let Some(caller) = running.join_next().await {
            took.extend(caller??);
        }
        Ok((took, start.elapsed()))
    }
}

async fn fill(store: &Store, count: usize) -> Result<Vec<InstanceId>, Failure> {
    let app = NewApp {
        tenant: TENANT.to_owned(),
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
    let mut ids = Vec::with_capacity(count);
    for _ in 0..count {
        let new = NewInstance {
            id: InstanceId::random()?,
            tenant: TENANT.to_owned(),
            app,
            provider: "acme".to_owned(),
            name: None,
            user: None,
            tags: Vec::new(),
            account_id: None,
            account_label: None,
            parameters: BTreeMap::new(),
            beside: None,
            tokens: tokens(),
            keep_alive_at: None,
        };
        ids.push(store.insert_instance(&new).await?.id);
    }
    Ok(ids)
}

async fn refresh(store: &Store, id: InstanceId) -> Result<Duration, Failure> {
    let start = Instant::now();
    let attempt = random::id()?;
    let seen = store.instance(TENANT, id).await?.ok_or("it is gone")?;
    let generation = seen.generation;
    let begin = BeginRefresh {
        id,
        generation,
        owner: "bench".to_owned(),
        attempt,
        token_hash: [0; 32],
        lease: Duration::from_secs(60),
        in_doubt: true,
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

fn tokens() -> TokenSet {
    TokenSet {
        refresh_token: Some(Secret::new("r".repeat(400))),
        captures: BTreeMap::from([("realm".to_owned(), "1".to_owned())]),
        ..TokenSet::of(Secret::new("a".repeat(800)))
    }
}
