//! A process that is stopped in the middle of a refresh, counts as dead, is replaced, and then wakes.

use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use tieline_sandbox::{Act, Endpoint, Gate};

use super::judge::{Tally, judge};
use super::server::Answer;
use super::world::{World, token};

const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Freezes one process while its request is at the server, until another has taken over; then lets both go on.
///
/// # Errors
/// When the harness itself fails.
pub async fn freeze(world: &mut World, tally: &mut Tally) -> io::Result<()> {
    let account = world.accounts[0].clone();
    let (frozen, other) = (world.sockets()[0].clone(), world.sockets()[1].clone());
    let gate = Gate::new();
    world
        .sandbox
        .script(Endpoint::Token, Act::Hold(gate.clone()));
    let asleep = tokio::spawn(async move { token(&frozen, account.id).await });
    gate.reached().await;
    let server = world.servers[0].as_ref().ok_or(io::ErrorKind::NotFound)?;
    server.signal("STOP").await?;
    let taken_over = when_it_may(&other, account.id).await?;
    if taken_over.status != 200 {
        let told = format!("nobody took over from a frozen process: {taken_over:?}");
        tally.violations.push(told);
    }
    server.signal("CONT").await?;
    world.has_slept = true;
    gate.release();
    // Whatever the one that slept is told: it must not write over what the other has stored.
    let _ = asleep.await;
    let stored = world.outside.stored(account.id).await?;
    if Some(stored.generation) != taken_over.body["generation"].as_i64() {
        let told = format!("a process that woke wrote over another's work: {stored:?}");
        tally.violations.push(told);
    }
    tally.faults += 1;
    judge(world, tally).await
}

/// At a provider that never forgives, the other process waits until the first can't be answered any more.
async fn when_it_may(data_dir: &Path, id: i64) -> io::Result<Answer> {
    let started = Instant::now();
    loop {
        let answer = token(data_dir, id).await?;
        if answer.status != 503 || started.elapsed() > LONGEST_WAIT {
            return Ok(answer);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
