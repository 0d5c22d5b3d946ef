//! What must hold after every fault, whatever it was: the sandbox is asked, and never the process's own word taken for it.
//!
//! - I1: at most one request at a time for one refresh token; two where one of the processes was killed or frozen.
//! - I2, I5: when faults stop, every instance has a token that works, or needs a person for a cause that is true: the
//!   answer to a refresh that the server did is lost, and only that.
//! - I3: generations only grow.
//! - I4: nobody was ever given a token whose refresh was not stored.

use std::io;
use std::time::{Duration, Instant};

use super::server::ask;
use super::world::{Account, World};

/// When faults have stopped, an instance must be well, or lost, within this time.
const TO_SETTLE: Duration = Duration::from_secs(60);

/// What a campaign counted.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// Faults that were done.
    pub faults: u64,
    /// Refreshes that the server did.
    pub refreshes: u64,
    /// Instances that were lost, each proved by the server to be beyond any client's help.
    pub lost: u64,
    /// The most requests that were at the server at once with one refresh token.
    pub max_in_flight: usize,
    /// What must not be.
    pub violations: Vec<String>,
}

impl Tally {
    /// Adds what another campaign counted.
    pub fn add(&mut self, other: Self) {
        self.faults += other.faults;
        self.refreshes += other.refreshes;
        self.lost += other.lost;
        self.max_in_flight = self.max_in_flight.max(other.max_in_flight);
        self.violations.extend(other.violations);
    }
}

/// Judges every account once faults have stopped; those that are lost are connected anew.
///
/// # Errors
/// When nobody can be asked.
pub async fn judge(world: &mut World, tally: &mut Tally) -> io::Result<()> {
    for index in 0..world.accounts.len() {
        if !tally.violations.is_empty() {
            // Enough is known, and what is broken may take its time to settle.
            return Ok(());
        }
        let mut account = world.accounts[index].clone();
        let lost = settle(world, &mut account, tally).await?;
        if lost {
            tally.lost += 1;
            account.lost += 1;
            judge_events(world, &account, tally).await?;
            account = world.connect(Some(&account)).await?;
        }
        world.accounts[index] = account;
    }
    tally.max_in_flight = tally.max_in_flight.max(world.sandbox.take_max_in_flight());
    Ok(())
}

/// Whether the account is lost for good.
async fn settle(world: &World, account: &mut Account, tally: &mut Tally) -> io::Result<bool> {
    let started = Instant::now();
    let mut dead_tokens = 0;
    loop {
        let sockets = world.sockets();
        let socket = sockets.first().ok_or(io::ErrorKind::NotConnected)?;
        let path = format!("/v1/instances/{}/refresh", account.id);
        // Asked for, so that no pause after a failure hides what there is to find.
        let refreshed = ask(socket, "POST", &path, None).await?;
        let answer = super::world::token(socket, account.id).await?;
        let stored = world.outside.stored(account.id).await?;
        if stored.generation < account.seen {
            tally.violations.push(format!(
                "I3: instance {} went from generation {} back to {}",
                account.id, account.seen, stored.generation
            ));
        }
        account.seen = stored.generation;
        if answer.status == 200 {
            let token = answer.body["access_token"].as_str().unwrap_or_default();
            account.token = token.to_owned();
            if world.sandbox.is_live_access_token(token) {
                return Ok(false);
            }
            dead_tokens += 1;
            if dead_tokens > 3 {
                tally.violations.push(format!(
                    "I2: instance {} is ok with a dead token",
                    account.id
                ));
                return Ok(true);
            }
        }
        if stored.status == "reconnect_required" {
            judge_loss(world, account, stored.cause.as_deref(), tally);
            return Ok(true);
        }
        if started.elapsed() > TO_SETTLE {
            tally.violations.push(format!(
                "I5: instance {} does not settle: {stored:?}, {refreshed:?}",
                account.id
            ));
            return Ok(true);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A loss is true when the server has refreshed oftener than we have stored.
fn judge_loss(world: &World, account: &Account, cause: Option<&str>, tally: &mut Tally) {
    let server = world.sandbox.refreshes_of(&account.token);
    let ours = usize::try_from(account.seen - account.base).unwrap_or_default();
    if cause == Some("conflict") && world.has_slept {
        return;
    }
    if cause != Some("lost_response") {
        tally.violations.push(format!(
            "I5: instance {} needs a person for {cause:?}, which is not true",
            account.id
        ));
    } else if server.is_none_or(|server| server <= ours) {
        tally.violations.push(format!(
            "I5: instance {} is called lost, and the server has refreshed it {server:?} times, we {ours}",
            account.id
        ));
    }
}

/// Whoever is to be told of a loss is told once.
async fn judge_events(world: &World, account: &Account, tally: &mut Tally) -> io::Result<()> {
    let path = format!("/v1/instances/{}/events?limit=500", account.id);
    let answer = world.ask_any("GET", &path, None).await?;
    let events = answer.body["events"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    // The newest first: since it was connected last.
    let told = events
        .iter()
        .take_while(|event| event["kind"] != "instance.reconnected")
        .filter(|event| event["kind"] == "instance.reconnect_required")
        .count();
    if told != 1 && tally.violations.is_empty() {
        tally.violations.push(format!(
            "instance {} was lost, and that was told {told} times",
            account.id
        ));
    }
    Ok(())
}
