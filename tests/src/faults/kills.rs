//! Kills: one process at a time ends by SIGKILL while many refresh, at a place of its own code or at any moment.

use std::io;
use std::time::Duration;

use super::judge::{Tally, judge};
use super::load::Load;
use super::world::World;
use fastrand::Rng;

/// The places of its own code at which a process ends.
pub const FAILPOINTS: [&str; 7] = [
    "after-lease",
    "before-send",
    "after-send",
    "after-body",
    "before-commit",
    "after-commit",
    "before-wake",
];

/// A process that was to end at a place that it did not come to is killed after this.
const LONGEST_LIFE: Duration = Duration::from_secs(5);

/// Kills so many times, and judges after each.
///
/// # Errors
/// When the harness itself fails.
pub async fn kill(
    world: &mut World,
    times: u64,
    random: &mut Rng,
    mut progress: impl FnMut(&Tally),
) -> io::Result<Tally> {
    let mut tally = Tally::default();
    for _ in 0..times {
        let victim = random.usize(..world.servers.len());
        let failpoint = random.bool().then(|| {
            let name = FAILPOINTS[random.usize(..FAILPOINTS.len())];
            format!("{name}:kill:{}", random.u32(1..=8))
        });
        kill_once(world, victim, failpoint, random, &mut tally).await?;
        tally.faults += 1;
        if !tally.violations.is_empty() {
            break;
        }
        if world.servers.iter().flatten().next().is_none() {
            world.servers[victim] = Some(world.start(victim, &[]).await?);
        }
        judge(world, &mut tally).await?;
        if world.servers[victim].is_none() {
            world.servers[victim] = Some(world.start(victim, &[]).await?);
        }
        if tally.max_in_flight > 2 {
            let most = tally.max_in_flight;
            let told = format!("I1: {most} requests at once with one refresh token");
            tally.violations.push(told);
        }
        progress(&tally);
        if !tally.violations.is_empty() {
            break;
        }
    }
    tally.refreshes = world.sandbox.ledger().refreshes() as u64;
    Ok(tally)
}

async fn kill_once(
    world: &mut World,
    victim: usize,
    failpoint: Option<String>,
    random: &mut Rng,
    tally: &mut Tally,
) -> io::Result<()> {
    if let Some(plan) = &failpoint {
        end(world, victim, "TERM").await?;
        let server = world.start(victim, &[("TIELINE_FAILPOINT", plan)]).await?;
        world.servers[victim] = Some(server);
    }
    let load = Load::start(world, random);
    let moment = Duration::from_micros(random.u64(0..120_000));
    let patience = if failpoint.is_some() {
        LONGEST_LIFE
    } else {
        moment
    };
    let server = world.servers[victim]
        .as_mut()
        .ok_or(io::ErrorKind::NotFound)?;
    let died = tokio::time::timeout(patience, server.ended()).await;
    if died.is_err() {
        end(world, victim, "KILL").await?;
    } else {
        world.servers[victim] = None;
    }
    // The replay of what a dead process has sent comes later.
    let most = world.sandbox.take_max_in_flight();
    if most > 1 {
        let told =
            format!("I1: {most} requests at once with one refresh token, and nobody was dead");
        tally.violations.push(told);
    }
    load.end(tally).await;
    Ok(())
}

async fn end(world: &mut World, index: usize, signal: &str) -> io::Result<()> {
    if let Some(mut server) = world.servers[index].take() {
        server.signal(signal).await?;
        server.ended().await?;
    }
    Ok(())
}
