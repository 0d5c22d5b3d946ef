//! All campaigns in order, short for the tests or as long as somebody wants.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use fastrand::Rng;
use futures_util::future::try_join_all;
use serde::Serialize;
use tokio::sync::mpsc;

use super::away::away;
use super::crashes::crash;
use super::crowd::crowd;
use super::disk::spoil;
use super::drain::drain;
use super::frozen::freeze;
use super::inside;
use super::judge::Tally;
use super::kills::kill;
use super::starved::starve;
use super::wire::wire;
use super::world::{Kept, Provider, World, WorldOptions};
use crate::postgres::Cluster;

/// Seconds of an access token's life that make each use of one a refresh …
const SHORT_LIVED: u64 = 5;
/// … and that make none one.
const LONG_LIVED: u64 = 3_600;

/// How much harm is done.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The binary under test.
    pub binary: PathBuf,
    /// The seed of all that is random.
    pub seed: u64,
    /// Kills for each store and provider.
    pub kills: u64,
    /// Rounds of a dozen faults each of the network.
    pub wires: u64,
    /// Times that the database is killed.
    pub crashes: u64,
    /// Times that it is away for longer than a lease lasts.
    pub aways: u64,
    /// Times that a process is asked to end, and how many refreshes are in flight then.
    pub drains: (u64, usize),
    /// Callers of one token, and how slow the provider is, each time.
    pub crowd: (usize, Vec<Duration>),
    /// Callers who go away.
    pub dropped: u64,
    /// Instances of an app whose secret is wrong.
    pub wrong_secret: u64,
    /// Bits that are flipped.
    pub flips: u64,
    /// The rule to break, if any.
    pub sabotage: Option<String>,
}

/// One line of the table.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// What was done.
    pub fault: String,
    /// To which store.
    pub store: &'static str,
    /// At what kind of provider.
    pub provider: &'static str,
    /// Faults done.
    pub faults: u64,
    /// Refreshes that the server did.
    pub refreshes: u64,
    /// Instances lost.
    pub lost: u64,
    /// Whether any loss is one too many.
    pub none_may_be_lost: bool,
    /// What must not be.
    pub violations: Vec<String>,
}

impl Row {
    /// Whether this is as it must be.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.violations.is_empty() && !(self.none_may_be_lost && self.lost > 0)
    }
}

/// What hears of each line as it is done, and of each step before.
pub trait Listener {
    /// A campaign goes on.
    fn step(&mut self, fault: &str, done: u64, of: u64);
    /// A campaign is over.
    fn row(&mut self, row: &Row);
}

/// Runs a campaign after the other.
pub struct Runner<'a> {
    plan: &'a Plan,
    random: Rng,
    listener: Box<dyn Listener + 'a>,
    rows: Vec<Row>,
}

impl<'a> Runner<'a> {
    /// Nothing is done yet.
    pub fn new(plan: &'a Plan, listener: impl Listener + 'a) -> Self {
        Self {
            plan,
            random: Rng::with_seed(plan.seed),
            listener: Box::new(listener),
            rows: Vec::new(),
        }
    }

    /// What was seen.
    #[must_use]
    pub fn rows(self) -> Vec<Row> {
        self.rows
    }

    /// Processes are killed, in several worlds at once: on stores where it takes time to be taken for dead, that saves it.
    ///
    /// # Errors
    /// When the harness itself fails.
    pub async fn kills(&mut self, worlds: &[Kept], provider: Provider) -> io::Result<()> {
        let times = self.plan.kills.div_ceil(worlds.len() as u64);
        let (told, mut heard) = mpsc::unbounded_channel();
        let mut runs = Vec::new();
        for kept in worlds {
            let mut world = self.world(kept, provider, 12).await?;
            let (mut random, told) = (self.random.fork(), told.clone());
            runs.push(async move {
                let progress = |_: &Tally| {
                    // Whoever is to hear of it waits until all worlds have ended.
                    let _ = told.send(());
                };
                kill(&mut world, times, &mut random, progress).await
            });
        }
        drop(told);
        let mut runs = std::pin::pin!(try_join_all(runs));
        let mut done = 0;
        let tallies = loop {
            tokio::select! {
                tallies = &mut runs => break tallies?,
                Some(()) = heard.recv() => {
                    done += 1;
                    self.listener.step("kill -9", done, self.plan.kills);
                }
            }
        };
        let mut tally = Tally::default();
        tallies.into_iter().for_each(|one| tally.add(one));
        let none = provider == Provider::Forgiving;
        self.tell("kill -9", &worlds[0], provider, none, tally);
        Ok(())
    }

    /// The database is killed.
    ///
    /// # Errors
    /// When the harness itself fails.
    pub async fn crashes(&mut self, cluster: &Cluster, provider: Provider) -> io::Result<()> {
        let url = cluster.create_database().await.map_err(io::Error::other)?;
        let kept = Kept::Postgres { url, processes: 4 };
        let mut world = self.world(&kept, provider, 12).await?;
        let (times, listener) = (self.plan.crashes, &mut self.listener);
        let fault = "kill -9 of the database and all its children";
        let tally = crash(&mut world, cluster, times, &mut self.random, |done| {
            listener.step(fault, done, times);
        })
        .await?;
        // No process dies, and each writes in the end what it has in hand.
        self.tell(fault, &kept, provider, true, tally);
        Ok(())
    }

    /// The database is away for longer than a lease lasts, and comes back. No process dies, so nothing may be lost.
    ///
    /// # Errors
    /// When the harness itself fails.
    pub async fn aways(&mut self, cluster: &Cluster, provider: Provider) -> io::Result<()> {
        let url = cluster.create_database().await.map_err(io::Error::other)?;
        let kept = Kept::Postgres { url, processes: 4 };
        let mut world = self.world(&kept, provider, 2).await?;
        let (times, listener) = (self.plan.aways, &mut self.listener);
        let fault = "the database is away for longer than a lease, with new tokens in hand";
        let tally = away(&mut world, cluster, times, |done| {
            listener.step(fault, done, times);
        })
        .await?;
        self.tell(fault, &kept, provider, true, tally);
        Ok(())
    }

    /// The one process is asked to end.
    ///
    /// # Errors
    /// When the harness itself fails.
    pub async fn drains(&mut self) -> io::Result<()> {
        let (times, in_flight) = self.plan.drains;
        let (kept, provider) = (Kept::Sqlite, Provider::Strict);
        let mut world = self.world(&kept, provider, in_flight).await?;
        let fault = format!("SIGTERM with {in_flight} refreshes in flight");
        let mut tally = Tally::default();
        for time in 0..times {
            drain(&mut world, &mut tally).await?;
            self.listener.step(&fault, time + 1, times);
        }
        tally.refreshes = world.sandbox.ledger().refreshes() as u64;
        self.tell(&fault, &kept, provider, true, tally);
        Ok(())
    }

    /// Many want one token.
    ///
    /// # Errors
    /// When the harness itself fails.
    pub async fn crowds(&mut self, kept: &Kept) -> io::Result<()> {
        let (callers, slow) = self.plan.crowd.clone();
        let provider = Provider::Strict;
        let accounts = slow.len();
        let mut world = self.world_of(kept, provider, accounts, LONG_LIVED).await?;
        for (which, slow) in slow.into_iter().enumerate() {
            let fault = format!(
                "{callers} callers of one token, answered after {} s",
                slow.as_secs()
            );
            let mut tally = Tally::default();
            crowd(&mut world, which, callers, slow, &mut tally).await?;
            self.tell(&fault, kept, provider, true, tally);
        }
        Ok(())
    }

    /// The store can't be written.
    ///
    /// # Errors
    /// When the harness itself fails.
    pub async fn starvation(&mut self) -> io::Result<()> {
        let (kept, provider) = (Kept::Sqlite, Provider::Strict);
        let mut world = self.world(&kept, provider, 12).await?;
        let mut tally = Tally::default();
        starve(&mut world, &mut tally).await?;
        self.tell("no file may grow", &kept, provider, true, tally);
        Ok(())
    }

    /// The network fails between the process and the token endpoint.
    ///
    /// # Errors
    /// When the harness itself fails.
    pub async fn wires(&mut self, provider: Provider) -> io::Result<()> {
        let kept = Kept::Sqlite;
        let mut options = self.options(&kept, provider, 12, SHORT_LIVED);
        options.through_proxy = true;
        let mut world = World::begin(options).await?;
        let fault = "answers late, in drops, cut, half-closed or lost; requests refused";
        let (rounds, listener) = (self.plan.wires, &mut self.listener);
        let tally = wire(&mut world, rounds, &mut self.random, |done| {
            listener.step(fault, done, rounds);
        })
        .await?;
        self.tell(
            fault,
            &kept,
            provider,
            provider == Provider::Forgiving,
            tally,
        );
        Ok(())
    }

    /// The disk is full, and then read-only. `false` where this machine lets nobody mount one.
    ///
    /// # Errors
    /// When the harness itself fails.
    pub async fn disks(&mut self) -> io::Result<bool> {
        let (kept, provider) = (Kept::Sqlite, Provider::Strict);
        let mut world = self.world(&kept, provider, 12).await?;
        let mut tally = Tally::default();
        let is_done = spoil(&mut world, &mut tally).await?;
        if is_done {
            let fault = "a full disk, a read-only disk";
            self.tell(fault, &kept, provider, true, tally);
        }
        Ok(is_done)
    }

    /// A process of several is stopped in a refresh, and wakes when another has done it.
    ///
    /// # Errors
    /// When the harness itself fails.
    pub async fn freezes(&mut self, kept: &Kept, provider: Provider) -> io::Result<()> {
        let mut world = self.world(kept, provider, 3).await?;
        let mut tally = Tally::default();
        freeze(&mut world, &mut tally).await?;
        let none = provider == Provider::Forgiving;
        self.tell(
            "SIGSTOP in a refresh, SIGCONT when it is taken over",
            kept,
            provider,
            none,
            tally,
        );
        Ok(())
    }

    /// Faults that need no process.
    pub async fn inside(&mut self) {
        let Plan {
            dropped,
            wrong_secret,
            flips,
            ..
        } = *self.plan;
        let kept = Kept::Sqlite;
        let strict = Provider::Strict;
        let tally = inside::dropped_callers(dropped, &mut self.random).await;
        self.tell("callers who go away", &kept, strict, true, tally);
        let tally = inside::cut_answers().await;
        self.tell("answers cut after each byte", &kept, strict, false, tally);
        let tally = inside::wrong_secret(wrong_secret).await;
        self.tell(
            "instances of an app with a wrong secret",
            &kept,
            strict,
            true,
            tally,
        );
        let tally = inside::flipped_bits(flips, &mut self.random).await;
        self.tell(
            "bits flipped in the database file",
            &kept,
            strict,
            true,
            tally,
        );
    }

    async fn world(&self, kept: &Kept, provider: Provider, accounts: usize) -> io::Result<World> {
        self.world_of(kept, provider, accounts, SHORT_LIVED).await
    }

    async fn world_of(
        &self,
        kept: &Kept,
        provider: Provider,
        accounts: usize,
        lifetime: u64,
    ) -> io::Result<World> {
        World::begin(self.options(kept, provider, accounts, lifetime)).await
    }

    fn options(
        &self,
        kept: &Kept,
        provider: Provider,
        accounts: usize,
        lifetime: u64,
    ) -> WorldOptions {
        let sabotage = self.plan.sabotage.iter();
        WorldOptions {
            binary: self.plan.binary.clone(),
            provider,
            kept: kept.clone(),
            accounts,
            environment: sabotage
                .map(|rule| ("TIELINE_SABOTAGE".to_owned(), rule.clone()))
                // The sandbox answers at once: nobody need wait for what a dead process may still be told. A database that is
                // killed refuses connections: nobody hangs who has an answer in hand.
                .chain([(
                    "TIELINE_SHORTENED".to_owned(),
                    "surely-over:6000,in-touch:5000".to_owned(),
                )])
                .collect(),
            arguments: vec!["--log".to_owned(), "info".to_owned()],
            lifetime,
            through_proxy: false,
        }
    }

    fn tell(
        &mut self,
        fault: &str,
        kept: &Kept,
        provider: Provider,
        none_may_be_lost: bool,
        tally: Tally,
    ) {
        let row = Row {
            fault: fault.to_owned(),
            store: match kept {
                Kept::Sqlite => "SQLite",
                Kept::Postgres { .. } => "PostgreSQL, 4 processes",
            },
            provider: match provider {
                Provider::Forgiving => "30 s",
                Provider::Strict => "none",
            },
            faults: tally.faults,
            refreshes: tally.refreshes,
            lost: tally.lost,
            none_may_be_lost,
            violations: tally.violations,
        };
        self.listener.row(&row);
        self.rows.push(row);
    }
}
